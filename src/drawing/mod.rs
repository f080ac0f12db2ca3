//! Drawings of cells: layered SVG for pages, and text for terminals.
//!
//! Use it to show an architecture to people. A drawing is a function of the cell alone; nothing here fails or draws at
//! random.

mod diagram;
mod layers;
mod stacked;
mod svg;
mod text;

pub use stacked::architecture_svg;
pub use svg::{cell_svg, escape};
pub use text::{cell_text, cell_title, cells_text};
