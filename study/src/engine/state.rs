//! The state of a study as a function of its events.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use bonas_spaces::{Architecture, Key, SearchSpace};

use crate::ask::Candidate;
use crate::history::{EndReason, Evaluation, Event, Fidelity, History, Known, Outcome, Proposed};
use crate::journal::{VERSION, of_another_version};

/// A round whose batches are being evaluated.
#[derive(Clone, Debug)]
pub(crate) struct Round {
    pub(crate) index: usize,
    /// What the journal holds of each batch.
    pub(crate) keys: Vec<Vec<String>>,
    pub(crate) batches: Vec<Vec<Candidate>>,
    /// The first batch that has no record yet.
    pub(crate) next: usize,
    /// Number of the first trial.
    first: u64,
    /// Trials before each batch, and in all.
    starts: Vec<usize>,
    /// Trials that were evaluated or handed out, in order.
    given: usize,
}

impl Round {
    fn new(index: usize, keys: Vec<Vec<String>>, batches: Vec<Vec<Candidate>>, first: u64) -> Self {
        let ends = batches.iter().scan(0, |sum, batch| {
            *sum += batch.len();
            Some(*sum)
        });
        let starts = std::iter::once(0).chain(ends).collect();
        Self { index, keys, batches, next: 0, first, starts, given: 0 }
    }

    /// Number of the next trial that is to be handed out.
    pub(crate) fn next_trial(&self) -> u64 {
        self.first + self.given as u64
    }

    /// Trials that were neither evaluated nor handed out.
    pub(crate) fn left(&self) -> usize {
        self.trials() - self.given
    }

    /// Whether some of it was handed out, so that its batches cannot be evaluated as wholes.
    pub(crate) fn is_handed_out(&self) -> bool {
        self.given != self.before(self.next)
    }

    fn trials(&self) -> usize {
        self.starts.last().copied().unwrap_or(0)
    }

    /// Trials before a batch.
    fn before(&self, batch: usize) -> usize {
        self.starts[batch]
    }

    /// Batch and place of the next trial, which must exist.
    fn place(&self) -> (usize, usize) {
        // No batch is empty, so that their starts rise.
        let batch = self.starts.partition_point(|&start| start <= self.given).saturating_sub(1);
        (batch, self.given - self.before(batch))
    }
}

/// A trial that was handed out and not told yet.
#[derive(Clone, Debug)]
pub(crate) struct Open {
    pub(crate) candidate: Candidate,
    pub(crate) round: usize,
    pub(crate) batch: usize,
}

/// How much of a study was known before it began.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Imported {
    /// Architectures, the first of the history.
    pub(crate) architectures: usize,
    /// Rounds, the first.
    pub(crate) rounds: usize,
}

/// What the events so far make of a study.
///
/// A running study and a resumed one both go through [`State::apply`], so that they cannot
/// differ: architectures come from the text of the event in both.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) space: Arc<dyn SearchSpace>,
    pub(crate) header: Option<Event>,
    pub(crate) history: History,
    /// Rounds asked so far.
    pub(crate) rounds: usize,
    pub(crate) pending: Option<Round>,
    /// Trials that were handed out and not told yet.
    pub(crate) open: BTreeMap<u64, Open>,
    /// Number of architectures proposed so far.
    trials: u64,
    /// Position in the history of each trial that has an outcome.
    answered: HashMap<u64, usize>,
    /// Rounds at the end in which every proposal was dropped.
    pub(crate) dry_rounds: usize,
    pub(crate) ended: Option<EndReason>,
    /// What was imported.
    pub(crate) imported: Imported,
    /// Fingerprint of the data that scores are measured on.
    pub(crate) data: Option<String>,
    /// The budget of unique architectures, once it was changed.
    pub(crate) extended: Option<usize>,
    /// What every score must have, once it is known.
    pub(crate) fidelity: Option<Fidelity>,
}

impl State {
    pub(crate) fn new(space: Arc<dyn SearchSpace>, fidelity: Option<Fidelity>) -> Self {
        Self {
            space,
            header: None,
            history: History::new(),
            rounds: 0,
            pending: None,
            open: BTreeMap::new(),
            trials: 0,
            answered: HashMap::new(),
            dry_rounds: 0,
            ended: None,
            imported: Imported::default(),
            data: None,
            extended: None,
            fidelity,
        }
    }

    /// What was handed out and is not answered yet.
    pub(crate) fn unanswered(&self) -> Vec<Architecture> {
        self.open.values().map(|open| open.candidate.architecture.clone()).collect()
    }

    /// Whether an architecture is measured or waits for its outcome.
    pub(crate) fn knows(&self, key: Key) -> bool {
        self.history.contains(key) || self.open.values().any(|open| open.candidate.architecture.key() == key)
    }

    /// Takes an event in, or says why it cannot follow the ones before.
    pub(crate) fn apply(&mut self, event: &Event) -> Result<(), String> {
        if self.ended.is_some() && !matches!(event, Event::Extended { .. } | Event::Data { .. }) {
            return Err("there is an event after the end of the study".into());
        }
        if self.header.is_none() != matches!(event, Event::Started { .. }) {
            return Err("the first event, and only the first, must be that the study started".into());
        }
        match event {
            Event::Started { version, space, .. } => self.start(event, *version, space),
            Event::Imported { results } => self.import(results),
            Event::Asked { round, batches, .. } => self.ask(*round, batches),
            Event::Evaluated { round, batch, outcomes } => self.evaluate(*round, *batch, outcomes),
            Event::HandedOut { trials } => self.hand_out(trials),
            Event::Told { trial, outcome } => self.tell(*trial, outcome),
            Event::Abandoned { trial } => self.open_trial(*trial).map(drop),
            Event::Data { fingerprint } => {
                self.data = Some(fingerprint.clone());
                Ok(())
            }
            Event::Extended { architectures } => self.extend(*architectures),
            Event::Ended { reason } => self.end(*reason),
        }
    }

    fn start(&mut self, event: &Event, version: u32, space: &str) -> Result<(), String> {
        if version != VERSION {
            return Err(of_another_version(version));
        }
        if space != self.space.name() {
            return Err(format!("the study is of space {space}, not of {}", self.space.name()));
        }
        self.header = Some(event.clone());
        Ok(())
    }

    fn ask(&mut self, round: usize, batches: &[Vec<Proposed>]) -> Result<(), String> {
        if let Some(pending) = &self.pending {
            return Err(format!("round {round} begins before round {} is over", pending.index));
        }
        if round != self.rounds {
            return Err(format!("round {round} follows {} rounds", self.rounds));
        }
        let mut seen = HashSet::new();
        let mut parsed = Vec::with_capacity(batches.len());
        for batch in batches {
            if batch.is_empty() {
                return Err(format!("round {round} has an empty batch"));
            }
            let mut candidates = Vec::with_capacity(batch.len());
            for proposed in batch {
                let architecture = read_back(self.space.as_ref(), &proposed.arch, proposed.key)?;
                if self.knows(proposed.key) || !seen.insert(proposed.key) {
                    return Err(format!("architecture {} is there a second time", proposed.arch));
                }
                candidates.push(Candidate { architecture, predicted: proposed.predicted });
            }
            parsed.push(candidates);
        }
        self.rounds += 1;
        self.dry_rounds = if parsed.is_empty() { self.dry_rounds + 1 } else { 0 };
        let keys = batches.iter().map(|b| b.iter().map(|p| p.key.to_string()).collect()).collect();
        let round = Round::new(round, keys, parsed, self.trials);
        self.trials += round.trials() as u64;
        self.pending = (round.trials() > 0).then_some(round);
        Ok(())
    }

    /// Refuses results that cannot be the first observations.
    pub(crate) fn importable(&self, results: &[Known]) -> Result<(), String> {
        if self.asked() > 0 || self.ended.is_some() {
            return Err("results are imported before the first architecture is proposed".into());
        }
        let outcomes: Vec<Outcome> = results.iter().map(|known| known.outcome.clone()).collect();
        check_outcomes(&outcomes, results.len(), &mut self.fidelity.clone())
    }

    fn import(&mut self, results: &[Known]) -> Result<(), String> {
        self.importable(results)?;
        let round = self.rounds;
        // Nothing is taken where one cannot be.
        let read = |known: &Known| read_back(&*self.space, &known.arch, known.key);
        let architectures = results.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        for (Known { arch, outcome, .. }, architecture) in results.iter().zip(architectures) {
            if let Outcome::Scored(score) = outcome {
                self.fidelity.get_or_insert(score.fidelity);
            }
            let evaluation =
                Evaluation { architecture, outcome: outcome.clone(), predicted: None, round, batch: 0 };
            if !self.history.push(evaluation) {
                return Err(format!("architecture {arch} is there a second time"));
            }
        }
        self.rounds += 1;
        self.imported.rounds += 1;
        self.imported.architectures += results.len();
        Ok(())
    }

    fn evaluate(&mut self, round: usize, batch: usize, outcomes: &[Outcome]) -> Result<(), String> {
        let Some(pending) = &mut self.pending else {
            return Err(format!("no batch was waiting for outcomes, these are of round {round}"));
        };
        if (round, batch) != (pending.index, pending.next) {
            return Err(format!(
                "outcomes of round {round} batch {batch} where round {} batch {} is due",
                pending.index, pending.next
            ));
        }
        if pending.given != pending.before(batch) {
            return Err(format!("trials of round {round} batch {batch} were handed out"));
        }
        check_outcomes(outcomes, pending.batches[batch].len(), &mut self.fidelity)?;
        for (candidate, outcome) in std::mem::take(&mut pending.batches[batch]).into_iter().zip(outcomes) {
            let Candidate { architecture, predicted } = candidate;
            self.answered.insert(pending.next_trial(), self.history.len());
            pending.given += 1;
            self.history.push(Evaluation { architecture, outcome: outcome.clone(), predicted, round, batch });
        }
        pending.next += 1;
        if pending.next == pending.batches.len() {
            self.pending = None;
        }
        Ok(())
    }

    fn hand_out(&mut self, trials: &[u64]) -> Result<(), String> {
        for &trial in trials {
            let Some(round) = &mut self.pending else {
                return Err(format!("trial {trial} is handed out where none is left"));
            };
            if trial != round.next_trial() {
                return Err(format!("trial {trial} is handed out where {} is next", round.next_trial()));
            }
            let (batch, place) = round.place();
            let candidate = round.batches[batch][place].clone();
            self.open.insert(trial, Open { candidate, round: round.index, batch });
            round.given += 1;
            if round.left() == 0 {
                self.pending = None;
            }
        }
        Ok(())
    }

    fn tell(&mut self, trial: u64, outcome: &Outcome) -> Result<(), String> {
        check_outcomes(std::slice::from_ref(outcome), 1, &mut self.fidelity)?;
        let Open { candidate: Candidate { architecture, predicted }, round, batch } =
            self.open_trial(trial)?;
        self.answered.insert(trial, self.history.len());
        self.history.push(Evaluation { architecture, outcome: outcome.clone(), predicted, round, batch });
        Ok(())
    }

    /// Takes an open trial out, or says why there is none.
    fn open_trial(&mut self, trial: u64) -> Result<Open, String> {
        let none = self.not_open(trial);
        self.open.remove(&trial).ok_or(none)
    }

    /// Why a trial that is not open is not.
    pub(crate) fn not_open(&self, trial: u64) -> String {
        let given = self.pending.as_ref().map_or(self.trials, Round::next_trial);
        match self.answered.get(&trial).and_then(|&place| self.history.evaluations().get(place)) {
            Some(told) => format!("it was told before: {}", described(&told.outcome)),
            None if trial < given => "it was abandoned".to_owned(),
            None if given == 0 => "no trial was handed out yet".to_owned(),
            None => format!("it was never handed out; the last one is {}", given - 1),
        }
    }

    /// Architectures that were evaluated, without those that were imported.
    pub(crate) fn evaluated(&self) -> usize {
        self.history.len() - self.imported.architectures
    }

    /// Rounds that the strategy was asked for.
    pub(crate) fn asked(&self) -> usize {
        self.rounds - self.imported.rounds
    }

    /// Architectures that are evaluated, handed out or wait for their turn.
    pub(crate) fn proposed(&self) -> usize {
        self.evaluated() + self.open.len() + self.pending.as_ref().map_or(0, Round::left)
    }

    fn extend(&mut self, architectures: usize) -> Result<(), String> {
        let known = self.proposed();
        if architectures < known {
            return Err(format!("the budget becomes {architectures} where {known} architectures are there"));
        }
        (self.ended, self.extended) = (None, Some(architectures));
        Ok(())
    }

    fn end(&mut self, reason: EndReason) -> Result<(), String> {
        if let Some(pending) = &self.pending {
            return Err(format!("the study ends before round {} is over", pending.index));
        }
        if let Some(trial) = self.open.keys().next() {
            return Err(format!("the study ends before trial {trial} is told"));
        }
        self.ended = Some(reason);
        Ok(())
    }
}

/// An outcome in few words.
fn described(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Scored(score) => format!("score {}", score.value),
        Outcome::Failed(reason) => format!("failed: {reason}"),
    }
}

/// The architecture that a journal's text stands for.
fn read_back(space: &dyn SearchSpace, arch: &str, key: Key) -> Result<Architecture, String> {
    let architecture = space.parse(arch).map_err(|e| e.to_string())?;
    if architecture.key() != key {
        return Err(format!("{arch:?} has key {}, the record says {key}", architecture.key()));
    }
    Ok(architecture)
}

/// Checks outcomes of a batch: their number, and every score finite and of one fidelity, which is
/// the first one's if it is not known yet.
pub(crate) fn check_outcomes(
    outcomes: &[Outcome],
    expected: usize,
    fidelity: &mut Option<Fidelity>,
) -> Result<(), String> {
    if outcomes.len() != expected {
        return Err(format!("{} outcomes for {expected} architectures", outcomes.len()));
    }
    for outcome in outcomes {
        let Outcome::Scored(score) = outcome else { continue };
        score.check()?;
        let expected = *fidelity.get_or_insert(score.fidelity);
        if score.fidelity != expected {
            return Err(format!("a score of fidelity {} where {expected} is due", score.fidelity));
        }
    }
    Ok(())
}
