//! The chain of modules of TransNAS-Bench-101.

use super::{DOUBLINGS, HALVINGS, MODULES, OPS};
use crate::error::SpaceError;
use crate::families::chain::Chains;
use crate::families::links::{Ending, Links};
use crate::families::transnas::skeleton::{Module, OBJECT_CLASSIFICATION, stem};
use crate::families::transnas::tasks::{Task, for_task};
use crate::families::trellis::Trellis;
use crate::network::{
    Join, Layer, Network, NetworkSize, OpTable, Port, Skeleton, SkeletonEntry, SkeletonSize, Union, parts,
    relu_conv_bn, shortcut,
};

/// The chain of modules of TransNAS-Bench-101 (Duan et al. 2021; yawen-d/TransNASBench, `net_macro.py`).
///
/// It has a stem that makes a map of a quarter of the image's sides, four to six modules, and the head of a
/// task: of classification, global average pooling and a linear classifier. A module is two residual blocks, of which the first doubles the width or halves the
/// map as its operation says.
///
/// Networks share weights place by place: the weights of a module are the first channels of those of the widest at its
/// place, whatever its map. BatchNorm is that of the module at its width and map. All networks of the union must fit the
/// images, and so must those that take their modules from several of them.
#[derive(Clone, Debug)]
pub struct TransNasMacroSkeleton {
    /// Its size.
    pub size: NetworkSize,
    /// The task, which its head is for.
    pub task: Task,
}

impl TransNasMacroSkeleton {
    /// The published network for object classification: C = 64, 3×256×256, 75 classes.
    pub fn object_classification() -> Self {
        Self { size: OBJECT_CLASSIFICATION, task: Task::Object }
    }

    /// The published networks by name, one for each task; the first is that for object classification. The space fixes the
    /// number of modules, so `layers` is ignored.
    pub const TASKONOMY: [&SkeletonEntry; 7] = [
        for_task!(
            Self,
            "transnas-macro",
            "modules of residual blocks of TransNAS-Bench-101; published: C = 64, 3x256x256",
            Task::Object
        ),
        for_task!(Self, "transnas-macro-class-scene", "the same for class_scene, 47 classes", Task::Scene),
        for_task!(
            Self,
            "transnas-macro-room-layout",
            "the same for room_layout, counted only: nine outputs of a regression",
            Task::RoomLayout
        ),
        for_task!(
            Self,
            "transnas-macro-jigsaw",
            "the same for jigsaw, counted only: nine tiles of 3x64x64, 1,000 permutations",
            Task::Jigsaw
        ),
        for_task!(
            Self,
            "transnas-macro-segmentsemantic",
            "the same for segmentsemantic, counted only: a decoder to 17 classes a pixel",
            Task::Segmentation
        ),
        for_task!(
            Self,
            "transnas-macro-normal",
            "the same for normal, counted only: a decoder to 3 channels a pixel; auxiliary: its discriminator",
            Task::Normal { discriminator: false }
        ),
        for_task!(
            Self,
            "transnas-macro-autoencoder",
            "the same for autoencoder, counted only: a decoder to 3 channels a pixel; auxiliary: its discriminator",
            Task::Autoencoder { discriminator: false }
        ),
    ];

    /// The network for a task in a size.
    fn of(task: Task, size: &SkeletonSize) -> Self {
        Self { size: task.published().sized(size), task }
    }
}

/// Residual block: two 3×3 convolutions, each ReLU, convolution, BatchNorm, beside a shortcut.
fn block(port: Port) -> Layer {
    let mut main = relu_conv_bn(port, 3);
    main.extend(relu_conv_bn(Port { input: port.output, stride: 1, ..port }, 3));
    Layer::Branches { join: Join::Sum, arms: vec![shortcut(port), main] }
}

impl OpTable {
    /// The four modules of TransNAS-Bench-101 (Duan et al. 2021, `net_macro.py`): two residual blocks, where
    /// widths and stride are those of the port.
    pub fn transnas_macro() -> Self {
        let module = |port: Port| vec![block(port), block(Port { input: port.output, stride: 1, ..port })];
        OPS.into_iter().fold(Self::new(), |table, name| table.with(name, module))
    }
}

/// How often the channels were doubled and the map halved.
type State = (usize, usize);

const CHAIN: &str = "networks of one chain of modules";

impl TransNasMacroSkeleton {
    /// The network of one architecture.
    fn alone(&self, links: Links<'_>, ops: &OpTable) -> Result<Network, SpaceError> {
        let (mut net, mut last) = stem(&self.size)?;
        for place in 0..links.len() {
            let module = Module::at(Chains::position(links.ops(place)[0]));
            let port = module.port(net.shape(last), self.size.norm)?;
            let cell = links.segment(place, &[port], Ending::default(), ops)?;
            last = net.cell(&format!("module{place}"), &[last], 0, cell)?;
        }
        let (head, auxiliary) = self.task.head(&mut net, last, &self.size)?;
        Ok(net.finish(head, auxiliary))
    }

    /// The network that several share.
    fn shared(&self, union: &Union, ops: &OpTable) -> Result<Network, SpaceError> {
        if !self.task.is_classification() {
            let reason = "several networks at once; what is counted only is counted for one at a time";
            return Err(SpaceError::network(reason));
        }
        let (mut net, last) = stem(&self.size)?;
        let start = net.shape(last);
        let mut trellis = Trellis::new(union, ((0, 0), start), CHAIN)?;
        let widest = start.channels << *DOUBLINGS.end();
        for place in 0..trellis.len() {
            let input = trellis.shapes().map(|shape| shape.channels).max().unwrap_or(start.channels);
            let doubled = trellis.ops(place).iter().any(|&op| Module::at(Chains::position(op)).doubles);
            let output = widest.min(input << usize::from(doubled));
            // A stride of 2, so that there is a convolution in the shortcut.
            let whole = Port { input, output, stride: 2, norm: self.size.norm };
            trellis.advance(place, |(doublings, halvings): State, before, op| {
                let module = Module::at(Chains::position(op));
                let next = (doublings + usize::from(module.doubles), halvings + usize::from(module.halves));
                if next.0 > *DOUBLINGS.end() || next.1 > *HALVINGS.end() {
                    return Ok(None);
                }
                let name = union.vocabulary.name(op);
                let layers = ops.layers(name, module.port(before, self.size.norm)?)?;
                let layers = parts(&format!("place{place}"), layers, &ops.layers(name, whole)?);
                Ok(Some((next, vec![(0, 1, layers)])))
            })?;
            trellis.end(place, |_, _| vec![Layer::GlobalAvgPool, Layer::Pad { channels: widest }]);
        }
        let modules = net.cell("modules", &[last], 0, trellis.cell())?;
        let head = net.classifier("classifier", modules, self.size.classes)?;
        Ok(net.finish(head, None))
    }
}

impl Skeleton for TransNasMacroSkeleton {
    fn channels(&self) -> Option<usize> {
        Some(self.size.channels)
    }

    fn is_trainable(&self) -> bool {
        self.task.is_classification()
    }

    fn network(&self, union: &Union, ops: &OpTable) -> Result<Network, SpaceError> {
        check_operations(union)?;
        match Links::of(union, CHAIN) {
            Ok(links) if (0..links.len()).all(|place| links.ops(place).len() == 1) => {
                if !MODULES.contains(&links.len()) {
                    let found = links.len();
                    return Err(SpaceError::network(format!("{found} modules; they must be 4 to 6")));
                }
                self.alone(links, ops)
            }
            _ => self.shared(union, ops),
        }
    }
}

/// Refuses other operations than the four modules.
fn check_operations(union: &Union) -> Result<(), SpaceError> {
    let vocabulary = &union.vocabulary;
    if vocabulary.ops().map(|op| vocabulary.name(op)).eq(OPS) {
        return Ok(());
    }
    let names = OPS.join(", ");
    Err(SpaceError::network(format!("this skeleton wants the operations {names}, in this order")))
}
