//! From a strategy's settings to the strategy.

use std::any::Any;

use bonas_spaces::SearchSpace;

use super::{Aims, Knowledge, Strategy, SurrogateName, TargetsKind, Transfer};
use crate::StudyError;
use crate::history::Fidelity;
use crate::table::ColumnName;

/// What a strategy is built for.
#[derive(Clone, Copy, Debug)]
pub struct BuildContext<'a> {
    /// The space to search.
    pub space: &'a dyn SearchSpace,
    /// The kind of score that the strategy is told.
    pub fidelity: Fidelity,
    /// Limits and second objective.
    pub aims: &'a Aims,
    /// Prior knowledge about architectures.
    pub knowledge: &'a Knowledge,
    /// What the program has for strategies that train networks themselves, a type of the crate that trains; none
    /// where there are no images.
    pub trainer: Option<&'a dyn Any>,
}

/// The network that a strategy trains itself, an epoch a round, instead of having architectures evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnNetwork {
    /// Epochs in all.
    pub epochs: usize,
    /// The first epochs, in which only weights are trained and nothing is searched.
    pub warm_up: usize,
    /// Width of the first cells.
    pub channels: usize,
    /// Cells.
    pub layers: usize,
    /// Whether it proposes nothing before its last epoch.
    pub last_only: bool,
}

/// The methods of [`BuildStrategy`] for settings with a field `batch`.
macro_rules! batch {
    () => {
        fn batch(&self) -> usize {
            self.batch
        }

        fn set_batch(&mut self, batch: usize) {
            self.batch = batch;
        }
    };
}

/// The methods of [`BuildStrategy`] for settings with fields `batch` and `initial`.
macro_rules! batch_and_initial {
    () => {
        batch!();

        fn set_initial(&mut self, initial: usize) {
            self.initial = initial;
        }
    };
}

/// Settings of a strategy, which build it.
///
/// Three methods are required; the others say what the strategy needs and can, and have the usual answers.
pub trait BuildStrategy {
    /// The strategy of these settings.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for a setting that does not fit the space, or a part that this build lacks.
    fn build(&self, context: &BuildContext<'_>) -> Result<Box<dyn Strategy>, StudyError>;

    /// Architectures a batch.
    fn batch(&self) -> usize;

    /// Sets the architectures a batch.
    fn set_batch(&mut self, batch: usize);

    /// Sets the random architectures before the first fit, for strategies with a surrogate.
    fn set_initial(&mut self, _initial: usize) {}

    /// The network that the strategy trains itself; none for strategies whose proposals are evaluated.
    fn own_network(&self) -> Option<OwnNetwork> {
        None
    }

    /// Sets the epochs, and those of warm-up, of a strategy with a network of its own.
    fn set_epochs(&mut self, _epochs: usize, _warm_up: usize) {}

    /// Whether the strategy needs libtorch.
    fn needs_torch(&self) -> bool {
        false
    }

    /// Whether the strategy trains networks itself, and so cannot search a table.
    fn needs_images(&self) -> bool {
        self.own_network().is_some()
    }

    /// Whether the strategy raises a second objective together with the score.
    fn takes_two_objectives(&self) -> bool {
        false
    }

    /// Whether the strategy is among those that a comparison on a table runs if none is named.
    fn compares_on_tables(&self, _two_objectives: bool) -> bool {
        !self.needs_images()
    }

    /// The surrogate to draw a map with, and the targets it is fitted to; none for strategies without.
    fn surrogate(&self) -> Option<(SurrogateName, TargetsKind)> {
        None
    }

    /// The source of scores on another task that the strategy starts from.
    fn transfer(&self) -> &Transfer {
        &Transfer::None
    }

    /// Sets the source of scores on another task, for strategies that can start from some.
    fn set_transfer(&mut self, _transfer: Transfer) {}

    /// Whether the strategy has a model of the scores that estimates what was evaluated
    /// ([`Strategy::estimates`]).
    fn estimates(&self) -> bool {
        false
    }

    /// Names of the numbers that the strategy takes as features beside the graph.
    fn features(&self) -> &[ColumnName] {
        &[]
    }
}
