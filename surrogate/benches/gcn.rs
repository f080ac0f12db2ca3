//! GCN surrogate: fit on n architectures and predict 1,000, one libtorch thread.
//!
//! `benches/python/gcn.py` in the root of the repository times the same model in Python's torch:
//! `published` here is its model on its graphs (nine rows, all alive), `default` is ours.

use std::hint::black_box;
use std::time::Duration;

use bonas_surrogate::Surrogate;
use bonas_surrogate::models::gcn::GcnBsr;
use bonas_surrogate::testing::{toy_architectures, toy_observations};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tch::{Device, Kind};

fn fit_and_predict(c: &mut Criterion) {
    tch::set_num_threads(1);
    let candidates = toy_architectures(1000, 2);
    let mut group = c.benchmark_group("gcn fit + predict 1000");
    group.sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(5));
    for n in [100, 500, 1000] {
        let observations = toy_observations(n, 1);
        for surrogate in [GcnBsr::published(Kind::Float, Device::Cpu), GcnBsr::default()] {
            group.bench_with_input(BenchmarkId::new(surrogate.name(), n), &surrogate, |b, surrogate| {
                b.iter(|| match surrogate.fit(&observations, &mut ChaCha8Rng::seed_from_u64(3)) {
                    Ok(fitted) => black_box(fitted.predict(&candidates).map(|p| p.len()).ok()),
                    Err(e) => panic!("{e}"),
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, fit_and_predict);
criterion_main!(benches);
