//! The discrete cells of DARTS, and how to derive them from weights.

use std::fmt;

use super::STEPS;
use crate::error::SpaceError;

/// Names of the candidate operations in the published order, which is the column order of architecture
/// weights (quark0/darts, `cnn/genotypes.py`).
pub const PRIMITIVES: [&str; 8] = [
    "none",
    "max_pool_3x3",
    "avg_pool_3x3",
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "dil_conv_3x3",
    "dil_conv_5x5",
];

/// One of the candidate operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Primitive {
    /// No connection; a candidate of the relaxed search, never part of a discrete cell.
    None,
    /// 3×3 max pooling.
    MaxPool3x3,
    /// 3×3 average pooling.
    AvgPool3x3,
    /// Identity; a factorised reduction at stride 2.
    SkipConnect,
    /// 3×3 separable convolution, applied twice.
    SepConv3x3,
    /// 5×5 separable convolution, applied twice.
    SepConv5x5,
    /// 3×3 separable convolution of dilation 2.
    DilConv3x3,
    /// 5×5 separable convolution of dilation 2.
    DilConv5x5,
}

impl Primitive {
    /// All eight, in the order of [`PRIMITIVES`].
    pub const ALL: [Primitive; 8] = [
        Self::None,
        Self::MaxPool3x3,
        Self::AvgPool3x3,
        Self::SkipConnect,
        Self::SepConv3x3,
        Self::SepConv5x5,
        Self::DilConv3x3,
        Self::DilConv5x5,
    ];

    /// The published name.
    pub fn name(self) -> &'static str {
        PRIMITIVES[self as usize]
    }

    /// The operation with a published name.
    ///
    /// # Errors
    /// [`SpaceError::UnknownOp`] with the known names.
    pub fn named(name: &str) -> Result<Self, SpaceError> {
        let found = PRIMITIVES.iter().position(|&p| p == name).map(|i| Self::ALL[i]);
        found.ok_or_else(|| SpaceError::UnknownOp {
            name: name.to_owned(),
            known: PRIMITIVES.map(str::to_owned).to_vec(),
        })
    }
}

/// The edges of a cell, two for each intermediate node: operation and predecessor (0 and 1 are the
/// inputs, 2 + i is the i-th intermediate node).
pub type CellGenotype = [(Primitive, usize); 2 * STEPS];

/// Architecture weights of a cell after softmax, `[14, 8]`: a row for each edge, ordered by target node,
/// then by source; a column for each of [`PRIMITIVES`].
pub type WeightTable = [[f64; 8]; 14];

/// A pair of discrete cells, in the published form.
///
/// ```
/// use bonas_spaces::families::darts::{DARTS_V2, Genotype};
///
/// let text = DARTS_V2.to_string();
/// assert_eq!(text.parse(), Ok(DARTS_V2));
/// assert_eq!("DARTS_V2".parse::<Genotype>(), Ok(DARTS_V2));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Genotype {
    /// The cell of stride 1.
    pub normal: CellGenotype,
    /// The cell that halves the map.
    pub reduce: CellGenotype,
}

impl Genotype {
    /// Derives discrete cells from searched weights (quark0/darts, `model_search.py`, `_parse`).
    ///
    /// The strength of an edge is the largest weight of its operations other than `none`. Each node keeps its
    /// two strongest edges, the stronger first, each with its strongest operation; ties go to the lowest
    /// index. The weights must be probabilities of an edge's operations, or edges are not comparable.
    pub fn from_weights(normal: &WeightTable, reduce: &WeightTable) -> Self {
        Self { normal: strongest(normal), reduce: strongest(reduce) }
    }
}

fn strongest(weights: &WeightTable) -> CellGenotype {
    let mut cell = [(Primitive::None, 0); 2 * STEPS];
    let mut first_row = 0;
    for step in 0..STEPS {
        let inputs = step + 2;
        let mut edges: Vec<_> = weights[first_row..first_row + inputs].iter().map(best_op).collect();
        for slot in [2 * step, 2 * step + 1] {
            let from = first_max(edges.iter().map(|(_, weight)| *weight));
            cell[slot] = (edges[from].0, from);
            edges[from].1 = f64::NEG_INFINITY;
        }
        first_row += inputs;
    }
    cell
}

/// The operation other than `none` of largest weight.
fn best_op(row: &[f64; 8]) -> (Primitive, f64) {
    let op = 1 + first_max(row[1..].iter().copied());
    (Primitive::ALL[op], row[op])
}

fn first_max(values: impl Iterator<Item = f64>) -> usize {
    let (mut at, mut max) = (0, f64::NEG_INFINITY);
    for (i, value) in values.enumerate() {
        if value > max {
            (at, max) = (i, value);
        }
    }
    at
}

impl fmt::Display for Genotype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |cell: &CellGenotype| {
            let edges = cell.map(|(op, from)| format!("('{}', {from})", op.name()));
            edges.join(", ")
        };
        write!(f, "Genotype(normal=[{}], normal_concat=range(2, 6), ", list(&self.normal))?;
        write!(f, "reduce=[{}], reduce_concat=range(2, 6))", list(&self.reduce))
    }
}
