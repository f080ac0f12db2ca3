//! One line that says how far a whole command is.

use std::io::IsTerminal;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bonas_study::Event;
use bonas_study::history::{Observer, Progress};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::estimate::{Tracker, for_people, left};
use crate::search::{Stage, StagePlan};

/// Length of a bar: shares are thousandths.
const WHOLE: u64 = 1000;
/// How often a line is drawn again while nothing happens.
const TICK: Duration = Duration::from_millis(500);

/// The line of a command of several stages, each of them a study: what is being done, the share of the whole
/// that is done, and an estimate of the time left. It is drawn on standard error, if that is a terminal, else
/// nowhere.
///
/// A clone is the same line.
#[derive(Clone, Debug)]
pub struct Overall {
    bar: ProgressBar,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    stages: Vec<Tracker>,
    /// Stages begun.
    begun: usize,
    /// When the current stage began to do something new, and the share that was done by then.
    since: Option<(Instant, f64)>,
}

impl Overall {
    /// The line of these stages, in order.
    pub fn new(stages: Vec<StagePlan>) -> Self {
        let stages = stages.into_iter().map(|plan| Tracker::new(plan, 0.0)).collect();
        Self { bar: line(WHOLE), state: Arc::new(Mutex::new(State { stages, begun: 0, since: None })) }
    }

    /// Begins the next stage, of which `seconds` were spent before; its observer.
    pub fn stage(&self, seconds: f64) -> Box<dyn Observer> {
        let mut state = self.state();
        let current = state.begun;
        state.begun += 1;
        state.since = None;
        if let Some(stage) = state.stages.get_mut(current) {
            *stage = Tracker::new(stage.plan().clone(), seconds);
        }
        drop(state);
        Box::new(Watch { line: self.clone() })
    }

    /// Does something that prints, out of the way of the line.
    pub fn aside<R>(&self, print: impl FnOnce() -> R) -> R {
        self.bar.suspend(print)
    }

    /// Takes the line away.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn show(&self) {
        let state = self.state();
        if let Some((share, text, title)) = state.text(Instant::now()) {
            self.bar.set_position((share * WHOLE as f64) as u64);
            self.bar.set_prefix(title);
            self.bar.set_message(text);
        }
    }
}

impl State {
    fn current(&mut self) -> Option<&mut Tracker> {
        self.stages.get_mut(self.begun.checked_sub(1)?)
    }

    /// Share of the whole, what stands behind the bar, and what stands before it.
    fn text(&self, now: Instant) -> Option<(f64, String, &'static str)> {
        let current = self.begun.checked_sub(1)?;
        let stage = self.stages.get(current)?;
        let costs: Vec<(f64, f64)> = self.stages.iter().map(|s| (s.cost(), s.share())).collect();
        let all: f64 = costs.iter().map(|(cost, _)| cost).sum();
        let done: f64 = costs.iter().map(|(cost, share)| cost * share).sum();
        let time = self.since.and_then(|(since, before)| {
            left(&costs, current, before, now.duration_since(since).as_secs_f64())
        });
        let counted = match stage.plan().budget.architectures {
            // Of a single one the bar says it all.
            Some(1) => None,
            Some(limit) => Some(format!("{} of {limit} architectures", stage.architectures())),
            None => Some(format!("{} architectures", stage.architectures())),
        };
        let time = time.map(|seconds| format!("about {} left", for_people(seconds)));
        let text = [counted, time].into_iter().flatten().collect::<Vec<_>>().join(", ");
        let title = match stage.plan().stage {
            Stage::Search => "Search",
            Stage::Shortlist => "Shortlist",
            Stage::Finals => "Training",
        };
        Some((if all > 0.0 { done / all } else { 0.0 }, text, title))
    }
}

/// The observer of one stage.
struct Watch {
    line: Overall,
}

impl Observer for Watch {
    fn event(&mut self, event: &Event, replayed: bool) {
        if let Some(stage) = self.line.state().current() {
            stage.event(event);
        }
        if !replayed {
            self.line.show();
        }
    }

    fn progress(&mut self, progress: &Progress<'_>) {
        let mut state = self.line.state();
        if let Some(stage) = state.current() {
            let whole_batches = stage.plan().runs == 0 && stage.architectures() == 0;
            let before = stage.share();
            stage.progress(progress);
            // Where a supernet is trained in the first batch, it says nothing of the speed of the others.
            if state.since.is_none() && !whole_batches {
                state.since = Some((Instant::now(), before));
            }
        }
        drop(state);
        self.line.show();
    }
}

/// The line of a command that does a number of like things.
#[derive(Debug)]
pub struct Counter {
    bar: ProgressBar,
    unit: &'static str,
    since: Option<(Instant, usize)>,
}

impl Counter {
    /// A line with this before the bar, that counts these ("studies").
    pub fn new(title: &'static str, unit: &'static str) -> Self {
        let bar = line(0);
        bar.set_prefix(title);
        Self { bar, unit, since: None }
    }

    /// So many are done.
    pub fn set(&mut self, done: usize, total: usize) {
        let (since, before) = *self.since.get_or_insert_with(|| (Instant::now(), done));
        let share = |n: usize| n as f64 / total.max(1) as f64;
        let time = left(&[(1.0, share(done))], 0, share(before), since.elapsed().as_secs_f64());
        let counted = format!("{done} of {total} {}", self.unit);
        self.bar.set_length(total as u64);
        self.bar.set_position(done as u64);
        self.bar.set_message(
            time.map_or(counted.clone(), |s| format!("{counted}, about {} left", for_people(s))),
        );
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// A bar on a terminal, nothing elsewhere.
fn line(length: u64) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{prefix} [{bar:20}] {percent:>3} %  {wide_msg}");
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> ");
    bar.enable_steady_tick(TICK);
    bar.with_style(style)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bonas_study::Budget;

    #[test]
    fn the_line_says_what_is_done_and_what_is_left() {
        let plan = |stage, cost| StagePlan { stage, budget: Budget::architectures(4), cost, runs: 1 };
        let line = Overall::new(vec![plan(Stage::Search, 1.0), plan(Stage::Finals, 3.0)]);
        let mut watch = line.stage(0.0);
        for event in crate::report::testing::study().iter().take(2) {
            watch.event(event, false);
        }
        let later = Instant::now() + Duration::from_secs(10);
        watch.progress(&Progress::Evaluating { batch: 0, done: 0, total: 4, stage: "paths" });
        let text = line.state().text(later).unwrap();
        assert_eq!((text.1.as_str(), text.2), ("0 of 4 architectures", "Search"));
        watch.progress(&Progress::Evaluating { batch: 0, done: 2, total: 4, stage: "paths" });
        let (share, text, _) = line.state().text(later).unwrap();
        assert!((share - 0.125).abs() < 1e-12);
        assert!(text.starts_with("0 of 4 architectures, about 70 s left"), "{text}");
        drop(line.stage(0.0));
        assert_eq!(line.state().text(later).unwrap().2, "Training");
    }
}
