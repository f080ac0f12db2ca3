//! Every strategy on a problem with a known optimum, against random search.

use bonas::Strategy;
use bonas::strategy::{
    Aims, Batches, Bonas, Evolutionary, LocalSearch, Objectives, Parents, Pool, RandomSearch,
    RegularizedEvolution, Targets,
};
use bonas::study::{Budget, Finished, Study};
use bonas::surrogate::Surrogate;
use bonas::surrogate::acquisition::{LogExpectedImprovement, Ucb};
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

fn bonas(pool: Pool) -> Bonas {
    Bonas {
        name: "bonas".into(),
        surrogate: Box::new(Near),
        acquisition: Box::new(Ucb::default()),
        selection: Box::new(TopK),
        pool,
        initial: 10,
        batches: BATCHES,
        targets: Targets::Raw,
        aims: Aims::default(),
        objectives: Objectives::default(),
    }
}

#[test]
fn bonas_beats_random_search_with_an_evolutionary_pool() {
    let pool = Evolutionary { size: 100, parents: Parents::Best, ..Evolutionary::default() };
    let best = mean_best(|| Box::new(bonas(Pool::Evolutionary(pool))));
    let random = random();
    println!("bonas {best:.3}, random {random:.3}");
    assert!(best > random + 0.2, "bonas {best}, random {random}");
}

#[test]
fn bonas_finds_the_optimum_of_a_whole_space() {
    let space = chain(7, 3);
    let pool = Pool::auto(space.as_ref());
    for seed in 0..SEEDS {
        let strategy = Box::new(bonas(pool.clone()));
        let study = Study::new(space.clone(), strategy, vec![Box::new(zeros())]).seed(seed);
        let finished = study.budget(Budget::architectures(50)).run().unwrap();
        let best = finished.history.best(finished.fidelity).unwrap().1;
        assert!((best - 1.0).abs() < 1e-12, "seed {seed}: best {best} of 1,134 architectures");
    }
}

/// The only best of 1,134 architectures, in so many queries.
#[test]
fn every_surrogate_of_counts_finds_the_optimum_of_a_whole_space() {
    let space = chain(7, 3);
    let pool = Pool::auto(space.as_ref());
    let surrogates: [fn() -> Box<dyn Surrogate>; 3] = [
        || Box::<bonas::surrogate::graph_gp::GraphGp>::default(),
        || Box::<bonas::surrogate::wl_gp::WlGp>::default(),
        || Box::<bonas::surrogate::ensemble::Ensemble>::default(),
    ];
    for make in surrogates {
        let surrogate = make();
        let name = surrogate.name();
        let strategy = Bonas {
            surrogate,
            acquisition: Box::new(LogExpectedImprovement),
            batches: Batches { count: 1, size: 10 },
            ..bonas(pool.clone())
        };
        let study = Study::new(space.clone(), Box::new(strategy), vec![Box::new(zeros())]).seed(1);
        let finished = study.budget(Budget::architectures(50)).run().unwrap();
        let best = finished.history.best(finished.fidelity).unwrap().1;
        assert!((best - 1.0).abs() < 1e-12, "{name}: best {best}");
    }
}
