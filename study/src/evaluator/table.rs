//! Scores from a table in memory.

use std::collections::HashMap;
use std::sync::Arc;

use bonas_spaces::{Key, SearchSpace};
use rand::RngExt;

use crate::StudyError;
use crate::evaluate::{Evaluator, Job, Monitor};
use crate::history::{Aims, Fidelity, Outcome, Score};
use crate::rng::StudyRng;
use crate::table::Benchmark;

/// Which of several values of an architecture a query gives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Repeats {
    /// Their mean.
    #[default]
    Mean,
    /// One of them, drawn from the job's own stream.
    Draw,
}

/// What goes wrong in training, to see how strategies bear it: drawn for each query from the job's own stream.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mishaps {
    /// Share of queries that fail, which gives no score.
    pub failing: f64,
    /// Share of queries that diverge: their score is the lowest of the table.
    pub diverging: f64,
    /// Arms of the benchmark to which neither happens, `[arms]`; none: it can happen to all.
    pub spared: Arc<[bool]>,
}

/// Looks scores up by key, so that isomorphic copies have one score. A clone shares the table.
#[derive(Clone, Debug)]
pub struct Table {
    values: Values,
    repeats: Repeats,
    /// What else is measured: for each arm of a benchmark its numbers.
    measures: Arc<[Vec<f64>]>,
    aims: Aims,
    mishaps: Mishaps,
}

#[derive(Clone, Debug)]
enum Values {
    /// Values of each key.
    Given(Arc<HashMap<Key, Vec<f64>>>),
    /// A column of a benchmark, and what its numbers are multiplied by.
    Column { table: Arc<Benchmark>, column: usize, scale: f64 },
}

impl Table {
    /// A table from pairs of an architecture in the space's notation and a value. Several values
    /// of one architecture, written alike or as isomorphic copies, are repeats.
    ///
    /// # Errors
    /// [`StudyError::Space`] for text that `space` cannot read, [`StudyError::Evaluator`] for a
    /// value that is not finite.
    pub fn from_pairs<'a>(
        space: &dyn SearchSpace,
        pairs: impl IntoIterator<Item = (&'a str, f64)>,
    ) -> Result<Self, StudyError> {
        let mut values: HashMap<Key, Vec<f64>> = HashMap::new();
        for (text, value) in pairs {
            if !value.is_finite() {
                return Err(StudyError::Evaluator(format!("the table has value {value} for {text:?}")));
            }
            values.entry(space.parse(text)?.key()).or_default().push(value);
        }
        Ok(Self::new(Values::Given(Arc::new(values))))
    }

    /// The column of this position of a benchmark, percentages as fractions
    /// ([`crate::table::Column::scale`]).
    ///
    /// # Panics
    /// If the benchmark has no such column.
    pub fn of_column(table: Arc<Benchmark>, column: usize) -> Self {
        let scale = table.columns()[column].scale();
        Self::new(Values::Column { table, column, scale })
    }

    fn new(values: Values) -> Self {
        Self {
            values,
            repeats: Repeats::default(),
            measures: Arc::default(),
            aims: Aims::default(),
            mishaps: Mishaps::default(),
        }
    }

    /// Makes some queries fail or diverge.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for shares that are not in `[0, 1]` together.
    pub fn mishaps(self, mishaps: Mishaps) -> Result<Self, StudyError> {
        let shares = [("failing", mishaps.failing), ("diverging", mishaps.diverging)];
        match shares.into_iter().find(|(_, share)| !(0.0..=1.0).contains(share)) {
            Some((name, share)) => Err(StudyError::Setting {
                name: name.into(),
                reason: format!("{share}, it must be a share from 0 to 1"),
            }),
            None if mishaps.failing + mishaps.diverging > 1.0 => Err(StudyError::Setting {
                name: "failing".into(),
                reason: format!("with diverging it makes {}; at most 1", mishaps.failing + mishaps.diverging),
            }),
            None => Ok(Self { mishaps, ..self }),
        }
    }

    /// Measures more of each architecture of a benchmark, `measures[arm]`, and marks what breaks a bound
    /// of `aims` on it.
    #[must_use]
    pub fn measures(self, measures: Arc<[Vec<f64>]>, aims: Aims) -> Self {
        Self { measures, aims, ..self }
    }

    /// Sets what a query of an architecture with several values gives.
    #[must_use]
    pub fn repeats(self, repeats: Repeats) -> Self {
        Self { repeats, ..self }
    }

    /// Number of different architectures.
    pub fn len(&self) -> usize {
        match &self.values {
            Values::Given(values) => values.len(),
            Values::Column { table, .. } => table.arms().len(),
        }
    }

    /// Whether the table has no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All values of an architecture, in the order in which they were given, in the table's unit.
    pub fn values(&self, key: Key) -> Option<&[f64]> {
        match &self.values {
            Values::Given(values) => values.get(&key).map(Vec::as_slice),
            Values::Column { table, column, .. } => {
                table.arm(key).map(|arm| table.columns()[*column].runs(arm))
            }
        }
    }

    fn outcome(&self, key: Key, rng: &mut StudyRng) -> Outcome {
        let Some(values) = self.values(key) else {
            return Outcome::Failed("not in the table".into());
        };
        let mishap = self.mishap(key, rng);
        if mishap == Some(Mishap::Failed) {
            return Outcome::Failed("it fails, as the table's settings say".into());
        }
        let value = match self.repeats {
            Repeats::Mean => values.iter().sum::<f64>() / values.len() as f64,
            Repeats::Draw => values[rng.random_range(0..values.len())],
        };
        let value = if mishap == Some(Mishap::Diverged) { self.lowest() } else { value };
        let scale = if let Values::Column { scale, .. } = self.values { scale } else { 1.0 };
        let score = Score::of(scale * value, Fidelity::Table);
        Outcome::Scored(self.aims.judged(score, self.measures_of(key)))
    }

    /// What happens to a query; nothing is drawn where nothing can.
    fn mishap(&self, key: Key, rng: &mut StudyRng) -> Option<Mishap> {
        let Mishaps { failing, diverging, spared } = &self.mishaps;
        if failing + diverging <= 0.0 {
            return None;
        }
        let draw: f64 = rng.random();
        let arm = if let Values::Column { table, .. } = &self.values { table.arm(key) } else { None };
        match draw {
            _ if arm.is_some_and(|arm| spared.get(arm) == Some(&true)) => None,
            draw if draw < *failing => Some(Mishap::Failed),
            draw if draw < failing + diverging => Some(Mishap::Diverged),
            _ => None,
        }
    }

    fn lowest(&self) -> f64 {
        let lowest = |values: &mut dyn Iterator<Item = f64>| values.fold(f64::INFINITY, f64::min);
        match &self.values {
            Values::Given(values) => lowest(&mut values.values().flatten().copied()),
            Values::Column { table, column, .. } => {
                let column = &table.columns()[*column];
                lowest(&mut (0..column.len()).map(|arm| column.mean(arm)))
            }
        }
    }

    fn measures_of(&self, key: Key) -> Vec<f64> {
        match &self.values {
            Values::Column { table, .. } => {
                table.arm(key).and_then(|arm| self.measures.get(arm)).cloned().unwrap_or_default()
            }
            Values::Given(_) => Vec::new(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mishap {
    Failed,
    Diverged,
}

impl Evaluator for Table {
    fn fidelity(&self) -> Fidelity {
        Fidelity::Table
    }

    fn evaluate(
        &mut self,
        job: &Job,
        rng: &mut StudyRng,
        _monitor: &dyn Monitor,
    ) -> Result<Vec<Outcome>, StudyError> {
        Ok(job.architectures.iter().map(|architecture| self.outcome(architecture.key(), rng)).collect())
    }
}

#[cfg(test)]
mod tests {
    use bonas_spaces::families::nasbench_macro::NasBenchMacro;

    use super::*;
    use crate::rng::stream;
    use crate::table::Reading;

    /// Of a thousand queries of three arms, a tenth fail and a fifth diverge, but for the one that is spared.
    #[test]
    fn mishaps_happen_as_often_as_they_are_said_to() {
        let reading = Reading { columns: vec!["acc".parse().unwrap()], ..Reading::default() };
        let space: Arc<dyn SearchSpace> = Arc::new(NasBenchMacro::new());
        let csv = "arch,acc\n00000000,0.9\n00000001,0.5\n00000012,0.2\n";
        let table = Benchmark::parse(csv.as_bytes(), "t.csv".as_ref(), space.clone(), &reading).unwrap();
        let spared = Arc::from([true, false, false]);
        let mishaps = |failing, diverging| Mishaps { failing, diverging, spared: Arc::clone(&spared) };
        let whole = Table::of_column(Arc::new(table), 0);
        let table = whole.clone().mishaps(mishaps(0.1, 0.2)).unwrap();
        let mut rng = stream(1, &[]);
        let mut count = |text: &str| {
            let key = space.parse(text).unwrap().key();
            let outcomes: Vec<Outcome> = (0..1000).map(|_| table.outcome(key, &mut rng)).collect();
            let failed = outcomes.iter().filter(|o| matches!(o, Outcome::Failed(_))).count();
            let value = |o: &Outcome| o.score(Fidelity::Table).map(|score| score.value);
            (failed, outcomes.iter().filter(|o| value(o) == Some(0.2)).count())
        };
        assert_eq!(count("00000000"), (0, 0));
        let (failed, lowest) = count("00000001");
        assert!((70..130).contains(&failed) && (160..240).contains(&lowest), "{failed} {lowest}");
        for (failing, diverging) in [(-0.1, 0.0), (0.0, f64::NAN), (0.6, 0.6)] {
            assert!(whole.clone().mishaps(mishaps(failing, diverging)).is_err(), "{failing} {diverging}");
        }
    }
}
