//! A small multi-layer perceptron on sparse 0/1 inputs, trained by Adam on the absolute error.

use rand::Rng;
use rand::seq::SliceRandom;
use rand_distr::{Distribution, StandardNormal};

use super::MlpParams;

/// Adam's constants (Kingma and Ba, ICLR 2015).
const BETA: (f32, f32) = (0.9, 0.999);
const EPSILON: f32 = 1e-8;

/// Layers are padded to a multiple of this number of outputs, so that the loops unroll. Padded units stay zero:
/// they output 0, and ReLU passes no gradient at 0.
const LANES: usize = 8;

/// A dense layer `y = x W + b`; `values` is `[inputs + 1, outputs]` in row-major order, with `b` as the last row.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
struct Layer {
    inputs: usize,
    /// Number of outputs, padded.
    outputs: usize,
    values: Vec<f32>,
}

impl Layer {
    /// A layer with weights `N(0, 2 / inputs)` (He et al., ICCV 2015) and biases 0.
    fn new(inputs: usize, outputs: usize, rng: &mut dyn Rng) -> Self {
        let mut layer = Self::zeros(inputs, outputs.next_multiple_of(LANES));
        let scale = (2.0 / inputs as f64).sqrt();
        for input in 0..inputs {
            for weight in &mut layer.row_mut(input)[..outputs] {
                *weight = (scale * Distribution::<f64>::sample(&StandardNormal, rng)) as f32;
            }
        }
        layer
    }

    fn zeros(inputs: usize, outputs: usize) -> Self {
        Self { inputs, outputs, values: vec![0.0; (inputs + 1) * outputs] }
    }

    fn row(&self, input: usize) -> &[f32] {
        &self.values[input * self.outputs..(input + 1) * self.outputs]
    }

    fn row_mut(&mut self, input: usize) -> &mut [f32] {
        &mut self.values[input * self.outputs..(input + 1) * self.outputs]
    }

    fn bias(&self) -> &[f32] {
        self.row(self.inputs)
    }
}

/// `to += factor · from`; the lengths are multiples of [`LANES`].
fn add(to: &mut [f32], factor: f32, from: &[f32]) {
    for (to, from) in to.chunks_exact_mut(LANES).zip(from.chunks_exact(LANES)) {
        for lane in 0..LANES {
            to[lane] += factor * from[lane];
        }
    }
}

/// Inner product of lists whose length is a multiple of [`LANES`].
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0_f32; LANES];
    for (a, b) in a.chunks_exact(LANES).zip(b.chunks_exact(LANES)) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum()
}

/// A network: layers of `width` with ReLU, then one output.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Net {
    layers: Vec<Layer>,
}

/// Outputs of each layer for one example, after its ReLU.
type Trace = Vec<Vec<f32>>;

impl Net {
    pub(super) fn new(inputs: usize, params: &MlpParams, rng: &mut dyn Rng) -> Self {
        let mut layers = vec![Layer::new(inputs, params.width, rng)];
        layers.extend((1..params.layers).map(|_| Layer::new(params.width, params.width, rng)));
        layers.push(Layer::new(params.width, 1, rng));
        Self { layers }
    }

    /// The outputs for examples, each given by the inputs that are 1.
    pub(super) fn outputs(&self, examples: &[Vec<u32>]) -> Vec<f32> {
        let mut trace = self.trace();
        let mut output = |ones: &Vec<u32>| {
            self.forward(ones, &mut trace);
            trace[self.layers.len() - 1][0]
        };
        examples.iter().map(&mut output).collect()
    }

    fn trace(&self) -> Trace {
        self.layers.iter().map(|layer| vec![0.0; layer.outputs]).collect()
    }

    fn forward(&self, ones: &[u32], trace: &mut Trace) {
        let last = self.layers.len() - 1;
        for (i, layer) in self.layers.iter().enumerate() {
            let (before, after) = trace.split_at_mut(i);
            let out = &mut after[0];
            out.copy_from_slice(layer.bias());
            match before.last() {
                None => ones.iter().for_each(|&one| add(out, 1.0, layer.row(one as usize))),
                Some(input) => {
                    for (unit, &x) in input[..layer.inputs].iter().enumerate().filter(|(_, x)| **x != 0.0) {
                        add(out, x, layer.row(unit));
                    }
                }
            }
            if i < last {
                for y in out.iter_mut() {
                    *y = y.max(0.0);
                }
            }
        }
    }

    /// Adds the gradient of `slope · output` to `gradient`.
    fn backward(&self, ones: &[u32], trace: &Trace, slope: f32, gradient: &mut [Layer]) {
        let mut delta = vec![0.0; LANES]; // by the layer's result before its ReLU
        delta[0] = slope;
        for (i, layer) in self.layers.iter().enumerate().rev() {
            add(gradient[i].row_mut(layer.inputs), 1.0, &delta);
            let Some(before) = i.checked_sub(1) else {
                for &one in ones {
                    add(gradient[i].row_mut(one as usize), 1.0, &delta);
                }
                return;
            };
            let input = &trace[before];
            let mut next = vec![0.0; input.len()];
            for (unit, &x) in input[..layer.inputs].iter().enumerate().filter(|(_, x)| **x > 0.0) {
                add(gradient[i].row_mut(unit), x, &delta);
                next[unit] = dot(layer.row(unit), &delta);
            }
            delta = next;
        }
    }

    /// Trains on examples and targets for `epochs` passes in random order, `batch` examples per step.
    pub(super) fn train(
        &mut self,
        examples: &[Vec<u32>],
        targets: &[f32],
        params: &MlpParams,
        rng: &mut dyn Rng,
    ) {
        let mut adam = Adam::new(&self.layers, params.learning_rate as f32);
        let mut order: Vec<usize> = (0..examples.len()).collect();
        let mut trace = self.trace();
        for _ in 0..params.epochs {
            order.shuffle(rng);
            for batch in order.chunks(params.batch) {
                for &i in batch {
                    self.forward(&examples[i], &mut trace);
                    let error = trace[self.layers.len() - 1][0] - targets[i];
                    let slope = if error == 0.0 { 0.0 } else { error.signum() } / batch.len() as f32;
                    self.backward(&examples[i], &trace, slope, &mut adam.gradient);
                }
                adam.step(&mut self.layers);
            }
        }
    }
}

struct Adam {
    rate: f32,
    steps: i32,
    gradient: Vec<Layer>,
    mean: Vec<Layer>,
    square: Vec<Layer>,
}

impl Adam {
    fn new(layers: &[Layer], rate: f32) -> Self {
        let zeros = || layers.iter().map(|layer| Layer::zeros(layer.inputs, layer.outputs)).collect();
        Self { rate, steps: 0, gradient: zeros(), mean: zeros(), square: zeros() }
    }

    /// Moves the layers by the accumulated gradient and resets it to zero.
    fn step(&mut self, layers: &mut [Layer]) {
        self.steps += 1;
        let unbias = (1.0 - BETA.0.powi(self.steps), 1.0 - BETA.1.powi(self.steps));
        let rate = self.rate * unbias.1.sqrt() / unbias.0;
        let epsilon = EPSILON * unbias.1.sqrt();
        let moments = self.mean.iter_mut().zip(&mut self.square);
        for ((layer, gradient), (mean, square)) in layers.iter_mut().zip(&mut self.gradient).zip(moments) {
            let values = layer.values.iter_mut().zip(&mut gradient.values);
            for ((value, g), (m, v)) in values.zip(mean.values.iter_mut().zip(&mut square.values)) {
                *m = BETA.0 * *m + (1.0 - BETA.0) * *g;
                *v = BETA.1 * *v + (1.0 - BETA.1) * *g * *g;
                *value -= rate * *m / (v.sqrt() + epsilon);
                *g = 0.0;
            }
        }
    }
}

impl Net {
    /// Whether every weight is finite.
    pub(super) fn is_finite(&self) -> bool {
        self.layers.iter().all(|layer| layer.values.iter().all(|value| value.is_finite()))
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn net() -> Net {
        let params = MlpParams { layers: 3, width: 5, ..MlpParams::default() };
        Net::new(4, &params, &mut ChaCha8Rng::seed_from_u64(3))
    }

    #[test]
    fn gradients_are_finite_differences() {
        let (net, ones) = (net(), [0, 2]);
        let mut trace = net.trace();
        net.forward(&ones, &mut trace);
        let mut gradient: Vec<Layer> = net.layers.iter().map(|l| Layer::zeros(l.inputs, l.outputs)).collect();
        net.backward(&ones, &trace, 1.0, &mut gradient);
        let h = 1e-2;
        let mut checked = 0;
        for (l, layer) in gradient.iter().enumerate() {
            for (i, &slope) in layer.values.iter().enumerate() {
                let moved = |by: f32| {
                    let mut moved = net.clone();
                    moved.layers[l].values[i] += by;
                    moved.outputs(&[ones.to_vec()])[0]
                };
                let numeric = (moved(h) - moved(-h)) / (2.0 * h);
                assert!(
                    (numeric - slope).abs() < 2e-2 * slope.abs().max(1.0),
                    "layer {l} value {i}: {numeric} {slope}"
                );
                checked += usize::from(slope != 0.0);
            }
        }
        assert!(checked > 20, "{checked} gradients are not zero");
    }

    #[test]
    fn it_learns_a_sum() {
        let mut net = net();
        let examples: Vec<Vec<u32>> =
            (0..16).map(|i| (0..4).filter(|bit| i >> bit & 1 == 1).collect()).collect();
        let targets: Vec<f32> = (0..16).map(|i| i as f32 / 8.0 - 1.0).collect();
        let params = MlpParams { epochs: 500, batch: 4, ..MlpParams::default() };
        net.train(&examples, &targets, &params, &mut ChaCha8Rng::seed_from_u64(1));
        let error =
            |(ones, target): (&Vec<u32>, &f32)| (net.outputs(std::slice::from_ref(ones))[0] - target).abs();
        let worst = examples.iter().zip(&targets).map(error).fold(0.0, f32::max);
        assert!(worst < 0.2 && net.is_finite(), "{worst}");
    }
}
