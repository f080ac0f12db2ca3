//! Layers as values, with their shapes, parameters and multiply-adds.

use std::fmt;

use super::kernels::Kernels;
use crate::error::SpaceError;

/// Channels, height and width of one image or feature map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Channels.
    pub channels: usize,
    /// Height in pixels.
    pub height: usize,
    /// Width in pixels.
    pub width: usize,
}

impl Shape {
    /// A square map.
    pub const fn square(channels: usize, size: usize) -> Self {
        Self { channels, height: size, width: size }
    }

    /// Checks that an operation of stride 2 can halve the map, as one that pads would do to any.
    ///
    /// # Errors
    /// [`SpaceError::Network`] for a map with a side of one pixel.
    pub fn check_halving(self) -> Result<(), SpaceError> {
        if self.height >= 2 && self.width >= 2 {
            return Ok(());
        }
        let reason =
            "too small to be reduced further; it must have at least 2x2 pixels, so take larger images";
        Err(SpaceError::network(format!("a {self} map is {reason}")))
    }

    /// Number of values.
    pub fn len(self) -> usize {
        self.channels * self.height * self.width
    }

    /// Whether there are no values.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}x{}", self.channels, self.height, self.width)
    }
}

/// How several tensors are combined into one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Join {
    /// Element-wise sum.
    Sum,
    /// Concatenation along the channels.
    Concat,
}

/// A two-dimensional convolution with a square kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv {
    /// Channels in.
    pub input: usize,
    /// Channels out.
    pub output: usize,
    /// Side of the kernel.
    pub kernel: usize,
    /// Stride.
    pub stride: usize,
    /// Zeros added on each side.
    pub padding: usize,
    /// Dilation.
    pub dilation: usize,
    /// Groups; `input` of them make it depthwise.
    pub groups: usize,
}

impl Conv {
    /// A dense convolution that keeps the size at stride 1 (`kernel` odd).
    pub fn same(input: usize, output: usize, kernel: usize, stride: usize) -> Self {
        Self { input, output, kernel, stride, padding: kernel / 2, dilation: 1, groups: 1 }
    }

    /// A 1×1 convolution.
    pub fn pointwise(input: usize, output: usize) -> Self {
        Self::same(input, output, 1, 1)
    }

    /// A depthwise convolution that keeps the size at stride 1 (`kernel` odd).
    pub fn depthwise(channels: usize, kernel: usize, stride: usize, dilation: usize) -> Self {
        let padding = dilation * (kernel - 1) / 2;
        Self { input: channels, output: channels, kernel, stride, padding, dilation, groups: channels }
    }

    fn check(&self) -> Result<(), SpaceError> {
        let Self { input, output, kernel, stride, dilation, groups, .. } = *self;
        if [input, output, kernel, stride, dilation, groups].contains(&0) {
            return Err(SpaceError::network(format!("{self:?}: none of these but the padding may be 0")));
        }
        if input % groups != 0 || output % groups != 0 {
            return Err(SpaceError::network(format!("{self:?}: the groups must divide both widths")));
        }
        Ok(())
    }

    /// Number of weights (there is no bias).
    pub fn weights(&self) -> usize {
        self.output * self.input / self.groups * self.kernel * self.kernel
    }
}

/// One step of a network. Only [`Layer::Linear`], [`Layer::SqueezeExcite`] and affine batch normalisation have a
/// bias.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layer {
    /// max(0, x).
    Relu,
    /// min(6, max(0, x)).
    Relu6,
    /// x / (1 + e⁻ˣ) (Hendrycks and Gimpel 2016; Ramachandran et al. 2017).
    Silu,
    /// x · min(6, max(0, x + 3)) / 6 (Howard et al. 2019).
    HardSwish,
    /// Squeeze-and-excitation (Hu et al. 2018): x · σ(W₂ `SiLU`(W₁ mean(x) + b₁) + b₂), a factor for each channel.
    SqueezeExcite {
        /// Channels.
        channels: usize,
        /// Width between W₁ and W₂.
        squeeze: usize,
        /// Whether ReLU stands for `SiLU` and min(6, max(0, y + 3)) / 6 for σ (Howard et al. 2019).
        hard: bool,
    },
    /// A convolution.
    Conv(Conv),
    /// Batch normalisation over the channels, with scale and shift if `affine`.
    BatchNorm {
        /// Channels.
        channels: usize,
        /// Whether it has a scale and a shift.
        affine: bool,
    },
    /// Maximum over square windows.
    MaxPool {
        /// Side of the window.
        kernel: usize,
        /// Stride.
        stride: usize,
        /// Padding, never the maximum.
        padding: usize,
    },
    /// Mean over square windows; padding is not counted.
    AvgPool {
        /// Side of the window.
        kernel: usize,
        /// Stride.
        stride: usize,
        /// Padding, not counted in the mean.
        padding: usize,
    },
    /// Drops the first row and the first column of each map.
    Shift,
    /// Keeps the first channels.
    Truncate {
        /// Channels kept.
        channels: usize,
    },
    /// Scales each map to another height and width (bilinear; pixels are squares, so that corners do not align).
    Resize {
        /// Height afterwards.
        height: usize,
        /// Width afterwards.
        width: usize,
    },
    /// Adds channels of zeros behind the others.
    Pad {
        /// Channels afterwards.
        channels: usize,
    },
    /// Alone on an edge: with this choice the edge is not there.
    Absent,
    /// A convolution or squeeze-and-excitation that shares its weights with the same layer elsewhere.
    ///
    /// It works with the first channels of the weights of `whole` and with kernels made of theirs (Cai et al. 2020). A step
    /// of training that uses a part moves the rest by momentum and weight decay.
    Part {
        /// What tells the weights from others of the cell; layers at one place in their lists that have the same key share
        /// them. Empty: the other choices of its edge share them.
        key: String,
        /// The layer whose weights there are.
        whole: Box<Layer>,
        /// What is computed.
        part: Box<Layer>,
        /// How its kernels are made of larger ones.
        kernels: Kernels,
    },
    /// Several branches on the same input, joined.
    Branches {
        /// How they are joined.
        join: Join,
        /// The branches; an empty one passes its input on.
        arms: Vec<Vec<Layer>>,
    },
    /// Mean over each whole map: `[C, H, W]` to `[C, 1, 1]`.
    GlobalAvgPool,
    /// Fully connected layer with bias, on the flattened input.
    Linear {
        /// Inputs.
        input: usize,
        /// Outputs.
        output: usize,
    },
}

impl Layer {
    /// Shape of the layer's output.
    ///
    /// # Errors
    /// [`SpaceError::Network`] when `shape` does not fit the layer.
    pub fn output(&self, shape: Shape) -> Result<Shape, SpaceError> {
        match self {
            Self::Relu | Self::Relu6 | Self::Silu | Self::HardSwish => Ok(shape),
            Self::SqueezeExcite { squeeze: 0, .. } => {
                Err(SpaceError::network("a squeeze to 0 channels; it must be at least 1"))
            }
            Self::SqueezeExcite { channels, .. } => {
                expect_channels(*channels, shape, "squeeze-and-excitation")
            }
            Self::BatchNorm { channels, .. } => expect_channels(*channels, shape, "batch normalisation"),
            Self::Conv(c) => {
                c.check()?;
                expect_channels(c.input, shape, "convolution")?;
                let reach = c.dilation * (c.kernel - 1) + 1;
                let map = windows(shape, reach, c.stride, c.padding)?;
                Ok(Shape { channels: c.output, ..map })
            }
            Self::MaxPool { kernel, stride, padding } | Self::AvgPool { kernel, stride, padding } => {
                windows(shape, *kernel, *stride, *padding)
            }
            Self::Shift => {
                shape.check_halving()?;
                Ok(Shape { height: shape.height - 1, width: shape.width - 1, ..shape })
            }
            Self::Truncate { channels } if *channels > shape.channels => {
                Err(SpaceError::network(format!("a {shape} map cannot be cut to {channels} channels")))
            }
            Self::Resize { height: 0, .. } | Self::Resize { width: 0, .. } => {
                Err(SpaceError::network(format!("a {shape} map cannot be scaled to nothing")))
            }
            Self::Resize { height, width } => Ok(Shape { height: *height, width: *width, ..shape }),
            Self::Pad { channels } if *channels < shape.channels => {
                Err(SpaceError::network(format!("a {shape} map cannot be filled up to {channels} channels")))
            }
            Self::Truncate { channels } | Self::Pad { channels } => {
                Ok(Shape { channels: *channels, ..shape })
            }
            Self::Absent => Err(SpaceError::network("an edge that is not there has no result")),
            Self::Part { part, .. } => part.output(shape),
            Self::Branches { join, arms } => {
                let shapes: Result<Vec<_>, _> = arms.iter().map(|arm| output_of(arm, shape)).collect();
                join.output(&shapes?)
            }
            Self::GlobalAvgPool => Ok(Shape::square(shape.channels, 1)),
            Self::Linear { input, output } if *input == shape.len() => Ok(Shape::square(*output, 1)),
            Self::Linear { input, .. } => Err(SpaceError::network(format!(
                "a linear layer of {input} inputs cannot read a {shape} map of {}",
                shape.len()
            ))),
        }
    }

    /// Number of trainable parameters; of a part all that it shares.
    pub fn params(&self) -> usize {
        match self {
            Self::Conv(c) => c.weights(),
            Self::BatchNorm { channels, affine: true } => 2 * channels,
            Self::Linear { input, output } => (input + 1) * output,
            Self::SqueezeExcite { channels, squeeze, .. } => 2 * channels * squeeze + channels + squeeze,
            Self::Part { whole, .. } => {
                whole.params() + self.made_kernels().into_iter().map(Kernels::matrix_params).sum::<usize>()
            }
            Self::Branches { arms, .. } => arms.iter().flatten().map(Layer::params).sum(),
            _ => 0,
        }
    }

    /// Sides of the kernels that matrices make for a part of a convolution, the largest first.
    pub fn made_kernels(&self) -> Vec<usize> {
        let Self::Part { whole, part, kernels, .. } = self else { return Vec::new() };
        let (Self::Conv(whole), Self::Conv(part)) = (&**whole, &**part) else { return Vec::new() };
        kernels.made(whole.kernel, part.kernel)
    }

    /// Number of parameters that are scales and shifts of batch normalisation.
    pub fn norm_params(&self) -> usize {
        match self {
            Self::BatchNorm { .. } => self.params(),
            Self::Branches { arms, .. } => arms.iter().flatten().map(Layer::norm_params).sum(),
            _ => 0,
        }
    }

    /// Multiply-adds of convolutions and linear layers, also those inside others, for one image of this shape.
    ///
    /// # Errors
    /// [`SpaceError::Network`] when `shape` does not fit the layer.
    pub fn macs(&self, shape: Shape) -> Result<u64, SpaceError> {
        Ok(self.pass(shape)?.macs)
    }

    /// Number of activations that a training step keeps of this layer for one image: its output, and
    /// that of each layer inside it.
    ///
    /// # Errors
    /// [`SpaceError::Network`] when `shape` does not fit the layer.
    pub fn activations(&self, shape: Shape) -> Result<u64, SpaceError> {
        Ok(self.pass(shape)?.activations)
    }

    fn pass(&self, shape: Shape) -> Result<Passage, SpaceError> {
        let out = self.output(shape)?;
        let mut passage = Passage { shape: out, macs: 0, activations: out.len() as u64 };
        match self {
            Self::Conv(c) => passage.macs = product(&[c.weights(), out.height, out.width])?,
            Self::Linear { input, output } => passage.macs = product(&[*input, *output])?,
            Self::SqueezeExcite { channels, squeeze, .. } => {
                passage.macs = product(&[2, *channels, *squeeze])?;
            }
            Self::Part { part, .. } => passage = part.pass(shape)?,
            Self::Branches { arms, .. } => {
                for arm in arms {
                    let arm = pass(arm, shape)?;
                    passage.macs += arm.macs;
                    passage.activations += arm.activations;
                }
            }
            _ => {}
        }
        Ok(passage)
    }
}

/// Multiply-adds of a layer as a product of sizes.
///
/// # Errors
/// [`SpaceError::Network`] for more than those of a whole network could add up to.
fn product(factors: &[usize]) -> Result<u64, SpaceError> {
    const MOST: u64 = 1 << 48;
    let product = factors.iter().try_fold(1_u64, |product, &factor| product.checked_mul(factor as u64));
    let too_many = || SpaceError::network(format!("a layer of more than {MOST} multiply-adds"));
    product.filter(|&product| product <= MOST).ok_or_else(too_many)
}

impl Join {
    /// Shape of the result for inputs of these shapes.
    ///
    /// # Errors
    /// [`SpaceError::Network`] for no inputs, or shapes that do not fit together.
    pub fn output(self, shapes: &[Shape]) -> Result<Shape, SpaceError> {
        let Some(&first) = shapes.first() else {
            return Err(SpaceError::network("nothing to join"));
        };
        for &shape in shapes {
            let same_map = (shape.height, shape.width) == (first.height, first.width);
            if !same_map || (self == Self::Sum && shape.channels != first.channels) {
                return Err(SpaceError::network(format!(
                    "maps of {first} and {shape} cannot be joined; a reduction needs even height and width, \
                     so choose an image size that halves evenly at each one"
                )));
            }
        }
        Ok(match self {
            Self::Sum => first,
            Self::Concat => Shape { channels: shapes.iter().map(|s| s.channels).sum(), ..first },
        })
    }
}

/// Shape after a list of layers.
///
/// # Errors
/// [`SpaceError::Network`] when a layer does not fit.
fn output_of(layers: &[Layer], shape: Shape) -> Result<Shape, SpaceError> {
    layers.iter().try_fold(shape, |shape, layer| layer.output(shape))
}

/// Shape and costs of a pass through some layers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Passage {
    /// Shape of the output.
    pub(crate) shape: Shape,
    /// Multiply-adds, as [`Layer::macs`] has them.
    pub(crate) macs: u64,
    /// Numbers kept, as [`Layer::activations`] has them.
    pub(crate) activations: u64,
}

/// Passes a map through a list of layers.
///
/// # Errors
/// [`SpaceError::Network`] when a layer does not fit.
pub(crate) fn pass(layers: &[Layer], shape: Shape) -> Result<Passage, SpaceError> {
    let start = Passage { shape, macs: 0, activations: 0 };
    layers.iter().try_fold(start, |before, layer| {
        let own = layer.pass(before.shape)?;
        let (macs, activations) = (before.macs + own.macs, before.activations + own.activations);
        Ok(Passage { shape: own.shape, macs, activations })
    })
}

fn expect_channels(channels: usize, shape: Shape, what: &str) -> Result<Shape, SpaceError> {
    if channels == shape.channels {
        return Ok(shape);
    }
    Err(SpaceError::network(format!("a {what} of {channels} channels cannot read a {shape} map")))
}

fn windows(shape: Shape, reach: usize, stride: usize, padding: usize) -> Result<Shape, SpaceError> {
    if reach == 0 || stride == 0 {
        return Err(SpaceError::network(format!(
            "a window of {reach} at stride {stride}; both must be at least 1"
        )));
    }
    let side = |length: usize| (length + 2 * padding).checked_sub(reach).map(|rest| rest / stride + 1);
    match (side(shape.height), side(shape.width)) {
        (Some(height), Some(width)) => Ok(Shape { height, width, ..shape }),
        _ => Err(SpaceError::network(format!("a {shape} map is smaller than a window of {reach}"))),
    }
}
