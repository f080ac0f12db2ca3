//! Pictures of cells: a layered drawing in SVG, and one in characters for terminals.
//!
//! Invariant: a drawing is a function of the cell alone; nothing here fails or draws at random.

mod diagram;
mod layers;
mod svg;
mod text;

pub use svg::{cell_svg, escape};
pub use text::{cell_text, cell_title, cells_text};
