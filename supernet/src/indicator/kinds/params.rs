//! Parameters of the discrete network.

#[cfg(feature = "torch")]
use bonas_spaces::Architecture;
#[cfg(feature = "torch")]
use bonas_study::StudyError;

#[cfg(feature = "torch")]
use crate::indicator::Probe;
use crate::indicator::entry::{IndicatorEntry, entry};

/// Parameters of the discrete network.
pub(in crate::indicator) const ENTRY: IndicatorEntry =
    entry!("params", "Parameters of the discrete network", score);

#[cfg(feature = "torch")]
fn score(probe: &Probe, architecture: &Architecture) -> Result<f64, StudyError> {
    Ok(probe.discrete(architecture)?.params() as f64)
}
