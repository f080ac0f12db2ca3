//! The posterior of a Gaussian process with known hyper-parameters.

mod basis;
mod intercepts;
mod later;

use std::sync::{Arc, OnceLock};

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, linalg::general_mat_mul, s};

use super::factored::{Covariance, FactoredObservations, Features, fit_to, rows_of};
use super::inducing::{Conditioned, Inducing};
use super::outliers::LeftOut;
use super::subset::{LAST, spread};
use crate::SurrogateError;
use crate::chunks::CHUNK;
use basis::Basis;
pub(crate) use later::Later;

/// Most observations that the variance at a candidate is conditioned on.
const VARIANCE_LIMIT: usize = 400;

/// The share of its covariance with observations that is left to an architecture with this many operations that none
/// of them has: `e⁻ᵏ`. So its posterior goes back to the prior, where columns of such operations, which are constant
/// among the observations, would say nothing.
pub(crate) fn share(unseen: usize) -> f32 {
    (-(unseen as f32)).exp()
}

/// Scratch space for predictions.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    features: Features,
    k: Array2<f32>,
    products: Array2<f32>,
    white: Array2<f32>,
}

/// A Gaussian process conditioned on observations.
///
/// Covariances, and with them the variances of single candidates, are in single precision (about 1e-6 of the
/// variance). The factor, means and joint posteriors are computed from them in double precision. Means use all
/// observations. Variances of single candidates use at most 400 observations, which bounds them from above: the
/// 200 with the highest targets, and 200 spread evenly over the others by target.
///
/// A process of many observations can go through inducing points ([`through_points`](Self::through_points)).
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Process {
    basis: Basis,
    /// Weights of the covariances with the basis in the mean, `K⁻¹ z` for all observations.
    alpha: Array1<f64>,
    /// The points of the basis that variances are conditioned on; `None` for all.
    part: Option<Vec<usize>>,
    /// `L⁻¹` of these observations, lower triangular.
    whitener: Array2<f32>,
    targets: Array1<f64>,
    /// The first observation that is predicted from the others.
    first: usize,
    /// Leave-one-out predictions, once they are asked for.
    #[serde(skip)]
    left_out: OnceLock<(Array1<f64>, Array1<f64>)>,
}

impl Process {
    /// Conditions on the targets `[n]` of observations with features `x [n, d]` exactly.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    #[cfg(test)]
    pub(crate) fn exact(
        covariance: &Covariance,
        x: &Array2<f32>,
        extra: &[f64],
        targets: Array1<f64>,
    ) -> Result<Self, SurrogateError> {
        Self::new(Arc::new(FactoredObservations::of(covariance, x, x.nrows(), extra)?), targets)
    }

    /// Conditions on the targets `[n]` of many observations with features `x [n, d]` through inducing points. `extra` is
    /// the variance of the noise that the first observations have beyond that of all; those from `first` on that do not
    /// fit the others have more, as by [`without_outliers`](Self::without_outliers).
    ///
    /// # Errors
    /// [`SurrogateError::Numeric`] if a covariance is not positive definite.
    pub(crate) fn through_points(
        covariance: &Covariance,
        x: &Array2<f32>,
        extra: &[f64],
        targets: Array1<f64>,
        first: usize,
    ) -> Result<Self, SurrogateError> {
        let extra: Vec<f64> = (0..targets.len()).map(|i| extra.get(i).copied().unwrap_or(0.0)).collect();
        let process = Self::of_points(Inducing::condition(covariance, x, &targets, extra, first)?, targets)?;
        match process.outliers(first) {
            None => Ok(process),
            Some(extra) => {
                let conditioned = Inducing::condition(covariance, x, &process.targets, extra, first)?;
                Self::of_points(conditioned, process.targets)
            }
        }
    }

    fn of_points(conditioned: Conditioned, targets: Array1<f64>) -> Result<Self, SurrogateError> {
        let Conditioned { inducing, positions, alpha, left_out } = conditioned;
        let points: Array1<f64> = positions.iter().map(|&i| targets[i]).collect();
        let part = spread(&points, VARIANCE_LIMIT).unwrap_or_else(|| (0..points.len()).collect());
        let chosen = rows_of(&inducing.features, &part);
        let noise: Vec<f64> = part.iter().map(|&i| inducing.extra[positions[i]]).collect();
        let whitener = inducing.covariance.factored(&chosen, &noise, 0.0)?.inverse_lower().mapv(|v| v as f32);
        let first = targets.len() - left_out.0.len();
        let (basis, part) = (Basis::Points(Box::new(inducing)), Some(part));
        Ok(Self { basis, alpha, part, whitener, targets, first, left_out: OnceLock::from(left_out) })
    }

    /// Conditions on the targets `[n]` of the observations.
    ///
    /// # Errors
    /// [`SurrogateError::Numeric`] if the covariance of a part of the observations is not positive definite.
    pub(crate) fn new(
        observed: Arc<FactoredObservations>,
        targets: Array1<f64>,
    ) -> Result<Self, SurrogateError> {
        let part = spread(&targets, VARIANCE_LIMIT);
        Self::on(observed, targets, part)
    }

    /// Conditions on the targets `[n]`; the observations that variances are conditioned on, `None` for all.
    fn on(
        observed: Arc<FactoredObservations>,
        targets: Array1<f64>,
        part: Option<Vec<usize>>,
    ) -> Result<Self, SurrogateError> {
        let alpha = observed.factor.solve(targets.view());
        let inverse = match &part {
            None => observed.factor.inverse_lower(),
            Some(part) => observed.part(part)?.inverse_lower(),
        };
        let whitener = inverse.mapv(|v| v as f32);
        let (basis, first, left_out) =
            (Basis::All(observed), targets.len().saturating_sub(LAST), OnceLock::new());
        Ok(Self { basis, alpha, part, whitener, targets, first, left_out })
    }

    /// This process, in which the observations from `first` on that do not fit the others have more noise than the
    /// others.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub(crate) fn without_outliers(mut self, first: usize) -> Result<Self, SurrogateError> {
        self.first = self.first.min(first);
        match (self.outliers(first), &self.basis) {
            (Some(extra), Basis::All(observed)) => {
                let process = Self::new(Arc::new(observed.with_extra(&extra)?), self.targets)?;
                Ok(Self { first: self.first, ..process })
            }
            _ => Ok(self),
        }
    }

    /// The noise of all observations beyond that of all, once the outliers from `first` on are found; none if there are
    /// none.
    fn outliers(&self, first: usize) -> Option<Vec<f64>> {
        let n = self.targets.len();
        let skip = self.first;
        let (means, variances) = self.leave_one_out();
        let noise = self.noise();
        let mut extra: Vec<f64> = (0..n).map(|i| self.basis.extra(i)).collect();
        let mut found = false;
        for i in first.max(skip)..n {
            // Noise that it has already is known.
            let left = LeftOut { mean: means[i - skip], variance: variances[i - skip] };
            let own = noise + extra[i];
            let more = left.extra_noise(self.targets[i], own);
            // What fits leaves the factor as it is, so that it can grow.
            if more > own {
                extra[i] += more;
                found = true;
            }
        }
        found.then_some(extra)
    }

    /// The targets `[n]` of the observations.
    pub(crate) fn targets(&self) -> &Array1<f64> {
        &self.targets
    }

    /// The share of each observation that is predicted from the others that is information and not noise of its own: 1, or
    /// less for an observation that does not fit the others (`outlier_noise`).
    pub(crate) fn trust(&self) -> Array1<f64> {
        let noise = self.noise();
        (self.first..self.targets.len()).map(|i| noise / (noise + self.basis.extra(i))).collect()
    }

    /// Variance of the noise.
    pub(crate) fn noise(&self) -> f64 {
        self.basis.covariance().noise
    }

    /// Means and variances `[m]` at `x [m, d]`, without noise.
    #[cfg(test)]
    pub(crate) fn predict(&self, x: &Array2<f32>) -> (Vec<f64>, Vec<f64>) {
        self.predict_akin(x, &[], &mut Scratch::default())
    }

    /// Means and variances `[m]` at `x [m, d]`, without noise, with existing scratch space, for candidates whose covariance
    /// with every observation is a share of what their features say, as by a further kernel; without shares it is all
    /// of it.
    pub(crate) fn predict_akin(
        &self,
        x: &Array2<f32>,
        shares: &[f32],
        scratch: &mut Scratch,
    ) -> (Vec<f64>, Vec<f64>) {
        let covariance = self.basis.covariance();
        let (mut means, mut variances) = (Vec::with_capacity(x.nrows()), Vec::with_capacity(x.nrows()));
        let Scratch { features, k, products, white } = scratch;
        for start in (0..x.nrows()).step_by(CHUNK) {
            covariance.features_into(x.slice(s![start..(start + CHUNK).min(x.nrows()), ..]), features);
            covariance.between_into(features, self.basis.features(), k, products); // [m, n]
            k.rows_mut()
                .into_iter()
                .zip(shares.iter().skip(start))
                .for_each(|(mut row, &share)| row *= share);
            means.extend(k.rows().into_iter().map(|row| weighted_sum(row, &self.alpha)));
            match &self.part {
                None => whiten(&self.whitener, k.view(), white), // [n, m]
                Some(part) => whiten(&self.whitener, k.select(Axis(1), part).view(), white),
            }
            let mut known = Array1::<f32>::zeros(white.ncols());
            white.rows().into_iter().for_each(|row| known.zip_mut_with(&row, |sum, v| *sum += v * v));
            let left = |(before, &known): (&f64, &f32)| (before - f64::from(known)).max(1e-6 * before);
            variances.extend(covariance.variance(features).iter().zip(&known).map(left));
        }
        (means, variances)
    }

    /// Means `[m]` and covariance `[m, m]` at `x [m, d]`, without noise, conditioned on all observations, for candidates
    /// with shares, as [`predict_akin`](Self::predict_akin) takes them. What a candidate does not share with the
    /// observations it shares with no other candidate. Also the largest prior variance, to which rounding errors are
    /// proportional.
    pub(crate) fn joint_akin(&self, x: &Array2<f32>, shares: &[f32]) -> (Vec<f64>, Array2<f64>, f64) {
        let covariance = self.basis.covariance();
        let features = covariance.features(x.view());
        let k = covariance.between(&features, self.basis.features()).mapv(f64::from);
        let mut posterior = match &self.basis {
            Basis::All(observed) => {
                let white = observed.factor.solve_lower(k.t().as_standard_layout().into_owned());
                covariance.between(&features, &features).mapv(f64::from) - white.t().dot(&white)
            }
            Basis::Points(inducing) => inducing.joint(&features),
        };
        let variances = covariance.variance(&features);
        let prior = variances.iter().copied().fold(0.0, f64::max);
        let mut means = k.dot(&self.alpha).to_vec();
        for (i, share) in shares.iter().map(|&share| f64::from(share)).enumerate() {
            means[i] *= share;
            posterior.row_mut(i).mapv_inplace(|v| v * share);
            posterior.column_mut(i).mapv_inplace(|v| v * share);
            posterior[[i, i]] += (1.0 - share * share) * variances[i];
        }
        (means, posterior, prior)
    }

    /// Leave-one-out means and variances of the last observations, noise included (Rasmussen and Williams, equation
    /// 5.12): the last 400, or all in which outliers were looked for.
    pub(crate) fn leave_one_out(&self) -> &(Array1<f64>, Array1<f64>) {
        self.left_out.get_or_init(|| match &self.basis {
            Basis::All(observed) => self.left_out_of(observed),
            // Known from the start.
            Basis::Points(_) => (Array1::zeros(0), Array1::zeros(0)),
        })
    }

    fn left_out_of(&self, observed: &FactoredObservations) -> (Array1<f64>, Array1<f64>) {
        let skip = self.first;
        let mut precision = Array1::<f64>::zeros(self.targets.len() - skip);
        // Below `skip` the inverse of the factor is the inverse of its trailing part.
        let inverse = match skip {
            0 => observed.factor.inverse_lower(),
            _ => observed.factor.trailing(skip).inverse_lower(),
        };
        for row in inverse.rows() {
            precision.zip_mut_with(&row, |sum, v| *sum += v * v);
        }
        let (targets, alpha) = (self.targets.slice(s![skip..]), self.alpha.slice(s![skip..]));
        (&targets - &(&alpha / &precision), precision.mapv(f64::recip))
    }
}

/// `Σ kᵢ wᵢ` in double precision, with eight partial sums.
fn weighted_sum(k: ArrayView1<'_, f32>, weights: &Array1<f64>) -> f64 {
    let (Some(k), Some(weights)) = (k.as_slice(), weights.as_slice()) else {
        return k.iter().zip(weights).map(|(&k, w)| f64::from(k) * w).sum();
    };
    let (k, weights) = (k.chunks_exact(8), weights.chunks_exact(8));
    let rest: f64 = k.remainder().iter().zip(weights.remainder()).map(|(&k, w)| f64::from(k) * w).sum();
    let mut sums = [0.0; 8];
    for (k, w) in k.zip(weights) {
        for (sum, (&k, w)) in sums.iter_mut().zip(k.iter().zip(w)) {
            *sum += f64::from(k) * w;
        }
    }
    sums.iter().sum::<f64>() + rest
}

/// Writes `L⁻¹ kᵀ [n, m]` for covariances `k [m, n]` to `white`; skips what is zero above the diagonal of `L⁻¹`.
fn whiten(whitener: &Array2<f32>, k: ArrayView2<'_, f32>, white: &mut Array2<f32>) {
    const ROWS: usize = 32;
    let (m, n) = k.dim();
    fit_to(white, (n, m));
    for start in (0..n).step_by(ROWS) {
        let end = (start + ROWS).min(n);
        let rows = whitener.slice(s![start..end, ..end]);
        let mut target = white.slice_mut(s![start..end, ..]);
        general_mat_mul(1.0, &rows, &k.slice(s![.., ..end]).t(), 0.0, &mut target);
    }
}

#[cfg(test)]
pub(super) mod tests {
    use ndarray::array;

    use super::super::objective::JITTER;
    use super::super::{Covariance, Form, Kernel, Term};
    use super::*;

    pub(super) fn with_terms(terms: Vec<Term>, noise: f64, x: &Array2<f32>, z: Array1<f64>) -> Process {
        let covariance = Covariance { kernel: Kernel::Rbf, terms, noise };
        Process::new(Arc::new(FactoredObservations::of(&covariance, x, x.nrows(), &[]).unwrap()), z).unwrap()
    }

    pub(super) fn term(column: usize) -> Term {
        Term { columns: column..column + 1, scale: array![2.0], variance: 0.5, form: Form::Kernel }
    }

    pub(super) fn process(x: &Array2<f32>, z: Array1<f64>) -> Process {
        with_terms(vec![term(0), term(1)], 0.25, x, z)
    }

    /// One observation: mean `k z / (1 + σ²)`, variance `1 - k² / (1 + σ²)`.
    #[test]
    fn one_observation_by_hand() {
        let process = process(&array![[0.0, 0.0]], array![2.0]);
        let (mean, variance) = process.predict(&array![[0.5, 0.0], [0.0, 0.0], [99.0, 99.0]]);
        let noisy = 1.25 + JITTER;
        // κ at distance 2 · 0.5 is e^(-1/2).
        let k = 0.5 * (-0.5f64).exp() + 0.5;
        for (i, k) in [(0, k), (1, 1.0), (2, 0.0)] {
            assert!((mean[i] - k * 2.0 / noisy).abs() < 1e-6);
            assert!((variance[i] - (1.0 - k * k / noisy)).abs() < 1e-6);
        }
        let (mean, variance) = process.leave_one_out();
        assert!(mean[0].abs() < 1e-6 && (variance[0] - noisy).abs() < 1e-6);
    }

    /// Two observations with covariance `[[c, b], [b, c]]`, whose inverse is `[[c, -b], [-b, c]]`
    /// over `c² - b²`.
    #[test]
    fn two_observations_by_hand() {
        let process = process(&array![[0.0, 0.0], [0.5, 0.0]], array![1.0, -1.0]);
        let (b, c) = (0.5 * (-0.5f64).exp() + 0.5, 1.25 + JITTER);
        let (mean, variance) = process.predict(&array![[0.0, 0.0]]);
        let determinant = c * c - b * b;
        assert!((mean[0] - (c + b - b * (c + b)) / determinant).abs() < 1e-6);
        let known = (c - 2.0 * b * b + b * b * c) / determinant;
        assert!((variance[0] - (1.0 - known)).abs() < 1e-6);
        let (mean, variance) = process.leave_one_out();
        assert!((mean[0] - -b / c).abs() < 1e-6 && (variance[0] - (c - b * b / c)).abs() < 1e-6);
    }

    /// A linear term alone: the slope `b ~ N(0, v)` has the posterior mean `Σxz / (Σx² + σ²/v)` and the
    /// variance `σ² / (Σx² + σ²/v)`.
    #[test]
    fn a_linear_term_is_bayesian_regression() {
        let term = Term { columns: 1..2, scale: array![1.0], variance: 4.0, form: Form::Linear };
        let x = array![[9.0, 1.0], [9.0, -2.0], [9.0, 0.5]];
        let process = with_terms(vec![term], 0.25, &x, array![1.0, -1.5, 1.0]);
        let noise = 0.25 + JITTER;
        let precision = 5.25 + noise / 4.0;
        let at = array![[0.0, 3.0], [0.0, 0.0]];
        let (mean, variance) = process.predict(&at);
        assert!((mean[0] - 3.0 * 4.5 / precision).abs() < 1e-4 && mean[1].abs() < 1e-6);
        assert!((variance[0] - 9.0 * noise / precision).abs() < 1e-4 && variance[1].abs() < 1e-6);
        let (joint, covariance, _) = process.joint_akin(&at, &[]);
        assert!((joint[0] - mean[0]).abs() < 1e-5 && (covariance[[0, 0]] - variance[0]).abs() < 1e-4);
    }

    #[test]
    fn joint_and_single_posteriors_agree_across_chunks() {
        let x = Array2::from_shape_fn((150, 2), |(i, j)| ((i * 7 + j * 3) % 23) as f32 / 10.0);
        let process = process(&x, (0..150).map(|i| (i as f64).sin()).collect());
        let at = Array2::from_shape_fn((CHUNK + 3, 2), |(i, j)| ((i * 5 + j) % 31) as f32 / 15.0);
        let (mean, variance) = process.predict(&at);
        let (joint, covariance, _) = process.joint_akin(&at, &[]);
        for i in 0..at.nrows() {
            assert!((mean[i] - joint[i]).abs() < 1e-4, "{i}");
            assert!((variance[i] - covariance[[i, i]]).abs() < 1e-4, "{i}");
        }
    }

    /// Beyond the limit means take all observations still, and variances are bounded from above.
    #[test]
    fn many_observations_are_bounded_from_above() {
        let n = VARIANCE_LIMIT + 50;
        let x = Array2::from_shape_fn((n, 2), |(i, j)| ((i * 7 + j * 13) % 101) as f32 / 25.0);
        let process = process(&x, (0..n).map(|i| (0.1 * i as f64).sin()).collect());
        let at = Array2::from_shape_fn((20, 2), |(i, j)| ((i * 5 + j) % 31) as f32 / 7.0);
        let (mean, variance) = process.predict(&at);
        let (exact_mean, covariance, _) = process.joint_akin(&at, &[]);
        for i in 0..20 {
            assert!((mean[i] - exact_mean[i]).abs() < 1e-4, "{i}");
            let exact = covariance[[i, i]];
            assert!((exact - 1e-4..2.0 * exact + 0.02).contains(&variance[i]), "{} {exact}", variance[i]);
        }
    }

    /// The last 400 of `z - K⁻¹z / diag K⁻¹`, whose variances are `1 / diag K⁻¹`.
    #[test]
    fn the_last_are_predicted_from_all_others() {
        let n = LAST + 50;
        let x = Array2::from_shape_fn((n, 2), |(i, j)| ((i * 7 + j * 13) % 101) as f32 / 25.0);
        let process = process(&x, (0..n).map(|i| (0.1 * i as f64).sin()).collect());
        let (means, variances) = process.leave_one_out();
        assert_eq!((means.len(), variances.len()), (LAST, LAST));
        let Basis::All(observed) = &process.basis else { unreachable!("few observations") };
        let inverse = observed.factor.inverse();
        for i in 50..n {
            let precision = inverse[[i, i]];
            let mean = process.targets[i] - process.alpha[i] / precision;
            assert!((means[i - 50] - mean).abs() < 1e-9, "{i}");
            assert!((variances[i - 50] * precision - 1.0).abs() < 1e-9, "{i}");
        }
    }

    /// Hundreds of nearly equal observations without noise: rounding must not stop a study.
    #[test]
    fn rounding_is_outweighed() {
        let x = Array2::from_shape_fn((400, 2), |(i, j)| 1e-3 * ((i * 7 + j * 3) % 23) as f32);
        let z = (0..400).map(|i| f64::from(i % 23)).collect();
        let process = with_terms(vec![term(0), term(1)], 1e-12, &x, z);
        assert!(process.predict(&x).0.iter().all(|mean| mean.is_finite()));
    }
}
