//! How long each round took, as the study's timings file says.

use std::collections::BTreeMap;

use serde::Deserialize;

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

/// Seconds by round. Advisory: rounds may be missing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seconds {
    asks: BTreeMap<usize, f64>,
    batches: BTreeMap<(usize, usize), f64>,
}

#[derive(Deserialize)]
struct Line {
    round: usize,
    batch: Option<usize>,
    seconds: f64,
}

impl Seconds {
    /// Reads the lines `{"round":R,"seconds":S}` (asking) and `{"round":R,"batch":B,"seconds":S}`
    /// (evaluating) of `timings.jsonl`; lines that are damaged are passed over, the last one of a
    /// kind counts.
    pub fn from_lines(text: &str) -> Self {
        let mut seconds = Self::default();
        let lines = text.lines().filter_map(|line| serde_json::from_str::<Line>(line).ok());
        for line in lines.filter(|line| line.seconds >= 0.0) {
            match line.batch {
                None => seconds.asked(line.round, line.seconds),
                Some(batch) => seconds.evaluated(line.round, batch, line.seconds),
            }
        }
        seconds
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

    /// Of the whole study.
    pub fn total(&self) -> f64 {
        self.asks.values().chain(self.batches.values()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_is_passed_over_and_work_done_again_counts_once() {
        let text = "{\"round\":0,\"seconds\":1.0}\n{\"round\":0,\"batch\":0,\"seconds\":2.0}\n\n\
                    {\"round\":0,\"batch\":0,\"seconds\":4.0}\n{\"round\":0,\"batch\":1,\"seconds\":1.0}\n{\"rou";
        let seconds = Seconds::from_lines(text);
        assert_eq!(seconds.round(0), RoundSeconds { ask: Some(1.0), evaluate: Some(5.0) });
        assert_eq!(seconds.round(1), RoundSeconds::default());
        assert_eq!(seconds.round(1).total(), None);
        assert!((seconds.total() - 6.0).abs() < 1e-12);
    }
}
