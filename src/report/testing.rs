//! A small study for tests.

use bonas_spaces::Key;
use bonas_study::history::{EndReason, Event, Fidelity, Outcome, Prediction, Proposed, Score};
use bonas_supernet::differentiable::Epoch;

/// NAS-Bench-201 cells by number, so that the space can parse them.
pub(crate) fn arch(i: usize) -> String {
    let ops = ["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"];
    let op = |slot: u32| ops[i / 5_usize.pow(slot) % 5];
    format!("|{}~0|+|{}~0|{}~1|+|{}~0|{}~1|{}~2|", op(0), op(1), op(2), op(3), op(4), op(5))
}

/// A round's proposal of architectures by number, with predicted means in order.
pub(crate) fn asked(round: usize, batches: &[&[usize]], means: Option<&[f64]>) -> Event {
    let mut means = means.map(|means| means.iter());
    let mut proposed = |i: &usize| Proposed {
        arch: arch(*i),
        key: Key::from_bytes((*i as u128).to_be_bytes()),
        predicted: means.as_mut().and_then(Iterator::next).map(|&mean| Prediction { mean, sd: 0.03 }),
    };
    let batches = batches.iter().map(|batch| batch.iter().map(&mut proposed).collect()).collect();
    Event::Asked { round, batches, dropped: 0 }
}

/// A batch's outcomes; a score that is not finite is a failure.
pub(crate) fn evaluated(round: usize, batch: usize, scores: &[f64]) -> Event {
    let outcome = |&score: &f64| {
        if score.is_finite() {
            Outcome::Scored(Score::of(score, Fidelity::SharedWeights))
        } else {
            Outcome::Failed("out of <memory> & luck".to_owned())
        }
    };
    Event::Evaluated { round, batch, outcomes: scores.iter().map(outcome).collect() }
}

/// Three rounds: random, then twice with predictions.
pub(crate) fn study() -> Vec<Event> {
    vec![
        Event::Started {
            version: 1,
            space: "nasbench201".into(),
            seed: 3,
            config: "[space]\nname = \"nasbench201\" # <b>".into(),
        },
        asked(0, &[&[3906, 1234, 777, 4000]], None),
        evaluated(0, 0, &[0.52, 0.61, f64::NAN, 0.44]),
        asked(1, &[&[5000, 6001, 7002, 8003]], Some(&[0.66, 0.64, 0.60, 0.55])),
        evaluated(1, 0, &[0.70, 0.75, 0.61, 0.58]),
        asked(2, &[&[9004, 11005, 12006, 13007]], Some(&[0.74, 0.72, 0.71, 0.69])),
        evaluated(2, 0, &[0.81, 0.78, 0.77, 0.71]),
        Event::Ended { reason: EndReason::Budget },
    ]
}

/// Three epochs in which the skips of the normal cell gain on all edges.
pub(crate) fn trajectory() -> Vec<Epoch> {
    let epoch = |epoch: usize| {
        let mut normal = [[0.125; 8]; 14];
        for row in &mut normal {
            row[3] += 0.1 * epoch as f64;
        }
        Epoch {
            epoch,
            loss: 2.0 - 0.5 * epoch as f64,
            genotype: format!("cells of epoch {epoch}"),
            weight_free: [epoch + 1, 2],
            skips: [epoch, 0],
            weights: [normal, [[0.125; 8]; 14]],
        }
    };
    (0..3).map(epoch).collect()
}
