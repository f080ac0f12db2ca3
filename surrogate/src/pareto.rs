//! Two objectives: Pareto fronts, hypervolume, and expected improvement of the hypervolume.
//!
//! Use [`front`] to find non-dominated points, [`Front`] to measure them, and [`believers`] to choose a batch of
//! candidates for two objectives.
//!
//! Higher is better in both. A point dominates another if it is no worse in either and better in one.
//!
//! ```
//! use bonas_surrogate::pareto::front;
//! assert_eq!(front(&[[0.9, 10.0], [0.8, 30.0], [0.7, 20.0]]), [0, 1]);
//! ```

use crate::posterior::normal;
use crate::selection::pick::best_first;
use crate::{Posterior, SurrogateError};

/// Two scores of one candidate, finite, higher is better.
pub type Point = [f64; 2];

/// Indices of the points that no other point dominates, in order of falling first score. Of equal points only the
/// lowest index counts.
pub fn front(points: &[Point]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..points.len()).collect();
    order.sort_by(|&a, &b| {
        let ([a1, a2], [b1, b2]) = (points[a], points[b]);
        b1.total_cmp(&a1).then(b2.total_cmp(&a2)).then(a.cmp(&b))
    });
    let mut highest = f64::NEG_INFINITY;
    order.retain(|&i| {
        let kept = points[i][1] > highest;
        highest = highest.max(points[i][1]);
        kept
    });
    order
}

/// A reference point for hypervolumes: a tenth of the range below the worst of each score, so that the
/// ends of the front count, too (the slack of Ishibuchi et al., "How to specify a reference point in
/// hypervolume calculation", Evolutionary Computation, 2018). Infinite without points.
///
/// ```
/// use bonas_surrogate::pareto::reference;
/// assert_eq!(reference(&[[0.0, 30.0], [10.0, 10.0], [5.0, 20.0]]), [-1.0, 8.0]);
/// ```
pub fn reference(points: &[Point]) -> Point {
    [0, 1].map(|k| {
        let scores = || points.iter().map(|point| point[k]);
        let worst = scores().fold(f64::INFINITY, f64::min);
        worst - 0.1 * (scores().fold(f64::NEG_INFINITY, f64::max) - worst).max(0.0)
    })
}

/// Non-dominated points, and the reference point of their hypervolume.
///
/// ```
/// use bonas_surrogate::pareto::Front;
/// let front = Front::of(&[[2.0, 1.0], [1.0, 3.0], [0.5, 0.5]], [0.0, 0.0]);
/// assert_eq!(front.points(), [[2.0, 1.0], [1.0, 3.0]]);
/// assert_eq!(front.hypervolume(), 4.0);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Front {
    reference: Point,
    /// By falling first and rising second score, all above the reference in both.
    points: Vec<Point>,
}

impl Front {
    /// The front of some points; points that are not above `reference` in both scores are left out.
    pub fn of(points: &[Point], reference: Point) -> Self {
        let above: Vec<Point> =
            points.iter().copied().filter(|p| p[0] > reference[0] && p[1] > reference[1]).collect();
        let points = front(&above).into_iter().map(|i| above[i]).collect();
        Self { reference, points }
    }

    /// The points in order of falling first score.
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    /// This front with one more point.
    #[must_use]
    pub fn with(mut self, point: Point) -> Self {
        self.points.push(point);
        Self::of(&self.points, self.reference)
    }

    /// Area between the reference and the points (Zitzler and Thiele, 1998), exactly.
    pub fn hypervolume(&self) -> f64 {
        let [left, mut bottom] = self.reference;
        let mut area = 0.0;
        for &[x, y] in &self.points {
            area += (x - left) * (y - bottom);
            bottom = y;
        }
        area
    }

    /// Increase of the hypervolume by a point.
    pub fn improvement(&self, point: Point) -> f64 {
        self.expected(|t| (point[0] - t).max(0.0), |t| (point[1] - t).max(0.0))
    }

    /// Expected improvement of the hypervolume by a candidate with two independent scores
    /// (Emmerich, 2005), exactly for any laws. The sum is over the strips between points; a strip has first scores
    /// between `a` and `a'`, and its covered part ends at `b`:
    /// `Σ (E max(y₁ - a, 0) - E max(y₁ - a', 0)) E max(y₂ - b, 0)`.
    pub fn expected_improvement(&self, first: &Posterior, second: &Posterior) -> f64 {
        self.expected(|t| first.ln_expected_excess(t).exp(), |t| second.ln_expected_excess(t).exp())
    }

    /// The sum over strips, given the expected excess of each score over a threshold.
    fn expected(&self, first: impl Fn(f64) -> f64, second: impl Fn(f64) -> f64) -> f64 {
        let (mut beyond, mut bottom, mut sum) = (0.0, self.reference[1], 0.0);
        for &[x, y] in &self.points {
            let excess = first(x);
            sum += (excess - beyond) * second(bottom);
            (beyond, bottom) = (excess, y);
        }
        sum + (first(self.reference[0]) - beyond) * second(bottom)
    }
}

/// Up to `count` candidates that raise the hypervolume together, by two independent posteriors per candidate,
/// `[n]` each.
///
/// Each choice has the highest expected improvement times `weights`, `[n]`, and then counts as measured at its means
/// (kriging believer: Ginsbourger, Le Riche and Carraro, 2010). Laws are replaced by the Gaussians with their
/// moments. The first choice is from all candidates, the others are from the [`SHORTLIST`] that were worth most at
/// first.
///
/// # Errors
/// [`SurrogateError::Data`] for lists of other lengths.
pub fn believers(
    front: &Front,
    posteriors: [&[Posterior]; 2],
    weights: &[f64],
    count: usize,
) -> Result<Vec<usize>, SurrogateError> {
    let [first, second] = posteriors;
    if first.len() != weights.len() || second.len() != weights.len() {
        let reason = format!("{} and {} posteriors for {} weights", first.len(), second.len(), weights.len());
        return Err(SurrogateError::data("hypervolume", reason));
    }
    let moments = |ps: &[Posterior]| ps.iter().map(Posterior::moments).collect::<Vec<_>>();
    let (first, second) = (moments(first), moments(second));
    let worth = |front: &Front, i: usize| {
        weights[i] * front.expected(|t| excess(first[i], t), |t| excess(second[i], t))
    };
    let mut left =
        best_first(&(0..weights.len()).map(|i| worth(front, i)).collect::<Vec<_>>(), SHORTLIST.max(count));
    let mut front = front.clone();
    let mut chosen = Vec::new();
    while chosen.len() < count && !left.is_empty() {
        let values: Vec<f64> = left.iter().map(|&i| worth(&front, i)).collect();
        let best = (0..left.len()).reduce(|best, next| if values[next] > values[best] { next } else { best });
        let next = left.remove(best.unwrap_or(0));
        front = front.with([first[next].0, second[next].0]);
        chosen.push(next);
    }
    Ok(chosen)
}

/// `E max(y - threshold, 0)` of a normal law, from mean and variance; 0 from eight standard deviations on.
fn excess((mean, variance): (f64, f64), threshold: f64) -> f64 {
    let (sd, gain) = (variance.sqrt(), mean - threshold);
    if gain <= -8.0 * sd {
        return 0.0;
    }
    let z = if sd > 0.0 { gain / sd } else { f64::INFINITY };
    (if z > 8.0 { gain } else { sd * (normal::pdf(z) + z * normal::cdf(z)) }).max(0.0)
}

/// Number of candidates that [`believers`] chooses from after the first choice, unless more are asked for.
pub const SHORTLIST: usize = 300;

/// Augmented Tchebycheff value of two scores scaled to `[0, 1]`, higher is better:
/// `-max(w l₁, (1-w) l₂) - 0.05 (w l₁ + (1-w) l₂)` with losses `l = 1 - score` (Knowles: `ParEGO`, IEEE
/// Transactions on Evolutionary Computation, 2006).
pub fn tchebycheff(weight: f64, scores: Point) -> f64 {
    const AUGMENTATION: f64 = 0.05;
    let losses = [weight * (1.0 - scores[0]), (1.0 - weight) * (1.0 - scores[1])];
    -losses[0].max(losses[1]) - AUGMENTATION * (losses[0] + losses[1])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

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
        let equal = [[1.0, 1.0], [1.0, 1.0]];
        assert_eq!(reference(&equal), [1.0, 1.0]);
    }

    /// A standard normal each, `E(t) = E max(z - t, 0)`: with nothing found `E(0)²`, with (1, 1) found
    /// `E(1) E(0) + (E(0) - E(1)) E(1)`.
    #[test]
    fn expected_improvement_by_hand() {
        let z = Posterior::gaussian(0.0, 1.0).unwrap();
        let (zero, one) = (0.398_942_280_401_432_7, 0.083_315_470_587_686_29);
        let empty = Front::of(&[], [0.0, 0.0]);
        assert!((empty.expected_improvement(&z, &z) - zero * zero).abs() < 1e-12);
        let found = empty.with([1.0, 1.0]);
        let expected = one * zero + (zero - one) * one;
        assert!((found.expected_improvement(&z, &z) - expected).abs() < 1e-9);
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
            let drawn =
                (0..draws).map(|_| front.improvement([first.sample(&mut rng), second.sample(&mut rng)]));
            let mean = drawn.sum::<f64>() / f64::from(draws);
            let exact = front.expected_improvement(&first, &second);
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

    /// A copy of the best adds nothing once that is believed; what is never feasible comes last.
    #[test]
    fn believers_spread_over_the_front() {
        let sure = |means: [f64; 4]| means.map(|mean| Posterior::gaussian(mean, 1e-12).unwrap());
        let (first, second) = (sure([0.9, 0.9, 0.2, 0.95]), sure([0.5, 0.5, 0.6, 0.95]));
        let empty = Front::of(&[], [0.0, 0.0]);
        let chosen = believers(&empty, [&first, &second], &[1.0, 1.0, 1.0, 0.0], 4).unwrap();
        assert_eq!(chosen, [0, 2, 1, 3]);
        assert!(believers(&empty, [&first, &second[1..]], &[1.0; 4], 1).is_err());
    }

    /// Losses 0.5 and 0.2 at weight 0.4: 0.2 and 0.12.
    #[test]
    fn tchebycheff_by_hand() {
        assert!((tchebycheff(0.4, [0.5, 0.8]) + 0.2 + 0.05 * 0.32).abs() < 1e-15);
        assert_eq!(tchebycheff(0.7, [1.0, 1.0]), 0.0);
    }

    fn dominates(a: Point, b: Point) -> bool {
        a[0] >= b[0] && a[1] >= b[1] && a != b
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

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
}
