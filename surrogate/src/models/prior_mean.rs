//! Prior knowledge as the mean of another surrogate.

use std::sync::Arc;

use bonas_spaces::Architecture;
use ndarray::Array2;
use rand::Rng;

use crate::guard::{in_one_space, in_saved_space};
use crate::posterior::warp::{Warp, gaussian_ranks};
use crate::prior::restore;
use crate::{Observation, Posterior, Predict, PriorKnowledge, Saved, Surrogate, SurrogateError};

pub(super) const NAME: &str = "prior-mean";

/// Another surrogate, fitted to what prior knowledge does not explain.
///
/// Use it to give prior knowledge to a surrogate that takes none itself
/// ([`takes_prior`](Surrogate::takes_prior) is false). The inner surrogate must take scores of any sign
/// ([`needs_fractions`](Surrogate::needs_fractions) is false).
///
/// Let `u` be the Gaussian rank of the indicator among all architectures, and `z` that of an observed score among
/// the observations. The model is `z = b·(u - ū) + r`, where the inner surrogate learns `r`. The slope is
/// the posterior mean of `b ~ N(0, s²)` under noise `σ²`, both at the maximum of the marginal likelihood
/// of the line alone, which has a closed form: with `ρ = Σ(u - ū)²`, `c = Σ(u - ū)·z`,
///
/// `σ² = (Σz² - c²/ρ) / (n - 2)`, `b = (c/ρ)·max(0, 1 - σ²·ρ/c²)`.
///
/// If the observations do not support the indicator, the slope is exactly 0 and only the inner surrogate, on
/// ranks, remains. There is no joint posterior, so joint selections cannot be used.
#[derive(Debug)]
pub struct PriorMean {
    inner: Box<dyn Surrogate>,
    known: PriorKnowledge,
}

impl PriorMean {
    /// A surrogate with prior knowledge about every architecture that it will see.
    pub fn new(inner: Box<dyn Surrogate>, known: PriorKnowledge) -> Self {
        Self { inner, known }
    }
}

/// Slope `b` and mean `ū` of the line through the ranks. The slope is 0 below three observations.
fn line(u: &[f64], z: &[f64]) -> (f64, f64) {
    let n = u.len() as f64;
    let mean = u.iter().sum::<f64>() / n;
    let rho: f64 = u.iter().map(|u| (u - mean).powi(2)).sum();
    let c: f64 = u.iter().zip(z).map(|(u, z)| (u - mean) * z).sum();
    if u.len() < 3 || rho <= 0.0 || c == 0.0 {
        return (0.0, mean);
    }
    let explained = c * c / rho;
    let noise = (z.iter().map(|z| z * z).sum::<f64>() - explained).max(0.0) / (n - 2.0);
    (c / rho * (1.0 - noise / explained).max(0.0), mean)
}

impl Surrogate for PriorMean {
    fn name(&self) -> &'static str {
        NAME
    }

    fn knows_noise(&self) -> bool {
        self.inner.knows_noise()
    }

    fn has_embedding(&self) -> bool {
        self.inner.has_embedding()
    }

    fn fit(
        &self,
        observations: &[Observation],
        rng: &mut dyn Rng,
    ) -> Result<Box<dyn Predict>, SurrogateError> {
        in_one_space(NAME, observations, || {
            let scores: Vec<f64> = observations.iter().map(|o| o.score).collect();
            if let Some(i) = scores.iter().position(|score| !score.is_finite()) {
                return Err(SurrogateError::data(
                    NAME,
                    format!("score {i} is {}, not a finite number", scores[i]),
                ));
            }
            let u = self.known.ranks(observations.iter().map(|o| &o.architecture))?;
            let (z, warp) = gaussian_ranks(&scores);
            let (slope, mean) = line(&u, &z);
            let residual = |((o, u), z): ((&Observation, &f64), &f64)| Observation {
                architecture: o.architecture.clone(),
                score: z - slope * (u - mean),
                noise: None,
                group: None,
            };
            let residuals: Vec<Observation> = observations.iter().zip(&u).zip(&z).map(residual).collect();
            let inner = self.inner.fit(&residuals, rng)?;
            Ok(Box::new(FittedPriorMean {
                inner,
                known: self.known.clone(),
                slope,
                mean,
                warp: Arc::new(warp),
            }))
        })
    }

    fn load(&self, saved: &Saved, known: &[PriorKnowledge]) -> Result<Box<dyn Predict>, SurrogateError> {
        load(saved, known, |inner| self.inner.load(inner, known))
    }
}

/// Loads a saved [`FittedPriorMean`] with what loads the surrogate inside.
pub(super) fn load(
    saved: &Saved,
    known: &[PriorKnowledge],
    load_inner: impl FnOnce(&Saved) -> Result<Box<dyn Predict>, SurrogateError>,
) -> Result<Box<dyn Predict>, SurrogateError> {
    in_saved_space(
        NAME,
        saved,
        |(inner, mut own, slope, mean, warp): (Saved, [PriorKnowledge; 1], _, _, _)| {
            restore(&mut own, known)?;
            let [known] = own;
            Ok(Box::new(FittedPriorMean { inner: load_inner(&inner)?, known, slope, mean, warp }))
        },
    )
}

/// A fitted [`PriorMean`].
struct FittedPriorMean {
    inner: Box<dyn Predict>,
    known: PriorKnowledge,
    slope: f64,
    mean: f64,
    warp: Arc<Warp>,
}

impl Predict for FittedPriorMean {
    /// Uses the mean and the variance of the inner posterior.
    fn predict(&self, candidates: &[Architecture]) -> Result<Vec<Posterior>, SurrogateError> {
        let u = self.known.ranks(candidates)?;
        let posterior = |(residual, u): (Posterior, f64)| {
            let (mean, variance) = (residual.mean(), residual.variance());
            Posterior::warped(mean + self.slope * (u - self.mean), variance, self.warp.clone())
        };
        self.inner.predict(candidates)?.into_iter().zip(u).map(posterior).collect()
    }

    fn embed(&self, candidates: &[Architecture]) -> Result<Option<Array2<f64>>, SurrogateError> {
        self.inner.embed(candidates)
    }

    fn save(&self) -> Result<Saved, SurrogateError> {
        Saved::of(NAME, &(self.inner.save()?, [&self.known], self.slope, self.mean, &self.warp))
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::metrics::kendall_tau_b;
    use crate::models::graph_gp::GraphGp;
    use crate::testing::{
        check_surrogate, toy_architectures, toy_known as known, toy_observations, toy_score,
    };

    fn rng() -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(1)
    }

    fn tau(surrogate: &dyn Surrogate, n: usize) -> f64 {
        let fitted = surrogate.fit(&toy_observations(60, 4)[..n], &mut rng()).unwrap();
        let candidates = toy_architectures(300, 5);
        let means: Vec<f64> = fitted.predict(&candidates).unwrap().iter().map(Posterior::mean).collect();
        kendall_tau_b(&means, &candidates.iter().map(toy_score).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn contract() {
        let values = known(|i, _| (i % 7) as f64);
        let surrogate = PriorMean::new(Box::new(GraphGp::default()), values);
        check_surrogate(&surrogate, &toy_observations(30, 4), &toy_architectures(20, 5), 6);
    }

    #[test]
    fn slopes_are_hand_worked() {
        // u - ū = -1, 0, 1 and ρ = 2, c = 2, Σz² = 2 + ¼: σ² = ¼, b = 1·(1 - ¼·2/4) = 7/8.
        let (slope, mean) = line(&[1.0, 2.0, 3.0], &[-1.0, 0.5, 1.0]);
        assert!((slope - 0.875).abs() < 1e-12 && (mean - 2.0).abs() < 1e-12, "{slope} {mean}");
        // Σz² = 8.02, c²/ρ = 0.02: the noise explains more than the line does.
        assert!(line(&[1.0, 2.0, 3.0], &[2.0, -2.0, 2.2]).0.abs() < 1e-12);
        assert!(line(&[1.0, 2.0], &[1.0, 2.0]).0.abs() < 1e-12);
        assert!(line(&[1.0; 4], &[1.0, 2.0, 3.0, 4.0]).0.abs() < 1e-12);
    }

    #[test]
    fn a_good_indicator_helps_and_a_bad_one_does_no_harm() {
        let plain = GraphGp::default();
        let with =
            |known: &PriorKnowledge, n| tau(&PriorMean::new(Box::new(GraphGp::default()), known.clone()), n);
        // The score itself, distorted; its sign does not matter.
        let good = known(|i, a| -(toy_score(a) + 0.02 * (i as f64 * 12.9898).sin()).exp());
        let noise = known(|i, _| (i as f64 * 78.233).sin());
        assert!(with(&good, 8) > tau(&plain, 8) + 0.05, "{} {}", with(&good, 8), tau(&plain, 8));
        assert!(with(&noise, 50) > tau(&plain, 50) - 0.05, "{} {}", with(&noise, 50), tau(&plain, 50));
    }
}
