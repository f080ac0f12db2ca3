//! Fits to halves of the observations, from which intervals come.

use bonas_study::rng::stream;
use rand::seq::SliceRandom;

use super::effects::{Effects, values};
use super::exchanges::{Exchanges, Options};
use super::winner::{Changes, changes};
use super::{Asked, EXPLAIN, FEWEST_HALVED, HALVES};
use crate::StudyError;

/// For each half the effects of operations in its architectures, and the changes by each exchange in the winner, as a fit to that
/// half sees them; none where there are too few observations, or nothing to exchange. The standard deviation over halves is that of
/// an estimate by all (delete-half jackknife: Shao and Wu, Annals of Statistics 17, 1989).
pub(super) fn halves(
    asked: &Asked<'_>,
    (chosen, exchanges): (&[usize], &Exchanges),
    winner: &Options,
) -> Result<(Vec<Effects>, Vec<Changes>), StudyError> {
    if asked.observations.len() < FEWEST_HALVED || (exchanges.places().is_empty() && winner.is_empty()) {
        return Ok((Vec::new(), Vec::new()));
    }
    let halves = asked.on_threads(asked.explain.halves.max(2), |half| {
        let rows = rows_of(asked, half);
        let fitted = asked.fit(&rows, &[HALVES, half as u64])?;
        let within = (0..chosen.len()).filter(|&i| rows.binary_search(&chosen[i]).is_ok());
        let options: Vec<Options> = within.map(|i| exchanges.of[i].clone()).collect();
        let values = values(&*fitted, &options)?;
        let effects = Effects::of(&values, &(0..options.len()).collect::<Vec<_>>());
        Ok((effects, changes(&*fitted, winner)?))
    })?;
    Ok(halves.into_iter().unzip())
}

/// Half of the observations, drawn at random, in their order.
fn rows_of(asked: &Asked<'_>, half: usize) -> Vec<usize> {
    let mut rows: Vec<usize> = (0..asked.observations.len()).collect();
    rows.shuffle(&mut stream(asked.seed, &[EXPLAIN, HALVES, half as u64, 1]));
    rows.truncate(asked.observations.len().div_ceil(2));
    rows.sort_unstable();
    rows
}
