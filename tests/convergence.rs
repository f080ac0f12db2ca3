//! Every strategy on a problem with a known optimum, against random search.

use bonas::Strategy;
use bonas::strategy::{
    Batches, Bonas, Evolutionary, LocalSearch, Parents, Pool, RandomSearch, RegularizedEvolution, Targets,
};
use bonas::study::{Budget, Finished, Study};
use bonas::surrogate::acquisition::Ucb;
use bonas::surrogate::select::TopK;

use crate::support::{Near, chain, zeros};

const SEEDS: u64 = 10;
const BUDGET: usize = 150;
const BATCHES: Batches = Batches { count: 1, size: 5 };

fn run(strategy: Box<dyn Strategy>, seed: u64) -> Finished {
    let budget = Budget::architectures(BUDGET);
    Study::new(chain(10, 4), strategy, vec![Box::new(zeros())]).seed(seed).budget(budget).run().unwrap()
}

/// Mean over seeds of the best score.
fn mean_best(make: impl Fn() -> Box<dyn Strategy>) -> f64 {
    let best = |seed| {
        let finished = run(make(), seed);
        assert_eq!(finished.history.len(), BUDGET);
        finished.history.best(finished.fidelity).unwrap().1
    };
    (0..SEEDS).map(best).sum::<f64>() / SEEDS as f64
}

fn random() -> f64 {
    mean_best(|| Box::new(RandomSearch { batches: BATCHES }))
}

#[test]
fn evolution_beats_random_search() {
    let evolution = mean_best(|| {
        Box::new(RegularizedEvolution {
            population: 20,
            sample: 10,
            batches: BATCHES,
            ..RegularizedEvolution::default()
        })
    });
    let random = random();
    println!("evolution {evolution:.3}, random {random:.3}");
    assert!(evolution > random + 0.1, "evolution {evolution}, random {random}");
}

#[test]
fn local_search_climbs_to_the_only_optimum() {
    let best = mean_best(|| Box::new(LocalSearch::new(BATCHES)));
    assert!((best - 1.0).abs() < 1e-12, "best {best}");
}

#[test]
fn bonas_finds_the_optimum_with_either_pool() {
    let evolutionary = Evolutionary { size: 100, parents: Parents::Best, ..Evolutionary::default() };
    let make = |pool: Pool| Bonas {
        name: "bonas".into(),
        surrogate: Box::new(Near),
        acquisition: Box::new(Ucb::default()),
        selection: Box::new(TopK),
        pool,
        initial: 10,
        batches: BATCHES,
        targets: Targets::Raw,
    };
    let best = mean_best(|| Box::new(make(Pool::Evolutionary(evolutionary))));
    let random = random();
    println!("bonas {best:.3}, random {random:.3}");
    assert!(best > random + 0.1, "bonas {best}, random {random}");
}
