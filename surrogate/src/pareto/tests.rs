//! Fronts, hypervolumes and improvements against hand-worked values, grids of cubes and draws.

use ndarray::{Array1, Array2, Axis, array};
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::believers::excess;
use super::*;
use crate::Posterior;
use crate::posterior::Joint;
use crate::selection::JointOf;

/// Three steps: 3·1 + 2·1 + 1·2, and a dominated point, a copy, one below the reference.
#[test]
fn hypervolume_by_hand() {
    let points = [[1.0, 4.0], [3.0, 1.0], [2.0, 2.0], [1.5, 1.5], [2.0, 2.0], [9.0, -1.0]];
    let front = Front::of(&points, [0.0, 0.0]);
    assert_eq!(front.points(), [[3.0, 1.0], [2.0, 2.0], [1.0, 4.0]]);
    assert_eq!(front.hypervolume(), 7.0);
    assert_eq!(Front::of(&points, [1.0, 1.0]).hypervolume(), 1.0);
    assert_eq!(Front::of(&[], [0.0, 0.0]).hypervolume(), 0.0);
    // (2.5, 3) adds the square (2, 2.5) x (0, 2) above 1, and (1, 2) x (2, 3).
    assert_eq!(front.improvement([2.5, 3.0]), 0.5 * 2.0 + 1.0);
    assert_eq!((front.improvement([2.0, 2.0]), front.improvement([-1.0, 9.0])), (0.0, 0.0));
}

/// The ends of a front are above its reference, and what goes beyond an end is an improvement.
#[test]
fn the_ends_of_a_front_count() {
    let points = [[4.0, 0.0], [2.0, 1.0], [0.0, 2.0]];
    let front = Front::of(&points, reference(&points));
    assert_eq!(front.points(), points);
    // (5, 0) adds 1 to the right of (4, 0), as high as the reference is low: 0.2.
    assert!((front.improvement([5.0, 0.0]) - 0.2).abs() < 1e-12);
    // A tenth of the front's range, of that of all points where the front is one point, of the value where all are equal.
    assert_eq!(reference(&[[4.0, 0.0], [0.0, 2.0], [-50.0, -50.0]]), [-0.4, -0.2]);
    assert_eq!(reference(&[[4.0, 2.0], [-6.0, -8.0]]), [3.0, 1.0]);
    assert_eq!(reference(&[[1.0, 0.0], [1.0, 0.0]]), [0.9, -0.1]);
    assert_eq!(reference::<3>(&[]), [f64::INFINITY; 3]);
}

/// A standard normal each, `E(t) = E max(z - t, 0)`: with nothing found `E(0)²`, with (1, 1) found
/// `E(1) E(0) + (E(0) - E(1)) E(1)`.
#[test]
fn expected_improvement_by_hand() {
    let z = Posterior::gaussian(0.0, 1.0).unwrap();
    let (zero, one) = (0.398_942_280_401_432_7, 0.083_315_470_587_686_29);
    let empty = Front::of(&[], [0.0, 0.0]);
    assert!((empty.expected_improvement([&z, &z]) - zero * zero).abs() < 1e-12);
    let found = empty.with([1.0, 1.0]);
    let expected = one * zero + (zero - one) * one;
    assert!((found.expected_improvement([&z, &z]) - expected).abs() < 1e-9);
}

#[test]
fn expected_improvement_agrees_with_draws() {
    let front = Front::of(&[[0.5, 0.1], [0.3, 0.4], [0.1, 0.6]], [0.0, 0.0]);
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let squashed = Posterior::sigmoid_gaussian(-0.5, 1.0, crate::posterior::Moments::Quadrature).unwrap();
    for (first, second) in [
        (Posterior::gaussian(0.4, 0.04).unwrap(), Posterior::gaussian(0.3, 0.09).unwrap()),
        (squashed.clone(), Posterior::gaussian(0.5, 0.01).unwrap()),
        (squashed.clone(), squashed),
    ] {
        let draws = 40_000;
        let drawn = (0..draws).map(|_| front.improvement([first.sample(&mut rng), second.sample(&mut rng)]));
        let mean = drawn.sum::<f64>() / f64::from(draws);
        let exact = front.expected_improvement([&first, &second]);
        assert!((mean - exact).abs() < 0.03 * exact, "{mean} for {exact}");
    }
}

/// The quick form is that of a Gaussian posterior; a point mass exceeds by its distance.
#[test]
fn excess_agrees_with_the_posterior() {
    for threshold in [-30.0, -3.0, 0.0, 0.5, 4.0, 7.9] {
        let exact = Posterior::gaussian(0.5, 1.5).unwrap().ln_expected_excess(threshold).exp();
        assert!((excess((0.5, 1.5), threshold) - exact).abs() < 1e-9 * exact.max(1.0), "{threshold}");
    }
    assert_eq!([0.2, 0.5, 0.9].map(|t| excess((0.5, 0.0), t)), [0.3, 0.0, 0.0]);
}

fn alone(posteriors: &[Posterior]) -> Objective<'_> {
    Objective { posteriors, joint: None, noise_free: false }
}

/// A copy of the best adds nothing once that is believed; what is never feasible comes last.
#[test]
fn believers_spread_over_the_front() {
    let sure = |means: [f64; 4]| means.map(|mean| Posterior::gaussian(mean, 1e-12).unwrap());
    let (first, second) = (sure([0.9, 0.9, 0.2, 0.95]), sure([0.5, 0.5, 0.6, 0.95]));
    let empty = Front::of(&[], [0.0, 0.0]);
    let choose = |second: &[Posterior], weights: &[f64]| {
        believers(&empty, &[alone(&first), alone(second)], weights, 4)
    };
    assert_eq!(choose(&second, &[1.0, 1.0, 1.0, 0.0]).unwrap(), [0, 2, 1, 3]);
    assert!(choose(&second[1..], &[1.0; 4]).is_err());
}

/// Nothing comes near the reference: what is nearest to it is chosen, wherever it stands in the list.
#[test]
fn an_unreachable_reference_leaves_an_order() {
    let sure = |means: [f64; 4]| means.map(|mean| Posterior::gaussian(mean, 1e-4).unwrap());
    let (first, second) = (sure([0.1, 0.2, 0.8, 0.5]), sure([0.1, 0.3, 0.8, 0.4]));
    let unreachable = Front::of(&[], [9.0, 9.0]);
    let chosen = believers(&unreachable, &[alone(&first), alone(&second)], &[1.0; 4], 2).unwrap();
    assert_eq!(chosen, [2, 3]);
}

/// Candidates 0 and 1 are one in both scores and unsure, 2 is independent and worth a little less. Without the joint
/// posterior the copy goes second; with it nothing is left to learn of it.
#[test]
fn a_belief_changes_posteriors_of_what_goes_along() {
    let law = |mean| Posterior::gaussian(mean, 1.0).unwrap();
    let posteriors = [law(0.0), law(0.0), law(-0.2)];
    let covariance = array![[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    let joint = |indices: &[usize]| {
        let part = covariance.select(Axis(0), indices).select(Axis(1), indices);
        Joint::gaussian(Array1::zeros(indices.len()), part).map(Some)
    };
    let empty = Front::of(&[], [0.0, 0.0]);
    let choose = |joint: Option<&JointOf<'_>>| {
        let objective = Objective { posteriors: &posteriors, joint, noise_free: false };
        believers(&empty, &[objective; 2], &[1.0; 3], 2).unwrap()
    };
    assert_eq!(choose(None), [0, 1]);
    assert_eq!(choose(Some(&joint)), [0, 2]);
}

/// Two candidates of equal means: one whose variance is noise, one that may truly be better.
#[test]
fn noise_is_no_gain() {
    let law = |noise| Posterior::gaussian(0.0, 1.0).and_then(|p| p.with_noise(noise)).unwrap();
    let posteriors = [law(0.9), law(0.1)];
    let choose = |noise_free| {
        let objective = Objective { posteriors: &posteriors, joint: None, noise_free };
        believers(&Front::of(&[], [0.0, 0.0]), &[objective; 2], &[1.0; 2], 1).unwrap()
    };
    assert_eq!((choose(false), choose(true)), (vec![0], vec![1]));
}

/// Losses 0.5 and 0.2 at weight 0.4: 0.2 and 0.12.
#[test]
fn tchebycheff_by_hand() {
    assert!((tchebycheff(0.4, [0.5, 0.8]) + 0.2 + 0.05 * 0.32).abs() < 1e-15);
    assert_eq!(tchebycheff(0.7, [1.0, 1.0]), 0.0);
}

/// Cubes by hand: (2, 1, 1) and (1, 2, 2) cover 2 + 4 - 1, and (1, 1, 3) one more; (2, 2, 2) adds the cubes from (1, 0, 1)
/// to (2, 2, 2) and from (1, 1, 0) to (2, 2, 1).
#[test]
fn three_objectives_by_hand() {
    let points = [[2.0, 1.0, 1.0], [1.0, 2.0, 2.0], [1.0, 1.0, 3.0], [1.0, 1.0, 2.0]];
    let front = Front::of(&points, [0.0; 3]);
    assert_eq!(front.points(), [[2.0, 1.0, 1.0], [1.0, 2.0, 2.0], [1.0, 1.0, 3.0]]);
    assert_eq!(front.hypervolume(), 6.0);
    assert_eq!(front.improvement([2.0, 2.0, 2.0]), 2.0 + 1.0);
    assert_eq!(Front::of(&[], [0.0; 4]).improvement([1.0, 2.0, 3.0, 4.0]), 24.0);
    assert_eq!(Front::of(&[[1.0; 4]], [0.0; 4]).improvement([2.0; 4]), 15.0);
}

/// `2n + 1` boxes in three objectives.
#[test]
fn boxes_are_few() {
    let points: Vec<Point<3>> =
        (0..20).map(|i| [f64::from(i), f64::from((i * 7) % 20), f64::from(20 - i)]).collect();
    let front: Vec<Point<3>> = front(&points).into_iter().map(|i| points[i]).collect();
    assert_eq!(front.len(), 20);
    assert_eq!(boxes::Boxes::of(&front, [-1.0; 3]).len(), 2 * 20 + 1);
}

/// `E(t) = E max(z - t, 0)` of a standard normal: with (1, 1, 1) found, what all three reach beyond (0, 0, 0) less what
/// lies below (1, 1, 1), `E(0)³ - (E(0) - E(1))³`.
#[test]
fn expected_improvement_of_three_objectives_by_hand() {
    let z = Posterior::gaussian(0.0, 1.0).unwrap();
    let (zero, one) = (0.398_942_280_401_432_7_f64, 0.083_315_470_587_686_29_f64);
    let front = Front::of(&[[1.0; 3]], [0.0; 3]);
    let expected = zero.powi(3) - (zero - one).powi(3);
    assert!((front.expected_improvement([&z; 3]) - expected).abs() < 1e-9);
}

/// Draws without uncertainty are the front itself.
#[test]
fn noisy_improvement_of_certain_scores_is_exact() {
    let measured = [[1.0, 4.0], [3.0, 1.0], [2.0, 2.0]];
    let candidates = [[2.5, 3.0], [2.0, 2.0], [4.0, 0.5]];
    let of = |k: usize| {
        Array2::from_shape_fn((5, 6), |(_, i)| if i < 3 { measured[i][k] } else { candidates[i - 3][k] })
    };
    let noisy = NoisyImprovement::new(&[of(0), of(1)], 3, [0.0, 0.0]).unwrap();
    let front = Front::of(&measured, [0.0, 0.0]);
    for (i, candidate) in candidates.iter().enumerate() {
        assert!((noisy.of(&[i]) - front.improvement(*candidate)).abs() < 1e-12);
    }
    let both = front.clone().with(candidates[0]).with(candidates[2]).hypervolume() - front.hypervolume();
    assert!((noisy.of(&[0, 2]) - both).abs() < 1e-12);
    assert_eq!(noisy.clone().choose(&[1.0; 3], 3).unwrap(), [0, 2, 1]);
    assert_eq!(noisy.clone().choose(&[0.0, 1.0, 1.0], 1).unwrap(), [2]);
    assert!(noisy.choose(&[1.0; 2], 1).is_err());
    assert!(NoisyImprovement::new(&[of(0), Array2::zeros((4, 6))], 3, [0.0, 0.0]).is_err());
}

fn dominates<const M: usize>(a: Point<M>, b: Point<M>) -> bool {
    a.iter().zip(&b).all(|(a, b)| a >= b) && a != b
}

/// Checks fronts and volumes against unit cubes of a grid; coordinates are small integers, so that ties occur.
fn agrees_with_a_grid<const M: usize>(points: &[Point<M>], extra: Point<M>) {
    const SIDE: usize = 5;
    let kept = front(points);
    for (i, &p) in points.iter().enumerate() {
        let beaten = points.iter().any(|&q| dominates(q, p));
        let first = points.iter().position(|&q| q == p) == Some(i);
        assert_eq!(kept.contains(&i), !beaten && first);
    }
    let covered = |points: &[Point<M>]| {
        let cube = |n: usize| -> Point<M> { std::array::from_fn(|k| (n / SIDE.pow(k as u32) % SIDE) as f64) };
        let cubes = (0..SIDE.pow(M as u32)).map(cube);
        let is_covered = |c: &Point<M>| points.iter().any(|p| p.iter().zip(c).all(|(p, c)| p >= c));
        cubes.filter(is_covered).count() as f64
    };
    let whole = Front::of(points, [-1.0; M]);
    assert_eq!(whole.hypervolume(), covered(points));
    let more = [points, &[extra]].concat();
    assert_eq!(whole.improvement(extra), covered(&more) - covered(points));
    assert_eq!(whole.clone().with(extra).hypervolume(), covered(&more));
}

fn grid<const M: usize>() -> impl Strategy<Value = (Vec<Point<M>>, Point<M>)> {
    let point = || prop::array::uniform(0..5).prop_map(|p: [i32; M]| p.map(f64::from));
    (prop::collection::vec(point(), 0..12), point())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn three_objectives_agree_with_a_grid((points, extra) in grid::<3>()) {
        agrees_with_a_grid(&points, extra);
    }

    #[test]
    fn four_objectives_agree_with_a_grid((points, extra) in grid::<4>()) {
        agrees_with_a_grid(&points, extra);
    }

    /// A third score that is the same everywhere makes strips of boxes.
    #[test]
    fn boxes_agree_with_strips((points, extra) in grid::<2>()) {
        let strips = Front::of(&points, [-1.0; 2]);
        let lifted: Vec<Point<3>> = points.iter().map(|p| [p[0], p[1], 0.0]).collect();
        let boxes = Front::of(&lifted, [-1.0; 3]);
        let laws = extra.map(|mean| Posterior::gaussian(mean, 1.3).unwrap());
        let third = Posterior::gaussian(0.0, 0.0).unwrap();
        let (two, three) = (
            strips.expected_improvement([&laws[0], &laws[1]]),
            boxes.expected_improvement([&laws[0], &laws[1], &third]),
        );
        prop_assert!((two - three).abs() < 1e-9 * two.max(1e-3), "{} {}", two, three);
    }

    /// Small integers, so that ties and copies occur.
    #[test]
    fn a_front_is_what_nothing_dominates(points in prop::collection::vec((0..8, 0..8), 0..30), extra in (0..8, 0..8)) {
        let points: Vec<Point> = points.iter().map(|&(a, b)| [f64::from(a), f64::from(b)]).collect();
        let kept = front(&points);
        for (i, &p) in points.iter().enumerate() {
            let beaten = points.iter().any(|&q| dominates(q, p));
            let first = points.iter().position(|&q| q == p) == Some(i);
            prop_assert_eq!(kept.contains(&i), !beaten && first);
        }
        let whole = Front::of(&points, [-1.0, -1.0]);
        let unit_squares = (0..8).flat_map(|x| (0..8).map(move |y| [f64::from(x), f64::from(y)]));
        let covered = unit_squares.filter(|s| points.iter().any(|p| p[0] >= s[0] && p[1] >= s[1])).count();
        prop_assert_eq!(whole.hypervolume(), covered as f64);
        let reversed: Vec<Point> = points.iter().rev().copied().collect();
        prop_assert_eq!(&Front::of(&reversed, [-1.0, -1.0]), &whole);
        let extra = [f64::from(extra.0), f64::from(extra.1)];
        let more = whole.clone().with(extra);
        prop_assert_eq!(more.hypervolume() - whole.hypervolume(), whole.improvement(extra));
        prop_assert!(whole.improvement(extra) >= 0.0);
    }
}
