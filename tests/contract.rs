//! The public contract suites, run on what this crate ships.

use bonas::Fidelity;
use bonas::study::evaluator::{Repeats, Synthetic, Table};
use bonas::study::strategy::{
    Aims, Batches, Bonas, Bound, CandidatePool, Evolutionary, Local, LocalSearch, Nsga2, Objectives, Parents,
    RandomSearch, RegularizedEvolution, Targets,
};
use bonas::study::testing::{Chain, check_evaluator, check_strategy};
use bonas::surrogate::acquisition::{Thompson, Ucb};
use bonas::surrogate::selection::TopK;

use crate::support::{Near, chain};

const BATCHES: Batches = Batches { count: 2, size: 3 };

#[test]
fn random_search() {
    check_strategy(&|| Box::new(RandomSearch::default()), chain(8, 3));
    check_strategy(&|| Box::new(RandomSearch { batches: BATCHES }), chain(4, 2));
}

#[test]
fn evolution() {
    let make = || RegularizedEvolution {
        population: 12,
        batches: BATCHES,
        targets: Targets::BatchCentred,
        ..RegularizedEvolution::default()
    };
    check_strategy(&|| Box::new(make()), chain(8, 3));
    check_strategy(&|| Box::new(make()), chain(5, 2));
}

#[test]
fn local_search() {
    check_strategy(&|| Box::new(LocalSearch::default()), chain(8, 3));
    check_strategy(&|| Box::new(LocalSearch::new(Batches { count: 1, size: 1 })), chain(5, 2));
}

fn bonas_with(pool: CandidatePool) -> Bonas {
    Bonas {
        name: "bonas".into(),
        surrogate: Box::new(Near),
        acquisition: Box::new(Ucb::default()),
        selection: Box::new(TopK),
        pool,
        initial: 10,
        batches: BATCHES,
        targets: Targets::default(),
        aims: Aims::default(),
        objectives: Objectives::default(),
        noise_free: false,
        floor: true,
    }
}

/// The suite's evaluations have two measures: the first may be limited, the second is an objective.
fn aims(second: Option<usize>) -> Aims {
    Aims { bounds: vec![(0, Bound { at_most: true, value: 0.6 })], second, reference: None }
}

#[test]
fn bonas_with_limits_and_two_objectives() {
    let space = chain(6, 3);
    let pool = CandidatePool::auto(space.as_ref());
    for (second, objectives) in
        [(None, Objectives::default()), (Some(1), Objectives::Hypervolume), (Some(1), Objectives::Scalarised)]
    {
        let make = || Bonas { aims: aims(second), objectives, ..bonas_with(pool.clone()) };
        check_strategy(&|| Box::new(make()), space.clone());
        let unlimited = Aims { second, ..Aims::default() };
        check_strategy(&|| Box::new(Bonas { aims: unlimited.clone(), ..make() }), space.clone());
    }
}

#[test]
fn nsga2() {
    for second in [None, Some(1)] {
        let make = || Nsga2 { population: 12, batches: BATCHES, aims: aims(second) };
        check_strategy(&|| Box::new(make()), chain(8, 3));
        check_strategy(&|| Box::new(make()), chain(5, 2));
    }
}

#[test]
fn bonas_on_the_whole_space() {
    let space = chain(6, 3);
    let pool = CandidatePool::auto(space.as_ref());
    assert!(matches!(pool, CandidatePool::Whole(_)));
    check_strategy(
        &|| Box::new(Bonas { acquisition: Box::new(Thompson), ..bonas_with(pool.clone()) }),
        space.clone(),
    );
}

#[test]
fn bonas_on_evolutionary_pools() {
    let space = chain(12, 4);
    assert!(matches!(CandidatePool::auto(space.as_ref()), CandidatePool::Evolutionary(_)));
    for parents in [Parents::Recent, Parents::Best] {
        let pool = CandidatePool::Evolutionary(Evolutionary {
            size: 50,
            parents,
            random_share: 0.2,
            ..Evolutionary::default()
        });
        check_strategy(&|| Box::new(bonas_with(pool.clone())), space.clone());
    }
}

#[test]
fn bonas_on_local_pools() {
    for (length, space) in [(12, chain(12, 4)), (4, chain(4, 2))] {
        let pool = CandidatePool::Local(Local { size: 40, population: length });
        check_strategy(&|| Box::new(bonas_with(pool.clone())), space.clone());
    }
}

#[test]
fn synthetic_evaluator() {
    let make = || Synthetic::new(Fidelity::FromScratch, Chain::share_of_zeros).noise(0.1);
    check_evaluator(&|| Box::new(make()), chain(6, 3).as_ref());
}

#[test]
fn table_evaluator() {
    let space = chain(3, 2);
    // `001` and `100` are one chain read from either end.
    let pairs = [("000", 1.0), ("001", 0.5), ("100", 0.7), ("010", 0.4), ("111", 0.1), ("101", 0.2)];
    let table = Table::from_pairs(space.as_ref(), pairs).unwrap();
    assert_eq!(table.len(), 5);
    assert_eq!(table.values(space.parse("100").unwrap().key()), Some(&[0.5, 0.7][..]));
    for repeats in [Repeats::Mean, Repeats::Draw] {
        check_evaluator(&|| Box::new(table.clone().repeats(repeats)), space.as_ref());
    }
    assert!(Table::from_pairs(space.as_ref(), [("000", f64::NAN)]).is_err());
    assert!(Table::from_pairs(space.as_ref(), [("0x0", 1.0)]).is_err());
}
