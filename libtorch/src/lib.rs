//! Fetches the libtorch that bonas is built against into a per-user cache, and says where it lies.
//!
//! `cargo xtask setup` and `bonas libtorch` are thin wrappers of this crate. [`Cache::install`] downloads a build,
//! [`Build::cargo_config`] and [`Build::shell_exports`] tell cargo and a shell about it, and [`build_script`] gives
//! the lines that a build script prints so that its own binaries and tests find libtorch at run time.
//!
//! With the feature `required`, the build of this crate fails where there is no libtorch, and says which commands
//! to run.
//!
//! ```
//! use std::ffi::OsStr;
//! use bonas_libtorch::{Cache, Variant};
//!
//! let cache = Cache::of_user(None, Some(OsStr::new("/users/ada")))?;
//! let build = cache.build(Variant::Cpu);
//! assert!(!build.is_complete());
//! assert!(build.torch().ends_with("bonas/libtorch-2.13.0-cpu/torch"));
//! # Ok::<(), bonas_libtorch::Error>(())
//! ```

pub mod build_script;
mod cache;
mod error;
mod install;
pub mod prerequisites;
mod settings;
mod unpacked;
mod variant;
mod version;

pub use cache::Cache;
pub use error::Error;
pub use unpacked::Build;
pub use variant::Variant;
pub use version::VERSION;
