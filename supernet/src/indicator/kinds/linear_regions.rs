//! Distinct activation patterns, as TE-NAS counts linear regions (Chen et al. 2021).

use super::prelude::*;
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
