//! What configurations and commands can name: the search spaces, and the means to list parts of any
//! other kind.
//!
//! [`SPACES`] has one line a space; the entry itself stands in the space's own file. Whatever lists
//! spaces (the command line, error messages, contract tests) reads it. [`Catalogue`] is the same for
//! other kinds of parts, and [`UnknownName`] the error for a name that is not known.
//!
//! ```
//! use bonas_spaces::catalogue::SPACES;
//!
//! let space = SPACES.get("nasbench201")?.space();
//! assert_eq!(space.size().to_string(), "6466 unique");
//! # Ok::<(), bonas_spaces::catalogue::UnknownName>(())
//! ```

use crate::families::{darts, mnasnet, mobilenet, nasbench_macro, nasbench101, nasbench201, transnas};
pub use crate::lookup::{Catalogue, Entry, UnknownName, nearest, unknown};
use crate::space::{SearchSpace, SpaceEntry};

/// The search spaces, one line each.
pub static SPACES: Catalogue<SpaceEntry> = Catalogue::new(
    "space",
    &[
        &darts::DARTS,
        &darts::BCNN,
        &nasbench201::ENTRY,
        &nasbench101::ENTRY,
        &nasbench101::PART_1,
        &nasbench101::PART_2,
        &nasbench101::PART_3,
        &nasbench_macro::ENTRY,
        &mnasnet::ENTRY,
        &mobilenet::ENTRY,
        &mobilenet::FIXED_DEPTH,
        &transnas::MICRO,
        &transnas::MACRO,
    ],
);

/// The names of the spaces for which `holds` is true: what an error message proposes instead.
///
/// ```
/// use bonas_spaces::catalogue::spaces_with;
///
/// assert!(spaces_with(|space| space.network().is_none()).contains(&"macro"));
/// ```
pub fn spaces_with(holds: impl Fn(&dyn SearchSpace) -> bool) -> Vec<&'static str> {
    SPACES.iter().filter(|entry| holds(&*entry.space())).map(|entry| entry.name).collect()
}
