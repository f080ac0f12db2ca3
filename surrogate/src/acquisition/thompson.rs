//! Thompson sampling.

use rand::Rng;

use super::{Acquisition, AcquisitionEntry};
use crate::Posterior;
use crate::entry::PartEntry;

/// One independent draw from each posterior (Thompson, 1933).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Thompson;

impl Thompson {
    /// "thompson" in the catalogue.
    pub const ENTRY: AcquisitionEntry =
        PartEntry::new("thompson", "One draw from each posterior", |_| Ok(Box::new(Self)));
}

impl Acquisition for Thompson {
    fn name(&self) -> &'static str {
        "thompson"
    }

    fn utilities(&self, posteriors: &[Posterior], _: Option<f64>, rng: &mut dyn Rng) -> Vec<f64> {
        posteriors.iter().map(|p| p.sample(rng)).collect()
    }
}
