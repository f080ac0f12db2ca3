//! The loop itself.

use std::collections::{BTreeMap, HashSet};
use std::mem;
use std::sync::atomic::Ordering;
use std::time::Instant;

use bonas_spaces::SpaceError;

use super::failures::Trouble;
use super::refused::{begun, check_header};
use super::state::{Round, State, check_outcomes};
use super::work::{Done, Message, Work};
use super::{Finished, Recommendation, Study, replay};
use crate::StudyError;
use crate::ask::{Ask, Candidate, Proposal};
use crate::evaluate::Job;
use crate::history::{EndReason, Event, Fidelity, Outcome, Progress, Proposed};
use crate::journal::{Journal, Records, Staged, Staging, Timings};
use crate::rng::{self, ASK, ESTIMATE};

/// A study under way.
pub(super) struct Runner {
    pub(super) study: Study,
    pub(super) fidelity: Fidelity,
    pub(super) state: State,
    store: Option<Store>,
    pub(super) timings: Timings,
    recommended: Vec<Recommendation>,
    /// Number of evaluations that the strategy's estimates have considered.
    estimated: usize,
    /// Whether a step could not be journalled.
    pub(super) broken: bool,
}

/// What a study with a folder has.
struct Store {
    journal: Journal,
    staging: Staging,
}

/// A round's outcomes on their way into the journal.
#[derive(Default)]
struct Collected {
    /// Batches that wait for an earlier one, with their outcomes or why they failed.
    ready: BTreeMap<usize, Result<Vec<Outcome>, String>>,
    error: Option<StudyError>,
}

impl Runner {
    /// Checks settings and data, and brings the study to where its journal stops.
    pub(super) fn start(study: Study, fidelity: Fidelity) -> Result<Self, StudyError> {
        let data = study.data.clone();
        let mut runner = Self::start_with_any_data(study, fidelity)?;
        runner.check_data(data)?;
        Ok(runner)
    }

    /// As [`start`](Self::start), whatever the data.
    pub(super) fn start_with_any_data(mut study: Study, fidelity: Fidelity) -> Result<Self, StudyError> {
        study.budget.check()?;
        study.failures.check()?;
        let state = State::new(study.space.clone(), Some(fidelity));
        let runner = |study, state, store, timings| Self {
            study,
            fidelity,
            state,
            store,
            timings,
            recommended: Vec::new(),
            estimated: 0,
            broken: false,
        };
        let Some(folder) = study.directory.take() else {
            return runner(study, state, None, Timings::in_memory()).begin();
        };
        let (journal, records) = match study.patience {
            Some(patience) => Journal::open_within(&folder, patience)?,
            None => Journal::open(&folder)?,
        };
        let state = replay(state, &records, journal.path())?;
        let store = Some(Store { staging: Staging::new(&folder), journal });
        let runner = runner(study, state, store, Timings::open(&folder));
        if records.events.is_empty() { runner.warned(&records).begin() } else { runner.resume(&records) }
    }

    fn begin(mut self) -> Result<Self, StudyError> {
        self.emit(&self.study.header())?;
        Ok(self)
    }

    fn resume(self, records: &Records) -> Result<Self, StudyError> {
        if let (Some(store), Some(there)) = (&self.store, &self.state.header) {
            check_header(there, &self.study.header(), store.journal.path())?;
        }
        let mut runner = self.warned(records);
        for event in &records.events {
            runner.study.observers.iter_mut().for_each(|o| o.event(event, true));
        }
        Ok(runner)
    }

    fn warned(mut self, records: &Records) -> Self {
        if records.torn {
            let line = records.events.len() + 1;
            let text = format!("line {line} of the journal was cut short; what it recorded is done again");
            self.progress(&Progress::Warning(&text));
        }
        self
    }

    /// Runs to the end.
    pub(super) fn run(mut self) -> Result<Finished, StudyError> {
        loop {
            if let Some(reason) = self.state.ended {
                return Ok(self.finish(reason));
            }
            if self.study.cancel.load(Ordering::Relaxed) {
                return Err(StudyError::Interrupted);
            }
            match self.state.pending.clone() {
                _ if !self.state.open.is_empty() => return Err(self.handed_out()),
                Some(round) if round.is_handed_out() => return Err(begun(&round)),
                Some(round) => self.evaluate(&round)?,
                None if self.study.recommend_each_round && self.state.history.len() > self.estimated => {
                    self.estimate();
                }
                None => match self.end_reason() {
                    Some(reason) => self.emit(&Event::Ended { reason })?,
                    None => self.ask()?,
                },
            }
        }
    }

    /// Why a study cannot run whose trials are with somebody else.
    fn handed_out(&self) -> StudyError {
        let (count, first) =
            (self.state.open.len(), self.state.open.keys().next().copied().unwrap_or_default());
        let reason =
            format!("it was handed out and waits for its outcome ({count} do); tell or abandon it first");
        StudyError::Trial { trial: first, reason }
    }

    /// The strategy's estimates of all evaluations, of which the best is recommended. A study does not fail for want of
    /// them.
    fn estimate(&mut self) -> Option<Vec<f64>> {
        let evaluations = self.state.history.len();
        self.estimated = evaluations;
        let ask = Ask {
            space: &self.study.space,
            history: &self.state.history,
            fidelity: self.fidelity,
            round: self.state.rounds,
            remaining: self.remaining().max(1),
            pending: &[],
        };
        let mut rng = rng::stream(self.study.seed, &[ESTIMATE, evaluations as u64]);
        let estimates = match self.study.strategy.estimates(&ask, &mut rng) {
            Ok(Some(estimates)) if estimates.len() != evaluations => {
                let given = estimates.len();
                self.progress(&Progress::Warning(&format!("{given} estimates of {evaluations} evaluations")));
                return None;
            }
            Ok(estimates) => estimates?,
            Err(error) => {
                self.progress(&Progress::Warning(&format!("no estimates of the evaluated: {error}")));
                return None;
            }
        };
        let higher = |best: usize, next: usize| if estimates[next] > estimates[best] { next } else { best };
        let best = (0..evaluations).reduce(higher).filter(|&best| estimates[best] > f64::NEG_INFINITY);
        let known = self.recommended.last().is_some_and(|last| last.evaluations == evaluations);
        self.recommended.extend(best.filter(|_| !known).map(|best| Recommendation { evaluations, best }));
        Some(estimates)
    }

    pub(super) fn finish(&mut self, reason: EndReason) -> Finished {
        let estimates = self.estimate();
        if let Some(store) = &self.store {
            store.staging.clear();
        }
        Finished {
            imported: self.state.imported.architectures,
            history: self.state.history.clone(),
            fidelity: self.fidelity,
            reason,
            ask_seconds: self.timings.known().asks().collect(),
            evaluate_seconds: self.timings.known().evaluation(),
            estimates,
            recommended: self.recommended.clone(),
        }
    }

    /// Asks the strategy for the next round, which is journalled.
    fn ask(&mut self) -> Result<(), StudyError> {
        let event = self.propose()?.unwrap_or(Event::Ended { reason: EndReason::Exhausted });
        self.emit(&event)
    }

    /// What the strategy proposes for the next round; none where it has nothing more.
    pub(super) fn propose(&mut self) -> Result<Option<Event>, StudyError> {
        let round = self.state.rounds;
        self.progress(&Progress::Asking { round });
        let start = Instant::now();
        let pending = self.state.unanswered();
        let ask = Ask {
            space: &self.study.space,
            history: &self.state.history,
            fidelity: self.fidelity,
            round,
            remaining: self.remaining(),
            pending: &pending,
        };
        let mut rng = rng::stream(self.study.seed, &[ASK, round as u64]);
        let proposal = self.study.strategy.ask(&ask, &mut rng)?;
        let seconds = start.elapsed().as_secs_f64();
        self.timings.asked(round, seconds);
        self.progress(&Progress::Asked { seconds });
        let none_yet = self.study.strategy.repeats() && !proposal.batches.is_empty();
        if proposal.batches.iter().all(Vec::is_empty) && !none_yet {
            return Ok(None);
        }
        self.screen(round, &proposal).map(Some)
    }

    /// Drops what is not new, and what the budget does not allow.
    fn screen(&self, round: usize, proposal: &Proposal) -> Result<Event, StudyError> {
        let mut remaining = self.remaining();
        let mut seen = HashSet::new();
        let mut dropped = 0;
        let mut batches = Vec::with_capacity(proposal.batches.len());
        for batch in &proposal.batches {
            let mut kept = Vec::with_capacity(batch.len());
            for candidate in batch {
                let key = candidate.architecture.key();
                if self.state.knows(key) || !seen.insert(key) {
                    dropped += 1;
                } else if remaining > 0 {
                    remaining -= 1;
                    kept.push(self.proposed(candidate)?);
                }
            }
            if kept.is_empty() {
                continue;
            }
            if self.takes_one_at_a_time() {
                batches.extend(kept.into_iter().map(|one| vec![one]));
            } else {
                batches.push(kept);
            }
        }
        Ok(Event::Asked { round, batches, dropped })
    }

    fn takes_one_at_a_time(&self) -> bool {
        self.study.evaluators.iter().all(|evaluator| evaluator.takes_one_at_a_time())
    }

    fn proposed(&self, candidate: &Candidate) -> Result<Proposed, StudyError> {
        let arch = self.study.space.format(&candidate.architecture)?;
        if let Some(prediction) = candidate.predicted.filter(|p| !(p.mean.is_finite() && p.sd.is_finite())) {
            return Err(StudyError::Strategy {
                strategy: self.study.strategy.name().to_owned(),
                reason: format!("it predicts mean {}, sd {} for {arch}", prediction.mean, prediction.sd),
            });
        }
        Ok(Proposed { arch, key: candidate.architecture.key(), predicted: candidate.predicted })
    }

    /// Has the rest of a round evaluated.
    fn evaluate(&mut self, round: &Round) -> Result<(), StudyError> {
        let mut collected = Collected { ready: self.staged(round), error: None };
        let waiting = (round.next..round.batches.len()).filter(|batch| !collected.ready.contains_key(batch));
        let jobs: Vec<Job> = waiting.map(|batch| job(round, batch)).collect();
        self.flush(round, &mut collected)?;
        let mut evaluators = mem::take(&mut self.study.evaluators);
        let cancel = self.study.cancel.clone();
        let retries = self.study.failures.retries;
        let work =
            Work { jobs: &jobs, seed: self.study.seed, fidelity: self.fidelity, retries, cancel: &cancel };
        work.run(&mut evaluators, |message| {
            self.receive(round, message, &mut collected);
            collected.error.is_none()
        });
        self.study.evaluators = evaluators;
        match collected.error {
            Some(error) => Err(error),
            None if self.state.pending.is_some() => Err(StudyError::Interrupted),
            None => Ok(()),
        }
    }

    /// The batches of a round that an earlier process finished out of order.
    fn staged(&self, round: &Round) -> BTreeMap<usize, Result<Vec<Outcome>, String>> {
        let Some(store) = &self.store else { return BTreeMap::new() };
        let load = |batch| {
            let outcomes = store.staging.load(round.index, batch, &round.keys[batch])?;
            check_outcomes(&outcomes, outcomes.len(), &mut Some(self.fidelity)).ok()?;
            Some((batch, Ok(outcomes)))
        };
        (round.next..round.batches.len()).filter_map(load).collect()
    }

    fn receive(&mut self, round: &Round, message: Message, collected: &mut Collected) {
        let Done { batch, seconds, result } = match message {
            Message::Step { batch, done, total, stage } => {
                return self.progress(&Progress::Evaluating { batch, done, total, stage: &stage });
            }
            Message::Warning(text) => return self.progress(&Progress::Warning(&text)),
            Message::Done(done) => done,
        };
        if result.is_ok() {
            self.timings.evaluated(round.index, batch, seconds);
            self.progress(&Progress::EvaluatedIn { batch, seconds });
        }
        let stored = match result {
            Ok(outcomes) => self.collect(round, batch, outcomes, collected),
            // Nothing is recorded: no need to wait for its turn.
            Err(Trouble::Failed(reason)) if self.study.failures.stops_at_the_first() => {
                self.failed(round, batch, &reason).map(drop)
            }
            Err(Trouble::Failed(reason)) => {
                collected.ready.insert(batch, Err(reason));
                self.flush(round, collected)
            }
            Err(Trouble::Error(error)) => Err(error),
        };
        if let Err(error) = stored {
            // Other workers stop because of the first error: theirs says nothing new.
            if matches!(collected.error, None | Some(StudyError::Interrupted)) {
                collected.error = Some(error);
            }
        }
    }

    /// Puts a finished batch, and those that waited for it, into the journal; or keeps it until
    /// its turn comes.
    fn collect(
        &mut self,
        round: &Round,
        batch: usize,
        outcomes: Vec<Outcome>,
        collected: &mut Collected,
    ) -> Result<(), StudyError> {
        if let Some(store) = &self.store
            && self.due() != Some(batch)
        {
            store.staging.keep(&Staged {
                round: round.index,
                batch,
                keys: round.keys[batch].clone(),
                outcomes: outcomes.clone(),
            })?;
        }
        collected.ready.insert(batch, Ok(outcomes));
        self.flush(round, collected)
    }

    fn flush(&mut self, round: &Round, collected: &mut Collected) -> Result<(), StudyError> {
        while let Some(batch) = self.due()
            && let Some(answer) = collected.ready.remove(&batch)
        {
            let outcomes = match answer {
                Ok(outcomes) => outcomes,
                Err(reason) => self.failed(round, batch, &reason)?,
            };
            self.emit(&Event::Evaluated { round: round.index, batch, outcomes })?;
            if let Some(store) = &self.store {
                store.staging.forget(round.index, batch);
            }
        }
        Ok(())
    }

    /// The outcomes of a batch that failed, whose turn it is in the journal.
    fn failed(&mut self, round: &Round, batch: usize, reason: &str) -> Result<Vec<Outcome>, StudyError> {
        let architectures = round.batches[batch].len();
        let recorded = self.study.failures.recorded(&self.state.history, architectures, reason);
        let place = format!("round {} batch {batch}", round.index);
        recorded.inspect(|_| self.progress(&Progress::Warning(&format!("{place} failed: {reason}")))).map_err(
            |error| match error {
                StudyError::Evaluator(reason) => StudyError::Evaluator(format!("{place}: {reason}")),
                other => other,
            },
        )
    }

    /// The batch whose record comes next.
    fn due(&self) -> Option<usize> {
        self.state.pending.as_ref().map(|round| round.next)
    }

    /// Takes an event in, journals it, and tells the observers.
    pub(super) fn emit(&mut self, event: &Event) -> Result<(), StudyError> {
        if self.broken {
            let reason =
                "an earlier step could not be written to the journal; open the study again".to_owned();
            return Err(StudyError::Evaluator(reason));
        }
        // All that can be wrong with an event made here is text that reads back as something else.
        self.state.apply(event).map_err(|reason| {
            SpaceError::cell(format!(
                "the notation of space {} is ambiguous: {reason}",
                self.study.space.name()
            ))
        })?;
        if let Some(store) = &mut self.store
            && let Err(error) = store.journal.append(event)
        {
            // The state has what the journal lacks: nothing more may be built on it.
            self.broken = true;
            return Err(error);
        }
        self.study.observers.iter_mut().for_each(|o| o.event(event, false));
        Ok(())
    }

    pub(super) fn progress(&mut self, progress: &Progress<'_>) {
        self.study.observers.iter_mut().for_each(|o| o.progress(progress));
    }
}

fn job(round: &Round, batch: usize) -> Job {
    let architectures = round.batches[batch].iter().map(|c| c.architecture.clone()).collect();
    Job { architectures, round: round.index, batch }
}
