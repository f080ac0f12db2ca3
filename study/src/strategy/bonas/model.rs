//! Surrogates of what is measured beside the score.

use bonas_spaces::Architecture;
use bonas_surrogate::pareto::Point;
use bonas_surrogate::{Observation, Posterior, Predict, believed};

use super::super::Scored;
use super::Bonas;
use crate::StudyError;
use crate::ask::Ask;
use crate::history::{Evaluation, Outcome};
use crate::rng::StudyRng;

/// Numbers that stand for an evaluation that failed and one that succeeded, fractions for surrogates that need these,
/// and what lies between.
const FAILURE: f64 = 0.1;
const SUCCESS: f64 = 0.9;
const MIDDLE: f64 = 0.5;

/// A straight map of values to another scale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Unit {
    low: f64,
    span: f64,
    offset: f64,
}

impl Unit {
    /// The scale of the values themselves.
    const OWN: Self = Self { low: 0.0, span: 1.0, offset: 0.0 };

    /// The scale on which some values lie in `[0.1, 0.9]`; where all are equal, one of their unit.
    pub(super) fn of(values: &[f64]) -> Self {
        let (low, high) =
            values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(*v), h.max(*v)));
        Self { low, span: if high > low { (high - low) / 0.8 } else { 1.0 }, offset: 0.1 }
    }

    pub(super) fn scaled(self, value: f64) -> f64 {
        self.offset + (value - self.low) / self.span
    }
}

impl Bonas {
    /// The surrogate fitted to the scores of what is known, with their noise where it is known.
    pub(super) fn fit_scores(
        &self,
        known: &[Scored<'_>],
        pending: &[Architecture],
        rng: &mut StudyRng,
    ) -> Result<Box<dyn Predict>, StudyError> {
        let observations = self.observations(known).into_iter().map(|(_, observation)| observation);
        self.fit_believing(observations.collect(), pending, rng)
    }

    /// What the surrogate of the scores is fitted to, each with its position in the history: what is known, with its noise
    /// where that is known, but what learnt nothing.
    pub(super) fn observations(&self, known: &[Scored<'_>]) -> Vec<(usize, Observation)> {
        // As they were measured, as success counts them: centred by their batches, scores share other values.
        let values: Vec<f64> = known.iter().map(|s| s.score.value).collect();
        let floor = self.floor_of(&values);
        let above: Vec<_> = known.iter().filter(|s| Some(s.score.value) != floor).copied().collect();
        let known = if above.len() < 2 { known } else { &above };
        let noise = if self.aims.second.is_none() { score_noise(known) } else { None };
        let observation = |(i, s): (usize, &Scored<'_>)| {
            let noise = noise.as_ref().map(|noise| noise[i]);
            let observed = Observation::new(s.evaluation.architecture.clone(), s.value);
            (s.index, Observation { noise, group: s.group, ..observed })
        };
        known.iter().enumerate().map(observation).collect()
    }

    /// The surrogate fitted to a value of each of what is known.
    pub(super) fn fit(
        &self,
        known: &[Scored<'_>],
        pending: &[Architecture],
        value: impl Fn(usize) -> f64,
        rng: &mut StudyRng,
    ) -> Result<Box<dyn Predict>, StudyError> {
        let observation =
            |(i, s): (usize, &Scored<'_>)| Observation::new(s.evaluation.architecture.clone(), value(i));
        self.fit_believing(known.iter().enumerate().map(observation).collect(), pending, rng)
    }

    /// The surrogate fitted to the first of two objectives of what is known, in the groups of its batches.
    pub(super) fn fit_first(
        &self,
        known: &[Scored<'_>],
        pending: &[Architecture],
        points: &[Point],
        rng: &mut StudyRng,
    ) -> Result<Box<dyn Predict>, StudyError> {
        let observation = |(s, point): (&Scored<'_>, &Point)| Observation {
            group: s.group,
            ..Observation::new(s.evaluation.architecture.clone(), point[0])
        };
        self.fit_believing(known.iter().zip(points).map(observation).collect(), pending, rng)
    }

    /// The surrogate fitted to observations. What is pending counts as measured at its median: the predictor is
    /// conditioned on that, or, where the model has no such thing, fitted again.
    fn fit_believing(
        &self,
        mut observations: Vec<Observation>,
        pending: &[Architecture],
        rng: &mut StudyRng,
    ) -> Result<Box<dyn Predict>, StudyError> {
        let fitted = self.surrogate.fit(&observations, rng)?;
        if pending.is_empty() {
            return Ok(fitted);
        }
        if let Some(believing) = believed(&*fitted, pending)? {
            return Ok(believing);
        }
        let belief = |(architecture, posterior): (&Architecture, Posterior)| {
            Observation::new(architecture.clone(), posterior.median())
        };
        observations.extend(pending.iter().zip(self.predict(&*fitted, pending)?).map(belief));
        Ok(self.surrogate.fit(&observations, rng)?)
    }

    /// The median of the posterior of each evaluation that is known, in the order of a history of `count`; minus
    /// infinity for the others.
    pub(super) fn medians(
        &self,
        count: usize,
        known: &[Scored<'_>],
        rng: &mut StudyRng,
    ) -> Result<Vec<f64>, StudyError> {
        let fitted = self.fit_scores(known, &[], rng)?;
        let architectures: Vec<_> = known.iter().map(|s| s.evaluation.architecture.clone()).collect();
        let mut medians = vec![f64::NEG_INFINITY; count];
        for (scored, posterior) in known.iter().zip(self.predict(&*fitted, &architectures)?) {
            medians[scored.index] = posterior.median();
        }
        Ok(medians)
    }

    /// The scale on which the surrogate models some values: theirs, which does not change with every
    /// new one, where it can.
    pub(super) fn unit(&self, values: &[f64]) -> Unit {
        if self.surrogate.needs_fractions() { Unit::of(values) } else { Unit::OWN }
    }

    /// A measure of everything known.
    pub(super) fn measures(&self, known: &[Scored<'_>], place: usize) -> Result<Vec<f64>, StudyError> {
        let measure = |s: &Scored<'_>| s.score.measures.get(place).copied();
        let all: Option<Vec<f64>> = known.iter().map(measure).collect();
        all.ok_or_else(|| {
            let reason = format!(
                "a score has no measure {place}; its evaluator must give what limits and \
                                  objectives are on"
            );
            self.broken(reason)
        })
    }

    /// Probability that the evaluation of each candidate succeeds, `[n]`; none where all have succeeded so far.
    ///
    /// Failures have a cause in the architecture, or they are chance: `p = w p_s + (1 - w) p_0`. `p_s` is of the surrogate,
    /// fitted to 1 for an evaluation that succeeded and 0 for one that did not (classification by least squares: Rasmussen and
    /// Williams, section 6.5). `p_0` is the share that succeeded, and `w` how much more likely the surrogate makes what it was
    /// not fitted to ([`trust`](Self::trust)).
    fn success(
        &self,
        ask: &Ask<'_>,
        pool: &[Architecture],
        rng: &mut StudyRng,
    ) -> Result<Option<Vec<f64>>, StudyError> {
        let scored = ask.history.evaluations().iter().filter_map(|e| e.outcome.score(ask.fidelity));
        let floor = self.floor_of(&scored.map(|score| score.value).collect::<Vec<_>>());
        let succeeded = |e: &Evaluation| match &e.outcome {
            Outcome::Failed(_) => Some(FAILURE),
            Outcome::Scored(_) => {
                let value = e.outcome.score(ask.fidelity)?.value;
                Some(if Some(value) == floor { FAILURE } else { SUCCESS })
            }
        };
        let observation = |e: &Evaluation| Some(Observation::new(e.architecture.clone(), succeeded(e)?));
        let observations: Vec<_> = ask.history.evaluations().iter().filter_map(observation).collect();
        if observations.iter().all(|o| o.score > MIDDLE) {
            return Ok(None);
        }
        let (share, trust) = (share(&observations), self.trust(&observations, rng)?);
        let probabilities = self.probabilities(&observations, pool, rng)?;
        Ok(Some(probabilities.iter().map(|p| trust * p + (1.0 - trust) * share).collect()))
    }

    /// Probability that the evaluation of each candidate succeeds as the surrogate sees it.
    fn probabilities(
        &self,
        observations: &[Observation],
        candidates: &[Architecture],
        rng: &mut StudyRng,
    ) -> Result<Vec<f64>, StudyError> {
        let fitted = self.surrogate.fit(observations, rng)?;
        Ok(self.predict(&*fitted, candidates)?.iter().map(|posterior| posterior.survival(MIDDLE)).collect())
    }

    /// Probability that failures have a cause which the surrogate sees, before which it is one half: by the likelihoods of
    /// evaluations in turn left out, under the surrogate and under chance.
    fn trust(&self, observations: &[Observation], rng: &mut StudyRng) -> Result<f64, StudyError> {
        let mut gain = 0.0;
        for fold in 0..FOLDS {
            let (mut kept, mut left_out) = (Vec::new(), Vec::new());
            for (i, observation) in observations.iter().enumerate() {
                let side = if i % FOLDS == fold { &mut left_out } else { &mut kept };
                side.push(observation.clone());
            }
            if kept.is_empty() || left_out.is_empty() {
                continue;
            }
            let candidates: Vec<_> = left_out.iter().map(|o| o.architecture.clone()).collect();
            let (chance, seen) = (share(&kept), self.probabilities(&kept, &candidates, rng)?);
            let likelihood = |o: &Observation, p: f64| if o.score > MIDDLE { p } else { 1.0 - p };
            gain += left_out
                .iter()
                .zip(seen)
                .map(|(o, p)| (likelihood(o, p.clamp(SURE, 1.0 - SURE)) / likelihood(o, chance)).ln())
                .sum::<f64>();
        }
        Ok(1.0 / (1.0 + (-gain).exp()))
    }

    /// The score of evaluations that count as failures.
    fn floor_of(&self, values: &[f64]) -> Option<f64> {
        if self.floor && self.aims.second.is_none() { floor(values) } else { None }
    }

    /// Probability that each candidate can be evaluated and keeps every bound, taken for independent, `[n]`; none where
    /// there are neither bounds nor failures.
    pub(super) fn feasibility(
        &self,
        ask: &Ask<'_>,
        known: &[Scored<'_>],
        pool: &[Architecture],
        rng: &mut StudyRng,
    ) -> Result<Option<Vec<f64>>, StudyError> {
        let success = self.success(ask, pool, rng)?;
        if self.aims.bounds.is_empty() {
            return Ok(success);
        }
        let mut feasibility = success.unwrap_or_else(|| vec![1.0; pool.len()]);
        for (place, bound) in &self.aims.bounds {
            let measures = self.measures(known, *place)?;
            let unit = self.unit(&measures);
            let fitted = self.fit(known, ask.pending, |i| unit.scaled(measures[i]), rng)?;
            let edge = unit.scaled(bound.value);
            for (p, posterior) in feasibility.iter_mut().zip(self.predict(&*fitted, pool)?) {
                *p *= if bound.at_most { posterior.cdf(edge) } else { posterior.survival(edge) };
            }
        }
        Ok(Some(feasibility))
    }
}

/// Parts of the evaluations that are left out in turn.
const FOLDS: usize = 5;
/// How near to certain a surrogate may be that an evaluation succeeds or fails.
const SURE: f64 = 0.02;

/// Share of the evaluations that succeeded, with one more of either kind.
fn share(observations: &[Observation]) -> f64 {
    let succeeded = observations.iter().filter(|o| o.score > MIDDLE).count();
    (succeeded + 1) as f64 / (observations.len() + 2) as f64
}

/// Evaluations that must share the lowest score for it to be a floor.
const FLOOR: usize = 2;

/// The score of runs that learnt nothing, such as accuracy at chance: the lowest, if several share it to the last bit.
fn floor(values: &[f64]) -> Option<f64> {
    let lowest = values.iter().copied().reduce(f64::min)?;
    (values.iter().filter(|&&value| value <= lowest).count() >= FLOOR).then_some(lowest)
}

/// Degrees of freedom that a pooled variance must have.
const FEWEST: usize = 5;

/// Standard deviation of the error of each score: the one of a single measurement, pooled over all architectures that
/// were measured several times, over the root of the number of measurements. None where they are too few to tell, or
/// all scores have equally many: that noise a surrogate learns by itself.
pub fn score_noise(known: &[Scored<'_>]) -> Option<Vec<f64>> {
    let counts: Vec<usize> = known.iter().map(|s| s.score.runs.len().max(1)).collect();
    let freedom: usize = counts.iter().map(|count| count - 1).sum();
    if freedom < FEWEST || counts.windows(2).all(|pair| pair[0] == pair[1]) {
        return None;
    }
    let squares = |runs: &[f64]| {
        let mean = runs.iter().sum::<f64>() / runs.len() as f64;
        runs.iter().map(|run| (run - mean).powi(2)).sum::<f64>()
    };
    let several = known.iter().map(|s| &*s.score.runs).filter(|runs| runs.len() > 1);
    let sd = (several.map(squares).sum::<f64>() / freedom as f64).sqrt();
    Some(counts.into_iter().map(|count| sd / (count as f64).sqrt()).collect())
}

#[cfg(test)]
#[allow(clippy::float_cmp)]
mod tests {
    use bonas_spaces::SearchSpace;
    use bonas_spaces::families::nasbench_macro::NasBenchMacro;

    use super::*;
    use crate::history::{Fidelity, Score};

    #[test]
    fn a_floor_is_shared() {
        assert_eq!(floor(&[2.0, 1.0, 1.0, 3.0]), Some(1.0));
        assert_eq!(floor(&[2.0, 2.0, 1.0]), None);
        assert_eq!(floor(&[]), None);
    }

    /// Failures of one operation have a cause, of which candidates without it are free; those of every seventh
    /// architecture are chance, and say nothing of their neighbours.
    #[test]
    fn failures_by_cause_and_by_chance() {
        let space = NasBenchMacro::new();
        let mut rng = crate::rng::stream(3, &[]);
        let cells: Vec<_> = (0..60).map(|_| space.sample(&mut rng)).collect();
        let text = |cell: &Architecture| space.format(cell).unwrap();
        let strategy = Bonas::default();
        let observed = |fails: &dyn Fn(usize, &Architecture) -> bool| -> Vec<Observation> {
            let score = |(i, cell)| if fails(i, cell) { FAILURE } else { SUCCESS };
            cells.iter().enumerate().map(|one| Observation::new(one.1.clone(), score(one))).collect()
        };
        let caused = observed(&|_, cell| text(cell).starts_with('2'));
        assert!(strategy.trust(&caused, &mut rng).unwrap() > 0.99);
        let chance = observed(&|i, _| i % 7 == 0);
        assert!(strategy.trust(&chance, &mut rng).unwrap() < 0.5);
        assert!((share(&chance) - 52.0 / 62.0).abs() < 1e-12);
    }

    /// Runs 1, 3 and 5, 5, 8: squares 2 and 6 over three degrees of freedom are too few; twice as many are six.
    #[test]
    fn noise_by_hand() {
        let space = NasBenchMacro::new();
        let evaluated = |i: usize, runs: &[f64]| Evaluation {
            architecture: space.parse(&format!("020121{}{}", i / 3, i % 3)).unwrap(),
            round: 0,
            batch: 0,
            predicted: None,
            outcome: Outcome::Scored(match runs {
                [one] => Score::of(*one, Fidelity::FromScratch),
                several => Score::mean_of(several.to_vec(), Fidelity::FromScratch),
            }),
        };
        let noise_of = |runs: &[&[f64]]| {
            let evaluations: Vec<_> = runs.iter().enumerate().map(|(i, runs)| evaluated(i, runs)).collect();
            let mut history = crate::history::History::new();
            assert!(evaluations.into_iter().all(|evaluation| history.push(evaluation)));
            score_noise(&crate::strategy::Targets::Raw.of(&history, Fidelity::FromScratch))
        };
        let (two, three): (&[f64], &[f64]) = (&[1.0, 3.0], &[5.0, 5.0, 8.0]);
        assert_eq!(noise_of(&[two, three, &[4.0]]), None);
        let found = noise_of(&[two, three, &[4.0], two, three]).unwrap();
        let sd = (16.0f64 / 6.0).sqrt();
        for (found, count) in found.into_iter().zip([2.0f64, 3.0, 1.0, 2.0, 3.0]) {
            assert!((found - sd / count.sqrt()).abs() < 1e-12);
        }
        assert_eq!(noise_of(&[two; 9]), None);
    }

    #[test]
    fn values_are_scaled_by_their_range() {
        let unit = Unit::of(&[3.0, 7.0, 5.0]);
        // A bound may lie beyond what was seen.
        for (value, scaled) in [(3.0, 0.1), (5.0, 0.5), (7.0, 0.9), (11.0, 1.7)] {
            assert!((unit.scaled(value) - scaled).abs() < 1e-12, "{value}");
        }
        assert_eq!(Unit::OWN.scaled(3.7), 3.7);
        assert_eq!(Unit::of(&[3.0, 3.0]).scaled(3.0), 0.1);
    }
}
