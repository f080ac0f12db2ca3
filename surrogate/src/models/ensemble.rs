//! The ensemble of graph-gp and boosted trees.

use std::sync::Arc;

use bonas_spaces::Architecture;
use ndarray::{Array1, Array2, s};
use rand::Rng;

use crate::chunks::in_chunks;
use crate::entry::PartEntry;
use crate::fantasy::More;
use crate::features::FeatureCache;
use crate::guard::{in_one_space, in_saved_space};
use crate::models::gp::Scratch;
use crate::models::graph_gp::{Exchanged, FittedGraphGp, GraphGp};
use crate::models::trees::{BoostParams, CrossFit, Trees};
use crate::observation::replicates;
use crate::surrogate::SurrogateEntry;
use crate::{
    FeatureGroup, Observation, Posterior, Predict, PriorKnowledge, Saved, Surrogate, SurrogateError,
};

const NAME: &str = "ensemble";

/// Names of the members.
const GP: &str = GraphGp::ENTRY.name();
const TREES: &str = Trees::ENTRY.name();

/// Number of observations with the expected squared error that are assumed before any is made.
const PRIOR_COUNT: f64 = 20.0;

/// A weighted mean of two members, [`GraphGp`] and boosted trees ([`crate::models::Trees`]), on the same features
/// and the same normal scores.
///
/// Let `l` be the leave-one-out means of the Gaussian process, `o` the out-of-fold predictions of the trees, and
/// `z` the normal scores of the last observations, 400 or more. The weight of the trees is the mean of ½ and
/// `Σ (z - l)(o - l) / Σ (o - l)²`, clipped to `[0, 1]`: the weight that would have predicted best, drawn towards
/// ½ because `l` flatters a process whose hyper-parameters have seen all scores. The variance is that of the
/// Gaussian process, times the mean of the squared errors of this mixture over the leave-one-out variances.
///
/// If a member cannot be fitted, or predicts an observation as something that is not finite, the fit fails with
/// [`SurrogateError::Members`], which names each such member and its reason.
///
/// An observation that does not fit the others, as the process finds, counts less in the weight and the variance, and
/// trees learn what the process expects of it instead. Replicates are in one fold. Intercepts of groups
/// ([`Observation::group`]) are those of the process; trees learn what is left.
///
/// Joint posterior and embedding are those of the Gaussian process. Prior knowledge
/// ([`GraphGp::with_prior_knowledge`]) is a column of the trees, too.
///
/// ```
/// use bonas_surrogate::models::Ensemble;
/// use bonas_surrogate::testing::{toy_architectures, toy_observations};
/// use bonas_surrogate::{Predict, Surrogate};
/// use rand::SeedableRng;
///
/// let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
/// let fitted = Ensemble::default().fit(&toy_observations(20, 1), &mut rng)?;
/// assert_eq!(fitted.predict(&toy_architectures(3, 2))?.len(), 3);
/// # Ok::<(), bonas_surrogate::SurrogateError>(())
/// ```
#[derive(Debug)]
pub struct Ensemble {
    /// The Gaussian process.
    pub gp: GraphGp,
    /// Settings of the boosted trees.
    pub boost: BoostParams,
    /// Number of folds of the trees, at least 2.
    pub folds: usize,
}

impl Default for Ensemble {
    fn default() -> Self {
        // In tau as good as five folds of 120 trees of 12 leaves, at a seventh of the cost.
        let boost = BoostParams { trees: 40, rate: 0.2, leaves: 6, ..BoostParams::default() };
        Self { gp: GraphGp::default(), boost, folds: 3 }
    }
}

impl Ensemble {
    /// "ensemble" in the catalogue.
    pub const ENTRY: SurrogateEntry = PartEntry::new(
        NAME,
        "graph-gp and trees, weighted by how well each predicts what it has not seen",
        |()| Ok(Box::<Self>::default()),
    );
}

impl Surrogate for Ensemble {
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

    fn with_prior(&self, known: &[PriorKnowledge], features: &FeatureCache) -> Option<Box<dyn Surrogate>> {
        Some(Box::new(Self {
            gp: self.gp.starting_from(known, features),
            boost: self.boost,
            folds: self.folds,
        }))
    }

    fn fit(
        &self,
        observations: &[Observation],
        rng: &mut dyn Rng,
    ) -> Result<Box<dyn Predict>, SurrogateError> {
        in_one_space(NAME, observations, || {
            let (gp, trees, intercepts) = self.members(observations, rng)?;
            let z = gp.process().targets();
            let (means, variances) = gp.process().leave_one_out();
            let last = s![z.len() - means.len()..];
            // Trees know nothing of groups.
            let (z, out_of_fold) =
                ((z - &intercepts).slice(last).to_owned(), trees.out_of_fold.slice(last).to_owned());
            let means = means - &intercepts.slice(last);
            check_finite(&means, &out_of_fold)?;
            let trust = gp.process().trust();
            let weight = weight(&z, &means, &out_of_fold, &trust);
            let errors = &z - &(&means * (1.0 - weight)) - &(&out_of_fold * weight);
            let squares: f64 =
                errors.iter().zip(variances).zip(&trust).map(|((e, v), trust)| trust * e * e / v).sum();
            let inflation = (squares + PRIOR_COUNT) / (trust.sum() + PRIOR_COUNT);
            Ok(Box::new(FittedEnsemble {
                gp: Arc::new(gp),
                trees: Arc::new(trees),
                weight,
                inflation,
                conditioned: None,
            }))
        })
    }

    fn load(&self, saved: &Saved, known: &[PriorKnowledge]) -> Result<Box<dyn Predict>, SurrogateError> {
        in_saved_space(NAME, saved, |fitted: FittedEnsemble| {
            let restored =
                |gp: Arc<FittedGraphGp>| Arc::unwrap_or_clone(gp).restored(saved, known).map(Arc::new);
            let conditioned = fitted.conditioned.clone().map(restored).transpose()?;
            Ok(Box::new(FittedEnsemble { gp: restored(fitted.gp.clone())?, conditioned, ..fitted }))
        })
    }
}

impl Ensemble {
    /// Both members, fitted, the trees to the features and normal scores of the Gaussian process; and the intercepts `[n]` of the
    /// observations' groups.
    fn members(
        &self,
        observations: &[Observation],
        rng: &mut dyn Rng,
    ) -> Result<(FittedGraphGp, CrossFit, Array1<f64>), SurrogateError> {
        let gp = self.gp.fit_process(observations);
        let intercepts = gp.as_ref().map_or_else(|_| Array1::zeros(0), FittedGraphGp::intercepts);
        let trees = match &gp {
            Ok(gp) => {
                let (targets, groups) = (trusted(gp, &intercepts), replicates(observations));
                let x = gp.observed().to_owned();
                CrossFit::of(&x, &targets, &groups, &self.boost, self.folds, rng).map(Some)
            }
            // Without features there are no trees; their settings can be at fault, too.
            Err(_) => CrossFit::check(&self.boost, self.folds).map(|()| None),
        };
        match (gp, trees) {
            (Ok(gp), Ok(Some(trees))) => Ok((gp, trees, intercepts)),
            (gp, trees) => {
                let failed = [(GP, gp.err()), (TREES, trees.err())];
                Err(failed_members(failed.into_iter().filter_map(|(name, error)| Some((name, error?)))))
            }
        }
    }
}

/// Targets for the trees: without the expected intercept of their group, and an observation that does not fit the others
/// counts as what the process expects instead, as far as it is not trusted.
fn trusted(gp: &FittedGraphGp, intercepts: &Array1<f64>) -> Vec<f64> {
    let process = gp.process();
    let mut targets = process.targets().to_vec();
    let (means, _) = process.leave_one_out();
    let skip = targets.len() - means.len();
    for ((target, mean), trust) in targets[skip..].iter_mut().zip(means).zip(&process.trust()) {
        *target = trust * *target + (1.0 - trust) * mean;
    }
    targets.iter_mut().zip(intercepts).for_each(|(target, intercept)| *target -= intercept);
    targets
}

/// Refuses members whose predictions of the observations are not finite, which no weight could make good.
fn check_finite(gp: &Array1<f64>, trees: &Array1<f64>) -> Result<(), SurrogateError> {
    let not_finite = |(name, predictions): (&'static str, &Array1<f64>)| {
        let bad = predictions.iter().find(|prediction| !prediction.is_finite())?;
        let reason = format!("it predicts {bad} for an observation");
        Some((name, SurrogateError::numeric(name, reason)))
    };
    let failed: Vec<_> = [(GP, gp), (TREES, trees)].into_iter().filter_map(not_finite).collect();
    if failed.is_empty() { Ok(()) } else { Err(failed_members(failed)) }
}

fn failed_members(members: impl IntoIterator<Item = (&'static str, SurrogateError)>) -> SurrogateError {
    SurrogateError::Members { surrogate: NAME, members: members.into_iter().collect() }
}

/// Weight of the trees' predictions `o` beside the leave-one-out means `l`, for targets `z` with some trust in each.
fn weight(z: &Array1<f64>, l: &Array1<f64>, o: &Array1<f64>, trust: &Array1<f64>) -> f64 {
    let apart = o - l;
    let best = (z - l).dot(&(&apart * trust)) / apart.dot(&(&apart * trust));
    if best.is_nan() { 0.5 } else { 0.5 * (best.clamp(0.0, 1.0) + 0.5) }
}

#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct FittedEnsemble {
    gp: Arc<FittedGraphGp>,
    trees: Arc<CrossFit>,
    /// Weight of the trees.
    weight: f64,
    /// Factor of the Gaussian process's variance.
    inflation: f64,
    /// The Gaussian process with what the ensemble was conditioned on.
    conditioned: Option<Arc<FittedGraphGp>>,
}

impl FittedEnsemble {
    /// The Gaussian process that the covariance is that of.
    fn posterior(&self) -> &FittedGraphGp {
        self.conditioned.as_ref().unwrap_or(&self.gp)
    }

    /// Means of the ensemble from those of both members, and, where it was conditioned, how far that moves the process.
    fn means(&self, gp: &[f64], trees: &Array1<f64>, conditioned: Option<&[f64]>) -> Vec<f64> {
        let mixed = gp.iter().zip(trees).map(|(gp, trees)| (1.0 - self.weight) * gp + self.weight * trees);
        match conditioned {
            None => mixed.collect(),
            Some(later) => {
                mixed.zip(gp.iter().zip(later)).map(|(mean, (gp, later))| mean + (later - gp)).collect()
            }
        }
    }

    /// Latent means and variances of up to 256 candidates, without noise.
    fn latent(
        &self,
        candidates: &[Architecture],
        features: &mut Array2<f32>,
        scratch: &mut Scratch,
    ) -> Result<(Vec<f64>, Vec<f64>), SurrogateError> {
        let shares = self.gp.matrix_into(candidates, features)?;
        Ok(self.latent_of(features, &shares, scratch))
    }

    /// Latent means and variances of some features, without noise.
    fn latent_of(
        &self,
        features: &Array2<f32>,
        shares: &[f32],
        scratch: &mut Scratch,
    ) -> (Vec<f64>, Vec<f64>) {
        let (gp, mut variances) = self.gp.process().predict_akin(features, shares, scratch);
        let (trees, _) = self.trees.predict(features);
        let later = self.conditioned.as_ref().map(|gp| gp.process().predict_akin(features, shares, scratch));
        let means = self.means(&gp, &trees, later.as_ref().map(|(means, _)| &means[..]));
        if let Some((_, left)) = later {
            variances = left;
        }
        (means, variances)
    }

    /// Posteriors of latent means and variances without noise.
    fn posteriors(&self, latent: (Vec<f64>, Vec<f64>)) -> Result<Vec<Posterior>, SurrogateError> {
        let noise = self.gp.process().noise();
        let posterior = |(mean, variance): (f64, f64)| {
            let variance = self.inflation * (variance + noise);
            let law = Posterior::warped(mean, variance, Arc::clone(self.gp.warp()))?;
            law.with_noise((self.inflation * noise).min(variance))
        };
        latent.0.into_iter().zip(latent.1).map(posterior).collect()
    }
}

impl Predict for FittedEnsemble {
    fn predict(&self, candidates: &[Architecture]) -> Result<Vec<Posterior>, SurrogateError> {
        let prepare = |candidates: &[Architecture]| self.gp.cache_features(candidates);
        // Chunk by chunk, so that the features stay in the processor's cache.
        in_chunks(candidates, prepare, |candidates, (features, scratch): &mut (Array2<f32>, Scratch)| {
            self.posteriors(self.latent(candidates, features, scratch)?)
        })
    }

    fn feature_groups(&self) -> Vec<FeatureGroup> {
        self.gp.groups()
    }

    fn predict_exchanged(
        &self,
        candidates: &[Architecture],
        group: FeatureGroup,
        from: &[usize],
    ) -> Result<Option<Vec<Posterior>>, SurrogateError> {
        let Some(Exchanged { features, shares }) = self.gp.exchanged(candidates, group, from)? else {
            return Ok(None);
        };
        self.posteriors(self.latent_of(&features, &shares, &mut Scratch::default())).map(Some)
    }

    fn joint(&self, candidates: &[Architecture]) -> Result<Option<crate::posterior::Joint>, SurrogateError> {
        if candidates.is_empty() {
            return Ok(None);
        }
        let mut features = Array2::zeros((0, 0));
        let shares = self.gp.matrix_into(candidates, &mut features)?;
        let (means, covariance, prior) = self.posterior().process().joint_akin(&features, &shares);
        let (trees, _) = self.trees.predict(&features);
        let mean = if self.conditioned.is_some() {
            let (gp, _) = self.gp.process().predict_akin(&features, &shares, &mut Scratch::default());
            self.means(&gp, &trees, Some(&means))
        } else {
            self.means(&means, &trees, None)
        };
        let warp = Arc::clone(self.gp.warp());
        crate::posterior::Joint::new(mean.into(), covariance * self.inflation, prior * self.inflation, warp)
            .map(Some)
    }

    /// The joint posterior of the ensemble, conditioned: the trees stay, and the process learns how far each score is from
    /// what the ensemble expects.
    fn condition_on(&self, observations: &[Observation]) -> Result<Option<Box<dyn Predict>>, SurrogateError> {
        let more = More::of(NAME, observations)?;
        if more.architectures.is_empty() {
            return Ok(Some(Box::new(self.clone())));
        }
        let mut targets = self.posterior().expected(&more.architectures)?;
        let posteriors = self.predict(&more.architectures)?;
        for ((target, &score), posterior) in targets.iter_mut().zip(&more.scores).zip(&posteriors) {
            *target += posterior.latent_of(score) - posterior.latent().0;
        }
        let conditioned = Some(Arc::new(self.posterior().conditioned(&more, &targets)?));
        Ok(Some(Box::new(Self { conditioned, ..self.clone() })))
    }

    fn embed(&self, candidates: &[Architecture]) -> Result<Option<Array2<f64>>, SurrogateError> {
        self.gp.embed(candidates)
    }

    fn save(&self) -> Result<Saved, SurrogateError> {
        Saved::of(NAME, self)
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::testing::{
        check_surrogate, check_toy_robustness, toy_architectures, toy_observations, toy_quality,
    };

    #[test]
    fn contract() {
        check_surrogate(&Ensemble::default(), &toy_observations(30, 4), &toy_architectures(20, 5), 6);
        check_toy_robustness(&Ensemble::default());
    }

    #[test]
    fn a_member_that_fails_is_named_with_its_reason() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let observations = toy_observations(20, 2);
        let mut fit = |ensemble: Ensemble, observations: &[Observation]| {
            ensemble.fit(observations, &mut rng).err().unwrap().to_string()
        };
        let one = fit(Ensemble { folds: 1, ..Ensemble::default() }, &observations);
        assert!(one.starts_with("cannot fit ensemble: member trees failed (bad setting folds = 1"), "{one}");
        assert!(!one.contains("graph-gp"), "{one}");
        let mut nan = observations.clone();
        nan[3].score = f64::NAN;
        let other = fit(Ensemble::default(), &nan);
        let expected =
            "member graph-gp failed (graph-gp cannot use this data: the score of observation 3 is NaN";
        assert!(other.contains(expected), "{other}");
        assert!(!other.contains("member trees"), "{other}");
        let both = fit(Ensemble { folds: 1, ..Ensemble::default() }, &nan);
        assert!(both.contains("member graph-gp failed") && both.contains("; member trees failed"), "{both}");
    }

    /// A weight of a half hid what was not a number.
    #[test]
    fn a_member_whose_predictions_are_not_finite_is_named() {
        let (fine, bad) = (array![0.0, 1.0], array![0.0, f64::NAN]);
        assert!(check_finite(&fine, &fine).is_ok());
        let error = check_finite(&fine, &bad).unwrap_err().to_string();
        assert!(error.contains("member trees failed") && error.contains("NaN"), "{error}");
        let error = check_finite(&bad, &bad).unwrap_err().to_string();
        assert!(error.contains("member graph-gp failed") && error.contains("member trees failed"), "{error}");
    }

    /// All weight to who is right, drawn halfway to a half.
    #[test]
    fn weights_by_hand() {
        let (z, off, all) = (array![0.0, 1.0], array![1.0, 2.0], array![1.0, 1.0]);
        assert_eq!(weight(&z, &array![9.0, 1.0], &array![0.0, 2.0], &array![0.0, 1.0]), 0.25);
        assert_eq!(weight(&z, &off, &z, &all), 0.75);
        assert_eq!(weight(&z, &z, &off, &all), 0.25);
        assert_eq!(weight(&z, &array![1.0, 1.0], &array![-1.0, 1.0], &all), 0.5);
        assert_eq!(weight(&z, &off, &off, &all), 0.5);
    }

    /// Scores without noise, and candidates that are nearly known: what is left of the variance is rounding.
    #[test]
    fn a_joint_posterior_of_what_is_nearly_known_can_be_drawn_from() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let observations = toy_observations(300, 2);
        let fitted = Ensemble::default().fit(&observations, &mut rng).unwrap();
        let mut candidates: Vec<Architecture> =
            observations.iter().step_by(2).map(|o| o.architecture.clone()).collect();
        candidates.extend(toy_architectures(200, 9));
        let draw = fitted.joint(&candidates).unwrap().unwrap().sample(&mut rng);
        assert!(draw.iter().all(|y| y.is_finite()));
    }

    /// Joint draws scatter around the mean of both members.
    #[test]
    fn joint_draws_agree_with_single_posteriors() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let fitted = Ensemble::default().fit(&toy_observations(50, 2), &mut rng).unwrap();
        let candidates = toy_architectures(6, 9);
        let joint = fitted.joint(&candidates).unwrap().unwrap();
        let mut sums = vec![0.0; candidates.len()];
        for _ in 0..2000 {
            sums.iter_mut().zip(joint.sample(&mut rng)).for_each(|(sum, y)| *sum += y / 2000.0);
        }
        for (mean, posterior) in sums.iter().zip(fitted.predict(&candidates).unwrap()) {
            assert!((mean - posterior.mean()).abs() < 0.02, "{mean} {}", posterior.mean());
        }
    }

    #[test]
    fn ranks_unseen_cells_and_knows_how_well() {
        let (tau, covered) = toy_quality(&Ensemble::default(), 100);
        assert!(tau > 0.88, "tau {tau}");
        assert!((0.6..=1.0).contains(&covered), "{covered}");
    }
}
