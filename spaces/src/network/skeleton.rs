//! Skeletons, and how a search space says which ones it has.

use std::fmt;
use std::sync::Arc;

use super::{Network, Norm, OpTable, Shape, Union};
use crate::error::SpaceError;
use crate::lookup::{Entry, UnknownName};

/// A way to arrange the cells of an architecture in a network (the macro network around cells).
pub trait Skeleton: Send + Sync + fmt::Debug {
    /// The network of the cells of `union`, whose operations `ops` spells out.
    ///
    /// # Errors
    /// [`SpaceError::Network`] when the cells or the sizes do not fit the skeleton.
    fn network(&self, union: &Union, ops: &OpTable) -> Result<Network, SpaceError>;

    /// Whether multiply-adds are a sum over a space's choices. They are not where widths follow
    /// from the cell, or where an operation costs more on some edges and the edge is another choice.
    fn is_additive(&self) -> bool {
        true
    }
}

/// The size of a network; a field that is `None` takes the skeleton's published value.
///
/// A skeleton ignores the fields that it does not have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SkeletonSize {
    /// Width C of the first cells.
    pub channels: Option<usize>,
    /// Number of cells, or of cells a stage; each skeleton says which.
    pub layers: Option<usize>,
    /// Shape of the images.
    pub image: Option<Shape>,
    /// Number of classes.
    pub classes: Option<usize>,
    /// Number of enhancement cells.
    pub enhancement: Option<usize>,
    /// K of partial channels.
    pub partial: Option<usize>,
    /// Normalisation inside the cells.
    pub norm: Option<Norm>,
    /// Whether there is an auxiliary head; [`SkeletonEntry::auxiliary`] says which skeletons may
    /// have one.
    pub auxiliary: bool,
}

/// A skeleton under the name that configurations and commands use.
#[derive(Debug)]
pub struct SkeletonEntry {
    /// The name.
    pub name: &'static str,
    /// One line about it, with the published size.
    pub about: &'static str,
    /// Whether it may have an auxiliary head.
    pub auxiliary: bool,
    /// Whether it can be relaxed, which differentiable search needs.
    pub relaxable: bool,
    /// Builds it in a size. Callers use [`SkeletonEntry::build`], which checks the auxiliary head.
    pub make: fn(&SkeletonSize) -> Arc<dyn Skeleton>,
}

impl SkeletonEntry {
    /// The skeleton in a size.
    ///
    /// # Errors
    /// [`SpaceError::Network`] for an auxiliary head on a skeleton that has none.
    pub fn build(&self, size: &SkeletonSize) -> Result<Arc<dyn Skeleton>, SpaceError> {
        if size.auxiliary && !self.auxiliary {
            let reason = format!("skeleton {} has no auxiliary head; leave it out", self.name);
            return Err(SpaceError::network(reason));
        }
        Ok((self.make)(size))
    }

    /// The skeleton in its published size, without an auxiliary head.
    pub fn published(&self) -> Arc<dyn Skeleton> {
        (self.make)(&SkeletonSize::default())
    }
}

impl Entry for SkeletonEntry {
    fn name(&self) -> &str {
        self.name
    }

    fn about(&self) -> &str {
        self.about
    }
}

/// The networks of a search space: what its operations are in layers, the union of all its
/// architectures, and the skeletons that its cells fit.
///
/// A space that has networks implements this and returns itself from
/// [`SearchSpace::network`](crate::space::SearchSpace::network). Then its architectures can be trained,
/// counted and shared in a supernet.
pub trait SpaceNetwork {
    /// The layers of each operation.
    fn ops(&self) -> OpTable;

    /// Every operation wherever it may stand: the union that a supernet of the whole space is made
    /// of. Every architecture of the space has a route through it.
    fn whole(&self) -> Union;

    /// The skeletons, at least one; the first is the default.
    fn skeletons(&self) -> &'static [&'static SkeletonEntry];

    /// The default skeleton.
    fn skeleton(&self) -> &'static SkeletonEntry {
        self.skeletons()[0]
    }

    /// The skeleton with a name.
    ///
    /// # Errors
    /// [`UnknownName`] with the nearest skeleton and all that the space has.
    fn skeleton_named(&self, name: &str) -> Result<&'static SkeletonEntry, UnknownName> {
        let found = self.skeletons().iter().find(|entry| entry.name == name);
        let names = self.skeletons().iter().map(|entry| entry.name);
        found.copied().ok_or_else(|| UnknownName::new("skeleton", name, names))
    }
}
