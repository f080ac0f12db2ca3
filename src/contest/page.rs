//! `report.html`: one page, nothing outside it; and the same in text.

use std::fmt::Write;

use super::plan::{Budget, Unit};
use super::study::{Outcome, Piece};
use super::summary::{ArmSummary, Pair, Summary};
use crate::config::ContestConfig;
use crate::drawing::escape;
use crate::report::html::{FOOT, figure, head};
use crate::report::tables::{section, table};
use crate::report::{Line, alphas, lines};

const ARMS: [&str; 10] = [
    "arm",
    "space",
    "budget",
    "s by pilot",
    "search s",
    "test accuracy %",
    "sd",
    "by seed",
    "parameters",
    "skips and pools of 16",
];
const PAIRS: [&str; 8] =
    ["first", "second", "difference", "95 % interval", "first better", "second better", "p", "p, Holm"];

/// The page: tables, curves, heat maps, configuration. Inline SVG and CSS, no script, no link, every
/// text from outside escaped.
pub(super) fn page(summary: &Summary, outcomes: &[Outcome], config: &ContestConfig) -> String {
    let mut page = head("bonas: contest");
    let _ = writeln!(
        page,
        "<h1>Contest on {}</h1>\n<p class=\"lead\">{}</p>",
        escape(&summary.data),
        escape(&lead(summary))
    );
    let arms = table("arms", &ARMS, summary.arms.iter().map(row));
    page.push_str(&section("Winners trained from scratch", &(arms + &note(NOTE))));
    let pairs = table("pairs", &PAIRS, summary.pairs.iter().map(pair));
    page.push_str(&section("Differences, paired by seed", &(pairs + &note(PAIRED))));
    page.push_str(&collapse(summary));
    page.push_str(&maps(summary, outcomes, config));
    let text = format!("<pre>{}</pre>\n", escape(&config.commented()));
    page.push_str(&section("Configuration", &text));
    page.push_str(FOOT);
    page
}

const NOTE: &str = "Mean and standard deviation over seeds of the test accuracy of what each study found, which is itself a \
                    mean over the runs of the final training. Seconds by the pilot are those of processors, or of the \
                    device's wall clock; the other ones are on the wall, whatever else ran there. Winners of differentiable searches are what they decode to \
                    after the last epoch, those of the others have the best score on held-out training images.";
const PAIRED: &str = "In points of accuracy. Bootstrap over seeds (BCa); Wilcoxon's signed-rank test, two-sided, exact; \
                      Holm's correction for all pairs. With n seeds p cannot be less than 2 / 2^n.";

fn note(text: &str) -> String {
    format!("<p class=\"note\">{}</p>\n", escape(text))
}

fn lead(summary: &Summary) -> String {
    let budget = if summary.budget_s > 0.0 {
        format!(
            "{} s of search an arm, turned into epochs and architectures by one pilot each",
            summary.budget_s
        )
    } else {
        "every arm with its own budget".to_owned()
    };
    format!("{} seeds; {budget}.", summary.seeds.len())
}

fn row(arm: &ArmSummary) -> Vec<String> {
    let dash = || "–".to_owned();
    let percent = |x: &f64| format!("{:.2}", 100.0 * x);
    let budget = arm.budget.as_ref().map_or_else(dash, |budget| match budget.unit {
        Unit::Epochs => format!("{} epochs", budget.count),
        Unit::Architectures => format!("{} architectures", budget.count),
    });
    let seconds = bonas_study::statistics::mean(&arm.search_s);
    vec![
        arm.name.clone(),
        arm.space.clone(),
        budget,
        arm.budget.as_ref().and_then(Budget::seconds).map_or_else(dash, |s| format!("{s:.1}")),
        if arm.budget.is_some() { format!("{seconds:.1}") } else { dash() },
        percent(&arm.test_mean),
        percent(&arm.test_sd),
        arm.test.iter().map(percent).collect::<Vec<_>>().join(" "),
        format!("{:.0}", arm.params_mean),
        arm.weight_free_at_end().map_or_else(dash, |n| format!("{n:.1}")),
    ]
}

fn pair(pair: &Pair) -> Vec<String> {
    let points = |x: f64| format!("{:+.2}", 100.0 * x);
    let interval = match (pair.low, pair.high) {
        (Some(low), Some(high)) => format!("{} to {}", points(low), points(high)),
        _ => "–".to_owned(),
    };
    vec![
        pair.a.clone(),
        pair.b.clone(),
        points(pair.difference),
        interval,
        pair.wins.to_string(),
        pair.losses.to_string(),
        format!("{:.3}", pair.p),
        format!("{:.3}", pair.p_holm),
    ]
}

/// Skips and pools by epoch, a line a differentiable arm.
fn collapse(summary: &Summary) -> String {
    let of_cell = |cell: usize| {
        let relaxed = summary.arms.iter().filter(|arm| !arm.weight_free[cell].is_empty());
        let line = |arm: &ArmSummary| Line { name: arm.name.clone(), values: arm.weight_free[cell].clone() };
        lines(&relaxed.map(line).collect::<Vec<_>>(), "skips and pools of 8")
    };
    let first = figure("weight-free-0", of_cell(0), "Normal (convolution) cell: mean over seeds.");
    let second = figure("weight-free-1", of_cell(1), "Reduction (enhancement) cell: mean over seeds.");
    if first.is_empty() {
        String::new()
    } else {
        section("Operations without weights by epoch", &(first + &second))
    }
}

/// Heat maps of α, of the first seed of each differentiable arm.
fn maps(summary: &Summary, outcomes: &[Outcome], config: &ContestConfig) -> String {
    let mut body = String::new();
    for (number, arm) in config.arms.iter().enumerate() {
        let first = summary.seeds.first();
        let is_first = |outcome: &&Outcome| {
            first.is_some_and(|&seed| outcome.piece == Piece::Search { arm: number, seed })
        };
        let Some(outcome) = outcomes.iter().find(is_first).filter(|o| !o.trajectory.is_empty()) else {
            continue;
        };
        let map = |cell: usize, what: &str| {
            let caption = format!("{}, seed {}: {what} cell.", arm.name, outcome.seed());
            figure(&format!("alphas-{number}-{cell}"), alphas(&outcome.trajectory, cell), &caption)
        };
        let _ = write!(
            body,
            "<div class=\"pair\">\n{}{}</div>\n",
            map(0, "normal (convolution)"),
            map(1, "reduction (enhancement)")
        );
    }
    if body.is_empty() {
        body
    } else {
        section("Probabilities of operations by epoch", &(body + &note(MAPS)))
    }
}

const MAPS: &str = "A block is an edge, in it from the top none, max pool, average pool, skip, separable 3x3 and 5x5, dilated \
                    3x3 and 5x5; at its right the operation that is ahead in the end.";

impl Summary {
    /// The tables as text, in Markdown.
    pub fn markdown(&self) -> String {
        let table = |heads: &[&str], rows: Vec<Vec<String>>| {
            let line = |row: &Vec<String>| format!("| {} |\n", row.join(" | "));
            let rows: String = rows.iter().map(line).collect();
            format!("| {} |\n|{}\n{rows}", heads.join(" | "), " --- |".repeat(heads.len()))
        };
        let arms = table(&ARMS, self.arms.iter().map(row).collect());
        let pairs = table(&PAIRS, self.pairs.iter().map(pair).collect());
        format!("{}\n\n{arms}\n{pairs}", lead(self))
    }
}
