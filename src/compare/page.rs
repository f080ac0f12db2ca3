//! `report.html`: one page, nothing outside it.

use std::fmt::Write;

use super::plots;
use super::{ConstraintSummary, Measure, Pair, ParetoSummary, Summary, TestSummary};
use crate::drawing::escape;
use crate::report::html::{FOOT, figure, head};
use crate::report::tables::{section, table};

/// The page of a comparison: curves, tables, tests. Inline SVG and CSS, no script, no link, every
/// text from outside escaped.
pub(super) fn page(summary: &Summary) -> String {
    let mut page = head(&format!("bonas: comparison on {}", summary.space));
    let _ = writeln!(
        page,
        "<h1>Comparison on {}</h1>\n<p class=\"lead\">{}</p>",
        escape(&summary.space),
        lead(summary)
    );
    page.push_str(&curves(summary));
    page.push_str(&strategies(summary));
    page.push_str(&optimum(summary));
    page.push_str(&pareto(summary));
    for test in &summary.tests {
        page.push_str(&tests(summary, test));
    }
    page.push_str(&about(summary));
    page.push_str(FOOT);
    page
}

fn lead(summary: &Summary) -> String {
    let signal = if summary.oracle {
        format!(
            "Oracle experiment: searched and reported on <code>{}</code>, which no search could see.",
            escape(&summary.report)
        )
    } else {
        let (search, report) = (escape(&summary.search), escape(&summary.report));
        format!("Searched on <code>{search}</code>, reported on <code>{report}</code>.")
    };
    let second = summary.objective.as_ref().map_or_else(String::new, |objective| {
        let (search, report) = (escape(&objective.search), escape(&objective.report));
        format!(" Second objective: searched on <code>{search}</code>, reported on <code>{report}</code>.")
    });
    format!(
        "{} architectures, {} studies a strategy, {} unique queries each. {signal}{second}{}",
        summary.architectures,
        summary.seeds,
        summary.budget,
        summary.constraints.iter().map(limit).collect::<String>()
    )
}

fn limit(constraint: &ConstraintSummary) -> String {
    let who = if constraint.known { "known to strategies" } else { "seen when queried" };
    format!(
        " Limit <code>{}</code>, {who}: {} architectures keep it, {} do not.",
        escape(&constraint.limit),
        constraint.feasible,
        constraint.infeasible
    )
}

fn curves(summary: &Summary) -> String {
    let found = format!(
        "Value in {} of the architecture with the best {} so far: mean over studies and its 95 % interval.",
        summary.report, summary.search
    );
    let oracle =
        format!("Best {} among all queried, whether a search could know it or not: mean.", summary.report);
    let mut body = figure("found", plots::found(summary), &found);
    if !summary.oracle {
        body.push_str(&figure("oracle", plots::oracle(summary), &oracle));
    }
    section("Value by queries", &body)
}

fn strategies(summary: &Summary) -> String {
    let mut heads = vec![
        "strategy",
        "found",
        "sd",
        "interval of the mean",
        "oracle",
        "ask, mean",
        "ask, 95 %",
        "a study",
    ];
    heads.extend((!summary.constraints.is_empty()).then_some("queries beyond a limit"));
    let rows = summary.strategies.iter().map(|s| {
        let mut row = vec![
            s.name.clone(),
            format!("{:.4}", s.last.report_mean),
            format!("{:.4}", s.last.report_sd),
            format!("{:.4} to {:.4}", s.last.report_low, s.last.report_high),
            format!("{:.4}", s.last.oracle_mean),
            format!("{:.2} ms", s.ask_ms.mean),
            format!("{:.2} ms", s.ask_ms.p95),
            format!("{:.4} s", s.wall_s),
        ];
        row.extend(s.infeasible_mean.map(|queries| format!("{queries:.1}")));
        row
    });
    section("After the last query", &table("strategies", &heads, rows))
}

/// Fronts and hypervolumes; nothing with one objective.
fn pareto(summary: &Summary) -> String {
    let Some(objective) = &summary.objective else { return String::new() };
    let [first, second] = objective.reference;
    let caption = format!(
        "Hypervolume by {} and {}, measured from ({first}, {second}), of what nothing queried dominates by the \
         search columns: mean over studies and its 95 % interval. The table's own front has {:.6}.",
        summary.report, objective.report, objective.hypervolume
    );
    let heads = ["strategy", "hypervolume", "sd", "interval of the mean", "share of the table's", "oracle"];
    let row = |(name, pareto): (&String, &ParetoSummary)| {
        let last = pareto.last;
        vec![
            name.clone(),
            format!("{:.4}", last.hypervolume_mean),
            format!("{:.4}", last.hypervolume_sd),
            format!("{:.4} to {:.4}", last.hypervolume_low, last.hypervolume_high),
            format!("{:.2} %", 100.0 * last.hypervolume_mean / objective.hypervolume),
            format!("{:.4}", last.oracle_mean),
        ]
    };
    let all = summary.strategies.iter().filter_map(|s| Some((&s.name, s.pareto.as_ref()?)));
    let mut body = figure("hypervolume", plots::hypervolume(summary), &caption);
    let caption = format!("Fronts found with seed {}, and that of the whole table.", summary.first_seed);
    body.push_str(&figure("fronts", plots::fronts(summary), &caption));
    body.push_str(&table("hypervolumes", &heads, all.map(row)));
    section("Two objectives", &body)
}

fn optimum(summary: &Summary) -> String {
    let heads = ["strategy", "mean", "sd", "interval of the mean", "quartile", "median", "quartile", "found"];
    let rows = summary.strategies.iter().map(|s| {
        let to = s.to_optimum;
        let more = if to.found < 1.0 { "> " } else { "" };
        vec![
            s.name.clone(),
            format!("{more}{:.1}", to.mean),
            format!("{:.1}", to.sd),
            format!("{:.1} to {:.1}", to.low, to.high),
            format!("{}", to.q25),
            format!("{}", to.median),
            format!("{}", to.q75),
            format!("{:.0} %", 100.0 * to.found),
        ]
    });
    let caption = "Share of the studies that had queried an architecture with the table's best report value.";
    let figure = figure("optimum", plots::optimum(summary), caption);
    let note = format!(
        "<p class=\"note\">The best {} is {}. A study that did not find it counts with the cap, {} queries.</p>\n",
        escape(&summary.report),
        summary.optimum.report,
        summary.budget
    );
    section("Queries to the optimum", &(figure + &table("optimum", &heads, rows) + &note))
}

fn tests(summary: &Summary, test: &TestSummary) -> String {
    let (title, id, what) = match test.measure {
        Measure::Report => {
            ("Differences in what was found", "ranks-report", "the value found after the last query")
        }
        Measure::Queries => {
            ("Differences in queries to the optimum", "ranks-queries", "queries to the optimum")
        }
        Measure::Hypervolume => {
            ("Differences in hypervolume", "ranks-hypervolume", "hypervolume after the last query")
        }
    };
    let names: Vec<&str> = summary.strategies.iter().map(|s| s.name.as_str()).collect();
    let caption = format!(
        "Mean rank over seeds by {what}, 1 is the best; bars join strategies that the Nemenyi test does not tell \
         apart at {}. Friedman: chi-square {:.2}, p {}.",
        summary.alpha,
        test.friedman,
        probability(test.p)
    );
    let diagram = figure(id, Some(plots::critical_difference(&names, test)), &caption);
    let heads = ["first", "second", "difference of means", "first better", "second better", "p", "p, Holm"];
    let row = |pair: &Pair| {
        vec![
            pair.a.clone(),
            pair.b.clone(),
            format!("{:+.4}", pair.difference),
            pair.wins.to_string(),
            pair.losses.to_string(),
            probability(pair.p),
            probability(pair.p_holm),
        ]
    };
    let note = "<p class=\"note\">Wilcoxon's signed-rank test, seed by seed, two-sided; Holm's correction for all \
                pairs of the table.</p>\n";
    section(title, &(diagram + &table("pairs", &heads, test.pairs.iter().map(row)) + note))
}

/// A probability for people.
fn probability(p: f64) -> String {
    if p < 1e-4 { format!("{p:.0e}") } else { format!("{p:.4}") }
}

fn about(summary: &Summary) -> String {
    let optimum = &summary.optimum;
    let tau = optimum.tau.map_or_else(|| "undefined".to_owned(), |tau| format!("{tau:.3}"));
    let facts = [
        ("best", format!("{} in {}: {}", optimum.report, summary.report, optimum.archs.join("; "))),
        ("best by search", format!("{} in {}", optimum.report_of_best_search, summary.report)),
        ("Kendall's tau of the two columns", tau),
        ("seeds", format!("{} from {}", summary.seeds, summary.first_seed)),
        ("BLAKE3 of the table", summary.fingerprint.clone()),
        ("bonas", env!("CARGO_PKG_VERSION").to_owned()),
    ];
    let row = |(name, value): &(&str, String)| {
        format!("<dt>{name}</dt><dd class=\"code\">{}</dd>\n", escape(value))
    };
    let rows: String = facts.iter().map(row).collect();
    section("Table and protocol", &format!("<dl>\n{rows}</dl>\n<p class=\"note\">{PROTOCOL}</p>\n"))
}

const PROTOCOL: &str = "Only unique architectures count as queries. A strategy sees the search column alone. Every \
                        seed draws the same first random architectures for strategies that begin with as many.";
