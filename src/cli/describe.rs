//! `bonas describe`: what an architecture is made of.

use bonas::drawing::cells_text;
use bonas::spaces::Architecture;
use bonas::spaces::network::{Network, Shape, Union};
use bonas::study::registry::{self, SkeletonSize, SpaceEntry};
use clap::Args;
use serde_json::{Value, json};

use super::{out, usage};

/// Arguments of `bonas describe`.
#[derive(Debug, Args)]
pub(super) struct DescribeArgs {
    /// Search space.
    #[arg(long, default_value = "darts")]
    space: String,
    /// Architecture in the space's notation, or the name of a published one.
    #[arg(long)]
    arch: String,
    /// Skeleton to count with; without it the space's own, as published.
    #[arg(long)]
    skeleton: Option<String>,
    /// Width C of the first cells.
    #[arg(long)]
    channels: Option<usize>,
    /// Cells in the network (nasbench101, nasbench201: cells a stage).
    #[arg(long)]
    layers: Option<usize>,
    /// Enhancement cells (bcnn).
    #[arg(long)]
    enhancement: Option<usize>,
    /// Side of the images in pixels.
    #[arg(long)]
    image: Option<usize>,
    /// Channels of the images.
    #[arg(long, default_value_t = 3, requires = "image")]
    image_channels: usize,
    /// Number of classes.
    #[arg(long)]
    classes: Option<usize>,
    /// Count with the auxiliary head of final training.
    #[arg(long)]
    auxiliary: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Prints parameters, multiply-adds and layers, and draws the cells.
///
/// # Errors
/// Usage errors for unknown names, a bad notation, or a size that does not fit.
pub(super) fn describe(args: &DescribeArgs) -> anyhow::Result<()> {
    let entry = registry::space(&args.space).map_err(usage)?;
    let space = entry.space();
    let architecture = space.parse(&args.arch).map_err(usage)?;
    let notation = space.format(&architecture)?;
    let network = network(args, entry, &architecture)?;
    let network = network.as_ref().map(|(name, network)| (*name, network));
    if args.json {
        let value = json_of(entry, &architecture, &notation, network);
        return out::text(&format!("{value:#}\n"));
    }
    let mut text = format!("space  {}\narch   {notation}\nkey    {}\n\n", entry.name, architecture.key());
    text.push_str(&cells_text(&architecture, entry.cells));
    match network {
        Some((name, network)) => out::text(&format!("{text}\nskeleton {name}\n{network}")),
        None => out::text(&format!("{text}\nno network: there is no skeleton for {} here\n", entry.name)),
    }
}

/// The network and the name of its skeleton; none where the space has none and none is asked for.
fn network(
    args: &DescribeArgs,
    entry: &SpaceEntry,
    architecture: &Architecture,
) -> anyhow::Result<Option<(&'static str, Network)>> {
    let Some(name) = args.skeleton.as_deref().or(entry.skeleton) else { return Ok(None) };
    let skeleton = registry::skeleton(name).map_err(usage)?;
    let size = SkeletonSize {
        channels: args.channels,
        layers: args.layers,
        image: args.image.map(|side| Shape::square(args.image_channels, side)),
        classes: args.classes,
        auxiliary: args.auxiliary,
        enhancement: args.enhancement,
        ..SkeletonSize::default()
    };
    let union = Union::of(std::slice::from_ref(architecture))?;
    let network = skeleton.skeleton(&size).map_err(usage)?;
    let network = network.network(&union, &(entry.ops)()).map_err(usage)?;
    Ok(Some((skeleton.name, network)))
}

/// Keys: `space`, `arch`, `key`, `cells[]` (text), and with a network `skeleton`, `image`
/// (channels, height, width), `classes`, `parameters`, `batch_norm_parameters` (scales and shifts
/// among them), `flops` (multiply-adds of one image) and
/// `layers[] {name, output, parameters, flops}`.
fn json_of(
    entry: &SpaceEntry,
    architecture: &Architecture,
    notation: &str,
    network: Option<(&str, &Network)>,
) -> Value {
    let cells = cells_text(architecture, entry.cells);
    let cells: Vec<&str> = cells.split("\n\n").collect();
    let mut value = json!({
        "space": entry.name, "arch": notation, "key": architecture.key().to_string(), "cells": cells,
    });
    let shape = |s: Shape| [s.channels, s.height, s.width];
    if let (Some((skeleton, network)), Some(object)) = (network, value.as_object_mut()) {
        let layers = network.units.iter().map(|unit| {
            json!({"name": unit.name, "output": shape(unit.shape), "parameters": unit.params, "flops": unit.macs})
        });
        object.insert("skeleton".into(), json!(skeleton));
        object.insert("image".into(), json!(shape(network.image())));
        object.insert("classes".into(), json!(network.classes()));
        object.insert("parameters".into(), json!(network.params()));
        object.insert("batch_norm_parameters".into(), json!(network.norm_params()));
        object.insert("flops".into(), json!(network.macs()));
        object.insert("layers".into(), layers.collect());
    }
    value
}
