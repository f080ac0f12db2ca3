//! The `MobileNetV3` of once-for-all networks.

use std::sync::Arc;

use super::{DEEPEST, EXPANSIONS, FIXED, KERNELS, KINDS, LAYERS, LEFT_OUT, RESOLUTIONS, STAGES, name};
use crate::error::SpaceError;
use crate::families::chain::Chains;
use crate::families::links::Links;
use crate::graph::OpId;
use crate::network::{
    CellNet, Conv, Join, Kernels, Layer, Network, NetworkBuilder, NetworkSize, Norm, OpTable, Port, Shape,
    Skeleton, SkeletonEntry, SkeletonSize, Union, UnitId, shared,
};

/// Published widths for a multiplier: of the stem and the first block, of the stages, and of the two last convolutions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Widths {
    stem: usize,
    stages: [usize; STAGES],
    last: [usize; 2],
}

/// Multiplier 1.
const PLAIN: Widths = Widths { stem: 16, stages: [24, 40, 80, 112, 160], last: [960, 1280] };
/// Multiplier 1.2, rounded to multiples of 8.
const WIDE: Widths = Widths { stem: 24, stages: [32, 48, 96, 136, 192], last: [1152, 1536] };

/// Stride of the first layer, activation (`false`: ReLU) and squeeze-and-excitation of each stage.
const STYLES: [(usize, Style); STAGES] = [
    (2, Style { hard_swish: false, squeeze: false }),
    (2, Style { hard_swish: false, squeeze: true }),
    (2, Style { hard_swish: true, squeeze: false }),
    (1, Style { hard_swish: true, squeeze: true }),
    (2, Style { hard_swish: true, squeeze: true }),
];

/// How the layers of a stage are built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Style {
    hard_swish: bool,
    squeeze: bool,
}

impl Style {
    fn activation(self) -> Layer {
        if self.hard_swish { Layer::HardSwish } else { Layer::Relu }
    }

    /// The name of a kind of layers in this style.
    fn of(self, kind: &str) -> String {
        let activation = if self.hard_swish { "hard-swish" } else { "relu" };
        format!("{kind}/{activation}{}", if self.squeeze { "+se" } else { "" })
    }
}

/// The `MobileNetV3` of once-for-all networks (Cai et al. 2020; mit-han-lab/once-for-all, `ofa_mbv3.py`).
///
/// Images are scaled to the resolution of the architecture: at 224 they stay as they are, elsewhere in proportion.
/// A 3×3 convolution of stride 2 and an inverted residual without expansion follow, five stages of inverted residuals, a
/// 1×1 convolution, global average pooling, another 1×1 convolution and a linear classifier.
///
/// [`Network::params`] and [`Network::macs`] are those of the release's networks, of which biases and BatchNorm cost no
/// multiply-adds.
///
/// Networks of one resolution share weights: expansions are the first channels of the largest, and kernels are made of
/// the middle of the next larger ones by learned matrices ([`Kernels`]). Each kind of layer has a BatchNorm of its own.
#[derive(Clone, Debug)]
pub struct OnceForAllSkeleton {
    /// Its size. Published width of the stem: 16, or 24 for the multiplier 1.2.
    pub size: NetworkSize,
    /// How smaller kernels are made of larger ones. Published: by learned matrices.
    pub kernels: Kernels,
    widths: Widths,
}

impl OnceForAllSkeleton {
    /// The published network: 16 channels, 3×224×224, 1000 classes.
    pub fn imagenet() -> Self {
        Self::of(PLAIN)
    }

    /// The published network with the width multiplier 1.2: 24 channels.
    pub fn wider() -> Self {
        Self::of(WIDE)
    }

    fn of(widths: Widths) -> Self {
        let image = Shape::square(3, FIXED);
        let size = NetworkSize { channels: widths.stem, image, classes: 1000, norm: Norm::DISCRETE };
        Self { size, kernels: Kernels::default(), widths }
    }

    fn sized(widths: Widths, size: &SkeletonSize) -> Self {
        let published = Self::of(widths);
        let kernels = size.kernels.unwrap_or(published.kernels);
        Self { size: published.size.sized(size), kernels, widths }
    }

    /// The network of multiplier 1, by name.
    pub const IMAGENET: SkeletonEntry = SkeletonEntry {
        name: "once-for-all",
        about: "MobileNetV3 of once-for-all networks; published: C = 16 after the stem",
        auxiliary: false,
        relaxable: false,
        make: &|size| Arc::new(Self::sized(PLAIN, size)),
    };

    /// The network of multiplier 1.2, by name.
    pub const WIDER: SkeletonEntry = SkeletonEntry {
        name: "once-for-all-1.2",
        about: "the same with the width multiplier 1.2; published: C = 24 after the stem",
        auxiliary: false,
        relaxable: false,
        make: &|size| Arc::new(Self::sized(WIDE, size)),
    };

    fn width(&self, published: usize) -> usize {
        self.size.width(published, self.widths.stem)
    }

    /// The cell that scales images to the resolution of the first link.
    fn scaled(&self, links: Links<'_>) -> Result<CellNet, SpaceError> {
        let Shape { height, width, .. } = self.size.image;
        let [op] = links.ops(0) else {
            let found = links.ops(0).len();
            return Err(SpaceError::network(format!(
                "{found} resolutions: networks share weights at one resolution only; search once-for-all-224, or train \
                 each from scratch"
            )));
        };
        let Some(&side) = RESOLUTIONS.get(Chains::position(*op)) else {
            return Err(SpaceError::network("the first operation must be a resolution"));
        };
        let scale = |pixels: usize| ((pixels * side + FIXED / 2) / FIXED).max(1);
        let layers = match side {
            FIXED => vec![],
            _ => vec![Layer::Resize { height: scale(height), width: scale(width) }],
        };
        links.graph(0, &[(0, 1, ())], |_, (), _| Ok(vec![layers.clone()]))
    }

    /// Adds the place of a layer.
    fn layer(
        &self,
        (net, links, ops): (&mut NetworkBuilder, Links<'_>, &OpTable),
        last: UnitId,
        place: usize,
    ) -> Result<UnitId, SpaceError> {
        let (stage, at) = (place / DEEPEST, place % DEEPEST);
        let (stride, style) = STYLES[stage];
        let stride = if at == 0 { stride } else { 1 };
        let before = net.shape(last);
        if stride > 1 {
            before.check_halving()?;
        }
        let output = self.width(self.widths.stages[stage]);
        let port = Port { input: before.channels, output, stride, norm: self.size.norm };
        let layers = |op: &OpId| match Chains::position(*op) {
            LEFT_OUT if port.keeps_shape() => Ok(Vec::new()),
            _ => ops.layers(&style.of(links.name(*op)), port),
        };
        let cell = links.graph(place + 1, &[(0, 1, ())], |_, (), ops| {
            Ok(shared(ops.iter().map(layers).collect::<Result<_, _>>()?, self.kernels))
        })?;
        net.cell(&format!("stage{stage}.layer{at}"), &[last], 0, cell)
    }
}

/// Convolution, BatchNorm, hard swish.
fn conv_bn_swish(conv: Conv) -> Vec<Layer> {
    vec![Layer::Conv(conv), Layer::BatchNorm { channels: conv.output, affine: true }, Layer::HardSwish]
}

/// The multiple of 8 next to a number, at least 8 and at least nine tenths of the number (`make_divisible`).
fn divisible(number: usize) -> usize {
    let near = ((number + 4) / 8 * 8).max(8);
    if 10 * near < 9 * number { near + 8 } else { near }
}

/// Inverted residual of `MobileNetV3` (Howard et al. 2019) with an expansion: squeeze-and-excitation, if there is any,
/// follows the activation of the depthwise convolution.
fn block(port: Port, (kernel, expansion): (usize, usize), style: Style) -> Vec<Layer> {
    let inner = expansion * port.input;
    let norm = |channels| Layer::BatchNorm { channels, affine: port.norm.affine };
    let mut layers = Vec::new();
    if expansion > 1 {
        layers.extend([Layer::Conv(Conv::pointwise(port.input, inner)), norm(inner), style.activation()]);
    }
    let depthwise = Conv::depthwise(inner, kernel, port.stride, 1);
    layers.extend([Layer::Conv(depthwise), norm(inner), style.activation()]);
    if style.squeeze {
        layers.push(Layer::SqueezeExcite { channels: inner, squeeze: divisible(inner / 4), hard: true });
    }
    layers.extend([Layer::Conv(Conv::pointwise(inner, port.output)), norm(port.output)]);
    if port.keeps_shape() {
        vec![Layer::Branches { join: Join::Sum, arms: vec![vec![], layers] }]
    } else {
        layers
    }
}

impl OpTable {
    /// The inverted residuals of once-for-all networks (Cai et al. 2020) in the four styles of their stages, for example
    /// `k5e4/hard-swish+se`.
    pub fn once_for_all() -> Self {
        let mut table = Self::new();
        for kind in (0..KINDS).map(super::Layer::at) {
            let sizes = (KERNELS[kind.kernel], EXPANSIONS[kind.expansion]);
            for hard_swish in [false, true] {
                for squeeze in [false, true] {
                    let style = Style { hard_swish, squeeze };
                    table = table.with(&style.of(&name(kind)), move |port| block(port, sizes, style));
                }
            }
        }
        table
    }
}

impl Skeleton for OnceForAllSkeleton {
    fn channels(&self) -> Option<usize> {
        Some(self.size.channels)
    }

    fn network(&self, union: &Union, ops: &OpTable) -> Result<Network, SpaceError> {
        let links = Links::of(union, "one chain of a resolution and 20 places of layers")?;
        self.size.check_channels()?;
        if links.len() != LAYERS + 1 {
            let found = links.len();
            return Err(SpaceError::network(format!("{found} operations; they must be {}", LAYERS + 1)));
        }
        let mut net = NetworkBuilder::new(self.size.image)?;
        let scaled = net.cell("resolution", &[0], 0, self.scaled(links)?)?;
        net.shape(scaled).check_halving()?;
        let stem = self.width(self.widths.stem);
        let conv = Conv::same(self.size.image.channels, stem, 3, 2);
        let mut last = net.layers("stem", scaled, conv_bn_swish(conv))?;
        let port = Port { input: stem, output: stem, stride: 1, norm: Norm::DISCRETE };
        last = net.layers("first", last, block(port, (3, 1), STYLES[0].1))?;
        for place in 0..LAYERS {
            last = self.layer((&mut net, links, ops), last, place)?;
        }
        let [expand, mix] = self.widths.last.map(|published| self.width(published));
        last =
            net.layers("expand", last, conv_bn_swish(Conv::pointwise(net.shape(last).channels, expand)))?;
        let mix = vec![Layer::GlobalAvgPool, Layer::Conv(Conv::pointwise(expand, mix)), Layer::HardSwish];
        last = net.layers("mix", last, mix)?;
        let head = net.classifier("classifier", last, self.size.classes)?;
        Ok(net.finish(head, None))
    }

    /// A layer costs as much as the resolution makes it.
    fn is_additive(&self) -> bool {
        false
    }
}
