//! What a training is configured by: a search, a recipe, a file and flags, each over those before.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bonas::build::{SPACE_FILE, model_space, reads_images, space as space_of};
use bonas::config::{FinalSettings, SearchConfig, SpaceSettings};
use bonas::deploy::folder::{CARD_FILE, SpaceCard};
use bonas::deploy::{DeployError, Folder as ModelFolder, ModelCard};
use bonas::report::WINNER_FILE;
use bonas::search::{RECIPES, Search, TrainingRecipe};
use bonas::spaces::{Architecture, SearchSpace};
use bonas::study::Journalled;
use bonas::supernet::data::Source;
use toml::{Table, Value};

use super::TrainArgs;
use crate::cli::change::{self, Change, ChangeArgs};
use crate::cli::model::{expect_on_images, model_at};
use crate::cli::searched;
use crate::cli::{files, placed, usage};

/// What keys that `--set` changes begin with, and sections that `--config` may have beside `[space]`.
const SECTIONS: [&str; 3] = ["data", "training", "final"];

/// A training as it is configured.
pub(super) struct Planned {
    pub(super) config: SearchConfig,
    pub(super) architecture: Architecture,
    /// The name of its space.
    pub(super) space: String,
    pub(super) recipe: Option<&'static TrainingRecipe>,
}

/// The training that the arguments make.
///
/// # Errors
/// Usage errors for unknown names and settings out of range, a folder that holds no finished search, and images that are not
/// those that it was searched on.
pub(super) fn planned(args: &TrainArgs) -> anyhow::Result<Planned> {
    let searched = args.from.as_deref().map(searched::read_config).transpose()?;
    let file = args.config.as_deref().map(read_file).transpose()?;
    let recipe = args.recipe.as_deref().map(|name| RECIPES.get(name).map_err(usage)).transpose()?;
    let init = init(args, file.as_ref())?;
    if let Some(searched) = &searched {
        expect_on_images(&*space_of(searched)?)?;
    }
    let base = base(args, searched.as_ref(), file.as_ref(), init.as_ref())?;
    let mut table: Table = base.plain().parse()?;
    if let Some(recipe) = recipe {
        lay(&mut table, &recipe.toml.parse()?);
    }
    if let Some((_, layer)) = &file {
        lay(&mut table, layer);
    }
    let config = with_flags(args, init.as_ref(), table)?;
    expect_on_images(&*space_of(&config).map_err(|error| placed(error, super::flag))?)?;
    config.finals.checked_recipe(&config.training).map_err(|error| placed(error, super::flag))?;
    if !names_images(args, file.as_ref()) {
        let search = args.from.as_deref().zip(searched.as_ref());
        search_images(search, &config)?;
    }
    let space = space_of(&config).map_err(|error| placed(error, super::flag))?;
    let architecture = architecture(args, &space, init.as_ref())?;
    Ok(Planned { architecture, space: space.name().to_owned(), config, recipe })
}

/// Whether flags or the file say what to train on.
fn names_images(args: &TrainArgs, file: Option<&(SearchConfig, Table)>) -> bool {
    let set = || ChangeArgs::of(args.set.clone(), None, None).flag_of("data.source").is_some();
    args.data.is_some() || file.is_some_and(|(_, layer)| section_has(layer, "data", "source")) || set()
}

/// Refuses to train where nothing names images: without a search, after one that read none, and on others than it read.
fn search_images(search: Option<(&Path, &SearchConfig)>, config: &SearchConfig) -> anyhow::Result<()> {
    match search {
        None => Err(usage("--data: give the images, here or as data.source of --config or --set")),
        Some((dir, searched)) if !reads_images(searched) => Err(usage(format!(
            "--data: the search in {} read no images; give those to train on, here or as data.source of --config or --set",
            dir.display()
        ))),
        Some((dir, _)) => expect_images(dir, config),
    }
}

/// The configuration below all layers: the search's with the sections that a training has, or the defaults.
fn base(
    args: &TrainArgs,
    searched: Option<&SearchConfig>,
    file: Option<&(SearchConfig, Table)>,
    init: Option<&Init>,
) -> anyhow::Result<SearchConfig> {
    let mut config = SearchConfig::default();
    if let Some(searched) = searched {
        for (key, given) in [("--space", args.space.is_some()), ("[space] of --config", has_space(file))] {
            if given {
                return Err(usage(format!(
                    "{key}: a winner is of the space that it was found in; leave it out"
                )));
            }
        }
        config.relative_to.clone_from(&searched.relative_to);
        config.study.seed = searched.study.seed;
        config.space = searched.space.clone();
        config.data = searched.data.clone();
        config.training = searched.training.clone();
        config.finals =
            FinalSettings { random: 0, seeds: searched.finals.seeds.max(1), ..searched.finals.clone() };
        return Ok(config);
    }
    config.finals = FinalSettings { random: 0, seeds: 1, ..FinalSettings::default() };
    if let Some(Init { card, folder }) = init {
        let of_card = |reason| DeployError::Folder { path: folder.join(CARD_FILE), reason };
        let built =
            model_space(&card.space).and_then(|space| card.built_skeleton(&*space)).map_err(of_card)?;
        let FinalSettings { channels, layers, .. } = config.finals;
        config.finals.skeleton = Some(card.skeleton.clone());
        // What does not apply to the skeleton stays as it is.
        config.finals.channels = built.channels().unwrap_or(channels);
        config.finals.layers = built.layers().unwrap_or(layers);
    }
    match (&args.space, file, init) {
        (None, Some((config_of_file, _)), _) if has_space(file) => {
            config.space = config_of_file.space.clone();
        }
        (None, _, Some(init)) => config.space = space_of_card(&init.card),
        (name, _, _) => {
            let name = name.clone().unwrap_or_else(|| "darts".to_owned());
            config.space = SpaceSettings { name, ..SpaceSettings::default() };
        }
    }
    change::resolved(config, None)
}

/// The space of a model.
fn space_of_card(card: &ModelCard) -> SpaceSettings {
    let SpaceCard { name, text } = card.space.clone();
    // A declared space is a file, which the text stands for.
    let name = if text.is_some() { format!("{SPACE_FILE}{name}.toml") } else { name };
    SpaceSettings { name, text, ..SpaceSettings::default() }
}

/// The model to start from.
struct Init {
    /// Its folder, as an absolute path.
    folder: PathBuf,
    card: ModelCard,
}

/// The model to start from, which `--set`, a flag or the file names.
fn init(args: &TrainArgs, file: Option<&(SearchConfig, Table)>) -> anyhow::Result<Option<Init>> {
    let of_file = |(config, _): &(SearchConfig, Table)| {
        config.finals.init.as_ref().map(|init| config.relative_to.join(init))
    };
    let set = ChangeArgs::of(args.set.clone(), None, None).value_of("final.init")?;
    let set = set.as_ref().and_then(Value::as_str).map(PathBuf::from);
    let named = set.or_else(|| args.init.clone()).or_else(|| file.and_then(of_file));
    let Some(path) = named else { return Ok(None) };
    let folder = std::path::absolute(model_at(&path)?)?;
    let card = ModelFolder::read(&folder)?.card().clone();
    Ok(Some(Init { folder, card }))
}

fn has_space(file: Option<&(SearchConfig, Table)>) -> bool {
    file.is_some_and(|(_, layer)| layer.contains_key("space"))
}

fn section_has(table: &Table, section: &str, key: &str) -> bool {
    table.get(section).and_then(Value::as_table).is_some_and(|section| section.contains_key(key))
}

/// The file of `--config`: what it configures, and its keys, with a place of images that means the same anywhere.
fn read_file(path: &Path) -> anyhow::Result<(SearchConfig, Table)> {
    let (text, shown) = (files::read(path)?, path.display().to_string());
    let config = change::resolved(change::search_config(&text, &shown)?, Some(path))?;
    let mut layer: Table = text.parse()?;
    layer.remove("relative_to");
    if let Some(other) = layer.keys().find(|key| !SECTIONS.contains(&key.as_str()) && *key != "space") {
        return Err(usage(format!(
            "{shown}: [{other}] is not of a training, which has sections space, {}; to train the winner of a search, \
             give its folder with --from",
            SECTIONS.join(", ")
        )));
    }
    if section_has(&layer, "data", "source")
        && let Some(data) = layer.get_mut("data").and_then(Value::as_table_mut)
    {
        let source = Source::named(&config.data.source, &config.relative_to)?;
        data.insert("source".to_owned(), source.to_string().into());
    }
    // The text of a space file is in the configuration, not among the keys.
    if let Some(space) = layer.get_mut("space") {
        *space = Table::try_from(&config.space)?.into();
    }
    Ok((config, layer))
}

/// Lays keys over a table. What names an optimiser or a schedule comes first, since it takes away what the one before read.
fn lay(table: &mut Table, layer: &Table) {
    for (name, keys) in layer {
        let section = table.entry(name.as_str()).or_insert_with(|| Table::new().into());
        let (Some(section), Some(keys)) = (section.as_table_mut(), keys.as_table()) else { continue };
        let names = |key: &&String| !FinalSettings::keys_of(key).is_empty();
        for key in keys.keys().filter(names).chain(keys.keys().filter(|key| !names(key))) {
            change::put(section, key, &keys[key]);
        }
    }
}

/// The configuration of a table with the flags, then the keys of `--set`.
fn with_flags(args: &TrainArgs, init: Option<&Init>, table: Table) -> anyhow::Result<SearchConfig> {
    let own =
        |set: &&String| SECTIONS.iter().any(|section| set.trim_start().starts_with(&format!("{section}.")));
    if let Some(other) = args.set.iter().find(|set| !own(set)) {
        return Err(usage(format!("--set {other}: a training has sections {}", SECTIONS.join(", "))));
    }
    let mut changes = flags(args, section_has(&table, "final", "learning_rate"))?;
    changes.extend(ChangeArgs::of(args.set.clone(), None, None).all()?);
    // The model folder that was found, whatever named it.
    let found = init.map(|init| init.folder.display().to_string());
    changes.extend(found.map(|folder| Change::of("--init", ("final", "init"), folder)));
    change::changed(table, &changes, "bonas train").map_err(|error| {
        match error.downcast::<bonas::config::ConfigError>() {
            Ok(error) if error.origin == super::flag(&error.key) => {
                usage(format!("{}: {}", error.origin, error.reason))
            }
            Ok(error) => error.into(),
            Err(other) => other,
        }
    })
}

/// The flags that are given, as changes; `own_rate`: whether the rate is one of `[final]`.
fn flags(args: &TrainArgs, own_rate: bool) -> anyhow::Result<Vec<Change>> {
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    let mut changes = Vec::new();
    let mut flag = |section: &str, key: &str, value: Option<Value>| {
        let path = format!("{section}.{key}");
        changes.extend(value.map(|value| Change::of(&super::flag(&path), (section, key), value)));
    };
    let source = args.data.as_ref().map(|data| change::source(data, "--data")).transpose()?;
    flag("data", "source", source.map(Value::from));
    flag("final", "freeze", args.freeze.clone().map(Value::from));
    flag("study", "seed", args.seed.map(Value::from));
    for (key, value) in [
        ("epochs", args.epochs),
        ("batch", args.batch),
        ("channels", args.channels),
        ("layers", args.layers),
        ("cutout", args.cutout),
        ("seeds", args.seeds),
    ] {
        flag("final", key, value.map(|value| count(value).into()));
    }
    for (key, value) in [
        ("auxiliary_weight", args.auxiliary_weight),
        ("drop_path", args.drop_path),
        ("label_smoothing", args.label_smoothing),
    ] {
        flag("final", key, value.map(Value::from));
    }
    flag(if own_rate { "final" } else { "training" }, "learning_rate", args.learning_rate.map(Value::from));
    flag("training", "device", args.device.clone().map(Value::from));
    Ok(changes)
}

/// The architecture of `--genotype`, the winner of the search, or that of the model to start from.
fn architecture(
    args: &TrainArgs,
    space: &Arc<dyn SearchSpace>,
    init: Option<&Init>,
) -> anyhow::Result<Architecture> {
    let text = match (&args.genotype, &args.from, init) {
        (Some(genotype), _, _) => genotype.clone(),
        (None, Some(dir), _) => winner(dir, space)?,
        (None, None, Some(Init { card, .. })) => {
            if card.space.name != space.name() {
                return Err(usage(format!(
                    "--init: its model is of space {}, and {} is trained",
                    card.space.name,
                    space.name()
                )));
            }
            return space.parse(&card.architecture).map_err(|e| usage(format!("--init: architecture: {e}")));
        }
        (None, None, None) => {
            return Err(usage(
                "--genotype: give the architecture, a search with --from, or a trained network with --init",
            ));
        }
    };
    let read = space.parse(&text);
    read.map_err(|e| match &args.genotype {
        Some(_) => usage(format!("--genotype: {e}")),
        None => {
            usage(format!("--from: the winner is damaged: {e}; `bonas report` writes {WINNER_FILE} again"))
        }
    })
}

/// The winner of a search that is over.
fn winner(dir: &Path, space: &Arc<dyn SearchSpace>) -> anyhow::Result<String> {
    let shown = bonas::observer::quoted(dir);
    if bonas::study::journal::Journal::exists(dir) && Journalled::read(dir, space)?.ended.is_none() {
        return Err(usage(format!(
            "--from: the search in {shown} is not over; end it with `bonas resume {shown}`, or give --genotype"
        )));
    }
    let file = dir.join(WINNER_FILE);
    if !file.is_file() {
        return Err(usage(format!(
            "--from: {shown} has no {WINNER_FILE}; `bonas resume {shown}` writes it where the search has a winner"
        )));
    }
    Ok(files::read(&file)?.trim().to_owned())
}

/// Refuses images that are not those that the search went by.
fn expect_images(dir: &Path, config: &SearchConfig) -> anyhow::Result<()> {
    let search = Search { config: config.clone(), directory: dir.to_owned(), cancel: Arc::default() };
    let Some([there, here]) =
        search.other_images().map_err(|error| placed(error, |_| "--from".to_owned()))?
    else {
        return Ok(());
    };
    Err(usage(format!(
        "--from: the images of {} have changed since the search: fingerprint {there} then, {here} now; put the former back, \
         or give --data to train on these",
        config.data.source
    )))
}
