//! A front with its hypervolume.

use super::boxes::Boxes;
use super::{Point, front};
use crate::Posterior;

/// Non-dominated points, and the reference point of their hypervolume.
///
/// ```
/// use bonas_surrogate::pareto::Front;
/// let front = Front::of(&[[2.0, 1.0], [1.0, 3.0], [0.5, 0.5]], [0.0, 0.0]);
/// assert_eq!(front.points(), [[2.0, 1.0], [1.0, 3.0]]);
/// assert_eq!(front.hypervolume(), 4.0);
/// assert_eq!(Front::of(&[[2.0, 1.0, 1.0], [1.0, 2.0, 1.0]], [0.0; 3]).hypervolume(), 3.0);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Front<const M: usize = 2> {
    reference: Point<M>,
    /// By falling first score, all above the reference in every score.
    points: Vec<Point<M>>,
    /// The region that they do not dominate; none for two objectives, whose strips need no boxes.
    boxes: Option<Boxes<M>>,
}

impl<const M: usize> Front<M> {
    /// The front of some points; points that are not above `reference` in every score are left out.
    pub fn of(points: &[Point<M>], reference: Point<M>) -> Self {
        let is_above = |point: &Point<M>| point.iter().zip(&reference).all(|(score, edge)| score > edge);
        let above: Vec<Point<M>> = points.iter().copied().filter(is_above).collect();
        let points: Vec<Point<M>> = front(&above).into_iter().map(|i| above[i]).collect();
        let boxes = (M > 2).then(|| Boxes::of(&points, reference));
        Self { reference, points, boxes }
    }

    /// The points in order of falling first score.
    pub fn points(&self) -> &[Point<M>] {
        &self.points
    }

    /// The reference point.
    pub fn reference(&self) -> Point<M> {
        self.reference
    }

    /// This front with one more point.
    #[must_use]
    pub fn with(mut self, point: Point<M>) -> Self {
        self.points.push(point);
        Self::of(&self.points, self.reference)
    }

    /// Volume between the reference and the points (Zitzler and Thiele, 1998), exactly; for two objectives an area.
    pub fn hypervolume(&self) -> f64 {
        if M > 2 {
            return volume(&self.points, &self.reference, M);
        }
        let (left, mut bottom) = (self.reference[0], self.reference[M - 1]);
        let mut area = 0.0;
        for point in &self.points {
            area += (point[0] - left) * (point[M - 1] - bottom);
            bottom = point[M - 1];
        }
        area
    }

    /// Increase of the hypervolume by a point.
    pub fn improvement(&self, point: Point<M>) -> f64 {
        self.expected(|k, t| (point[k] - t).max(0.0))
    }

    /// Expected improvement of the hypervolume by a candidate with independent scores, exactly for any laws (Emmerich,
    /// 2005, for two; Yang, Emmerich, Deutz and Bäck, "Efficient computation of expected hypervolume improvement using
    /// box decomposition algorithms", Journal of Global Optimization, 2019).
    ///
    /// For two objectives the sum is over the strips between points; a strip has first scores between `a` and `a'`, and
    /// its covered part ends at `b`: `Σ (E max(y₁ - a, 0) - E max(y₁ - a', 0)) E max(y₂ - b, 0)`. For more it is over
    /// boxes that fill the region that no point dominates, of the product over objectives of such differences.
    pub fn expected_improvement(&self, scores: [&Posterior; M]) -> f64 {
        self.expected(|k, t| scores[k].ln_expected_excess(t).exp())
    }

    /// The sum over strips or boxes, given the expected excess of each score over a threshold.
    pub(super) fn expected(&self, excess: impl Fn(usize, f64) -> f64) -> f64 {
        if let Some(boxes) = &self.boxes {
            return boxes.sum(excess);
        }
        let (mut beyond, mut bottom, mut sum) = (0.0, self.reference[M - 1], 0.0);
        for point in &self.points {
            let first = excess(0, point[0]);
            sum += (first - beyond) * excess(M - 1, bottom);
            (beyond, bottom) = (first, point[M - 1]);
        }
        sum + (excess(0, self.reference[0]) - beyond) * excess(M - 1, bottom)
    }
}

/// Volume that points cover in the first `dims` objectives: slices of the last one (While, Hingston, Barone and Huband,
/// "A faster algorithm for calculating hypervolume", IEEE Transactions on Evolutionary Computation, 2006).
fn volume<const M: usize>(points: &[Point<M>], reference: &Point<M>, dims: usize) -> f64 {
    let last = dims - 1;
    let mut bottom = reference[last];
    if last == 0 {
        return points.iter().map(|point| point[0] - bottom).fold(0.0, f64::max);
    }
    let mut levels: Vec<f64> = points.iter().map(|point| point[last]).collect();
    levels.sort_unstable_by(f64::total_cmp);
    levels.dedup();
    let mut sum = 0.0;
    for level in levels {
        let reaching: Vec<Point<M>> = points.iter().copied().filter(|point| point[last] >= level).collect();
        sum += (level - bottom) * volume(&reaching, reference, last);
        bottom = level;
    }
    sum
}
