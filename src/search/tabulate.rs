//! A tabular benchmark of one's own: every cell of a space trained from scratch.

use std::io::Write;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bonas_spaces::network::{Norm, Union};
use bonas_spaces::{Architecture, Role, SearchSpace};
use bonas_study::history::Outcome;
use bonas_study::journal::{write_json, write_whole};
use bonas_study::rng::{FINAL, stream};
use bonas_study::statistics::mean;
use bonas_study::strategy::Listed;
use bonas_study::{Budget, Finished};
use bonas_supernet::training::Part;
use bonas_surrogate::metrics::kendall_tau_b;
use flate2::Compression;
use flate2::write::GzEncoder;
use rand::Rng;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use super::{CONFIG_FILE, Observe, Stage, StagePlan, in_section};
use crate::build::{self, Trainings};
use crate::config::{
    EvaluatorSettings, FinalImages, LatencySettings, SearchConfig, StrategySettings, StudySettings,
    at_least_1, plain,
};
use crate::{Study, StudyError};

/// The table: `arch`, accuracies in percent on held-out training images (`val`) and on test images
/// (`test`), seeds joined by `;`, `params` and `macs`.
pub const TABLE_FILE: &str = "table.csv.gz";
/// What is known of the table: [`Tabulated`].
pub const TABULATED_FILE: &str = "table.json";

/// Purposes of random streams: trainings of the two columns, and the sample.
const VALIDATION: u64 = 2;
const TEST: u64 = 3;
const SAMPLE: u64 = 4;

/// Trains every cell of a space as the `[final]` section says, `final.seeds` times `networks` times on
/// the images of the search, and scores it on those held out (column `val`) and on the test images (column
/// `test`); where `final.images` is all, as many networks more are trained on all images for the test
/// column. The value of a seed is the mean of its networks' accuracies. A run that was stopped goes on.
#[derive(Clone, Debug)]
pub struct Tabulate {
    /// Space, images, recipe, workers.
    pub config: SearchConfig,
    /// Only cells of these operations; empty: of all.
    pub ops: Vec<String>,
    /// Only so many of these cells, drawn without replacement with the seed of the study.
    pub sample: Option<usize>,
    /// Networks a seed: cells that differ by less than one network from the next need several.
    pub networks: NonZero<usize>,
    /// Where everything is kept.
    pub directory: PathBuf,
    /// Becomes true when the user wants to stop.
    pub cancel: Arc<AtomicBool>,
}

/// Facts about a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tabulated {
    /// Different cells in it.
    pub cells: usize,
    /// Cells left out because a training failed.
    pub failed: usize,
    /// Kendall's tau-b between the first two seeds of the validation column.
    pub tau_val: Option<f64>,
    /// The same of the test column.
    pub tau_test: Option<f64>,
    /// Kendall's tau-b between the means of the two columns.
    pub tau: Option<f64>,
    /// Seconds of training, summed over workers.
    pub seconds: f64,
}

impl Tabulate {
    /// What a table depends on of the configuration: space, images and training, not how it would be
    /// searched.
    fn identity(&self) -> String {
        let seed = self.config.study.seed;
        SearchConfig {
            study: StudySettings { seed, ..StudySettings::default() },
            strategy: StrategySettings::default(),
            evaluator: EvaluatorSettings::default(),
            // No training depends on it, and its file knows what it was measured by.
            latency: LatencySettings::default(),
            ..self.config.clone()
        }
        .identity()
    }

    /// The cells: every key of the space once whose operations are all allowed, or a sample of them.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for a space that cannot be listed, or an unknown operation.
    pub fn cells(&self) -> Result<Vec<Architecture>, StudyError> {
        let space = build::space(&self.config)?;
        for name in &self.ops {
            let known = space.vocabulary().id(name);
            known.map_err(|e| StudyError::Setting { name: "ops".into(), reason: e.to_string() })?;
        }
        let all = space.enumerate().ok_or_else(|| StudyError::Setting {
            name: "space.name".into(),
            reason: format!(
                "{} has {} and cannot be listed; take a smaller space",
                space.name(),
                space.size()
            ),
        })?;
        let mut seen = std::collections::HashSet::new();
        let mut cells: Vec<_> = all.filter(|cell| self.allows(cell) && seen.insert(cell.key())).collect();
        if cells.is_empty() {
            let reason = format!("{} has no cell of {} alone", space.name(), self.ops.join(", "));
            return Err(StudyError::Setting { name: "ops".into(), reason });
        }
        if let Some(sample) = self.sample {
            at_least_1(sample, "sample")
                .map_err(|e| StudyError::Setting { name: e.key.into(), reason: e.reason })?;
            cells.shuffle(&mut stream(self.config.study.seed, &[FINAL, SAMPLE]));
            cells.truncate(sample);
        }
        Ok(cells)
    }

    /// The stages of [`Self::run`], one a column that is trained for: to show how far it is.
    ///
    /// # Errors
    /// As [`Self::cells`].
    pub fn stages(&self) -> Result<Vec<StagePlan>, StudyError> {
        let (cells, finals) = (self.cells()?.len(), &self.config.finals);
        let one = StagePlan::finals(&self.config, cells, finals.seeds * self.networks.get());
        let columns = match finals.images {
            FinalImages::Search => 1,
            FinalImages::All => 2,
        };
        Ok(vec![one; columns])
    }

    /// Refuses the file of another table's configuration, or of something else.
    fn expect_same(&self, path: &Path) -> Result<(), StudyError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| StudyError::Io { path: path.to_owned(), source })?;
        let there = SearchConfig::from_toml(&text, &path.display().to_string());
        let same = there.is_ok_and(|config| Self { config, ..self.clone() }.identity() == self.identity());
        if same {
            return Ok(());
        }
        let reason = "it is there already, and is of another table or search; give another folder".to_owned();
        Err(StudyError::Data { path: path.to_owned(), reason })
    }

    fn allows(&self, architecture: &Architecture) -> bool {
        let vocabulary = architecture.vocabulary();
        let allowed = |op| {
            let structural = matches!(vocabulary.role(op), Role::Plain | Role::Input | Role::Output);
            structural || self.ops.is_empty() || self.ops.iter().any(|name| name == vocabulary.name(op))
        };
        architecture.cells().iter().all(|cell| {
            let graph = cell.graph();
            graph.node_weights().chain(graph.edge_weights()).all(|&op| allowed(op))
        })
    }

    /// Trains what is not trained yet and writes [`TABLE_FILE`] and [`TABULATED_FILE`].
    ///
    /// # Errors
    /// [`StudyError`]; what is trained stays, and it can be run again.
    pub fn run(&self, observe: &mut Observe<'_>) -> Result<Tabulated, StudyError> {
        let space = build::space(&self.config)?;
        let cells = self.cells()?;
        at_least_1(self.config.finals.seeds, "final.seeds")
            .map_err(|e| StudyError::Setting { name: e.key.into(), reason: e.reason })?;
        let networks = Trainings::new(&self.config)?;
        std::fs::create_dir_all(&self.directory)
            .map_err(|source| StudyError::Io { path: self.directory.clone(), source })?;
        let path = self.directory.join(CONFIG_FILE);
        if path.exists() {
            self.expect_same(&path)?;
        } else {
            write_whole(&path, self.config.commented().as_bytes())?;
        }
        let both = match self.config.finals.part() {
            Part::Validation | Part::TestOfSearch => {
                vec![self.train(
                    &space,
                    &cells,
                    &networks,
                    (Part::Validation, Some(Part::TestOfSearch)),
                    observe,
                )?]
            }
            Part::Test => [Part::Validation, Part::Test]
                .into_iter()
                .map(|part| self.train(&space, &cells, &networks, (part, None), observe))
                .collect::<Result<_, _>>()?,
        };
        self.write(&*space, &networks, &cells, &both)
    }

    fn train(
        &self,
        space: &Arc<dyn SearchSpace>,
        cells: &[Architecture],
        networks: &Trainings<'_>,
        (part, also): (Part, Option<Part>),
        observe: &mut Observe<'_>,
    ) -> Result<Finished, StudyError> {
        let (name, purpose) = match (part, also) {
            (_, Some(_)) => ("networks", VALIDATION),
            (Part::Validation, None) => ("validation", VALIDATION),
            (Part::Test | Part::TestOfSearch, None) => ("test", TEST),
        };
        let folder = self.directory.join(name);
        let header = [
            self.identity(),
            plain("final", &self.config.finals),
            format!("# {:?} {:?} {}\n", self.ops, self.sample, self.networks),
        ]
        .join("\n");
        let listed = Listed { architectures: cells.to_vec() };
        let study = Study::new(
            space.clone(),
            Box::new(listed),
            networks.tabulating(part, also, self.networks.get())?,
        )
        .seed(stream(self.config.study.seed, &[FINAL, purpose]).next_u64())
        .budget(Budget::architectures(cells.len()))
        .config(header)
        .cancel(self.cancel.clone())
        .directory(&folder);
        let trained = observe(Stage::Finals, &folder).into_iter().fold(study, Study::observer).run();
        trained.map_err(|error| in_section("final", error))
    }

    /// Accuracies of a cell, one a seed, in `[0, 1]`, on held-out and on test images; none if a training
    /// failed.
    fn columns(&self, trained: &[Finished], cell: &Architecture) -> Option<[Vec<f64>; 2]> {
        let scores = trained.iter().map(|study| match &study.history.get(cell.key())?.outcome {
            Outcome::Scored(score) => Some(score),
            Outcome::Failed(_) => None,
        });
        let columns = match scores.collect::<Option<Vec<_>>>()?.as_slice() {
            [both] => [&both.runs, &both.measures],
            [val, test] => [&val.runs, &test.runs],
            _ => return None,
        };
        Some(columns.map(|runs| runs.chunks(self.networks.get()).map(mean).collect()))
    }

    fn write(
        &self,
        space: &dyn SearchSpace,
        networks: &Trainings<'_>,
        cells: &[Architecture],
        trained: &[Finished],
    ) -> Result<Tabulated, StudyError> {
        let path = self.directory.join(TABLE_FILE);
        let io = |source| StudyError::Io { path: path.clone(), source };
        let skeleton = networks.networks.skeleton_of(
            networks.final_skeleton()?,
            self.config.finals.size(),
            Norm::DISCRETE,
        )?;
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        let latencies = build::Latencies::of(&self.config, &self.directory)?;
        let heads = if latencies.is_some() {
            "arch,val,test,params,macs,latency_ms\n"
        } else {
            "arch,val,test,params,macs\n"
        };
        encoder.write_all(heads.as_bytes()).map_err(io)?;
        let mut columns = [Vec::new(), Vec::new()];
        for cell in cells {
            let Some([val, test]) = self.columns(trained, cell) else { continue };
            let network =
                skeleton.network(&Union::of(std::slice::from_ref(cell))?, &networks.networks.ops())?;
            let (params, macs) = (network.params(), network.macs());
            let mut line =
                format!("{},{},{},{params},{macs}", space.format(cell)?, joined(&val), joined(&test));
            if let Some(latencies) = &latencies {
                let latency = latencies.milliseconds(cell, &self.cancel)?;
                line += &latency.map_or_else(|| ",".to_owned(), |ms| format!(",{ms}"));
            }
            line.push('\n');
            encoder.write_all(line.as_bytes()).map_err(io)?;
            columns[0].push(val);
            columns[1].push(test);
        }
        write_whole(&path, &encoder.finish().map_err(io)?)?;
        let tabulated = facts(cells.len(), &columns, trained);
        write_json(&self.directory.join(TABULATED_FILE), &tabulated)?;
        Ok(tabulated)
    }
}

/// Percentages with two decimals, joined by `;`.
fn joined(runs: &[f64]) -> String {
    runs.iter().map(|run| format!("{:.2}", 100.0 * run)).collect::<Vec<_>>().join(";")
}

fn facts(cells: usize, columns: &[Vec<Vec<f64>>; 2], trained: &[Finished]) -> Tabulated {
    let seed =
        |column: &[Vec<f64>], seed: usize| column.iter().filter_map(|runs| runs.get(seed).copied()).collect();
    let between_seeds = |column: &[Vec<f64>]| {
        let (first, second): (Vec<f64>, Vec<f64>) = (seed(column, 0), seed(column, 1));
        kendall_tau_b(&first, &second)
    };
    let means = |column: &[Vec<f64>]| column.iter().map(|runs| mean(runs)).collect::<Vec<_>>();
    let [val, test] = columns;
    Tabulated {
        cells: val.len(),
        failed: cells - val.len(),
        tau_val: between_seeds(val),
        tau_test: between_seeds(test),
        tau: kendall_tau_b(&means(val), &means(test)),
        seconds: trained.iter().map(|finished| finished.evaluate_seconds).sum(),
    }
}
