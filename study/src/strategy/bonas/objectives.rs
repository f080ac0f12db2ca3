//! Two objectives.

use bonas_spaces::Architecture;
use bonas_surrogate::pareto::{
    Front, NoisyImprovement, Objective, Point, believers, front, most_improving, reference, tchebycheff,
};
use bonas_surrogate::posterior::Joint;
use bonas_surrogate::{Posterior, Predict, SurrogateError};

use super::super::{Ask, Proposal, Scored};
use super::Bonas;
use super::model::Unit;
use crate::StudyError;
use crate::rng::StudyRng;

/// How two objectives come to one utility.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Objectives {
    /// Expected improvement of the hypervolume, measured from [`Aims::reference`](super::super::Aims) or a little below
    /// the front ([`reference()`]), with a surrogate an objective and batches by [`believers`]; acquisition and selection
    /// are not used.
    #[default]
    Hypervolume,
    /// The same with a front that is itself uncertain ([`NoisyImprovement`]), by joint draws of the true scores of the best
    /// that was measured and of the candidates that promise most.
    Noisy,
    /// One score, weighed at random anew each round, for surrogate, acquisition and selection as they
    /// are: Knowles, "`ParEGO`", IEEE Transactions on Evolutionary Computation, 2006.
    Scalarised,
}

/// Joint draws of [`Objectives::Noisy`].
const DRAWS: usize = 128;
/// Measured architectures whose true scores are drawn, at least, where there are more.
const MEASURED: usize = 60;
/// Candidates that are drawn, unless more are asked for.
const CANDIDATES: usize = 150;

impl Bonas {
    /// Both objectives of what is known; none without a second one.
    pub(super) fn points(&self, known: &[Scored<'_>]) -> Result<Option<Vec<Point>>, StudyError> {
        let Some(place) = self.aims.second else { return Ok(None) };
        let second = self.measures(known, place)?;
        let unit = self.unit(&second);
        Ok(Some(known.iter().zip(&second).map(|(s, b)| [s.value, unit.scaled(*b)]).collect()))
    }

    /// What the hypervolume of these points is measured from.
    fn reference(&self, known: &[Scored<'_>], feasible: &[Point]) -> Result<Point, StudyError> {
        match (self.aims.reference, self.aims.second) {
            (Some([score, second]), Some(place)) => {
                let unit = self.unit(&self.measures(known, place)?);
                Ok([score, unit.scaled(second)])
            }
            _ => Ok(reference(feasible)),
        }
    }

    /// By expected improvement of the hypervolume.
    pub(super) fn propose_two(
        &self,
        ask: &Ask<'_>,
        known: &[Scored<'_>],
        points: &[Point],
        pool: &[Architecture],
        rng: &mut StudyRng,
    ) -> Result<Proposal, StudyError> {
        let fitted = [
            self.fit_first(known, ask.pending, points, rng)?,
            self.fit(known, ask.pending, |i| points[i][1], rng)?,
        ];
        let posteriors = [self.predict(&*fitted[0], pool)?, self.predict(&*fitted[1], pool)?];
        let weights = self.feasibility(ask, known, pool, rng)?.unwrap_or_else(|| vec![1.0; pool.len()]);
        let (feasible, measured): (Vec<Point>, Vec<&Architecture>) = known
            .iter()
            .zip(points)
            .filter(|(s, _)| !s.score.infeasible)
            .map(|(s, point)| (*point, &s.evaluation.architecture))
            .unzip();
        let front = Front::of(&feasible, self.reference(known, &feasible)?);
        let batches = self.affordable(ask);
        let task = Task { front, fitted: &fitted, posteriors: &posteriors, pool, weights: &weights };
        let chosen = if self.objectives == Objectives::Noisy {
            let best: Vec<Architecture> =
                layers(&feasible).into_iter().map(|i| measured[i].clone()).collect();
            task.noisy(best, batches.total(), rng)?
        } else {
            task.believed(self.noise_free, batches.total())?
        };
        let chosen: Vec<Vec<usize>> = chosen.chunks(batches.size).map(<[usize]>::to_vec).collect();
        self.proposal(&chosen, pool, Some(&posteriors[0]))
    }
}

/// What a batch for two objectives is chosen by.
struct Task<'a> {
    front: Front,
    fitted: &'a [Box<dyn Predict>; 2],
    /// Of the pool, for each objective.
    posteriors: &'a [Vec<Posterior>; 2],
    pool: &'a [Architecture],
    /// Probability that each of the pool keeps all limits.
    weights: &'a [f64],
}

impl Task<'_> {
    fn architectures(&self, indices: &[usize]) -> Vec<Architecture> {
        indices.iter().map(|&i| self.pool[i].clone()).collect()
    }

    /// Up to `count` of the pool, each as if those before it were measured.
    fn believed(&self, noise_free: bool, count: usize) -> Result<Vec<usize>, SurrogateError> {
        let joint =
            [0, 1].map(|k| move |indices: &[usize]| self.fitted[k].joint(&self.architectures(indices)));
        let objective =
            |k: usize| Objective { posteriors: &self.posteriors[k], joint: Some(&joint[k]), noise_free };
        believers(&self.front, &[objective(0), objective(1)], self.weights, count)
    }

    /// Up to `count` of the pool by joint draws with what was measured.
    fn noisy(
        &self,
        measured: Vec<Architecture>,
        count: usize,
        rng: &mut StudyRng,
    ) -> Result<Vec<usize>, SurrogateError> {
        let objective =
            |k: usize| Objective { posteriors: &self.posteriors[k], joint: None, noise_free: true };
        let objectives = [objective(0), objective(1)];
        let shortlist = most_improving(&self.front, &objectives, self.weights, CANDIDATES.max(count))?;
        let observed = measured.len();
        let all = [measured, self.architectures(&shortlist)].concat();
        let mut draws = |k: usize| {
            let missing = || SurrogateError::data("nehvi", "the surrogate has no joint posterior; take ehvi");
            let joint: Joint = self.fitted[k].joint(&all)?.ok_or_else(missing)?;
            Ok::<_, SurrogateError>(joint.draws(DRAWS, rng))
        };
        let noisy = NoisyImprovement::new(&[draws(0)?, draws(1)?], observed, self.front.reference())?;
        let weights: Vec<f64> = shortlist.iter().map(|&i| self.weights[i]).collect();
        Ok(noisy.choose(&weights, count)?.into_iter().map(|i| shortlist[i]).collect())
    }
}

/// Indices of the points of the first fronts, each of what the fronts before it leave, until there are [`MEASURED`].
fn layers(points: &[Point]) -> Vec<usize> {
    let mut left: Vec<usize> = (0..points.len()).collect();
    let mut taken = Vec::new();
    while taken.len() < MEASURED && !left.is_empty() {
        let layer = front(&left.iter().map(|&i| points[i]).collect::<Vec<_>>());
        let layer: Vec<usize> = layer.into_iter().map(|i| left[i]).collect();
        left.retain(|i| !layer.contains(i));
        taken.extend(layer);
    }
    taken
}

/// Makes one score in `(0, 1)` of two, each by its range.
pub(super) fn weigh(known: &mut [Scored<'_>], points: &[Point], weight: f64) {
    let unit = |k: usize| Unit::of(&points.iter().map(|point| point[k]).collect::<Vec<_>>());
    let units = [unit(0), unit(1)];
    for (scored, point) in known.iter_mut().zip(points) {
        scored.value = 1.0 + tchebycheff(weight, [0, 1].map(|k| units[k].scaled(point[k])));
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::Aims;
    use super::*;

    /// The user's own reference is taken as it is; else it is a tenth of the front's range below the front.
    #[test]
    fn a_reference_is_given_or_estimated() {
        let points = [[3.0, 1.0], [1.0, 3.0]];
        let aims = |reference| Aims { second: Some(0), reference, ..Aims::default() };
        let of = |reference| Bonas { aims: aims(reference), ..Bonas::default() }.reference(&[], &points);
        assert_eq!(of(Some([0.5, -4.0])).unwrap(), [0.5, -4.0]);
        assert_eq!(of(None).unwrap(), [0.8, 0.8]);
    }

    /// The first front is (3, 1) and (1, 3), the second (2, 1), a copy of (3, 1) and (1, 2).
    #[test]
    fn layers_by_hand() {
        let points = [[2.0, 1.0], [3.0, 1.0], [1.0, 3.0], [1.0, 2.0], [3.0, 1.0]];
        assert_eq!(layers(&points), [1, 2, 4, 3, 0]);
        let line: Vec<Point> = (0..100).map(|i| [f64::from(i), f64::from(i)]).collect();
        assert_eq!(layers(&line), (40..100).rev().collect::<Vec<_>>());
    }
}
