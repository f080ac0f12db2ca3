//! `bonas export`: a network as files for elsewhere.

mod check;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use bonas::build::named_space;
use bonas::deploy::folder::{CARD_FILE, ModelCard, Untrained, WEIGHTS_FILE, Weights};
use bonas::deploy::onnx::{self, BatchNorm};
use bonas::deploy::pytorch::{self, About};
use bonas::deploy::{Deployed, Folder as ModelFolder};
#[cfg(feature = "torch")]
use bonas::spaces::network::Network;
use bonas::spaces::network::Shape;
use bonas::spaces::{Architecture, SearchSpace};
use bonas::study::journal::write_whole;
use bonas::study::rng::stream;
use clap::{Args, ValueEnum};

use super::model::{Model, expect_on_images};
use super::{out as output, usage};

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
    /// Architecture in the space's notation, or the name of a published one: its network, not trained.
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
    /// Seed of its random weights, which safetensors and onnx have; 0 without it.
    #[arg(long, requires = "arch")]
    seed: Option<u64>,
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

/// A network to export.
struct Subject {
    /// Its model folder; none of an architecture that is not trained.
    folder: Option<PathBuf>,
    space: Arc<dyn SearchSpace>,
    card: ModelCard,
    network: Deployed,
    /// None of an architecture whose source alone is written.
    weights: Option<Weights>,
    /// The network as its skeleton builds it.
    #[cfg_attr(not(feature = "tract"), allow(dead_code, reason = "only a check of an ONNX file runs it"))]
    #[cfg(feature = "torch")]
    built: Network,
}

/// Writes the files.
///
/// # Errors
/// Usage errors for unknown names and sizes that do not fit; what is wrong with the model folder; an ONNX file that does not
/// say what the network says; what the system says.
pub(super) fn export(args: &ExportArgs) -> anyhow::Result<()> {
    if args.fold && args.to != Format::Onnx {
        return Err(usage("--fold: it is for --to onnx"));
    }
    if args.seed.is_some() && args.to == Format::Pytorch {
        return Err(usage("--seed: PyTorch source has no weights; it is for --to onnx and --to safetensors"));
    }
    let subject = match (&args.folder, &args.arch) {
        (Some(folder), _) => trained(Model::open(folder)?)?,
        (None, Some(arch)) => untrained(args, arch)?,
        (None, None) => return Err(usage("give a model folder, or --arch with --space")),
    };
    let out = args.out.as_deref().or(subject.folder.as_deref()).unwrap_or(Path::new("."));
    expect_folder(out)?;
    let elsewhere = subject.folder.as_deref().is_none_or(|folder| !same(out, folder));
    let source = source_of(&subject)?;
    if elsewhere {
        expect_same_model(out, &subject, &source)?;
    }
    let mut files: Vec<(&str, Vec<u8>)> = Vec::new();
    if let Some(weights) = subject.weights.as_ref().filter(|_| elsewhere && args.to != Format::Onnx) {
        files.push((WEIGHTS_FILE, weights.bytes().to_vec()));
    }
    match args.to {
        Format::Safetensors if elsewhere => files.push((CARD_FILE, subject.card.to_json()?.into_bytes())),
        Format::Safetensors => {
            return Err(usage(format!("--out: {} is the model folder itself", out.display())));
        }
        Format::Onnx => {
            let batch_norm = if args.fold { BatchNorm::Folded } else { BatchNorm::Kept };
            let file = onnx::model(&subject.network, subject.weights()?, &subject.card, batch_norm)?;
            output::error(&check::check(&subject, &file)?);
            files.push((ONNX_FILE, file));
        }
        Format::Pytorch => {
            expect_unchanged(out, &source)?;
            files.push((SOURCE_FILE, source.into_bytes()));
        }
    }
    write(out, &files)
}

/// A trained network.
fn trained(model: Model) -> anyhow::Result<Subject> {
    let weights = model.folder.weights(&model.network)?;
    Ok(Subject {
        folder: Some(model.path),
        space: model.space,
        card: model.folder.card().clone(),
        network: model.network,
        weights: Some(weights),
        #[cfg(feature = "torch")]
        built: model.built,
    })
}

/// The network of an architecture in the size that is asked for, with random weights where they are written.
fn untrained(args: &ExportArgs, arch: &str) -> anyhow::Result<Subject> {
    let space = named_space(&args.space, Path::new("")).map_err(|e| usage(format!("--space: {e}")))?;
    let architecture = space.parse(arch).map_err(|e| usage(format!("--arch: {e}")))?;
    expect_on_images(&*space)?;
    let networks = space.require_network().map_err(usage)?;
    let named = |name: &String| {
        let entry = networks.skeleton_named(name).map_err(|e| usage(format!("--skeleton: {e}")))?;
        networks.trainable(entry).map_err(|e| usage(format!("--skeleton: {e}")))
    };
    let around = Untrained {
        skeleton: args.skeleton.as_ref().map(named).transpose()?,
        channels: args.channels,
        layers: args.layers,
        image: args.image.map(|side| Shape::square(args.image_channels, side)),
        classes: args.classes,
    };
    // The source of an architecture is for training it, and has no weights.
    let seed = (args.to != Format::Pytorch).then(|| args.seed.unwrap_or(0));
    Subject::drawn(space, &architecture, &around, seed)
}

impl Subject {
    /// A network with random weights of a seed, or without weights.
    fn drawn(
        space: Arc<dyn SearchSpace>,
        architecture: &Architecture,
        around: &Untrained,
        seed: Option<u64>,
    ) -> anyhow::Result<Self> {
        let card = ModelCard::untrained(&*space, architecture, around).map_err(usage)?;
        let (built, network) = card.networks(&*space).map_err(usage)?;
        #[cfg(not(feature = "torch"))]
        drop(built);
        let drawn = |seed| Weights::drawn(&network, &card.key, &mut stream(seed, &[]));
        let weights = seed.map(drawn).transpose()?;
        Ok(Self {
            folder: None,
            space,
            card,
            network,
            weights,
            #[cfg(feature = "torch")]
            built,
        })
    }

    /// Its weights.
    ///
    /// # Errors
    /// If it has none.
    fn weights(&self) -> anyhow::Result<&Weights> {
        self.weights.as_ref().context("this network has no weights")
    }
}

/// The PyTorch source of a network.
fn source_of(subject: &Subject) -> anyhow::Result<String> {
    let card = &subject.card;
    let about = About {
        lines: told(card),
        cells: subject.space.cell_names(),
        classes: &card.classes,
        input: &card.input,
    };
    Ok(pytorch::source(&subject.network, &about)?)
}

/// Refuses to put a model in the place of another, or beside its files. One without weights is told by its description and
/// source.
fn expect_same_model(out: &Path, subject: &Subject, source: &str) -> anyhow::Result<()> {
    let Subject { card, weights, network, .. } = subject;
    if let Some(weights) = weights
        && let Some(bytes) = there(out, WEIGHTS_FILE)?
        && bytes != weights.bytes()
    {
        return Err(another(out, WEIGHTS_FILE));
    }
    if out.join(CARD_FILE).exists() && ModelFolder::read(out)?.card() != card {
        return Err(another(out, CARD_FILE));
    }
    expect_same_source(out, source)?;
    let (Some(weights), Some(bytes)) = (weights, there(out, ONNX_FILE)?) else { return Ok(()) };
    for batch_norm in [BatchNorm::Kept, BatchNorm::Folded] {
        if onnx::same(&onnx::model(network, weights, card, batch_norm)?, &bytes) {
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
    output::text(&said.concat())
}

/// What the source says of a network.
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
    } else {
        lines.push("Not trained: MEAN, STD and CLASSES are to be filled in.".to_owned());
    }
    lines.push(written_by());
    lines
}

fn written_by() -> String {
    format!("{WRITTEN_BY}{}.", env!("CARGO_PKG_VERSION"))
}
