//! The maximum of the marginal likelihood, and what observations say of each other there.

use std::cell::RefCell;

use argmin::core::{CostFunction, Error, Executor, Gradient, State};
use argmin::solver::linesearch::MoreThuenteLineSearch;
use argmin::solver::quasinewton::LBFGS;
use ndarray::Array1;

use super::model::Evidence;
use super::objective::{BOUND, Objective};
use super::outliers::{LeftOut, outlier_noise};

/// Hyper-parameters. For each block: `ln amplitude`; unless it is linear, `ln lengthscale`; with relevances, the
/// `ln relevance` of its traits, then of its columns. Last comes `ln σ`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fit {
    pub(crate) parameters: Vec<f64>,
    /// Negative logarithm of marginal likelihood times prior, up to a constant.
    pub(crate) loss: f64,
}

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
        let at = |parameters: Vec<f64>| Some(Fit { loss: objective.loss(&parameters)?, parameters });
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
        let (alpha, precision) = (cholesky.solve(self.targets.view()), cholesky.inverse_diag());
        let left = |i: usize| LeftOut {
            mean: self.targets[i] - alpha[i] / precision[i],
            variance: precision[i].recip() - self.extra[i],
        };
        Some((0..self.targets.len()).map(left).collect())
    }

    /// The noise of observations that do not fit beyond what they are known to have, at these hyper-parameters or at the prior's mean; as it was if the
    /// covariance is not positive definite.
    pub(crate) fn outliers(&self, parameters: Option<&[f64]>) -> Array1<f64> {
        let noise = (2.0 * parameters.and_then(|p| p.last()).unwrap_or(&self.prior.noise)).exp();
        match self.leave_one_out(parameters) {
            Some(left) => outlier_noise(self.targets, &left, &(self.known + noise)),
            None => self.extra.clone(),
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
            for ((slope, spread), at) in slope.iter_mut().zip(&self.objective.spread).zip(p) {
                *slope = if leads_out(*at, *slope) { 0.0 } else { *slope * spread };
            }
            *last = Some((p.to_vec(), loss, slope));
        }
        last.as_ref().map_or_else(|| pick(WALL, &[]), |(_, loss, slope)| pick(*loss, slope))
    }
}

/// Whether a parameter, in spreads, is at its bound and would go beyond it where the loss falls, or is beyond it: there it
/// changes nothing, and a slope that promises a descent would make the line search look for it in vain.
fn leads_out(at: f64, slope: f64) -> bool {
    const ROUNDING: f64 = 1e-9;
    at.abs() > BOUND + ROUNDING || (at.abs() >= BOUND - ROUNDING && slope * at < 0.0)
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
    use ndarray::Array2;

    use super::super::Kernel;
    use super::super::model::testing::{blocks, targets};
    use super::super::model::{Block, Prior, Shape};
    use super::super::objective::JITTER;
    use super::*;

    /// One observation: `K = a² + σ²`, or `a² x² + σ²` for a linear block; loss `½ (z²/K + ln K)` plus the priors at their means.
    #[test]
    fn loss_of_one_observation_by_hand() {
        let z = ndarray::array![1.5];
        for (shape, variance) in [(Shape::Even, 1.0), (Shape::Linear, 0.09)] {
            let block = Block { x: ndarray::array![[0.3]], shape };
            let (prior, none, extra) = (Prior::default(), ndarray::array![0.4], ndarray::array![0.3]);
            let evidence = Evidence {
                blocks: &[block],
                targets: &z,
                known: &none,
                extra: &extra,
                kernel: Kernel::Rbf,
                prior: &prior,
            };
            let loss = evidence.fit(None, 0).unwrap().loss;
            let k = variance + (-3f64).exp() + JITTER + 0.7;
            assert!((loss - 0.5 * (2.25 / k + k.ln())).abs() < 1e-12);
        }
    }

    #[test]
    fn fitting_goes_down_to_where_there_is_no_slope() {
        let (blocks, z) = (blocks(40), targets(40));
        let (prior, extra, none) = (Prior::default(), Array1::zeros(40), Array1::zeros(40));
        let evidence = Evidence {
            blocks: &blocks,
            targets: &z,
            known: &none,
            extra: &extra,
            kernel: Kernel::Matern32,
            prior: &prior,
        };
        let start = evidence.fit(None, 0).unwrap();
        let best = evidence.fit(None, 200).unwrap();
        assert!(best.loss < start.loss - 0.1);
        let objective = Objective::new(&evidence);
        let (_, slope) = objective.at(&best.parameters).unwrap();
        assert!(slope.iter().all(|s| s.abs() < 0.05), "{slope:?}");
        let again = evidence.fit(Some(&best.parameters), 5).unwrap();
        assert!(again.loss <= best.loss);
    }

    /// Without noise its parameter ends at its bound, which takes no more evaluations than elsewhere.
    #[test]
    fn a_bound_ends_no_line_search() {
        let (blocks, z) = (blocks(40), targets(40));
        let (extra, none) = (Array1::zeros(40), Array1::zeros(40));
        let prior = Prior { noise: 2.0, noise_sd: 0.3, ..Prior::default() };
        let evidence = Evidence {
            blocks: &blocks,
            targets: &z,
            known: &none,
            extra: &extra,
            kernel: Kernel::Matern32,
            prior: &prior,
        };
        let fit = evidence.fit(None, 200).unwrap();
        let noise = (fit.parameters.last().unwrap() - prior.noise) / prior.noise_sd;
        assert!((noise + BOUND).abs() < 1e-6, "{noise}");
        let before = fit.loss;
        let again = evidence.fit(Some(&fit.parameters), 50).unwrap();
        assert!(again.loss <= before);
        assert!(leads_out(-BOUND, 0.1) && !leads_out(-BOUND, -0.1) && leads_out(BOUND + 1.0, 0.1));
        assert!(!leads_out(4.9, -0.1));
    }

    /// Starts that are far out, or from which nothing is positive definite, still lead somewhere.
    #[test]
    fn a_bad_start_does_not_matter() {
        let (blocks, z) = (blocks(40), targets(40));
        let (prior, extra, none) = (Prior::default(), Array1::zeros(40), Array1::zeros(40));
        let evidence = Evidence {
            blocks: &blocks,
            targets: &z,
            known: &none,
            extra: &extra,
            kernel: Kernel::Rbf,
            prior: &prior,
        };
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
        let evidence = Evidence {
            blocks: &same,
            targets: &z,
            known: &none,
            extra: &far,
            kernel: Kernel::Rbf,
            prior: &prior,
        };
        assert!(evidence.fit(None, 20).unwrap().loss.is_finite());
    }
}
