//! A whole search, as `bonas search` runs it: the study, then a shortlist of its best trained from scratch, then final
//! training of the winner beside random cells, then the report.
//!
//! Use [`Search`] to run a configuration in a folder; running it again resumes it.
//!
//! [`SearchConfig`] -> parts ([`crate::build`]) -> [`Study`] in a folder -> shortlist and
//! finals, studies of their own in [`SHORTLIST_FOLDER`] and [`FINALS_FOLDER`] -> report.
//!
//! Invariant: everything in the folder is a function of `config.toml`, except for seconds and the
//! facts about the machine.

mod aside;
mod best;
mod change;
mod environment;
mod expected;
mod model_facts;
mod modelling;
#[cfg(feature = "torch")]
mod models;
mod origin;
mod presets;
mod recipes;
mod reporting;
mod shortlist;
mod stages;
mod standing;
mod state;
#[cfg(feature = "torch")]
mod tabulate;
mod training;
mod training_page;

use std::any::Any;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::build;
use crate::config::{SearchConfig, Transfer};
use crate::report::Summary;
use crate::{Evaluator, Fidelity, Session, Strategy, Study, StudyError};
use bonas_study::history::Observer;
use bonas_study::journal::Journal;
use bonas_study::journal::write_whole;
use bonas_study::strategy::{BuildContext, Knowledge, SOURCE_TASK_FILE, SourceTask};
use bonas_study::table::Skipped;
use bonas_supernet::differentiable::ImageSearch;

pub use change::KnownResult;
pub use environment::{Moved, PROGRAM, note_environment};
pub use model_facts::weights_hash;
pub(crate) use modelling::Modelling;
pub use origin::note_origin;
pub use presets::{DEMO, PRESETS, Preset};
pub use recipes::{Deviation, RECIPES, TrainingRecipe};
pub(crate) use reporting::summary;
pub use reporting::write_report;
pub use stages::StagePlan;
pub use standing::{Standing, State};
pub use state::difference;
pub(crate) use state::read_config;
#[cfg(feature = "torch")]
pub use tabulate::{TABLE_FILE, TABULATED_FILE, Tabulate, Tabulated};
pub use training_page::{write_model_report, write_training_report};

/// The configuration in a search's folder, with every key written out.
pub const CONFIG_FILE: &str = "config.toml";

/// The file of a search that keeps the text of its space file.
pub const SPACE_COPY_FILE: &str = "space.toml";
/// The configuration in the folder of a single training.
pub const TRAINING_FILE: &str = "training.toml";
/// The file of a training that starts from a trained network: the hash of its weights.
pub const INIT_FILE: &str = "init.json";
/// The folder, inside a search's, of the study that trains the shortlist.
pub const SHORTLIST_FOLDER: &str = "shortlist";
/// The folder, inside a search's, of the study that trains the finalists.
pub const FINALS_FOLDER: &str = "final";

/// The folder, inside a search's, of a differentiable search's checkpoints and trajectory.
pub const DIFFERENTIABLE_FOLDER: &str = "differentiable";

/// What a search is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Searching.
    Search,
    /// Training the best of the search from scratch, to choose the winner.
    Shortlist,
    /// Training the winner and random cells from scratch.
    Finals,
}

/// Makes the observers of a stage, whose study is in the given folder.
pub type Observe<'a> = dyn FnMut(Stage, &Path) -> Vec<Box<dyn Observer>> + 'a;

/// A search in a folder; running it again goes on from where it stopped.
#[derive(Clone, Debug)]
pub struct Search {
    /// What to do.
    pub config: SearchConfig,
    /// Where everything is kept.
    pub directory: PathBuf,
    /// Becomes true when the user wants to stop.
    pub cancel: Arc<AtomicBool>,
}

impl Search {
    /// Runs the search to its end, writes the report, and gives its figures.
    ///
    /// # Errors
    /// [`StudyError`]; what was journalled before it stays, and the search can be run again.
    /// [`StudyError::Evaluator`], once the report is written, if every architecture failed.
    pub fn run(&self, observe: &mut Observe<'_>) -> Result<Summary, StudyError> {
        self.by_kept_space()?.run_as_begun(observe)
    }

    fn run_as_begun(&self, observe: &mut Observe<'_>) -> Result<Summary, StudyError> {
        let space = build::space(&self.config)?;
        let evaluators = build::evaluators(&self.config, &self.directory)?;
        let study = self.study(&space, evaluators)?;
        self.set_aside_outdated()?;
        let observers = observe(Stage::Search, &self.directory);
        let section = match self.config.evaluator.fidelity() {
            Fidelity::Table => "strategy",
            _ => "evaluator",
        };
        let finished = observers.into_iter().fold(study, Study::observer).run();
        let finished = finished.map_err(|error| in_section(section, error))?;
        reporting::note_embedding(&self.directory, &self.config)?;
        self.conclude(&space, &finished, observe)?;
        let summary = write_report(&self.directory, &self.config)?;
        state::check_scored(&finished.history.evaluations()[finished.imported..])?;
        Ok(summary)
    }

    /// Opens the search to be asked and told ([`ToldSettings`](crate::config::ToldSettings)), beginning it if the folder
    /// holds none. Another process that works there is waited for, for at most `patience`. The observers are told what
    /// happens, warnings among it.
    ///
    /// # Errors
    /// As [`run`](Self::run); [`StudyError::Setting`] for another evaluator, and for trainings that are to follow.
    pub fn open(&self, patience: Duration, observers: Vec<Box<dyn Observer>>) -> Result<Session, StudyError> {
        self.check_told()?;
        let study = self.by_kept_space()?.study(&build::space(&self.config)?, Vec::new())?;
        let study = observers.into_iter().fold(study.patience(patience), Study::observer);
        study.open(self.config.evaluator.fidelity())
    }

    /// As [`open`](Self::open), but the search is kept in memory only, and nothing is written: `directory` is not read.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_in_memory(&self, observers: Vec<Box<dyn Observer>>) -> Result<Session, StudyError> {
        self.check_told()?;
        let (space, knowledge) = (build::space(&self.config)?, build::knowledge(&self.config)?);
        let transfer = self.config.strategy.transfer().clone().within(&self.config.relative_to);
        let strategy = self.strategy(&transfer, &*space, &knowledge)?;
        let identity = self.config.identity() + &knowledge.identity(&transfer, &*space)?;
        let study = self.configured(Study::new(space, strategy, Vec::new()), identity);
        observers.into_iter().fold(study, Study::observer).open(self.config.evaluator.fidelity())
    }

    /// Refuses a search that is not told, and what cannot follow one that is.
    fn check_told(&self) -> Result<(), StudyError> {
        let bad = |name: &str, reason: &str| {
            Err(StudyError::Setting { name: name.to_owned(), reason: reason.to_owned() })
        };
        if self.config.evaluator.told().is_none() {
            return bad("evaluator.name", "bonas evaluates here itself; take told, or run the search");
        }
        if self.config.study.seconds > 0.0 {
            return bad("study.seconds", "trials take their time elsewhere; limit architectures or rounds");
        }
        if self.config.shortlist.cells > 0 {
            return bad("shortlist.cells", "scores are told, and nothing is trained here; set it to 0");
        }
        if self.config.finals.seeds > 0 {
            return bad("final.seeds", "scores are told, and nothing is trained here; set it to 0");
        }
        Ok(())
    }

    /// Writes the report of a search that was told, and gives its figures; none, and nothing is written, while it goes on.
    ///
    /// # Errors
    /// [`StudyError::Evaluator`], once the report is written, if every architecture failed; [`StudyError::Io`].
    pub fn close(&self, mut session: Session) -> Result<Option<Summary>, StudyError> {
        self.report_over(&mut session)
    }

    /// As [`close`](Self::close), but the session stays open.
    ///
    /// # Errors
    /// As [`close`](Self::close).
    pub fn report_over(&self, session: &mut Session) -> Result<Option<Summary>, StudyError> {
        let Some(finished) = session.finish() else { return Ok(None) };
        reporting::note_embedding(&self.directory, &self.config)?;
        self.conclude(&build::space(&self.config)?, &finished, &mut |_, _| Vec::new())?;
        let summary = write_report(&self.directory, &self.config)?;
        state::check_scored(&finished.history.evaluations()[finished.imported..])?;
        Ok(Some(summary))
    }

    /// The study of the search, in its folder, which is made.
    fn study(
        &self,
        space: &Arc<dyn bonas_spaces::SearchSpace>,
        evaluators: Vec<Box<dyn Evaluator>>,
    ) -> Result<Study, StudyError> {
        // What is wrong with the configuration is said before anything is written.
        self.expect_kept_space(&**space)?;
        let (knowledge, mut transfer) = (build::knowledge(&self.config)?, self.transfer());
        let task =
            knowledge.source_task(&transfer, &**space).map_err(|error| self.unkept(&transfer, error))?;
        let strategy = self.strategy(&transfer, &**space, &knowledge)?;
        self.check_follow_ups(&**space)?;
        let data = build::data_fingerprint(&self.config)?;
        self.open_folder(CONFIG_FILE)?;
        if transfer != SourceTask::stored_in(&self.directory)
            && let Some(task) = task
        {
            transfer = task.store(&self.directory, &**space)?;
        }
        let identity = self.config.identity() + &knowledge.identity(&transfer, &**space)?;
        let study = Study::new(space.clone(), strategy, evaluators);
        let study = data.into_iter().fold(study, Study::data).data_key(self.config.evaluator.data_key());
        Ok(self.configured(study, identity).directory(&self.directory))
    }

    /// A study with seed, budget and header of the search.
    fn configured(&self, study: Study, identity: String) -> Study {
        study
            .seed(self.config.study.seed)
            .budget(build::budget(&self.config.study))
            .failures(self.config.study.failures())
            .config(identity)
            .cancel(self.cancel.clone())
    }

    /// Refuses a space file whose text the configuration lacks, by which the study is known.
    fn expect_kept_space(&self, space: &dyn bonas_spaces::SearchSpace) -> Result<(), StudyError> {
        if space.source().is_some() && self.config.space.text.is_none() {
            let reason = "the text of the space file is missing; build::keep_space reads it".into();
            return Err(StudyError::Setting { name: "space.text".into(), reason });
        }
        Ok(())
    }

    /// Refuses a strategy whose settings do not fit the space or the images.
    ///
    /// # Errors
    /// [`StudyError::Setting`] naming the key.
    pub fn check_strategy(&self) -> Result<(), StudyError> {
        let space = build::space(&self.config)?;
        self.strategy(self.config.strategy.transfer(), &*space, &build::knowledge(&self.config)?).map(drop)
    }

    /// The strategy at its start, with what it needs to train networks itself.
    pub(crate) fn strategy(
        &self,
        transfer: &Transfer,
        space: &dyn bonas_spaces::SearchSpace,
        knowledge: &Knowledge,
    ) -> Result<Box<dyn Strategy>, StudyError> {
        let strategy = self.config.strategy.clone().with_transfer(transfer.clone());
        let fidelity = self.config.evaluator.fidelity();
        let image_search = ImageSearch {
            setup: build::setup(&self.config)?,
            folder: self.directory.join(DIFFERENTIABLE_FOLDER),
            cancel: self.cancel.clone(),
        };
        let trainer: Option<&dyn Any> = Some(&image_search);
        if self.config.space.operations.is_some() && self.config.strategy.own_network().is_some() {
            let name = self.config.strategy.name();
            let reason = format!("strategy {name} relaxes all operations of the space; leave it out");
            return Err(StudyError::Setting { name: "space.operations".into(), reason });
        }
        let (own, rounds) = (self.config.strategy.own_network(), self.config.study.rounds);
        if self.config.study.seconds > 0.0 && own.is_some_and(|own| own.last_only) {
            let reason = "nothing is proposed before the last epoch, which the time may not reach; limit rounds in its place";
            return Err(StudyError::Setting { name: "study.seconds".into(), reason: reason.into() });
        }
        if let Some(own) = own.filter(|own| own.last_only && (1..own.epochs).contains(&rounds)) {
            let reason = format!(
                "{rounds}, and nothing is proposed before the last of {} epochs; give as many",
                own.epochs
            );
            return Err(StudyError::Setting { name: "study.rounds".into(), reason });
        }
        let aims = self.config.aims();
        if aims.second.is_some() && !self.config.strategy.takes_two_objectives() {
            let reason = format!(
                "strategy {} raises the score alone; take bonas or nsga2, or leave it out",
                self.config.strategy.name()
            );
            let section = if self.config.latency.objective { "latency" } else { "evaluator" };
            return Err(StudyError::Setting { name: format!("{section}.objective"), reason });
        }
        strategy.build(&BuildContext { space, fidelity, aims: &aims, knowledge, trainer })
    }

    /// Where scores on another task are read from: once the study has begun, from what it kept of them, so that the
    /// source may change or go.
    fn transfer(&self) -> Transfer {
        let transfer = self.config.strategy.transfer();
        if *transfer == Transfer::None || !Journal::exists(&self.directory) {
            return transfer.clone().within(&self.config.relative_to);
        }
        SourceTask::stored_in(&self.directory)
    }

    /// Rows left out of the table that a search which has not begun starts from; none if there is no such table.
    ///
    /// # Errors
    /// As [`SourceTask::read`].
    pub fn transfer_skipped(&self) -> Result<Skipped, StudyError> {
        let transfer = self.transfer();
        if !matches!(transfer, Transfer::Table { .. }) || transfer == SourceTask::stored_in(&self.directory) {
            return Ok(Skipped::default());
        }
        let task = SourceTask::read(&transfer, &*build::space(&self.config)?)?;
        Ok(task.map(|task| task.skipped).unwrap_or_default())
    }

    /// The error of a source, which may be what this search kept.
    fn unkept(&self, transfer: &Transfer, error: StudyError) -> StudyError {
        if *transfer != SourceTask::stored_in(&self.directory) {
            return error;
        }
        let reason = format!(
            "{error}; it keeps what this search started from: put it back, or begin in another folder"
        );
        StudyError::Data { path: self.directory.join(SOURCE_TASK_FILE), reason }
    }

    /// Makes the folder and the file of its configuration. A file that is there stays as it is: beside a journal the
    /// study compares what results depend on, and without one it must be this configuration.
    fn open_folder(&self, file: &str) -> Result<(), StudyError> {
        std::fs::create_dir_all(&self.directory)
            .map_err(|source| StudyError::Io { path: self.directory.clone(), source })?;
        let path = self.directory.join(file);
        if let Some(text) = self.config.space.text.as_ref().filter(|_| !path.exists()) {
            write_whole(&self.directory.join(SPACE_COPY_FILE), text.as_bytes())?;
        }
        let begun = Journal::exists(&self.directory) || Journal::exists(&self.directory.join(FINALS_FOLDER));
        if !path.exists() {
            return write_whole(&path, self.config.commented().as_bytes());
        }
        if begun { Ok(()) } else { state::expect_same(&path, &self.config) }
    }
}

/// An error of a training, whose batch is too large for its images, under the name of the key in its section.
fn in_section(section: &str, error: StudyError) -> StudyError {
    match error {
        StudyError::Setting { name, reason } if name == "batch size" => {
            StudyError::Setting { name: format!("{section}.batch"), reason }
        }
        other => other,
    }
}
