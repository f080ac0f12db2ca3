//! `summary.json`: a study in figures, for programs.

use bonas_study::history::{EndReason, Fidelity, Outcome};
use bonas_study::statistics::{mean, sd};
use bonas_supernet::differentiable::Epoch;
use serde::{Deserialize, Serialize};

use super::{FinalTraining, Report, RoundRow, Shortlisted};

/// Version of the keys of [`Summary`]; they are only ever added to under one version.
pub const SUMMARY_FORMAT: u32 = 2;

/// What `summary.json` holds. Scores are in the evaluator's unit, accuracies are fractions; what is
/// not known is null. It depends on configuration, seed and data alone: times and facts about the
/// machine are in [`super::Timings`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// [`SUMMARY_FORMAT`].
    pub format: u32,
    /// Name of the search space.
    pub space: String,
    /// Seed of the study.
    pub seed: u64,
    /// How scores were come by.
    pub fidelity: Option<Fidelity>,
    /// Unique architectures evaluated, failures included.
    pub queries: usize,
    /// Architectures whose results were imported; they come before those evaluated.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub imported: usize,
    /// How many of them failed.
    pub failed: usize,
    /// Trials that were handed out and not told yet.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub pending: usize,
    /// Trials that were given up.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub abandoned: usize,
    /// Why the study ended; null while it can be resumed.
    pub ended: Option<EndReason>,
    /// The architecture with the best score; null without a score.
    pub best: Option<Best>,
    /// Who won, in the space's notation: the best of the shortlist, else that of the best score.
    pub winner: Option<String>,
    /// The best scores, trained from scratch; empty if there was no shortlist.
    pub shortlist: Vec<Shortlisted>,
    /// Kendall's tau-b between predictions before the evaluation and scores: mean over rounds.
    pub tau_mean: Option<f64>,
    /// One entry a round.
    pub rounds: Vec<Round>,
    /// One entry an epoch of a differentiable search; empty for other strategies. The probabilities
    /// of all operations are in [`bonas_supernet::differentiable::TRAJECTORY_FILE`].
    #[serde(default)]
    pub trajectory: Vec<Relaxed>,
    /// Final training; null if there is to be none.
    #[serde(rename = "final")]
    pub finals: Option<FinalSummary>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(n: &usize) -> bool {
    *n == 0
}

/// Final training of the winner and of random architectures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FinalSummary {
    /// Whether all of it is done.
    pub finished: bool,
    /// Networks that are trained.
    pub done: usize,
    /// Networks that are to be trained in all.
    pub planned: usize,
    /// One entry a network that is trained, the winner first.
    pub results: Vec<Trained>,
}

/// The best architecture of a study.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// In the space's notation.
    pub arch: String,
    /// Its key in hexadecimal.
    pub key: String,
    /// Its score.
    pub score: f64,
    /// The other of accuracy and balanced accuracy, where classes differ in size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<f64>,
    /// What else was measured of it, as limits and second objectives read it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub measures: Vec<f64>,
    /// Which query it was, from 1; those that were imported come first.
    pub query: usize,
    /// Round, from 0.
    pub round: usize,
}

/// One round.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Round {
    /// Round, from 0.
    pub round: usize,
    /// Architectures evaluated.
    pub queries: usize,
    /// How many of them failed.
    pub failed: usize,
    /// Best score up to and with this round.
    pub best: Option<f64>,
    /// Lowest score of the round.
    pub min: Option<f64>,
    /// Mean score of the round.
    pub mean: Option<f64>,
    /// Highest score of the round.
    pub max: Option<f64>,
    /// Kendall's tau-b between predictions before the evaluation and scores.
    pub tau: Option<f64>,
}

/// One epoch of a differentiable search.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Relaxed {
    /// Epoch, from 0.
    pub epoch: usize,
    /// Mean training loss of the weights.
    pub loss: f64,
    /// The cells that the architecture parameters decode to.
    pub genotype: String,
    /// Skips and pools in each cell.
    pub weight_free: [usize; 2],
    /// Skips in each cell.
    pub skips: [usize; 2],
}

/// One architecture after final training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trained {
    /// What it is: "winner", or "random 1" and so on.
    pub label: String,
    /// In the space's notation.
    pub arch: String,
    /// Test accuracy of each seed; of language models 1/perplexity on the test text.
    pub test: Vec<f64>,
    /// Their mean.
    pub test_mean: Option<f64>,
    /// Their standard deviation (divisor n - 1).
    pub test_sd: Option<f64>,
    /// Balanced accuracy on the test images, mean over seeds, where classes differ in size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<f64>,
    /// Of language models the perplexity on the test text of each seed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub perplexity: Vec<f64>,
    /// Their mean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub perplexity_mean: Option<f64>,
    /// Their standard deviation (divisor n - 1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub perplexity_sd: Option<f64>,
    /// Trainable parameters.
    pub params: Option<usize>,
    /// Multiply-adds of one image.
    pub macs: Option<u64>,
}

impl Summary {
    /// The summary of a study.
    pub fn of(report: &Report<'_>) -> Self {
        let digest = &report.digest;
        let rows = digest.rows();
        let taus: Vec<f64> = rows.iter().filter_map(|row| row.tau).collect();
        let best = digest.best().map(|(i, score)| {
            let query = &digest.queries[i];
            let (arch, key) = (query.arch.clone(), query.key.clone());
            let (beside, measures) = match &query.outcome {
                Outcome::Scored(score) => (score.beside, score.measures.clone()),
                Outcome::Failed(_) => (None, Vec::new()),
            };
            Best { arch, key, score, beside, measures, query: i + 1, round: query.round }
        });
        Self {
            format: SUMMARY_FORMAT,
            space: digest.space.clone(),
            seed: digest.seed,
            fidelity: digest.fidelity(),
            queries: digest.queries.len() - digest.imports,
            imported: digest.imports,
            failed: digest.queries.iter().filter(|q| matches!(q.outcome, Outcome::Failed(_))).count(),
            pending: digest.pending.len(),
            abandoned: digest.abandoned.len(),
            ended: digest.ended,
            best,
            winner: report.winner.as_ref().map(|winner| winner.arch.clone()),
            shortlist: report.shortlist.clone(),
            tau_mean: (!taus.is_empty()).then(|| taus.iter().sum::<f64>() / taus.len() as f64),
            rounds: rows.iter().map(round).collect(),
            trajectory: report.trajectory.iter().map(relaxed).collect(),
            finals: report.finals.as_ref().map(finals),
        }
    }
}

fn round(row: &RoundRow) -> Round {
    Round {
        round: row.round,
        queries: row.queries,
        failed: row.failed,
        best: row.best,
        min: row.range.map(|r| r.min),
        mean: row.range.map(|r| r.mean),
        max: row.range.map(|r| r.max),
        tau: row.tau,
    }
}

fn relaxed(epoch: &Epoch) -> Relaxed {
    let (genotype, weight_free, skips) = (epoch.genotype.clone(), epoch.weight_free, epoch.skips);
    Relaxed { epoch: epoch.epoch, loss: epoch.loss, genotype, weight_free, skips }
}

fn finals(finals: &FinalTraining) -> FinalSummary {
    FinalSummary {
        finished: finals.finished(),
        done: finals.results.len(),
        planned: finals.planned,
        results: finals.results.iter().map(trained).collect(),
    }
}

fn trained(result: &super::FinalResult) -> Trained {
    Trained {
        label: result.label.clone(),
        arch: result.arch.clone(),
        test: result.test.clone(),
        test_mean: result.mean(),
        test_sd: result.sd(),
        beside: result.beside,
        perplexity_mean: (!result.perplexity.is_empty()).then(|| mean(&result.perplexity)),
        perplexity_sd: (result.perplexity.len() > 1).then(|| sd(&result.perplexity)),
        perplexity: result.perplexity.clone(),
        params: result.params,
        macs: result.macs,
    }
}
