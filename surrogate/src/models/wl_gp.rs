//! The Gaussian process over Weisfeiler-Lehman labels.

use std::collections::HashMap;
use std::sync::Arc;

use bonas_spaces::Architecture;
use ndarray::{Array1, Array2, Axis, s};
use rand::Rng;

use crate::chunks::in_chunks;
use crate::entry::PartEntry;
use crate::fantasy::{More, below};
use crate::features::{Layout, Sparse};
use crate::guard::{in_one_space, in_saved_space};
use crate::models::gp::{
    self, Block, Covariance, Evidence, FactoredObservations, Form, Kernel, Later, Prior, Process, Scratch,
    Shape, Term,
};
use crate::observation::{finite_scores, replicates};
use crate::posterior::Joint;
use crate::posterior::warp::{Warp, gaussian_ranks};
use crate::surrogate::SurrogateEntry;
use crate::{Observation, Posterior, Predict, PriorKnowledge, Saved, Surrogate, SurrogateError};

const NAME: &str = "wl-gp";

/// Most labels of a round that get a column: the first ones observed.
const MAX_LABELS: usize = 500;

/// Gaussian process over the Weisfeiler-Lehman labels of the pruned graphs, after NAS-BOWL (Ru,
/// Wan, Dong and Osborne: Interpretable neural architecture search via Bayesian optimisation with
/// Weisfeiler-Lehman kernels, 2021).
///
/// The kernel is a sum over the rounds of relabelling. Each round has a [`Kernel`] of the distance between the
/// square roots of the label counts, with its own amplitude and lengthscale. So the marginal likelihood decides
/// how many rounds matter, where the original fixes their number. Targets are Gaussian ranks, those of replicates their mean. An observation that does
/// not fit the others gets more noise than the others. Fitting draws no
/// random numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WlGp {
    /// Rounds of relabelling beyond the operations themselves.
    pub rounds: usize,
    /// Shape of the kernels.
    pub kernel: Kernel,
    /// Priors of the hyper-parameters.
    pub prior: Prior,
    /// Steps of L-BFGS.
    pub iterations: u64,
    /// Hyper-parameters are chosen by at most this number of observations, the first ones. The posterior uses all.
    pub limit: usize,
}

impl Default for WlGp {
    fn default() -> Self {
        Self { rounds: 2, kernel: Kernel::Rbf, prior: Prior::default(), iterations: 20, limit: 400 }
    }
}

/// A column for each label of each round.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct Labels {
    layout: Layout,
    /// For each round its first column, and its columns by label.
    #[serde(with = "crate::saved::by_name")]
    rounds: Vec<(usize, HashMap<u64, usize>)>,
    /// Means of the columns, and factors of the centred values.
    mean: Array1<f32>,
    factor: Array1<f32>,
}

impl Labels {
    /// The labels of at least one architecture, and their matrix `[n, d]`. Columns are centred, and each round has a
    /// mean squared length of 1.
    fn of(architectures: &[&Architecture], rounds: usize) -> (Self, Array2<f32>) {
        let layout = Layout::of(architectures[0].vocabulary());
        let counted: Vec<_> = architectures.iter().map(|a| layout.weisfeiler_lehman(a, rounds)).collect();
        let (mut columns, mut next) = (Vec::new(), 0);
        for round in 0..=rounds {
            let mut known = HashMap::new();
            for &(label, _) in counted.iter().flat_map(|rounds| &rounds[round]) {
                if known.len() < MAX_LABELS && !known.contains_key(&label) {
                    known.insert(label, next + known.len());
                }
            }
            let first = next;
            next += known.len();
            columns.push((first, known));
        }
        let (mean, factor) = (Array1::zeros(next), Array1::ones(next));
        let mut labels = Self { layout, rounds: columns, mean, factor };
        let x = labels.rows(&counted);
        labels.mean = x.mean_axis(Axis(0)).unwrap_or_else(|| Array1::zeros(next));
        for round in 0..=rounds {
            let range = labels.columns(round);
            let centred = &x.slice(s![.., range.clone()]) - &labels.mean.slice(s![range.clone()]);
            let square = centred.iter().map(|v| v * v).sum::<f32>() / x.nrows() as f32;
            labels.factor.slice_mut(s![range]).fill(if square > 1e-9 { square.sqrt().recip() } else { 0.0 });
        }
        let x = labels.scaled(x);
        (labels, x)
    }

    fn columns(&self, round: usize) -> std::ops::Range<usize> {
        let (first, known) = &self.rounds[round];
        *first..first + known.len()
    }

    /// Features `[m, d]`, and the share of each architecture's covariance with the observations.
    fn matrix(&self, architectures: &[Architecture]) -> (Array2<f32>, Vec<f32>) {
        let rounds = self.rounds.len() - 1;
        let counted: Vec<_> =
            architectures.iter().map(|a| self.layout.weisfeiler_lehman(a, rounds)).collect();
        let (_, seen) = &self.rounds[0];
        // The labels of the first round are operations.
        let unseen =
            |rounds: &Vec<Sparse>| rounds[0].iter().filter(|(label, _)| !seen.contains_key(label)).count();
        let shares = counted.iter().map(|rounds| gp::share(unseen(rounds))).collect();
        (self.scaled(self.rows(&counted)), shares)
    }

    /// Square roots of the counts, `[n, d]`.
    fn rows(&self, counted: &[Vec<Sparse>]) -> Array2<f32> {
        let mut x = Array2::zeros((counted.len(), self.mean.len()));
        for (i, rounds) in counted.iter().enumerate() {
            for (labels, (_, known)) in rounds.iter().zip(&self.rounds) {
                for (label, count) in labels {
                    if let Some(&column) = known.get(label) {
                        x[[i, column]] = count.sqrt();
                    }
                }
            }
        }
        x
    }

    fn scaled(&self, x: Array2<f32>) -> Array2<f32> {
        (x - &self.mean) * &self.factor
    }
}

impl WlGp {
    /// Terms of the kernel and the variance of the noise at the maximum of the marginal likelihood, and the noise that
    /// single observations have beyond that.
    fn choose(
        &self,
        labels: &Labels,
        x: &Array2<f32>,
        z: &Array1<f64>,
        known: &Array1<f64>,
    ) -> Result<(Vec<Term>, f64, Array1<f64>), SurrogateError> {
        let n = x.nrows().min(self.limit.max(1));
        let block = |round: usize| Block {
            x: x.slice(s![..n, labels.columns(round)]).mapv(f64::from),
            shape: Shape::Even,
        };
        let blocks: Vec<Block> = (0..=self.rounds).map(block).collect();
        let z = z.slice(s![..n]).to_owned();
        let (none, known) = (Array1::zeros(n), known.slice(s![..n]).to_owned());
        let (kernel, prior) = (self.kernel, &self.prior);
        let evidence = Evidence { blocks: &blocks, targets: &z, known: &known, extra: &none, kernel, prior };
        let first = evidence.fit(None, self.iterations);
        let start = first.as_ref().map(|fit| &*fit.parameters);
        let extra = evidence.outliers(start);
        let noise = start.and_then(|p| p.last()).map_or(0.0, |ln| (2.0 * ln).exp());
        // Where all observations fit there is nothing to choose anew.
        let fit = if extra.iter().any(|&extra| extra > noise) {
            Evidence { extra: &extra, ..evidence }.fit(start, self.iterations)
        } else {
            first
        };
        let failed = || {
            SurrogateError::numeric(
                NAME,
                "the covariance of the observations is not positive definite at the prior mean",
            )
        };
        let parameters = fit.ok_or_else(failed)?.parameters;
        let term = |(round, p): (usize, &[f64])| {
            let columns = labels.columns(round);
            let scale = Array1::from_elem(columns.len(), (-p[1]).exp() as f32);
            Term { columns, scale, variance: (2.0 * p[0]).exp(), form: Form::Kernel }
        };
        let (noise, own) = parameters.split_last().map_or((0.0, &parameters[..]), |(n, own)| (*n, own));
        Ok((own.chunks(2).enumerate().map(term).collect(), (2.0 * noise).exp(), extra))
    }
}

impl WlGp {
    /// "wl-gp" in the catalogue.
    pub const ENTRY: SurrogateEntry =
        PartEntry::new(NAME, "Gaussian process on Weisfeiler-Lehman labels, after NAS-BOWL", |()| {
            Ok(Box::<Self>::default())
        });
}

impl Surrogate for WlGp {
    fn name(&self) -> &'static str {
        NAME
    }

    fn has_embedding(&self) -> bool {
        true
    }

    fn knows_noise(&self) -> bool {
        true
    }

    fn has_joint_posterior(&self) -> bool {
        true
    }

    fn fit(&self, observations: &[Observation], _: &mut dyn Rng) -> Result<Box<dyn Predict>, SurrogateError> {
        in_one_space(NAME, observations, || {
            let scores = finite_scores(NAME, observations)?;
            let (ranks, warp) = gaussian_ranks(&scores);
            let Merged { architectures, z, known } = merged(observations, &ranks, &warp);
            let (labels, x) = Labels::of(&architectures, self.rounds);
            let (terms, noise, outliers) = self.choose(&labels, &x, &z, &known)?;
            let covariance = Covariance { kernel: self.kernel, terms, noise };
            let mut extra = known.to_vec();
            extra.iter_mut().zip(&outliers).for_each(|(known, extra)| *known += extra);
            let factored = FactoredObservations::of(&covariance, &x, x.nrows(), &extra)?;
            let process = Process::new(Arc::new(factored), z)?.without_outliers(outliers.len())?;
            Ok(Box::new(FittedWlGp { process, labels: Arc::new(labels), observed: x, warp: Arc::new(warp) }))
        })
    }

    fn load(&self, saved: &Saved, _: &[PriorKnowledge]) -> Result<Box<dyn Predict>, SurrogateError> {
        in_saved_space(NAME, saved, |fitted: FittedWlGp| Ok(Box::new(fitted)))
    }
}

/// One architecture for each group of replicates.
struct Merged<'a> {
    architectures: Vec<&'a Architecture>,
    /// Its mean rank, `[n]`.
    z: Array1<f64>,
    /// Variance of the noise that this is known to have, `[n]`.
    known: Array1<f64>,
}

/// Merges replicates.
///
/// The noise has to stand for what the labels do not tell apart, too. Replicates, whose labels are equal, would say that
/// it is small.
fn merged<'a>(observations: &'a [Observation], ranks: &[f64], warp: &Warp) -> Merged<'a> {
    let (mut architectures, mut sums) = (Vec::new(), Vec::<[f64; 3]>::new());
    for ((observation, rank), group) in observations.iter().zip(ranks).zip(replicates(observations)) {
        if group == sums.len() {
            architectures.push(&observation.architecture);
            sums.push([0.0; 3]);
        }
        let noise = observation.noise.map_or(0.0, |sd| warp.latent_noise(observation.score, sd));
        let [z, known, count] = &mut sums[group];
        (*z, *known, *count) = (*z + rank, *known + noise, *count + 1.0);
    }
    let z = sums.iter().map(|[z, _, count]| z / count).collect();
    Merged { architectures, z, known: sums.iter().map(|[_, known, count]| known / (count * count)).collect() }
}

#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct FittedWlGp {
    process: Process,
    labels: Arc<Labels>,
    /// Features `[n, d]` of the observations.
    observed: Array2<f32>,
    warp: Arc<Warp>,
}

impl Predict for FittedWlGp {
    fn predict(&self, candidates: &[Architecture]) -> Result<Vec<Posterior>, SurrogateError> {
        let noise = self.process.noise();
        let posterior =
            |(m, v): (&f64, &f64)| Posterior::warped(*m, v + noise, self.warp.clone())?.with_noise(noise);
        in_chunks(
            candidates,
            |_| Ok(()),
            |candidates, scratch: &mut Scratch| {
                let (x, shares) = self.labels.matrix(candidates);
                let (means, variances) = self.process.predict_akin(&x, &shares, scratch);
                means.iter().zip(&variances).map(posterior).collect()
            },
        )
    }

    fn joint(&self, candidates: &[Architecture]) -> Result<Option<Joint>, SurrogateError> {
        if candidates.is_empty() {
            return Ok(None);
        }
        let (x, shares) = self.labels.matrix(candidates);
        let (mean, covariance, prior) = self.process.joint_akin(&x, &shares);
        Joint::new(mean.into(), covariance, prior, self.warp.clone()).map(Some)
    }

    fn condition_on(&self, observations: &[Observation]) -> Result<Option<Box<dyn Predict>>, SurrogateError> {
        let more = More::of(NAME, observations)?;
        if more.architectures.is_empty() {
            return Ok(Some(Box::new(self.clone())));
        }
        let (x, shares) = self.labels.matrix(&more.architectures);
        let observed = below(&self.observed, &x)?;
        let (targets, noise) = (more.latent(&self.warp), more.latent_noise(&self.warp));
        let later = Later { targets: &targets, noise: &noise, shares: &shares };
        let process = self.process.conditioned(&observed, later)?;
        Ok(Some(Box::new(Self { process, labels: self.labels.clone(), observed, warp: self.warp.clone() })))
    }

    fn embed(&self, candidates: &[Architecture]) -> Result<Option<Array2<f64>>, SurrogateError> {
        Ok(Some(self.labels.matrix(candidates).0.mapv(f64::from)))
    }

    fn save(&self) -> Result<Saved, SurrogateError> {
        Saved::of(NAME, self)
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::metrics::kendall_tau_b;
    use crate::testing::{
        check_surrogate, check_toy_robustness, toy_architectures, toy_observations, toy_score,
    };

    #[test]
    fn contract() {
        check_surrogate(&WlGp::default(), &toy_observations(30, 4), &toy_architectures(20, 5), 6);
        check_toy_robustness(&WlGp::default());
        let alone = WlGp { rounds: 0, ..WlGp::default() };
        check_surrogate(&alone, &toy_observations(30, 4), &toy_architectures(20, 5), 6);
    }

    #[test]
    fn ranks_unseen_cells() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let fitted = WlGp::default().fit(&toy_observations(100, 2), &mut rng).unwrap();
        let candidates = toy_architectures(300, 3);
        let means: Vec<f64> = fitted.predict(&candidates).unwrap().iter().map(Posterior::mean).collect();
        let truth: Vec<f64> = candidates.iter().map(toy_score).collect();
        let tau = kendall_tau_b(&means, &truth).unwrap();
        assert!(tau > 0.75, "tau {tau}");
    }
}
