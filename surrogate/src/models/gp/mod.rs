//! Gaussian processes whose kernel is a sum of stationary kernels over blocks of features.
//!
//! [`GraphGp`](crate::models::GraphGp) and [`WlGp`](crate::models::WlGp) are made of it; the public types are
//! their settings.
//!
//! `k(x, x') = Σ_m a_m² κ(‖Λ_m (x - x')‖²) + σ² [x = x']`, where block `m` has some of the columns,
//! `Λ_m` a scale for each of them, and `κ` is a [`Kernel`]; or a block is linear, `a_m² x·x'`, or an intercept for each group of
//! observations, `a_m² [g = g']`. `model` has blocks,
//! priors and data, `objective` the marginal likelihood and its gradient, `fit` its maximum, `outliers` the noise of
//! observations that do not fit, `factored` the covariance of the observations, `inducing` what stands for it where there are many, `subset` says
//! which observations stand for many, `process` has the posterior.
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

mod factored;
mod fit;
mod inducing;
mod kernel;
mod model;
mod objective;
mod outliers;
mod process;
mod subset;

pub(crate) use factored::{Covariance, FactoredObservations, Form, Term, fit_to};
pub(crate) use fit::Fit;
pub(crate) use inducing::EXACT;
pub use kernel::Kernel;
pub use model::Prior;
pub(crate) use model::{Block, Evidence, Shape, Traits};
pub(crate) use outliers::LeftOut;
pub(crate) use process::{Later, Process, Scratch, share};
