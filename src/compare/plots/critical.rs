//! The critical-difference diagram (Demšar, JMLR 7, 2006).

use std::fmt::Write;

use crate::compare::TestSummary;
use crate::drawing::escape;
use crate::report::markup::scroll;

/// Pixels of the axis, its height, between two names, and between two bars.
const AXIS_WIDTH: f64 = 380.0;
const AXIS: f64 = 80.0;
const ROW: f64 = 24.0;
const BAR: f64 = 10.0;
/// Pixels of a character of a name, and the least share of its size at which text is legible.
const CHARACTER: f64 = 7.4;
const LEAST: f64 = 0.89;

/// Mean ranks on an axis, the best on the left; bars join strategies whose mean ranks differ by
/// less than the critical difference.
pub(in crate::compare) fn critical_difference(names: &[&str], test: &TestSummary) -> String {
    let longest = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let groups = groups(&test.mean_ranks, test.critical_difference);
    let foot = AXIS + 14.0 + BAR * groups.len() as f64;
    let side = CHARACTER * (longest + 5) as f64 + 24.0;
    let mut diagram = Diagram { ranks: &test.mean_ranks, side, marks: String::new() };
    diagram.axis(test.critical_difference);
    for (i, &(first, last)) in groups.iter().enumerate() {
        let y = AXIS + 10.0 + BAR * i as f64;
        diagram.line("joined", &[(diagram.x(first) - 4.0, y), (diagram.x(last) + 4.0, y)]);
    }
    diagram.names(names, foot);
    let (width, height) = (diagram.width(), foot + ROW * names.len().div_ceil(2) as f64 + 10.0);
    let svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"ranks\" role=\"img\" aria-label=\"Critical-difference diagram\" \
         viewBox=\"0 0 {width:.0} {height:.0}\" style=\"max-width:{width:.0}px;min-width:{:.0}px\">\n{}</svg>\n",
        LEAST * width,
        diagram.marks
    );
    scroll("Critical-difference diagram", &svg)
}

/// First and last mean rank of every group that no two members of differ by the critical
/// difference, largest groups only, of two or more.
fn groups(mean_ranks: &[f64], difference: f64) -> Vec<(f64, f64)> {
    let mut sorted = mean_ranks.to_vec();
    sorted.sort_by(f64::total_cmp);
    let mut groups = Vec::new();
    let mut reached = 0;
    for start in 0..sorted.len() {
        let end = sorted.partition_point(|rank| rank - sorted[start] < difference);
        if end > reached && end - start > 1 {
            groups.push((sorted[start], sorted[end - 1]));
        }
        reached = reached.max(end);
    }
    groups
}

struct Diagram<'a> {
    ranks: &'a [f64],
    /// Pixels left and right of the axis, for names.
    side: f64,
    marks: String,
}

impl Diagram<'_> {
    fn width(&self) -> f64 {
        AXIS_WIDTH + 2.0 * self.side
    }

    /// Where a rank from 1 to the number of strategies stands.
    fn x(&self, rank: f64) -> f64 {
        let last = (self.ranks.len() as f64 - 1.0).max(1.0);
        self.side + (rank - 1.0) / last * AXIS_WIDTH
    }

    fn line(&mut self, class: &str, points: &[(f64, f64)]) {
        let places: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1} {y:.1}")).collect();
        let _ = writeln!(self.marks, "<path class=\"{class}\" d=\"M{}\"/>", places.join("L"));
    }

    fn text(&mut self, text: &str, (x, y): (f64, f64), anchor: &str) {
        let (y, text) = (y + 4.5, escape(text));
        let _ =
            writeln!(self.marks, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>");
    }

    fn axis(&mut self, difference: f64) {
        let k = self.ranks.len();
        self.line("axis-line", &[(self.x(1.0), AXIS), (self.x(k as f64), AXIS)]);
        for rank in 1..=k {
            let x = self.x(rank as f64);
            self.line("axis-line", &[(x, AXIS - 5.0), (x, AXIS)]);
            self.text(&rank.to_string(), (x, AXIS - 16.0), "middle");
        }
        let (from, to) = (self.x(1.0), self.x((1.0 + difference).min(k as f64)));
        self.text(&format!("critical difference {difference:.2}"), (from, 10.0), "start");
        self.line("difference", &[(from, 24.0), (from, 32.0)]);
        self.line("difference", &[(to, 24.0), (to, 32.0)]);
        self.line("difference", &[(from, 28.0), (to, 28.0)]);
    }

    /// Names with their mean ranks: the better half on the left, from the top.
    fn names(&mut self, names: &[&str], foot: f64) {
        let mut order: Vec<usize> = (0..names.len()).collect();
        order.sort_by(|&a, &b| self.ranks[a].total_cmp(&self.ranks[b]));
        let left = names.len().div_ceil(2);
        for (place, &strategy) in order.iter().enumerate() {
            let (x, rank) = (self.x(self.ranks[strategy]), self.ranks[strategy]);
            let text = format!("{} {rank:.2}", names[strategy]);
            let (row, end, gap, anchor) = if place < left {
                (place, self.side - 14.0, -5.0, "end")
            } else {
                (names.len() - 1 - place, self.width() - self.side + 14.0, 5.0, "start")
            };
            let y = foot + 8.0 + ROW * row as f64;
            self.line("axis-line", &[(x, AXIS), (x, y), (end, y)]);
            self.text(&text, (end + gap, y), anchor);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::float_cmp)]

    use super::*;

    #[test]
    fn groups_join_what_does_not_differ() {
        // Demšar's example: 1.964, 2.000, 2.893, 3.143 with 1.25: two groups of overlapping pairs.
        assert_eq!(groups(&[3.143, 2.0, 2.893, 1.964], 1.25), [(1.964, 3.143)]);
        assert_eq!(groups(&[3.143, 2.0, 2.893, 1.964], 1.0), [(1.964, 2.893), (2.893, 3.143)]);
        assert_eq!(groups(&[1.0, 2.0, 3.0], 0.5), []);
        assert_eq!(groups(&[1.0, 1.4, 1.8], 0.5), [(1.0, 1.4), (1.4, 1.8)]);
    }
}
