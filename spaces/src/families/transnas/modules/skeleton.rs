//! The chain of modules of TransNAS-Bench-101.

use std::sync::Arc;

use super::{MODULES, OPS};
use crate::error::SpaceError;
use crate::families::chain::Chains;
use crate::families::links::{Ending, Links};
use crate::families::transnas::skeleton::{Module, OBJECT_CLASSIFICATION, stem};
use crate::graph::OpId;
use crate::network::{
    Join, Layer, Network, NetworkSize, OpTable, Port, Skeleton, SkeletonEntry, Union, relu_conv_bn, shortcut,
};

/// The chain of modules of TransNAS-Bench-101 (Duan et al. 2021; yawen-d/TransNASBench, `net_macro.py`).
///
/// It has a stem that makes a map of a quarter of the image's sides, four to six modules, global average pooling
/// and a linear classifier. A module is two residual blocks, of which the first doubles the width or halves the
/// map as its operation says.
///
/// Networks share weights as far as they are alike: a union of networks with different modules at one place has
/// maps of several shapes there, and is refused.
#[derive(Clone, Debug)]
pub struct TransNasMacroSkeleton {
    /// Its size.
    pub size: NetworkSize,
}

impl TransNasMacroSkeleton {
    /// The published network for object classification: C = 64, 3×256×256, 75 classes.
    pub fn object_classification() -> Self {
        Self { size: OBJECT_CLASSIFICATION }
    }

    /// The published network, by name. The space fixes the number of modules, so `layers` is ignored.
    pub const TASKONOMY: SkeletonEntry = SkeletonEntry {
        name: "transnas-macro",
        about: "modules of residual blocks of TransNAS-Bench-101; published: C = 64, 3x256x256",
        auxiliary: false,
        relaxable: false,
        make: &|size| Arc::new(Self { size: OBJECT_CLASSIFICATION.sized(size) }),
    };
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

/// The module at a place, if the union has only one there.
fn only(place: usize, ops: &[OpId]) -> Result<Module, SpaceError> {
    match *ops {
        [op] if Chains::position(op) < OPS.len() => Ok(Module::at(Chains::position(op))),
        _ => Err(SpaceError::network(format!(
            "{} modules at place {place}: networks whose maps differ in shape cannot share weights; train each \
             from scratch",
            ops.len()
        ))),
    }
}

impl Skeleton for TransNasMacroSkeleton {
    fn network(&self, union: &Union, ops: &OpTable) -> Result<Network, SpaceError> {
        let links =
            Links::of_operations(union, &OPS, "networks of one chain of modules, all of the same length")?;
        if !MODULES.contains(&links.len()) {
            let found = links.len();
            return Err(SpaceError::network(format!("{found} modules; they must be 4 to 6")));
        }
        let (mut net, mut last) = stem(&self.size)?;
        for place in 0..links.len() {
            let module = only(place, links.ops(place))?;
            let port = module.port(net.shape(last), self.size.norm)?;
            let cell = links.segment(place, &[port], Ending::default(), ops)?;
            last = net.cell(&format!("module{place}"), &[last], 0, cell)?;
        }
        let head = net.classifier("classifier", last, self.size.classes)?;
        Ok(net.finish(head, None))
    }
}
