//! Space files that somebody has damaged end in an error or in a space, and never in a panic.

use std::fs;
use std::time::{Duration, Instant};

use bonas::config::space_from_toml;
use bonas::spaces::SearchSpace;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::tidy::workspace;

/// What is put into a file: keys and values that are right elsewhere, and some that never are.
const PIECES: [&str; 44] = [
    "0",
    "1",
    "-1",
    "2",
    "9",
    "64",
    "65",
    "1000000",
    "9223372036854775807",
    "99999999999999999999",
    "1e308",
    "nan",
    "inf",
    "\"\"",
    "\"a\"",
    "\"a b\"",
    "\"nodes\"",
    "true",
    "[]",
    "[[]]",
    "{}",
    "[0, 1]",
    "[3, 1]",
    "\n",
    "\r\n",
    "\u{feff}",
    "prune = true\n",
    "sources = 2\n",
    "sources = [1, 2, 3]\n",
    "edges = [[0, 1], [1, 0]]\n",
    "output = \"all\"\n",
    "same = \"text\"\n",
    "text = \"genotype\"\n",
    "inputs = 3\n",
    "shuffle = 1\n",
    "rules = [\"depth > 1 and params < 2\"]\n",
    "rules = [\"count(none) > 3\"]\n",
    "depth = [1, 64]\n",
    "count = 64\n",
    "each_layer = true\n",
    "if = \"e == 4\"\n",
    "ordinal = true\n",
    "range = [1, 9]\n",
    "names = [\"a\", \"b\"]\n",
];

/// Files that are damaged: the examples, and smaller ones that are built in little time.
fn seeds() -> Vec<String> {
    let folder = workspace().join("examples/spaces");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut seeds: Vec<String> = files.into_iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    // Without their networks, which take the longest.
    let without: Vec<String> =
        seeds.iter().map(|text| text.split("[network]").next().unwrap().to_owned()).collect();
    for _ in 0..4 {
        seeds.extend(without.clone());
    }
    let page = fs::read_to_string(workspace().join("docs/spaces.md")).unwrap();
    let blocks = page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
    seeds.extend(
        blocks
            .filter(|block| !block.contains("[strategy]"))
            .flat_map(|block| [block.to_owned(), block.to_owned()]),
    );
    seeds
}

/// The text with a few things wrong.
fn damaged(text: &str, rng: &mut dyn Rng) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    for _ in 0..rng.random_range(1..6) {
        let at = rng.random_range(0..letters.len().max(1)).min(letters.len());
        let end = (at + rng.random_range(1..24)).min(letters.len());
        let piece: Vec<char> = PIECES[rng.random_range(0..PIECES.len())].chars().collect();
        match rng.random_range(0..7) {
            0 => drop(letters.drain(at..end)),
            1 => drop(letters.splice(at..at, piece)),
            2 => drop(letters.splice(at..end, piece)),
            3 => {
                let copy: Vec<char> = letters[at..end].to_vec();
                let to = rng.random_range(0..=letters.len());
                drop(letters.splice(to..to, copy));
            }
            4 if at < letters.len() => letters[at] = char::from(rng.random_range(1..127_u8)),
            // A number becomes another.
            _ => {
                let digit = letters.iter().skip(at).position(char::is_ascii_digit).map(|i| at + i);
                if let Some(digit) = digit {
                    let number = piece.iter().all(char::is_ascii_digit);
                    let new = if number { piece } else { vec!['7'] };
                    drop(letters.splice(digit..=digit, new));
                }
            }
        }
    }
    letters.into_iter().collect()
}

/// Builds what it can of `cases` damaged files; returns how many made a space.
fn damage(cases: usize, slowest: Duration) -> usize {
    let (seeds, mut rng, mut built) = (seeds(), ChaCha8Rng::seed_from_u64(2026), 0);
    for case in 0..cases {
        let text = damaged(&seeds[rng.random_range(0..seeds.len())], &mut rng);
        let start = Instant::now();
        let ended = std::panic::catch_unwind(|| {
            let Ok(space) = space_from_toml(&text, "fuzz", "fuzz") else { return false };
            let mut rng = ChaCha8Rng::seed_from_u64(1);
            let drawn = space.sample(&mut rng);
            let mutant = space.mutate(&drawn, &mut rng).unwrap();
            for architecture in [drawn, mutant] {
                let printed = space.format(&architecture).unwrap();
                assert_eq!(space.parse(&printed).unwrap(), architecture, "{printed}");
            }
            true
        });
        let seconds = start.elapsed();
        assert!(seconds < slowest, "case {case} took {seconds:?}:\n{text}");
        built += usize::from(ended.unwrap_or_else(|_| panic!("case {case} panics:\n{text}")));
    }
    built
}

#[test]
fn damaged_space_files_do_not_panic() {
    let built = damage(400, Duration::from_secs(20));
    // Neither all errors nor all spaces, so that both ends are seen.
    assert!((20..380).contains(&built), "{built}");
}

/// Run in release: `cargo test --release --no-default-features --test main -- --ignored many_damaged_space_files`.
#[test]
#[ignore = "damages 100,000 files; run it in release"]
fn many_damaged_space_files_do_not_panic() {
    let built = damage(100_000, Duration::from_secs(1));
    println!("{built} of 100000 damaged files made a space");
}
