//! Predictions on all cores.
#![allow(clippy::unwrap_used)]

use bonas_surrogate::catalogue::SURROGATES;
use bonas_surrogate::testing::{toy_architectures, toy_observations};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// Many candidates at once, on all cores, have the posteriors of one chunk after the other, to the bit, for every
/// surrogate without tensors.
#[test]
fn parallel_is_serial() {
    const CHUNK: usize = 256;
    let candidates = toy_architectures(10 * CHUNK + 3, 5);
    for entry in SURROGATES.iter().filter(|entry| !entry.needs_torch()) {
        let surrogate = entry.build(&()).unwrap();
        let fitted = surrogate.fit(&toy_observations(40, 4), &mut ChaCha8Rng::seed_from_u64(1)).unwrap();
        let all = fitted.predict(&candidates).unwrap();
        for (chunk, all) in candidates.chunks(CHUNK).zip(all.chunks(CHUNK)) {
            assert_eq!(fitted.predict(chunk).unwrap(), all, "{}", entry.name());
        }
    }
}
