//! Parts of the pages and texts of both kinds of experiment.

use super::Pair;
use crate::report::TIMINGS_PAGE;
use crate::report::markup::{dash, foot, note, number, table};

/// What intervals are called: `95 % interval`.
pub(super) fn interval_name(alpha: f64) -> String {
    format!("{} % interval", (1e4 * (1.0 - alpha)).round() / 1e2)
}

/// A probability for people.
pub(super) fn probability(p: f64) -> String {
    if p < 1e-4 { format!("{p:.0e}") } else { format!("{p:.4}") }
}

/// Differences of strategies, paired by seed.
pub(super) struct PairTable<'a> {
    pub(super) pairs: &'a [Pair],
    pub(super) seeds: usize,
    pub(super) alpha: f64,
    /// Whether values are fractions, whose differences are shown in points (hundredths).
    pub(super) fractions: bool,
}

impl PairTable<'_> {
    fn has_intervals(&self) -> bool {
        self.pairs.iter().any(|pair| pair.low.is_some())
    }

    /// A difference, with its sign.
    fn difference(&self, value: f64) -> String {
        if self.fractions {
            format!("{:+.2}", 100.0 * value)
        } else {
            format!("{}{}", if value > 0.0 { "+" } else { "" }, number(value))
        }
    }

    fn heads(&self) -> Vec<String> {
        let difference = if self.fractions { "difference (points)" } else { "difference of means" };
        let mut heads =
            vec!["first strategy".to_owned(), "second strategy".to_owned(), difference.to_owned()];
        heads.extend(self.has_intervals().then(|| interval_name(self.alpha)));
        let rest = ["seeds won by the first", "seeds won by the second", "equal seeds", "p", "p after Holm"];
        heads.extend(rest.map(str::to_owned));
        heads
    }

    fn row(&self, pair: &Pair) -> Vec<String> {
        let mut row = vec![pair.a.clone(), pair.b.clone(), self.difference(pair.difference)];
        row.extend(self.has_intervals().then(|| match (pair.low, pair.high) {
            (Some(low), Some(high)) => {
                format!("{} to {}", self.difference(low), self.difference(high))
            }
            _ => dash(),
        }));
        let equal = self.seeds.saturating_sub(pair.unpaired + pair.wins + pair.losses);
        row.extend([pair.wins, pair.losses, equal].map(|seeds| seeds.to_string()));
        row.extend([probability(pair.p), probability(pair.p_holm)]);
        row
    }

    /// The table; `label` names it.
    pub(super) fn html(&self, label: &str) -> String {
        let heads = self.heads();
        let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
        table("pairs", label, &heads, self.pairs.iter().map(|pair| self.row(pair)))
    }

    /// The table as text.
    pub(super) fn markdown(&self) -> String {
        let heads = self.heads();
        let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
        markdown_table(&heads, &self.pairs.iter().map(|pair| self.row(pair)).collect::<Vec<_>>())
    }
}

/// How a page ends.
pub(super) fn end() -> String {
    note(&format!("Times are in {TIMINGS_PAGE}, beside this page.")) + &foot()
}

/// A table in Markdown.
pub(super) fn markdown_table(heads: &[&str], rows: &[Vec<String>]) -> String {
    let line = |row: &Vec<String>| format!("| {} |\n", row.join(" | "));
    let rows: String = rows.iter().map(line).collect();
    format!("| {} |\n|{}\n{rows}", heads.join(" | "), " --- |".repeat(heads.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_called_by_their_probability() {
        for (alpha, name) in [(0.05, "95 % interval"), (0.07, "93 % interval"), (0.005, "99.5 % interval")] {
            assert_eq!(interval_name(alpha), name);
        }
    }

    #[test]
    fn a_table_has_a_column_of_intervals_where_there_is_one() {
        let pair = Pair {
            a: "a".into(),
            b: "b".into(),
            difference: 0.012,
            low: None,
            high: None,
            wins: 3,
            losses: 1,
            unpaired: 0,
            p: 0.25,
            p_holm: 1.0,
        };
        let row = |pair: &Pair, fractions| {
            let pairs = std::slice::from_ref(pair);
            let table = PairTable { pairs, seeds: 5, alpha: 0.05, fractions };
            assert_eq!(table.heads().len(), table.row(pair).len());
            table.row(pair).join(", ")
        };
        assert_eq!(row(&pair, false), "a, b, +0.0120, 3, 1, 1, 0.2500, 1.0000");
        let with = Pair { low: Some(-0.001), high: Some(0.02), ..pair };
        assert_eq!(row(&with, true), "a, b, +1.20, -0.10 to +2.00, 3, 1, 1, 0.2500, 1.0000");
        let fewer = Pair { unpaired: 1, ..with };
        assert_eq!(row(&fewer, true), "a, b, +1.20, -0.10 to +2.00, 3, 1, 0, 0.2500, 1.0000");
    }
}
