//! Axes: ranges of values with round ticks.

use std::ops::Range;

use crate::report::markup::number;

/// Ticks of an axis, about.
const TICKS: f64 = 6.0;

/// One axis of a chart.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Axis {
    /// Written beside it; may be empty.
    pub(crate) title: String,
    /// The values at both of its ends; may fall.
    pub(crate) range: Range<f64>,
    /// The values that are labelled.
    pub(crate) ticks: Vec<f64>,
    /// Decimals of the labels.
    places: usize,
}

impl Axis {
    /// An axis with about six round ticks.
    pub(crate) fn new(title: &str, range: Range<f64>) -> Self {
        let step = round_step((range.end - range.start) / TICKS);
        Self::with_step(title, range, step)
    }

    /// An axis of counts: its ticks are whole numbers.
    pub(crate) fn whole(title: &str, range: Range<f64>) -> Self {
        let step = round_step((range.end - range.start) / TICKS).max(1.0);
        Self::with_step(title, range, step)
    }

    /// An axis of `rows` rows from the top, without ticks.
    pub(crate) fn rows(rows: usize) -> Self {
        Self { title: String::new(), range: 0.0..rows as f64, ticks: Vec::new(), places: 0 }
    }

    fn with_step(title: &str, range: Range<f64>, step: f64) -> Self {
        let (first, last) = ((range.start / step).ceil() as i64, (range.end / step).floor() as i64);
        let ticks = (first..=last).map(|i| i as f64 * step).collect();
        let places = (-(step * 1.000_001).log10().floor()).clamp(0.0, 9.0) as usize;
        Self { title: title.to_owned(), range, ticks, places }
    }

    /// Where a value lies: 0 at the start of the axis, 1 at its end.
    pub(crate) fn part(&self, value: f64) -> f64 {
        (value - self.range.start) / (self.range.end - self.range.start)
    }

    /// A tick as text.
    pub(crate) fn label(&self, tick: f64) -> String {
        // A sum of steps may be -0.
        let tick = tick + 0.0;
        if tick.abs() >= 10_000.0 { number(tick) } else { format!("{tick:.*}", self.places) }
    }

    /// Characters of the longest label.
    pub(crate) fn widest(&self) -> usize {
        self.ticks.iter().map(|&tick| self.label(tick).chars().count()).max().unwrap_or(0)
    }
}

/// The smallest of 1, 2, 5 times a power of ten that is not below `step`; 1 for no step at all.
fn round_step(step: f64) -> f64 {
    if !(step.is_finite() && step > 0.0) {
        return 1.0;
    }
    let power = 10_f64.powf(step.log10().floor());
    let factor = [1.0, 2.0, 5.0, 10.0].into_iter().find(|factor| factor * power >= step * 0.999_999);
    factor.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    #![allow(clippy::float_cmp)]

    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        let axis = Axis::new("score", 0.513..0.824);
        assert_eq!(axis.ticks.iter().map(|&t| axis.label(t)).collect::<Vec<_>>(), ["0.6", "0.7", "0.8"]);
        let axis = Axis::new("score", 0.50..0.56);
        assert_eq!(axis.label(axis.ticks[1]), "0.51");
        let axis = Axis::new("macs", 0.0..40_000.0);
        assert_eq!(axis.label(axis.ticks[1]).replace('\u{202f}', " "), "10 000");
        let axis = Axis::new("difference", -1.0..1.0);
        assert_eq!(
            axis.ticks.iter().map(|&t| axis.label(t)).collect::<Vec<_>>(),
            ["-1.0", "-0.5", "0.0", "0.5", "1.0"]
        );
    }

    #[test]
    fn counts_have_whole_ticks() {
        assert_eq!(Axis::whole("epoch", -0.5..2.5).ticks, [0.0, 1.0, 2.0]);
        assert_eq!(Axis::whole("query", 0.5..150.5).ticks, [50.0, 100.0, 150.0]);
        assert_eq!(Axis::whole("query", 0.5..0.5).ticks, [] as [f64; 0]);
    }

    #[test]
    fn steps_are_1_2_or_5_times_a_power_of_ten() {
        for (step, round) in
            [(0.9, 1.0), (1.0, 1.0), (1.2, 2.0), (3.0, 5.0), (6.0, 10.0), (0.03, 0.05), (0.0, 1.0)]
        {
            assert!((round_step(step) - round).abs() < 1e-12, "{step}");
        }
        assert_eq!(round_step(f64::NAN), 1.0);
    }

    #[test]
    fn rows_run_downwards() {
        let rows = Axis::rows(4);
        assert_eq!((rows.part(0.0), rows.part(4.0), rows.widest()), (0.0, 1.0, 0));
    }
}
