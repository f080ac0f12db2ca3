//! The study: the one loop.
//!
//! Round after round, a [`Study`] asks its strategy, drops what was evaluated before, has the
//! batches evaluated by its workers, and journals every step before it tells its observers.
//!
//! Invariant: the history is a function of configuration and seed. Number of workers, kills,
//! resumes and observers never change it.

mod data;
mod extend;
mod failures;
mod import;
mod refused;
mod run;
mod session;
mod state;
mod work;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use bonas_spaces::SearchSpace;
pub use failures::FailurePolicy;
pub use session::{Session, Trial};
use state::State;

use crate::history::{EndReason, Event, Fidelity, History, Observer};
use crate::journal::{self, JOURNAL_FILE, Records, Seconds};
use crate::{Evaluator, Strategy, StudyError};

/// After so many rounds in a row whose every proposal was already evaluated, a study ends as
/// [`EndReason::Exhausted`].
pub const MAX_DRY_ROUNDS: usize = 100;

/// When a study ends by itself; the limit that is reached first counts.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Budget {
    /// Unique architectures evaluated, failures included. The last round is cut to fit.
    pub architectures: Option<usize>,
    /// Rounds asked, those with nothing new included.
    pub rounds: Option<usize>,
    /// Seconds of asking and of evaluating, summed over batches whatever worker they run on, and
    /// over resumes. Looked at between rounds: a round once begun is finished. A study that ends
    /// by it depends on the machine's speed, so it is not the same twice.
    pub seconds: Option<f64>,
}

impl Budget {
    /// At most this many unique architectures.
    pub fn architectures(n: usize) -> Self {
        Self { architectures: Some(n), ..Self::default() }
    }

    /// At most this many rounds.
    pub fn rounds(n: usize) -> Self {
        Self { rounds: Some(n), ..Self::default() }
    }

    fn check(&self) -> Result<(), StudyError> {
        let bad = |reason: &str| Err(StudyError::Setting { name: "budget".into(), reason: reason.into() });
        match *self {
            Self { architectures: None, rounds: None, seconds: None } => {
                bad("give at least one of architectures, rounds and seconds")
            }
            Self { architectures: Some(0), .. } => bad("architectures = 0, it must be at least 1"),
            Self { rounds: Some(0), .. } => bad("rounds = 0, it must be at least 1"),
            Self { seconds: Some(s), .. } if !(s.is_finite() && s > 0.0) => {
                bad(&format!("seconds = {s}, it must be finite and above 0"))
            }
            _ => Ok(()),
        }
    }
}

/// A search: a space, a strategy, one evaluator a worker, a budget; optionally a folder that it
/// is journalled in and resumed from.
///
/// ```
/// use std::sync::Arc;
/// use bonas_study::evaluator::Synthetic;
/// use bonas_study::strategy::RandomSearch;
/// use bonas_study::{Budget, Study};
/// use bonas_study::testing::Chain;
/// use bonas_study::Fidelity;
///
/// let space = Arc::new(Chain::new(8, 3)?);
/// let ones = Synthetic::new(Fidelity::Table, |arch| Ok(Chain::digits(arch).iter().filter(|&&d| d == 1).count() as f64));
/// let finished = Study::new(space, Box::new(RandomSearch::default()), vec![Box::new(ones)])
///     .seed(1)
///     .budget(Budget::architectures(30))
///     .run()?;
/// assert_eq!(finished.history.len(), 30);
/// # Ok::<(), bonas_study::StudyError>(())
/// ```
pub struct Study {
    space: Arc<dyn SearchSpace>,
    strategy: Box<dyn Strategy>,
    evaluators: Vec<Box<dyn Evaluator>>,
    seed: u64,
    budget: Budget,
    config: String,
    data: Option<String>,
    data_key: &'static str,
    directory: Option<PathBuf>,
    observers: Vec<Box<dyn Observer>>,
    cancel: Arc<AtomicBool>,
    stop: Option<Box<StopRule>>,
    recommend_each_round: bool,
    patience: Option<Duration>,
    failures: FailurePolicy,
}

/// Says of a history whether the study has found what it was to stop for.
type StopRule = dyn Fn(&History) -> bool + Send;

/// What a study that came to its end leaves.
#[derive(Clone, Debug)]
pub struct Finished {
    /// Everything it measured, behind what was imported.
    pub history: History,
    /// Architectures whose outcomes were imported, the first of the history.
    pub imported: usize,
    /// Kind of its scores.
    pub fidelity: Fidelity,
    /// Why it ended.
    pub reason: EndReason,
    /// Seconds of each ask, in order, those before a resume included as far as they are known.
    pub ask_seconds: Vec<f64>,
    /// Seconds of evaluation, summed over batches.
    pub evaluate_seconds: f64,
    /// What the strategy believes the true score of each evaluation is ([`Strategy::estimates`]).
    pub estimates: Option<Vec<f64>>,
    /// The best by these estimates after each round in which there were some, in order; the last one only, unless
    /// [`Study::recommend_each_round`] was called.
    pub recommended: Vec<Recommendation>,
}

/// The architecture that a strategy believes is the best of those evaluated so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recommendation {
    /// Number of evaluations that it is the best of.
    pub evaluations: usize,
    /// Its position in the history.
    pub best: usize,
}

impl Study {
    /// A study with one worker an evaluator, seed 0, kept in memory only. It needs a budget.
    pub fn new(
        space: Arc<dyn SearchSpace>,
        strategy: Box<dyn Strategy>,
        evaluators: Vec<Box<dyn Evaluator>>,
    ) -> Self {
        Self {
            space,
            strategy,
            evaluators,
            seed: 0,
            budget: Budget::default(),
            config: String::new(),
            data: None,
            data_key: "data.source",
            directory: None,
            observers: Vec::new(),
            cancel: Arc::default(),
            stop: None,
            recommend_each_round: false,
            patience: None,
            failures: FailurePolicy::default(),
        }
    }

    /// Sets the seed that all randomness comes from.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Sets when the study ends by itself. [`Self::extend`] changes the budget of one that has begun.
    #[must_use]
    pub fn budget(self, budget: Budget) -> Self {
        Self { budget, ..self }
    }

    /// Sets the text that stands in the journal's header. It must hold all that the results
    /// depend on (strategy, evaluator, data, budget): a resume compares it.
    #[must_use]
    pub fn config(self, config: impl Into<String>) -> Self {
        Self { config: config.into(), ..self }
    }

    /// Journals the study in a folder, and resumes it if the folder holds its journal.
    #[must_use]
    pub fn directory(self, directory: impl Into<PathBuf>) -> Self {
        Self { directory: Some(directory.into()), ..self }
    }

    /// Adds an observer; all are called on the thread that calls [`Study::run`].
    #[must_use]
    pub fn observer(mut self, observer: Box<dyn Observer>) -> Self {
        self.observers.push(observer);
        self
    }

    /// Ends the study, as [`EndReason::Reached`], once `rule` holds of its history: a function of the
    /// history alone, looked at between rounds.
    #[must_use]
    pub fn stop_when(self, rule: impl Fn(&History) -> bool + Send + 'static) -> Self {
        Self { stop: Some(Box::new(rule)), ..self }
    }

    /// Asks the strategy after every round which architecture it believes is the best so far, not at the end only.
    /// This takes about as long as an ask.
    #[must_use]
    pub fn recommend_each_round(self) -> Self {
        Self { recommend_each_round: true, ..self }
    }

    /// Sets the flag that stops the study with [`StudyError::Interrupted`] when it becomes true.
    #[must_use]
    pub fn cancel(self, cancel: Arc<AtomicBool>) -> Self {
        Self { cancel, ..self }
    }

    /// Sets what becomes of evaluations that fail; by default the first one stops the study.
    #[must_use]
    pub fn failures(self, failures: FailurePolicy) -> Self {
        Self { failures, ..self }
    }

    /// Runs the study to its end, from where its journal stops if it has one.
    ///
    /// # Errors
    /// [`StudyError`]; whatever stops it, the journal stays valid up to the last whole step, and
    /// running the same study again goes on from there.
    pub fn run(self) -> Result<Finished, StudyError> {
        let fidelity = self.fidelity()?;
        run::Runner::start(self, fidelity)?.run()
    }

    fn header(&self) -> Event {
        Event::Started {
            version: journal::VERSION,
            space: self.space.name().to_owned(),
            seed: self.seed,
            config: self.config.clone(),
        }
    }

    /// The kind of score that all evaluators give.
    fn fidelity(&self) -> Result<Fidelity, StudyError> {
        let bad = |reason: String| StudyError::Setting { name: "evaluators".into(), reason };
        let first = self.evaluators.first().map(|e| e.fidelity());
        let fidelity = first.ok_or_else(|| bad("there is none; give one for each worker".into()))?;
        match self.evaluators.iter().map(|e| e.fidelity()).find(|&other| other != fidelity) {
            None => Ok(fidelity),
            Some(other) => {
                Err(bad(format!("they give {fidelity} and {other} scores; all must give one kind")))
            }
        }
    }
}

/// What a study's folder holds: for reports. Neither locks nor changes anything.
#[derive(Debug)]
pub struct Journalled {
    /// The events, in order.
    pub events: Vec<Event>,
    /// What they make of the history.
    pub history: History,
    /// Why the study ended, if it did.
    pub ended: Option<EndReason>,
    /// Architectures whose outcomes were imported, the first of the history.
    pub imported: usize,
    /// Its budget of unique architectures since it was changed; none if it never was.
    pub extended: Option<usize>,
    /// Whether a last record was cut short; the next resume takes it away.
    pub torn: bool,
    /// Seconds of each ask and of each batch.
    pub seconds: Seconds,
}

impl Journalled {
    /// Reads and checks the journal in a study's folder.
    ///
    /// # Errors
    /// [`StudyError::Journal`] with the line that is damaged, [`StudyError::Io`].
    pub fn read(directory: &Path, space: &Arc<dyn SearchSpace>) -> Result<Self, StudyError> {
        let path = directory.join(JOURNAL_FILE);
        let records = journal::read(&path)?;
        let state = replay(State::new(space.clone(), None), &records, &path)?;
        Ok(Self {
            events: records.events,
            history: state.history,
            ended: state.ended,
            imported: state.imported.architectures,
            extended: state.extended,
            torn: records.torn,
            seconds: Seconds::read(directory),
        })
    }
}

/// The state that a journal's records make.
fn replay(mut state: State, records: &Records, path: &Path) -> Result<State, StudyError> {
    for (i, event) in records.events.iter().enumerate() {
        state.apply(event).map_err(|reason| StudyError::Journal {
            path: path.to_owned(),
            line: i + 1,
            reason,
        })?;
    }
    Ok(state)
}
