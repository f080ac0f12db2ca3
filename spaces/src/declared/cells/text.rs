//! The texts of cells.

use super::form::{Form, Node, Point};
use crate::catalogue::unknown;
use crate::declared::description::{Carrier, CellText, Output};
use crate::graph::Vocabulary;
use crate::notation::TILDES;
use crate::notation::literal::{Literal, statement};

/// Cells with their names in texts.
pub(super) struct Texts<'a> {
    pub(super) kind: CellText,
    pub(super) forms: Vec<(&'a str, &'a Form)>,
    pub(super) vocabulary: &'a Vocabulary,
}

impl Texts<'_> {
    /// Prints the cells of an architecture.
    pub(super) fn print(&self, points: &[Point]) -> String {
        let cells = self.forms.iter().zip(points);
        if self.kind == CellText::Genotype {
            let field = |((name, form), point): (&(&str, &Form), &Point)| {
                let edges: Vec<String> =
                    self.slots(form, point).map(|(op, from)| format!("('{op}', {from})")).collect();
                let (first, end) = (form.inputs, form.output_node());
                format!("{name}=[{}], {name}_concat=range({first}, {end})", edges.join(", "))
            };
            return format!("Genotype({})", cells.map(field).collect::<Vec<_>>().join(", "));
        }
        let cell = |((name, form), point): (&(&str, &Form), &Point)| {
            let text =
                if self.kind == CellText::Bits { self.bits(form, point) } else { self.edges(form, point) };
            if name.is_empty() { text } else { format!("{name}={text}") }
        };
        cells.map(cell).collect::<Vec<_>>().join(" ")
    }

    /// Operation and source of each edge.
    fn slots<'p>(&'p self, form: &'p Form, point: &'p Point) -> impl Iterator<Item = (&'p str, usize)> + 'p {
        let slot = |(&op, &from): (&usize, &usize)| (self.vocabulary.name(form.ops[op]), from);
        point.iter().flat_map(move |node| node.ops.iter().zip(&node.sources).map(slot))
    }

    fn edges(&self, form: &Form, point: &Point) -> String {
        let node = |node: &Node| {
            let edge =
                |(&op, &from): (&usize, &usize)| format!("{}~{from}|", self.vocabulary.name(form.ops[op]));
            format!("|{}", node.ops.iter().zip(&node.sources).map(edge).collect::<String>())
        };
        point.iter().map(node).collect::<Vec<_>>().join("+")
    }

    fn bits(&self, form: &Form, point: &Point) -> String {
        let reads = |from: usize, to: usize| {
            let node = to.checked_sub(form.inputs).and_then(|place| point.get(place));
            let all = form.output == Output::All && to == form.output_node() && from >= form.inputs;
            all || node.is_some_and(|node| node.sources.contains(&from))
        };
        let last = form.output_node();
        let pairs = (0..=last).flat_map(|from| (from + 1..=last).map(move |to| (from, to)));
        let bits: String = pairs.map(|(from, to)| if reads(from, to) { '1' } else { '0' }).collect();
        let ops = point.iter().flat_map(|node| &node.ops).map(|&op| self.vocabulary.name(form.ops[op]));
        format!("{bits}|{}", ops.collect::<Vec<_>>().join(";"))
    }

    /// Reads the cells of an architecture.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub(super) fn read(&self, text: &str) -> Result<Vec<Point>, String> {
        if self.kind == CellText::Genotype {
            return self.read_genotype(text);
        }
        let parts: Vec<&str> = text.split_whitespace().collect();
        if parts.len() != self.forms.len() {
            return Err(format!("{} cells given, expected {}", parts.len(), self.forms.len()));
        }
        let cell = |((name, form), part): (&(&str, &Form), &&str)| {
            let named = || part.strip_prefix(name).and_then(|rest| rest.strip_prefix('='));
            let text = if name.is_empty() { Some(*part) } else { named() };
            let text = text.ok_or_else(|| format!("expected {name}=.., found {part:?}"))?;
            let read = if self.kind == CellText::Bits {
                self.read_bits(form, text)
            } else {
                self.read_edges(form, text)
            };
            let read = read.and_then(|point| checked(form, point));
            read.map_err(|reason| if name.is_empty() { reason } else { format!("cell {name}: {reason}") })
        };
        self.forms.iter().zip(&parts).map(cell).collect()
    }

    /// The position of an operation in a form.
    fn position(&self, form: &Form, name: &str) -> Result<usize, String> {
        let names = || form.ops.iter().map(|&op| self.vocabulary.name(op));
        names().position(|own| own == name).ok_or_else(|| unknown("operation", name, names()))
    }

    fn read_edges(&self, form: &Form, text: &str) -> Result<Point, String> {
        let nodes: Vec<&str> = text.split('+').collect();
        if nodes.len() != form.wirings.len() {
            return Err(format!("{} nodes given, expected {}", nodes.len(), form.wirings.len()));
        }
        let node = |(place, text): (usize, &&str)| {
            let number = form.inputs + place;
            let inner = text
                .strip_prefix('|')
                .and_then(|rest| if rest.is_empty() { Some(rest) } else { rest.strip_suffix('|') });
            let inner = inner.ok_or_else(|| format!("node {number} must stand between bars: |op~0|..|"))?;
            let mut node = Node { sources: Vec::new(), ops: Vec::new() };
            for term in inner.split('|').filter(|term| !term.is_empty()) {
                let (op, from) = term
                    .rsplit_once(TILDES)
                    .ok_or_else(|| format!("{term:?} of node {number} must be op~node"))?;
                let from =
                    from.parse().map_err(|_| format!("{from:?} of node {number} is no node number"))?;
                node.ops.push(self.position(form, op)?);
                node.sources.push(from);
            }
            Ok(node)
        };
        nodes.iter().enumerate().map(node).collect()
    }

    fn read_bits(&self, form: &Form, text: &str) -> Result<Point, String> {
        let (bits, ops) = text.split_once('|').ok_or("no '|' between bits and operations")?;
        let ops: Vec<&str> = ops.split(';').filter(|op| !op.is_empty()).collect();
        if ops.len() != form.nodes {
            return Err(format!("{} operations given, expected {}", ops.len(), form.nodes));
        }
        let last = form.output_node();
        let expected = last * (last + 1) / 2;
        if bits.len() != expected {
            return Err(format!("{} bits given, expected {expected} for {} nodes", bits.len(), last + 1));
        }
        if let Some((at, found)) = bits.char_indices().find(|(_, bit)| !matches!(bit, '0' | '1')) {
            return Err(format!("bit {at} is {found:?}, expected 0 or 1"));
        }
        let ops = ops.into_iter().map(|op| self.position(form, op)).collect::<Result<Vec<_>, _>>()?;
        let node =
            |place: usize| Node { sources: Vec::new(), ops: ops.get(place).copied().into_iter().collect() };
        let mut point: Point = (0..form.wirings.len()).map(node).collect();
        let pairs = (0..=last).flat_map(|from| (from + 1..=last).map(move |to| (from, to)));
        let mut joined = 0;
        for (from, to) in pairs.zip(bits.bytes()).filter(|(_, bit)| *bit == b'1').map(|(pair, _)| pair) {
            let place = to.checked_sub(form.inputs).ok_or_else(|| format!("an edge enters input {to}"))?;
            match point.get_mut(place) {
                Some(node) => node.sources.push(from),
                None if from >= form.inputs => joined += 1,
                None => return Err(format!("the output reads the nodes and no input, not node {from}")),
            }
        }
        if form.output == Output::All && joined != form.nodes {
            return Err(format!("the output reads {joined} nodes, expected all {}", form.nodes));
        }
        Ok(point)
    }

    fn read_genotype(&self, text: &str) -> Result<Vec<Point>, String> {
        let literal = statement(text)?;
        let fields = literal.fields("Genotype(..) with a field for each cell")?;
        let expected: Vec<String> =
            self.forms.iter().flat_map(|(name, _)| [(*name).to_owned(), format!("{name}_concat")]).collect();
        if let Some((name, value)) =
            fields.iter().find(|(name, _)| expected.iter().all(|known| known != name))
        {
            return Err(value.wrong(unknown("field", name, expected.iter().map(String::as_str))));
        }
        let cell = |(name, form): &(&str, &Form)| {
            let mut found = fields.iter().filter(|(field, _)| field == name).map(|(_, value)| *value);
            let value = match (found.next(), found.next()) {
                (Some(value), None) => value,
                (None, _) => return Err(literal.wrong(format!("field {name:?} is missing"))),
                (_, Some(again)) => return Err(again.wrong(format!("field {name:?} is there twice"))),
            };
            let concat = format!("{name}_concat");
            for (_, nodes) in fields.iter().filter(|(field, _)| *field == concat) {
                check_concat(form, nodes)?;
            }
            let point = self.read_pairs(form, value)?;
            checked(form, point).map_err(|reason| value.wrong(reason))
        };
        self.forms.iter().map(cell).collect()
    }

    /// Pairs ('op', node), as many for each node as it reads.
    fn read_pairs(&self, form: &Form, literal: &Literal<'_>) -> Result<Point, String> {
        let pairs = literal.items("a list of pairs ('op', node)")?;
        let reads = |wiring: &super::form::Wiring| match wiring {
            super::form::Wiring::Fixed(sources) => sources.len(),
            super::form::Wiring::Free(count) => *count,
        };
        let expected: usize = form.wirings.iter().map(reads).sum();
        if pairs.len() != expected {
            return Err(literal.wrong(format!("{} edges given, expected {expected}", pairs.len())));
        }
        let mut rest = pairs.iter();
        let mut node = |wiring: &super::form::Wiring| {
            let mut node = Node { sources: Vec::new(), ops: Vec::new() };
            for pair in rest.by_ref().take(reads(wiring)) {
                let [op, from] = pair.items("a pair ('op', node)")? else {
                    return Err(pair.wrong("expected a pair ('op', node)"));
                };
                let name = op.text("the name of an operation")?;
                node.ops.push(self.position(form, name).map_err(|reason| op.wrong(reason))?);
                node.sources.push(from.number("a node number")?);
            }
            Ok(node)
        };
        form.wirings.iter().map(&mut node).collect()
    }
}

/// The output concatenates the nodes between inputs and output, and nothing else.
fn check_concat(form: &Form, literal: &Literal<'_>) -> Result<(), String> {
    let mut nodes = literal.integers("the nodes of the output")?;
    nodes.sort_unstable();
    let expected = form.inputs as i64..form.output_node() as i64;
    if nodes.iter().copied().eq(expected) {
        return Ok(());
    }
    Err(literal.wrong(format!("the output reads nodes {} to {}", form.inputs, form.output_node() - 1)))
}

/// A cell whose nodes read what they may.
fn checked(form: &Form, mut point: Point) -> Result<Point, String> {
    debug_assert!(
        form.carrier == Carrier::Nodes || point.iter().all(|node| node.ops.len() == node.sources.len())
    );
    for (place, node) in point.iter_mut().enumerate() {
        form.check_sources(place, node).map_err(|error| error.to_string())?;
    }
    Ok(point)
}
