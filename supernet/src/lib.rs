//! Networks that train: images, weight-sharing supernets, indicators, and the evaluators made of them.
//!
//! Use [`data`] to read images, and [`evaluator`] to measure architectures by training them. Their settings
//! ([`evaluator::SharedSettings`] and others) build evaluators; [`differentiable`] is a strategy of its own.
//!
//! ```
//! use bonas_supernet::data::{LoadOptions, load};
//!
//! let digits = load("digits", &LoadOptions::default())?;
//! assert_eq!(digits.train.len() + digits.test.len(), 1797);
//! # Ok::<(), bonas_study::StudyError>(())
//! ```
//!
//! Everything of bonas that needs libtorch lives here, but for the graph network among the surrogates. Without
//! feature `torch` only the images, the recipes and the settings are compiled, so that a program without libtorch still
//! reads and checks every configuration.
//!
//! Invariant: devices, generators and paths are passed; nothing here chooses one.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::float_cmp))]

pub mod data;
#[cfg(feature = "torch")]
pub mod device;
pub mod differentiable;
pub mod evaluator;
pub mod indicator;
#[cfg(feature = "torch")]
pub mod model;
pub mod networks;
pub mod recipe;
#[cfg(feature = "torch")]
pub mod training;
