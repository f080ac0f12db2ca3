//! From settings of images and training to networks: what evaluators and strategies that train are built from.

mod setup;

pub use setup::{NetworkPlan, Setup, Size, without_torch};

#[cfg(feature = "torch")]
mod build;
#[cfg(feature = "torch")]
pub use build::Networks;
