//! The tensors of a deployed network: their names in PyTorch and in a supernet.

use bonas_spaces::network::{Conv, Layer};

use super::{Body, Part, Step, steps};

/// How a tensor is filled before training, as PyTorch does it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fill {
    /// Uniform in ±this: 1/√fan-in, for convolutions and linear layers (Kaiming-uniform with a = √5; He et al. 2015).
    Uniform(f64),
    /// All the same.
    Constant(f32),
}

/// A parameter or a running statistic.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Its name in PyTorch: the key of a `state_dict`.
    pub name: String,
    /// Its name in the network that is trained (`Supernet` of bonas-supernet).
    pub place: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Whether it is trained; running statistics are not.
    pub trainable: bool,
    /// What it is before training.
    pub fill: Fill,
}

/// The tensors of all parts.
pub(super) fn of(parts: &[Part]) -> Vec<Tensor> {
    let mut all = Vec::new();
    for part in parts {
        match &part.body {
            Body::Layers { layers, place, .. } => of_layers(layers, &part.name, place, &mut all),
            Body::Cell(cell) => {
                for input in &cell.inputs {
                    of_layers(
                        &input.layers,
                        &format!("{}.{}", part.name, input.name),
                        &input.place,
                        &mut all,
                    );
                }
                for op in cell.ops() {
                    of_layers(&op.layers, &format!("{}.{}", part.name, op.name), &op.place, &mut all);
                }
            }
            Body::Image | Body::Join(_) | Body::Zeros => {}
        }
    }
    all
}

/// Adds the tensors of an `nn.Sequential`.
fn of_layers(layers: &[Layer], name: &str, place: &str, all: &mut Vec<Tensor>) {
    for (position, step) in steps(layers).into_iter().enumerate() {
        if let Step::Layer { index, layer, .. } = step {
            of_layer(layer, &format!("{name}.{position}"), &format!("{place}.{index}"), all);
        }
    }
}

fn of_layer(layer: &Layer, name: &str, place: &str, all: &mut Vec<Tensor>) {
    let mut add = |part: &str, shape: &[usize], trainable, fill| {
        let (name, place) = (format!("{name}.{part}"), format!("{place}.{part}"));
        all.push(Tensor { name, place, shape: shape.to_vec(), trainable, fill });
    };
    match layer {
        Layer::Conv(Conv { input, output, kernel, groups, .. }) => {
            let shape = [*output, input / groups, *kernel, *kernel];
            add("weight", &shape, true, kaiming(shape[1..].iter().product()));
        }
        Layer::BatchNorm { channels, affine } => {
            if *affine {
                add("weight", &[*channels], true, Fill::Constant(1.0));
                add("bias", &[*channels], true, Fill::Constant(0.0));
            }
            add("running_mean", &[*channels], false, Fill::Constant(0.0));
            add("running_var", &[*channels], false, Fill::Constant(1.0));
        }
        Layer::Linear { input, output } => {
            add("weight", &[*output, *input], true, kaiming(*input));
            add("bias", &[*output], true, kaiming(*input));
        }
        Layer::SqueezeExcite { channels, squeeze, .. } => {
            for (layer, input, output) in [("narrow", channels, squeeze), ("wide", squeeze, channels)] {
                add(&format!("{layer}.weight"), &[*output, *input], true, kaiming(*input));
                add(&format!("{layer}.bias"), &[*output], true, kaiming(*input));
            }
        }
        Layer::Branches { arms, .. } => {
            for (i, arm) in arms.iter().enumerate() {
                of_layers(arm, &format!("{name}.{i}"), &format!("{place}.{i}"), all);
            }
        }
        Layer::Relu
        | Layer::Relu6
        | Layer::Silu
        | Layer::HardSwish
        | Layer::Resize { .. }
        | Layer::Pad { .. }
        | Layer::Absent
        | Layer::Part { .. }
        | Layer::MaxPool { .. }
        | Layer::AvgPool { .. }
        | Layer::Shift
        | Layer::Truncate { .. }
        | Layer::GlobalAvgPool => {}
    }
}

fn kaiming(fan_in: usize) -> Fill {
    Fill::Uniform(1.0 / (fan_in.max(1) as f64).sqrt())
}
