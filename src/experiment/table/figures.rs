//! From runs to figures.

use crate::StudyError;
use bonas_study::statistics::{friedman, mean, quantile, sd};
use bonas_surrogate::metrics::kendall_tau_b;
use bonas_surrogate::pareto::front;

use super::bench::Bench;
use super::goals::{Held, Second};
use super::summary::{
    ConstraintSummary, FrontPoint, Last, Measure, ObjectiveSummary, Optimum, ParetoLast, ParetoPoint,
    ParetoSummary, Point, StrategySummary, Summary, TestSummary, ToOptimum,
};
use super::timings::StrategyTimings;
use super::trace::{Trace, at, found_by, hypervolumes, queries_to_optimum, two};
use super::{Results, Run};
use crate::config::{ExperimentConfig, StrategyConfig};
use crate::experiment::figures::{Difference, interval, pairs};
use crate::experiment::{SUMMARY_FORMAT, Timings};

/// Purpose of a random stream: bootstrap intervals.
const BOOTSTRAP: u64 = 300;

impl Results {
    /// The results of all runs: of every strategy, seed by seed.
    ///
    /// # Errors
    /// Those of a table of scores on another task.
    pub(super) fn of(
        bench: &Bench,
        config: &ExperimentConfig,
        runs: &[Vec<Run>],
    ) -> Result<Self, StudyError> {
        let mut traces = Vec::new();
        let (mut strategies, mut timings) = (Vec::new(), Vec::new());
        for (place, (strategy, runs)) in config.strategies.iter().zip(runs).enumerate() {
            let own: Vec<Trace> = runs.iter().map(|run| Trace::of(bench, &strategy.label, run)).collect();
            strategies.push(Sheet { bench, config, strategy, place: place as u64, traces: &own }.summary()?);
            timings.push(StrategyTimings::of(&strategy.label, runs));
            traces.extend(own);
        }
        let tests = tests(bench, config, &traces);
        let summary = summary(bench, config, strategies, tests);
        Ok(Self { summary, timings: Timings::of(timings), traces })
    }
}

fn summary(
    bench: &Bench,
    config: &ExperimentConfig,
    strategies: Vec<StrategySummary>,
    tests: Vec<TestSummary>,
) -> Summary {
    let settings = &config.settings;
    let (search, report) = (bench.search_column().to_string(), bench.report_column().to_string());
    Summary {
        format: SUMMARY_FORMAT,
        space: bench.settings().space.clone(),
        fingerprint: bench.table().fingerprint().to_owned(),
        architectures: bench.table().arms().len(),
        skipped: bench.table().skipped().clone(),
        oracle: search == report,
        search,
        report,
        budget: settings.budget,
        seeds: settings.seeds,
        first_seed: settings.first_seed,
        alpha: settings.alpha,
        optimum: optimum(bench),
        constraints: constraints(bench),
        objective: objective(bench),
        strategies,
        tests,
    }
}

fn optimum(bench: &Bench) -> Optimum {
    let report = bench.report();
    let search: Vec<f64> = (0..report.len()).map(|arm| bench.search_value(arm)).collect();
    let feasible = || (0..search.len()).filter(|&arm| bench.goals().feasible[arm]);
    let by_search = feasible().reduce(|best, arm| if search[arm] > search[best] { arm } else { best });
    let best = feasible().filter(|&arm| bench.is_best(arm));
    Optimum {
        report: bench.best(),
        archs: best.map(|arm| bench.table().arms()[arm].text.to_string()).collect(),
        report_of_best_search: by_search.map_or(f64::NAN, |arm| report[arm]),
        tau: kendall_tau_b(&search, report),
    }
}

fn constraints(bench: &Bench) -> Vec<ConstraintSummary> {
    let summary = |limit: &Held| {
        let feasible = limit.kept.iter().filter(|kept| **kept).count();
        ConstraintSummary {
            limit: limit.text.clone(),
            known: limit.known,
            feasible,
            infeasible: limit.kept.len() - feasible,
        }
    };
    bench.goals().limits.iter().map(summary).collect()
}

fn objective(bench: &Bench) -> Option<ObjectiveSummary> {
    let second = bench.goals().second.as_ref()?;
    let feasible = (0..bench.report().len()).filter(|&arm| bench.goals().feasible[arm]);
    let all: Vec<usize> = feasible.collect();
    let points: Vec<_> = all.iter().map(|&arm| [bench.report()[arm], second.report[arm]]).collect();
    Some(ObjectiveSummary {
        search: second.search_name.to_string(),
        report: second.report_name.to_string(),
        reference: second.reference,
        hypervolume: second.front(all.iter().copied(), bench.report()).hypervolume(),
        front: front(&points).into_iter().map(|i| front_point(bench, second, all[i])).collect(),
    })
}

fn front_point(bench: &Bench, second: &Second, arm: usize) -> FrontPoint {
    let arch = bench.table().arms()[arm].text.to_string();
    FrontPoint { arch, report: bench.report()[arm], second: second.report[arm] }
}

/// One strategy's studies.
struct Sheet<'a> {
    bench: &'a Bench,
    config: &'a ExperimentConfig,
    strategy: &'a StrategyConfig,
    place: u64,
    traces: &'a [Trace],
}

impl Sheet<'_> {
    fn summary(&self) -> Result<StrategySummary, StudyError> {
        Ok(StrategySummary {
            label: self.strategy.label.clone(),
            strategy: self.strategy.settings.name().to_owned(),
            transfer_skipped: self.bench.transfer_skipped(self.strategy)?,
            seeds: self.traces.len(),
            curve: (1..=self.config.settings.budget).map(|queries| self.point(queries)).collect(),
            last: self.last(),
            to_optimum: self.to_optimum(),
            infeasible_mean: (!self.bench.goals().limits.is_empty()).then(|| self.infeasible()),
            pareto: self.bench.goals().second.as_ref().map(|second| self.pareto(second)),
        })
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
            recommended_mean: self.recommended(queries).map(|recommended| mean(&recommended)),
            oracle_mean: mean(&at(self.traces, queries, |query| query.oracle)),
            optimum_share: mean(&self.traces.iter().map(|t| found_by(t, queries)).collect::<Vec<_>>()),
        }
    }

    /// Report values of what the strategy's model takes for the best, one a run; none where a run has none.
    fn recommended(&self, queries: usize) -> Option<Vec<f64>> {
        let values = at(self.traces, queries, |query| query.recommended.unwrap_or(f64::NAN));
        values.iter().all(|value| value.is_finite()).then_some(values)
    }

    fn last(&self) -> Last {
        let budget = self.config.settings.budget;
        let found = at(self.traces, budget, |query| query.found);
        let (report_low, report_high) = self.interval(&found, 0);
        Last {
            report_mean: mean(&found),
            report_sd: sd(&found),
            report_low,
            report_high,
            recommended_mean: self.recommended(budget).map(|values| mean(&values)),
            recommended_sd: self.recommended(budget).map(|values| sd(&values)),
            oracle_mean: mean(&at(self.traces, budget, |query| query.oracle)),
        }
    }

    fn to_optimum(&self) -> ToOptimum {
        let cap = self.config.settings.budget;
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
        let budget = self.config.settings.budget;
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
            front.iter().map(|&arm| front_point(self.bench, second, arm)).collect();
        front.sort_by(|a, b| b.report.total_cmp(&a.report));
        ParetoSummary { curve, last, front }
    }

    /// Bootstrap interval of a mean.
    fn interval(&self, values: &[f64], what: u64) -> (f64, f64) {
        let found = interval(values, &self.config.settings, &[BOOTSTRAP, self.place, what]);
        found.unwrap_or((f64::NAN, f64::NAN))
    }
}

/// The tests by each measure; none with fewer than two strategies or seeds.
fn tests(bench: &Bench, config: &ExperimentConfig, traces: &[Trace]) -> Vec<TestSummary> {
    let (seeds, budget) = (config.settings.seeds, config.settings.budget);
    let of_strategies =
        |figure: &dyn Fn(&[Trace]) -> Vec<f64>| traces.chunks(seeds).map(figure).collect::<Vec<_>>();
    let report = of_strategies(&|traces| at(traces, budget, |query| query.found));
    let queries = of_strategies(&|traces| queries_to_optimum(traces, budget));
    let labels: Vec<&str> = config.strategies.iter().map(|strategy| strategy.label.as_str()).collect();
    let mut measures = vec![(Measure::Report, report, 1.0), (Measure::Queries, queries, -1.0)];
    if bench.goals().second.is_some() {
        measures.push((Measure::Hypervolume, of_strategies(&|traces| hypervolumes(traces, budget)), 1.0));
    }
    measures
        .into_iter()
        .filter_map(|(measure, values, sign)| test(measure, &labels, &values, sign, config.settings.alpha))
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
    let difference = |a: &[f64], b: &[f64]| Difference { mean: mean(a) - mean(b), interval: None };
    let known: Vec<Vec<Option<f64>>> =
        values.iter().map(|values| values.iter().copied().map(Some).collect()).collect();
    let pairs = pairs(labels, &known, sign, difference);
    Some(TestSummary {
        measure,
        mean_ranks: all.mean_ranks,
        friedman: all.statistic,
        p: all.p,
        critical_difference: all.critical_difference,
        pairs,
    })
}
