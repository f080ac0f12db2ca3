//! Pilots: what a few epochs or batches of a strategy take, and how many fit into the seconds of a budget.

use std::sync::PoisonError;

use super::Searcher;
use super::budget::{Budget, searching, set};
use super::meter::{Meter, Times};
use crate::build::FollowUps;
use crate::experiment::Experiment;
use crate::search::Search;
use crate::{Observer, StudyError};

/// The folder of the pilots.
const PILOT_FOLDER: &str = "pilot";
/// Epochs of a pilot, half of them without steps of α; and its batches.
const PILOT_EPOCHS: usize = 4;
const PILOT_BATCHES: usize = 2;

/// The budget of a strategy: as many epochs or architectures as fit into `seconds`.
pub(super) fn budget(
    experiment: &Experiment,
    searcher: &Searcher,
    seconds: f64,
) -> Result<Budget, StudyError> {
    let taken = pilot(experiment, searcher)?;
    let budget = Budget::own(searcher);
    let strategy = &searcher.search.strategy;
    if let Some(own) = strategy.own_network() {
        let (still, moving) = taken.asks.split_at(taken.asks.len() / 2);
        let each = [fastest(still), fastest(moving)];
        let share = own.warm_up as f64 / own.epochs as f64;
        let (count, alpha_start) = epochs_in(seconds, each, share);
        let budget = Budget { count, alpha_start, seconds_each: each.to_vec(), ..budget };
        return enough(budget, 2, "epochs", seconds);
    }
    let size = strategy.batch();
    let (each, once) = taken.architectures();
    let count = ((seconds - once).max(0.0) / each) as usize / size * size;
    let budget = Budget { count, seconds_each: vec![each], seconds_once: once, ..budget };
    enough(budget, 2 * size, "architectures", seconds)
}

/// The least of some times: what else the machine does can only slow work down.
fn fastest(seconds: &[f64]) -> f64 {
    seconds.iter().copied().fold(f64::INFINITY, f64::min)
}

/// Most epochs that fit into `seconds`, and the first of them in which α moves, a share `start` of
/// them. `each`: seconds of an epoch without steps of α and with them.
fn epochs_in(seconds: f64, each: [f64; 2], start: f64) -> (usize, usize) {
    let still = |epochs: usize| (start * epochs as f64).round() as usize;
    let taken = |epochs: usize| {
        let still = still(epochs);
        still as f64 * each[0] + (epochs - still) as f64 * each[1]
    };
    let most = (seconds / each[0].min(each[1])).min(1e6) as usize;
    let epochs = (0..=most).rev().find(|&epochs| taken(epochs) <= seconds).unwrap_or(0);
    (epochs, still(epochs))
}

fn enough(budget: Budget, least: usize, unit: &str, seconds: f64) -> Result<Budget, StudyError> {
    if budget.count >= least {
        return Ok(budget);
    }
    let slowest = budget.seconds_each.iter().copied().fold(0.0, f64::max);
    let reason = format!(
        "{seconds}; strategy `{}` gets {} {unit} in that time and needs at least {least}, so raise it to about {:.0}",
        budget.label,
        budget.count,
        (budget.seconds_once + least as f64 * slowest).ceil()
    );
    Err(StudyError::Setting { name: "seconds".to_owned(), reason })
}

/// Runs a few epochs or batches of a strategy, alone, and says what they took.
fn pilot(experiment: &Experiment, searcher: &Searcher) -> Result<Times, StudyError> {
    let directory = experiment.directory.join(PILOT_FOLDER).join(&searcher.label);
    // What a pilot that was stopped took is lost: it begins anew.
    match std::fs::remove_dir_all(&directory) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            return Err(StudyError::Io { path: directory, source });
        }
        _ => {}
    }
    let mut config = searching(&searcher.search, experiment.config.settings.first_seed);
    config.evaluator.use_device(0);
    set(&mut config, PILOT_EPOCHS, PILOT_EPOCHS / 2, PILOT_BATCHES * searcher.search.strategy.batch());
    let (meter, times) = Meter::new(FollowUps::planned(&config)?.on_processors());
    let mut meter = Some(meter);
    let search = Search { config, directory, cancel: experiment.cancel.clone() };
    search.run(&mut |_, _| {
        meter.take().map(|meter| Box::new(meter) as Box<dyn Observer>).into_iter().collect()
    })?;
    Ok(times.lock().unwrap_or_else(PoisonError::into_inner).clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epochs_fill_the_time() {
        assert_eq!(epochs_in(10.0, [1.0, 2.0], 0.0), (5, 0));
        // 3 still epochs of 10: 3·1 + 7·2 = 17.
        assert_eq!(epochs_in(17.0, [1.0, 2.0], 0.3), (10, 3));
        assert_eq!(epochs_in(16.9, [1.0, 2.0], 0.3), (9, 3));
        assert_eq!(epochs_in(0.5, [1.0, 2.0], 0.0), (0, 0));
        // Steps of α may cost nothing.
        assert_eq!(epochs_in(4.0, [1.0, 1.0], 0.5), (4, 2));
    }

    #[test]
    fn a_budget_too_small_says_how_much_is_needed() {
        let budget = Budget {
            label: "a".into(),
            unit: super::super::Unit::Epochs,
            count: 1,
            alpha_start: 0,
            seconds_each: vec![3.0, 3.0],
            seconds_once: 0.0,
        };
        let error = enough(budget, 2, "epochs", 4.0).unwrap_err().to_string();
        assert!(error.contains("seconds: 4;") && error.contains("about 6"), "{error}");
    }
}
