//! Predictions chunk by chunk, on all cores.

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
    let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut posteriors = Vec::with_capacity(candidates.len());
    for together in candidates.chunks(TOGETHER * CHUNK) {
        prepare(together)?;
        let chunks: Vec<&[Architecture]> = together.chunks(CHUNK).collect();
        let each = chunks.len().div_ceil(cores).max(1);
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
