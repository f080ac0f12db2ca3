//! `report.html`: one page, nothing outside it.

use super::{ConstraintSummary, Measure, ParetoSummary, StrategySummary, Summary, TestSummary, plots};
use crate::drawing::escape;
use crate::experiment::page::{PairTable, end, interval_name, probability};
use crate::report::markup::{facts, figure, head, note, number, section, table};

/// The page of an experiment on a table: curves, tables, tests. Style and script are inside it, it links to
/// nothing, and every text from outside is escaped.
pub(super) fn page(summary: &Summary) -> String {
    let mut page = head(&format!("Experiment on the table of {}", summary.space), &lead(summary));
    page.push_str(&curves(summary));
    page.push_str(&strategies(summary));
    page.push_str(&optimum(summary));
    page.push_str(&pareto(summary));
    for test in &summary.tests {
        page.push_str(&tests(summary, test));
    }
    page.push_str(&about(summary));
    page + &end()
}

fn lead(summary: &Summary) -> String {
    let signal = if summary.oracle {
        format!(
            "This is an oracle experiment: strategies see <code>{}</code>, the column that is reported.",
            escape(&summary.report)
        )
    } else {
        let (search, report) = (escape(&summary.search), escape(&summary.report));
        format!("Strategies see <code>{search}</code>; <code>{report}</code> is reported.")
    };
    let second = summary.objective.as_ref().map_or_else(String::new, |objective| {
        let (search, report) = (escape(&objective.search), escape(&objective.report));
        format!(" As the second objective they see <code>{search}</code>; <code>{report}</code> is reported.")
    });
    let skipped = match &summary.skipped {
        none if none.is_empty() => String::new(),
        some => format!(" Of the table, {}.", escape(&some.to_string())),
    };
    format!(
        "{} architectures, {} seeds of each strategy, {} unique queries each. {signal}{second}{}{skipped}",
        summary.architectures,
        summary.seeds,
        summary.budget,
        summary.constraints.iter().map(limit).collect::<String>()
    )
}

fn limit(constraint: &ConstraintSummary) -> String {
    let known = if constraint.known { "is known to strategies" } else { "is seen with each query" };
    format!(
        " The limit <code>{}</code> {known}; {} architectures keep it, {} do not.",
        escape(&constraint.limit),
        constraint.feasible,
        constraint.infeasible
    )
}

fn curves(summary: &Summary) -> String {
    let found = format!(
        "Value of {} of the architecture with the best {} so far: mean over runs. Bands are 95 % intervals of the mean.",
        summary.report, summary.search
    );
    let oracle = format!(
        "Best value of {} among all architectures queried, whether or not a strategy could know it: mean over runs.",
        summary.report
    );
    let mut body = figure("found", plots::found(summary), &found);
    if !summary.oracle {
        body.push_str(&figure("oracle", plots::oracle(summary), &oracle));
    }
    section("Best value by number of queries", &body)
}

fn strategies(summary: &Summary) -> String {
    let of_mean = interval_of_mean(summary);
    let mut heads =
        vec!["strategy", "best found, mean", "standard deviation", &of_mean, "best queried, mean"];
    let modelled = !summary.oracle && summary.strategies.iter().any(|s| s.last.recommended_mean.is_some());
    heads.extend(modelled.then_some("best by the model, mean"));
    heads.extend((!summary.constraints.is_empty()).then_some("queries beyond a limit, mean"));
    let row = |s: &StrategySummary| {
        let mut row = vec![
            s.label.clone(),
            number(s.last.report_mean),
            number(s.last.report_sd),
            interval(s.last.report_low, s.last.report_high),
            number(s.last.oracle_mean),
        ];
        row.extend(modelled.then(|| s.last.recommended_mean.map_or_else(|| "-".to_owned(), number)));
        row.extend(s.infeasible_mean.map(|queries| format!("{queries:.1}")));
        row
    };
    let remark = format!(
        "Values of {}. Best found: of the architecture with the best {} in each run. Best by the model: of the one whose \
         estimate by the strategy's surrogate is highest. Best queried: the best value among all architectures queried. Intervals are by bootstrap.",
        summary.report, summary.search
    );
    let table = table("strategies", "Results of strategies", &heads, summary.strategies.iter().map(row));
    section("After the last query", &(table + &note(&remark)))
}

/// Fronts and hypervolumes; nothing with one objective.
fn pareto(summary: &Summary) -> String {
    let Some(objective) = &summary.objective else { return String::new() };
    let [first, second] = objective.reference;
    let caption = format!(
        "Hypervolume of the front found, by {} and {}, from the reference point ({first}, {second}): mean over runs. \
         Bands are 95 % intervals of the mean. The table's own front has {}.",
        summary.report,
        objective.report,
        number(objective.hypervolume)
    );
    let of_mean = interval_of_mean(summary);
    let heads = [
        "strategy",
        "hypervolume, mean",
        "standard deviation",
        &of_mean,
        "share of the table's front",
        "of all queried, mean",
    ];
    let row = |(label, pareto): (&String, &ParetoSummary)| {
        let last = pareto.last;
        vec![
            label.clone(),
            number(last.hypervolume_mean),
            number(last.hypervolume_sd),
            interval(last.hypervolume_low, last.hypervolume_high),
            format!("{:.2} %", 100.0 * last.hypervolume_mean / objective.hypervolume),
            number(last.oracle_mean),
        ]
    };
    let all = summary.strategies.iter().filter_map(|s| Some((&s.label, s.pareto.as_ref()?)));
    let mut body = figure("hypervolume", plots::hypervolume(summary), &caption);
    let caption = format!("Fronts found with seed {}, and that of the whole table.", summary.first_seed);
    body.push_str(&figure("fronts", plots::fronts(summary), &caption));
    body.push_str(&table("hypervolumes", "Hypervolumes", &heads, all.map(row)));
    section("Two objectives", &body)
}

fn optimum(summary: &Summary) -> String {
    let of_mean = interval_of_mean(summary);
    let heads = [
        "strategy",
        "queries, mean",
        "standard deviation",
        &of_mean,
        "lower quartile",
        "median",
        "upper quartile",
        "runs that found it",
    ];
    let rows = summary.strategies.iter().map(|s| {
        let to = s.to_optimum;
        let more = if to.found < 1.0 { "> " } else { "" };
        vec![
            s.label.clone(),
            format!("{more}{:.1}", to.mean),
            format!("{:.1}", to.sd),
            format!("{:.1} to {:.1}", to.low, to.high),
            format!("{}", to.q25),
            format!("{}", to.median),
            format!("{}", to.q75),
            format!("{:.0} %", 100.0 * to.found),
        ]
    });
    let caption = "Share of the runs that have queried an architecture with the table's best value.";
    let figure = figure("optimum", plots::optimum(summary), caption);
    let remark = format!(
        "The best {} of the table is {}. A run that did not find it counts with its {} queries.",
        summary.report, summary.optimum.report, summary.budget
    );
    let table = table("optimum", "Queries to the optimum", &heads, rows);
    section("Queries to the optimum", &(figure + &table + &note(&remark)))
}

fn tests(summary: &Summary, test: &TestSummary) -> String {
    let (title, id, what) = match test.measure {
        Measure::Report => {
            ("Differences in the best found", "ranks-report", "the best found after the last query")
        }
        Measure::Queries => {
            ("Differences in queries to the optimum", "ranks-queries", "queries to the optimum")
        }
        Measure::Hypervolume => {
            ("Differences in hypervolume", "ranks-hypervolume", "hypervolume after the last query")
        }
    };
    let labels: Vec<&str> = summary.strategies.iter().map(|s| s.label.as_str()).collect();
    let caption = format!(
        "Mean rank over seeds by {what}; 1 is the best. Bars join strategies that the Nemenyi test does not tell \
         apart at level {}. Friedman test: chi-square {:.2}, p {}.",
        summary.alpha,
        test.friedman,
        probability(test.p)
    );
    let diagram = figure(id, Some(plots::critical_difference(&labels, test)), &caption);
    let remark = "p is of Wilcoxon's signed-rank test, two-sided, paired by seed; the last column has Holm's correction for all \
                  pairs of the table.";
    let pairs =
        PairTable { pairs: &test.pairs, seeds: summary.seeds, alpha: summary.alpha, fractions: false };
    let table = pairs.html(title);
    section(title, &(diagram + &table + &note(remark)))
}

/// What the column of intervals is called.
fn interval_of_mean(summary: &Summary) -> String {
    format!("{} of the mean", interval_name(summary.alpha))
}

fn interval(low: f64, high: f64) -> String {
    format!("{} to {}", number(low), number(high))
}

fn about(summary: &Summary) -> String {
    let optimum = &summary.optimum;
    let tau = optimum.tau.map_or_else(|| "undefined".to_owned(), |tau| format!("{tau:.3}"));
    let rows = [
        (
            "best of the table",
            format!("{} in {}: {}", optimum.report, summary.report, optimum.archs.join("; ")),
        ),
        ("best by the search column", format!("{} in {}", optimum.report_of_best_search, summary.report)),
        ("Kendall's tau of both columns", tau),
        ("seeds", format!("{} from {}", summary.seeds, summary.first_seed)),
        ("BLAKE3 hash of the table", summary.fingerprint.clone()),
        ("version of bonas", env!("CARGO_PKG_VERSION").to_owned()),
    ];
    let list = facts(rows.iter().map(|(name, value)| (*name, &**value)));
    section("Table and protocol", &(list + &note(PROTOCOL)))
}

const PROTOCOL: &str = "Only unique architectures count as queries. A strategy sees the search column alone. With the same seed, \
                        strategies that begin with random architectures draw the same ones.";
