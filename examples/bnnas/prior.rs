//! An indicator as prior knowledge of a surrogate: does BONAS rank better after few cells, and find
//! the best cell with fewer queries?

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::{Context, Result};
use bonas::evaluator::Table;
use bonas::history::{Evaluation, Fidelity, History};
use bonas::pool;
use bonas::predict::{Plan, measure};
use bonas::spaces::{Key, SearchSpace};
use bonas::strategy::{Aims, Batches, Bonas, Objectives, Pool, Targets, WHOLE_SPACE_CAP, WholeSpace};
use bonas::study::Budget;
use bonas::surrogate::acquisition::ExpectedImprovement;
use bonas::surrogate::graph_gp::GraphGp;
use bonas::surrogate::prior_mean::PriorMean;
use bonas::surrogate::select::TopK;
use bonas::surrogate::{Surrogate, SurrogateError};
use bonas::table::{Benchmark, TableSpace};
use bonas::{Evaluator, Study, StudyError};
use serde::Serialize;

use crate::figures::mean_sd;
use crate::flags::{Flags, Net};
use crate::measure::{CHEAP, Cell, Values};

/// Most queries of a search; it counts as this many where the best cell was not found.
const CAP: usize = 150;
const INITIAL: usize = 10;
const BATCH: usize = 10;

/// What a search knows beforehand.
struct Knowledge {
    name: String,
    /// None: nothing.
    values: Option<Vec<(Key, f64)>>,
}

impl Knowledge {
    fn surrogate(&self) -> Result<Box<dyn Surrogate>, SurrogateError> {
        let plain = Box::new(GraphGp::default());
        match &self.values {
            Some(values) => Ok(Box::new(PriorMean::new(plain, values)?)),
            None => Ok(plain),
        }
    }
}

/// Figures of one prior.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct PriorFigure {
    pub(crate) prior: String,
    /// Training cells, and mean and standard deviation over splits of tau with the rest of the table.
    pub(crate) tau: Vec<(usize, f64, f64)>,
    /// Queries to the best cell of the table, one a seed; the cap where it was not found.
    pub(crate) queries: Vec<f64>,
}

/// The indicators that are known of every cell, from the supernets of the first seed.
fn known(flags: &Flags, nets: &[Net], values: &[Values], cells: &[Cell]) -> Vec<Knowledge> {
    let mut all = vec![Knowledge { name: "none".into(), values: None }];
    for (net, values) in nets.iter().zip(values).filter(|(net, _)| net.seed == 1) {
        for indicator in CHEAP.into_iter().filter(|i| i.reads_training() || net.name() == "unbiased-1") {
            let name = if indicator.reads_training() {
                format!("{} {}", net.name(), indicator.name())
            } else {
                indicator.name().to_owned()
            };
            let wanted = flags.prior.iter().any(|prior| *prior == name.replace(' ', ":"));
            if wanted {
                let keys = cells.iter().map(|cell| cell.architecture.key());
                let values = keys.zip(values[&indicator].iter().copied()).collect();
                all.push(Knowledge { name, values: Some(values) });
            }
        }
    }
    all
}

/// Measures every prior on the table, which is read once more: searched and judged by the one column.
pub(crate) fn priors(
    flags: &Flags,
    table: &Path,
    nets: &[Net],
    values: &[Values],
    cells: &[Cell],
    cancel: &Arc<AtomicBool>,
) -> Result<Vec<PriorFigure>> {
    let table = Arc::new(crate::table(flags, table)?.0);
    let mut figures = Vec::new();
    for knowledge in known(flags, nets, values, cells) {
        let plan = Plan {
            sizes: vec![10, 20, 30, 50],
            splits: flags.prior_splits,
            seed: 1,
            train_on: 0,
            rank: 0,
            threads: flags.workers,
        };
        let rows = measure(&table, &|| Ok(knowledge.surrogate()?), &plan)?;
        let tau = rows.iter().map(|row| (row.train, row.tau_mean, row.tau_sd)).collect();
        let queries = queries(flags, &knowledge, &table, cancel)?;
        let figure = PriorFigure { prior: knowledge.name, tau, queries };
        println!("{}", line(&figure));
        figures.push(figure);
    }
    Ok(figures)
}

/// Queries until the best cell is found, one study a seed.
fn queries(
    flags: &Flags,
    knowledge: &Knowledge,
    table: &Arc<Benchmark>,
    cancel: &Arc<AtomicBool>,
) -> Result<Vec<f64>> {
    let space: Arc<dyn SearchSpace> = Arc::new(TableSpace::new(table.clone()));
    let whole = WholeSpace::of(&*space, WHOLE_SPACE_CAP).context("the table cannot be listed")?;
    let means = table.columns()[0].means();
    let best = means.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let is_best = {
        let (table, means) = (table.clone(), means.clone());
        move |e: &Evaluation| table.arm(e.architecture.key()).is_some_and(|arm| means[arm] >= best)
    };
    let study = |seed: usize| -> Result<usize, StudyError> {
        let strategy = Bonas {
            name: "bonas".into(),
            surrogate: knowledge.surrogate()?,
            acquisition: Box::new(ExpectedImprovement::default()),
            selection: Box::new(TopK),
            pool: Pool::Whole(whole.clone()),
            initial: INITIAL,
            batches: Batches { count: 1, size: BATCH },
            targets: Targets::Raw,
            aims: Aims::default(),
            objectives: Objectives::default(),
        };
        let evaluators: Vec<Box<dyn Evaluator>> = vec![Box::new(Table::of_column(table.clone(), 0))];
        let stop = is_best.clone();
        let finished = Study::new(space.clone(), Box::new(strategy), evaluators)
            .seed(seed as u64 + 1)
            .budget(Budget::architectures(CAP))
            .cancel(cancel.clone())
            .stop_when(move |history: &History| history.evaluations().iter().any(&stop))
            .run()?;
        debug_assert_eq!(finished.fidelity, Fidelity::Table);
        let found = finished.history.evaluations().iter().position(&is_best);
        Ok(found.map_or(CAP, |at| at + 1))
    };
    let mut done: Vec<Option<Result<usize, StudyError>>> = (0..flags.prior_seeds).map(|_| None).collect();
    pool::each(flags.prior_seeds, flags.workers, study, |seed, result| {
        let go_on = result.is_ok();
        done[seed] = Some(result);
        go_on
    });
    Ok(done.into_iter().flatten().map(|r| r.map(|q| q as f64)).collect::<Result<_, _>>()?)
}

/// What the lines of [`line`] say.
pub(crate) fn head(flags: &Flags) -> String {
    format!(
        "graph-gp on {} with a prior, searched and judged by that one column (an oracle experiment)\n\
         tau with the rest of the table after 10, 20, 30, 50 cells, {} splits; queries to the best cell, batches of \
         {BATCH} after {INITIAL}, at most {CAP}, {} seeds: mean (sd), median, share not found",
        flags.column, flags.prior_splits, flags.prior_seeds
    )
}

fn line(figure: &PriorFigure) -> String {
    let taus: Vec<String> = figure.tau.iter().map(|(_, mean, sd)| format!("{mean:.3} ({sd:.3})")).collect();
    let (mean, sd) = mean_sd(&figure.queries);
    let mut sorted = figure.queries.clone();
    sorted.sort_by(f64::total_cmp);
    let median = sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN);
    let lost = sorted.iter().filter(|&&q| q >= CAP as f64).count() as f64 / sorted.len().max(1) as f64;
    format!("{:<24} {}   {mean:.1} ({sd:.1}), {median:.0}, {lost:.2}", figure.prior, taus.join("  "))
}
