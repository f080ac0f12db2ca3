//! Evaluators without tensors: scores from a function ([`Synthetic`]), from a table ([`Table`]), and from a program of the
//! user's ([`command`]).
//!
//! Use [`Synthetic`] to wrap a measurement of your own, or for problems with a known optimum. To write an evaluator with
//! state (a trainer, a device), implement [`Evaluator`]; evaluators that train networks are in `bonas-supernet`.
//!
//! ```
//! use bonas_study::Fidelity;
//! use bonas_study::evaluator::Synthetic;
//!
//! // The score of a cell is its number of operations.
//! let size = Synthetic::new(Fidelity::Table, |cell| Ok(cell.op_graphs()[0].len() as f64));
//! # let _ = size;
//! ```

pub mod command;
mod described;
mod scoring;
mod synthetic;
mod table;
mod told;

pub use described::Described;
pub use synthetic::{Synthetic, SyntheticSettings, toy_score};
pub use table::{Mishaps, Repeats, Table};
pub use told::ToldSettings;

pub use crate::evaluate::{Evaluator, Job, Monitor};
