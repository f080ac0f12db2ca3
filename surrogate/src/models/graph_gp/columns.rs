//! Feature columns and prior knowledge as columns of a Gaussian process, and their kernel.

use ndarray::{Array1, Array2, s};

use super::data::{PriorForm, TrainingData};
use crate::FeatureGroup;
use crate::features::{Family, Row, Scale, VaryingColumns, families};
use crate::models::gp::{Block, Covariance, Form, Kernel, Prior, Shape, Term, Traits, fit_to};

/// Prior means of `ln relevance` for edges by the labels of their ends, and for operations by their places. Both
/// are large families with little information. The other families have mean 0.
const NEIGHBOURS: f64 = -1.0;
const PLACES: f64 = -0.4;

/// The columns that vary among the first observations, scaled by these, and the kernel over them.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct KernelColumns {
    pub(super) form: PriorForm,
    pub(super) varying: VaryingColumns,
    /// Number of own features, which are the first of the ranks.
    features: usize,
    /// Places of the own features that vary, whose columns follow the structural columns. Constant ones are left out: they
    /// would share in the weight of the others.
    own: Vec<usize>,
    /// Number of items of prior knowledge, whose columns come next.
    known: usize,
    /// Whether a last column has the numbers of groups.
    grouped: bool,
    /// Centre and scale of the ranks of both.
    ranks: Scale,
}

impl KernelColumns {
    /// The columns of the first `n` observations.
    pub(super) fn of(data: &TrainingData, n: usize, form: PriorForm) -> Self {
        let varying = VaryingColumns::of(data.structures.iter().take(n));
        let known = if form == PriorForm::Nothing { 0 } else { data.ranks.len() - data.own };
        let ranks = Array2::from_shape_fn((n, data.own + known), |(i, k)| data.ranks[k][i] as f32);
        let ranks = Scale::of(&ranks);
        let own = (0..data.own).filter(|&place| ranks.varies(place)).collect();
        Self { form, varying, features: data.own, own, known, grouped: data.groups.is_some(), ranks }
    }

    /// Number of columns.
    pub(super) fn width(&self) -> usize {
        self.described() + usize::from(self.grouped)
    }

    /// Number of columns that describe architectures: all but that of groups.
    pub(super) fn described(&self) -> usize {
        self.joint() + self.known
    }

    /// Number of columns that one kernel takes together: structural columns and own features.
    fn joint(&self) -> usize {
        self.varying.len() + self.own.len()
    }

    /// Scaled features `[m, d]` of some observations, with the ranks of prior knowledge about them and the numbers of their
    /// groups, if they have any.
    pub(super) fn matrix<'a>(
        &self,
        structures: impl ExactSizeIterator<Item = Row<'a>>,
        ranks: &[Vec<f64>],
        groups: Option<&[f32]>,
    ) -> Array2<f32> {
        let mut x = Array2::zeros((0, 0));
        self.matrix_into(structures, ranks, &mut x);
        if let Some(groups) = groups.filter(|_| self.grouped) {
            x.column_mut(self.described()).iter_mut().zip(groups).for_each(|(x, group)| *x = *group);
        }
        x
    }

    /// Writes the [`matrix`](Self::matrix) of architectures in no group to `x` and resizes it.
    pub(super) fn matrix_into<'a>(
        &self,
        structures: impl ExactSizeIterator<Item = Row<'a>>,
        ranks: &[Vec<f64>],
        x: &mut Array2<f32>,
    ) {
        fit_to(x, (structures.len(), self.width()));
        self.varying.write(structures, x);
        x.slice_mut(s![.., self.described()..]).fill(0.0);
        let known = self.features..self.features + self.known;
        for (k, place) in self.own.iter().copied().chain(known).enumerate() {
            let column = x.column_mut(self.varying.len() + k);
            column
                .into_iter()
                .zip(&ranks[place])
                .for_each(|(value, &rank)| *value = self.ranks.scaled(place, rank as f32));
        }
    }

    /// Blocks of the kernel for features `x [n, d]`: structural features, then one block for each item of prior
    /// knowledge.
    pub(super) fn blocks(&self, x: &Array2<f32>, prior: &Prior) -> Vec<Block> {
        let d = self.joint();
        let own = x.slice(s![.., ..d]).mapv(f64::from) * &self.units();
        let mut blocks = vec![Block { x: own, shape: Shape::Weighed(self.traits(prior)) }];
        let column = |column: usize| x.slice(s![.., column..=column]).mapv(f64::from);
        for known in d..self.described() {
            blocks.extend(self.form.shape().map(|shape| Block { x: column(known), shape }));
        }
        if self.grouped {
            blocks.push(Block { x: column(self.described()), shape: Shape::Intercept });
        }
        blocks
    }

    /// The covariance at these hyper-parameters.
    pub(super) fn covariance(&self, kernel: Kernel, p: &[f64], prior: &Prior) -> Covariance {
        let (d, each) = (self.joint(), self.form.parameters());
        let traits = self.traits(prior);
        let own = 2 + traits.priors.len() + d;
        let relevances = traits.relevances(&p[2..own]);
        let scale = (relevances.mapv(|r| (r - p[1]).exp()) * self.units()).mapv(|scale| scale as f32);
        let variance = |p: &[f64]| (2.0 * p[0]).exp();
        let mut terms = vec![Term { columns: 0..d, scale, variance: variance(p), form: Form::Kernel }];
        let intercepts = own + each * self.known;
        for (i, p) in p[own..intercepts].chunks(each.max(1)).enumerate() {
            let scale = Array1::from_elem(1, p.get(1).map_or(1.0, |length| (-length).exp() as f32));
            let form = if self.form == PriorForm::Mean { Form::Linear } else { Form::Kernel };
            terms.push(Term { columns: d + i..d + i + 1, scale, variance: variance(p), form });
        }
        if self.grouped {
            let (columns, scale) = (self.described()..self.width(), Array1::ones(1));
            terms.push(Term { columns, scale, variance: variance(&p[intercepts..]), form: Form::Intercept });
        }
        Covariance { kernel, terms, noise: (2.0 * p[p.len() - 1]).exp() }
    }

    /// Translates hyper-parameters of earlier columns to these columns. Columns that are new get 0, a relevance of 1, and so
    /// does the family of own features if it is new.
    pub(super) fn parameters(&self, before: &KernelColumns, p: &[f64]) -> Vec<f64> {
        let (common, rest) = p.split_at(2 + before.common());
        let (structural, rest) = rest.split_at(before.varying.len());
        let (own, tail) = rest.split_at(before.own.len());
        let mut parameters = common.to_vec();
        parameters.resize(2 + self.common(), 0.0);
        moved(before.varying.positions(), structural, self.varying.positions(), &mut parameters);
        moved(&before.own, own, &self.own, &mut parameters);
        parameters.extend(tail);
        parameters
    }

    /// The groups of features that have a column.
    pub(super) fn groups(&self) -> Vec<FeatureGroup> {
        let families = families(self.varying.kinds()).into_iter().map(FeatureGroup::Counts);
        let known = self.features..self.features + self.known;
        families.chain(self.own.iter().copied().chain(known).map(FeatureGroup::Known)).collect()
    }

    /// The columns of a group of features.
    pub(super) fn of_group(&self, group: FeatureGroup) -> Vec<usize> {
        let is_own = |family: Family| self.varying.kinds().map(move |kind| kind.family == family);
        match group {
            FeatureGroup::Counts(family) => {
                is_own(family).enumerate().filter_map(|(column, own)| own.then_some(column)).collect()
            }
            FeatureGroup::Known(place) => {
                let known = self.features..self.features + self.known;
                let mut places = self.own.iter().copied().chain(known);
                places.position(|other| other == place).map(|k| self.varying.len() + k).into_iter().collect()
            }
        }
    }

    /// Factor of each column that gives the structural columns, and the own features, a mean squared length of 1.
    fn units(&self) -> Array1<f64> {
        let unit = |count: usize| (count.max(1) as f64).sqrt().recip();
        let (structural, own) = (unit(self.varying.len()), unit(self.own.len()));
        (0..self.joint()).map(|c| if c < self.varying.len() { structural } else { own }).collect()
    }

    /// The traits of each column: its family, and the cut of the operations that it distinguishes.
    fn traits(&self, prior: &Prior) -> Traits {
        let mut priors = vec![(0.0, prior.family_sd); Family::COUNT];
        priors[Family::Neighbours.index()].0 = NEIGHBOURS;
        priors[Family::Places.index()].0 = PLACES;
        priors.resize(Family::COUNT + self.varying.columns().cuts(), (0.0, prior.cut_sd));
        let of = self.varying.kinds().map(|kind| {
            let cut = kind.cut.checked_sub(1).map(|cut| Family::COUNT + cut);
            [Some(kind.family.index()), cut].into_iter().flatten().collect()
        });
        let mut of: Vec<Vec<usize>> = of.collect();
        of.resize(self.joint(), vec![priors.len()]);
        priors.resize(self.common(), (0.0, prior.family_sd));
        Traits { of, priors }
    }

    /// Number of traits.
    fn common(&self) -> usize {
        Family::COUNT + self.varying.columns().cuts() + usize::from(!self.own.is_empty())
    }
}

/// Adds the parameters of columns at places `after`: those that the columns at places `before` had, 0 for the others. Both
/// lists of places rise.
fn moved(before: &[usize], had: &[f64], after: &[usize], parameters: &mut Vec<f64>) {
    let mut earlier = before.iter().zip(had).peekable();
    for place in after {
        while earlier.next_if(|(before, _)| *before < place).is_some() {}
        parameters.push(earlier.next_if(|(before, _)| *before == place).map_or(0.0, |(_, p)| *p));
    }
}
