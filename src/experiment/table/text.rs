//! The figures of an experiment on a table as text, for a terminal.

use std::fmt::Write;

use super::{Results, Summary};

impl Results {
    /// The figures, a line a strategy.
    pub fn text(&self) -> String {
        let summary = &self.summary;
        let what = if summary.oracle { "oracle experiment, searched and reported" } else { "searched" };
        let reported = if summary.oracle { String::new() } else { format!(", reported {}", summary.report) };
        let mut text = format!(
            "{} of {} architectures, {} seeds, {} queries; {what} {}{reported}\n{}\n{:20} {:>19} {:>8}   {:>24} {:>6} {:>7}   {:>15} {:>8}\n",
            summary.space,
            summary.architectures,
            summary.seeds,
            summary.budget,
            summary.search,
            summary.skipped.line(),
            "strategy",
            "found: mean ±sd",
            "oracle",
            "queries to best: mean ±sd",
            "median",
            "found",
            "ask ms mean/p95",
            "run s",
        );
        for (s, times) in summary.strategies.iter().zip(&self.timings.strategies) {
            let more = if s.to_optimum.found < 1.0 { ">" } else { "" };
            let _ = writeln!(
                text,
                "{:20} {:>11.4} ±{:<6.3} {:>8.4}   {:>16} ±{:<6.1} {:>6} {:>6.0}%   {:>8.2}/{:<6.2} {:>8.4}",
                s.label,
                s.last.report_mean,
                s.last.report_sd,
                s.last.oracle_mean,
                format!("{more}{:.1}", s.to_optimum.mean),
                s.to_optimum.sd,
                s.to_optimum.median,
                100.0 * s.to_optimum.found,
                times.ask_ms.mean,
                times.ask_ms.p95,
                times.wall_s,
            );
        }
        text + &transfers(summary) + &recommendations(summary) + &aims(summary)
    }
}

/// Rows left out of the tables that strategies start from.
fn transfers(summary: &Summary) -> String {
    let some = summary.strategies.iter().filter(|strategy| !strategy.transfer_skipped.is_empty());
    some.fold(String::new(), |mut text, s| {
        let _ = writeln!(text, "{:20} starts from a table: {}", s.label, s.transfer_skipped);
        text
    })
}

/// What the models of strategies take for the best, where that is not the best score by definition.
fn recommendations(summary: &Summary) -> String {
    let mut text = String::new();
    for s in summary.strategies.iter().filter(|_| !summary.oracle) {
        if let (Some(mean), Some(sd)) = (s.last.recommended_mean, s.last.recommended_sd) {
            let _ = writeln!(
                text,
                "{:20} {mean:>11.4} ±{sd:<6.3} best by its model instead of by score",
                s.label
            );
        }
    }
    if text.is_empty() { text } else { format!("\n{text}") }
}

/// Hypervolume, and queries beyond a limit, of every strategy, where there are any.
fn aims(summary: &Summary) -> String {
    let mut text = String::new();
    for limit in &summary.constraints {
        let who = if limit.known { "known" } else { "seen when queried" };
        let _ = writeln!(
            text,
            "limit {} ({who}): {} keep it, {} do not",
            limit.limit, limit.feasible, limit.infeasible
        );
    }
    if let Some(objective) = &summary.objective {
        let [first, second] = objective.reference;
        let _ = writeln!(
            text,
            "second objective {}; hypervolume by {} and {} from ({first}, {second}); the table's front has {:.6}",
            objective.search, summary.report, objective.report, objective.hypervolume
        );
    }
    for s in summary.strategies.iter().filter(|s| s.infeasible_mean.is_some() || s.pareto.is_some()) {
        let _ = write!(text, "{:20}", s.label);
        if let Some(pareto) = &s.pareto {
            let (last, of) = (pareto.last, summary.objective.as_ref().map_or(f64::NAN, |o| o.hypervolume));
            let _ = write!(
                text,
                " hypervolume {:.4} ±{:.4} ({:.2} %), oracle {:.4}",
                last.hypervolume_mean,
                last.hypervolume_sd,
                100.0 * last.hypervolume_mean / of,
                last.oracle_mean
            );
        }
        if let Some(queries) = s.infeasible_mean {
            let _ = write!(text, " {queries:.1} queries beyond a limit");
        }
        text.push('\n');
    }
    if text.is_empty() { text } else { format!("\n{text}") }
}
