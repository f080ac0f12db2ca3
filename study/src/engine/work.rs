//! Evaluating the batches of a round, on this thread or on one thread a worker.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Instant;

use super::failures::Trouble;
use super::state::check_outcomes;
use crate::evaluate::{Job, Monitor};
use crate::history::{Fidelity, Outcome};
use crate::rng::{self, EVALUATE};
use crate::{Evaluator, StudyError};

/// What comes of a batch.
pub(super) struct Done {
    pub(super) batch: usize,
    pub(super) seconds: f64,
    pub(super) result: Result<Vec<Outcome>, Trouble>,
}

/// What workers tell the study's thread.
pub(super) enum Message {
    Step { batch: usize, done: u64, total: u64, stage: String },
    Warning(String),
    Done(Done),
}

/// The jobs of a round and what their evaluation needs to know.
pub(super) struct Work<'a> {
    pub(super) jobs: &'a [Job],
    pub(super) seed: u64,
    pub(super) fidelity: Fidelity,
    pub(super) retries: usize,
    pub(super) cancel: &'a AtomicBool,
}

impl Work<'_> {
    /// Has the jobs evaluated and hands every message to `receive`, on the calling thread, in the
    /// order in which things happen. When `receive` says false, no further job is begun.
    ///
    /// With one worker or one job nothing is spawned.
    pub(super) fn run(
        &self,
        evaluators: &mut [Box<dyn Evaluator>],
        mut receive: impl FnMut(Message) -> bool,
    ) {
        match evaluators {
            [] => {}
            [evaluator, ..] if self.jobs.len() == 1 => {
                self.run_here(evaluator.as_mut(), &mut receive);
            }
            [evaluator] => self.run_here(evaluator.as_mut(), &mut receive),
            many => self.run_parallel(many, &mut receive),
        }
    }

    fn run_here(&self, evaluator: &mut dyn Evaluator, receive: &mut dyn FnMut(Message) -> bool) {
        for job in self.jobs {
            if self.cancel.load(Ordering::Relaxed) {
                return;
            }
            let done = {
                let monitor =
                    Here { batch: job.batch, receive: std::cell::RefCell::new(receive), work: self };
                self.evaluate(evaluator, job, &monitor)
            };
            if !receive(Message::Done(done)) {
                return;
            }
        }
    }

    fn run_parallel(&self, evaluators: &mut [Box<dyn Evaluator>], receive: &mut dyn FnMut(Message) -> bool) {
        let (sender, receiver) = channel();
        let next = AtomicUsize::new(0);
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            for evaluator in evaluators.iter_mut().take(self.jobs.len()) {
                let crew = Crew { work: self, next: &next, stop: &stop, sender: sender.clone() };
                scope.spawn(move || crew.work_off(evaluator.as_mut()));
            }
            drop(sender);
            // Ends when every worker has dropped its sender, also by a panic.
            for message in receiver {
                if !receive(message) {
                    stop.store(true, Ordering::Relaxed);
                }
            }
        });
    }

    /// Evaluates one job, again where it fails and may be tried again.
    fn evaluate(&self, evaluator: &mut dyn Evaluator, job: &Job, monitor: &dyn Monitor) -> Done {
        let start = Instant::now();
        let mut attempt = 1;
        let result = loop {
            match self.attempt(evaluator, job, monitor) {
                // It has not had its attempts: what stopped the run must not end in the journal.
                Err(Trouble::Failed(_)) if attempt <= self.retries && monitor.cancelled() => {
                    break Err(Trouble::Error(StudyError::Interrupted));
                }
                Err(Trouble::Failed(reason)) if attempt <= self.retries => {
                    attempt += 1;
                    let (round, batch, attempts) = (job.round, job.batch, self.retries + 1);
                    monitor.warning(&format!(
                        "round {round} batch {batch}: {reason}; attempt {attempt} of {attempts} begins"
                    ));
                }
                Err(Trouble::Failed(reason)) if attempt > 1 => {
                    break Err(Trouble::Failed(format!(
                        "{reason} (attempt {attempt} of {})",
                        self.retries + 1
                    )));
                }
                other => break other,
            }
        };
        Done { batch: job.batch, seconds: start.elapsed().as_secs_f64(), result }
    }

    /// Evaluates one job; a panic is a failure, and outcomes that break the contract are an error.
    fn attempt(
        &self,
        evaluator: &mut dyn Evaluator,
        job: &Job,
        monitor: &dyn Monitor,
    ) -> Result<Vec<Outcome>, Trouble> {
        let mut rng = rng::stream(self.seed, &[EVALUATE, job.round as u64, job.batch as u64]);
        let outcomes = catch_unwind(AssertUnwindSafe(|| evaluator.evaluate(job, &mut rng, monitor)))
            .map_err(|panic| Trouble::Failed(format!("the evaluator panicked: {}", text_of(&*panic))))?;
        let checked = outcomes.and_then(|outcomes| {
            check_outcomes(&outcomes, job.architectures.len(), &mut Some(self.fidelity))
                .map_err(StudyError::Evaluator)?;
            Ok(outcomes)
        });
        checked.map_err(|error| match error {
            StudyError::Evaluator(reason) => {
                StudyError::Evaluator(format!("round {} batch {}: {reason}", job.round, job.batch)).into()
            }
            other => other.into(),
        })
    }
}

fn text_of(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

/// Monitor of a job on the study's own thread.
struct Here<'a, 'b> {
    batch: usize,
    receive: std::cell::RefCell<&'a mut dyn FnMut(Message) -> bool>,
    work: &'a Work<'b>,
}

impl Monitor for Here<'_, '_> {
    fn step(&self, done: u64, total: u64, stage: &str) {
        if let Ok(mut receive) = self.receive.try_borrow_mut() {
            receive(Message::Step { batch: self.batch, done, total, stage: stage.to_owned() });
        }
    }

    fn warning(&self, text: &str) {
        if let Ok(mut receive) = self.receive.try_borrow_mut() {
            receive(Message::Warning(text.to_owned()));
        }
    }

    fn cancelled(&self) -> bool {
        self.work.cancel.load(Ordering::Relaxed)
    }
}

/// What a worker thread has.
struct Crew<'a, 'b> {
    work: &'a Work<'b>,
    next: &'a AtomicUsize,
    stop: &'a AtomicBool,
    sender: Sender<Message>,
}

impl Crew<'_, '_> {
    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed) || self.work.cancel.load(Ordering::Relaxed)
    }

    /// Takes jobs in order until there is none left, or the round is stopped.
    fn work_off(&self, evaluator: &mut dyn Evaluator) {
        while !self.stopped() {
            let Some(job) = self.work.jobs.get(self.next.fetch_add(1, Ordering::Relaxed)) else { return };
            let monitor = Remote { crew: self, batch: job.batch };
            let done = self.work.evaluate(evaluator, job, &monitor);
            if matches!(done.result, Err(Trouble::Error(_))) {
                self.stop.store(true, Ordering::Relaxed);
            }
            // The receiver is gone only when an observer panicked.
            if self.sender.send(Message::Done(done)).is_err() {
                return;
            }
        }
    }
}

/// Monitor of a job on a worker's thread.
struct Remote<'a, 'b, 'c> {
    crew: &'a Crew<'b, 'c>,
    batch: usize,
}

impl Monitor for Remote<'_, '_, '_> {
    fn step(&self, done: u64, total: u64, stage: &str) {
        let step = Message::Step { batch: self.batch, done, total, stage: stage.to_owned() };
        let _ = self.crew.sender.send(step);
    }

    fn warning(&self, text: &str) {
        let _ = self.crew.sender.send(Message::Warning(text.to_owned()));
    }

    fn cancelled(&self) -> bool {
        self.crew.stopped()
    }
}
