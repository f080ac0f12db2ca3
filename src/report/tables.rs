//! The report's tables.

use std::fmt::Write;

use super::summary::{Round, Trained};
use super::{Digest, Shortlisted};
use crate::drawing::escape;
use bonas_study::history::Outcome;

/// One row a round.
pub(super) fn rounds(rounds: &[Round]) -> String {
    if rounds.is_empty() {
        return String::new();
    }
    let heads = ["round", "queries", "failed", "best so far", "min", "mean", "max", "tau", "ask", "evaluate"];
    let row = |r: &Round| {
        let score = |x: Option<f64>| x.map_or_else(dash, |x| format!("{x:.4}"));
        let seconds = |x: Option<f64>| x.map_or_else(dash, duration);
        vec![
            r.round.to_string(),
            r.queries.to_string(),
            if r.failed > 0 { r.failed.to_string() } else { dash() },
            score(r.best),
            score(r.min),
            score(r.mean),
            score(r.max),
            r.tau.map_or_else(dash, |tau| format!("{tau:.3}")),
            seconds(r.ask_s),
            seconds(r.evaluate_s),
        ]
    };
    section("Rounds", &table("rounds", &heads, rounds.iter().map(row)))
}

/// One row an architecture of the shortlist, in the order of their scores.
pub(super) fn shortlist(shortlist: &[Shortlisted]) -> String {
    if shortlist.is_empty() {
        return String::new();
    }
    let heads = ["", "score in the search", "held-out accuracy from scratch", "each seed", "key"];
    let percent = |x: f64| format!("{:.2} %", 100.0 * x);
    let best = Shortlisted::best(shortlist);
    let row = |one: &Shortlisted| {
        vec![
            if best == Some(one) { "winner".to_owned() } else { String::new() },
            one.score.map_or_else(dash, |score| format!("{score:.4}")),
            one.mean().map_or_else(dash, percent),
            one.validation.iter().map(|x| format!("{:.2}", 100.0 * x)).collect::<Vec<_>>().join("  "),
            one.key.clone(),
        ]
    };
    section("Shortlist", &table("shortlist", &heads, shortlist.iter().map(row)))
}

/// One row an architecture trained from scratch.
pub(super) fn finals(finals: &[Trained]) -> String {
    if finals.is_empty() {
        return String::new();
    }
    let heads = ["", "test accuracy", "sd", "each seed", "parameters", "multiply-adds"];
    let row = |t: &Trained| {
        let percent = |x: Option<f64>| x.map_or_else(dash, |x| format!("{:.2} %", 100.0 * x));
        vec![
            t.label.clone(),
            percent(t.test_mean),
            percent(t.test_sd),
            t.test.iter().map(|x| format!("{:.2}", 100.0 * x)).collect::<Vec<_>>().join("  "),
            t.params.map_or_else(dash, |n| thousands(n as u64)),
            t.macs.map_or_else(dash, thousands),
        ]
    };
    let item =
        |t: &Trained| format!("<dt>{}</dt><dd class=\"code\">{}</dd>\n", escape(&t.label), escape(&t.arch));
    let list: String = finals.iter().map(item).collect();
    let list = format!("<details>\n<summary>Architectures</summary>\n<dl>\n{list}</dl>\n</details>\n");
    section("Final training from scratch", &(table("final", &heads, finals.iter().map(row)) + &list))
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
    section("Failures", &table("failures", &["query", "reason", "architecture"], rows.into_iter()))
}

/// One row a fact.
pub(super) fn environment(facts: &[(String, String)]) -> String {
    let row =
        |(name, value): &(String, String)| format!("<dt>{}</dt><dd>{}</dd>\n", escape(name), escape(value));
    let rows: String = facts.iter().map(row).collect();
    if rows.is_empty() { rows } else { format!("<dl>\n{rows}</dl>\n") }
}

/// Seconds for people: `0.42 s`, `73 s`, `12 min`, `3.4 h`.
pub(crate) fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 10.0 => format!("{s:.2} s"),
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7200.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}

/// Digits in groups of three: `3 349 342`, with spaces that do not break.
pub(super) fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let first = digits.len() % 3;
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && i % 3 == first % 3 {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

fn dash() -> String {
    "–".to_owned()
}

pub(crate) fn table(class: &str, heads: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let head: Vec<String> = heads.iter().map(|h| format!("<th>{}</th>", escape(h))).collect();
    let head = head.concat();
    let mut table = format!("<table class=\"{class}\">\n<thead><tr>{head}</tr></thead>\n<tbody>\n");
    for row in rows {
        let cells: Vec<String> = row.iter().map(|cell| format!("<td>{}</td>", escape(cell))).collect();
        let _ = writeln!(table, "<tr>{}</tr>", cells.concat());
    }
    format!("<div class=\"scroll\">\n{table}</tbody>\n</table>\n</div>\n")
}

/// A card of the page; `body` is HTML.
pub(crate) fn section(title: &str, body: &str) -> String {
    format!("<section>\n<h2>{}</h2>\n{body}</section>\n", escape(title))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_for_people() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(3_349_342).replace('\u{202f}', " "), "3 349 342");
        assert_eq!(thousands(123_456).replace('\u{202f}', " "), "123 456");
        assert_eq!(duration(0.421), "0.42 s");
        assert_eq!(duration(725.0), "12 min");
        assert_eq!(duration(12_240.0), "3.4 h");
    }
}
