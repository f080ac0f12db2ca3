//! How long each round took, as the study's timings file says.
//!
//! Invariant: advisory. Nothing is compared by it, and damage is passed over.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::TIMINGS_FILE;

/// Seconds of a round.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RoundSeconds {
    /// Seconds the strategy took to propose.
    pub ask: Option<f64>,
    /// Seconds of evaluation, summed over the round's batches whatever worker they ran on.
    pub evaluate: Option<f64>,
}

impl RoundSeconds {
    /// Both together, as far as they are known.
    pub fn total(self) -> Option<f64> {
        match (self.ask, self.evaluate) {
            (None, None) => None,
            (ask, evaluate) => Some(ask.unwrap_or(0.0) + evaluate.unwrap_or(0.0)),
        }
    }
}

/// Seconds of every ask and every batch of a study, this process's and earlier ones'; some may be
/// missing. Work that was lost in a kill and done again counts once, as it was done last.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seconds {
    asks: BTreeMap<usize, f64>,
    batches: BTreeMap<(usize, usize), f64>,
}

/// A line of the file.
#[derive(Serialize, Deserialize)]
pub(super) struct Line {
    pub(super) round: usize,
    /// None: the ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) batch: Option<usize>,
    pub(super) seconds: f64,
}

impl Seconds {
    /// Reads the lines `{"round":R,"seconds":S}` (asking) and `{"round":R,"batch":B,"seconds":S}`
    /// (evaluating) of `timings.jsonl`; lines that are damaged are passed over, the last one of a
    /// kind counts.
    pub fn from_lines(text: &[u8]) -> Self {
        let mut seconds = Self::default();
        let lines = text.split(|&b| b == b'\n').filter_map(|line| serde_json::from_slice::<Line>(line).ok());
        lines.filter(|line| line.seconds >= 0.0).for_each(|line| seconds.insert(&line));
        seconds
    }

    /// The seconds in a study's folder, as far as they are there and legible.
    pub fn read(folder: &Path) -> Self {
        Self::from_lines(&std::fs::read(folder.join(TIMINGS_FILE)).unwrap_or_default())
    }

    pub(super) fn insert(&mut self, line: &Line) {
        match line.batch {
            None => self.asked(line.round, line.seconds),
            Some(batch) => self.evaluated(line.round, batch, line.seconds),
        }
    }

    /// Notes the seconds of an ask.
    pub fn asked(&mut self, round: usize, seconds: f64) {
        self.asks.insert(round, seconds);
    }

    /// Notes the seconds of a batch.
    pub fn evaluated(&mut self, round: usize, batch: usize, seconds: f64) {
        self.batches.insert((round, batch), seconds);
    }

    /// Of one round.
    pub fn round(&self, round: usize) -> RoundSeconds {
        let batches: Vec<f64> = self.batches.range((round, 0)..(round + 1, 0)).map(|(_, s)| *s).collect();
        RoundSeconds {
            ask: self.asks.get(&round).copied(),
            evaluate: (!batches.is_empty()).then(|| batches.iter().sum()),
        }
    }

    /// Of one batch, if they are known.
    pub fn batch(&self, round: usize, batch: usize) -> Option<f64> {
        self.batches.get(&(round, batch)).copied()
    }

    /// Of each ask, in the order of the rounds.
    pub fn asks(&self) -> impl ExactSizeIterator<Item = f64> + '_ {
        self.asks.values().copied()
    }

    /// Of evaluation, summed over batches whatever worker they ran on.
    pub fn evaluation(&self) -> f64 {
        self.batches.values().sum()
    }

    /// Of the whole study: asking and evaluation together.
    pub fn total(&self) -> f64 {
        self.asks().sum::<f64>() + self.evaluation()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_is_passed_over_and_work_done_again_counts_once() {
        let text = b"{\"round\":0,\"seconds\":1.0}\n{\"round\":0,\"batch\":0,\"seconds\":2.0}\n\n\
                    {\"round\":0,\"batch\":0,\"seconds\":4.0}\n{\"round\":0,\"batch\":1,\"seconds\":1.0}\n{\"rou\n\xff\xfe";
        let seconds = Seconds::from_lines(text);
        assert_eq!(seconds.round(0), RoundSeconds { ask: Some(1.0), evaluate: Some(5.0) });
        assert_eq!(seconds.round(1), RoundSeconds::default());
        assert_eq!(seconds.round(1).total(), None);
        assert!((seconds.total() - 6.0).abs() < 1e-12);
    }
}
