//! The upper confidence bound.

use rand::Rng;

use super::{Acquisition, AcquisitionEntry, AcquisitionSettings, GAMMA};
use crate::entry::PartEntry;
use crate::posterior::{Law, Moments};
use crate::{Posterior, SurrogateError};

/// Upper confidence bound: the quantile `g(μ + γ s)` of a score `y = g(z)`, `z ~ N(μ, s²)`. For a Gaussian that is
/// `E[y] + γ sd[y]`.
///
/// BONAS (Shi et al., 2020) takes γ = 0.5. For a law with the published moments ([`Moments::Published`]) the bound is
/// the published one, `E[y] + γ sd[y]` by these moments.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ucb {
    gamma: f64,
}

impl Ucb {
    /// "ucb" in the catalogue.
    pub const ENTRY: AcquisitionEntry = PartEntry::new(
        "ucb",
        "Upper confidence bound: mean + gamma standard deviations",
        |settings: &AcquisitionSettings| Ok(Box::new(Self::new(settings.gamma)?)),
    );

    /// A bound `gamma` standard deviations above the mean.
    ///
    /// # Errors
    /// [`SurrogateError::Setting`] unless `gamma` is finite and not negative.
    pub fn new(gamma: f64) -> Result<Self, SurrogateError> {
        if gamma.is_finite() && gamma >= 0.0 {
            Ok(Self { gamma })
        } else {
            Err(SurrogateError::setting("gamma", gamma, "a finite number from 0 up"))
        }
    }
}

impl Default for Ucb {
    fn default() -> Self {
        Self { gamma: GAMMA }
    }
}

impl Acquisition for Ucb {
    fn name(&self) -> &'static str {
        "ucb"
    }

    fn utilities(&self, posteriors: &[Posterior], _: Option<f64>, _: &mut dyn Rng) -> Vec<f64> {
        let bound = |p: &Posterior| {
            if let Law::SigmoidGaussian { moments: Moments::Published, .. } = p.law() {
                let (mean, variance) = p.moments();
                return mean + self.gamma * variance.sqrt();
            }
            let (mu, sd) = p.latent();
            p.score_of(mu + self.gamma * sd)
        };
        posteriors.iter().map(bound).collect()
    }
}
