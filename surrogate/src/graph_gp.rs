//! A Gaussian process over structural counts.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use bonas_spaces::Architecture;
use ndarray::{Array1, Array2};
use rand::Rng;

use crate::features::{self, Extractor};
use crate::gp::{self, Block, Families, Kernel, Prior, Process, Term};
use crate::ranks::{Warp, normal_scores};
use crate::structure::{Columns, Family, Scale, Structure};
use crate::{Joint, Observation, Posterior, Predict, Surrogate, SurrogateError};

const NAME: &str = "graph-gp";

/// Prior mean of the `ln relevance` of edges by the labels of their ends, of which there are many that
/// say little; 0 for the other families.
const NEIGHBOURS: f64 = -1.0;

/// Numbers of observations at which hyper-parameters are chosen anew: the first, and the factor
/// from one to the next.
const FIRST_STEP: usize = 16;
const STEP: f64 = 1.25;

/// Most choices kept.
const MAX_KEPT: usize = 64;

/// Gaussian process on normal scores, over the counts of [`crate::structure`].
///
/// The kernel is a Matérn kernel with a relevance for every family of columns (what is counted in the
/// same way) and for every column in it, a lengthscale, an amplitude and a noise, chosen by the marginal
/// likelihood under weak priors. The priors' figures and the kernel's shape were chosen on the tables
/// that the normal scores were chosen on (`ranks`); a narrow prior of the noise matters most, as few
/// observations seem to have none.
///
/// Hyper-parameters are those that fit the first 16, 20, 25, .. observations, the last number that
/// there are (at most [`limit`](Self::limit)), each choice a few steps of L-BFGS on from the one
/// before. So a fit is a function of the observations and their order alone; choices are kept, so
/// that a study pays each once. Draws no random numbers.
///
/// Posteriors are laws of the measured score, noise included: a normal law of the normal score, mapped
/// back to the unit of the score ([`Warp`]).
#[derive(Debug)]
pub struct GraphGp {
    /// Shape of the kernel.
    pub kernel: Kernel,
    /// Priors of the hyper-parameters.
    pub prior: Prior,
    /// Steps of L-BFGS at the first choice of hyper-parameters.
    pub first_iterations: u64,
    /// Steps at each later one.
    pub iterations: u64,
    /// Most observations that hyper-parameters are chosen by; the posterior takes all.
    pub limit: usize,
    features: Arc<Extractor>,
    kept: Mutex<Vec<(u64, gp::Fit)>>,
}

impl Default for GraphGp {
    fn default() -> Self {
        Self {
            kernel: Kernel::Matern32,
            prior: Prior {
                noise: -1.0,
                noise_sd: 0.5,
                relevance_sd: 0.8,
                family_sd: 0.8,
                ..Prior::default()
            },
            first_iterations: 25,
            iterations: 6,
            limit: 400,
            features: Arc::default(),
            kept: Mutex::default(),
        }
    }
}

/// Observations as a Gaussian process takes them.
struct Data {
    columns: Columns,
    scale: Scale,
    /// Scaled features `[n, d]`.
    x: Array2<f32>,
    /// Normal scores `[n]`.
    z: Array1<f64>,
    warp: Warp,
}

impl Data {
    fn of(structures: &[Arc<Structure>], scores: &[f64]) -> Self {
        let columns = Columns::of(structures.iter().map(|s| &**s));
        let x = columns.matrix(structures.iter().map(|s| &**s));
        let scale = Scale::of(&x);
        let (z, warp) = normal_scores(scores);
        Self { columns, x: scale.apply(x), scale, z: z.into(), warp }
    }

    /// What columns are multiplied by to give a mean squared length of 1.
    fn unit(&self) -> f64 {
        let live = (0..self.columns.len()).filter(|&c| self.scale.is_live(c)).count();
        (live.max(1) as f64).sqrt().recip()
    }

    fn families(&self) -> Families {
        let mut means = vec![0.0; Family::COUNT];
        means[Family::Neighbours.index()] = NEIGHBOURS;
        let of = (0..self.columns.len()).map(|c| self.columns.family(c).index()).collect();
        Families { of, means }
    }
}

impl GraphGp {
    /// Fits to observations, as [`Surrogate::fit`] does.
    pub(crate) fn fit_process(&self, observations: &[Observation]) -> Result<FittedGraphGp, SurrogateError> {
        let scores = features::scores(NAME, observations)?;
        let structures = &self.features.features(NAME, observations.iter().map(|o| &o.architecture))?;
        let choice = self.choose(structures, observations, &scores)?;
        let data = Data::of(structures, &scores);
        let p = extended(&choice.parameters, data.columns.len());
        let noise = (2.0 * p[p.len() - 1]).exp();
        let relevances = data.families().relevances(&p[2..p.len() - 1]);
        let scale = relevances.mapv(|r| ((r - p[1]).exp() * data.unit()) as f32);
        let term = Term { columns: (0..data.columns.len()).collect(), scale, variance: (2.0 * p[0]).exp() };
        let process = Process::new(self.kernel, vec![term], noise, &data.x, data.z)?;
        let (columns, scale, warp) = (data.columns, data.scale, Arc::new(data.warp));
        Ok(FittedGraphGp { process, columns, scale, warp, features: self.features.clone() })
    }

    /// Hyper-parameters, step by step from the prior.
    fn choose(
        &self,
        structures: &[Arc<Structure>],
        observations: &[Observation],
        scores: &[f64],
    ) -> Result<gp::Fit, SurrogateError> {
        let mut choice: Option<gp::Fit> = None;
        let mut hasher = DefaultHasher::new();
        let mut hashed = 0;
        for n in steps(observations.len(), self.limit) {
            for observation in &observations[hashed..n] {
                features::name(&observation.architecture).hash(&mut hasher);
                observation.score.to_bits().hash(&mut hasher);
            }
            hashed = n;
            let (known_as, known) = (hasher.finish(), self.known(hasher.finish()));
            choice = Some(match known {
                Some(known) => known,
                None => self.step(&Data::of(&structures[..n], &scores[..n]), choice.as_ref())?,
            });
            self.keep(known_as, choice.as_ref());
        }
        choice.ok_or_else(|| SurrogateError::data(NAME, "no observations"))
    }

    fn step(&self, data: &Data, before: Option<&gp::Fit>) -> Result<gp::Fit, SurrogateError> {
        let iterations = if before.is_some() { self.iterations } else { self.first_iterations };
        let x = data.x.mapv(|v| f64::from(v) * data.unit());
        let start = before.map(|choice| extended(&choice.parameters, data.columns.len()));
        let blocks = [Block { x, families: Some(data.families()) }];
        let fit = gp::fit(&blocks, &data.z, self.kernel, &self.prior, start.as_deref(), iterations);
        fit.ok_or_else(|| SurrogateError::numeric(NAME, "the covariance is not positive definite"))
    }

    fn known(&self, name: u64) -> Option<gp::Fit> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|(n, _)| *n == name).map(|(_, choice)| choice.clone())
    }

    fn keep(&self, name: u64, choice: Option<&gp::Fit>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(choice) = choice.filter(|_| kept.iter().all(|(n, _)| *n != name)) else { return };
        if kept.len() == MAX_KEPT {
            kept.remove(0);
        }
        kept.push((name, choice.clone()));
    }
}

/// Numbers of observations up to `n` at which hyper-parameters are chosen; `n` itself below the
/// first.
fn steps(n: usize, limit: usize) -> impl Iterator<Item = usize> {
    let next = |&at: &usize| Some((at as f64 * STEP).ceil() as usize);
    let last = n.min(limit.max(FIRST_STEP));
    std::iter::successors(Some(FIRST_STEP.min(n)), next).take_while(move |&at| at > 0 && at <= last)
}

/// Parameters with relevances of 1 for columns that have come up since.
fn extended(parameters: &[f64], columns: usize) -> Vec<f64> {
    let (noise, others) = parameters.split_last().map_or((0.0, parameters), |(n, rest)| (*n, rest));
    let mut extended = others.to_vec();
    extended.resize(2 + Family::COUNT + columns, 0.0);
    extended.push(noise);
    extended
}

impl Surrogate for GraphGp {
    fn name(&self) -> &'static str {
        NAME
    }

    fn fit(&self, observations: &[Observation], _: &mut dyn Rng) -> Result<Box<dyn Predict>, SurrogateError> {
        Ok(Box::new(self.fit_process(observations)?))
    }
}

/// A fitted [`GraphGp`].
#[derive(Debug)]
pub(crate) struct FittedGraphGp {
    process: Process,
    columns: Columns,
    scale: Scale,
    warp: Arc<Warp>,
    features: Arc<Extractor>,
}

impl FittedGraphGp {
    /// Scaled features `[m, d]`.
    pub(crate) fn matrix<'a>(
        &self,
        candidates: impl IntoIterator<Item = &'a Architecture>,
    ) -> Result<Array2<f32>, SurrogateError> {
        Ok(self.scale.apply(self.features.matrix(NAME, &self.columns, candidates)?))
    }

    pub(crate) fn process(&self) -> &Process {
        &self.process
    }

    pub(crate) fn warp(&self) -> &Arc<Warp> {
        &self.warp
    }
}

impl Predict for FittedGraphGp {
    fn predict(&self, candidates: &[Architecture]) -> Result<Vec<Posterior>, SurrogateError> {
        let mut posteriors = Vec::with_capacity(candidates.len());
        // One piece after another, so that features stay in the cache.
        for candidates in candidates.chunks(gp::CHUNK) {
            let (means, variances) = self.process.predict(&self.matrix(candidates)?);
            for (mean, variance) in means.into_iter().zip(variances) {
                posteriors.push(Posterior::warped(mean, variance + self.process.noise(), self.warp.clone())?);
            }
        }
        Ok(posteriors)
    }

    fn joint(&self, candidates: &[Architecture]) -> Result<Option<Joint>, SurrogateError> {
        if candidates.is_empty() {
            return Ok(None);
        }
        let (mean, covariance) = self.process.joint(&self.matrix(candidates)?);
        Joint::new(mean.into(), covariance, self.warp.clone()).map(Some)
    }

    fn embed(&self, candidates: &[Architecture]) -> Result<Option<Array2<f64>>, SurrogateError> {
        if candidates.is_empty() {
            return Ok(Some(Array2::zeros((0, self.columns.len()))));
        }
        Ok(Some(self.matrix(candidates)?.mapv(f64::from)))
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::metrics::{coverage, kendall_tau_b};
    use crate::testing::{check_surrogate, toy_architectures, toy_observations, toy_score};

    fn rng() -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(1)
    }

    #[test]
    fn contract() {
        check_surrogate(&GraphGp::default(), &toy_observations(30, 4), &toy_architectures(20, 5), 6);
    }

    #[test]
    fn ranks_unseen_cells_and_knows_how_well() {
        let fitted = GraphGp::default().fit(&toy_observations(100, 2), &mut rng()).unwrap();
        let candidates = toy_architectures(300, 3);
        let posteriors = fitted.predict(&candidates).unwrap();
        let means: Vec<f64> = posteriors.iter().map(Posterior::mean).collect();
        let truth: Vec<f64> = candidates.iter().map(toy_score).collect();
        let tau = kendall_tau_b(&means, &truth).unwrap();
        assert!(tau > 0.9, "tau {tau}");
        let covered = coverage(&posteriors, &truth, 0.8).unwrap();
        assert!((0.65..=1.0).contains(&covered), "{covered}");
    }

    #[test]
    fn steps_grow_and_end_at_the_limit() {
        assert_eq!(steps(5, 400).collect::<Vec<_>>(), [5]);
        assert_eq!(steps(30, 400).collect::<Vec<_>>(), [16, 20, 25]);
        assert!(steps(9999, 400).all(|n| n <= 400) && steps(0, 400).next().is_none());
    }

    /// What is kept from the rounds before changes nothing: a resumed study goes on alike.
    #[test]
    fn a_fit_is_a_function_of_the_observations() {
        let (observations, candidates) = (toy_observations(60, 7), toy_architectures(20, 8));
        let long = GraphGp::default();
        for n in [3, 20, 21, 40] {
            long.fit(&observations[..n], &mut rng()).unwrap();
        }
        let fresh = GraphGp::default().fit(&observations, &mut rng()).unwrap();
        let kept = long.fit(&observations, &mut rng()).unwrap();
        assert_eq!(kept.predict(&candidates).unwrap(), fresh.predict(&candidates).unwrap());
    }

    #[test]
    fn joint_draws_agree_with_single_posteriors() {
        let fitted = GraphGp::default().fit(&toy_observations(50, 2), &mut rng()).unwrap();
        let mut candidates = toy_architectures(6, 9);
        candidates.push(candidates[0].clone());
        let joint = fitted.joint(&candidates).unwrap().unwrap();
        let (mut rng, mut sums) = (rng(), vec![0.0; 7]);
        for _ in 0..2000 {
            let draw = joint.sample(&mut rng);
            assert!((draw[0] - draw[6]).abs() < 0.05, "equal candidates are drawn alike");
            sums.iter_mut().zip(&draw).for_each(|(sum, y)| *sum += y / 2000.0);
        }
        for (mean, posterior) in sums.iter().zip(fitted.predict(&candidates).unwrap()) {
            assert!((mean - posterior.mean()).abs() < 0.02, "{mean} {}", posterior.mean());
        }
    }

    #[test]
    fn other_spaces_are_refused() {
        let fitted = GraphGp::default().fit(&toy_observations(5, 2), &mut rng()).unwrap();
        let other = bonas_spaces::SearchSpace::sample(&bonas_spaces::darts::Darts::new(), &mut rng());
        let mixed = [toy_architectures(1, 1).remove(0), other.clone()];
        assert!(fitted.predict(&mixed).unwrap_err().to_string().contains("architecture 1"));
        assert!(fitted.predict(&[other]).unwrap_err().to_string().contains("another space"));
    }
}
