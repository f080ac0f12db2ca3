//! `bonas train`: one architecture from scratch.

use std::path::{Path, PathBuf};

use bonas::Folder;
use bonas::build::space as space_of;
use bonas::config::{
    DataSettings, FinalImages, FinalSettings, SearchConfig, Settings, SpaceSettings, TrainingSettings,
    at_least_1,
};
use bonas::search::{FINALS_FOLDER, TRAINING_FILE, difference};
use bonas::spaces::Architecture;
use bonas::study::journal::Journal;
use clap::Args;

use super::change::{self, ChangeArgs};
use super::files;
use super::search::show_images;
use super::{placed, usage};

/// What keys that `--set` changes begin with.
const SECTIONS: [&str; 3] = ["data.", "training.", "final."];

/// Arguments of `bonas train`; what is not given is as in `[final]` of a search's configuration.
#[derive(Debug, Args)]
pub(super) struct TrainArgs {
    /// Architecture in the space's notation, or the name of a published one.
    #[arg(long)]
    genotype: String,
    /// Images: digits, cifar10:DIRECTORY, mnist:DIRECTORY, folder:DIRECTORY, manifest:FILE, or a directory.
    #[arg(long)]
    data: String,
    /// Folder for checkpoint, model and figures; a run that was stopped goes on from there.
    #[arg(long)]
    out: PathBuf,
    /// Search space of the genotype, or `file:PATH` of a space file.
    #[arg(long, default_value = "darts")]
    space: String,
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
    /// Where to compute: auto, cpu, cuda or cuda:0,1,...
    #[arg(long)]
    device: Option<String>,
    /// Change one more key of sections data, training and final, for example `--set data.on_bad=skip`; may be repeated.
    #[arg(long, value_name = "SECTION.KEY=VALUE")]
    set: Vec<String>,
}

impl TrainArgs {
    /// The settings that the arguments make.
    fn settings(&self) -> anyhow::Result<(DataSettings, TrainingSettings, FinalSettings)> {
        let default = FinalSettings::default();
        let finals = FinalSettings {
            random: 0,
            images: FinalImages::All,
            limit: 0,
            seeds: self.seeds.unwrap_or(1),
            epochs: self.epochs.unwrap_or(default.epochs),
            batch: self.batch.unwrap_or(default.batch),
            channels: self.channels.unwrap_or(default.channels),
            layers: self.layers.unwrap_or(default.layers),
            auxiliary_weight: self.auxiliary_weight.unwrap_or(default.auxiliary_weight),
            drop_path: self.drop_path.unwrap_or(default.drop_path),
            cutout: self.cutout.unwrap_or(default.cutout),
            label_smoothing: self.label_smoothing.unwrap_or(default.label_smoothing),
        };
        let default = TrainingSettings::default();
        let training = TrainingSettings {
            learning_rate: self.learning_rate.unwrap_or(default.learning_rate),
            device: self.device.clone().unwrap_or(default.device.clone()),
            ..default
        };
        let data = DataSettings { source: change::source(&self.data, "--data")?, ..DataSettings::default() };
        let checked = finals.check().and_then(|()| training.check()).and_then(|()| data.check());
        checked.map_err(|e| usage(format!("{}: {}", flag(e.key), e.reason)))?;
        at_least_1(finals.seeds, "seeds").map_err(|e| usage(format!("--seeds: {}", e.reason)))?;
        Ok((data, training, finals))
    }

    /// A configuration with the keys of `--set` changed.
    fn changed(&self, config: SearchConfig) -> anyhow::Result<SearchConfig> {
        if self.set.is_empty() {
            return Ok(config);
        }
        let own = |set: &&String| !SECTIONS.iter().any(|section| set.trim_start().starts_with(section));
        if let Some(other) = self.set.iter().find(own) {
            let sections = SECTIONS.map(|section| section.trim_end_matches('.')).join(", ");
            return Err(usage(format!("--set {other}: a training has sections {sections}")));
        }
        ChangeArgs::of(self.set.clone(), None, None).made(&config.plain(), "bonas train")
    }
}

/// The flag that stands for a key of the configuration here.
fn flag(key: &str) -> String {
    match key {
        "data.source" => "--data".to_owned(),
        "space.name" => "--space".to_owned(),
        _ => format!("--{}", key.rsplit('.').next().unwrap_or(key).replace('_', "-")),
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

/// Trains a genotype.
///
/// # Errors
/// Usage errors for unknown names and settings out of range, and whatever stops the training.
pub(super) fn train(args: &TrainArgs) -> anyhow::Result<()> {
    let space = SpaceSettings { name: args.space.clone(), ..SpaceSettings::default() };
    let config = SearchConfig { space, ..SearchConfig::default() };
    let config = change::resolved(config, None)?;
    let architecture = space_of(&config)
        .map_err(|error| placed(error, flag))?
        .parse(&args.genotype)
        .map_err(|e| usage(format!("--genotype: {e}")))?;
    let (images, training, finals) = args.settings()?;
    let config = args.changed(SearchConfig { data: images, training, finals, ..config })?;
    at_least_1(config.finals.seeds, "seeds")
        .map_err(|e| usage(format!("--set final.seeds: {}", e.reason)))?;
    files::expect_own(&args.out, Folder::Training)?;
    expect_same(&config, &args.out)?;
    show_images(&config, |error| placed(error, flag))?;
    run_train(config, &architecture, &args.out)
}

/// The training itself.
#[cfg(feature = "torch")]
fn run_train(config: SearchConfig, architecture: &Architecture, out: &Path) -> anyhow::Result<()> {
    use bonas::observer::Overall;
    use bonas::search::StagePlan;
    use bonas::supernet::evaluator::RunFiles;

    use super::interrupt::{self, Interrupt};
    use super::{out as output, search};

    let interrupt = Interrupt::listen("the epoch under way", interrupt::same_command())?;
    let line = Overall::new(vec![StagePlan::finals(&config, 1, config.finals.seeds)]);
    let run = bonas::search::Search { config, directory: out.to_owned(), cancel: interrupt.flag.clone() };
    let done = run.train_one(architecture, &mut |stage, folder| {
        search::observers(&line, search::stage_title(stage, &run.config), folder)
    });
    line.clear();
    let result = interrupt.explain(done, flag)?;
    let finals = out.join(FINALS_FOLDER);
    let model = |seed: usize| RunFiles::new(&finals, architecture.key(), seed).model();
    if let Some(lost) = (0..result.test.len()).map(model).find(|folder| !folder.is_dir()) {
        let lost = lost.display();
        anyhow::bail!(
            "{lost} is missing, though this training is done; the model was taken away: train into another --out"
        );
    }
    let percent = |x: Option<f64>| x.map_or("-".to_owned(), |x| format!("{:.2} %", 100.0 * x));
    output::text(&format!(
        "test accuracy {}, sd over {} seeds {}, {} parameters; model in {}\n",
        percent(result.mean()),
        result.test.len(),
        percent(result.sd()),
        result.params.unwrap_or(0),
        model(0).display()
    ))
}

#[cfg(not(feature = "torch"))]
fn run_train(_: SearchConfig, _: &Architecture, _: &Path) -> anyhow::Result<()> {
    Err(usage("training needs libtorch, and this program was built without it (feature torch)"))
}
