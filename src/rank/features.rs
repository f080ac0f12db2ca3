//! Numbers of architectures that a caller gives, as features beside the graph.

use std::collections::HashMap;
use std::sync::Arc;

use bonas_spaces::{Architecture, SearchSpace};
use bonas_study::strategy::Knowledge;
use bonas_study::table::ColumnName;
use bonas_surrogate::{PriorKnowledge, SurrogateError};

use crate::StudyError;

/// What refuses features.
const NAME: &str = "the surrogate";

/// Numbers by the text form of an architecture: isomorphic ones may differ, as in latency.
type Numbers = Arc<HashMap<u64, Vec<f64>>>;

/// Features of architectures: `d` numbers for each. Those of candidates that are to be predicted stand
/// [beside](super::Model::with_features) those of the fit.
#[derive(Clone, Debug)]
pub struct Features {
    width: usize,
    numbers: Numbers,
    /// What the model is fitted to, each architecture once, in order.
    fitted: Vec<Architecture>,
}

impl Features {
    /// The features `rows`, `[n, d]`, of the architectures that a model is to be fitted to.
    ///
    /// # Errors
    /// [`SurrogateError::Data`] for fewer than two different architectures, rows of different lengths or none, numbers that
    /// are not finite, and an architecture with two rows that differ.
    pub fn new(architectures: &[Architecture], rows: &[Vec<f64>]) -> Result<Self, SurrogateError> {
        let width = rows.first().map_or(0, Vec::len);
        if width == 0 {
            return Err(refused("there is no feature; give at least one column".into()));
        }
        let nothing = Self { width, numbers: Numbers::default(), fitted: Vec::new() };
        let mut features = nothing.with(architectures, rows)?;
        let mut seen = std::collections::HashSet::new();
        features.fitted = architectures.iter().filter(|a| seen.insert(a.spelling())).cloned().collect();
        Ok(features)
    }

    /// These features and those of more architectures.
    ///
    /// # Errors
    /// As [`new`](Self::new), but for the number of architectures.
    pub(super) fn with(
        &self,
        architectures: &[Architecture],
        rows: &[Vec<f64>],
    ) -> Result<Self, SurrogateError> {
        if architectures.len() != rows.len() {
            let reason = format!("{} rows of features for {} architectures", rows.len(), architectures.len());
            return Err(refused(reason));
        }
        let mut numbers = HashMap::clone(&self.numbers);
        for (i, (architecture, row)) in architectures.iter().zip(rows).enumerate() {
            if row.len() != self.width {
                return Err(refused(format!("row {i} has {} features, expected {}", row.len(), self.width)));
            }
            if let Some(number) = row.iter().find(|number| !number.is_finite()) {
                return Err(refused(format!("row {i} of the features has {number}, not a finite number")));
            }
            let known = numbers.entry(architecture.spelling()).or_insert_with(|| row.clone());
            if known != row {
                let reason = format!("architecture {i} has features {row:?}, and had {known:?} before");
                return Err(refused(reason));
            }
        }
        Ok(Self { width: self.width, numbers: Arc::new(numbers), fitted: self.fitted.clone() })
    }

    /// Number of features of an architecture.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Their names, as a strategy would have them.
    pub(super) fn names(&self) -> Vec<ColumnName> {
        let name = |i| ColumnName { parts: vec![format!("feature {i}")], negated: false };
        (0..self.width).map(name).collect()
    }

    /// Each of them as prior knowledge, ranked among the architectures of the fit.
    pub(super) fn knowledge(&self) -> Result<Vec<PriorKnowledge>, SurrogateError> {
        let of = |i: usize| {
            let numbers = self.numbers.clone();
            PriorKnowledge::computed(move |architectures| looked_up(&numbers, architectures, i), &self.fitted)
        };
        (0..self.width).map(|i| of(i).map(PriorKnowledge::as_feature)).collect()
    }

    /// Knowledge that offers them by name.
    pub(super) fn offered(&self) -> Result<Knowledge, SurrogateError> {
        let named = self.names().into_iter().zip(self.knowledge()?);
        Ok(named.fold(Knowledge::default(), |knowledge, (name, known)| knowledge.offering(name, known)))
    }

    /// The features of the fit as text.
    pub(super) fn note(&self, space: &dyn SearchSpace) -> Result<String, StudyError> {
        let row = |architecture: &Architecture| -> Result<(String, Vec<f64>), StudyError> {
            let row = self.numbers.get(&architecture.spelling()).cloned().unwrap_or_default();
            Ok((space.format(architecture)?, row))
        };
        let rows = self.fitted.iter().map(row).collect::<Result<Vec<_>, _>>()?;
        Ok(serde_json::to_string(&rows).map_err(|error| SurrogateError::file(error.to_string()))?)
    }

    /// The features that a note holds.
    pub(super) fn of_note(note: &str, space: &dyn SearchSpace) -> Result<Self, StudyError> {
        let rows: Vec<(String, Vec<f64>)> = serde_json::from_str(note)
            .map_err(|error| SurrogateError::file(format!("its features cannot be read: {error}")))?;
        let (texts, rows): (Vec<String>, Vec<Vec<f64>>) = rows.into_iter().unzip();
        let architectures = texts.iter().map(|text| space.parse(text)).collect::<Result<Vec<_>, _>>()?;
        Ok(Self::new(&architectures, &rows)?)
    }
}

fn looked_up(numbers: &Numbers, architectures: &[Architecture], feature: usize) -> Result<Vec<f64>, String> {
    let of = |architecture: &Architecture| {
        numbers.get(&architecture.spelling()).and_then(|row| row.get(feature).copied()).ok_or_else(|| {
            format!(
                "architecture {} has no features; the model was fitted with some, give them",
                architecture.key()
            )
        })
    };
    architectures.iter().map(of).collect()
}

pub(super) fn refused(reason: String) -> SurrogateError {
    SurrogateError::data(NAME, reason)
}
