//! Ridge regression whose penalty is chosen by leaving out.

use ndarray::{Array1, Array2, ArrayView1};

use crate::error::SurrogateError;
use crate::linalg::Cholesky;

/// Penalties that are tried, relative to the mean square of a row: powers of ten from 1e-8 to 10.
const PENALTIES: std::ops::RangeInclusive<i32> = -8..=1;

/// Who refuses data, in errors.
const NAME: &str = "ridge regression";

/// A linear model w of rows x that minimises |y - Xw|² + λ|w|², with the λ whose predictions of left-out rows err least.
///
/// The solution is w = Xᵀα with α = (X Xᵀ + λI)⁻¹y, and a row that is left out is predicted with the error
/// αᵢ / ((X Xᵀ + λI)⁻¹)ᵢᵢ (Allen 1974), so that no model is fitted twice. The penalty takes all columns alike: scale a column up to
/// penalise it less. For an intercept give a constant column.
///
/// ```
/// use bonas_surrogate::Ridge;
/// use ndarray::{Array1, array};
///
/// let x = array![[1.0, 0.0], [1.0, 1.0], [1.0, 2.0], [1.0, 3.0]];
/// let fitted = Ridge::fit(&x, &Array1::from(vec![1.0, 3.0, 5.0, 7.0]))?;
/// assert!((fitted.predict(array![1.0, 10.0].view()) - 21.0).abs() < 1e-3);
/// # Ok::<(), bonas_surrogate::SurrogateError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Ridge {
    weights: Array1<f64>,
    left_out: Array1<f64>,
}

impl Ridge {
    /// Fits rows, `[n, d]`, to `n` values.
    ///
    /// # Errors
    /// [`SurrogateError::Data`] for fewer than two rows, another number of values, and numbers that are not finite.
    pub fn fit(rows: &Array2<f64>, values: &Array1<f64>) -> Result<Self, SurrogateError> {
        let n = rows.nrows();
        if n < 2 || values.len() != n {
            let reason = format!("{n} rows and {} values; there must be two of both at least", values.len());
            return Err(SurrogateError::data(NAME, reason));
        }
        if !rows.iter().chain(values).all(|value| value.is_finite()) {
            return Err(SurrogateError::data(NAME, "numbers of a regression must be finite"));
        }
        let gram = rows.dot(&rows.t());
        let scale = gram.diag().sum() / n as f64;
        let solved = PENALTIES.filter_map(|power| solve(&gram, values, scale * 10f64.powi(power)));
        let error = |solution: &Solution| solution.errors.mapv(|error| error * error).sum();
        let best = solved.min_by(|a, b| error(a).total_cmp(&error(b)));
        let Solution { alpha, errors } =
            best.ok_or_else(|| SurrogateError::data(NAME, "all rows of a regression are zero"))?;
        Ok(Self { weights: rows.t().dot(&alpha), left_out: values - &errors })
    }

    /// What a row, `[d]`, is expected to be.
    pub fn predict(&self, row: ArrayView1<'_, f64>) -> f64 {
        self.weights.dot(&row)
    }

    /// The weights w, `[d]`.
    pub fn weights(&self) -> ArrayView1<'_, f64> {
        self.weights.view()
    }

    /// What each fitted row is expected to be by a model of the others, `[n]`.
    pub fn left_out(&self) -> ArrayView1<'_, f64> {
        self.left_out.view()
    }
}

/// What one penalty gives.
struct Solution {
    alpha: Array1<f64>,
    /// Of rows that are left out.
    errors: Array1<f64>,
}

/// None where the matrix is not positive definite in floating point.
fn solve(gram: &Array2<f64>, values: &Array1<f64>, penalty: f64) -> Option<Solution> {
    let mut matrix = gram.clone();
    matrix.diag_mut().mapv_inplace(|value| value + penalty);
    let factor = Cholesky::of(matrix)?;
    let alpha = factor.solve(values.view());
    let errors = &alpha / &factor.inverse_diag();
    let finite = alpha.iter().chain(&errors).all(|value| value.is_finite());
    finite.then_some(Solution { alpha, errors })
}

#[cfg(test)]
mod tests {
    use ndarray::{Axis, array, s};
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn rows(n: usize, d: usize, seed: u64) -> Array2<f64> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        Array2::from_shape_simple_fn((n, d), || rng.random_range(-1.0..1.0))
    }

    /// Leaving a row out by the formula is fitting without it, at the same penalty.
    #[test]
    fn left_out_rows_are_predicted_by_a_fit_without_them() {
        let (x, penalty) = (rows(8, 3, 1), 0.3);
        let y = x.dot(&array![1.0, -2.0, 0.5]) + rows(8, 1, 2).column(0);
        let all = solve(&x.dot(&x.t()), &y, penalty).unwrap();
        for left in 0..8 {
            let rest: Vec<usize> = (0..8).filter(|&i| i != left).collect();
            let (x_rest, y_rest) = (x.select(Axis(0), &rest), y.select(Axis(0), &rest));
            let alpha = solve(&x_rest.dot(&x_rest.t()), &y_rest, penalty).unwrap().alpha;
            let predicted = x_rest.t().dot(&alpha).dot(&x.row(left));
            assert!((y[left] - all.errors[left] - predicted).abs() < 1e-9);
        }
    }

    /// More columns than rows, and values that a linear model explains: what is new is predicted, too.
    #[test]
    fn what_is_linear_is_found() {
        let x = rows(60, 5, 3);
        let truth = array![3.0, 0.0, -1.0, 2.0, 0.5];
        let fitted =
            Ridge::fit(&x.slice(s![..40, ..]).to_owned(), &x.slice(s![..40, ..]).dot(&truth)).unwrap();
        for row in x.slice(s![40.., ..]).rows() {
            assert!((fitted.predict(row) - row.dot(&truth)).abs() < 1e-4);
        }
        assert!(fitted.weights().iter().zip(&truth).all(|(a, b)| (a - b).abs() < 1e-4));
    }

    /// Pure noise in many columns is not believed: predictions of left-out rows are near the mean, 0.
    #[test]
    fn noise_is_penalised() {
        let (x, y) = (rows(30, 100, 4), rows(30, 1, 5).column(0).to_owned());
        let fitted = Ridge::fit(&x, &y).unwrap();
        let error: f64 = fitted.left_out().iter().zip(&y).map(|(a, b)| (a - b).powi(2)).sum();
        assert!(error < 1.5 * y.mapv(|v| v * v).sum());
    }

    #[test]
    fn what_cannot_be_fitted_is_refused() {
        let refused = |x: Array2<f64>, y: Array1<f64>| Ridge::fit(&x, &y).unwrap_err().to_string();
        assert!(refused(array![[1.0]], array![1.0]).contains("1 rows and 1 values"));
        assert!(refused(array![[1.0], [2.0]], array![1.0]).contains("2 rows and 1 values"));
        assert!(refused(array![[1.0], [f64::NAN]], array![1.0, 2.0]).contains("finite"));
        assert!(refused(array![[0.0], [0.0]], array![1.0, 2.0]).contains("zero"));
    }
}
