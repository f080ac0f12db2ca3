//! Minus the log condition number of the tangent kernel of the trainable BatchNorm (our definition).

use super::prelude::*;
#[cfg(feature = "torch")]
use crate::indicator::{bn_kernel, log_condition};

/// Minus the log condition number of the tangent kernel of the trainable BatchNorm (our definition).
pub(in crate::indicator) const ENTRY: IndicatorEntry = IndicatorEntry {
    reads_training: true,
    ..entry!(
        "trainability",
        "Minus the log condition number of the tangent kernel of the trainable BatchNorm (our definition)",
        score
    )
};

#[cfg(feature = "torch")]
fn score(probe: &Probe, architecture: &Architecture) -> Result<f64, StudyError> {
    let kernel = bn_kernel(probe.net(), &probe.trained_path(architecture)?, probe.images())?;
    Ok(log_condition(kernel.as_ref(), probe.images().size()[0] as usize)?)
}
