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

pub mod catalogue;
pub mod error;
pub mod families;
pub mod graph;
mod lookup;
pub mod network;
pub mod space;
pub mod testing;

pub use error::SpaceError;
pub use families::darts::Darts;
pub use families::mnasnet::MnasNet;
pub use families::mobilenet::MobileNet;
pub use families::nasbench_macro::NasBenchMacro;
pub use families::nasbench101::{NasBench1Shot1, NasBench101};
pub use families::nasbench201::NasBench201;
pub use families::transnas::{TransNasMacro, TransNasMicro};
pub use graph::{Architecture, Cell, CellGraph, Key, OpGraph, OpId, Role, Simplify, Vocabulary};
pub use space::{Choices, SearchSpace, SpaceEntry, SpaceSize};
pub use {petgraph, rand};
