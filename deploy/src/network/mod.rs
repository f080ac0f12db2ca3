//! Networks as inference needs them.
//!
//! A [`Deployed`] network is a list of [`Part`]s, each of which reads earlier ones. It has the names that a PyTorch user
//! expects ([`Deployed::tensors`]): attributes of modules, positions in `nn.Sequential`, `weight`, `bias`,
//! `running_mean`, `running_var`.

mod cell;
pub(crate) mod names;
mod steps;
mod tensors;
#[cfg(test)]
pub(crate) mod tests;

use bonas_spaces::network::{self, Join, Layer, Network, Shape};

use crate::error::{DeployError, Result};
use names::Names;

pub use cell::{Edge, Input, LiveCell, Node, Op};
pub use steps::{Step, steps};
pub use tensors::{Fill, Tensor};

/// A network without the parts that inference does not use.
#[derive(Clone, Debug)]
pub struct Deployed {
    parts: Vec<Part>,
}

/// A named part of a deployed network.
#[derive(Clone, Debug)]
pub struct Part {
    /// Attribute of the PyTorch module; unique.
    pub name: String,
    /// The parts it reads.
    pub inputs: Vec<usize>,
    /// Its computation.
    pub body: Body,
    /// Shape of its result.
    pub shape: Shape,
}

/// The computation of a part.
#[derive(Clone, Debug)]
pub enum Body {
    /// Passes the image on.
    Image,
    /// A chain of layers on one input.
    Layers {
        /// The layers.
        layers: Vec<Layer>,
        /// Prefix of its tensors in a supernet.
        place: String,
        /// Name of the operation, where a cell is this one operation.
        op: Option<String>,
    },
    /// A cell.
    Cell(LiveCell),
    /// Several inputs joined.
    Join(Join),
    /// Zeros for each image of the input: a cell whose output nothing enters.
    Zeros,
}

/// A chain of layers on one input, as it stands in a network.
#[derive(Clone, Copy, Debug)]
pub struct Chain<'a> {
    /// Name of the operation, or of the part where it is none of a cell.
    pub name: &'a str,
    /// Its layers; an empty list passes the input on.
    pub layers: &'a [Layer],
    /// Shape of what it reads.
    pub input: Shape,
}

impl Chain<'_> {
    /// Shape of its result, and the multiply-adds of its convolutions and linear layers for one image.
    ///
    /// # Errors
    /// [`DeployError::Space`] when shapes do not fit.
    pub fn pass(&self) -> Result<(Shape, u64)> {
        let layer = |(shape, macs): (Shape, u64), layer: &Layer| -> Result<(Shape, u64)> {
            Ok((layer.output(shape)?, macs + layer.macs(shape)?))
        };
        self.layers.iter().try_fold((self.input, 0), layer)
    }
}

impl Deployed {
    /// Leaves out of a network what its logits do not depend on.
    ///
    /// The network must be that of one architecture (every choice on an edge is taken).
    ///
    /// # Errors
    /// [`DeployError::Network`] for partial channels and shared weights, which only search networks have;
    /// [`DeployError::Space`] for shapes that do not fit.
    pub fn new(network: &Network) -> Result<Self> {
        let bodies = bodies(network)?;
        bodies.iter().try_for_each(|(_, body)| check_alone(body))?;
        let used = used(&bodies, network.head);
        let (mut parts, mut names) = (Vec::new(), Names::default());
        let mut places: Vec<Option<usize>> = vec![None; bodies.len()];
        for (id, (inputs, body)) in bodies.into_iter().enumerate() {
            let unit = &network.units[id];
            if !used[id] {
                continue;
            }
            let lost = || DeployError::Network(format!("{} reads a unit that comes later", unit.name));
            let inputs: Vec<usize> =
                inputs.iter().map(|&i| places[i].ok_or_else(lost)).collect::<Result<_>>()?;
            // A cell that passes its input on is no part of its own.
            if let (Body::Layers { layers, .. }, [input]) = (&body, &inputs[..])
                && layers.is_empty()
                && id != network.head
            {
                places[id] = Some(*input);
                continue;
            }
            places[id] = Some(parts.len());
            parts.push(Part { name: names.attribute(&unit.name), inputs, body, shape: unit.shape });
        }
        Ok(Self { parts })
    }

    /// The parts in the order of computation: the image first, the logits last.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Shape of the images.
    pub fn image(&self) -> Shape {
        self.parts[0].shape
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.parts[self.parts.len() - 1].shape.channels
    }

    /// Number of trainable parameters.
    pub fn params(&self) -> usize {
        self.layers().map(|(layer, _)| layer.params()).sum()
    }

    /// Multiply-adds of convolutions and linear layers for one image.
    ///
    /// # Errors
    /// [`DeployError::Space`] when shapes do not fit.
    pub fn macs(&self) -> Result<u64> {
        self.chains().map(|chain| Ok(chain.pass()?.1)).sum()
    }

    /// Every chain of layers, in the order of computation; joins and zeros are none.
    pub fn chains(&self) -> impl Iterator<Item = Chain<'_>> {
        self.parts.iter().flat_map(|part| {
            let chains: Vec<Chain<'_>> = match &part.body {
                Body::Layers { layers, op, .. } => {
                    let name = op.as_ref().unwrap_or(&part.name);
                    vec![Chain { name, layers, input: self.parts[part.inputs[0]].shape }]
                }
                Body::Cell(cell) => cell.chains().collect(),
                Body::Image | Body::Join(_) | Body::Zeros => Vec::new(),
            };
            chains
        })
    }

    /// Every outermost layer, with the part it belongs to.
    fn layers(&self) -> impl Iterator<Item = (&Layer, &Part)> {
        self.parts.iter().flat_map(|part| {
            let layers: Vec<&Layer> = match &part.body {
                Body::Layers { layers, .. } => layers.iter().collect(),
                Body::Cell(cell) => cell.chains().flat_map(|chain| chain.layers).collect(),
                Body::Image | Body::Join(_) | Body::Zeros => Vec::new(),
            };
            layers.into_iter().map(move |layer| (layer, part))
        })
    }

    /// Weight and bias of the classifier, which is the last linear layer; empty without one.
    pub fn classifier(&self) -> Vec<Tensor> {
        let tensors = self.tensors();
        let weight = tensors.iter().rposition(|tensor| tensor.shape.len() == 2);
        weight.map(|at| tensors[at..].iter().take(2).cloned().collect()).unwrap_or_default()
    }

    /// Parameters and running statistics, in the order of computation.
    pub fn tensors(&self) -> Vec<Tensor> {
        tensors::of(&self.parts)
    }
}

/// What each unit computes, and the units it reads for that.
fn bodies(network: &Network) -> Result<Vec<(Vec<usize>, Body)>> {
    let body = |unit: &network::Unit| match &unit.body {
        network::Body::Image => Ok((Vec::new(), Body::Image)),
        network::Body::Layers(layers) => {
            let body = Body::Layers { layers: layers.clone(), place: unit.name.clone(), op: None };
            Ok((unit.inputs.clone(), body))
        }
        network::Body::Join(join) => Ok((unit.inputs.clone(), Body::Join(*join))),
        network::Body::Counted { .. } => {
            Err(DeployError::Network(format!("its {} is counted only; take another skeleton", unit.name)))
        }
        network::Body::Cell { role, net } => {
            let shapes: Vec<Shape> = unit.inputs.iter().map(|&i| network.units[i].shape).collect();
            cell::body(net, *role, &unit.name, &unit.inputs, &shapes)
        }
    };
    network.units.iter().map(body).collect()
}

/// Refuses layers that only networks of several architectures have.
fn check_alone(body: &Body) -> Result<()> {
    fn is_shared(layer: &Layer) -> bool {
        match layer {
            Layer::Part { .. } | Layer::Pad { .. } | Layer::Absent => true,
            Layer::Branches { arms, .. } => arms.iter().flatten().any(is_shared),
            _ => false,
        }
    }
    let shared = match body {
        Body::Layers { layers, .. } => layers.iter().any(is_shared),
        Body::Cell(cell) => cell.chains().flat_map(|chain| chain.layers).any(is_shared),
        Body::Image | Body::Join(_) | Body::Zeros => false,
    };
    let reason = "its weights are shared by several architectures; export the network of one";
    if shared { Err(DeployError::Network(reason.to_owned())) } else { Ok(()) }
}

/// Units that the logits depend on; the image is always one.
fn used(bodies: &[(Vec<usize>, Body)], head: usize) -> Vec<bool> {
    let mut used = vec![false; bodies.len()];
    (used[0], used[head]) = (true, true);
    for id in (0..bodies.len()).rev() {
        if used[id] {
            bodies[id].0.iter().for_each(|&input| used[input] = true);
        }
    }
    used
}
