//! Search spaces from a description in data.
//!
//! Use [`space`] to build a space from a [`Description`], which any format that serde reads can hold. The `bonas` command
//! reads one from a TOML file (`space = "file:my-space.toml"`). A description has operations and one of three structures:
//! cells (graphs with operations on edges or nodes), stages (a chain of blocks of variable depth), or named choices.
//! Rules leave out architectures, and a network says what the operations are in layers.
//!
//! ```
//! use bonas_spaces::declared::{Carrier, CellDescription, Description, OperationDescription, space};
//!
//! let operation = |name: &str| OperationDescription { name: name.into(), ..OperationDescription::default() };
//! let description = Description {
//!     name: "triangle".into(),
//!     operations: ["conv", "pool"].map(operation).to_vec(),
//!     cells: vec![CellDescription { nodes: 1, ..CellDescription::on(Carrier::Edges) }],
//!     rules: vec!["count(conv) >= 1".into()],
//!     ..Description::default()
//! };
//! let space = space(&description)?;
//! assert_eq!(space.size().to_string(), "7 unique");
//! assert!(space.parse("|conv~0|+|pool~0|conv~1|").is_ok());
//! # Ok::<(), bonas_spaces::declared::DescriptionError>(())
//! ```
//!
//! Errors name the key at fault by its path, for example `cells[0].sources[2]`.

mod body;
mod cells;
mod chain;
mod description;
mod error;
mod expression;
mod names;
mod network;
mod operations;
mod pruned;
mod rules;
mod space;
mod stages;

pub use description::{
    Activation, Carrier, CellDescription, CellText, ChoiceDescription, Depth, Description, LayerDescription,
    LayerOperation, NetworkDescription, OperationDescription, OperationRole, OptionValue, Output, Place,
    Sameness, Sources, StageDescription,
};
pub use error::DescriptionError;
pub use space::{DeclaredSpace, space};

#[cfg(test)]
mod tests;
