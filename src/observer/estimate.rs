//! How much of a command is done, and how long the rest takes.

use std::collections::BTreeMap;

use bonas_study::Event;
use bonas_study::history::Progress;

use bonas_supernet::evaluator::SCORING;

use crate::search::StagePlan;

/// How far one stage is, by the events of its study.
#[derive(Clone, Debug)]
pub(super) struct Tracker {
    plan: StagePlan,
    /// Architectures of each batch of the round under way, those evaluated at the front.
    batches: Vec<usize>,
    next: usize,
    rounds: usize,
    architectures: usize,
    seconds: f64,
    running: BTreeMap<usize, Running>,
    ended: bool,
}

/// A batch under way.
#[derive(Clone, Debug, Default)]
struct Running {
    stage: String,
    /// Trainings that are over.
    runs: usize,
    done: f64,
}

impl Tracker {
    /// At the start; `seconds` were spent before.
    pub(super) fn new(plan: StagePlan, seconds: f64) -> Self {
        Self {
            plan,
            batches: Vec::new(),
            next: 0,
            rounds: 0,
            architectures: 0,
            seconds,
            running: BTreeMap::new(),
            ended: false,
        }
    }

    pub(super) fn event(&mut self, event: &Event) {
        match event {
            Event::Asked { batches, .. } => {
                self.batches = batches.iter().map(Vec::len).collect();
                self.next = 0;
                self.rounds += usize::from(self.batches.is_empty());
            }
            Event::Evaluated { batch, outcomes, .. } => {
                self.running.remove(batch);
                self.architectures += outcomes.len();
                self.next += 1;
                self.rounds += usize::from(self.next == self.batches.len());
            }
            Event::Extended { .. } => self.ended = false,
            Event::Ended { .. } => self.ended = true,
            // Trials that are evaluated elsewhere take time that nobody here measures.
            Event::Started { .. }
            | Event::Data { .. }
            | Event::Imported { .. }
            | Event::HandedOut { .. }
            | Event::Told { .. }
            | Event::Abandoned { .. } => {}
        }
    }

    pub(super) fn progress(&mut self, progress: &Progress<'_>) {
        match progress {
            Progress::Evaluating { batch, done, total, stage } if *total > 0 => {
                self.running.entry(*batch).or_default().step(stage, *done as f64 / *total as f64);
            }
            Progress::Asked { seconds } | Progress::EvaluatedIn { seconds, .. } => self.seconds += seconds,
            _ => {}
        }
    }

    /// Architectures evaluated.
    pub(super) fn architectures(&self) -> usize {
        self.architectures
    }

    /// The share that is done, 0 to 1; the limit that is nearest counts.
    pub(super) fn share(&self) -> f64 {
        if self.ended {
            return 1.0;
        }
        let batch = |(i, running): (&usize, &Running)| {
            self.batches.get(*i).map_or(0.0, |&size| size as f64 * running.share(self.plan.runs))
        };
        let partly: f64 = self.running.iter().map(batch).sum();
        let round: usize = self.batches.iter().sum();
        let evaluated: usize = self.batches.iter().take(self.next).sum();
        let in_round = if self.next < self.batches.len() {
            (evaluated as f64 + partly) / round.max(1) as f64
        } else {
            0.0
        };
        let budget = self.plan.budget;
        let of = |done: f64, limit: f64| if limit > 0.0 { done / limit } else { 0.0 };
        let shares = [
            budget.architectures.map(|limit| of(self.architectures as f64 + partly, limit as f64)),
            budget.rounds.map(|limit| of(self.rounds as f64 + in_round, limit as f64)),
            budget.seconds.map(|limit| of(self.seconds, limit)),
        ];
        shares.into_iter().flatten().fold(0.0, f64::max).min(1.0)
    }

    /// What it costs compared with the other stages.
    pub(super) fn cost(&self) -> f64 {
        self.plan.cost
    }

    pub(super) fn plan(&self) -> &StagePlan {
        &self.plan
    }
}

impl Running {
    fn step(&mut self, stage: &str, done: f64) {
        if self.stage == stage && done < self.done {
            self.runs += 1;
        }
        stage.clone_into(&mut self.stage);
        self.done = done;
    }

    /// The share of a batch in which an architecture is trained `runs` times. With one run the last
    /// stage, which scores, is far shorter than those before it.
    fn share(&self, runs: usize) -> f64 {
        if runs == 0 {
            return 0.0;
        }
        let done = if self.stage == SCORING { 1.0 } else { self.done };
        ((self.runs as f64 + done) / runs as f64).min(1.0)
    }
}

/// Seconds that are left, as far as can be said.
///
/// `stages` are cost and share done of each, `current` is under way since `elapsed` seconds, when its
/// share was `before`. A stage that has not begun takes as long for its cost as the current one.
pub(super) fn left(stages: &[(f64, f64)], current: usize, before: f64, elapsed: f64) -> Option<f64> {
    let (cost, share) = stages.get(current).copied()?;
    let done = share - before;
    if done < 0.001 || elapsed < 1.0 {
        return None;
    }
    let whole = elapsed / done;
    let later = stages.iter().skip(current + 1).map(|(cost, share)| cost * (1.0 - share)).sum::<f64>();
    Some(whole * (1.0 - share) + if cost > 0.0 { whole * later / cost } else { 0.0 })
}

const MINUTE: f64 = 60.0;
const HOUR: f64 = 60.0 * MINUTE;
const DAY: f64 = 24.0 * HOUR;

/// A time for people: "40 s", "5 min", "2 h 10 min", "3 days".
pub(super) fn for_people(seconds: f64) -> String {
    if seconds < 1.5 * MINUTE {
        return format!("{} s", seconds.max(1.0).round());
    }
    if seconds < 1.5 * HOUR {
        return format!("{} min", (seconds / MINUTE).round());
    }
    if seconds >= 2.0 * DAY {
        return if seconds < 1000.0 * DAY {
            format!("{} days", (seconds / DAY).round())
        } else {
            "years".into()
        };
    }
    // To ten minutes.
    let tens = (seconds / (10.0 * MINUTE)).round() as u64;
    match tens % 6 {
        0 => format!("{} h", tens / 6),
        rest => format!("{} h {rest}0 min", tens / 6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::Stage;
    use bonas_spaces::Key;
    use bonas_study::Budget;
    use bonas_study::history::{EndReason, Fidelity, Outcome, Proposed, Score};

    fn tracker(budget: Budget, runs: usize) -> Tracker {
        Tracker::new(StagePlan { stage: Stage::Search, budget, cost: 1.0, runs }, 0.0)
    }

    fn asked(sizes: &[usize]) -> Event {
        let one = || Proposed { arch: String::new(), key: Key::from_bytes([0; 16]), predicted: None };
        let batches = sizes.iter().map(|&n| (0..n).map(|_| one()).collect()).collect();
        Event::Asked { round: 0, batches, dropped: 0 }
    }

    fn evaluated(batch: usize, n: usize) -> Event {
        let outcomes = vec![Outcome::Scored(Score::of(0.5, Fidelity::Table)); n];
        Event::Evaluated { round: 0, batch, outcomes }
    }

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-12, "{a} is not {b}");
    }

    #[test]
    fn batches_count_as_far_as_they_have_come() {
        let mut tracker = tracker(Budget::architectures(16), 1);
        tracker.event(&asked(&[4, 4]));
        close(tracker.share(), 0.0);
        for (done, stage) in [(0, "warm-up"), (1, "warm-up"), (2, "single paths")] {
            tracker.progress(&Progress::Evaluating { batch: 1, done, total: 4, stage });
        }
        close(tracker.share(), 2.0 / 16.0);
        tracker.progress(&Progress::Evaluating { batch: 1, done: 0, total: 8, stage: SCORING });
        close(tracker.share(), 4.0 / 16.0);
        tracker.event(&evaluated(0, 4));
        tracker.event(&evaluated(1, 4));
        close(tracker.share(), 8.0 / 16.0);
        tracker.event(&Event::Ended { reason: EndReason::Exhausted });
        close(tracker.share(), 1.0);
    }

    #[test]
    fn trainings_of_one_architecture_follow_each_other() {
        let mut tracker = tracker(Budget::architectures(2), 3);
        tracker.event(&asked(&[1, 1]));
        for done in [0, 5, 9, 0, 5] {
            tracker.progress(&Progress::Evaluating { batch: 0, done, total: 10, stage: "from scratch" });
        }
        close(tracker.share(), 0.5 * 1.5 / 3.0);
    }

    #[test]
    fn rounds_and_seconds_are_limits_too() {
        let mut rounds = tracker(Budget::rounds(4), 1);
        rounds.event(&asked(&[2, 2]));
        rounds.event(&evaluated(0, 2));
        close(rounds.share(), 0.5 / 4.0);
        rounds.event(&evaluated(1, 2));
        close(rounds.share(), 1.0 / 4.0);
        let mut seconds = tracker(Budget { seconds: Some(20.0), ..Budget::default() }, 1);
        seconds.progress(&Progress::Asked { seconds: 5.0 });
        close(seconds.share(), 0.25);
    }

    #[test]
    fn time_left_is_that_of_all_stages() {
        // A quarter in 10 s, 30 s more; the next stage costs twice as much, so 80 s.
        let left = left(&[(1.0, 0.25), (2.0, 0.0)], 0, 0.0, 10.0).unwrap();
        close(left, 30.0 + 80.0);
        // What a resumed stage had done before says nothing of its speed.
        close(super::left(&[(1.0, 0.75)], 0, 0.5, 10.0).unwrap(), 10.0);
        assert_eq!(super::left(&[(1.0, 0.5)], 0, 0.5, 10.0), None);
    }

    #[test]
    fn times_are_readable() {
        let texts = [0.2, 40.4, 300.0, 5400.0, 7800.0, 200_000.0, 1e12].map(for_people);
        assert_eq!(texts, ["1 s", "40 s", "5 min", "1 h 30 min", "2 h 10 min", "2 days", "years"]);
        assert_eq!(for_people(7200.0), "2 h");
    }
}
