//! Graph networks that pass messages along edges and against them; several networks in one tensor.
//!
//! Letters: `K` networks (members), `A` architectures, `C` cells each, `B = A C` graphs, `n` rows a
//! graph, `F` label classes, `D` structural counts, `W` width.
//!
//! `h⁰ = X W₀`; `hˡ = hˡ⁻¹ + ReLU(LN([hˡ⁻¹, P hˡ⁻¹, S hˡ⁻¹] Wˡ))`, where `P` averages over the predecessors
//! of a node and `S` over its successors, and `LN` is layer norm with scale and shift. The read-out of a graph is
//! `[Σ hᴸ / 4, mean hᴸ, hᴸ at the output]`; that of an architecture concatenates those of its cells. Then
//! `φ = ReLU(read-out R + counts Q + b)`, and the prediction is `φᵀ w + c`.

use bonas_spaces::{Architecture, OpGraph, Role};
use ndarray::Array2;
use rand::Rng;
use rand_distr::{Distribution, StandardNormal};
use tch::{Device, Kind, Tensor};

use super::graphs::{check_alike, class};
use super::tensors::SavedTensor;
use crate::SurrogateError;

/// Divisor of the sum over nodes, which makes it about as large as their mean.
const NODES: f64 = 4.0;

/// Architectures encoded for [`Nets`].
#[derive(Debug)]
pub(super) struct DirectedGraphs {
    cells: usize,
    /// Label classes, one-hot, `[B, n, F]`; zero in rows without a node.
    labels: Tensor,
    /// `P` and `S`, `[B, n, n]`.
    predecessors: Tensor,
    successors: Tensor,
    /// Weights of the read-outs, `[B, 3, n]`: a quarter for each node, one over the number of nodes, and 1 for the
    /// output.
    read_out: Tensor,
    /// Scaled structural counts, `[A, D]`.
    counts: Tensor,
}

impl DirectedGraphs {
    /// Encodes at least one architecture by its pruned graphs, with its counts `[A, D]`.
    pub(super) fn encode(
        architectures: &[&Architecture],
        counts: &Array2<f32>,
        device: Device,
    ) -> Result<Self, SurrogateError> {
        let first = check_alike(architectures)?;
        let vocabulary = first.vocabulary();
        let graphs: Vec<&OpGraph> = architectures.iter().flat_map(|a| a.op_graphs()).collect();
        let (rows, classes) = (graphs.iter().map(|g| g.len()).max().unwrap_or(0).max(1), vocabulary.len());
        let (square, b) = (rows * rows, graphs.len());
        let mut labels = vec![0f32; b * rows * classes];
        let (mut before, mut after) = (vec![0f32; b * square], vec![0f32; b * square]);
        let mut read_out = vec![0f32; b * 3 * rows];
        for (i, graph) in graphs.iter().enumerate() {
            let read = &mut read_out[i * 3 * rows..(i + 1) * 3 * rows];
            for (v, op) in graph.labels().enumerate() {
                labels[(i * rows + v) * classes + class(op, vocabulary)] = 1.0;
                read[v] = 1.0 / NODES as f32;
                read[rows + v] = 1.0 / graph.len() as f32;
                read[2 * rows + v] = f32::from(u8::from(vocabulary.role(op) == Role::Output));
            }
            let (before, after) =
                (&mut before[i * square..(i + 1) * square], &mut after[i * square..(i + 1) * square]);
            for (from, to) in graph.edges() {
                before[to * rows + from] += 1.0;
                after[from * rows + to] += 1.0;
            }
            before.chunks_mut(rows).chain(after.chunks_mut(rows)).for_each(average);
        }
        let tensor = |values: &[f32], shape: [usize; 3]| {
            Tensor::from_slice(values).view(shape.map(|size| size as i64)).to_device(device)
        };
        let standard = counts.as_standard_layout();
        let flat = Tensor::from_slice(standard.as_slice().unwrap_or_default());
        Ok(Self {
            cells: first.cells().len(),
            labels: tensor(&labels, [b, rows, classes]),
            predecessors: tensor(&before, [b, rows, rows]),
            successors: tensor(&after, [b, rows, rows]),
            read_out: tensor(&read_out, [b, 3, rows]),
            counts: flat.view([counts.nrows() as i64, counts.ncols() as i64]).to_device(device),
        })
    }

    pub(super) fn len(&self) -> usize {
        self.counts.size()[0] as usize
    }

    /// Some of the architectures.
    pub(super) fn select(&self, places: &[i64]) -> Self {
        let cells = self.cells as i64;
        let device = self.counts.device();
        let of_graphs: Vec<i64> = places.iter().flat_map(|a| a * cells..(a + 1) * cells).collect();
        let (places, graphs) =
            (Tensor::from_slice(places).to_device(device), Tensor::from_slice(&of_graphs).to_device(device));
        Self {
            cells: self.cells,
            labels: self.labels.index_select(0, &graphs),
            predecessors: self.predecessors.index_select(0, &graphs),
            successors: self.successors.index_select(0, &graphs),
            read_out: self.read_out.index_select(0, &graphs),
            counts: self.counts.index_select(0, &places),
        }
    }

    /// Sizes of networks that read these graphs.
    pub(super) fn shape(&self, members: usize, width: usize, depth: usize) -> NetsShape {
        let (classes, counts) = (self.labels.size()[2] as usize, self.counts.size()[1] as usize);
        NetsShape { members, classes, cells: self.cells, counts, width, depth }
    }
}

/// Divides a row by its sum, unless that is 0.
fn average(row: &mut [f32]) {
    let sum: f32 = row.iter().sum();
    if sum > 0.0 {
        for v in row {
            *v /= sum;
        }
    }
}

/// Sizes of [`Nets`].
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct NetsShape {
    pub(super) members: usize,
    pub(super) classes: usize,
    pub(super) cells: usize,
    pub(super) counts: usize,
    pub(super) width: usize,
    pub(super) depth: usize,
}

/// Initial value of a parameter.
#[derive(Clone, Copy)]
enum Start {
    /// Normal with variance `1 / rows`.
    Weights,
    Ones,
    Zeros,
}

impl NetsShape {
    /// Rows, columns and initial value of each parameter of a member, in the order of the flat tensor.
    fn parameters(self) -> Vec<(usize, usize, Start)> {
        let w = self.width;
        let mut list = vec![(self.classes, w, Start::Weights)];
        for _ in 0..self.depth {
            list.extend([(3 * w, w, Start::Weights), (1, w, Start::Ones), (1, w, Start::Zeros)]);
        }
        list.extend([
            (3 * w * self.cells, w, Start::Weights),
            (self.counts, w, Start::Weights),
            (1, w, Start::Zeros),
            (w, 1, Start::Weights),
            (1, 1, Start::Zeros),
        ]);
        list
    }
}

/// `K` networks of one shape in one tensor. See the module for the formula.
#[derive(Debug)]
pub(super) struct Nets {
    shape: NetsShape,
    /// All parameters one after another, each with all members.
    flat: Tensor,
}

impl Nets {
    /// Networks with fresh weights.
    pub(super) fn new(shape: NetsShape, device: Device, rng: &mut dyn Rng) -> Self {
        let mut values: Vec<f64> = Vec::new();
        for (rows, columns, start) in shape.parameters() {
            let count = shape.members * rows * columns;
            let scale = (rows as f64).sqrt().recip();
            let mut draw = || -> f64 { StandardNormal.sample(&mut *rng) };
            match start {
                Start::Weights => values.extend((0..count).map(|_| scale * draw())),
                Start::Ones => values.resize(values.len() + count, 1.0),
                Start::Zeros => values.resize(values.len() + count, 0.0),
            }
        }
        let flat = Tensor::from_slice(&values).to_kind(Kind::Float).to_device(device);
        Self { shape, flat: flat.set_requires_grad(true) }
    }

    /// All parameters, a leaf of the graph of gradients.
    pub(super) fn flat(&self) -> &Tensor {
        &self.flat
    }

    /// Views of the parameters, `[K, rows, columns]` each.
    fn views(&self) -> impl Iterator<Item = Tensor> + '_ {
        let k = self.shape.members as i64;
        let mut start = 0;
        self.shape.parameters().into_iter().map(move |(rows, columns, _)| {
            let shape = [k, rows as i64, columns as i64];
            let count: i64 = shape.iter().product();
            start += count;
            self.flat.narrow(0, start - count, count).view(shape)
        })
    }

    pub(super) fn shape(&self) -> NetsShape {
        self.shape
    }

    /// Embeddings `φ [K, A, W]` and predictions `[K, A]`.
    pub(super) fn forward(&self, graphs: &DirectedGraphs) -> (Tensor, Tensor) {
        let (k, w) = (self.shape.members as i64, self.shape.width as i64);
        let [b, n, f] = graphs.labels.size()[..] else { unreachable!("made with three dimensions") };
        let (before, after) = (graphs.predecessors.unsqueeze(0), graphs.successors.unsqueeze(0)); // [1, B, n, n]
        let mut parameters = self.views();
        let mut next = || parameters.next().unwrap_or_else(|| unreachable!("one a use"));
        let mut h = graphs.labels.view([1, b * n, f]).matmul(&next()); // [K, B n, W]
        for _ in 0..self.shape.depth {
            let nodes = h.view([k, b, n, w]);
            let sums = [nodes.shallow_clone(), before.matmul(&nodes), after.matmul(&nodes)];
            let linear = Tensor::cat(&sums, 3).view([k, b * n, 3 * w]).bmm(&next()); // [K, B n, W]
            let normal = linear.layer_norm([w], None::<&Tensor>, None::<&Tensor>, 1e-5, false);
            let (scale, shift) = (next(), next()); // [K, 1, W]
            h = shift.addcmul(&normal, &scale).relu() + h;
        }
        let read = graphs.read_out.unsqueeze(0).matmul(&h.view([k, b, n, w])); // [K, B, 3, W]
        let read = read.reshape([k, -1, 3 * w * self.shape.cells as i64]); // [K, A, C 3 W]
        let counts = graphs.counts.unsqueeze(0); // [1, A, D]
        let embedding = (read.bmm(&next()) + counts.matmul(&next()) + next()).relu(); // [K, A, W]
        let prediction = embedding.bmm(&next()) + next(); // [K, A, 1]
        (embedding, prediction.squeeze_dim(2))
    }

    /// Shape and parameters as they are saved.
    ///
    /// # Errors
    /// As [`SavedTensor::of`].
    pub(super) fn saved(&self) -> Result<(NetsShape, SavedTensor), SurrogateError> {
        Ok((self.shape, SavedTensor::of(&self.flat.detach())?))
    }

    /// The networks that were saved, on the CPU.
    ///
    /// # Errors
    /// As [`SavedTensor::tensor`].
    pub(super) fn restored((shape, flat): &(NetsShape, SavedTensor)) -> Result<Self, SurrogateError> {
        let count = |(rows, columns, _): (usize, usize, Start)| shape.members * rows * columns;
        let count: usize = shape.parameters().into_iter().map(count).sum();
        Ok(Self { shape: *shape, flat: flat.tensor(&[count as i64])? })
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::testing::toy_architectures;

    fn encode(architectures: &[&Architecture]) -> DirectedGraphs {
        DirectedGraphs::encode(architectures, &Array2::zeros((architectures.len(), 2)), Device::Cpu).unwrap()
    }

    /// A prediction does not depend on the company, which decides how many rows graphs are filled up to.
    #[test]
    fn rows_without_a_node_say_nothing() {
        tch::set_num_threads(1);
        let cells = toy_architectures(40, 1);
        let all: Vec<&Architecture> = cells.iter().collect();
        let together = encode(&all);
        let nets = Nets::new(together.shape(2, 8, 2), Device::Cpu, &mut ChaCha8Rng::seed_from_u64(1));
        let (_, predictions) = nets.forward(&together);
        let (mut sizes, mut spread) = (std::collections::HashSet::new(), 0.0f64);
        for (i, cell) in cells.iter().enumerate() {
            let graphs = encode(&[cell]);
            sizes.insert(graphs.labels.size()[1]);
            for k in 0..2 {
                let alone = nets.forward(&graphs).1.double_value(&[k, 0]);
                let among = predictions.double_value(&[k, i as i64]);
                assert!((alone - among).abs() < 1e-5, "{alone} {among}");
                spread = spread.max((alone - predictions.double_value(&[k, 0])).abs());
            }
        }
        assert!(sizes.len() > 1 && spread > 1e-3);
    }

    /// The chain input, operation, output: `P` takes from the one before, `S` from the one after.
    #[test]
    fn messages_of_a_chain_by_hand() {
        let cells = toy_architectures(200, 1);
        let chain = cells.iter().find(|c| c.op_graphs()[0].len() == 3).unwrap();
        let graphs = encode(&[chain]);
        let [labels, before, after] = [&graphs.labels, &graphs.predecessors, &graphs.successors];
        let edges: Vec<(usize, usize)> = chain.op_graphs()[0].edges().collect();
        for (from, to) in edges {
            let (from, to) = (from as i64, to as i64);
            let into = before.get(0).get(to).sum(Kind::Float).double_value(&[]);
            assert!((into - 1.0).abs() < 1e-6 && before.double_value(&[0, to, from]) > 0.0);
            assert!(after.double_value(&[0, from, to]) > 0.0 && after.double_value(&[0, to, from]) == 0.0);
        }
        assert_eq!(labels.sum(Kind::Float).double_value(&[]), 3.0);
        let read = |row: i64| graphs.read_out.get(0).get(row).sum(Kind::Float).double_value(&[]);
        assert_eq!([read(0), read(2)], [0.75, 1.0]);
        assert!((read(1) - 1.0).abs() < 1e-6);
    }
}
