//! Surrogates of what is measured beside the score.

use bonas_spaces::Architecture;
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
        let noise = if self.aims.second.is_none() { score_noise(known) } else { None };
        let observation = |(i, s): (usize, &Scored<'_>)| Observation {
            noise: noise.as_ref().map(|noise| noise[i]),
            ..Observation::new(s.evaluation.architecture.clone(), s.value)
        };
        self.fit_believing(known.iter().enumerate().map(observation).collect(), pending, rng)
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
    /// The surrogate is fitted to 1 for an evaluation with a score and 0 for one without (classification by least
    /// squares: Rasmussen and Williams, section 6.5). Failures that are nowhere near each other are outliers to it, so
    /// that only failures with a cause count.
    fn success(
        &self,
        ask: &Ask<'_>,
        pool: &[Architecture],
        rng: &mut StudyRng,
    ) -> Result<Option<Vec<f64>>, StudyError> {
        let succeeded = |e: &Evaluation| match &e.outcome {
            Outcome::Failed(_) => Some(FAILURE),
            Outcome::Scored(_) => e.outcome.score(ask.fidelity).map(|_| SUCCESS),
        };
        let observation = |e: &Evaluation| Some(Observation::new(e.architecture.clone(), succeeded(e)?));
        let observations: Vec<_> = ask.history.evaluations().iter().filter_map(observation).collect();
        if observations.iter().all(|o| o.score > MIDDLE) {
            return Ok(None);
        }
        let fitted = self.surrogate.fit(&observations, rng)?;
        Ok(Some(self.predict(&*fitted, pool)?.iter().map(|posterior| posterior.survival(MIDDLE)).collect()))
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
