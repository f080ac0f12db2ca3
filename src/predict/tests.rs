use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use bonas_spaces::SearchSpace;
use bonas_spaces::families::nasbench_macro::NasBenchMacro;
use bonas_study::table::Reading;
use bonas_surrogate::models::CountsBsr;
use bonas_surrogate::{Predict, SurrogateError};
use rand::Rng;

use super::*;

/// Every 40th network; `up` is a sum over its layers, `down` falls as `up` rises.
fn table() -> Benchmark {
    table_of(usize::MAX)
}

fn table_of(rows: usize) -> Benchmark {
    let space = NasBenchMacro::new();
    let mut csv = String::from("arch,up,down\n");
    for network in space.enumerate().unwrap().step_by(40).take(rows) {
        let text = space.format(&network).unwrap();
        let sum: f64 =
            text.bytes().zip(1..).map(|(digit, layer)| f64::from(digit - b'0') * f64::from(layer)).sum();
        writeln!(csv, "{text},{},{}", 50.0 + 0.5 * sum, 90.0 - sum).unwrap();
    }
    let columns = vec!["up".parse().unwrap(), "down".parse().unwrap()];
    let reading = Reading { columns, ..Reading::default() };
    Benchmark::parse(csv.as_bytes(), Path::new("t.csv"), Arc::new(space), &reading).unwrap()
}

fn plan(rank: usize, threads: usize) -> Plan {
    Plan {
        sizes: vec![20, 60],
        splits: 3,
        seed: 1,
        train_on: 0,
        rank,
        diverged: Diverged::default(),
        threads,
    }
}

/// Knows the column `up`, with a standard deviation of 2 %.
#[derive(Debug)]
struct Oracle;

impl Surrogate for Oracle {
    fn name(&self) -> &'static str {
        "oracle"
    }

    fn fit(&self, _: &[Observation], _: &mut dyn Rng) -> Result<Box<dyn Predict>, SurrogateError> {
        Ok(Box::new(Oracle))
    }
}

impl Predict for Oracle {
    fn predict(&self, candidates: &[Architecture]) -> Result<Vec<Posterior>, SurrogateError> {
        let score = |a: &Architecture| {
            let labels = a.cells()[0].graph().node_weights().map(|op| op.index() as f64 - 3.0);
            let sum: f64 = labels.enumerate().map(|(layer, digit)| layer as f64 * digit).sum();
            // The output's label counts too: -2 at place 9.
            0.5 + 0.005 * (sum + 18.0)
        };
        candidates.iter().map(|a| Posterior::gaussian(score(a), 4e-4)).collect()
    }
}

#[test]
fn an_oracle_is_perfect_and_its_likelihood_in_the_unit_of_the_table() {
    let rows = measure(&table(), &|| Ok(Box::new(Oracle)), &plan(0, 2)).unwrap();
    assert_eq!(
        rows.iter().map(|row| (row.train, row.test, row.splits)).collect::<Vec<_>>(),
        [(20, 145, 3), (60, 105, 3)]
    );
    for row in &rows {
        assert!((row.tau_mean - 1.0).abs() < 1e-12 && row.tau_sd < 1e-12, "{row:?}");
        assert_eq!((row.precision1_mean, row.precision5_mean, row.n10_mean), (1.0, 1.0, 1.0));
        assert_eq!((row.coverage50, row.coverage95), (1.0, 1.0));
        // Density of a Gaussian at its mean, with a standard deviation of 2 in percent.
        let expected = (2.0 * (2.0 * std::f64::consts::PI).sqrt()).ln();
        assert!((row.nll.unwrap() - expected).abs() < 1e-9, "{row:?}");
    }
    let reversed = measure(&table(), &|| Ok(Box::new(Oracle)), &plan(1, 1)).unwrap();
    assert!((reversed[0].tau_mean + 1.0).abs() < 1e-12);
}

/// Counts the observations that have a score, and refuses another number of them.
#[derive(Debug)]
struct Counting {
    score: f64,
    share: f64,
}

impl Surrogate for Counting {
    fn name(&self) -> &'static str {
        "counting"
    }

    fn fit(&self, observations: &[Observation], _: &mut dyn Rng) -> Result<Box<dyn Predict>, SurrogateError> {
        let found = observations.iter().filter(|o| (o.score - self.score).abs() < 1e-12).count();
        assert_eq!(found, (self.share * observations.len() as f64).round() as usize);
        Ok(Box::new(Oracle))
    }
}

/// A share of the training rows has the score of a diverged run, in the unit of the column; what is predicted stays.
#[test]
fn training_rows_can_diverge() {
    for share in [0.0, 0.1, 0.55] {
        // Percent become fractions; no row has 17 %.
        let plan = Plan { diverged: Diverged { share, value: Some(17.0) }, ..plan(0, 2) };
        let rows = measure(&table(), &|| Ok(Box::new(Counting { score: 0.17, share })), &plan).unwrap();
        assert!(rows.iter().all(|row| (row.tau_mean - 1.0).abs() < 1e-12), "{rows:?}");
    }
    for (diverged, name) in [
        (Diverged { share: 1.0, value: None }, "diverged: 1, it must be at least 0 and below 1"),
        (Diverged { share: 0.1, value: Some(f64::NAN) }, "diverged-value: it must be a finite number"),
    ] {
        let plan = Plan { diverged, ..plan(0, 1) };
        let error = measure(&table(), &|| Ok(Box::new(Oracle)), &plan).unwrap_err().to_string();
        assert!(error.contains(name), "{error}");
    }
}

#[test]
fn figures_do_not_depend_on_the_number_of_threads() {
    let of = |threads| {
        let rows = measure(&table(), &|| Ok(Box::new(CountsBsr::default())), &plan(0, threads)).unwrap();
        rows.into_iter().map(|row| Row { fit_s: 0.0, predict_s: 0.0, ..row }).collect::<Vec<_>>()
    };
    let one = of(1);
    assert_eq!(one, of(4));
    assert!(one[1].tau_mean > 0.5, "{one:?}");
    assert!((one[0].tau_mean - one[1].tau_mean).abs() > 1e-3);
}

#[test]
fn sizes_that_leave_nothing_are_refused() {
    for sizes in [vec![], vec![1], vec![164]] {
        let plan = Plan { sizes, ..plan(0, 1) };
        let error = measure(&table(), &|| Ok(Box::new(Oracle)), &plan).unwrap_err().to_string();
        assert!(error.contains("bad setting sizes"), "{error}");
    }
}

#[test]
fn a_table_that_is_too_small_for_any_size_is_refused() {
    for rows in [1, 2, 3] {
        let error = measure(&table_of(rows), &|| Ok(Box::new(Oracle)), &plan(0, 1)).unwrap_err().to_string();
        let expected = format!("bad setting table: it has {rows} architectures; at least 4 are needed");
        assert!(error.starts_with(&expected), "{error}");
    }
    let plan = Plan { sizes: vec![2], ..plan(0, 1) };
    assert!(measure(&table_of(4), &|| Ok(Box::new(Oracle)), &plan).is_ok());
}

#[test]
fn who_watches_can_stop() {
    let mut splits = 0;
    let mut watch = || {
        splits += 1;
        splits < 2
    };
    let stopped = measure_watched(&table(), &|| Ok(Box::new(Oracle)), &plan(0, 1), &mut watch);
    assert!(matches!(stopped, Err(StudyError::Interrupted)));
    assert!(splits < 6, "{splits}");
}
