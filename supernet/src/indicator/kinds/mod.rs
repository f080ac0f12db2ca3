//! One file an indicator: its entry in the catalogue, and how a probe measures it.

mod bn_gamma;
mod composite;
mod expressivity;
mod linear_regions;
mod macs;
mod naswot;
mod ntk;
mod params;
mod synflow;
mod trainability;
mod uncertainty;

use bonas_spaces::catalogue::Catalogue;

use super::entry::IndicatorEntry;

pub(super) use bn_gamma::ENTRY as BN_GAMMA;
pub(super) use composite::ENTRY as COMPOSITE;
pub(super) use expressivity::ENTRY as EXPRESSIVITY;
pub(super) use linear_regions::ENTRY as LINEAR_REGIONS;
pub(super) use macs::ENTRY as MACS;
pub(super) use naswot::ENTRY as NASWOT;
pub(super) use ntk::ENTRY as NTK;
pub(super) use params::ENTRY as PARAMS;
pub(super) use synflow::ENTRY as SYNFLOW;
pub(super) use trainability::ENTRY as TRAINABILITY;
pub(super) use uncertainty::ENTRY as UNCERTAINTY;

/// What the file of an indicator needs.
mod prelude {
    #[cfg(feature = "torch")]
    pub(super) use bonas_spaces::Architecture;
    #[cfg(feature = "torch")]
    pub(super) use bonas_study::StudyError;

    #[cfg(feature = "torch")]
    pub(super) use crate::indicator::Probe;
    pub(super) use crate::indicator::entry::{IndicatorEntry, entry};
}

/// The indicators, one line each.
pub static INDICATORS: Catalogue<IndicatorEntry> = Catalogue::new(
    "indicator",
    &[
        &bn_gamma::ENTRY,
        &expressivity::ENTRY,
        &trainability::ENTRY,
        &uncertainty::ENTRY,
        &composite::ENTRY,
        &macs::ENTRY,
        &params::ENTRY,
        &synflow::ENTRY,
        &naswot::ENTRY,
        &linear_regions::ENTRY,
        &ntk::ENTRY,
    ],
);
