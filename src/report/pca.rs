//! Two principal components.

use ndarray::{Array1, Array2, Axis};
use serde::{Deserialize, Serialize};

/// Rows of a matrix in the plane of their two largest principal components.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plane {
    /// One point a row.
    pub points: Vec<(f64, f64)>,
    /// Share of the variance along each axis, in `[0, 1]`.
    pub explained: (f64, f64),
}

/// Projects the rows of `vectors`, `[n, d]`, on their two largest principal components.
///
/// Power iteration on the centred matrix with deflation, from a fixed start, so that equal vectors
/// give an equal picture; the sign of a component makes its largest loading positive. A component
/// without variance is 0. None if a value is not finite or there is no row or column.
pub fn project(vectors: &Array2<f64>) -> Option<Plane> {
    if vectors.iter().any(|x| !x.is_finite()) {
        return None;
    }
    let mean = vectors.mean_axis(Axis(0)).filter(|mean| !mean.is_empty())?;
    let mut left = vectors - &mean; // [n, d]
    let total = left.iter().map(|x| x * x).sum::<f64>();
    let mut axis = || {
        let direction = principal(&left); // [d]
        let along = left.dot(&direction); // [n]
        let n = along.len();
        left = &left - &along.to_shape((n, 1)).ok()?.dot(&direction.to_shape((1, direction.len())).ok()?);
        let share = if total > 0.0 { along.dot(&along) / total } else { 0.0 };
        Some((along, share))
    };
    let ((x, first), (y, second)) = (axis()?, axis()?);
    Some(Plane { points: x.into_iter().zip(y).collect(), explained: (first, second) })
}

/// The direction of largest variance of centred rows, `[d]`; zero if there is none.
fn principal(rows: &Array2<f64>) -> Array1<f64> {
    let d = rows.ncols();
    // A start without symmetry, so that it is orthogonal to no likely component.
    let mut direction = Array1::from_iter((0..d).map(|i| 1.0 + 0.618 * ((i + 1) as f64).sin()));
    for _ in 0..200 {
        let next = rows.t().dot(&rows.dot(&direction));
        let norm = next.dot(&next).sqrt();
        if norm <= f64::MIN_POSITIVE {
            return Array1::zeros(d);
        }
        direction = next / norm;
    }
    let largest = direction.iter().copied().fold(0.0, |a: f64, b| if b.abs() > a.abs() { b } else { a });
    direction * largest.signum()
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn points_in_a_plane_are_fully_explained() {
        let vectors = array![[1.0, 0.0, 2.0], [2.0, 0.0, 4.0], [3.0, 1.0, 6.0], [4.0, -1.0, 8.0]];
        let plane = project(&vectors).unwrap();
        assert!((plane.explained.0 + plane.explained.1 - 1.0).abs() < 1e-9, "{plane:?}");
        assert!(plane.explained.0 > 0.8);
        let x: Vec<f64> = plane.points.iter().map(|p| p.0).collect();
        assert!(x.windows(2).all(|w| w[0] < w[1]), "{x:?}");
    }

    #[test]
    fn degenerate_vectors_are_no_trouble() {
        let equal = project(&array![[1.0, 2.0], [1.0, 2.0]]).unwrap();
        assert_eq!(equal.points, vec![(0.0, 0.0), (0.0, 0.0)]);
        assert_eq!(project(&array![[5.0]]).unwrap().points.len(), 1);
        assert_eq!(project(&array![[f64::NAN]]), None);
        assert_eq!(project(&Array2::zeros((0, 3))), None);
    }
}
