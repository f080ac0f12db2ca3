//! A Gaussian process over structural counts.

mod data;
mod frame;
mod kept;
#[cfg(test)]
mod tests;
mod transfer;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bonas_spaces::Architecture;
use ndarray::Array2;
use rand::Rng;

use crate::entry::Entry;
use crate::features::FeatureCache;
use crate::features::spelling::name;
use crate::models::gp::{self, Kernel, Prior, Process, Scratch, Seen};
use crate::observation::finite_scores;
use crate::posterior::Joint;
use crate::posterior::warp::{Warp, normal_scores};
use crate::surrogate::SurrogateEntry;
use crate::{Observation, Posterior, Predict, PriorKnowledge, Surrogate, SurrogateError};

pub use data::Form;
use data::Read;
use frame::Frame;
use kept::{Choice, Kept};

const NAME: &str = "graph-gp";

/// Numbers of observations at which hyper-parameters are chosen anew: the first, and the factor
/// from one to the next.
const FIRST_STEP: usize = 16;
const STEP: f64 = 1.25;

/// Gaussian process on normal scores, over the counts of [`crate::features`].
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
/// before. Columns and their scales are of the first so many, too (without the limit): what is first counted in
/// those that came since has no column yet, and their covariance adds rows to a factor that is kept. So a fit is a function of the observations and their order alone; choices are kept, so
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
    known: Vec<PriorKnowledge>,
    forms: Vec<Form>,
    features: FeatureCache,
    kept: Mutex<Kept>,
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
            features: FeatureCache::default(),
            kept: Mutex::default(),
        }
    }
}

impl GraphGp {
    /// The same with things known of every architecture that it will be asked of, in the one of some forms
    /// that has the highest marginal likelihood times the prior of its hyper-parameters, at their maximum and
    /// without the prior's normalising constants, whenever they are chosen.
    #[must_use]
    pub fn knowing(self, known: Vec<PriorKnowledge>, forms: &[Form]) -> Self {
        let forms = if forms.is_empty() { vec![Form::Nothing] } else { forms.to_vec() };
        Self { known, forms, kept: Mutex::default(), ..self }
    }

    /// The same with the features that others have worked out, and will.
    #[must_use]
    pub fn sharing(self, features: &FeatureCache) -> Self {
        // Columns that are kept are of the extractor that was there before.
        Self { features: features.clone(), kept: Mutex::default(), ..self }
    }

    /// A copy with prior knowledge as its mean, none kept from earlier fits, and a shared feature cache.
    pub(crate) fn starting_from(&self, known: &[PriorKnowledge], features: &FeatureCache) -> Self {
        let form = if known.is_empty() { Form::Nothing } else { Form::Mean };
        Self {
            kernel: self.kernel,
            prior: self.prior,
            first_iterations: self.first_iterations,
            iterations: self.iterations,
            limit: self.limit,
            known: known.to_vec(),
            forms: vec![form],
            features: features.clone(),
            kept: Mutex::default(),
        }
    }

    /// Fits to observations, as [`Surrogate::fit`] does.
    pub(crate) fn fit_process(&self, observations: &[Observation]) -> Result<FittedGraphGp, SurrogateError> {
        let scores = finite_scores(NAME, observations)?;
        let architectures = || observations.iter().map(|o| &o.architecture);
        let structures = self.features.features(NAME, architectures())?;
        let ranks = self.known.iter().map(|known| known.ranks(architectures())).collect::<Result<_, _>>()?;
        let read = Read { structures, ranks, scores };
        let histories = self.histories(observations);
        let choice = self.choose(&read, &histories)?;
        // Between two steps columns and their scales stay, so that the factor of their covariance can grow.
        let base = steps(observations.len(), usize::MAX).last().unwrap_or(0);
        let frame = Arc::new(Frame::of(&read, base, choice.frame.form));
        let observed = frame.matrix(read.structures.iter(), &read.ranks);
        let seen = self.seen(&choice, &frame, &histories, &observed, base)?;
        let (z, warp) = normal_scores(&read.scores);
        let process = Process::new(seen, z.into())?;
        let known = if frame.form == Form::Nothing { Vec::new() } else { self.known.clone() };
        Ok(FittedGraphGp {
            process,
            frame,
            observed,
            known,
            warp: Arc::new(warp),
            features: self.features.clone(),
        })
    }

    /// The choice of the highest evidence, that of the first form of equals.
    fn choose(&self, read: &Read, histories: &[u64]) -> Result<Choice, SurrogateError> {
        let mut best: Option<Choice> = None;
        for &form in &self.forms {
            let choice = self.choose_in(form, read, histories)?;
            if best.as_ref().is_none_or(|best| choice.fit.loss < best.fit.loss) {
                best = Some(choice);
            }
        }
        best.ok_or_else(|| SurrogateError::data(NAME, "no observations"))
    }

    /// Hyper-parameters, step by step from the prior.
    fn choose_in(&self, form: Form, read: &Read, histories: &[u64]) -> Result<Choice, SurrogateError> {
        let mut choice: Option<Choice> = None;
        for n in steps(read.scores.len(), self.limit) {
            let kept = self.kept().choice(form, histories[n]);
            let next = match kept {
                Some(kept) => kept,
                None => self.step(form, read, n, choice.as_ref())?,
            };
            self.kept().keep(form, histories[n], &next);
            choice = Some(next);
        }
        choice.ok_or_else(|| SurrogateError::data(NAME, "no observations"))
    }

    fn step(
        &self,
        form: Form,
        read: &Read,
        n: usize,
        before: Option<&Choice>,
    ) -> Result<Choice, SurrogateError> {
        let iterations = if before.is_some() { self.iterations } else { self.first_iterations };
        let frame = Frame::of(read, n, form);
        let x = frame.matrix(read.structures.iter().take(n), &read.ranks);
        let start = before.map(|choice| frame.parameters(&choice.frame, &choice.fit.parameters));
        let (z, _) = normal_scores(&read.scores[..n]);
        let blocks = frame.blocks(&x, &self.prior);
        let fit = gp::fit(&blocks, &z.into(), self.kernel, &self.prior, start.as_deref(), iterations);
        let missing = || SurrogateError::numeric(NAME, "the covariance is not positive definite");
        Ok(Choice { frame: Arc::new(frame), fit: fit.ok_or_else(missing)? })
    }

    /// All observations, from those that are kept on.
    fn seen(
        &self,
        choice: &Choice,
        frame: &Frame,
        histories: &[u64],
        x: &Array2<f32>,
        base: usize,
    ) -> Result<Arc<Seen>, SurrogateError> {
        let kept = self.kept().take(frame.form, base, histories);
        let seen = match kept {
            Some(kept) if kept.len() == x.nrows() => kept,
            Some(kept) => Arc::new(kept.with(x)?),
            None => {
                let parameters = frame.parameters(&choice.frame, &choice.fit.parameters);
                Arc::new(Seen::of(&frame.covariance(self.kernel, &parameters, &self.prior), x, base)?)
            }
        };
        self.kept().put(frame.form, histories[x.nrows()], &seen);
        Ok(seen)
    }

    /// Hashes of the settings and the first 0, 1, .. observations.
    fn histories(&self, observations: &[Observation]) -> Vec<u64> {
        let mut hasher = DefaultHasher::new();
        let settings = (self.kernel, self.prior, self.first_iterations, self.iterations, self.limit);
        format!("{settings:?}").hash(&mut hasher);
        let mut histories = vec![hasher.finish()];
        for observation in observations {
            name(&observation.architecture).hash(&mut hasher);
            observation.score.to_bits().hash(&mut hasher);
            histories.push(hasher.finish());
        }
        histories
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Numbers of observations up to `n` at which hyper-parameters are chosen; `n` itself below the
/// first.
fn steps(n: usize, limit: usize) -> impl Iterator<Item = usize> {
    let next = |&at: &usize| Some((at as f64 * STEP).ceil() as usize);
    let last = n.min(limit.max(FIRST_STEP));
    std::iter::successors(Some(FIRST_STEP.min(n)), next).take_while(move |&at| at > 0 && at <= last)
}

impl GraphGp {
    /// "graph-gp" in the catalogue.
    pub const ENTRY: SurrogateEntry =
        Entry::new(NAME, "Gaussian process on structural counts and normal scores", |()| {
            Ok(Box::<Self>::default())
        });
}

impl Surrogate for GraphGp {
    fn name(&self) -> &'static str {
        NAME
    }

    fn has_embedding(&self) -> bool {
        true
    }

    fn has_joint_posterior(&self) -> bool {
        true
    }

    fn with_prior(&self, known: &[PriorKnowledge], features: &FeatureCache) -> Option<Box<dyn Surrogate>> {
        Some(Box::new(self.starting_from(known, features)))
    }

    fn fit(&self, observations: &[Observation], _: &mut dyn Rng) -> Result<Box<dyn Predict>, SurrogateError> {
        Ok(Box::new(self.fit_process(observations)?))
    }
}

/// A fitted [`GraphGp`].
#[derive(Debug)]
pub(crate) struct FittedGraphGp {
    process: Process,
    frame: Arc<Frame>,
    observed: Array2<f32>,
    /// What is known, if it is taken.
    known: Vec<PriorKnowledge>,
    warp: Arc<Warp>,
    features: FeatureCache,
}

impl FittedGraphGp {
    /// Scaled features `[m, d]`.
    pub(crate) fn matrix<'a>(
        &self,
        candidates: impl IntoIterator<Item = &'a Architecture, IntoIter: Clone>,
    ) -> Result<Array2<f32>, SurrogateError> {
        let mut x = Array2::zeros((0, 0));
        self.matrix_into(candidates, &mut x)?;
        Ok(x)
    }

    /// [`matrix`](Self::matrix) into `x`; what is in it before does not matter.
    pub(crate) fn matrix_into<'a>(
        &self,
        candidates: impl IntoIterator<Item = &'a Architecture, IntoIter: Clone>,
        x: &mut Array2<f32>,
    ) -> Result<(), SurrogateError> {
        let candidates = candidates.into_iter();
        let ranks: Vec<Vec<f64>> =
            self.known.iter().map(|known| known.ranks(candidates.clone())).collect::<Result<_, _>>()?;
        let structures = self.features.matching(NAME, self.frame.live.columns(), candidates)?;
        self.frame.matrix_into(structures.iter(), &ranks, x);
        Ok(())
    }

    /// Expected normal scores `[m]`.
    pub(crate) fn expected(&self, candidates: &[Architecture]) -> Result<Vec<f64>, SurrogateError> {
        let mut expected = Vec::with_capacity(candidates.len());
        for candidates in candidates.chunks(gp::CHUNK) {
            expected.extend(self.process.predict(&self.matrix(candidates)?).0);
        }
        Ok(expected)
    }

    /// Scaled features `[n, d]` of the observations.
    pub(crate) fn observed(&self) -> &Array2<f32> {
        &self.observed
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
        let (mut x, mut scratch) = (Array2::zeros((0, 0)), Scratch::default());
        // One piece after another, so that features stay in the cache.
        for candidates in candidates.chunks(gp::CHUNK) {
            self.matrix_into(candidates, &mut x)?;
            let (means, variances) = self.process.predict_with(&x, &mut scratch);
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
            return Ok(Some(Array2::zeros((0, self.frame.width()))));
        }
        Ok(Some(self.matrix(candidates)?.mapv(f64::from)))
    }
}
