//! Scores of architectures of a space on another task.

use std::path::Path;
use std::sync::Arc;

use bonas_spaces::SearchSpace;
use bonas_spaces::catalogue::SPACES;
use bonas_surrogate::Observation;

use super::Transfer;
use crate::StudyError;
use crate::engine::Journalled;
use crate::history::Outcome;
use crate::journal::{JOURNAL_FILE, Journal, write_whole};
use crate::table::{Benchmark, ColumnName, Reading, Skipped, Source};

/// The file in a search's folder that keeps the scores of another task that it started from: a table.
pub const SOURCE_TASK_FILE: &str = "source-task.csv";

/// Its column.
const SCORE: &str = "score";

/// Fewest scores that something is learnt from.
const FEWEST: usize = 10;

/// Scores of architectures on another task: what a search may start from.
#[derive(Clone, Debug)]
pub struct SourceTask {
    /// What was scored; higher is better.
    pub observations: Vec<Observation>,
    /// Digest of them all.
    pub digest: String,
    /// Rows of a table that were left out, because they have no score, or are left out of the space.
    pub skipped: Skipped,
    /// Fingerprint and column, of a table.
    column: Option<(String, ColumnName)>,
}

impl SourceTask {
    /// Reads the scores; none from nowhere.
    ///
    /// # Errors
    /// [`StudyError::Setting`] naming the source: for one that cannot be read or is of another space, fewer than 10
    /// scores, scores that are all equal, or a space that the program does not know.
    pub fn read(transfer: &Transfer, space: &dyn SearchSpace) -> Result<Option<Self>, StudyError> {
        let refused = |reason: String| StudyError::Setting {
            name: "strategy.transfer".into(),
            reason: format!("{transfer}: {reason}"),
        };
        if *transfer == Transfer::None {
            return Ok(None);
        }
        let space = match space.shared() {
            Some(space) => space,
            None => SPACES.get(space.name()).map_err(|error| refused(error.to_string()))?.space(),
        };
        let read = match transfer {
            Transfer::None => return Ok(None),
            Transfer::Study(folder) if !Journal::exists(folder) => {
                return Err(refused(format!("there is no study in it ({JOURNAL_FILE}); a search makes one")));
            }
            Transfer::Study(folder) => Journalled::read(folder, &space).map(|study| Self::of_study(&study)),
            Transfer::Table { table, column } => Self::of_table(table, space, column),
        };
        let task = read.map_err(|error| refused(error.to_string()))?;
        let count = task.observations.len();
        if count < FEWEST {
            return Err(refused(format!("it has {count} scores; at least {FEWEST} are needed")));
        }
        let first = task.observations[0].score;
        if task.observations.iter().all(|o| (o.score - first).abs() <= 0.0) {
            return Err(refused(format!(
                "all its {count} scores are {first}, which says nothing; take another"
            )));
        }
        Ok(Some(task))
    }

    /// Refuses scores that are those of a table, in one of its columns that are searched, ranked or reported. That is
    /// seen of the very same text (zipped or not) and column alone, not of a copy that differs.
    ///
    /// # Errors
    /// [`StudyError::Setting`] naming the column.
    pub fn check(&self, table: &Benchmark, columns: &[&ColumnName]) -> Result<(), StudyError> {
        let Some((fingerprint, taken)) = &self.column else { return Ok(()) };
        let shared = |column: &&&ColumnName| column.parts.iter().any(|part| taken.parts.contains(part));
        match columns.iter().find(shared) {
            Some(column) if fingerprint == table.fingerprint() => Err(StudyError::Setting {
                name: "strategy.transfer".into(),
                reason: format!("{column} of the same table is what is to be found out; take another column"),
            }),
            _ => Ok(()),
        }
    }

    /// Keeps the scores in a folder, and gives the place to read them from.
    ///
    /// # Errors
    /// [`StudyError::Io`], those of the space's notation, and [`StudyError::Data`] if they do not read back.
    pub fn store(&self, folder: &Path, space: &dyn SearchSpace) -> Result<Transfer, StudyError> {
        let path = folder.join(SOURCE_TASK_FILE);
        let bad = |error: csv::Error| StudyError::Io { path: path.clone(), source: error.into() };
        let mut csv = csv::Writer::from_writer(Vec::new());
        csv.write_record(["arch", SCORE]).map_err(bad)?;
        for observation in &self.observations {
            let text = space.format(&observation.architecture)?;
            csv.write_record([&text, &observation.score.to_string()]).map_err(bad)?;
        }
        let bytes = csv.into_inner().map_err(|error| bad(error.into_error().into()))?;
        write_whole(&path, &bytes)?;
        let kept = Self::stored_in(folder);
        match Self::read(&kept, space)? {
            Some(read) if read.digest == self.digest => Ok(kept),
            _ => Err(StudyError::Data { path, reason: "its scores are not those that were written".into() }),
        }
    }

    /// Where scores that are kept in a folder are read from.
    pub fn stored_in(folder: &Path) -> Transfer {
        let column = ColumnName { parts: vec![SCORE.into()], negated: false };
        Transfer::Table { table: Source::File(folder.join(SOURCE_TASK_FILE)), column }
    }

    /// Rows without a number, and those with an architecture that is left out of the space, are left out.
    fn of_table(
        source: &Source,
        space: Arc<dyn SearchSpace>,
        column: &ColumnName,
    ) -> Result<Self, StudyError> {
        let columns = vec![column.clone()];
        let reading = Reading { columns, skip_missing: true, skip_excluded: true, ..Reading::default() };
        let table = source.open(space, &reading)?;
        let observed = table.arms().iter().zip(table.columns()[0].means());
        let observed = observed.map(|(arm, score)| Observation::new(arm.architecture.clone(), score));
        let task = Self::of(observed.collect());
        let column = Some((table.fingerprint().to_owned(), column.clone()));
        Ok(Self { column, skipped: table.skipped().clone(), ..task })
    }

    /// The scores of one kind, that of the first.
    fn of_study(study: &Journalled) -> Self {
        let fidelity = study.history.evaluations().iter().find_map(|e| match &e.outcome {
            Outcome::Scored(score) => Some(score.fidelity),
            Outcome::Failed(_) => None,
        });
        let scored = fidelity.into_iter().flat_map(|fidelity| study.history.scored(fidelity));
        let observed = scored.map(|(e, score)| Observation::new(e.architecture.clone(), score));
        Self::of(observed.collect())
    }

    fn of(observations: Vec<Observation>) -> Self {
        let mut hasher = blake3::Hasher::new();
        for Observation { architecture, score, .. } in &observations {
            hasher.update(&architecture.spelling().to_le_bytes()).update(&score.to_le_bytes());
        }
        let digest = hasher.finalize().to_hex()[..16].to_owned();
        Self { observations, digest, skipped: Skipped::default(), column: None }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;
    use std::path::Path;

    use super::*;
    use crate::Fidelity;
    use crate::engine::{Budget, Study};
    use crate::evaluator::{Evaluator, Synthetic};
    use crate::rng::stream;
    use crate::strategy::RandomSearch;

    fn read(text: &str, space: &str) -> Result<SourceTask, String> {
        let read = SourceTask::read(&text.parse().unwrap(), &*SPACES.get(space).unwrap().space());
        read.map(Option::unwrap).map_err(|error| error.to_string())
    }

    /// A study of random cells in a folder.
    fn study(folder: &Path, space: &str, architectures: usize) {
        let space = SPACES.get(space).unwrap().space();
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
        let task = read(&text, "darts").unwrap();
        let space = SPACES.get("darts").unwrap().space();
        let journalled = Journalled::read(folder.path(), &space).unwrap();
        let scores: Vec<f64> = task.observations.iter().map(|o| o.score).collect();
        let expected: Vec<f64> = journalled.history.scored(Fidelity::Table).map(|(_, score)| score).collect();
        assert!(scores == expected && scores.len() == 30);
        let error = read(&text, "nasbench101").unwrap_err();
        assert!(error.contains("transfer: study:") && error.contains("darts, not of nasbench101"), "{error}");
        let missing = read("study:nowhere", "darts").unwrap_err();
        assert!(missing.contains("nowhere"), "{missing}");
    }

    #[test]
    fn digits_are_cells_of_one_space() {
        let task = read("digits", "nasbench201").unwrap();
        assert_eq!(task.observations.len(), 1236);
        let error = read("digits", "darts").unwrap_err();
        assert!(error.contains("nasbench201, not of darts"), "{error}");
        let none = SourceTask::read(&Transfer::None, &*SPACES.get("darts").unwrap().space());
        assert!(none.unwrap().is_none());
    }

    /// Rows without a number are left out; the digest is that of what is read, not of the file.
    #[test]
    fn a_column_of_a_table_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.csv");
        let space = SPACES.get("macro").unwrap().space();
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
        let all = write("50", "1").unwrap();
        assert_eq!(all.observations.len(), cells.len());
        assert_eq!(all.digest, write("50", "2").unwrap().digest);
        let fewer = write("", "1").unwrap();
        assert_eq!(fewer.observations.len(), cells.len() - 1);
        assert_ne!(all.digest, fewer.digest);
    }

    #[test]
    fn few_scores_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        study(folder.path(), "darts", 9);
        let error = read(&format!("study:{}", folder.path().display()), "darts").unwrap_err();
        assert!(error.contains("9 scores; at least 10"), "{error}");
    }

    #[test]
    fn scores_that_say_nothing_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.csv");
        let mut csv = String::from("arch,acc\n");
        (0..20).for_each(|i| writeln!(csv, "{:08},90.5", i % 3 + 10 * (i % 2) + 100 * (i % 5 % 3)).unwrap());
        std::fs::write(&path, csv).unwrap();
        let error = read(&format!("table:{}:acc", path.display()), "macro").unwrap_err();
        assert!(error.contains("scores are 90.5, which says nothing"), "{error}");
    }

    /// Kept in a folder they read back to the bit, also architectures whose text has commas.
    #[test]
    fn what_is_kept_reads_back() {
        let folder = tempfile::tempdir().unwrap();
        for (text, space) in [("digits", "nasbench201"), ("study", "darts"), ("study", "nasbench101")] {
            let text = if text == "study" {
                let source = folder.path().join(space);
                study(&source, space, 20);
                format!("study:{}", source.display())
            } else {
                text.to_owned()
            };
            let task = read(&text, space).unwrap();
            let space = SPACES.get(space).unwrap().space();
            let kept = task.store(folder.path(), &*space).unwrap();
            let again = SourceTask::read(&kept, &*space).unwrap().unwrap();
            assert_eq!((again.digest, again.observations.len()), (task.digest, task.observations.len()));
        }
    }
}
