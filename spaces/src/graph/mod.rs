//! Architectures as labelled directed acyclic graphs, and what identifies and encodes them.

mod architecture;
pub mod canonical;
mod cell;
pub mod encoding;
mod key;
mod op_graph;
mod vocabulary;

pub use architecture::Architecture;
pub use cell::{Cell, CellGraph};
pub use key::Key;
pub use op_graph::{OpGraph, Simplify};
pub use vocabulary::{OpId, Role, Vocabulary};
