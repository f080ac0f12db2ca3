//! An explanation for a terminal.

use std::fmt::Write;

use super::facts::{Effect, Explanation, First, Importance, ImportanceKind, Interval, Winner};
use crate::report::markup::number;

/// Most places, and most importances, that are printed; the page and JSON have all.
const PRINTED: usize = 10;

impl Explanation {
    /// The explanation in words and tables of at most 120 columns, but for architectures.
    pub fn text(&self) -> String {
        let mut text = self.lead();
        self.effects(&mut text);
        self.importances(&mut text);
        if let Some(winner) = &self.winner {
            of_winner(winner, &mut text);
        }
        if let Some(first) = &self.first {
            of_first(first, &mut text);
        }
        if !self.remarks.is_empty() {
            text.push('\n');
            self.remarks.iter().for_each(|remark| {
                let _ = writeln!(text, "note: {remark}");
            });
        }
        text
    }

    /// What was fitted to what.
    pub(super) fn lead(&self) -> String {
        let Explanation { space, surrogate, counts, .. } = self;
        let failed = if counts.failed > 0 { format!(", {} failed", counts.failed) } else { String::new() };
        format!(
            "{space}: {surrogate} fitted to {} scores of {} architectures{failed}\n",
            counts.fitted, counts.evaluated
        )
    }

    fn effects(&self, text: &mut String) {
        if self.operations.is_empty() {
            return;
        }
        let row = |effect: &Effect| {
            vec![
                effect.operation.clone(),
                signed(effect.effect.value),
                range(&effect.effect),
                effect.count.to_string(),
            ]
        };
        let heads = ["operation", "effect", "95 % interval", "placements"];
        text.push_str("\nEffect on the predicted score, compared with the others at its place\n");
        table(&heads, &self.operations.iter().map(row).collect::<Vec<_>>(), text);
        if self.places.len() < 2 {
            return;
        }
        let mut places: Vec<_> = self.places.iter().collect();
        places.sort_by(|a, b| b.spread.total_cmp(&a.spread));
        let rows = places.iter().take(PRINTED).filter_map(|place| {
            let (best, worst) = (place.effects.first()?, place.effects.last()?);
            let said = |effect: &Effect| format!("{} {}", effect.operation, signed(effect.effect.value));
            Some(vec![place.place.clone(), number(place.spread), said(best), said(worst)])
        });
        text.push_str("\nPlaces where it matters most which operation stands there\n");
        table(&["place", "spread", "best", "worst"], &rows.collect::<Vec<_>>(), text);
        more(places.len(), text);
    }

    fn importances(&self, text: &mut String) {
        let Some(tau) = self.tau else { return };
        let _ = writeln!(text, "\nKendall's tau of predictions for what was left out of the fit: {tau:.3}");
        for (kind, title) in [
            (ImportanceKind::Feature, "drop when permuted: feature"),
            (ImportanceKind::Place, "drop when permuted: operation at"),
        ] {
            let of_kind: Vec<&Importance> = self.importance.iter().filter(|one| one.kind == kind).collect();
            if of_kind.is_empty() {
                continue;
            }
            let row = |one: &&Importance| {
                let range = one.drop.low.zip(one.drop.high);
                let range = range.map_or_else(String::new, |(low, high)| format!("{low:+.3} to {high:+.3}"));
                vec![one.name.clone(), format!("{:+.3}", one.drop.value), range]
            };
            text.push('\n');
            table(
                &[title, "drop", "95 % of permutations"],
                &of_kind.iter().take(PRINTED).map(row).collect::<Vec<_>>(),
                text,
            );
            more(of_kind.len(), text);
        }
    }
}

fn of_winner(winner: &Winner, text: &mut String) {
    let score =
        winner.score.map_or_else(|| "no score".to_owned(), |score| format!("score {}", number(score)));
    let _ = writeln!(text, "\nWinner {}\n{score}, expected {}", winner.arch, number(winner.median));
    if !winner.operations.is_empty() {
        text.push_str(
            "\nWhat its operations are worth: change of the predicted score when another takes their place\n",
        );
        let row = |one: &super::facts::Replacement| {
            vec![
                one.place.clone(),
                one.operation.clone(),
                signed(one.change.value),
                range(&one.change),
                format!("{} {}", one.best, signed(one.best_change)),
            ]
        };
        let rows: Vec<_> = winner.operations.iter().take(PRINTED).map(row).collect();
        table(&["place", "operation", "mean change", "95 % interval", "best other"], &rows, text);
        more(winner.operations.len(), text);
    }
    if !winner.neighbours.is_empty() {
        text.push_str("\nMeasured architectures nearest to it\n");
    }
    for near in &winner.neighbours {
        let changes = if near.distance == 1 { "change" } else { "changes" };
        let said = near.differences.join("; ");
        let limits = if near.breaks_limit { ", breaks a limit" } else { "" };
        let _ = writeln!(text, "  {}  {} {changes}{limits}: {said}", number(near.score), near.distance);
    }
}

fn of_first(first: &First, text: &mut String) {
    let noise = first.noise.map_or_else(String::new, |noise| {
        format!("; noise of a measurement there: standard deviation {}", number(noise))
    });
    let _ = writeln!(text, "\nIs the first truly better? Highest score {}{noise}", number(first.score));
    let row = |rival: &super::facts::Rival| {
        vec![
            rival.rank.to_string(),
            number(rival.score),
            number(rival.lead),
            number(rival.expected_lead),
            rival.noise_share.map_or_else(|| "-".to_owned(), share),
            format!("{:.3}", rival.probability),
        ]
    };
    let heads = ["rank", "score", "lead of the first", "expected lead", "noise", "P(first better)"];
    table(&heads, &first.rivals.iter().map(row).collect::<Vec<_>>(), text);
}

/// A share of a lead in percent; all of it where the rival is expected to be better.
pub(super) fn share(share: f64) -> String {
    format!("{:.0} %", 100.0 * share.clamp(0.0, 1.0))
}

/// A number with its sign; a small one in powers of ten.
pub(super) fn signed(value: f64) -> String {
    match value.abs() {
        size if size > 0.0 && size < 0.0005 => format!("{value:+.1e}"),
        _ => format!("{}{}", if value >= 0.0 { "+" } else { "" }, number(value)),
    }
}

/// The ends of an interval, or a dash.
pub(super) fn range(interval: &Interval) -> String {
    let ends = interval.low.zip(interval.high);
    ends.map_or_else(|| "-".to_owned(), |(low, high)| format!("{} to {}", signed(low), signed(high)))
}

fn more(count: usize, text: &mut String) {
    if count > PRINTED {
        let _ = writeln!(text, "  and {} more, in the page and in JSON", count - PRINTED);
    }
}

/// A table with two spaces between its columns; the first column is aligned left, the others right, but those of words.
fn table(heads: &[&str], rows: &[Vec<String>], text: &mut String) {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([heads[column].chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..heads.len()).map(width).collect();
    let head: Vec<String> = heads.iter().map(|&head| head.to_owned()).collect();
    for row in [&head].into_iter().chain(rows) {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}")).collect();
        let _ = writeln!(text, "  {}", cells.join("  ").trim_end());
    }
}
