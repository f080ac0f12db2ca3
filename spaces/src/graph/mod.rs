//! Architectures as labelled directed acyclic graphs.
//!
//! Use this module to build cells, to compare architectures, and to turn them into numbers. A
//! [`Vocabulary`] names the operations; a [`Cell`] is a graph with an operation label on each node
//! and edge; an [`Architecture`] is one or more cells with the [`Key`] that identifies it. Predictors
//! read its [`OpGraph`], or the matrices and path counts of [`encoding`]. [`canonical`] says when two
//! cells are the same.
//!
//! ```
//! use std::sync::Arc;
//!
//! use bonas_spaces::graph::{Architecture, Cell, CellGraph, OpId, Role, Vocabulary};
//!
//! let vocabulary = Arc::new(Vocabulary::new(1, [("conv", Role::Compute), ("skip", Role::Identity)])?);
//! let mut graph = CellGraph::new();
//! let [input, node, output] = [OpId::input(0), OpId::PLAIN, OpId::OUTPUT].map(|op| graph.add_node(op));
//! graph.add_edge(input, node, vocabulary.id("conv")?);
//! graph.add_edge(node, output, vocabulary.id("skip")?);
//! let cell = Cell::new(graph, &vocabulary)?;
//! let architecture = Architecture::new(vocabulary, vec![cell]);
//!
//! // Input, convolution and output: the skip is contracted.
//! assert_eq!(architecture.op_graphs()[0].len(), 3);
//! # Ok::<(), bonas_spaces::SpaceError>(())
//! ```

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
