//! The contract of acquisitions.

use std::sync::Arc;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::must;
use crate::acquisition::{Scale, constrained};
use crate::posterior::Moments;
use crate::{Acquisition, Posterior};

/// Checks an acquisition.
///
/// Rules: there is one utility per posterior, in order and never NaN, with and without an incumbent, for all
/// laws and for point masses. Equal generators give equal utilities. Of two almost certain
/// candidates the better is not worth less, and without an incumbent it is worth more or as much. A gain on an incumbent is
/// not negative. A candidate's utility does not depend on those after it, so that no candidate changes the order of two
/// others, with limits ([`constrained`]) as without. As the noise of a measurement vanishes, utilities become those
/// without noise.
///
/// # Panics
/// Naming the rule that is broken.
pub fn check_acquisition(acquisition: &dyn Acquisition, seed: u64) {
    let name = acquisition.name();
    let posteriors = mock_posteriors();
    for incumbent in [None, Some(0.0), Some(0.7), Some(1.0)] {
        let run = || acquisition.utilities(&posteriors, incumbent, &mut ChaCha8Rng::seed_from_u64(seed));
        let utilities = run();
        assert_eq!(utilities.len(), posteriors.len(), "{name}: one utility a posterior");
        assert!(!utilities.iter().any(|u| u.is_nan()), "{name}: NaN with incumbent {incumbent:?}");
        assert_eq!(utilities, run(), "{name}: equal seeds differ");
        let gains = acquisition.scale() != Scale::Gain || incumbent.is_none();
        assert!(gains || utilities.iter().all(|u| *u >= 0.0), "{name}: a gain is negative");
        let weighed = constrained(acquisition.scale(), utilities, &vec![0.0; posteriors.len()]);
        assert!(!weighed.iter().any(|u| u.is_nan()), "{name}: NaN for what is never feasible");
    }
    let sure = [0.2, 0.5, 0.8].map(|mean| must(Posterior::gaussian(mean, 1e-12), "posterior"));
    for incumbent in [None, Some(0.4)] {
        let u = acquisition.utilities(&sure, incumbent, &mut ChaCha8Rng::seed_from_u64(seed));
        assert!(u[0] <= u[1] && u[1] <= u[2], "{name}: prefers a worse candidate: {u:?}");
    }
    assert!(acquisition.utilities(&[], None, &mut ChaCha8Rng::seed_from_u64(seed)).is_empty());
    check_independence(acquisition, &posteriors, seed);
    check_noise_limit(acquisition, &posteriors, seed);
}

/// Checks that candidates do not bear on the utilities of those before them.
fn check_independence(acquisition: &dyn Acquisition, posteriors: &[Posterior], seed: u64) {
    let name = acquisition.name();
    let feasibility: Vec<f64> = (0..posteriors.len()).map(|i| ((i * 7 + 3) % 10) as f64 / 10.0).collect();
    for incumbent in [None, Some(0.7)] {
        let of = |count: usize| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let utilities = acquisition.utilities(&posteriors[..count], incumbent, &mut rng);
            (constrained(acquisition.scale(), utilities.clone(), &feasibility[..count]), utilities)
        };
        let (constrained, utilities) = of(posteriors.len());
        for count in [1, 2, 5, 9] {
            let alone = of(count);
            assert_eq!(alone.1, utilities[..count], "{name}: a utility depends on later candidates");
            assert_eq!(
                alone.0,
                constrained[..count],
                "{name}: with limits a utility depends on later candidates"
            );
        }
    }
}

/// Checks utilities of scores that are measured almost without noise.
fn check_noise_limit(acquisition: &dyn Acquisition, posteriors: &[Posterior], seed: u64) {
    let name = acquisition.name();
    let with_noise = |share: f64| -> Vec<Posterior> {
        let noisy = |p: &Posterior| {
            let (_, sd) = p.latent();
            must(p.clone().with_noise(share * sd * sd * (1.0 - 1e-12)), "noise")
        };
        posteriors.iter().map(noisy).collect()
    };
    for incumbent in [None, Some(0.7)] {
        let of =
            |all: &[Posterior]| acquisition.utilities(all, incumbent, &mut ChaCha8Rng::seed_from_u64(seed));
        for (noisy, free) in of(&with_noise(1e-10)).into_iter().zip(of(posteriors)) {
            let near = noisy.total_cmp(&free).is_eq() || (noisy - free).abs() <= 1e-6 * free.abs().max(1.0);
            assert!(near, "{name}: {noisy} almost without noise, {free} without");
        }
        // Nothing but noise is known of these: a point mass is left of the true score.
        let utilities = of(&with_noise(1.0));
        assert!(!utilities.iter().any(|u| u.is_nan()), "{name}: NaN for a score that is all noise");
    }
}

fn mock_posteriors() -> Vec<Posterior> {
    let mut posteriors = Vec::new();
    for location in [-3.0, 0.0, 0.7, 4.0] {
        for variance in [0.0, 1e-8, 0.1, 25.0] {
            posteriors.push(must(Posterior::gaussian(location, variance), "posterior"));
            for moments in [Moments::Quadrature, Moments::Published] {
                posteriors.push(must(Posterior::sigmoid_gaussian(location, variance, moments), "posterior"));
            }
            let (_, warp) = crate::posterior::warp::gaussian_ranks(&[0.1, 0.5, 0.5, 0.8, 0.9]);
            posteriors.push(must(Posterior::warped(location, variance, Arc::new(warp)), "posterior"));
        }
    }
    posteriors
}
