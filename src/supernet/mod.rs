//! Networks in tensors: built from their description, trained, saved.
//!
//! [`bonas_spaces::network::Network`] -> [`Supernet::build`] -> [`Supernet::path`] of a route ->
//! [`Supernet::forward`] -> [`Sgd::step`]. One network serves a single architecture, the union of
//! several, and each path through it.
//!
//! Invariant: nothing here draws from libtorch's random generator, reads the environment or
//! chooses a device; generators, devices and paths are passed.

mod cell;
mod checkpoint;
mod error;
mod layers;
mod loss;
mod net;
mod optim;
mod params;
mod pass;
mod schedule;
mod statistics;
#[cfg(test)]
mod tests;

pub use checkpoint::{Progress, load, load_weights, save, save_weights};
pub use error::{Result, SupernetError};
pub use layers::Norm;
pub use loss::{Loss, accuracy};
pub use net::{Output, Path, Placement, Supernet};
pub use optim::{Gradients, Sgd, SgdSettings};
pub use params::{Param, ParamId, Params};
pub use pass::{DropPath, Mixture, Mode, Pass};
pub use schedule::Schedule;
pub use statistics::Statistics;
