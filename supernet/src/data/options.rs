//! How images are read.

use bonas_study::StudyError;
use serde::{Deserialize, Serialize};

/// How images are read. All but `shrink` and `unpacked` are about folders.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LoadOptions {
    /// Side of the square that images of a folder are scaled to, in pixels; 4 to 1024.
    pub image_size: usize,
    /// Share of `folder/<class>/*` that becomes the test part, class by class; inside `(0, 1)`.
    pub test_fraction: f64,
    /// Seed of that split.
    pub split_seed: u64,
    /// Both sides are divided by this, each pixel the mean of a square; 1: images as they are.
    pub shrink: usize,
    /// Most bytes that a gzip file is unpacked to.
    pub unpacked: u64,
}

/// Most bytes that a gzip file is unpacked to where nothing else is said: 2 GiB.
const UNPACKED: u64 = 2 << 30;

impl Default for LoadOptions {
    /// 32 pixels; one fifth for testing; seed 0; nothing shrunk; 2 GiB unpacked.
    fn default() -> Self {
        Self { image_size: 32, test_fraction: 0.2, split_seed: 0, shrink: 1, unpacked: UNPACKED }
    }
}

impl LoadOptions {
    pub(super) fn check(&self) -> Result<(), StudyError> {
        let (name, value, valid) = if !(4..=1024).contains(&self.image_size) {
            ("image_size", self.image_size.to_string(), "4 to 1024")
        } else if !(self.test_fraction > 0.0 && self.test_fraction < 1.0) {
            ("test_fraction", self.test_fraction.to_string(), "between 0 and 1")
        } else {
            return Ok(());
        };
        Err(StudyError::Setting { name: name.to_owned(), reason: format!("{value}; valid: {valid}") })
    }
}
