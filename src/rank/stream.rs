//! Posteriors of a list, chunk by chunk on several threads, in order.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use bonas_spaces::{Architecture, Key, SearchSpace};
use bonas_study::cores;
use bonas_surrogate::{Posterior, Predict};

use super::candidates::Candidate;
use super::{Candidates, Model};
use crate::StudyError;

/// Candidates that are predicted together: one chunk of a surrogate, which predicts more than one on several threads.
pub const CHUNK: usize = 256;

/// Chunks under way for each thread: one that is predicted, one that waits.
const AHEAD: usize = 2;

/// The probability that a score lies between `low` and `high` of a [`Ranked`].
pub const INTERVAL: f64 = 0.8;

/// What a model says of an architecture, in the unit of the scores that it was fitted to.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranked {
    /// The architecture, as the list writes it.
    pub text: Box<str>,
    /// Its key, the same for isomorphic copies.
    pub key: Key,
    /// Median of its score.
    pub median: f64,
    /// The 10 % quantile.
    pub low: f64,
    /// The 90 % quantile.
    pub high: f64,
}

/// Candidates, and what becomes of them.
type Work = (SyncSender<Vec<Candidate>>, Receiver<Result<Vec<Ranked>, StudyError>>);

/// Predicts a list on `threads` threads, at most one a core, and hands it to `take` chunk by chunk, in the order of the
/// list, until `take` says false. Returns the number of architectures that were handed over.
///
/// Neither the number of threads nor what is cached changes a bit of the result.
///
/// # Errors
/// [`StudyError::Table`] with the first line that the space cannot read, once all before its chunk are handed over; those of
/// the list and of the model; [`StudyError::Data`] for a list of none.
pub fn rank(
    model: &Model,
    mut list: Candidates<'_>,
    threads: usize,
    mut take: impl FnMut(Vec<Ranked>) -> bool,
) -> Result<u64, StudyError> {
    let threads = threads.clamp(1, cores());
    let path = list.path().to_owned();
    thread::scope(|scope| {
        let mut begin = || {
            let (predictor, unit) = (model.predictor()?, model.scale());
            let ranker = Ranker { predictor, space: &**model.space(), path: &path, unit };
            let (send, jobs) = sync_channel::<Vec<Candidate>>(AHEAD);
            let (done, results) = sync_channel(AHEAD);
            scope.spawn(move || jobs.into_iter().try_for_each(|chunk| done.send(ranker.ranked(chunk))));
            Ok((send, results))
        };
        let workers = Workers { threads, begun: Vec::new(), begin: &mut begin };
        in_order(workers, &mut list, &mut take)
    })
}

/// Threads, each with a predictor of its own, that begin when there is a chunk for them.
struct Workers<'a> {
    /// How many there can be.
    threads: usize,
    begun: Vec<Work>,
    begin: &'a mut dyn FnMut() -> Result<Work, StudyError>,
}

impl Workers<'_> {
    /// The one whose turn a chunk of the list is, by its position.
    fn of(&mut self, chunk: usize) -> Result<&Work, StudyError> {
        let place = chunk % self.threads;
        if place >= self.begun.len() {
            self.begun.push((self.begin)()?);
        }
        Ok(&self.begun[place])
    }
}

/// Gives each worker a chunk in turn, and takes their results in the same turn.
fn in_order(
    mut workers: Workers<'_>,
    list: &mut Candidates<'_>,
    take: &mut dyn FnMut(Vec<Ranked>) -> bool,
) -> Result<u64, StudyError> {
    let (mut given, mut taken, mut count) = (0, 0, 0);
    let mut end = None;
    loop {
        while end.is_none() && given - taken < AHEAD * workers.threads {
            match list.next_chunk(CHUNK) {
                Ok(chunk) if chunk.is_empty() => end = Some(Ok(())),
                Ok(chunk) => {
                    workers.of(given)?.0.send(chunk).map_err(|_| lost(list.path()))?;
                    given += 1;
                }
                Err(error) => end = Some(Err(error)),
            }
        }
        if taken == given {
            end.unwrap_or(Ok(()))?;
            return if given == 0 { Err(no_candidates(list.path())) } else { Ok(count) };
        }
        let result = workers.of(taken)?.1.recv().map_err(|_| lost(list.path()))?;
        let ranked = result?;
        (taken, count) = (taken + 1, count + ranked.len() as u64);
        if !take(ranked) {
            return Ok(count);
        }
    }
}

fn no_candidates(path: &Path) -> StudyError {
    let reason = "no architecture is in it; give one a line, or CSV with a column `arch`".into();
    StudyError::Data { path: PathBuf::from(path), reason }
}

/// A worker is gone without a result.
fn lost(path: &Path) -> StudyError {
    let reason = "a thread panicked on one of the architectures; please report it".into();
    StudyError::Data { path: PathBuf::from(path), reason }
}

/// One thread's predictor, and what it needs to read a list.
struct Ranker<'a> {
    predictor: Box<dyn Predict>,
    space: &'a dyn SearchSpace,
    path: &'a Path,
    /// What scores were multiplied by.
    unit: f64,
}

impl Ranker<'_> {
    fn ranked(&self, chunk: Vec<Candidate>) -> Result<Vec<Ranked>, StudyError> {
        let architectures = chunk.iter().map(|one| self.architecture(one)).collect::<Result<Vec<_>, _>>()?;
        let posteriors = self.predictor.predict(&architectures)?;
        let ranked = |((candidate, posterior), architecture): ((Candidate, &Posterior), &Architecture)| {
            let at = |share: f64| posterior.quantile(share) / self.unit;
            let (low, high) = (0.5 * (1.0 - INTERVAL), 0.5 * (1.0 + INTERVAL));
            let median = posterior.median() / self.unit;
            let (text, key) = (candidate.text.into(), architecture.key());
            Ranked { text, key, median, low: at(low), high: at(high) }
        };
        Ok(chunk.into_iter().zip(&posteriors).zip(&architectures).map(ranked).collect())
    }

    fn architecture(&self, candidate: &Candidate) -> Result<Architecture, StudyError> {
        if let Some(architecture) = &candidate.architecture {
            return Ok(architecture.clone());
        }
        self.space.parse(&candidate.text).map_err(|error| StudyError::Table {
            path: self.path.to_owned(),
            line: candidate.line,
            reason: format!(
                "{error}; correct or remove the line, or take a model of its space (this one is of {})",
                self.space.name()
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two chunks need two threads, however many there may be.
    #[test]
    fn threads_begin_with_their_chunks() {
        let list = "a\n".repeat(CHUNK + 1);
        let mut list = Candidates::read("list".as_ref(), std::io::Cursor::new(list)).unwrap();
        let mut begun = 0;
        let mut begin = || {
            begun += 1;
            let (send, jobs) = sync_channel::<Vec<Candidate>>(AHEAD);
            let (done, results) = sync_channel(AHEAD);
            thread::spawn(move || jobs.into_iter().try_for_each(|_| done.send(Ok(Vec::new()))));
            Ok((send, results))
        };
        let workers = Workers { threads: 50, begun: Vec::new(), begin: &mut begin };
        let mut chunks = 0;
        let mut take = |_| {
            chunks += 1;
            true
        };
        assert_eq!(in_order(workers, &mut list, &mut take).unwrap(), 0);
        assert_eq!((begun, chunks), (2, 2));
    }
}
