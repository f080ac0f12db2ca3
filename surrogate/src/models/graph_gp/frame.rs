//! Columns of counts, and of what is known beforehand, as a Gaussian process takes them.

use ndarray::{Array1, Array2, s};

use super::data::{Form, Read};
use crate::features::{Family, Live, Row, Scale};
use crate::models::gp::{Block, Covariance, Kernel, Prior, Shape, Term, Traits, fit_to};

/// Prior means of the `ln relevance` of edges by the labels of their ends, and of operations by where they are:
/// there are many of these that say little. 0 for the other families.
const NEIGHBOURS: f64 = -1.0;
const PLACES: f64 = -0.4;

/// Columns that differ among some observations, scaled by these, and their kernel.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub(super) form: Form,
    pub(super) live: Live,
    /// Centre and scale of the ranks of what is known, whose columns stand behind the others.
    ranks: Scale,
    known: usize,
}

impl Frame {
    /// Of the first `n` observations.
    pub(super) fn of(read: &Read, n: usize, form: Form) -> Self {
        let live = Live::of(read.structures.iter().take(n));
        let known = if form == Form::Nothing { &[][..] } else { &read.ranks };
        let ranks = Array2::from_shape_fn((n, known.len()), |(i, k)| known[k][i] as f32);
        Self { form, live, ranks: Scale::of(&ranks), known: known.len() }
    }

    /// Number of columns.
    pub(super) fn width(&self) -> usize {
        self.live.len() + self.known
    }

    /// Scaled features `[m, d]` of some architectures and what is known of them, each at least as many ranks.
    pub(super) fn matrix<'a>(
        &self,
        structures: impl ExactSizeIterator<Item = Row<'a>>,
        ranks: &[Vec<f64>],
    ) -> Array2<f32> {
        let mut x = Array2::zeros((0, 0));
        self.matrix_into(structures, ranks, &mut x);
        x
    }

    /// [`matrix`](Self::matrix) into `x`; what is in it before does not matter.
    pub(super) fn matrix_into<'a>(
        &self,
        structures: impl ExactSizeIterator<Item = Row<'a>>,
        ranks: &[Vec<f64>],
        x: &mut Array2<f32>,
    ) {
        fit_to(x, (structures.len(), self.width()));
        self.live.write(structures, x);
        for (k, ranks) in ranks.iter().take(self.known).enumerate() {
            let column = x.column_mut(self.live.len() + k);
            column
                .into_iter()
                .zip(ranks)
                .for_each(|(value, &rank)| *value = self.ranks.scaled(k, rank as f32));
        }
    }

    /// The blocks of the kernel for features `x [n, d]`: structure, then one for each thing known.
    pub(super) fn blocks(&self, x: &Array2<f32>, prior: &Prior) -> Vec<Block> {
        let d = self.live.len();
        let own = x.slice(s![.., ..d]).mapv(|v| f64::from(v) * self.unit());
        let mut blocks = vec![Block { x: own, shape: Shape::Weighed(self.traits(prior)) }];
        for column in d..self.width() {
            let x = x.slice(s![.., column..=column]).mapv(f64::from);
            blocks.extend(self.form.shape().map(|shape| Block { x, shape }));
        }
        blocks
    }

    /// The kernel at some hyper-parameters of these columns.
    pub(super) fn covariance(&self, kernel: Kernel, p: &[f64], prior: &Prior) -> Covariance {
        let (d, each) = (self.live.len(), self.form.parameters());
        let traits = self.traits(prior);
        let own = 2 + traits.priors.len() + d;
        let relevances = traits.relevances(&p[2..own]);
        let scale = relevances.mapv(|r| ((r - p[1]).exp() * self.unit()) as f32);
        let variance = |p: &[f64]| (2.0 * p[0]).exp();
        let mut terms = vec![Term { columns: 0..d, scale, variance: variance(p), linear: false }];
        for (i, p) in p[own..p.len() - 1].chunks(each.max(1)).enumerate() {
            let scale = Array1::from_elem(1, p.get(1).map_or(1.0, |length| (-length).exp() as f32));
            let linear = self.form == Form::Mean;
            terms.push(Term { columns: d + i..d + i + 1, scale, variance: variance(p), linear });
        }
        Covariance { kernel, terms, noise: (2.0 * p[p.len() - 1]).exp() }
    }

    /// Hyper-parameters of these columns out of those of an earlier frame's: 0, a relevance of 1, for columns that
    /// have come up since.
    pub(super) fn parameters(&self, before: &Frame, p: &[f64]) -> Vec<f64> {
        let common = 2 + self.common();
        let (own, tail) = p[common..].split_at(before.live.len());
        let mut parameters = p[..common].to_vec();
        let mut earlier = before.live.places().iter().zip(own).peekable();
        for &place in self.live.places() {
            while earlier.next_if(|(before, _)| **before < place).is_some() {}
            parameters.push(earlier.next_if(|(before, _)| **before == place).map_or(0.0, |(_, p)| *p));
        }
        parameters.extend(tail);
        parameters
    }

    /// What columns are multiplied by to give a mean squared length of 1.
    fn unit(&self) -> f64 {
        (self.live.len().max(1) as f64).sqrt().recip()
    }

    /// What columns have in common: their family, and the cut of the operations that they look at.
    fn traits(&self, prior: &Prior) -> Traits {
        let mut priors = vec![(0.0, prior.family_sd); Family::COUNT];
        priors[Family::Neighbours.index()].0 = NEIGHBOURS;
        priors[Family::Places.index()].0 = PLACES;
        priors.resize(self.common(), (0.0, prior.cut_sd));
        let of = self.live.kinds().map(|kind| {
            let cut = kind.cut.checked_sub(1).map(|cut| Family::COUNT + cut);
            [Some(kind.family.index()), cut].into_iter().flatten().collect()
        });
        Traits { of: of.collect(), priors }
    }

    /// Number of traits.
    fn common(&self) -> usize {
        Family::COUNT + self.live.columns().cuts()
    }
}
