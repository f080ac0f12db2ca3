//! `report.html`: what a search found, one page that loads nothing.

use bonas_spaces::families::darts::PRIMITIVES;
use bonas_study::history::{EndReason, Fidelity};

use super::markup::{configuration, figure, foot, head, known, note, pair, section, tiles};
use super::model::cells;
use super::{Report, Shown, Summary, TIMINGS_PAGE, WinnerBy, plots, tables};
use crate::drawing::escape;

/// The page: figures, plots, tables, configuration. Style and script are inside it, it links to
/// nothing, and every text from outside is escaped.
pub fn page(report: &Report<'_>) -> String {
    let summary = Summary::of(report);
    let mut page = head(&format!("Search in {}", summary.space), &lead(&summary, report.shown()));
    let shown = report.shown();
    page.push_str(&tiles(&figures(&summary, shown)));
    page.push_str(&winner(report, &summary, shown));
    let curves = report.finals.as_ref().and_then(|finals| plots::final_loss_by_epoch(&finals.results));
    page.push_str(&tables::finals(summary.finals.as_ref(), curves, shown));
    page.push_str(&tables::shortlist(&summary.shortlist, shown));
    page.push_str(&progress(report));
    page.push_str(&drift(report));
    page.push_str(&relaxation(report));
    page.push_str(&surrogate(report));
    page.push_str(&tables::rounds(&summary.rounds));
    page.push_str(&tables::failures(&report.digest));
    page.push_str(&tables::open_trials(&report.digest));
    page.push_str(&configuration(report.config.as_ref().unwrap_or(&report.digest.config)));
    page.push_str(&note(&format!("Times and the machine are in {TIMINGS_PAGE}, beside this page.")));
    page + &foot()
}

fn lead(summary: &Summary, shown: Shown) -> String {
    let state = match summary.ended {
        Some(EndReason::Budget) => "The search ended when its budget was spent.",
        Some(EndReason::Reached) => "The search ended when it found what it was to stop for.",
        Some(EndReason::Exhausted) => "The search ended because the strategy had nothing more to propose.",
        None => "The search has not ended; it can be resumed.",
    };
    let scores = summary.fidelity.map_or("", |fidelity| match fidelity {
        Fidelity::Indicator => " Scores are values of an indicator.",
        Fidelity::SharedWeights => {
            " Scores are measured on held-out data, with weights shared inside a batch."
        }
        Fidelity::OneShot => " Scores are measured on held-out data, in a supernet of the whole space.",
        Fidelity::FromScratch => " Scores are measured on held-out data after training from scratch.",
        Fidelity::Table => " Scores come from a table or a formula.",
        Fidelity::Command => " Scores were measured outside bonas: by a program, or they were told.",
    });
    let unit = if shown == Shown::Perplexity { " A score is 1/perplexity." } else { "" };
    format!("Seed {}. {state}{scores}{unit}", summary.seed)
}

/// The large figures at the top: value and what it is.
fn figures(summary: &Summary, shown: Shown) -> Vec<(String, String)> {
    let mut tiles = Vec::new();
    if let Some(finals) = &summary.finals
        && let Some(first) = finals.results.first().filter(|first| first.test_mean.is_some())
    {
        let sd = shown.sd(&first.test).map_or_else(String::new, |sd| format!(" ± {}", shown.value(Some(sd))));
        let state = if finals.finished { "" } else { ", final training not finished" };
        tiles.push((
            shown.value(shown.mean(&first.test)),
            format!("{} of the winner{sd}{state}", shown.finals()),
        ));
    } else if let Some(finals) = summary.finals.as_ref().filter(|finals| !finals.finished) {
        let value = format!("{} of {}", finals.done, finals.planned);
        tiles.push((value, "networks of the final training are trained".into()));
    }
    if let Some(best) = &summary.best {
        tiles.push((known(Some(best.score)), format!("best score, found with query {}", best.query)));
        let other = "the other of accuracy and balanced accuracy, of the best score";
        tiles.extend(best.beside.map(|beside| (known(Some(beside)), other.to_owned())));
    }
    let counted =
        [(summary.failed, "failed"), (summary.pending, "pending"), (summary.abandoned, "abandoned")];
    let others = counted.iter().filter(|(count, _)| *count > 0);
    let others = others.fold(String::new(), |text, (count, what)| text + &format!(", {count} {what}"));
    let label = format!("architectures evaluated in {} rounds{others}", summary.rounds.len());
    tiles.push((summary.queries.to_string(), label));
    if let Some(tau) = summary.tau_mean {
        tiles.push((
            format!("{tau:.2}"),
            "Kendall's tau between predictions and scores, mean over rounds".into(),
        ));
    }
    tiles
}

/// The winner, and its cells as drawings.
fn winner(report: &Report<'_>, summary: &Summary, shown: Shown) -> String {
    let Some(winner) = &report.winner else { return String::new() };
    let mut body = format!("<p class=\"code\">{}</p>\n", escape(&winner.arch));
    if let Some(architecture) = &winner.architecture {
        body.push_str(&cells(architecture, report.cell_names));
    }
    let by = match winner.best_by {
        WinnerBy::Score => "the score",
        WinnerBy::Model => "the estimate of the strategy's surrogate",
        WinnerBy::Shortlist if shown == Shown::Score => "the program's score again, among the shortlist",
        WinnerBy::Shortlist => "training from scratch, among the shortlist",
    };
    body.push_str(&note(&format!("Key {}. The best by {by}.", winner.key)));
    section(if summary.ended.is_some() { "Winner" } else { "Best architecture so far" }, &body)
}

fn progress(report: &Report<'_>) -> String {
    let plot = plots::score_by_query(&report.digest);
    let shared = report.digest.fidelity() == Some(Fidelity::SharedWeights);
    let remark =
        if shared { " Scores with shared weights compare strictly only inside a batch." } else { "" };
    let caption =
        format!("Every architecture in the order of its evaluation. Bands tell batches apart.{remark}");
    let figure = figure("score", plot, &caption);
    if figure.is_empty() { figure } else { section("Score by query", &figure) }
}

/// How the architectures of each round stand among random ones.
fn drift(report: &Report<'_>) -> String {
    let Some(drift) = &report.drift else { return String::new() };
    let caption = "Mean rank of each round's architectures among random ones of the space, from 0 to 1: by the share of skips \
                   among their operations, and by multiply-adds.";
    let figure = figure("drift", plots::standing_by_round(drift), caption);
    let said = drift.said.as_ref().map_or_else(String::new, |said| {
        note(&format!(
            "At the end {said}. Short training favours small architectures: train longer, or let longer \
             training from scratch choose the winner."
        ))
    });
    if figure.is_empty() { figure } else { section("Skips and multiply-adds by round", &(figure + &said)) }
}

/// How the architecture parameters of a differentiable search moved, and its learning curve.
fn relaxation(report: &Report<'_>) -> String {
    let trajectory = &report.trajectory;
    if trajectory.is_empty() {
        return String::new();
    }
    let name =
        |i: usize| report.cell_names.get(i).map_or_else(|| format!("Cell {i}"), |n| format!("The {n} cell"));
    let map = |cell: usize| {
        let caption = format!("{}: probability of each operation by epoch.", name(cell));
        figure(&format!("alphas-{cell}"), plots::alphas(trajectory, cell), &caption)
    };
    let order = format!(
        "A block is an edge of the cell. Its rows are, from the top, {}. The name at the right is the operation with the \
         highest probability after the last epoch, none left out.",
        PRIMITIVES.join(", ")
    );
    let loss = "Mean training loss of the network's weights, the learning curve of the search.";
    let counts =
        "Operations without weights among the 8 of each cell that the architecture parameters decode to.";
    let curves = figure("loss", plots::loss_by_epoch(trajectory), loss)
        + &figure("weight-free", plots::weight_free_by_epoch(trajectory, report.cell_names), counts);
    section("Learning curves", &pair(&curves))
        + &section("Architecture parameters by epoch", &(pair(&(map(0) + &map(1))) + &note(&order)))
}

fn surrogate(report: &Report<'_>) -> String {
    let calibration = plots::calibration(&report.digest);
    let map = report.embedding.as_ref();
    if calibration.is_none() && map.is_none() {
        return String::new();
    }
    let rows = report.digest.rows();
    let caption = format!(
        "Score predicted before the evaluation, with one standard deviation to each side, against the measured one.{}",
        coverage(report)
    );
    let tau = "Agreement in rank between scores predicted before the evaluation and measured ones.";
    let mut body = pair(
        &(figure("calibration", calibration, &caption) + &figure("tau", plots::tau_by_round(&rows), tau)),
    );
    if let Some(plane) = map {
        let caption = "The surrogate's embedding of the architectures, in the plane of its first two principal components. \
                       The ring marks the best score.";
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
    format!(" {share:.0} % of {} scores lie within it; of a Gaussian law 68 % would.", inside.len())
}
