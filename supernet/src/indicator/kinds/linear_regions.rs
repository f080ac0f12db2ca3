//! Distinct activation patterns, as TE-NAS counts linear regions (Chen et al. 2021).

#[cfg(feature = "torch")]
use bonas_spaces::Architecture;
#[cfg(feature = "torch")]
use bonas_study::StudyError;

#[cfg(feature = "torch")]
use crate::indicator::Probe;
use crate::indicator::entry::{IndicatorEntry, entry};
#[cfg(feature = "torch")]
use crate::indicator::linear_regions;

/// Distinct activation patterns, as TE-NAS counts linear regions (Chen et al. 2021).
pub(in crate::indicator) const ENTRY: IndicatorEntry = entry!(
    "linear-regions",
    "Distinct activation patterns, as TE-NAS counts linear regions (Chen et al. 2021)",
    score
);

#[cfg(feature = "torch")]
fn score(probe: &Probe, architecture: &Architecture) -> Result<f64, StudyError> {
    Ok(linear_regions(&probe.agreement(architecture)?)?.unwrap_or(f64::NAN))
}
