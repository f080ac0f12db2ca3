//! Studies that are asked and told, in memory or in the folder of a search.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bonas::search::{CONFIG_FILE, Search, difference, write_report};
use bonas::study::Trial;
use bonas::study::history::Evaluation;
use bonas::study::journal::Journal;
use bonas::{Folder, Outcome, Score, StudyError, build};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors::Fault;
use crate::interrupt::interruptible;
use crate::named::Named;
use crate::opened::{Opened, Warnings};
use crate::settings::search_config;
use crate::spaces::{Architecture, Space, of_space};

/// Number, architecture, predicted mean and standard deviation, round, batch.
type TrialTuple = (u64, Architecture, Option<(f64, f64)>, usize, usize);
/// Architecture, score, why it failed, measures, whether a limit is broken, prediction, round, batch.
type EvaluationTuple =
    (Architecture, Option<f64>, Option<String>, Vec<f64>, bool, Option<(f64, f64)>, usize, usize);

/// A study that is asked and told. `bonas.Study` is made of it.
#[pyclass(frozen, module = "bonas")]
pub(crate) struct Session {
    inner: Arc<Mutex<Opened>>,
    home: Arc<Named>,
    /// The process that opened it: one that is forked off shares its lock and its journal, and must not write there.
    process: u32,
}

#[pymethods]
impl Session {
    /// Opens a study: `sections` are those of a search's configuration, or None to take the one in the folder.
    #[staticmethod]
    #[pyo3(signature = (sections, path, patience, facts))]
    fn open(
        py: Python<'_>,
        sections: Option<&Bound<'_, PyDict>>,
        path: Option<PathBuf>,
        patience: f64,
        facts: Vec<(String, String)>,
    ) -> PyResult<Self> {
        let config = match (sections, &path) {
            (Some(sections), None) => build::keep_space(search_config(sections)?).map_err(Fault::from)?,
            (Some(sections), Some(path)) => {
                begun(path, build::keep_space(search_config(sections)?).map_err(Fault::from)?)?
            }
            (None, Some(path)) => kept(path)?,
            (None, None) => return Err(Fault::setting("path: give the folder of a study").into()),
        };
        let home = Named::of_config(&config)?;
        let in_memory = path.is_none();
        // Whatever folder the program works in later.
        let directory = path.map(|path| {
            std::path::absolute(&path).map_err(|source| Fault::from(StudyError::Io { path, source }))
        });
        let directory = directory.transpose()?.unwrap_or_default();
        let search = Search { config, directory, cancel: Arc::default() };
        let patience = Duration::try_from_secs_f64(patience)
            .map_err(|_| Fault::setting(format!("patience: {patience} is no number of seconds")))?;
        let mut inner = Opened {
            search,
            in_memory,
            session: None,
            held: None,
            closed: false,
            reported: false,
            warnings: Warnings::default(),
            facts,
        };
        let inner = interruptible(py, move || inner.open(patience).map(|()| inner))??;
        Ok(Self { inner: Arc::new(Mutex::new(inner)), home, process: process::id() })
    }

    #[getter]
    fn space(&self) -> Space {
        Space(self.home.clone())
    }

    /// Hands out up to `n` trials.
    fn ask(&self, py: Python<'_>, n: usize) -> PyResult<Vec<TrialTuple>> {
        let trials = self.locked(py, move |inner| {
            let trials = inner.writable()?.ask(n)?;
            // The strategy may have nothing more to propose.
            inner.conclude();
            Ok(trials)
        })?;
        self.shown(&trials)
    }

    fn tell(&self, py: Python<'_>, trial: u64, measures: BTreeMap<String, f64>) -> PyResult<()> {
        self.locked(py, move |inner| {
            let outcome = inner.told()?.outcome(&measures);
            let outcome = outcome.map_err(|reason| StudyError::Trial { trial, reason })?;
            inner.writable()?.tell(trial, outcome)?;
            inner.conclude();
            Ok(())
        })
    }

    /// What is wrong with the measures of an outcome; None if nothing is.
    fn fault(&self, py: Python<'_>, measures: BTreeMap<String, f64>) -> PyResult<Option<String>> {
        self.locked(py, move |inner| Ok(inner.told()?.outcome(&measures).err()))
    }

    /// Names of the measures of an evaluation.
    fn measures(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        self.locked(py, |inner| inner.told()?.measures().map_err(|invalid| Fault::setting(invalid.reason)))
    }

    fn fail(&self, py: Python<'_>, trial: u64, reason: String) -> PyResult<()> {
        self.locked(py, move |inner| {
            inner.writable()?.tell(trial, Outcome::Failed(reason))?;
            inner.conclude();
            Ok(())
        })
    }

    /// Takes known scores as the first observations, and returns the number of those that were not known before.
    /// `measures` are what limits and the objective read, `[n][measures]`.
    fn import_(
        &self,
        py: Python<'_>,
        x: Vec<Bound<'_, Architecture>>,
        y: Vec<f64>,
        measures: Vec<Vec<f64>>,
    ) -> PyResult<usize> {
        let mut results = Vec::with_capacity(x.len());
        for (i, ((given, score), measures)) in x.iter().zip(y).zip(measures).enumerate() {
            let given = given.get();
            if !given.home.is(&self.home) {
                let (found, expected) = (&given.home.name, &self.home.name);
                let reason = format!("architecture {i} of X is of space {found}, expected {expected}");
                return Err(Fault::space(reason).into());
            }
            let checked = self.home.space.check(&given.value);
            checked.map_err(|error| Fault::space(format!("architecture {i} of X: {error}")))?;
            results.push((given.value.clone(), score, measures));
        }
        self.locked(py, move |inner| {
            let aims = inner.told()?.aims().map_err(|invalid| Fault::setting(invalid.reason))?;
            let session = inner.writable()?;
            let fidelity = session.fidelity();
            let scored = |(architecture, score, measures)| {
                (architecture, Outcome::Scored(aims.judged(Score::of(score, fidelity), measures)))
            };
            Ok(session.import(results.into_iter().map(scored))?)
        })
    }

    fn abandon(&self, py: Python<'_>, trial: u64) -> PyResult<()> {
        self.locked(py, move |inner| {
            inner.writable()?.abandon(trial)?;
            inner.conclude();
            Ok(())
        })
    }

    fn pending(&self, py: Python<'_>) -> PyResult<Vec<TrialTuple>> {
        let trials = self.locked(py, |inner| Ok(inner.session()?.pending()))?;
        self.shown(&trials)
    }

    /// Trials of the round under way that are not handed out yet.
    fn left(&self, py: Python<'_>) -> PyResult<usize> {
        self.locked(py, |inner| Ok(inner.session()?.left()))
    }

    /// Number of architectures that were told.
    fn told(&self, py: Python<'_>) -> PyResult<usize> {
        self.locked(py, |inner| Ok(inner.session()?.told()))
    }

    /// Why the study is over; None while it goes on.
    fn ended(&self, py: Python<'_>) -> PyResult<Option<String>> {
        self.locked(py, |inner| {
            let ended = inner.session()?.ended();
            Ok(ended.map(|reason| format!("{reason:?}").to_lowercase()))
        })
    }

    /// What is known, from place `first` of the history on.
    fn evaluations(&self, py: Python<'_>, first: usize) -> PyResult<Vec<EvaluationTuple>> {
        let known = self.locked(py, move |inner| {
            let evaluations = inner.session()?.history().evaluations();
            Ok(evaluations.get(first..).unwrap_or_default().to_vec())
        })?;
        Ok(known.iter().map(|evaluation| self.evaluation(evaluation)).collect::<Result<_, Fault>>()?)
    }

    /// Place of the best in the history; None where nothing has a score that keeps the limits.
    fn best(&self, py: Python<'_>) -> PyResult<Option<usize>> {
        self.locked(py, |inner| {
            let session = inner.session()?;
            let (history, fidelity) = (session.history(), session.fidelity());
            let best = history.best(fidelity).map(|(best, _)| best.architecture.key());
            Ok(best.and_then(|key| history.evaluations().iter().position(|e| e.architecture.key() == key)))
        })
    }

    /// The configuration, with every key.
    fn config(&self, py: Python<'_>) -> PyResult<String> {
        self.locked(py, |inner| Ok(inner.search.config.commented()))
    }

    /// Unique architectures to evaluate in all; None without such a limit.
    fn budget(&self, py: Python<'_>) -> PyResult<Option<usize>> {
        self.locked(py, |inner| {
            let begun = build::budget(&inner.search.config.study).architectures;
            let extended = if inner.in_memory { None } else { inner.search.extended()? };
            Ok(extended.or(begun))
        })
    }

    /// Gives the study another budget.
    fn extend(&self, py: Python<'_>, architectures: usize) -> PyResult<()> {
        self.locked(py, move |inner| {
            if inner.in_memory {
                return Err(Fault::setting("budget: the study is in memory; set its budget when it is made"));
            }
            inner.apart(|search| search.extend(architectures))?;
            inner.conclude();
            Ok(())
        })
    }

    /// Writes the report of what there is.
    fn report(&self, py: Python<'_>) -> PyResult<()> {
        self.locked(py, |inner| {
            inner.writable()?;
            if inner.in_memory {
                return Err(Fault::setting("path: the study is in memory, and a report needs a folder"));
            }
            Ok(write_report(&inner.search.directory, &inner.search.config).map(drop)?)
        })
    }

    /// Warnings since the last call.
    fn warnings(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        self.locked(py, |inner| Ok(inner.warnings.take()))
    }

    /// Gives the folder free; a second time nothing happens, nor in a process that was forked off.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        if self.is_forked() {
            return Ok(());
        }
        let inner = self.inner.clone();
        interruptible(py, move || {
            let mut inner = lock(&inner);
            inner.closed = true;
            inner.release();
        })
    }

    /// Whether it is closed: in a process that was forked off it always is, as it is of no use there.
    fn closed(&self, py: Python<'_>) -> PyResult<bool> {
        if self.is_forked() {
            return Ok(true);
        }
        let inner = self.inner.clone();
        interruptible(py, move || lock(&inner).closed)
    }
}

impl Session {
    /// Whether this process was forked off the one that opened the study. What a thread of that one had locked stays locked
    /// here for ever.
    fn is_forked(&self) -> bool {
        process::id() != self.process
    }

    /// Does something with the study, alone.
    fn locked<T: Send + 'static>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&mut Opened) -> Result<T, Fault> + Send + 'static,
    ) -> PyResult<T> {
        if self.is_forked() {
            let reason = format!(
                "the study was opened in process {}, and this is process {}, which was forked off; open it in one of them only",
                self.process,
                process::id()
            );
            return Err(Fault::closed(reason).into());
        }
        let inner = self.inner.clone();
        Ok(interruptible(py, move || work(&mut lock(&inner)))??)
    }

    fn shown(&self, trials: &[Trial]) -> PyResult<Vec<TrialTuple>> {
        let shown = |trial: &Trial| -> Result<TrialTuple, Fault> {
            let architecture = of_space(&self.home, trial.architecture.clone())?;
            let predicted = trial.predicted.map(|predicted| (predicted.mean, predicted.sd));
            Ok((trial.id, architecture, predicted, trial.round, trial.batch))
        };
        Ok(trials.iter().map(shown).collect::<Result<_, _>>()?)
    }

    fn evaluation(&self, known: &Evaluation) -> Result<EvaluationTuple, Fault> {
        let architecture = of_space(&self.home, known.architecture.clone())?;
        let predicted = known.predicted.map(|predicted| (predicted.mean, predicted.sd));
        let (score, failed, measures, infeasible) = match &known.outcome {
            Outcome::Scored(score) => (Some(score.value), None, score.measures.clone(), score.infeasible),
            Outcome::Failed(reason) => (None, Some(reason.clone()), Vec::new(), false),
        };
        Ok((architecture, score, failed, measures, infeasible, predicted, known.round, known.batch))
    }
}

/// The study; one that a panic left half done says so at its next step.
fn lock(inner: &Mutex<Opened>) -> MutexGuard<'_, Opened> {
    inner.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The configuration of the study in a folder.
fn kept(path: &std::path::Path) -> Result<bonas::config::SearchConfig, Fault> {
    match Folder::at(path) {
        Folder::Search => {}
        other => {
            return Err(Fault::path(format!("path: {}; expected a study's folder", other.described(path))));
        }
    }
    let file = path.join(CONFIG_FILE);
    let text =
        std::fs::read_to_string(&file).map_err(|source| StudyError::Io { path: file.clone(), source })?;
    let config = bonas::config::SearchConfig::from_toml(&text, &file.display().to_string());
    let config = config.map_err(|error| Fault::data(error.to_string()))?;
    let folder: PathBuf = path.iter().chain(config.relative_to.iter()).collect();
    let relative_to =
        std::path::absolute(&folder).map_err(|source| StudyError::Io { path: folder, source })?;
    Ok(bonas::config::SearchConfig { relative_to, ..config })
}

/// The configuration that a study in this folder goes by: this one, if the folder has none or the same.
fn begun(
    path: &std::path::Path,
    config: bonas::config::SearchConfig,
) -> Result<bonas::config::SearchConfig, Fault> {
    match Folder::at(path) {
        Folder::Missing | Folder::Other | Folder::Search => {}
        other => return Err(Fault::path(format!("path: {}; give another folder", other.described(path)))),
    }
    let file = path.join(CONFIG_FILE);
    if !Journal::exists(path) || !file.exists() {
        return Ok(config);
    }
    let search = Search { config, directory: path.to_owned(), cancel: Arc::default() };
    let config = search.by_kept_space()?.config;
    let Some([there, here]) = difference(&file, &config)? else { return Ok(config) };
    let (shown, budget) = (path.display(), config.study.architectures);
    let mut same = config;
    same.study.architectures = kept(path)?.study.architectures;
    if difference(&file, &same)?.is_none() {
        let search = Search { config: same.clone(), directory: path.to_owned(), cancel: Arc::default() };
        if search.extended()? == Some(budget) {
            return Ok(same);
        }
        return Err(Fault::setting(format!(
            "path: {shown} holds this study with another budget ({there} there, {here} here); open it with \
             bonas.Study.open and extend it, or give another path"
        )));
    }
    Err(Fault::setting(format!(
        "path: {shown} holds a study with other settings ({there} there, {here} here); go on with that one by \
         bonas.Study.open, or give another path"
    )))
}
