//! The posterior of a Gaussian process with known hyper-parameters.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, linalg::general_mat_mul, s};

use super::objective::JITTER;
use super::{Cholesky, Kernel};
use crate::SurrogateError;

/// Candidates a pass: their covariances stay in the cache.
pub(crate) const CHUNK: usize = 512;

/// Most observations that the variance at a candidate is conditioned on.
const VARIANCE_LIMIT: usize = 400;

/// One block of the kernel at known hyper-parameters.
#[derive(Clone, Debug)]
pub(crate) struct Term {
    /// Its columns, out of those of the observations.
    pub(crate) columns: Vec<usize>,
    /// What each of them is multiplied by.
    pub(crate) scale: Array1<f32>,
    /// Variance; of a linear term that of its slopes.
    pub(crate) variance: f64,
    /// Whether it is a linear function of its columns in place of the kernel.
    pub(crate) linear: bool,
}

impl Term {
    fn features(&self, x: ArrayView2<'_, f32>) -> Array2<f32> {
        let mut features = Array2::zeros((x.nrows(), self.columns.len()));
        for (row, mut target) in x.rows().into_iter().zip(features.rows_mut()) {
            for ((value, &column), scale) in target.iter_mut().zip(&self.columns).zip(&self.scale) {
                *value = row[column] * scale;
            }
        }
        features
    }
}

/// A Gaussian process that has seen its observations.
///
/// Covariances with candidates are worked out in single precision (about 1e-6 of the variance),
/// all else in double. Means take all observations. Variances of single candidates take at most 400,
/// which bounds them from above: the 200 of the highest targets and 200 that are spread evenly
/// over the others by target.
#[derive(Debug)]
pub(crate) struct Process {
    kernel: Kernel,
    terms: Vec<Term>,
    /// For every term the observations' features `[n, d]` and their squared lengths `[n]`.
    seen: Vec<(Array2<f32>, Array1<f32>)>,
    cholesky: Cholesky,
    /// `K⁻¹ z`.
    alpha: Array1<f64>,
    /// The observations that variances are conditioned on, if not all.
    part: Option<Vec<usize>>,
    /// `L⁻¹` of these, lower triangular.
    whitener: Array2<f32>,
    targets: Array1<f64>,
    noise: f64,
}

impl Process {
    /// Conditions on targets `[n]` at features `x [n, d]`, measured with variance `noise`.
    pub(crate) fn new(
        kernel: Kernel,
        terms: Vec<Term>,
        noise: f64,
        x: &Array2<f32>,
        targets: Array1<f64>,
    ) -> Result<Self, SurrogateError> {
        let seen: Vec<_> = terms.iter().map(|term| with_lengths(term.features(x.view()))).collect();
        let mut process = Self {
            kernel,
            terms,
            seen,
            cholesky: Cholesky::of(Array2::eye(0)).ok_or_else(not_definite)?,
            alpha: Array1::zeros(0),
            part: None,
            whitener: Array2::zeros((0, 0)),
            targets,
            noise,
        };
        let mut k = process.covariance(&process.seen, &process.seen).mapv(f64::from); // [n, n]
        // Rounding in single precision can outweigh a tiny noise where there are many observations.
        let variance = process.variance(&process.seen);
        let factor = |ridge: f64| {
            k.diag_mut().assign(&variance.mapv(|v| v * (1.0 + ridge) + noise + JITTER));
            Cholesky::of(k.clone())
        };
        let factored = [0.0, 1e-5, 1e-4, 1e-3, 1e-2].into_iter().find_map(factor);
        process.cholesky = factored.ok_or_else(not_definite)?;
        process.alpha = process.cholesky.solve(process.targets.view());
        process.part = spread(&process.targets, VARIANCE_LIMIT);
        let inverse = match &process.part {
            None => process.cholesky.inverse_lower(),
            // Its diagonal has the ridge that was needed for all.
            Some(part) => {
                let own = k.select(Axis(0), part).select(Axis(1), part);
                Cholesky::of(own).ok_or_else(not_definite)?.inverse_lower()
            }
        };
        process.whitener = inverse.mapv(|v| v as f32);
        Ok(process)
    }

    /// The targets that it has seen, `[n]`.
    pub(crate) fn targets(&self) -> &Array1<f64> {
        &self.targets
    }

    /// Variance of the noise.
    pub(crate) fn noise(&self) -> f64 {
        self.noise
    }

    /// Means and variances `[m]` of what is measured at `x [m, d]` without noise.
    pub(crate) fn predict(&self, x: &Array2<f32>) -> (Vec<f64>, Vec<f64>) {
        let (mut means, mut variances) = (Vec::with_capacity(x.nrows()), Vec::with_capacity(x.nrows()));
        for start in (0..x.nrows()).step_by(CHUNK) {
            let rows = x.slice(s![start..(start + CHUNK).min(x.nrows()), ..]);
            let features = self.features(rows);
            let k = self.covariance(&features, &self.seen); // [m, n]
            means.extend(k.rows().into_iter().map(|row| weighted_sum(row, &self.alpha)));
            let white = match &self.part {
                None => whiten(&self.whitener, k.view()), // [n, m]
                Some(part) => whiten(&self.whitener, k.select(Axis(1), part).view()),
            };
            let mut known = Array1::<f32>::zeros(white.ncols());
            white.rows().into_iter().for_each(|row| known.zip_mut_with(&row, |sum, v| *sum += v * v));
            let left = |(before, &known): (&f64, &f32)| (before - f64::from(known)).max(1e-6 * before);
            variances.extend(self.variance(&features).iter().zip(&known).map(left));
        }
        (means, variances)
    }

    /// Means `[m]` and covariance `[m, m]` at `x [m, d]` without noise, conditioned on all observations; and the
    /// largest variance before any, which rounding errors are in proportion to.
    pub(crate) fn joint(&self, x: &Array2<f32>) -> (Vec<f64>, Array2<f64>, f64) {
        let features = self.features(x.view());
        let k = self.covariance(&features, &self.seen);
        let white = match &self.part {
            None => whiten(&self.whitener, k.view()),
            Some(_) => whiten(&self.cholesky.inverse_lower().mapv(|v| v as f32), k.view()),
        };
        let mut covariance = self.covariance(&features, &features);
        covariance -= &white.t().dot(&white);
        let mean = k.mapv(f64::from).dot(&self.alpha).to_vec();
        let prior = self.variance(&features).iter().copied().fold(0.0, f64::max);
        (mean, covariance.mapv(f64::from), prior)
    }

    /// What each target would have been predicted as from all others: means and variances `[n]`,
    /// noise included (Rasmussen and Williams, equation 5.12).
    pub(crate) fn leave_one_out(&self) -> (Array1<f64>, Array1<f64>) {
        let mut precision = Array1::<f64>::zeros(self.targets.len());
        for row in self.cholesky.inverse_lower().rows() {
            precision.zip_mut_with(&row, |sum, v| *sum += v * v);
        }
        (&self.targets - &(&self.alpha / &precision), precision.mapv(f64::recip))
    }

    fn features(&self, x: ArrayView2<'_, f32>) -> Vec<(Array2<f32>, Array1<f32>)> {
        self.terms.iter().map(|term| with_lengths(term.features(x))).collect()
    }

    /// Variance before anything is seen, `[m]`, at features, one a term.
    fn variance(&self, features: &[(Array2<f32>, Array1<f32>)]) -> Array1<f64> {
        let mut variance = Array1::zeros(features.first().map_or(0, |f| f.0.nrows()));
        for ((_, lengths), term) in features.iter().zip(&self.terms) {
            let of = |length: &f32| term.variance * if term.linear { f64::from(*length) } else { 1.0 };
            variance += &lengths.map(of);
        }
        variance
    }

    /// Covariance `[a, b]` of two lists of features, one a term.
    fn covariance(&self, a: &[(Array2<f32>, Array1<f32>)], b: &[(Array2<f32>, Array1<f32>)]) -> Array2<f32> {
        let rows = |list: &[(Array2<f32>, Array1<f32>)]| list.first().map_or(0, |f| f.0.nrows());
        let mut k = Array2::zeros((rows(a), rows(b)));
        for ((a, b), term) in a.iter().zip(b).zip(&self.terms) {
            // In row-major order, which `dot` does not promise.
            let mut distance = Array2::zeros(k.raw_dim());
            general_mat_mul(1.0, &a.0, &b.0.t(), 0.0, &mut distance);
            if term.linear {
                k.scaled_add(term.variance as f32, &distance);
                continue;
            }
            for (i, mut row) in distance.rows_mut().into_iter().enumerate() {
                row.zip_mut_with(&b.1, |d, length| *d = a.1[i] + length - 2.0 * *d);
            }
            if let (Some(distance), Some(sums)) = (distance.as_slice(), k.as_slice_mut()) {
                self.kernel.accumulate(term.variance as f32, distance, sums);
            }
        }
        k
    }
}

/// `Σ kᵢ wᵢ` in double precision, eight sums at a time.
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

/// `L⁻¹ kᵀ [n, m]` for covariances `k [m, n]`; what stands above the diagonal of `L⁻¹` is skipped.
fn whiten(whitener: &Array2<f32>, k: ArrayView2<'_, f32>) -> Array2<f32> {
    const ROWS: usize = 128;
    let (m, n) = k.dim();
    let mut white = Array2::zeros((n, m));
    for start in (0..n).step_by(ROWS) {
        let end = (start + ROWS).min(n);
        let rows = whitener.slice(s![start..end, ..end]);
        let mut target = white.slice_mut(s![start..end, ..]);
        general_mat_mul(1.0, &rows, &k.slice(s![.., ..end]).t(), 0.0, &mut target);
    }
    white
}

/// The `limit / 2` places of the highest targets and `limit / 2` spread evenly over the others in order
/// of their targets, rising; none if there are at most `limit` in all.
fn spread(targets: &Array1<f64>, limit: usize) -> Option<Vec<usize>> {
    let n = targets.len();
    if n <= limit {
        return None;
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&a, &b| targets[b].total_cmp(&targets[a]));
    let (top, others) = order.split_at(limit / 2);
    let count = limit - top.len();
    let mut part = top.to_vec();
    part.extend((0..count).map(|i| others[i * others.len() / count]));
    part.sort_unstable();
    Some(part)
}

fn with_lengths(features: Array2<f32>) -> (Array2<f32>, Array1<f32>) {
    let lengths = features.rows().into_iter().map(|row| row.dot(&row)).collect();
    (features, lengths)
}

fn not_definite() -> SurrogateError {
    SurrogateError::numeric(
        "gaussian process",
        "the covariance is not positive definite: are features finite?",
    )
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    fn process(x: &Array2<f32>, z: Array1<f64>) -> Process {
        let term = |column| Term { columns: vec![column], scale: array![2.0], variance: 0.5, linear: false };
        Process::new(Kernel::Rbf, vec![term(0), term(1)], 0.25, x, z).unwrap()
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
        let term = Term { columns: vec![1], scale: array![1.0], variance: 4.0, linear: true };
        let x = array![[9.0, 1.0], [9.0, -2.0], [9.0, 0.5]];
        let process = Process::new(Kernel::Rbf, vec![term], 0.25, &x, array![1.0, -1.5, 1.0]).unwrap();
        let noise = 0.25 + JITTER;
        let precision = 5.25 + noise / 4.0;
        let at = array![[0.0, 3.0], [0.0, 0.0]];
        let (mean, variance) = process.predict(&at);
        assert!((mean[0] - 3.0 * 4.5 / precision).abs() < 1e-4 && mean[1].abs() < 1e-6);
        assert!((variance[0] - 9.0 * noise / precision).abs() < 1e-4 && variance[1].abs() < 1e-6);
        let (joint, covariance, _) = process.joint(&at);
        assert!((joint[0] - mean[0]).abs() < 1e-5 && (covariance[[0, 0]] - variance[0]).abs() < 1e-4);
    }

    #[test]
    fn joint_and_single_posteriors_agree_across_chunks() {
        let x = Array2::from_shape_fn((150, 2), |(i, j)| ((i * 7 + j * 3) % 23) as f32 / 10.0);
        let process = process(&x, (0..150).map(|i| (i as f64).sin()).collect());
        let at = Array2::from_shape_fn((CHUNK + 3, 2), |(i, j)| ((i * 5 + j) % 31) as f32 / 15.0);
        let (mean, variance) = process.predict(&at);
        let (joint, covariance, _) = process.joint(&at);
        for i in 0..at.nrows() {
            assert!((mean[i] - joint[i]).abs() < 1e-4, "{i}");
            assert!((variance[i] - covariance[[i, i]]).abs() < 1e-4, "{i}");
        }
    }

    #[test]
    fn the_best_and_a_spread_of_the_others_by_hand() {
        let targets = array![0.0, 9.0, 1.0, 2.0, 8.0, 3.0, 4.0];
        assert_eq!(spread(&targets, 7), None);
        // 9 and 8, and of 4, 3, 2, 1, 0 the first and the third.
        assert_eq!(spread(&targets, 4), Some(vec![1, 3, 4, 6]));
    }

    /// Beyond the limit means take all observations still, and variances are bounded from above.
    #[test]
    fn many_observations_are_bounded_from_above() {
        let n = VARIANCE_LIMIT + 50;
        let x = Array2::from_shape_fn((n, 2), |(i, j)| ((i * 7 + j * 13) % 101) as f32 / 25.0);
        let process = process(&x, (0..n).map(|i| (0.1 * i as f64).sin()).collect());
        let at = Array2::from_shape_fn((20, 2), |(i, j)| ((i * 5 + j) % 31) as f32 / 7.0);
        let (mean, variance) = process.predict(&at);
        let (exact_mean, covariance, _) = process.joint(&at);
        for i in 0..20 {
            assert!((mean[i] - exact_mean[i]).abs() < 1e-4, "{i}");
            let exact = covariance[[i, i]];
            assert!((exact - 1e-4..2.0 * exact + 0.02).contains(&variance[i]), "{} {exact}", variance[i]);
        }
    }

    /// Hundreds of nearly equal observations without noise: rounding must not stop a study.
    #[test]
    fn rounding_is_outweighed() {
        let x = Array2::from_shape_fn((400, 2), |(i, j)| 1e-3 * ((i * 7 + j * 3) % 23) as f32);
        let term = |column| Term { columns: vec![column], scale: array![2.0], variance: 0.5, linear: false };
        let z = (0..400).map(|i| f64::from(i % 23)).collect();
        let process = Process::new(Kernel::Rbf, vec![term(0), term(1)], 1e-12, &x, z).unwrap();
        assert!(process.predict(&x).0.iter().all(|mean| mean.is_finite()));
    }
}
