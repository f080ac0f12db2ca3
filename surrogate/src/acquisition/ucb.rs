//! The upper confidence bound.

use rand::Rng;

use super::{Acquisition, AcquisitionEntry, AcquisitionSettings, GAMMA};
use crate::entry::PartEntry;
use crate::{Posterior, SurrogateError};

/// Upper confidence bound `E[y] + γ sd[y]`, in the unit of the score.
///
/// BONAS (Shi et al., 2020) takes γ = 0.5.
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
        let bound = |(mean, variance): (f64, f64)| mean + self.gamma * variance.sqrt();
        posteriors.iter().map(|p| bound(p.moments())).collect()
    }
}
