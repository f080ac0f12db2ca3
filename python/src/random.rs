//! Random generators from Python's.

use bonas::study::rng::{StudyRng, named_stream};
use pyo3::prelude::*;

/// The generator of an argument `rng`: a whole number, a generator of numpy or of `random`, or None for fresh randomness.
pub(crate) fn generator(py: Python<'_>, rng: Option<&Bound<'_, PyAny>>) -> PyResult<StudyRng> {
    let seed = py.import("bonas._random")?.call_method1("seed_of", (rng,))?;
    Ok(named_stream(seed.extract()?, "python"))
}
