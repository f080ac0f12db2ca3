//! The sections that every search has: study, space, shortlist.

use bonas_study::FailurePolicy;
use bonas_study::settings::{at_least_1, ensure};
use bonas_supernet::recipe::{ScratchRecipe, TrainingSettings};

bonas_study::settings! {
    /// Seed, budget and workers of a study.
    pub struct StudySettings {
        /// Every random draw of the study comes from this seed; 0 to 9223372036854775807.
        seed: u64 = 1,
        /// Unique architectures to evaluate; 0: no limit.
        architectures: usize = 60,
        /// Rounds of asking and evaluating; 0: no limit.
        rounds: usize = 0,
        /// Seconds of asking and evaluating; 0: no limit. The round under way is finished.
        seconds: f64 = 0.0,
        /// Batches evaluated at the same time; the history is the same for every number.
        workers: usize = 1,
        /// Number of times that a batch is tried again whose evaluation fails in libtorch (most often for want of memory) or
        /// panics; 1 if it is not set.
        retries: Option<usize> = None,
        /// A batch that still fails is recorded as failed, unless with it more than this share of all architectures has failed,
        /// for whatever reason: the search stops, and goes on when it is run again. 0.5 if it is not set; 0: it stops at the
        /// first failure.
        max_failed_share: Option<f64> = None,
    }
    check(s) {
        // TOML integers are signed, and the seed must come back from config.toml as it went in.
        ensure(i64::try_from(s.seed).is_ok(), "seed", s.seed, "0 to 9223372036854775807")?;
        ensure(s.seconds >= 0.0 && s.seconds.is_finite(), "seconds", s.seconds, "0 (no limit) or more")?;
        ensure((1..=1024).contains(&s.workers), "workers", s.workers, "1 to 1024")?;
        let share = s.max_failed_share.unwrap_or(0.0);
        ensure((0.0..=1.0).contains(&share), "max_failed_share", share, "0 to 1")?;
        ensure(s.retries.unwrap_or(0) <= 100, "retries", s.retries.unwrap_or(0), "0 to 100")?;
        let endless = s.architectures == 0 && s.rounds == 0 && s.seconds == 0.0;
        ensure(!endless, "architectures", "0 without rounds or seconds", "a budget: architectures, rounds or seconds")
    }
}

impl StudySettings {
    /// What becomes of evaluations that fail.
    pub fn failures(&self) -> FailurePolicy {
        FailurePolicy {
            retries: self.retries.unwrap_or(1),
            max_failed_share: self.max_failed_share.unwrap_or(0.5),
        }
    }

    /// The same settings without those that another machine or a repaired one may change.
    #[must_use]
    pub fn without_machine(&self) -> Self {
        let Self { workers, retries, max_failed_share, .. } = Self::default();
        Self { workers, retries, max_failed_share, ..self.clone() }
    }
}

bonas_study::settings! {
    /// The search space.
    pub struct SpaceSettings {
        /// The space; `bonas list spaces` prints all of them. `file:PATH` is one that a space file declares.
        name: String = "darts".to_owned(),
        /// Text of the space file. A study keeps it here, so that a later change of the file changes nothing; without it
        /// the file is read.
        text: Option<String> = None,
        /// Operations that architectures may be made of; without it all of the space. Not for differentiable strategies, which
        /// relax all of them.
        operations: Option<Vec<String>> = None,
    }
    check(_s) { Ok(()) }
}

/// Order of the architectures of a search, the best first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BestBy {
    /// The score.
    #[default]
    Score,
    /// The strategy's own estimate of the true score, from a surrogate that has seen all scores.
    Model,
}

bonas_study::settings! {
    /// Training the best architectures of the search from scratch on its training images, to take
    /// the one that is best on the images held out. DARTS took the best of four this way (Liu et
    /// al. 2019, section 3.1).
    pub struct ShortlistSettings {
        /// Architectures: the best of the search, by scores with shared weights the best of every batch first; 0: no
        /// shortlist, the best wins.
        cells: usize = 0,
        /// Order of the architectures, with a shortlist and without: by score, or by model (what the strategy's surrogate
        /// estimates from all scores; for strategies with one). The highest of many noisy scores is an overestimate.
        by: BestBy = BestBy::Score,
        /// Seeds an architecture is trained with; the mean decides.
        seeds: usize = 1,
        /// Epochs.
        epochs: usize = 10,
        /// Images a step.
        batch: usize = 64,
        /// Width C of the first cells.
        channels: usize = 8,
        /// Cells in the network (cells a stage, where the skeleton has stages).
        layers: usize = 5,
    }
    check(s) {
        ensure(s.cells != 1, "cells", s.cells, "0 (no shortlist), or at least 2")?;
        at_least_1(s.seeds, "seeds")?;
        at_least_1(s.epochs, "epochs")?;
        at_least_1(s.channels, "channels")?;
        at_least_1(s.layers, "layers")?;
        ensure(s.batch >= 2, "batch", s.batch, "at least 2")
    }
}

impl ShortlistSettings {
    /// The recipe of the shortlist: plain training, without drop-path or auxiliary head.
    pub fn recipe(&self, training: &TrainingSettings) -> ScratchRecipe {
        training.plain(self.epochs, self.batch)
    }
}
