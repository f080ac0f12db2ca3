//! What the example prints.

use std::fmt::Write;

use crate::costs::Cost;
use crate::figures::{Kind, Results, Row, Supernet};
use crate::flags::Flags;
use crate::statistics::Interval;

/// Rows of cells, the first one a header.
type Table = Vec<Vec<String>>;

/// What is about to be done, and what a cell costs.
pub(crate) fn costs(flags: &Flags, costs: &[Cost]) -> String {
    let Flags { repeats, cells, radius, seeds, .. } = flags;
    format!(
        "{repeats} repeats of {cells} random and {cells} related cells (up to {radius} edits apart from \
         their centre); truth: {seeds} seeds\n\nTraining that one scored cell costs:\n{}",
        aligned(&cost_table(costs))
    )
}

/// The results for a terminal.
pub(crate) fn plain(results: &Results) -> String {
    let tables = [condition_table(results), difference_table(results)];
    tables.map(|table| aligned(&table)).join("\n")
}

/// The results in Markdown.
pub(crate) fn markdown(results: &Results) -> String {
    let tables = [condition_table(results), difference_table(results), cost_table(&results.costs)];
    tables.map(|table| piped(&table)).join("\n")
}

fn cost_table(costs: &[Cost]) -> Table {
    let header = row(["scored by", "steps", "images", "forward Gmult-adds"]);
    let line = |c: &Cost| {
        row([c.way, &format!("{:.1}", c.steps), &format!("{:.0}", c.images), &format!("{:.2}", c.giga_macs)])
    };
    [header].into_iter().chain(costs.iter().map(line)).collect()
}

fn condition_table(results: &Results) -> Table {
    let header = row([
        "supernet, cells",
        "tau [95 %]",
        "pooled tau [95 %]",
        "ceiling: seed, seed",
        "seed, other seeds",
        "truth sd",
        "seed sd",
        "truth",
        "score",
    ]);
    let line = |r: &Row| {
        let percent = |x: Option<f64>| x.map_or("-".into(), |x| format!("{:.2} %", 100.0 * x));
        vec![
            condition(r).to_owned(),
            spread(r.tau),
            spread(r.pooled_tau),
            spread(r.ceiling),
            spread(r.one_run),
            percent(r.truth_sd),
            percent(r.seed_sd),
            percent(r.truth),
            percent(r.score),
        ]
    };
    [header].into_iter().chain(results.conditions.iter().map(line)).collect()
}

fn condition(row: &Row) -> &'static str {
    match (row.supernet, row.cells) {
        (Supernet::OneShot, Kind::Random) => "one-shot, random",
        (Supernet::Joint, Kind::Random) => "joint, random",
        (Supernet::OneShot, Kind::Related) => "one-shot, related",
        (Supernet::Joint, Kind::Related) => "joint, related",
    }
}

fn difference_table(results: &Results) -> Table {
    let lines = results.differences.iter().map(|d| vec![d.what.to_owned(), spread(d.tau)]);
    [row(["difference of taus, paired", "mean [95 %]"])].into_iter().chain(lines).collect()
}

fn spread(interval: Option<Interval>) -> String {
    interval.map_or("-".into(), |i| format!("{:+.2} [{:+.2}, {:+.2}]", i.estimate, i.low, i.high))
}

fn row<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.map(str::to_owned).to_vec()
}

/// Columns as wide as their widest cell; all but the first to the right.
fn aligned(table: &Table) -> String {
    let width =
        |i: usize| table.iter().filter_map(|r| r.get(i)).map(|c| c.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for line in table {
        for (i, cell) in line.iter().enumerate() {
            let _ = match i {
                0 => write!(text, "{cell:<0$}", width(0)),
                _ => write!(text, "  {cell:>0$}", width(i)),
            };
        }
        text.push('\n');
    }
    text
}

fn piped(table: &Table) -> String {
    let line = |cells: &Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut lines: Vec<String> = table.iter().map(line).collect();
    let rule = "| --- ".repeat(table.first().map_or(0, Vec::len)) + "|\n";
    lines.insert(1.min(lines.len()), rule);
    lines.concat()
}
