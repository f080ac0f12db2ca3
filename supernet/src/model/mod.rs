//! Networks in tensors: built from their description, trained, saved.
//!
//! Use it to train a network of a space directly. [`bonas_spaces::network::Network`] -> [`Supernet::build`] ->
//! [`Supernet::path`] of a route -> [`Supernet::forward`] -> [`Sgd::step`]. One network serves a single architecture, the
//! union of several, and each path through it.
//!
//! ```
//! use bonas_spaces::families::darts::{DARTS_V2, Darts, DartsSkeleton};
//! use bonas_spaces::network::{OpTable, Shape, Skeleton, Union};
//! use bonas_study::rng::stream;
//! use bonas_supernet::model::{Loss, Pass, Placement, Sgd, SgdSettings, Supernet};
//! use tch::{Device, Kind, Tensor};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let union = Union::of(&[Darts::new().architecture(&DARTS_V2)?])?;
//! let skeleton = DartsSkeleton { channels: 4, layers: 3, image: Shape::square(1, 8), ..DartsSkeleton::cifar() };
//! let network = skeleton.network(&union, &OpTable::darts())?;
//! let net = Supernet::build(&network, Placement::on(Device::Cpu), &mut stream(1, &[]))?;
//! let path = net.path(&union.full_route())?;
//! let mut sgd = Sgd::new(SgdSettings::default(), &net)?;
//!
//! let images = Tensor::ones([2, 1, 8, 8], (Kind::Float, Device::Cpu)); // [B, C, H, W]
//! let labels = Tensor::from_slice(&[3_i64, 7]); // [B]
//! let output = net.forward(&images, &path, &mut Pass::train())?;
//! let loss = Loss::default().of(&output, &labels)?; // []
//! let gradient_norm = sgd.step(&net, path.params(), &loss, 0.025)?; // []
//! # Ok(())
//! # }
//! ```
//!
//! Invariant: nothing here draws from libtorch's random generator, reads the environment or
//! chooses a device; generators, devices and paths are passed.

mod assign;
mod builder;
mod cell;
mod checkpoint;
mod classifier;
mod drops;
mod error;
mod join;
mod layers;
mod loss;
mod net;
mod operation;
mod optim;
mod params;
mod part;
mod pass;
mod probe;
mod statistics;
#[cfg(test)]
mod tests;
mod trainable;
mod transfer;
mod unit;
mod value;
mod weights;

pub use assign::Values;
pub use builder::Norm;
pub use checkpoint::{Progress, load, load_older, load_weights, save, save_weights};
pub(crate) use checkpoint::{fill_tensors, read_tensors, write_tensors};
pub use classifier::Classifier;
pub use error::{Result, SupernetError};
pub use loss::{Loss, accuracy};
pub use net::{Output, Path, Placement, Supernet};
pub use operation::{Affine, Operation, OperationNorm};
pub(crate) use optim::{Decay, Run};
pub use optim::{Gradients, Optimizer, Sgd, SgdSettings};
pub(crate) use params::{Fill, ParamsBuilder};
pub use params::{Param, ParamId, Params};
pub use pass::{DropPath, Mixture, Mode, Pass};
pub use probe::{Agreement, ImageAffine};
pub use statistics::Statistics;
pub use trainable::Trainable;
