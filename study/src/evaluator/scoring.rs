//! From the measures of a result to a score that strategies read.

use std::collections::BTreeMap;

use crate::history::{Aims, Fidelity, Score};
use crate::settings::Invalid;
use crate::table::{ColumnName, Limit};

/// The name under which a result's `score` stands among its measures.
pub(crate) const SCORE: &str = "score";

/// A measure by name, whose sign may change.
#[derive(Clone, Debug, PartialEq)]
struct Measure {
    name: String,
    negated: bool,
}

/// Which measures are the score, the limited quantities and the second objective.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scoring {
    score: Measure,
    /// The measures that `aims` counts by place.
    others: Vec<Measure>,
    aims: Aims,
}

impl Measure {
    fn of(column: &ColumnName, key: &'static str) -> Result<Self, Invalid> {
        match &column.parts[..] {
            [name] => Ok(Self { name: name.clone(), negated: column.negated }),
            _ => Err(Invalid { key, reason: format!("\"{column}\" names several measures; expected one") }),
        }
    }

    fn parse(text: &str, key: &'static str) -> Result<Self, Invalid> {
        let wrong =
            |_| Invalid { key, reason: format!("{text:?} names no measure; expected a name, or -name") };
        Self::of(&text.parse::<ColumnName>().map_err(wrong)?, key)
    }

    /// The mean over runs, `measures[run]`; the error says what is missing.
    fn mean(&self, measures: &[Measures]) -> Result<f64, String> {
        let mut sum = 0.0;
        for measures in measures {
            sum += self.in_run(measures)?;
        }
        Ok(sum / measures.len() as f64)
    }

    fn in_run(&self, measures: &Measures) -> Result<f64, String> {
        let value = measures.get(&self.name).ok_or_else(|| format!("the result has no `{}`", self.name))?;
        Ok(if self.negated { -value } else { *value })
    }
}

/// The numbers of one result by name, all finite; `score` is one of them.
pub(crate) type Measures = BTreeMap<String, f64>;

impl Scoring {
    /// What the settings `score`, `limits` and `objective` ask for.
    pub(crate) fn of(score: &str, limits: &[String], objective: &str) -> Result<Self, Invalid> {
        let score = Measure::parse(score, "score")?;
        let (mut others, mut aims) = (Vec::new(), Aims::default());
        for text in limits {
            let limit: Limit = text.parse().map_err(|reason| Invalid { key: "limits", reason })?;
            aims.bounds.push((others.len(), limit.bound));
            others.push(Measure::of(&limit.column, "limits")?);
        }
        if !objective.is_empty() {
            aims.second = Some(others.len());
            others.push(Measure::parse(objective, "objective")?);
        }
        Ok(Self { score, others, aims })
    }

    pub(crate) fn aims(&self) -> &Aims {
        &self.aims
    }

    /// The score, then the limited quantities and the second objective in the order of a score's measures.
    pub(crate) fn columns(&self) -> Vec<ColumnName> {
        let column =
            |measure: &Measure| ColumnName { parts: vec![measure.name.clone()], negated: measure.negated };
        std::iter::once(&self.score).chain(&self.others).map(column).collect()
    }

    /// Whether a measure is the score, limited or the second objective.
    pub(crate) fn reads(&self, name: &str) -> bool {
        std::iter::once(&self.score).chain(&self.others).any(|measure| measure.name == name)
    }

    /// Refuses a result without a measure that is asked for.
    pub(crate) fn check(&self, measures: &Measures) -> Result<(), String> {
        let all = std::iter::once(&self.score).chain(&self.others);
        all.into_iter().try_for_each(|measure| measure.in_run(measures).map(drop))
    }

    /// The score of an architecture with these results, at least one: means over runs.
    pub(crate) fn score(&self, runs: &[Measures]) -> Result<Score, String> {
        let values = runs.iter().map(|run| self.score.in_run(run)).collect::<Result<_, _>>()?;
        let score = Score::mean_of(values, Fidelity::Command);
        let measures = self.others.iter().map(|measure| measure.mean(runs)).collect::<Result<Vec<_>, _>>()?;
        Ok(self.aims.judged(score, measures))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scoring(score: &str, limits: &[&str], objective: &str) -> Result<Scoring, Invalid> {
        let limits: Vec<String> = limits.iter().map(|&limit| limit.to_owned()).collect();
        Scoring::of(score, &limits, objective)
    }

    fn measures(of: &[(&str, f64)]) -> Measures {
        of.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect()
    }

    #[test]
    fn a_score_is_the_mean_of_its_runs_and_is_judged_by_the_mean_of_its_measures() {
        let scoring = scoring("-loss", &["latency <= 5", "size >= 1"], "-latency").unwrap();
        let run =
            |loss, latency| measures(&[("loss", loss), ("latency", latency), ("size", 2.0), ("x", 9.0)]);
        let score = scoring.score(&[run(0.25, 4.0), run(0.75, 5.0)]).unwrap();
        assert_eq!((score.value, &score.runs[..]), (-0.5, &[-0.25, -0.75][..]));
        assert_eq!((&score.measures[..], score.infeasible), (&[4.5, 2.0, -4.5][..], false));
        let slow = scoring.score(&[run(0.25, 5.5)]).unwrap();
        assert!(slow.infeasible && slow.runs.len() == 1);
        assert_eq!(scoring.aims().second, Some(2));
        let columns: Vec<String> = scoring.columns().iter().map(ToString::to_string).collect();
        assert_eq!(columns, ["-loss", "latency", "size", "-latency"]);
    }

    #[test]
    fn a_result_has_all_that_is_asked_for() {
        let scoring = scoring("score", &["latency <= 5"], "").unwrap();
        assert_eq!(scoring.check(&measures(&[("score", 1.0), ("latency", 9.0)])), Ok(()));
        for (missing, other) in [("latency", "score"), ("score", "latency")] {
            let expected = Err(format!("the result has no `{missing}`"));
            assert_eq!(scoring.check(&measures(&[(other, 1.0)])), expected);
        }
    }

    #[test]
    fn settings_that_name_no_measure_are_refused() {
        for (read, key, words) in [
            (scoring("", &[], ""), "score", "names no measure"),
            (scoring("a,b", &[], ""), "score", "several measures"),
            (scoring("a", &["b < 5"], ""), "limits", "is no limit"),
            (scoring("a", &["b,c <= 5"], ""), "limits", "several measures"),
            (scoring("a", &[], "-"), "objective", "names no measure"),
        ] {
            let error = read.unwrap_err();
            assert!(error.key == key && error.reason.contains(words), "{error:?}");
        }
    }
}
