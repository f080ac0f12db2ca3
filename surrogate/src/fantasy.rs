//! Fantasies: predictors that count architectures as measured whose scores are not known yet.

use bonas_spaces::Architecture;
use ndarray::{Array2, Axis};
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;

use crate::error::SurrogateError;
use crate::observation::{Observation, finite_scores};
use crate::posterior::{Posterior, Warp};
use crate::surrogate::Predict;

/// The predictor with pending architectures as measured at their posterior medians (kriging believer: Ginsbourger, Le
/// Riche and Carraro, 2010); `None` if the model cannot be conditioned ([`Predict::condition_on`]).
///
/// Medians elsewhere stay as they are, and variances fall by what the measurements would tell. Through inducing points, beyond
/// 2,000 observations, that is nearly so, and a pending architecture keeps the variance that the points do not explain
/// ([`Predict::condition_on`]).
///
/// ```
/// use bonas_surrogate::models::GraphGp;
/// use bonas_surrogate::testing::{toy_architectures, toy_observations};
/// use bonas_surrogate::{Predict, Surrogate, believed};
/// use rand::SeedableRng;
///
/// let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
/// let fitted = GraphGp::default().fit(&toy_observations(20, 1), &mut rng)?;
/// let pending = toy_architectures(2, 2);
/// let (before, after) = (fitted.predict(&pending)?, believed(&*fitted, &pending)?);
/// let after = after.map_or(Ok(Vec::new()), |believed| believed.predict(&pending))?;
/// assert!(after[0].latent().1 < before[0].latent().1);
/// # Ok::<(), bonas_surrogate::SurrogateError>(())
/// ```
///
/// # Errors
/// As [`Predict::predict`] and [`Predict::condition_on`].
pub fn believed(
    fitted: &dyn Predict,
    pending: &[Architecture],
) -> Result<Option<Box<dyn Predict>>, SurrogateError> {
    let scores: Vec<f64> = fitted.predict(pending)?.iter().map(Posterior::median).collect();
    fitted.condition_on(&observed(pending, &scores))
}

/// Predictors with pending architectures as measured at `count` joint draws of their scores, noise included (Snoek,
/// Larochelle and Adams, "Practical Bayesian optimization of machine learning algorithms", NeurIPS 2012, section 3.2);
/// `None` if the model has no joint posterior or cannot be conditioned.
///
/// The mean of a utility over these predictors is its expectation over what the pending scores may be.
///
/// # Errors
/// As [`Predict::joint`], [`Predict::predict`] and [`Predict::condition_on`].
pub fn fantasies(
    fitted: &dyn Predict,
    pending: &[Architecture],
    count: usize,
    rng: &mut dyn Rng,
) -> Result<Option<Vec<Box<dyn Predict>>>, SurrogateError> {
    let Some(joint) = fitted.joint(pending)? else { return Ok(None) };
    let posteriors = fitted.predict(pending)?;
    let draws = joint.latent_draws(count, rng); // [count, m]
    let mut all = Vec::with_capacity(count);
    for draw in draws.rows() {
        let measured = |(f, posterior): (&f64, &Posterior)| {
            let noise: f64 = rng.sample(StandardNormal);
            posterior.score_of(f + posterior.noise().sqrt() * noise)
        };
        let scores: Vec<f64> = draw.iter().zip(&posteriors).map(measured).collect();
        let Some(fantasy) = fitted.condition_on(&observed(pending, &scores))? else { return Ok(None) };
        all.push(fantasy);
    }
    Ok(Some(all))
}

fn observed(architectures: &[Architecture], scores: &[f64]) -> Vec<Observation> {
    let observation =
        |(architecture, &score): (&Architecture, &f64)| Observation::new(architecture.clone(), score);
    architectures.iter().zip(scores).map(observation).collect()
}

/// Observations that a fitted model is conditioned on, possibly none.
pub(crate) struct More {
    pub(crate) architectures: Vec<Architecture>,
    pub(crate) scores: Vec<f64>,
    /// Standard deviation of each score's own error; 0 where it is not known.
    errors: Vec<f64>,
}

impl More {
    /// # Errors
    /// [`SurrogateError::Data`] for a score or a noise that is not finite.
    pub(crate) fn of(surrogate: &'static str, observations: &[Observation]) -> Result<Self, SurrogateError> {
        let scores =
            if observations.is_empty() { Vec::new() } else { finite_scores(surrogate, observations)? };
        let errors = observations.iter().map(|o| o.noise.unwrap_or(0.0)).collect();
        Ok(Self {
            architectures: observations.iter().map(|o| o.architecture.clone()).collect(),
            scores,
            errors,
        })
    }

    /// Places of the scores on the scale underneath.
    pub(crate) fn latent(&self, warp: &Warp) -> Vec<f64> {
        self.scores.iter().map(|&score| warp.latent(score)).collect()
    }

    /// Variance of each score's own error on the scale underneath.
    pub(crate) fn latent_noise(&self, warp: &Warp) -> Vec<f64> {
        let of = |(&score, &sd): (&f64, &f64)| if sd > 0.0 { warp.latent_noise(score, sd) } else { 0.0 };
        self.scores.iter().zip(&self.errors).map(of).collect()
    }
}

/// Features `[n + k, d]`: those of observations `[n, d]`, and below them those of more, `[k, d]`.
pub(crate) fn below(observed: &Array2<f32>, more: &Array2<f32>) -> Result<Array2<f32>, SurrogateError> {
    ndarray::concatenate(Axis(0), &[observed.view(), more.view()])
        .map_err(|error| SurrogateError::numeric("conditioning", error.to_string()))
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::Surrogate;
    use crate::models::{Ensemble, GraphGp, Trees, WlGp};
    use crate::testing::{toy_architectures, toy_observations};

    fn models() -> [Box<dyn Surrogate>; 3] {
        [Box::<GraphGp>::default(), Box::<Ensemble>::default(), Box::<WlGp>::default()]
    }

    fn fit(surrogate: &dyn Surrogate) -> Box<dyn Predict> {
        surrogate.fit(&toy_observations(30, 3), &mut ChaCha8Rng::seed_from_u64(2)).unwrap()
    }

    fn medians(fitted: &dyn Predict, candidates: &[Architecture]) -> Vec<f64> {
        fitted.predict(candidates).unwrap().iter().map(|p| p.latent().0).collect()
    }

    /// A belief in the median moves no median.
    #[test]
    fn beliefs_move_no_median_and_lower_variances() {
        let (pending, others) = (toy_architectures(4, 8), toy_architectures(30, 9));
        for model in models() {
            let fitted = fit(&*model);
            let after = believed(&*fitted, &pending).unwrap().unwrap();
            for (a, b) in medians(&*after, &others).iter().zip(medians(&*fitted, &others)) {
                assert!((a - b).abs() < 1e-4, "{}: {a} {b}", model.name());
            }
            let sds = |fitted: &dyn Predict| -> Vec<f64> {
                fitted.predict(&pending).unwrap().iter().map(|p| p.without_noise().latent().1).collect()
            };
            assert!(sds(&*after).iter().zip(sds(&*fitted)).all(|(a, b)| *a < 0.95 * b), "{}", model.name());
        }
    }

    /// What fantasies expect is on average what the predictor expects: the law of total expectation.
    #[test]
    fn fantasies_average_to_the_prediction() {
        let (pending, others) = (toy_architectures(3, 8), toy_architectures(5, 9));
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        for model in models() {
            let fitted = fit(&*model);
            let all = fantasies(&*fitted, &pending, 300, &mut rng).unwrap().unwrap();
            let each: Vec<Vec<f64>> = all.iter().map(|fantasy| medians(&**fantasy, &others)).collect();
            for (i, before) in medians(&*fitted, &others).into_iter().enumerate() {
                let mean = each.iter().map(|m| m[i]).sum::<f64>() / 300.0;
                let variance = each.iter().map(|m| (m[i] - mean).powi(2)).sum::<f64>() / 299.0;
                let error = (variance / 300.0).sqrt();
                assert!((mean - before).abs() < 4.0 * error + 1e-4, "{}: {mean} {before}", model.name());
                assert!(variance > 0.0, "{}: fantasies differ", model.name());
            }
        }
    }

    #[test]
    fn a_model_that_cannot_be_conditioned_says_so() {
        let fitted = fit(&Trees::default());
        let pending = toy_architectures(2, 8);
        assert!(believed(&*fitted, &pending).unwrap().is_none());
        assert!(fantasies(&*fitted, &pending, 2, &mut ChaCha8Rng::seed_from_u64(1)).unwrap().is_none());
    }
}
