//! A network in tensors.
//!
//! Shapes: B images, C channels, H×W pixels, K classes.

use std::rc::Rc;
use std::sync::Arc;

use bonas_spaces::network::{Network, Route, Shape, UnitId};
use rand::Rng;
use tch::{Device, Kind, Tensor, no_grad, no_grad_guard};

use super::builder::{Builder, Norm};
use super::cell::{CellPath, Used};
use super::drops::Drops;
use super::error::{Result, SupernetError};
use super::layers::{Run, as_kind};
use super::operation::Operation;
use super::params::{ParamId, Params};
use super::pass::{Mode, Pass};
use super::statistics::{Moments, Statistics};
use super::unit::{Body, Span, Unit, last_readers, share_edges_out};
use super::value::Value;
use super::weights::Weights;

/// Where and in what numbers a network lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Device.
    pub device: Device,
    /// Kind of the parameters: [`Kind::Float`] or [`Kind::Double`].
    pub kind: Kind,
    /// Whether convolutions and what lies between them compute in bfloat16 (parameters, statistics
    /// and the classifier do not). Worth it on GPUs and on CPUs with AMX.
    pub bf16: bool,
    /// Whether maps are kept with the channels innermost. Same results up to rounding.
    pub channels_last: bool,
}

impl Placement {
    /// Single precision on a device.
    pub fn on(device: Device) -> Self {
        Self { device, kind: Kind::Float, bf16: false, channels_last: true }
    }

    /// Double precision on the CPU, for checks against reference values.
    pub fn exact() -> Self {
        Self { kind: Kind::Double, channels_last: false, ..Self::on(Device::Cpu) }
    }

    fn check(self) -> Result<()> {
        match (self.kind, self.bf16) {
            (Kind::Float, _) | (Kind::Double, false) => Ok(()),
            (Kind::Double, true) => Err(SupernetError::setting("bf16", "it needs parameters of kind Float")),
            (kind, _) => Err(SupernetError::setting("kind", format!("{kind:?}; it must be Float or Double"))),
        }
    }

    /// Kind that convolutions compute in.
    fn compute(self) -> Kind {
        if self.bf16 { Kind::BFloat16 } else { self.kind }
    }
}

/// What a network says of a batch.
#[derive(Debug)]
pub struct Output {
    /// Logits `[B, K]`.
    pub logits: Tensor,
    /// Logits `[B, K]` of the auxiliary head; in training only, and if the network has one.
    pub auxiliary: Option<Tensor>,
}

/// A route through one network, checked, with all that it uses.
#[derive(Debug)]
pub struct Path {
    cells: Vec<Option<CellPath>>,
    params: Vec<ParamId>,
    norms: Vec<usize>,
    operations: Vec<usize>,
    network: Arc<()>,
}

impl Path {
    /// The parameters that the path uses and that train, ascending, the auxiliary head's among them.
    /// Operations whose result never reaches the output of their cell are left out.
    pub fn params(&self) -> &[ParamId] {
        &self.params
    }

    /// The batch normalisations that the path uses, ascending.
    pub fn norms(&self) -> &[usize] {
        &self.norms
    }

    /// The operations that the path uses, ascending, as positions in [`Supernet::operations`].
    pub fn operations(&self) -> &[usize] {
        &self.operations
    }
}

/// A network in tensors: the discrete network of one architecture, or one that several share.
///
/// It interprets a [`Network`]; a route says which operations of each edge take part in a pass, so
/// that single paths, the sum of all and (with [`super::Mixture::Weighted`]) relaxed networks are
/// the same code. A node that a route does not enter costs nothing.
///
/// Invariant: libtorch's own random generator is never drawn from, here or in any module of this
/// folder. Weights, drop-path and whatever else is random come from the generator that the caller
/// passes, and results do not depend on what other threads of the process do.
#[derive(Debug)]
pub struct Supernet {
    units: Vec<Unit>,
    /// The last unit that reads each unit.
    last_readers: Vec<UnitId>,
    head: UnitId,
    auxiliary: Option<UnitId>,
    image: Shape,
    params: Params,
    /// Which parameters train.
    trains: Vec<bool>,
    /// Which normalisations keep their running statistics in training.
    pub(super) settled: Vec<bool>,
    /// What the learning rate of each number is multiplied by, `[P]`; none: by 1.
    pub(super) factors: Option<Tensor>,
    /// Parameters and normalisations of each unit.
    pub(super) spans: Vec<Span>,
    norms: Vec<Norm>,
    operations: Vec<Operation>,
    running: Vec<Moments>,
    placement: Placement,
    identity: Arc<()>,
}

impl Supernet {
    /// Builds a network and draws its weights as PyTorch does: convolutions and linear layers
    /// uniform in ±1/√fan-in, normalisations at scale 1 and shift 0. Float and Double networks of
    /// the same seed have the same weights up to rounding.
    ///
    /// # Errors
    /// [`SupernetError::Setting`] for a placement that cannot be,
    /// [`SupernetError::Space`] for a network whose shapes do not fit,
    /// [`SupernetError::Torch`] when libtorch cannot allocate it.
    pub fn build(network: &Network, placement: Placement, rng: &mut dyn Rng) -> Result<Self> {
        placement.check()?;
        let mut builder = Builder::default();
        let (mut units, mut spans) = (Vec::new(), Vec::new());
        for (i, unit) in network.units.iter().enumerate() {
            let [params, norms] = builder.counts();
            units.push(Unit::build(unit, i, network, &mut builder)?);
            let [all_params, all_norms] = builder.counts();
            spans.push(Span { params: params..all_params, norms: norms..all_norms });
        }
        share_edges_out(&mut units);
        builder.check_names()?;
        let Placement { kind, device, .. } = placement;
        let running = builder.norms.iter().map(|norm| Moments::new(norm.channels as i64, kind, device));
        let params = builder.params.finish(rng, kind, device)?;
        Ok(Self {
            last_readers: last_readers(&units),
            units,
            head: network.head,
            auxiliary: network.auxiliary,
            image: network.image(),
            running: running.collect::<Result<_>>()?,
            trains: vec![true; params.len()],
            settled: vec![false; builder.norms.len()],
            factors: None,
            spans,
            params,
            norms: builder.norms,
            operations: builder.operations,
            placement,
            identity: Arc::new(()),
        })
    }

    /// The parameters, frozen ones too.
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// The batch normalisations.
    pub fn norms(&self) -> &[Norm] {
        &self.norms
    }

    /// Whether a parameter trains.
    ///
    /// # Panics
    /// If `id` is not of this network.
    pub fn trains(&self, id: ParamId) -> bool {
        self.trains[id]
    }

    /// The operations that can be chosen, unit by unit.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// The units before the first cell.
    pub(super) fn stem(&self) -> &[Span] {
        let first = self.units.iter().position(|unit| matches!(unit.body, Body::Cell { .. }));
        &self.spans[..first.unwrap_or(0)]
    }

    /// The units whose result is logits: the head, and the auxiliary head if there is one.
    pub(super) fn heads(&self) -> impl Iterator<Item = UnitId> {
        [Some(self.head), self.auxiliary].into_iter().flatten()
    }

    /// Weight and bias of the classifier: the last linear layer.
    pub(super) fn classifier(&self) -> Option<[ParamId; 2]> {
        match &self.units[self.head].body {
            Body::Chain(chain) => chain.last_linear(),
            _ => None,
        }
    }

    /// Lets those parameters train that `trains` says, and no path made before be used.
    pub(super) fn freeze(&mut self, trains: &[bool]) -> Result<()> {
        for (id, &trains) in trains.iter().enumerate() {
            let _ = self.params.tensor(id).f_set_requires_grad(trains)?;
        }
        self.trains = trains.to_vec();
        self.identity = Arc::new(());
        Ok(())
    }

    /// Parameters of the classifier.
    pub(super) fn head_params(&self) -> Vec<ParamId> {
        let mut used = Used::default();
        if let Body::Chain(chain) = &self.units[self.head].body {
            chain.collect(&mut used.params, &mut used.norms);
        }
        used.params
    }

    /// Running mean and variance `[C]` of each batch normalisation; writing to them changes the
    /// network.
    pub fn running(&self) -> impl ExactSizeIterator<Item = (&Norm, &Tensor, &Tensor)> {
        self.norms.iter().zip(&self.running).map(|(norm, m)| (norm, &m.mean, &m.variance))
    }

    /// Makes estimated statistics the running ones, where there are any.
    ///
    /// # Errors
    /// [`SupernetError::Mismatch`] for statistics of another network.
    pub fn adopt(&self, statistics: &Statistics) -> Result<()> {
        let foreign = |reason: String| SupernetError::mismatch("statistics", reason);
        if statistics.0.len() > self.running.len() {
            let (theirs, own) = (statistics.0.len(), self.running.len());
            return Err(foreign(format!("they are of {theirs} normalisations, and the network has {own}")));
        }
        for (own, new) in self.running.iter().zip(&statistics.0) {
            let Some(new) = new else { continue };
            if own.mean.size() != new.mean.size() {
                return Err(foreign(format!("{:?} channels, not {:?}", new.mean.size(), own.mean.size())));
            }
            for (own, new) in [(&own.mean, &new.mean), (&own.variance, &new.variance)] {
                no_grad(|| own.shallow_clone().f_copy_(new))?; // [C]
            }
        }
        Ok(())
    }

    /// Where the network lives.
    pub fn placement(&self) -> Placement {
        self.placement
    }

    /// Shape of the images it reads.
    pub fn image(&self) -> Shape {
        self.image
    }

    /// Checks a route and finds all that it uses.
    ///
    /// # Errors
    /// [`SupernetError::Mismatch`] for a route of another network.
    pub fn path(&self, route: &Route) -> Result<Path> {
        let (mut cells, mut used) = (Vec::new(), Used::default());
        for unit in &self.units {
            cells.push(match &unit.body {
                Body::Cell { role, cell } => {
                    let route = route.0.get(*role).ok_or_else(|| {
                        let reason = format!("it has {} cells and no role {role}", route.0.len());
                        SupernetError::mismatch("route", reason)
                    })?;
                    let path = cell.path(route)?;
                    cell.collect(&path, &mut used);
                    Some(path)
                }
                Body::Chain(chain) => {
                    chain.collect(&mut used.params, &mut used.norms);
                    None
                }
                Body::Image | Body::Join(_) => None,
            });
        }
        let Used { mut params, mut norms, mut operations } = used;
        params.retain(|&id| self.trains[id]);
        for ids in [&mut params, &mut norms, &mut operations] {
            ids.sort_unstable();
            ids.dedup();
        }
        Ok(Path { cells, params, norms, operations, network: self.identity.clone() })
    }

    /// Sends images `[B, C, H, W]` of any floating kind along a path.
    ///
    /// # Errors
    /// [`SupernetError::Mismatch`] for images of another shape or device, a path of another
    /// network, or statistics that were estimated along another path;
    /// [`SupernetError::Setting`] for a drop-path probability outside `[0, 1)`;
    /// [`SupernetError::Torch`] when memory runs out.
    pub fn forward(&self, images: &Tensor, path: &Path, pass: &mut Pass<'_>) -> Result<Output> {
        self.check(images, path, pass)?;
        let _guard = (!pass.records()).then(no_grad_guard);
        let input = self.laid_out(images)?;
        self.run(input, path, pass)
    }

    /// Batch-normalisation statistics along a path: the exact mean over the batches of what
    /// [`Mode::Train`] would normalise with (variances unbiased). The network stays as it is.
    ///
    /// # Errors
    /// Those of [`Supernet::forward`].
    pub fn estimate(&self, path: &Path, batches: impl IntoIterator<Item = Tensor>) -> Result<Statistics> {
        let mut statistics = Statistics::new();
        for images in batches {
            self.forward(&images, path, &mut Pass::new(Mode::Estimate(&mut statistics)))?;
        }
        Ok(statistics)
    }

    fn check(&self, images: &Tensor, path: &Path, pass: &Pass<'_>) -> Result<()> {
        let Shape { channels, height, width } = self.image;
        let size = images.size();
        let fits = matches!(size[..], [b, c, h, w] if b > 0 && [c, h, w] == [channels as i64, height as i64, width as i64]);
        if !fits || images.device() != self.placement.device {
            let reason = format!(
                "it has shape {size:?} on {:?}; expected images of {} on {:?}",
                images.device(),
                self.image,
                self.placement.device
            );
            return Err(SupernetError::mismatch("batch", reason));
        }
        if !Arc::ptr_eq(&self.identity, &path.network) {
            return Err(SupernetError::mismatch("path", "it was made by another network"));
        }
        match &pass.drop_path {
            Some(drop) if !(0.0..1.0).contains(&drop.probability) => {
                let reason = format!("{}; it must be in [0, 1)", drop.probability);
                Err(SupernetError::setting("drop-path probability", reason))
            }
            _ => Ok(()),
        }
    }

    /// The images in the network's kind and memory layout; the layers after keep both.
    fn laid_out(&self, images: &Tensor) -> Result<Tensor> {
        let x = as_kind(images, self.placement.compute())?; // [B, C, H, W]
        if !self.placement.channels_last {
            return Ok(x);
        }
        let x = x.f_permute([0, 2, 3, 1])?.f_contiguous()?; // [B, H, W, C]
        Ok(x.f_permute([0, 3, 1, 2])?) // [B, C, H, W]
    }

    fn run(&self, input: Tensor, path: &Path, pass: &mut Pass<'_>) -> Result<Output> {
        let with_auxiliary = pass.trains();
        let (params, running, device) = (&self.params, &self.running[..], self.placement.device);
        let weights = Weights::of(pass.mixture, self.placement.kind)?;
        let (settled, compute) = (&self.settled[..], self.placement.compute());
        let images = input.size()[0];
        let drops = pass.drop_path.as_mut().filter(|drop| with_auxiliary && drop.probability > 0.0);
        let count = [path.cells.iter().flatten().map(CellPath::drops).sum(), images as usize];
        let drops = drops.map(|drop| Drops::draw(drop, count, (compute, device))).transpose()?;
        let mut run = Run { params, running, settled, pass, weights, drops, compute, device };
        let mut values: Vec<Option<Rc<Value>>> = vec![None; self.units.len()];
        values[0] = Some(Rc::new(Value::new(input)));
        for (i, unit) in self.units.iter().enumerate() {
            if matches!(unit.body, Body::Image) || (Some(i) == self.auxiliary && !with_auxiliary) {
                continue;
            }
            let inputs: Vec<&Value> = unit.inputs.iter().filter_map(|&u| values[u].as_deref()).collect();
            let result = unit.forward(&inputs, path.cells[i].as_ref(), images, &mut run)?;
            values[i] = Some(result);
            for &read in unit.inputs.iter().filter(|&&u| self.last_readers[u] == i) {
                values[read] = None;
            }
        }
        debug_assert!(
            run.drops.is_none_or(|drops| drops.is_used_up()),
            "operations that were counted dropped nothing"
        );
        self.output(&values)
    }

    fn output(&self, values: &[Option<Rc<Value>>]) -> Result<Output> {
        let kind = self.placement.kind;
        let logits = |unit: UnitId| {
            let value = values[unit].as_ref();
            value.map(|v| as_kind(&v.raw()?.f_flatten(1, -1)?, kind)).transpose() // [B, K]
        };
        let auxiliary = self.auxiliary.map(logits).transpose()?.flatten();
        let logits = logits(self.head)?;
        let logits = logits.ok_or_else(|| SupernetError::mismatch("head", "another unit reads it last"))?;
        Ok(Output { logits, auxiliary })
    }
}
