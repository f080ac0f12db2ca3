//! The two spaces of TransNAS-Bench-101 (Duan et al., CVPR 2021), with 7,352 architectures together.
//!
//! Use [`TransNasMicro`] for its cells and [`TransNasMacro`] for its skeletons, and [`TransNasMicroSkeleton`] and
//! [`TransNasMacroSkeleton`] to change widths, images or the [`Task`].
//!
//! ```
//! use bonas_spaces::SearchSpace;
//! use bonas_spaces::families::transnas::{TransNasMacro, TransNasMicro};
//!
//! let cell = TransNasMicro::new().parse("64-41414-3_12_031")?;
//! let skeleton = TransNasMacro::new().parse("64-1234-basic")?;
//! assert_ne!(cell.key(), skeleton.key());
//! # Ok::<(), bonas_spaces::SpaceError>(())
//! ```

mod cells;
mod modules;
mod skeleton;
mod tasks;

pub use cells::{MICRO, TransNasMicro};
pub use modules::{MACRO, TransNasMacro, TransNasMacroSkeleton};
pub use skeleton::{OBJECT_CLASSIFICATION, TransNasMicroSkeleton};
pub use tasks::Task;
