//! The plots of pages, each as HTML: an SVG element with its legend beside it.

mod alphas;
mod axis;
mod calibration;
mod chart;
mod confusion;
mod embedding;
mod intervals;
mod lines;
mod score;
mod strips;
mod tau;

use std::ops::Range;

pub(crate) use alphas::alphas;
pub(crate) use axis::Axis;
pub(crate) use calibration::calibration;
pub(crate) use chart::{Chart, Paint, Shape, Side};
pub(crate) use confusion::{DRAWN, confusion};
pub(crate) use embedding::embedding;
pub(crate) use intervals::{Measured, intervals};
pub(crate) use lines::{Curves, Line, lines};
pub(crate) use lines::{
    columns, final_loss_by_epoch, loss_by_epoch, standing_by_round, weight_free_by_epoch,
};
pub(crate) use score::score_by_query;
pub(crate) use strips::{Strip, strips};
pub(crate) use tau::tau_by_round;

/// Heights of charts in pixels: of those that take the whole page, and of two beside each other.
pub(crate) const TALL: f64 = 320.0;
pub(crate) const SHORT: f64 = 280.0;

/// The extent of some numbers with a margin on both sides; a unit interval around a single value.
pub(crate) fn extent(values: impl IntoIterator<Item = f64>, margin: f64) -> Option<Range<f64>> {
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for value in values.into_iter().filter(|v| v.is_finite()) {
        (low, high) = (low.min(value), high.max(value));
    }
    if low > high {
        return None;
    }
    let pad = if high > low { margin * (high - low) } else { 0.5 * low.abs().max(0.1) };
    Some(low - pad..high + pad)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extents_are_never_empty() {
        assert_eq!(extent([], 0.1), None);
        assert_eq!(extent([f64::NAN], 0.1), None);
        let one = extent([0.5], 0.1).unwrap();
        assert!(one.start < 0.5 && one.end > 0.5);
        assert_eq!(extent([0.0, 1.0], 0.0), Some(0.0..1.0));
    }
}
