//! Finished networks as files that run elsewhere.
//!
//! Use [`Deployed`] to see what of a network inference needs: auxiliary heads, operations whose result reaches no logit,
//! and what feeds only them are left out. A [`Folder`] is a trained network as two files, `model.safetensors` and
//! `model.json` ([`ModelCard`]). [`pytorch`] writes a network as Python source, [`onnx`] as a graph.
//! A network that is not trained has a card and random weights, too ([`ModelCard::untrained`], [`folder::Weights::drawn`]).
//!
//! ```
//! use bonas_deploy::Deployed;
//! use bonas_spaces::families::darts::{Darts, DartsSkeleton};
//! use bonas_spaces::network::{OpTable, Skeleton, Union};
//! use bonas_spaces::SearchSpace;
//!
//! let architecture = Darts::new().parse("DARTS_V2")?;
//! let skeleton = DartsSkeleton { auxiliary: true, ..DartsSkeleton::cifar() };
//! let network = skeleton.network(&Union::of(&[architecture])?, &OpTable::darts())?;
//! let deployed = Deployed::new(&network)?;
//! assert_eq!(deployed.params(), 3_349_342); // without the auxiliary head
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Invariant: nothing here needs libtorch, and the same network and weights give the same bytes. Feature `tract` (on by
//! default) runs ONNX files (`onnx::Session`); no file is written by it.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::float_cmp))]

pub mod error;
pub mod folder;
pub mod network;
pub mod onnx;
pub mod pytorch;

pub use error::DeployError;
pub use folder::{Folder, ModelCard};
pub use network::Deployed;
