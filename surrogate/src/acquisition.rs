//! From posteriors to utilities: how much a candidate is worth measuring.

use std::fmt::Debug;

use rand::Rng;

use crate::entry::Entry;
use crate::{Posterior, SurrogateError};

/// Gives every candidate a utility; the higher, the sooner it should be measured.
///
/// [`crate::testing::check_acquisition`] tests an implementation.
pub trait Acquisition: Send + Debug {
    /// Name as used in configurations and reports.
    fn name(&self) -> &str;

    /// One utility a posterior, in order; never NaN.
    ///
    /// `incumbent` is the best observed score, `None` before there is any: improvement criteria
    /// then rank by posterior mean. `rng` is drawn from by random criteria only.
    fn utilities(&self, posteriors: &[Posterior], incumbent: Option<f64>, rng: &mut dyn Rng) -> Vec<f64>;

    /// What its utilities are, which says how limits weigh on them.
    fn scale(&self) -> Scale {
        Scale::Score
    }

    /// Whether it ranks by expected improvement in the unit of the score, which
    /// [`crate::select::KrigingBeliever`] goes on with inside a batch.
    fn is_expected_improvement(&self) -> bool {
        false
    }
}

/// An acquisition in [`crate::catalogue`].
pub type AcquisitionEntry = Entry<dyn Acquisition, AcquisitionSettings>;

/// What the acquisitions of [`crate::catalogue`] can be built with; each reads what it needs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AcquisitionSettings {
    /// Weight of the standard deviation in an upper confidence bound.
    pub gamma: f64,
}

impl Default for AcquisitionSettings {
    fn default() -> Self {
        Self { gamma: GAMMA }
    }
}

/// Default weight of the standard deviation: that of BONAS.
const GAMMA: f64 = 0.5;

/// What utilities are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// A gain or a probability, never negative.
    Gain,
    /// The logarithm of one.
    LogGain,
    /// In the unit of the score, of any sign.
    Score,
}

/// Utilities of candidates that keep all limits with these probabilities: each gain times its
/// probability (Gardner et al., "Bayesian optimization with inequality constraints", ICML 2014).
///
/// Logarithms are added to; utilities of any sign are taken for gains on the lowest of them.
pub fn constrained(scale: Scale, mut utilities: Vec<f64>, feasibility: &[f64]) -> Vec<f64> {
    let lowest = utilities.iter().copied().fold(f64::INFINITY, f64::min);
    for (utility, p) in utilities.iter_mut().zip(feasibility) {
        *utility = match scale {
            Scale::Gain => *utility * p,
            Scale::LogGain => *utility + p.ln(),
            Scale::Score => (*utility - lowest) * p,
        };
    }
    utilities
}

/// Upper confidence bound `E[y] + γ sd[y]`, in the unit of the score.
///
/// BONAS (Shi et al., 2020) takes γ = 0.5.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ucb {
    gamma: f64,
}

impl Ucb {
    /// "ucb" in the catalogue.
    pub const ENTRY: AcquisitionEntry = Entry::new(
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

/// Unit in which [`ExpectedImprovement`] measures an improvement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Improvement {
    /// The unit of the score, `E max(y - y*, 0)`.
    #[default]
    Score,
    /// The Gaussian underneath, `(μ - t*) Φ(u) + s φ(u)`, `u = (μ - t*)/s`, `t* = logit(y*)` for a
    /// squashed law: what the published BONAS code has.
    Latent,
}

/// Expected improvement over the incumbent (Mockus, 1975; Jones et al., 1998).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExpectedImprovement {
    /// Unit of the improvement.
    pub unit: Improvement,
}

impl ExpectedImprovement {
    /// "ei" in the catalogue.
    pub const ENTRY: AcquisitionEntry =
        Entry::new("ei", "Expected improvement over the best score", |_| Ok(Box::<Self>::default()));
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
    pub const ENTRY: AcquisitionEntry =
        Entry::new("log-ei", "Logarithm of expected improvement, for improvements too small for ei", |_| {
            Ok(Box::new(Self))
        });
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
        Entry::new("pi", "Probability of improving on the best score", |_| Ok(Box::new(Self)));
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

/// One independent draw from each posterior (Thompson, 1933).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Thompson;

impl Thompson {
    /// "thompson" in the catalogue.
    pub const ENTRY: AcquisitionEntry =
        Entry::new("thompson", "One draw from each posterior", |_| Ok(Box::new(Self)));
}

impl Acquisition for Thompson {
    fn name(&self) -> &'static str {
        "thompson"
    }

    fn utilities(&self, posteriors: &[Posterior], _: Option<f64>, rng: &mut dyn Rng) -> Vec<f64> {
        posteriors.iter().map(|p| p.sample(rng)).collect()
    }
}

/// Posterior mean: no exploration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mean;

impl Mean {
    /// "mean" in the catalogue.
    pub const ENTRY: AcquisitionEntry =
        Entry::new("mean", "Posterior mean alone: no exploration", |_| Ok(Box::new(Self)));
}

impl Acquisition for Mean {
    fn name(&self) -> &'static str {
        "mean"
    }

    fn utilities(&self, posteriors: &[Posterior], _: Option<f64>, _: &mut dyn Rng) -> Vec<f64> {
        posteriors.iter().map(Posterior::mean).collect()
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

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::Moments;
    use crate::testing::check_acquisition;

    fn one(acquisition: &dyn Acquisition, posterior: &Posterior, incumbent: f64) -> f64 {
        acquisition.utilities(
            std::slice::from_ref(posterior),
            Some(incumbent),
            &mut ChaCha8Rng::seed_from_u64(0),
        )[0]
    }

    fn close(got: f64, expected: f64) {
        assert!((got - expected).abs() < 1e-9 * expected.abs().max(1.0), "{got} for {expected}");
    }

    /// N(0.9, 0.1²) against 0.8: z = 1, EI = 0.1 (φ(1) + Φ(1)), PI = Φ(1).
    #[test]
    fn constants_by_hand_for_a_gaussian() {
        let posterior = Posterior::gaussian(0.9, 0.01).unwrap();
        close(one(&Ucb::default(), &posterior, 0.8), 0.95);
        close(one(&ExpectedImprovement::default(), &posterior, 0.8), 0.108_331_547_058_768_6);
        close(one(&LogExpectedImprovement, &posterior, 0.8), 0.108_331_547_058_768_6f64.ln());
        close(one(&ProbabilityOfImprovement, &posterior, 0.8), 0.841_344_746_068_542_9);
        close(one(&Mean, &posterior, 0.8), 0.9);
    }

    /// Spec A2, with the published moments and by quadrature.
    #[test]
    fn constants_of_the_worked_example() {
        let (mu, variance) = (2.675_518_459_7, 0.072_885_569_3);
        let published = Posterior::sigmoid_gaussian(mu, variance, Moments::Published).unwrap();
        let exact = Posterior::sigmoid_gaussian(mu, variance, Moments::Quadrature).unwrap();
        close(one(&Ucb::default(), &published, 0.938), 0.996_808_088_3);
        close(one(&Ucb::default(), &exact, 0.938), 0.942_080_716_5);
        let latent = ExpectedImprovement { unit: Improvement::Latent };
        close(one(&latent, &exact, 0.938), 0.088_400_703_3);
    }

    /// Half the chance is half the gain, ln 2 less of its logarithm; of any sign 3 - (-1) halved.
    #[test]
    fn limits_weigh_on_gains() {
        assert_eq!(constrained(Scale::Gain, vec![2.0, 1.0], &[0.25, 1.0]), [0.5, 1.0]);
        assert_eq!(constrained(Scale::LogGain, vec![0.0, 0.0], &[0.5, 0.0])[0], -std::f64::consts::LN_2);
        assert_eq!(constrained(Scale::Score, vec![3.0, -1.0], &[0.5, 0.9]), [2.0, 0.0]);
    }

    #[test]
    fn log_improvement_ranks_where_improvement_underflows() {
        let far = Posterior::gaussian(-40.0, 1.0).unwrap();
        let farther = Posterior::gaussian(-41.0, 1.0).unwrap();
        let utilities = LogExpectedImprovement.utilities(
            &[far.clone(), farther],
            Some(0.0),
            &mut ChaCha8Rng::seed_from_u64(0),
        );
        assert!(utilities[0] > utilities[1] && utilities[1].is_finite());
        assert_eq!(one(&ExpectedImprovement::default(), &far, 0.0), 0.0);
    }

    #[test]
    fn contract() {
        let latent = ExpectedImprovement { unit: Improvement::Latent };
        let all: [&dyn Acquisition; 7] = [
            &Ucb::default(),
            &ExpectedImprovement::default(),
            &latent,
            &LogExpectedImprovement,
            &ProbabilityOfImprovement,
            &Thompson,
            &Mean,
        ];
        for acquisition in all {
            check_acquisition(acquisition, 7);
        }
        assert!(Ucb::new(-1.0).is_err() && Ucb::new(f64::NAN).is_err());
    }
}
