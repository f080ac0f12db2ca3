//! Operations in layers: the table that a space fills, and the building blocks of published ones.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::{Conv, Join, Layer};
use crate::error::SpaceError;

/// The place of an operation in a network: widths, stride and normalisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Port {
    /// Channels in.
    pub input: usize,
    /// Channels out.
    pub output: usize,
    /// Stride, 1 or 2.
    pub stride: usize,
    /// Normalisation.
    pub norm: Norm,
}

impl Port {
    /// Whether an operation here may pass its input on as it is: stride 1, as many channels out as in.
    pub fn keeps_shape(self) -> bool {
        self.stride == 1 && self.input == self.output
    }
}

/// How the operations of a network are batch-normalised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Norm {
    /// Whether batch normalisation has a scale and a shift (discrete networks).
    pub affine: bool,
    /// Whether it follows pooling (search networks of DARTS).
    pub after_pool: bool,
    /// Whether it follows a skip at stride 1 (unbiased supernets of BNNAS++).
    pub after_skip: bool,
}

impl Norm {
    /// Discrete networks: affine, not after pooling and skips.
    pub const DISCRETE: Norm = Norm { affine: true, after_pool: false, after_skip: false };
    /// Weight-sharing and relaxed networks: without scale and shift, also after pooling.
    pub const SEARCH: Norm = Norm { affine: false, after_pool: true, after_skip: false };
    /// Unbiased supernets of BNNAS++: affine, after every operation.
    pub const UNBIASED: Norm = Norm { affine: true, after_pool: true, after_skip: true };
}

type OpFn = Arc<dyn Fn(Port) -> Vec<Layer> + Send + Sync>;

/// The layers of each operation, by name. Add operations of your own with [`OpTable::with`].
///
/// ```
/// use bonas_spaces::network::{OpTable, relu_conv_bn};
///
/// let ops = OpTable::new().with("conv_7x7", |port| relu_conv_bn(port, 7));
/// ```
#[derive(Clone, Default)]
pub struct OpTable(BTreeMap<String, OpFn>);

impl OpTable {
    /// An empty table.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds or replaces an operation. An empty list of layers passes the input on.
    #[must_use]
    pub fn with(mut self, name: &str, layers: impl Fn(Port) -> Vec<Layer> + Send + Sync + 'static) -> Self {
        self.0.insert(name.to_owned(), Arc::new(layers));
        self
    }

    /// The layers of an operation.
    ///
    /// # Errors
    /// [`SpaceError::UnknownOp`] with the known operations.
    pub fn layers(&self, name: &str, port: Port) -> Result<Vec<Layer>, SpaceError> {
        match self.0.get(name) {
            Some(op) => Ok(op(port)),
            None => {
                Err(SpaceError::UnknownOp { name: name.to_owned(), known: self.0.keys().cloned().collect() })
            }
        }
    }
}

impl fmt::Debug for OpTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// ReLU, dense convolution, BatchNorm.
pub fn relu_conv_bn(port: Port, kernel: usize) -> Vec<Layer> {
    vec![Layer::Relu, Layer::Conv(Conv::same(port.input, port.output, kernel, port.stride)), norm(port)]
}

/// Dense convolution, BatchNorm, ReLU.
pub fn conv_bn_relu(port: Port, kernel: usize) -> Vec<Layer> {
    vec![Layer::Conv(Conv::same(port.input, port.output, kernel, port.stride)), norm(port), Layer::Relu]
}

/// Inverted residual (Sandler et al. 2018) with `ReLU6`; see [`inverted_residual`].
pub fn mb_conv(port: Port, expansion: usize, kernel: usize) -> Vec<Layer> {
    inverted_residual(port, expansion, kernel, &Layer::Relu6)
}

/// Inverted residual (Sandler et al. 2018) with an activation of its own.
///
/// A 1×1 convolution to `expansion` times the width (left out for 1), a depthwise convolution and a 1×1
/// convolution, each with BatchNorm, and `activation` after the first two. The input is added if stride and
/// widths allow it.
pub fn inverted_residual(port: Port, expansion: usize, kernel: usize, activation: &Layer) -> Vec<Layer> {
    let inner = expansion * port.input;
    let bn = |channels| Layer::BatchNorm { channels, affine: port.norm.affine };
    let mut layers = Vec::new();
    if expansion > 1 {
        layers.extend([Layer::Conv(Conv::pointwise(port.input, inner)), bn(inner), activation.clone()]);
    }
    let depthwise = Conv::depthwise(inner, kernel, port.stride, 1);
    layers.extend([Layer::Conv(depthwise), bn(inner), activation.clone()]);
    layers.extend([Layer::Conv(Conv::pointwise(inner, port.output)), norm(port)]);
    if port.keeps_shape() {
        vec![Layer::Branches { join: Join::Sum, arms: vec![vec![], layers] }]
    } else {
        layers
    }
}

/// Factorised reduction, which halves a map without losing pixels: ReLU, two concatenated 1×1
/// convolutions of stride 2, the second on the map shifted by one pixel, BatchNorm.
pub fn factorized_reduce(port: Port) -> Vec<Layer> {
    let half = |output| Layer::Conv(Conv { stride: 2, ..Conv::pointwise(port.input, output) });
    let first = port.output / 2;
    let arms = vec![vec![half(first)], vec![Layer::Shift, half(port.output - first)]];
    vec![Layer::Relu, Layer::Branches { join: Join::Concat, arms }, norm(port)]
}

fn norm(port: Port) -> Layer {
    Layer::BatchNorm { channels: port.output, affine: port.norm.affine }
}

/// A pooling layer, followed by BatchNorm if the port's normalisation says so.
pub fn pooled(port: Port, pool: Layer) -> Vec<Layer> {
    if port.norm.after_pool { vec![pool, norm(port)] } else { vec![pool] }
}

/// Skip connection: no layer at stride 1 (or BatchNorm, if the port's normalisation says so), a
/// factorised reduction at stride 2.
pub fn skip(port: Port) -> Vec<Layer> {
    match port.stride {
        1 if port.norm.after_skip => vec![norm(port)],
        1 => vec![],
        _ => factorized_reduce(port),
    }
}

/// Shortcut of a residual network (He et al. 2016): [`skip`] where stride and widths allow it, else a 1×1
/// convolution with BatchNorm.
pub fn shortcut(port: Port) -> Vec<Layer> {
    if port.keeps_shape() {
        return skip(port);
    }
    let conv = Conv { stride: port.stride, ..Conv::pointwise(port.input, port.output) };
    vec![Layer::Conv(conv), norm(port)]
}

/// Separable convolution of DARTS, applied twice: ReLU, depthwise and 1×1 convolution, BatchNorm.
pub fn sep_conv(port: Port, kernel: usize) -> Vec<Layer> {
    let half = |stride, output| {
        let depthwise = Layer::Conv(Conv::depthwise(port.input, kernel, stride, 1));
        [Layer::Relu, depthwise, Layer::Conv(Conv::pointwise(port.input, output))]
    };
    let mut layers = half(port.stride, port.input).to_vec();
    layers.push(Layer::BatchNorm { channels: port.input, affine: port.norm.affine });
    layers.extend(half(1, port.output));
    layers.push(norm(port));
    layers
}

/// Dilated separable convolution of DARTS: ReLU, depthwise convolution of dilation 2, 1×1 convolution,
/// BatchNorm.
pub fn dil_conv(port: Port, kernel: usize) -> Vec<Layer> {
    vec![
        Layer::Relu,
        Layer::Conv(Conv::depthwise(port.input, kernel, port.stride, 2)),
        Layer::Conv(Conv::pointwise(port.input, port.output)),
        norm(port),
    ]
}
