//! Strategies against each other on images: arms x seeds, each winner trained in the same way.
//!
//! [`crate::config::ContestConfig`] -> a [`Plan`], which says once how many epochs or architectures
//! the seconds of the budget are for each arm -> a [`crate::search::Search`] for each arm and seed,
//! in a folder of its own -> its winner trained from scratch, and random cells beside it ->
//! [`Summary`], table and page.
//!
//! The winner of a differentiable search is what it decodes to after its last epoch, as published;
//! that of any other is the architecture with the best score.
//!
//! Invariant: results are a function of configuration and plan. Seconds are measured in the plan's
//! pilots alone (of processors where these compute, so that other work on the machine counts for none), and written to [`PLAN_FILE`] before any study begins; a contest that is resumed,
//! or given the plan of another machine, has the same studies.

mod meter;
mod page;
mod plan;
mod study;
mod summary;
#[cfg(test)]
mod tests;
mod timings;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::StudyError;
use crate::config::ContestConfig;
use crate::report::{REPORT_FILE, SUMMARY_FILE, TIMINGS_JSON, TIMINGS_PAGE};
use crate::search::CONFIG_FILE;
use bonas_study::journal::{write_json, write_whole};
use bonas_study::parallel;

pub use plan::{Budget, PLAN_FILE, Plan, Unit};
pub use study::{Outcome, Piece};
pub use summary::{ArmBudget, ArmSummary, CONTEST_FORMAT, Pair, Summary};
pub use timings::{ArmTimings, Timings};

/// A contest in a folder; running it again goes on from where it stopped.
#[derive(Clone, Debug)]
pub struct Contest {
    /// What is compared.
    pub config: ContestConfig,
    /// Where everything is kept.
    pub directory: PathBuf,
    /// Studies at the same time; no result depends on it.
    pub threads: usize,
    /// Becomes true when the user wants to stop.
    pub cancel: Arc<AtomicBool>,
}

/// Everything that comes out of a contest.
#[derive(Clone, Debug, PartialEq)]
pub struct Results {
    /// The figures.
    pub summary: Summary,
    /// How long the searches took.
    pub timings: Timings,
}

impl Results {
    /// The tables as text, in Markdown.
    pub fn markdown(&self) -> String {
        format!("{}\n{}", self.summary.markdown(), self.timings.markdown())
    }
}

/// What a contest has just done.
#[derive(Clone, Debug)]
pub enum Step<'a> {
    /// Every arm has its budget.
    Planned(&'a Plan),
    /// A piece is done.
    Done {
        /// What came of it.
        outcome: &'a Outcome,
        /// Pieces done in this run.
        done: usize,
        /// Pieces in all.
        total: usize,
    },
}

/// A line an arm, or one for what is done.
impl fmt::Display for Step<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Planned(plan) => {
                let lines: Vec<String> = plan.budgets.iter().map(Budget::to_string).collect();
                f.write_str(&lines.join("\n"))
            }
            Self::Done { outcome, done, total } => write!(
                f,
                "{done} of {total}: {}, seed {}: {:.2} %, {:.1} s of search",
                outcome.row,
                outcome.seed(),
                100.0 * outcome.test(),
                outcome.seconds
            ),
        }
    }
}

impl Contest {
    /// Runs what is not done yet, and writes `summary.json`, `report.html`, `timings.json` and
    /// `timings.html`.
    ///
    /// # Errors
    /// [`StudyError`] for settings that do not fit or a study that fails;
    /// [`StudyError::Interrupted`]. What was done stays, and it can be run again.
    pub fn run(&self, progress: &mut dyn FnMut(Step<'_>)) -> Result<Results, StudyError> {
        self.config.arms.iter().try_for_each(|arm| study::check(arm, &self.directory))?;
        std::fs::create_dir_all(&self.directory)
            .map_err(|source| StudyError::Io { path: self.directory.clone(), source })?;
        let plan = Plan::made(self)?;
        write_whole(&self.directory.join(CONFIG_FILE), self.config.commented().as_bytes())?;
        progress(Step::Planned(&plan));
        let outcomes = self.pieces(&plan, progress)?;
        let summary = Summary::of(&self.config, &plan, &outcomes);
        write_json(&self.directory.join(SUMMARY_FILE), &summary)?;
        let page = page::page(&summary, &outcomes, &self.config);
        write_whole(&self.directory.join(REPORT_FILE), page.as_bytes())?;
        let timings = Timings::of(&plan, &outcomes);
        write_json(&self.directory.join(TIMINGS_JSON), &timings)?;
        write_whole(&self.directory.join(TIMINGS_PAGE), timings.page(&summary).as_bytes())?;
        Ok(Results { summary, timings })
    }

    /// Does every piece, seed after seed so that a part of a contest compares; outcomes in order.
    fn pieces(&self, plan: &Plan, progress: &mut dyn FnMut(Step<'_>)) -> Result<Vec<Outcome>, StudyError> {
        let pieces = study::pieces(&self.config);
        let work = |i: usize| {
            if self.cancel.load(Ordering::Relaxed) {
                return Err(StudyError::Interrupted);
            }
            study::run(self, plan, &pieces[i])
        };
        let mut outcomes: Vec<Option<Outcome>> = vec![None; pieces.len()];
        let (mut done, mut failed) = (0, None);
        parallel(pieces.len(), self.threads, work, |i, result| {
            match result {
                Ok(outcome) => {
                    done += 1;
                    progress(Step::Done { outcome: &outcome, done, total: pieces.len() });
                    outcomes[i] = Some(outcome);
                }
                // Others stop because of the first error: theirs says nothing new.
                Err(error) if matches!(failed, None | Some(StudyError::Interrupted)) => failed = Some(error),
                Err(_) => {}
            }
            failed.is_none()
        });
        match failed {
            Some(error) => Err(error),
            None => Ok(outcomes.into_iter().flatten().collect()),
        }
    }
}
