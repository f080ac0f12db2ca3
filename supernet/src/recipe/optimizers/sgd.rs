//! Stochastic gradient descent with momentum.

use super::OptimizerEntry;
#[cfg(feature = "torch")]
use crate::model::{Sgd, SgdSettings};

/// Stochastic gradient descent ([`crate::model::Sgd`]).
pub(super) const ENTRY: OptimizerEntry = OptimizerEntry {
    name: "sgd",
    about: "stochastic gradient descent with momentum, on request Nesterov's",
    reads: &["momentum", "nesterov"],
    tensors: 1,
    #[cfg(feature = "torch")]
    make: |sgd, recipe, net| {
        let (nesterov, decay_vectors) = (recipe.nesterov, recipe.decay_vectors);
        Ok(Box::new(Sgd::new(SgdSettings { nesterov, decay_vectors, ..sgd.settings() }, net)?))
    },
};
