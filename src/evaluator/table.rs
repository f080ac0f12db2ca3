//! Scores from a table in memory.

use std::collections::HashMap;
use std::sync::Arc;

use bonas_spaces::{Key, SearchSpace};
use rand::RngExt;

use super::{Evaluator, Job, Monitor};
use crate::StudyError;
use crate::history::{Fidelity, Outcome, Score};
use crate::rng::StudyRng;

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
    values: Arc<HashMap<Key, Vec<f64>>>,
    repeats: Repeats,
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
        Ok(Self { values: Arc::new(values), repeats: Repeats::default() })
    }

    /// Sets what a query of an architecture with several values gives.
    #[must_use]
    pub fn repeats(self, repeats: Repeats) -> Self {
        Self { repeats, ..self }
    }

    /// Number of different architectures.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether the table has no row.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// All values of an architecture, in the order in which they were given.
    pub fn values(&self, key: Key) -> Option<&[f64]> {
        self.values.get(&key).map(Vec::as_slice)
    }

    fn outcome(&self, key: Key, rng: &mut StudyRng) -> Outcome {
        let Some(values) = self.values.get(&key) else {
            return Outcome::Failed("not in the table".into());
        };
        let value = match self.repeats {
            Repeats::Mean => values.iter().sum::<f64>() / values.len() as f64,
            Repeats::Draw => values[rng.random_range(0..values.len())],
        };
        Outcome::Scored(Score::of(value, Fidelity::Table))
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
