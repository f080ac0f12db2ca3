//! An ensemble of graph networks in the catalogue; `model` has it, and needs libtorch.

use crate::entry::PartEntry;
use crate::surrogate::SurrogateEntry;

#[cfg(feature = "torch")]
mod model;

#[cfg(feature = "torch")]
pub use model::GcnEnsemble;

/// "gcn-ensemble" in the catalogue.
pub const GCN_ENSEMBLE: SurrogateEntry = PartEntry::new(
    "gcn-ensemble",
    "Ensemble of bidirectional graph networks that read structural counts too, on normal scores",
    super::build_with_torch!("gcn-ensemble", GcnEnsemble::default()),
)
.with_torch();
