//! The skeleton of chains whose operations are layers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use super::DescriptionError;
use super::body::Layout;
use super::description::NetworkDescription;
use super::names::interned;
use crate::error::SpaceError;
use crate::families::links::{Ending, Links};
use crate::network::{
    Network, NetworkBuilder, NetworkSize, Norm, OpTable, Port, Shape, Skeleton, SkeletonEntry, Union,
    conv_bn_relu,
};

/// The name of the skeleton in a description.
pub(super) const NAME: &str = "stages";

/// Largest width of a stage.
const WIDEST: usize = 4096;

/// A convolution, the stages, a 1×1 convolution if there is one, global average pooling and a classifier.
///
/// The first layer of a stage has its stride and changes the width.
#[derive(Clone, Debug)]
struct Stages {
    plan: Arc<Plan>,
    size: NetworkSize,
}

/// What a description says of the network.
#[derive(Debug)]
struct Plan {
    stages: Vec<(Layout, usize, usize)>,
    /// Channels after the stem, to which all widths are proportional.
    stem: usize,
    last: Option<usize>,
    image: usize,
    classes: usize,
}

/// The entry of the skeleton of a description, which lives as long as the program; equal ones share one.
///
/// # Errors
/// [`DescriptionError`] at what does not fit.
pub(super) fn entry(
    network: &NetworkDescription,
    layouts: Vec<Layout>,
) -> Result<&'static SkeletonEntry, DescriptionError> {
    static KNOWN: Mutex<Option<HashMap<&'static str, &'static SkeletonEntry>>> = Mutex::new(None);
    let plan = Arc::new(plan(network, layouts)?);
    let mut guard = KNOWN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let known = guard.get_or_insert_with(HashMap::new);
    Ok(known.entry(interned(&format!("{plan:?}"))).or_insert_with(|| {
        let make = move |size: &crate::network::SkeletonSize| -> Arc<dyn Skeleton> {
            let Plan { stem, image, classes, .. } = *plan;
            let published =
                NetworkSize { channels: stem, image: Shape::square(3, image), classes, norm: Norm::DISCRETE };
            Arc::new(Stages { plan: plan.clone(), size: published.sized(size) })
        };
        Box::leak(Box::new(SkeletonEntry {
            name: NAME,
            about: "a convolution, the stages of a declared chain, a classifier",
            auxiliary: false,
            relaxable: false,
            make: Box::leak(Box::new(make)),
        }))
    }))
}

fn plan(network: &NetworkDescription, layouts: Vec<Layout>) -> Result<Plan, DescriptionError> {
    let refuse = |key: &str, reason: String| Err(DescriptionError::new(format!("network.{key}"), reason));
    let count = layouts.len();
    let strides: Vec<usize> = match &network.strides[..] {
        [] => (0..count).map(|stage| if stage == 0 { 1 } else { 2 }).collect(),
        given => given.to_vec(),
    };
    for (key, given) in [("widths", &network.widths), ("strides", &strides)] {
        if given.len() != count {
            return refuse(key, format!("{} numbers given, expected {count}, one a stage", given.len()));
        }
    }
    let (stem, image, classes) =
        (network.stem.unwrap_or(16), network.image.unwrap_or(32), network.classes.unwrap_or(10));
    let widths = network.widths.iter().chain([&stem]).chain(&network.last);
    if let Some(width) = widths.copied().find(|width| !(1..=WIDEST).contains(width)) {
        return refuse("widths", format!("a width of {width}; expected 1 to {WIDEST}"));
    }
    if let Some(i) = strides.iter().position(|stride| !(1..=2).contains(stride)) {
        return refuse(&format!("strides[{i}]"), format!("{}; expected 1 or 2", strides[i]));
    }
    if !(1..=4096).contains(&image) || !(2..=100_000).contains(&classes) {
        return refuse(
            "image",
            format!("images of {image}, {classes} classes; expected 1 to 4096, 2 to 100000"),
        );
    }
    let stages = layouts.into_iter().zip(&network.widths).zip(&strides);
    let stages = stages.map(|((layout, &width), &stride)| (layout, width, stride)).collect();
    Ok(Plan { stages, stem, last: network.last, image, classes })
}

impl Stages {
    /// Layers of a stage, and how many links say so.
    fn depth(links: Links<'_>, link: usize, layout: &Layout) -> Result<(usize, usize), SpaceError> {
        match layout {
            Layout::Fixed(depth) => Ok((*depth, 0)),
            Layout::Said(depths) => {
                let said = if link < links.len() { links.ops(link) } else { &[] };
                let found = match said {
                    [op] => depths.iter().find(|(label, _)| label == op),
                    _ => None,
                };
                found.map(|(_, depth)| (*depth, 1)).ok_or_else(|| {
                    SpaceError::network(
                        "only networks of the same depths can share weights; train others from scratch",
                    )
                })
            }
        }
    }
}

impl Skeleton for Stages {
    fn channels(&self) -> Option<usize> {
        Some(self.size.channels)
    }

    fn network(&self, union: &Union, ops: &OpTable) -> Result<Network, SpaceError> {
        let links = Links::of(union, "networks of one chain of layers, all of the same length")?;
        self.size.check_channels()?;
        let mut net = NetworkBuilder::new(self.size.image)?;
        let width = |published| self.size.width(published, self.plan.stem);
        let port = |input, output, stride, norm| Port { input, output, stride, norm };
        let stem = port(self.size.image.channels, width(self.plan.stem), 1, Norm::DISCRETE);
        let mut last = net.layers("stem", 0, conv_bn_relu(stem, 3))?;
        let mut link = 0;
        for (stage, (layout, channels, stride)) in self.plan.stages.iter().enumerate() {
            let (depth, said) = Self::depth(links, link, layout)?;
            if link + said + depth > links.len() {
                return Err(SpaceError::network(format!("the chain ends in stage {stage}")));
            }
            for layer in 0..depth {
                let before = net.shape(last);
                let stride = if layer == 0 { *stride } else { 1 };
                if stride > 1 {
                    before.check_halving()?;
                }
                let own = port(before.channels, width(*channels), stride, self.size.norm);
                // The operation that says the depth is a wire before the first layer.
                let mut ports = vec![own];
                if layer == 0 && said == 1 {
                    ports.insert(0, port(before.channels, before.channels, 1, self.size.norm));
                }
                let cell = links.segment(link, &ports, Ending::default(), ops)?;
                last = net.cell(&format!("stage{stage}.layer{layer}"), &[last], 0, cell)?;
                link += ports.len();
            }
        }
        if link != links.len() {
            return Err(SpaceError::network(format!("{} layers, expected {link}", links.len())));
        }
        if let Some(channels) = self.plan.last {
            let own = port(net.shape(last).channels, width(channels), 1, Norm::DISCRETE);
            last = net.layers("last", last, conv_bn_relu(own, 1))?;
        }
        let head = net.classifier("classifier", last, self.size.classes)?;
        Ok(net.finish(head, None))
    }

    fn is_additive(&self) -> bool {
        self.plan.stages.iter().all(|(layout, ..)| matches!(layout, Layout::Fixed(_)))
    }
}
