//! Log determinant of the agreement of activation patterns (Mellor et al. 2021).

use super::prelude::*;
#[cfg(feature = "torch")]
use crate::indicator::naswot;

/// Log determinant of the agreement of activation patterns (Mellor et al. 2021).
pub(in crate::indicator) const ENTRY: IndicatorEntry = IndicatorEntry {
    may_be_lowest: true,
    ..entry!("naswot", "Log determinant of the agreement of activation patterns (Mellor et al. 2021)", score)
};

#[cfg(feature = "torch")]
fn score(probe: &Probe, architecture: &Architecture) -> Result<f64, StudyError> {
    Ok(naswot(&probe.agreement(architecture)?)?.unwrap_or(f64::NAN))
}
