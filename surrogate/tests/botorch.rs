//! Acquisition values equal `BoTorch`'s on the same posteriors and base samples, within 1e-6. `botorch/record.py` wrote
//! `botorch/values.json`, which says by which version.

#![allow(clippy::unwrap_used)]

use bonas_surrogate::acquisition::{
    Acquisition, ExpectedImprovement, LogExpectedImprovement, Smoothing, batch_improvement,
    ln_batch_improvement,
};
use bonas_surrogate::pareto::{Front, NoisyImprovement, Point, reference};
use bonas_surrogate::posterior::{Joint, Posterior};
use ndarray::Array2;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

fn values(name: &str) -> Vec<Value> {
    let record: Value = serde_json::from_str(include_str!("botorch/values.json")).unwrap();
    assert!(record["botorch"].as_str().unwrap().starts_with("0."), "the version that was recorded");
    record[name].as_array().unwrap().clone()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

fn list(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(number).collect()
}

fn matrix(value: &Value) -> Array2<f64> {
    let rows: Vec<Vec<f64>> = value.as_array().unwrap().iter().map(list).collect();
    Array2::from_shape_fn((rows.len(), rows[0].len()), |(i, j)| rows[i][j])
}

fn joint(mean: &Value, covariance: &Value) -> Joint {
    Joint::gaussian(list(mean).into(), matrix(covariance)).unwrap()
}

/// Equal within 1e-6, relative for values above 1.
#[track_caller]
fn equal(ours: f64, theirs: f64) {
    assert!((ours - theirs).abs() < 1e-6 * theirs.abs().max(1.0), "{ours}, BoTorch {theirs}");
}

#[test]
fn expected_improvement_and_its_logarithm() {
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    for case in values("improvement") {
        let posterior = [Posterior::gaussian(number(&case["mean"]), number(&case["variance"])).unwrap()];
        let best = Some(number(&case["best"]));
        equal(ExpectedImprovement::default().utilities(&posterior, best, &mut rng)[0], number(&case["ei"]));
        let ln = LogExpectedImprovement::default().utilities(&posterior, best, &mut rng)[0];
        equal(ln, number(&case["log_ei"]));
    }
}

#[test]
fn expected_improvement_of_a_batch_and_its_smooth_logarithm() {
    let cases = values("batch_improvement");
    assert_eq!(cases.len(), 24);
    for case in cases {
        let draws = joint(&case["mean"], &case["covariance"]).draws_of(&matrix(&case["base"]));
        let best = number(&case["best"]);
        let smoothing = Smoothing {
            max: number(&case["tau_max"]),
            relu: number(&case["tau_relu"]),
            fat: case["fat"].as_bool().unwrap(),
        };
        equal(batch_improvement(draws.view(), best), number(&case["q_ei"]));
        equal(ln_batch_improvement(draws.view(), best, &smoothing), number(&case["q_log_ei"]));
    }
}

fn point<const M: usize>(value: &Value) -> Point<M> {
    list(value).try_into().unwrap()
}

fn expected_hypervolume_improvement<const M: usize>(case: &Value) {
    let rows = matrix(&case["points"]);
    let points: Vec<Point<M>> = rows.rows().into_iter().map(|row| std::array::from_fn(|k| row[k])).collect();
    let front = Front::of(&points, point(&case["reference"]));
    equal(front.hypervolume(), number(&case["hypervolume"]));
    let (mean, variance) = (list(&case["mean"]), list(&case["variance"]));
    let laws: [Posterior; M] = std::array::from_fn(|k| Posterior::gaussian(mean[k], variance[k]).unwrap());
    equal(front.expected_improvement(laws.each_ref()), number(&case["ehvi"]));
    // Of one point BoTorch takes a tenth of its size, which we do only where nothing else is known.
    if points.len() > 1 && bonas_surrogate::pareto::front(&points).len() > 1 {
        let theirs: Point<M> = point(&case["inferred_reference"]);
        reference(&points).into_iter().zip(theirs).for_each(|(ours, theirs)| equal(ours, theirs));
    }
}

#[test]
fn exact_expected_hypervolume_improvement_of_two_to_four_objectives() {
    let cases = values("hypervolume_improvement");
    for case in &cases {
        match list(&case["mean"]).len() {
            2 => expected_hypervolume_improvement::<2>(case),
            3 => expected_hypervolume_improvement::<3>(case),
            _ => expected_hypervolume_improvement::<4>(case),
        }
    }
    assert_eq!(cases.len(), 9);
}

fn noisy_hypervolume_improvement<const M: usize>(case: &Value) {
    let draws: [Array2<f64>; M] = std::array::from_fn(|k| {
        joint(&case["mean"][k], &case["covariance"][k]).draws_of(&matrix(&case["base"][k]))
    });
    let observed = usize::try_from(case["observed"].as_u64().unwrap()).unwrap();
    let candidates: Vec<usize> = (0..draws[0].ncols() - observed).collect();
    let noisy = NoisyImprovement::new(&draws, observed, point(&case["reference"])).unwrap();
    equal(noisy.of(&candidates), number(&case["nehvi"]));
}

#[test]
fn noisy_expected_hypervolume_improvement_of_batches() {
    let cases = values("noisy_improvement");
    for case in &cases {
        match case["mean"].as_array().unwrap().len() {
            2 => noisy_hypervolume_improvement::<2>(case),
            3 => noisy_hypervolume_improvement::<3>(case),
            _ => noisy_hypervolume_improvement::<4>(case),
        }
    }
    assert_eq!(cases.len(), 5);
}
