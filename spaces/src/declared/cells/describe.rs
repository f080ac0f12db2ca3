//! From descriptions of cells to their forms.

use super::expression::{MOST_NODES, MOST_OPERATIONS};
use super::form::{Form, Wiring};
use super::{Cells, subsets};
use crate::declared::body::Body;
use crate::declared::description::{
    Carrier, CellDescription, CellText, Description, Output, Sameness, Sources,
};
use crate::declared::operations::Operations;
use crate::declared::{DescriptionError, names};

/// Most nodes of a cell between inputs and output.
const MOST_CELL_NODES: usize = 64;
/// Most edges of a cell.
const MOST_EDGES: usize = 4096;
/// Most edges of all cells together: an architecture is drawn thousands of times.
const MOST_EDGES_OF_ALL: usize = 10_000;
/// Most cells of an architecture.
const MOST_CELLS: usize = 16;
/// Most sets of sources of a node.
const MOST_SETS: u128 = 1_000_000;

/// The body of a description of cells.
///
/// # Errors
/// [`DescriptionError`] at what is wrong.
pub(in crate::declared) fn body(
    description: &Description,
    operations: &Operations,
) -> Result<Box<dyn Body>, DescriptionError> {
    let pruned = description.cells.iter().position(|cell| cell.prune);
    if let Some(at) = pruned {
        return crate::declared::pruned::body(description, &description.cells[at], operations);
    }
    let (mut forms, mut own_names, mut fields) = (Vec::new(), Vec::new(), Vec::new());
    let mut edges = 0;
    for (i, cell) in description.cells.iter().enumerate() {
        let at = format!("cells[{i}]");
        let form = form(&at, description.inputs, cell, operations)?;
        let (own, own_fields) = named(&at, cell)?;
        if own_names.len() + own.len().max(1) > MOST_CELLS || forms.len() >= MOST_CELLS {
            return Err(DescriptionError::new(at, format!("more than {MOST_CELLS} cells")));
        }
        edges += own.len().max(1) * form.edges();
        if edges > MOST_EDGES_OF_ALL {
            let reason = format!("the cells have {edges} edges together, more than {MOST_EDGES_OF_ALL}");
            return Err(DescriptionError::new(at, reason));
        }
        forms.extend(std::iter::repeat_n(form, own.len().max(1)));
        own_names.extend(own);
        fields.extend(own_fields);
    }
    if forms.len() > 1 && own_names.len() != forms.len() {
        return Err(DescriptionError::new(
            "cells",
            "each of several cells needs a name: names = [\"normal\"]",
        ));
    }
    unlike(&own_names, "names")?;
    unlike(&fields, "fields")?;
    if fields.is_empty() {
        fields.push(String::new());
    }
    let text = text(description, &forms, &own_names)?;
    check_sameness(description, &forms)?;
    let counts: Vec<u128> = forms.iter().flat_map(Form::counts).collect();
    let points = counts.iter().fold(1_u128, |points, count| points.saturating_mul(*count));
    Ok(Box::new(Cells {
        vocabulary: operations.vocabulary.clone(),
        counts: counts.into_iter().map(|count| count as usize).collect(),
        names: own_names.iter().map(|name| names::interned(name)).collect(),
        same: description.same,
        shuffle: description.shuffle,
        forms,
        fields,
        text,
        points,
    }))
}

/// Names of the cells of a form, and those in texts.
fn named(at: &str, cell: &CellDescription) -> Result<(Vec<String>, Vec<String>), DescriptionError> {
    for (key, list) in [("names", &cell.names), ("fields", &cell.fields)] {
        for (i, name) in list.iter().enumerate() {
            names::check_word(&format!("{at}.{key}[{i}]"), "cell", name)?;
        }
    }
    if !cell.fields.is_empty() && cell.fields.len() != cell.names.len() {
        let reason = format!("{} fields for {} names", cell.fields.len(), cell.names.len());
        return Err(DescriptionError::new(format!("{at}.fields"), reason));
    }
    let fields = if cell.fields.is_empty() { cell.names.clone() } else { cell.fields.clone() };
    Ok((cell.names.clone(), fields))
}

fn unlike(names: &[String], key: &str) -> Result<(), DescriptionError> {
    match (1..names.len()).find(|&i| names[..i].contains(&names[i])) {
        Some(i) => Err(DescriptionError::new("cells", format!("{key}: {:?} is there twice", names[i]))),
        None => Ok(()),
    }
}

fn text(description: &Description, forms: &[Form], names: &[String]) -> Result<CellText, DescriptionError> {
    let on_nodes = forms.iter().any(|form| form.carrier == Carrier::Nodes);
    if forms.iter().any(|form| (form.carrier == Carrier::Nodes) != on_nodes) {
        let reason = "all cells of a space have their operations on edges, or all on nodes";
        return Err(DescriptionError::new("cells", reason));
    }
    let own = if on_nodes { CellText::Bits } else { CellText::Edges };
    let text = description.text.unwrap_or(own);
    let refuse = |reason: &str| Err(DescriptionError::new("text", reason));
    match text {
        CellText::Bits if !on_nodes => refuse("\"bits\" writes operations on nodes; these stand on edges"),
        CellText::Edges if on_nodes => refuse("\"edges\" writes operations on edges; these stand on nodes"),
        CellText::Genotype if on_nodes => {
            refuse("\"genotype\" writes operations on edges; these stand on nodes")
        }
        CellText::Genotype if forms.iter().any(|form| form.output == Output::Node) => {
            refuse("\"genotype\" writes cells with output = \"all\"")
        }
        CellText::Genotype if names.is_empty() => {
            refuse("\"genotype\" needs names of the cells: names = [\"normal\"]")
        }
        text => Ok(text),
    }
}

fn check_sameness(description: &Description, forms: &[Form]) -> Result<(), DescriptionError> {
    let fits = |form: &Form| {
        form.carrier == Carrier::Edges
            && form.output == Output::Node
            && form.nodes <= MOST_NODES
            && form.ops.len() <= MOST_OPERATIONS
    };
    if description.same == Sameness::Expression && !forms.iter().all(fits) {
        let reason = format!(
            "\"expression\" compares cells with operations on edges, output = \"node\", at most {MOST_NODES} nodes and {MOST_OPERATIONS} operations"
        );
        return Err(DescriptionError::new("same", reason));
    }
    Ok(())
}

fn form(
    at: &str,
    inputs: usize,
    cell: &CellDescription,
    operations: &Operations,
) -> Result<Form, DescriptionError> {
    let refuse = |key: &str, reason: String| Err(DescriptionError::new(format!("{at}.{key}"), reason));
    let least = usize::from(cell.operations_on == Carrier::Nodes || cell.output == Output::All);
    if !(least..=MOST_CELL_NODES).contains(&cell.nodes) {
        return refuse("nodes", format!("{}; expected {least} to {MOST_CELL_NODES}", cell.nodes));
    }
    if cell.edges.is_some() && cell.sources.is_some() {
        return refuse(
            "sources",
            "edges fix what a node reads, sources leave it free; give one of them".into(),
        );
    }
    let mut ops = Vec::new();
    for (i, name) in cell.operations.iter().enumerate() {
        let key = format!("{at}.operations[{i}]");
        let op = operations.named(&key, name)?;
        if ops.contains(&op) {
            return Err(DescriptionError::new(key, format!("operation {name:?} is there twice")));
        }
        ops.push(op);
    }
    if ops.is_empty() {
        ops = operations.vocabulary.ops().collect();
    }
    let places = cell.nodes + usize::from(cell.output == Output::Node);
    let wirings = match (&cell.edges, &cell.sources) {
        (Some(edges), _) => fixed(at, inputs, cell, edges)?,
        (None, Some(sources)) => free(at, inputs, places, sources)?,
        (None, None) => (0..places).map(|place| Wiring::Fixed((0..inputs + place).collect())).collect(),
    };
    let form =
        Form { carrier: cell.operations_on, inputs, nodes: cell.nodes, output: cell.output, wirings, ops };
    Ok(form)
}

/// What nodes read by a list of edges.
fn fixed(
    at: &str,
    inputs: usize,
    cell: &CellDescription,
    edges: &[(usize, usize)],
) -> Result<Vec<Wiring>, DescriptionError> {
    if edges.len() > MOST_EDGES {
        return Err(DescriptionError::new(
            format!("{at}.edges"),
            format!("{} edges are more than {MOST_EDGES}", edges.len()),
        ));
    }
    let places = cell.nodes + usize::from(cell.output == Output::Node);
    let last = inputs + places - 1;
    let mut sources: Vec<Vec<usize>> = vec![Vec::new(); places];
    for (i, &(from, to)) in edges.iter().enumerate() {
        let refuse = |reason: String| Err(DescriptionError::new(format!("{at}.edges[{i}]"), reason));
        if from >= to {
            return refuse(format!(
                "edge {from} to {to} must lead to a higher node, so that there is no cycle"
            ));
        }
        if to > last {
            return refuse(format!("edge {from} to {to}: the last node that edges may enter is {last}"));
        }
        let Some(place) = to.checked_sub(inputs) else {
            return refuse(format!("edge {from} to {to} enters an input"));
        };
        if sources[place].contains(&from) {
            return refuse(format!("edge {from} to {to} is there twice"));
        }
        sources[place].push(from);
    }
    // A node is reached if it reads an input or a node that is.
    let mut reached = vec![true; inputs];
    for sources in &mut sources {
        sources.sort_unstable();
        reached.push(sources.iter().any(|&from| reached[from]));
    }
    let ends = match cell.output {
        Output::Node => reached.last().copied().unwrap_or(false),
        Output::All => reached[inputs..].contains(&true),
    };
    if !ends {
        return Err(DescriptionError::new(
            format!("{at}.edges"),
            "no path leads from an input to the output",
        ));
    }
    Ok(sources.into_iter().map(Wiring::Fixed).collect())
}

/// What nodes may read by numbers of sources.
fn free(at: &str, inputs: usize, places: usize, sources: &Sources) -> Result<Vec<Wiring>, DescriptionError> {
    let counts = match sources {
        Sources::Each(count) => vec![*count; places],
        Sources::List(counts) if counts.len() == places => counts.clone(),
        Sources::List(counts) => {
            let reason =
                format!("{} numbers given, expected {places}, one for each node that reads", counts.len());
            return Err(DescriptionError::new(format!("{at}.sources"), reason));
        }
    };
    for (place, &count) in counts.iter().enumerate() {
        let path = match sources {
            Sources::Each(_) => format!("{at}.sources"),
            Sources::List(_) => format!("{at}.sources[{place}]"),
        };
        let before = inputs + place;
        if !(1..=before).contains(&count) {
            let reason =
                format!("node {before} cannot read {count} different earlier nodes; there are {before}");
            return Err(DescriptionError::new(path, reason));
        }
        let sets = subsets::count(before, count);
        if sets > MOST_SETS {
            let reason = format!("{count} of {before} nodes make {sets} sets, more than {MOST_SETS}");
            return Err(DescriptionError::new(path, reason));
        }
    }
    Ok(counts.into_iter().map(Wiring::Free).collect())
}
