//! Parameters of the discrete network.

use super::prelude::*;

/// Parameters of the discrete network.
pub(in crate::indicator) const ENTRY: IndicatorEntry =
    entry!("params", "Parameters of the discrete network", score);

#[cfg(feature = "torch")]
fn score(probe: &Probe, architecture: &Architecture) -> Result<f64, StudyError> {
    Ok(probe.discrete(architecture)?.params() as f64)
}
