//! Many observations: a process whose posterior goes through inducing points.
//!
//! Fully independent training conditional (Snelson and Ghahramani: Sparse Gaussian processes using pseudo-inputs, 2006;
//! Quiñonero-Candela and Rasmussen: A unifying view of sparse approximate Gaussian process regression, 2005, section 6): with
//! inducing points Z, `L Lᵀ = K_zz` and features `v(x) = L⁻¹ k_z(x)`, the posterior is that of Bayesian linear regression
//! `z = v·w + ε`, `w ~ N(0, I)`. The noise `D` of an observation is its own and what the features leave of its prior
//! variance, `k(x, x) - v·v`, which a prediction has, too. With m points it takes time `n m²` and memory `m²`.

use ndarray::{Array1, Array2, ArrayView1, Axis, linalg::general_mat_mul, s};

use super::factored::{Covariance, Features, count};
use super::objective::JITTER;
use super::subset::{LAST, spread};
use crate::SurrogateError;
use crate::linalg::Cholesky;

/// Most observations that a process conditions on exactly.
pub(crate) const EXACT: usize = 2000;

/// Number of inducing points.
const POINTS: usize = 1500;

/// Observations whose features are computed at a time.
const CHUNK: usize = 256;

/// Number of sums that are computed beside each other. It does not depend on the machine, so that results do not.
const LANES: usize = 4;

/// Shares by which the variances of inducing points may be raised, as in the exact process.
const RIDGES: [f64; 4] = [1e-6, 1e-5, 1e-4, 1e-3];

/// Observations in terms of inducing points.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Inducing {
    pub(super) covariance: Covariance,
    /// The inducing points, which are observations: half of them those with the highest targets, the others spread
    /// evenly over the rest by target.
    pub(super) features: Features,
    /// Variance of the noise that each of all observations has beyond that of all.
    pub(super) extra: Vec<f64>,
    /// What the features leave of the prior variance of each observation, `kᵢᵢ - vᵢ·vᵢ`, `[n]`.
    unexplained: Vec<f64>,
    /// Factor of `K_zz`.
    prior: Cholesky,
    /// Factor of `I + V D⁻¹ Vᵀ`, the precision of the weights.
    precision: Cholesky,
}

/// An [`Inducing`] with what its targets say.
pub(super) struct Conditioned {
    pub(super) inducing: Inducing,
    /// Positions of the inducing points among the observations.
    pub(super) positions: Vec<usize>,
    /// Weights `[m]` of the covariances with the inducing points in the mean.
    pub(super) alpha: Array1<f64>,
    /// Leave-one-out means and variances of the last observations, noise included.
    pub(super) left_out: (Array1<f64>, Array1<f64>),
}

/// `V D⁻¹ Vᵀ [m, m]`, lower triangle, and `V D⁻¹ z [m]` over some observations, and what the features leave of their
/// variances, chunk by chunk with the first observation of each.
struct Sums {
    gram: Array2<f64>,
    weighted: Array1<f64>,
    unexplained: Vec<(usize, Array1<f64>)>,
}

impl Inducing {
    /// Conditions observations with features `x [n, d]` on targets `[n]`. Those from `first` on, and the last 400, are
    /// predicted from the others.
    ///
    /// # Errors
    /// [`SurrogateError::Numeric`] if a covariance is not positive definite.
    pub(super) fn condition(
        covariance: &Covariance,
        x: &Array2<f32>,
        targets: &Array1<f64>,
        extra: Vec<f64>,
        first: usize,
    ) -> Result<Conditioned, SurrogateError> {
        let positions = spread(targets, POINTS).unwrap_or_else(|| (0..targets.len()).collect());
        let features = covariance.features(x.select(Axis(0), &positions).view());
        let prior = factored_prior(covariance, &features)?;
        let empty = Cholesky::of(Array2::zeros((0, 0))).ok_or_else(not_definite)?;
        let (covariance, unexplained) = (covariance.clone(), Vec::new());
        let mut inducing = Self { covariance, features, extra, unexplained, prior, precision: empty };
        let Sums { mut gram, weighted, unexplained } = inducing.sums(x, targets);
        inducing.unexplained = unexplained.into_iter().flat_map(|(_, left)| left).collect();
        gram.diag_mut().iter_mut().for_each(|v| *v += 1.0);
        inducing.precision = Cholesky::of(gram).ok_or_else(not_definite)?;
        let weights = inducing.precision.solve(weighted.view());
        let last = inducing.left_out(x, targets, weights.view());
        let alpha = inducing.prior.solve_upper(weights);
        let left_out = inducing.earlier_left_out(x, targets, &alpha, first, &last);
        Ok(Conditioned { inducing, positions, alpha, left_out })
    }

    /// Variance of an observation that the features do not explain, its noise included.
    fn noise(&self, i: usize) -> f64 {
        let of = |all: &[f64]| all.get(i).copied().unwrap_or(0.0);
        self.covariance.noise + JITTER + of(&self.extra) + of(&self.unexplained)
    }

    /// `V [m, c]` at some features.
    fn values_at(&self, features: &Features) -> Array2<f64> {
        self.prior.solve_lower(self.covariance.between(&self.features, features).mapv(f64::from))
    }

    /// The sums over all observations, in lanes that are added in order.
    fn sums(&self, x: &Array2<f32>, targets: &Array1<f64>) -> Sums {
        let n = targets.len();
        let chunks: Vec<usize> = (0..n).step_by(CHUNK).collect();
        let lane = |lane: usize| {
            let mut sums = Sums::zeros(count(&self.features));
            for &start in chunks.iter().skip(lane).step_by(LANES) {
                let range = start..(start + CHUNK).min(n);
                let features = self.covariance.features(x.slice(s![range.clone(), ..]));
                let values = self.values_at(&features);
                let left = self.covariance.variance(&features) - values.map_axis(Axis(0), |v| v.dot(&v));
                let left = left.mapv(|left| left.max(0.0));
                let noise = range.clone().map(|i| self.noise(i)).collect::<Array1<f64>>() + &left;
                sums.add(values, targets.slice(s![range]), &noise);
                sums.unexplained.push((start, left));
            }
            sums
        };
        let lanes: Vec<Sums> = std::thread::scope(|scope| {
            let running: Vec<_> = (1..LANES).map(|i| scope.spawn(move || lane(i))).collect();
            let first = lane(0);
            let others = running
                .into_iter()
                .map(|lane| lane.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            std::iter::once(first).chain(others).collect()
        });
        let mut total = Sums::zeros(count(&self.features));
        for lane in lanes {
            total.gram += &lane.gram;
            total.weighted += &lane.weighted;
            total.unexplained.extend(lane.unexplained);
        }
        total.unexplained.sort_by_key(|(start, _)| *start);
        total
    }

    /// In linear regression an observation with leverage `h = vᵀ Σ v / σ²` is predicted from the others with mean
    /// `z - (z - μ) / (1 - h)` and variance `σ² / (1 - h)`, noise included.
    fn left_out(
        &self,
        x: &Array2<f32>,
        targets: &Array1<f64>,
        weights: ArrayView1<'_, f64>,
    ) -> (Array1<f64>, Array1<f64>) {
        let n = targets.len();
        let skip = n.saturating_sub(LAST);
        let values = self.values_at(&self.covariance.features(x.slice(s![skip.., ..])));
        let known = self.precision.solve_lower(values.clone());
        let each = (skip..n).enumerate().map(|(column, i)| {
            let (value, known) = (values.column(column), known.column(column));
            let noise = self.noise(i);
            let left = 1.0 - known.dot(&known) / noise;
            (targets[i] - (targets[i] - value.dot(&weights)) / left, noise / left)
        });
        let (means, variances): (Vec<f64>, Vec<f64>) = each.unzip();
        (means.into(), variances.into())
    }

    /// Leave-one-out predictions from `first` on, given those of the last 400, whose mean leverage stands for that of the
    /// others: it is small where there are many observations.
    fn earlier_left_out(
        &self,
        x: &Array2<f32>,
        targets: &Array1<f64>,
        alpha: &Array1<f64>,
        first: usize,
        last: &(Array1<f64>, Array1<f64>),
    ) -> (Array1<f64>, Array1<f64>) {
        let skip = targets.len() - last.0.len();
        let left = |(i, variance): (usize, &f64)| self.noise(skip + i) / variance;
        let left = last.1.iter().enumerate().map(left).sum::<f64>() / last.1.len().max(1) as f64;
        let (mut means, mut variances) = (Vec::new(), Vec::new());
        for start in (first.min(skip)..skip).step_by(CHUNK) {
            let range = start..(start + CHUNK).min(skip);
            let features = self.covariance.features(x.slice(s![range.clone(), ..]));
            let k = self.covariance.between(&features, &self.features).mapv(f64::from);
            for (i, mean) in range.zip(k.dot(alpha)) {
                means.push(targets[i] - (targets[i] - mean) / left);
                variances.push(self.noise(i) / left);
            }
        }
        means.extend(&last.0);
        variances.extend(&last.1);
        (means.into(), variances.into())
    }

    /// Covariance `[c, c]` of the posterior at some features, without noise.
    pub(super) fn joint(&self, features: &Features) -> Array2<f64> {
        let values = self.values_at(features);
        let known = self.precision.solve_lower(values.clone());
        let prior = self.covariance.between(features, features).mapv(f64::from);
        prior - values.t().dot(&values) + known.t().dot(&known)
    }
}

impl Sums {
    fn zeros(m: usize) -> Self {
        Self { gram: Array2::zeros((m, m)), weighted: Array1::zeros(m), unexplained: Vec::new() }
    }

    /// Adds observations with `values [m, c]`, targets and noise `[c]`.
    fn add(&mut self, mut values: Array2<f64>, targets: ArrayView1<'_, f64>, noise: &Array1<f64>) {
        self.weighted += &values.dot(&(&targets / noise));
        values /= &noise.mapv(f64::sqrt);
        let m = values.nrows();
        for start in (0..m).step_by(CHUNK) {
            let end = (start + CHUNK).min(m);
            let mut target = self.gram.slice_mut(s![start..end, ..end]);
            general_mat_mul(
                1.0,
                &values.slice(s![start..end, ..]),
                &values.slice(s![..end, ..]).t(),
                1.0,
                &mut target,
            );
        }
    }
}

fn factored_prior(covariance: &Covariance, features: &Features) -> Result<Cholesky, SurrogateError> {
    let k = covariance.between(features, features).mapv(f64::from);
    let variance = covariance.variance(features);
    let mut factored = RIDGES.into_iter().filter_map(|ridge| {
        let mut k = k.clone();
        k.diag_mut().assign(&variance.mapv(|v| v * (1.0 + ridge) + JITTER));
        Cholesky::of(k)
    });
    factored.next().ok_or_else(not_definite)
}

fn not_definite() -> SurrogateError {
    let reason = "the covariance of the inducing points is not positive definite: are features finite?";
    SurrogateError::numeric("gaussian process", reason)
}

#[cfg(test)]
mod tests {
    use super::super::{Kernel, Later, Process, Term};
    use super::*;

    fn covariance() -> Covariance {
        let term = |columns, variance| Term {
            columns,
            scale: Array1::from_elem(1, 0.7),
            variance,
            form: super::super::Form::Kernel,
        };
        Covariance { kernel: Kernel::Matern32, terms: vec![term(0..1, 0.5), term(1..2, 0.5)], noise: 0.1 }
    }

    fn data(n: usize) -> (Array2<f32>, Array1<f64>) {
        let x = Array2::from_shape_fn((n, 2), |(i, j)| ((i * (7 + 6 * j)) % 1009) as f32 / 250.0);
        let noise = |i: usize| 0.3 * (i as f64 * 78.233).sin();
        let z = (0..n).map(|i| f64::from(x[[i, 0]]).sin() + f64::from(x[[i, 1]]).cos() + noise(i)).collect();
        (x, z)
    }

    /// Where all observations are inducing points it is the exact process.
    #[test]
    fn all_points_are_exact() {
        let (x, z) = data(300);
        let exact = Process::exact(&covariance(), &x, &[0.5, 0.2], z.clone()).unwrap();
        let sparse = Process::through_points(&covariance(), &x, &[0.5, 0.2], z, 300).unwrap();
        let at = Array2::from_shape_fn((40, 2), |(i, j)| ((i * 13 + j * 5) % 37) as f32 / 9.0);
        let (means, _) = exact.predict(&at);
        let (joint, covariance, _) = exact.joint_akin(&at, &[]);
        let (sparse_joint, sparse_covariance, _) = sparse.joint_akin(&at, &[]);
        for i in 0..40 {
            assert!((means[i] - sparse.predict(&at).0[i]).abs() < 1e-3, "{i}");
            assert!((joint[i] - sparse_joint[i]).abs() < 1e-3, "{i}");
            assert!((covariance[[i, i]] - sparse_covariance[[i, i]]).abs() < 1e-3, "{i}");
        }
        for (exact, sparse) in exact.leave_one_out().0.iter().zip(&sparse.leave_one_out().0) {
            assert!((exact - sparse).abs() < 1e-2, "{exact} {sparse}");
        }
        for (exact, sparse) in exact.leave_one_out().1.iter().zip(&sparse.leave_one_out().1) {
            assert!((exact - sparse).abs() < 1e-2 * exact, "{exact} {sparse}");
        }
    }

    /// The precision of the weights stays positive definite at the lowest noise that `graph-gp` fits.
    #[test]
    fn noise_may_be_at_its_lowest() {
        let (x, _) = data(3000);
        let z: Array1<f64> =
            x.rows().into_iter().map(|x| f64::from(x[0]).sin() + f64::from(x[1]).cos()).collect();
        let covariance = Covariance { noise: (-7.0f64).exp(), ..covariance() };
        let process = Process::through_points(&covariance, &x, &vec![0.0; 3000], z.clone(), 3000).unwrap();
        let (means, _) = process.predict(&x.slice(s![..40, ..]).to_owned());
        for i in 0..40 {
            assert!((means[i] - z[i]).abs() < 0.02, "{} {}", means[i], z[i]);
        }
    }

    /// More observations later are the same as from the start, their own noise included.
    #[test]
    fn observations_that_come_later() {
        let (x, z) = data(200);
        let extra: Vec<f64> = (0..200).map(|i| f64::from(i % 3)).collect();
        let all = Process::through_points(&covariance(), &x, &extra, z.clone(), 200).unwrap();
        let (x_first, z_first) = (x.slice(s![..190, ..]).to_owned(), z.slice(s![..190]).to_owned());
        let first = Process::through_points(&covariance(), &x_first, &extra[..190], z_first, 190).unwrap();
        let targets = &z.to_vec()[190..];
        let later = Later { targets, noise: &extra[190..], shares: &[1.0; 10] };
        let grown = first.conditioned(&x, later).unwrap();
        let at = Array2::from_shape_fn((40, 2), |(i, j)| ((i * 13 + j * 5) % 37) as f32 / 9.0);
        let ((means, variances), (grown_means, grown_variances)) = (all.predict(&at), grown.predict(&at));
        for i in 0..40 {
            assert!((means[i] - grown_means[i]).abs() < 1e-6, "{i}");
            assert!((variances[i] - grown_variances[i]).abs() < 1e-6, "{i}");
        }
    }

    /// With fewer points than observations predictions hardly change, and an outlier is found.
    #[test]
    fn many_observations_are_nearly_exact() {
        let (x, mut z) = data(EXACT + 300);
        let (early, last) = (700, z.len() - 5);
        (z[early], z[last]) = (-9.0, -9.0);
        let exact = Process::exact(&covariance(), &x, &[], z.clone()).unwrap().without_outliers(300).unwrap();
        let sparse = Process::through_points(&covariance(), &x, &[], z.clone(), 300).unwrap();
        let at = Array2::from_shape_fn((100, 2), |(i, j)| ((i * 13 + j * 5) % 37) as f32 / 9.0);
        let apart = exact.predict(&at).0.into_iter().zip(sparse.predict(&at).0).map(|(a, b)| (a - b).abs());
        assert!(apart.fold(0.0, f64::max) < 0.05);
        for trust in [sparse.trust(), exact.trust()] {
            assert_eq!(trust.len(), z.len() - 300);
            assert!(trust[early - 300] < 0.1 && trust[trust.len() - 5] < 0.1);
            assert!(trust.iter().filter(|&&trust| trust > 0.5).count() > trust.len() - 20);
        }
    }

    /// In many dimensions points explain little of the prior variance. Leave-one-out predictions know that, so that good
    /// observations are not taken for outliers.
    #[test]
    fn rough_functions_have_no_outliers() {
        let term = Term {
            columns: 0..8,
            scale: Array1::from_elem(8, 1.5),
            variance: 1.0,
            form: super::super::Form::Kernel,
        };
        let rough = Covariance { kernel: Kernel::Matern32, terms: vec![term], noise: 0.01 };
        let x = Array2::from_shape_fn((EXACT + 300, 8), |(i, j)| {
            (((i * 8 + j) as f32 * 12.9898).sin() * 43_758.547).fract().abs()
        });
        let z = x
            .rows()
            .into_iter()
            .map(|x| x.iter().map(|v| f64::from(*v) * 3.0).map(f64::sin).sum::<f64>() - 4.0);
        let z: Array1<f64> = z.collect();
        let exact = Process::exact(&rough, &x, &[], z.clone()).unwrap();
        let sparse = Process::through_points(&rough, &x, &[], z, EXACT).unwrap();
        let mean = |process: &Process| process.leave_one_out().1.mean().unwrap();
        let ratio = mean(&sparse) / mean(&exact);
        assert!((0.7..1.6).contains(&ratio), "{ratio}");
        assert!(sparse.trust().iter().all(|&trust| trust > 0.5));
    }
}
