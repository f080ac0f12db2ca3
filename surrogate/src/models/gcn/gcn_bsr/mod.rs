//! The surrogate of BONAS in the catalogue; `model` has it, and needs libtorch.

use crate::entry::PartEntry;
use crate::surrogate::SurrogateEntry;

#[cfg(feature = "torch")]
mod model;

#[cfg(feature = "torch")]
pub use model::{GcnBsr, GcnSettings};

/// "gcn-bsr" in the catalogue.
pub const GCN_BSR: SurrogateEntry = PartEntry::new(
    "gcn-bsr",
    "Graph network and Bayesian sigmoid regression, as in BONAS",
    super::build_with_torch!("gcn-bsr", GcnBsr::default()),
)
.with_torch();

/// "bonas-published" in the catalogue.
pub const BONAS_PUBLISHED: SurrogateEntry = PartEntry::new(
    "bonas-published",
    "gcn-bsr exactly as in the published code of BONAS, its approximations included",
    super::build_with_torch!("bonas-published", GcnBsr::published(tch::Kind::Float, tch::Device::Cpu)),
)
.with_torch();
