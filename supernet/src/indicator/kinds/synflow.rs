//! Logarithm of the synaptic flow (Tanaka et al. 2020; Abdelfattah et al. 2021).

use super::prelude::*;
#[cfg(feature = "torch")]
use crate::indicator::synflow;

/// Logarithm of the synaptic flow (Tanaka et al. 2020; Abdelfattah et al. 2021).
pub(in crate::indicator) const ENTRY: IndicatorEntry =
    entry!("synflow", "Logarithm of the synaptic flow (Tanaka et al. 2020; Abdelfattah et al. 2021)", score);

#[cfg(feature = "torch")]
fn score(probe: &Probe, architecture: &Architecture) -> Result<f64, StudyError> {
    let (net, path) = probe.absolute(architecture)?;
    Ok(synflow(net, &path)?)
}
