//! The tables of a search's page.

use bonas_study::history::Outcome;

use super::Shown;
use super::markup::{dash, figure, folded, known, note, pair, section, table, thousands, warning};
use super::plots::{Strip, strips};
use super::summary::{FinalSummary, Round, Trained};
use super::{Digest, Shortlisted};
use crate::drawing::escape;

/// One row a round.
pub(super) fn rounds(rounds: &[Round]) -> String {
    if rounds.is_empty() {
        return String::new();
    }
    let heads =
        ["round", "architectures", "failed", "best so far", "lowest", "mean", "highest", "Kendall's tau"];
    let row = |r: &Round| {
        vec![
            r.round.to_string(),
            r.queries.to_string(),
            r.failed.to_string(),
            known(r.best),
            known(r.min),
            known(r.mean),
            known(r.max),
            r.tau.map_or_else(dash, |tau| format!("{tau:.3}")),
        ]
    };
    section("Rounds", &table("rounds", "Rounds of the search", &heads, rounds.iter().map(row)))
}

const OTHER_METRIC: &str = "Classes differ in size. The other metric is balanced accuracy (the mean of the classes' recalls) where scores \
                            are accuracies, and accuracy where they are balanced.";

/// One row an architecture of the shortlist, in the order of their scores.
pub(super) fn shortlist(shortlist: &[Shortlisted], shown: Shown) -> String {
    if shortlist.is_empty() {
        return String::new();
    }
    let besides = shortlist.iter().any(|one| one.beside.is_some());
    let mut heads =
        vec!["rank by score", "score in the search", shown.shortlist(), shown.by_seed(), "chosen as", "key"];
    heads.extend(besides.then_some("other metric"));
    let best = Shortlisted::best(shortlist);
    let row = |(i, one): (usize, &Shortlisted)| {
        let mut row = vec![
            (i + 1).to_string(),
            known(one.score),
            shown.value(shown.mean(&one.validation)),
            shown.values(&one.validation),
            if best == Some(one) { "winner".to_owned() } else { dash() },
            one.key.clone(),
        ];
        row.extend(besides.then(|| shown.value(one.beside)));
        row
    };
    let rows = shortlist.iter().enumerate().map(row);
    let remark = if besides { note(OTHER_METRIC) } else { String::new() };
    section(shown.shortlist_title(), &(table("shortlist", "Shortlist", &heads, rows) + &remark))
}

/// Final training: how far it is, plots, and one row an architecture. `curves`: the plot of their learning.
pub(super) fn finals(finals: Option<&FinalSummary>, curves: Option<String>, shown: Shown) -> String {
    let Some(finals) = finals else { return String::new() };
    let mut body = String::new();
    if !finals.finished {
        let text = format!(
            "Final training is not finished: {} of {} networks are trained. The figures below will change.",
            finals.done, finals.planned
        );
        body.push_str(&warning(&text));
    }
    if !finals.results.is_empty() {
        let caption = "Mean training loss by epoch, over seeds and networks.";
        let curves = figure("final-loss", curves, caption);
        body.push_str(&pair(&(final_plot(&finals.results, shown) + &curves)));
        body.push_str(&final_table(&finals.results, shown));
    }
    let title = if finals.finished { "Final training" } else { "Final training, not finished" };
    section(title, &body)
}

fn final_plot(results: &[Trained], shown: Shown) -> String {
    let strip = |one: &Trained| Strip {
        name: one.label.clone(),
        values: shown.runs(&one.test).into_iter().map(|x| shown.scaled(x)).collect(),
    };
    let plot = strips(&results.iter().map(strip).collect::<Vec<_>>(), shown.axis(), "one training run");
    figure("final-accuracy", plot, shown.caption())
}

fn final_table(results: &[Trained], shown: Shown) -> String {
    let besides = results.iter().any(|one| one.beside.is_some());
    let mut heads =
        vec!["network", shown.finals(), "standard deviation", shown.by_seed(), "parameters", "macs"];
    heads.extend(besides.then_some("balanced accuracy"));
    let row = |t: &Trained| {
        let mut row = vec![
            t.label.clone(),
            shown.value(shown.mean(&t.test)),
            shown.value(shown.sd(&t.test)),
            shown.values(&t.test),
            t.params.map_or_else(dash, |n| thousands(n as u64)),
            t.macs.map_or_else(dash, thousands),
        ];
        row.extend(besides.then(|| shown.value(t.beside)));
        row
    };
    let item =
        |t: &Trained| format!("<dt>{}</dt><dd><code>{}</code></dd>\n", escape(&t.label), escape(&t.arch));
    let list: String = results.iter().map(item).collect();
    let table = table("final", "Final training", &heads, results.iter().map(row));
    table + &folded("Architectures", &format!("<dl>\n{list}</dl>\n"))
}

/// One row a failed architecture.
pub(super) fn failures(digest: &Digest) -> String {
    let failed = digest.queries.iter().enumerate().filter_map(|(i, query)| match &query.outcome {
        Outcome::Failed(reason) => Some(vec![(i + 1).to_string(), reason.clone(), query.arch.clone()]),
        Outcome::Scored(_) => None,
    });
    let rows: Vec<Vec<String>> = failed.collect();
    if rows.is_empty() {
        return String::new();
    }
    let heads = ["query", "reason", "architecture"];
    section("Failed architectures", &table("failures", "Failed architectures", &heads, rows.into_iter()))
}

/// One row a trial that was handed out and has no outcome.
pub(super) fn open_trials(digest: &Digest) -> String {
    let states = [(&digest.pending, "pending"), (&digest.abandoned, "abandoned")];
    let trials =
        states.into_iter().flat_map(|(trials, state)| trials.iter().map(move |&trial| (trial, state)));
    let row = |(trial, state): (u64, &str)| {
        let (round, _, proposed) = digest.trial(trial)?;
        let predicted = known(proposed.predicted.map(|predicted| predicted.mean));
        Some(vec![trial.to_string(), state.to_owned(), round.to_string(), predicted, proposed.arch.clone()])
    };
    let rows: Vec<Vec<String>> = trials.filter_map(row).collect();
    if rows.is_empty() {
        return String::new();
    }
    let heads = ["trial", "state", "round", "predicted score", "architecture"];
    let title = "Trials without an outcome";
    section(title, &table("open-trials", title, &heads, rows.into_iter()))
}
