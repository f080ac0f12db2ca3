//! Networks as PyTorch source.
//!
//! [`source`] writes one Python file that reads like written by hand: a function for each operation, a class for each kind
//! of cell, a class for the network, and a `__main__` that classifies images. It needs PyTorch and safetensors only, and
//! Pillow to read images. Its `state_dict` has the names of [`Deployed::tensors`], so that
//! `load_state_dict(..., strict=True)` takes the weights of a model folder.
//!
//! Numbers in which the uses of an operation or of a cell differ are parameters of its function or class.

mod blocks;
mod cells;
mod code;
mod layers;
mod network;
mod parts;
mod symbols;
#[cfg(test)]
mod tests;

use crate::Deployed;
use crate::error::Result;
use crate::folder::Input;

/// What a source says of its network beside its layers.
#[derive(Clone, Debug)]
pub struct About<'a> {
    /// Lines of the docstring at the top, after the first.
    pub lines: Vec<String>,
    /// Names of the space's cells ([`SearchSpace::cell_names`](bonas_spaces::SearchSpace::cell_names)).
    pub cells: &'a [&'a str],
    /// Name of each class.
    pub classes: &'a [String],
    /// Images that it reads.
    pub input: &'a Input,
}

/// The source of a network: the text of `model.py`.
///
/// # Errors
/// [`DeployError::Space`](crate::DeployError::Space) for shapes that do not fit,
/// [`DeployError::Network`](crate::DeployError::Network) for a cell whose nodes are not in the order of computation.
pub fn source(network: &Deployed, about: &About<'_>) -> Result<String> {
    let drawn = network::Drawn::new(network, about)?;
    let mut text = parts::head(about);
    for helper in &drawn.helpers {
        text += parts::helper(*helper);
    }
    text += &drawn.blocks.source();
    text += &drawn.cells.source();
    text += &drawn.source();
    text += &parts::images(about.input);
    text += parts::MAIN;
    Ok(text)
}
