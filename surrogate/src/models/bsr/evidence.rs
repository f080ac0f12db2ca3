//! The choice of the precisions α and β by the evidence.
//!
//! Everything is computed in the eigenbasis of `ΦᵀΦ` (or of `ΦΦᵀ` where that is smaller), so
//! that one evaluation takes as many steps as there are eigenvalues. Letters: `λ` eigenvalues,
//! `c = uᵀt` targets along the left singular vectors, `v = 1/α`, `ν = 1/β`.

use argmin::core::{CostFunction, Error, Executor, Gradient, State};
use argmin::solver::linesearch::MoreThuenteLineSearch;
use argmin::solver::quasinewton::LBFGS;
use linfa_linalg::eigh::EighInto;
use ndarray::{Array1, Array2, Axis};

use super::NAME;
use crate::SurrogateError;

/// How α (precision of the weights) and β (precision of the noise) are chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Evidence {
    /// `MacKay`'s fixed point: `γ = Σ βλ/(α + βλ)`, `α ← γ/‖m‖²`, `β ← (n - γ)/‖t - Φm‖²`, until both
    /// change by less than `tolerance` relative.
    ///
    /// As in the published code, weights and covariance use the precisions of the last pass, and the noise those after
    /// it. Degenerate data (`n <= d`, equal targets) drive β to infinity; both precisions are clipped to
    /// `[1e-10, 1e10]`.
    FixedPoint {
        /// Initial value of both precisions; above 0.
        start: f64,
        /// Most passes; at least 1.
        max_iterations: usize,
        /// The relative change at which the iteration stops; at least 0.
        tolerance: f64,
    },
    /// The mode of `p(t | α, β) p(α) p(β)` by L-BFGS, with weak priors. They expect a signal as large as the
    /// targets and a noise of a tenth of their variance, each within a factor of `e²` at one
    /// standard deviation. A pseudo-residual of a hundredth of the targets' variance keeps the noise above zero, so
    /// the optimum is finite for any data, unlike that of the fixed point.
    Maximised,
}

impl Evidence {
    /// The published settings: start 1e-5, at most 200 passes, tolerance 1e-5.
    pub const fn published() -> Self {
        Self::FixedPoint { start: 1e-5, max_iterations: 200, tolerance: 1e-5 }
    }

    pub(super) fn check(self) -> Result<(), SurrogateError> {
        let Self::FixedPoint { start, max_iterations, tolerance } = self else { return Ok(()) };
        if !(start.is_finite() && start > 0.0) {
            return Err(SurrogateError::setting("start", start, "a finite number above 0"));
        }
        if max_iterations == 0 {
            return Err(SurrogateError::setting("max_iterations", 0, "an integer from 1 up"));
        }
        if !(tolerance.is_finite() && tolerance >= 0.0) {
            return Err(SurrogateError::setting("tolerance", tolerance, "a finite number from 0 up"));
        }
        Ok(())
    }

    pub(super) fn choose(self, spectrum: &Spectrum) -> Result<Hyper, SurrogateError> {
        match self {
            Self::FixedPoint { start, max_iterations, tolerance } => {
                Ok(spectrum.fixed_point(start, max_iterations, tolerance))
            }
            Self::Maximised => Objective::new(spectrum).maximise(),
        }
    }
}

/// The chosen precisions.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Hyper {
    pub(super) alpha: f64,
    pub(super) beta: f64,
    /// The precisions that weights and covariance are computed with.
    pub(super) posterior_alpha: f64,
    pub(super) posterior_beta: f64,
    /// Effective number of parameters.
    pub(super) gamma: f64,
    pub(super) iterations: u64,
}

/// Features and targets in the eigenbasis.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Spectrum {
    /// Eigenvalues of `ΦᵀΦ` above rounding, `[r]`.
    pub(super) values: Array1<f64>,
    /// Their eigenvectors, `[d, r]`.
    #[serde(with = "crate::saved::matrix")]
    pub(super) vectors: Array2<f64>,
    /// Targets along the left singular vectors, `[r]`.
    pub(super) projected: Array1<f64>,
    /// Squared length of the targets' part outside the singular vectors.
    rest: f64,
    /// Degrees of freedom.
    dof: usize,
}

impl Spectrum {
    /// Decomposes features `[n, d]` and targets `[n]`.
    pub(super) fn of(phi: &Array2<f64>, t: &Array1<f64>, dof: usize) -> Result<Self, SurrogateError> {
        let (n, d) = phi.dim();
        let wide = n < d;
        let gram = if wide { phi.dot(&phi.t()) } else { phi.t().dot(phi) };
        let (values, basis) = gram
            .eigh_into()
            .map_err(|e| SurrogateError::numeric(NAME, format!("eigenvalues of ΦᵀΦ: {e}")))?;
        let largest = values.iter().copied().fold(0.0, f64::max);
        let floor = largest * 1e-14 * n.max(d) as f64;
        let mut components: Vec<usize> = (0..values.len()).filter(|&i| values[i] > floor).collect();
        components.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
        components.truncate(dof);
        let (values, basis) = (values.select(Axis(0), &components), basis.select(Axis(1), &components));
        let root = values.mapv(f64::sqrt);
        let (vectors, left) = if wide {
            (phi.t().dot(&basis) / &root, basis)
        } else {
            (basis.clone(), phi.dot(&basis) / &root)
        };
        let projected = left.t().dot(t);
        let rest = (t.dot(t) - projected.dot(&projected)).max(0.0);
        Ok(Self { values, vectors, projected, rest, dof })
    }

    /// `ln p(t | α, β)`.
    pub(super) fn log_evidence(&self, hyper: &Hyper) -> f64 {
        self.log_marginal(-hyper.alpha.ln(), -hyper.beta.ln()).0
    }

    /// `ln p(t | v, ν)` and its derivatives by `ln v` and `ln ν`: with `D = ν + vλ`,
    /// `-½ [(n - r) ln ν + Σ ln D + Σ c²/D + rest/ν + n ln 2π]`.
    fn log_marginal(&self, ln_signal: f64, ln_noise: f64) -> (f64, [f64; 2]) {
        let (signal, noise) = (ln_signal.exp(), ln_noise.exp());
        let free = self.dof.saturating_sub(self.values.len()) as f64;
        let mut value =
            free * ln_noise + self.rest / noise + self.dof as f64 * (2.0 * std::f64::consts::PI).ln();
        let mut slope = [0.0, free - self.rest / noise];
        for (&lambda, &c) in self.values.iter().zip(&self.projected) {
            let d = noise + signal * lambda;
            let share = c * c / d;
            value += d.ln() + share;
            slope[0] += signal * lambda / d * (1.0 - share);
            slope[1] += noise / d * (1.0 - share);
        }
        (-0.5 * value, slope.map(|s| -0.5 * s))
    }

    fn effective_parameters(&self, alpha: f64, beta: f64) -> f64 {
        self.values.iter().map(|value| beta * value / (alpha + beta * value)).sum()
    }

    fn fixed_point(&self, start: f64, max_iterations: usize, tolerance: f64) -> Hyper {
        let (mut alpha, mut beta) = (start, start);
        for pass in 1..=max_iterations as u64 {
            let (next_alpha, next_beta, gamma) = self.step(alpha, beta);
            let near = |old: f64, new: f64| (new - old).abs() <= tolerance * old.abs();
            let done = near(alpha, next_alpha) && near(beta, next_beta);
            let (posterior_alpha, posterior_beta) = (alpha, beta);
            (alpha, beta) = (next_alpha, next_beta);
            if done || pass == max_iterations as u64 {
                return Hyper { alpha, beta, posterior_alpha, posterior_beta, gamma, iterations: pass };
            }
        }
        Hyper { alpha, beta, posterior_alpha: alpha, posterior_beta: beta, gamma: 0.0, iterations: 0 }
    }

    /// One pass of the fixed point: new α, new β, γ.
    fn step(&self, alpha: f64, beta: f64) -> (f64, f64, f64) {
        let (mut length, mut residual, mut gamma) = (0.0, self.rest, 0.0);
        for (&lambda, &c) in self.values.iter().zip(&self.projected) {
            let a = alpha + beta * lambda;
            length += lambda * (beta * c / a).powi(2);
            residual += (alpha * c / a).powi(2);
            gamma += beta * lambda / a;
        }
        let inside = |x: f64| if x.is_nan() { 1.0 } else { x.clamp(1e-10, 1e10) };
        let left = (self.dof as f64 - gamma).max(1e-9);
        (inside(gamma / length), inside(left / residual), gamma)
    }
}

/// Negative log posterior of `[ln v, ln ν]`.
#[derive(Clone)]
struct Objective<'a> {
    spectrum: &'a Spectrum,
    /// Prior means of `[ln v, ln ν]`.
    centre: [f64; 2],
    /// Squared residual that is assumed before any data.
    residual: f64,
}

/// Standard deviation of the priors on `ln v` and `ln ν`.
const PRIOR_SD: f64 = 2.0;

/// Expected noise variance, as a share of the targets' variance.
const NOISE_SHARE: f64 = 0.1;

/// Squared residual that is assumed before any data, as a share of the targets' variance.
const RESIDUAL_SHARE: f64 = 0.01;

impl<'a> Objective<'a> {
    fn new(spectrum: &'a Spectrum) -> Self {
        let n = spectrum.dof.max(1) as f64;
        let positive = |x: f64| if x > 1e-12 { x } else { 1.0 };
        let target = positive((spectrum.rest + spectrum.projected.dot(&spectrum.projected)) / n);
        let feature = positive(spectrum.values.sum() / n);
        let centre = [(target / feature).ln(), (NOISE_SHARE * target).ln()];
        Self { spectrum, centre, residual: RESIDUAL_SHARE * target }
    }

    fn value(&self, at: [f64; 2]) -> (f64, [f64; 2]) {
        let (marginal, slope) = self.spectrum.log_marginal(at[0], at[1]);
        let z = [0, 1].map(|i| (at[i] - self.centre[i]) / PRIOR_SD);
        let residual_term = 0.5 * self.residual * (-at[1]).exp();
        let value = 0.5 * (z[0] * z[0] + z[1] * z[1]) + residual_term - marginal;
        (value, [z[0] / PRIOR_SD - slope[0], z[1] / PRIOR_SD - slope[1] - residual_term])
    }

    /// The best point of a coarse grid. The evidence can have two modes: one explains the targets by noise, the other
    /// by the features.
    fn start(&self) -> [f64; 2] {
        let steps = [-4.0, -2.0, 0.0, 2.0, 4.0];
        let grid = steps.iter().flat_map(|a| steps.iter().map(move |b| [a, b]));
        let points = grid.map(|[a, b]| [self.centre[0] + a, self.centre[1] + b]);
        points.min_by(|p, q| self.value(*p).0.total_cmp(&self.value(*q).0)).unwrap_or(self.centre)
    }

    fn maximise(self) -> Result<Hyper, SurrogateError> {
        let start = self.start();
        let solver = LBFGS::new(MoreThuenteLineSearch::new(), 5)
            .with_tolerance_grad(1e-6)
            .map_err(|e| SurrogateError::numeric(NAME, e.to_string()))?;
        let run =
            Executor::new(self.clone(), solver).configure(|s| s.param(start.to_vec()).max_iters(100)).run();
        // If the line search finds no descent, the start is already a local optimum up to rounding.
        let (best, iterations) = match &run {
            Ok(result) => (result.state().get_best_param(), result.state().get_iter()),
            Err(_) => (None, 0),
        };
        let best =
            best.map(|p| [p[0], p[1]]).filter(|p| self.value(*p).0 < self.value(start).0).unwrap_or(start);
        let [alpha, beta] = best.map(|ln| (-ln).exp());
        if !(alpha.is_finite() && beta.is_finite() && alpha > 0.0 && beta > 0.0) {
            return Err(SurrogateError::numeric(
                NAME,
                format!("the precisions became {alpha} and {beta}; are the features finite?"),
            ));
        }
        let gamma = self.spectrum.effective_parameters(alpha, beta);
        Ok(Hyper { alpha, beta, posterior_alpha: alpha, posterior_beta: beta, gamma, iterations })
    }
}

impl CostFunction for Objective<'_> {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, p: &Vec<f64>) -> Result<f64, Error> {
        Ok(self.value([p[0], p[1]]).0)
    }
}

impl Gradient for Objective<'_> {
    type Param = Vec<f64>;
    type Gradient = Vec<f64>;

    fn gradient(&self, p: &Vec<f64>) -> Result<Vec<f64>, Error> {
        Ok(self.value([p[0], p[1]]).1.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    fn spectrum() -> Spectrum {
        let phi = array![[0.5, 1.0], [1.0, 0.2], [0.3, 0.9], [1.2, 0.4], [0.8, 0.8], [0.1, 1.1]];
        Spectrum::of(&phi, &array![1.0, -0.3, 0.8, 0.1, 0.6, 0.9], 6).unwrap()
    }

    #[test]
    fn gradient_agrees_with_finite_differences() {
        let spectrum = spectrum();
        let objective = Objective::new(&spectrum);
        for at in [[0.0, 0.0], [3.0, -2.0], [-4.0, 1.0]] {
            let (_, slope) = objective.value(at);
            for (i, slope) in slope.into_iter().enumerate() {
                let h = 1e-5;
                let shifted =
                    |s: f64| objective.value([0, 1].map(|j| at[j] + if i == j { s } else { 0.0 })).0;
                let numeric = (shifted(h) - shifted(-h)) / (2.0 * h);
                assert!((slope - numeric).abs() < 1e-7 * (1.0 + numeric.abs()), "{at:?}[{i}]");
            }
        }
    }

    /// `ln N(t; 0, β⁻¹ I + α⁻¹ ΦΦᵀ)` for one observation, by hand.
    #[test]
    fn evidence_of_one_observation_by_hand() {
        let one = Spectrum::of(&array![[3.0, 4.0]], &array![2.0], 1).unwrap();
        let (alpha, beta) = (0.5, 4.0);
        let variance: f64 = 1.0 / beta + 25.0 / alpha;
        let expected = -0.5 * ((2.0 * std::f64::consts::PI * variance).ln() + 4.0 / variance);
        let hyper =
            Hyper { alpha, beta, posterior_alpha: alpha, posterior_beta: beta, gamma: 0.0, iterations: 0 };
        assert!((one.log_evidence(&hyper) - expected).abs() < 1e-12);
    }

    #[test]
    fn the_optimum_has_no_slope() {
        let spectrum = spectrum();
        let objective = Objective::new(&spectrum);
        let hyper = objective.clone().maximise().unwrap();
        let (_, slope) = objective.value([-hyper.alpha.ln(), -hyper.beta.ln()]);
        assert!(slope.iter().all(|s| s.abs() < 1e-5), "{slope:?}");
    }
}
