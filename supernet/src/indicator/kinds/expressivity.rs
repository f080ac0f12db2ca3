//! Sum over nodes of the entropy of unit activity, in bits (our definition).

use super::prelude::*;

/// Sum over nodes of the entropy of unit activity, in bits (our definition).
pub(in crate::indicator) const ENTRY: IndicatorEntry = IndicatorEntry {
    reads_training: true,
    ..entry!(
        "expressivity",
        "Sum over nodes of the entropy of unit activity, in bits (our definition)",
        score
    )
};

#[cfg(feature = "torch")]
fn score(probe: &Probe, architecture: &Architecture) -> Result<f64, StudyError> {
    Ok(probe.values().expressivity(&probe.trained_path(architecture)?))
}
