//! Cells a second on one core: building a cell with its key, and with its op graph.
//!
//! `cargo bench -p bonas-spaces`. The whole of NAS-Bench-101 (1,293,208 cells, keys and official
//! hashes, under two minutes) is gone through once: `cargo bench -p bonas-spaces -- whole`.

#![allow(missing_docs, clippy::print_stdout)]

use std::collections::HashSet;
use std::hint::black_box;
use std::time::Instant;

use bonas_spaces::families::darts::Darts;
use bonas_spaces::families::nasbench101::NasBench101;
use bonas_spaces::families::nasbench201::NasBench201;
use bonas_spaces::graph::{canonical, encoding};
use bonas_spaces::{Architecture, OpId, SearchSpace};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

fn draw(space: &dyn SearchSpace, count: usize) -> Vec<Architecture> {
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    (0..count).map(|_| space.sample(&mut rng)).collect()
}

fn nasbench201(c: &mut Criterion) {
    let space = NasBench201::new();
    let cells: Vec<[OpId; 6]> = draw(&space, 1_000).iter().filter_map(|a| space.ops(a).ok()).collect();
    let mut group = c.benchmark_group("nasbench201");
    group.throughput(Throughput::Elements(cells.len() as u64));
    let build = |ops: &[OpId; 6]| space.architecture(*ops);
    group.bench_function("key", |b| b.iter(|| cells.iter().map(build).for_each(|a| drop(black_box(a)))));
    group.bench_function("key and op graph", |b| {
        b.iter(|| {
            for architecture in cells.iter().flat_map(build) {
                black_box((architecture.key(), architecture.op_graphs().len()));
            }
        });
    });
    group.bench_function("key, op graph and dense encoding", |b| {
        b.iter(|| {
            for a in cells.iter().flat_map(build) {
                black_box((a.key(), encoding::dense(a.op_graphs(), a.vocabulary(), 8)));
            }
        });
    });
    group.finish();
}

fn canonical_form(c: &mut Criterion) {
    let mut group = c.benchmark_group("canonical form");
    group.throughput(Throughput::Elements(1_000));
    let spaces: [&dyn SearchSpace; 3] = [&NasBench201::new(), &NasBench101::new(), &Darts::new()];
    for space in spaces {
        let cells = draw(space, 1_000);
        group.bench_function(space.name(), |b| {
            b.iter(|| cells.iter().for_each(|a| drop(black_box(canonical::architecture_form(a.cells())))));
        });
    }
    group.finish();
}

fn nasbench101(c: &mut Criterion) {
    let space = NasBench101::new();
    let cells = draw(&space, 1_000);
    let mut group = c.benchmark_group("nasbench101");
    group.throughput(Throughput::Elements(1_000));
    group.bench_function("official hash", |b| {
        b.iter(|| cells.iter().for_each(|a| drop(black_box(space.official_hash(a)))));
    });
    group.finish();
    if std::env::args().any(|argument| argument == "whole") {
        enumerate(&space);
    }
}

/// Too long for repetitions, so timed once and printed.
fn enumerate(space: &NasBench101) {
    let start = Instant::now();
    let keys: HashSet<_> = space.enumerate().into_iter().flatten().map(|a| a.key()).collect();
    println!("nasbench101: {} keys in {:.1} s", keys.len(), start.elapsed().as_secs_f64());
    let start = Instant::now();
    let hash = |a: Architecture| space.official_hash(&a).ok();
    let hashes: HashSet<_> = space.enumerate().into_iter().flatten().filter_map(hash).collect();
    println!("nasbench101: {} official hashes in {:.1} s", hashes.len(), start.elapsed().as_secs_f64());
}

criterion_group!(benches, nasbench201, canonical_form, nasbench101);
criterion_main!(benches);
