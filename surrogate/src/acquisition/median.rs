//! The posterior median.

use rand::Rng;

use super::{Acquisition, AcquisitionEntry};
use crate::Posterior;
use crate::entry::PartEntry;

/// The posterior median: greedy. For a Gaussian it is the mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Median;

impl Median {
    /// "median" in the catalogue.
    pub const ENTRY: AcquisitionEntry =
        PartEntry::new("median", "Posterior median alone: no exploration", |_| Ok(Box::new(Self)));
}

impl Acquisition for Median {
    fn name(&self) -> &'static str {
        "median"
    }

    fn utilities(&self, posteriors: &[Posterior], _: Option<f64>, _: &mut dyn Rng) -> Vec<f64> {
        posteriors.iter().map(Posterior::median).collect()
    }
}
