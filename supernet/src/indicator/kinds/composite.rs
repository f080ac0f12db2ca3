//! The rank sum of BNNAS++ as defined here: it ranks an architecture among others.

use super::prelude::*;

/// Mean rank of expressivity, trainability and uncertainty (our definition).
pub(in crate::indicator) const ENTRY: IndicatorEntry = IndicatorEntry {
    reads_training: true,
    ..entry!("composite", "Mean rank of expressivity, trainability and uncertainty (our definition)", score)
};

/// It has no value for a single architecture.
#[cfg(feature = "torch")]
fn score(_: &Probe, _: &Architecture) -> Result<f64, StudyError> {
    let reason = "the composite ranks architectures among others; it has no value for a single one";
    Err(StudyError::Evaluator(reason.into()))
}
