//! Indicators: estimates of an architecture's quality without training it.
//!
//! Use them to rank architectures cheaply, as an evaluator or as prior knowledge. [`INDICATORS`] lists them and `Probe`
//! measures them, most of them along an architecture's path through a supernet. Higher is better for every indicator.
//!
//! The indicators of BN-NAS and BNNAS++ read a supernet of which only BatchNorm was trained. The formulas of BNNAS++ (IEEE
//! Access 2022; arXiv 2112.00265) are not public: expressivity, trainability and uncertainty, and how they are combined, are
//! **our definitions** of the three terms that its abstract names.

#[cfg(feature = "torch")]
mod active;
mod entry;
#[cfg(feature = "torch")]
mod kernel;
mod kinds;
#[cfg(feature = "torch")]
mod norms;
#[cfg(feature = "torch")]
mod probe;
mod ranks;
#[cfg(feature = "torch")]
mod synflow;
#[cfg(feature = "torch")]
mod uncertainty;

#[cfg(test)]
#[cfg(feature = "torch")]
mod tests;

use std::cmp::Ordering;
use std::fmt;

use bonas_study::settings::entry_named;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use entry::IndicatorEntry;
#[cfg(feature = "torch")]
pub use entry::Score;
pub use kinds::INDICATORS;

#[cfg(feature = "torch")]
pub use active::{linear_regions, naswot};
#[cfg(feature = "torch")]
pub use kernel::{
    bn_kernel, condition_number, log_condition, regularised_condition, weight_kernel, worst_log_condition,
};
#[cfg(feature = "torch")]
pub use norms::{NormValues, activity_entropy};
#[cfg(feature = "torch")]
pub use probe::{Probe, ProbeSettings, Subject};
pub use ranks::{Reference, rank_sums};
#[cfg(feature = "torch")]
pub use synflow::{make_absolute, synflow};
#[cfg(feature = "torch")]
pub use uncertainty::{Uncertainty, uncertainty};

/// The name of an indicator in [`INDICATORS`]; the default is the composite.
#[derive(Clone, Copy)]
pub struct Indicator(&'static IndicatorEntry);

impl Indicator {
    /// Sum over operations of the mean |γ| of their last BatchNorm (BN-NAS, Chen et al. 2021).
    pub const BN_GAMMA: Self = Self(&kinds::BN_GAMMA);
    /// Sum over nodes of the entropy of unit activity, in bits (our definition).
    pub const EXPRESSIVITY: Self = Self(&kinds::EXPRESSIVITY);
    /// Minus the log condition number of the tangent kernel of the trainable BatchNorm (our definition).
    pub const TRAINABILITY: Self = Self(&kinds::TRAINABILITY);
    /// Minus the predictive entropy under Monte-Carlo BatchNorm, in nats (our definition).
    pub const UNCERTAINTY: Self = Self(&kinds::UNCERTAINTY);
    /// Mean rank of expressivity, trainability and uncertainty (our definition).
    pub const COMPOSITE: Self = Self(&kinds::COMPOSITE);
    /// Multiply-adds of the discrete network.
    pub const MACS: Self = Self(&kinds::MACS);
    /// Parameters of the discrete network.
    pub const PARAMS: Self = Self(&kinds::PARAMS);
    /// Logarithm of the synaptic flow (Tanaka et al. 2020; Abdelfattah et al. 2021).
    pub const SYNFLOW: Self = Self(&kinds::SYNFLOW);
    /// Log determinant of the agreement of activation patterns (Mellor et al. 2021).
    pub const NASWOT: Self = Self(&kinds::NASWOT);
    /// Distinct activation patterns, as TE-NAS counts linear regions (Chen et al. 2021).
    pub const LINEAR_REGIONS: Self = Self(&kinds::LINEAR_REGIONS);
    /// Minus the log condition number of the tangent kernel of all weights (TE-NAS).
    pub const NTK: Self = Self(&kinds::NTK);

    /// The terms of the composite, the cheapest first.
    pub const TERMS: [Self; 3] = [Self::EXPRESSIVITY, Self::TRAINABILITY, Self::UNCERTAINTY];

    /// All of them, in the order of the catalogue.
    pub fn all() -> impl Iterator<Item = Self> + Clone {
        INDICATORS.iter().map(Self)
    }

    /// The indicator with a name.
    ///
    /// # Errors
    /// A text with all names, and the nearest.
    pub fn named(name: &str) -> Result<Self, String> {
        entry_named(&INDICATORS, name).map(Self)
    }

    /// Name in configurations and reports.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// Whether it reads a supernet whose BatchNorm was trained.
    pub fn reads_training(self) -> bool {
        self.0.reads_training
    }

    /// Its entry in the catalogue.
    pub fn entry(self) -> &'static IndicatorEntry {
        self.0
    }

    fn position(self) -> Option<usize> {
        INDICATORS.iter().position(|entry| entry.name == self.name())
    }
}

impl Default for Indicator {
    fn default() -> Self {
        Self::COMPOSITE
    }
}

impl fmt::Debug for Indicator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl PartialEq for Indicator {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Indicator {}

impl PartialOrd for Indicator {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// In the order of the catalogue.
impl Ord for Indicator {
    fn cmp(&self, other: &Self) -> Ordering {
        self.position().cmp(&other.position()).then(self.name().cmp(other.name()))
    }
}

impl Serialize for Indicator {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Indicator {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::named(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}
