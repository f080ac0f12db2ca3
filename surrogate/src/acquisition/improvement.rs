//! Expected improvement over the best score, its logarithm, and the probability of improvement.

use rand::Rng;

use super::{Acquisition, AcquisitionEntry, Scale};
use crate::Posterior;
use crate::entry::PartEntry;

/// Unit in which [`ExpectedImprovement`] measures an improvement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Improvement {
    /// The unit of the score, `E max(y - y*, 0)`.
    #[default]
    Score,
    /// The Gaussian underneath, `(μ - t*) Φ(u) + s φ(u)`, `u = (μ - t*)/s`, with `t* = logit(y*)` for a
    /// squashed law, as in the published code of BONAS.
    Latent,
}

/// Expected improvement over the incumbent, `E max(y - y*, 0)` (Mockus, 1975; Jones et al., 1998).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExpectedImprovement {
    /// Unit of the improvement.
    pub unit: Improvement,
}

impl ExpectedImprovement {
    /// "ei" in the catalogue.
    pub const ENTRY: AcquisitionEntry =
        PartEntry::new("ei", "Expected improvement over the best score", |_| Ok(Box::<Self>::default()));
}

impl Acquisition for ExpectedImprovement {
    fn name(&self) -> &'static str {
        "ei"
    }

    fn is_expected_improvement(&self) -> bool {
        self.unit == Improvement::Score
    }

    fn utilities(&self, posteriors: &[Posterior], incumbent: Option<f64>, _: &mut dyn Rng) -> Vec<f64> {
        let latent = |p: &Posterior, best| p.to_latent().ln_expected_excess(p.latent_of(best));
        over_incumbent(posteriors, incumbent, |all, best| {
            let gains = match self.unit {
                Improvement::Score => Posterior::ln_expected_excesses(all, best),
                Improvement::Latent => all.iter().map(|p| latent(p, best)).collect(),
            };
            gains.into_iter().map(f64::exp).collect()
        })
    }

    fn scale(&self) -> Scale {
        Scale::Gain
    }
}

/// `ln` of the expected improvement in the unit of the score (Ament et al., 2023).
///
/// Ranks candidates like [`ExpectedImprovement`], also where that underflows to zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogExpectedImprovement;

impl LogExpectedImprovement {
    /// "log-ei" in the catalogue.
    pub const ENTRY: AcquisitionEntry = PartEntry::new(
        "log-ei",
        "Logarithm of expected improvement, for improvements too small for ei",
        |_| Ok(Box::new(Self)),
    );
}

impl Acquisition for LogExpectedImprovement {
    fn name(&self) -> &'static str {
        "log-ei"
    }

    fn is_expected_improvement(&self) -> bool {
        true
    }

    fn utilities(&self, posteriors: &[Posterior], incumbent: Option<f64>, _: &mut dyn Rng) -> Vec<f64> {
        over_incumbent(posteriors, incumbent, Posterior::ln_expected_excesses)
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
        None => posteriors.iter().map(Posterior::mean).collect(),
    }
}
