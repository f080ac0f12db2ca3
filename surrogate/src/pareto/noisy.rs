//! Improvement of a front that is itself uncertain.

use ndarray::Array2;

use super::{Front, Point};
use crate::SurrogateError;

/// Noisy expected improvement of the hypervolume: Daulton, Balandat and Bakshy, "Parallel Bayesian optimization of
/// multiple noisy objectives with expected hypervolume improvement", NeurIPS 2021.
///
/// `E [HV(F ∪ {y_j}) - HV(F)]`, where `F` is the front of what was measured. Its true scores are uncertain, so both `F`
/// and the candidates' scores `y` are joint draws: each draw has a front of its own. Where everything measured is
/// certain and there is one candidate, this is [`Front::expected_improvement`], up to the error of the mean over draws.
///
/// ```
/// use bonas_surrogate::pareto::NoisyImprovement;
/// use ndarray::array;
/// // Two draws of one measured point and two candidates, in each of two objectives.
/// let first = array![[1.0, 2.0, 0.5], [1.0, 0.0, 0.5]];
/// let second = array![[1.0, 1.0, 3.0], [2.0, 1.0, 3.0]];
/// let noisy = NoisyImprovement::new(&[first, second], 1, [0.0, 0.0])?;
/// assert_eq!(noisy.of(&[0]), 0.5); // 1 in the first draw, 0 in the second
/// assert_eq!(noisy.of(&[0, 1]), 0.5 * (1.0 + 1.0 + 0.5));
/// # Ok::<(), bonas_surrogate::SurrogateError>(())
/// ```
#[derive(Clone, Debug)]
pub struct NoisyImprovement<const M: usize = 2> {
    /// The front of each draw.
    fronts: Vec<Front<M>>,
    /// Scores of the candidates by draw, `[draws][m]`.
    candidates: Vec<Vec<Point<M>>>,
}

impl<const M: usize> NoisyImprovement<M> {
    /// From joint draws `[draws, observed + m]` of each objective, of what was measured first and then of `m` candidates
    /// ([`Joint::draws`](crate::posterior::Joint::draws)).
    ///
    /// # Errors
    /// [`SurrogateError::Data`] for draws of different shapes, no draws, or fewer columns than `observed`.
    pub fn new(
        draws: &[Array2<f64>; M],
        observed: usize,
        reference: Point<M>,
    ) -> Result<Self, SurrogateError> {
        let (count, all) = draws[0].dim();
        if count == 0 || all < observed || draws.iter().any(|other| other.dim() != (count, all)) {
            let shapes: Vec<(usize, usize)> = draws.iter().map(Array2::dim).collect();
            let reason = format!(
                "draws have the shapes {shapes:?}; each objective needs the same, at least one draw, and at least {observed} columns"
            );
            return Err(SurrogateError::data("noisy hypervolume", reason));
        }
        let points = |draw: usize, columns: std::ops::Range<usize>| -> Vec<Point<M>> {
            columns.map(|i| std::array::from_fn(|k| draws[k][[draw, i]])).collect()
        };
        Ok(Self {
            fronts: (0..count).map(|draw| Front::of(&points(draw, 0..observed), reference)).collect(),
            candidates: (0..count).map(|draw| points(draw, observed..all)).collect(),
        })
    }

    /// Expected increase of the hypervolume by these candidates together.
    pub fn of(&self, batch: &[usize]) -> f64 {
        let gain = |(front, candidates): (&Front<M>, &Vec<Point<M>>)| {
            if let [one] = *batch {
                return front.improvement(candidates[one]);
            }
            let all = batch.iter().fold(front.clone(), |front, &i| front.with(candidates[i]));
            all.hypervolume() - front.hypervolume()
        };
        let gains = self.fronts.iter().zip(&self.candidates).map(gain);
        gains.sum::<f64>() / self.fronts.len() as f64
    }

    /// Up to `count` candidates, each the one that adds most to those before it, times `weights`, `[m]`. The lowest index
    /// wins a tie.
    ///
    /// # Errors
    /// [`SurrogateError::Data`] for weights of other candidates.
    pub fn choose(mut self, weights: &[f64], count: usize) -> Result<Vec<usize>, SurrogateError> {
        let all = self.candidates[0].len();
        if weights.len() != all {
            let reason = format!("{} weights for {all} candidates", weights.len());
            return Err(SurrogateError::data("noisy hypervolume", reason));
        }
        let mut left: Vec<usize> = (0..all).collect();
        let mut chosen = Vec::new();
        while chosen.len() < count && !left.is_empty() {
            let worth: Vec<f64> = left.iter().map(|&i| weights[i] * self.of(&[i])).collect();
            let best =
                (0..left.len()).reduce(|best, next| if worth[next] > worth[best] { next } else { best });
            let next = left.remove(best.unwrap_or(0));
            for (front, candidates) in self.fronts.iter_mut().zip(&self.candidates) {
                *front = front.clone().with(candidates[next]);
            }
            chosen.push(next);
        }
        Ok(chosen)
    }
}
