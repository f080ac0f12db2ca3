//! Scores of architectures of a space on another task.

use std::sync::Arc;

use bonas_spaces::SearchSpace;
use bonas_surrogate::Observation;

use crate::StudyError;
use crate::config::{TableSettings, Transfer};
use crate::history::Outcome;
use crate::registry;
use crate::study::Journalled;
use crate::table::{Benchmark, Column, ColumnName, Reading, Source};

/// Fewest scores that something is learnt from.
const FEWEST: usize = 10;

/// Scores on another task.
#[derive(Clone, Debug)]
pub struct Former {
    /// What was scored; higher is better.
    pub observations: Vec<Observation>,
    /// Digest of them all.
    pub digest: String,
    /// Fingerprint and column, of a table.
    column: Option<(String, ColumnName)>,
}

impl Former {
    /// Reads the scores of a source; none from nowhere.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for a source of another space, one with fewer than 10 scores, or a space that the
    /// program does not know; errors of the file or the journal.
    pub fn read(transfer: &Transfer, space: &dyn SearchSpace) -> Result<Option<Self>, StudyError> {
        if *transfer == Transfer::Nothing {
            return Ok(None);
        }
        let entry = registry::space(space.name()).map_err(|reason| refused(transfer, &reason))?;
        let former = match transfer {
            Transfer::Nothing => return Ok(None),
            Transfer::Digits => digits(entry.space())?,
            Transfer::Study(folder) => Self::of_study(&Journalled::read(folder, &entry.space())?),
            Transfer::Table { table, column } => Self::of_table(table, entry.space(), column)?,
        };
        if former.observations.len() < FEWEST {
            let count = former.observations.len();
            return Err(refused(transfer, &format!("it has {count} scores; at least {FEWEST} are needed")));
        }
        Ok(Some(former))
    }

    /// Refuses scores that are those of a table that is searched or ranked.
    ///
    /// # Errors
    /// [`StudyError::Setting`] naming the column.
    pub fn check(&self, table: &Benchmark) -> Result<(), StudyError> {
        let Some((fingerprint, taken)) = &self.column else { return Ok(()) };
        let shared = |column: &&ColumnName| column.parts.iter().any(|part| taken.parts.contains(part));
        match table.columns().iter().map(Column::name).find(shared) {
            Some(column) if fingerprint == table.fingerprint() => Err(StudyError::Setting {
                name: "strategy.transfer".into(),
                reason: format!("{column} of the same table is what is to be found out; take another column"),
            }),
            _ => Ok(()),
        }
    }

    /// Rows without a number are left out.
    fn of_table(
        source: &Source,
        space: Arc<dyn SearchSpace>,
        column: &ColumnName,
    ) -> Result<Self, StudyError> {
        let reading = Reading { columns: vec![column.clone()], skip_missing: true, ..Reading::default() };
        let table = source.open(space, &reading)?;
        let observed = table.arms().iter().zip(table.columns()[0].means());
        let observed =
            observed.map(|(arm, score)| Observation { architecture: arm.architecture.clone(), score });
        let former = Self::of(observed.collect());
        Ok(Self { column: Some((table.fingerprint().to_owned(), column.clone())), ..former })
    }

    /// The scores of one kind, that of the first.
    fn of_study(study: &Journalled) -> Self {
        let fidelity = study.history.evaluations().iter().find_map(|e| match &e.outcome {
            Outcome::Scored(score) => Some(score.fidelity),
            Outcome::Failed(_) => None,
        });
        let scored = fidelity.into_iter().flat_map(|fidelity| study.history.scored(fidelity));
        let observed = scored.map(|(e, score)| Observation { architecture: e.architecture.clone(), score });
        Self::of(observed.collect())
    }

    fn of(observations: Vec<Observation>) -> Self {
        let mut hasher = blake3::Hasher::new();
        for Observation { architecture, score } in &observations {
            hasher.update(&architecture.spelling().to_le_bytes()).update(&score.to_le_bytes());
        }
        let digest = hasher.finalize().to_hex()[..16].to_owned();
        Self { observations, digest, column: None }
    }
}

/// Validation accuracies of the table inside the program.
fn digits(space: Arc<dyn SearchSpace>) -> Result<Former, StudyError> {
    let embedded = TableSettings::embedded();
    let bad = |reason| StudyError::Setting { name: "strategy.transfer".into(), reason };
    if space.name() != embedded.space {
        let reason = format!(
            "the cells of digits are of {}, not of {}; name a study or a table",
            embedded.space,
            space.name()
        );
        return Err(bad(reason));
    }
    Former::of_table(&Source::Embedded, space, &embedded.search.parse().map_err(bad)?)
}

fn refused(transfer: &Transfer, reason: &str) -> StudyError {
    StudyError::Setting { name: "strategy.transfer".into(), reason: format!("{transfer}: {reason}") }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;
    use std::path::Path;

    use super::*;
    use crate::Fidelity;
    use crate::evaluator::{Evaluator, Synthetic};
    use crate::rng::stream;
    use crate::strategy::RandomSearch;
    use crate::study::{Budget, Study};

    fn read(text: &str, space: &str) -> Result<Option<Former>, StudyError> {
        Former::read(&text.parse().unwrap(), &*registry::space(space).unwrap().space())
    }

    /// A study of random cells in a folder.
    fn study(folder: &Path, space: &str, architectures: usize) {
        let space = registry::space(space).unwrap().space();
        let evaluator: Box<dyn Evaluator> =
            Box::new(Synthetic::new(Fidelity::Table, |a| Ok((a.spelling() % 100) as f64)));
        let study = Study::new(space, Box::new(RandomSearch::default()), vec![evaluator]);
        study.seed(3).budget(Budget::architectures(architectures)).directory(folder).run().unwrap();
    }

    #[test]
    fn a_study_is_read_as_far_as_it_came() {
        let folder = tempfile::tempdir().unwrap();
        study(folder.path(), "darts", 30);
        let text = format!("study:{}", folder.path().display());
        let former = read(&text, "darts").unwrap().unwrap();
        let space = registry::space("darts").unwrap().space();
        let journalled = Journalled::read(folder.path(), &space).unwrap();
        let scores: Vec<f64> = former.observations.iter().map(|o| o.score).collect();
        let expected: Vec<f64> = journalled.history.scored(Fidelity::Table).map(|(_, score)| score).collect();
        assert!(scores == expected && scores.len() == 30);
        let error = read(&text, "nasbench101").unwrap_err().to_string();
        assert!(error.contains("line"), "{error}");
        let missing = read("study:nowhere", "darts").unwrap_err().to_string();
        assert!(missing.contains("nowhere"), "{missing}");
    }

    #[test]
    fn digits_are_cells_of_one_space() {
        let former = read("digits", "nasbench201").unwrap().unwrap();
        assert_eq!(former.observations.len(), 1236);
        let error = read("digits", "darts").unwrap_err().to_string();
        assert!(error.contains("nasbench201, not of darts"), "{error}");
        assert!(read("none", "darts").unwrap().is_none());
    }

    /// Rows without a number are left out; the digest is that of what is read, not of the file.
    #[test]
    fn a_column_of_a_table_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.csv");
        let space = registry::space("macro").unwrap().space();
        let mut rng = stream(1, &[]);
        let cells: std::collections::BTreeSet<String> =
            (0..12).map(|_| space.format(&space.sample(&mut rng)).unwrap()).collect();
        let write = |first: &str, other: &str| {
            let mut csv = String::from("arch,acc,other\n");
            for (i, cell) in cells.iter().enumerate() {
                let acc = if i == 0 { first.to_owned() } else { format!("{}", 50 + i) };
                writeln!(csv, "{cell},{acc},{other}").unwrap();
            }
            std::fs::write(&path, csv).unwrap();
            read(&format!("table:{}:acc", path.display()), "macro")
        };
        let all = write("50", "1").unwrap().unwrap();
        assert_eq!(all.observations.len(), cells.len());
        assert_eq!(all.digest, write("50", "2").unwrap().unwrap().digest);
        let fewer = write("", "1").unwrap().unwrap();
        assert_eq!(fewer.observations.len(), cells.len() - 1);
        assert_ne!(all.digest, fewer.digest);
    }

    #[test]
    fn few_scores_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        study(folder.path(), "darts", 9);
        let error = read(&format!("study:{}", folder.path().display()), "darts").unwrap_err().to_string();
        assert!(error.contains("9 scores; at least 10"), "{error}");
    }
}
