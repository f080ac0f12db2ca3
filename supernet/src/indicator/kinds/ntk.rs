//! Minus the log condition number of the tangent kernel of all weights (TE-NAS).

use super::prelude::*;
#[cfg(feature = "torch")]
use crate::indicator::{condition_number, weight_kernel};

/// Minus the log condition number of the tangent kernel of all weights (TE-NAS).
pub(in crate::indicator) const ENTRY: IndicatorEntry = IndicatorEntry {
    may_be_lowest: true,
    ..entry!("ntk", "Minus the log condition number of the tangent kernel of all weights (TE-NAS)", score)
};

#[cfg(feature = "torch")]
fn score(probe: &Probe, architecture: &Architecture) -> Result<f64, StudyError> {
    let (net, path) = probe.fresh(architecture)?;
    Ok(-condition_number(&weight_kernel(net, &path, probe.images())?)?.ln())
}
