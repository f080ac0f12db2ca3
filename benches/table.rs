//! A table of all of NAS-Bench-201: opening it, looking architectures up, a study on it.

#![allow(clippy::expect_used, missing_docs, reason = "a bench that cannot go on should panic")]

use std::fmt::Write;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use bonas::Study;
use bonas::spaces::SearchSpace;
use bonas::spaces::families::nasbench201::NasBench201;
use bonas::study::Budget;
use bonas::study::evaluator::Table;
use bonas::study::strategy::RandomSearch;
use bonas::study::table::{Benchmark, Reading, TableSpace};
use criterion::{Criterion, criterion_group, criterion_main};

/// 15,625 rows with two columns of numbers, gzipped.
fn file() -> Vec<u8> {
    let space = NasBench201::new();
    let mut csv = String::from("arch,val,test\n");
    for (i, cell) in space.enumerate().expect("a list").enumerate() {
        let text = space.format(&cell).expect("a cell");
        let value = 60.0 + (i * 7919 % 3401) as f64 / 100.0;
        writeln!(csv, "{text},{value},{}", value + 1.5).expect("memory");
    }
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut encoder, csv.as_bytes()).expect("memory");
    encoder.finish().expect("memory")
}

fn open(bytes: &[u8]) -> Benchmark {
    let columns = ["val", "test"].map(|name| name.parse().expect("a name")).to_vec();
    let reading = Reading { columns, ..Reading::default() };
    Benchmark::parse(bytes, Path::new("t.csv.gz"), Arc::new(NasBench201::new()), &reading).expect("a table")
}

fn tables(criterion: &mut Criterion) {
    let bytes = file();
    criterion.bench_function("open 15,625 rows", |b| b.iter(|| open(black_box(&bytes))));
    let table = Arc::new(open(&bytes));
    let keys: Vec<_> = table.arms().iter().map(|arm| arm.architecture.key()).collect();
    criterion.bench_function("look 6,466 keys up", |b| {
        b.iter(|| {
            keys.iter()
                .map(|&key| table.arm(key).map_or(0.0, |arm| table.columns()[0].mean(arm)))
                .sum::<f64>()
        });
    });
    let space = Arc::new(TableSpace::new(table.clone()));
    let evaluator = Table::of_column(table, 0);
    criterion.bench_function("random study of 150 queries", |b| {
        b.iter(|| {
            let study = Study::new(
                space.clone(),
                Box::new(RandomSearch::default()),
                vec![Box::new(evaluator.clone())],
            );
            study.seed(1).budget(Budget::architectures(150)).run().expect("a study")
        });
    });
}

criterion_group!(benches, tables);
criterion_main!(benches);
