//! The trainable parameters of a network, in one block of memory.
//!
//! Every parameter is a view into one flat tensor, so that an optimiser updates a whole run of
//! neighbouring parameters with one kernel.
//!
//! Shapes: P numbers in all.

use bonas_study::rng::named_stream;
use rand::Rng;
use tch::{Device, Kind, Tensor, no_grad};

use super::error::{Result, SupernetError};
use crate::device;

/// Position of a parameter in its network.
pub type ParamId = usize;

/// How a parameter is drawn.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fill {
    /// Uniform in `[-bound, bound]`.
    Uniform(f64),
    /// All the same.
    Constant(f64),
    /// An identity matrix of this many rows.
    Identity(usize),
}

impl Fill {
    /// What PyTorch draws convolutions and linear layers from: Kaiming-uniform with a = √5, which
    /// is uniform in ±1/√`fan_in` (He et al. 2015; `torch/nn/modules/conv.py`).
    pub(crate) fn kaiming(fan_in: usize) -> Self {
        Self::Uniform(1.0 / (fan_in as f64).sqrt())
    }

    fn draw(self, count: usize, rng: &mut dyn Rng) -> Vec<f64> {
        match self {
            Self::Uniform(bound) => (0..count).map(|_| bound * (2.0 * unit(rng) - 1.0)).collect(),
            Self::Constant(value) => vec![value; count],
            Self::Identity(rows) => (0..count).map(|i| f64::from(u8::from(i % (rows + 1) == 0))).collect(),
        }
    }
}

/// A number in `[0, 1)` of 53 random bits; the same on every platform.
pub(super) fn unit(rng: &mut dyn Rng) -> f64 {
    (rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}

/// One parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Param {
    /// Name, unique in the network.
    pub name: String,
    /// Shape.
    pub shape: Vec<i64>,
    /// Where it starts in the flat block.
    pub start: i64,
}

impl Param {
    /// Numbers in it.
    pub fn len(&self) -> i64 {
        self.shape.iter().product()
    }

    /// Whether it holds no number.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Collects parameters while modules are built.
#[derive(Debug, Default)]
pub(crate) struct ParamsBuilder {
    specs: Vec<Param>,
    fills: Vec<Fill>,
    end: i64,
}

impl ParamsBuilder {
    pub(crate) fn add(&mut self, name: String, shape: &[usize], fill: Fill) -> ParamId {
        let shape: Vec<i64> = shape.iter().map(|&n| n as i64).collect();
        let spec = Param { name, shape, start: self.end };
        self.end += spec.len();
        self.specs.push(spec);
        self.fills.push(fill);
        self.specs.len() - 1
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.specs.iter().map(|spec| spec.name.as_str())
    }

    /// Draws all of them. What a parameter starts from depends on the generator, its name and its
    /// shape, and not on what else the network holds, so that two networks drawn from one seed
    /// start from equal weights where they are alike.
    pub(crate) fn finish(self, rng: &mut dyn Rng, kind: Kind, device: Device) -> Result<Params> {
        let seed = rng.next_u64();
        let draw = |(spec, fill): (&Param, &Fill)| -> Result<Tensor> {
            let mut rng = named_stream(seed, &spec.name);
            let values = fill.draw(spec.len() as usize, &mut rng);
            Ok(Tensor::f_from_slice(&values)?.f_to_kind(kind)?) // [len]
        };
        let parts = self.specs.iter().zip(&self.fills).map(draw).collect::<Result<Vec<_>>>()?;
        let flat = if parts.is_empty() {
            Tensor::f_zeros([0], (kind, device))?
        } else {
            device::sent(&Tensor::f_cat(&parts, 0)?, device)? // [P]
        };
        Params::new(self.specs, flat)
    }
}

/// The trainable parameters of a network.
#[derive(Debug)]
pub struct Params {
    specs: Vec<Param>,
    flat: Tensor,
    views: Vec<Tensor>,
}

impl Params {
    fn new(specs: Vec<Param>, flat: Tensor) -> Result<Self> {
        let view = |spec: &Param| -> Result<Tensor> {
            let part = flat.f_narrow(0, spec.start, spec.len())?; // [len]
            // A leaf that shares the block's memory.
            Ok(part.f_view(spec.shape.as_slice())?.f_detach()?.f_set_requires_grad(true)?)
        };
        let views = specs.iter().map(view).collect::<Result<_>>()?;
        Ok(Self { specs, flat, views })
    }

    /// Number of parameter tensors.
    pub fn len(&self) -> usize {
        self.specs.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.specs.is_empty()
    }

    /// Number of trainable numbers.
    pub fn numel(&self) -> usize {
        self.views.iter().map(Tensor::numel).sum()
    }

    /// What a parameter is called and where it lies.
    ///
    /// # Panics
    /// If `id` is not of this network (`id >= self.len()`).
    pub fn spec(&self, id: ParamId) -> &Param {
        &self.specs[id]
    }

    /// A parameter; a leaf that requires gradients.
    ///
    /// # Panics
    /// If `id` is not of this network (`id >= self.len()`).
    pub fn tensor(&self, id: ParamId) -> &Tensor {
        &self.views[id]
    }

    /// Names and tensors, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Tensor)> {
        self.specs.iter().map(|s| s.name.as_str()).zip(&self.views)
    }

    /// All numbers, `[P]`; the parameters are views into it. It records no gradient.
    pub fn flat(&self) -> &Tensor {
        &self.flat
    }

    /// Overwrites all of them with `flat` `[P]`, of a network with the same parameters.
    ///
    /// # Errors
    /// [`SupernetError::Mismatch`] for another number of them.
    pub fn copy_from(&self, flat: &Tensor) -> Result<()> {
        if flat.size() != self.flat.size() {
            let reason = format!("{:?} numbers for {:?}", flat.size(), self.flat.size());
            return Err(SupernetError::mismatch("parameters", reason));
        }
        Ok(no_grad(|| self.flat.shallow_clone().f_copy_(flat)).map(drop)?)
    }

    /// Overwrites a parameter.
    ///
    /// # Errors
    /// [`SupernetError::Mismatch`] for a tensor of another shape.
    ///
    /// # Panics
    /// If `id` is not of this network (`id >= self.len()`).
    pub fn set(&self, id: ParamId, value: &Tensor) -> Result<()> {
        let Param { name, shape, .. } = &self.specs[id];
        if value.size() != *shape {
            let reason = format!("{name} has shape {shape:?}, not {:?}", value.size());
            return Err(SupernetError::mismatch("tensor", reason));
        }
        Ok(no_grad(|| self.views[id].shallow_clone().f_copy_(value))?)
    }
}
