//! The marginal likelihood of the hyper-parameters and its gradient.

use ndarray::{Array1, Array2, Axis, Zip};

use super::model::{Block, Evidence, Shape};
use crate::linalg::Cholesky;

/// Added to the diagonal besides the noise.
pub(super) const JITTER: f64 = 1e-6;

/// Largest distance of a hyper-parameter from its prior's mean, in standard deviations.
pub(super) const BOUND: f64 = 5.0;

/// The loss to be made small.
pub(super) struct Objective<'a> {
    evidence: &'a Evidence<'a>,
    /// Means and standard deviations of the parameters' priors.
    pub(super) centre: Vec<f64>,
    pub(super) spread: Vec<f64>,
}

/// A block at some parameters.
pub(super) struct Part {
    /// `[n, d]`, in lengthscales.
    scaled: Array2<f64>,
    /// Covariance `[n, n]`, and `-2 κ'` times the squared amplitude; lower triangles. For a linear block and intercepts only
    /// the covariance, both triangles.
    value: Array2<f64>,
    slope: Array2<f64>,
}

impl<'a> Objective<'a> {
    pub(super) fn new(evidence: &'a Evidence<'a>) -> Self {
        let Evidence { blocks, prior, .. } = *evidence;
        let (mut centre, mut spread) = (Vec::new(), Vec::new());
        let functions = blocks.iter().filter(|block| !matches!(block.shape, Shape::Intercept)).count();
        for block in blocks {
            let intercept = matches!(block.shape, Shape::Intercept);
            centre.push(if intercept { prior.intercept } else { -0.5 * (functions as f64).ln() });
            spread.push(prior.amplitude_sd);
            if matches!(block.shape, Shape::Even | Shape::Weighed(_)) {
                centre.push(0.0);
                spread.push(prior.length_sd);
            }
            if let Shape::Weighed(traits) = &block.shape {
                centre.extend(traits.priors.iter().map(|p| p.0));
                spread.extend(traits.priors.iter().map(|p| p.1));
                centre.resize(centre.len() + traits.of.len(), 0.0);
                spread.resize(centre.len(), prior.relevance_sd);
            }
        }
        centre.push(prior.noise);
        spread.push(prior.noise_sd);
        Self { evidence, centre, spread }
    }

    /// Parameters, each within its bounds.
    pub(super) fn bounded(&self, p: &[f64]) -> Vec<f64> {
        let within = |((p, centre), spread): ((&f64, &f64), &f64)| {
            p.clamp(centre - BOUND * spread, centre + BOUND * spread)
        };
        p.iter().zip(&self.centre).zip(&self.spread).map(within).collect()
    }

    /// Parameters as distances from the prior's mean in its standard deviations, so that the search treats all alike.
    pub(super) fn spreads_of(&self, p: &[f64]) -> Vec<f64> {
        p.iter()
            .zip(&self.centre)
            .zip(&self.spread)
            .map(|((p, centre), spread)| (p - centre) / spread)
            .collect()
    }

    /// The inverse of [`spreads_of`](Self::spreads_of).
    pub(super) fn parameters_at(&self, u: &[f64]) -> Vec<f64> {
        u.iter()
            .zip(&self.centre)
            .zip(&self.spread)
            .map(|((u, centre), spread)| centre + spread * u)
            .collect()
    }

    /// The factored covariance of the targets, and the blocks that it is the sum of; `None` if it is not positive
    /// definite.
    pub(super) fn covariance(&self, p: &[f64]) -> Option<(Cholesky, Vec<Part>)> {
        let noise = (2.0 * p[p.len() - 1]).exp();
        let mut covariance =
            Array2::from_diag(&(self.evidence.extra + self.evidence.known + (noise + JITTER)));
        let mut parts = Vec::with_capacity(self.evidence.blocks.len());
        let mut rest = p;
        for block in self.evidence.blocks {
            let (own, others) = rest.split_at(block.parameters());
            let part = self.part(block, own);
            covariance += &part.value;
            parts.push(part);
            rest = others;
        }
        Some((Cholesky::of(covariance)?, parts))
    }

    /// Loss and gradient; `None` if the covariance is not positive definite.
    pub(super) fn at(&self, p: &[f64]) -> Option<(f64, Vec<f64>)> {
        let (cholesky, parts) = self.covariance(p)?;
        let noise = (2.0 * p[p.len() - 1]).exp();
        let alpha = cholesky.solve(self.evidence.targets.view());
        let loss = self.loss_with(p, &cholesky, &alpha);
        // W = K⁻¹ - α αᵀ; the loss changes by ½ tr(W dK).
        let mut w = cholesky.inverse();
        for (i, mut row) in w.rows_mut().into_iter().enumerate() {
            row.scaled_add(-alpha[i], &alpha);
        }
        let mut slope = Vec::with_capacity(p.len());
        for (part, block) in parts.iter().zip(self.evidence.blocks) {
            part.slope(&w, &block.shape, &mut slope);
        }
        slope.push(noise * w.diag().sum());
        for (i, slope) in slope.iter_mut().enumerate() {
            *slope += (p[i] - self.centre[i]) / self.spread[i] / self.spread[i];
        }
        (loss.is_finite() && slope.iter().all(|s| s.is_finite())).then_some((loss, slope))
    }

    /// The loss alone; `None` if the covariance is not positive definite.
    pub(super) fn loss(&self, p: &[f64]) -> Option<f64> {
        let (cholesky, _) = self.covariance(p)?;
        let alpha = cholesky.solve(self.evidence.targets.view());
        Some(self.loss_with(p, &cholesky, &alpha)).filter(|loss| loss.is_finite())
    }

    /// The loss, given `K⁻¹ z`.
    fn loss_with(&self, p: &[f64], cholesky: &Cholesky, alpha: &Array1<f64>) -> f64 {
        let likelihood = 0.5 * (self.evidence.targets.dot(alpha) + cholesky.ln_det());
        p.iter().zip(&self.centre).zip(&self.spread).fold(likelihood, |loss, ((p, centre), spread)| {
            let z = (p - centre) / spread;
            loss + 0.5 * z * z
        })
    }

    fn part(&self, block: &Block, p: &[f64]) -> Part {
        let amplitude = (2.0 * p[0]).exp();
        let mut scaled = match &block.shape {
            Shape::Linear => return Part::alone(block.x.dot(&block.x.t()) * amplitude),
            Shape::Intercept => {
                let groups = block.x.column(0);
                let same =
                    |(i, j): (usize, usize)| groups[i] > 0.0 && groups[i].to_bits() == groups[j].to_bits();
                let value = |at| if same(at) { amplitude } else { 0.0 };
                return Part::alone(Array2::from_shape_fn((groups.len(), groups.len()), value));
            }
            Shape::Even | Shape::Weighed(_) => &block.x * (-p[1]).exp(),
        };
        if let Shape::Weighed(traits) = &block.shape {
            scaled *= &traits.relevances(&p[2..]).mapv(f64::exp);
        }
        let n = scaled.nrows();
        let mut value = scaled.dot(&scaled.t());
        let lengths = value.diag().to_owned();
        let mut slope = Array2::zeros((n, n));
        for i in 0..n {
            for j in 0..i {
                let a = (lengths[i] + lengths[j] - 2.0 * value[[i, j]]).max(0.0);
                let (k, s) = self.evidence.kernel.value_and_slope(a);
                value[[i, j]] = amplitude * k;
                slope[[i, j]] = amplitude * s;
            }
            value[[i, i]] = amplitude;
            value.row_mut(i).iter_mut().skip(i + 1).for_each(|v| *v = 0.0);
        }
        Part { scaled, value, slope }
    }
}

impl Part {
    /// A covariance, both triangles, of which the amplitude is the only parameter.
    fn alone(value: Array2<f64>) -> Self {
        Self { scaled: Array2::zeros((0, 0)), value, slope: Array2::zeros((0, 0)) }
    }

    /// Derivatives by `ln amplitude`, `ln lengthscale` and the relevances of traits and columns.
    ///
    /// With `G = W ∘ slope` made symmetric and `x` in lengthscales, the derivative by the `ln relevance` of a
    /// column is `-½ Σᵢⱼ Gᵢⱼ (xᵢ - xⱼ)² / 2`, a matrix product for all columns at once. The sum over a trait's columns
    /// is the derivative by the trait's; the sum over all columns is minus that by `ln lengthscale`.
    fn slope(&self, w: &Array2<f64>, shape: &Shape, out: &mut Vec<f64>) {
        if matches!(shape, Shape::Linear | Shape::Intercept) {
            out.push(Zip::from(w).and(&self.value).fold(0.0, |sum, w, v| sum + w * v));
            return;
        }
        let twice = Zip::from(w).and(&self.value).fold(0.0, |sum, w, v| sum + w * v);
        let diagonal: f64 = w.diag().iter().zip(self.value.diag()).map(|(w, v)| w * v).sum();
        out.push(2.0 * twice - diagonal);
        let mut g = w * &self.slope;
        for i in 0..g.nrows() {
            for j in 0..i {
                g[[j, i]] = g[[i, j]];
            }
        }
        let sums = g.sum_axis(Axis(1)); // [n]
        let product = g.dot(&self.scaled); // [n, d]
        let each = (0..self.scaled.ncols()).map(|c| {
            let x = self.scaled.column(c);
            let own: f64 = x.iter().zip(&sums).map(|(x, s)| x * x * s).sum();
            product.column(c).dot(&x) - own
        });
        let each: Vec<f64> = each.collect();
        out.push(-each.iter().sum::<f64>());
        if let Shape::Weighed(traits) = shape {
            let start = out.len();
            out.resize(start + traits.priors.len(), 0.0);
            for (of, slope) in traits.of.iter().zip(&each) {
                for of in of {
                    out[start + of] += slope;
                }
            }
            out.extend(each);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Kernel;
    use super::super::model::Prior;
    use super::super::model::testing::{blocks, targets};
    use super::*;

    #[test]
    fn gradient_agrees_with_finite_differences() {
        let (blocks, z) = (blocks(60), targets(60));
        for kernel in [Kernel::Matern32, Kernel::Matern52, Kernel::Rbf] {
            let (prior, extra) = (Prior::default(), &z * &z);
            let known = &extra * 0.5;
            let evidence = Evidence {
                blocks: &blocks,
                targets: &z,
                known: &known,
                extra: &extra,
                kernel,
                prior: &prior,
            };
            let objective = Objective::new(&evidence);
            let at: Vec<f64> =
                objective.centre.iter().enumerate().map(|(i, c)| c + 0.3 * (i as f64).cos()).collect();
            let (loss, slope) = objective.at(&at).unwrap();
            assert_eq!(objective.loss(&at), Some(loss), "{kernel:?}");
            for i in 0..at.len() {
                let shifted = |h: f64| {
                    let mut p = at.clone();
                    p[i] += h;
                    objective.at(&p).unwrap().0
                };
                let numeric = (shifted(1e-5) - shifted(-1e-5)) / 2e-5;
                assert!((slope[i] - numeric).abs() < 1e-5 * (1.0 + numeric.abs()), "{kernel:?} {i}");
            }
        }
    }
}
