//! The sections that every search has: study, space, data, training, final.

use super::{Invalid, at_least_1, ensure};
use crate::recipe::{ScratchRecipe, Sgd};

crate::settings! {
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
    }
    check(s) {
        // TOML integers are signed, and the seed must come back from config.toml as it went in.
        ensure(i64::try_from(s.seed).is_ok(), "seed", s.seed, "0 to 9223372036854775807")?;
        ensure(s.seconds >= 0.0 && s.seconds.is_finite(), "seconds", s.seconds, "0 (no limit) or more")?;
        ensure((1..=1024).contains(&s.workers), "workers", s.workers, "1 to 1024")?;
        let endless = s.architectures == 0 && s.rounds == 0 && s.seconds == 0.0;
        ensure(!endless, "architectures", "0 without rounds or seconds", "a budget: architectures, rounds or seconds")
    }
}

crate::settings! {
    /// The search space.
    pub struct SpaceSettings {
        /// The space; `bonas list spaces` prints all of them.
        name: String = "darts".to_owned(),
    }
    check(_s) { Ok(()) }
}

crate::settings! {
    /// The images, and how the training part is divided.
    pub struct DataSettings {
        /// Where the images are: digits (embedded), cifar10:DIRECTORY, mnist:DIRECTORY (Fashion-MNIST
        /// and the like too), folder:DIRECTORY, or a directory holding one of these.
        source: String = "digits".to_owned(),
        /// Training images used at most, drawn evenly from the classes; 0: all.
        limit: usize = 0,
        /// Share of the training images held out to score architectures; test images are never used
        /// in a search.
        validation: f64 = 0.3,
        /// Seed of the split into training and validation.
        split_seed: u64 = 0,
        /// Side in pixels that the images of a folder are scaled to.
        image_size: usize = 32,
        /// Share of a folder without a test part that becomes the test part.
        test_fraction: f64 = 0.2,
        /// Both sides of the images are divided by this, each pixel the mean of a square: 2 makes
        /// 16x16 images of CIFAR-10's, which cost a quarter.
        shrink: usize = 1,
    }
    check(s) {
        let share = |x: f64| x > 0.0 && x < 1.0;
        ensure(share(s.validation), "validation", s.validation, "a share between 0 and 1")?;
        ensure(share(s.test_fraction), "test_fraction", s.test_fraction, "a share between 0 and 1")?;
        ensure((4..=1024).contains(&s.image_size), "image_size", s.image_size, "4 to 1024 pixels")?;
        ensure(s.shrink >= 1, "shrink", s.shrink, "1 or more, a divisor of the images' sides")?;
        ensure(i64::try_from(s.split_seed).is_ok(), "split_seed", s.split_seed, "0 to 9223372036854775807")
    }
}

/// Arithmetic of training.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// 32 bits.
    #[default]
    Float32,
    /// 16 bits (bfloat16) where it is safe, 32 bits elsewhere.
    Mixed,
}

crate::settings! {
    /// How networks are trained, in the search and at the end alike: stochastic gradient descent
    /// with a cosine schedule.
    pub struct TrainingSettings {
        /// Learning rate at the start.
        learning_rate: f64 = 0.025,
        /// Learning rate at the end of the cosine.
        final_learning_rate: f64 = 0.0,
        /// Momentum.
        momentum: f64 = 0.9,
        /// L2 penalty on every trained parameter.
        weight_decay: f64 = 3e-4,
        /// Largest norm of the gradient over all parameters of a step.
        gradient_clip: f64 = 5.0,
        /// Training images from which BatchNorm statistics are re-estimated once a network is trained
        /// from scratch; 0: the running averages of training, as published. After few steps these
        /// lag behind the weights, and scores of one cell scatter.
        statistics_images: usize = 0,
        /// Where to compute: auto (every GPU, else the CPU), cpu, cuda, or cuda:0,1,...
        device: String = "auto".to_owned(),
        /// Threads of one worker on the CPU. The last digits of sums depend on it, and so may a
        /// history; on the number of workers they do not.
        threads: usize = 1,
        /// Arithmetic: float32 or mixed.
        precision: Precision = Precision::Float32,
        /// Whether tensors lie channels-last in memory; quicker on GPUs with mixed precision.
        channels_last: bool = false,
    }
    check(s) {
        let rate = s.learning_rate > 0.0 && s.learning_rate <= 1e3;
        ensure(rate, "learning_rate", s.learning_rate, "above 0, at most 1000")?;
        let end = (0.0..=s.learning_rate).contains(&s.final_learning_rate);
        ensure(end, "final_learning_rate", s.final_learning_rate, "0 to learning_rate")?;
        ensure((1..=1024).contains(&s.threads), "threads", s.threads, "1 to 1024")?;
        ensure((0.0..1.0).contains(&s.momentum), "momentum", s.momentum, "0 up to, not including, 1")?;
        ensure((0.0..=1.0).contains(&s.weight_decay), "weight_decay", s.weight_decay, "0 to 1")?;
        let clip = s.gradient_clip > 0.0 && s.gradient_clip.is_finite();
        ensure(clip, "gradient_clip", s.gradient_clip, "a number above 0")?;
        ensure(s.statistics_images != 1, "statistics_images", s.statistics_images, "0, or at least 2")
    }
}

crate::settings! {
    /// Training the best architectures of the search from scratch on its training images, to take
    /// the one that is best on the images held out. DARTS took the best of four this way (Liu et
    /// al. 2019, section 3.1).
    pub struct ShortlistSettings {
        /// Architectures: those with the highest scores, with shared weights the best of every batch
        /// first; 0: no shortlist, the best score wins.
        cells: usize = 0,
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

/// The images that final training learns from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FinalImages {
    /// All training images.
    #[default]
    All,
    /// Those that the search trained on, without the ones it scored on.
    Search,
}

crate::settings! {
    /// Training the winner, and random cells to set beside it, from scratch.
    pub struct FinalSettings {
        /// Random architectures trained beside the winner with equal budget; 0: none.
        random: usize = 5,
        /// Seeds an architecture is trained with; 0: no final training.
        seeds: usize = 3,
        /// Training images: all, or search (those that the search trained on, without the ones it
        /// scored on: its own task, for which its winner was chosen).
        images: FinalImages = FinalImages::All,
        /// Of all, images used at most, drawn evenly from the classes; 0: as many as `data.limit`
        /// says. Fewer than the search had make a harder task, at which cells differ more.
        limit: usize = 0,
        /// Epochs.
        epochs: usize = 20,
        /// Images a step.
        batch: usize = 96,
        /// Width C of the first cells.
        channels: usize = 8,
        /// Cells in the network (cells a stage, where the skeleton has stages).
        layers: usize = 5,
        /// Weight of the auxiliary head's loss; 0: no auxiliary head. Published: 0.4.
        auxiliary_weight: f64 = 0.0,
        /// Largest probability of dropping a path; it grows from 0 over the epochs. Published: 0.2.
        drop_path: f64 = 0.0,
        /// Side in pixels of the square cut out of training images; 0: none. CIFAR-10: 16.
        cutout: usize = 0,
        /// Label smoothing. Published for large images: 0.1.
        label_smoothing: f64 = 0.0,
    }
    check(s) {
        at_least_1(s.epochs, "epochs")?;
        ensure(s.batch >= 2, "batch", s.batch, "at least 2")?;
        at_least_1(s.channels, "channels")?;
        at_least_1(s.layers, "layers")?;
        let limited = s.limit > 0 && s.images == FinalImages::Search;
        ensure(!limited, "limit", s.limit, "0 with images = \"search\"")?;
        let weight = s.auxiliary_weight;
        ensure((0.0..=10.0).contains(&weight), "auxiliary_weight", weight, "0 (off) to 10")?;
        probability(s.drop_path, "drop_path")?;
        probability(s.label_smoothing, "label_smoothing")
    }
}

fn probability(value: f64, key: &'static str) -> Result<(), Invalid> {
    ensure((0.0..1.0).contains(&value), key, value, "0 up to, not including, 1")
}

impl TrainingSettings {
    /// The optimiser of these settings.
    pub fn sgd(&self) -> Sgd {
        Sgd {
            learning_rate: self.learning_rate,
            final_learning_rate: self.final_learning_rate,
            momentum: self.momentum,
            weight_decay: self.weight_decay,
            gradient_clip: self.gradient_clip,
        }
    }

    /// Training from scratch without drop-path, label smoothing or auxiliary head.
    pub(super) fn plain(&self, epochs: usize, batch: usize) -> ScratchRecipe {
        let statistics_images = self.statistics_images;
        ScratchRecipe { statistics_images, ..ScratchRecipe::plain(epochs, batch, self.sgd()) }
    }
}

impl ShortlistSettings {
    /// The recipe of the shortlist: plain training, without drop-path or auxiliary head.
    pub fn recipe(&self, training: &TrainingSettings) -> ScratchRecipe {
        training.plain(self.epochs, self.batch)
    }
}

impl FinalSettings {
    /// The recipe of the final training.
    pub fn recipe(&self, training: &TrainingSettings) -> ScratchRecipe {
        ScratchRecipe {
            label_smoothing: self.label_smoothing,
            drop_path: self.drop_path,
            auxiliary_weight: self.auxiliary_weight,
            ..training.plain(self.epochs, self.batch)
        }
    }
}
