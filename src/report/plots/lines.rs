//! Lines over epochs and rounds.

use bonas_supernet::differentiable::Epoch;

use super::{Axis, Chart, Paint, Shape, TALL, extent};
use crate::report::{Drift, FinalResult};

/// Places along a line that say their values, at most.
const COLUMNS: usize = 80;

/// What lines show, and over what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Curves<'a> {
    /// What the values are.
    pub(crate) title: &'a str,
    /// What they are counted by.
    pub(crate) by: &'a str,
    /// Whether the axis of the values has 0.
    pub(crate) from_zero: bool,
}

impl<'a> Curves<'a> {
    /// Values by epoch, on an axis that has 0.
    pub(crate) fn by_epoch(title: &'a str) -> Self {
        Self { title, by: "epoch", from_zero: true }
    }
}

/// A named line, one value an epoch or round from 0; what is not finite is left out.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Line {
    /// What the legend says; empty for a line that the title of the axis says all about.
    pub(crate) name: String,
    /// Its values.
    pub(crate) values: Vec<f64>,
}

/// Lines of some values. None without a value.
pub(crate) fn lines(lines: &[Line], curves: Curves<'_>) -> Option<String> {
    let Curves { title, by, from_zero } = curves;
    let zero = from_zero.then_some(0.0);
    let y = extent(lines.iter().flat_map(|line| line.values.iter().copied()).chain(zero), 0.06)?;
    let epochs = lines.iter().map(|line| line.values.len()).max().filter(|&n| n > 0)?;
    let x = Axis::whole(by, -0.5..epochs as f64 - 0.5);
    let mut chart = Chart::new(&format!("{title} by {by}"), x, Axis::new(title, y), TALL);
    for (i, line) in lines.iter().enumerate() {
        let points = line.values.iter().enumerate().map(|(e, &v)| (e as f64, v));
        let points: Vec<(f64, f64)> = points.filter(|(_, value)| value.is_finite()).collect();
        chart.line(&points, Paint::Series(i));
        if !line.name.is_empty() {
            chart.key(Shape::Line, Paint::Series(i), &line.name);
        }
    }
    for (epoch, from, to) in columns(0, epochs - 1) {
        let value = |line: &Line| {
            let name = if line.name.is_empty() { title } else { &line.name };
            let value = line.values.get(epoch).filter(|value| value.is_finite())?;
            Some(format!("{name}: {value:.4}"))
        };
        let values: Vec<String> = lines.iter().filter_map(value).collect();
        chart.column(from, to, &format!("{by} {epoch}\n{}", values.join("\n")));
    }
    Some(chart.html())
}

/// Whole numbers from `first` to `last`, thinned out to at most some eighty, each with the ends of
/// the part of the axis that is nearest to it.
pub(crate) fn columns(first: usize, last: usize) -> Vec<(usize, f64, f64)> {
    let step = (last + 1 - first).div_ceil(COLUMNS);
    // Counted from the end, so that the last one is always there.
    let mut places: Vec<usize> = (first..=last).rev().step_by(step).collect();
    places.reverse();
    let middle = |a: usize, b: usize| f64::midpoint(a as f64, b as f64);
    let column = |i: usize| {
        let from = if i == 0 { first as f64 - 0.5 } else { middle(places[i - 1], places[i]) };
        let to = places.get(i + 1).map_or(last as f64 + 0.5, |&next| middle(places[i], next));
        (places[i], from, to)
    };
    (0..places.len()).map(column).collect()
}

/// Operations without weights (skips and pools) and skips alone in each of the cells by epoch.
/// `cells` are the cells' names.
pub(crate) fn weight_free_by_epoch(trajectory: &[Epoch], cells: &[&str]) -> Option<String> {
    let line = |cell: usize, what: &str, count: fn(&Epoch) -> [usize; 2]| {
        let cell_name = cells.get(cell).map_or_else(|| format!("cell {cell}"), |name| format!("{name} cell"));
        let values = trajectory.iter().map(|epoch| count(epoch)[cell] as f64).collect();
        Line { name: format!("{cell_name}: {what}"), values }
    };
    let both = |cell| [line(cell, "skips and pools", |e| e.weight_free), line(cell, "skips", |e| e.skips)];
    lines(&[both(0), both(1)].concat(), Curves::by_epoch("operations of 8"))
}

/// Mean ranks of the architectures of each round among random ones.
pub(crate) fn standing_by_round(drift: &Drift) -> Option<String> {
    let line = |name: &str, values: &[f64]| Line { name: name.into(), values: values.to_vec() };
    let known = drift.macs.iter().any(|rank| rank.is_finite());
    let mut all = vec![line("skips", &drift.skips)];
    all.extend(known.then(|| line("multiply-adds", &drift.macs)));
    lines(&all, Curves { title: "mean rank", by: "round", from_zero: true })
}

/// The learning curve of a differentiable search: mean training loss of the network's weights.
pub(crate) fn loss_by_epoch(trajectory: &[Epoch]) -> Option<String> {
    let values = trajectory.iter().map(|epoch| epoch.loss).collect();
    lines(&[Line { name: String::new(), values }], Curves::by_epoch("training loss"))
}

/// The learning curves of final training: mean training loss of the winner over its seeds, and of all networks
/// drawn at random. None where no curve is known.
pub(crate) fn final_loss_by_epoch(results: &[FinalResult]) -> Option<String> {
    let (winner, random) = results.split_first()?;
    let curves = |results: &[FinalResult]| -> Vec<f64> {
        let all: Vec<&Vec<f64>> = results.iter().flat_map(|one| &one.losses).collect();
        let epochs = all.iter().map(|curve| curve.len()).min().unwrap_or(0);
        let mean = |epoch: usize| all.iter().map(|curve| curve[epoch]).sum::<f64>() / all.len() as f64;
        (0..epochs).map(mean).collect()
    };
    let line = |name: &str, results| Line { name: name.to_owned(), values: curves(results) };
    let both = [line("winner", std::slice::from_ref(winner)), line("random, mean", random)];
    let both: Vec<Line> = both.into_iter().filter(|line| !line.values.is_empty()).collect();
    lines(&both, Curves::by_epoch("training loss"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::trajectory;

    #[test]
    fn there_is_a_line_a_cell_and_count() {
        assert!(weight_free_by_epoch(&[], &[]).is_none());
        let html = weight_free_by_epoch(&trajectory(), &["normal", "reduction"]).unwrap();
        for name in ["normal cell: skips and pools", "reduction cell: skips"] {
            assert!(html.contains(name), "{name}");
        }
        assert!(weight_free_by_epoch(&trajectory(), &[]).unwrap().contains("cell 1: skips"));
    }

    #[test]
    fn finalists_have_the_mean_of_their_curves() {
        let of = |losses: &[&[f64]]| FinalResult {
            losses: losses.iter().map(|curve| curve.to_vec()).collect(),
            ..FinalResult::default()
        };
        let results = [of(&[&[2.0, 1.0], &[1.0, 0.5]]), of(&[&[3.0, 2.0]]), of(&[&[2.0, 2.0]]), of(&[])];
        let html = final_loss_by_epoch(&results).unwrap();
        for text in ["epoch 0\nwinner: 1.5000\nrandom, mean: 2.5000", "winner: 0.7500\nrandom, mean: 2.0000"]
        {
            assert!(html.contains(text), "{text} in {html}");
        }
        let alone = final_loss_by_epoch(&results[..1]).unwrap();
        assert!(alone.contains("winner: 0.7500") && !alone.contains("random"));
        assert!(final_loss_by_epoch(&[]).is_none() && final_loss_by_epoch(&[of(&[])]).is_none());
    }

    #[test]
    fn every_epoch_says_its_values() {
        let html = loss_by_epoch(&trajectory()).unwrap();
        for text in ["epoch 0\ntraining loss: 2.0000", "epoch 2\ntraining loss: 1.0000"] {
            assert!(html.contains(text), "{text}");
        }
        assert!(!html.contains("legend"), "one line needs none");
    }

    #[test]
    fn columns_meet_and_have_the_last() {
        assert_eq!(columns(0, 0), [(0, -0.5, 0.5)]);
        assert_eq!(columns(1, 3), [(1, 0.5, 1.5), (2, 1.5, 2.5), (3, 2.5, 3.5)]);
        let many = columns(1, 1000);
        assert!(many.len() <= COLUMNS && many.last().unwrap().0 == 1000);
        assert!(many.windows(2).all(|two| (two[0].2 - two[1].1).abs() < 1e-9));
    }
}
