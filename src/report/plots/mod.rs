//! The report's plots, each an SVG element as text.

mod alphas;
mod calibration;
mod embedding;
mod lines;
mod score;
mod tau;

use std::ops::Range;

use plotters::coord::Shift;
use plotters::prelude::*;

pub use alphas::alphas;
pub use calibration::calibration;
pub use embedding::embedding;
pub use lines::{Line, lines, weight_free_by_epoch};
pub use score::score_by_query;
pub use tau::tau_by_round;

/// An SVG element, or why it could not be drawn.
pub type Plot = Result<String, String>;

pub(crate) const INK: RGBColor = RGBColor(0x33, 0x3d, 0x47);
pub(crate) const GRID: RGBColor = RGBColor(0xe4, 0xe8, 0xec);
const BAND: RGBColor = RGBColor(0xf2, 0xf5, 0xf8);
pub(crate) const BLUE: RGBColor = RGBColor(0x1f, 0x6f, 0xb4);
pub(crate) const ORANGE: RGBColor = RGBColor(0xd9, 0x6c, 0x1a);
pub(crate) const GREY: RGBColor = RGBColor(0x8a, 0x95, 0xa0);
pub(crate) const RED: RGBColor = RGBColor(0xc0, 0x39, 0x2b);

pub(crate) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Draws on a fresh SVG of a size in pixels.
pub(crate) fn svg(size: (u32, u32), draw: impl FnOnce(&Area<'_>) -> Result<(), String>) -> Plot {
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, size).into_drawing_area();
        draw(&area)?;
        area.present().map_err(failed)?;
    }
    // Inline in HTML an XML declaration would be out of place.
    Ok(text.find("<svg").map(|start| text[start..].to_owned()).unwrap_or(text))
}

pub(crate) fn failed<E: std::fmt::Display>(error: E) -> String {
    error.to_string()
}

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

/// Decimals that tell the ends of a range apart.
pub(crate) fn decimals(range: &Range<f64>) -> usize {
    let span = range.end - range.start;
    (1.5 - span.log10()).ceil().clamp(0.0, 6.0) as usize
}

/// Dark violet over green to yellow (after viridis), for `t` in `[0, 1]`.
fn shade(t: f64) -> RGBColor {
    const STOPS: [(f64, f64, f64); 5] =
        [(68., 1., 84.), (59., 82., 139.), (33., 145., 140.), (94., 201., 98.), (240., 220., 40.)];
    let t = if t.is_nan() { 0.0 } else { t.clamp(0.0, 1.0) };
    let at = t * (STOPS.len() - 1) as f64;
    let i = (at as usize).min(STOPS.len() - 2);
    let (a, b, part) = (STOPS[i], STOPS[i + 1], at - i as f64);
    let mix = |a: f64, b: f64| (a + (b - a) * part).round() as u8;
    RGBColor(mix(a.0, b.0), mix(a.1, b.1), mix(a.2, b.2))
}

/// A colour a strategy, well told apart also without colour vision (Okabe and Ito, 2008), then
/// again from the start.
pub(crate) fn colour(strategy: usize) -> RGBColor {
    const COLOURS: [RGBColor; 8] = [
        RGBColor(0, 114, 178),
        RGBColor(213, 94, 0),
        RGBColor(0, 158, 115),
        RGBColor(204, 121, 167),
        RGBColor(86, 180, 233),
        RGBColor(230, 159, 0),
        RGBColor(90, 90, 90),
        RGBColor(150, 80, 20),
    ];
    COLOURS[strategy % COLOURS.len()]
}

pub(crate) fn label(size: u32) -> TextStyle<'static> {
    TextStyle::from(("sans-serif", size)).color(&INK)
}

/// Draws axes and grid in the report's manner: at most `ticks` labels an axis.
macro_rules! mesh {
    ($chart:expr, $x:expr, $y:expr, $x_label:expr, $y_label:expr) => {
        $chart
            .configure_mesh()
            .x_desc($x)
            .y_desc($y)
            .x_label_formatter(&$x_label)
            .y_label_formatter(&$y_label)
            .axis_style($crate::report::plots::GRID)
            .bold_line_style($crate::report::plots::GRID)
            .light_line_style(plotters::style::TRANSPARENT)
            .label_style($crate::report::plots::label(13))
            .axis_desc_style($crate::report::plots::label(14))
            .x_labels(8)
            .y_labels(7)
            .draw()
            .map_err($crate::report::plots::failed)
    };
}
pub(crate) use mesh;

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

    #[test]
    fn shades_stay_in_range() {
        assert_eq!(shade(-1.0), RGBColor(68, 1, 84));
        assert_eq!(shade(2.0), RGBColor(240, 220, 40));
        assert_eq!(shade(f64::NAN), RGBColor(68, 1, 84));
    }
}
