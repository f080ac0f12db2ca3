//! Every strategy on a problem with a known optimum, against random search.

use bonas::spaces::Architecture;
use bonas::study::evaluator::Synthetic;
use bonas::study::strategy::{
    Aims, Batches, Bonas, Bound, CandidatePool, Evolutionary, LocalSearch, Nsga2, Objectives, Parents,
    RandomSearch, RegularizedEvolution, Targets,
};
use bonas::study::testing::Chain;
use bonas::study::{Budget, Finished, Study};
use bonas::surrogate::Surrogate;
use bonas::surrogate::acquisition::{ExpectedImprovement, LogExpectedImprovement, Ucb};
use bonas::surrogate::pareto::Front;
use bonas::surrogate::selection::TopK;
use bonas::{Fidelity, Strategy};

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

fn bonas(pool: CandidatePool) -> Bonas {
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
        noise_free: false,
        floor: true,
    }
}

#[test]
fn bonas_beats_random_search_with_an_evolutionary_pool() {
    let pool = Evolutionary { size: 100, parents: Parents::Best, ..Evolutionary::default() };
    let best = mean_best(|| Box::new(bonas(CandidatePool::Evolutionary(pool))));
    let random = random();
    println!("bonas {best:.3}, random {random:.3}");
    assert!(best > random + 0.2, "bonas {best}, random {random}");
}

#[test]
fn bonas_finds_the_optimum_of_a_whole_space() {
    let space = chain(7, 3);
    let pool = CandidatePool::auto(space.as_ref());
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
    let pool = CandidatePool::auto(space.as_ref());
    let surrogates: [fn() -> Box<dyn Surrogate>; 3] = [
        || Box::<bonas::surrogate::models::GraphGp>::default(),
        || Box::<bonas::surrogate::models::WlGp>::default(),
        || Box::<bonas::surrogate::models::Ensemble>::default(),
    ];
    for make in surrogates {
        let surrogate = make();
        let name = surrogate.name();
        let strategy = Bonas {
            surrogate,
            acquisition: Box::<LogExpectedImprovement>::default(),
            batches: Batches { count: 1, size: 10 },
            ..bonas(pool.clone())
        };
        let study = Study::new(space.clone(), Box::new(strategy), vec![Box::new(zeros())]).seed(1);
        let finished = study.budget(Budget::architectures(50)).run().unwrap();
        let best = finished.history.best(finished.fidelity).unwrap().1;
        assert!((best - 1.0).abs() < 1e-12, "{name}: best {best}");
    }
}

/// Scores by zeros and measures the share of ones, which is to be kept as `aims` say.
fn zeros_and_ones(aims: &Aims) -> Synthetic {
    let ones = |architecture: &Architecture| {
        let digits = Chain::digits(architecture);
        vec![digits.iter().filter(|digit| **digit == 1).count() as f64 / digits.len() as f64]
    };
    zeros().measures(ones, aims.clone())
}

/// At least three ones of seven leave four zeros; which cells have them is seen when they are measured.
#[test]
fn bonas_learns_a_limit() {
    let space = chain(7, 3);
    let pool = CandidatePool::auto(space.as_ref());
    let bound = Bound { at_most: false, value: 3.0 / 7.0 - 1e-9 };
    let aims = Aims { bounds: vec![(0, bound)], ..Aims::default() };
    let best = |aims: &Aims, evaluator: &Synthetic, seed| {
        let acquisition = Box::new(ExpectedImprovement::default());
        let strategy = Bonas { aims: aims.clone(), acquisition, ..bonas(pool.clone()) };
        let study = Study::new(space.clone(), Box::new(strategy), vec![Box::new(evaluator.clone())]);
        let finished = study.seed(seed).budget(Budget::architectures(60)).run().unwrap();
        let broken =
            finished.history.evaluations().iter().filter(|e| e.outcome.value(Fidelity::Table).is_none());
        (finished.history.best(finished.fidelity).unwrap().1, broken.count())
    };
    let (mut learned, mut ignored) = ((0.0, 0), (0.0, 0));
    for seed in 0..SEEDS {
        let evaluator = zeros_and_ones(&aims);
        let (one, other) = (best(&aims, &evaluator, seed), best(&Aims::default(), &evaluator, seed));
        learned = (learned.0 + one.0 / SEEDS as f64, learned.1 + one.1);
        ignored = (ignored.0 + other.0 / SEEDS as f64, ignored.1 + other.1);
    }
    println!("learned {learned:?}, ignored {ignored:?}");
    assert!(learned.0 > 4.0 / 7.0 - 0.05 && learned.0 <= 4.0 / 7.0 + 1e-9, "{learned:?}");
    assert!(learned.0 > ignored.0, "{learned:?} {ignored:?}");
}

/// Zeros against ones: the front is a line of eight points, whose hypervolume from (0, 0) is 21/49.
#[test]
fn two_objectives_beat_random_search() {
    let space = chain(7, 3);
    let pool = CandidatePool::auto(space.as_ref());
    let aims = Aims { second: Some(0), ..Aims::default() };
    let mean = |make: &dyn Fn() -> Box<dyn Strategy>| {
        let volume = |seed| {
            let evaluator = Box::new(zeros_and_ones(&aims));
            let study = Study::new(space.clone(), make(), vec![evaluator]).seed(seed);
            let finished = study.budget(Budget::architectures(60)).run().unwrap();
            let scores =
                finished.history.evaluations().iter().filter_map(|e| e.outcome.score(Fidelity::Table));
            let points: Vec<_> = scores.map(|score| [score.value, score.measures[0]]).collect();
            Front::of(&points, [-1e-9, -1e-9]).hypervolume()
        };
        (0..SEEDS).map(volume).sum::<f64>() / SEEDS as f64
    };
    let by = |objectives| mean(&|| Box::new(Bonas { aims: aims.clone(), objectives, ..bonas(pool.clone()) }));
    let (hypervolume, scalarised) = (by(Objectives::Hypervolume), by(Objectives::Scalarised));
    let nsga2 = mean(&|| Box::new(Nsga2 { population: 20, batches: BATCHES, aims: aims.clone() }));
    let random = mean(&|| Box::new(RandomSearch { batches: BATCHES }));
    println!(
        "hypervolume {hypervolume:.4}, scalarised {scalarised:.4}, nsga2 {nsga2:.4}, random {random:.4}"
    );
    let best = 21.0 / 49.0;
    assert!(hypervolume > best - 0.005 && hypervolume < best + 1e-6);
    assert!(hypervolume > random + 0.03 && scalarised > random && nsga2 > random);
}
