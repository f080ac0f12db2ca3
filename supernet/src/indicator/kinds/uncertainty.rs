//! Minus the predictive entropy under Monte-Carlo BatchNorm, in nats (our definition).

use super::prelude::*;
#[cfg(feature = "torch")]
use crate::indicator::uncertainty;

/// Minus the predictive entropy under Monte-Carlo BatchNorm, in nats (our definition).
pub(in crate::indicator) const ENTRY: IndicatorEntry = IndicatorEntry {
    reads_training: true,
    ..entry!(
        "uncertainty",
        "Minus the predictive entropy under Monte-Carlo BatchNorm, in nats (our definition)",
        score
    )
};

#[cfg(feature = "torch")]
fn score(probe: &Probe, architecture: &Architecture) -> Result<f64, StudyError> {
    let path = probe.trained_path(architecture)?;
    Ok(-uncertainty(probe.net(), &path, probe.images(), probe.batches())?.total)
}
