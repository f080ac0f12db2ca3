//! `report.html` of an experiment on images: one page, nothing outside it; and the same in text.

use bonas_study::statistics::{mean, sd};

use super::budget::Unit;
use super::run::Run;
use super::summary::{StrategySummary, Summary, TruthSummary};
use super::truth::Yardstick;
use crate::config::ExperimentConfig;
use crate::drawing::escape;
use crate::experiment::page::{PairTable, end, markdown_table};
use crate::report::Shown;
use crate::report::markup::{
    configuration, dash, figure, head, note, pair, section, table, thousands, warning,
};
use crate::report::plots::{Curves, Line, Strip, alphas, lines, strips};

fn heads(summary: &Summary) -> Vec<&'static str> {
    let shown = summary.shown();
    let [mean, sd] = match shown {
        Shown::Accuracy => ["test accuracy, mean (%)", "standard deviation (%)"],
        Shown::Score | Shown::Perplexity => ["final score, mean", "standard deviation"],
        Shown::Truth => ["true value, mean", "standard deviation"],
    };
    let mut heads = vec![
        "strategy",
        "space",
        "budget",
        mean,
        sd,
        shown.by_seed(),
        "parameters, mean",
        "skips and pools of 16",
    ];
    heads.extend(has_latency(summary).then_some("latency, mean (ms)"));
    heads.extend(has_hypervolume(summary).then_some("hypervolume"));
    heads
}

fn has_latency(summary: &Summary) -> bool {
    summary.strategies.iter().any(|strategy| strategy.latency_ms_mean.is_some())
}

fn has_hypervolume(summary: &Summary) -> bool {
    summary.strategies.iter().any(|strategy| !strategy.hypervolume.is_empty())
}

/// The page: tables, curves, heat maps, configuration. Style and script are inside it, it links to
/// nothing, and every text from outside is escaped.
pub(super) fn page(summary: &Summary, runs: &[Vec<Run>], config: &ExperimentConfig) -> String {
    let mut page = head(&format!("Experiment on {}", summary.data), &escape(&lead(summary)));
    let shown = summary.shown();
    let rows = summary.strategies.iter().map(|strategy| row(strategy, summary));
    let strategies = table("winners", "Strategies", &heads(summary), rows);
    let (title, caption, remark) = match shown {
        Shown::Accuracy => ("Winners, trained from scratch", ACCURACIES, NOTE),
        Shown::Score | Shown::Perplexity => ("Winners, measured in the end", SCORES, NOTE_SCORES),
        Shown::Truth => ("Winners, looked up", TRUTHS, NOTE_TRUTHS),
    };
    let both = if has_hypervolume(summary) { note(HYPERVOLUME) } else { String::new() };
    let missing: String = missing(summary).iter().map(|line| warning(line)).collect();
    let found =
        figure("accuracy", accuracies(summary), caption) + &strategies + &missing + &note(remark) + &both;
    page.push_str(&section(title, &found));
    let pairs = summary.pair_table().html("Differences");
    let unit = match shown {
        Shown::Accuracy => "in points of accuracy",
        Shown::Score | Shown::Perplexity => "in the unit of the score",
        Shown::Truth => "in the unit of the table",
    };
    let paired = format!("Differences are {unit}, {PAIRED}");
    page.push_str(&section("Differences, paired by seed", &(pairs + &note(&paired))));
    page.push_str(&agreement(summary));
    page.push_str(&curves(summary, runs));
    page.push_str(&collapse(summary));
    page.push_str(&maps(summary, runs));
    page.push_str(&configuration(&config.commented()));
    page + &end()
}

const ACCURACIES: &str = "Test accuracy of what each run found. A point is a seed; it is the mean over the runs of its final \
                          training.";
const NOTE: &str = "Means and standard deviations are over seeds. The winner of a differentiable search is the architecture that it \
                    decodes to after the last epoch. The winner of any other search has the best score on held-out training \
                    images.";
const SCORES: &str =
    "Final score of what each run found. A point is a seed; it is the mean over its final runs.";
const NOTE_SCORES: &str =
    "Means and standard deviations are over seeds. The winner of a search has its best score.";
const TRUTHS: &str = "True value of what each run found. A point is a seed.";
const NOTE_TRUTHS: &str = "Means and standard deviations are over seeds. The winner of a search is what it recommends; a table says \
                           what it is worth.";
const HYPERVOLUME: &str = "Hypervolume: of score and second objective of everything that a run scored, as a share of the rectangle \
                           between the worst and the best that any run scored in each; mean over seeds, with the standard \
                           deviation.";
const AGREEMENT: &str = "Tau is Kendall's tau-b between the scores of a search and the true values of what it scored: over all, inside \
                         batches (mean over batches, weighted by their pairs), and between the means of batches. That of the model is \
                         between what it expects in the end and the true values of 500 random architectures. Values are means \
                         over seeds, with the standard deviation. Skips are operations that pass their input on.";
const PAIRED: &str = "first less second. Intervals are by bootstrap over seeds (BCa). p is of \
                      Wilcoxon's signed-rank test, two-sided and exact; the last column has Holm's correction for all pairs. \
                      With n seeds p cannot be less than 2 / 2^n.";

fn lead(summary: &Summary) -> String {
    let budget = if summary.seconds > 0.0 {
        format!(
            "{} s of search for each strategy, which one pilot each turned into epochs or architectures",
            summary.seconds
        )
    } else {
        "every strategy with its own budget".to_owned()
    };
    let truth = summary.truth.as_ref().map_or_else(String::new, |truth| format!(" True values: {truth}."));
    let yardstick = summary.yardstick.as_ref().map_or_else(String::new, yardstick);
    let predicted = match summary.latency_table {
        0 => String::new(),
        networks => format!(
            " Latencies, and limits on them, are predicted from {networks} measured networks; the files latency_table in the \
             comparison's folder say how well."
        ),
    };
    format!("{} seeds; {budget}.{truth}{yardstick}{predicted}", summary.seeds)
}

/// How good a search can be by its table, in sentences.
fn yardstick(of: &Yardstick) -> String {
    let known = format!(
        " Of {} architectures the best has {:.2}, the mean is {:.2}.",
        of.architectures, of.best, of.mean
    );
    match (of.chosen_by_one, of.error) {
        (Some(chosen), Some(error)) => format!(
            "{known} A true value has a standard error of {error:.2}, so that the best is an overestimate: what one measurement \
             ranks first has {chosen:.2} by the others."
        ),
        _ => known,
    }
}

fn row(strategy: &StrategySummary, summary: &Summary) -> Vec<String> {
    let shown = summary.shown();
    let value = |x: Option<f64>| match (shown, x) {
        (Shown::Accuracy, Some(x)) => format!("{:.2}", 100.0 * x),
        _ => shown.value(x),
    };
    let known = |x: &Option<f64>| x.map_or_else(dash, |x| shown.values(&[x]));
    let budget = strategy.budget.as_ref().map_or_else(dash, |budget| match budget.unit {
        Unit::Epochs => format!("{} epochs", budget.count),
        Unit::Architectures => format!("{} architectures", budget.count),
    });
    let mut row = vec![
        strategy.label.clone(),
        strategy.space.clone(),
        budget,
        value(strategy.test_mean),
        value(strategy.test_sd),
        strategy.test.iter().map(known).collect::<Vec<_>>().join(", "),
        strategy.params_mean.map_or_else(dash, |mean| thousands(mean.round() as u64)),
        strategy.weight_free_at_end().map_or_else(dash, |n| format!("{n:.1}")),
    ];
    if has_latency(summary) {
        row.push(strategy.latency_ms_mean.map_or_else(dash, |ms| format!("{ms:.3}")));
    }
    if has_hypervolume(summary) {
        row.push(spread(&strategy.hypervolume, 3));
    }
    row
}

/// The strategies with seeds that have no result, a line each.
fn missing(summary: &Summary) -> Vec<String> {
    let some = summary.strategies.iter().filter(|strategy| !strategy.missing.is_empty());
    let line = |strategy: &StrategySummary| {
        let seeds = strategy.missing.iter().map(|one| format!("seed {} ({})", one.seed, one.reason));
        let seeds = seeds.collect::<Vec<_>>().join(", ");
        format!("{} has no result at {seeds}: means, intervals and tests leave it out there.", strategy.label)
    };
    some.map(line).collect()
}

/// Mean and standard deviation of some values.
fn spread(values: &[f64], decimals: usize) -> String {
    match values {
        [] => dash(),
        [one] => format!("{one:.decimals$}"),
        several => format!("{:.decimals$} ± {:.decimals$}", mean(several), sd(several)),
    }
}

fn accuracies(summary: &Summary) -> Option<String> {
    let strip = |strategy: &StrategySummary| Strip {
        name: strategy.label.clone(),
        values: strategy.test.iter().flatten().map(|x| summary.shown().scaled(*x)).collect(),
    };
    strips(&summary.strategies.iter().map(strip).collect::<Vec<_>>(), summary.shown().axis(), "one seed")
}

/// How far scores tell the truth, where it is known.
fn agreement(summary: &Summary) -> String {
    let rows = agreement_rows(summary);
    if rows.is_empty() {
        return String::new();
    }
    let lines_of = |values: fn(&TruthSummary) -> Vec<f64>, title: &str, from_zero: bool| {
        let line = |strategy: &StrategySummary| {
            Some(Line { name: strategy.label.clone(), values: values(strategy.truth.as_ref()?) })
        };
        let all: Vec<Line> = summary.strategies.iter().filter_map(line).collect();
        lines(&all, Curves { title, by: "round", from_zero })
    };
    let known = |truth: &TruthSummary| truth.found.iter().map(|found| found.unwrap_or(f64::NAN)).collect();
    let found = lines_of(known, "true value", false);
    let skips = lines_of(|truth| truth.skips.clone(), "share of skips", true);
    let found = figure("found", found, "True value of the best score so far, mean over seeds.");
    let skips = figure("skips", skips, "Share of skips among the operations of each round, mean over seeds.");
    let table = table("agreement", "Scores against the truth", &AGREEMENT_HEADS, rows.into_iter());
    section("Scores against the truth", &(pair(&(found + &skips)) + &table + &note(AGREEMENT)))
}

const AGREEMENT_HEADS: [&str; 6] = [
    "strategy",
    "tau",
    "tau inside batches",
    "tau between batches",
    "tau of the model",
    "share of skips in the last round",
];

fn agreement_rows(summary: &Summary) -> Vec<Vec<String>> {
    let shown = |values: &[Option<f64>]| spread(&values.iter().copied().flatten().collect::<Vec<_>>(), 2);
    let row = |strategy: &StrategySummary| {
        let truth = strategy.truth.as_ref()?;
        let skips = truth.skips.last().map_or_else(dash, |share| format!("{share:.2}"));
        let taus = [&truth.tau, &truth.inside, &truth.between, &truth.model].map(|taus| shown(taus));
        Some([vec![strategy.label.clone()], taus.to_vec(), vec![skips]].concat())
    };
    summary.strategies.iter().filter_map(row).collect()
}

/// Training loss by epoch, a line a differentiable strategy, mean over seeds.
fn curves(summary: &Summary, runs: &[Vec<Run>]) -> String {
    let line = |(strategy, runs): (&StrategySummary, &Vec<Run>)| {
        let epochs = runs.iter().map(|run| run.trajectory.len()).max().unwrap_or(0);
        let at = |epoch: usize| {
            let losses = runs.iter().filter_map(|run| Some(run.trajectory.get(epoch)?.loss));
            mean(&losses.collect::<Vec<_>>())
        };
        (epochs > 0).then(|| Line { name: strategy.label.clone(), values: (0..epochs).map(at).collect() })
    };
    let caption =
        "Mean training loss of the network's weights during differentiable searches, mean over seeds.";
    let all: Vec<Line> = summary.strategies.iter().zip(runs).filter_map(line).collect();
    let figure = figure("loss", lines(&all, Curves::by_epoch("training loss")), caption);
    if figure.is_empty() { figure } else { section("Learning curves", &figure) }
}

/// Skips and pools by epoch, a line a differentiable strategy.
fn collapse(summary: &Summary) -> String {
    let of_cell = |cell: usize| {
        let relaxed = summary.strategies.iter().filter(|strategy| !strategy.weight_free[cell].is_empty());
        let line = |strategy: &StrategySummary| Line {
            name: strategy.label.clone(),
            values: strategy.weight_free[cell].clone(),
        };
        lines(&relaxed.map(line).collect::<Vec<_>>(), Curves::by_epoch("skips and pools of 8"))
    };
    let first = figure("weight-free-0", of_cell(0), "Normal (convolution) cell: mean over seeds.");
    let second = figure("weight-free-1", of_cell(1), "Reduction (enhancement) cell: mean over seeds.");
    if first.is_empty() {
        String::new()
    } else {
        section("Operations without weights by epoch", &pair(&(first + &second)))
    }
}

/// Heat maps of the architecture parameters, of the first seed of each differentiable strategy.
fn maps(summary: &Summary, runs: &[Vec<Run>]) -> String {
    let mut body = String::new();
    for (number, (strategy, runs)) in summary.strategies.iter().zip(runs).enumerate() {
        let Some(run) = runs.first().filter(|run| !run.trajectory.is_empty()) else { continue };
        let map = |cell: usize, what: &str| {
            let caption = format!("{}, seed {}: {what} cell.", strategy.label, run.seed);
            figure(&format!("alphas-{number}-{cell}"), alphas(&run.trajectory, cell), &caption)
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

impl Summary {
    /// Differences in points of accuracy.
    fn pair_table(&self) -> PairTable<'_> {
        let fractions = self.shown() == Shown::Accuracy;
        PairTable { pairs: &self.pairs, seeds: self.seeds, alpha: self.alpha, fractions }
    }

    /// The tables as text, in Markdown.
    pub fn markdown(&self) -> String {
        let rows: Vec<_> = self.strategies.iter().map(|strategy| row(strategy, self)).collect();
        let strategies = markdown_table(&heads(self), &rows);
        let rows = agreement_rows(self);
        let agreement = if rows.is_empty() {
            String::new()
        } else {
            format!("\n{}", markdown_table(&AGREEMENT_HEADS, &rows))
        };
        let missing = missing(self).iter().map(|line| format!("\n{line}\n")).collect::<Vec<_>>().concat();
        let pairs = self.pair_table().markdown();
        format!("{}\n\n{strategies}{missing}{agreement}\n{pairs}", lead(self))
    }
}
