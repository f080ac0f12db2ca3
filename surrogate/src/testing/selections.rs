//! The contract of selections.

use ndarray::{Array1, Array2};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::must;
use crate::acquisition::{Scale, constrained};
use crate::posterior::Joint;
use crate::{Batches, Candidates, Posterior, Selection, SurrogateError};

/// Checks a selection.
///
/// Rules: `min(n, count * size)` different indices are chosen. Every batch but the last is full, none is empty.
/// The best candidate comes first, if the selection says so, so that a batch of one is what the acquisition says alone. Equal generators give equal batches. Equal utilities,
/// equal embeddings, certain scores and limits that are surely broken are accepted, and utilities of every [`Scale`], also
/// weighed by limits ([`constrained`]). NaN utilities, wrong or
/// infinite embeddings and batches of size 0 are errors, and so are candidates without a joint
/// posterior for a selection that reads it. A selection may refuse candidates without embeddings.
///
/// # Panics
/// Naming the rule that is broken.
pub fn check_selection(selection: &dyn Selection, seed: u64) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let embeddings = Array2::from_shape_fn((40, 5), |_| rng.random_range(-1.0..1.0));
    let utilities: Vec<f64> = (0..40).map(|_| rng.random()).collect();
    let (same, equal) = (Array2::from_elem((40, 5), 0.3), vec![0.5; 40]);
    let posteriors = |variance| vec![must(Posterior::gaussian(0.5, variance), "posterior"); 40];
    let (unsure, sure) = (posteriors(0.04), posteriors(0.0));
    let joint = |indices: &[usize]| mock_joint(indices, 0.04).map(Some);
    let singular = |indices: &[usize]| mock_joint(indices, 0.0).map(Some);
    let all = Candidates {
        embeddings: Some(&embeddings),
        posteriors: Some(&unsure),
        joint: Some(&joint),
        incumbent: Some(0.6),
        ..Candidates::of(&utilities)
    };
    let alike = Candidates { utilities: &equal, embeddings: Some(&same), ..all };
    let certain = Candidates { posteriors: Some(&sure), joint: Some(&singular), incumbent: None, ..all };
    let limited = Candidates { feasibility: Some(&[0.0; 40]), ..all };
    let bare = Candidates { embeddings: None, ..all };
    let refuses_bare = selection.reads_embeddings()
        && selection.select(&bare, Batches { count: 1, size: 1 }, &mut rng).is_err();
    for (count, size) in [(1, 1), (1, 10), (4, 5), (7, 6), (3, 100), (100, 1)] {
        let batches = Batches { count, size };
        for candidates in [&all, &alike, &certain, &limited] {
            check_batches(selection, candidates, batches, seed);
        }
        if !refuses_bare {
            check_batches(selection, &bare, batches, seed);
        }
    }
    check_scales(selection, &all, seed);
    check_refusals(selection, &all, &mut rng);
    let nothing = Candidates { utilities: &[], embeddings: None, ..all };
    let none =
        must(selection.select(&nothing, Batches { count: 1, size: 2 }, &mut rng), "select from nothing");
    assert!(none.is_empty(), "batches without candidates");
}

/// Checks utilities of every scale, with limits that are kept surely, never and in between.
fn check_scales(selection: &dyn Selection, all: &Candidates<'_>, seed: u64) {
    let feasibility: Vec<f64> = (0..all.utilities.len()).map(|i| ((i * 7 + 3) % 11) as f64 / 10.0).collect();
    for scale in [Scale::Score, Scale::Gain, Scale::LogGain] {
        let on_scale = |u: &f64| match scale {
            Scale::Score => u - 0.5,
            Scale::Gain => *u,
            Scale::LogGain => u.ln(),
        };
        let free: Vec<f64> = all.utilities.iter().map(on_scale).collect();
        let limited = constrained(scale, free.clone(), &feasibility);
        let one = Batches { count: 1, size: 1 };
        for (utilities, feasibility) in [(&free, None), (&limited, Some(&feasibility[..]))] {
            let candidates = Candidates { utilities, scale, feasibility, ..*all };
            for batches in [one, Batches { count: 1, size: 10 }, Batches { count: 4, size: 5 }] {
                check_batches(selection, &candidates, batches, seed);
            }
        }
    }
}

/// Checks what a selection must refuse, starting from candidates that it accepts.
fn check_refusals(selection: &dyn Selection, all: &Candidates<'_>, rng: &mut ChaCha8Rng) {
    let two = Batches { count: 1, size: 2 };
    let mut refuses = |u: &[f64], e: &Array2<f64>, b: Batches, rule: &str| {
        let candidates = Candidates { utilities: u, embeddings: Some(e), ..*all };
        assert!(selection.select(&candidates, b, rng).is_err(), "accepts {rule}");
    };
    refuses(&[0.1, f64::NAN], &Array2::zeros((2, 1)), two, "a NaN utility");
    refuses(&[0.1, 0.2], &Array2::zeros((3, 1)), two, "embeddings of other candidates");
    refuses(&[0.1, 0.2], &Array2::from_elem((2, 1), f64::INFINITY), two, "infinite embeddings");
    refuses(&[0.1, 0.2], &Array2::zeros((2, 1)), Batches { count: 0, size: 2 }, "no batches");
    refuses(&[0.1, 0.2], &Array2::zeros((2, 1)), Batches { count: 2, size: 0 }, "batches of size 0");
    let without_joint = selection.select(&Candidates { joint: None, ..*all }, two, rng);
    let rule = "a missing joint posterior is refused exactly if it is read";
    assert_eq!(without_joint.is_err(), selection.reads_joint(), "{rule}");
}

/// A joint posterior of candidates in a row, correlated by distance; without variance all scores are certain.
fn mock_joint(indices: &[usize], variance: f64) -> Result<Joint, SurrogateError> {
    let n = indices.len();
    let mean = Array1::from_shape_fn(n, |i| 0.5 + 0.001 * indices[i] as f64);
    let near = |i: usize, j: usize| (-(indices[i].abs_diff(indices[j]) as f64) / 3.0).exp();
    Joint::gaussian(mean, Array2::from_shape_fn((n, n), |(i, j)| variance * near(i, j)))
}

fn check_batches(selection: &dyn Selection, candidates: &Candidates<'_>, batches: Batches, seed: u64) {
    let run = || must(selection.select(candidates, batches, &mut ChaCha8Rng::seed_from_u64(seed)), "select");
    let groups = run();
    assert_eq!(groups, run(), "equal seeds differ");
    let mut all = groups.concat();
    let utilities = candidates.utilities;
    let best = utilities.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let first = utilities[all[0]] >= best || !selection.takes_best_first();
    assert!(first, "the best candidate is not first");
    assert!(groups.iter().all(|g| !g.is_empty() && g.len() <= batches.size), "a batch is empty or too large");
    let full = groups.iter().rev().skip(1).all(|g| g.len() == batches.size);
    assert!(full, "a batch before the last is short");
    all.sort_unstable();
    let chosen = all.len();
    all.dedup();
    assert_eq!(all.len(), chosen, "a candidate is chosen twice");
    assert_eq!(chosen, utilities.len().min(batches.total()), "too few or too many are chosen");
}
