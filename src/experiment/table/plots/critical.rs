//! The critical-difference diagram (Demšar, JMLR 7, 2006), a row a strategy so that it fits every
//! screen.

use crate::experiment::table::TestSummary;
use crate::report::plots::{Axis, Chart, Paint, Shape, Side};

/// Pixels of the row of the critical difference and of each strategy; in it the heights of its name
/// and of its mark; pixels of the row of a bar.
const ROW: f64 = 42.0;
const NAME: f64 = 13.0;
const MARK: f64 = 30.0;
const BAR: f64 = 14.0;

/// Mean ranks on an axis, the best first; bars join strategies whose mean ranks differ by less than
/// the critical difference.
pub(in crate::experiment::table) fn critical_difference(names: &[&str], test: &TestSummary) -> String {
    let mut order: Vec<usize> = (0..names.len()).collect();
    order.sort_by(|&a, &b| test.mean_ranks[a].total_cmp(&test.mean_ranks[b]));
    let groups = groups(&test.mean_ranks, test.critical_difference);
    let height = ROW * (names.len() + 1) as f64 + BAR * (groups.len() + 1) as f64;
    let last = (names.len() as f64).max(1.0 + test.critical_difference);
    let x = Axis::whole("mean rank, 1 is the best", 0.9..last + 0.1);
    let mut chart = Chart::new("Critical-difference diagram", x, Axis::rows(height as usize), height);
    chart = chart.with_sides(8.0, 8.0);
    let difference = test.critical_difference;
    chart.text(Side::Inside, NAME, &format!("critical difference {difference:.2}"));
    chart.bar((1.0, MARK), 1.0 + difference, Paint::Failed);
    for (place, &strategy) in order.iter().enumerate() {
        let (top, rank) = (ROW * (place + 1) as f64, test.mean_ranks[strategy]);
        chart.text(Side::Inside, top + NAME, &format!("{} {rank:.2}", names[strategy]));
        let hint = format!("{}: mean rank {rank:.2}", names[strategy]);
        chart.point((rank, top + MARK), 5.5, Paint::Series(strategy), &hint);
    }
    for (i, &(first, last)) in groups.iter().enumerate() {
        let y = ROW * (names.len() + 1) as f64 + BAR * (i as f64 + 0.7);
        chart.bar((first - 0.04, y), last + 0.04, Paint::Ink);
    }
    if !groups.is_empty() {
        chart.key(Shape::Line, Paint::Ink, "not told apart");
    }
    chart.html()
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

    #[test]
    fn the_best_comes_first() {
        let test = TestSummary {
            measure: crate::experiment::table::Measure::Report,
            mean_ranks: vec![2.75, 1.25, 2.0],
            friedman: 4.0,
            p: 0.1,
            critical_difference: 1.0,
            pairs: Vec::new(),
        };
        let html = critical_difference(&["a", "b", "c"], &test);
        let at = |text: &str| html.find(text).unwrap_or_else(|| panic!("no {text}"));
        assert!(at("critical difference 1.00") < at("b 1.25"));
        assert!(at("b 1.25") < at("c 2.00") && at("c 2.00") < at("a 2.75"));
        // Two overlapping groups, and the difference itself.
        assert_eq!(html.matches("class=\"bar").count(), 3);
    }
}
