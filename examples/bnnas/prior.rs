//! An indicator as prior knowledge of a surrogate: does BONAS rank better after few cells, and find
//! the best cell with fewer queries?

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::{Context, Result};
use bonas::predict::{Plan, measure};
use bonas::spaces::{Key, SearchSpace};
use bonas::study::evaluator::Table;
use bonas::study::history::{Evaluation, Fidelity, History};
use bonas::study::journal::write_json;
use bonas::study::strategy::{Batches, Bonas, CandidatePool, Prefilter, WHOLE_SPACE_CAP, WholeSpace};
use bonas::study::table::{Benchmark, TableSpace};
use bonas::study::{Budget, parallel};
use bonas::surrogate::acquisition::ExpectedImprovement;
use bonas::surrogate::models::{Ensemble, GraphGp, PriorForm, PriorMean};
use bonas::surrogate::selection::TopK;
use bonas::surrogate::{PriorKnowledge, Surrogate};
use bonas::{Evaluator, Study, StudyError};
use serde::{Deserialize, Serialize};

use crate::figures::mean_sd;
use crate::flags::{Flags, Net};
use crate::measure::{CHEAP, Cell, Values};

/// Most queries of a search; it counts as this many where the best cell was not found.
const CAP: usize = 150;
const INITIAL: usize = 10;
const BATCH: usize = 10;

/// The surrogates that are given something to know.
const SURROGATES: [&str; 2] = ["graph-gp", "ensemble"];

/// How a surrogate is given an indicator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// Not at all.
    Nothing,
    /// As the mean of the whole surrogate, fitted before it.
    Mean,
    /// As the mean of its Gaussian process, the slope integrated out.
    Slope,
    /// As a feature.
    Feature,
    /// As nothing, slope or feature, whichever the marginal likelihood prefers.
    Evidence,
    /// As a filter of the pool; the surrogate knows nothing.
    Filter,
}

impl Way {
    /// Those that know something.
    const KNOWING: [Self; 5] = [Self::Mean, Self::Slope, Self::Feature, Self::Evidence, Self::Filter];

    fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Mean => "mean",
            Self::Slope => "slope",
            Self::Feature => "feature",
            Self::Evidence => "evidence",
            Self::Filter => "filter",
        }
    }

    fn forms(self) -> &'static [PriorForm] {
        match self {
            Self::Nothing | Self::Mean | Self::Filter => &[PriorForm::Nothing],
            Self::Slope => &[PriorForm::Mean],
            Self::Feature => &[PriorForm::Feature],
            Self::Evidence => &PriorForm::ALL,
        }
    }
}

/// What a search knows beforehand, and how it takes it.
struct Prior {
    /// Name of the surrogate.
    surrogate: &'static str,
    /// Name of the indicator.
    indicator: String,
    way: Way,
    known: Option<PriorKnowledge>,
    /// Share of the pool that a filter keeps.
    share: f64,
}

impl Prior {
    fn surrogate(&self) -> Box<dyn Surrogate> {
        let gp =
            GraphGp::default().with_prior_knowledge(self.known.iter().cloned().collect(), self.way.forms());
        let plain: Box<dyn Surrogate> = match self.surrogate {
            "graph-gp" => Box::new(gp),
            _ => Box::new(Ensemble { gp, ..Ensemble::default() }),
        };
        match &self.known {
            Some(known) if self.way == Way::Mean => Box::new(PriorMean::new(plain, known.clone())),
            _ => plain,
        }
    }

    fn pool(&self, whole: &WholeSpace) -> CandidatePool {
        let pool = CandidatePool::Whole(whole.clone());
        match &self.known {
            Some(known) if self.way == Way::Filter => {
                CandidatePool::Filtered(Box::new(pool), Prefilter { known: known.clone(), share: self.share })
            }
            _ => pool,
        }
    }
}

/// Figures of one prior.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PriorFigure {
    surrogate: String,
    indicator: String,
    way: String,
    /// Share of the pool that a filter keeps.
    share: f64,
    /// Training cells, and mean and standard deviation over splits of tau with the rest of the table; none
    /// for a filter, which changes no ranking.
    tau: Vec<(usize, f64, f64)>,
    splits: usize,
    /// Queries to the best cell of the table, one a seed; the cap where it was not found.
    queries: Vec<f64>,
}

/// The indicators that are known of every cell, from the supernets of the first seed.
fn known(
    flags: &Flags,
    nets: &[Net],
    values: &[Values],
    cells: &[Cell],
) -> Result<Vec<(String, PriorKnowledge)>> {
    let mut all = Vec::new();
    for (net, values) in nets.iter().zip(values).filter(|(net, _)| net.seed == 1) {
        for indicator in CHEAP.into_iter().filter(|i| i.reads_training() || net.name() == "unbiased-1") {
            let name = if indicator.reads_training() {
                format!("{}:{}", net.name(), indicator.name())
            } else {
                indicator.name().to_owned()
            };
            if flags.prior.contains(&name) {
                let keys = cells.iter().map(|cell| cell.architecture.key());
                let values: Vec<(Key, f64)> = keys.zip(values[&indicator].iter().copied()).collect();
                all.push((name, PriorKnowledge::new(&values)?));
            }
        }
    }
    Ok(all)
}

/// Every surrogate without knowledge, and with each indicator in each way.
fn all(flags: &Flags, known: &[(String, PriorKnowledge)]) -> Vec<Prior> {
    let prior = |surrogate, indicator: &str, way, known| Prior {
        surrogate,
        indicator: indicator.to_owned(),
        way,
        known,
        share: if way == Way::Filter { flags.prior_share } else { 1.0 },
    };
    let mut all = Vec::new();
    for surrogate in SURROGATES {
        all.push(prior(surrogate, "nothing", Way::Nothing, None));
        for (name, known) in known {
            all.extend(Way::KNOWING.map(|way| prior(surrogate, name, way, Some(known.clone()))));
        }
    }
    all
}

/// Measures every prior on the table, which is read once more: searched and judged by the one column.
/// What the folder holds of the same figures is taken from there.
pub(crate) fn priors(
    flags: &Flags,
    table: &Path,
    nets: &[Net],
    values: &[Values],
    cells: &[Cell],
    cancel: &Arc<AtomicBool>,
) -> Result<()> {
    let (table, path) = (Arc::new(crate::table(flags, table)?.0), flags.out.join("prior.json"));
    let mut figures = found(&path)?;
    for prior in all(flags, &known(flags, nets, values, cells)?) {
        let same = |f: &&PriorFigure| {
            (f.surrogate.as_str(), f.indicator.as_str(), f.way.as_str(), f.share)
                == (prior.surrogate, prior.indicator.as_str(), prior.way.name(), prior.share)
                && (f.splits, f.queries.len()) == (flags.prior_splits, flags.prior_seeds)
        };
        let place = if let Some(found) = figures.iter().position(|f| same(&f)) {
            found
        } else {
            figures.push(figure(flags, &prior, &table, cancel)?);
            write_json(&path, &figures)?;
            figures.len() - 1
        };
        println!("{}", line(&figures[place], &figures));
    }
    Ok(())
}

/// Queries that a prior saves of those without one, seed by seed: mean and standard error.
fn saved(figure: &PriorFigure, all: &[PriorFigure]) -> Option<(f64, f64)> {
    let seeds = figure.queries.len();
    let without = all.iter().find(|f| {
        f.surrogate == figure.surrogate && f.way == Way::Nothing.name() && f.queries.len() == seeds
    })?;
    let saved: Vec<f64> = without.queries.iter().zip(&figure.queries).map(|(a, b)| a - b).collect();
    let (mean, sd) = mean_sd(&saved);
    Some((mean, sd / (seeds as f64).sqrt()))
}

/// What an earlier run left.
fn found(path: &Path) -> Result<Vec<PriorFigure>> {
    let Ok(text) = std::fs::read_to_string(path) else { return Ok(Vec::new()) };
    serde_json::from_str(&text)
        .with_context(|| format!("{}: it is of another program; remove it", path.display()))
}

fn figure(
    flags: &Flags,
    prior: &Prior,
    table: &Arc<Benchmark>,
    cancel: &Arc<AtomicBool>,
) -> Result<PriorFigure> {
    let plan = Plan {
        sizes: vec![10, 20, 30, 50],
        splits: flags.prior_splits,
        seed: 1,
        train_on: 0,
        rank: 0,
        diverged: bonas::predict::Diverged::default(),
        threads: flags.workers,
    };
    let rows =
        if prior.way == Way::Filter { Vec::new() } else { measure(table, &|| Ok(prior.surrogate()), &plan)? };
    Ok(PriorFigure {
        surrogate: prior.surrogate.to_owned(),
        indicator: prior.indicator.clone(),
        way: prior.way.name().to_owned(),
        share: prior.share,
        tau: rows.iter().map(|row| (row.train, row.tau_mean, row.tau_sd)).collect(),
        splits: flags.prior_splits,
        queries: queries(flags, prior, table, cancel)?,
    })
}

/// Queries until the best cell is found, one study a seed.
fn queries(
    flags: &Flags,
    prior: &Prior,
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
            surrogate: prior.surrogate(),
            acquisition: Box::new(ExpectedImprovement::default()),
            selection: Box::new(TopK),
            pool: prior.pool(&whole),
            initial: INITIAL,
            batches: Batches { count: 1, size: BATCH },
            ..Bonas::default()
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
    parallel(flags.prior_seeds, flags.workers, study, |seed, result| {
        let go_on = result.is_ok();
        done[seed] = Some(result);
        go_on
    });
    Ok(done.into_iter().flatten().map(|r| r.map(|q| q as f64)).collect::<Result<_, _>>()?)
}

/// What the lines of [`line`] say.
pub(crate) fn head(flags: &Flags) -> String {
    format!(
        "what is known beforehand, on {}, searched and judged by that one column (an oracle experiment)\n\
         queries to the best cell, batches of {BATCH} after {INITIAL}, at most {CAP}, {} seeds: mean (sd), median, share \
         not found; queries saved: mean (standard error); tau with the rest of the table after 10, 20, 30, 50 cells, {} splits: mean (sd)\n\
         mean: of the whole surrogate; slope: of its Gaussian process; evidence: nothing, slope or feature by marginal \
         likelihood; filter: of the pool, {} of it is kept",
        flags.column, flags.prior_seeds, flags.prior_splits, flags.prior_share
    )
}

fn line(figure: &PriorFigure, all: &[PriorFigure]) -> String {
    let taus: Vec<String> = figure.tau.iter().map(|(_, mean, sd)| format!("{mean:.3} ({sd:.3})")).collect();
    let (mean, sd) = mean_sd(&figure.queries);
    let mut sorted = figure.queries.clone();
    sorted.sort_by(f64::total_cmp);
    let median = sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN);
    let lost = sorted.iter().filter(|&&q| q >= CAP as f64).count() as f64 / sorted.len().max(1) as f64;
    let PriorFigure { surrogate, indicator, way, .. } = figure;
    let saved = saved(figure, all).map_or_else(String::new, |(mean, se)| format!("{mean:.1} ({se:.1})"));
    let queries = format!("{mean:.1} ({sd:.1}), {median:.0}, {lost:.2}");
    format!("{surrogate:<9} {indicator:<24} {way:<9} {queries:<24} {saved:<14} {}", taus.join("  "))
}
