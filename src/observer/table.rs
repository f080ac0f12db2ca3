//! The table of rounds as lines of a terminal.

use bonas_study::journal::RoundSeconds;

use crate::report::RoundRow;

/// The head of the table of rounds.
pub fn round_header() -> String {
    format!(
        "{:>5} {:>7} {:>9}  {:>8} {:>8} {:>8}  {:>6} {:>8} {:>9}",
        "round", "queries", "best", "min", "mean", "max", "tau", "ask s", "evaluate s"
    )
}

/// One row: best score so far (starred where this round has improved it), the round's scores,
/// Kendall's tau between prediction and score, seconds. What is not known is a dash.
pub fn round_line(row: &RoundRow, seconds: RoundSeconds) -> String {
    let number =
        |x: Option<f64>, places: usize| x.map_or_else(|| "-".to_owned(), |x| format!("{x:.places$}"));
    let star = if row.improved { "*" } else { " " };
    let failed = if row.failed > 0 { format!("  {} failed", row.failed) } else { String::new() };
    format!(
        "{:>5} {:>7} {:>9}{star} {:>8} {:>8} {:>8}  {:>6} {:>8} {:>10}{failed}",
        row.round,
        row.queries,
        number(row.best, 4),
        number(row.range.map(|r| r.min), 4),
        number(row.range.map(|r| r.mean), 4),
        number(row.range.map(|r| r.max), 4),
        number(row.tau, 3),
        number(seconds.ask, 2),
        number(seconds.evaluate, 2),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Digest;
    use crate::report::testing::study;

    #[test]
    fn golden() {
        let rows = Digest::of(&study()).rows();
        let seconds = RoundSeconds { ask: Some(0.25), evaluate: Some(12.5) };
        let lines =
            [round_header(), round_line(&rows[0], RoundSeconds::default()), round_line(&rows[1], seconds)];
        let golden = "\
round queries      best       min     mean      max     tau    ask s evaluate s
    0       4    0.6100*   0.4400   0.5233   0.6100       -        -          -  1 failed
    1       4    0.7500*   0.5800   0.6600   0.7500   0.667     0.25      12.50";
        assert_eq!(lines.join("\n"), golden);
    }
}
