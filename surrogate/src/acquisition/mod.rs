//! Acquisitions: from posteriors to utilities, that is, how much a candidate is worth measuring.
//!
//! Use [`ExpectedImprovement`] unless there is a reason not to; [`Ucb`] is what BONAS published, and [`Thompson`]
//! suits batches without a joint posterior. A [`Selection`](crate::Selection) turns utilities into batches.
//!
//! ```
//! use bonas_surrogate::acquisition::{Acquisition, ExpectedImprovement};
//! use bonas_surrogate::Posterior;
//! use rand::SeedableRng;
//!
//! let posteriors = [Posterior::gaussian(0.90, 0.01)?, Posterior::gaussian(0.94, 0.01)?];
//! let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
//! let utilities = ExpectedImprovement::default().utilities(&posteriors, Some(0.93), &mut rng);
//! assert!(utilities[1] > utilities[0]);
//! # Ok::<(), bonas_surrogate::SurrogateError>(())
//! ```

use bonas_spaces::catalogue::Catalogue;
use std::fmt::Debug;

use rand::Rng;

use crate::Posterior;
use crate::entry::PartEntry;

mod batch;
mod improvement;
mod median;
mod thompson;
mod ucb;

pub use batch::{Smoothing, batch_improvement, ln_batch_improvement};
pub(crate) use improvement::ln_improvements;
pub use improvement::{ExpectedImprovement, Improvement, LogExpectedImprovement, ProbabilityOfImprovement};
pub use median::Median;
pub use thompson::Thompson;
pub use ucb::Ucb;

/// Gives each candidate a utility; the higher it is, the sooner the candidate should be measured.
///
/// [`crate::testing::check_acquisition`] tests an implementation.
pub trait Acquisition: Send + Debug {
    /// The name that configurations and reports use.
    fn name(&self) -> &str;

    /// One utility per posterior, in order; never NaN.
    ///
    /// `incumbent` is the best observed score. Without it (`None`) improvement criteria rank by posterior mean. Only
    /// random criteria draw from `rng`.
    fn utilities(&self, posteriors: &[Posterior], incumbent: Option<f64>, rng: &mut dyn Rng) -> Vec<f64>;

    /// The kind of its utilities, which decides how limits weigh on them.
    fn scale(&self) -> Scale {
        Scale::Score
    }

    /// Whether it ranks by expected improvement in the unit of the score.
    /// [`crate::selection::KrigingBeliever`] then continues it inside a batch.
    fn is_expected_improvement(&self) -> bool {
        false
    }
}

/// Every acquisition.
pub static ACQUISITIONS: Catalogue<AcquisitionEntry> = Catalogue::new(
    "acquisition",
    &[
        &ExpectedImprovement::ENTRY,
        &LogExpectedImprovement::ENTRY,
        &ProbabilityOfImprovement::ENTRY,
        &Ucb::ENTRY,
        &Thompson::ENTRY,
        &Median::ENTRY,
    ],
);

/// An acquisition in [`crate::catalogue`].
pub type AcquisitionEntry = PartEntry<dyn Acquisition, AcquisitionSettings>;

/// What the acquisitions of [`crate::catalogue`] can be built with; each reads what it needs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AcquisitionSettings {
    /// Weight of the standard deviation in an upper confidence bound.
    pub gamma: f64,
    /// Whether expected improvement is that of the true score, without the noise of a measurement.
    pub noise_free: bool,
}

impl Default for AcquisitionSettings {
    fn default() -> Self {
        Self { gamma: GAMMA, noise_free: false }
    }
}

/// Default weight of the standard deviation: that of BONAS.
pub(crate) const GAMMA: f64 = 0.5;

/// What utilities are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scale {
    /// A gain or a probability, never negative.
    Gain,
    /// The logarithm of one.
    LogGain,
    /// In the unit of the score, of any sign.
    #[default]
    Score,
}

/// Utilities of candidates that keep all limits with these probabilities: each gain times its
/// probability (Gardner et al., "Bayesian optimization with inequality constraints", ICML 2014); to the logarithm of
/// a gain that of the probability is added.
///
/// Utilities of any sign cannot be weighed. There candidates that keep all limits with a probability of at least ½ have
/// their utility, and all others come after them, in the order of that probability.
///
/// The order of two candidates does not depend on any other.
pub fn constrained(scale: Scale, mut utilities: Vec<f64>, feasibility: &[f64]) -> Vec<f64> {
    for (utility, p) in utilities.iter_mut().zip(feasibility) {
        *utility = match scale {
            Scale::Gain => *utility * p,
            Scale::LogGain => *utility + p.ln(),
            Scale::Score if *p >= 0.5 => *utility,
            Scale::Score => f64::MIN * (1.0 - p),
        };
    }
    utilities
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::posterior::Moments;
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
        close(one(&LogExpectedImprovement::default(), &posterior, 0.8), 0.108_331_547_058_768_6f64.ln());
        close(one(&ProbabilityOfImprovement, &posterior, 0.8), 0.841_344_746_068_542_9);
        close(one(&Median, &posterior, 0.8), 0.9);
    }

    /// Spec A2, with the published moments and by quadrature.
    #[test]
    fn constants_of_the_worked_example() {
        let (mu, variance) = (2.675_518_459_7, 0.072_885_569_3);
        let published = Posterior::sigmoid_gaussian(mu, variance, Moments::Published).unwrap();
        let exact = Posterior::sigmoid_gaussian(mu, variance, Moments::Quadrature).unwrap();
        close(one(&Ucb::default(), &published, 0.938), 0.996_808_088_3);
        close(one(&Ucb::default(), &exact, 0.938), 0.943_240_866_9);
        let latent = ExpectedImprovement { unit: Improvement::Latent, ..Default::default() };
        close(one(&latent, &exact, 0.938), 0.088_400_703_3);
    }

    /// Half the chance is half the gain, ln 2 less of its logarithm; of any sign 3 - (-1) halved.
    #[test]
    fn limits_weigh_on_gains() {
        assert_eq!(constrained(Scale::Gain, vec![2.0, 1.0], &[0.25, 1.0]), [0.5, 1.0]);
        assert_eq!(constrained(Scale::LogGain, vec![0.0, 0.0], &[0.5, 0.0])[0], -std::f64::consts::LN_2);
        let weighed = constrained(Scale::Score, vec![3.0, -1.0, 9.0, 8.0], &[0.5, 0.9, 0.1, 0.2]);
        assert_eq!(weighed[..2], [3.0, -1.0]);
        assert!(weighed[2] < weighed[3] && weighed[3] < -1e300 && weighed[2].is_finite());
    }

    #[test]
    fn log_improvement_ranks_where_improvement_underflows() {
        let far = Posterior::gaussian(-40.0, 1.0).unwrap();
        let farther = Posterior::gaussian(-41.0, 1.0).unwrap();
        let utilities = LogExpectedImprovement::default().utilities(
            &[far.clone(), farther],
            Some(0.0),
            &mut ChaCha8Rng::seed_from_u64(0),
        );
        assert!(utilities[0] > utilities[1] && utilities[1].is_finite());
        assert_eq!(one(&ExpectedImprovement::default(), &far, 0.0), 0.0);
    }

    #[test]
    fn contract_in_the_latent_unit() {
        check_acquisition(&ExpectedImprovement { unit: Improvement::Latent, ..Default::default() }, 7);
    }

    #[test]
    fn a_bad_weight_is_refused() {
        assert!(Ucb::new(-1.0).is_err() && Ucb::new(f64::NAN).is_err());
    }
}
