//! All integration tests, in one binary so that they link once.
//!
//! Those that take longest and need no libtorch run once, in the build with it; all others in both.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should panic")]
#![allow(clippy::print_stdout, reason = "figures of a test, shown on request")]

mod cli;
#[cfg(target_os = "linux")]
mod command;
mod contract;
mod convergence;
mod damage;
mod declared;
mod declared_fuzz;
#[cfg(feature = "torch")]
mod deploy;
#[cfg(feature = "torch")]
mod differentiable;
mod docs;
#[cfg(feature = "torch")]
mod endings;
#[cfg(feature = "torch")]
mod evaluate;
mod explain;
#[cfg(unix)]
mod extend;
mod folders;
#[cfg(unix)]
mod images;
#[cfg(feature = "torch")]
mod imbalanced;
mod import;
#[cfg(feature = "torch")]
mod indicator;
mod latency;
mod libtorch;
#[cfg(feature = "torch")]
mod model_page;
mod notations;
mod pages;
#[cfg(target_os = "linux")]
mod poor_disk;
#[cfg(all(target_os = "linux", feature = "torch"))]
mod pretend_gpu;
mod rank;
mod recorded;
mod resume;
mod rooms;
mod runs;
mod study;
mod support;
mod tables;
#[cfg(all(unix, feature = "torch"))]
mod text;
mod tidy;
mod told;
#[cfg(feature = "torch")]
mod train;
#[cfg(feature = "torch")]
mod training;
mod transfer;
