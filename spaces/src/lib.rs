//! Neural-architecture-search spaces: architectures as labelled graphs, and as networks.
//!
//! A [`SearchSpace`] draws, changes, checks, prints and parses architectures. An [`Architecture`]
//! has one or more [`Cell`]s, which are directed acyclic graphs with an operation on each node or
//! edge, and a [`Key`] that isomorphic architectures share. A space that brings its
//! [network](SearchSpace::network) also says what each operation is in layers, so that parameters
//! and multiply-adds can be counted and supernets built. No tensor library is needed for any of it.
//!
//! ```
//! use bonas_spaces::catalogue::SPACES;
//! use bonas_spaces::network::Union;
//! use bonas_spaces::rand::SeedableRng;
//! use rand_chacha::ChaCha8Rng;
//!
//! let space = SPACES.get("nasbench201")?.space();
//! let cell = space.parse("|nor_conv_3x3~0|+|none~0|skip_connect~1|+|nor_conv_1x1~0|none~1|none~2|")?;
//! let mutant = space.mutate(&cell, &mut ChaCha8Rng::seed_from_u64(1))?;
//! assert_ne!(cell.key(), mutant.key());
//!
//! let networks = space.require_network()?;
//! let skeleton = networks.skeleton().published();
//! let network = skeleton.network(&Union::of(&[cell])?, &networks.ops())?;
//! assert_eq!(network.params(), 344_346);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Modules
//!
//! - [`catalogue`]: the published spaces by name. Start here to use one.
//! - [`declared`]: spaces from a description in data, such as a file.
//! - [`families`]: the published spaces themselves, with their notations and skeletons.
//! - [`space`]: the [`SearchSpace`] trait. Start here to write a space of your own.
//! - [`graph`]: cells, keys, and the graphs and matrices that predictors read.
//! - [`network`]: layers, skeletons, and finished networks with their counts.
//! - [`notation`]: the ways to write an architecture, other people's among them.
//! - [`testing`]: the contract that every space keeps, as a test to run on your own.
//!
//! The types of [`petgraph`] and [`rand`] stand in the signatures of this crate, which re-exports
//! both.
//!
//! # Invariants
//!
//! This crate is pure Rust: it reads no environment and opens no file. Nothing here, or in any crate
//! above, branches on the name of a space.

pub mod catalogue;
pub mod declared;
pub mod error;
pub mod families;
pub mod graph;
mod lookup;
pub mod network;
pub mod notation;
pub mod space;
pub mod testing;

pub use error::{Exclusion, SpaceError};
pub use families::darts::Darts;
pub use families::mnasnet::MnasNet;
pub use families::mobilenet::MobileNet;
pub use families::nasbench_macro::NasBenchMacro;
pub use families::nasbench_nlp::NasBenchNlp;
pub use families::nasbench101::{NasBench1Shot1, NasBench101};
pub use families::nasbench201::NasBench201;
pub use families::nats_size::NatsSize;
pub use families::once_for_all::OnceForAll;
pub use families::transnas::{TransNasMacro, TransNasMicro};
pub use graph::{Architecture, Cell, CellGraph, Key, OpGraph, OpId, Role, Simplify, Vocabulary};
pub use notation::Notation;
pub use space::{Choices, Restricted, SearchSpace, SpaceEntry, SpaceSize};
pub use {petgraph, rand};
