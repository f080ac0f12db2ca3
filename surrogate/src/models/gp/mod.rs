//! Gaussian processes whose kernel is a sum of stationary kernels over blocks of features.
//!
//! [`GraphGp`](crate::models::GraphGp) and [`WlGp`](crate::models::WlGp) are made of it; the public types are
//! their settings.
//!
//! `k(x, x') = Σ_m a_m² κ(‖Λ_m (x - x')‖²) + σ² [x = x']`, where block `m` has some of the columns,
//! `Λ_m` a scale for each of them, and `κ` is a [`Kernel`]; or a block is linear, `a_m² x·x'`. `objective` has the
//! marginal likelihood and its gradient, `factored` the covariance of the observations, `process` the posterior.
//!
//! Letters: n observations, m candidates, d columns.
//!
//! Rasmussen and Williams: Gaussian processes for machine learning, 2006, chapters 2 and 5.
//!
//! ```
//! use bonas_surrogate::models::WlGp;
//! use bonas_surrogate::models::gp::Kernel;
//!
//! let rougher = WlGp { kernel: Kernel::Matern32, ..WlGp::default() };
//! # let _ = rougher;
//! ```

mod akin;
mod factored;
mod kernel;
mod objective;
mod outliers;
mod process;

pub(crate) use akin::share;
pub(crate) use factored::{Covariance, FactoredObservations, Term, fit_to};
pub use kernel::Kernel;
pub use objective::Prior;
pub(crate) use objective::{Block, Evidence, Fit, Shape, Traits};
pub(crate) use outliers::LeftOut;
pub(crate) use process::{CHUNK, Process, Scratch};
