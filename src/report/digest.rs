//! What a study's events add up to: its queries in order, and one row a round.

use std::collections::BTreeSet;

use bonas_study::history::{EndReason, Event, Fidelity, Known, Outcome, Prediction, Proposed};
use bonas_surrogate::metrics::kendall_tau_b;

/// One evaluated architecture.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// The architecture in its space's notation.
    pub arch: String,
    /// Its key in hexadecimal.
    pub key: String,
    /// Round, from 0.
    pub round: usize,
    /// Batch of the round, from 0.
    pub batch: usize,
    /// What the surrogate expected before the evaluation.
    pub predicted: Option<Prediction>,
    /// What came of it.
    pub outcome: Outcome,
}

impl Query {
    fn of(proposed: &Proposed, round: usize, batch: usize, outcome: &Outcome) -> Self {
        Self {
            arch: proposed.arch.clone(),
            key: proposed.key.to_string(),
            round,
            batch,
            predicted: proposed.predicted,
            outcome: outcome.clone(),
        }
    }
}

/// One round in figures. Scores are of the study's [`Digest::fidelity`].
#[derive(Clone, Debug, PartialEq)]
pub struct RoundRow {
    /// Round, from 0.
    pub round: usize,
    /// Architectures evaluated in it, failures included.
    pub queries: usize,
    /// How many of them failed.
    pub failed: usize,
    /// Proposals dropped because they were evaluated before.
    pub dropped: usize,
    /// Best score up to and with this round.
    pub best: Option<f64>,
    /// Whether the best score is of this round.
    pub improved: bool,
    /// Lowest, mean and highest score of the round.
    pub range: Option<Range>,
    /// Kendall's tau-b between predictions before the evaluation and scores. Shared-weights scores
    /// compare only inside a batch: there it is the mean over batches, weighted by their pairs.
    pub tau: Option<f64>,
}

/// Lowest, mean and highest of some scores.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// The lowest.
    pub min: f64,
    /// The mean.
    pub mean: f64,
    /// The highest.
    pub max: f64,
}

impl Range {
    /// Of some scores, if there are any.
    pub fn of(scores: &[f64]) -> Option<Self> {
        let mean = scores.iter().sum::<f64>() / scores.len() as f64;
        let min = scores.iter().copied().reduce(f64::min)?;
        Some(Self { min, mean, max: scores.iter().copied().reduce(f64::max)? })
    }
}

/// A study as its events tell it. Events may come one by one, from a running study, or all at
/// once from a journal that stops anywhere.
#[derive(Clone, Debug, Default)]
pub struct Digest {
    /// Name of the space; empty before the study has started.
    pub space: String,
    /// Seed of the study.
    pub seed: u64,
    /// The configuration as the journal holds it.
    pub config: String,
    /// The evaluated architectures in order.
    pub queries: Vec<Query>,
    /// Why the study ended, if it has.
    pub ended: Option<EndReason>,
    /// Numbers of the trials that were handed out and not told yet.
    pub pending: BTreeSet<u64>,
    /// Numbers of the trials that were given up.
    pub abandoned: BTreeSet<u64>,
    /// How many of the queries, the first, were imported and not evaluated.
    pub imports: usize,
    rounds: Vec<Asked>,
}

#[derive(Clone, Debug)]
struct Asked {
    batches: Vec<Vec<Proposed>>,
    dropped: usize,
    /// Number of its first trial.
    first: usize,
    /// Trials that were neither evaluated nor abandoned.
    missing: usize,
}

impl Asked {
    fn of(batches: &[Vec<Proposed>], dropped: usize, first: usize) -> Self {
        Self { batches: batches.to_vec(), dropped, first, missing: batches.iter().map(Vec::len).sum() }
    }

    /// The batch of a trial, and what was proposed; none if it is of another round.
    fn trial(&self, number: usize) -> Option<(usize, &Proposed)> {
        let all = self.batches.iter().enumerate();
        let mut trials = all.flat_map(|(batch, proposed)| proposed.iter().map(move |one| (batch, one)));
        trials.nth(number.checked_sub(self.first)?)
    }
}

impl Digest {
    /// Adds up events.
    pub fn of(events: &[Event]) -> Self {
        let mut digest = Self::default();
        for event in events {
            digest.push(event);
        }
        digest
    }

    /// Adds one event; a round that it completes is returned.
    pub fn push(&mut self, event: &Event) -> Option<RoundRow> {
        match event {
            Event::Started { space, seed, config, .. } => {
                (self.space, self.seed, self.config) = (space.clone(), *seed, config.clone());
                None
            }
            Event::Imported { results } => Some(self.imported(results)),
            Event::Asked { batches, dropped, .. } => {
                self.rounds.push(Asked::of(batches, *dropped, self.proposed()));
                None
            }
            Event::Evaluated { round, batch, outcomes } => self.evaluated(*round, *batch, outcomes),
            Event::HandedOut { trials } => {
                self.pending.extend(trials);
                None
            }
            Event::Told { trial, outcome } => self.told(*trial, Some(outcome)),
            Event::Abandoned { trial } => {
                self.abandoned.extend(self.pending.get(trial));
                self.told(*trial, None)
            }
            Event::Data { .. } => None,
            Event::Extended { .. } => {
                self.ended = None;
                None
            }
            Event::Ended { reason } => {
                self.ended = Some(*reason);
                None
            }
        }
    }

    /// Results that were known before are a round for which nothing was proposed.
    fn imported(&mut self, results: &[Known]) -> RoundRow {
        let round = self.rounds.len();
        self.rounds.push(Asked::of(&[], 0, self.proposed()));
        self.imports += results.len();
        self.queries.extend(results.iter().map(|known| Query {
            arch: known.arch.clone(),
            key: known.key.to_string(),
            round,
            batch: 0,
            predicted: None,
            outcome: known.outcome.clone(),
        }));
        self.row(round)
    }

    fn evaluated(&mut self, round: usize, batch: usize, outcomes: &[Outcome]) -> Option<RoundRow> {
        let asked = self.rounds.get_mut(round)?;
        for (proposed, outcome) in asked.batches.get(batch)?.iter().zip(outcomes) {
            self.queries.push(Query::of(proposed, round, batch, outcome));
        }
        asked.missing = asked.missing.saturating_sub(outcomes.len());
        (asked.missing == 0).then(|| self.row(round))
    }

    /// A trial that is pending no longer, for it has an outcome or was abandoned.
    fn told(&mut self, trial: u64, outcome: Option<&Outcome>) -> Option<RoundRow> {
        if !self.pending.remove(&trial) {
            return None;
        }
        let (round, batch, proposed) = self.trial(trial)?;
        let query = outcome.map(|outcome| Query::of(proposed, round, batch, outcome));
        self.queries.extend(query);
        let asked = &mut self.rounds[round];
        asked.missing = asked.missing.saturating_sub(1);
        (asked.missing == 0).then(|| self.row(round))
    }

    /// Round and batch of a trial that was asked for, and what was proposed.
    pub fn trial(&self, trial: u64) -> Option<(usize, usize, &Proposed)> {
        let number = usize::try_from(trial).ok()?;
        let round = self.rounds.iter().rposition(|asked| asked.first <= number)?;
        let (batch, proposed) = self.rounds[round].trial(number)?;
        Some((round, batch, proposed))
    }

    /// Number of rounds asked for.
    pub fn rounds(&self) -> usize {
        self.rounds.len()
    }

    /// Number of architectures proposed, evaluated or not.
    pub fn proposed(&self) -> usize {
        self.rounds.iter().flat_map(|round| &round.batches).map(Vec::len).sum()
    }

    /// One row a round that has at least one evaluation.
    pub fn rows(&self) -> Vec<RoundRow> {
        (0..self.rounds.len()).map(|round| self.row(round)).filter(|row| row.queries > 0).collect()
    }

    /// The kind of score this study gives: that of its first score.
    pub fn fidelity(&self) -> Option<Fidelity> {
        self.queries.iter().find_map(|query| match &query.outcome {
            Outcome::Scored(score) => Some(score.fidelity),
            Outcome::Failed(_) => None,
        })
    }

    /// A query's score, if it has one of the study's fidelity.
    pub fn score(&self, query: &Query) -> Option<f64> {
        query.outcome.value(self.fidelity()?)
    }

    /// Position in [`Self::queries`] and score of the best, the earliest of equals.
    pub fn best(&self) -> Option<(usize, f64)> {
        self.scores().reduce(|best, next| if next.1 > best.1 { next } else { best })
    }

    /// Positions in [`Self::queries`] and scores, failures left out.
    pub fn scores(&self) -> impl Iterator<Item = (usize, f64)> + '_ {
        let fidelity = self.fidelity();
        self.queries.iter().enumerate().filter_map(move |(i, q)| Some((i, q.outcome.value(fidelity?)?)))
    }

    /// Queries that were both predicted and scored.
    pub fn predicted(&self) -> impl Iterator<Item = (&Query, Prediction, f64)> {
        self.scores().filter_map(|(i, score)| {
            let query = &self.queries[i];
            Some((query, query.predicted?, score))
        })
    }

    fn row(&self, round: usize) -> RoundRow {
        let of_round: Vec<&Query> = self.queries.iter().filter(|q| q.round == round).collect();
        let scores: Vec<f64> = of_round.iter().filter_map(|q| self.score(q)).collect();
        let until: Vec<f64> =
            self.scores().filter(|(i, _)| self.queries[*i].round <= round).map(|s| s.1).collect();
        let before = self.scores().filter(|(i, _)| self.queries[*i].round < round).map(|s| s.1);
        let before = before.reduce(f64::max);
        let best = until.into_iter().reduce(f64::max);
        RoundRow {
            round,
            queries: of_round.len(),
            failed: of_round.iter().filter(|q| matches!(q.outcome, Outcome::Failed(_))).count(),
            dropped: self.rounds.get(round).map_or(0, |asked| asked.dropped),
            best,
            improved: best > before,
            range: Range::of(&scores),
            tau: self.tau(&of_round),
        }
    }

    fn tau(&self, queries: &[&Query]) -> Option<f64> {
        let together = self.fidelity() != Some(Fidelity::SharedWeights);
        let groups = queries.chunk_by(|a, b| together || a.batch == b.batch);
        let taus: Vec<(f64, f64)> = groups.filter_map(|group| self.group_tau(group)).collect();
        let pairs: f64 = taus.iter().map(|(_, pairs)| pairs).sum();
        (pairs > 0.0).then(|| taus.iter().map(|(tau, pairs)| tau * pairs).sum::<f64>() / pairs)
    }

    /// Tau-b of queries whose scores compare, and the number of their pairs.
    fn group_tau(&self, queries: &[&Query]) -> Option<(f64, f64)> {
        let pairs = queries.iter().filter_map(|q| Some((q.predicted?.mean, self.score(q)?)));
        let (predicted, measured): (Vec<f64>, Vec<f64>) = pairs.unzip();
        let n = predicted.len() as f64;
        let tau = kendall_tau_b(&predicted, &measured)?;
        Some((tau, n * (n - 1.0) / 2.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::{arch, asked, evaluated, study};

    #[test]
    fn adds_up_rounds() {
        let digest = Digest::of(&study());
        let rows = digest.rows();
        assert_eq!(rows.len(), 3);
        assert_eq!((rows[0].queries, rows[0].failed, rows[0].tau), (4, 1, None));
        assert_eq!(rows[1].range.map(|r| (r.min, r.max)), Some((0.58, 0.75)));
        assert!(rows[1].improved && rows[1].tau.is_some());
        assert_eq!(digest.best().map(|(i, _)| digest.queries[i].round), Some(2));
    }

    #[test]
    fn a_round_is_complete_with_its_last_batch() {
        let mut digest = Digest::default();
        assert_eq!(digest.push(&asked(0, &[&[1, 2], &[3]], None)), None);
        assert_eq!(digest.push(&evaluated(0, 0, &[0.5, 0.6])), None);
        let row = digest.push(&evaluated(0, 1, &[0.7]));
        assert_eq!(row.map(|row| row.queries), Some(3));
    }

    #[test]
    fn shared_weights_scores_compare_inside_a_batch_only() {
        // Predictions order each batch perfectly; across batches they would not.
        let mut digest = Digest::default();
        digest.push(&asked(0, &[&[1, 2, 3], &[4, 5, 6]], Some(&[0.1, 0.2, 0.3, 0.4, 0.5, 0.6])));
        digest.push(&evaluated(0, 0, &[0.7, 0.8, 0.9]));
        let row = digest.push(&evaluated(0, 1, &[0.1, 0.2, 0.3]));
        assert_eq!(row.and_then(|row| row.tau), Some(1.0));
    }

    /// Out of order and over two rounds; an abandoned trial ends its round, too.
    #[test]
    fn told_trials_are_queries_of_their_round() {
        let mut digest = Digest::default();
        let told = |trial, value| Event::Told {
            trial,
            outcome: Outcome::Scored(bonas_study::Score::of(value, Fidelity::Table)),
        };
        digest.push(&asked(0, &[&[1, 2], &[3]], None));
        digest.push(&Event::HandedOut { trials: vec![0, 1, 2] });
        digest.push(&asked(1, &[&[4]], None));
        digest.push(&Event::HandedOut { trials: vec![3] });
        assert_eq!(digest.pending, BTreeSet::from([0, 1, 2, 3]));
        assert_eq!(digest.push(&told(2, 0.3)), None);
        assert_eq!(digest.push(&told(3, 0.4)).map(|row| (row.round, row.best)), Some((1, Some(0.4))));
        assert_eq!(digest.push(&told(0, 0.1)), None);
        assert_eq!(digest.push(&told(0, 0.9)), None, "it is told a second time");
        let row = digest.push(&Event::Abandoned { trial: 1 }).unwrap();
        assert_eq!((row.round, row.queries, row.best), (0, 2, Some(0.3)));
        let places: Vec<_> = digest.queries.iter().map(|q| (q.round, q.batch)).collect();
        assert_eq!(places, [(0, 1), (1, 0), (0, 0)]);
        assert!(digest.pending.is_empty());
        digest.push(&Event::Abandoned { trial: 0 });
        assert_eq!(digest.abandoned, BTreeSet::from([1]), "trial 0 was told");
        assert_eq!(
            digest.trial(3).map(|(round, batch, one)| (round, batch, &*one.arch)),
            Some((1, 0, &*arch(4)))
        );
    }

    #[test]
    fn an_event_that_does_not_fit_changes_nothing() {
        let mut digest = Digest::default();
        assert_eq!(digest.push(&evaluated(3, 0, &[0.5])), None);
        assert!(digest.queries.is_empty() && digest.best().is_none() && digest.rows().is_empty());
    }
}
