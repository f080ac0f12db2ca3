use linfa::traits::{Fit, Predict};
use linfa::{Dataset, ParamGuard};
use ndarray::{Array1, Array2, array};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

fn fit(params: BsrParams, x: Array2<f64>, y: Array1<f64>) -> Result<Bsr, SurrogateError> {
    params.fit(&Dataset::new(x, y))
}

fn close(got: f64, expected: f64, tolerance: f64) {
    assert!((got - expected).abs() <= tolerance * expected.abs(), "{got} for {expected}");
}

/// Spec A2.
fn example() -> (Array2<f64>, Array1<f64>) {
    let x = array![[0.5, 1.0], [1.0, 0.2], [0.3, 0.9], [1.2, 0.4], [0.8, 0.8], [0.1, 1.1]];
    (x, array![0.93, 0.90, 0.925, 0.915, 0.938, 0.91])
}

#[test]
fn the_published_fixed_point_gives_the_worked_figures() {
    let (x, y) = example();
    let model = fit(Bsr::published(), x, y).unwrap();
    assert_eq!(model.iterations(), 4);
    close(model.alpha(), 0.323_049_527_2, 1e-9);
    close(model.beta(), 16.634_849_44, 1e-9);
    close(model.effective_parameters(), 1.983_337_788, 1e-9);
    close(model.weights()[0], 1.493_018_98, 1e-8);
    close(model.weights()[1], 1.977_452_30, 1e-8);
    let covariance = model.covariance();
    close(covariance[[0, 0]], 0.027_302_297_4, 1e-8);
    close(covariance[[0, 1]], -0.015_482_999_4, 1e-8);
    close(covariance[[1, 1]], 0.024_276_074_8, 1e-8);
    let (mu, variance) = model.logits(&array![[0.6, 0.9]]).unwrap();
    close(mu[0], 2.675_518_459_7, 1e-10);
    close(variance[0], 0.072_885_569_3, 1e-8);
    let posterior = &model.posteriors(&array![[0.6, 0.9]]).unwrap()[0];
    close(posterior.mean() + 0.5 * posterior.sd(), 0.996_808_088_3, 1e-9);
}

#[test]
fn prediction_does_not_depend_on_the_side_that_is_decomposed() {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let x = Array2::from_shape_fn((5, 9), |_| rng.random_range(-1.0..1.0));
    let y = Array1::from_shape_fn(5, |_| rng.random_range(0.8..0.95));
    let wide = fit(Bsr::params().scaling(Scaling::Raw), x.clone(), y.clone()).unwrap();
    let (alpha, beta) = (wide.alpha(), wide.beta());
    let precision = x.t().dot(&x) * beta + Array2::<f64>::from_diag_elem(9, alpha);
    let identity = precision.dot(&wide.covariance());
    assert!((&identity - &Array2::<f64>::eye(9)).iter().all(|e| e.abs() < 1e-9));
    let expected = wide.covariance().dot(&x.t()).dot(&y.mapv(logit)) * beta;
    assert!((&expected - wide.weights()).iter().all(|e| e.abs() < 1e-9));
    let phi = Array2::from_shape_fn((1, 9), |_| rng.random_range(-1.0..1.0));
    let (_, variance) = wide.logits(&phi).unwrap();
    let direct = 1.0 / beta + phi.dot(&wide.covariance()).dot(&phi.t())[[0, 0]];
    close(variance[0], direct, 1e-9);
}

#[test]
fn maximised_evidence_recovers_a_linear_law_and_is_calibrated() {
    let mut rng = ChaCha8Rng::seed_from_u64(6);
    let weights = Array1::from_shape_fn(8, |_| rng.random_range(-0.5..0.5));
    let mut draw = |n: usize| {
        let x = Array2::from_shape_fn((n, 8), |_| rng.random_range(-1.0..1.0));
        let noise = Array1::from_shape_fn(n, |_| {
            0.1 * (rng.random::<f64>() + rng.random::<f64>() + rng.random::<f64>() - 1.5) * 2.0
        });
        let y = (x.dot(&weights) + noise + 2.0).mapv(crate::posterior::normal::sigmoid);
        (x, y)
    };
    let ((x, y), (new, truth)) = (draw(80), draw(400));
    let model = fit(Bsr::params(), x, y).unwrap();
    let posteriors = model.posteriors(&new).unwrap();
    let means: Array1<f64> = model.predict(&new);
    let tau = crate::metrics::kendall_tau_b(means.as_slice().unwrap(), truth.as_slice().unwrap()).unwrap();
    assert!(tau > 0.7, "tau {tau}");
    let coverage = crate::metrics::coverage(&posteriors, truth.as_slice().unwrap(), 0.8).unwrap();
    assert!((coverage - 0.8).abs() < 0.07, "coverage of 80 % intervals is {coverage}");
}

#[test]
fn equal_targets_and_one_observation_stay_sane() {
    let x = Array2::from_shape_fn((20, 64), |(i, j)| ((i * 7 + j * 3) % 11) as f64);
    for n in [1, 2, 20] {
        let rows = x.slice(ndarray::s![..n, ..]).to_owned();
        let model = fit(Bsr::params(), rows, Array1::from_elem(n, 0.9)).unwrap();
        for posterior in model.posteriors(&x).unwrap() {
            assert!((posterior.quantile(0.5) - 0.9).abs() < 1e-9);
            assert!(posterior.sd() > 1e-4 && posterior.sd() < 0.2, "n {n}: sd {}", posterior.sd());
        }
    }
}

#[test]
fn bad_data_and_settings_are_named() {
    let message = |result: Result<Bsr, SurrogateError>| result.unwrap_err().to_string();
    let x = array![[1.0], [2.0]];
    assert!(message(fit(Bsr::params(), x.clone(), array![0.5, 93.0])).contains("93"));
    assert!(message(fit(Bsr::params(), x.clone(), array![0.5, f64::NAN])).contains("NaN"));
    assert!(
        message(fit(Bsr::params(), array![[1.0], [f64::INFINITY]], array![0.5, 0.5]))
            .contains("observation 1")
    );
    assert!(message(fit(Bsr::params(), Array2::zeros((0, 1)), Array1::zeros(0))).contains("at least one"));
    assert!(message(fit(Bsr::params().clip(0.7), x.clone(), array![0.5, 0.5])).contains("clip = 0.7"));
    let endless = Evidence::FixedPoint { start: -1.0, max_iterations: 5, tolerance: 0.1 };
    assert!(Bsr::params().evidence(endless).check().is_err());
    let model = fit(Bsr::params(), x, array![0.5, 0.6]).unwrap();
    assert!(model.posteriors(&array![[1.0, 2.0]]).is_err());
    assert!(model.posteriors(&array![[f64::NAN]]).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Any data, wide or tall, with duplicates, constant columns and scores of 0 and 1.
    #[test]
    fn posteriors_are_always_finite(
        n in 1usize..12,
        d in 1usize..80,
        seed in 0u64..1000,
        scaling in prop::sample::select(vec![Scaling::Raw, Scaling::Bias, Scaling::Standardised]),
        published in any::<bool>(),
    ) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let x = Array2::from_shape_fn((n, d), |_| f64::from(rng.random_range(0..3)));
        let y = Array1::from_shape_fn(n, |_| [0.0, 0.9, 0.95, 1.0][rng.random_range(0..4)]);
        let params = if published { Bsr::published() } else { Bsr::params() }.scaling(scaling);
        let model = fit(params, x.clone(), y).unwrap();
        for posterior in model.posteriors(&x).unwrap() {
            prop_assert!(posterior.mean().is_finite() && posterior.sd().is_finite());
        }
        prop_assert!(model.log_evidence().is_finite());
    }
}
