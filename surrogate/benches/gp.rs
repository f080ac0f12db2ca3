//! Surrogates without libtorch: features, and one round (fit on n architectures, predict 6,466) as
//! a study has it that fitted the first n - 10 the round before: features and hyper-parameters are known already. At
//! 1,000 the covariance of `graph-gp` has ten more rows; at 100 its columns are scaled anew, and all of it is factored.

use std::hint::black_box;
use std::time::Duration;

use bonas_spaces::families::darts::Darts;
use bonas_spaces::families::nasbench201::NasBench201;
use bonas_spaces::{Architecture, SearchSpace};
use bonas_surrogate::features::Layout;
use bonas_surrogate::models::Ensemble;
use bonas_surrogate::models::GraphGp;
use bonas_surrogate::models::Trees;
use bonas_surrogate::models::WlGp;
use bonas_surrogate::{Observation, Predict, Surrogate, SurrogateError};
use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

fn cells() -> Vec<Architecture> {
    NasBench201::new().enumerate().map(Iterator::collect).unwrap_or_default()
}

/// A made-up score that ranks cells by what they are made of.
fn score(architecture: &Architecture) -> f64 {
    let graph = &architecture.op_graphs()[0];
    let labels: usize = graph.labels().map(bonas_spaces::OpId::index).sum();
    1.0 - (-0.05 * (labels + graph.edges().len()) as f64).exp()
}

fn features(c: &mut Criterion) {
    let cells = cells();
    let layout = Layout::of(NasBench201::new().vocabulary());
    let mut group = c.benchmark_group("features");
    group.sample_size(10).measurement_time(Duration::from_secs(3));
    group.bench_function(BenchmarkId::from_parameter(cells.len()), |b| {
        b.iter(|| cells.iter().for_each(|cell| drop(black_box(layout.features(cell)))));
    });
    group.finish();
}

fn ask(c: &mut Criterion) {
    let mut cells = cells();
    rand::seq::SliceRandom::shuffle(&mut cells[..], &mut ChaCha8Rng::seed_from_u64(1));
    let candidates = &cells[..6466];
    let observe = |cell: &Architecture| Observation::new(cell.clone(), score(cell));
    let observations: Vec<Observation> = cells.iter().take(1000).map(observe).collect();
    let surrogates: [Box<dyn Surrogate>; 4] = [
        Box::<GraphGp>::default(),
        Box::<WlGp>::default(),
        Box::<Trees>::default(),
        Box::<Ensemble>::default(),
    ];
    let mut group = c.benchmark_group("fit + predict 6466");
    group.sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(3));
    for n in [100, 1000] {
        for surrogate in &surrogates {
            group.bench_function(BenchmarkId::new(surrogate.name(), n), |b| {
                let fit = |n: usize| surrogate.fit(&observations[..n], &mut ChaCha8Rng::seed_from_u64(3));
                let round =
                    |before: Result<Box<dyn Predict>, SurrogateError>| match before.and_then(|_| fit(n)) {
                        Ok(fitted) => black_box(fitted.predict(candidates).map(|p| p.len()).ok()),
                        Err(e) => panic!("{e}"),
                    };
                b.iter_batched(|| fit(n - 10), round, BatchSize::PerIteration);
            });
        }
    }
    group.finish();
}

/// Fits to many observations: 5,000 cells of NAS-Bench-201, and 20,000 of DARTS, the features known already.
fn many(c: &mut Criterion) {
    let mut group = c.benchmark_group("fit to many");
    group.sample_size(10).warm_up_time(Duration::from_millis(1)).measurement_time(Duration::from_secs(1));
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let mut of_201 = cells();
    rand::seq::SliceRandom::shuffle(&mut of_201[..], &mut rng);
    let of_darts = (0..20_000).map(|_| Darts::new().sample(&mut rng)).collect();
    for (n, cells) in [(5_000, of_201), (20_000, of_darts)] {
        let observe = |cell: &Architecture| Observation::new(cell.clone(), score(cell));
        let observations: Vec<Observation> = cells.iter().take(n).map(observe).collect();
        let surrogates: [Box<dyn Surrogate>; 2] = [Box::<GraphGp>::default(), Box::<Ensemble>::default()];
        for surrogate in &surrogates {
            group.bench_function(BenchmarkId::new(surrogate.name(), n), |b| {
                b.iter(|| match surrogate.fit(&observations, &mut ChaCha8Rng::seed_from_u64(3)) {
                    Ok(fitted) => drop(black_box(fitted)),
                    Err(e) => panic!("{e}"),
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, features, ask, many);
criterion_main!(benches);
