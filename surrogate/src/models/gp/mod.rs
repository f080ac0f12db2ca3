//! Gaussian processes whose kernel is a sum of stationary kernels over blocks of features.
//!
//! `k(x, x') = Σ_m a_m² κ(‖Λ_m (x - x')‖²) + σ² [x = x']`, where block `m` has some of the columns,
//! `Λ_m` a scale for each of them, and `κ` is a [`Kernel`]; or a block is linear, `a_m² x·x'`. `objective` has the
//! marginal likelihood and its gradient, `seen` the covariance of the observations, `process` the posterior, `linalg` the factorisation.
//!
//! Letters: n observations, m candidates, d columns.
//!
//! Rasmussen and Williams: Gaussian processes for machine learning, 2006, chapters 2 and 5.

mod kernel;
mod objective;
mod process;
mod seen;

pub use kernel::Kernel;
pub use objective::Prior;
pub(crate) use objective::{Block, Fit, Shape, Traits, fit};
pub(crate) use process::{CHUNK, Process, Scratch};
pub(crate) use seen::{Covariance, Seen, Term, fit_to};
