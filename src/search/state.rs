//! What a search's folder holds: nothing, a search that can go on, or one that is finished.

use std::path::Path;
use std::sync::Arc;

use bonas_spaces::SearchSpace;
use bonas_study::Journalled;
use bonas_study::history::{Evaluation, Outcome};
use bonas_study::journal::Journal;

#[cfg(feature = "torch")]
use super::models;
use super::{CONFIG_FILE, FINALS_FOLDER, SHORTLIST_FOLDER, Search, reporting};
use crate::config::{SearchConfig, plain, same_space};
use crate::report::{FINAL_FILE, SHORTLIST_FILE, Summary};
use crate::{Event, StudyError, build};

impl Search {
    /// The summary of this search if it is finished: the study, and the shortlist and the final training
    /// that the configuration asks for. None for a folder without a search, one that can go on, and one
    /// whose search was begun with another configuration. Nothing is changed.
    ///
    /// # Errors
    /// [`StudyError`] for a damaged file; [`StudyError::Evaluator`] if every architecture failed.
    pub fn finished(&self) -> Result<Option<Summary>, StudyError> {
        if !Journal::exists(&self.directory) {
            return Ok(None);
        }
        let space = build::space(&self.config)?;
        let study = Journalled::read(&self.directory, &space)?;
        if !self.concluded(&space, &study)? {
            return Ok(None);
        }
        check_scored(&study.history.evaluations()[study.imported..])?;
        reporting::summary(&self.directory, &self.config).map(Some)
    }

    /// Whether the study, and what follows it, are done as this configuration says.
    pub(super) fn concluded(
        &self,
        space: &Arc<dyn SearchSpace>,
        study: &Journalled,
    ) -> Result<bool, StudyError> {
        let identity = self.config.identity();
        if study.ended.is_none() || !begun_as(&study.events, &identity) {
            return Ok(false);
        }
        // Without an architecture that keeps the limits nothing follows.
        let scored = study.history.best(self.config.evaluator.fidelity()).is_some();
        let shortlist = plain("shortlist", &self.config.shortlist);
        let finals = plain("final", &self.config.finals);
        let followed = [
            (self.config.shortlist.cells > 0, SHORTLIST_FILE, SHORTLIST_FOLDER, shortlist),
            (self.config.finals.seeds > 0, FINAL_FILE, FINALS_FOLDER, finals),
        ];
        for (wanted, file, folder, settings) in followed {
            let header = format!("{identity}\n{settings}");
            if wanted && scored && !self.trained(space, (file, folder), &header)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether a training that follows the search is done, and as `header` says.
    fn trained(
        &self,
        space: &Arc<dyn SearchSpace>,
        (file, folder): (&str, &str),
        header: &str,
    ) -> Result<bool, StudyError> {
        let folder = self.directory.join(folder);
        if !self.directory.join(file).exists() || !Journal::exists(&folder) {
            return Ok(false);
        }
        let study = Journalled::read(&folder, space)?;
        Ok(study.ended.is_some() && begun_as(&study.events, header) && self.has_models(&folder, &study))
    }

    /// Whether no weights in the folder are to become a model folder: an earlier version left them as they were.
    #[cfg(feature = "torch")]
    fn has_models(&self, folder: &Path, study: &Journalled) -> bool {
        self.config.evaluator.follows_up()
            || !folder.ends_with(FINALS_FOLDER)
            || models::without_folder(folder, study.history.evaluations()).next().is_none()
    }

    /// As there is no libtorch to make model folders, none is waited for.
    #[cfg(not(feature = "torch"))]
    #[allow(clippy::unused_self)]
    fn has_models(&self, _: &Path, _: &Journalled) -> bool {
        true
    }
}

/// Whether a study's configuration begins with this text.
fn begun_as(events: &[Event], text: &str) -> bool {
    matches!(events.first(), Some(Event::Started { config, .. }) if config.starts_with(text))
}

/// Refuses a search in which every architecture that was evaluated failed.
///
/// # Errors
/// [`StudyError::Evaluator`] with the commonest reason.
pub(super) fn check_scored(evaluated: &[Evaluation]) -> Result<(), StudyError> {
    let failures = evaluated.iter().filter_map(|evaluation| match &evaluation.outcome {
        Outcome::Failed(reason) => Some(reason.as_str()),
        Outcome::Scored(_) => None,
    });
    let failures: Vec<&str> = failures.collect();
    if failures.is_empty() || failures.len() < evaluated.len() {
        return Ok(());
    }
    let times = |reason: &str| failures.iter().filter(|other| **other == reason).count();
    // Of equals the first, as `max_by_key` takes the last.
    let common = failures.iter().rev().max_by_key(|reason| times(reason)).copied().unwrap_or_default();
    let (all, share) = (failures.len(), times(common));
    let share = if share == all { String::new() } else { format!(", {share} of them so") };
    Err(StudyError::Evaluator(format!("all {all} architectures failed{share}: {common}")))
}

/// What differs first between the configuration that a folder keeps in a file and another, of all that results
/// depend on: the lines there and here. None if nothing does.
///
/// # Errors
/// [`StudyError::Data`] for a configuration that cannot be read.
pub fn difference(path: &Path, config: &SearchConfig) -> Result<Option<[String; 2]>, StudyError> {
    let there = read_config(path)?;
    let config = &going_by(config, &there);
    let found = first_difference(&there.of_results(), &config.of_results());
    let texts = [&there, config].map(|config| config.space.text.clone().unwrap_or_default());
    Ok(found
        .map(|lines| if lines[0].starts_with("space.text ") { lines_of_space_file(&texts) } else { lines }))
}

/// A configuration with the text of the space file that `kept` has, if both texts declare the same space.
fn going_by(config: &SearchConfig, kept: &SearchConfig) -> SearchConfig {
    let mut config = config.clone();
    if let (Some(own), Some(kept)) = (&mut config.space.text, &kept.space.text)
        && same_space(own, kept)
    {
        own.clone_from(kept);
    }
    config
}

impl Search {
    /// This search with the text of the space file that its folder keeps, if that declares the same space: a study is known
    /// by the text that it began with, and a comment is no change.
    ///
    /// # Errors
    /// [`StudyError::Data`] for a `config.toml` in the folder that cannot be read.
    pub fn by_kept_space(&self) -> Result<Self, StudyError> {
        self.by_space_in(CONFIG_FILE)
    }

    /// As [`by_kept_space`](Self::by_kept_space), of the configuration that the folder keeps in `file`.
    pub(super) fn by_space_in(&self, file: &str) -> Result<Self, StudyError> {
        let path = self.directory.join(file);
        if self.config.space.text.is_none() || !path.exists() {
            return Ok(self.clone());
        }
        Ok(Self { config: going_by(&self.config, &read_config(&path)?), ..self.clone() })
    }
}

/// The configuration in a file of a search.
pub(crate) fn read_config(path: &Path) -> Result<SearchConfig, StudyError> {
    let bad = |reason: String| StudyError::Data { path: path.to_owned(), reason };
    let text = std::fs::read_to_string(path).map_err(|error| bad(error.to_string()))?;
    SearchConfig::from_toml(&text, &path.display().to_string())
        .map_err(|error| bad(format!("it is no configuration any more: {error}")))
}

/// The first lines in which two texts of a space file differ, those aside that are no change: comments, empty lines, `about`.
fn lines_of_space_file([there, here]: &[String; 2]) -> [String; 2] {
    let telling = |text: &str| {
        let lines = text.lines().map(str::trim).enumerate();
        let is_change = |line: &str| !line.is_empty() && !line.starts_with('#') && !line.starts_with("about");
        let told = lines.filter(|(_, line)| is_change(line));
        told.map(|(i, line)| (i + 1, line.to_owned())).collect::<Vec<_>>()
    };
    let (there, here) = (telling(there), telling(here));
    let same = there.iter().zip(&here).take_while(|(a, b)| a.1 == b.1).count();
    [there, here].map(|lines| match lines.get(same) {
        Some((number, line)) => {
            format!("line {number} of space.toml: {}", line.chars().take(100).collect::<String>())
        }
        None => "nothing more in space.toml".to_owned(),
    })
}

/// Refuses a file in which another configuration stands, or none.
pub(super) fn expect_same(path: &Path, config: &SearchConfig) -> Result<(), StudyError> {
    let reason = match difference(path, config) {
        Ok(None) => return Ok(()),
        Ok(Some([there, here])) => {
            format!("it is there already, with another configuration ({there}; here {here})")
        }
        Err(_) => "it is there already, and is not the configuration of a search".to_owned(),
    };
    Err(StudyError::Data {
        path: path.to_owned(),
        reason: format!("{reason}; give another folder, or move it away"),
    })
}

/// The first lines that differ, each below the section that it stands in.
fn first_difference(there: &str, here: &str) -> Option<[String; 2]> {
    let (mut left, mut right) = (Sectioned::of(there), Sectioned::of(here));
    loop {
        match (left.next(), right.next()) {
            (None, None) => return None,
            (a, b) if a == b => {}
            (a, b) => return Some([a, b].map(|line| line.unwrap_or_else(|| "nothing more".to_owned()))),
        }
    }
}

/// Lines of a configuration as `section.key = value`.
struct Sectioned<'a> {
    lines: std::str::Lines<'a>,
    section: &'a str,
}

impl<'a> Sectioned<'a> {
    fn of(text: &'a str) -> Self {
        Self { lines: text.lines(), section: "" }
    }
}

impl Iterator for Sectioned<'_> {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        loop {
            let line = self.lines.next()?;
            match line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                Some(section) => self.section = section,
                None if line.is_empty() => {}
                None => return Some(format!("{}.{line}", self.section)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bonas_study::history::{Fidelity, History, Score};
    use bonas_study::testing::Chain;

    use super::*;

    /// What is said of a search with these outcomes: a score, or why there is none.
    fn told(outcomes: &[Result<f64, &str>]) -> Option<String> {
        let space = Chain::new(6, 8).unwrap();
        let mut history = History::new();
        for (i, outcome) in outcomes.iter().enumerate() {
            let architecture = space.parse(&format!("{i:06}")).unwrap();
            let outcome = match outcome {
                Ok(value) => Outcome::Scored(Score::of(*value, Fidelity::Table)),
                Err(reason) => Outcome::Failed((*reason).to_owned()),
            };
            history.push(Evaluation { architecture, round: 0, batch: 0, predicted: None, outcome });
        }
        check_scored(history.evaluations()).err().map(|error| error.to_string())
    }

    #[test]
    fn only_a_history_of_failures_is_a_failure() {
        assert_eq!(told(&[]), None);
        assert_eq!(told(&[Err("out of memory"), Ok(0.5)]), None);
        let all = told(&[Err("out of memory"), Err("out of memory")]).unwrap();
        assert!(all.ends_with("all 2 architectures failed: out of memory"), "{all}");
        let most = told(&[Err("killed"), Err("out of memory"), Err("out of memory")]).unwrap();
        assert!(most.ends_with("all 3 architectures failed, 2 of them so: out of memory"), "{most}");
    }

    #[test]
    fn the_first_difference_is_named_with_its_section() {
        let mut other = SearchConfig::default();
        assert_eq!(first_difference(&SearchConfig::default().plain(), &other.plain()), None);
        other.finals.seeds = 5;
        let [there, here] = first_difference(&SearchConfig::default().plain(), &other.plain()).unwrap();
        assert_eq!((&*there, &*here), ("final.seeds = 3", "final.seeds = 5"));
    }

    #[test]
    fn workers_device_and_place_make_no_difference() {
        let mut other = SearchConfig::default();
        (other.study.workers, other.relative_to) = (4, "elsewhere".into());
        "cpu".clone_into(&mut other.training.device);
        assert_eq!(other.of_results(), SearchConfig::default().of_results());
        assert_eq!(other.identity(), SearchConfig::default().identity());
    }
}
