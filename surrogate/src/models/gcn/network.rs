//! The graph network of BONAS, with a hand-written gradient.
//!
//! `H⁰ = X`, `Hˡ = ReLU(BN(Ã Hˡ⁻¹ Wˡ + bˡ))`. The embedding `φ` concatenates, over the cells, the global node's
//! row of the last layer; the prediction is `sigmoid(φᵀw + b)` (Shi et al., `NeurIPS`
//! 2020, and its published code). Batch norm is over all live rows of the batch.
//!
//! The gradient is written by hand rather than recorded, for speed: only the sums of `H⁰` are constant,
//! only global rows leave the last layer, and the biases `bˡ`, which batch norm cancels,
//! have a gradient of exactly zero. All parameters are views of one flat tensor, so that an
//! optimiser step takes few operations.
//!
//! Letters: `A` architectures, `C` cells each, `B = A C` graphs, `n` rows a graph, `M` live rows,
//! `F` label classes, `D` width, `L` layers.

use rand::{Rng, RngExt};
use tch::{Device, Kind, Tensor};

use super::graphs::{Graphs, Layout};
use super::tensors::SavedTensor;
use crate::SurrogateError;

const EPS: f64 = 1e-5;
const MOMENTUM: f64 = 0.1;

/// Sizes of a [`Gcn`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct GcnShape {
    /// Label classes of the graphs, `F`: the length of the vocabulary.
    pub classes: usize,
    /// Cells per architecture, `C`.
    pub cells: usize,
    /// Units per layer, `D`.
    pub width: usize,
    /// Layers, `L`.
    pub depth: usize,
}

impl GcnShape {
    /// Names, offsets and sizes of the parameters in the flat tensor.
    fn parameters(self) -> Vec<(String, Vec<i64>)> {
        let d = self.width as i64;
        let mut list = Vec::new();
        for layer in 1..=self.depth {
            let input = if layer == 1 { self.classes as i64 } else { d };
            list.push((format!("gc{layer}.weight"), vec![input, d]));
            list.push((format!("gc{layer}.bias"), vec![d]));
            list.push((format!("bn{layer}.weight"), vec![d]));
            list.push((format!("bn{layer}.bias"), vec![d]));
        }
        list.push(("fc.weight".into(), vec![1, d * self.cells as i64]));
        list.push(("fc.bias".into(), vec![1]));
        list
    }

    /// Number of parameters: `F D + (L-1) D² + 3 L D + C D + 1`.
    pub fn parameter_count(self) -> usize {
        self.parameters().iter().map(|(_, shape)| shape.iter().product::<i64>() as usize).sum()
    }

    fn check(self) -> Result<(), SurrogateError> {
        if [self.classes, self.cells, self.width, self.depth].contains(&0) {
            return Err(SurrogateError::setting(
                "GCN shape",
                format!("{self:?}"),
                "at least 1 in every size",
            ));
        }
        Ok(())
    }
}

/// A graph convolutional network. See the module for the formula.
#[derive(Debug)]
pub struct Gcn {
    shape: GcnShape,
    flat: Tensor,
    layers: Vec<Layer>,
    head: (Tensor, Tensor),
}

/// A [`Gcn`] as it is saved: parameters, and the running means and variances of each layer.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct SavedGcn {
    shape: GcnShape,
    flat: SavedTensor,
    statistics: Vec<SavedTensor>,
}

impl SavedGcn {
    pub(super) fn of(gcn: &Gcn) -> Result<Self, SurrogateError> {
        let statistics =
            gcn.statistics().iter().map(|(_, tensor)| SavedTensor::of(tensor)).collect::<Result<_, _>>()?;
        Ok(Self { shape: gcn.shape, flat: SavedTensor::of(&gcn.flat)?, statistics })
    }

    /// The network on the CPU.
    pub(super) fn network(&self) -> Result<Gcn, SurrogateError> {
        self.shape.check()?;
        let gcn = Gcn::from_flat(self.shape, self.flat.tensor(&[self.shape.parameter_count() as i64])?);
        let own = gcn.statistics();
        if own.len() != self.statistics.len() {
            return Err(SurrogateError::file("running statistics are missing; save the model again"));
        }
        for ((_, mut to), saved) in own.into_iter().zip(&self.statistics) {
            to.copy_(&saved.tensor(&[self.shape.width as i64])?);
        }
        Ok(gcn)
    }
}

/// Views of a layer's parameters, and its running statistics.
#[derive(Debug)]
struct Layer {
    weight: Tensor,       // [in, D]
    bias: Tensor,         // [D]
    scale: Tensor,        // [D]
    shift: Tensor,        // [D]
    running_mean: Tensor, // [D]
    running_var: Tensor,  // [D]
}

/// Intermediate results of a training pass, for the gradient.
pub(super) struct Trace {
    layout: Layout,
    layers: Vec<LayerTrace>,
    embedding: Tensor, // [A, C D]
    /// Predicted scores, `[A]`.
    pub(super) prediction: Tensor,
}

struct LayerTrace {
    sums: Tensor,       // [M, in]
    normal: Tensor,     // [M, D], zero mean and unit variance
    inverse_sd: Tensor, // [D]
    output: Tensor,     // [M, D]; of the last layer [B, D]
}

impl Gcn {
    /// A network with fresh weights: convolutions uniform in ±0.05, their biases in ±1/√D, the
    /// head in ±1/√(C D), batch norm at 1 and 0. Drawn in the order of [`Gcn::parameters`].
    ///
    /// # Errors
    /// [`SurrogateError::Setting`] for a size of 0, a kind other than `Float` and `Double`, or a
    /// device that does not exist.
    pub fn new(
        shape: GcnShape,
        (kind, device): (Kind, Device),
        rng: &mut dyn Rng,
    ) -> Result<Self, SurrogateError> {
        shape.check()?;
        check_place(kind, device)?;
        let mut values = Vec::with_capacity(shape.parameter_count());
        for (name, size) in shape.parameters() {
            let count = size.iter().product::<i64>() as usize;
            let bound = match name.split_once('.') {
                Some(("fc", _)) => 1.0 / ((shape.width * shape.cells) as f64).sqrt(),
                Some((part, "weight")) if part.starts_with("gc") => 0.05,
                Some((part, _)) if part.starts_with("gc") => 1.0 / (shape.width as f64).sqrt(),
                Some((_, "weight")) => {
                    values.extend(std::iter::repeat_n(1.0, count));
                    continue;
                }
                _ => 0.0,
            };
            values.extend((0..count).map(|_| bound * (2.0 * rng.random::<f64>() - 1.0)));
        }
        let flat = Tensor::from_slice(&values).to_kind(kind).to_device(device);
        Ok(Self::from_flat(shape, flat))
    }

    pub(super) fn from_flat(shape: GcnShape, flat: Tensor) -> Self {
        let views = views(shape, &flat);
        let d = shape.width as i64;
        let options = (flat.kind(), flat.device());
        let layers = views[..4 * shape.depth]
            .chunks(4)
            .map(|p| Layer {
                weight: p[0].shallow_clone(),
                bias: p[1].shallow_clone(),
                scale: p[2].shallow_clone(),
                shift: p[3].shallow_clone(),
                running_mean: Tensor::zeros([d], options),
                running_var: Tensor::ones([d], options),
            })
            .collect();
        let head = (views[4 * shape.depth].shallow_clone(), views[4 * shape.depth + 1].shallow_clone());
        Self { shape, flat, layers, head }
    }

    /// Sizes of the network.
    pub fn shape(&self) -> GcnShape {
        self.shape
    }

    /// Kind and device of the parameters.
    pub fn place(&self) -> (Kind, Device) {
        (self.flat.kind(), self.flat.device())
    }

    /// Parameters by name, as views: layer by layer `gcℓ.weight [in, D]`, `gcℓ.bias [D]`,
    /// `bnℓ.weight [D]`, `bnℓ.bias [D]`, then `fc.weight [1, C D]` and `fc.bias [1]`.
    pub fn parameters(&self) -> Vec<(String, Tensor)> {
        self.shape.parameters().into_iter().map(|(name, _)| name).zip(views(self.shape, &self.flat)).collect()
    }

    /// Running means and variances of batch norm by name, as views: `bnℓ.running_mean [D]`,
    /// `bnℓ.running_var [D]`.
    pub fn statistics(&self) -> Vec<(String, Tensor)> {
        let pair = |(i, layer): (usize, &Layer)| {
            let name = |what: &str| format!("bn{}.running_{what}", i + 1);
            [
                (name("mean"), layer.running_mean.shallow_clone()),
                (name("var"), layer.running_var.shallow_clone()),
            ]
        };
        self.layers.iter().enumerate().flat_map(pair).collect()
    }

    /// All parameters, `[parameter_count]`.
    pub(super) fn flat(&self) -> Tensor {
        self.flat.shallow_clone()
    }

    /// Embedding `[A, C D]` and predicted scores `[A]` with the running statistics.
    ///
    /// # Errors
    /// [`SurrogateError::Data`] if the graphs have other label classes or numbers of cells.
    pub fn infer(&self, graphs: &Graphs) -> Result<(Tensor, Tensor), SurrogateError> {
        self.check(graphs)?;
        let layout = graphs.layout();
        let mut sums = layout.pack(&graphs.summed); // [M, F]
        for (l, layer) in self.layers.iter().enumerate() {
            let last = l + 1 == self.layers.len();
            let sums_here = if last { layout.globals(&sums) } else { sums.shallow_clone() }; // [M or B, in]
            let factor = &layer.scale / (&layer.running_var + EPS).sqrt(); // [D]
            let weight = &layer.weight * &factor; // [in, D]
            let bias = (&layer.bias - &layer.running_mean) * &factor + &layer.shift; // [D]
            let output = bias.addmm(&sums_here, &weight).relu_(); // [M or B, D]
            sums = if last { output } else { layout.pack(&graphs.adjacency.bmm(&layout.unpack(&output))) };
        }
        Ok(self.read_out(&sums))
    }

    /// A training pass, which uses batch statistics and updates the running ones.
    pub(super) fn forward(&self, graphs: &Graphs) -> Trace {
        let layout = graphs.layout();
        let mut layers: Vec<LayerTrace> = Vec::with_capacity(self.layers.len());
        for (l, layer) in self.layers.iter().enumerate() {
            let sums = match layers.last() {
                None => layout.pack(&graphs.summed), // [M, F]
                Some(below) => layout.pack(&graphs.adjacency.bmm(&layout.unpack(&below.output))), // [M, D]
            };
            let (normal, inverse_sd) = layer.normalise(&sums);
            let read =
                if l + 1 == self.layers.len() { layout.globals(&normal) } else { normal.shallow_clone() };
            let output = layer.shift.addcmul(&read, &layer.scale).relu_(); // [M, D] or [B, D]
            layers.push(LayerTrace { sums, normal, inverse_sd, output });
        }
        let top = layers.last().map_or_else(|| graphs.summed.shallow_clone(), |l| l.output.shallow_clone());
        let (embedding, prediction) = self.read_out(&top);
        Trace { layout, layers, embedding, prediction }
    }

    /// Gradient of a loss with derivative `slope [A]` by the predictions; overwrites `gradient`
    /// (`[parameter_count]`).
    pub(super) fn backward(&self, graphs: &Graphs, trace: &Trace, slope: &Tensor, gradient: &Tensor) {
        let mut into = views(self.shape, gradient);
        let logit_slope = Tensor::sigmoid_backward(slope, &trace.prediction).unsqueeze(1); // [A, 1]
        let depth = self.shape.depth;
        let _ = logit_slope.tr().mm_out(&into[4 * depth], &trace.embedding); // [1, C D]
        into[4 * depth + 1].copy_(&logit_slope.sum_dim_intlist([0i64].as_slice(), false, None));
        let mut output_slope = logit_slope.mm(&self.head.0).view([-1, self.shape.width as i64]); // [B, D]
        for (l, (layer, traced)) in self.layers.iter().zip(&trace.layers).enumerate().rev() {
            let top = (l + 1 == depth).then_some(&trace.layout);
            let sum_slope = layer.backward(traced, &output_slope, top, &mut into[4 * l..4 * l + 4]);
            if l == 0 {
                break;
            }
            let back = sum_slope.mm(&layer.weight.tr()); // [M, D]
            let back = graphs.adjacency.transpose(1, 2).bmm(&trace.layout.unpack(&back)); // [B, n, D]
            output_slope = trace.layout.pack(&back); // [M, D]
        }
    }

    /// Embedding `[A, C D]` and predictions `[A]` from the global rows `[B, D]`.
    fn read_out(&self, globals: &Tensor) -> (Tensor, Tensor) {
        let embedding = globals.reshape([-1, (self.shape.cells * self.shape.width) as i64]); // [A, C D]
        let prediction = self.head.1.addmm(&embedding, &self.head.0.tr()).sigmoid_().squeeze_dim(1); // [A]
        (embedding, prediction)
    }

    pub(super) fn check(&self, graphs: &Graphs) -> Result<(), SurrogateError> {
        if (graphs.classes, graphs.cells) == (self.shape.classes, self.shape.cells) {
            return Ok(());
        }
        let reason = format!(
            "graphs with {} cells of {} label classes, but the network was made for {} of {}",
            graphs.cells, graphs.classes, self.shape.cells, self.shape.classes
        );
        Err(SurrogateError::data("gcn", reason))
    }
}

impl Layer {
    /// `Ã H [M, in]` to the normalised `[M, D]` and `1 / sd [D]`.
    fn normalise(&self, sums: &Tensor) -> (Tensor, Tensor) {
        let linear = self.bias.addmm(sums, &self.weight); // [M, D]
        let (normal, _, inverse_sd) = linear.native_batch_norm(
            None::<&Tensor>,
            None::<&Tensor>,
            Some(&self.running_mean),
            Some(&self.running_var),
            true,
            MOMENTUM,
            EPS,
        );
        (normal, inverse_sd)
    }

    /// From the slope by the layer's output (`[M, D]`, or `[B, D]` of the global rows with `top`)
    /// to that by `Ã H W`, `[M, D]`; writes the slopes by weight, bias, scale and shift.
    ///
    /// With `x̂` the normalised rows, `r` the slope by `x̂ γ + β`, `σ = γ / sd`:
    /// `dβ = Σ r`, `dγ = Σ r x̂`, slope `= σ (r - dβ/M - x̂ dγ/M)`, whose sum, `db`, is zero.
    fn backward(
        &self,
        trace: &LayerTrace,
        output_slope: &Tensor,
        top: Option<&Layout>,
        into: &mut [Tensor],
    ) -> Tensor {
        let rows = trace.normal.size()[0] as f64;
        let relu = trace.output.threshold_backward(output_slope, 0.0); // [M, D] or [B, D]
        let read = top.map_or_else(|| trace.normal.shallow_clone(), |layout| layout.globals(&trace.normal));
        let shift_slope = relu.sum_dim_intlist([0i64].as_slice(), false, None); // [D]
        let scale_slope = (&relu * &read).sum_dim_intlist([0i64].as_slice(), false, None); // [D]
        let (offset, factor) = (&shift_slope / -rows, &scale_slope / -rows); // [D], [D]
        let mut slope = offset.addcmul(&trace.normal, &factor); // [M, D]
        let _ = match top {
            Some(layout) => layout.globals(&slope).g_add_(&relu),
            None => slope.g_add_(&relu),
        };
        let _ = slope.g_mul_(&(&self.scale * &trace.inverse_sd));
        let _ = trace.sums.tr().mm_out(&into[0], &slope); // [in, D]
        let _ = into[1].zero_();
        into[2].copy_(&scale_slope);
        into[3].copy_(&shift_slope);
        slope
    }
}

/// Views of a flat tensor, one per parameter.
fn views(shape: GcnShape, flat: &Tensor) -> Vec<Tensor> {
    let mut start = 0;
    let mut view = |size: &[i64]| {
        let count = size.iter().product::<i64>();
        start += count;
        flat.narrow(0, start - count, count).view(size)
    };
    shape.parameters().iter().map(|(_, size)| view(size)).collect()
}

/// Refuses kinds and devices that cannot be used.
pub(super) fn check_place(kind: Kind, device: Device) -> Result<(), SurrogateError> {
    if !matches!(kind, Kind::Float | Kind::Double) {
        return Err(SurrogateError::setting("kind", format!("{kind:?}"), "Float or Double"));
    }
    match device {
        Device::Cuda(i) if (i as i64) >= tch::Cuda::device_count() => {
            Err(SurrogateError::setting("device", format!("cuda:{i}"), "a device that libtorch can see"))
        }
        _ => Ok(()),
    }
}
