//! From runs to figures.

use bonas_surrogate::metrics::{Bootstrap, bootstrap, kendall_tau_b};

use super::store::Store;
use super::summary::{
    AskMs, FORMAT, Last, Measure, Optimum, Pair, Point, StrategySummary, Summary, TestSummary, ToOptimum,
};
use super::{Arena, Run};
use crate::StudyError;
use crate::config::{CompareConfig, Entrant};
use crate::rng::stream;
use crate::statistics::{friedman, holm, mean, quantile, sd, wilcoxon};

/// Purpose of a random stream: bootstrap intervals.
const BOOTSTRAP: u64 = 300;

/// Everything that comes out of a comparison.
#[derive(Clone, Debug)]
pub struct Results {
    /// The figures.
    pub summary: Summary,
    /// One entry a strategy and seed.
    pub(super) traces: Vec<Trace>,
}

/// One study, query by query, in the table's unit.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Trace {
    pub(super) label: String,
    pub(super) seed: u64,
    pub(super) steps: Vec<Query>,
    /// The first query, from 1, of an architecture with the best report value.
    pub(super) optimum: Option<usize>,
}

/// One query.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Query {
    pub(super) arch: String,
    /// What the strategy was told.
    pub(super) search: f64,
    pub(super) report: f64,
    /// Report value of the best by search so far.
    pub(super) found: f64,
    /// Best report value so far.
    pub(super) oracle: f64,
}

impl Results {
    /// The results of a comparison whose runs are all there.
    ///
    /// # Errors
    /// [`StudyError::Interrupted`] if one is missing.
    pub(super) fn of(arena: &Arena, config: &CompareConfig, store: &Store) -> Result<Self, StudyError> {
        let mut traces = Vec::new();
        let mut strategies = Vec::new();
        for (place, entrant) in config.strategies.iter().enumerate() {
            let identity = arena.identity(entrant);
            let runs: Vec<&Run> = arena.seeds().filter_map(|seed| store.get(&identity, seed)).collect();
            if runs.len() < config.compare.seeds {
                return Err(StudyError::Interrupted);
            }
            let own: Vec<Trace> = runs.iter().map(|run| trace(arena, &entrant.label, run)).collect();
            strategies.push(Sheet { config, entrant, place: place as u64, traces: &own }.summary(&runs));
            traces.extend(own);
        }
        let tests = tests(config, &traces);
        Ok(Self { summary: summary(arena, config, strategies, tests), traces })
    }
}

fn summary(
    arena: &Arena,
    config: &CompareConfig,
    strategies: Vec<StrategySummary>,
    tests: Vec<TestSummary>,
) -> Summary {
    let compare = &config.compare;
    let (search, report) = (arena.search_column().to_string(), arena.report_column().to_string());
    Summary {
        format: FORMAT,
        space: arena.settings().space.clone(),
        fingerprint: arena.table().fingerprint().to_owned(),
        architectures: arena.table().arms().len(),
        oracle: search == report,
        search,
        report,
        budget: compare.budget,
        seeds: compare.seeds,
        first_seed: compare.first_seed,
        alpha: compare.alpha,
        optimum: optimum(arena),
        strategies,
        tests,
    }
}

fn optimum(arena: &Arena) -> Optimum {
    let report = arena.report();
    let search: Vec<f64> = (0..report.len()).map(|arm| arena.search_value(arm)).collect();
    let by_search = (0..search.len()).reduce(|best, arm| if search[arm] > search[best] { arm } else { best });
    let best = arena.table().arms().iter().zip(report).filter(|(_, value)| **value >= arena.best());
    Optimum {
        report: arena.best(),
        archs: best.map(|(arm, _)| arm.text.to_string()).collect(),
        report_of_best_search: by_search.map_or(f64::NAN, |arm| report[arm]),
        tau: kendall_tau_b(&search, report),
    }
}

fn trace(arena: &Arena, label: &str, run: &Run) -> Trace {
    let column = &arena.table().columns()[0];
    let scale = column.scale();
    let mut steps: Vec<Query> = Vec::with_capacity(run.arms.len());
    let (mut best, mut optimum) = (f64::NEG_INFINITY, None);
    for (i, (&arm, &score)) in run.arms.iter().zip(&run.scores).enumerate() {
        let arm = arm as usize;
        let report = arena.report()[arm];
        let before = steps.last();
        let found = before.filter(|_| score <= best).map_or(report, |query| query.found);
        let oracle = before.map_or(report, |query| query.oracle.max(report));
        best = best.max(score);
        if report >= arena.best() {
            optimum = optimum.or(Some(i + 1));
        }
        let arch = arena.table().arms()[arm].text.to_string();
        let search = told(column, arm, score / scale);
        steps.push(Query { arch, search, report, found, oracle });
    }
    Trace { label: label.to_owned(), seed: run.seed, steps, optimum }
}

/// The number in the table that a score, brought back to the table's unit, was: the mean of the
/// seeds or one of them.
fn told(column: &crate::table::Column, arm: usize, score: f64) -> f64 {
    let all = column.runs(arm).iter().copied().chain([column.mean(arm)]);
    all.min_by(|a, b| (a - score).abs().total_cmp(&(b - score).abs())).unwrap_or(score)
}

/// One strategy's studies.
struct Sheet<'a> {
    config: &'a CompareConfig,
    entrant: &'a Entrant,
    place: u64,
    traces: &'a [Trace],
}

impl Sheet<'_> {
    fn summary(&self, runs: &[&Run]) -> StrategySummary {
        let asks: Vec<f64> = runs.iter().flat_map(|run| run.ask_ms.iter().copied()).collect();
        let walls: Vec<f64> = runs.iter().map(|run| run.wall_s).collect();
        StrategySummary {
            name: self.entrant.label.clone(),
            strategy: self.entrant.strategy.name().to_owned(),
            seeds: runs.len(),
            curve: (1..=self.config.compare.budget).map(|queries| self.point(queries)).collect(),
            last: self.last(),
            to_optimum: self.to_optimum(),
            ask_ms: AskMs { mean: mean(&asks), p95: quantile(&asks, 0.95) },
            wall_s: mean(&walls),
        }
    }

    fn point(&self, queries: usize) -> Point {
        let found = at(self.traces, queries, |query| query.found);
        Point {
            queries,
            report_mean: mean(&found),
            report_sd: sd(&found),
            report_q25: quantile(&found, 0.25),
            report_median: quantile(&found, 0.5),
            report_q75: quantile(&found, 0.75),
            oracle_mean: mean(&at(self.traces, queries, |query| query.oracle)),
            optimum_share: mean(&self.traces.iter().map(|t| found_by(t, queries)).collect::<Vec<_>>()),
        }
    }

    fn last(&self) -> Last {
        let budget = self.config.compare.budget;
        let found = at(self.traces, budget, |query| query.found);
        let (report_low, report_high) = self.interval(&found, 0);
        Last {
            report_mean: mean(&found),
            report_sd: sd(&found),
            report_low,
            report_high,
            oracle_mean: mean(&at(self.traces, budget, |query| query.oracle)),
        }
    }

    fn to_optimum(&self) -> ToOptimum {
        let cap = self.config.compare.budget;
        let queries = queries_to_optimum(self.traces, cap);
        let (low, high) = self.interval(&queries, 1);
        let found = self.traces.iter().filter(|trace| trace.optimum.is_some()).count();
        ToOptimum {
            mean: mean(&queries),
            sd: sd(&queries),
            low,
            high,
            q25: quantile(&queries, 0.25),
            median: quantile(&queries, 0.5),
            q75: quantile(&queries, 0.75),
            found: found as f64 / self.traces.len() as f64,
            cap,
        }
    }

    /// Bootstrap interval of the mean.
    fn interval(&self, values: &[f64], what: u64) -> (f64, f64) {
        let compare = &self.config.compare;
        let settings = Bootstrap { resamples: compare.resamples, level: 1.0 - compare.alpha };
        let statistic =
            |drawn: &[usize]| Some(drawn.iter().map(|&i| values[i]).sum::<f64>() / drawn.len() as f64);
        let mut rng = stream(compare.first_seed, &[BOOTSTRAP, self.place, what]);
        let found = bootstrap(values.len(), statistic, settings, &mut rng);
        found.map_or((f64::NAN, f64::NAN), |interval| (interval.low, interval.high))
    }
}

/// A figure of every trace after so many queries; a study that ended earlier keeps its last.
fn at(traces: &[Trace], queries: usize, figure: impl Fn(&Query) -> f64) -> Vec<f64> {
    let step = |trace: &Trace| trace.steps.get(queries - 1).or(trace.steps.last()).map(&figure);
    traces.iter().filter_map(step).collect()
}

/// 1 if the study has found the optimum after so many queries, else 0.
fn found_by(trace: &Trace, queries: usize) -> f64 {
    f64::from(u8::from(trace.optimum.is_some_and(|optimum| optimum <= queries)))
}

fn queries_to_optimum(traces: &[Trace], cap: usize) -> Vec<f64> {
    traces.iter().map(|trace| trace.optimum.unwrap_or(cap) as f64).collect()
}

/// The tests by each measure; none with fewer than two strategies or seeds.
fn tests(config: &CompareConfig, traces: &[Trace]) -> Vec<TestSummary> {
    let (seeds, budget) = (config.compare.seeds, config.compare.budget);
    let of_strategies =
        |figure: &dyn Fn(&[Trace]) -> Vec<f64>| traces.chunks(seeds).map(figure).collect::<Vec<_>>();
    let report = of_strategies(&|traces| at(traces, budget, |query| query.found));
    let queries = of_strategies(&|traces| queries_to_optimum(traces, budget));
    let labels: Vec<&str> = config.strategies.iter().map(|entrant| entrant.label.as_str()).collect();
    [(Measure::Report, report, 1.0), (Measure::Queries, queries, -1.0)]
        .into_iter()
        .filter_map(|(measure, values, sign)| test(measure, &labels, &values, sign, config.compare.alpha))
        .collect()
}

/// `sign` is 1 where higher is better, -1 where lower is.
fn test(
    measure: Measure,
    labels: &[&str],
    values: &[Vec<f64>],
    sign: f64,
    alpha: f64,
) -> Option<TestSummary> {
    let goodness: Vec<Vec<f64>> =
        values.iter().map(|values| values.iter().map(|value| sign * value).collect()).collect();
    let all = friedman(&goodness, alpha)?;
    let mut pairs = Vec::new();
    for a in 0..labels.len() {
        for b in a + 1..labels.len() {
            let better = |x: &[f64], y: &[f64]| x.iter().zip(y).filter(|(x, y)| x > y).count();
            pairs.push(Pair {
                a: labels[a].to_owned(),
                b: labels[b].to_owned(),
                difference: mean(&values[a]) - mean(&values[b]),
                wins: better(&goodness[a], &goodness[b]),
                losses: better(&goodness[b], &goodness[a]),
                p: wilcoxon(&values[a], &values[b])?.p,
                p_holm: 1.0,
            });
        }
    }
    let corrected = holm(&pairs.iter().map(|pair| pair.p).collect::<Vec<_>>());
    pairs.iter_mut().zip(corrected).for_each(|(pair, p)| pair.p_holm = p);
    Some(TestSummary {
        measure,
        mean_ranks: all.mean_ranks,
        friedman: all.statistic,
        p: all.p,
        critical_difference: all.critical_difference,
        pairs,
    })
}
