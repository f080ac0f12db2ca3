//! The marginal likelihood of the hyper-parameters, its gradient, and its maximum.

use std::cell::RefCell;

use argmin::core::{CostFunction, Error, Executor, Gradient, State};
use argmin::solver::linesearch::MoreThuenteLineSearch;
use argmin::solver::quasinewton::LBFGS;
use ndarray::{Array1, Array2, Axis, Zip};

use super::Kernel;
use super::outliers::{LeftOut, outlier_noise};
use crate::linalg::Cholesky;

/// Added to the diagonal besides the noise.
pub(super) const JITTER: f64 = 1e-6;

/// Weak normal priors on the logarithms of the hyper-parameters, for targets and columns of about unit variance.
/// They decide where there are few observations and do not matter where there are many.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prior {
    /// Standard deviation of a block's `ln amplitude`. Its mean makes the variances of all blocks sum to 1.
    pub amplitude_sd: f64,
    /// Standard deviation of a block's `ln lengthscale`, in root mean square distances; mean 0.
    pub length_sd: f64,
    /// Mean of `ln σ`, where σ is the standard deviation of the noise.
    pub noise: f64,
    /// Standard deviation of `ln σ`.
    pub noise_sd: f64,
    /// Standard deviation of a column's own `ln relevance` (the inverse of its own lengthscale), mean 0. Only
    /// [`GraphGp`](crate::models::GraphGp) reads this and the next two.
    pub relevance_sd: f64,
    /// Standard deviation of the `ln relevance` of a family of columns. The mean is 0, except -1 for edges by the
    /// labels of their ends and -0.4 for operations by their places.
    pub family_sd: f64,
    /// Standard deviation of the `ln relevance` of a cut of the operations, mean 0.
    pub cut_sd: f64,
}

impl Default for Prior {
    fn default() -> Self {
        Self {
            amplitude_sd: 1.0,
            length_sd: 1.0,
            noise: -1.5,
            noise_sd: 1.0,
            relevance_sd: 1.0,
            family_sd: 1.0,
            cut_sd: 1.0,
        }
    }
}

/// A block of features of the observations.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    /// Features `[n, d]` with a mean squared distance of about 1 or 2.
    pub(crate) x: Array2<f64>,
    pub(crate) shape: Shape,
}

/// Form of a block's covariance.
#[derive(Clone, Debug)]
pub(crate) enum Shape {
    /// The kernel, with the same lengthscale for all columns.
    Even,
    /// The kernel, with a relevance for each column.
    Weighed(Traits),
    /// `a² x·x'`: a linear function whose slopes have variance `a²`.
    Linear,
}

/// What a block's columns share. The relevance of a column is its own times that of each of its traits.
#[derive(Clone, Debug)]
pub(crate) struct Traits {
    /// The traits of each column.
    pub(crate) of: Vec<Vec<usize>>,
    /// Prior mean and standard deviation of each trait's `ln relevance`.
    pub(crate) priors: Vec<(f64, f64)>,
}

/// Hyper-parameters. For each block: `ln amplitude`; unless it is linear, `ln lengthscale`; with relevances, the
/// `ln relevance` of its traits, then of its columns. Last comes `ln σ`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fit {
    pub(crate) parameters: Vec<f64>,
    /// Negative logarithm of marginal likelihood times prior, up to a constant.
    pub(crate) loss: f64,
}

/// What hyper-parameters are chosen by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Evidence<'a> {
    pub(crate) blocks: &'a [Block],
    /// `[n]`.
    pub(crate) targets: &'a Array1<f64>,
    /// Variance of the noise that each observation has beyond that of all, `[n]`.
    pub(crate) extra: &'a Array1<f64>,
    pub(crate) kernel: Kernel,
    pub(crate) prior: &'a Prior,
}

/// Largest distance of a hyper-parameter from its prior's mean, in standard deviations.
const BOUND: f64 = 5.0;

/// By how much `ln σ` is raised, again and again, until a covariance is positive definite.
const MORE_NOISE: f64 = 0.5;
const RAISES: usize = 12;

impl Evidence<'_> {
    /// The most likely hyper-parameters by L-BFGS, from `start` or from the prior's mean, whichever is more likely.
    ///
    /// Every hyper-parameter stays within five standard deviations of its prior's mean. If the covariance is not
    /// positive definite at either start, the noise is raised until it is. `None` if nothing helps, as with features
    /// that are not finite.
    pub(crate) fn fit(&self, start: Option<&[f64]>, iterations: u64) -> Option<Fit> {
        let objective = Objective::new(self);
        let centre = objective.centre.clone();
        let starts = start.map(|start| objective.bounded(start)).into_iter().chain([centre.clone()]);
        let at = |parameters: Vec<f64>| Some(Fit { loss: objective.at(&parameters)?.0, parameters });
        let likelier = |best: Fit, next: Fit| if next.loss < best.loss { next } else { best };
        let raised = |times: usize| {
            let mut parameters = centre.clone();
            if let Some(noise) = parameters.last_mut() {
                *noise += times as f64 * MORE_NOISE;
            }
            at(parameters)
        };
        let stay = starts.filter_map(at).reduce(likelier).or_else(|| (1..=RAISES).find_map(raised))?;
        if iterations == 0 {
            return Some(stay);
        }
        let search = MoreThuenteLineSearch::new();
        let solver = LBFGS::new(search, 8).with_tolerance_grad(1e-3).ok()?.with_tolerance_cost(1e-4).ok()?;
        let run = Executor::new(Memo { objective: &objective, last: RefCell::default() }, solver);
        // If the line search finds no descent, the start is already a local optimum up to rounding.
        let from = objective.spreads_of(&stay.parameters);
        let Ok(result) = run.configure(|s| s.param(from).max_iters(iterations)).run() else {
            return Some(stay);
        };
        let best = result.state().get_best_param().map(|u| objective.bounded(&objective.parameters_at(u)));
        Some(best.and_then(at).into_iter().fold(stay, likelier))
    }

    /// Leave-one-out predictions at these hyper-parameters, or at the prior's mean (Rasmussen and Williams, equation
    /// 5.12); `None` if the covariance is not positive definite.
    pub(crate) fn leave_one_out(&self, parameters: Option<&[f64]>) -> Option<Vec<LeftOut>> {
        let objective = Objective::new(self);
        let (cholesky, _) = objective.covariance(parameters.unwrap_or(&objective.centre))?;
        let (alpha, inverse) = (cholesky.solve(self.targets.view()), cholesky.inverse());
        let left = |i: usize| LeftOut {
            mean: self.targets[i] - alpha[i] / inverse[[i, i]],
            variance: inverse[[i, i]].recip() - self.extra[i],
        };
        Some((0..self.targets.len()).map(left).collect())
    }

    /// The noise of observations that do not fit, at these hyper-parameters or at the prior's mean; as it was if the
    /// covariance is not positive definite.
    pub(crate) fn outliers(&self, parameters: Option<&[f64]>) -> Array1<f64> {
        let noise = (2.0 * parameters.and_then(|p| p.last()).unwrap_or(&self.prior.noise)).exp();
        match self.leave_one_out(parameters) {
            Some(left) => outlier_noise(self.targets, &left, noise),
            None => self.extra.clone(),
        }
    }
}

struct Objective<'a> {
    evidence: &'a Evidence<'a>,
    /// Means and standard deviations of the parameters' priors.
    centre: Vec<f64>,
    spread: Vec<f64>,
}

/// A block at some parameters.
struct Part {
    /// `[n, d]`, in lengthscales.
    scaled: Array2<f64>,
    /// Covariance `[n, n]`, and `-2 κ'` times the squared amplitude; lower triangles. For a linear block only the
    /// covariance, both triangles.
    value: Array2<f64>,
    slope: Array2<f64>,
}

impl<'a> Objective<'a> {
    fn new(evidence: &'a Evidence<'a>) -> Self {
        let Evidence { blocks, prior, .. } = *evidence;
        let (mut centre, mut spread) = (Vec::new(), Vec::new());
        for block in blocks {
            centre.push(-0.5 * (blocks.len() as f64).ln());
            spread.push(prior.amplitude_sd);
            if !matches!(block.shape, Shape::Linear) {
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
    fn bounded(&self, p: &[f64]) -> Vec<f64> {
        let within = |((p, centre), spread): ((&f64, &f64), &f64)| {
            p.clamp(centre - BOUND * spread, centre + BOUND * spread)
        };
        p.iter().zip(&self.centre).zip(&self.spread).map(within).collect()
    }

    /// Parameters as distances from the prior's mean in its standard deviations, so that the search treats all alike.
    fn spreads_of(&self, p: &[f64]) -> Vec<f64> {
        p.iter()
            .zip(&self.centre)
            .zip(&self.spread)
            .map(|((p, centre), spread)| (p - centre) / spread)
            .collect()
    }

    /// The inverse of [`spreads_of`](Self::spreads_of).
    fn parameters_at(&self, u: &[f64]) -> Vec<f64> {
        u.iter()
            .zip(&self.centre)
            .zip(&self.spread)
            .map(|((u, centre), spread)| centre + spread * u)
            .collect()
    }

    /// The factored covariance of the targets, and the blocks that it is the sum of; `None` if it is not positive
    /// definite.
    fn covariance(&self, p: &[f64]) -> Option<(Cholesky, Vec<Part>)> {
        let noise = (2.0 * p[p.len() - 1]).exp();
        let mut covariance = Array2::from_diag(&(self.evidence.extra + (noise + JITTER)));
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
    fn at(&self, p: &[f64]) -> Option<(f64, Vec<f64>)> {
        let (cholesky, parts) = self.covariance(p)?;
        let noise = (2.0 * p[p.len() - 1]).exp();
        let alpha = cholesky.solve(self.evidence.targets.view());
        let mut loss = 0.5 * (self.evidence.targets.dot(&alpha) + cholesky.ln_det());
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
            let z = (p[i] - self.centre[i]) / self.spread[i];
            loss += 0.5 * z * z;
            *slope += z / self.spread[i];
        }
        (loss.is_finite() && slope.iter().all(|s| s.is_finite())).then_some((loss, slope))
    }

    fn part(&self, block: &Block, p: &[f64]) -> Part {
        let amplitude = (2.0 * p[0]).exp();
        let mut scaled = match &block.shape {
            Shape::Linear => {
                let value = block.x.dot(&block.x.t()) * amplitude;
                return Part { scaled: Array2::zeros((0, 0)), value, slope: Array2::zeros((0, 0)) };
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

impl Block {
    /// Number of hyper-parameters of this block.
    fn parameters(&self) -> usize {
        match &self.shape {
            Shape::Even => 2,
            Shape::Weighed(traits) => 2 + traits.priors.len() + traits.of.len(),
            Shape::Linear => 1,
        }
    }
}

impl Traits {
    /// `ln relevance` of each column, from those of its traits and its own.
    pub(crate) fn relevances(&self, p: &[f64]) -> Array1<f64> {
        let (traits, own) = p.split_at(self.priors.len());
        let relevance = |(of, own): (&Vec<usize>, &f64)| of.iter().map(|&of| traits[of]).sum::<f64>() + own;
        self.of.iter().zip(own).map(relevance).collect()
    }
}

impl Part {
    /// Derivatives by `ln amplitude`, `ln lengthscale` and the relevances of traits and columns.
    ///
    /// With `G = W ∘ slope` made symmetric and `x` in lengthscales, the derivative by the `ln relevance` of a
    /// column is `-½ Σᵢⱼ Gᵢⱼ (xᵢ - xⱼ)² / 2`, a matrix product for all columns at once. The sum over a trait's columns
    /// is the derivative by the trait's; the sum over all columns is minus that by `ln lengthscale`.
    fn slope(&self, w: &Array2<f64>, shape: &Shape, out: &mut Vec<f64>) {
        if matches!(shape, Shape::Linear) {
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

/// Parameters in spreads, with their loss and its gradient.
type Evaluated = (Vec<f64>, f64, Vec<f64>);

/// The objective as argmin calls it, which asks for value and gradient at one place separately.
struct Memo<'a> {
    objective: &'a Objective<'a>,
    last: RefCell<Option<Evaluated>>,
}

/// Loss where the covariance is not positive definite.
const WALL: f64 = 1e10;

impl Memo<'_> {
    fn at<T>(&self, p: &[f64], pick: impl Fn(f64, &[f64]) -> T) -> T {
        let mut last = self.last.borrow_mut();
        if last.as_ref().is_none_or(|(at, ..)| at != p) {
            let bounded = self.objective.bounded(&self.objective.parameters_at(p));
            let found = self.objective.at(&bounded);
            let (loss, mut slope) = found.unwrap_or_else(|| (WALL, vec![0.0; p.len()]));
            slope.iter_mut().zip(&self.objective.spread).for_each(|(slope, spread)| *slope *= spread);
            *last = Some((p.to_vec(), loss, slope));
        }
        last.as_ref().map_or_else(|| pick(WALL, &[]), |(_, loss, slope)| pick(*loss, slope))
    }
}

impl CostFunction for Memo<'_> {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, p: &Vec<f64>) -> Result<f64, Error> {
        Ok(self.at(p, |loss, _| loss))
    }
}

impl Gradient for Memo<'_> {
    type Param = Vec<f64>;
    type Gradient = Vec<f64>;

    fn gradient(&self, p: &Vec<f64>) -> Result<Vec<f64>, Error> {
        Ok(self.at(p, |_, slope| slope.to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(n: usize) -> Vec<Block> {
        let x = |seed: usize, d| {
            Array2::from_shape_fn((n, d), |(i, j)| ((i * 37 + j * 11 + seed) % 17) as f64 / 8.0 - 1.0)
        };
        let traits = Traits {
            of: vec![vec![0], vec![1, 2], vec![1], vec![0, 2]],
            priors: vec![(0.0, 1.0), (-0.5, 0.7), (0.0, 0.5)],
        };
        let shapes = [Shape::Weighed(traits), Shape::Even, Shape::Linear];
        shapes
            .into_iter()
            .zip([(0, 4), (5, 2), (3, 1)])
            .map(|(shape, (seed, d))| Block { x: x(seed, d), shape })
            .collect()
    }

    fn targets(n: usize) -> Array1<f64> {
        (0..n).map(|i| (i as f64 * 0.7).sin()).collect()
    }

    #[test]
    fn gradient_agrees_with_finite_differences() {
        let (blocks, z) = (blocks(60), targets(60));
        for kernel in [Kernel::Matern32, Kernel::Matern52, Kernel::Rbf] {
            let (prior, extra) = (Prior::default(), &z * &z);
            let evidence = Evidence { blocks: &blocks, targets: &z, extra: &extra, kernel, prior: &prior };
            let objective = Objective::new(&evidence);
            let at: Vec<f64> =
                objective.centre.iter().enumerate().map(|(i, c)| c + 0.3 * (i as f64).cos()).collect();
            let (_, slope) = objective.at(&at).unwrap();
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

    /// One observation: `K = a² + σ²`, or `a² x² + σ²` for a linear block; loss `½ (z²/K + ln K)` plus the priors at their means.
    #[test]
    fn loss_of_one_observation_by_hand() {
        let z = ndarray::array![1.5];
        for (shape, variance) in [(Shape::Even, 1.0), (Shape::Linear, 0.09)] {
            let block = Block { x: ndarray::array![[0.3]], shape };
            let (prior, extra) = (Prior::default(), ndarray::array![0.7]);
            let evidence =
                Evidence { blocks: &[block], targets: &z, extra: &extra, kernel: Kernel::Rbf, prior: &prior };
            let loss = evidence.fit(None, 0).unwrap().loss;
            let k = variance + (-3f64).exp() + JITTER + 0.7;
            assert!((loss - 0.5 * (2.25 / k + k.ln())).abs() < 1e-12);
        }
    }

    #[test]
    fn fitting_goes_down_to_where_there_is_no_slope() {
        let (blocks, z) = (blocks(40), targets(40));
        let (prior, extra) = (Prior::default(), Array1::zeros(40));
        let evidence =
            Evidence { blocks: &blocks, targets: &z, extra: &extra, kernel: Kernel::Matern32, prior: &prior };
        let start = evidence.fit(None, 0).unwrap();
        let best = evidence.fit(None, 200).unwrap();
        assert!(best.loss < start.loss - 0.1);
        let objective = Objective::new(&evidence);
        let (_, slope) = objective.at(&best.parameters).unwrap();
        assert!(slope.iter().all(|s| s.abs() < 0.05), "{slope:?}");
        let again = evidence.fit(Some(&best.parameters), 5).unwrap();
        assert!(again.loss <= best.loss);
    }

    /// Starts that are far out, or from which nothing is positive definite, still lead somewhere.
    #[test]
    fn a_bad_start_does_not_matter() {
        let (blocks, z) = (blocks(40), targets(40));
        let (prior, extra) = (Prior::default(), Array1::zeros(40));
        let evidence =
            Evidence { blocks: &blocks, targets: &z, extra: &extra, kernel: Kernel::Rbf, prior: &prior };
        let centre = evidence.fit(None, 0).unwrap();
        for far in [1e3, -1e3, f64::INFINITY] {
            let start: Vec<f64> = centre.parameters.iter().map(|p| p + far).collect();
            let found = evidence.fit(Some(&start), 20).unwrap();
            assert!(found.loss < centre.loss, "{far}");
        }
        // Copies without noise to speak of: the covariance is singular up to rounding.
        let prior = Prior { noise: -30.0, amplitude_sd: 1e-3, ..prior };
        let same = [Block { x: Array2::zeros((40, 2)), shape: Shape::Even }];
        let far = Array1::from_elem(40, 0.0);
        let evidence =
            Evidence { blocks: &same, targets: &z, extra: &far, kernel: Kernel::Rbf, prior: &prior };
        assert!(evidence.fit(None, 20).unwrap().loss.is_finite());
    }
}
