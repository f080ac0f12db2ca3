//! `report.html`: one page, nothing outside it.

use super::Summary;

/// The page of a comparison.
pub(super) fn page(_: &Summary) -> String {
    String::new()
}
