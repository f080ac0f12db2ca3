//! Devices that runs at the same time share.

use std::sync::{Mutex, PoisonError};

/// How many runs are on each device.
#[derive(Debug, Default)]
pub(super) struct Slots {
    runs: Mutex<Vec<usize>>,
}

/// The place of a run on a device, until it is dropped.
#[derive(Debug)]
pub(super) struct Slot<'a> {
    slots: &'a Slots,
    /// Number of the device, from 0.
    pub(super) device: usize,
}

impl Slots {
    /// So many devices; of none, every run is on the first.
    pub(super) fn new(devices: usize) -> Self {
        Self { runs: Mutex::new(vec![0; devices.max(1)]) }
    }

    /// Takes the first of the devices with the fewest runs.
    pub(super) fn take(&self) -> Slot<'_> {
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        let device = (0..runs.len()).min_by_key(|&device| runs[device]).unwrap_or(0);
        runs[device] += 1;
        Slot { slots: self, device }
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.slots.runs.lock().unwrap_or_else(PoisonError::into_inner)[self.device] -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_spread_over_devices() {
        let slots = Slots::new(2);
        let (a, b, c) = (slots.take(), slots.take(), slots.take());
        assert_eq!([a.device, b.device, c.device], [0, 1, 0]);
        drop(b);
        assert_eq!(slots.take().device, 1);
        assert_eq!(Slots::new(0).take().device, 0);
    }
}
