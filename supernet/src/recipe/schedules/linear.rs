//! A straight line.

use super::{Moment, ScheduleEntry};

/// A straight line ([`linear`]).
pub(super) const ENTRY: ScheduleEntry = ScheduleEntry {
    name: "linear",
    about: "a straight line from the first rate to the last (SPOS, BN-NAS)",
    reads: &["final_learning_rate"],
    rises: false,
    rate: |_, [base, floor], moment| linear(base, floor, moment.at, moment.of),
};

/// A straight line from the rate `base` to `floor` at `t = n`. Beyond `n` it stays at its last value.
pub fn linear(base: f64, floor: f64, t: usize, n: usize) -> f64 {
    floor + (base - floor) * (1.0 - Moment { at: t, of: n, per_epoch: 1 }.part())
}
