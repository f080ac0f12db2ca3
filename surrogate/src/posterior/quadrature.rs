//! Gaussian quadrature: expectations under a normal law, and integrals over an interval.
//!
//! Use [`gauss_hermite`] for expectations of a function of a Gaussian, and [`gauss_legendre`] for integrals.
//!
//! A rule with `n` nodes is exact for polynomials of degree `2n - 1`. Nodes are the eigenvalues of
//! the Jacobi matrix (Golub and Welsch, Math. Comp. 23, 1969), found by bisection on Sturm counts;
//! weights are `1 / Σₖ pₖ(x)²` over the orthonormal polynomials. Nodes are accurate to about 1e-15 of
//! the largest, weights to 1e-13 relative.
//!
//! ```
//! use bonas_surrogate::posterior::quadrature::gauss_hermite;
//! assert!((gauss_hermite().sum(|z| z * z) - 1.0).abs() < 1e-12); // E Z²
//! ```

use std::sync::OnceLock;

use crate::SurrogateError;

/// Nodes of [`gauss_hermite`].
pub const HERMITE_NODES: usize = 64;

/// Nodes and weights of a quadrature rule: `∫ f dw ≈ Σᵢ wᵢ f(xᵢ)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    nodes: Vec<f64>,
    weights: Vec<f64>,
}

/// The cached rule for expectations under the standard normal law: [`HERMITE_NODES`] nodes.
///
/// `E f(Z) ≈ Σᵢ wᵢ f(xᵢ)` with `Σ wᵢ = 1`. For `f(z) = sigmoid(μ + s z)`, `|μ| ≤ 5`, the error of
/// `E f` and `E f²` is below 1e-11 for `s ≤ 1`, 1e-9 for `s ≤ 2`, 2e-4 for `s ≤ 5` and 1e-2 for
/// `s ≤ 10` (tested).
pub fn gauss_hermite() -> &'static Rule {
    static RULE: OnceLock<Rule> = OnceLock::new();
    RULE.get_or_init(|| Rule::from_jacobi(HERMITE_NODES, 1.0, f64::sqrt))
}

/// The cached 16-node rule on `[-1, 1]`.
pub fn gauss_legendre() -> &'static Rule {
    static RULE: OnceLock<Rule> = OnceLock::new();
    RULE.get_or_init(|| Rule::from_jacobi(16, 2.0, |k| k / (4.0 * k * k - 1.0).sqrt()))
}

impl Rule {
    /// Gauss-Hermite rule for the standard normal law with `n` nodes, `1 ≤ n ≤ 256`.
    ///
    /// # Errors
    /// [`SurrogateError::Setting`] for another `n` (weights underflow beyond it).
    ///
    /// ```
    /// let rule = bonas_surrogate::posterior::quadrature::Rule::gauss_hermite(32)?;
    /// assert!((rule.sum(|z| z.powi(4)) - 3.0).abs() < 1e-12); // E Z⁴
    /// # Ok::<(), bonas_surrogate::SurrogateError>(())
    /// ```
    pub fn gauss_hermite(n: usize) -> Result<Self, SurrogateError> {
        if (1..=256).contains(&n) {
            Ok(Self::from_jacobi(n, 1.0, f64::sqrt))
        } else {
            Err(SurrogateError::setting("quadrature nodes", n, "from 1 to 256"))
        }
    }

    /// Nodes, ascending.
    pub fn nodes(&self) -> &[f64] {
        &self.nodes
    }

    /// Weights, one per node.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// `Σᵢ wᵢ f(xᵢ)`.
    pub fn sum(&self, mut f: impl FnMut(f64) -> f64) -> f64 {
        self.nodes.iter().zip(&self.weights).map(|(&x, &w)| w * f(x)).sum()
    }

    /// `∫ₐᵇ f` for a rule on `[-1, 1]`, over `panels` equal panels.
    pub fn integrate(&self, a: f64, b: f64, panels: usize, mut f: impl FnMut(f64) -> f64) -> f64 {
        let half = 0.5 * (b - a) / panels as f64;
        (0..panels)
            .map(|p| {
                let centre = a + (2 * p + 1) as f64 * half;
                half * self.sum(|x| f(centre + half * x))
            })
            .sum()
    }

    /// The rule of a symmetric weight of mass `total`, whose orthonormal polynomials satisfy
    /// `bₖ₊₁ pₖ₊₁ = x pₖ - bₖ pₖ₋₁`.
    fn from_jacobi(n: usize, total: f64, b: impl Fn(f64) -> f64) -> Self {
        let b: Vec<f64> = (1..=n).map(|k| b(k as f64)).collect();
        let bound = 2.0 * b.iter().copied().fold(0.0, f64::max);
        let nodes: Vec<f64> = (0..n).map(|i| eigenvalue(&b[..n - 1], i, bound)).collect();
        let weights = nodes.iter().map(|&x| christoffel(&b, x, total)).collect();
        Self { nodes, weights }
    }
}

/// The `i`-th smallest eigenvalue of the matrix with zero diagonal and off-diagonal `b`.
fn eigenvalue(b: &[f64], i: usize, bound: f64) -> f64 {
    let (mut low, mut high) = (-bound, bound);
    loop {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high || high - low < 1e-17 {
            return middle;
        }
        if count_below(b, middle) > i { high = middle } else { low = middle }
    }
}

/// Number of eigenvalues below `x` (signs of the Sturm sequence).
fn count_below(b: &[f64], x: f64) -> usize {
    let mut q = -x;
    let mut count = usize::from(q < 0.0);
    for b in b {
        let pivot = if q.abs() < f64::MIN_POSITIVE { f64::EPSILON } else { q };
        q = -x - b * b / pivot;
        count += usize::from(q < 0.0);
    }
    count
}

/// Weight of node `x`: `1 / Σₖ pₖ(x)²`.
fn christoffel(b: &[f64], x: f64, total: f64) -> f64 {
    let (mut previous, mut p) = (0.0, 1.0 / total.sqrt());
    let mut sum = p * p;
    for k in 1..b.len() {
        let below = if k > 1 { b[k - 2] } else { 0.0 };
        (previous, p) = (p, (x * p - below * previous) / b[k - 1]);
        sum += p * p;
    }
    1.0 / sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::posterior::normal::sigmoid;

    #[test]
    fn three_nodes_by_hand() {
        let rule = Rule::gauss_hermite(3).unwrap();
        let expected = [(-3f64.sqrt(), 1.0 / 6.0), (0.0, 2.0 / 3.0), (3f64.sqrt(), 1.0 / 6.0)];
        for (i, (x, w)) in expected.into_iter().enumerate() {
            assert!((rule.nodes[i] - x).abs() < 1e-14 && (rule.weights[i] - w).abs() < 1e-14);
        }
    }

    #[test]
    fn normal_moments_are_exact() {
        for n in [1, 2, 5, 32, 64, 256] {
            let rule = Rule::gauss_hermite(n).unwrap();
            let mut moment = 1.0; // E Z^{2k} = (2k - 1)!!
            for k in 0..n.min(10) {
                let got = rule.sum(|z| z.powi(2 * k as i32));
                assert!((got / moment - 1.0).abs() < 1e-12, "n {n} moment {} is {got}", 2 * k);
                assert!(rule.sum(|z| z.powi(2 * k as i32 + 1)).abs() < 1e-9 * moment);
                moment *= (2 * k + 1) as f64;
            }
        }
        assert!(Rule::gauss_hermite(0).is_err() && Rule::gauss_hermite(257).is_err());
    }

    #[test]
    fn legendre_integrates_polynomials_and_panels() {
        let rule = gauss_legendre();
        assert!((rule.sum(|x| x.powi(30)) - 2.0 / 31.0).abs() < 1e-14);
        assert!((rule.integrate(0.0, 3.0, 4, f64::exp) - 3f64.exp_m1()).abs() < 1e-12);
    }

    /// `E sigmoid(μ + s Z)^power` by the trapezoidal rule, which converges exponentially here.
    fn reference(mu: f64, s: f64, power: i32) -> f64 {
        let step = 0.002;
        (-5000..=5000)
            .map(|i| f64::from(i) * step)
            .map(|z| step * crate::posterior::normal::pdf(z) * sigmoid(mu + s * z).powi(power))
            .sum()
    }

    #[test]
    fn stated_accuracy_for_the_sigmoid_holds() {
        for (s, bound) in [(0.05, 1e-11), (1.0, 1e-11), (2.0, 1e-9), (5.0, 2e-4), (10.0, 1e-2)] {
            for mu in [-5.0, -2.5, 0.0, 1.0, 5.0] {
                let mean = gauss_hermite().sum(|z| sigmoid(mu + s * z));
                let square = gauss_hermite().sum(|z| sigmoid(mu + s * z).powi(2));
                let error = (mean - reference(mu, s, 1)).abs().max((square - reference(mu, s, 2)).abs());
                assert!(error < bound, "mu {mu} s {s}: {error:e}");
            }
        }
    }
}
