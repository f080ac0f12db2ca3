//! A small multi-layer perceptron on sparse 0/1 inputs, trained by Adam on the absolute error.
//!
//! Letters: B examples of a step, W width, D inputs.

use rand::Rng;
use rand::seq::SliceRandom;
use rand_distr::{Distribution, StandardNormal};

use super::MlpParams;

/// Adam's constants (Kingma and Ba, ICLR 2015).
const BETA: (f32, f32) = (0.9, 0.999);
const EPSILON: f32 = 1e-8;

/// A dense layer `y = x W + b`; `weights` is `[inputs, outputs]`, row after row.
#[derive(Clone, Debug)]
struct Layer {
    inputs: usize,
    outputs: usize,
    weights: Vec<f32>,
    bias: Vec<f32>,
}

impl Layer {
    /// Weights drawn as He et al. (ICCV 2015): `N(0, 2 / inputs)`, biases 0.
    fn new(inputs: usize, outputs: usize, rng: &mut dyn Rng) -> Self {
        let scale = (2.0 / inputs as f64).sqrt();
        let mut draw = || (scale * Distribution::<f64>::sample(&StandardNormal, rng)) as f32;
        let weights = (0..inputs * outputs).map(|_| draw()).collect();
        Self { inputs, outputs, weights, bias: vec![0.0; outputs] }
    }

    fn zeros(&self) -> Self {
        let (weights, bias) = (vec![0.0; self.weights.len()], vec![0.0; self.bias.len()]);
        Self { inputs: self.inputs, outputs: self.outputs, weights, bias }
    }

    fn row(&self, input: usize) -> &[f32] {
        &self.weights[input * self.outputs..(input + 1) * self.outputs]
    }

    fn row_mut(&mut self, input: usize) -> &mut [f32] {
        &mut self.weights[input * self.outputs..(input + 1) * self.outputs]
    }

    fn values_mut(&mut self) -> impl Iterator<Item = &mut f32> {
        self.weights.iter_mut().chain(&mut self.bias)
    }

    fn values(&self) -> impl Iterator<Item = &f32> {
        self.weights.iter().chain(&self.bias)
    }
}

/// `to += factor · from`.
fn add(to: &mut [f32], factor: f32, from: &[f32]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += factor * from;
    }
}

/// A network: layers of `width` with ReLU, then one output.
#[derive(Clone, Debug)]
pub(super) struct Net {
    layers: Vec<Layer>,
}

/// What every layer gave for one example, after its ReLU.
type Trace = Vec<Vec<f32>>;

impl Net {
    pub(super) fn new(inputs: usize, params: &MlpParams, rng: &mut dyn Rng) -> Self {
        let mut layers = vec![Layer::new(inputs, params.width, rng)];
        layers.extend((1..params.layers).map(|_| Layer::new(params.width, params.width, rng)));
        layers.push(Layer::new(params.width, 1, rng));
        Self { layers }
    }

    /// The output for an example whose inputs `ones` are 1 and all others 0.
    pub(super) fn output(&self, ones: &[u32]) -> f32 {
        let mut trace = self.trace();
        self.forward(ones, &mut trace);
        trace[self.layers.len() - 1][0]
    }

    fn trace(&self) -> Trace {
        self.layers.iter().map(|layer| vec![0.0; layer.outputs]).collect()
    }

    fn forward(&self, ones: &[u32], trace: &mut Trace) {
        let last = self.layers.len() - 1;
        for (i, layer) in self.layers.iter().enumerate() {
            let (before, after) = trace.split_at_mut(i);
            let out = &mut after[0];
            out.copy_from_slice(&layer.bias);
            match before.last() {
                None => ones.iter().for_each(|&one| add(out, 1.0, layer.row(one as usize))),
                Some(input) => {
                    for (unit, &x) in input.iter().enumerate().filter(|(_, x)| **x != 0.0) {
                        add(out, x, layer.row(unit));
                    }
                }
            }
            if i < last {
                out.iter_mut().for_each(|y| *y = y.max(0.0));
            }
        }
    }

    /// Adds the gradient of `slope · output` to `gradient`.
    fn backward(&self, ones: &[u32], trace: &Trace, slope: f32, gradient: &mut [Layer]) {
        let mut delta = vec![slope]; // by the layer's result before its ReLU
        for (i, layer) in self.layers.iter().enumerate().rev() {
            add(&mut gradient[i].bias, 1.0, &delta);
            let Some(before) = i.checked_sub(1) else {
                ones.iter().for_each(|&one| add(gradient[i].row_mut(one as usize), 1.0, &delta));
                return;
            };
            let input = &trace[before];
            let mut next = vec![0.0; input.len()];
            for (unit, &x) in input.iter().enumerate().filter(|(_, x)| **x > 0.0) {
                add(gradient[i].row_mut(unit), x, &delta);
                next[unit] = layer.row(unit).iter().zip(&delta).map(|(w, d)| w * d).sum();
            }
            delta = next;
        }
    }

    /// Trains on examples and targets: `epochs` passes in random order, steps of `batch`.
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
        let zeros = || layers.iter().map(Layer::zeros).collect();
        Self { rate, steps: 0, gradient: zeros(), mean: zeros(), square: zeros() }
    }

    /// Moves the layers by the gradient gathered, which is zero afterwards.
    fn step(&mut self, layers: &mut [Layer]) {
        self.steps += 1;
        let unbias = (1.0 - BETA.0.powi(self.steps), 1.0 - BETA.1.powi(self.steps));
        let rate = self.rate * unbias.1.sqrt() / unbias.0;
        let epsilon = EPSILON * unbias.1.sqrt();
        let moments = self.mean.iter_mut().zip(&mut self.square);
        for ((layer, gradient), (mean, square)) in layers.iter_mut().zip(&mut self.gradient).zip(moments) {
            let values = layer.values_mut().zip(gradient.values_mut());
            for ((value, g), (m, v)) in values.zip(mean.values_mut().zip(square.values_mut())) {
                *m = BETA.0 * *m + (1.0 - BETA.0) * *g;
                *v = BETA.1 * *v + (1.0 - BETA.1) * *g * *g;
                *value -= rate * *m / (v.sqrt() + epsilon);
                *g = 0.0;
            }
        }
    }
}

impl Net {
    /// Whether every weight is a number.
    pub(super) fn is_finite(&self) -> bool {
        self.layers.iter().all(|layer| layer.values().all(|value| value.is_finite()))
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
        let mut gradient: Vec<Layer> = net.layers.iter().map(Layer::zeros).collect();
        net.backward(&ones, &trace, 1.0, &mut gradient);
        let h = 1e-2;
        let mut checked = 0;
        for (l, layer) in gradient.iter().enumerate() {
            for (i, &slope) in layer.values().enumerate() {
                let moved = |by: f32| {
                    let mut moved = net.clone();
                    *moved.layers[l].values_mut().nth(i).unwrap() += by;
                    moved.output(&ones)
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
        let error = |(ones, target): (&Vec<u32>, &f32)| (net.output(ones) - target).abs();
        let worst = examples.iter().zip(&targets).map(error).fold(0.0, f32::max);
        assert!(worst < 0.2 && net.is_finite(), "{worst}");
    }
}
