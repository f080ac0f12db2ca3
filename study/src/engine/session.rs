//! Studies whose outcomes come from outside.

use std::time::Duration;

use bonas_spaces::Architecture;

use super::run::Runner;
use super::state::{Open, Round, check_outcomes};
use super::{Finished, Study};
use crate::StudyError;
use crate::history::{EndReason, Event, Fidelity, History, Outcome, Prediction, Score};

/// An architecture that was handed out, to be evaluated elsewhere.
#[derive(Clone, Debug)]
pub struct Trial {
    /// Its number: architectures are numbered from 0, as they were proposed.
    pub id: u64,
    /// What to evaluate.
    pub architecture: Architecture,
    /// Predicted score, if the strategy has a surrogate.
    pub predicted: Option<Prediction>,
    /// Round in which it was proposed, from 0.
    pub round: usize,
    /// Batch of the round, from 0.
    pub batch: usize,
}

/// A study without evaluators: it hands out trials, and is told their outcomes in any order, at any time.
///
/// The strategy is asked for a round only once the one before it is handed out, and counts what is handed out as pending. So a
/// study whose every round is told, in the order of its trials, before more is asked for has the same history as
/// [`Study::run`]. Every step is in the journal before a method returns; a session that is opened again in the same folder
/// goes on, and [`pending`](Self::pending) says what was handed out.
///
/// ```
/// use std::sync::Arc;
/// use bonas_study::strategy::RandomSearch;
/// use bonas_study::testing::Chain;
/// use bonas_study::{Budget, Fidelity, Study};
///
/// let study = Study::new(Arc::new(Chain::new(8, 3)?), Box::new(RandomSearch::default()), Vec::new());
/// let mut session = study.budget(Budget::architectures(4)).open(Fidelity::FromScratch)?;
/// while let Some(trial) = session.ask(1)?.pop() {
///     let ones = Chain::digits(&trial.architecture).iter().filter(|&&digit| digit == 1).count();
///     session.score(trial.id, ones as f64)?;
/// }
/// assert_eq!(session.history().len(), 4);
/// # Ok::<(), bonas_study::StudyError>(())
/// ```
pub struct Session {
    pub(super) runner: Runner,
}

impl Study {
    /// Opens the study to be asked and told, in place of [`run`](Self::run); its scores have this fidelity.
    ///
    /// # Errors
    /// As [`run`](Self::run); [`StudyError::Setting`] where it has evaluators, or a budget of seconds, which pass elsewhere.
    pub fn open(self, fidelity: Fidelity) -> Result<Session, StudyError> {
        let bad = |name: &str, reason: &str| {
            Err(StudyError::Setting { name: name.to_owned(), reason: reason.to_owned() })
        };
        if !self.evaluators.is_empty() {
            return bad("evaluators", "outcomes are told; give no evaluators, or run the study");
        }
        if self.budget.seconds.is_some() {
            return bad(
                "budget",
                "trials take their time elsewhere; give architectures or rounds, not seconds",
            );
        }
        let mut session = Session { runner: Runner::start(self, fidelity)? };
        // A process that was killed may have told the last trial, and not that this was the end.
        session.end_if_over()?;
        Ok(session)
    }

    /// Waits for another process that works in the folder, for at most this long; half a second if it is not set.
    #[must_use]
    pub fn patience(self, patience: Duration) -> Self {
        Self { patience: Some(patience), ..self }
    }
}

impl Session {
    /// Hands out up to `n` trials, fewer only where the budget or the space has no more. An empty list says that the study is
    /// over ([`ended`](Self::ended)), or cannot go on before a pending trial is told or abandoned.
    ///
    /// # Errors
    /// Those of the strategy, [`StudyError::Io`]. Trials that were handed out before an error are [pending](Self::pending).
    pub fn ask(&mut self, n: usize) -> Result<Vec<Trial>, StudyError> {
        let mut trials = Vec::new();
        while trials.len() < n && self.runner.state.ended.is_none() {
            if let Some(round) = &self.runner.state.pending {
                let count = round.left().min(n - trials.len()) as u64;
                let ids: Vec<u64> = (round.next_trial()..round.next_trial() + count).collect();
                self.runner.emit(&Event::HandedOut { trials: ids.clone() })?;
                let open = &self.runner.state.open;
                trials.extend(ids.iter().filter_map(|&id| Some(trial(id, open.get(&id)?))));
            } else if !self.propose()? {
                break;
            }
        }
        Ok(trials)
    }

    /// Asks the strategy for a round; false where there can be none now.
    fn propose(&mut self) -> Result<bool, StudyError> {
        let waits = !self.runner.state.open.is_empty();
        let reason = match self.runner.end_reason() {
            Some(reason) => reason,
            None if self.runner.remaining() == 0 => return Ok(false),
            None => match self.runner.propose()? {
                Some(event) => return self.runner.emit(&event).map(|()| true),
                None => EndReason::Exhausted,
            },
        };
        if !waits {
            self.runner.emit(&Event::Ended { reason })?;
        }
        Ok(false)
    }

    /// Tells the outcome of a trial.
    ///
    /// # Errors
    /// [`StudyError::Trial`] for one that was never handed out, was told before or abandoned, and for a score that is not
    /// finite or of another fidelity; nothing is recorded then. [`StudyError::Io`].
    pub fn tell(&mut self, trial: u64, outcome: Outcome) -> Result<(), StudyError> {
        let refused = |reason: String| StudyError::Trial { trial, reason };
        self.expect_open(trial)?;
        check_outcomes(std::slice::from_ref(&outcome), 1, &mut Some(self.fidelity())).map_err(refused)?;
        self.runner.emit(&Event::Told { trial, outcome })?;
        self.end_if_over()
    }

    /// Tells the score of a trial; higher is better.
    ///
    /// # Errors
    /// As [`tell`](Self::tell).
    pub fn score(&mut self, trial: u64, score: f64) -> Result<(), StudyError> {
        self.tell(trial, Outcome::Scored(Score::of(score, self.fidelity())))
    }

    /// Gives a trial up. It does not count as evaluated, and its architecture may be proposed again.
    ///
    /// # Errors
    /// [`StudyError::Trial`] for one that is not pending, [`StudyError::Io`].
    pub fn abandon(&mut self, trial: u64) -> Result<(), StudyError> {
        self.expect_open(trial)?;
        self.runner.emit(&Event::Abandoned { trial })?;
        self.end_if_over()
    }

    fn expect_open(&self, trial: u64) -> Result<(), StudyError> {
        let state = &self.runner.state;
        // A step that could not be written is the error to tell, whatever the state says.
        if state.open.contains_key(&trial) || self.runner.broken {
            return Ok(());
        }
        Err(StudyError::Trial { trial, reason: state.not_open(trial) })
    }

    /// Ends the study where nothing is pending and its budget is spent.
    fn end_if_over(&mut self) -> Result<(), StudyError> {
        let state = &self.runner.state;
        if state.ended.is_some() || state.pending.is_some() || !state.open.is_empty() {
            return Ok(());
        }
        match self.runner.end_reason() {
            Some(reason) => self.runner.emit(&Event::Ended { reason }),
            None => Ok(()),
        }
    }

    /// What was handed out and is neither told nor abandoned, by number.
    pub fn pending(&self) -> Vec<Trial> {
        self.runner.state.open.iter().map(|(&id, open)| trial(id, open)).collect()
    }

    /// Trials of the round under way that are not handed out yet; 0: the next [`ask`](Self::ask) asks the strategy.
    ///
    /// A loop with several workers that tells the trials of a round in their order, and asks for no other round before, has
    /// the history of [`Study::run`].
    pub fn left(&self) -> usize {
        self.runner.state.pending.as_ref().map_or(0, Round::left)
    }

    /// Number of architectures that were told, without those that were imported.
    pub fn told(&self) -> usize {
        self.runner.state.evaluated()
    }

    /// What is known so far: what was imported, then what was told, in the order of telling.
    pub fn history(&self) -> &History {
        &self.runner.state.history
    }

    /// Kind of the scores.
    pub fn fidelity(&self) -> Fidelity {
        self.runner.fidelity
    }

    /// Why the study is over, once it is.
    pub fn ended(&self) -> Option<EndReason> {
        self.runner.state.ended
    }

    /// What the study leaves, with the strategy's estimates; none while it goes on. The session keeps the folder's lock.
    pub fn finish(&mut self) -> Option<Finished> {
        let reason = self.ended()?;
        Some(self.runner.finish(reason))
    }
}

fn trial(id: u64, open: &Open) -> Trial {
    Trial {
        id,
        architecture: open.candidate.architecture.clone(),
        predicted: open.candidate.predicted,
        round: open.round,
        batch: open.batch,
    }
}
