//! What the journal costs: one append with its wait for the disk, and replaying 10,000 records;
//! and what a study costs without one.

#![allow(missing_docs, reason = "macros of criterion")]
#![allow(clippy::expect_used, reason = "a bench that cannot go on should panic")]

use std::hint::black_box;
use std::sync::Arc;

use bonas::study::evaluator::Synthetic;
use bonas::study::history::Event;
use bonas::study::journal::Journal;
use bonas::study::strategy::{Batches, RandomSearch, RegularizedEvolution};
use bonas::study::testing::Chain;
use bonas::study::{Budget, Journalled, Study};
use bonas::{Fidelity, Outcome, Score};
use criterion::{Criterion, criterion_group, criterion_main};

fn append(c: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (mut journal, _) = Journal::open(folder.path()).expect("a new journal");
    let score = Score::of(0.912_345, Fidelity::SharedWeights);
    let event = Event::Evaluated { round: 1, batch: 0, outcomes: vec![Outcome::Scored(score); 10] };
    c.bench_function("journal/append, 10 outcomes, fdatasync", |b| {
        b.iter(|| journal.append(&event).expect("an append"));
    });
}

fn replay(c: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let space: Arc<dyn bonas::spaces::SearchSpace> = Arc::new(Chain::new(16, 5).expect("a space"));
    write_records(folder.path(), &space, 10_000);
    let mut group = c.benchmark_group("journal");
    group.sample_size(10);
    group.bench_function("replay 10,000 records of 10 architectures each two", |b| {
        b.iter(|| black_box(Journalled::read(folder.path(), &space).expect("a whole journal")));
    });
}

/// What the loop itself costs where nothing is journalled, as in comparisons of hundreds of studies.
fn in_memory(c: &mut Criterion) {
    let space: Arc<dyn bonas::spaces::SearchSpace> = Arc::new(Chain::new(16, 5).expect("a space"));
    let evaluator = Synthetic::new(Fidelity::Table, Chain::share_of_zeros);
    c.bench_function("study/150 queries in memory, evolution, batch 10", |b| {
        b.iter(|| {
            let strategy = Box::new(RegularizedEvolution::default());
            let study = Study::new(space.clone(), strategy, vec![Box::new(evaluator.clone())]);
            black_box(study.budget(Budget::architectures(150)).run().expect("a study"))
        });
    });
}

/// Runs a study in memory and writes its events down at once: waiting 10,000 times for the disk
/// is what the other bench measures.
fn write_records(folder: &std::path::Path, space: &Arc<dyn bonas::spaces::SearchSpace>, records: usize) {
    let strategy = RandomSearch { batches: Batches { count: 1, size: 10 } };
    let evaluator = Synthetic::new(Fidelity::Table, Chain::share_of_zeros);
    let study = Study::new(space.clone(), Box::new(strategy), vec![Box::new(evaluator)]);
    let lines = Lines::default();
    let observer = Box::new(lines.clone());
    study.budget(Budget::rounds(records / 2 - 1)).observer(observer).run().expect("a study");
    let text = lines.0.lock().expect("one thread").join("");
    std::fs::write(folder.join(bonas::study::journal::JOURNAL_FILE), text).expect("a journal");
}

#[derive(Clone, Default)]
struct Lines(Arc<std::sync::Mutex<Vec<String>>>);

impl bonas::Observer for Lines {
    fn event(&mut self, event: &Event, _: bool) {
        let mut lines = self.0.lock().expect("one thread");
        let line = bonas::study::journal::record_line(lines.len(), event).expect("a line");
        lines.push(line);
    }
}

criterion_group!(benches, append, replay, in_memory);
criterion_main!(benches);
