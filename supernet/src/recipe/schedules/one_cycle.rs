//! Up, then down.

use std::f64::consts::PI;

use super::{Moment, ScheduleEntry, ScheduleRecipe};

/// One cycle: half a cosine up from a 25th of the rate, then half a cosine down to the last rate (Smith and Topin 2019,
/// "Super-convergence"; `torch.optim.lr_scheduler.OneCycleLR` with its defaults, but for the last rate).
pub(super) const ENTRY: ScheduleEntry = ScheduleEntry {
    name: "one-cycle",
    about: "half a cosine up from a 25th of the rate, then one down to the last rate (Smith and Topin 2019)",
    reads: &["final_learning_rate"],
    rises: true,
    rate,
};

/// The first rate as a share of the peak.
const FIRST: f64 = 1.0 / 25.0;
/// Share of training in which the rate rises, where no warm-up is given.
const RISE: f64 = 0.3;

/// As in PyTorch the peak is the last moment of the rise, and the last rate that of the last moment.
fn rate(recipe: &ScheduleRecipe, [peak, floor]: [f64; 2], moment: Moment) -> f64 {
    let rise = match recipe.warmup_epochs {
        0 => RISE * moment.of as f64,
        epochs => (epochs * moment.per_epoch) as f64,
    };
    let (at, end) = (moment.at as f64, (rise - 1.0).max(0.0));
    let up = if at < end { at / end } else { 1.0 };
    if up < 1.0 {
        return peak + (FIRST * peak - peak) * 0.5 * (1.0 + (PI * up).cos());
    }
    let left = moment.of as f64 - 1.0 - end;
    let down = if left > 0.0 { ((at - end) / left).min(1.0) } else { 0.0 };
    floor + (peak - floor) * 0.5 * (1.0 + (PI * down).cos())
}
