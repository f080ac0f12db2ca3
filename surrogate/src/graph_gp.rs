//! A Gaussian process over structural counts.

mod data;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use bonas_spaces::Architecture;
use ndarray::Array2;
use rand::Rng;

use crate::features::{self, Extractor};
use crate::gp::{self, Kernel, Prior, Process};
use crate::ranks::Warp;
use crate::structure::{Columns, Scale};
use crate::{Joint, Known, Observation, Posterior, Predict, Surrogate, SurrogateError};

pub use data::Form;
use data::{Data, Read, with_ranks};

const NAME: &str = "graph-gp";

/// Numbers of observations at which hyper-parameters are chosen anew: the first, and the factor
/// from one to the next.
const FIRST_STEP: usize = 16;
const STEP: f64 = 1.25;

/// Most choices kept.
const MAX_KEPT: usize = 64;

/// Gaussian process on normal scores, over the counts of [`crate::structure`].
///
/// The kernel is a Matérn kernel with a lengthscale, an amplitude, a noise, and for every column a relevance:
/// the product of that of its family (what is counted in the same way), that of the cut of the operations that
/// it tells apart (convolutions from pooling, say: the same for longest paths over the ones as for numbers of
/// paths over the others), and its own. They are chosen by the marginal likelihood under weak priors. The
/// priors' figures and the kernel's shape were chosen on the tables that the normal scores were chosen on
/// (`ranks`); a narrow prior of the noise matters most, as few observations seem to have none.
///
/// Hyper-parameters are those that fit the first 16, 20, 25, .. observations, the last number that
/// there are (at most [`limit`](Self::limit)), each choice a few steps of L-BFGS on from the one
/// before. So a fit is a function of the observations and their order alone; choices are kept, so
/// that a study pays each once. Draws no random numbers.
///
/// Posteriors are laws of the measured score, noise included: a normal law of the normal score, mapped
/// back to the unit of the score ([`Warp`]).
///
/// What is known beforehand ([`knowing`](Self::knowing)) adds a term to the kernel for each of its
/// columns, whose amplitude, and lengthscale if it has one, are chosen with the others.
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
    known: Vec<Known>,
    forms: Vec<Form>,
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
                family_sd: 0.6,
                cut_sd: 1.0,
                ..Prior::default()
            },
            first_iterations: 25,
            iterations: 6,
            limit: 400,
            known: Vec::new(),
            forms: vec![Form::Nothing],
            features: Arc::default(),
            kept: Mutex::default(),
        }
    }
}

impl GraphGp {
    /// The same with things known of every architecture that it will be asked of, in the one of some forms
    /// that has the highest marginal likelihood times the prior of its hyper-parameters, at their maximum and
    /// without the prior's normalising constants, whenever they are chosen.
    #[must_use]
    pub fn knowing(self, known: Vec<Known>, forms: &[Form]) -> Self {
        let forms = if forms.is_empty() { vec![Form::Nothing] } else { forms.to_vec() };
        Self { known, forms, kept: Mutex::default(), ..self }
    }

    /// Fits to observations, as [`Surrogate::fit`] does.
    pub(crate) fn fit_process(&self, observations: &[Observation]) -> Result<FittedGraphGp, SurrogateError> {
        let scores = features::scores(NAME, observations)?;
        let architectures = || observations.iter().map(|o| &o.architecture);
        let structures = self.features.features(NAME, architectures())?;
        let ranks = self.known.iter().map(|known| known.ranks(architectures())).collect::<Result<_, _>>()?;
        let read = Read { structures, ranks, scores };
        let (form, choice) = self.choose(&read, observations)?;
        let data = Data::of(&read, observations.len(), form);
        let (terms, noise) = data.terms(&choice.parameters, &self.prior);
        let process = Process::new(self.kernel, terms, noise, &data.x, data.z)?;
        let known = if form == Form::Nothing { Vec::new() } else { self.known.clone() };
        let (columns, scale, warp) = (data.columns, data.scale, Arc::new(data.warp));
        Ok(FittedGraphGp { process, columns, known, scale, warp, features: self.features.clone() })
    }

    /// The form of the highest evidence, the first of equals, and its hyper-parameters.
    fn choose(&self, read: &Read, observations: &[Observation]) -> Result<(Form, gp::Fit), SurrogateError> {
        let mut best: Option<(Form, gp::Fit)> = None;
        for &form in &self.forms {
            let choice = self.choose_in(form, read, observations)?;
            if best.as_ref().is_none_or(|(_, best)| choice.loss < best.loss) {
                best = Some((form, choice));
            }
        }
        best.ok_or_else(|| SurrogateError::data(NAME, "no observations"))
    }

    /// Hyper-parameters, step by step from the prior.
    fn choose_in(
        &self,
        form: Form,
        read: &Read,
        observations: &[Observation],
    ) -> Result<gp::Fit, SurrogateError> {
        let mut choice: Option<gp::Fit> = None;
        let mut hasher = DefaultHasher::new();
        form.hash(&mut hasher);
        let mut hashed = 0;
        for n in steps(observations.len(), self.limit) {
            for observation in &observations[hashed..n] {
                features::name(&observation.architecture).hash(&mut hasher);
                observation.score.to_bits().hash(&mut hasher);
            }
            hashed = n;
            let (known_as, known) = (hasher.finish(), self.kept(hasher.finish()));
            choice = Some(match known {
                Some(known) => known,
                None => self.step(&Data::of(read, n, form), choice.as_ref())?,
            });
            self.keep(known_as, choice.as_ref());
        }
        choice.ok_or_else(|| SurrogateError::data(NAME, "no observations"))
    }

    fn step(&self, data: &Data, before: Option<&gp::Fit>) -> Result<gp::Fit, SurrogateError> {
        let iterations = if before.is_some() { self.iterations } else { self.first_iterations };
        let start = before.map(|choice| data.extended(&choice.parameters));
        let fit = gp::fit(
            &data.blocks(&self.prior),
            &data.z,
            self.kernel,
            &self.prior,
            start.as_deref(),
            iterations,
        );
        fit.ok_or_else(|| SurrogateError::numeric(NAME, "the covariance is not positive definite"))
    }

    fn kept(&self, name: u64) -> Option<gp::Fit> {
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
    /// What is known, if it is taken.
    known: Vec<Known>,
    scale: Scale,
    warp: Arc<Warp>,
    features: Arc<Extractor>,
}

impl FittedGraphGp {
    /// Scaled features `[m, d]`.
    pub(crate) fn matrix<'a>(
        &self,
        candidates: impl IntoIterator<Item = &'a Architecture, IntoIter: Clone>,
    ) -> Result<Array2<f32>, SurrogateError> {
        let candidates = candidates.into_iter();
        let ranks: Vec<Vec<f64>> =
            self.known.iter().map(|known| known.ranks(candidates.clone())).collect::<Result<_, _>>()?;
        Ok(self.scale.apply(with_ranks(self.features.matrix(NAME, &self.columns, candidates)?, &ranks)))
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
        let (mean, covariance, prior) = self.process.joint(&self.matrix(candidates)?);
        Joint::new(mean.into(), covariance, prior, self.warp.clone()).map(Some)
    }

    fn embed(&self, candidates: &[Architecture]) -> Result<Option<Array2<f64>>, SurrogateError> {
        if candidates.is_empty() {
            return Ok(Some(Array2::zeros((0, self.columns.len() + self.known.len()))));
        }
        Ok(Some(self.matrix(candidates)?.mapv(f64::from)))
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::metrics::kendall_tau_b;
    use crate::testing::{
        check_surrogate, toy_architectures, toy_known, toy_observations, toy_quality, toy_score,
    };

    fn rng() -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(1)
    }

    #[test]
    fn contract() {
        check_surrogate(&GraphGp::default(), &toy_observations(30, 4), &toy_architectures(20, 5), 6);
    }

    #[test]
    fn ranks_unseen_cells_and_knows_how_well() {
        let (tau, covered) = toy_quality(&GraphGp::default(), 100);
        assert!(tau > 0.9, "tau {tau}");
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

    fn tau(gp: &GraphGp, n: usize) -> f64 {
        let fitted = gp.fit(&toy_observations(60, 4)[..n], &mut rng()).unwrap();
        let candidates = toy_architectures(300, 5);
        let means: Vec<f64> = fitted.predict(&candidates).unwrap().iter().map(Posterior::mean).collect();
        kendall_tau_b(&means, &candidates.iter().map(toy_score).collect::<Vec<_>>()).unwrap()
    }

    /// The score itself, distorted; and what says nothing.
    fn good_and_bad() -> (Known, Known) {
        let good = toy_known(|i, a| -(toy_score(a) + 0.02 * (i as f64 * 12.9898).sin()).exp());
        (good, toy_known(|i, _| (i as f64 * 78.233).sin()))
    }

    #[test]
    fn contract_with_what_is_known() {
        let (good, bad) = good_and_bad();
        for form in Form::ALL {
            let gp = GraphGp::default().knowing(vec![good.clone(), bad.clone()], &[form]);
            check_surrogate(&gp, &toy_observations(30, 4), &toy_architectures(20, 5), 6);
        }
    }

    #[test]
    fn what_is_known_helps_and_noise_does_little_harm() {
        let (good, bad) = good_and_bad();
        let (few, many) = (tau(&GraphGp::default(), 8), tau(&GraphGp::default(), 50));
        for form in [Form::Mean, Form::Feature] {
            let with = |known: &Known| GraphGp::default().knowing(vec![known.clone()], &[form]);
            let (helped, harmed) = (tau(&with(&good), 8), tau(&with(&bad), 50));
            assert!(helped > few + 0.05 && harmed > many - 0.05, "{form:?}: {helped} {few}, {harmed} {many}");
        }
    }

    /// Evidence finds out which it is, and the fit is then that of the form alone.
    #[test]
    fn evidence_takes_what_is_good_and_leaves_what_is_bad() {
        let (good, bad) = good_and_bad();
        let (observations, candidates) = (toy_observations(40, 4), toy_architectures(20, 5));
        let fit = |known: &Known, forms: &[Form]| {
            GraphGp::default().knowing(vec![known.clone()], forms).fit_process(&observations).unwrap()
        };
        assert_eq!(fit(&good, &Form::ALL).known.len(), 1);
        let (chosen, alone) = (fit(&bad, &Form::ALL), GraphGp::default().fit_process(&observations).unwrap());
        assert!(chosen.known.is_empty());
        assert_eq!(chosen.predict(&candidates).unwrap(), alone.predict(&candidates).unwrap());
    }

    #[test]
    fn an_architecture_of_which_nothing_is_known_is_named() {
        let (good, _) = good_and_bad();
        let gp = GraphGp::default().knowing(vec![good], &[Form::Feature]);
        let fitted = gp.fit(&toy_observations(10, 4), &mut rng()).unwrap();
        let strange = bonas_spaces::SearchSpace::sample(&bonas_spaces::darts::Darts::new(), &mut rng());
        let error = fitted.predict(&[strange]).unwrap_err().to_string();
        assert!(error.contains("no value of the indicator for architecture 0"), "{error}");
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
