//! Evaluators that train networks: with shared weights, from scratch, or BatchNorm alone.
//!
//! Use the settings to build evaluators for a [`Setup`] of space, images and training ([`BuildEvaluator::build`]), one for each
//! worker of a study. [`SharedSettings`] trains a batch of related cells jointly in one supernet (BONAS);
//! [`OneShotSettings`] trains one supernet of the whole space and scores architectures in it (SPOS); [`ScratchSettings`] trains every architecture by itself; [`IndicatorSettings`] reads an indicator off a supernet of which
//! only BatchNorm was trained (BN-NAS, BNNAS++); [`LanguageSettings`] trains language models of recurrent cells.

mod indicator;
pub mod language;
#[cfg(feature = "torch")]
mod once;
mod one_shot;
mod scratch;
mod shared;

use std::path::Path;

use bonas_spaces::Architecture;
use bonas_study::evaluator::command::{CommandContext, CommandRuns, CommandSettings};
use bonas_study::evaluator::{SyntheticSettings, ToldSettings};
use bonas_study::history::Aims;
use bonas_study::table::ColumnName;
use bonas_study::{Evaluator, Fidelity, StudyError};
pub use indicator::{BatchNormKind, IndicatorSettings};
pub use language::LanguageSettings;
pub use one_shot::OneShotSettings;
pub use scratch::{RunFiles, ScratchSettings};
pub use shared::{Exposure, SharedSettings};

#[cfg(feature = "torch")]
pub use indicator::{IndicatorEvaluator, IndicatorPlan, IndicatorValues, indicator_values};
#[cfg(feature = "torch")]
pub use one_shot::{OneShotEvaluator, OneShotPlan};
#[cfg(feature = "torch")]
pub use scratch::{ScratchEvaluator, ScratchPlan, Start};
#[cfg(feature = "torch")]
pub use shared::SharedEvaluator;

use crate::networks::{NetworkPlan, Setup};
use crate::recipe::Metric;

/// The evaluators of this crate, one line each with the name that configurations use; the docstring is the line about it
/// that commands print.
///
/// `evaluators! { MACRO: HEAD { MORE } }` is `MACRO! { HEAD { these evaluators, MORE } }`, as with
/// [`bonas_study::strategies`].
#[macro_export]
macro_rules! evaluators {
    ($($declare:ident)::+: $(#[$meta:meta])* pub enum $enum:ident as $what:literal of $trait:path { $($more:tt)* }) => {
        $($declare)::+! {
            $(#[$meta])*
            pub enum $enum as $what of $trait {
                /// A batch is trained together in the supernet of its own operations (BONAS).
                SharedWeights($crate::evaluator::SharedSettings) = "shared-weights",
                /// One supernet of the whole space is trained once, and every architecture is scored in it (SPOS).
                OneShot($crate::evaluator::OneShotSettings) = "one-shot",
                /// Every architecture is trained by itself.
                FromScratch($crate::evaluator::ScratchSettings) = "from-scratch",
                /// Nothing is trained but the BatchNorm of one supernet, if anything (BN-NAS, BNNAS++).
                Indicator($crate::evaluator::IndicatorSettings) = "indicator",
                /// Recurrent cells are trained as language models, a batch together or each by itself (NAS-Bench-NLP).
                LanguageModel($crate::evaluator::LanguageSettings) = "language-model",
                $($more)*
            }
        }
    };
}

/// Cost of a forward pass, as a share of a training step on the same image.
pub const FORWARD: f64 = 1.0 / 3.0;

/// The images of a search, for estimates of time.
#[derive(Clone, Copy, Debug)]
pub struct SearchImages {
    /// Number of images that networks train on.
    pub trained: f64,
    /// Number of images that networks are scored on.
    pub held_out: f64,
    /// Number of architectures that share a batch.
    pub batch: f64,
}

/// The stage of [`Monitor::step`](bonas_study::Monitor::step) in which a trained batch is scored: far shorter than the
/// stages before it, as estimates of time must know.
pub const SCORING: &str = "scores";

/// An estimate of an evaluator's work, in training steps on one image of a layer with one channel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Work {
    /// Training runs for each architecture; 0 where one training serves all.
    pub runs: usize,
    /// Work done once for all architectures.
    pub once: f64,
    /// Work for each architecture.
    pub each: f64,
}

/// What the values are that follow a search: those of its shortlist and of its winner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Accuracies, fractions in `[0, 1]`.
    Accuracy,
    /// 1/perplexity of a text, in `(0, 1]`.
    InversePerplexity,
    /// Scores of a program of the user's, in its unit.
    Own,
}

/// Settings of an evaluator, which build it.
pub trait BuildEvaluator {
    /// The kind of score that the evaluator gives.
    fn fidelity(&self) -> Fidelity;

    /// The evaluators, one a worker; checkpoints of training go below `folder`.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for settings that do not fit the images or that this build lacks,
    /// [`StudyError::Data`] for images that cannot be used.
    fn build(&self, setup: &Setup, folder: &Path) -> Result<Vec<Box<dyn Evaluator>>, StudyError>;

    /// The meaning of what is measured beside the score: limits and a second objective. By default none.
    fn aims(&self) -> Aims {
        Aims::default()
    }

    /// Names of the score and of the measures that [`aims`](Self::aims) counts by place, in their order after the score. By
    /// default `score` alone.
    fn columns(&self) -> Vec<ColumnName> {
        score_alone()
    }

    /// Whether it evaluates what follows a search too, the shortlist and the winner ([`Self::follow_up`]). By default networks
    /// on images are trained there.
    fn follows_up(&self) -> bool {
        false
    }

    /// The evaluators of a stage that follows the search, one a worker.
    ///
    /// # Errors
    /// As [`Self::build`]; [`StudyError::Setting`] for an evaluator that does not follow up.
    fn follow_up(
        &self,
        _setup: &Setup,
        _runs: CommandRuns,
        _folder: &Path,
    ) -> Result<Vec<Box<dyn Evaluator>>, StudyError> {
        let reason = "it evaluates nothing after the search".to_owned();
        Err(StudyError::Setting { name: "evaluator.name".into(), reason })
    }

    /// What the values of what follows the search are.
    fn unit(&self) -> Unit {
        if self.fidelity() == Fidelity::Command { Unit::Own } else { Unit::Accuracy }
    }

    /// Trainable parameters of the models that [`follow_up`](Self::follow_up) trains of some architectures, in their order; none
    /// where they are not known.
    ///
    /// # Errors
    /// [`StudyError::Space`] for architectures of which there is no such model.
    fn params(
        &self,
        _setup: &Setup,
        architectures: &[Architecture],
    ) -> Result<Vec<Option<usize>>, StudyError> {
        Ok(vec![None; architectures.len()])
    }

    /// What an evaluation does, as a line of a plan, where the network that is trained does not say it.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for what could not be done.
    fn plan(&self, _setup: &Setup) -> Result<Option<String>, StudyError> {
        Ok(None)
    }

    /// Number of devices that it names, which searches at the same time share; 0 where it names none.
    fn devices(&self) -> usize {
        0
    }

    /// Keeps one of its devices, numbered from 0 and on from the first again.
    fn use_device(&mut self, _number: usize) {}

    /// Keeps so many of its devices at most, the first ones.
    fn keep_devices(&mut self, _most: usize) {}

    /// Sets what no outcome depends on, such as the numbers of devices, to its default: a search may go on without it.
    fn forget_machine(&mut self) {}

    /// What a trained network is scored by.
    fn metric(&self) -> Metric {
        Metric::default()
    }

    /// What a score is, in a few words.
    fn scores(&self) -> String {
        let metric = self.metric().text();
        match self.fidelity() {
            Fidelity::Indicator => "indicator".to_owned(),
            Fidelity::SharedWeights => format!("{metric} on held-out images with shared weights"),
            Fidelity::OneShot => format!("{metric} on held-out images in a one-shot supernet"),
            Fidelity::FromScratch => format!("{metric} on held-out images, trained from scratch"),
            Fidelity::Table => "from a table or a formula".to_owned(),
            Fidelity::Command => "measured outside bonas".to_owned(),
        }
    }

    /// Digest of data of the evaluator's own, beside images, by which a study goes on; none where it has none, or they are in
    /// the program.
    ///
    /// # Errors
    /// [`StudyError::Data`] and [`StudyError::Io`] for data that cannot be read.
    fn data_fingerprint(&self, _setup: &Setup) -> Result<Option<String>, StudyError> {
        Ok(None)
    }

    /// The key of the configuration that names the data of [`data_fingerprint`](Self::data_fingerprint).
    fn data_key(&self) -> &'static str {
        "data.source"
    }

    /// The network that is trained, for plans; none where nothing is trained.
    fn network(&self) -> Option<NetworkPlan> {
        None
    }

    /// Whether the evaluator needs libtorch. By default one that trains a network does.
    fn needs_torch(&self) -> bool {
        self.network().is_some()
    }

    /// The work of an evaluation, for estimates of the time left. By default each architecture counts the same.
    fn work(&self, _images: &SearchImages) -> Work {
        Work { runs: 1, once: 0.0, each: 1.0 }
    }
}

fn score_alone() -> Vec<ColumnName> {
    vec![ColumnName { parts: vec!["score".to_owned()], negated: false }]
}

impl BuildEvaluator for SyntheticSettings {
    fn fidelity(&self) -> Fidelity {
        Fidelity::Table
    }

    fn build(&self, setup: &Setup, _: &Path) -> Result<Vec<Box<dyn Evaluator>>, StudyError> {
        let one = Self::build(self);
        Ok((0..setup.workers).map(|_| Box::new(one.clone()) as Box<dyn Evaluator>).collect())
    }
}

impl BuildEvaluator for ToldSettings {
    fn fidelity(&self) -> Fidelity {
        Fidelity::Command
    }

    fn build(&self, _: &Setup, _: &Path) -> Result<Vec<Box<dyn Evaluator>>, StudyError> {
        let reason = "told, so nothing here evaluates: `bonas search` begins such a study, and `bonas ask` and `bonas tell` \
                      go on with it";
        Err(StudyError::Setting { name: "evaluator.name".into(), reason: reason.into() })
    }

    fn aims(&self) -> Aims {
        // Settings are checked when they are read.
        Self::aims(self).unwrap_or_default()
    }

    fn columns(&self) -> Vec<ColumnName> {
        // Settings are checked when they are read.
        Self::columns(self).unwrap_or_else(|_| score_alone())
    }

    fn plan(&self, _: &Setup) -> Result<Option<String>, StudyError> {
        Ok(Some("nothing is evaluated here: scores are told (`bonas ask`, `bonas tell`)\n".to_owned()))
    }
}

impl BuildEvaluator for CommandSettings {
    fn fidelity(&self) -> Fidelity {
        Fidelity::Command
    }

    fn build(&self, setup: &Setup, folder: &Path) -> Result<Vec<Box<dyn Evaluator>>, StudyError> {
        Self::build(self, &command_context(setup, folder), self.runs())
    }

    fn aims(&self) -> Aims {
        // Settings are checked when they are read.
        Self::aims(self).unwrap_or_default()
    }

    fn columns(&self) -> Vec<ColumnName> {
        // Settings are checked when they are read.
        Self::columns(self).unwrap_or_else(|_| score_alone())
    }

    fn follows_up(&self) -> bool {
        true
    }

    fn follow_up(
        &self,
        setup: &Setup,
        runs: CommandRuns,
        folder: &Path,
    ) -> Result<Vec<Box<dyn Evaluator>>, StudyError> {
        Self::build(self, &command_context(setup, folder), runs)
    }

    fn work(&self, _: &SearchImages) -> Work {
        Work { runs: self.seeds, once: 0.0, each: (self.seeds * self.epochs.max(1)) as f64 }
    }

    fn plan(&self, setup: &Setup) -> Result<Option<String>, StudyError> {
        Self::plan(self, &command_context(setup, Path::new(""))).map(Some)
    }

    fn devices(&self) -> usize {
        self.devices.len()
    }

    fn use_device(&mut self, number: usize) {
        if !self.devices.is_empty() {
            self.devices = vec![self.devices[number % self.devices.len()].clone()];
        }
    }

    fn keep_devices(&mut self, most: usize) {
        self.devices.truncate(most);
    }

    fn forget_machine(&mut self) {
        self.devices.clear();
    }
}

fn command_context<'a>(setup: &'a Setup, folder: &'a Path) -> CommandContext<'a> {
    CommandContext {
        space: setup.space.clone(),
        relative_to: &setup.relative_to,
        folder,
        workers: setup.workers,
    }
}
