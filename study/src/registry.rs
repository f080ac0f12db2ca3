//! The search spaces and skeletons that configurations and commands can name.
//!
//! Invariant: this is the one place that turns a name into a space or a skeleton; nothing else in
//! the crate branches on one.

use std::sync::Arc;

use bonas_spaces::SearchSpace;
use bonas_spaces::darts::Darts;
use bonas_spaces::mnasnet::MnasNet;
use bonas_spaces::mobilenet::MobileNet;
use bonas_spaces::nasbench_macro::NasBenchMacro;
use bonas_spaces::nasbench101::{NasBench1Shot1, NasBench101, Part};
use bonas_spaces::nasbench201::{NasBench201, Uniqueness};
use bonas_spaces::network::{
    BcnnSkeleton, DartsSkeleton, MobileNetSkeleton, NasBench101Skeleton, NasBench201Skeleton, Norm, OpTable,
    Shape, Skeleton, Union,
};
use bonas_spaces::transnas::{TransNasMacro, TransNasMicro};

use crate::settings::unknown;

/// A space by name, with what belongs to it.
#[derive(Debug)]
pub struct SpaceEntry {
    /// The name.
    pub name: &'static str,
    /// One line about it.
    pub about: &'static str,
    /// What its cells are called, in order; empty for a single one.
    pub cells: &'static [&'static str],
    /// The usual skeleton; none where cells have no network here.
    pub skeleton: Option<&'static str>,
    /// What its operations are as layers.
    pub ops: fn() -> OpTable,
    /// Every operation wherever it may stand: what a supernet of the space is made of; none where
    /// there is no network.
    pub whole: Option<fn() -> Union>,
    make: fn() -> Arc<dyn SearchSpace>,
    /// The space where every text is its own architecture, if that is another one; none if there
    /// is no such space here.
    raw: Option<fn() -> Arc<dyn SearchSpace>>,
}

impl SpaceEntry {
    /// The space.
    pub fn space(&self) -> Arc<dyn SearchSpace> {
        (self.make)()
    }

    /// The space where isomorphic cells count apart, if there is one.
    pub fn raw_space(&self) -> Option<Arc<dyn SearchSpace>> {
        self.raw.map(|raw| raw())
    }
}

/// The spaces there are.
pub const SPACES: &[SpaceEntry] = &[
    SpaceEntry {
        name: "darts",
        about: "normal and reduction cell of DARTS, seven operations on edges",
        cells: &["normal", "reduction"],
        skeleton: Some("darts"),
        ops: OpTable::darts,
        whole: Some(|| Darts::new().whole()),
        make: || Arc::new(Darts::new()),
        raw: None,
    },
    SpaceEntry {
        name: "bcnn",
        about: "convolution and enhancement cell of BNAS-v2, seven operations on edges",
        cells: &["convolution", "enhancement"],
        skeleton: Some("bcnn"),
        ops: OpTable::darts,
        whole: Some(|| Darts::broad().whole()),
        make: || Arc::new(Darts::broad()),
        raw: None,
    },
    SpaceEntry {
        name: "nasbench201",
        about: "NAS-Bench-201: four nodes, five operations on six edges",
        cells: &[],
        skeleton: Some("nasbench201"),
        ops: OpTable::nasbench201,
        whole: Some(|| NasBench201::new().whole()),
        make: || Arc::new(NasBench201::new()),
        raw: Some(|| Arc::new(NasBench201::with_uniqueness(Uniqueness::Raw))),
    },
    SpaceEntry {
        name: "nasbench101",
        about: "NAS-Bench-101: up to seven nodes, three operations on nodes",
        cells: &[],
        skeleton: Some("nasbench101"),
        ops: OpTable::nasbench101,
        whole: Some(|| NasBench101::new().whole()),
        make: || Arc::new(NasBench101::new()),
        raw: Some(|| Arc::new(NasBench101::labelled())),
    },
    SpaceEntry {
        name: "nasbench1shot1-1",
        about: "search space 1 of NAS-Bench-1Shot1, a part of NAS-Bench-101: four interior nodes",
        cells: &[],
        skeleton: Some("nasbench101"),
        ops: OpTable::nasbench101,
        whole: Some(|| NasBench1Shot1::new(Part::One).whole()),
        make: || Arc::new(NasBench1Shot1::new(Part::One)),
        raw: None,
    },
    SpaceEntry {
        name: "nasbench1shot1-2",
        about: "search space 2 of NAS-Bench-1Shot1, a part of NAS-Bench-101: four interior nodes",
        cells: &[],
        skeleton: Some("nasbench101"),
        ops: OpTable::nasbench101,
        whole: Some(|| NasBench1Shot1::new(Part::Two).whole()),
        make: || Arc::new(NasBench1Shot1::new(Part::Two)),
        raw: None,
    },
    SpaceEntry {
        name: "nasbench1shot1-3",
        about: "search space 3 of NAS-Bench-1Shot1, a part of NAS-Bench-101: five interior nodes",
        cells: &[],
        skeleton: Some("nasbench101"),
        ops: OpTable::nasbench101,
        whole: Some(|| NasBench1Shot1::new(Part::Three).whole()),
        make: || Arc::new(NasBench1Shot1::new(Part::Three)),
        raw: None,
    },
    SpaceEntry {
        name: "macro",
        about: "NAS-Bench-Macro: eight layers, three blocks",
        cells: &[],
        skeleton: None,
        ops: OpTable::new,
        whole: None,
        make: || Arc::new(NasBenchMacro::new()),
        raw: Some(|| Arc::new(NasBenchMacro::new())),
    },
    SpaceEntry {
        name: "mnasnet",
        about: "MnasNet of Accel-NASBench: seven stages of inverted residuals",
        cells: &[],
        skeleton: None,
        ops: OpTable::new,
        whole: None,
        make: || Arc::new(MnasNet::new()),
        raw: Some(|| Arc::new(MnasNet::new())),
    },
    SpaceEntry {
        name: "mobilenet",
        about: "MobileNet of BN-NAS: 21 layers, six inverted residuals and the identity",
        cells: &[],
        skeleton: Some("mobilenet"),
        ops: OpTable::mobilenet,
        whole: Some(|| MobileNet::new().whole()),
        make: || Arc::new(MobileNet::new()),
        raw: Some(|| Arc::new(MobileNet::new())),
    },
    SpaceEntry {
        name: "mobilenet-17",
        about: "the same with the 17 layers of the release of BN-NAS, none of them left out",
        cells: &[],
        skeleton: Some("mobilenet"),
        ops: OpTable::mobilenet,
        whole: Some(|| MobileNet::fixed_depth().whole()),
        make: || Arc::new(MobileNet::fixed_depth()),
        raw: Some(|| Arc::new(MobileNet::fixed_depth())),
    },
    SpaceEntry {
        name: "transnas-micro",
        about: "cells of TransNAS-Bench-101: four nodes, four operations on six edges",
        cells: &[],
        skeleton: None,
        ops: OpTable::new,
        whole: None,
        make: || Arc::new(TransNasMicro::new()),
        raw: Some(|| Arc::new(TransNasMicro::new())),
    },
    SpaceEntry {
        name: "transnas-macro",
        about: "skeletons of TransNAS-Bench-101: four to six modules",
        cells: &[],
        skeleton: None,
        ops: OpTable::new,
        whole: None,
        make: || Arc::new(TransNasMacro::new()),
        raw: Some(|| Arc::new(TransNasMacro::new())),
    },
];

/// The space with a name.
///
/// # Errors
/// A text that names the nearest space and all there are.
pub fn space(name: &str) -> Result<&'static SpaceEntry, String> {
    let found = SPACES.iter().find(|entry| entry.name == name);
    found.ok_or_else(|| unknown("space", name, SPACES.iter().map(|entry| entry.name)))
}

/// How large a network is; what is not given is as published for the skeleton.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SkeletonSize {
    /// Width C of the first cells.
    pub channels: Option<usize>,
    /// Cells in the network (NAS-Bench-101 and -201: cells a stage; `MobileNet` has its 21 layers always).
    pub layers: Option<usize>,
    /// Shape of the images.
    pub image: Option<Shape>,
    /// Number of classes.
    pub classes: Option<usize>,
    /// Enhancement cells, on skeletons that have them.
    pub enhancement: Option<usize>,
    /// K of partial channels, on skeletons that may have them.
    pub partial: Option<usize>,
    /// Normalisation inside the cells; without it that of a discrete network.
    pub norm: Option<Norm>,
    /// Whether there is an auxiliary head; [`SkeletonEntry::auxiliary`] says which may have one.
    pub auxiliary: bool,
}

/// A skeleton by name.
#[derive(Debug)]
pub struct SkeletonEntry {
    /// The name.
    pub name: &'static str,
    /// One line about it.
    pub about: &'static str,
    /// Whether it may have an auxiliary head.
    pub auxiliary: bool,
    /// What a relaxed network of it is made of: every operation on every edge; none where no
    /// differentiable search is to be had.
    pub whole: Option<fn() -> Union>,
    make: fn(&SkeletonSize) -> Arc<dyn Skeleton>,
}

impl SkeletonEntry {
    /// The skeleton in a size.
    ///
    /// # Errors
    /// A text for an auxiliary head on a skeleton that has none.
    pub fn skeleton(&self, size: &SkeletonSize) -> Result<Arc<dyn Skeleton>, String> {
        if size.auxiliary && !self.auxiliary {
            return Err(format!("skeleton {} has no auxiliary head; leave it out", self.name));
        }
        Ok((self.make)(size))
    }
}

/// The skeletons there are.
pub const SKELETONS: &[SkeletonEntry] = &[
    SkeletonEntry {
        name: "darts",
        about: "stack of DARTS for CIFAR-sized images; published: C = 36, 20 cells",
        auxiliary: true,
        whole: Some(|| Darts::new().whole()),
        make: |size| Arc::new(darts(&DartsSkeleton::cifar(), size)),
    },
    SkeletonEntry {
        name: "darts-imagenet",
        about: "stack of DARTS for ImageNet-sized images; published: C = 48, 14 cells",
        auxiliary: true,
        whole: Some(|| Darts::new().whole()),
        make: |size| Arc::new(darts(&DartsSkeleton::imagenet(), size)),
    },
    SkeletonEntry {
        name: "bcnn",
        about: "broad network of BNAS-v2 for CIFAR-sized images; published: C = 48, 6 cells",
        auxiliary: false,
        whole: Some(|| Darts::broad().whole()),
        make: |size| Arc::new(bcnn(&BcnnSkeleton::cifar(), size)),
    },
    SkeletonEntry {
        name: "bcnn-imagenet",
        about: "broad network of BNAS-v2 for ImageNet-sized images; published: C = 44, 6 cells",
        auxiliary: false,
        whole: Some(|| Darts::broad().whole()),
        make: |size| Arc::new(bcnn(&BcnnSkeleton::imagenet(), size)),
    },
    SkeletonEntry {
        name: "nasbench101",
        about: "stack of NAS-Bench-101; published: C = 128, 3 cells a stack",
        auxiliary: false,
        whole: None,
        make: |size| Arc::new(nasbench101(&NasBench101Skeleton::cifar(), size)),
    },
    SkeletonEntry {
        name: "nasbench201",
        about: "residual stack of NAS-Bench-201; published: C = 16, 5 cells a stage",
        auxiliary: false,
        whole: None,
        make: |size| Arc::new(nasbench201(&NasBench201Skeleton::cifar(), size)),
    },
    SkeletonEntry {
        name: "mobilenet",
        about: "chain of inverted residuals; published: C = 40 after the stem, 21 searched layers",
        auxiliary: false,
        whole: None,
        make: |size| Arc::new(mobilenet(&MobileNetSkeleton::imagenet(), size)),
    },
];

/// The skeleton with a name.
///
/// # Errors
/// A text that names the nearest skeleton and all there are.
pub fn skeleton(name: &str) -> Result<&'static SkeletonEntry, String> {
    let found = SKELETONS.iter().find(|entry| entry.name == name);
    found.ok_or_else(|| unknown("skeleton", name, SKELETONS.iter().map(|entry| entry.name)))
}

fn darts(published: &DartsSkeleton, size: &SkeletonSize) -> DartsSkeleton {
    DartsSkeleton {
        channels: size.channels.unwrap_or(published.channels),
        layers: size.layers.unwrap_or(published.layers),
        image: size.image.unwrap_or(published.image),
        classes: size.classes.unwrap_or(published.classes),
        norm: size.norm.unwrap_or(published.norm),
        partial: size.partial.unwrap_or(published.partial),
        auxiliary: size.auxiliary,
        ..published.clone()
    }
}

fn bcnn(published: &BcnnSkeleton, size: &SkeletonSize) -> BcnnSkeleton {
    BcnnSkeleton {
        channels: size.channels.unwrap_or(published.channels),
        layers: size.layers.unwrap_or(published.layers),
        image: size.image.unwrap_or(published.image),
        classes: size.classes.unwrap_or(published.classes),
        norm: size.norm.unwrap_or(published.norm),
        enhancement: size.enhancement.unwrap_or(published.enhancement),
        partial: size.partial.unwrap_or(published.partial),
        ..published.clone()
    }
}

fn nasbench101(published: &NasBench101Skeleton, size: &SkeletonSize) -> NasBench101Skeleton {
    NasBench101Skeleton {
        channels: size.channels.unwrap_or(published.channels),
        cells: size.layers.unwrap_or(published.cells),
        image: size.image.unwrap_or(published.image),
        classes: size.classes.unwrap_or(published.classes),
        norm: size.norm.unwrap_or(published.norm),
    }
}

fn nasbench201(published: &NasBench201Skeleton, size: &SkeletonSize) -> NasBench201Skeleton {
    NasBench201Skeleton {
        channels: size.channels.unwrap_or(published.channels),
        cells: size.layers.unwrap_or(published.cells),
        image: size.image.unwrap_or(published.image),
        classes: size.classes.unwrap_or(published.classes),
        norm: size.norm.unwrap_or(published.norm),
    }
}

/// Its layers are those of the space, whatever the size says.
fn mobilenet(published: &MobileNetSkeleton, size: &SkeletonSize) -> MobileNetSkeleton {
    MobileNetSkeleton {
        channels: size.channels.unwrap_or(published.channels),
        image: size.image.unwrap_or(published.image),
        classes: size.classes.unwrap_or(published.classes),
        norm: size.norm.unwrap_or(published.norm),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_space_has_its_name_and_a_network_if_it_says_so() {
        for entry in SPACES {
            let found = space(entry.name).unwrap();
            let (space, mut rng) = (found.space(), crate::rng::stream(1, &[]));
            let architecture = space.sample(&mut rng);
            assert!(entry.cells.is_empty() || entry.cells.len() == architecture.cells().len());
            if let Some(name) = entry.skeleton {
                let skeleton = skeleton(name).unwrap().skeleton(&SkeletonSize::default()).unwrap();
                let network = skeleton.network(&Union::of(&[architecture]).unwrap(), &(entry.ops)()).unwrap();
                assert!(network.params() > 0);
                let whole = entry.whole.unwrap()();
                assert!(whole.route(&space.sample(&mut rng)).is_ok(), "{}", entry.name);
            } else {
                assert!(entry.whole.is_none(), "{}", entry.name);
            }
        }
    }

    #[test]
    fn an_auxiliary_head_is_refused_where_there_is_none() {
        let size = SkeletonSize { auxiliary: true, ..SkeletonSize::default() };
        for entry in SKELETONS {
            assert_eq!(entry.skeleton(&size).is_ok(), entry.auxiliary, "{}", entry.name);
        }
    }

    #[test]
    fn an_unknown_name_gives_the_nearest() {
        let message = space("nasbench202").unwrap_err();
        assert!(message.starts_with("unknown space `nasbench202`; did you mean `nasbench201`?"), "{message}");
        assert!(skeleton("dart").unwrap_err().contains("did you mean `darts`?"));
    }
}
