//! The critical-difference diagram (Demšar, JMLR 7, 2006).

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::compare::TestSummary;
use crate::report::Plot;
use crate::report::plots::{Area, INK, RED, failed, label, svg};

const WIDTH: i32 = 860;
/// Pixels left and right of the axis, for names.
const SIDE: i32 = 230;
/// Height of the axis.
const AXIS: i32 = 64;
/// Between two names, and between two bars.
const ROW: i32 = 22;
const BAR: i32 = 9;

/// Mean ranks on an axis, the best on the left; bars join strategies whose mean ranks differ by
/// less than the critical difference.
pub(in crate::compare) fn critical_difference(names: &[&str], test: &TestSummary) -> Plot {
    let groups = groups(&test.mean_ranks, test.critical_difference);
    let rows = names.len().div_ceil(2) as i32;
    let foot = AXIS + 14 + BAR * groups.len() as i32;
    let height = foot + ROW * rows + 16;
    svg((WIDTH as u32, height as u32), |area| {
        let diagram = Diagram { area, ranks: &test.mean_ranks };
        diagram.axis(test.critical_difference)?;
        for (i, &(first, last)) in groups.iter().enumerate() {
            let y = AXIS + 10 + BAR * i as i32;
            diagram.line([(diagram.x(first) - 4, y), (diagram.x(last) + 4, y)], INK.stroke_width(4))?;
        }
        diagram.names(names, foot)
    })
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

struct Diagram<'a, 'b> {
    area: &'a Area<'b>,
    ranks: &'a [f64],
}

impl Diagram<'_, '_> {
    /// Where a rank from 1 to the number of strategies stands.
    fn x(&self, rank: f64) -> i32 {
        let last = (self.ranks.len() as f64 - 1.0).max(1.0);
        SIDE + ((rank - 1.0) / last * f64::from(WIDTH - 2 * SIDE)).round() as i32
    }

    fn line(&self, points: impl Into<Vec<(i32, i32)>>, style: ShapeStyle) -> Result<(), String> {
        self.area.draw(&PathElement::new(points.into(), style)).map_err(failed)
    }

    fn text(&self, text: &str, at: (i32, i32), pos: HPos) -> Result<(), String> {
        let style = label(13).pos(Pos::new(pos, VPos::Center));
        self.area.draw(&Text::new(text.to_owned(), at, style)).map_err(failed)
    }

    fn axis(&self, difference: f64) -> Result<(), String> {
        let k = self.ranks.len();
        self.line([(self.x(1.0), AXIS), (self.x(k as f64), AXIS)], INK.stroke_width(1))?;
        for rank in 1..=k {
            let x = self.x(rank as f64);
            self.line([(x, AXIS - 5), (x, AXIS)], INK.stroke_width(1))?;
            self.text(&rank.to_string(), (x, AXIS - 14), HPos::Center)?;
        }
        let (from, to) = (self.x(1.0), self.x((1.0 + difference).min(k as f64)));
        for x in [from, to] {
            self.line([(x, 16), (x, 24)], RED.stroke_width(2))?;
        }
        self.line([(from, 20), (to, 20)], RED.stroke_width(2))?;
        self.text(&format!("critical difference {difference:.2}"), (to + 8, 20), HPos::Left)
    }

    /// Names with their mean ranks: the better half on the left, from the top.
    fn names(&self, names: &[&str], foot: i32) -> Result<(), String> {
        let mut order: Vec<usize> = (0..names.len()).collect();
        order.sort_by(|&a, &b| self.ranks[a].total_cmp(&self.ranks[b]));
        let left = names.len().div_ceil(2);
        for (place, &strategy) in order.iter().enumerate() {
            let (x, rank) = (self.x(self.ranks[strategy]), self.ranks[strategy]);
            let text = format!("{} {rank:.2}", names[strategy]);
            let (row, end, pos) = if place < left {
                (place, SIDE - 12, HPos::Right)
            } else {
                (names.len() - 1 - place, WIDTH - SIDE + 12, HPos::Left)
            };
            let y = foot + 8 + ROW * row as i32;
            self.line([(x, AXIS), (x, y), (end, y)], INK.stroke_width(1))?;
            let gap = if place < left { -4 } else { 4 };
            self.text(&text, (end + gap, y), pos)?;
        }
        Ok(())
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
