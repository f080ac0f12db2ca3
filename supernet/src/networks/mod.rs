//! Networks for a set of images: what evaluators and strategies that train are built from.
//!
//! Use a `Setup` (space, images, training, workers, seed) to build evaluators, and `Networks` to write an evaluator or a
//! strategy of your own that trains: it reads the images, finds the devices, and sizes skeletons to the images.

mod setup;

pub use setup::{NetworkPlan, Setup, Size, Weights, without_torch};

#[cfg(feature = "torch")]
mod build;
#[cfg(feature = "torch")]
pub use build::Networks;
