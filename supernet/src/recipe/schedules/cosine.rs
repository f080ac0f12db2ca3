//! Half a cosine.

use std::f64::consts::PI;

use super::{Moment, ScheduleEntry};

/// Half a cosine ([`cosine`]).
pub(super) const ENTRY: ScheduleEntry = ScheduleEntry {
    name: "cosine",
    about: "half a cosine from the first rate to the last (Loshchilov and Hutter 2017; DARTS)",
    reads: &["final_learning_rate"],
    rises: false,
    rate: |_, [base, floor], moment| cosine(base, floor, moment.at, moment.of),
};

/// Half a cosine from the rate `base` to `floor`: `floor + (base - floor)·(1 + cos(π·t/n))/2` (Loshchilov and Hutter 2017,
/// "SGDR"; DARTS). Beyond `n` it stays at its last value.
pub fn cosine(base: f64, floor: f64, t: usize, n: usize) -> f64 {
    let part = Moment { at: t, of: n, per_epoch: 1 }.part();
    floor + (base - floor) * 0.5 * (1.0 + (PI * part).cos())
}
