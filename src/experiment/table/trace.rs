//! One study of a strategy, query by query.

use bonas_study::table::Column;

use super::Run;
use super::bench::Bench;
use super::fronts::{Tracker, Two};

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
    /// What the strategy was told; none of a query that failed.
    pub(super) search: Option<f64>,
    pub(super) report: f64,
    /// Report value of the best by search so far.
    pub(super) found: f64,
    /// Report value of what the strategy's model took for the best when it was last asked; none before.
    pub(super) recommended: Option<f64>,
    /// Best report value so far.
    pub(super) oracle: f64,
    /// Whether all limits are kept.
    pub(super) feasible: bool,
    /// The same of two objectives.
    pub(super) two: Option<Two>,
}

impl Trace {
    /// The queries of a run.
    pub(super) fn of(bench: &Bench, label: &str, run: &Run) -> Self {
        let column = &bench.table().columns()[0];
        let scale = column.scale();
        let mut steps: Vec<Query> = Vec::with_capacity(run.queries.len());
        let mut tracker = Tracker::new(bench);
        let mut optimum = None;
        // What counts for a study that has found nothing that keeps all limits.
        let nothing = bench.goals().worst(bench.report());
        let (mut best, mut found, mut oracle) = (f64::NEG_INFINITY, nothing, nothing);
        let mut recommended = None;
        let mut recommendations = run.recommended.iter().peekable();
        for (i, (&arm, &score)) in run.queries.iter().zip(&run.scores).enumerate() {
            let arm = arm as usize;
            let (report, feasible) = (bench.report()[arm], bench.goals().feasible[arm]);
            if let (true, Some(score)) = (feasible, score) {
                found = if score > best { report } else { found };
                oracle = oracle.max(report);
                best = best.max(score);
            }
            while let Some((_, place)) = recommendations.next_if(|(queries, _)| *queries as usize == i + 1) {
                recommended = run.queries.get(*place as usize).map(|&arm| bench.report()[arm as usize]);
            }
            if bench.is_best(arm) && score.is_some() {
                optimum = optimum.or(Some(i + 1));
            }
            let arch = bench.table().arms()[arm].text.to_string();
            let search = score.map(|score| told(column, arm, score / scale));
            let two = tracker.as_mut().map(|tracker| tracker.query(arm, score));
            steps.push(Query { arch, search, report, found, recommended, oracle, feasible, two });
        }
        let front = tracker.map_or_else(Vec::new, |tracker| tracker.arms().collect());
        Self { label: label.to_owned(), seed: run.seed, steps, optimum, front }
    }
}

/// The number in the table that a score, brought back to the table's unit, was: the mean of the
/// seeds or one of them; the score itself where a query diverged.
fn told(column: &Column, arm: usize, score: f64) -> f64 {
    let all = column.runs(arm).iter().copied().chain([column.mean(arm)]);
    let rounding = 1e-9 * score.abs().max(1e-300);
    all.filter(|value| (value - score).abs() <= rounding)
        .min_by(|a, b| (a - score).abs().total_cmp(&(b - score).abs()))
        .unwrap_or(score)
}

/// A figure of every trace after so many queries; a study that ended earlier keeps its last.
pub(super) fn at(traces: &[Trace], queries: usize, figure: impl Fn(&Query) -> f64) -> Vec<f64> {
    let step = |trace: &Trace| trace.steps.get(queries - 1).or(trace.steps.last()).map(&figure);
    traces.iter().filter_map(step).collect()
}

/// A figure of two objectives; NaN where there is one.
pub(super) fn two(query: &Query, figure: impl Fn(&Two) -> f64) -> f64 {
    query.two.as_ref().map_or(f64::NAN, figure)
}

/// Hypervolume of the front found after so many queries.
pub(super) fn hypervolumes(traces: &[Trace], queries: usize) -> Vec<f64> {
    at(traces, queries, |query| two(query, |two| two.found))
}

/// 1 if the study has found the optimum after so many queries, else 0.
pub(super) fn found_by(trace: &Trace, queries: usize) -> f64 {
    f64::from(u8::from(trace.optimum.is_some_and(|optimum| optimum <= queries)))
}

pub(super) fn queries_to_optimum(traces: &[Trace], cap: usize) -> Vec<f64> {
    traces.iter().map(|trace| trace.optimum.unwrap_or(cap) as f64).collect()
}
