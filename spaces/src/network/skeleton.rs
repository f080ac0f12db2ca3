//! Skeletons, and the trait by which a search space brings its networks.

use std::fmt;
use std::sync::Arc;

use super::{Kernels, Network, Norm, OpTable, Shape, Union};
use crate::error::SpaceError;
use crate::lookup::{Entry, UnknownName};

/// The macro network around cells: it arranges the cells of an architecture in a [`Network`].
pub trait Skeleton: Send + Sync + fmt::Debug {
    /// Builds the network of the cells of `union`; `ops` gives the layers of each operation.
    ///
    /// # Errors
    /// [`SpaceError::Network`] when the cells or the sizes do not fit the skeleton.
    fn network(&self, union: &Union, ops: &OpTable) -> Result<Network, SpaceError>;

    /// The width C that it is built in; none where [`SkeletonSize::channels`] does not apply.
    fn channels(&self) -> Option<usize> {
        None
    }

    /// The number of layers that it is built in; none where [`SkeletonSize::layers`] does not apply.
    fn layers(&self) -> Option<usize> {
        None
    }

    /// Whether its networks are classifiers, which can be trained here; those of other tasks are counted only.
    fn is_trainable(&self) -> bool {
        true
    }

    /// Whether the multiply-adds of an architecture are a sum over its choices, so that a
    /// [`CostTable`](crate::space::CostTable) is exact.
    ///
    /// They are not if widths depend on the cell, or if an operation costs more on some edges and the
    /// edge is a choice of its own.
    fn is_additive(&self) -> bool {
        true
    }
}

/// The size of a network. A field that is `None` takes the skeleton's published value.
///
/// A skeleton ignores fields that do not apply to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SkeletonSize {
    /// Width C of the first cells.
    pub channels: Option<usize>,
    /// Number of cells, or of cells per stage; each skeleton says which.
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
    /// How smaller kernels are made of larger ones where several architectures share them.
    pub kernels: Option<Kernels>,
    /// Whether to add an auxiliary head; [`SkeletonEntry::auxiliary`] says which skeletons have one.
    pub auxiliary: bool,
}

impl SkeletonSize {
    /// Refuses sizes that no network has, so that what is counted of one cannot overflow. Each skeleton has limits of its own
    /// besides.
    ///
    /// # Errors
    /// [`SpaceError::Network`] naming the field and its limit.
    pub fn check(&self) -> Result<(), SpaceError> {
        let image = |side: fn(Shape) -> usize| self.image.map(side);
        let limits = [
            ("channels", self.channels, 1 << 16),
            ("layers", self.layers, 1024),
            ("classes", self.classes, 1 << 20),
            ("enhancement", self.enhancement, 1024),
            ("partial", self.partial, 1 << 16),
            ("channels of the image", image(|image| image.channels), 1 << 10),
            ("height of the image", image(|image| image.height), 1 << 14),
            ("width of the image", image(|image| image.width), 1 << 14),
        ];
        match limits.into_iter().find(|(_, value, most)| value.is_some_and(|value| value > *most)) {
            None => Ok(()),
            Some((name, value, most)) => {
                let value = value.unwrap_or_default();
                Err(SpaceError::network(format!("{name} = {value}; at most {most}")))
            }
        }
    }
}

/// The size of a network whose number of layers the architecture says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkSize {
    /// Width C after the stem, to which all widths are proportional.
    pub channels: usize,
    /// Shape of the images.
    pub image: Shape,
    /// Number of classes.
    pub classes: usize,
    /// Normalisation of the searched layers.
    pub norm: Norm,
}

impl NetworkSize {
    /// This size with the fields that are given; `layers` does not apply.
    #[must_use]
    pub fn sized(self, size: &SkeletonSize) -> Self {
        Self {
            channels: size.channels.unwrap_or(self.channels),
            image: size.image.unwrap_or(self.image),
            classes: size.classes.unwrap_or(self.classes),
            norm: size.norm.unwrap_or(self.norm),
        }
    }

    /// A published width in proportion to that of the stem, rounded, at least 1.
    pub(crate) fn width(&self, published: usize, stem: usize) -> usize {
        ((published * self.channels + stem / 2) / stem).max(1)
    }

    /// Refuses a width that no network has.
    ///
    /// # Errors
    /// [`SpaceError::Network`] for channels other than 1 to 4,096.
    pub(crate) fn check_channels(&self) -> Result<(), SpaceError> {
        match self.channels {
            1..=4096 => Ok(()),
            channels => Err(SpaceError::network(format!("channels = {channels}; they must be 1 to 4096"))),
        }
    }
}

/// A function that builds a skeleton in a size. A skeleton with data of its own is a closure.
pub type MakeSkeleton = dyn Fn(&SkeletonSize) -> Arc<dyn Skeleton> + Send + Sync;

/// A skeleton with the name that configurations and commands use.
pub struct SkeletonEntry {
    /// The name.
    pub name: &'static str,
    /// One line about it, with the published size.
    pub about: &'static str,
    /// Whether it can have an auxiliary head.
    pub auxiliary: bool,
    /// Whether it can be relaxed, as differentiable search requires.
    pub relaxable: bool,
    /// Builds the skeleton; call [`SkeletonEntry::build`] instead, which also checks the auxiliary head.
    pub make: &'static MakeSkeleton,
}

impl fmt::Debug for SkeletonEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SkeletonEntry")
            .field("name", &self.name)
            .field("about", &self.about)
            .finish_non_exhaustive()
    }
}

impl SkeletonEntry {
    /// The skeleton in a size.
    ///
    /// # Errors
    /// [`SpaceError::Network`] for an auxiliary head on a skeleton that has none; as [`SkeletonSize::check`].
    pub fn build(&self, size: &SkeletonSize) -> Result<Arc<dyn Skeleton>, SpaceError> {
        size.check()?;
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

/// The networks of a search space: the layers of its operations, the union of all its
/// architectures, and its skeletons.
///
/// A space implements this trait and returns itself from
/// [`SearchSpace::network`](crate::space::SearchSpace::network). Its architectures can then be counted,
/// trained, and combined in a supernet.
pub trait SpaceNetwork {
    /// The layers of each operation.
    fn ops(&self) -> OpTable;

    /// The union of the whole space: every operation in every place where it can occur. Every
    /// architecture of the space has a route through it.
    fn whole(&self) -> Union;

    /// The skeletons. There is at least one, and the first is the default.
    fn skeletons(&self) -> &'static [&'static SkeletonEntry];

    /// The default skeleton.
    fn skeleton(&self) -> &'static SkeletonEntry {
        self.skeletons()[0]
    }

    /// The skeleton itself, if it can be trained.
    ///
    /// # Errors
    /// [`SpaceError::CountedOnly`] with the skeletons of the space that can.
    fn trainable(&self, entry: &'static SkeletonEntry) -> Result<&'static SkeletonEntry, SpaceError> {
        let can = |entry: &SkeletonEntry| entry.published().is_trainable();
        if can(entry) {
            return Ok(entry);
        }
        let others = self.skeletons().iter().filter(|entry| can(entry)).map(|entry| entry.name);
        Err(SpaceError::CountedOnly { skeleton: entry.name, trainable: others.collect() })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::SPACES;
    use crate::network::Union;
    use crate::rand::SeedableRng;

    /// Sizes at the limits are counted or refused by name, and sizes beyond them are refused, in every space.
    #[test]
    fn no_size_overflows() {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
        for entry in SPACES.iter() {
            let space = entry.space();
            let Some(network) = space.network() else { continue };
            let union = Union::of(&[space.sample(&mut rng)]).unwrap();
            for skeleton in network.skeletons() {
                for exponent in [1, 8, 16, 17, 31, 32, 62, 63] {
                    let large = Some(1_usize << exponent);
                    let sizes = [
                        SkeletonSize { channels: large, ..SkeletonSize::default() },
                        SkeletonSize { classes: large, ..SkeletonSize::default() },
                        SkeletonSize { partial: large, ..SkeletonSize::default() },
                        SkeletonSize { layers: large.filter(|_| exponent > 16), ..SkeletonSize::default() },
                        SkeletonSize {
                            enhancement: large.filter(|_| exponent > 16),
                            ..SkeletonSize::default()
                        },
                        SkeletonSize {
                            image: Some(Shape::square(3, 1 << exponent)),
                            channels: large,
                            ..SkeletonSize::default()
                        },
                    ];
                    for size in sizes {
                        let built = skeleton.build(&size);
                        assert_eq!(built.is_err(), size.check().is_err(), "{} {size:?}", skeleton.name);
                        if let Ok(Ok(counted)) = built.map(|built| built.network(&union, &network.ops())) {
                            assert!(counted.macs() > 0 && counted.params() > 0);
                        }
                    }
                }
            }
        }
    }
}
