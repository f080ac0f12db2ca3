//! What may be changed of a search that has begun: its budget, and what follows it.

use bonas_spaces::Architecture;
use bonas_study::history::{Event, Fidelity, Outcome, Score};
use bonas_study::journal::{JOURNAL_FILE, Journal, lock, read, write_whole};

use super::aside::{FINALS, SHORTLIST};
use super::{CONFIG_FILE, Search};
use crate::config::{FinalSettings, SearchConfig, ShortlistSettings};
use crate::{StudyError, build};

/// A result that is known before a search begins ([`Search::import`]).
#[derive(Clone, Debug)]
pub struct KnownResult {
    /// What was measured.
    pub architecture: Architecture,
    /// Its scores, one a run; their mean counts.
    pub runs: Vec<f64>,
    /// What limits and the second objective read, in the order of
    /// [`BuildEvaluator::columns`](bonas_supernet::evaluator::BuildEvaluator::columns) after the score.
    pub measures: Vec<f64>,
}

fn cannot_import(reason: &str) -> StudyError {
    StudyError::Setting { name: "import".into(), reason: reason.into() }
}

impl Search {
    /// Gives the search in the folder another budget of unique architectures; [`run`](Self::run) or [`open`](Self::open)
    /// then goes on with it, also if it was finished. `config.toml` stays as the search was begun, and the journal holds the
    /// change ([`Event::Extended`]). The configuration of this `Search` is the one in `config.toml`.
    ///
    /// # Errors
    /// [`StudyError::Setting`] named `budget` for a search that has not begun or that rounds or seconds limit, and for fewer
    /// architectures than are evaluated or under way; [`StudyError::Locked`]; as [`run`](Self::run).
    pub fn extend(&self, architectures: usize) -> Result<(), StudyError> {
        if !Journal::exists(&self.directory) {
            let reason = "the search has not begun; set study.architectures in its configuration";
            return Err(StudyError::Setting { name: "budget".into(), reason: reason.into() });
        }
        for part in [SHORTLIST, FINALS] {
            part.expect_idle(&self.directory)?;
        }
        let study = self.study(&build::space(&self.config)?, Vec::new())?;
        study.extend(self.config.evaluator.fidelity(), architectures)
    }

    /// Goes on with the data that are there, though they are others than those that the search has gone by so far, and
    /// journals that. Fingerprints of those before and of these; none if they are the same, or there was none before.
    ///
    /// # Errors
    /// As [`run`](Self::run), but for other data.
    pub fn accept_data(&self) -> Result<Option<[String; 2]>, StudyError> {
        let study = self.study(&build::space(&self.config)?, Vec::new())?;
        let before = study.accept_data(self.config.evaluator.fidelity())?;
        Ok(before.zip(build::data_fingerprint(&self.config)?).map(|(before, here)| [before, here]))
    }

    /// Fingerprints of the images that the search in the folder went by last, and of those of this configuration; none if they
    /// are the same, or the search read none.
    ///
    /// # Errors
    /// [`StudyError::Journal`], [`StudyError::Io`], and as [`data_fingerprint`](build::data_fingerprint).
    pub fn other_images(&self) -> Result<Option<[String; 2]>, StudyError> {
        if !Journal::exists(&self.directory) {
            return Ok(None);
        }
        let events = read(&self.directory.join(JOURNAL_FILE))?.events;
        let last = events.into_iter().rev().find_map(|event| match event {
            Event::Data { fingerprint } => Some(fingerprint),
            _ => None,
        });
        let both = last.zip(build::images_fingerprint(&self.config)?);
        Ok(both.filter(|(there, here)| there != here).map(|(there, here)| [there, here]))
    }

    /// Takes known results, in the units of the search, as its first observations, and begins the search if the folder
    /// holds none. They are never evaluated again and take nothing from the budget. The number of those that were not known
    /// before.
    ///
    /// # Errors
    /// [`StudyError::Setting`] named `import` for a search that has proposed something, whose scores compare inside a batch
    /// only, or whose strategy learns from no scores, and for a result with another number of measures than the evaluator
    /// names; as [`run`](Self::run).
    pub fn import(&self, results: impl IntoIterator<Item = KnownResult>) -> Result<usize, StudyError> {
        self.check_import()?;
        let (fidelity, aims) = (self.config.evaluator.fidelity(), self.config.aims());
        let due = self.config.columns().len().saturating_sub(1);
        let judged = |KnownResult { architecture, runs, measures }: KnownResult| {
            if measures.len() != due {
                return Err(cannot_import(&format!(
                    "a result has {} measures, and limits and second objective of the search read {due}",
                    measures.len()
                )));
            }
            let score = match runs[..] {
                [one] => Score::of(one, fidelity),
                _ => Score::mean_of(runs, fidelity),
            };
            Ok((architecture, Outcome::Scored(aims.judged(score, measures))))
        };
        let results = results.into_iter().map(judged).collect::<Result<Vec<_>, _>>()?;
        self.by_kept_space()?.study(&build::space(&self.config)?, Vec::new())?.import(fidelity, results)
    }

    /// Refuses a search that no known score says anything to.
    ///
    /// # Errors
    /// [`StudyError::Setting`] named `import`.
    pub fn check_import(&self) -> Result<(), StudyError> {
        if self.config.evaluator.fidelity() == Fidelity::SharedWeights {
            return Err(cannot_import(
                "scores with shared weights compare inside the batch that was trained together, and a result from \
                 elsewhere is in none; take another evaluator, or begin from the table with strategy.transfer",
            ));
        }
        if self.config.evaluator.fidelity() == Fidelity::OneShot {
            return Err(cannot_import(
                "scores in a one-shot supernet compare inside it, and a result from elsewhere is from another; take another \
                 evaluator, or begin from the table with strategy.transfer",
            ));
        }
        if self.config.strategy.own_network().is_some() {
            return Err(cannot_import(
                "this strategy trains a network of its own and learns from no scores; take another",
            ));
        }
        Ok(())
    }

    /// The budget of unique architectures that the search was given after it began; none if it was given none.
    ///
    /// # Errors
    /// [`StudyError::Journal`], [`StudyError::Io`].
    pub fn extended(&self) -> Result<Option<usize>, StudyError> {
        if !Journal::exists(&self.directory) {
            return Ok(None);
        }
        let events = read(&self.directory.join(JOURNAL_FILE))?.events;
        Ok(events.iter().rev().find_map(|event| match event {
            Event::Extended { architectures } => Some(*architectures),
            _ => None,
        }))
    }

    /// Gives the search in the folder other settings of shortlist and final training, in its `config.toml`. What was trained
    /// with other settings is kept beside, in `shortlist-1`, `final-1` and so on.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for settings that do not fit the search; nothing is changed then. As [`run`](Self::run).
    pub fn follow_up_with(
        &mut self,
        shortlist: &ShortlistSettings,
        finals: &FinalSettings,
    ) -> Result<(), StudyError> {
        let same_list = *shortlist == self.config.shortlist;
        if same_list && *finals == self.config.finals {
            return Ok(());
        }
        let config =
            SearchConfig { shortlist: shortlist.clone(), finals: finals.clone(), ..self.config.clone() };
        let changed = Self { config, ..self.clone() };
        if changed.config.evaluator.told().is_some() {
            changed.check_told()?;
        } else {
            changed.check_follow_ups(&*build::space(&changed.config)?)?;
        }
        self.study(&build::space(&self.config)?, Vec::new())?.check(self.config.evaluator.fidelity())?;
        let _lock = lock(&self.directory)?;
        FINALS.set_aside(&self.directory)?;
        if !same_list {
            SHORTLIST.set_aside(&self.directory)?;
        }
        write_whole(&self.directory.join(CONFIG_FILE), changed.config.commented().as_bytes())?;
        *self = changed;
        Ok(())
    }
}
