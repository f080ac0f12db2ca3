//! From runs to figures.

use bonas_study::rng::stream;
use bonas_study::statistics::{friedman, holm, mean, quantile, sd, wilcoxon};
use bonas_surrogate::metrics::{Bootstrap, bootstrap, kendall_tau_b};
use bonas_surrogate::pareto::front;

use super::fronts::{Tracker, Two};
use super::goals::Second;
use super::store::Store;
use super::summary::{
    ConstraintSummary, FORMAT, FrontPoint, Last, Measure, ObjectiveSummary, Optimum, Pair, ParetoLast,
    ParetoPoint, ParetoSummary, Point, StrategySummary, Summary, TestSummary, ToOptimum,
};
use super::timings::{StrategyTimings, Timings};
use super::{Arena, Run};
use crate::StudyError;
use crate::config::{CompareConfig, Entrant};

/// Purpose of a random stream: bootstrap intervals.
const BOOTSTRAP: u64 = 300;

/// Everything that comes out of a comparison.
#[derive(Clone, Debug)]
pub struct Results {
    /// The figures.
    pub summary: Summary,
    /// How long the strategies took.
    pub timings: Timings,
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
    /// The arms of the front found; none without a second objective.
    pub(super) front: Vec<usize>,
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
    /// Whether all limits are kept.
    pub(super) feasible: bool,
    /// The same of two objectives.
    pub(super) two: Option<Two>,
}

impl Results {
    /// The results of a comparison whose runs are all there.
    ///
    /// # Errors
    /// [`StudyError::Interrupted`] if one is missing.
    pub(super) fn of(arena: &Arena, config: &CompareConfig, store: &Store) -> Result<Self, StudyError> {
        let mut traces = Vec::new();
        let (mut strategies, mut timings) = (Vec::new(), Vec::new());
        for (place, entrant) in config.strategies.iter().enumerate() {
            let identity = arena.identity(entrant)?;
            let runs: Vec<&Run> = arena.seeds().filter_map(|seed| store.get(&identity, seed)).collect();
            if runs.len() < config.compare.seeds {
                return Err(StudyError::Interrupted);
            }
            let own: Vec<Trace> = runs.iter().map(|run| trace(arena, &entrant.label, run)).collect();
            strategies.push(Sheet { arena, config, entrant, place: place as u64, traces: &own }.summary());
            timings.push(StrategyTimings::of(&entrant.label, &runs));
            traces.extend(own);
        }
        let tests = tests(config, &traces);
        let summary = summary(arena, config, strategies, tests);
        Ok(Self { summary, timings: Timings::of(timings), traces })
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
        constraints: constraints(arena),
        objective: objective(arena),
        strategies,
        tests,
    }
}

fn optimum(arena: &Arena) -> Optimum {
    let report = arena.report();
    let search: Vec<f64> = (0..report.len()).map(|arm| arena.search_value(arm)).collect();
    let feasible = || (0..search.len()).filter(|&arm| arena.goals().feasible[arm]);
    let by_search = feasible().reduce(|best, arm| if search[arm] > search[best] { arm } else { best });
    let best = feasible().filter(|&arm| report[arm] >= arena.best());
    Optimum {
        report: arena.best(),
        archs: best.map(|arm| arena.table().arms()[arm].text.to_string()).collect(),
        report_of_best_search: by_search.map_or(f64::NAN, |arm| report[arm]),
        tau: kendall_tau_b(&search, report),
    }
}

fn constraints(arena: &Arena) -> Vec<ConstraintSummary> {
    let summary = |limit: &super::goals::Held| {
        let feasible = limit.kept.iter().filter(|kept| **kept).count();
        ConstraintSummary {
            limit: limit.text.clone(),
            known: limit.known,
            feasible,
            infeasible: limit.kept.len() - feasible,
        }
    };
    arena.goals().limits.iter().map(summary).collect()
}

fn objective(arena: &Arena) -> Option<ObjectiveSummary> {
    let second = arena.goals().second.as_ref()?;
    let feasible = (0..arena.report().len()).filter(|&arm| arena.goals().feasible[arm]);
    let all: Vec<usize> = feasible.collect();
    let points: Vec<_> = all.iter().map(|&arm| [arena.report()[arm], second.report[arm]]).collect();
    Some(ObjectiveSummary {
        search: second.search_name.to_string(),
        report: second.report_name.to_string(),
        reference: second.reference,
        hypervolume: second.front(all.iter().copied(), arena.report()).hypervolume(),
        front: front(&points).into_iter().map(|i| front_point(arena, second, all[i])).collect(),
    })
}

fn front_point(arena: &Arena, second: &Second, arm: usize) -> FrontPoint {
    let arch = arena.table().arms()[arm].text.to_string();
    FrontPoint { arch, report: arena.report()[arm], second: second.report[arm] }
}

fn trace(arena: &Arena, label: &str, run: &Run) -> Trace {
    let column = &arena.table().columns()[0];
    let scale = column.scale();
    let mut steps: Vec<Query> = Vec::with_capacity(run.arms.len());
    let mut tracker = Tracker::new(arena);
    let mut optimum = None;
    // What counts for a study that has found nothing that keeps all limits.
    let nothing = arena.goals().worst(arena.report());
    let (mut best, mut found, mut oracle) = (f64::NEG_INFINITY, nothing, nothing);
    for (i, (&arm, &score)) in run.arms.iter().zip(&run.scores).enumerate() {
        let arm = arm as usize;
        let (report, feasible) = (arena.report()[arm], arena.goals().feasible[arm]);
        if feasible {
            found = if score > best { report } else { found };
            oracle = oracle.max(report);
            best = best.max(score);
        }
        if feasible && report >= arena.best() {
            optimum = optimum.or(Some(i + 1));
        }
        let arch = arena.table().arms()[arm].text.to_string();
        let search = told(column, arm, score / scale);
        let two = tracker.as_mut().map(|tracker| tracker.query(arm, score));
        steps.push(Query { arch, search, report, found, oracle, feasible, two });
    }
    let front = tracker.map_or_else(Vec::new, |tracker| tracker.arms().collect());
    Trace { label: label.to_owned(), seed: run.seed, steps, optimum, front }
}

/// The number in the table that a score, brought back to the table's unit, was: the mean of the
/// seeds or one of them.
fn told(column: &bonas_study::table::Column, arm: usize, score: f64) -> f64 {
    let all = column.runs(arm).iter().copied().chain([column.mean(arm)]);
    all.min_by(|a, b| (a - score).abs().total_cmp(&(b - score).abs())).unwrap_or(score)
}

/// One strategy's studies.
struct Sheet<'a> {
    arena: &'a Arena,
    config: &'a CompareConfig,
    entrant: &'a Entrant,
    place: u64,
    traces: &'a [Trace],
}

impl Sheet<'_> {
    fn summary(&self) -> StrategySummary {
        StrategySummary {
            name: self.entrant.label.clone(),
            strategy: self.entrant.strategy.name().to_owned(),
            seeds: self.traces.len(),
            curve: (1..=self.config.compare.budget).map(|queries| self.point(queries)).collect(),
            last: self.last(),
            to_optimum: self.to_optimum(),
            infeasible_mean: (!self.arena.goals().limits.is_empty()).then(|| self.infeasible()),
            pareto: self.arena.goals().second.as_ref().map(|second| self.pareto(second)),
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

    fn infeasible(&self) -> f64 {
        let of = |trace: &Trace| trace.steps.iter().filter(|query| !query.feasible).count() as f64;
        mean(&self.traces.iter().map(of).collect::<Vec<_>>())
    }

    fn pareto(&self, second: &Second) -> ParetoSummary {
        let budget = self.config.compare.budget;
        let oracle = |queries| mean(&at(self.traces, queries, |q| two(q, |two| two.oracle)));
        let point = |queries| {
            let found = hypervolumes(self.traces, queries);
            let (hypervolume_mean, hypervolume_sd) = (mean(&found), sd(&found));
            ParetoPoint { queries, hypervolume_mean, hypervolume_sd, oracle_mean: oracle(queries) }
        };
        let curve: Vec<ParetoPoint> = (1..=budget).map(point).collect();
        let end = point(budget);
        let (hypervolume_low, hypervolume_high) = self.interval(&hypervolumes(self.traces, budget), 2);
        let last = ParetoLast {
            hypervolume_mean: end.hypervolume_mean,
            hypervolume_sd: end.hypervolume_sd,
            hypervolume_low,
            hypervolume_high,
            oracle_mean: end.oracle_mean,
        };
        let front = self.traces.first().map_or(&[][..], |trace| &trace.front);
        let mut front: Vec<FrontPoint> =
            front.iter().map(|&arm| front_point(self.arena, second, arm)).collect();
        front.sort_by(|a, b| b.report.total_cmp(&a.report));
        ParetoSummary { curve, last, front }
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

/// A figure of two objectives; NaN where there is one.
fn two(query: &Query, figure: impl Fn(&Two) -> f64) -> f64 {
    query.two.as_ref().map_or(f64::NAN, figure)
}

/// Hypervolume of the front found after so many queries.
fn hypervolumes(traces: &[Trace], queries: usize) -> Vec<f64> {
    at(traces, queries, |query| two(query, |two| two.found))
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
    let mut measures = vec![(Measure::Report, report, 1.0), (Measure::Queries, queries, -1.0)];
    if config.objective.is_some() {
        measures.push((Measure::Hypervolume, of_strategies(&|traces| hypervolumes(traces, budget)), 1.0));
    }
    measures
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
