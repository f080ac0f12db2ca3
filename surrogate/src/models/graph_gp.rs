//! The Gaussian process over structural counts.

mod columns;
mod data;
mod fit_cache;
mod fitted;
#[cfg(test)]
mod tests;
mod transfer;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ndarray::{Array1, Array2, Axis};
use rand::Rng;

use crate::entry::PartEntry;
use crate::features::FeatureCache;
use crate::features::spelling::spelling;
use crate::guard::{in_one_space, in_saved_space};
use crate::models::gp::{Covariance, EXACT, Evidence, FactoredObservations, Kernel, LeftOut, Prior, Process};
use crate::observation::finite_scores;
use crate::posterior::curve::RankCurve;
use crate::posterior::warp::{NormalScores, gaussian_ranks, normal_scores};
use crate::surrogate::SurrogateEntry;
use crate::{Observation, Predict, PriorKnowledge, Saved, Surrogate, SurrogateError};

use columns::KernelColumns;
pub use data::PriorForm;
use data::{TrainingData, numbered};
use fit_cache::{FitCache, Hyperparameters};
pub(crate) use fitted::{Exchanged, FittedGraphGp};

const NAME: &str = "graph-gp";

/// Hyper-parameters are chosen at this number of observations first, then at numbers that grow by this
/// factor.
const FIRST_STEP: usize = 16;
const STEP: f64 = 1.25;

/// Gaussian process over structural counts ([`crate::features`]), on normal scores of the scores: their ranks, on a curve
/// that the process learns from its own leave-one-out predictions. So only the order of the scores counts, and a
/// rising function of all scores changes the order of no candidates.
///
/// An observation that does not fit the others, such as a run that diverged, is given more noise than the others, and so
/// tells little. An architecture with operations that no observation has goes back to the prior.
///
/// The kernel is a Matérn kernel with a lengthscale, an amplitude and a noise. Every feature column has a
/// relevance, a product of three factors: that of its family (everything counted in the same way), that of
/// the cut of the operations that it tells apart (convolutions from pooling, for example), and its own. All
/// hyper-parameters maximise the marginal likelihood under weak priors.
///
/// Hyper-parameters are chosen for the first 16, 20, 25, .. observations, where there are more than
/// [`limit`](Self::limit) by that many of them, spread evenly over the order of arrival; each
/// choice continues the one before with a few steps of L-BFGS. Between two choices the columns and their
/// scales stay, and new observations add rows to the Cholesky factor. A fit is therefore a function of the
/// observations and their order alone, and earlier choices are cached. Fitting draws no random numbers.
///
/// A posterior is the law of a measured score, noise included: a Gaussian in normal scores, mapped back to
/// the unit of the score ([`Warp`](crate::posterior::Warp)).
///
/// Observations in groups ([`Observation::group`]) add a random intercept for each group, whose amplitude is chosen with the
/// other hyper-parameters. A posterior is that in an average group.
///
/// Prior knowledge ([`with_prior_knowledge`](Self::with_prior_knowledge)) adds one kernel term for each of its
/// columns, with an amplitude and, as a feature, a lengthscale.
///
/// The priors and the kernel's shape were chosen by Kendall's tau at 50 to 400 training cells on CIFAR-100 of
/// NAS-Bench-201, NAS-Bench-Macro, Accel-NASBench and other seeds of NAS-Bench-101. The narrow
/// prior of the noise matters most: without it few observations look noise-free.
///
/// ```
/// use bonas_surrogate::models::GraphGp;
/// use bonas_surrogate::testing::{toy_architectures, toy_observations};
/// use bonas_surrogate::{Predict, Surrogate};
/// use rand::SeedableRng;
///
/// let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
/// let fitted = GraphGp::default().fit(&toy_observations(20, 1), &mut rng)?;
/// let posteriors = fitted.predict(&toy_architectures(3, 2))?;
/// assert!(posteriors.iter().all(|posterior| posterior.sd() > 0.0));
/// # Ok::<(), bonas_surrogate::SurrogateError>(())
/// ```
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
    /// Most observations that hyper-parameters are chosen by at a time; beyond 2,000, where a choice changes little,
    /// five eighths of them. The posterior takes all.
    pub limit: usize,
    knowledge: Vec<PriorKnowledge>,
    forms: Vec<PriorForm>,
    features: FeatureCache,
    cache: Mutex<FitCache>,
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
            knowledge: Vec::new(),
            forms: vec![PriorForm::Nothing],
            features: FeatureCache::default(),
            cache: Mutex::default(),
        }
    }
}

impl GraphGp {
    /// This recipe with prior knowledge about every architecture that it will see.
    ///
    /// At each choice of hyper-parameters the one of `forms` is taken whose marginal likelihood times
    /// hyper-prior, both at their maximum and without normalising constants, is highest.
    #[must_use]
    pub fn with_prior_knowledge(self, knowledge: Vec<PriorKnowledge>, forms: &[PriorForm]) -> Self {
        let forms = if forms.is_empty() { vec![PriorForm::Nothing] } else { forms.to_vec() };
        Self { knowledge: features_first(knowledge), forms, cache: Mutex::default(), ..self }
    }

    /// Number of own features.
    fn own(&self) -> usize {
        self.knowledge.iter().take_while(|known| known.is_feature()).count()
    }

    /// This recipe with a feature cache that other surrogates share.
    #[must_use]
    pub fn with_feature_cache(self, features: &FeatureCache) -> Self {
        // Cached columns refer to the feature numbers of the previous cache.
        Self { features: features.clone(), cache: Mutex::default(), ..self }
    }

    /// A copy with prior knowledge as its mean, a shared feature cache, and nothing cached of earlier fits.
    pub(crate) fn starting_from(&self, knowledge: &[PriorKnowledge], features: &FeatureCache) -> Self {
        let form = if knowledge.iter().all(PriorKnowledge::is_feature) {
            PriorForm::Nothing
        } else {
            PriorForm::Mean
        };
        Self {
            kernel: self.kernel,
            prior: self.prior,
            first_iterations: self.first_iterations,
            iterations: self.iterations,
            limit: self.limit,
            knowledge: features_first(knowledge.to_vec()),
            forms: vec![form],
            features: features.clone(),
            cache: Mutex::default(),
        }
    }

    /// Fits to observations, as [`Surrogate::fit`] does.
    pub(crate) fn fit_process(&self, observations: &[Observation]) -> Result<FittedGraphGp, SurrogateError> {
        let scores = finite_scores(NAME, observations)?;
        let architectures = || observations.iter().map(|o| &o.architecture);
        let structures = self.features.features(NAME, architectures())?;
        let ranks = self.knowledge.iter().map(|k| k.ranks(architectures())).collect::<Result<_, _>>()?;
        let own = self.own();
        let noise = observations.iter().map(|o| o.noise.unwrap_or(0.0)).collect();
        let data = TrainingData { structures, ranks, own, scores, noise, groups: numbered(observations) };
        let prefix_hashes = self.prefix_hashes(observations);
        let hyper = self.choose(&data, &prefix_hashes)?;
        // Between two steps columns and their scales stay, so that the factor of their covariance can grow.
        let base = steps(observations.len()).last().unwrap_or(0);
        let columns = Arc::new(KernelColumns::of(&data, base, hyper.columns.form));
        let observed = columns.matrix(data.structures.iter(), &data.ranks, data.groups.as_deref());
        let noise = own_noise(&data, &hyper, base);
        let NormalScores { z, warp } = normal_scores(&data.scores, &hyper.curve);
        let process = if z.len() > EXACT {
            let covariance = self.covariance(&hyper, &columns);
            Process::through_points(&covariance, &observed, &noise.extra, z.into(), hyper.extra.len())?
        } else {
            let factored = self.factored(&hyper, &columns, &prefix_hashes, &observed, &noise)?;
            Process::new(factored, z.into())?.without_outliers(hyper.extra.len())?
        };
        let mut knowledge = self.knowledge.clone();
        if columns.form == PriorForm::Nothing {
            knowledge.truncate(own);
        }
        Ok(FittedGraphGp {
            process,
            columns,
            observed,
            knowledge,
            warp: Arc::new(warp),
            features: self.features.clone(),
        })
    }

    /// The hyper-parameters of the form with the highest evidence; the first form wins a tie.
    fn choose(&self, data: &TrainingData, prefix_hashes: &[u64]) -> Result<Hyperparameters, SurrogateError> {
        let mut best: Option<Hyperparameters> = None;
        for &form in &self.forms {
            let hyper = self.choose_in(form, data, prefix_hashes)?;
            if best.as_ref().is_none_or(|best| hyper.fit.loss < best.fit.loss) {
                best = Some(hyper);
            }
        }
        best.ok_or_else(|| SurrogateError::data(NAME, "no observations; it needs at least one"))
    }

    /// Hyper-parameters of one form, chosen at growing numbers of observations.
    fn choose_in(
        &self,
        form: PriorForm,
        data: &TrainingData,
        prefix_hashes: &[u64],
    ) -> Result<Hyperparameters, SurrogateError> {
        let mut hyper: Option<Hyperparameters> = None;
        for n in steps(data.scores.len()) {
            let cached = self.cache().hyperparameters(form, prefix_hashes[n]);
            let next = match cached {
                Some(cached) => cached,
                None => self.step(form, data, n, hyper.as_ref())?,
            };
            self.cache().insert_hyperparameters(form, prefix_hashes[n], &next);
            hyper = Some(next);
        }
        hyper.ok_or_else(|| SurrogateError::data(NAME, "no observations; it needs at least one"))
    }

    /// Hyper-parameters for the first `n` observations, continuing those from `before`.
    fn step(
        &self,
        form: PriorForm,
        data: &TrainingData,
        n: usize,
        before: Option<&Hyperparameters>,
    ) -> Result<Hyperparameters, SurrogateError> {
        let iterations = if before.is_some() { self.iterations } else { self.first_iterations };
        let columns = KernelColumns::of(data, n, form);
        let start = before.map(|hyper| columns.parameters(&hyper.columns, &hyper.fit.parameters));
        let curve = before.map_or_else(RankCurve::default, |hyper| hyper.curve.clone());
        let NormalScores { z, warp } = normal_scores(&data.scores[..n], &curve);
        let known = data.known_noise(n, &warp);
        let rows = spread_in_time(n, if n > EXACT { self.limit / 8 * 5 } else { self.limit });
        let (z, known) = (Array1::from(z).select(Axis(0), &rows), known.select(Axis(0), &rows));
        let (structures, ranks, groups) = data.rows(&rows);
        let x = columns.matrix(structures.iter(), &ranks, groups.as_deref());
        let blocks = columns.blocks(&x, &self.prior);
        let earlier = before.map_or(&[][..], |hyper| hyper.extra.as_slice().unwrap_or_default());
        let extra = rows.iter().map(|&i| earlier.get(i).copied().unwrap_or(0.0)).collect();
        let (kernel, prior) = (self.kernel, &self.prior);
        let evidence = Evidence { blocks: &blocks, targets: &z, known: &known, extra: &extra, kernel, prior };
        // Before the hyper-parameters can explain new observations that do not fit the others.
        let extra = evidence.outliers(start.as_deref());
        let evidence = Evidence { extra: &extra, ..evidence };
        let fit = evidence.fit(start.as_deref(), iterations);
        let missing = || {
            SurrogateError::numeric(
                NAME,
                "the covariance of the observations is not positive definite at the prior mean",
            )
        };
        let fit = fit.ok_or_else(missing)?;
        let extra = evidence.outliers(Some(&fit.parameters));
        let left_out = Evidence { extra: &extra, ..evidence }.leave_one_out(Some(&fit.parameters));
        let ranks = gaussian_ranks(&data.scores[..n]).0;
        let ranks: Vec<f64> = rows.iter().map(|&i| ranks[i]).collect();
        let learnt = |left: Vec<LeftOut>| {
            let noise = fit.parameters.last().map_or(1.0, |ln| (2.0 * ln).exp());
            let trust: Vec<f64> =
                extra.iter().zip(&known).map(|(extra, known)| noise / (noise + known + extra)).collect();
            RankCurve::learnt(&ranks, &left.into_iter().map(|left| left.mean).collect::<Vec<_>>(), &trust)
        };
        let curve = left_out.map_or(curve, learnt);
        // Of a choice by some of the observations, the others are judged when all are conditioned on.
        let extra = if rows.len() == n { extra } else { earlier.to_vec().into() };
        Ok(Hyperparameters { columns: Arc::new(columns), fit, curve, extra })
    }

    /// The covariance at some hyper-parameters.
    fn covariance(&self, hyper: &Hyperparameters, columns: &KernelColumns) -> Covariance {
        let parameters = columns.parameters(&hyper.columns, &hyper.fit.parameters);
        columns.covariance(self.kernel, &parameters, &self.prior)
    }

    /// The factored covariance of all observations; extends a cached one where there is one.
    fn factored(
        &self,
        hyper: &Hyperparameters,
        columns: &KernelColumns,
        prefix_hashes: &[u64],
        x: &Array2<f32>,
        noise: &OwnNoise,
    ) -> Result<Arc<FactoredObservations>, SurrogateError> {
        let OwnNoise { base, extra } = noise;
        let base = *base;
        let cached = self.cache().take_factored(columns.form, base, prefix_hashes);
        let factored = match cached {
            Some(cached) if cached.len() == x.nrows() => cached,
            Some(cached) => Arc::new(cached.with(x, extra)?),
            None => Arc::new(FactoredObservations::of(&self.covariance(hyper, columns), x, base, extra)?),
        };
        self.cache().insert_factored(columns.form, prefix_hashes[x.nrows()], &factored);
        Ok(factored)
    }

    /// Hashes of the settings with the first 0, 1, .. `n` observations.
    fn prefix_hashes(&self, observations: &[Observation]) -> Vec<u64> {
        let mut hasher = DefaultHasher::new();
        let grouped = observations.iter().any(|o| o.group.is_some());
        let settings = (self.kernel, self.prior, self.first_iterations, self.iterations, self.limit, grouped);
        format!("{settings:?}").hash(&mut hasher);
        let mut prefix_hashes = vec![hasher.finish()];
        for observation in observations {
            spelling(&observation.architecture).hash(&mut hasher);
            observation.score.to_bits().hash(&mut hasher);
            (observation.noise.map(f64::to_bits), observation.group).hash(&mut hasher);
            prefix_hashes.push(hasher.finish());
        }
        prefix_hashes
    }

    fn cache(&self) -> MutexGuard<'_, FitCache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Noise of single observations beyond that of all.
struct OwnNoise {
    /// Number of observations that are factored at once.
    base: usize,
    /// Its variance, `[n]`.
    extra: Vec<f64>,
}

/// The noise that observations are known to have, in the latent scale of the first `base`, and that of outliers.
fn own_noise(data: &TrainingData, hyper: &Hyperparameters, base: usize) -> OwnNoise {
    let warp = normal_scores(&data.scores[..base], &hyper.curve).warp;
    let mut extra = data.known_noise(data.scores.len(), &warp).to_vec();
    extra.iter_mut().zip(&hyper.extra).for_each(|(known, extra)| *known += extra);
    OwnNoise { base, extra }
}

/// Own features, then the prior knowledge.
fn features_first(knowledge: Vec<PriorKnowledge>) -> Vec<PriorKnowledge> {
    let (own, known): (Vec<_>, Vec<_>) = knowledge.into_iter().partition(PriorKnowledge::is_feature);
    own.into_iter().chain(known).collect()
}

/// Numbers of observations, at most `n`, at which columns, their scales and hyper-parameters are chosen; below the first step only `n`.
fn steps(n: usize) -> impl Iterator<Item = usize> {
    let next = |&at: &usize| Some((at as f64 * STEP).ceil() as usize);
    std::iter::successors(Some(FIRST_STEP.min(n)), next).take_while(move |&at| at > 0 && at <= n)
}

/// Positions of `limit` of `n` observations, as evenly spread over the order of arrival as can be; all if there are no more.
fn spread_in_time(n: usize, limit: usize) -> Vec<usize> {
    let count = n.min(limit.max(FIRST_STEP));
    (0..count).map(|i| i * n / count).collect()
}

impl GraphGp {
    /// "graph-gp" in the catalogue.
    pub const ENTRY: SurrogateEntry =
        PartEntry::new(NAME, "Gaussian process on structural counts and normal scores", |()| {
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

    fn knows_noise(&self) -> bool {
        true
    }

    fn has_joint_posterior(&self) -> bool {
        true
    }

    fn knows_groups(&self) -> bool {
        true
    }

    fn with_prior(
        &self,
        knowledge: &[PriorKnowledge],
        features: &FeatureCache,
    ) -> Option<Box<dyn Surrogate>> {
        Some(Box::new(self.starting_from(knowledge, features)))
    }

    fn fit(&self, observations: &[Observation], _: &mut dyn Rng) -> Result<Box<dyn Predict>, SurrogateError> {
        in_one_space(NAME, observations, || Ok(Box::new(self.fit_process(observations)?)))
    }

    fn load(&self, saved: &Saved, known: &[PriorKnowledge]) -> Result<Box<dyn Predict>, SurrogateError> {
        in_saved_space(NAME, saved, |fitted: FittedGraphGp| Ok(Box::new(fitted.restored(saved, known)?)))
    }
}
