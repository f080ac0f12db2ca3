//! Layers as nodes.

use std::collections::BTreeMap;

use bonas_spaces::network::{Conv, Join, Layer};

use super::BatchNorm;
use super::nodes::{Nodes, float, int, ints, text};
use crate::error::{DeployError, Result};
use crate::folder::Values;
use crate::network::{Step, steps};

/// ε of batch normalisation (PyTorch's).
const EPSILON: f32 = 1e-5;

/// A graph under construction, with the weights that it takes.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) nodes: Nodes,
    pub(super) weights: BTreeMap<String, Values>,
    pub(super) batch_norm: BatchNorm,
}

impl Writer {
    /// Writes layers one after the other; `name` is that of their module. Returns the result.
    pub(super) fn chain(&mut self, layers: &[Layer], name: &str, input: &str) -> Result<String> {
        let steps = steps(layers);
        let (mut at, mut position) = (input.to_owned(), 0);
        while position < steps.len() {
            let own = format!("{name}.{position}");
            at = match (&steps[position], steps.get(position + 1)) {
                (
                    Step::Layer { layer: Layer::Conv(conv), .. },
                    Some(Step::Layer { layer: Layer::BatchNorm { affine, .. }, .. }),
                ) if self.batch_norm == BatchNorm::Folded => {
                    position += 1;
                    let norm = format!("{name}.{position}");
                    self.folded(conv, *affine, &own, &norm, &at)?
                }
                (Step::Flatten, _) => self.nodes.add(&path(&own), "Flatten", &[&at], vec![int("axis", 1)]),
                (Step::Layer { layer, .. }, _) => self.layer(layer, &own, &at)?,
            };
            position += 1;
        }
        Ok(at)
    }

    fn layer(&mut self, layer: &Layer, name: &str, x: &str) -> Result<String> {
        let own = path(name);
        let nodes = &mut self.nodes;
        Ok(match layer {
            Layer::Relu => nodes.add(&own, "Relu", &[x], Vec::new()),
            Layer::Relu6 => {
                let bounds = [("min", 0.0), ("max", 6.0)]
                    .map(|(bound, value)| nodes.floats(&format!("{name}.{bound}"), &[], &[value]));
                nodes.add(&own, "Clip", &[x, &bounds[0], &bounds[1]], Vec::new())
            }
            Layer::Silu => self.silu(&own, x),
            Layer::HardSwish => nodes.add(&own, "HardSwish", &[x], Vec::new()),
            Layer::SqueezeExcite { hard, .. } => return self.squeeze_excite(name, x, *hard),
            // [`Deployed::new`](crate::Deployed::new) refuses them.
            Layer::Pad { .. } | Layer::Absent | Layer::Part { .. } => {
                return Err(DeployError::Network(format!("{name} has weights of several architectures")));
            }
            Layer::Resize { height, width } => self.resize(name, x, [*height, *width]),
            Layer::Conv(conv) => {
                let weight = self.weight(&format!("{name}.weight"))?;
                self.nodes.add(&own, "Conv", &[x, &weight], convolution(conv))
            }
            Layer::BatchNorm { channels, affine } => return self.normalise(*channels, *affine, name, x),
            Layer::MaxPool { kernel, stride, padding } => {
                nodes.add(&own, "MaxPool", &[x], window(*kernel, *stride, *padding))
            }
            Layer::AvgPool { kernel, stride, padding } => {
                let attributes =
                    [window(*kernel, *stride, *padding), vec![int("count_include_pad", 0)]].concat();
                nodes.add(&own, "AveragePool", &[x], attributes)
            }
            Layer::Shift => self.slice(name, x, &[(2, 1, i64::MAX), (3, 1, i64::MAX)]),
            Layer::Truncate { channels } => self.slice(name, x, &[(1, 0, *channels as i64)]),
            Layer::Branches { join, arms } => {
                let arm = |(i, arm): (usize, &Vec<Layer>)| self.chain(arm, &format!("{name}.{i}"), x);
                let values = arms.iter().enumerate().map(arm).collect::<Result<Vec<_>>>()?;
                return self.joined(*join, &own, &values);
            }
            Layer::GlobalAvgPool => nodes.add(&own, "GlobalAveragePool", &[x], Vec::new()),
            Layer::Linear { .. } => return self.linear(name, x),
        })
    }

    /// Values joined.
    pub(super) fn joined(&mut self, join: Join, name: &str, values: &[String]) -> Result<String> {
        match join {
            Join::Sum => self.nodes.sum(name, values),
            Join::Concat => Ok(self.nodes.concat(name, values)),
        }
    }

    fn silu(&mut self, own: &str, x: &str) -> String {
        let sigmoid = self.nodes.add(&format!("{own}/sigmoid"), "Sigmoid", &[x], Vec::new());
        self.nodes.add(own, "Mul", &[x, &sigmoid], Vec::new())
    }

    /// Bilinear, as PyTorch does without aligned corners.
    fn resize(&mut self, name: &str, x: &str, sides: [usize; 2]) -> String {
        let (own, nodes) = (path(name), &mut self.nodes);
        let same = nodes.add(&format!("{own}/shape"), "Shape", &[x], vec![int("start", 0), int("end", 2)]);
        let sides = nodes.whole(&format!("{name}.sides"), &sides.map(|side| side as i64));
        let sizes = nodes.add(&format!("{own}/sizes"), "Concat", &[&same, &sides], vec![int("axis", 0)]);
        let how = vec![text("mode", "linear"), text("coordinate_transformation_mode", "half_pixel")];
        nodes.add(&own, "Resize", &[x, "", "", &sizes], how)
    }

    fn squeeze_excite(&mut self, name: &str, x: &str, hard: bool) -> Result<String> {
        let own = path(name);
        let mean = self.nodes.add(&format!("{own}/mean"), "GlobalAveragePool", &[x], Vec::new());
        let flat = self.nodes.add(&format!("{own}/flat"), "Flatten", &[&mean], vec![int("axis", 1)]);
        let narrow = self.linear(&format!("{name}.narrow"), &flat)?;
        let active = if hard {
            self.nodes.add(&format!("{own}/relu"), "Relu", &[&narrow], Vec::new())
        } else {
            self.silu(&format!("{own}/silu"), &narrow)
        };
        let wide = self.linear(&format!("{name}.wide"), &active)?;
        let factors = if hard {
            let sixth = vec![float("alpha", 1.0 / 6.0), float("beta", 0.5)];
            self.nodes.add(&format!("{own}/sigmoid"), "HardSigmoid", &[&wide], sixth)
        } else {
            self.nodes.add(&format!("{own}/sigmoid"), "Sigmoid", &[&wide], Vec::new())
        };
        // [B, C] to [B, C, 1, 1]
        let shape = self.nodes.whole(&format!("{name}.shape"), &[0, -1, 1, 1]);
        let factors = self.nodes.add(&format!("{own}/factors"), "Reshape", &[&factors, &shape], Vec::new());
        Ok(self.nodes.add(&own, "Mul", &[x, &factors], Vec::new()))
    }

    fn linear(&mut self, name: &str, x: &str) -> Result<String> {
        let weight = self.weight(&format!("{name}.weight"))?;
        let bias = self.weight(&format!("{name}.bias"))?;
        Ok(self.nodes.add(&path(name), "Gemm", &[x, &weight, &bias], vec![int("transB", 1)]))
    }

    fn normalise(&mut self, channels: usize, affine: bool, name: &str, x: &str) -> Result<String> {
        let [scale, shift, mean, variance] = self.norm(channels, affine, name)?;
        let constants =
            [("weight", scale), ("bias", shift), ("running_mean", mean), ("running_var", variance)];
        let names = constants
            .map(|(part, numbers)| self.nodes.floats(&format!("{name}.{part}"), &[channels], &numbers));
        let [scale, shift, mean, variance] = &names;
        let inputs = [x, scale, shift, mean, variance];
        Ok(self.nodes.add(&path(name), "BatchNormalization", &inputs, vec![float("epsilon", EPSILON)]))
    }

    /// A convolution and the batch normalisation after it as one convolution with bias:
    /// w' = w γ/√(σ² + ε), b' = β - μ γ/√(σ² + ε), in double precision.
    fn folded(&mut self, conv: &Conv, affine: bool, name: &str, norm: &str, x: &str) -> Result<String> {
        let [scale, shift, mean, variance] = self.norm(conv.output, affine, norm)?;
        let Values { shape, mut numbers } = self.take(&format!("{name}.weight"))?;
        let mut bias = Vec::with_capacity(conv.output);
        let each = (numbers.len() / conv.output.max(1)).max(1);
        for (channel, weights) in numbers.chunks_mut(each).enumerate() {
            let factor =
                f64::from(scale[channel]) / (f64::from(variance[channel]) + f64::from(EPSILON)).sqrt();
            for weight in weights {
                *weight = (f64::from(*weight) * factor) as f32;
            }
            bias.push((f64::from(shift[channel]) - f64::from(mean[channel]) * factor) as f32);
        }
        let weight = self.nodes.floats(&format!("{name}.weight"), &shape, &numbers);
        let bias = self.nodes.floats(&format!("{name}.bias"), &[conv.output], &bias);
        Ok(self.nodes.add(&path(name), "Conv", &[x, &weight, &bias], convolution(conv)))
    }

    /// Scale, shift, mean and variance of a batch normalisation.
    fn norm(&mut self, channels: usize, affine: bool, name: &str) -> Result<[Vec<f32>; 4]> {
        let (scale, shift) = if affine {
            (self.take(&format!("{name}.weight"))?.numbers, self.take(&format!("{name}.bias"))?.numbers)
        } else {
            (vec![1.0; channels], vec![0.0; channels])
        };
        let mean = self.take(&format!("{name}.running_mean"))?.numbers;
        let variance = self.take(&format!("{name}.running_var"))?.numbers;
        Ok([scale, shift, mean, variance])
    }

    /// Parts of a value: from `start` up to `end` along each axis.
    fn slice(&mut self, name: &str, x: &str, parts: &[(i64, i64, i64)]) -> String {
        let list = |of: fn(&(i64, i64, i64)) -> i64| parts.iter().map(of).collect::<Vec<i64>>();
        let lists = [("starts", list(|p| p.1)), ("ends", list(|p| p.2)), ("axes", list(|p| p.0))];
        let [starts, ends, axes] =
            lists.map(|(part, numbers)| self.nodes.whole(&format!("{name}.{part}"), &numbers));
        self.nodes.add(&path(name), "Slice", &[x, &starts, &ends, &axes], Vec::new())
    }

    /// Adds a weight as it is, and returns its name.
    fn weight(&mut self, name: &str) -> Result<String> {
        let Values { shape, numbers } = self.take(name)?;
        Ok(self.nodes.floats(name, &shape, &numbers))
    }

    fn take(&mut self, name: &str) -> Result<Values> {
        self.weights.remove(name).ok_or_else(|| DeployError::Network(format!("the weights have no {name}")))
    }
}

/// Name of a node: the path of its module.
pub(super) fn path(name: &str) -> String {
    format!("/{}", name.replace('.', "/"))
}

fn convolution(conv: &Conv) -> Vec<super::schema::AttributeProto> {
    vec![
        ints::<2>("kernel_shape", conv.kernel),
        ints::<2>("strides", conv.stride),
        ints::<4>("pads", conv.padding),
        ints::<2>("dilations", conv.dilation),
        int("group", conv.groups as i64),
    ]
}

fn window(kernel: usize, stride: usize, padding: usize) -> Vec<super::schema::AttributeProto> {
    vec![ints::<2>("kernel_shape", kernel), ints::<2>("strides", stride), ints::<4>("pads", padding)]
}
