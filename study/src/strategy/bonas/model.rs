//! Surrogates of what is measured beside the score.

use bonas_spaces::Architecture;
use bonas_surrogate::{Observation, Posterior, Predict, believed};

use super::super::{Ask, Scored};
use super::Bonas;
use crate::StudyError;
use crate::rng::StudyRng;

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
    /// The surrogate fitted to a value of each of what is known. What is pending counts as measured at its median: the
    /// predictor is conditioned on that, or, where the model has no such thing, fitted again.
    pub(super) fn fit(
        &self,
        known: &[Scored<'_>],
        pending: &[Architecture],
        value: impl Fn(usize) -> f64,
        rng: &mut StudyRng,
    ) -> Result<Box<dyn Predict>, StudyError> {
        let observation = |(i, s): (usize, &Scored<'_>)| Observation {
            architecture: s.evaluation.architecture.clone(),
            score: value(i),
        };
        let mut observations: Vec<_> = known.iter().enumerate().map(observation).collect();
        let fitted = self.surrogate.fit(&observations, rng)?;
        if pending.is_empty() {
            return Ok(fitted);
        }
        if let Some(believing) = believed(&*fitted, pending)? {
            return Ok(believing);
        }
        let belief = |(architecture, posterior): (&Architecture, Posterior)| Observation {
            architecture: architecture.clone(),
            score: posterior.median(),
        };
        observations.extend(pending.iter().zip(self.predict(&*fitted, pending)?).map(belief));
        Ok(self.surrogate.fit(&observations, rng)?)
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

    /// Probability that each candidate keeps every bound, taken for independent, `[n]`; none without
    /// bounds.
    pub(super) fn feasibility(
        &self,
        ask: &Ask<'_>,
        known: &[Scored<'_>],
        pool: &[Architecture],
        rng: &mut StudyRng,
    ) -> Result<Option<Vec<f64>>, StudyError> {
        if self.aims.bounds.is_empty() {
            return Ok(None);
        }
        let mut feasibility = vec![1.0; pool.len()];
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

#[cfg(test)]
#[allow(clippy::float_cmp)]
mod tests {
    use super::*;

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
