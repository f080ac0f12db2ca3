//! Random streams: every random draw of a study comes from one of these.
//!
//! Use [`stream`] to get the generator for one purpose. Streams of different purposes are independent, so that results do not
//! depend on the order in which workers draw.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// The generator all of a study's randomness comes from; equal on every platform.
pub type StudyRng = ChaCha8Rng;

/// The stream for one purpose: a function of the study's seed and a path of numbers, for example
/// `[ASK, round]` or `[EVALUATE, round, batch]`.
///
/// Streams of different paths are independent, so that a study killed at any instant and resumed
/// draws exactly what it would have drawn, on any number of workers.
pub fn stream(seed: u64, path: &[u64]) -> StudyRng {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes());
    for part in path {
        hasher.update(&part.to_le_bytes());
    }
    StudyRng::from_seed(*hasher.finalize().as_bytes())
}

/// The stream of a part of something drawn with one seed, by the part's name.
pub fn named_stream(seed: u64, name: &str) -> StudyRng {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes());
    hasher.update(name.as_bytes());
    StudyRng::from_seed(*hasher.finalize().as_bytes())
}

/// Purpose of a stream: the strategy's draws of a round.
pub const ASK: u64 = 1;
/// Purpose of a stream: evaluating a batch.
pub const EVALUATE: u64 = 2;
/// Purpose of a stream: training a finalist from scratch.
pub const FINAL: u64 = 3;
/// Purpose of a stream: the strategy's draws for its estimates of what was evaluated.
pub const ESTIMATE: u64 = 5;
/// Purpose of a stream: seeds of training that all architectures share.
pub const SEEDS: u64 = 4;
