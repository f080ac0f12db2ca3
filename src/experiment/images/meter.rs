//! What the parts of a pilot take.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use bonas_study::history::{Event, Observer, Progress};

/// Clock ticks of Linux a second, as its files count them on every machine.
const TICKS: f64 = 100.0;
/// The least time that all clocks tell from none, in seconds.
const LEAST: f64 = 1.0 / TICKS;

/// Seconds of each ask, and of each batch with its number of architectures, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Times {
    pub(super) asks: Vec<f64>,
    pub(super) batches: Vec<(f64, usize)>,
}

impl Times {
    /// Seconds of one architecture, and those spent once, before the first: its share of the fastest batch,
    /// which took at least [`LEAST`], and what the first batch took beyond such shares.
    pub(super) fn architectures(&self) -> (f64, f64) {
        let share = |&(seconds, size): &(f64, usize)| seconds.max(LEAST) / size.max(1) as f64;
        let each = self.batches.iter().map(share).fold(f64::INFINITY, f64::min);
        let once = self.batches.first().map_or(0.0, |&(seconds, size)| seconds - each * size as f64);
        (each, once.max(0.0))
    }
}

/// An observer of a study with one worker that writes down what asks and batches take.
///
/// Where all is computed on processors it counts the time that they spent on this process, which
/// nothing else on the machine adds to, if the system tells it (Linux); else the time on the wall.
pub(super) struct Meter {
    clock: Clock,
    times: Arc<Mutex<Times>>,
}

impl Meter {
    /// A meter; `processors` says whether no other device computes. The times are shared with it.
    pub(super) fn new(processors: bool) -> (Self, Arc<Mutex<Times>>) {
        let times: Arc<Mutex<Times>> = Arc::default();
        (Self { clock: Clock::new(processors), times: times.clone() }, times)
    }

    fn note(&mut self, note: impl FnOnce(&mut Times, f64)) {
        let seconds = self.clock.lap();
        note(&mut self.times.lock().unwrap_or_else(PoisonError::into_inner), seconds);
    }
}

impl Observer for Meter {
    fn event(&mut self, event: &Event, _: bool) {
        match event {
            Event::Evaluated { outcomes, .. } => {
                self.note(|times, seconds| times.batches.push((seconds, outcomes.len())));
            }
            _ => drop(self.clock.lap()),
        }
    }

    fn progress(&mut self, progress: &Progress<'_>) {
        match progress {
            Progress::Asking { .. } => drop(self.clock.lap()),
            Progress::Asked { .. } => self.note(|times, seconds| times.asks.push(seconds)),
            _ => {}
        }
    }
}

struct Clock {
    processors: bool,
    wall: Instant,
    spent: Option<f64>,
}

impl Clock {
    fn new(processors: bool) -> Self {
        Self { processors, wall: Instant::now(), spent: processors.then(process_seconds).flatten() }
    }

    /// Seconds since the last call.
    fn lap(&mut self) -> f64 {
        let before = std::mem::replace(self, Self::new(self.processors));
        match (before.spent, self.spent) {
            (Some(before), Some(now)) => now - before,
            _ => self.wall.duration_since(before.wall).as_secs_f64(),
        }
    }
}

/// Seconds that processors spent on this process, all of its threads together.
fn process_seconds() -> Option<f64> {
    ticks(&std::fs::read_to_string("/proc/self/stat").ok()?).map(|ticks| ticks as f64 / TICKS)
}

/// Fields 14 and 15 of a line of `/proc/self/stat`; the name in field 2 may have blanks.
fn ticks(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bonas_study::history::EndReason;

    #[test]
    fn times_are_those_of_the_process() {
        let line = "7 (a (b) c) S 1 2 3 4 5 6 7 8 9 10 120 30 0 0 20 0 4 0 99";
        assert_eq!(ticks(line), Some(150));
        assert_eq!(ticks("7 (a"), None);
    }

    #[test]
    fn asks_and_batches_are_told_apart() {
        for processors in [true, false] {
            let (mut meter, times) = Meter::new(processors);
            meter.progress(&Progress::Asking { round: 0 });
            meter.progress(&Progress::Asked { seconds: 0.0 });
            meter.event(&Event::Asked { round: 0, batches: Vec::new(), dropped: 0 }, false);
            meter.event(&Event::Evaluated { round: 0, batch: 0, outcomes: Vec::new() }, false);
            meter.event(&Event::Evaluated { round: 0, batch: 1, outcomes: Vec::new() }, false);
            meter.event(&Event::Ended { reason: EndReason::Budget }, false);
            let times = times.lock().unwrap();
            assert_eq!((times.asks.len(), times.batches.len()), (1, 2));
            assert!(times.asks.iter().all(|&seconds| seconds >= 0.0));
        }
    }

    #[test]
    fn what_is_spent_once_is_told_from_what_each_architecture_takes() {
        let of =
            |batches: &[(f64, usize)]| Times { asks: Vec::new(), batches: batches.to_vec() }.architectures();
        // A supernet of 7 s, then 0.5 s an architecture; the second batch is a short one.
        assert_eq!(of(&[(9.0, 4), (1.0, 2)]), (0.5, 7.0));
        // The first is the fastest: nothing was spent once.
        assert_eq!(of(&[(2.0, 4), (3.0, 4)]), (0.5, 0.0));
        assert_eq!(of(&[(0.0, 4), (0.0, 4)]), (LEAST / 4.0, 0.0));
    }
}
