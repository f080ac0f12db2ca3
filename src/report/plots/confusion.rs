//! A confusion matrix.

use super::{Axis, Chart, Side};

/// Pixels of a row: of a few classes, and least of many.
const ROW: f64 = 26.0;
const LEAST: f64 = 8.0;
/// Most pixels of all rows where they need not be larger than the least.
const TALLEST: f64 = 520.0;
/// Pixels of a letter in a label, and between label and frame.
const LETTER: f64 = 7.2;
const GAP: f64 = 16.0;
/// Most letters of a label.
const LONGEST: usize = 14;

/// Most classes that are drawn: the page grows with their square.
pub(crate) const DRAWN: usize = 100;

/// A heat map: a row a class, a column an answer; shades are shares of the class. None without an image and for more than
/// [`DRAWN`] classes.
pub(crate) fn confusion(classes: &[String], counts: &[Vec<usize>]) -> Option<String> {
    if classes.len() > DRAWN || counts.iter().flatten().all(|&count| count == 0) {
        return None;
    }
    let k = classes.len();
    let row = (TALLEST / k as f64).clamp(LEAST, ROW);
    let x = Axis::whole("answer, by place in the list of classes", -0.5..k as f64 - 0.5);
    let title = "Answers by class: a row a class, a column an answer";
    let labels: Vec<String> =
        classes.iter().enumerate().map(|(i, class)| format!("{} {i}", shortened(class))).collect();
    let widest = labels.iter().map(|label| label.chars().count()).max().unwrap_or(0);
    // Of many classes there is room for every n-th label.
    let step = (13.0 / row).ceil().max(1.0) as usize;
    let chart = Chart::new(title, x, Axis::rows(k), row * k as f64);
    let mut chart = chart.with_sides(GAP + LETTER * widest as f64, 22.0);
    for (class, counts) in counts.iter().enumerate() {
        let all: usize = counts.iter().sum();
        if class % step == 0 {
            chart.text(Side::Left, class as f64 + 0.5, &labels[class]);
        }
        for (answer, &count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let share = count as f64 / all as f64;
            let hint = format!("{} taken for {}: {count} of {all}", classes[class], classes[answer]);
            let (from, to) = (answer as f64 - 0.5, answer as f64 + 0.5);
            chart.tile((from, class as f64), (to, class as f64 + 1.0), share, &hint);
        }
    }
    chart.scale("share of the class", "0", "1");
    Some(chart.html())
}

fn shortened(name: &str) -> String {
    if name.chars().count() <= LONGEST {
        return name.to_owned();
    }
    name.chars().take(LONGEST - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_that_was_given_is_a_tile_with_its_number() {
        let classes = ["cat".to_owned(), "a very long name of a <class>".to_owned()];
        assert_eq!(confusion(&classes, &[vec![0, 0], vec![0, 0]]), None);
        let html = confusion(&classes, &[vec![3, 1], vec![0, 0]]).unwrap();
        assert_eq!(html.matches("<rect class=\"hit\"").count(), 2);
        assert!(html.contains("cat taken for a very long name of a &lt;class&gt;: 1 of 4"), "{html}");
        assert!(html.contains(">a very long n… 1<") && !html.contains("NaN"), "{html}");
    }

    #[test]
    fn many_classes_are_not_drawn() {
        let of = |k: usize| confusion(&vec!["c".to_owned(); k], &vec![vec![1; k]; k]);
        assert!(of(DRAWN).is_some() && of(DRAWN + 1).is_none());
    }
}
