//! Sum over operations of the mean |γ| of their last BatchNorm (BN-NAS, Chen et al. 2021).

use super::prelude::*;

/// Sum over operations of the mean |γ| of their last BatchNorm (BN-NAS, Chen et al. 2021).
pub(in crate::indicator) const ENTRY: IndicatorEntry = IndicatorEntry {
    reads_training: true,
    ..entry!(
        "bn-gamma",
        "Sum over operations of the mean |γ| of their last BatchNorm (BN-NAS, Chen et al. 2021)",
        score
    )
};

#[cfg(feature = "torch")]
fn score(probe: &Probe, architecture: &Architecture) -> Result<f64, StudyError> {
    Ok(probe.values().gamma(&probe.trained_path(architecture)?))
}
