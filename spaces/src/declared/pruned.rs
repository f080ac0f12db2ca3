//! Spaces of pruned cells with operations on their nodes.

use std::sync::Arc;

use rand::Rng;

use super::body::{Accept, Body, MOST_LISTED};
use super::description::{Carrier, CellDescription, CellText, Description, Output, Sameness, Sources};
use super::operations::Operations;
use super::{DescriptionError, names};
use crate::catalogue::unknown;
use crate::error::SpaceError;
use crate::families::nasbench101::{MAX_VERTICES, Wired};
use crate::graph::{Architecture, Vocabulary};
use crate::network::Union;
use crate::notation;
use crate::space::Choices;

const NOTATION: &str = "a cell bits|op;op of this space";

/// Most operations, each of which is a byte of a cell.
const MOST_OPERATIONS: usize = 100;

/// Most choices of parents: each is looked at when the space is first used.
const MOST_WIRINGS: u128 = 10_000;

/// Cells whose nodes have a fixed number of sources, without the nodes off all paths from input to output.
#[derive(Debug)]
pub(super) struct Pruned {
    cells: Wired,
    names: Vec<&'static str>,
}

/// The body of a description of one pruned cell.
///
/// # Errors
/// [`DescriptionError`] at what does not fit such cells.
pub(super) fn body(
    description: &Description,
    cell: &CellDescription,
    operations: &Operations,
) -> Result<Box<dyn Body>, DescriptionError> {
    let refuse = |key: &str, reason: String| Err(DescriptionError::new(key, reason));
    if description.inputs != 1 || description.cells.len() != 1 || cell.names.len() > 1 {
        return refuse(
            "cells[0].prune",
            "pruned cells have one input, and an architecture is one cell".into(),
        );
    }
    if cell.operations_on != Carrier::Nodes || cell.output != Output::Node || cell.edges.is_some() {
        let reason =
            "pruned cells have operations_on = \"nodes\", output = \"node\" and free wiring (sources)";
        return refuse("cells[0].prune", reason.into());
    }
    if !cell.operations.is_empty() {
        return refuse("cells[0].operations", "pruned cells have all operations; leave the list out".into());
    }
    if description.same != Sameness::Isomorphic {
        return refuse("same", "pruned cells are compared as graphs: same = \"isomorphic\"".into());
    }
    if description.text.is_some_and(|text| text != CellText::Bits) {
        return refuse("text", "pruned cells are written as \"bits\"".into());
    }
    let kinds = operations.vocabulary.ops().len();
    if kinds > MOST_OPERATIONS {
        return refuse(
            "operations",
            format!("{kinds} operations; pruned cells have at most {MOST_OPERATIONS}"),
        );
    }
    if let Some(name) = cell.names.first() {
        names::check_word("cells[0].names[0]", "cell", name)?;
    }
    let most = MAX_VERTICES - 2;
    if !(1..=most).contains(&cell.nodes) {
        return refuse("cells[0].nodes", format!("{}; pruned cells have 1 to {most} nodes", cell.nodes));
    }
    let parents = parents(cell)?;
    let cells = Wired::new(operations.vocabulary.clone(), parents);
    let wirings = cells.points() / (kinds as u128).saturating_pow(cell.nodes as u32).max(1);
    if wirings > MOST_WIRINGS {
        return refuse(
            "cells[0].sources",
            format!("{wirings} choices of sources are more than {MOST_WIRINGS}"),
        );
    }
    let names = cell.names.iter().map(|name| names::interned(name)).collect();
    Ok(Box::new(Pruned { cells, names }))
}

fn parents(cell: &CellDescription) -> Result<Vec<usize>, DescriptionError> {
    let (places, at) = (cell.nodes + 1, "cells[0].sources");
    let counts = match &cell.sources {
        None => {
            return Err(DescriptionError::new(
                "cells[0].prune",
                "pruned cells have free wiring: add sources",
            ));
        }
        Some(Sources::Each(count)) => vec![*count; places],
        Some(Sources::List(counts)) if counts.len() == places => counts.clone(),
        Some(Sources::List(counts)) => {
            let reason = format!(
                "{} numbers given, expected {places}: one for each node, and the output's",
                counts.len()
            );
            return Err(DescriptionError::new(at, reason));
        }
    };
    match counts.iter().zip(1..).position(|(count, before)| !(1..=before).contains(count)) {
        Some(place) => {
            let before = place + 1;
            let path = if matches!(cell.sources, Some(Sources::List(_))) {
                format!("{at}[{place}]")
            } else {
                at.into()
            };
            let reason = format!(
                "node {before} cannot read {} different earlier nodes; there are {before}",
                counts[place]
            );
            Err(DescriptionError::new(path, reason))
        }
        None => Ok(counts),
    }
}

impl Pruned {
    fn read_text(&self, text: &str) -> Result<Architecture, String> {
        let (bits, ops) = text.split_once('|').ok_or("no '|' between bits and operations")?;
        let ops: Vec<&str> = ops.split(';').map(str::trim).filter(|op| !op.is_empty()).collect();
        let n = ops.len() + 2;
        if n > MAX_VERTICES {
            return Err(format!("{} operations given, expected at most {}", n - 2, MAX_VERTICES - 2));
        }
        if let Some((at, found)) = bits.char_indices().find(|(_, bit)| !matches!(bit, '0' | '1')) {
            return Err(format!("bit {at} is {found:?}, expected 0 or 1"));
        }
        let expected = n * (n - 1) / 2;
        if bits.len() != expected {
            return Err(format!("{} bits given, expected {expected} for {n} nodes", bits.len()));
        }
        let vocabulary = self.cells.vocabulary();
        let known = || vocabulary.ops().map(|op| vocabulary.name(op));
        let position = |name: &&str| {
            let found = known().position(|own| own == *name).map(|position| position as u8);
            found.ok_or_else(|| unknown("operation", name, known()))
        };
        let ops = ops.iter().map(position).collect::<Result<Vec<u8>, _>>()?;
        let edges: Vec<_> =
            pairs(n).zip(bits.bytes()).filter(|(_, bit)| *bit == b'1').map(|(pair, _)| pair).collect();
        self.cells.of_edges(&edges, &ops).map_err(|error| error.to_string())
    }
}

/// The pairs of nodes `(from, to)`, row by row.
fn pairs(n: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..n).flat_map(move |from| (from + 1..n).map(move |to| (from, to)))
}

impl Body for Pruned {
    fn vocabulary(&self) -> &Arc<Vocabulary> {
        self.cells.vocabulary()
    }

    fn cell_names(&self) -> &[&'static str] {
        &self.names
    }

    fn sample(&self, rng: &mut dyn Rng) -> Architecture {
        self.cells.sample(rng)
    }

    fn mutate(
        &self,
        architecture: &Architecture,
        rng: &mut dyn Rng,
        accept: Accept<'_>,
    ) -> Result<Architecture, SpaceError> {
        self.cells.mutate(architecture, rng, accept)
    }

    fn neighbours(&self, architecture: &Architecture) -> Result<Vec<Architecture>, SpaceError> {
        self.cells.neighbours(architecture)
    }

    fn check(&self, architecture: &Architecture) -> Result<(), SpaceError> {
        self.cells.check(architecture)
    }

    fn points(&self) -> u128 {
        self.cells.labelled()
    }

    fn is_exact(&self) -> bool {
        false
    }

    fn enumerate(&self) -> Option<Box<dyn Iterator<Item = Architecture> + '_>> {
        (self.points() <= MOST_LISTED).then(|| Box::new(self.cells.enumerate()) as Box<_>)
    }

    fn choices(&self) -> &dyn Choices {
        self
    }

    fn format(&self, architecture: &Architecture) -> Result<String, SpaceError> {
        let (n, edges, ops) = self.cells.edges(architecture)?;
        let bits: String = pairs(n).map(|pair| if edges.contains(&pair) { '1' } else { '0' }).collect();
        let vocabulary = self.vocabulary();
        let names: Vec<&str> = vocabulary.ops().map(|op| vocabulary.name(op)).collect();
        let ops: Vec<&str> = ops.into_iter().map(|op| names[usize::from(op)]).collect();
        Ok(format!("{bits}|{}", ops.join(";")))
    }

    fn parse(&self, text: &str) -> Result<Architecture, SpaceError> {
        let text = notation::admitted(text)?;
        self.read_text(text).map_err(|reason| notation::refused(text, NOTATION, reason))
    }

    fn whole(&self) -> Union {
        self.cells.whole()
    }
}

impl Choices for Pruned {
    fn counts(&self) -> Vec<usize> {
        self.cells.counts()
    }

    fn read(&self, architecture: &Architecture) -> Result<Vec<usize>, SpaceError> {
        self.cells.options(architecture)
    }

    fn build(&self, choices: &[usize]) -> Result<Option<Architecture>, SpaceError> {
        self.cells.of_options(choices).map(Some)
    }
}
