//! The tensors of a deployed network: their names in PyTorch and in a supernet.

use bonas_spaces::network::{Conv, Layer};

use super::{Body, Part, Step, steps};

/// A parameter or a running statistic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// Its name in PyTorch: the key of a `state_dict`.
    pub name: String,
    /// Its name in the network that is trained (`Supernet` of bonas-supernet).
    pub place: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Whether it is trained; running statistics are not.
    pub trainable: bool,
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
    let mut add = |part: &str, shape: &[usize], trainable| {
        let (name, place) = (format!("{name}.{part}"), format!("{place}.{part}"));
        all.push(Tensor { name, place, shape: shape.to_vec(), trainable });
    };
    match layer {
        Layer::Conv(Conv { input, output, kernel, groups, .. }) => {
            add("weight", &[*output, input / groups, *kernel, *kernel], true);
        }
        Layer::BatchNorm { channels, affine } => {
            if *affine {
                add("weight", &[*channels], true);
                add("bias", &[*channels], true);
            }
            add("running_mean", &[*channels], false);
            add("running_var", &[*channels], false);
        }
        Layer::Linear { input, output } => {
            add("weight", &[*output, *input], true);
            add("bias", &[*output], true);
        }
        Layer::SqueezeExcite { channels, squeeze, .. } => {
            add("narrow.weight", &[*squeeze, *channels], true);
            add("narrow.bias", &[*squeeze], true);
            add("wide.weight", &[*channels, *squeeze], true);
            add("wide.bias", &[*channels], true);
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
