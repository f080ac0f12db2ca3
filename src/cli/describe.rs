//! `bonas describe`: what an architecture is made of.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bonas::build::named_space;
use bonas::drawing::cells_text;
use bonas::spaces::catalogue::SPACES;
use bonas::spaces::network::{LanguageModel, ModelRow, Network, Shape, SkeletonSize, Union};
use bonas::spaces::{Architecture, Notation, SearchSpace, SpaceEntry, SpaceError};
use bonas::study::table::{Reading, Source};
use clap::Args;
use serde_json::{Map, Value, json};

use super::{files, out, usage};

/// Arguments of `bonas describe`.
#[derive(Debug, Args)]
pub(super) struct DescribeArgs {
    /// Search space, or `file:PATH` of a space file.
    #[arg(long, default_value = "darts")]
    space: String,
    /// Architecture in any notation of the space (`bonas list notations`), or the name of a published one; with the
    /// notation's name and a colon in front where it has several readings.
    #[arg(long)]
    arch: String,
    /// Print the architecture in this notation, and nothing else; `all` prints it in every one.
    #[arg(long = "as", value_name = "NOTATION")]
    notation: Option<String>,
    /// Table to look a hash up in: CSV with a column `arch`.
    #[arg(long)]
    table: Option<PathBuf>,
    /// Skeleton to count with; without it the space's own, as published.
    #[arg(long)]
    skeleton: Option<String>,
    /// Width C of the first cells; of a recurrent cell the width of the hidden layers.
    #[arg(long)]
    channels: Option<usize>,
    /// Cells in the network (cells a stage, where the skeleton has stages).
    #[arg(long)]
    layers: Option<usize>,
    /// Enhancement cells, on skeletons that have them.
    #[arg(long)]
    enhancement: Option<usize>,
    /// Side of the images in pixels.
    #[arg(long)]
    image: Option<usize>,
    /// Channels of the images.
    #[arg(long, default_value_t = 3, requires = "image")]
    image_channels: usize,
    /// Number of classes; of a recurrent cell the number of words.
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
    let space = named_space(&args.space, Path::new("")).map_err(usage)?;
    let architecture = architecture(args, &space)?;
    if let Some(name) = &args.notation {
        return out::text(&printed(&*space, &architecture, name, args.json)?);
    }
    let notation = space.format(&architecture)?;
    let counted = Counted::of(args, &*space, &architecture)?;
    if args.json {
        let value = json_of(&*space, &architecture, &notation, &counted);
        return out::text(&format!("{value:#}\n"));
    }
    let mut text = format!("space  {}\narch   {notation}\nkey    {}\n\n", space.name(), architecture.key());
    text.push_str(&cells_text(&architecture, space.cell_names()));
    out::text(&format!("{text}\n{}", counted.text(&*space)))
}

/// The architecture of the text, by itself or in the table.
fn architecture(args: &DescribeArgs, space: &Arc<dyn SearchSpace>) -> anyhow::Result<Architecture> {
    let Some(path) = &args.table else {
        return space.parse(&args.arch).map_err(|error| unread(&args.arch, &**space, &error));
    };
    let source = Source::named(path);
    if let Source::File(path) = &source {
        files::expect_file(path, "--table")?;
    }
    // Rows lack no number, for none is asked for.
    let table = source.open(space.clone(), &Reading { skip_missing: true, ..Reading::default() })?;
    let arm = table.find(&args.arch).map_err(usage)?;
    Ok(table.arms()[arm].architecture.clone())
}

/// The error of a text that the space does not read, with the spaces that do.
fn unread(text: &str, space: &dyn SearchSpace, error: &SpaceError) -> anyhow::Error {
    let reads = |entry: &&SpaceEntry| entry.name != space.name() && entry.space().parse(text).is_ok();
    let others: Vec<&str> = match error {
        SpaceError::Notation { .. } => SPACES.iter().filter(reads).map(|entry| entry.name).collect(),
        _ => Vec::new(),
    };
    if others.is_empty() {
        usage(error)
    } else {
        usage(format!("{error}; it is one of --space {}", others.join(" or ")))
    }
}

/// What stands for every notation.
const ALL: &str = "all";

/// The architecture in the notation of a name, or in all: a line each, what a notation cannot say included.
fn printed(
    space: &dyn SearchSpace,
    architecture: &Architecture,
    name: &str,
    as_json: bool,
) -> anyhow::Result<String> {
    if name != ALL {
        let text = space.format_as(architecture, name).map_err(usage)?;
        return Ok(if as_json { format!("{:#}\n", json!({name: text})) } else { format!("{text}\n") });
    }
    let mut texts = Map::new();
    let mut lines = String::new();
    for Notation { name, .. } in space.notations() {
        match space.format_as(architecture, name) {
            Ok(text) => {
                let _ = writeln!(lines, "{name:12} {text}");
                texts.insert(name.into(), text.into());
            }
            Err(error @ SpaceError::CannotSay { .. }) => {
                let _ = writeln!(lines, "{name:12} - ({error})");
                texts.insert(name.into(), Value::Null);
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(if as_json { format!("{:#}\n", Value::from(texts)) } else { lines })
}

impl DescribeArgs {
    /// Whether a flag is about a network.
    fn asks_for_network(&self) -> bool {
        let sizes = [self.channels, self.layers, self.classes];
        self.asks_for_images() || sizes.iter().any(Option::is_some)
    }

    /// Whether a flag is about a network for images, and no other.
    fn asks_for_images(&self) -> bool {
        self.skeleton.is_some() || self.auxiliary || self.enhancement.is_some() || self.image.is_some()
    }

    fn size(&self) -> SkeletonSize {
        SkeletonSize {
            channels: self.channels,
            layers: self.layers,
            image: self.image.map(|side| Shape::square(self.image_channels, side)),
            classes: self.classes,
            auxiliary: self.auxiliary,
            enhancement: self.enhancement,
            ..SkeletonSize::default()
        }
    }

    fn language_model(&self) -> LanguageModel {
        let published = LanguageModel::wikitext2();
        LanguageModel {
            words: self.classes.unwrap_or(published.words),
            hidden: self.channels.unwrap_or(published.hidden),
            layers: self.layers.unwrap_or(published.layers),
            ..published
        }
    }
}

/// What is counted of an architecture.
enum Counted {
    /// The space has neither image networks nor recurrent cells, and none is asked for.
    Nothing,
    /// The name of a skeleton and the network.
    Images(&'static str, Network),
    /// A language model and its parts.
    Text(LanguageModel, Vec<ModelRow>),
}

impl Counted {
    fn of(args: &DescribeArgs, space: &dyn SearchSpace, architecture: &Architecture) -> anyhow::Result<Self> {
        if let Some(recurrent) = space.recurrent().filter(|_| !args.asks_for_images()) {
            let model = args.language_model();
            let rows = model.rows(&recurrent.cell(architecture)?).map_err(usage)?;
            return Ok(Self::Text(model, rows));
        }
        if space.network().is_none() && !args.asks_for_network() {
            return Ok(Self::Nothing);
        }
        let networks = space.require_network().map_err(usage)?;
        let skeleton = match &args.skeleton {
            Some(name) => networks.skeleton_named(name).map_err(usage)?,
            None => networks.skeleton(),
        };
        let union = Union::of(std::slice::from_ref(architecture))?;
        let network = skeleton.build(&args.size()).map_err(usage)?;
        let network = network.network(&union, &networks.ops()).map_err(usage)?;
        Ok(Self::Images(skeleton.name, network))
    }

    fn text(&self, space: &dyn SearchSpace) -> String {
        match self {
            Self::Nothing => format!("no network: there is no skeleton for {} here\n", space.name()),
            Self::Images(name, network) => format!("skeleton {name}\n{network}"),
            Self::Text(model, rows) => {
                let total: u64 = rows.iter().map(|row| row.params).sum();
                let mut text = format!(
                    "language model: {model}\n{:<24} {:>14} {:>12}\n",
                    "unit", "output", "parameters"
                );
                for row in rows {
                    let _ = writeln!(text, "{:<24} {:>14} {:>12}", row.name, row.width, row.params);
                }
                text + &format!("{:<24} {:>14} {total:>12}\n", "total", "")
            }
        }
    }
}

/// Keys: `space`, `arch`, `key`, `cells[]` (text), and with a network `skeleton`, `image`
/// (channels, height, width), `classes`, `parameters`, `batch_norm_parameters` (scales and shifts
/// among them), `macs` (multiply-adds of one image) and
/// `layers[] {name, output, parameters, macs}`, which add up to the totals; with an auxiliary head
/// also `auxiliary_macs` (multiply-adds that it adds in training). Of a recurrent cell `language_model` (`words`, `embedding`,
/// `hidden`, `layers`, `tied`), `parameters` and `layers[] {name, output, parameters}`.
fn json_of(space: &dyn SearchSpace, architecture: &Architecture, notation: &str, counted: &Counted) -> Value {
    let cells = cells_text(architecture, space.cell_names());
    let cells: Vec<&str> = cells.split("\n\n").collect();
    let mut value = json!({
        "space": space.name(), "arch": notation, "key": architecture.key().to_string(), "cells": cells,
    });
    let Some(object) = value.as_object_mut() else { return value };
    match counted {
        Counted::Nothing => {}
        Counted::Images(skeleton, network) => insert_network(object, skeleton, network),
        Counted::Text(model, rows) => {
            let layers = rows
                .iter()
                .map(|row| json!({"name": row.name, "output": row.width, "parameters": row.params}));
            let LanguageModel { words, embedding, hidden, layers: depth, tied } = model;
            let sizes = json!({"words": words, "embedding": embedding, "hidden": hidden, "layers": depth, "tied": tied});
            object.insert("language_model".into(), sizes);
            object.insert("parameters".into(), json!(rows.iter().map(|row| row.params).sum::<u64>()));
            object.insert("layers".into(), layers.collect());
        }
    }
    value
}

fn insert_network(object: &mut Map<String, Value>, skeleton: &str, network: &Network) {
    let shape = |s: Shape| [s.channels, s.height, s.width];
    let layers = network.rows().map(|row| {
        json!({"name": row.name, "output": shape(row.output), "parameters": row.params, "macs": row.macs})
    });
    object.insert("skeleton".into(), json!(skeleton));
    object.insert("image".into(), json!(shape(network.image())));
    object.insert("classes".into(), json!(network.classes()));
    object.insert("parameters".into(), json!(network.params()));
    object.insert("batch_norm_parameters".into(), json!(network.norm_params()));
    object.insert("macs".into(), json!(network.macs()));
    object.insert("layers".into(), layers.collect());
    if network.auxiliary.is_some() {
        object.insert("auxiliary_macs".into(), json!(network.auxiliary_macs()));
    }
}
