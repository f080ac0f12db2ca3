//! Cholesky factors of symmetric positive definite matrices, computed in blocks of matrix products. `L` is lower
//! triangular throughout, and zero above its diagonal.

use ndarray::{Array1, Array2, ArrayView1, Axis, aview1, linalg::general_mat_mul, s};

/// Rows of a block; inside a block the work is plain loops.
const BLOCK: usize = 48;

/// A lower Cholesky factor with the inverses of its diagonal blocks.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Cholesky {
    lower: Array2<f64>,
    /// Inverses of the diagonal blocks.
    blocks: Vec<Array2<f64>>,
}

impl Cholesky {
    /// Factors `a [n, n]`, reading its lower triangle; `None` if it is not positive definite.
    pub(crate) fn of(mut a: Array2<f64>) -> Option<Self> {
        let n = a.nrows();
        let mut blocks = Vec::with_capacity(n.div_ceil(BLOCK));
        for start in (0..n).step_by(BLOCK) {
            let end = (start + BLOCK).min(n);
            let mut own = a.slice_mut(s![start..end, start..end]);
            let lower = factor_block(own.as_standard_layout().into_owned())?;
            own.assign(&lower);
            let inverse = invert_block(&lower);
            if end < n {
                let panel = a.slice(s![end.., start..end]).dot(&inverse.t()); // [rest, block]
                for row in (end..n).step_by(BLOCK) {
                    let to = (row + BLOCK).min(n);
                    let left = panel.slice(s![row - end..to - end, ..]);
                    let right = panel.slice(s![..to - end, ..]);
                    let mut target = a.slice_mut(s![row..to, end..to]);
                    general_mat_mul(-1.0, &left, &right.t(), 1.0, &mut target);
                }
                a.slice_mut(s![end.., start..end]).assign(&panel);
            }
            blocks.push(inverse);
        }
        for (i, mut row) in a.axis_iter_mut(Axis(0)).enumerate() {
            row.slice_mut(s![i + 1..]).fill(0.0);
        }
        Some(Self { lower: a, blocks })
    }

    /// The factor of the matrix with `b` more rows and columns; `None` if that is not positive definite.
    ///
    /// `rows [b, n + b]` has the new rows up to and including the diagonal. Each row is computed from those above
    /// it alone, so it does not matter how many rows are added at a time.
    pub(crate) fn extended(&self, rows: &Array2<f64>) -> Option<Self> {
        let (n, m) = (self.len(), self.len() + rows.nrows());
        let mut lower = Array2::zeros((m, m));
        lower.slice_mut(s![..n, ..n]).assign(&self.lower);
        for (i, row) in (n..m).zip(rows.rows()) {
            let (above, own) = split_rows(&mut lower, i);
            for (j, above) in above.chunks_exact(m).enumerate() {
                own[j] = (row[j] - dot(&above[..j], &own[..j])) / above[j];
            }
            let left = row[i] - dot(&own[..i], &own[..i]);
            if !(left > 0.0 && left.is_finite()) {
                return None;
            }
            own[i] = left.sqrt();
        }
        let full_blocks = n / BLOCK;
        let mut blocks = self.blocks[..full_blocks].to_vec();
        for start in (full_blocks * BLOCK..m).step_by(BLOCK) {
            let end = (start + BLOCK).min(m);
            blocks.push(invert_block(&lower.slice(s![start..end, start..end]).to_owned()));
        }
        Some(Self { lower, blocks })
    }

    /// The factor of the matrix that remains once its first rows are known: `L` without its first `skip` rows
    /// and columns.
    pub(crate) fn trailing(&self, skip: usize) -> Self {
        let lower = self.lower.slice(s![skip.., skip..]).to_owned();
        let n = lower.nrows();
        let block = |start: usize| {
            let end = (start + BLOCK).min(n);
            invert_block(&lower.slice(s![start..end, start..end]).to_owned())
        };
        Self { blocks: (0..n).step_by(BLOCK).map(block).collect(), lower }
    }

    /// `L⁻¹ B [n, m]` for `b [n, m]`.
    pub(crate) fn solve_lower(&self, mut b: Array2<f64>) -> Array2<f64> {
        for (i, block) in self.blocks.iter().enumerate() {
            let (start, end) = (i * BLOCK, ((i + 1) * BLOCK).min(self.len()));
            let (done, mut rest) = b.view_mut().split_at(Axis(0), start);
            let mut own = rest.slice_mut(s![..end - start, ..]);
            general_mat_mul(-1.0, &self.lower.slice(s![start..end, ..start]), &done, 1.0, &mut own);
            let solved = block.dot(&own);
            own.assign(&solved);
        }
        b
    }

    /// Number of rows.
    pub(crate) fn len(&self) -> usize {
        self.lower.nrows()
    }

    /// `L [n, n]`.
    pub(crate) fn lower(&self) -> &Array2<f64> {
        &self.lower
    }

    /// `ln det A = 2 Σ ln Lᵢᵢ`.
    pub(crate) fn ln_det(&self) -> f64 {
        2.0 * self.lower.diag().iter().map(|d| d.ln()).sum::<f64>()
    }

    /// `A⁻¹ b`.
    pub(crate) fn solve(&self, b: ArrayView1<'_, f64>) -> Array1<f64> {
        let mut x = b.to_owned();
        for i in 0..self.len() {
            let sum = self.lower.slice(s![i, ..i]).dot(&x.slice(s![..i]));
            x[i] = (x[i] - sum) / self.lower[[i, i]];
        }
        self.solve_upper(x)
    }

    /// `L⁻ᵀ b`.
    pub(crate) fn solve_upper(&self, mut x: Array1<f64>) -> Array1<f64> {
        for i in (0..self.len()).rev() {
            x[i] /= self.lower[[i, i]];
            let xi = x[i];
            x.slice_mut(s![..i]).scaled_add(-xi, &self.lower.slice(s![i, ..i]));
        }
        x
    }

    /// `A⁻¹ [n, n]`.
    pub(crate) fn inverse(&self) -> Array2<f64> {
        gram_of_lower(&self.inverse_lower())
    }

    /// Diagonal `[n]` of `A⁻¹`: the sums of squares of the columns of `L⁻¹`.
    pub(crate) fn inverse_diag(&self) -> Array1<f64> {
        self.inverse_lower().map_axis(Axis(0), |column| column.dot(&column))
    }

    /// `L⁻¹ [n, n]`, block row by block row.
    pub(crate) fn inverse_lower(&self) -> Array2<f64> {
        let n = self.len();
        let mut inverse: Array2<f64> = Array2::zeros((n, n));
        for (i, block) in self.blocks.iter().enumerate() {
            let (start, end) = (i * BLOCK, ((i + 1) * BLOCK).min(n));
            let (done, mut rest) = inverse.view_mut().split_at(Axis(0), start);
            for column in (0..start).step_by(BLOCK) {
                // Above row `column` these columns are zero.
                let to = (column + BLOCK).min(start);
                let left = self.lower.slice(s![start..end, column..start]);
                let known = left.dot(&done.slice(s![column.., column..to]));
                let row = -block.dot(&known);
                rest.slice_mut(s![..end - start, column..to]).assign(&row);
            }
            rest.slice_mut(s![..end - start, start..end]).assign(block);
        }
        inverse
    }
}

/// `Lᵀ L` for a lower triangular `L`, both triangles.
fn gram_of_lower(lower: &Array2<f64>) -> Array2<f64> {
    let n = lower.nrows();
    let mut gram = Array2::zeros((n, n));
    for start in (0..n).step_by(BLOCK) {
        let end = (start + BLOCK).min(n);
        // Rows above `start` of these columns are zero.
        let columns = lower.slice(s![start.., start..end]);
        let before = lower.slice(s![start.., ..end]);
        let mut target = gram.slice_mut(s![start..end, ..end]);
        general_mat_mul(1.0, &columns.t(), &before, 0.0, &mut target);
    }
    for i in 0..n {
        for j in i + 1..n {
            gram[[i, j]] = gram[[j, i]];
        }
    }
    gram
}

/// The lower factor of a block; reads the lower triangle and leaves the rest.
fn factor_block(mut a: Array2<f64>) -> Option<Array2<f64>> {
    let n = a.nrows();
    for i in 0..n {
        let (above, own) = split_rows(&mut a, i);
        for (j, above) in above.chunks_exact(n).enumerate() {
            own[j] = (own[j] - dot(&own[..j], &above[..j])) / above[j];
        }
        let left = own[i] - dot(&own[..i], &own[..i]);
        if !(left > 0.0 && left.is_finite()) {
            return None;
        }
        own[i] = left.sqrt();
    }
    Some(a)
}

/// Inverse of a lower triangular block; reads the lower triangle.
fn invert_block(lower: &Array2<f64>) -> Array2<f64> {
    let n = lower.nrows();
    let mut inverse: Array2<f64> = Array2::zeros((n, n));
    for i in 0..n {
        let (above, own) = split_rows(&mut inverse, i);
        for (above, weight) in above.chunks_exact(n).zip(lower.row(i)) {
            own.iter_mut().zip(above).for_each(|(sum, value)| *sum += weight * value);
        }
        let scale = 1.0 / lower[[i, i]];
        for value in own.iter_mut() {
            *value *= -scale;
        }
        own[i] = scale;
    }
    inverse
}

/// The rows before the `i`-th of a row-major array as one slice, and the `i`-th row.
fn split_rows(a: &mut Array2<f64>, i: usize) -> (&[f64], &mut [f64]) {
    let n = a.ncols();
    let Some(values) = a.as_slice_mut() else { unreachable!("row-major arrays are slices") };
    let (above, rest) = values.split_at_mut(i * n);
    (above, &mut rest[..n])
}

/// Inner product of slices.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    aview1(a).dot(&aview1(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A well-conditioned matrix that is not symmetric in its construction.
    fn matrix(n: usize) -> Array2<f64> {
        let b = Array2::from_shape_fn((n, n), |(i, j)| ((i * 7 + j * 13) % 11) as f64 / 11.0 - 0.4);
        b.dot(&b.t()) / n as f64 + Array2::<f64>::eye(n) * 0.5
    }

    #[test]
    fn factors_solves_and_inverts_across_block_borders() {
        for n in [1, 2, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + 5] {
            let a = matrix(n);
            let cholesky = Cholesky::of(a.clone()).unwrap();
            let back = cholesky.lower.dot(&cholesky.lower.t());
            let near = |x: &Array2<f64>, y: &Array2<f64>| (x - y).iter().all(|d| d.abs() < 1e-10);
            assert!(near(&back, &a), "n {n}");
            let inverse = cholesky.inverse();
            assert!(near(&inverse.dot(&a), &Array2::eye(n)), "n {n}");
            assert!((cholesky.inverse_diag() - inverse.diag()).iter().all(|d| d.abs() < 1e-10), "n {n}");
            let b = Array1::from_shape_fn(n, |i| i as f64 - 3.0);
            let x = cholesky.solve(b.view());
            assert!((a.dot(&x) - &b).iter().all(|d| d.abs() < 1e-9), "n {n}");
            assert!(near(&cholesky.lower.dot(&cholesky.inverse_lower()), &Array2::eye(n)), "n {n}");
        }
    }

    /// However many rows come at a time the factor is the same to the bit, and that of the whole.
    #[test]
    fn rows_that_come_later() {
        let a = matrix(2 * BLOCK + 9);
        let part = |rows: std::ops::Range<usize>| a.slice(s![rows.clone(), ..rows.end]).to_owned();
        let first = Cholesky::of(part(0..BLOCK + 3)).unwrap();
        let at_once = first.extended(&part(BLOCK + 3..a.nrows())).unwrap();
        let bit_by_bit = [BLOCK + 4, 2 * BLOCK, 2 * BLOCK + 1, a.nrows()]
            .iter()
            .fold(first, |factor, &end| factor.extended(&part(factor.len()..end)).unwrap());
        assert_eq!(at_once.lower, bit_by_bit.lower);
        assert_eq!(at_once.blocks, bit_by_bit.blocks);
        let whole = Cholesky::of(a.clone()).unwrap();
        assert!((&whole.lower - &at_once.lower).iter().all(|d| d.abs() < 1e-12));
        assert!(
            Cholesky::of(ndarray::array![[1.0]]).unwrap().extended(&ndarray::array![[2.0, 1.0]]).is_none()
        );
        let solved = at_once.lower.dot(&at_once.solve_lower(a.clone()));
        assert!((solved - &a).iter().all(|d| d.abs() < 1e-10));
        // Below its first rows the inverse of the factor is that of what is left of it.
        let (inverse, skip) = (at_once.inverse_lower(), BLOCK + 5);
        let left = at_once.trailing(skip).inverse_lower() - inverse.slice(s![skip.., skip..]);
        assert!(left.iter().all(|d| d.abs() < 1e-10));
    }

    /// `[[4, 2], [2, 5]] = L Lᵀ` with `L = [[2, 0], [1, 2]]`, determinant 16.
    #[test]
    fn two_by_two_by_hand() {
        let cholesky = Cholesky::of(ndarray::array![[4.0, 2.0], [2.0, 5.0]]).unwrap();
        assert_eq!(cholesky.lower, ndarray::array![[2.0, 0.0], [1.0, 2.0]]);
        assert!((cholesky.ln_det() - 16f64.ln()).abs() < 1e-15);
        assert!(Cholesky::of(ndarray::array![[1.0, 2.0], [2.0, 1.0]]).is_none());
    }
}
