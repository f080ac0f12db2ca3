//! Several objectives: Pareto fronts, hypervolume, and expected improvement of the hypervolume.
//!
//! Use [`front`] to find non-dominated points, [`Front`] to measure them, [`believers`] to choose a batch of
//! candidates, and [`NoisyImprovement`] where what was measured is uncertain, too. All of them are exact for two to
//! four objectives; another number does not compile.
//!
//! Higher is better in each. A point dominates another if it is no worse in any and better in one.
//!
//! ```
//! use bonas_surrogate::pareto::front;
//! assert_eq!(front(&[[0.9, 10.0], [0.8, 30.0], [0.7, 20.0]]), [0, 1]);
//! assert_eq!(front(&[[1.0, 2.0, 3.0], [1.0, 2.0, 2.0], [0.0, 0.0, 9.0]]), [0, 2]);
//! ```

mod believers;
mod boxes;
mod measure;
mod noisy;

pub use believers::{Objective, SHORTLIST, believers, most_improving};
pub use measure::Front;
pub use noisy::NoisyImprovement;

/// Scores of one candidate, finite, higher is better; two of them unless said otherwise.
pub type Point<const M: usize = 2> = [f64; M];

/// Indices of the points that no other point dominates, in order of falling first score. Of equal points only the
/// lowest index counts.
pub fn front<const M: usize>(points: &[Point<M>]) -> Vec<usize> {
    const { assert!(2 <= M && M <= 4, "fronts have two to four objectives") };
    let mut order: Vec<usize> = (0..points.len()).collect();
    order.sort_by(|&a, &b| {
        let scores = points[b].iter().zip(&points[a]).map(|(b, a)| b.total_cmp(a));
        scores.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then).then(a.cmp(&b))
    });
    if M == 2 {
        let mut highest = f64::NEG_INFINITY;
        order.retain(|&i| {
            let kept = points[i][M - 1] > highest;
            highest = highest.max(points[i][M - 1]);
            kept
        });
        return order;
    }
    // What dominates a point comes before it.
    let covers = |a: usize, b: usize| points[a].iter().zip(&points[b]).all(|(a, b)| a >= b);
    let mut kept: Vec<usize> = Vec::new();
    for i in order {
        if !kept.iter().any(|&before| covers(before, i)) {
            kept.push(i);
        }
    }
    kept
}

/// A reference point for hypervolumes, estimated from the front of the points: its nadir (the worst of each score) less
/// a tenth of its range, so that the ends of the front count, too (the slack of Ishibuchi et al., "How to specify a
/// reference point in hypervolume calculation", Evolutionary Computation, 2018; `BoTorch`'s `infer_reference_point`).
///
/// Where all points of the front are equal in a score, the range is that of all points; where all points are equal, it
/// is the size of the score, and of a score of 0 it is 1. Infinite without points.
///
/// ```
/// use bonas_surrogate::pareto::reference;
/// // The last point is dominated, so it does not matter how bad it is.
/// assert_eq!(reference(&[[0.0, 30.0], [10.0, 10.0], [5.0, 20.0], [-90.0, -90.0]]), [-1.0, 8.0]);
/// assert_eq!(reference(&[[10.0, 3.0, 0.0]]), [9.0, 2.7, -0.1]);
/// ```
pub fn reference<const M: usize>(points: &[Point<M>]) -> Point<M> {
    let front: Vec<Point<M>> = front(points).into_iter().map(|i| points[i]).collect();
    std::array::from_fn(|k| {
        let (nadir, ideal) = ends(&front, k);
        let (worst, best) = ends(points, k);
        let ranges = [ideal - nadir, best - worst, nadir.abs()];
        let known = ranges.into_iter().find(|range| *range > 0.0 && range.is_finite());
        nadir - 0.1 * known.unwrap_or(1.0)
    })
}

/// The lowest and the highest of a score.
fn ends<const M: usize>(points: &[Point<M>], k: usize) -> (f64, f64) {
    let wider = |(low, high): (f64, f64), point: &Point<M>| (low.min(point[k]), high.max(point[k]));
    points.iter().fold((f64::INFINITY, f64::NEG_INFINITY), wider)
}

/// Augmented Tchebycheff value of two scores scaled to `[0, 1]`, higher is better:
/// `-max(w l₁, (1-w) l₂) - 0.05 (w l₁ + (1-w) l₂)` with losses `l = 1 - score` (Knowles: `ParEGO`, IEEE
/// Transactions on Evolutionary Computation, 2006).
pub fn tchebycheff(weight: f64, scores: Point) -> f64 {
    const AUGMENTATION: f64 = 0.05;
    let losses = [weight * (1.0 - scores[0]), (1.0 - weight) * (1.0 - scores[1])];
    -losses[0].max(losses[1]) - AUGMENTATION * (losses[0] + losses[1])
}

#[cfg(test)]
mod tests;
