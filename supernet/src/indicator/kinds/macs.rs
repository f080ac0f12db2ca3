//! Multiply-adds of the discrete network.

use super::prelude::*;

/// Multiply-adds of the discrete network.
pub(in crate::indicator) const ENTRY: IndicatorEntry =
    entry!("macs", "Multiply-adds of the discrete network", score);

#[cfg(feature = "torch")]
fn score(probe: &Probe, architecture: &Architecture) -> Result<f64, StudyError> {
    Ok(probe.discrete(architecture)?.macs() as f64)
}
