//! Random and damaged texts: a notation may refuse them, and never panics.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use bonas_spaces::catalogue::SPACES;
use bonas_spaces::rand::{Rng, RngExt, SeedableRng};
use bonas_spaces::{SearchSpace, SpaceEntry, SpaceError};
use rand_chacha::ChaCha8Rng;

/// Texts in all.
const TEXTS: usize = 100_000;

/// Pieces that the notations are made of, and some that break readers.
const PIECES: [&str; 40] = [
    "[",
    "]",
    "(",
    ")",
    "{",
    "}",
    ",",
    ":",
    "=",
    "'",
    "\"",
    "’",
    "“",
    "\\",
    "#",
    "\n",
    "-",
    "_",
    "~",
    "|",
    "+",
    ";",
    "0",
    "9",
    "99999999999999999999",
    "-1",
    "1e400",
    "é",
    "\u{0}",
    "\u{202e}",
    "range(",
    "Genotype(",
    "normal=",
    "None",
    "edge_normal_",
    "matrix",
    "ops",
    "np.int64(",
    "index:",
    "e6k3l1s0",
];

fn piece<R: Rng>(rng: &mut R) -> &'static str {
    PIECES[rng.random_range(0..PIECES.len() as u32) as usize]
}

/// A text of random pieces.
fn noise<R: Rng>(rng: &mut R) -> String {
    (0..rng.random_range(0..24_u32)).map(|_| piece(rng)).collect()
}

/// A text with a few characters dropped, doubled, exchanged, or pieces put in.
fn damaged<R: Rng>(text: &str, rng: &mut R) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    for _ in 0..rng.random_range(1..5_u32) {
        let at = rng.random_range(0..=letters.len() as u32) as usize;
        match rng.random_range(0..5_u32) {
            0 if at < letters.len() => _ = letters.remove(at),
            1 if at < letters.len() => letters.insert(at, letters[at]),
            2 if at > 0 && at < letters.len() => letters.swap(at - 1, at),
            3 => letters.truncate(at.max(1)),
            _ => _ = letters.splice(at..at, piece(rng).chars()).count(),
        }
    }
    letters.into_iter().collect()
}

/// The spaces that say in which notations they read.
fn spaces() -> Vec<Arc<dyn SearchSpace>> {
    let all = SPACES.iter().map(SpaceEntry::space);
    all.filter(|space| !space.notations().is_empty()).collect()
}

/// Texts of a space in all its notations.
fn good(space: &dyn SearchSpace, rng: &mut ChaCha8Rng) -> Vec<String> {
    let mut texts = Vec::new();
    for notation in space.notations() {
        let text = space.format_as(&space.sample(rng), notation.name);
        match text {
            Err(SpaceError::CannotSay { .. }) => {}
            text => texts.extend([text.unwrap(), notation.example.to_owned()]),
        }
    }
    texts
}

#[test]
fn no_text_makes_a_notation_panic() {
    let mut rng = ChaCha8Rng::seed_from_u64(18);
    let spaces = spaces();
    let (mut read, mut refused) = (0, 0);
    for space in &spaces {
        let good = good(&**space, &mut rng);
        for round in 0..TEXTS.div_ceil(spaces.len()) {
            let text = match round % 4 {
                0 => noise(&mut rng),
                _ => damaged(&good[round % good.len()], &mut rng),
            };
            match space.parse(&text) {
                Ok(architecture) => {
                    space.check(&architecture).unwrap();
                    read += 1;
                }
                Err(error) => {
                    assert!(error.to_string().len() < 4_000, "{error}");
                    refused += 1;
                }
            }
        }
    }
    assert!(read + refused >= TEXTS && read > TEXTS / 100 && refused > TEXTS / 2, "{read} {refused}");
}

#[test]
fn long_texts_are_refused_at_once() {
    for space in spaces() {
        for text in ["[".repeat(1 << 20), "(0,".repeat(20_000), "9".repeat(60_000), "é".repeat(40_000)] {
            let error = space.parse(&text).unwrap_err().to_string();
            assert!(error.len() < 2_000, "{}: {} bytes", space.name(), error.len());
        }
    }
}
