//! The plots of a comparison.

mod critical;
mod curves;
mod fronts;

use plotters::prelude::*;

pub(super) use critical::critical_difference;
pub(super) use curves::{found, optimum, oracle};
pub(super) use fronts::{fronts, hypervolume};

/// A colour a strategy, well told apart also without colour vision (Okabe and Ito, 2008), then
/// again from the start.
fn colour(strategy: usize) -> RGBColor {
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
