//! The loop that every experiment has: run after run on threads, kept as they come.

use std::fmt;
use std::path::Path;
use std::sync::atomic::Ordering;

use super::Experiment;
use crate::StudyError;
use bonas_study::parallel;

/// Is told how far an experiment is.
pub type Progress<'a> = dyn FnMut(Step<'_>) + 'a;

/// What an experiment has just done.
#[derive(Clone, Copy, Debug)]
pub enum Step<'a> {
    /// Every strategy has its budget: a line each. On images only.
    Planned(&'a str),
    /// The runs of earlier processes are read.
    Begun {
        /// Runs that are done.
        done: usize,
        /// Runs in all.
        total: usize,
    },
    /// A run is done.
    Done {
        /// Label of its strategy.
        label: &'a str,
        /// Its seed.
        seed: u64,
        /// What came of it, as text; may be empty.
        result: &'a str,
        /// Runs that are done, those of earlier processes included.
        done: usize,
        /// Runs in all.
        total: usize,
    },
}

impl fmt::Display for Step<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Planned(plan) => f.write_str(plan),
            Self::Begun { done, total } => write!(f, "{done} of {total} runs are done"),
            Self::Done { label, seed, result, done, total } => {
                write!(f, "{done} of {total}: {label}, seed {seed}")?;
                if result.is_empty() { Ok(()) } else { write!(f, ": {result}") }
            }
        }
    }
}

/// What strategies are compared on.
///
/// Results have rows: the strategies, and what stands beside them (random cells). A run is one row with one seed.
pub(super) trait Task: Sync {
    /// What came of a row with a seed.
    type Run: Send;
    /// What comes of all runs.
    type Results;

    /// Labels of the rows, the strategies in their order first.
    fn rows(&self) -> Vec<&str>;

    /// What every strategy may spend, a line each, where that is worth saying.
    fn plan(&self) -> Option<String> {
        None
    }

    /// A run that an earlier process has kept.
    fn kept(&self, row: usize, seed: u64) -> Option<Self::Run>;

    /// Makes a run, or what is left of it.
    fn run(&self, row: usize, seed: u64) -> Result<Self::Run, StudyError>;

    /// Keeps a run that is done, before anything else happens.
    fn keep(&self, run: &Self::Run) -> Result<(), StudyError>;

    /// What came of a run, as text; may be empty.
    fn told(&self, run: &Self::Run) -> String;

    /// The figures of all runs: of every row, seed by seed.
    fn results(&self, runs: Vec<Vec<Self::Run>>) -> Result<Self::Results, StudyError>;

    /// Writes the files of the results.
    fn write(&self, results: &Self::Results, folder: &Path) -> Result<(), StudyError>;
}

/// Makes what is missing, seed after seed so that a part of an experiment compares: the runs of every row, seed
/// by seed.
pub(super) fn runs<T: Task>(
    task: &T,
    experiment: &Experiment,
    progress: &mut Progress<'_>,
) -> Result<Vec<Vec<T::Run>>, StudyError> {
    let rows = task.rows();
    let pieces: Vec<(usize, u64)> = experiment
        .config
        .settings
        .each_seed()
        .flat_map(|seed| (0..rows.len()).map(move |row| (row, seed)))
        .collect();
    let mut runs: Vec<Option<T::Run>> = pieces.iter().map(|&(row, seed)| task.kept(row, seed)).collect();
    let missing: Vec<usize> = (0..pieces.len()).filter(|&i| runs[i].is_none()).collect();
    let total = pieces.len();
    let mut done = total - missing.len();
    progress(Step::Begun { done, total });
    let work = |i: usize| {
        if experiment.cancel.load(Ordering::Relaxed) {
            return Err(StudyError::Interrupted);
        }
        let (row, seed) = pieces[missing[i]];
        task.run(row, seed)
    };
    let mut failed = None;
    parallel(missing.len(), experiment.threads, work, |i, result| {
        match result.and_then(|run| task.keep(&run).map(|()| run)) {
            Ok(run) => {
                done += 1;
                let ((row, seed), result) = (pieces[missing[i]], task.told(&run));
                progress(Step::Done { label: rows[row], seed, result: &result, done, total });
                runs[missing[i]] = Some(run);
            }
            // Others stop because of the first error: theirs says nothing new.
            Err(error) if matches!(failed, None | Some(StudyError::Interrupted)) => failed = Some(error),
            Err(_) => {}
        }
        failed.is_none()
    });
    failed.map_or_else(|| Ok(by_row(runs.into_iter().flatten(), rows.len())), Err)
}

/// Runs that come seed after seed, row by row.
fn by_row<R>(runs: impl Iterator<Item = R>, rows: usize) -> Vec<Vec<R>> {
    let mut sorted: Vec<Vec<R>> = (0..rows).map(|_| Vec::new()).collect();
    for (i, run) in runs.enumerate() {
        sorted[i % rows].push(run);
    }
    sorted
}
