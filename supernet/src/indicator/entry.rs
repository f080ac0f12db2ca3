//! What the catalogue of indicators says of one.

use bonas_spaces::catalogue::Entry;

#[cfg(feature = "torch")]
use super::Probe;

/// Measures an architecture; higher is better.
#[cfg(feature = "torch")]
pub type Score = fn(&Probe, &bonas_spaces::Architecture) -> Result<f64, bonas_study::StudyError>;

/// One indicator: how it is named and measured. [`INDICATORS`](super::INDICATORS) lists them.
#[derive(Debug)]
pub struct IndicatorEntry {
    /// The name in configurations and reports.
    pub name: &'static str,
    /// One line about it.
    pub about: &'static str,
    /// Whether it reads a supernet whose BatchNorm was trained.
    pub reads_training: bool,
    /// Whether minus infinity, the worst value there can be, is a result and no failure.
    pub may_be_lowest: bool,
    /// How it is measured.
    #[cfg(feature = "torch")]
    pub score: Score,
}

impl Entry for IndicatorEntry {
    fn name(&self) -> &str {
        self.name
    }

    fn about(&self) -> &str {
        self.about
    }
}

/// An entry with the usual answers; the function that measures is left out without libtorch.
macro_rules! entry {
    ($name:literal, $about:literal, $score:path) => {
        IndicatorEntry {
            name: $name,
            about: $about,
            reads_training: false,
            may_be_lowest: false,
            #[cfg(feature = "torch")]
            score: $score,
        }
    };
}
pub(super) use entry;
