//! The state of a study as a function of its events.

use std::collections::HashSet;
use std::sync::Arc;

use bonas_spaces::{Architecture, SearchSpace};

use crate::ask::Candidate;
use crate::history::{EndReason, Evaluation, Event, Fidelity, History, Outcome, Proposed};
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
    /// Rounds at the end in which every proposal was dropped.
    pub(crate) dry_rounds: usize,
    pub(crate) ended: Option<EndReason>,
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
            dry_rounds: 0,
            ended: None,
            fidelity,
        }
    }

    /// What was asked for and is not answered yet; nothing between rounds.
    pub(crate) fn unanswered(&self) -> Vec<Architecture> {
        let batches = self.pending.iter().flat_map(|round| &round.batches[round.next..]);
        batches.flatten().map(|candidate| candidate.architecture.clone()).collect()
    }

    /// Takes an event in, or says why it cannot follow the ones before.
    pub(crate) fn apply(&mut self, event: &Event) -> Result<(), String> {
        if self.ended.is_some() {
            return Err("there is an event after the end of the study".into());
        }
        if self.header.is_none() != matches!(event, Event::Started { .. }) {
            return Err("the first event, and only the first, must be that the study started".into());
        }
        match event {
            Event::Started { version, space, .. } => self.start(event, *version, space),
            Event::Asked { round, batches, .. } => self.ask(*round, batches),
            Event::Evaluated { round, batch, outcomes } => self.evaluate(*round, *batch, outcomes),
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
                let architecture = read_back(self.space.as_ref(), proposed)?;
                if self.history.contains(proposed.key) || !seen.insert(proposed.key) {
                    return Err(format!("architecture {} is there a second time", proposed.arch));
                }
                candidates.push(Candidate { architecture, predicted: proposed.predicted });
            }
            parsed.push(candidates);
        }
        self.rounds += 1;
        self.dry_rounds = if parsed.is_empty() { self.dry_rounds + 1 } else { 0 };
        let keys = batches.iter().map(|b| b.iter().map(|p| p.key.to_string()).collect()).collect();
        self.pending = (!parsed.is_empty()).then_some(Round { index: round, keys, batches: parsed, next: 0 });
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
        check_outcomes(outcomes, pending.batches[batch].len(), &mut self.fidelity)?;
        for (candidate, outcome) in std::mem::take(&mut pending.batches[batch]).into_iter().zip(outcomes) {
            let Candidate { architecture, predicted } = candidate;
            self.history.push(Evaluation { architecture, outcome: outcome.clone(), predicted, round, batch });
        }
        pending.next += 1;
        if pending.next == pending.batches.len() {
            self.pending = None;
        }
        Ok(())
    }

    fn end(&mut self, reason: EndReason) -> Result<(), String> {
        if let Some(pending) = &self.pending {
            return Err(format!("the study ends before round {} is over", pending.index));
        }
        self.ended = Some(reason);
        Ok(())
    }
}

/// The architecture that a journal's text stands for.
fn read_back(space: &dyn SearchSpace, proposed: &Proposed) -> Result<Architecture, String> {
    let architecture = space.parse(&proposed.arch).map_err(|e| e.to_string())?;
    if architecture.key() != proposed.key {
        return Err(format!(
            "{:?} has key {}, the record says {}",
            proposed.arch,
            architecture.key(),
            proposed.key
        ));
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
        let all = [&score.value].into_iter().chain(&score.runs).chain(&score.measures);
        if let Some(value) = all.into_iter().find(|value| !value.is_finite()) {
            return Err(format!("score {value} is not finite"));
        }
        let expected = *fidelity.get_or_insert(score.fidelity);
        if score.fidelity != expected {
            return Err(format!("a score of fidelity {} where {expected} is due", score.fidelity));
        }
    }
    Ok(())
}
