//! The search spaces by name, and the catalogue type for parts of any other kind.
//!
//! Use [`SPACES`] to get a space from a configuration or a command. It has one line for each space, in
//! `families/mod.rs`; the entry itself is in the space's own file. The command line, error messages and
//! contract tests read their lists from it. [`Catalogue`] does the same for strategies, surrogates and
//! other parts, and [`UnknownName`] is the error for a name that is not known.
//!
//! ```
//! use bonas_spaces::catalogue::SPACES;
//!
//! let space = SPACES.get("nasbench201")?.space();
//! assert_eq!(space.size().to_string(), "6466 unique");
//! let error = SPACES.get("nasbench202").err().map(|error| error.to_string());
//! assert!(error.is_some_and(|text| text.contains("did you mean `nasbench201`?")));
//! # Ok::<(), bonas_spaces::catalogue::UnknownName>(())
//! ```

pub use crate::families::SPACES;
pub use crate::lookup::{Catalogue, Entry, UnknownName, nearest, unknown};
use crate::space::SearchSpace;

/// The names of the spaces for which `holds` is true: what an error message proposes instead.
///
/// ```
/// use bonas_spaces::catalogue::spaces_with;
///
/// assert!(spaces_with(|space| space.choices().is_some()).contains(&"darts"));
/// ```
pub fn spaces_with(holds: impl Fn(&dyn SearchSpace) -> bool) -> Vec<&'static str> {
    SPACES.iter().filter(|entry| holds(&*entry.space())).map(|entry| entry.name).collect()
}
