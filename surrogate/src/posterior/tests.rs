//! Laws against worked examples, samples and each other.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::*;

fn squashed(mu: f64, s: f64) -> Posterior {
    Posterior::sigmoid_gaussian(mu, s * s, Moments::Quadrature).unwrap()
}

#[test]
fn bad_parameters_are_refused() {
    assert!(Posterior::gaussian(f64::NAN, 1.0).is_err());
    assert!(Posterior::gaussian(0.0, -1e-9).is_err());
    assert!(Posterior::sigmoid_gaussian(0.0, f64::INFINITY, Moments::Quadrature).is_err());
}

#[test]
fn moments_of_the_worked_example() {
    let (mu, variance) = (2.675_518_459_7, 0.072_885_569_3);
    let exact = Posterior::sigmoid_gaussian(mu, variance, Moments::Quadrature).unwrap();
    assert!((exact.mean() - 0.933_643_666_0).abs() < 1e-10);
    assert!((exact.variance() - 0.000_284_735_3).abs() < 1e-10);
    let published = Posterior::sigmoid_gaussian(mu, variance, Moments::Published).unwrap();
    assert!((published.mean() - 0.933_269_494_5).abs() < 1e-10);
    assert!((published.variance() - 0.016_148_611_6).abs() < 1e-10);
}

/// Spec, "Numerical warning": exact and published standard deviations at 94 % accuracy.
#[test]
fn the_published_variance_has_the_stated_defect() {
    let rows =
        [(0.02, 0.00113, 0.1259), (0.1, 0.00568, 0.1260), (0.3, 0.01774, 0.1274), (1.0, 0.08101, 0.1524)];
    let mut bounds = Vec::new();
    for (s, exact, published) in rows {
        let approximate = Posterior::sigmoid_gaussian(2.75, s * s, Moments::Published).unwrap();
        assert!((squashed(2.75, s).sd() - exact).abs() < 6e-6, "s {s}");
        assert!((approximate.sd() - published).abs() < 6e-5, "s {s}");
        bounds.push(approximate.mean() + 0.5 * approximate.sd());
    }
    assert!(bounds[0] > 1.0 && bounds.windows(2).all(|w| w[1] < w[0]), "{bounds:?}");
}

/// Spec A4: largest errors of the published moments over its grid.
#[test]
fn the_published_moments_err_as_stated() {
    let (mut mean_error, mut variance_error) = (0f64, 0f64);
    for mu in -5..=5 {
        for s in [0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0] {
            let exact = squashed(f64::from(mu), s);
            let close = Posterior::sigmoid_gaussian(f64::from(mu), s * s, Moments::Published).unwrap();
            mean_error = mean_error.max((exact.mean() - close.mean()).abs());
            variance_error = variance_error.max((exact.variance() - close.variance()).abs());
        }
    }
    assert!((mean_error - 0.01102).abs() < 1e-5, "{mean_error}");
    assert!((variance_error - 0.02703).abs() < 1e-5, "{variance_error}");
}

#[test]
fn distribution_functions_agree_with_each_other_and_with_samples() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for posterior in [squashed(1.0, 0.7), Posterior::gaussian(0.3, 4.0).unwrap()] {
        for p in [1e-6, 0.1, 0.5, 0.8, 0.999] {
            let score = posterior.quantile(p);
            assert!((posterior.cdf(score) - p).abs() < 1e-10);
            assert!((posterior.survival(score) - (1.0 - p)).abs() < 1e-10);
        }
        let draws: Vec<f64> = (0..20_000).map(|_| posterior.sample(&mut rng)).collect();
        let mean = draws.iter().sum::<f64>() / 20_000.0;
        assert!((mean - posterior.mean()).abs() < 4.0 * posterior.sd() / 20_000f64.sqrt());
        let h = 1e-5;
        let slope = (posterior.cdf(0.6 + h) - posterior.cdf(0.6 - h)) / (2.0 * h);
        assert!((slope.ln() - posterior.ln_pdf(0.6)).abs() < 1e-6);
    }
}

#[test]
fn a_point_mass_is_a_step() {
    for (mass, at) in [(Posterior::gaussian(0.7, 0.0).unwrap(), 0.7), (squashed(0.0, 0.0), 0.5)] {
        assert_eq!((mass.cdf(at - 0.1), mass.cdf(at), mass.cdf(at + 0.1)), (0.0, 1.0, 1.0));
        assert_eq!((mass.quantile(0.0), mass.quantile(0.2), mass.quantile(1.0)), (at, at, at));
        assert!((mass.ln_expected_excess(at - 0.1).exp() - 0.1).abs() < 1e-15);
        assert_eq!(mass.ln_expected_excess(at + 0.1), f64::NEG_INFINITY);
    }
}

/// `ln h(z)` with `h(z) = φ(z) + z Φ(z)`, to 60 digits by mpmath.
#[test]
fn gaussian_excess_is_right_in_every_tail() {
    let expected = [
        (2.0, 0.697_383_545_788_228_3),
        (0.0, -0.918_938_533_204_672_7),
        (-1.5, -3.529_935_920_805_71),
        (-10.0, -55.553_122_036_122_36),
        (-40.0, -808.298_568_356_62),
    ];
    for (z, ln_h) in expected {
        let got = Posterior::gaussian(z, 1.0).unwrap().ln_expected_excess(0.0);
        assert!((got - ln_h).abs() < 1e-8 * ln_h.abs(), "z {z}: {got} for {ln_h}");
    }
}

#[test]
fn squashed_excess_agrees_with_a_fine_sum() {
    for (mu, s, threshold) in
        [(2.0, 0.5, 0.9), (2.0, 0.5, 0.3), (0.0, 3.0, 0.99), (-1.0, 0.2, 0.4), (2.0, 1.0, -0.5)]
    {
        let step = 1e-4;
        let fine: f64 = (-100_000..100_000)
            .map(|i| (f64::from(i) + 0.5) * step)
            .map(|z| step * normal::pdf(z) * (sigmoid(mu + s * z) - threshold).max(0.0))
            .sum();
        let got = squashed(mu, s).ln_expected_excess(threshold).exp();
        assert!((got / fine - 1.0).abs() < 1e-6, "{mu} {s} {threshold}: {got} for {fine}");
    }
    assert!(squashed(-40.0, 0.5).ln_expected_excess(1.0).is_finite());
}

/// A warp through the scores `z³` of Gaussian ranks.
fn warped(mu: f64, s: f64) -> Posterior {
    let scores: Vec<f64> = (0..400).map(|i| normal::quantile((f64::from(i) + 0.5) / 400.0).powi(3)).collect();
    let (_, warp) = crate::posterior::warp::gaussian_ranks(&scores);
    Posterior::warped(mu, s * s, Arc::new(warp)).unwrap()
}

#[test]
fn a_warped_law_agrees_with_itself_and_with_samples() {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    for posterior in [warped(0.5, 0.3), warped(-1.0, 1.0), warped(2.5, 0.5)] {
        for p in [1e-6, 0.1, 0.5, 0.8, 0.999] {
            let score = posterior.quantile(p);
            assert!((posterior.cdf(score) - p).abs() < 1e-9);
            assert!((posterior.survival(score) - (1.0 - p)).abs() < 1e-9);
        }
        let draws: Vec<f64> = (0..40_000).map(|_| posterior.sample(&mut rng)).collect();
        let mean = draws.iter().sum::<f64>() / 40_000.0;
        assert!((mean - posterior.mean()).abs() < 0.03 * posterior.sd(), "{posterior:?}");
        for threshold in [posterior.quantile(0.3), posterior.quantile(0.9)] {
            let excess = draws.iter().map(|d| (d - threshold).max(0.0)).sum::<f64>() / 40_000.0;
            let exact = posterior.ln_expected_excess(threshold).exp();
            assert!((excess / exact - 1.0).abs() < 0.1, "{excess} {exact} {posterior:?}");
        }
        let (h, at) = (1e-6, posterior.quantile(0.37));
        let slope = (posterior.cdf(at + h) - posterior.cdf(at - h)) / (2.0 * h);
        assert!((slope.ln() - posterior.ln_pdf(at)).abs() < 1e-3);
    }
}

/// Beyond the best score the map is straight: the Gaussian's closed form times its slope.
#[test]
fn improvement_on_the_best_is_exact() {
    let posterior = warped(1.0, 0.8);
    let best = normal::quantile(399.5 / 400.0).powi(3);
    let (mean, variance) = (1.0, 0.64);
    let z = posterior.latent_of(best);
    let latent = Posterior::gaussian(mean, variance).unwrap().ln_expected_excess(z).exp();
    let slope = (posterior.quantile(1.0 - 1e-9) - best) / (0.8 * normal::quantile(1.0 - 1e-9) + 1.0 - z);
    let excess = posterior.ln_expected_excess(best).exp();
    assert!((excess / (slope * latent) - 1.0).abs() < 1e-6, "{excess}");
    assert!(posterior.ln_expected_excess(1e9).is_finite());
}

/// Of a law far above the threshold the expected excess is the distance of its mean, and finite.
#[test]
fn excess_of_a_sure_improvement_is_finite() {
    let (_, warp) = crate::posterior::warp::gaussian_ranks(&[0.1, 0.5, 0.5, 0.8, 0.9]);
    for sd in [1e-2, 1e-4, 1e-8] {
        let squashed = Posterior::sigmoid_gaussian(4.0, sd * sd, Moments::Quadrature).unwrap();
        let warped = Posterior::warped(0.5, sd * sd, std::sync::Arc::new(warp.clone())).unwrap();
        for posterior in [squashed, warped] {
            let expected = posterior.mean() - 0.2;
            let got = posterior.ln_expected_excess(0.2).exp();
            assert!((got - expected).abs() < 1e-5, "{got} for {expected} with sd {sd}");
        }
    }
}
