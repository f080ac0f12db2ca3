//! `report.html`: one page, nothing outside it.

use std::fmt::Write;

use bonas_spaces::families::darts::PRIMITIVES;

use super::plots::{self, Plot};
use super::tables::{self, section};
use super::{Report, Summary};
use crate::drawing::{cell_svg, cell_title, escape};
use bonas_study::history::EndReason;
use bonas_study::history::Fidelity;

const STYLE: &str = include_str!("style.css");

/// The page: figures, plots, tables, configuration, environment. Inline SVG and CSS, no script,
/// no link, every text from outside escaped.
pub fn page(report: &Report<'_>) -> String {
    let summary = Summary::of(report);
    let mut page = head(&format!("bonas: search of {}", summary.space));
    let _ = writeln!(
        page,
        "<h1>Search of {}</h1>\n<p class=\"lead\">{}</p>",
        escape(&summary.space),
        lead(&summary)
    );
    page.push_str(&tiles(&summary));
    page.push_str(&progress(report));
    page.push_str(&winner(report));
    page.push_str(&tables::shortlist(&summary.shortlist));
    page.push_str(&tables::finals(&summary.finals));
    page.push_str(&relaxation(report));
    page.push_str(&surrogate(report));
    page.push_str(&tables::rounds(&summary.rounds));
    page.push_str(&tables::failures(&report.digest));
    page.push_str(&about(report));
    page.push_str(FOOT);
    page
}

/// How a page begins, up to its first section.
pub(crate) fn head(title: &str) -> String {
    let mut page = String::from("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n");
    let _ = writeln!(page, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>");
    let _ =
        writeln!(page, "<title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>", escape(title));
    page
}

/// How a page ends.
pub(crate) const FOOT: &str = "</main>\n</body>\n</html>\n";

fn lead(summary: &Summary) -> String {
    let state = match summary.ended {
        Some(EndReason::Budget) => "ended with its budget",
        Some(EndReason::Reached) => "ended because it found what it was to stop for",
        Some(EndReason::Exhausted) => "ended because the strategy had nothing more to propose",
        None => "not ended; it can be resumed",
    };
    let scores = summary.fidelity.map_or_else(String::new, |f| format!(" Scores: {f}."));
    format!("Seed {}, {state}.{scores}", summary.seed)
}

fn tiles(summary: &Summary) -> String {
    let mut tiles = Vec::new();
    if let Some(best) = &summary.best {
        tiles.push((format!("{:.4}", best.score), format!("best score, query {}", best.query)));
    }
    if let Some(winner) = summary.finals.first()
        && let Some(mean) = winner.test_mean
    {
        let sd = winner.test_sd.map_or_else(String::new, |sd| format!(", sd {:.2} %", 100.0 * sd));
        tiles.push((format!("{:.2} %", 100.0 * mean), format!("test accuracy of the winner{sd}")));
    }
    let failed = if summary.failed > 0 { format!(", {} failed", summary.failed) } else { String::new() };
    let rounds = summary.rounds.len();
    tiles.push((summary.queries.to_string(), format!("architectures in {rounds} rounds{failed}")));
    if let Some(tau) = summary.tau_mean {
        tiles.push((format!("{tau:.2}"), "mean Kendall tau of predictions".into()));
    }
    if summary.seconds > 0.0 {
        tiles.push((tables::duration(summary.seconds), "asking and evaluating".into()));
    }
    let tile = |(value, label): (String, String)| {
        format!("<div class=\"tile\"><b>{}</b><span>{}</span></div>\n", escape(&value), escape(&label))
    };
    format!("<div class=\"tiles\">\n{}</div>\n", tiles.into_iter().map(tile).collect::<String>())
}

fn progress(report: &Report<'_>) -> String {
    let plot = plots::score_by_query(&report.digest);
    let shared = report.digest.fidelity() == Some(Fidelity::SharedWeights);
    let note = if shared { " Scores from shared weights compare strictly only inside a batch." } else { "" };
    let caption = format!(
        "Every architecture in the order of evaluation; bands are batches. Blue: chosen by the surrogate; \
         grey: without a prediction; red crosses: failed.{note}"
    );
    section("Score by query", &figure("score", plot, &caption))
}

fn winner(report: &Report<'_>) -> String {
    let Some(winner) = &report.winner else { return String::new() };
    let mut body = format!("<p class=\"code\">{}</p>\n", escape(&winner.arch));
    if let Some(architecture) = &winner.architecture {
        let cells = architecture.cells();
        for (i, cell) in cells.iter().enumerate() {
            let title = escape(&cell_title(report.cell_names, i, cells.len()));
            let svg = cell_svg(cell, architecture.vocabulary());
            let _ = writeln!(
                body,
                "<figure id=\"cell-{i}\" class=\"cell\">\n{svg}<figcaption>{title}</figcaption>\n</figure>"
            );
        }
    }
    let _ = writeln!(body, "<p class=\"note\">Key {}.</p>", escape(&winner.key));
    section("Winner", &body)
}

/// What became of the architecture parameters of a differentiable search.
fn relaxation(report: &Report<'_>) -> String {
    let trajectory = &report.trajectory;
    if trajectory.is_empty() {
        return String::new();
    }
    let name =
        |i: usize| report.cell_names.get(i).map_or_else(|| format!("Cell {i}"), |n| format!("The {n} cell"));
    let map = |cell: usize| {
        let caption = format!(
            "{}: probability of each operation by epoch. A block is an edge, in it from the top {}; at its right \
             the one that is ahead in the end.",
            name(cell),
            PRIMITIVES.join(", ")
        );
        figure(&format!("alphas-{cell}"), plots::alphas(trajectory, cell), &caption)
    };
    let maps = format!("<div class=\"pair\">\n{}{}</div>\n", map(0), map(1));
    let plot = plots::weight_free_by_epoch(trajectory, report.cell_names);
    let caption =
        "Operations without weights among the 8 of each cell that the architecture parameters decode to.";
    section("Relaxation by epoch", &(maps + &figure("weight-free", plot, caption)))
}

fn surrogate(report: &Report<'_>) -> String {
    let calibration = plots::calibration(&report.digest);
    let map = report.embedding.as_ref();
    if calibration.is_none() && map.is_none() {
        return String::new();
    }
    let rows = report.digest.rows();
    let mut body = String::from("<div class=\"pair\">\n");
    let caption =
        format!("Expected before the evaluation against measured; lighter is later.{}", coverage(report));
    body.push_str(&figure("calibration", calibration, &caption));
    let caption = "Agreement in rank between what was expected before the evaluation and what was measured.";
    body.push_str(&figure("tau", plots::tau_by_round(&rows), caption));
    body.push_str("</div>\n");
    if let Some(plane) = map {
        let caption = "The surrogate's embedding in the plane of its two principal components; the best score is ringed.";
        body.push_str(&figure("embedding", plots::embedding(&report.digest, plane), caption));
    }
    section("Surrogate", &body)
}

fn coverage(report: &Report<'_>) -> String {
    let inside: Vec<bool> =
        report.digest.predicted().map(|(_, p, score)| (score - p.mean).abs() <= p.sd).collect();
    let share = 100.0 * inside.iter().filter(|&&i| i).count() as f64 / inside.len() as f64;
    if inside.is_empty() {
        return String::new();
    }
    format!(" {share:.0} % of {} scores lie within one sd (a Gaussian: 68 %).", inside.len())
}

fn about(report: &Report<'_>) -> String {
    let config = format!(
        "<details open=\"open\">\n<summary>Configuration</summary>\n<pre>{}</pre>\n</details>\n",
        escape(&report.digest.config)
    );
    section("Run", &format!("{}{config}", tables::environment(&report.environment)))
}

pub(crate) fn figure(id: &str, plot: Option<Plot>, caption: &str) -> String {
    let picture = match plot {
        None => return String::new(),
        Some(Ok(svg)) => svg,
        Some(Err(reason)) => format!("<p class=\"note\">Could not be drawn: {}</p>", escape(&reason)),
    };
    format!("<figure id=\"{id}\">\n{picture}\n<figcaption>{}</figcaption>\n</figure>\n", escape(caption))
}
