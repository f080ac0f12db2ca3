//! Measures how well surrogates rank the rest of a table after training on a few of its rows (`bonas predict`).
//!
//! Use it to choose a surrogate for your data. A split draws `n` training rows at random; the surrogate is fitted to their
//! values in one column and predicts all other rows. Ranks are compared with another column (or the same); posteriors are
//! judged by the column that the surrogate was trained on. The sizes of one split are nested: the first `n` of one random
//! order.

mod json;
#[cfg(test)]
mod tests;

use std::time::Instant;

use bonas_spaces::Architecture;
use bonas_surrogate::metrics::{
    coverage, kendall_tau_b, n_at_k, negative_log_likelihood, precision_at_top, spearman,
};
use bonas_surrogate::{Observation, Posterior, Surrogate};
use rand::seq::SliceRandom;

use crate::StudyError;
use bonas_study::parallel;
use bonas_study::rng::stream;
use bonas_study::table::Benchmark;

pub use json::{FORMAT, Row, Rows};

/// Purpose of a random stream: the order of the arms in a split.
const SPLIT: u64 = 200;
/// Purpose of a random stream: the rows of a split that stand in for diverged runs.
const DIVERGED: u64 = 202;
/// Purpose of a random stream: fitting in a split.
const FIT: u64 = 201;
/// Fewest architectures of a table: two to train on, and two whose ranks are compared.
const FEWEST: usize = 4;

/// Training rows that stand in for runs that diverged.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Diverged {
    /// Share of the training rows in `[0, 1)`, drawn at random in each split.
    pub share: f64,
    /// The value that they get in the column that is trained on, in its unit; none: the lowest of the table.
    pub value: Option<f64>,
}

/// What is measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Numbers of training arms.
    pub sizes: Vec<usize>,
    /// Random splits of each size.
    pub splits: usize,
    /// Seed of the splits.
    pub seed: u64,
    /// Position of the column that is trained on.
    pub train_on: usize,
    /// Position of the column that ranks are compared with.
    pub rank: usize,
    /// Training rows that are replaced by diverged runs; the rows that are predicted stay as they are.
    pub diverged: Diverged,
    /// Threads; a split runs on one. The figures, but for seconds, do not depend on it.
    pub threads: usize,
}

/// Makes a surrogate; each thread makes its own.
pub type Make<'a> = dyn Fn() -> Result<Box<dyn Surrogate>, StudyError> + Sync + 'a;

/// Figures of one surrogate in one split.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Split {
    /// Kendall's tau-b; 0 for predictions that are all equal.
    pub tau: f64,
    /// Spearman's correlation; 0 for predictions that are all equal.
    pub spearman: f64,
    /// Best true rank among the ten arms predicted best, from 1.
    pub n10: f64,
    /// Share of the truly best 1 % among those predicted best.
    pub precision1: f64,
    /// The same of 5 %.
    pub precision5: f64,
    /// Share of the values inside their central 50 %, 80 % and 95 % posterior intervals.
    pub coverage: [f64; 3],
    /// Mean negative log likelihood in nats, in the unit of the column.
    pub nll: f64,
    /// Seconds of fitting.
    pub fit_s: f64,
    /// Seconds of predicting the other arms.
    pub predict_s: f64,
}

/// Measures one surrogate: a row a size, in order.
///
/// # Errors
/// [`StudyError::Setting`] for sizes that leave nothing to train on or to predict; whatever the
/// surrogate's fit fails with, that of the first split in order.
pub fn measure(table: &Benchmark, make: &Make<'_>, plan: &Plan) -> Result<Vec<Row>, StudyError> {
    measure_watched(table, make, plan, &mut || true)
}

/// The same, with `watch` called after every split; where it says false, no further split is begun.
///
/// # Errors
/// As [`measure`]; [`StudyError::Interrupted`] where `watch` said false.
pub fn measure_watched(
    table: &Benchmark,
    make: &Make<'_>,
    plan: &Plan,
    watch: &mut dyn FnMut() -> bool,
) -> Result<Vec<Row>, StudyError> {
    check(plan, table.arms().len())?;
    let truth = Truth::of(table, plan);
    let jobs: Vec<(usize, usize)> =
        plan.sizes.iter().flat_map(|&size| (0..plan.splits).map(move |split| (size, split))).collect();
    let mut done: Vec<Option<Result<Split, StudyError>>> = jobs.iter().map(|_| None).collect();
    let work = |job: usize| truth.split(make()?.as_ref(), jobs[job].0, jobs[job].1, plan.seed);
    let mut interrupted = false;
    parallel(jobs.len(), plan.threads, work, |job, result| {
        let fine = result.is_ok();
        done[job] = Some(result);
        interrupted |= !watch();
        fine && !interrupted
    });
    if interrupted {
        return Err(StudyError::Interrupted);
    }
    let splits: Vec<Split> = done.into_iter().flatten().collect::<Result<_, _>>()?;
    let name = make()?.name();
    let rows = plan.sizes.iter().zip(splits.chunks(plan.splits));
    Ok(rows.map(|(&size, splits)| Row::of(name, size, table.arms().len() - size, splits)).collect())
}

fn check(plan: &Plan, arms: usize) -> Result<(), StudyError> {
    let bad = |name: &str, reason: String| Err(StudyError::Setting { name: name.to_owned(), reason });
    match plan.sizes.iter().find(|&&size| size < 2 || size + 2 > arms) {
        _ if plan.sizes.is_empty() => bad("sizes", "there is none; give numbers of training rows".into()),
        _ if !(0.0..1.0).contains(&plan.diverged.share) => {
            bad("diverged", format!("{}, it must be at least 0 and below 1", plan.diverged.share))
        }
        _ if plan.diverged.value.is_some_and(|value| !value.is_finite()) => {
            bad("diverged-value", "it must be a finite number".into())
        }
        _ if plan.splits == 0 => bad("splits", "0, it must be at least 1".into()),
        Some(_) if arms < FEWEST => bad(
            "table",
            format!(
                "it has {arms} architectures; at least {FEWEST} are needed, two to train on and two to rank"
            ),
        ),
        Some(size) => {
            let most = arms.saturating_sub(2);
            bad("sizes", format!("{size}, it must be 2 to {most}: the table has {arms} architectures"))
        }
        None => Ok(()),
    }
}

/// The values of all arms.
struct Truth<'a> {
    architectures: Vec<&'a Architecture>,
    /// What is trained on, accuracies as fractions.
    train: Vec<f64>,
    /// What the column's numbers were multiplied by for that.
    scale: f64,
    /// What ranks are compared with.
    rank: Vec<f64>,
    /// Share of the training rows that diverged, and what they get.
    diverged: (f64, f64),
}

impl<'a> Truth<'a> {
    fn of(table: &'a Benchmark, plan: &Plan) -> Self {
        let train = &table.columns()[plan.train_on];
        let scale = train.scale();
        let lowest = train.means().into_iter().fold(f64::INFINITY, f64::min);
        let diverged = (plan.diverged.share, scale * plan.diverged.value.unwrap_or(lowest));
        Self {
            diverged,
            architectures: table.arms().iter().map(|arm| &arm.architecture).collect(),
            train: train.means().into_iter().map(|value| scale * value).collect(),
            scale,
            rank: table.columns()[plan.rank].means(),
        }
    }

    fn split(
        &self,
        surrogate: &dyn Surrogate,
        size: usize,
        split: usize,
        seed: u64,
    ) -> Result<Split, StudyError> {
        let mut order: Vec<usize> = (0..self.train.len()).collect();
        order.shuffle(&mut stream(seed, &[SPLIT, split as u64]));
        let (train, test) = order.split_at(size);
        let observe = |&i: &usize| Observation::new(self.architectures[i].clone(), self.train[i]);
        let mut observations: Vec<Observation> = train.iter().map(observe).collect();
        let count = (self.diverged.0 * size as f64).round() as usize;
        let mut rng = stream(seed, &[DIVERGED, split as u64, size as u64]);
        for i in rand::seq::index::sample(&mut rng, size, count) {
            observations[i].score = self.diverged.1;
        }
        let candidates: Vec<Architecture> = test.iter().map(|&i| self.architectures[i].clone()).collect();
        let start = Instant::now();
        let fitted = surrogate.fit(&observations, &mut stream(seed, &[FIT, split as u64, size as u64]))?;
        let fit_s = start.elapsed().as_secs_f64();
        let start = Instant::now();
        let posteriors = fitted.predict(&candidates)?;
        let predict_s = start.elapsed().as_secs_f64();
        Ok(Split { fit_s, predict_s, ..self.judge(&posteriors, test) })
    }

    /// The figures of some posteriors of the arms in `test`; seconds are left at 0.
    fn judge(&self, posteriors: &[Posterior], test: &[usize]) -> Split {
        let predicted: Vec<f64> = posteriors.iter().map(Posterior::median).collect();
        let ranked: Vec<f64> = test.iter().map(|&i| self.rank[i]).collect();
        let trained: Vec<f64> = test.iter().map(|&i| self.train[i]).collect();
        let inside = |level| coverage(posteriors, &trained, level).unwrap_or(f64::NAN);
        let precision = |share| precision_at_top(&predicted, &ranked, share).unwrap_or(0.0);
        Split {
            tau: kendall_tau_b(&predicted, &ranked).unwrap_or(0.0),
            spearman: spearman(&predicted, &ranked).unwrap_or(0.0),
            n10: n_at_k(&predicted, &ranked, 10).map_or(f64::NAN, |rank| rank as f64),
            precision1: precision(0.01),
            precision5: precision(0.05),
            coverage: [0.5, 0.8, 0.95].map(inside),
            nll: negative_log_likelihood(posteriors, &trained).unwrap_or(f64::NAN) - self.scale.ln(),
            fit_s: 0.0,
            predict_s: 0.0,
        }
    }
}
