//! Scores that are told from outside.

use std::collections::BTreeMap;

use super::scoring::Scoring;
use crate::history::{Aims, Outcome, check_number};
use crate::settings::Invalid;
use crate::table::ColumnName;

crate::settings! {
    /// Settings of scores that are told.
    pub struct ToldSettings {
        /// What the score is: the `score` that is told, or the name of one of the `measures`. Higher is better; `-name` where
        /// lower is better.
        score: String = "score".to_owned(),
        /// Limits on measures, such as "latency <= 5"; an architecture beyond one is no candidate for the best.
        limits: Vec<String> = Vec::new(),
        /// A second measure to be raised together with the score, `-name` where lower is better; for strategies that take
        /// two objectives. Empty: none.
        objective: String = String::new(),
    }
    check(s) {
        s.scoring().map(drop)
    }
}

impl ToldSettings {
    /// What the limits and the second objective are.
    ///
    /// # Errors
    /// [`Invalid`] for a text that is no limit or names no measure.
    pub fn aims(&self) -> Result<Aims, Invalid> {
        Ok(self.scoring()?.aims().clone())
    }

    /// The outcome of an architecture with these measures by name; the score is `score`.
    ///
    /// # Errors
    /// A text that names the measure that is missing or not finite.
    pub fn outcome(&self, measures: &BTreeMap<String, f64>) -> Result<Outcome, String> {
        measures.iter().try_for_each(|(name, value)| check_number(name, *value))?;
        let scoring = self.scoring().map_err(|invalid| format!("{}: {}", invalid.key, invalid.reason))?;
        if let Some(name) = measures.keys().find(|name| !scoring.reads(name)) {
            return Err(format!("nothing reads `{name}`: it is no score, limit or objective of this search"));
        }
        scoring.score(std::slice::from_ref(measures)).map(Outcome::Scored)
    }

    /// Names of the measures that limits and the second objective read, in the order of
    /// [`Score::measures`](crate::Score::measures); `-name` for a value with its sign changed.
    ///
    /// # Errors
    /// As [`aims`](Self::aims).
    pub fn measures(&self) -> Result<Vec<String>, Invalid> {
        Ok(self.columns()?.iter().skip(1).map(ToString::to_string).collect())
    }

    /// Names of the score and, after it, of the [measures](Self::measures).
    ///
    /// # Errors
    /// As [`aims`](Self::aims).
    pub fn columns(&self) -> Result<Vec<ColumnName>, Invalid> {
        Ok(self.scoring()?.columns())
    }

    fn scoring(&self) -> Result<Scoring, Invalid> {
        Scoring::of(&self.score, &self.limits, &self.objective)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Fidelity;

    #[test]
    fn measures_become_an_outcome() {
        let settings = ToldSettings {
            score: "-loss".to_owned(),
            limits: vec!["latency <= 5".to_owned()],
            objective: "-latency".to_owned(),
        };
        assert_eq!(settings.measures(), Ok(vec!["latency".to_owned(), "-latency".to_owned()]));
        let told = |measures: &[(&str, f64)]| {
            settings.outcome(&measures.iter().map(|&(name, value)| (name.to_owned(), value)).collect())
        };
        let Ok(Outcome::Scored(score)) = told(&[("loss", 0.5), ("latency", 6.0)]) else { panic!() };
        assert_eq!(
            (score.value, score.fidelity, &score.measures[..]),
            (-0.5, Fidelity::Command, &[6.0, -6.0][..])
        );
        assert!(score.infeasible);
        assert_eq!(told(&[("loss", 0.5)]), Err("the result has no `latency`".to_owned()));
        let unread = told(&[("loss", 0.5), ("latency", 6.0), ("x", 1.0)]);
        assert!(unread.unwrap_err().starts_with("nothing reads `x`"));
        assert_eq!(told(&[("loss", f64::NAN)]), Err("loss NaN is not finite".to_owned()));
    }
}
