//! The posterior mean.

use rand::Rng;

use super::{Acquisition, AcquisitionEntry};
use crate::Posterior;
use crate::entry::PartEntry;

/// The posterior mean, without exploration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mean;

impl Mean {
    /// "mean" in the catalogue.
    pub const ENTRY: AcquisitionEntry =
        PartEntry::new("mean", "Posterior mean alone: no exploration", |_| Ok(Box::new(Self)));
}

impl Acquisition for Mean {
    fn name(&self) -> &'static str {
        "mean"
    }

    fn utilities(&self, posteriors: &[Posterior], _: Option<f64>, _: &mut dyn Rng) -> Vec<f64> {
        posteriors.iter().map(Posterior::mean).collect()
    }
}
