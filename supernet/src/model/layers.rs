//! Layers as tensors: what [`bonas_spaces::network::Layer`] describes.
//!
//! Shapes: B images, C channels, H×W pixels, K side of a kernel, G groups.

use bonas_spaces::network::{Conv, Join, Layer};
use tch::{Device, Kind, Tensor};

use super::builder::{Builder, Home, Names};
use super::drops::Drops;
use super::error::{Result, SupernetError};
use super::join::joined;
use super::operation::{Affine, OperationNorm};
use super::params::{Fill, ParamId, Params};
use super::part::Piece;
use super::pass::{Mode, Pass};
use super::statistics::Moments;
use super::value::Value;
use super::weights::Weights;

/// Weight of the newest batch in running statistics, and the ε of normalisation (PyTorch's).
const MOMENTUM: f64 = 0.1;
const EPSILON: f64 = 1e-5;

/// What modules need while they run.
pub(super) struct Run<'n, 'p, 'a> {
    pub(super) params: &'n Params,
    pub(super) running: &'n [Moments],
    /// Normalisations whose running statistics stay as they are.
    pub(super) settled: &'n [bool],
    pub(super) pass: &'p mut Pass<'a>,
    /// Those of the pass's mixture.
    pub(super) weights: Option<Weights>,
    /// What drop-path drops.
    pub(super) drops: Option<Drops>,
    /// Kind that convolutions compute in.
    pub(super) compute: Kind,
    pub(super) device: Device,
}

/// One layer; tensors are in [`Params`] and [`Moments`] under their positions.
#[derive(Debug)]
enum Module {
    Relu,
    Relu6,
    Silu,
    HardSwish,
    SqueezeExcite { narrow: Linear, wide: Linear, hard: bool },
    Conv { spec: Conv, weight: Piece },
    BatchNorm { norm: usize, channels: i64, affine: Option<Affine> },
    MaxPool { kernel: i64, stride: i64, padding: i64 },
    AvgPool { kernel: i64, stride: i64, padding: i64 },
    Shift,
    Truncate { channels: i64 },
    Resize { height: i64, width: i64 },
    Pad { channels: i64 },
    Absent,
    Branches { join: Join, arms: Vec<Chain> },
    GlobalAvgPool,
    Linear(Linear),
}

/// The parameters of a linear layer: weight `[out, in]`, bias `[out]`.
#[derive(Clone, Debug)]
struct Linear {
    weight: Piece,
    bias: Piece,
}

/// Layers one after the other; none passes its input on.
#[derive(Debug)]
pub(super) struct Chain(Vec<Module>);

impl Chain {
    pub(super) fn build(layers: &[Layer], names: Names<'_>, builder: &mut Builder) -> Self {
        let module = |(i, layer): (usize, &Layer)| {
            let path = format!("{}.{i}", names.path);
            Module::build(layer, Names { path: &path, ..names }, builder)
        };
        Self(layers.iter().enumerate().map(module).collect())
    }

    pub(super) fn is_identity(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the edge is not there with this choice.
    pub(super) fn is_absent(&self) -> bool {
        matches!(self.0[..], [Module::Absent])
    }

    /// Whether nothing but the caller holds the result, so that it may be written to: neither
    /// another reader nor the gradient of the last layer.
    pub(super) fn owns_result(&self) -> bool {
        self.0.last().is_some_and(Module::owns_result)
    }

    pub(super) fn forward(&self, input: &Value, run: &mut Run<'_, '_, '_>) -> Result<Tensor> {
        Self::through(&self.0, input, run)
    }

    /// The result times the weight of an operation, which is told by role, edge and choice.
    ///
    /// The weight becomes the scale of the last normalisation where that has none of its own, as it
    /// is in search networks. The gradient of a product by the weight needs the whole map that was
    /// multiplied; the gradient by the scale needs nothing that normalisation does not keep anyway.
    pub(super) fn forward_weighted(
        &self,
        input: &Value,
        (role, edge, choice): (usize, usize, usize),
        run: &mut Run<'_, '_, '_>,
    ) -> Result<Tensor> {
        let missing = || SupernetError::mismatch("mixture", "it has no weights");
        if let Some((&Module::BatchNorm { norm, channels, affine: None }, first)) = self.0.split_last() {
            let x = Self::through(first, input, run)?;
            let scale = run.weights.as_mut().ok_or_else(missing)?.scale(role, edge, choice, channels)?; // [C]
            return run.batch_norm(&x, norm, channels, (Some(&scale), None));
        }
        let y = Self::through(&self.0, input, run)?;
        let weight = run.weights.as_ref().ok_or_else(missing)?.operation(role, edge, choice)?; // []
        Ok(y.f_mul(&as_kind(weight, y.kind())?)?)
    }

    fn through(modules: &[Module], input: &Value, run: &mut Run<'_, '_, '_>) -> Result<Tensor> {
        let (mut x, rest) = match modules.split_first() {
            Some((Module::Relu, rest)) => {
                let x = input.relu()?.shallow_clone();
                run.agree(&x)?;
                (x, rest)
            }
            _ => (input.raw()?.shallow_clone(), modules),
        };
        let mut owned = false;
        for module in rest {
            x = module.forward(x, owned, run)?;
            if matches!(module, Module::Relu | Module::Relu6) {
                run.agree(&x)?;
            }
            owned = module.owns_result();
        }
        Ok(x)
    }

    /// The last batch normalisation that has scale and shift; in branches, that of the last arm
    /// with one.
    pub(super) fn last_norm(&self) -> Option<OperationNorm> {
        self.0.iter().rev().find_map(|module| match module {
            Module::BatchNorm { norm, affine: Some(Affine { scale, shift }), .. } => {
                Some(OperationNorm { norm: *norm, scale: *scale, shift: *shift })
            }
            Module::Branches { arms, .. } => arms.iter().rev().find_map(Chain::last_norm),
            _ => None,
        })
    }

    /// Weight and bias of the last linear layer.
    pub(super) fn last_linear(&self) -> Option<[ParamId; 2]> {
        self.0.iter().rev().find_map(|module| match module {
            Module::Linear(Linear { weight, bias }) => Some([weight.id, bias.id]),
            _ => None,
        })
    }

    /// Adds the parameters and the normalisations that this chain uses.
    pub(super) fn collect(&self, params: &mut Vec<ParamId>, norms: &mut Vec<usize>) {
        for module in &self.0 {
            match module {
                Module::Conv { weight, .. } => params.extend(weight.ids()),
                Module::Linear(Linear { weight, bias }) => params.extend([weight.id, bias.id]),
                Module::SqueezeExcite { narrow, wide, .. } => {
                    let ids = |linear: &Linear| [linear.weight.id, linear.bias.id];
                    params.extend([narrow, wide].into_iter().flat_map(ids));
                }
                Module::BatchNorm { norm, affine, .. } => {
                    norms.push(*norm);
                    params.extend(affine.iter().flat_map(|a| [a.scale, a.shift]));
                }
                Module::Branches { arms, .. } => arms.iter().for_each(|arm| arm.collect(params, norms)),
                _ => {}
            }
        }
    }
}

impl Module {
    fn build(layer: &Layer, names: Names<'_>, builder: &mut Builder) -> Self {
        let int = |n: &usize| *n as i64;
        match layer {
            Layer::Relu => Self::Relu,
            Layer::Relu6 => Self::Relu6,
            Layer::Silu => Self::Silu,
            Layer::HardSwish => Self::HardSwish,
            Layer::Conv(conv) => {
                let home = Home { name: &names.own(), shared: false };
                Self::Conv { spec: *conv, weight: Self::kernels([conv, conv], home, builder) }
            }
            Layer::SqueezeExcite { channels, squeeze, hard } => {
                let name = names.own();
                let home = Home { name: &name, shared: false };
                Self::squeeze_excite([(*channels, *squeeze); 2], *hard, home, builder)
            }
            Layer::Part { key, whole, part, .. } => {
                let made = layer.made_kernels();
                Self::part([part, whole], &made, (key, names), builder)
            }
            Layer::Absent => Self::Absent,
            Layer::Pad { channels } => Self::Pad { channels: int(channels) },
            Layer::BatchNorm { channels, affine } => {
                Self::batch_norm(*channels, *affine, &names.own(), builder)
            }
            Layer::MaxPool { kernel, stride, padding } => {
                Self::MaxPool { kernel: int(kernel), stride: int(stride), padding: int(padding) }
            }
            Layer::AvgPool { kernel, stride, padding } => {
                Self::AvgPool { kernel: int(kernel), stride: int(stride), padding: int(padding) }
            }
            Layer::Shift => Self::Shift,
            Layer::Truncate { channels } => Self::Truncate { channels: int(channels) },
            Layer::Resize { height, width } => Self::Resize { height: int(height), width: int(width) },
            Layer::Branches { join, arms } => {
                let arm = |(i, arm): (usize, &Vec<Layer>)| {
                    let path = format!("{}.{i}", names.path);
                    Chain::build(arm, Names { path: &path, ..names }, builder)
                };
                Self::Branches { join: *join, arms: arms.iter().enumerate().map(arm).collect() }
            }
            Layer::GlobalAvgPool => Self::GlobalAvgPool,
            Layer::Linear { input, output } => {
                let name = names.own();
                let home = Home { name: &name, shared: false };
                Self::Linear(Linear::build([(*input, *output); 2], home, builder))
            }
        }
    }

    /// A layer with weights of `whole`, which is like it but for sizes; matrices make kernels of the sides `made`.
    fn part(
        [part, whole]: [&Layer; 2],
        made: &[usize],
        (key, names): (&str, Names<'_>),
        builder: &mut Builder,
    ) -> Self {
        let name = names.shared(key);
        let home = Home { name: &name, shared: true };
        match (part, whole) {
            (Layer::Conv(spec), Layer::Conv(all)) => {
                let weight = Self::kernels([spec, all], home, builder);
                let matrices = made.iter().map(|&side| builder.matrix(home, side)).collect();
                Self::Conv { spec: *spec, weight: weight.transformed(matrices) }
            }
            (
                &Layer::SqueezeExcite { channels, squeeze, hard },
                &Layer::SqueezeExcite { channels: all, squeeze: most, .. },
            ) => Self::squeeze_excite([(channels, squeeze), (all, most)], hard, home, builder),
            (part, _) => Self::build(part, names, builder),
        }
    }

    fn kernels([spec, whole]: [&Conv; 2], home: Home<'_>, builder: &mut Builder) -> Piece {
        // [output, input / G, K, K]
        let shape = |conv: &Conv| [conv.output, conv.input / conv.groups, conv.kernel, conv.kernel];
        let [_, input, kernel, _] = shape(whole);
        let fill = Fill::kaiming(input * kernel * kernel);
        builder.piece(home, "weight", [&shape(spec), &shape(whole)], fill)
    }

    /// Of a part and of the whole: channels, and the width between.
    fn squeeze_excite(
        [(channels, squeeze), (all, most)]: [(usize, usize); 2],
        hard: bool,
        home: Home<'_>,
        builder: &mut Builder,
    ) -> Self {
        let mut linear = |part, sizes| {
            let name = format!("{}.{part}", home.name);
            Linear::build(sizes, Home { name: &name, ..home }, builder)
        };
        let narrow = linear("narrow", [(channels, squeeze), (all, most)]);
        let wide = linear("wide", [(squeeze, channels), (most, all)]);
        Self::SqueezeExcite { narrow, wide, hard }
    }

    fn batch_norm(channels: usize, affine: bool, name: &str, builder: &mut Builder) -> Self {
        let mut add = |part, value| {
            builder.params.add(format!("{name}.{part}"), &[channels], Fill::Constant(value)) // [C]
        };
        let affine = affine.then(|| Affine { scale: add("weight", 1.0), shift: add("bias", 0.0) });
        let norm = builder.norm(name, channels, affine);
        Self::BatchNorm { norm, channels: channels as i64, affine }
    }

    fn owns_result(&self) -> bool {
        use Module::{Branches, Relu, Relu6, Shift, Truncate};
        !matches!(self, Relu | Relu6 | Shift | Truncate { .. } | Branches { .. })
    }

    /// `owned`: whether `x` may be written to.
    fn forward(&self, mut x: Tensor, owned: bool, run: &mut Run<'_, '_, '_>) -> Result<Tensor> {
        let y = match self {
            Self::Relu if owned => x.f_relu_()?,
            Self::Relu => x.f_relu()?,
            Self::Relu6 => x.f_relu6()?,
            Self::Silu => x.f_silu()?,
            Self::HardSwish => x.f_hardswish()?,
            Self::SqueezeExcite { narrow, wide, hard } => return run.squeeze_excite(&x, narrow, wide, *hard),
            Self::Conv { spec, weight } => return run.conv(&x, spec, weight),
            Self::BatchNorm { norm, channels, affine } => {
                let params = run.params;
                let scale = affine.map(|affine| params.tensor(affine.scale)); // [C]
                let shift = affine.map(|affine| params.tensor(affine.shift)); // [C]
                return run.batch_norm(&x, *norm, *channels, (scale, shift));
            }
            // [B, C, H, W] -> [B, C, H', W']
            Self::MaxPool { kernel: k, stride: s, padding: p } => {
                x.f_max_pool2d([*k, *k], [*s, *s], [*p, *p], [1, 1], false)?
            }
            Self::AvgPool { kernel: k, stride: s, padding: p } => {
                x.f_avg_pool2d([*k, *k], [*s, *s], [*p, *p], false, false, None)?
            }
            Self::Shift => shift(&x)?,
            Self::Truncate { channels } => x.f_narrow(1, 0, *channels)?, // [B, C', H, W]
            // [B, C, H, W] -> [B, C, H', W']
            Self::Resize { height, width } => {
                x.f_upsample_bilinear2d([*height, *width], false, None, None)?
            }
            // [B, C, H, W] -> [B, C', H, W]
            Self::Pad { channels } => x.f_constant_pad_nd([0, 0, 0, 0, 0, *channels - x.size()[1]])?,
            Self::Absent => {
                return Err(SupernetError::mismatch("path", "it takes an edge that is not there"));
            }
            Self::Branches { join, arms } => {
                let input = Value::new(x);
                let parts = arms.iter().map(|arm| arm.forward(&input, run)).collect::<Result<Vec<_>>>()?;
                joined(*join, &parts)?
            }
            Self::GlobalAvgPool => x.f_adaptive_avg_pool2d([1, 1])?, // [B, C, 1, 1]
            Self::Linear(linear) => return run.linear(&x, linear),
        };
        Ok(y)
    }
}

impl Linear {
    /// Inputs and outputs, of the layer and of the weights that there are.
    fn build(
        [(input, output), (inputs, outputs)]: [(usize, usize); 2],
        home: Home<'_>,
        builder: &mut Builder,
    ) -> Self {
        let fill = Fill::kaiming(inputs);
        let weight = builder.piece(home, "weight", [&[output, input], &[outputs, inputs]], fill); // [out, in]
        let bias = builder.piece(home, "bias", [&[output], &[outputs]], fill); // [out]
        Self { weight, bias }
    }
}

impl Run<'_, '_, '_> {
    fn conv(&self, x: &Tensor, spec: &Conv, weight: &Piece) -> Result<Tensor> {
        let pair = |n: usize| [n as i64; 2];
        let weight = as_kind(&weight.of(self.params)?, self.compute)?; // [C', C / G, K, K]
        let (stride, padding, dilation) = (pair(spec.stride), pair(spec.padding), pair(spec.dilation));
        // [B, C, H, W] -> [B, C', H', W']
        Ok(x.f_conv2d::<Tensor>(&weight, None, stride, padding, dilation, spec.groups as i64)?)
    }

    /// A factor from 0 to 1 for each map of `[B, C, H, W]`.
    fn squeeze_excite(&self, x: &Tensor, narrow: &Linear, wide: &Linear, hard: bool) -> Result<Tensor> {
        let means = x.f_adaptive_avg_pool2d([1, 1])?; // [B, C, 1, 1]
        let squeezed = self.linear(&means, narrow)?; // [B, S]
        let squeezed = if hard { squeezed.f_relu()? } else { squeezed.f_silu()? };
        let factors = self.linear(&squeezed, wide)?; // [B, C]
        let factors = if hard { factors.f_hardsigmoid()? } else { factors.f_sigmoid()? };
        let factors = as_kind(&factors.f_unsqueeze(-1)?.f_unsqueeze(-1)?, x.kind())?; // [B, C, 1, 1]
        Ok(x.f_mul(&factors)?)
    }

    fn linear(&self, x: &Tensor, Linear { weight, bias }: &Linear) -> Result<Tensor> {
        let (weight, bias) = (weight.of(self.params)?, bias.of(self.params)?); // [out, in], [out]
        let x = as_kind(&x.f_flatten(1, -1)?, weight.kind())?; // [B, in]
        Ok(x.f_linear(&weight, Some(&bias))?) // [B, out]
    }

    fn batch_norm(
        &mut self,
        x: &Tensor,
        norm: usize,
        channels: i64,
        (scale, shift): (Option<&Tensor>, Option<&Tensor>),
    ) -> Result<Tensor> {
        let own = &self.running[norm];
        let settled = self.settled.get(norm).copied().unwrap_or_default();
        let ((mean, variance), batch, weight) = match &mut self.pass.mode {
            Mode::Train | Mode::Estimate(_) if settled => ((&own.mean, &own.variance), false, 0.0),
            Mode::Train => ((&own.mean, &own.variance), true, MOMENTUM),
            Mode::Eval => ((&own.mean, &own.variance), false, 0.0),
            Mode::Estimate(statistics) => {
                let moments = statistics.entry(norm, channels, (own.mean.kind(), self.device))?;
                let weight = moments.next_weight();
                ((&moments.mean, &moments.variance), true, weight)
            }
            Mode::EvalWith(statistics) => {
                let known = statistics.get(norm).ok_or_else(|| {
                    SupernetError::mismatch("set of statistics", "it was estimated along another path")
                })?;
                (known, false, 0.0)
            }
        };
        if let (Some(own), Some(scale), Some(shift)) = (&mut self.pass.image_affine, scale, shift)
            && own.wants(norm)
        {
            let none: Option<&Tensor> = None;
            let (mean, variance) = (Some(mean), Some(variance));
            let plain = x.f_batch_norm(none, none, mean, variance, batch, weight, EPSILON, true)?; // [B, C, H, W]
            return own.apply(&plain, norm, scale, shift);
        }
        // [B, C, H, W]
        Ok(x.f_batch_norm(scale, shift, Some(mean), Some(variance), batch, weight, EPSILON, true)?)
    }

    /// Notes which units `[B, C, H, W]` of a ReLU are active, if the pass wants to know.
    fn agree(&mut self, x: &Tensor) -> Result<()> {
        match &mut self.pass.agreement {
            Some(agreement) => agreement.add(x),
            None => Ok(()),
        }
    }

    /// Drops an operation's result `[B, C, H, W]` for some of the images, if the pass says so.
    pub(super) fn drop_path(&mut self, x: Tensor) -> Result<Tensor> {
        let Some(drops) = &mut self.drops else { return Ok(x) };
        Ok(x.f_mul(&as_kind(&drops.next()?, x.kind())?)?)
    }
}

/// `x` in another kind; the same tensor if it is of that kind already.
pub(super) fn as_kind(x: &Tensor, kind: Kind) -> Result<Tensor> {
    Ok(if x.kind() == kind { x.shallow_clone() } else { x.f_to_kind(kind)? })
}

/// Drops the first row and the first column: `[B, C, H, W]` to `[B, C, H-1, W-1]`.
fn shift(x: &Tensor) -> Result<Tensor> {
    let [_, _, height, width] = x.size()[..] else {
        return Err(SupernetError::mismatch("map", format!("it has shape {:?}", x.size())));
    };
    Ok(x.f_narrow(2, 1, height - 1)?.f_narrow(3, 1, width - 1)?)
}
