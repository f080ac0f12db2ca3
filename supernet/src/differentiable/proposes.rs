//! Which cells of a differentiable search are evaluated.

use serde::{Deserialize, Serialize};

/// The cells that a differentiable search proposes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Proposes {
    /// Those that α decodes to after each epoch, so that the evaluator chooses among them.
    #[default]
    EveryEpoch,
    /// Those after the last epoch alone, as published.
    LastEpoch,
}
