//! Observations as a Gaussian process takes them: columns of counts, and of what is known beforehand.

use std::sync::Arc;

use ndarray::{Array1, Array2, s};

use crate::gp::{Block, Prior, Shape, Term, Traits};
use crate::ranks::{Warp, normal_scores};
use crate::structure::{Columns, Family, Scale, Structure};

/// Prior means of the `ln relevance` of edges by the labels of their ends, and of operations by where they are:
/// there are many of these that say little. 0 for the other families.
const NEIGHBOURS: f64 = -1.0;
const PLACES: f64 = -0.4;

/// How [`GraphGp`](super::GraphGp) takes what is known beforehand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// Not at all.
    Nothing,
    /// As its mean: `b·u` of the Gaussian rank `u`, standardised over the observations, with `b ~ N(0, s²)`
    /// integrated out. Where little is measured it goes on straight.
    Mean,
    /// As a feature: any function of `u` that the kernel makes likely.
    Feature,
}

impl Form {
    /// All of them, for a choice by evidence.
    pub const ALL: [Self; 3] = [Self::Nothing, Self::Mean, Self::Feature];

    /// The covariance of a column of it.
    fn shape(self) -> Option<Shape> {
        match self {
            Self::Nothing => None,
            Self::Mean => Some(Shape::Linear),
            Self::Feature => Some(Shape::Even),
        }
    }

    /// Hyper-parameters of a column of it.
    pub(super) fn parameters(self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::Mean => 1,
            Self::Feature => 2,
        }
    }
}

/// What is read of observations: structures, Gaussian ranks of each thing known, scores.
pub(super) struct Read {
    pub(super) structures: Vec<Arc<Structure>>,
    pub(super) ranks: Vec<Vec<f64>>,
    pub(super) scores: Vec<f64>,
}

/// Observations as a Gaussian process takes them.
pub(super) struct Data {
    pub(super) form: Form,
    pub(super) columns: Columns,
    /// Columns of what is known, behind the others.
    pub(super) known: usize,
    pub(super) scale: Scale,
    /// Scaled features `[n, d]`.
    pub(super) x: Array2<f32>,
    /// Normal scores `[n]`.
    pub(super) z: Array1<f64>,
    pub(super) warp: Warp,
}

impl Data {
    /// The first `n` observations.
    pub(super) fn of(read: &Read, n: usize, form: Form) -> Self {
        let structures = read.structures[..n].iter().map(|s| &**s);
        let columns = Columns::of(structures.clone());
        let known = if form == Form::Nothing { &[][..] } else { &read.ranks };
        let x = with_ranks(columns.matrix(structures), known);
        let scale = Scale::of(&x);
        let (z, warp) = normal_scores(&read.scores[..n]);
        Self { form, columns, known: known.len(), x: scale.apply(x), scale, z: z.into(), warp }
    }

    /// The blocks of the kernel: structure, then one for each thing known.
    pub(super) fn blocks(&self, prior: &Prior) -> Vec<Block> {
        let d = self.columns.len();
        let x = self.x.slice(s![.., ..d]).mapv(|v| f64::from(v) * self.unit());
        let mut blocks = vec![Block { x, shape: Shape::Weighed(self.traits(prior)) }];
        for column in d..d + self.known {
            let x = self.x.slice(s![.., column..=column]).mapv(f64::from);
            blocks.extend(self.form.shape().map(|shape| Block { x, shape }));
        }
        blocks
    }

    /// The terms of the kernel at some hyper-parameters, and the variance of the noise.
    pub(super) fn terms(&self, parameters: &[f64], prior: &Prior) -> (Vec<Term>, f64) {
        let (d, each) = (self.columns.len(), self.form.parameters());
        let traits = self.traits(prior);
        let own = 2 + traits.priors.len() + d;
        let p = self.extended(parameters);
        let relevances = traits.relevances(&p[2..own]);
        let scale = relevances.mapv(|r| ((r - p[1]).exp() * self.unit()) as f32);
        let variance = |p: &[f64]| (2.0 * p[0]).exp();
        let mut terms =
            vec![Term { columns: (0..d).collect(), scale, variance: variance(&p), linear: false }];
        for (i, p) in p[own..p.len() - 1].chunks(each.max(1)).enumerate() {
            let scale = Array1::from_elem(1, p.get(1).map_or(1.0, |length| (-length).exp() as f32));
            let linear = self.form == Form::Mean;
            terms.push(Term { columns: vec![d + i], scale, variance: variance(p), linear });
        }
        (terms, (2.0 * p[p.len() - 1]).exp())
    }

    /// What columns are multiplied by to give a mean squared length of 1.
    fn unit(&self) -> f64 {
        let live = (0..self.columns.len()).filter(|&c| self.scale.is_live(c)).count();
        (live.max(1) as f64).sqrt().recip()
    }

    /// What columns have in common: their family, and the cut of the operations that they look at.
    fn traits(&self, prior: &Prior) -> Traits {
        let mut priors = vec![(0.0, prior.family_sd); Family::COUNT];
        priors[Family::Neighbours.index()].0 = NEIGHBOURS;
        priors[Family::Places.index()].0 = PLACES;
        priors.resize(Family::COUNT + self.columns.cuts(), (0.0, prior.cut_sd));
        let of = |column| {
            let kind = self.columns.kind(column);
            let cut = kind.cut.checked_sub(1).map(|cut| Family::COUNT + cut);
            [Some(kind.family.index()), cut].into_iter().flatten().collect()
        };
        Traits { of: (0..self.columns.len()).map(of).collect(), priors }
    }

    /// Parameters with relevances of 1 for columns that have come up since; the last before the noise are of
    /// what is known.
    pub(super) fn extended(&self, parameters: &[f64]) -> Vec<f64> {
        let tail = self.known * self.form.parameters();
        let (own, others) = parameters.split_at(parameters.len().saturating_sub(tail + 1));
        let mut extended = own.to_vec();
        extended.resize(2 + Family::COUNT + self.columns.cuts() + self.columns.len(), 0.0);
        extended.extend(others);
        extended
    }
}

/// Columns `[n, d]` and behind them ranks, of which there are at least `n` each.
pub(super) fn with_ranks(x: Array2<f32>, ranks: &[Vec<f64>]) -> Array2<f32> {
    if ranks.is_empty() {
        return x;
    }
    let (n, d) = x.dim();
    let mut wide = Array2::zeros((n, d + ranks.len()));
    wide.slice_mut(s![.., ..d]).assign(&x);
    for (i, ranks) in ranks.iter().enumerate() {
        wide.column_mut(d + i).iter_mut().zip(ranks).for_each(|(value, &rank)| *value = rank as f32);
    }
    wide
}
