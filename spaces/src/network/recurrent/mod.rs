//! Recurrent cells and the language models around them, as values.

mod cell;
mod model;

pub use cell::{RecurrentCell, RecurrentNode, RecurrentOp, Source};
pub use model::{LanguageModel, ModelRow};

use crate::error::SpaceError;
use crate::graph::Architecture;

/// The recurrent cells of a search space, from which language models are counted and trained.
///
/// A space of recurrent cells implements this trait and returns itself from
/// [`SearchSpace::recurrent`](crate::space::SearchSpace::recurrent).
pub trait SpaceRecurrent {
    /// The cell of an architecture.
    ///
    /// # Errors
    /// [`SpaceError::Cell`] if `architecture` is not of this space.
    fn cell(&self, architecture: &Architecture) -> Result<RecurrentCell, SpaceError>;
}
