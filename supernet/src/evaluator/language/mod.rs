//! Language models of recurrent cells: text, networks, training.
//!
//! Use [`Text`] to read words, and [`LanguageRecipe`] to say how a model is trained. `LanguageNet` is the model of one or more
//! [`RecurrentCell`](bonas_spaces::network::RecurrentCell)s, which share what stands in like [places](roles); `Training` trains
//! it and measures its loss. [`LanguageSettings`] builds the evaluator that does both.
//!
//! ```
//! use bonas_supernet::evaluator::language::Text;
//!
//! let text = Text::load("prose", 2)?;
//! assert_eq!(text.words(), 750);
//! # Ok::<(), bonas_study::StudyError>(())
//! ```
//!
//! Shape letters: `T` words of a sequence, `B` sequences, `E` width of the embedding, `H` width of the states, `V` words of the
//! vocabulary.

mod recipe;
pub mod roles;
mod settings;
mod text;

#[cfg(feature = "torch")]
mod arithmetic;
#[cfg(feature = "torch")]
mod checkpoint;
#[cfg(feature = "torch")]
mod dropout;
#[cfg(feature = "torch")]
mod evaluator;
#[cfg(feature = "torch")]
mod joint;
#[cfg(feature = "torch")]
mod layer;
#[cfg(feature = "torch")]
mod net;
#[cfg(feature = "torch")]
mod optimizer;
#[cfg(feature = "torch")]
mod state;
#[cfg(all(test, feature = "torch"))]
mod tests;
#[cfg(feature = "torch")]
mod training;

pub use recipe::{LanguageOptimizer, LanguageRecipe};
pub use settings::LanguageSettings;
pub use text::{Text, TextPart, text_within};

#[cfg(feature = "torch")]
pub use evaluator::LanguageEvaluator;
#[cfg(feature = "torch")]
pub use joint::JointLanguageEvaluator;
#[cfg(feature = "torch")]
pub use net::{CellRoute, Forward, LanguageNet};
#[cfg(feature = "torch")]
pub use state::Curve;
#[cfg(feature = "torch")]
pub use training::{Trained, Training};
