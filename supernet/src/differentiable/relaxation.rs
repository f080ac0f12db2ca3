//! The continuous relaxation of DARTS cells: weights of operations and of edges.

use bonas_spaces::families::darts::{Genotype, PRIMITIVES, WeightTable};
use bonas_study::StudyError;
use bonas_study::rng::StudyRng;
use rand_distr::{Distribution, Normal};
use tch::{Device, Kind, Tensor};

use crate::device;
use crate::model::{Mixture, SupernetError};

type Result<T> = std::result::Result<T, SupernetError>;

/// Edges of a cell.
const EDGES: usize = 14;
/// First edge and number of edges of each intermediate node.
const NODES: [(i64, i64); 4] = [(0, 2), (2, 3), (5, 4), (9, 5)];
/// Standard deviation of the first weights.
const SPREAD: f64 = 1e-3;

/// Architecture parameters of a pair of cells: α `[14, 8]` a cell, `none` first, and with edge
/// normalisation β `[14]` a cell.
#[derive(Debug)]
pub(super) struct Relaxation {
    alphas: [Tensor; 2],
    betas: Option<[Tensor; 2]>,
}

/// What the operations and edges of a network are weighted with; gradients reach α and β.
#[derive(Debug)]
pub(super) struct Weights {
    /// Softmax of α over the operations without the column of `none`, which gives zeros:
    /// `[14, 7]` a cell.
    operations: [Tensor; 2],
    /// Softmax of β over the edges into each node, `[14]` a cell.
    edges: Option<[Tensor; 2]>,
}

impl Weights {
    pub(super) fn mixture(&self) -> Mixture<'_> {
        match &self.edges {
            None => Mixture::Weighted(&self.operations),
            Some(edges) => Mixture::Normalised { operations: &self.operations, edges },
        }
    }
}

impl Relaxation {
    /// α and β drawn from `N(0, 10⁻⁶)`, as published.
    pub(super) fn new(normalised: bool, kind: Kind, device: Device, rng: &mut StudyRng) -> Result<Self> {
        let normal = Normal::new(0.0, SPREAD).map_err(|e| SupernetError::setting("spread", e.to_string()))?;
        let mut draw = |shape: &[i64]| -> Result<Tensor> {
            let count = shape.iter().product::<i64>() as usize;
            let values: Vec<f64> = (0..count).map(|_| normal.sample(rng)).collect();
            let drawn = Tensor::f_from_slice(&values)?.f_view(shape)?;
            Ok(device::sent(&drawn, device)?.f_to_kind(kind)?.f_set_requires_grad(true)?)
        };
        let table = [EDGES as i64, PRIMITIVES.len() as i64];
        let alphas = [draw(&table)?, draw(&table)?];
        let betas = if normalised { Some([draw(&table[..1])?, draw(&table[..1])?]) } else { None };
        Ok(Self { alphas, betas })
    }

    /// The tensors that are learned, with their names.
    pub(super) fn leaves(&self) -> Vec<(&'static str, &Tensor)> {
        let betas = self.betas.iter().flatten();
        let names = ["alpha.normal", "alpha.reduce", "beta.normal", "beta.reduce"];
        names.into_iter().zip(self.alphas.iter().chain(betas)).collect()
    }

    pub(super) fn weights(&self) -> Result<Weights> {
        let operations = |alpha: &Tensor| -> Result<Tensor> {
            let shares = alpha.f_softmax(-1, alpha.kind())?; // [14, 8]
            Ok(shares.f_narrow(1, 1, PRIMITIVES.len() as i64 - 1)?) // [14, 7]
        };
        let [normal, reduce] = &self.alphas;
        let edges = match &self.betas {
            Some([normal, reduce]) => Some([by_node(normal)?, by_node(reduce)?]),
            None => None,
        };
        Ok(Weights { operations: [operations(normal)?, operations(reduce)?], edges })
    }

    /// Probabilities of operations by edge, `none` first: the softmax of α, times that of β where
    /// there is one.
    pub(super) fn tables(&self) -> std::result::Result<[WeightTable; 2], StudyError> {
        let table = |role: usize| -> Result<WeightTable> {
            let mut shares = self.alphas[role].f_softmax(-1, Kind::Double)?; // [14, 8]
            if let Some(betas) = &self.betas {
                shares = shares.f_mul(&by_node(&betas[role])?.f_to_kind(Kind::Double)?.f_unsqueeze(1)?)?;
            }
            let flat: Vec<f64> = Vec::try_from(shares.f_reshape([-1])?)?;
            let mut table: WeightTable = [[0.0; 8]; EDGES];
            for (row, values) in table.iter_mut().zip(flat.chunks_exact(PRIMITIVES.len())) {
                row.copy_from_slice(values);
            }
            Ok(table)
        };
        let tables = [table(0)?, table(1)?];
        if tables.iter().flatten().flatten().all(|share| share.is_finite()) {
            return Ok(tables);
        }
        Err(StudyError::Strategy {
            strategy: "differentiable".to_owned(),
            reason: "an architecture parameter is no number any more; lower a learning rate".to_owned(),
        })
    }

    /// The cells that [`Genotype::from_weights`] makes of the probabilities.
    pub(super) fn genotype(&self) -> std::result::Result<Genotype, StudyError> {
        let [normal, reduce] = self.tables()?;
        Ok(Genotype::from_weights(&normal, &reduce))
    }
}

/// Softmax over the edges into each node, `[14]`.
fn by_node(beta: &Tensor) -> Result<Tensor> {
    let share = |(start, edges)| beta.f_narrow(0, start, edges)?.f_softmax(-1, beta.kind());
    let parts = NODES.into_iter().map(share).collect::<std::result::Result<Vec<_>, _>>()?;
    Ok(Tensor::f_cat(&parts, 0)?)
}
