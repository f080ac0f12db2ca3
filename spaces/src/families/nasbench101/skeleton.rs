//! The stack of NAS-Bench-101, for cells with operations on vertices.

use std::sync::Arc;

use crate::error::SpaceError;
use crate::graph::{OpId, Vocabulary};
use crate::network::{
    CellNet, CellUnion, Choice, EdgeNet, EdgeUnion, Join, Layer, Network, NetworkBuilder, NodeNet, Norm,
    OpTable, Places, Port, Shape, Skeleton, SkeletonEntry, SkeletonSize, Union, UnitId, conv_bn_relu, pooled,
};

/// Stacks of cells, the map halved and the width doubled between them.
const STACKS: usize = 3;

/// The skeleton of NAS-Bench-101 (Ying et al. 2019, `model_builder.py`).
///
/// It has a 3×3 convolution with BatchNorm and ReLU, three stacks of `cells` cells with 2×2 max pooling in
/// between, global average pooling and a linear classifier. The first cell after pooling doubles the
/// width.
///
/// A vertex sums the results that enter it, cut to its own width if they are one channel wider, and the
/// cell's input through a 1×1 convolution with BatchNorm and ReLU. The output concatenates the vertices that
/// enter it, and adds the projected input if that enters it too.
///
/// Widths follow `compute_vertex_channels`: the vertices that the output reads share its channels, and the
/// first ones take the remainder; other vertices are as wide as their widest reader. With a remainder,
/// counts depend on the numbering of the vertices, as in the benchmark.
///
/// A shared network is built from the union as if it were one cell: all its edges determine the widths, and
/// vertices that a path does not connect to the output are zero in the concatenation. With every edge of a
/// space this is the one-shot model of NAS-Bench-1Shot1 (Zela et al. 2020), in which all vertices are
/// equally wide. A cell with few vertices at the output is narrower there than on its own.
///
/// Differences from the published code come from PyTorch: initial weights, running statistics with momentum
/// 0.1 (published: 0.003), and pooling that drops the last row and column of a map of odd size.
#[derive(Clone, Debug)]
pub struct NasBench101Skeleton {
    /// Width C of the stem and of the first stack.
    pub channels: usize,
    /// Number of cells per stack.
    pub cells: usize,
    /// Shape of the images.
    pub image: Shape,
    /// Number of classes.
    pub classes: usize,
    /// Normalisation inside the cells.
    pub norm: Norm,
}

impl NasBench101Skeleton {
    /// The published CIFAR-10 network: C = 128, 3 cells per stack, 3×32×32, 10 classes.
    pub fn cifar() -> Self {
        Self { channels: 128, cells: 3, image: Shape::square(3, 32), classes: 10, norm: Norm::DISCRETE }
    }

    /// Adds a cell: its vertices and the projection of its input to its output, where there are such.
    fn cell(
        &self,
        net: &mut NetworkBuilder,
        (name, input): (&str, UnitId),
        channels: usize,
        cell: &VertexCell<'_>,
        ops: &OpTable,
    ) -> Result<UnitId, SpaceError> {
        let width = net.shape(input).channels;
        let mut parts = Vec::new();
        if cell.places.vertices > 0 {
            let body = cell.body(width, channels, self.norm, ops)?;
            parts.push(net.cell(name, &[input], 0, body)?);
        }
        if let Some(projection) = cell.projection(width, channels, self.norm) {
            parts.push(net.cell(&format!("{name}.projection"), &[input], 0, projection)?);
        }
        match parts[..] {
            [] => Err(SpaceError::network("a cell whose output nothing enters")),
            [only] => Ok(only),
            _ => net.join(&format!("{name}.sum"), &parts, Join::Sum),
        }
    }
}

impl NasBench101Skeleton {
    /// The stack of NAS-Bench-101, by name.
    pub const CIFAR: SkeletonEntry = SkeletonEntry {
        name: "nasbench101",
        about: "stack of NAS-Bench-101; published: C = 128, 3 cells a stack",
        auxiliary: false,
        relaxable: false,
        make: &|size| Arc::new(Self::cifar().sized(size)),
    };

    fn sized(self, size: &SkeletonSize) -> Self {
        Self {
            channels: size.channels.unwrap_or(self.channels),
            cells: size.layers.unwrap_or(self.cells),
            image: size.image.unwrap_or(self.image),
            classes: size.classes.unwrap_or(self.classes),
            norm: size.norm.unwrap_or(self.norm),
        }
    }
}

impl OpTable {
    /// The three operations of NAS-Bench-101 (Ying et al. 2019, `base_ops.py`).
    pub fn nasbench101() -> Self {
        Self::new()
            .with("conv1x1-bn-relu", |p| conv_bn_relu(p, 1))
            .with("conv3x3-bn-relu", |p| conv_bn_relu(p, 3))
            .with("maxpool3x3", |p| pooled(p, Layer::MaxPool { kernel: 3, stride: p.stride, padding: 1 }))
    }
}

impl Skeleton for NasBench101Skeleton {
    fn channels(&self) -> Option<usize> {
        Some(self.channels)
    }

    fn layers(&self) -> Option<usize> {
        Some(self.cells)
    }

    fn network(&self, union: &Union, ops: &OpTable) -> Result<Network, SpaceError> {
        if !(1..=1 << 12).contains(&self.channels) || !(1..=1 << 10).contains(&self.cells) {
            let (channels, cells) = (self.channels, self.cells);
            return Err(SpaceError::network(format!(
                "channels = {channels}, cells a stack = {cells}; they must be 1 to 4096 and 1 to 1024"
            )));
        }
        let cell = VertexCell::of(union)?;
        let mut net = NetworkBuilder::new(self.image)?;
        let port =
            Port { input: self.image.channels, output: self.channels, stride: 1, norm: Norm::DISCRETE };
        let mut last = net.layers("stem", 0, conv_bn_relu(port, 3))?;
        for stack in 0..STACKS {
            if stack > 0 {
                let pool = Layer::MaxPool { kernel: 2, stride: 2, padding: 0 };
                last = net.layers(&format!("pool{stack}"), last, vec![pool])?;
            }
            for i in 0..self.cells {
                let name = format!("stack{stack}.cell{i}");
                last = self.cell(&mut net, (&name, last), self.channels << stack, &cell, ops)?;
            }
        }
        let head = net.classifier("classifier", last, self.classes)?;
        Ok(net.finish(head, None))
    }

    fn is_additive(&self) -> bool {
        false
    }
}

/// A cell of one input with operations on its vertices, as its union has it.
#[derive(Clone, Copy, Debug)]
struct VertexCell<'a> {
    union: &'a CellUnion,
    vocabulary: &'a Vocabulary,
    places: Places,
}

/// What an edge of the union is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wiring {
    /// From the input to a vertex.
    Enter(usize),
    /// From a vertex to a later one.
    Pass(usize, usize),
    /// The operations of a vertex.
    Work(usize),
    /// From a vertex to the output.
    Leave(usize),
    /// From the input to the output.
    Around,
}

impl<'a> VertexCell<'a> {
    fn of(union: &'a Union) -> Result<Self, SpaceError> {
        let vocabulary = &*union.vocabulary;
        let wanted = "the NAS-Bench-101 skeleton wants one cell of one input with operations on its vertices";
        let [cell] = &union.cells[..] else { return Err(SpaceError::network(wanted)) };
        let places = Places { inputs: 1, vertices: cell.nodes.len().saturating_sub(2) / 2 };
        let found = Self { union: cell, vocabulary, places };
        if vocabulary.inputs() != 1 || cell.nodes != places.labels() {
            return Err(SpaceError::network(wanted));
        }
        for edge in 0..cell.edges.len() {
            let plain = cell.edges[edge].ops == [OpId::PLAIN];
            match found.wiring(edge) {
                Some(Wiring::Work(_)) => {}
                Some(Wiring::Pass(from, to)) if from >= to => {
                    let reason = "vertices must be numbered in the order in which they are computed";
                    return Err(SpaceError::network(reason));
                }
                Some(_) if plain => {}
                _ => return Err(SpaceError::network(wanted)),
            }
        }
        Ok(found)
    }

    fn wiring(&self, edge: usize) -> Option<Wiring> {
        let (edge, places) = (&self.union.edges[edge], self.places);
        let entered = (0..places.vertices).find(|&v| places.enters(v) == edge.to);
        let left = (0..places.vertices).find(|&v| places.leaves(v) == edge.from);
        match (left, entered) {
            (Some(from), Some(to)) => Some(Wiring::Pass(from, to)),
            (None, Some(to)) if edge.from == 0 => Some(Wiring::Enter(to)),
            (Some(from), None) if edge.to == places.output() => Some(Wiring::Leave(from)),
            (None, None) if (edge.from, edge.to) == (0, places.output()) => Some(Wiring::Around),
            _ => (0..places.vertices)
                .find(|&v| (places.enters(v), places.leaves(v)) == (edge.from, edge.to))
                .map(Wiring::Work),
        }
    }

    fn wirings(&self) -> impl DoubleEndedIterator<Item = (usize, Wiring)> + '_ {
        (0..self.union.edges.len()).filter_map(|edge| Some((edge, self.wiring(edge)?)))
    }

    /// Width of each vertex when the output has `channels` (`compute_vertex_channels`).
    fn widths(&self, channels: usize) -> Result<Vec<usize>, SpaceError> {
        let mut widths = vec![0; self.places.vertices];
        let read: Vec<usize> = self
            .wirings()
            .filter_map(|(_, w)| if let Wiring::Leave(v) = w { Some(v) } else { None })
            .collect();
        if channels < read.len() {
            return Err(SpaceError::network(format!(
                "{channels} channels for {} vertices that the output reads; take at least as many channels",
                read.len()
            )));
        }
        for (i, &v) in read.iter().enumerate() {
            widths[v] = channels / read.len() + usize::from(i < channels % read.len());
        }
        // Edges come sorted by the vertex they enter: backwards, that one's width is known.
        for (_, wiring) in self.wirings().rev() {
            if let Wiring::Pass(from, to) = wiring
                && !read.contains(&from)
            {
                widths[from] = widths[from].max(widths[to]);
            }
        }
        if let Some(v) = widths.iter().position(|&width| width == 0) {
            let reason = format!("nothing leads from vertex {} to the output", v + 1);
            return Err(SpaceError::network(reason));
        }
        Ok(widths)
    }

    /// The vertices, and the concatenation of those that the output reads.
    fn body(&self, input: usize, channels: usize, norm: Norm, ops: &OpTable) -> Result<CellNet, SpaceError> {
        let (widths, places) = (self.widths(channels)?, self.places);
        let mut nodes: Vec<NodeNet> =
            self.union.nodes.iter().map(|_| NodeNet { join: Join::Sum, incoming: Vec::new() }).collect();
        nodes[places.output()].join = Join::Concat;
        for (edge, wiring) in self.wirings().filter(|(_, wiring)| *wiring != Wiring::Around) {
            let choices = match wiring {
                Wiring::Enter(v) => vec![self.projected(input, widths[v], norm)],
                Wiring::Pass(from, to) if widths[from] > widths[to] => {
                    vec![self.wire(vec![Layer::Truncate { channels: widths[to] }])]
                }
                Wiring::Work(v) => {
                    let port = Port { input: widths[v], output: widths[v], stride: 1, norm };
                    self.operations(edge, port, ops)?
                }
                _ => vec![self.wire(Vec::new())],
            };
            let EdgeUnion { from, to, .. } = self.union.edges[edge];
            nodes[to].incoming.push(EdgeNet { from, edge, choices, partial: None });
        }
        let order = (0..nodes.len()).collect();
        Ok(CellNet {
            preprocess: vec![vec![]],
            nodes,
            order,
            inputs: vec![0],
            output: places.output(),
            zeros: None,
        })
    }

    /// The edge from input to output, if there is one, by itself.
    fn projection(&self, input: usize, channels: usize, norm: Norm) -> Option<CellNet> {
        let (edge, _) = self.wirings().find(|(_, wiring)| *wiring == Wiring::Around)?;
        let choices = vec![self.projected(input, channels, norm)];
        let incoming = vec![EdgeNet { from: 0, edge, choices, partial: None }];
        let nodes =
            vec![NodeNet { join: Join::Sum, incoming: Vec::new() }, NodeNet { join: Join::Sum, incoming }];
        Some(CellNet {
            preprocess: vec![vec![]],
            nodes,
            order: vec![0, 1],
            inputs: vec![0],
            output: 1,
            zeros: None,
        })
    }

    fn projected(&self, input: usize, output: usize, norm: Norm) -> Choice {
        self.wire(conv_bn_relu(Port { input, output, stride: 1, norm }, 1))
    }

    fn wire(&self, layers: Vec<Layer>) -> Choice {
        Choice { op: OpId::PLAIN, name: self.vocabulary.name(OpId::PLAIN).to_owned(), layers }
    }

    fn operations(&self, edge: usize, port: Port, ops: &OpTable) -> Result<Vec<Choice>, SpaceError> {
        Choice::each(&self.union.edges[edge].ops, self.vocabulary, port, ops)
    }
}

#[cfg(test)]
mod tests;
