//! Indicators: what an architecture promises, without training it.
//!
//! [`Indicator`] names them; `Probe` measures them, most of them along an architecture's path
//! through a supernet. Those of BN-NAS and BNNAS++ read a supernet of which BatchNorm alone was
//! trained. The formulas of BNNAS++ (IEEE Access 2022; arXiv 2112.00265) are not public:
//! expressivity, trainability and uncertainty, and how they are combined, are **our definitions**
//! of the three terms that its abstract names.
//!
//! Every indicator is turned so that higher is better.

#[cfg(feature = "torch")]
mod active;
#[cfg(feature = "torch")]
mod kernel;
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

use serde::{Deserialize, Serialize};

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

/// What can be measured of an architecture without training it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Indicator {
    /// Sum over operations of the mean |γ| of their last BatchNorm (BN-NAS, Chen et al. 2021).
    BnGamma,
    /// Sum over nodes of the entropy of unit activity, in bits (our definition).
    Expressivity,
    /// Minus the logarithm of the condition number of the tangent kernel of the trainable
    /// BatchNorm (our definition).
    Trainability,
    /// Minus the predictive entropy under Monte-Carlo BatchNorm, in nats (our definition).
    Uncertainty,
    /// The mean rank of expressivity, trainability and uncertainty (our definition).
    #[default]
    Composite,
    /// Multiply-adds of the discrete network.
    Macs,
    /// Parameters of the discrete network.
    Params,
    /// Logarithm of the synaptic flow (Tanaka et al. 2020; Abdelfattah et al. 2021).
    Synflow,
    /// Logarithm of the determinant of the agreement of activation patterns (Mellor et al. 2021).
    Naswot,
    /// Distinct activation patterns, as TE-NAS counts linear regions (Chen et al. 2021).
    LinearRegions,
    /// Minus the logarithm of the condition number of the tangent kernel of all weights (TE-NAS).
    Ntk,
}

impl Indicator {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::BnGamma,
        Self::Expressivity,
        Self::Trainability,
        Self::Uncertainty,
        Self::Composite,
        Self::Macs,
        Self::Params,
        Self::Synflow,
        Self::Naswot,
        Self::LinearRegions,
        Self::Ntk,
    ];

    /// The terms of [`Indicator::Composite`], the cheapest first.
    pub const TERMS: [Self; 3] = [Self::Expressivity, Self::Trainability, Self::Uncertainty];

    /// Name in configurations and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::BnGamma => "bn-gamma",
            Self::Expressivity => "expressivity",
            Self::Trainability => "trainability",
            Self::Uncertainty => "uncertainty",
            Self::Composite => "composite",
            Self::Macs => "macs",
            Self::Params => "params",
            Self::Synflow => "synflow",
            Self::Naswot => "naswot",
            Self::LinearRegions => "linear-regions",
            Self::Ntk => "ntk",
        }
    }

    /// Whether it reads a supernet whose BatchNorm was trained.
    pub fn reads_training(self) -> bool {
        matches!(
            self,
            Self::BnGamma | Self::Expressivity | Self::Trainability | Self::Uncertainty | Self::Composite
        )
    }
}
