//! Layers as PyTorch chains them.

use bonas_spaces::network::Layer;

/// One module of an `nn.Sequential`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// A layer.
    Layer {
        /// Its position among the layers, which is smaller than that of the step after a [`Step::Flatten`].
        index: usize,
        /// The layer.
        layer: &'a Layer,
        /// Whether it reads `[B, C]` in place of `[B, C, H, W]`.
        flat: bool,
    },
    /// `[B, C, H, W]` to `[B, C·H·W]`, before the first linear layer.
    Flatten,
}

/// The modules for some layers: one each, and what flattens a map before a linear layer.
pub fn steps(layers: &[Layer]) -> Vec<Step<'_>> {
    let (mut steps, mut flat) = (Vec::with_capacity(layers.len() + 1), false);
    for (index, layer) in layers.iter().enumerate() {
        if matches!(layer, Layer::Linear { .. }) && !flat {
            steps.push(Step::Flatten);
            flat = true;
        }
        steps.push(Step::Layer { index, layer, flat });
    }
    steps
}
