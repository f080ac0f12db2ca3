//! Failed evaluations inform a search.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use bonas_spaces::Architecture;
use bonas_study::evaluator::Synthetic;
use bonas_study::history::Outcome;
use bonas_study::strategy::{Bonas, RandomSearch};
use bonas_study::testing::Chain;
use bonas_study::{Budget, Fidelity, Strategy, Study};

/// Zeros score best, and chains with three or more of them cannot be trained: a search that learns from failures
/// stays below.
#[test]
fn what_fails_for_a_reason_is_avoided() {
    let zeros = |a: &Architecture| Chain::digits(a).iter().filter(|&&digit| digit == 0).count();
    let function = move |a: &Architecture| match zeros(a) {
        3.. => Err("out of memory".to_owned()),
        few => Ok(few as f64 / 6.0),
    };
    let failures = |strategy: Box<dyn Strategy>| {
        let space = Arc::new(Chain::new(6, 3).unwrap());
        let evaluator = Synthetic::new(Fidelity::Table, function);
        let study = Study::new(space, strategy, vec![Box::new(evaluator)]);
        let history = study.seed(3).budget(Budget::architectures(60)).run().unwrap().history;
        let failed = history.evaluations().iter().skip(20);
        failed.filter(|e| matches!(e.outcome, Outcome::Failed(_))).count()
    };
    let learnt = failures(Box::<Bonas>::default());
    let random = failures(Box::<RandomSearch>::default());
    assert!(learnt < 8 && random > 10, "{learnt} {random}");
}
