//! Observations with the Cholesky factor of their covariance at known hyper-parameters; the factor grows with
//! them.

use std::ops::Range;

use ndarray::{Array1, Array2, ArrayView2, Axis, Zip, linalg::general_mat_mul, s};

use super::Kernel;
use super::objective::JITTER;
use crate::SurrogateError;
use crate::linalg::Cholesky;

/// Shares by which variances on the diagonal may be raised, because rounding in single precision can outweigh a
/// tiny noise among many observations. The first share that makes the matrix positive definite is used.
const RIDGES: [f64; 5] = [0.0, 1e-5, 1e-4, 1e-3, 1e-2];

/// One block of the kernel at known hyper-parameters.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Term {
    /// The term's columns among those of the observations.
    pub(crate) columns: Range<usize>,
    /// Factor of each column.
    pub(crate) scale: Array1<f32>,
    /// Variance of the term; for a linear term that of its slopes.
    pub(crate) variance: f64,
    pub(crate) form: Form,
}

/// What a term is of its columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum Form {
    /// The kernel.
    Kernel,
    /// A linear function.
    Linear,
    /// An intercept for each group. The column has the group's number, from 1; 0 is none, and has no intercept.
    Intercept,
}

/// For each term, features `[n, d]` and their squared lengths `[n]`.
pub(super) type Features = Vec<(Array2<f32>, Vec<f32>)>;

/// A sum of kernel terms, and the variance of the noise.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Covariance {
    pub(crate) kernel: Kernel,
    pub(crate) terms: Vec<Term>,
    pub(crate) noise: f64,
}

/// Observations without their targets, with the factor of their covariance.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct FactoredObservations {
    pub(super) covariance: Covariance,
    pub(super) features: Features,
    /// Number of observations that were factored at once.
    base: usize,
    /// Variance of the noise that the first observations have beyond that of all; the others have none.
    extra: Vec<f64>,
    ridge: f64,
    pub(super) factor: Cholesky,
}

impl Covariance {
    /// Features `x [n, d]`, scaled for each term.
    pub(super) fn features(&self, x: ArrayView2<'_, f32>) -> Features {
        let mut features = Features::new();
        self.features_into(x, &mut features);
        features
    }

    /// Writes [`features`](Self::features) to existing space.
    pub(super) fn features_into(&self, x: ArrayView2<'_, f32>, features: &mut Features) {
        features.resize_with(self.terms.len(), Default::default);
        for ((scaled, lengths), term) in features.iter_mut().zip(&self.terms) {
            let own = x.slice(s![.., term.columns.clone()]);
            fit_to(scaled, own.dim());
            lengths.clear();
            for (mut to, from) in scaled.rows_mut().into_iter().zip(own.rows()) {
                Zip::from(&mut to).and(&from).and(&term.scale).for_each(|to, value, by| *to = value * by);
                lengths.push(to.dot(&to));
            }
        }
    }

    /// Variance without noise, `[m]`.
    pub(super) fn variance(&self, features: &Features) -> Array1<f64> {
        let mut variance = Array1::zeros(count(features));
        for ((_, lengths), term) in features.iter().zip(&self.terms) {
            let of = |length: &f32| {
                term.variance
                    * match term.form {
                        Form::Kernel => 1.0,
                        Form::Linear => f64::from(*length),
                        Form::Intercept => f64::from(u8::from(*length > 0.0)),
                    }
            };
            variance += &lengths.iter().map(of).collect::<Array1<f64>>();
        }
        variance
    }

    /// Variance of a measurement, raised by a share.
    fn on_diagonal(&self, variance: f64, ridge: f64) -> f64 {
        variance * (1.0 + ridge) + self.noise + JITTER
    }

    /// Covariance `[a, b]` of two lists of features, without noise.
    pub(super) fn between(&self, a: &Features, b: &Features) -> Array2<f32> {
        let (mut k, mut products) = (Array2::zeros((0, 0)), Array2::zeros((0, 0)));
        self.between_into(a, b, &mut k, &mut products);
        k
    }

    /// Writes [`between`](Self::between) to `k` and resizes it; `products` is scratch space.
    pub(super) fn between_into(
        &self,
        a: &Features,
        b: &Features,
        k: &mut Array2<f32>,
        products: &mut Array2<f32>,
    ) {
        let shape = (count(a), count(b));
        // Row-major order, which `dot` does not guarantee.
        fit_to(k, shape);
        fit_to(products, shape);
        k.fill(0.0);
        for ((a, b), term) in a.iter().zip(b).zip(&self.terms) {
            general_mat_mul(1.0, &a.0, &b.0.t(), 0.0, products);
            for ((length, row), mut sums) in a.1.iter().zip(products.rows()).zip(k.rows_mut()) {
                match (row.as_slice(), sums.as_slice_mut()) {
                    (Some(row), Some(sums)) => self.add(term, *length, &b.1, row, sums),
                    _ => unreachable!("rows of row-major arrays are slices"),
                }
            }
        }
    }

    /// Adds a term's covariances of one observation with others to `sums`, from squared lengths and products.
    fn add(&self, term: &Term, length: f32, lengths: &[f32], products: &[f32], sums: &mut [f32]) {
        let variance = term.variance as f32;
        let each = sums.iter_mut().zip(products);
        match term.form {
            Form::Kernel => self.kernel.accumulate(variance, length, lengths, products, sums),
            Form::Linear => each.for_each(|(sum, product)| *sum += variance * product),
            // Numbers are equal if their squares are their product.
            Form::Intercept => each.zip(lengths).for_each(|((sum, product), other)| {
                if *product > 0.0 && [length, *other].iter().all(|own| own.to_bits() == product.to_bits()) {
                    *sum += variance;
                }
            }),
        }
    }

    /// The factor of the covariance of measurements at some features, whose noise beyond that of all is `extra [n]`.
    ///
    /// # Errors
    /// [`SurrogateError::Numeric`] if it is not positive definite.
    pub(super) fn factored(
        &self,
        features: &Features,
        extra: &[f64],
        ridge: f64,
    ) -> Result<Cholesky, SurrogateError> {
        let mut k = self.between(features, features).mapv(f64::from);
        k.diag_mut().assign(&self.variance(features).mapv(|v| self.on_diagonal(v, ridge)));
        k.diag_mut().iter_mut().zip(extra).for_each(|(k, extra)| *k += extra);
        Cholesky::of(k).ok_or_else(not_definite)
    }

    /// Covariances `[i + 1]` of observation `i` with those before it and itself. They do not depend on how many
    /// observations are computed at a time.
    fn row(&self, features: &Features, i: usize) -> Vec<f32> {
        let mut sums = vec![0.0; i + 1];
        let mut products = vec![0.0; i + 1];
        for ((x, lengths), term) in features.iter().zip(&self.terms) {
            let own = x.row(i);
            products.iter_mut().zip(x.rows()).for_each(|(product, row)| *product = row.dot(&own));
            self.add(term, lengths[i], &lengths[..=i], &products, &mut sums);
        }
        sums
    }
}

impl FactoredObservations {
    /// Factors observations with features `x [n, d]`: the first `base` at once, the others one by one. For a given
    /// base the result does not depend on how many were factored before the others arrived. `extra` is the variance of
    /// the noise that the first observations have beyond that of all.
    ///
    /// # Errors
    /// [`SurrogateError::Numeric`] if the covariance is not positive definite.
    pub(crate) fn of(
        covariance: &Covariance,
        x: &Array2<f32>,
        base: usize,
        extra: &[f64],
    ) -> Result<Self, SurrogateError> {
        let base = base.min(x.nrows());
        let features = covariance.features(x.slice(s![..base, ..]));
        let k = covariance.between(&features, &features).mapv(f64::from); // [n, n]
        let variance = covariance.variance(&features);
        let factored = RIDGES.into_iter().find_map(|ridge| {
            let mut k = k.clone();
            k.diag_mut().assign(&variance.mapv(|v| covariance.on_diagonal(v, ridge)));
            k.diag_mut().iter_mut().zip(extra).for_each(|(k, extra)| *k += extra);
            let factor = Cholesky::of(k)?;
            let (covariance, features, extra) = (covariance.clone(), features.clone(), extra.to_vec());
            Self { covariance, features, base, extra, ridge, factor }.extended(x)
        });
        factored.ok_or_else(not_definite)
    }

    /// These observations and those that follow them in `x [n, d]`, which has all, as `extra` does: the noise of these
    /// stays.
    ///
    /// # Errors
    /// As [`of`](Self::of).
    pub(crate) fn with(&self, x: &Array2<f32>, extra: &[f64]) -> Result<Self, SurrogateError> {
        let more = Self { extra: extra.to_vec(), ..self.clone() };
        more.extended(x).map_or_else(|| Self::of(&self.covariance, x, self.base, extra), Ok)
    }

    /// These observations, with other noise beyond that of all.
    ///
    /// # Errors
    /// As [`of`](Self::of).
    pub(super) fn with_extra(&self, extra: &[f64]) -> Result<Self, SurrogateError> {
        let every: Vec<usize> = (0..self.len()).collect();
        let ridges = RIDGES.into_iter().filter(|&ridge| ridge >= self.ridge);
        let mut factored = ridges.filter_map(|ridge| {
            let mut all = Self { extra: extra.to_vec(), ridge, ..self.clone() };
            all.factor = all.part(&every).ok()?;
            Some(all)
        });
        factored.next().ok_or_else(not_definite)
    }

    /// Number of observations that were factored at once.
    pub(crate) fn base(&self) -> usize {
        self.base
    }

    /// Number of observations.
    pub(crate) fn len(&self) -> usize {
        self.factor.len()
    }

    fn extended(self, x: &Array2<f32>) -> Option<Self> {
        let (n, m) = (self.len(), x.nrows());
        if n == m {
            return Some(self);
        }
        let features = self.covariance.features(x.view());
        let variance = self.covariance.variance(&features);
        let mut rows = Array2::zeros((m - n, m));
        for (i, mut row) in (n..m).zip(rows.rows_mut()) {
            let own = self.covariance.row(&features, i);
            row.iter_mut().zip(own).for_each(|(value, k)| *value = f64::from(k));
            row[i] = self.covariance.on_diagonal(variance[i], self.ridge) + self.extra(i);
        }
        Some(Self { factor: self.factor.extended(&rows)?, features, ..self })
    }

    /// The factor of some of the observations, with the same ridge as that of all.
    pub(super) fn part(&self, part: &[usize]) -> Result<Cholesky, SurrogateError> {
        let extra: Vec<f64> = part.iter().map(|&i| self.extra(i)).collect();
        self.covariance.factored(&rows_of(&self.features, part), &extra, self.ridge)
    }

    /// These observations and those that follow them in `x [n + k, d]`, which have this noise beyond that of all, `[k]`.
    ///
    /// # Errors
    /// As [`of`](Self::of).
    pub(super) fn grown(&self, x: &Array2<f32>, extra: &[f64]) -> Result<Self, SurrogateError> {
        let all: Vec<f64> = (0..self.len()).map(|i| self.extra(i)).chain(extra.iter().copied()).collect();
        self.with(x, &all)
    }

    /// Variance of the noise that an observation has beyond that of all.
    pub(super) fn extra(&self, i: usize) -> f64 {
        self.extra.get(i).copied().unwrap_or(0.0)
    }
}

/// Gives an array a shape in row-major order; its values are arbitrary afterwards.
pub(crate) fn fit_to(array: &mut Array2<f32>, shape: (usize, usize)) {
    if array.dim() != shape {
        *array = Array2::zeros(shape);
    }
}

/// The features of some rows.
pub(super) fn rows_of(features: &Features, rows: &[usize]) -> Features {
    let pick = |(x, lengths): &(Array2<f32>, Vec<f32>)| {
        (x.select(Axis(0), rows), rows.iter().map(|&i| lengths[i]).collect())
    };
    features.iter().map(pick).collect()
}

/// Number of rows.
pub(super) fn count(features: &Features) -> usize {
    features.first().map_or(0, |f| f.0.nrows())
}

fn not_definite() -> SurrogateError {
    SurrogateError::numeric(
        "gaussian process",
        "the covariance is not positive definite: are features finite?",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covariance(kernel: Kernel, variance: f64, noise: f64) -> Covariance {
        let term = |columns, form| Term { columns, scale: Array1::from_elem(2, 2.0), variance, form };
        Covariance { kernel, terms: vec![term(0..2, Form::Kernel), term(1..3, Form::Linear)], noise }
    }

    fn grows_the_same(covariance: &Covariance, x: &Array2<f32>) -> FactoredObservations {
        let (first, extra) = (|n: usize| x.slice(s![..n, ..]).to_owned(), [0.5, 0.25]);
        let all = FactoredObservations::of(covariance, x, 20, &extra).unwrap();
        let mut grown = FactoredObservations::of(covariance, &first(20), 20, &extra).unwrap();
        assert_eq!(grown.ridge, 0.0);
        for n in [21, 33, 70, 90] {
            grown = grown.with(&first(n), &extra).unwrap();
            assert_eq!(grown.len(), n);
        }
        assert_eq!(grown.factor.lower(), all.factor.lower());
        assert_eq!(grown.ridge, all.ridge);
        all
    }

    /// However many come at a time the factor is the same to the bit, and nearly that of all at once.
    #[test]
    fn observations_that_come_later() {
        let x = Array2::from_shape_fn((90, 3), |(i, j)| 0.2 * ((i * 7 + j * 3) % 23) as f32);
        let covariance = covariance(Kernel::Matern32, 0.5, 0.1);
        let all = grows_the_same(&covariance, &x);
        assert_eq!(all.ridge, 0.0);
        let apart = FactoredObservations::of(&covariance, &x, 90, &[0.5, 0.25]).unwrap().factor.lower()
            - all.factor.lower();
        assert!(apart.iter().all(|d| d.abs() < 1e-4));
    }

    /// Observations that are nearly the same and without noise come later: rounding makes a ridge necessary.
    #[test]
    fn a_ridge_on_the_way() {
        let x = Array2::from_shape_fn((90, 3), |(i, j)| match i {
            0..20 => (i + 40 * j) as f32,
            _ => 1e-3 * ((i * 7 + j * 3) % 23) as f32,
        });
        assert!(grows_the_same(&covariance(Kernel::Rbf, 500.0, 1e-12), &x).ridge > 0.0);
    }
}
