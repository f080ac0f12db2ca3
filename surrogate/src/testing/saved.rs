//! The rules of saved surrogates.

use bonas_spaces::Architecture;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::{foreign_architecture, must, predict};
use crate::{Predict, Saved, Surrogate, SurrogateError};

/// The name that toy cells have as a space here.
const SPACE: &str = "toy";

/// Checks that what can be saved is loaded with equal bits, and that nothing else is loaded.
pub(super) fn check_saved(surrogate: &dyn Surrogate, fitted: &dyn Predict, candidates: &[Architecture]) {
    let name = surrogate.name();
    let saved = match fitted.save() {
        Err(SurrogateError::NotSaved { .. }) => return,
        saved => must(saved, "save").of_space(SPACE),
    };
    assert_eq!(saved.surrogate(), name, "{name}: saved under another name");
    let bytes = must(saved.to_bytes(), "save to bytes");
    let again = must(must(fitted.save(), "save").of_space(SPACE).to_bytes(), "save to bytes");
    assert!(bytes == again, "{name}: saved twice, the bytes differ");
    check_bytes(name, &bytes);
    let read = must(Saved::from_bytes(&bytes), "read what was saved");
    let loaded = match surrogate.load(&read, &[]) {
        Err(SurrogateError::Knowledge { .. }) => return,
        loaded => must(loaded, "load"),
    };
    check_equal(name, fitted, &*loaded, candidates);
    let loaded_bytes = must(must(loaded.save(), "save").of_space(SPACE).to_bytes(), "save to bytes");
    assert!(bytes == loaded_bytes, "{name}: what is loaded is saved as other bytes");
    check_other_spaces(surrogate, &read, &*loaded);
}

/// Equal posteriors, embeddings and joint draws.
fn check_equal(name: &str, fitted: &dyn Predict, loaded: &dyn Predict, candidates: &[Architecture]) {
    assert_eq!(predict(loaded, candidates), predict(fitted, candidates), "{name}: loaded posteriors differ");
    let embedding = |of: &dyn Predict| must(of.embed(candidates), "embed");
    assert_eq!(embedding(loaded), embedding(fitted), "{name}: loaded embeddings differ");
    let draws = |of: &dyn Predict| {
        let joint = must(of.joint(candidates), "joint")?;
        Some(joint.draws(3, &mut ChaCha8Rng::seed_from_u64(1)))
    };
    assert_eq!(draws(loaded), draws(fitted), "{name}: joint draws of what is loaded differ");
}

fn check_other_spaces(surrogate: &dyn Surrogate, saved: &Saved, loaded: &dyn Predict) {
    let name = surrogate.name();
    let is_space = |result: Result<(), SurrogateError>| matches!(result, Err(SurrogateError::Space { .. }));
    let foreign = [foreign_architecture()];
    assert!(is_space(loaded.predict(&foreign).map(drop)), "{name}: once loaded it predicts another space");
    assert!(is_space(saved.expect_like(&foreign[0])), "{name}: what is saved tells no space from others");
    must(saved.expect_space(SPACE), "the space that it was saved for");
    assert!(is_space(saved.expect_space("another")), "{name}: a model of a space is one of another");
    let other = must(Saved::of("another surrogate", &()), "save");
    assert!(
        matches!(surrogate.load(&other, &[]), Err(SurrogateError::File { .. })),
        "{name}: loads what another surrogate saved"
    );
}

/// Bytes that are cut short, changed, or of another version are refused.
fn check_bytes(name: &str, bytes: &[u8]) {
    /// Bytes at the beginning that are all tried.
    const HEAD: usize = 80;
    let step = (bytes.len() / 50).max(1);
    let places: Vec<usize> = (0..bytes.len()).filter(|&at| at < HEAD || at % step == 0).collect();
    let mut versions = 0;
    for &at in &places {
        assert!(Saved::from_bytes(&bytes[..at]).is_err(), "{name}: loads the first {at} bytes alone");
        let mut changed = bytes.to_vec();
        changed[at] ^= 0x10;
        match Saved::from_bytes(&changed) {
            Err(SurrogateError::Version { .. }) => versions += 1,
            Err(SurrogateError::File { .. }) => {}
            other => panic!("{name}: byte {at} is changed, and it is loaded or fails otherwise: {other:?}"),
        }
    }
    assert_eq!(versions, 4, "{name}: four bytes are the version");
}
