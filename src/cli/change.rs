//! Configurations from the command line: a file or a preset, and keys that flags change.

use std::path::{Path, PathBuf};

use anyhow::Context;
use bonas::build::{SPACE_FILE, keep_space};
use bonas::config::{ConfigError, ExperimentConfig, FinalSettings, SearchConfig, Transfer};
use bonas::search::{DEMO, PRESETS, Preset};
use bonas::spaces::catalogue::Entry;
use bonas::supernet::data::Source;
use bonas::supernet::evaluator::language::text_within;
use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser};

use super::{files, placed, usage};

/// A configuration file or a preset.
#[derive(Debug, Args)]
pub(super) struct ConfigArgs {
    /// The configuration; relative paths in it start from its folder. Without it: preset demo, which
    /// searches a cell for the embedded digits.
    #[arg(value_name = "FILE")]
    config: Option<PathBuf>,
    /// Take a ready-made configuration instead of a file.
    #[arg(long, value_name = "NAME", conflicts_with = "config", value_parser = presets())]
    preset: Option<String>,
    #[command(flatten)]
    changes: ChangeArgs,
}

/// Keys that are changed.
#[derive(Debug, Args)]
pub(super) struct ChangeArgs {
    /// Change one key, for example `--set final.seeds=5`; may be repeated. Another strategy.name or
    /// evaluator.name begins with the defaults of that one.
    #[arg(long, value_name = "SECTION.KEY=VALUE")]
    set: Vec<String>,
    /// Images: digits, cifar10:DIR, mnist:DIR, npz:FILE, folder:DIR, imagenet:DIR, manifest:FILE, or a
    /// directory (short for --set data.source=...).
    #[arg(long, value_name = "SOURCE")]
    data: Option<String>,
    /// Seed (short for --set study.seed=...).
    #[arg(long, allow_negative_numbers = true, value_parser = clap::value_parser!(i64).range(0..))]
    seed: Option<i64>,
    /// Batches evaluated at the same time; no result depends on it (short for --set study.workers=...).
    #[arg(long, allow_negative_numbers = true)]
    workers: Option<usize>,
    /// Where to compute: auto, cpu, cuda or cuda:0,1 (short for --set training.device=...).
    #[arg(long)]
    device: Option<String>,
}

/// The names of presets, each with the line about it.
fn presets() -> PossibleValuesParser {
    PossibleValuesParser::new(
        PRESETS.iter().map(|preset| PossibleValue::new(preset.name).help(preset.about())),
    )
}

/// What a configuration is read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To be printed: every key has its default without a file or a preset, and paths are left as they stand.
    Print,
    /// To be run: without a file or a preset the demo, and relative paths start from the folder of the
    /// configuration.
    Run,
}

impl ConfigArgs {
    /// The configuration: file or preset, then `--set` in order, then the short flags.
    ///
    /// # Errors
    /// Usage errors for a file that cannot be read, and [`ConfigError`].
    pub(super) fn read(&self, purpose: Purpose) -> anyhow::Result<SearchConfig> {
        let (text, origin) = match &self.config {
            Some(path) => (files::read(path)?, path.display().to_string()),
            None if self.preset.is_none() && purpose == Purpose::Print => {
                (String::new(), "defaults".to_owned())
            }
            None => {
                let preset = self.preset()?;
                (preset.toml.to_owned(), preset.origin())
            }
        };
        let config = self.changes.made(&text, &origin)?;
        match purpose {
            Purpose::Print => Ok(config),
            Purpose::Run => resolved(config, self.config.as_deref()),
        }
    }

    /// Whether a file or a preset is named.
    pub(super) fn is_given(&self) -> bool {
        self.config.is_some() || self.preset.is_some()
    }

    /// Where a key of the configuration stands, and the key: the flag that changed it, the file or the preset.
    pub(super) fn origin(&self, key: &str) -> String {
        let flag = self.changes.flag_of(key);
        let file = || self.config.as_ref().map(|path| path.display().to_string());
        let preset = || self.preset().map_or_else(|_| String::new(), Preset::origin);
        format!("{}: {key}", flag.or_else(file).unwrap_or_else(preset))
    }

    /// The folder of a search that is given none: below `runs`, called like the file or the preset.
    pub(super) fn folder(&self) -> anyhow::Result<PathBuf> {
        match &self.config {
            Some(path) => {
                let stem = path.file_stem().ok_or_else(|| usage(format!("{} is no file", path.display())))?;
                Ok(Path::new("runs").join(stem))
            }
            None => Ok(self.preset()?.folder()),
        }
    }

    fn preset(&self) -> anyhow::Result<&'static Preset> {
        self.preset.as_deref().map_or(Ok(&DEMO), |name| PRESETS.get(name)).map_err(usage)
    }
}

/// The configuration of a search.
///
/// # Errors
/// [`ConfigError`]; a usage error for the configuration of a comparison, which says so.
pub(super) fn search_config(text: &str, origin: &str) -> anyhow::Result<SearchConfig> {
    SearchConfig::from_toml(text, origin).map_err(|error| {
        if ExperimentConfig::from_toml(text, origin).is_ok() {
            usage(format!("{origin} configures a comparison; run `bonas compare {origin}`"))
        } else {
            error.into()
        }
    })
}

/// An error of the configuration of a comparison; of one that configures a search it says so.
pub(super) fn no_comparison(error: ConfigError, text: &str) -> anyhow::Error {
    match SearchConfig::from_toml(text, &error.origin) {
        Ok(_) => usage(format!("{0} configures a search; run `bonas search {0}`", error.origin)),
        Err(_) => error.into(),
    }
}

/// The configuration with its relative paths taken from the folder of its file, or from the folder that the
/// program runs in.
///
/// # Errors
/// If the system does not say which folder that is.
pub(super) fn resolved(config: SearchConfig, file: Option<&Path>) -> anyhow::Result<SearchConfig> {
    let folder = file.and_then(Path::parent).filter(|parent| !parent.as_os_str().is_empty());
    // Joined piece by piece, so that an empty path adds no slash at the end.
    let folder: PathBuf = folder.unwrap_or(Path::new(".")).iter().chain(config.relative_to.iter()).collect();
    let absolute =
        std::path::absolute(&folder).with_context(|| format!("cannot find {}", folder.display()))?;
    keep_space(SearchConfig { relative_to: absolute, ..config }).map_err(|error| {
        placed(error, |key| file.map_or(key.into(), |file| format!("{}: {key}", file.display())))
    })
}

/// A source of images on the command line, whose relative path starts from where the program runs: as a text
/// that means the same anywhere.
///
/// # Errors
/// Usage errors for a text that names no source.
pub(super) fn source(text: &str, flag: &str) -> anyhow::Result<String> {
    let here = std::env::current_dir().context("cannot tell in which folder this runs")?;
    let source = Source::named(text, &here).map_err(|error| match error {
        bonas::StudyError::Setting { reason, .. } => usage(format!("{flag}: {reason}")),
        other => other.into(),
    })?;
    Ok(source.to_string())
}

/// One key that a flag changes.
pub(super) struct Change {
    /// The flag as it was given.
    flag: String,
    section: String,
    key: String,
    value: toml::Value,
}

impl ChangeArgs {
    /// Changes by these flags alone.
    pub(super) fn of(set: Vec<String>, workers: Option<usize>, device: Option<String>) -> Self {
        Self { set, data: None, seed: None, workers, device }
    }

    /// The flag that changed a key, as it was given.
    pub(super) fn flag_of(&self, key: &str) -> Option<String> {
        let changes = self.all().unwrap_or_default();
        changes.iter().rfind(|change| change.path() == key).map(|change| change.flag.clone())
    }

    /// What a key is changed to in the end.
    pub(super) fn value_of(&self, key: &str) -> anyhow::Result<Option<toml::Value>> {
        Ok(self.all()?.into_iter().rfind(|change| change.path() == key).map(|change| change.value))
    }

    /// The first flag, as it was given, after which something holds of the configuration of a text.
    pub(super) fn first_that(
        &self,
        text: &str,
        holds: impl Fn(&SearchConfig) -> bool,
    ) -> anyhow::Result<Option<String>> {
        let mut table: toml::Table = text.parse()?;
        for change in self.all()? {
            change.apply(&mut table)?;
            // In between it may be no valid one.
            let config = SearchConfig::from_toml(&toml::to_string(&table)?, "");
            if config.is_ok_and(|config| holds(&config)) {
                return Ok(Some(change.flag));
            }
        }
        Ok(None)
    }

    /// The configuration of a text with the changes made.
    pub(super) fn made(&self, text: &str, origin: &str) -> anyhow::Result<SearchConfig> {
        // Mistakes in the text are told with its lines.
        let config = search_config(text, origin)?;
        let changes = self.all()?;
        if changes.is_empty() {
            return Ok(config);
        }
        changed(text.parse().with_context(|| format!("{origin} is no TOML"))?, &changes, origin)
    }

    /// The changes, in order.
    pub(super) fn all(&self) -> anyhow::Result<Vec<Change>> {
        let mut changes = self.set.iter().map(|text| Change::parse(text)).collect::<Result<Vec<_>, _>>()?;
        let mut short = |flag: &str, given: String, path: (&str, &str), value: toml::Value| {
            let (section, key) = (path.0.to_owned(), path.1.to_owned());
            changes.push(Change { flag: format!("--{flag} {given}"), section, key, value });
        };
        if let Some(data) = &self.data {
            short("data", data.clone(), ("data", "source"), source(data, "--data")?.into());
        }
        if let Some(seed) = self.seed {
            short("seed", seed.to_string(), ("study", "seed"), seed.into());
        }
        if let Some(workers) = self.workers {
            let value = i64::try_from(workers).unwrap_or(i64::MAX);
            short("workers", workers.to_string(), ("study", "workers"), value.into());
        }
        if let Some(device) = &self.device {
            short("device", device.clone(), ("training", "device"), device.clone().into());
        }
        Ok(changes)
    }
}

/// The configuration of a table with changes made.
///
/// # Errors
/// [`ConfigError`], which names the flag at fault.
pub(super) fn changed(
    mut table: toml::Table,
    changes: &[Change],
    origin: &str,
) -> anyhow::Result<SearchConfig> {
    for change in changes {
        change.apply(&mut table)?;
    }
    let changed = SearchConfig::from_toml(&toml::to_string(&table)?, origin);
    changed.map_err(|error| told(error, changes).into())
}

/// Sets a key of a section, and takes away what meant something beside its value before alone: the settings of another
/// strategy or evaluator, the numbers of another optimiser or schedule.
pub(super) fn put(section: &mut toml::Table, key: &str, value: &toml::Value) {
    if section.get(key) != Some(value) {
        if key == "name" {
            section.clear();
        }
        for other in FinalSettings::keys_of(key) {
            section.remove(*other);
        }
    }
    section.insert(key.to_owned(), value.clone());
}

impl Change {
    /// A flag that changes one key.
    pub(super) fn of(flag: &str, (section, key): (&str, &str), value: impl Into<toml::Value>) -> Self {
        let (section, key) = (section.to_owned(), key.to_owned());
        Self { flag: flag.to_owned(), section, key, value: value.into() }
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let flag = format!("--set {text}");
        let wrong =
            |what: &str| usage(format!("{flag}: {what}; expected SECTION.KEY=VALUE, as in study.seed=7"));
        let (path, value) = text.split_once('=').ok_or_else(|| wrong("there is no `=`"))?;
        let (section, key) = path.trim().split_once('.').ok_or_else(|| wrong("there is no section"))?;
        if section.is_empty() || key.is_empty() {
            return Err(wrong("section or key is empty"));
        }
        let value = match (section, key) {
            ("data", "source") => source(value, "--set data.source")?.into(),
            ("evaluator", "text") => {
                let here = std::env::current_dir().context("cannot tell in which folder this runs")?;
                text_within(value_of(value).as_str().unwrap_or(value), &here).into()
            }
            ("space", "name") if value.starts_with(SPACE_FILE) => {
                let here = std::env::current_dir().context("cannot tell in which folder this runs")?;
                let path = here.join(&value[SPACE_FILE.len()..]);
                format!("{SPACE_FILE}{}", path.display()).into()
            }
            ("strategy", "transfer") => {
                let here = std::env::current_dir().context("cannot tell in which folder this runs")?;
                let transfer: Transfer = value.parse().map_err(|error| usage(format!("{flag}: {error}")))?;
                transfer.within(&here).to_string().into()
            }
            ("final", "init") => {
                let here = std::env::current_dir().context("cannot tell in which folder this runs")?;
                let text = value_of(value).as_str().unwrap_or(value).to_owned();
                here.join(text).display().to_string().into()
            }
            _ => value_of(value),
        };
        Ok(Self { section: section.to_owned(), key: key.to_owned(), value, flag })
    }

    /// The key with its section.
    fn path(&self) -> String {
        format!("{}.{}", self.section, self.key)
    }

    fn apply(&self, table: &mut toml::Table) -> anyhow::Result<()> {
        let section = table.entry(&self.section).or_insert_with(|| toml::Table::new().into());
        let Some(section) = section.as_table_mut() else {
            return Err(usage(format!("{}: `{}` is no section", self.flag, self.section)));
        };
        put(section, &self.key, &self.value);
        Ok(())
    }
}

/// A TOML value, or the text itself where it is none.
fn value_of(text: &str) -> toml::Value {
    let parsed = format!("x = {text}").parse::<toml::Table>().ok();
    let value = parsed.filter(|table| table.len() == 1).and_then(|mut table| table.remove("x"));
    value.unwrap_or_else(|| text.to_owned().into())
}

/// An error of a changed configuration: about the flag if that is at fault, never with a line, since the lines
/// are no longer those of the file.
fn told(error: ConfigError, changes: &[Change]) -> ConfigError {
    let at_fault =
        changes.iter().rfind(|change| [change.path(), change.section.clone()].contains(&error.key));
    let origin = at_fault.map_or(error.origin.clone(), |change| change.flag.clone());
    ConfigError { origin, line: None, ..error }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(set: &[&str]) -> anyhow::Result<SearchConfig> {
        let set = set.iter().map(|&text| text.to_owned()).collect();
        let changes = ChangeArgs { set, data: None, seed: Some(7), workers: None, device: None };
        ConfigArgs { config: None, preset: None, changes }.read(Purpose::Run)
    }

    fn error(set: &[&str]) -> String {
        read(set).unwrap_err().to_string()
    }

    #[test]
    fn flags_change_a_preset() {
        let config = read(&["final.seeds=5", "training.device=cpu", "data.validation = 0.5"]).unwrap();
        assert_eq!((config.study.seed, config.finals.seeds), (7, 5));
        assert_eq!((&*config.training.device, config.data.validation), ("cpu", 0.5));
    }

    #[test]
    fn another_strategy_has_its_own_defaults() {
        let config = read(&["strategy.name=random", "strategy.batch=3"]).unwrap();
        assert_eq!((config.strategy.name(), config.strategy.batch()), ("random", 3));
        let same = read(&["strategy.name=bonas"]).unwrap();
        assert_eq!(same.strategy, DEMO.config().unwrap().strategy);
    }

    #[test]
    fn a_key_is_where_it_was_set_last() {
        let set = vec!["study.seed=1".to_owned(), "training.device=cpu".to_owned()];
        let changes = ChangeArgs { set, data: None, seed: Some(7), workers: None, device: None };
        let args = ConfigArgs { config: None, preset: None, changes };
        let origins = ["study.seed", "training.device", "final.batch"].map(|key| args.origin(key));
        let expected = [
            "--seed 7: study.seed",
            "--set training.device=cpu: training.device",
            "preset demo: final.batch",
        ];
        assert_eq!(origins, expected);
    }

    #[test]
    fn mistakes_name_the_flag() {
        for (set, expected) in [
            ("seed", "--set seed: there is no `=`; expected SECTION.KEY=VALUE"),
            ("seed=3", "--set seed=3: there is no section"),
            ("study.rounds=x", "--set study.rounds=x: study.rounds: invalid type: string \"x\""),
            (
                "study.workers=0",
                "--set study.workers=0: study.workers: 0 is out of range; expected 1 to 1024",
            ),
            ("studdy.seed=1", "--set studdy.seed=1: studdy: unknown key `studdy`; did you mean `study`?"),
            ("study.sead=1", "--set study.sead=1: study.sead: unknown key `sead`"),
            ("data.source=cifar:x", "--set data.source: \"cifar:x\" is not a source"),
            (
                "strategy.name=randm",
                "--set strategy.name=randm: strategy.name: unknown strategy `randm`; did you mean `random`?",
            ),
        ] {
            assert!(error(&[set]).starts_with(expected), "{}", error(&[set]));
        }
    }
}
