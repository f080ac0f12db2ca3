//! TransNAS-Bench-101 (Duan et al., CVPR 2021): its two spaces, 7,352 architectures together.

mod cells;
mod modules;

pub use cells::{MICRO, TransNasMicro};
pub use modules::{MACRO, TransNasMacro};
