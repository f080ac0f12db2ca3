//! Which cells are measured.

use std::collections::HashSet;
use std::sync::Arc;

use anyhow::{Result, anyhow, bail};
use bonas::StudyError;
use bonas::spaces::catalogue::SPACES;
use bonas::spaces::{Architecture, Key, SearchSpace};
use bonas::study::rng::{StudyRng, stream};
use rand::RngExt;

use crate::flags::Flags;

/// Streams of the draws, apart from those of the studies.
const BATCHES: u64 = 101;
const POOL: u64 = 102;
/// Paths that the one-shot supernet is trained on: so many uniform draws miss no operation of an
/// edge (each is in a DARTS cell with a chance of 2/35 or more: missed once in 10^50 times).
const POOL_SIZE: usize = 2048;
/// Draws, for each cell wanted, before a space is said to be too small.
const PATIENCE: usize = 1000;

/// The cells of one repeat.
#[derive(Clone, Debug)]
pub(crate) struct Repeat {
    /// Drawn uniformly.
    pub(crate) random: Vec<Architecture>,
    /// A centre drawn uniformly, and cells a few edits away from it.
    pub(crate) related: Vec<Architecture>,
}

impl Repeat {
    /// Both batches.
    pub(crate) fn both(&self) -> Vec<Architecture> {
        [self.random.as_slice(), &self.related].concat()
    }
}

/// The space that the cells are of.
pub(crate) fn space(flags: &Flags) -> Result<Arc<dyn SearchSpace>> {
    Ok(SPACES.get(&flags.space).map_err(|reason| anyhow!("--space: {reason}"))?.space())
}

/// The cells of all repeats, no cell twice.
pub(crate) fn draw(flags: &Flags) -> Result<Vec<Repeat>> {
    let space = space(flags)?;
    let mut taken = HashSet::new();
    let repeat = |i| {
        let mut rng = stream(flags.seed, &[BATCHES, i as u64]);
        let random = distinct(flags.cells, &mut taken, || Ok(space.sample(&mut rng)))?;
        let centre = distinct(1, &mut taken, || Ok(space.sample(&mut rng)))?;
        let around = || edited(&*space, &centre[0], flags.radius, &mut rng);
        let around = distinct(flags.cells - 1, &mut taken, around)?;
        Ok(Repeat { random, related: [centre, around].concat() })
    };
    (0..flags.repeats).map(repeat).collect()
}

/// The cells whose union is the whole space.
pub(crate) fn pool(flags: &Flags) -> Result<Vec<Architecture>> {
    let (space, mut rng) = (space(flags)?, stream(flags.seed, &[POOL]));
    Ok((0..POOL_SIZE).map(|_| space.sample(&mut rng)).collect())
}

/// A cell 1 to `radius` random edits away, each number with the same chance.
fn edited(
    space: &dyn SearchSpace,
    centre: &Architecture,
    radius: usize,
    rng: &mut StudyRng,
) -> Result<Architecture, StudyError> {
    let edits = rng.random_range(1..=radius);
    (0..edits).try_fold(centre.clone(), |cell, _| Ok(space.mutate(&cell, rng)?))
}

/// `count` cells from `next` that were not taken before.
fn distinct(
    count: usize,
    taken: &mut HashSet<Key>,
    mut next: impl FnMut() -> Result<Architecture, StudyError>,
) -> Result<Vec<Architecture>> {
    let mut cells = Vec::with_capacity(count);
    for _ in 0..PATIENCE * count {
        if cells.len() == count {
            return Ok(cells);
        }
        let cell = next()?;
        if taken.insert(cell.key()) {
            cells.push(cell);
        }
    }
    if cells.len() == count {
        return Ok(cells);
    }
    bail!("found {} new cells of {count}; take fewer --cells or --repeats, or a larger --radius", cells.len())
}
