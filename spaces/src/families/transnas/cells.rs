//! The cell-level space of TransNAS-Bench-101.

use std::sync::Arc;

use petgraph::graph::NodeIndex;
use rand::Rng;

use crate::error::SpaceError;
use crate::families::nasbench201::EDGES;
use crate::families::transnas::skeleton::TransNasMicroSkeleton;
use crate::families::{draw, six};
use crate::graph::{Architecture, Cell, CellGraph, OpId, Role, Vocabulary};
use crate::network::{CellUnion, EdgeUnion, OpTable, SkeletonEntry, SpaceNetwork, Union};
use crate::notation::names::TRANSNAS;
use crate::notation::{self, Form, Notation, refused};
use crate::space::{SearchSpace, SpaceEntry, SpaceSize};

/// The operations, in the order of the digits.
const OPS: [&str; 4] = ["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3"];

/// What stands before the cell in a full text: channels of the stem and the fixed modules.
const PREFIX: &str = "64-41414-";

const NOTATION: &str = "a TransNAS-Bench-101 cell 64-41414-a_bc_def";

/// Labels 0 to 2 are structural: plain, output, input.
const FIRST: u16 = 3;

/// A digit an edge of [`EDGES`].
type Digits = [u8; 6];

/// The catalogue's entry of [`TransNasMicro`].
pub const MICRO: SpaceEntry = SpaceEntry {
    name: "transnas-micro",
    about: "cells of TransNAS-Bench-101: four nodes, four operations on six edges",
    make: || Arc::new(TransNasMicro::new()),
    make_raw: Some(|| Arc::new(TransNasMicro::new())),
};

/// The cell-level ("micro") space of TransNAS-Bench-101: 4⁶ = 4,096 cells, all different.
///
/// A cell has four nodes, which sum their incoming edges, and an operation on each of its six edges. A text
/// is `64-41414-a_bc_def` or `a_bc_def`, with the digits of the edges into nodes 1 to 3, source 0 first: 0
/// `none`, 1 `skip_connect`, 2 `nor_conv_1x1`, 3 `nor_conv_3x3`.
///
/// Every text has a key of its own, as in the benchmark. A skip from the input changes width in a cell with
/// a stride, so cells that look alike after simplification can be different networks.
#[derive(Clone, Debug)]
pub struct TransNasMicro {
    vocabulary: Arc<Vocabulary>,
}

impl Default for TransNasMicro {
    fn default() -> Self {
        Self::new()
    }
}

impl TransNasMicro {
    /// The space.
    pub fn new() -> Self {
        let roles = [Role::Zero, Role::Identity, Role::Compute, Role::Compute];
        let ops: Vec<_> = OPS.into_iter().zip(roles).collect();
        Self { vocabulary: Arc::new(Vocabulary::known(1, &ops)) }
    }

    fn build(&self, digits: Digits) -> Architecture {
        let mut graph = CellGraph::with_capacity(4, 6);
        let labels = [OpId::input(0), OpId::PLAIN, OpId::PLAIN, OpId::OUTPUT];
        let nodes = labels.map(|label| graph.add_node(label));
        for ((from, to), digit) in EDGES.into_iter().zip(digits) {
            graph.add_edge(nodes[from], nodes[to], OpId::from_index(FIRST + u16::from(digit)));
        }
        let cells = vec![Cell::built(graph, nodes[3])];
        Architecture::with_canonical_form(self.vocabulary.clone(), cells, &digits)
    }

    fn read(&self, architecture: &Architecture) -> Result<Digits, SpaceError> {
        architecture.check_vocabulary(&self.vocabulary)?;
        let wrong = || {
            SpaceError::cell("a TransNAS-Bench-101 cell has nodes input, plain, plain, output and 6 edges")
        };
        let [cell] = architecture.cells() else { return Err(wrong()) };
        let graph = cell.graph();
        let labels = [OpId::input(0), OpId::PLAIN, OpId::PLAIN, OpId::OUTPUT];
        if !graph.node_weights().eq(&labels) || graph.edge_count() != EDGES.len() {
            return Err(wrong());
        }
        let mut digits = [0; 6];
        for (digit, (from, to)) in digits.iter_mut().zip(EDGES) {
            let edge = graph.find_edge(NodeIndex::new(from), NodeIndex::new(to)).ok_or_else(wrong)?;
            let position = graph[edge].index().checked_sub(usize::from(FIRST));
            *digit = position.filter(|&position| position < OPS.len()).ok_or_else(wrong)? as u8;
        }
        if self.build(digits).key() != architecture.key() {
            return Err(SpaceError::cell("the key is not that of the digits; build the cell with the space"));
        }
        Ok(digits)
    }
}

impl SearchSpace for TransNasMicro {
    fn name(&self) -> &'static str {
        MICRO.name
    }

    fn vocabulary(&self) -> &Arc<Vocabulary> {
        &self.vocabulary
    }

    fn network(&self) -> Option<&dyn SpaceNetwork> {
        Some(self)
    }

    fn sample(&self, rng: &mut dyn Rng) -> Architecture {
        self.build(std::array::from_fn(|_| draw::below(rng, OPS.len()) as u8))
    }

    fn mutate(&self, architecture: &Architecture, rng: &mut dyn Rng) -> Result<Architecture, SpaceError> {
        let edits = draw::steps(self.read(architecture)?, OPS.len() as u8);
        Ok(draw::changed(architecture, [edits], rng, |digits| self.build(*digits)))
    }

    fn neighbours(&self, architecture: &Architecture) -> Result<Vec<Architecture>, SpaceError> {
        let edits = draw::steps(self.read(architecture)?, OPS.len() as u8);
        Ok(draw::distinct(architecture, edits.into_iter().map(|digits| self.build(digits))))
    }

    fn check(&self, architecture: &Architecture) -> Result<(), SpaceError> {
        self.read(architecture).map(drop)
    }

    fn size(&self) -> SpaceSize {
        SpaceSize::Unique((OPS.len() as u128).pow(6))
    }

    /// In the order of the texts.
    fn enumerate(&self) -> Option<Box<dyn Iterator<Item = Architecture> + '_>> {
        let all =
            (0..OPS.len().pow(6)).map(|i| std::array::from_fn(|edge| (i >> (2 * (5 - edge)) & 3) as u8));
        Some(Box::new(all.map(|digits| self.build(digits))))
    }

    fn format(&self, architecture: &Architecture) -> Result<String, SpaceError> {
        let [a, b, c, d, e, f] = self.read(architecture)?;
        Ok(format!("{PREFIX}{a}_{b}{c}_{d}{e}{f}"))
    }

    fn parse(&self, text: &str) -> Result<Architecture, SpaceError> {
        notation::read(self, FORMS, text)
    }

    fn notations(&self) -> Vec<Notation> {
        notation::list(FORMS)
    }

    fn format_as(&self, architecture: &Architecture, notation: &str) -> Result<String, SpaceError> {
        notation::print(self, FORMS, architecture, notation)
    }
}

impl SpaceNetwork for TransNasMicro {
    fn ops(&self) -> OpTable {
        OpTable::transnas_micro()
    }

    fn whole(&self) -> Union {
        let ops: Vec<OpId> = (1..OPS.len() as u16).map(|digit| OpId::from_index(FIRST + digit)).collect();
        // `EDGES` are sorted by `(to, from)`, as a union's edges are.
        let edges = EDGES.into_iter().map(|(from, to)| EdgeUnion { from, to, ops: ops.clone() }).collect();
        let nodes = vec![OpId::input(0), OpId::PLAIN, OpId::PLAIN, OpId::OUTPUT];
        Union { cells: vec![CellUnion { nodes, edges }], vocabulary: self.vocabulary.clone() }
    }

    fn skeletons(&self) -> &'static [&'static SkeletonEntry] {
        &TransNasMicroSkeleton::TASKONOMY
    }
}

const TEXT: &str = "a cell |op~0|+|op~0|op~1|+|op~0|op~1|op~2|";
const DIGITS: &str = "six digits of TransNAS-Bench-101";
const NASLIB: &str = "six numbers of NASLib";

const FORMS: &[Form<TransNasMicro>] = &[
    Form {
        notation: Notation {
            name: "transnas",
            about: "the benchmark's own, with or without 64-41414- in front: edges by target",
            example: "64-41414-3_12_031",
        },
        looks: |text| text.contains('_') && !text.starts_with(['|', '[', '(']),
        read: |space, text| Ok(space.build(transnas(text)?)),
        print: |space, cell| space.format(cell),
    },
    Form {
        notation: Notation {
            name: "text",
            about: "as NAS-Bench-201 writes cells",
            example: "|nor_conv_3x3~0|+|skip_connect~0|nor_conv_1x1~1|+|none~0|nor_conv_3x3~1|skip_connect~2|",
        },
        looks: |text| text.starts_with('|'),
        read: |space, text| Ok(space.build(six::arch_str(text, TEXT, &TRANSNAS)?)),
        print: |space, cell| Ok(six::arch_str_of(space.read(cell)?, &TRANSNAS)),
    },
    Form {
        notation: Notation {
            name: "digits",
            about: "the six digits without underscores, or as a list",
            example: "312031",
        },
        looks: six::is_six,
        read: |space, text| Ok(space.build(six::digits(text, DIGITS, OPS.len())?)),
        print: |space, cell| Ok(six::digits_of(space.read(cell)?)),
    },
    Form {
        notation: Notation {
            name: "naslib",
            about: "NASLib's op_indices: skip, none, conv 3x3, conv 1x1; edges by source",
            example: "(2, 0, 1, 3, 2, 0)",
        },
        looks: six::is_six,
        read: |space, text| Ok(space.build(six::naslib(text, NASLIB, OPS.len())?)),
        print: |space, cell| Ok(six::naslib_of(space.read(cell)?)),
    },
];

/// Reads `64-41414-a_bc_def` or `a_bc_def`.
fn transnas(text: &str) -> Result<Digits, SpaceError> {
    let bad = |reason: &str| refused(text, NOTATION, reason);
    let cell = match text.rsplit_once('-') {
        Some(_) => text.strip_prefix(PREFIX).ok_or_else(|| bad("a full text begins with 64-41414-"))?,
        None => text,
    };
    let &[a, b'_', b, c, b'_', d, e, f] = cell.as_bytes() else {
        return Err(bad("expected six digits as a_bc_def, those of nodes 1 to 3"));
    };
    let digits = [a, b, c, d, e, f];
    if digits.iter().any(|digit| !(b'0'..=b'3').contains(digit)) {
        return Err(bad("the operations are 0 (none), 1 (skip), 2 (conv 1x1) and 3 (conv 3x3)"));
    }
    Ok(digits.map(|digit| digit - b'0'))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::testing::check_space;

    #[test]
    fn contract() {
        let report = check_space(&TransNasMicro::new(), 1, 50).unwrap();
        assert_eq!(report.enumerated, 4_096);
    }

    #[test]
    fn short_and_full_texts_are_the_same() {
        let space = TransNasMicro::new();
        let cell = space.parse("64-41414-3_12_031").unwrap();
        assert_eq!(cell, space.parse("3_12_031").unwrap());
        assert_eq!(space.format(&cell).unwrap(), "64-41414-3_12_031");
        assert_eq!(space.neighbours(&cell).unwrap().len(), 18);
        // Edge 2 → 3 is a skip, 0 → 2 too, 1 → 2 and 1 → 3 convolutions, 0 → 3 none.
        assert_eq!(cell.op_graphs()[0].len(), 2 + 3);
    }

    #[test]
    fn bad_texts_are_refused_with_a_reason() {
        for (text, expected) in [
            ("64-41414-4_00_000", "the operations are 0 (none)"),
            ("64-1234-basic", "begins with 64-41414-"),
            ("3_1_031", "expected six digits"),
        ] {
            let error = TransNasMicro::new().parse(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
