//! Neural architecture search spaces as labelled directed acyclic graphs.
//!
//! A [`Cell`] is a petgraph DAG whose nodes and edges both carry an operation label, so that
//! spaces with operations on nodes (NAS-Bench-101) and on edges (NAS-Bench-201, DARTS) share one
//! type. An [`Architecture`] is one or more cells with an isomorphism-invariant [`Key`]. A
//! [`SearchSpace`] owns its operations and knows how to draw, change, check, print and parse its
//! architectures; nothing here, or in any crate above, branches on a space's name.
//!
//! Invariant: this crate is pure Rust. It reads no environment, opens no file, and knows no
//! tensor library.

mod architecture;
pub mod canonical;
pub mod catalogue;
mod cell;
mod chain;
pub mod darts;
mod draw;
pub mod encoding;
mod error;
mod key;
mod lookup;
pub mod mnasnet;
pub mod mobilenet;
pub mod nasbench101;
pub mod nasbench201;
pub mod nasbench_macro;
pub mod network;
mod op_graph;
mod space;
pub mod testing;
pub mod transnas;
mod vocabulary;

pub use architecture::Architecture;
pub use cell::{Cell, CellGraph};
pub use error::SpaceError;
pub use key::Key;
pub use op_graph::{OpGraph, Simplify};
pub use space::{Choices, SearchSpace, SpaceEntry, SpaceSize};
pub use vocabulary::{OpId, Role, Vocabulary};
