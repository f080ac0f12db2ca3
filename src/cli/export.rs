//! `bonas export`: a network as files for elsewhere.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::Context;
use bonas::build::named_space;
use bonas::deploy::folder::{CARD_FILE, Input, ModelCard, Reading, WEIGHTS_FILE, Weights};
use bonas::deploy::onnx::{self, BatchNorm};
use bonas::deploy::pytorch::{self, About};
use bonas::deploy::{Deployed, Folder as ModelFolder};
use bonas::spaces::network::{Norm, Shape, SkeletonSize, Union};
use bonas::spaces::{Architecture, SearchSpace};
use bonas::study::journal::write_whole;
use clap::{Args, ValueEnum};

use super::model::Model;
use super::{out, usage};

/// Name of the PyTorch source.
const SOURCE_FILE: &str = "model.py";
/// Name of the ONNX file.
const ONNX_FILE: &str = "model.onnx";
/// Begin of the last line of a source's docstring, which names the version.
const WRITTEN_BY: &str = "Written by bonas ";

/// Arguments of `bonas export`.
#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    /// Model folder, or the folder of a search or training: that of its winner's first run.
    #[arg(required_unless_present = "arch", conflicts_with = "arch")]
    folder: Option<PathBuf>,
    /// What to write: model.py beside its weights, the weights with model.json, or model.onnx.
    #[arg(long, value_enum)]
    to: Format,
    /// Folder to write to, which is made; without it the model folder.
    #[arg(long, required_if_eq("to", "safetensors"))]
    out: Option<PathBuf>,
    /// In ONNX, fold batch normalisation into the convolution before it.
    #[arg(long)]
    fold: bool,
    /// Architecture in the space's notation, or the name of a published one: its network, without weights.
    #[arg(long, requires = "out")]
    arch: Option<String>,
    /// Search space of the architecture, or `file:PATH` of a space file.
    #[arg(long, requires = "arch", default_value = "darts")]
    space: String,
    /// Skeleton around its cells; without it the space's own.
    #[arg(long, requires = "arch")]
    skeleton: Option<String>,
    /// Width C of the first cells; without it as published.
    #[arg(long, requires = "arch")]
    channels: Option<usize>,
    /// Cells in the network (cells a stage, where the skeleton has stages); without it as published.
    #[arg(long, requires = "arch")]
    layers: Option<usize>,
    /// Side of the images in pixels; without it as published.
    #[arg(long, requires = "arch")]
    image: Option<usize>,
    /// Channels of the images.
    #[arg(long, requires = "image", default_value_t = 3)]
    image_channels: usize,
    /// Number of classes; without it as published.
    #[arg(long, requires = "arch")]
    classes: Option<usize>,
}

/// A form of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// model.py, with model.safetensors beside it.
    Pytorch,
    /// model.safetensors with model.json.
    Safetensors,
    /// model.onnx, opset 17.
    Onnx,
}

/// Writes the files.
///
/// # Errors
/// Usage errors for unknown names and sizes that do not fit; what is wrong with the model folder; what the system says.
pub(super) fn export(args: &ExportArgs) -> anyhow::Result<()> {
    if args.fold && args.to != Format::Onnx {
        return Err(usage("--fold: it is for --to onnx"));
    }
    match (&args.folder, &args.arch) {
        (Some(folder), _) => export_model(args, &Model::open(folder)?),
        (None, Some(arch)) => export_architecture(args, arch),
        (None, None) => Err(usage("give a model folder, or --arch with --space")),
    }
}

/// Writes a trained network.
fn export_model(args: &ExportArgs, model: &Model) -> anyhow::Result<()> {
    let weights = model.folder.weights(&model.network)?;
    let out = args.out.as_deref().unwrap_or(&model.path);
    expect_folder(out)?;
    let elsewhere = !same(out, &model.path);
    let (card, source) = (model.folder.card(), source_of(model)?);
    if elsewhere {
        expect_same_model(out, model, &weights, &source)?;
    }
    let mut files: Vec<(&str, Vec<u8>)> = Vec::new();
    if elsewhere && args.to != Format::Onnx {
        files.push((WEIGHTS_FILE, weights.bytes().to_vec()));
    }
    match args.to {
        Format::Safetensors if elsewhere => files.push((CARD_FILE, card.to_json()?.into_bytes())),
        Format::Safetensors => {
            return Err(usage(format!("--out: {} is the model folder itself", out.display())));
        }
        Format::Onnx => {
            let batch_norm = if args.fold { BatchNorm::Folded } else { BatchNorm::Kept };
            files.push((ONNX_FILE, onnx::model(&model.network, &weights, card, batch_norm)?));
        }
        Format::Pytorch => {
            expect_unchanged(out, &source)?;
            files.push((SOURCE_FILE, source.into_bytes()));
        }
    }
    write(out, &files)
}

/// The source of a trained network.
fn source_of(model: &Model) -> anyhow::Result<String> {
    let card = model.folder.card();
    let about = About {
        lines: told(card),
        cells: model.space.cell_names(),
        classes: &card.classes,
        input: &card.input,
    };
    Ok(pytorch::source(&model.network, &about)?)
}

/// Refuses to put a model in the place of another, or beside its files.
fn expect_same_model(out: &Path, model: &Model, weights: &Weights, source: &str) -> anyhow::Result<()> {
    let card = model.folder.card();
    if let Some(bytes) = there(out, WEIGHTS_FILE)?
        && bytes != weights.bytes()
    {
        return Err(another(out, WEIGHTS_FILE));
    }
    if out.join(CARD_FILE).exists() && ModelFolder::read(out)?.card() != card {
        return Err(another(out, CARD_FILE));
    }
    expect_same_source(out, source)?;
    let Some(bytes) = there(out, ONNX_FILE)? else { return Ok(()) };
    for batch_norm in [BatchNorm::Kept, BatchNorm::Folded] {
        if onnx::same(&onnx::model(&model.network, weights, card, batch_norm)?, &bytes) {
            return Ok(());
        }
    }
    Err(another(out, ONNX_FILE))
}

/// Refuses a folder with the source of another network, told by what its docstring says.
fn expect_same_source(out: &Path, source: &str) -> anyhow::Result<()> {
    let said = source.split_once(WRITTEN_BY).map_or(source, |(said, _)| said);
    match there(out, SOURCE_FILE)? {
        Some(bytes) if !bytes.starts_with(said.as_bytes()) => Err(another(out, SOURCE_FILE)),
        _ => Ok(()),
    }
}

/// Refuses to replace a source that is not the one to be written: someone may have edited it.
fn expect_unchanged(out: &Path, source: &str) -> anyhow::Result<()> {
    match there(out, SOURCE_FILE)? {
        Some(bytes) if bytes != source.as_bytes() => Err(usage(format!(
            "{} was changed or is of another version; move it away, or give another folder (--out)",
            out.join(SOURCE_FILE).display()
        ))),
        _ => Ok(()),
    }
}

/// The bytes of a file of a folder, if it is there.
fn there(folder: &Path, name: &str) -> anyhow::Result<Option<Vec<u8>>> {
    let path = folder.join(name);
    match std::fs::read(&path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(anyhow::Error::new(error).context(path.display().to_string())),
    }
}

/// The refusal of a folder by the file that would be replaced, or would stand beside files of another model.
fn another(out: &Path, file: &str) -> anyhow::Error {
    usage(format!("--out: {} holds another model, of which {file} is; give another folder", out.display()))
}

/// Whether two paths lead to one folder.
fn same(one: &Path, other: &Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

/// Refuses a path that is no folder.
fn expect_folder(out: &Path) -> anyhow::Result<()> {
    if out.exists() && !out.is_dir() {
        return Err(usage(format!("--out: {} is a file, not a folder", out.display())));
    }
    Ok(())
}

/// Writes the files of a folder, and says where they are.
fn write(folder: &Path, files: &[(&str, Vec<u8>)]) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let mut said = Vec::new();
    for (name, bytes) in files {
        let path = folder.join(name);
        write_whole(&path, bytes)?;
        said.push(path.display().to_string() + "\n");
    }
    out::text(&said.concat())
}

/// Writes the network of an architecture, without weights.
fn export_architecture(args: &ExportArgs, arch: &str) -> anyhow::Result<()> {
    if args.to != Format::Pytorch {
        return Err(usage(
            "--to: an architecture without weights is exported to pytorch only; train it first",
        ));
    }
    let space = named_space(&args.space, Path::new("")).map_err(|e| usage(format!("--space: {e}")))?;
    let architecture = space.parse(arch).map_err(|e| usage(format!("--arch: {e}")))?;
    let network = network(args, &*space, &architecture)?;
    let Shape { channels, height, width } = network.image();
    let input = Input {
        channels,
        height,
        width,
        mean: vec![0.0; channels],
        std: vec![1.0; channels],
        reading: Reading::default(),
    };
    let classes: Vec<String> = (0..network.classes()).map(|class| class.to_string()).collect();
    let lines = vec![
        format!("Architecture: {}", space.format(&architecture)?),
        format!(
            "Search space: {}; {} parameters, {} multiply-adds.",
            space.name(),
            network.params(),
            network.macs()?
        ),
        "Not trained: MEAN, STD and CLASSES are to be filled in.".to_owned(),
        written_by(),
    ];
    let about = About { lines, cells: space.cell_names(), classes: &classes, input: &input };
    let source = pytorch::source(&network, &about)?;
    let out = args.out.as_deref().unwrap_or(Path::new("."));
    expect_folder(out)?;
    // They belong to a trained network, of this architecture or another.
    for file in [WEIGHTS_FILE, CARD_FILE, ONNX_FILE] {
        if out.join(file).exists() {
            return Err(another(out, file));
        }
    }
    expect_same_source(out, &source)?;
    expect_unchanged(out, &source)?;
    write(out, &[(SOURCE_FILE, source.into_bytes())])
}

/// The network of an architecture in the size that is asked for.
fn network(
    args: &ExportArgs,
    space: &dyn SearchSpace,
    architecture: &Architecture,
) -> anyhow::Result<Deployed> {
    let networks = space.require_network().map_err(usage)?;
    let skeleton = match &args.skeleton {
        Some(name) => networks.skeleton_named(name).map_err(|e| usage(format!("--skeleton: {e}")))?,
        None => networks.skeleton(),
    };
    let size = SkeletonSize {
        channels: args.channels,
        layers: args.layers,
        image: args.image.map(|side| Shape::square(args.image_channels, side)),
        classes: args.classes,
        norm: Some(Norm::DISCRETE),
        ..SkeletonSize::default()
    };
    let union = Union::of(std::slice::from_ref(architecture))?;
    let network = skeleton.build(&size).map_err(usage)?.network(&union, &networks.ops()).map_err(usage)?;
    Ok(Deployed::new(&network)?)
}

/// What the source says of a trained network.
fn told(card: &ModelCard) -> Vec<String> {
    let mut lines = vec![
        format!("Architecture: {}", card.architecture),
        format!(
            "Search space: {}; {} parameters, {} multiply-adds.",
            card.space.name, card.params, card.macs
        ),
    ];
    if let Some(training) = &card.training {
        let accuracy = &training.accuracy;
        lines.push(format!(
            "Trained on {} images of {}; accuracy {:.2} % on {} {} images.",
            training.data.images,
            training.data.source,
            100.0 * accuracy.value,
            accuracy.images,
            accuracy.split
        ));
    }
    lines.push(written_by());
    lines
}

fn written_by() -> String {
    format!("{WRITTEN_BY}{}.", env!("CARGO_PKG_VERSION"))
}
