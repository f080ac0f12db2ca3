//! Always the same.

use super::ScheduleEntry;

/// Always the same rate.
pub(super) const ENTRY: ScheduleEntry = ScheduleEntry {
    name: "constant",
    about: "always the same rate",
    reads: &[],
    rises: false,
    rate: |_, [base, _], _| base,
};
