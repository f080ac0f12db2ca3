//! Expected improvement over the best score, its logarithm, and the probability of improvement.

use std::borrow::Cow;

use rand::Rng;

use super::{Acquisition, AcquisitionEntry, AcquisitionSettings, Scale};
use crate::Posterior;
use crate::entry::PartEntry;

/// Unit in which [`ExpectedImprovement`] measures an improvement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Improvement {
    /// The Gaussian underneath, `(μ - t*) Φ(u) + s φ(u)`, `u = (μ - t*)/s`, where `t*` is the place of the best score
    /// there (its logit for a squashed law, as in the published code of BONAS). A rising function of all scores leaves
    /// the order of candidates as it is.
    #[default]
    Latent,
    /// The unit of the score, `E max(y - y*, 0)`.
    Score,
}

impl Improvement {
    /// Logarithm of the expected improvement of each candidate.
    fn ln_gains(self, posteriors: &[Posterior], best: f64) -> Vec<f64> {
        match self {
            Self::Score => Posterior::ln_expected_excesses(posteriors, best),
            Self::Latent => Posterior::ln_latent_excesses(posteriors, best),
        }
    }
}

/// `ln E max(z - z*, 0)` of the Gaussians `z` underneath, of measured scores or of the true ones.
pub(crate) fn ln_improvements(posteriors: &[Posterior], best: f64, noise_free: bool) -> Vec<f64> {
    Posterior::ln_latent_excesses(&laws(posteriors, noise_free), best)
}

/// The laws of measured scores, or of the true ones.
fn laws(posteriors: &[Posterior], noise_free: bool) -> Cow<'_, [Posterior]> {
    if noise_free && posteriors.iter().any(|p| p.noise() > 0.0) {
        Cow::Owned(posteriors.iter().map(Posterior::without_noise).collect())
    } else {
        Cow::Borrowed(posteriors)
    }
}

/// Expected improvement over the incumbent, `E max(y - y*, 0)` (Mockus, 1975; Jones et al., 1998).
///
/// A posterior is that of a measurement, whose noise can only raise this expectation. With
/// [`noise_free`](Self::noise_free) `y` is the true score, of posteriors that know their noise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExpectedImprovement {
    /// Unit of the improvement.
    pub unit: Improvement,
    /// Whether the improvement is that of the true score instead of a measured one ([`Posterior::without_noise`]).
    pub noise_free: bool,
}

impl ExpectedImprovement {
    /// "ei" in the catalogue.
    pub const ENTRY: AcquisitionEntry =
        PartEntry::new("ei", "Expected improvement over the best score", |settings: &AcquisitionSettings| {
            Ok(Box::new(Self { noise_free: settings.noise_free, ..Self::default() }))
        });
}

impl Acquisition for ExpectedImprovement {
    fn name(&self) -> &'static str {
        "ei"
    }

    fn is_expected_improvement(&self) -> bool {
        self.unit == Improvement::Latent
    }

    fn utilities(&self, posteriors: &[Posterior], incumbent: Option<f64>, _: &mut dyn Rng) -> Vec<f64> {
        over_incumbent(posteriors, incumbent, |all, best| {
            self.unit.ln_gains(&laws(all, self.noise_free), best).into_iter().map(f64::exp).collect()
        })
    }

    fn scale(&self) -> Scale {
        Scale::Gain
    }
}

/// `ln` of the expected improvement (Ament et al., 2023).
///
/// Ranks candidates like [`ExpectedImprovement`], also where that underflows to zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogExpectedImprovement {
    /// Unit of the improvement.
    pub unit: Improvement,
    /// As in [`ExpectedImprovement`].
    pub noise_free: bool,
}

impl LogExpectedImprovement {
    /// "log-ei" in the catalogue.
    pub const ENTRY: AcquisitionEntry = PartEntry::new(
        "log-ei",
        "Logarithm of expected improvement, for improvements too small for ei",
        |settings: &AcquisitionSettings| {
            Ok(Box::new(Self { noise_free: settings.noise_free, ..Self::default() }))
        },
    );
}

impl Acquisition for LogExpectedImprovement {
    fn name(&self) -> &'static str {
        "log-ei"
    }

    fn is_expected_improvement(&self) -> bool {
        self.unit == Improvement::Latent
    }

    fn utilities(&self, posteriors: &[Posterior], incumbent: Option<f64>, _: &mut dyn Rng) -> Vec<f64> {
        over_incumbent(posteriors, incumbent, |all, best| {
            self.unit.ln_gains(&laws(all, self.noise_free), best)
        })
    }

    fn scale(&self) -> Scale {
        Scale::LogGain
    }
}

/// Probability of improving on the incumbent, `P(y > y*)` (Kushner, 1964).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProbabilityOfImprovement;

impl ProbabilityOfImprovement {
    /// "pi" in the catalogue.
    pub const ENTRY: AcquisitionEntry =
        PartEntry::new("pi", "Probability of improving on the best score", |_| Ok(Box::new(Self)));
}

impl Acquisition for ProbabilityOfImprovement {
    fn name(&self) -> &'static str {
        "pi"
    }

    fn utilities(&self, posteriors: &[Posterior], incumbent: Option<f64>, _: &mut dyn Rng) -> Vec<f64> {
        over_incumbent(posteriors, incumbent, |all, best| all.iter().map(|p| p.survival(best)).collect())
    }

    fn scale(&self) -> Scale {
        Scale::Gain
    }
}

fn over_incumbent(
    posteriors: &[Posterior],
    incumbent: Option<f64>,
    utilities: impl Fn(&[Posterior], f64) -> Vec<f64>,
) -> Vec<f64> {
    match incumbent {
        Some(best) => utilities(posteriors, best),
        None => posteriors.iter().map(Posterior::median).collect(),
    }
}
