//! Parquet files, behind feature `parquet`.

#[cfg(feature = "parquet")]
mod rows;

use std::path::Path;

use crate::StudyError;

/// How Parquet files begin and end.
const MAGIC: &[u8] = b"PAR1";

/// Whether a file is a Parquet file.
pub(super) fn is_parquet(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// The text of a CSV table: the file's columns, elements of lists joined by `;`, nothing for null.
///
/// # Errors
/// [`StudyError::Data`] for a file that is damaged or cut short, or a build without the feature.
pub(super) fn csv(bytes: &[u8], path: &Path) -> Result<Vec<u8>, StudyError> {
    text(bytes).map_err(|reason| StudyError::Data { path: path.to_owned(), reason })
}

#[cfg(feature = "parquet")]
fn text(bytes: &[u8]) -> Result<Vec<u8>, String> {
    rows::csv(bytes.to_vec())
        .map_err(|error| format!("cannot be read as Parquet: {error}; fetch or write it again"))
}

#[cfg(not(feature = "parquet"))]
fn text(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let size = bytes.len();
    Err(format!(
        "is a Parquet file ({size} bytes), and this program was built without feature `parquet`; build it with \
         --features parquet, or save the table as CSV"
    ))
}

#[cfg(all(test, not(feature = "parquet")))]
mod tests {
    use super::*;

    #[test]
    fn a_build_without_the_feature_says_so() {
        assert!(is_parquet(b"PAR1...PAR1") && !is_parquet(b"arch,val"));
        let error = csv(b"PAR1", Path::new("t.parquet")).unwrap_err().to_string();
        assert!(
            error.contains("t.parquet: is a Parquet file") && error.contains("--features parquet"),
            "{error}"
        );
    }
}
