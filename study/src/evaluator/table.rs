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

/// Looks scores up by key, so that isomorphic copies have one score. A clone shares the table.
#[derive(Clone, Debug)]
pub struct Table {
    values: Values,
    repeats: Repeats,
    /// What else is measured: for each arm of a benchmark its numbers.
    measures: Arc<[Vec<f64>]>,
    aims: Aims,
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
        Self { values, repeats: Repeats::default(), measures: Arc::default(), aims: Aims::default() }
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
        let value = match self.repeats {
            Repeats::Mean => values.iter().sum::<f64>() / values.len() as f64,
            Repeats::Draw => values[rng.random_range(0..values.len())],
        };
        let scale = if let Values::Column { scale, .. } = self.values { scale } else { 1.0 };
        let score = Score::of(scale * value, Fidelity::Table);
        Outcome::Scored(self.aims.judged(score, self.measures_of(key)))
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
