//! The three forms of the space: which operations and which pairs of edges a node may have.

use super::STEPS;
use super::genotype::{CellGenotype, Genotype, Primitive};
use crate::error::SpaceError;
use crate::families::draw;
use crate::graph::OpId;
use rand::Rng;

/// Labels 0 to 3 are structural: plain, output and the two inputs.
const FIRST: usize = 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    TwoCells,
    Broad,
    OneCell,
}

impl Form {
    pub(super) fn cells(self) -> usize {
        match self {
            Self::TwoCells | Self::Broad => 2,
            Self::OneCell => 1,
        }
    }

    pub(super) fn ops(self) -> &'static [Primitive] {
        use Primitive::{DilConv3x3, MaxPool3x3, SepConv3x3, SkipConnect};
        match self {
            Self::TwoCells | Self::Broad => &Primitive::ALL[1..],
            Self::OneCell => &[MaxPool3x3, SkipConnect, SepConv3x3, DilConv3x3],
        }
    }

    pub(super) fn position(self, op: Primitive) -> Option<usize> {
        self.ops().iter().position(|&o| o == op)
    }

    /// The label of an operation that `check_pair` has let through.
    pub(super) fn op_id(self, op: Primitive) -> OpId {
        OpId::from_index((FIRST + self.position(op).unwrap_or(0)) as u16)
    }

    pub(super) fn primitive(self, op: OpId) -> Result<Primitive, SpaceError> {
        let position = op.index().checked_sub(FIRST);
        let found = position.and_then(|position| self.ops().get(position)).copied();
        found.ok_or_else(|| SpaceError::cell("an edge into an intermediate node carries no operation"))
    }

    /// Whether an intermediate node may sum these two edges.
    pub(super) fn check_pair(self, step: usize, pair: [(Primitive, usize); 2]) -> Result<(), String> {
        for (op, from) in pair {
            if op == Primitive::None {
                return Err("this space has no operation none: each node sums two operations, so that an edge that is \
                            zero cannot be said; a space file with a zero operation can (docs/spaces.md)"
                    .into());
            }
            if self.position(op).is_none() {
                return Err(format!("this space has no operation {}", op.name()));
            }
            if from >= step + 2 {
                return Err(format!("predecessor {from} does not come before it"));
            }
        }
        let [a, b] = pair;
        match self {
            Self::TwoCells | Self::Broad if a.1 == b.1 => Err(format!("both edges come from node {}", a.1)),
            Self::OneCell if a == b => Err(format!("{} from node {} stands twice", a.0.name(), a.1)),
            _ => Ok(()),
        }
    }

    /// The pairs of predecessors that an intermediate node may have, the lower first.
    pub(super) fn sources(self, step: usize) -> Vec<(usize, usize)> {
        let shared = usize::from(self == Self::OneCell);
        (0..step + 2).flat_map(|b| (0..b + shared).map(move |a| (a, b))).collect()
    }

    pub(super) fn replace(
        self,
        genotype: &Genotype,
        cell: usize,
        slot: usize,
        edge: (Primitive, usize),
    ) -> Genotype {
        let mut edited = *genotype;
        if cell == 0 || self == Self::OneCell {
            edited.normal[slot] = edge;
        }
        if cell == 1 || self == Self::OneCell {
            edited.reduce[slot] = edge;
        }
        edited
    }

    fn sample_pair(self, step: usize, rng: &mut dyn Rng) -> [(Primitive, usize); 2] {
        let (ops, inputs) = (self.ops(), step + 2);
        match self {
            Self::TwoCells | Self::Broad => {
                let (a, b) = draw::pair(rng, inputs);
                [a, b].map(|from| (ops[draw::below(rng, ops.len())], from))
            }
            Self::OneCell => {
                let (a, b) = draw::pair(rng, inputs * ops.len());
                [a, b].map(|point| (ops[point % ops.len()], point / ops.len()))
            }
        }
    }

    pub(super) fn sample_cell(self, rng: &mut dyn Rng) -> CellGenotype {
        let mut cell = [(Primitive::None, 0); 2 * STEPS];
        for step in 0..STEPS {
            cell[2 * step..2 * step + 2].copy_from_slice(&self.sample_pair(step, rng));
        }
        cell
    }

    /// Points of the parametrisation: Π over nodes of the unordered pairs of edges it may have.
    pub(super) fn points(self) -> u128 {
        let ops = self.ops().len() as u128;
        let choose_two = |n: u128| n * (n - 1) / 2;
        let pairs = |n: u128| match self {
            Self::TwoCells | Self::Broad => choose_two(n) * ops * ops,
            Self::OneCell => choose_two(n * ops),
        };
        let cell: u128 = (2..2 + STEPS as u128).map(pairs).product();
        cell.pow(self.cells() as u32)
    }
}
