//! The table that strategies are compared on, made ready, and one study on it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use bonas_spaces::SearchSpace;
use bonas_spaces::catalogue::SPACES;
use bonas_study::Budget;
use bonas_study::evaluator::{Mishaps, Repeats, Table};
use bonas_study::history::{Evaluation, History};
use bonas_study::strategy::{BuildContext, Knowledge};
use bonas_study::table::{Benchmark, ColumnName, Limit, Merge, Reading, Skipped, Source, TableSpace};

use super::Run;
use super::goals::{self, Goals};
use crate::build::{SPACE_FILE, named_space};
use crate::config::{
    ExperimentSettings, IsomorphsKind, MergeKind, MissingKind, SeedsKind, StrategyConfig, TableConfig,
    TableSettings, space_identity,
};
use crate::experiment::files::RESULTS;
use crate::{Fidelity, Strategy, Study, StudyError};

/// A table made ready: its candidates, what strategies see, and what is reported.
#[derive(Clone, Debug)]
pub(super) struct Bench {
    space: TableSpace,
    knowledge: Knowledge,
    evaluator: Table,
    settings: ExperimentSettings,
    table: TableSettings,
    goals: Goals,
    /// What results depend on of limits and second objective.
    aims_identity: String,
    /// Columns besides those of search and report that strategies have to find out.
    hidden: Vec<ColumnName>,
    /// Place of the report column.
    reported: usize,
    /// Report value of every arm, in the table's unit.
    report: Arc<[f64]>,
    /// The best of what keeps all limits.
    best: f64,
}

impl Bench {
    /// Reads the table of a configuration.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for an unknown space or one without raw rows, errors of the file.
    pub(super) fn open(
        of_all: &ExperimentSettings,
        config: &TableConfig,
        features: &[ColumnName],
        source: &Source,
        folder: &Path,
    ) -> Result<Self, StudyError> {
        let settings = config.table.clone().unwrap_or_else(TableSettings::embedded);
        let space = space(&settings, folder)?;
        let (mut reading, reported) = reading(&settings, config)?;
        reading.columns.extend(features.iter().cloned());
        let table = Arc::new(source.open(space, &reading)?);
        let report: Arc<[f64]> = table.columns()[reported].means().into();
        let goals = Goals::of(config, &table, &report)?;
        let repeats = match settings.seeds {
            SeedsKind::Mean => Repeats::Mean,
            SeedsKind::Draw => Repeats::Draw,
        };
        let mut bench = Self {
            knowledge: offering(&table, features.len())?,
            evaluator: Table::of_column(table.clone(), SEARCH)
                .repeats(repeats)
                .measures(goals.measures.clone(), goals.aims.clone()),
            space: TableSpace::only(table, |arm| goals.allowed[arm]),
            settings: of_all.clone(),
            table: settings,
            aims_identity: config.aims_identity(),
            hidden: goals::hidden(config)?,
            best: goals.best(&report),
            goals,
            reported,
            report,
        };
        let spared = (0..bench.report.len()).map(|arm| bench.is_best(arm)).collect();
        let TableSettings { failing, diverging, .. } = bench.table;
        bench.evaluator = bench.evaluator.mishaps(Mishaps { failing, diverging, spared })?;
        Ok(bench)
    }

    /// The same with paths of scores on other tasks taken from a folder.
    #[must_use]
    pub(super) fn paths_from(self, folder: &Path) -> Self {
        Self { knowledge: self.knowledge.paths_from(folder), ..self }
    }

    /// The table.
    pub(super) fn table(&self) -> &Benchmark {
        self.space.table()
    }

    /// How the table is read.
    pub(super) fn settings(&self) -> &TableSettings {
        &self.table
    }

    /// Value of an arm in the search column, in the table's unit: the mean of its seeds.
    pub(super) fn search_value(&self, arm: usize) -> f64 {
        self.table().columns()[SEARCH].mean(arm)
    }

    /// Name of the search column.
    pub(super) fn search_column(&self) -> &ColumnName {
        self.table().columns()[SEARCH].name()
    }

    /// Name of the report column.
    pub(super) fn report_column(&self) -> &ColumnName {
        self.table().columns()[self.reported].name()
    }

    /// Report value of every arm, in the table's unit.
    pub(super) fn report(&self) -> &[f64] {
        &self.report
    }

    /// The best report value of what keeps all limits.
    pub(super) fn best(&self) -> f64 {
        self.best
    }

    /// Whether an arm keeps all limits and has the best report value, up to rounding: means of equal numbers may differ in
    /// their last digit.
    pub(super) fn is_best(&self, arm: usize) -> bool {
        self.goals.feasible[arm] && self.report[arm] >= self.best - ROUNDING * self.best.abs()
    }

    /// Limits and second objective.
    pub(super) fn goals(&self) -> &Goals {
        &self.goals
    }

    /// What the results of a strategy's studies are known by: all that they depend on but the seed.
    ///
    /// # Errors
    /// Those of the scores on another task that it starts from.
    pub(super) fn identity(&self, strategy: &StrategyConfig) -> Result<String, StudyError> {
        let ExperimentSettings { budget, stop_at_optimum, .. } = self.settings;
        let text = format!(
            "bonas {} results {RESULTS}\ntable {}\n{}{}{}budget {budget}\nstop_at_optimum {stop_at_optimum}\n{}{}",
            env!("CARGO_PKG_VERSION"),
            self.table().fingerprint(),
            declared(&self.space),
            self.table.identity(),
            self.aims_identity,
            strategy.identity(),
            self.knowledge.identity(strategy.settings.transfer(), &self.space)?
        );
        Ok(blake3::hash(text.as_bytes()).to_hex()[..16].to_owned())
    }

    /// A strategy, ready for a study.
    ///
    /// # Errors
    /// [`StudyError::Setting`] naming the strategy, for what this build or space lacks, or scores to start from
    /// that are the table's own.
    pub(super) fn strategy(&self, strategy: &StrategyConfig) -> Result<Box<dyn Strategy>, StudyError> {
        let built = self.check(strategy).and_then(|()| {
            strategy.settings.build(&BuildContext {
                space: &self.space,
                fidelity: Fidelity::Table,
                aims: &self.goals.aims,
                knowledge: &self.knowledge,
                trainer: None,
            })
        });
        built.map_err(|error| match error {
            StudyError::Setting { name, reason } => {
                StudyError::Setting { name: format!("{name} of strategy `{}`", strategy.label), reason }
            }
            other => other,
        })
    }

    /// Rows left out of the table that a strategy starts from; none if there is no such table. The scores were read when
    /// the strategy was built, so that no error is left for here.
    ///
    /// # Errors
    /// Those of reading the table.
    pub(super) fn transfer_skipped(&self, strategy: &StrategyConfig) -> Result<Skipped, StudyError> {
        let task = self.knowledge.source_task(strategy.settings.transfer(), &self.space)?;
        Ok(task.map(|task| task.skipped.clone()).unwrap_or_default())
    }

    /// Refuses a strategy that starts from what it has to find out.
    fn check(&self, strategy: &StrategyConfig) -> Result<(), StudyError> {
        let task = self.knowledge.source_task(strategy.settings.transfer(), &self.space)?;
        let columns: Vec<&ColumnName> =
            [self.search_column(), self.report_column()].into_iter().chain(&self.hidden).collect();
        task.map_or(Ok(()), |task| task.check(self.table(), &columns))?;
        let predicted: Vec<&String> = columns.iter().flat_map(|column| &column.parts).collect();
        match strategy.settings.features().iter().find(|feature| names_one_of(feature, &predicted)) {
            None => Ok(()),
            Some(feature) => Err(StudyError::Setting {
                name: "strategy.features".into(),
                reason: format!("{feature} is what strategies have to find out"),
            }),
        }
    }

    /// Runs one study, on this thread.
    ///
    /// # Errors
    /// Whatever stops the study; a failure of the strategy names label and seed.
    pub(super) fn study(
        &self,
        strategy: &StrategyConfig,
        seed: u64,
        cancel: &Arc<AtomicBool>,
    ) -> Result<Run, StudyError> {
        let start = Instant::now();
        let space: Arc<dyn SearchSpace> = Arc::new(self.space.clone());
        let study = Study::new(space, self.strategy(strategy)?, vec![Box::new(self.evaluator.clone())])
            .seed(seed)
            .budget(Budget::architectures(self.settings.budget))
            .recommend_each_round()
            .cancel(cancel.clone());
        let finished = self.stopping(study).run().map_err(|error| match error {
            StudyError::Interrupted => error,
            other => StudyError::Strategy {
                strategy: strategy.label.clone(),
                reason: format!("seed {seed}: {other}"),
            },
        })?;
        let evaluations = finished.history.evaluations();
        Ok(Run {
            study: self.identity(strategy)?,
            seed,
            queries: evaluations.iter().map(|e| self.arm(e)).collect::<Result<_, _>>()?,
            scores: evaluations
                .iter()
                .map(|e| e.outcome.score(finished.fidelity).map(|score| score.value))
                .collect(),
            recommended: finished
                .recommended
                .iter()
                .map(|one| (one.evaluations as u32, one.best as u32))
                .collect(),
            ask_ms: finished.ask_seconds.iter().map(|seconds| 1e3 * seconds).collect(),
            wall_s: start.elapsed().as_secs_f64(),
        })
    }

    fn stopping(&self, study: Study) -> Study {
        if !self.settings.stop_at_optimum {
            return study;
        }
        let space = self.space.clone();
        let best: Vec<bool> = (0..self.report.len()).map(|arm| self.is_best(arm)).collect();
        let is_best = move |e: &Evaluation| space.arm(&e.architecture).is_ok_and(|arm| best[arm]);
        study.stop_when(move |history: &History| history.evaluations().iter().any(&is_best))
    }

    fn arm(&self, evaluation: &Evaluation) -> Result<u32, StudyError> {
        Ok(self.space.arm(&evaluation.architecture)? as u32)
    }
}

/// Whether a feature is made of one of some columns.
fn names_one_of(feature: &ColumnName, columns: &[&String]) -> bool {
    feature.parts.iter().any(|part| columns.contains(&part))
}

/// The last columns of a table, offered as features.
fn offering(table: &Benchmark, count: usize) -> Result<Knowledge, StudyError> {
    let columns = table.columns();
    columns[columns.len() - count..].iter().try_fold(Knowledge::default(), |knowledge, column| {
        Ok(knowledge.offering(column.name().clone(), table.knowledge(column)?))
    })
}

/// A line about what a declared space is, on which results depend; none for others.
fn declared(space: &dyn SearchSpace) -> String {
    space.source().map_or_else(String::new, |text| format!("space {}\n", space_identity(text)))
}

/// The space of the table; that of a space file has its path from `folder`.
fn space(settings: &TableSettings, folder: &Path) -> Result<Arc<dyn SearchSpace>, StudyError> {
    let bad = |name: &str, reason| StudyError::Setting { name: name.into(), reason };
    if settings.space.starts_with(SPACE_FILE) {
        if settings.merge == MergeKind::Raw {
            let reason = "raw; a space file itself says when cells are the same: write same = \"text\" there";
            return Err(bad("table.merge", reason.into()));
        }
        return named_space(&settings.space, folder).map_err(|reason| bad("table.space", reason));
    }
    let entry = SPACES.get(&settings.space).map_err(|e| bad("table.space", e.to_string()))?;
    match settings.merge {
        MergeKind::Isomorphic => Ok(entry.space()),
        MergeKind::Raw => entry.raw_space().ok_or_else(|| {
            let reason =
                format!("raw, but isomorphic cells of {} always are one; use isomorphic", entry.name);
            bad("table.merge", reason)
        }),
    }
}

/// Share of a value that rounding of a mean may amount to.
const ROUNDING: f64 = 1e-12;

/// Place of the search column.
const SEARCH: usize = 0;

/// The columns of a configuration, what is searched first, what is reported if that is another, and
/// what limits and second objective are on; and the place of what is reported.
fn reading(settings: &TableSettings, config: &TableConfig) -> Result<(Reading, usize), StudyError> {
    let bad = |name: &str| {
        let name = format!("table.{name}");
        move |reason| StudyError::Setting { name, reason }
    };
    let search: ColumnName = settings.search.parse().map_err(bad("search"))?;
    let mut columns = vec![search];
    if !settings.report.is_empty() && settings.report != settings.search {
        columns.push(settings.report.parse().map_err(bad("report"))?);
    }
    let reported = columns.len() - 1;
    for column in goals::columns(config)? {
        if !columns.contains(&column) {
            columns.push(column);
        }
    }
    let limits = settings.limits.iter().map(|limit| limit.parse::<Limit>());
    let reading = Reading {
        columns,
        merge: match (settings.merge, settings.isomorphs) {
            (MergeKind::Raw, _) => Merge::Raw,
            (_, IsomorphsKind::Mean) => Merge::Mean,
            (_, IsomorphsKind::First) => Merge::First,
            (_, IsomorphsKind::Repeats) => Merge::Repeats,
        },
        skip_missing: settings.missing == MissingKind::Skip,
        skip_excluded: false,
        limits: limits.collect::<Result<_, _>>().map_err(bad("limits"))?,
        unpacked: settings.unpacked_megabytes.map(|megabytes| u64::from(megabytes) << 20),
    };
    Ok((reading, reported))
}
