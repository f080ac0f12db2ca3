//! Predictions chunk by chunk, on all cores.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use bonas_spaces::Architecture;

use crate::{Posterior, SurrogateError};

/// Candidates of a chunk, few enough that their covariances stay in the processor's cache.
pub(crate) const CHUNK: usize = 256;

/// Chunks that are worked on at a time, so that memory stays bounded for lists of any length.
const TOGETHER: usize = 16;

/// Posteriors of candidates, in order, predicted in chunks of [`CHUNK`] by `work`, with scratch space for each thread.
///
/// `prepare` is called before, for several chunks at a time, on this thread. Chunks do not depend on the number of cores, so
/// neither do results.
///
/// # Errors
/// The first in the order of the candidates.
pub(crate) fn in_chunks<S: Default>(
    candidates: &[Architecture],
    prepare: impl Fn(&[Architecture]) -> Result<(), SurrogateError>,
    work: impl Fn(&[Architecture], &mut S) -> Result<Vec<Posterior>, SurrogateError> + Sync,
) -> Result<Vec<Posterior>, SurrogateError> {
    let threads = Threads::reserved();
    let mut posteriors = Vec::with_capacity(candidates.len());
    for together in candidates.chunks(TOGETHER * CHUNK) {
        prepare(together)?;
        let chunks: Vec<&[Architecture]> = together.chunks(CHUNK).collect();
        let each = chunks.len().div_ceil(threads.count()).max(1);
        let run = |chunks: &[&[Architecture]]| {
            let mut scratch = S::default();
            chunks.iter().map(|chunk| work(chunk, &mut scratch)).collect::<Result<Vec<_>, _>>()
        };
        let parts: Vec<Result<Vec<Vec<Posterior>>, SurrogateError>> = thread::scope(|scope| {
            let mut shares = chunks.chunks(each);
            let own = shares.next().unwrap_or_default();
            let others: Vec<_> = shares.map(|share| scope.spawn(|| run(share))).collect();
            let join = |thread: thread::ScopedJoinHandle<'_, _>| {
                thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            std::iter::once(run(own)).chain(others.into_iter().map(join)).collect()
        });
        for part in parts {
            posteriors.extend(part?.into_iter().flatten());
        }
    }
    Ok(posteriors)
}

/// Threads of all predictions that go on in this process.
static BUSY: AtomicUsize = AtomicUsize::new(0);

/// A share of the cores: those that no other prediction of this process uses, at least one. So studies that run beside each
/// other begin few threads more than there are cores.
struct Threads(usize);

impl Threads {
    fn reserved() -> Self {
        let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let share = |busy: usize| cores.saturating_sub(busy).max(1);
        let before = BUSY.update(Ordering::Relaxed, Ordering::Relaxed, |busy| busy + share(busy));
        Self(share(before))
    }

    fn count(&self) -> usize {
        self.0
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        BUSY.fetch_sub(self.0, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever comes later gets what is left, and what was reserved is given back. Other tests of this process may predict
    /// meanwhile.
    #[test]
    fn predictions_beside_each_other_share_the_cores() {
        let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let held: Vec<Threads> = (0..3 * cores).map(|_| Threads::reserved()).collect();
        assert!(held.iter().all(|threads| (1..=cores).contains(&threads.count())));
        assert!(held[cores..].iter().all(|threads| threads.count() == 1));
    }
}
