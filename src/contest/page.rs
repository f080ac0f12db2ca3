//! `report.html`: one page, nothing outside it; and the same in text.

use bonas_study::statistics::mean;

use super::plan::Unit;
use super::study::{Outcome, Piece};
use super::summary::{ArmSummary, Pair, Summary};
use crate::config::ContestConfig;
use crate::drawing::escape;
use crate::report::TIMINGS_PAGE;
use crate::report::markup::{
    configuration, dash, figure, foot, head, note, pair, percents, section, table, thousands,
};
use crate::report::plots::{Line, Strip, alphas, lines, strips};

const ARMS: [&str; 8] = [
    "arm",
    "space",
    "budget",
    "test accuracy, mean (%)",
    "standard deviation (%)",
    "by seed (%)",
    "parameters, mean",
    "skips and pools of 16",
];
const PAIRS: [&str; 9] = [
    "first arm",
    "second arm",
    "difference (points)",
    "95 % interval",
    "seeds won by the first",
    "seeds won by the second",
    "equal seeds",
    "p",
    "p after Holm",
];

/// The page: tables, curves, heat maps, configuration. Style and script are inside it, it links to
/// nothing, and every text from outside is escaped.
pub(super) fn page(summary: &Summary, outcomes: &[Outcome], config: &ContestConfig) -> String {
    let mut page = head(&format!("Comparison on {}", summary.data), &escape(&lead(summary)));
    let arms = table("arms", "Arms", &ARMS, summary.arms.iter().map(row));
    let found = figure("accuracy", accuracies(summary), ACCURACIES) + &arms + &note(NOTE);
    page.push_str(&section("Winners, trained from scratch", &found));
    let seeds = summary.seeds.len();
    let pairs = table("pairs", "Differences", &PAIRS, summary.pairs.iter().map(|pair| pair_row(pair, seeds)));
    page.push_str(&section("Differences, paired by seed", &(pairs + &note(PAIRED))));
    page.push_str(&curves(outcomes));
    page.push_str(&collapse(summary));
    page.push_str(&maps(summary, outcomes, config));
    page.push_str(&configuration(&config.commented()));
    page.push_str(&note(&format!("Times are in {TIMINGS_PAGE}, beside this page.")));
    page + &foot()
}

const ACCURACIES: &str = "Test accuracy of what each study found. A point is a seed; it is the mean over the runs of its final \
                          training.";
const NOTE: &str = "Means and standard deviations are over seeds. The winner of a differentiable search is the architecture that it \
                    decodes to after the last epoch. The winner of any other search has the best score on held-out training \
                    images.";
const PAIRED: &str = "Differences are in points of accuracy, first less second. Intervals are by bootstrap over seeds (BCa). p is of \
                      Wilcoxon's signed-rank test, two-sided and exact; the last column has Holm's correction for all pairs. \
                      With n seeds p cannot be less than 2 / 2^n.";

fn lead(summary: &Summary) -> String {
    let budget = if summary.budget_s > 0.0 {
        format!(
            "{} s of search an arm, which one pilot each turned into epochs or architectures",
            summary.budget_s
        )
    } else {
        "every arm with its own budget".to_owned()
    };
    format!("{} seeds; {budget}.", summary.seeds.len())
}

fn row(arm: &ArmSummary) -> Vec<String> {
    let percent = |x: f64| format!("{:.2}", 100.0 * x);
    let budget = arm.budget.as_ref().map_or_else(dash, |budget| match budget.unit {
        Unit::Epochs => format!("{} epochs", budget.count),
        Unit::Architectures => format!("{} architectures", budget.count),
    });
    vec![
        arm.name.clone(),
        arm.space.clone(),
        budget,
        percent(arm.test_mean),
        percent(arm.test_sd),
        percents(&arm.test),
        thousands(arm.params_mean.round() as u64),
        arm.weight_free_at_end().map_or_else(dash, |n| format!("{n:.1}")),
    ]
}

fn pair_row(pair: &Pair, seeds: usize) -> Vec<String> {
    let points = |x: f64| format!("{:+.2}", 100.0 * x);
    let interval = match (pair.low, pair.high) {
        (Some(low), Some(high)) => format!("{} to {}", points(low), points(high)),
        _ => dash(),
    };
    vec![
        pair.a.clone(),
        pair.b.clone(),
        points(pair.difference),
        interval,
        pair.wins.to_string(),
        pair.losses.to_string(),
        seeds.saturating_sub(pair.wins + pair.losses).to_string(),
        format!("{:.3}", pair.p),
        format!("{:.3}", pair.p_holm),
    ]
}

fn accuracies(summary: &Summary) -> Option<String> {
    let strip = |arm: &ArmSummary| Strip {
        name: arm.name.clone(),
        values: arm.test.iter().map(|x| 100.0 * x).collect(),
    };
    strips(&summary.arms.iter().map(strip).collect::<Vec<_>>(), "test accuracy (%)", "one seed")
}

/// Training loss by epoch, a line a differentiable arm, mean over seeds.
fn curves(outcomes: &[Outcome]) -> String {
    let mut arms: Vec<(&str, Vec<&Outcome>)> = Vec::new();
    for outcome in outcomes.iter().filter(|outcome| !outcome.trajectory.is_empty()) {
        match arms.iter_mut().find(|(name, _)| *name == outcome.row) {
            Some((_, studies)) => studies.push(outcome),
            None => arms.push((&outcome.row, vec![outcome])),
        }
    }
    let line = |(name, studies): &(&str, Vec<&Outcome>)| {
        let epochs = studies.iter().map(|study| study.trajectory.len()).max().unwrap_or(0);
        let at = |epoch: usize| {
            let losses = studies.iter().filter_map(|study| Some(study.trajectory.get(epoch)?.loss));
            mean(&losses.collect::<Vec<_>>())
        };
        Line { name: (*name).to_owned(), values: (0..epochs).map(at).collect() }
    };
    let caption =
        "Mean training loss of the network's weights during differentiable searches, mean over seeds.";
    let plot = lines(&arms.iter().map(line).collect::<Vec<_>>(), "training loss");
    let figure = figure("loss", plot, caption);
    if figure.is_empty() { figure } else { section("Learning curves", &figure) }
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
        section("Operations without weights by epoch", &pair(&(first + &second)))
    }
}

/// Heat maps of the architecture parameters, of the first seed of each differentiable arm.
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
        body.push_str(&pair(&(map(0, "normal (convolution)") + &map(1, "reduction (enhancement)"))));
    }
    if body.is_empty() {
        body
    } else {
        section("Probabilities of operations by epoch", &(body + &note(MAPS)))
    }
}

const MAPS: &str = "A block is an edge of the cell. Its rows are, from the top, none, max pool, average pool, skip, separable 3x3 and \
                    5x5, dilated 3x3 and 5x5. The name at the right is the operation with the highest probability after the \
                    last epoch, none left out.";

/// A table in Markdown.
pub(super) fn markdown_table(heads: &[&str], rows: &[Vec<String>]) -> String {
    let line = |row: &Vec<String>| format!("| {} |\n", row.join(" | "));
    let rows: String = rows.iter().map(line).collect();
    format!("| {} |\n|{}\n{rows}", heads.join(" | "), " --- |".repeat(heads.len()))
}

impl Summary {
    /// The tables as text, in Markdown.
    pub fn markdown(&self) -> String {
        let arms = markdown_table(&ARMS, &self.arms.iter().map(row).collect::<Vec<_>>());
        let rows: Vec<_> = self.pairs.iter().map(|pair| pair_row(pair, self.seeds.len())).collect();
        format!("{}\n\n{arms}\n{}", lead(self), markdown_table(&PAIRS, &rows))
    }
}
