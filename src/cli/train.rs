//! `bonas train`: one architecture from scratch.

mod layers;
mod plan;

use std::path::{Path, PathBuf};

use bonas::Folder;
use bonas::config::{SearchConfig, at_least_1};
use bonas::search::{FINALS_FOLDER, RECIPES, TRAINING_FILE, difference};
use bonas::spaces::Architecture;
use bonas::spaces::catalogue::Entry;
use bonas::study::journal::Journal;
#[cfg(feature = "torch")]
use bonas::{report::FinalResult, supernet::evaluator::RunFiles};
use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser};

use super::files;
use super::search::show_images;
use super::{out as output, placed, usage};

/// Arguments of `bonas train`. A search, a recipe, a file, flags and `--set` come in this order, the later the stronger; what
/// none of them says is as in `[final]` of a search's configuration.
#[derive(Debug, Args)]
pub(super) struct TrainArgs {
    /// Architecture in the space's notation, or the name of a published one.
    #[arg(long, required_unless_present_any = ["from", "init", "config", "set"])]
    genotype: Option<String>,
    /// Train the winner of the search in this folder on its images: their size, split and classes.
    #[arg(long, value_name = "DIR")]
    from: Option<PathBuf>,
    /// Start from the weights of a model folder (fine-tune), or of the winner of a search or training in a folder: its
    /// architecture in its size, on these images.
    #[arg(long, value_name = "FOLDER")]
    init: Option<PathBuf>,
    /// With --init, layers that keep its weights: none, stem, or all (but the classifier).
    #[arg(long)]
    freeze: Option<String>,
    /// Images: digits, cifar10:DIRECTORY, mnist:DIRECTORY, npz:FILE, folder:DIRECTORY, imagenet:DIRECTORY, manifest:FILE, or a
    /// directory.
    #[arg(long)]
    data: Option<String>,
    /// Folder for checkpoint, model and figures; a run that was stopped goes on from there.
    #[arg(long, required_unless_present = "dry_run")]
    out: Option<PathBuf>,
    /// Search space of the genotype, or `file:PATH` of a space file; darts without it.
    #[arg(long)]
    space: Option<String>,
    /// Train as published (docs/train.md).
    #[arg(long, value_name = "NAME", value_parser = recipes())]
    recipe: Option<String>,
    /// TOML file with sections space, data, training and final; relative paths in it start from its folder.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print the configuration, the network, steps and memory, and what is not as published, and do nothing else.
    #[arg(long)]
    dry_run: bool,
    /// Epochs.
    #[arg(long)]
    epochs: Option<usize>,
    /// Images a step.
    #[arg(long)]
    batch: Option<usize>,
    /// Width C of the first cells.
    #[arg(long)]
    channels: Option<usize>,
    /// Cells in the network (cells a stage, where the skeleton has stages).
    #[arg(long)]
    layers: Option<usize>,
    /// Learning rate at the start.
    #[arg(long, allow_negative_numbers = true)]
    learning_rate: Option<f64>,
    /// Weight of the auxiliary head's loss; 0: none.
    #[arg(long, allow_negative_numbers = true)]
    auxiliary_weight: Option<f64>,
    /// Largest probability of dropping a path.
    #[arg(long, allow_negative_numbers = true)]
    drop_path: Option<f64>,
    /// Side of the square cut out of training images; 0: none.
    #[arg(long)]
    cutout: Option<usize>,
    /// Label smoothing.
    #[arg(long, allow_negative_numbers = true)]
    label_smoothing: Option<f64>,
    /// Seeds to train with.
    #[arg(long)]
    seeds: Option<usize>,
    /// What the seeds come from: that of the search, or 1.
    #[arg(long, allow_negative_numbers = true, value_parser = clap::value_parser!(i64).range(0..))]
    seed: Option<i64>,
    /// Where to compute: auto, cpu, cuda or cuda:0,1,...
    #[arg(long)]
    device: Option<String>,
    /// Change one more key of sections data, training and final, for example `--set data.on_bad=skip`; may be repeated.
    #[arg(long, value_name = "SECTION.KEY=VALUE")]
    set: Vec<String>,
}

/// The names of recipes, each with the line about it.
fn recipes() -> PossibleValuesParser {
    PossibleValuesParser::new(
        RECIPES.iter().map(|recipe| PossibleValue::new(recipe.name).help(recipe.about())),
    )
}

/// Keys that have a flag of their name.
const FLAGS: [&str; 14] = [
    "init",
    "freeze",
    "seed",
    "seeds",
    "epochs",
    "batch",
    "channels",
    "layers",
    "learning_rate",
    "auxiliary_weight",
    "drop_path",
    "cutout",
    "label_smoothing",
    "device",
];

/// The flag that stands for a key of the configuration here, or the key.
fn flag(key: &str) -> String {
    let last = key.rsplit('.').next().unwrap_or(key);
    match key {
        "data.source" => "--data".to_owned(),
        "space.name" => "--space".to_owned(),
        _ if FLAGS.contains(&last) => format!("--{}", last.replace('_', "-")),
        _ => key.to_owned(),
    }
}

/// Refuses to go on with a training that was begun with other settings.
fn expect_same(config: &SearchConfig, out: &Path) -> anyhow::Result<()> {
    let file = out.join(TRAINING_FILE);
    if !Journal::exists(&out.join(FINALS_FOLDER)) || !file.exists() {
        return Ok(());
    }
    let Some([there, here]) = difference(&file, config)? else { return Ok(()) };
    if files::begin_anew(&out.join(FINALS_FOLDER), &file)? {
        return Ok(());
    }
    Err(usage(format!(
        "--out: {} holds a training with other settings ({there} there, {here} here); give those, or another folder",
        out.display()
    )))
}

/// What says how many seeds there are.
fn seeds_flag(args: &TrainArgs) -> &'static str {
    if args.seeds.is_some() { "--seeds" } else { "--set final.seeds" }
}

/// Trains an architecture, or says what it would take.
///
/// # Errors
/// Usage errors for unknown names and settings out of range, and whatever stops the training.
pub(super) fn train(args: &TrainArgs) -> anyhow::Result<()> {
    let planned = layers::planned(args)?;
    at_least_1(planned.config.finals.seeds, "seeds")
        .map_err(|e| usage(format!("{}: {}", seeds_flag(args), e.reason)))?;
    let Some(out) = args.out.as_deref().filter(|_| !args.dry_run) else { return plan::print(&planned) };
    files::expect_own(out, Folder::Training)?;
    expect_same(&planned.config, out)?;
    if let Some(line) = plan::foreign(&planned) {
        output::text(&line)?;
    }
    show_images(&planned.config, |error| placed(error, flag))?;
    let searched = args.from.as_deref();
    run_train(planned.config, &planned.architecture, out, searched)
}

/// The training itself.
#[cfg(feature = "torch")]
fn run_train(
    config: SearchConfig,
    architecture: &Architecture,
    out: &Path,
    from: Option<&Path>,
) -> anyhow::Result<()> {
    use bonas::observer::Overall;
    use bonas::search::{StagePlan, note_origin};

    use super::interrupt::{self, Interrupt};
    use super::search;

    let seeds = config.finals.seeds;
    if config.finals.init.is_some() {
        output::text(&start(&config).map_err(|error| placed(error, flag))?)?;
    }
    let interrupt = Interrupt::listen("the epoch under way", interrupt::same_command())?;
    let line = Overall::new(vec![StagePlan::finals(&config, 1, seeds)]);
    let run = bonas::search::Search { config, directory: out.to_owned(), cancel: interrupt.flag.clone() };
    let done = run.train_one(architecture, &mut |stage, folder| {
        search::observers(&line, search::stage_title(stage, &run.config), folder, None)
    });
    line.clear();
    // Once the folder is that of a training, whether or not it came to its end.
    if let Some(from) = from.filter(|_| out.join(TRAINING_FILE).exists()) {
        note_origin(out, from, &super::searched::read_config(from)?, architecture)?;
    }
    let result = interrupt.explain(done, flag)?;
    let finals = out.join(FINALS_FOLDER);
    if let Some(reason) = &result.failed {
        return Err(failed(reason, &finals, architecture, seeds));
    }
    let model = |seed: usize| RunFiles::new(&finals, architecture.key(), seed).model();
    if let Some(lost) = (0..result.test.len()).map(model).find(|folder| !folder.is_dir()) {
        let lost = lost.display();
        anyhow::bail!(
            "{lost} is missing, though this training is done; the model was taken away: train into another --out"
        );
    }
    let (params, model) = (result.params.unwrap_or(0), model(0));
    output::text(&format!("{}, {params} parameters; model in {}\n", accuracy(&result), model.display()))
}

/// What is taken of the network to start from.
#[cfg(feature = "torch")]
fn start(config: &SearchConfig) -> Result<String, bonas::StudyError> {
    let trainings = bonas::build::Trainings::new(config)?;
    let classes = trainings.final_task()?.classes();
    Ok(trainings.init()?.map(|init| init.told(classes) + "\n").unwrap_or_default())
}

/// Accuracy, and its spread where there is one.
#[cfg(feature = "torch")]
fn accuracy(result: &FinalResult) -> String {
    let percent = |x: Option<f64>| x.map_or("-".to_owned(), |x| format!("{:.2} %", 100.0 * x));
    let balanced = result.beside.map_or_else(String::new, |value| {
        format!(" (balanced accuracy {}, as classes differ in size)", percent(Some(value)))
    });
    let mean = percent(result.mean()) + &balanced;
    match result.test.len() {
        1 => format!("test accuracy {mean}, 1 seed"),
        seeds => format!("test accuracy {mean}, sd over {seeds} seeds {}", percent(result.sd())),
    }
}

/// Why there is no accuracy. Seeds are trained one after another, and the first that fails ends the training.
#[cfg(feature = "torch")]
fn failed(reason: &str, finals: &Path, architecture: &Architecture, seeds: usize) -> anyhow::Error {
    let trained = |seed: &usize| RunFiles::new(finals, architecture.key(), *seed).weights().is_file();
    let before = (0..seeds).take_while(trained).count();
    let at = match seeds {
        1 => String::new(),
        _ => format!(" at seed {} of {seeds}", before + 1),
    };
    anyhow::anyhow!("the training failed{at}: {reason}, and train into another --out")
}

#[cfg(not(feature = "torch"))]
fn run_train(_: SearchConfig, _: &Architecture, _: &Path, _: Option<&Path>) -> anyhow::Result<()> {
    Err(usage("training needs libtorch, and this program was built without it (feature torch)"))
}
