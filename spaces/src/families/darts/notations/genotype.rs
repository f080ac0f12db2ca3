//! `Genotype(..)` as people print and write it.

use super::super::{CellGenotype, Genotype, PUBLISHED, Primitive, STEPS};
use super::nodes;
use crate::error::SpaceError;
use crate::lookup::nearest;
use crate::notation::literal::{Literal, Value, statement_from};
use crate::notation::names::DARTS;
use crate::notation::refused;

const NOTATION: &str = "a DARTS genotype Genotype(normal=[('op', node), ..8], normal_concat=range(2, 6), \
                        reduce=[..8], reduce_concat=range(2, 6))";

/// The fields of the published named tuple, in order.
const FIELDS: [&str; 4] = ["normal", "normal_concat", "reduce", "reduce_concat"];

/// What the fields may stand in.
const CALLS: [&str; 3] = ["Genotype", "dict", "OrderedDict"];

/// Reads a published name, `Genotype(..)` with anything before it that a log puts there, or its fields
/// in a dictionary.
pub(super) fn read(text: &str) -> Result<Genotype, SpaceError> {
    if let Some(genotype) = Genotype::named(text) {
        return Ok(genotype);
    }
    let bad = |reason: String| refused(text, NOTATION, reason);
    let start = match text.find("Genotype(").or_else(|| text.find("Genotype (")) {
        Some(start) => start,
        None if text.contains('{') || text.contains("Genotype") => 0,
        None => return Err(bad(nameless(text))),
    };
    statement_from(text, start).and_then(|literal| genotype(&literal)).map_err(bad)
}

/// What is wrong with a text that could only be a name.
fn nameless(text: &str) -> String {
    let names = PUBLISHED.map(|(name, _)| name);
    let meant = nearest(text, names).map(|name| format!("did you mean {name}? ")).unwrap_or_default();
    format!(
        "it neither is a published name ({}) nor has \"Genotype(\"; {meant}of any other give the Genotype(..) itself",
        names.join(", ")
    )
}

fn genotype(literal: &Literal<'_>) -> Result<Genotype, String> {
    let given: Vec<(&str, &Literal<'_>)> = match (literal.arguments(), &literal.value) {
        (_, Value::Call { name, .. }) if !CALLS.contains(name) => {
            return Err(literal.wrong(format!("expected Genotype(..), found {name}(..)")));
        }
        (arguments @ [_, ..], Value::Call { name, .. }) if *name == "Genotype" => {
            if arguments.len() > FIELDS.len() {
                return Err(literal.wrong(format!("{} fields given, expected 4", arguments.len())));
            }
            FIELDS.into_iter().zip(arguments).chain(literal.fields("fields").unwrap_or_default()).collect()
        }
        (_, Value::Call { fields, .. }) if fields.is_empty() => Vec::new(),
        _ => literal.fields("Genotype(..) or a dictionary with its fields")?,
    };
    let (mut normal, mut reduce) = (None, None);
    for (name, value) in given {
        match name {
            "normal" => normal = Some(cell(value)?),
            "reduce" => reduce = Some(cell(value)?),
            "normal_concat" | "reduce_concat" => concat(value)?,
            // AutoDL-Projects prints `connectN=None, connects=None`.
            _ if matches!(&value.value, Value::Name("None" | "null")) => {}
            other => return Err(value.wrong(format!("unknown field {other:?}"))),
        }
    }
    let missing = |name: &str| literal.wrong(format!("field {name:?} is missing"));
    Ok(Genotype {
        normal: normal.ok_or_else(|| missing("normal"))?,
        reduce: reduce.ok_or_else(|| missing("reduce"))?,
    })
}

/// Eight edges, or four nodes with two each.
fn cell(literal: &Literal<'_>) -> Result<CellGenotype, String> {
    let items = literal.items("a list of edges")?;
    let nested = items.first().and_then(|item| item.arguments().first()).map(|inner| &inner.value);
    let edges: Vec<&Literal<'_>> = if matches!(nested, Some(Value::List(_))) {
        let mut edges = Vec::new();
        for node in items {
            match node.items("the two edges of a node")? {
                [a, b] => edges.extend([a, b]),
                found => return Err(node.wrong(format!("a node has 2 edges, not {}", found.len()))),
            }
        }
        edges
    } else {
        items.iter().collect()
    };
    if edges.len() != 2 * STEPS {
        let found = edges.len();
        let nodes =
            if found == 10 { ": five nodes, as in NASNet and AmoebaNet, are another space" } else { "" };
        return Err(literal.wrong(format!("a cell has {} edges, not {found}{nodes}", 2 * STEPS)));
    }
    if edges.iter().any(|edge| edge.arguments().len() == 3) {
        return by_target(&edges);
    }
    let read = edges.into_iter().map(edge).collect::<Result<Vec<_>, _>>()?;
    read.try_into().map_err(|_| literal.wrong("a cell has 8 edges"))
}

fn edge(literal: &Literal<'_>) -> Result<(Primitive, usize), String> {
    let [op, from] = literal.items("a pair ('op', node)")? else {
        return Err(literal.wrong("expected a pair ('op', node)"));
    };
    Ok((primitive(op)?, from.number("a node number")?))
}

fn primitive(literal: &Literal<'_>) -> Result<Primitive, String> {
    let name = literal.text("the name of an operation")?;
    let position = DARTS.position(name).ok_or_else(|| literal.wrong(DARTS.unknown(name)))?;
    Ok(Primitive::ALL[position])
}

/// Triples ('op', a, b), in any order of nodes; the lower of the two numbers is the source, as edges go upwards.
fn by_target(edges: &[&Literal<'_>]) -> Result<CellGenotype, String> {
    let mut steps: [Vec<(Primitive, usize)>; STEPS] = Default::default();
    for literal in edges {
        let [op, a, b] = literal.items("a triple ('op', from, to)")? else {
            return Err(literal.wrong("expected a triple ('op', from, to) like the others"));
        };
        let (a, b) = (a.number("a node number")?, b.number("a node number")?);
        let (from, to) = (a.min(b), a.max(b));
        let step = to.checked_sub(2).and_then(|step| steps.get_mut(step)).filter(|_| from < to);
        let range = format!("an edge goes upwards into one of nodes 2 to 5, not from {from} to {to}");
        step.ok_or_else(|| literal.wrong(range))?.push((primitive(op)?, from));
    }
    match steps.iter().position(|step| step.len() != 2) {
        Some(step) => {
            Err(edges[0].wrong(format!("node {} has {} edges, not 2", step + 2, steps[step].len())))
        }
        None => Ok(std::array::from_fn(|slot| steps[slot / 2][slot % 2])),
    }
}

/// The output is the concatenation of the four intermediate nodes and nothing else.
fn concat(literal: &Literal<'_>) -> Result<(), String> {
    let mut nodes = literal.integers("the nodes of the output")?;
    nodes.sort_unstable();
    if nodes == [2, 3, 4, 5] {
        return Ok(());
    }
    Err(literal.wrong(format!("the output concatenates nodes 2 to 5, not {nodes:?}")))
}

/// `Genotype(..)` with these cells.
fn python(genotype: &Genotype, cell: fn(&CellGenotype) -> String) -> String {
    let (normal, reduce) = (cell(&genotype.normal), cell(&genotype.reduce));
    format!(
        "Genotype(normal=[{normal}], normal_concat=range(2, 6), reduce=[{reduce}], reduce_concat=range(2, 6))"
    )
}

/// Prints the pairs of each node in brackets.
pub(super) fn nested(genotype: &Genotype) -> String {
    python(genotype, |cell| {
        let node = |(_, [(a, from), (b, also)]): (usize, [(Primitive, usize); 2])| {
            format!("(('{}', {from}), ('{}', {also}))", a.name(), b.name())
        };
        nodes(cell).map(node).collect::<Vec<_>>().join(", ")
    })
}

/// Prints triples ('op', from, to).
pub(super) fn triples(genotype: &Genotype) -> String {
    python(genotype, |cell| {
        let edges = nodes(cell).flat_map(|(node, pair)| pair.map(|(op, from)| (op, from, node)));
        edges.map(|(op, from, to)| format!("('{}', {from}, {to})", op.name())).collect::<Vec<_>>().join(", ")
    })
}

/// Prints JSON.
pub(super) fn json(genotype: &Genotype) -> String {
    let cell = |cell: &CellGenotype| cell.map(|(op, from)| format!("[\"{}\", {from}]", op.name())).join(", ");
    let (normal, reduce) = (cell(&genotype.normal), cell(&genotype.reduce));
    let concat = "[2, 3, 4, 5]";
    format!(
        "{{\"normal\": [{normal}], \"normal_concat\": {concat}, \"reduce\": [{reduce}], \"reduce_concat\": {concat}}}"
    )
}
