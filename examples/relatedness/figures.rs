//! From scores to the figures that are reported.

use bonas::surrogate::metrics::kendall_tau_b;
use serde::Serialize;

use crate::costs::Cost;
use crate::flags::Flags;
use crate::statistics::{Interval, Pairs, interval, mean, mean_of, sd};

/// What was measured of one batch; lists are in the order of the cells.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Batch {
    /// The cells in the space's notation.
    pub(crate) cells: Vec<String>,
    /// Accuracies from scratch, one a seed.
    pub(crate) runs: Vec<Vec<f64>>,
    /// Scores in the supernet of the batch.
    pub(crate) joint: Vec<f64>,
    /// Scores in the supernet of the space.
    pub(crate) one_shot: Vec<f64>,
}

impl Batch {
    /// Mean accuracy from scratch of each cell.
    fn truth(&self) -> Vec<f64> {
        self.runs.iter().filter_map(|runs| mean(runs)).collect()
    }

    fn scores(&self, supernet: Supernet) -> &[f64] {
        match supernet {
            Supernet::OneShot => &self.one_shot,
            Supernet::Joint => &self.joint,
        }
    }

    fn tau(&self, supernet: Supernet) -> Option<f64> {
        kendall_tau_b(self.scores(supernet), &self.truth())
    }

    fn seeds(&self) -> usize {
        self.runs.first().map_or(0, Vec::len)
    }

    /// Accuracy of each cell with one seed.
    fn run(&self, seed: usize) -> Vec<f64> {
        self.runs.iter().map(|runs| runs[seed]).collect()
    }

    /// Mean accuracy of each cell with all other seeds.
    fn rest(&self, seed: usize) -> Vec<f64> {
        let others = |runs: &Vec<f64>| [&runs[..seed], &runs[seed + 1..]].concat();
        self.runs.iter().filter_map(|runs| mean(&others(runs))).collect()
    }

    /// Tau between the accuracies of two seeds, mean over all pairs of seeds.
    fn ceiling(&self) -> Option<f64> {
        let pairs = (0..self.seeds()).flat_map(|a| (0..a).map(move |b| (a, b)));
        mean(&pairs.filter_map(|(a, b)| kendall_tau_b(&self.run(a), &self.run(b))).collect::<Vec<_>>())
    }

    /// Tau between the accuracy of one seed and the mean of the others, mean over the seeds: what
    /// a training run from scratch reaches as a score.
    fn one_run(&self) -> Option<f64> {
        let taus = (0..self.seeds()).filter_map(|s| kendall_tau_b(&self.run(s), &self.rest(s)));
        mean(&taus.collect::<Vec<_>>())
    }

    /// Spread over the seeds of one cell, root mean square over the cells.
    fn seed_sd(&self) -> Option<f64> {
        let squares: Vec<f64> = self.runs.iter().filter_map(|runs| sd(runs)).map(|s| s * s).collect();
        mean(&squares).map(f64::sqrt)
    }
}

/// What was measured of one repeat.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Measured {
    /// Of the batch of random cells.
    pub(crate) random: Batch,
    /// Of the batch of related cells.
    pub(crate) related: Batch,
}

impl Measured {
    fn batch(&self, kind: Kind) -> &Batch {
        match kind {
            Kind::Random => &self.random,
            Kind::Related => &self.related,
        }
    }

    /// By how much joint training beats the one-shot supernet.
    fn gain(&self, kind: Kind) -> Option<f64> {
        Some(self.batch(kind).tau(Supernet::Joint)? - self.batch(kind).tau(Supernet::OneShot)?)
    }

    /// By how much related cells are ranked better than random ones.
    fn ease(&self, supernet: Supernet) -> Option<f64> {
        Some(self.related.tau(supernet)? - self.random.tau(supernet)?)
    }
}

/// Which supernet gives the scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Supernet {
    /// That of the whole space.
    OneShot,
    /// That of the batch.
    Joint,
}

/// Which cells are ranked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// Cells drawn uniformly.
    Random,
    /// Cells around a centre.
    Related,
}

/// One condition; figures are means over the batches of the repeats.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) supernet: Supernet,
    pub(crate) cells: Kind,
    /// Kendall's tau-b between scores and truth inside a batch.
    pub(crate) tau: Option<Interval>,
    /// The same over the pairs of all batches, each pair inside its batch.
    pub(crate) pooled_tau: Option<Interval>,
    /// Noise ceiling: tau between the from-scratch accuracies of two seeds.
    pub(crate) ceiling: Option<Interval>,
    /// Tau between one seed and the mean of the others; with two seeds the ceiling again.
    pub(crate) one_run: Option<Interval>,
    /// Standard deviation of truth inside a batch.
    pub(crate) truth_sd: Option<f64>,
    /// Standard deviation over the seeds of one cell.
    pub(crate) seed_sd: Option<f64>,
    /// Mean truth, and mean score of the supernet.
    pub(crate) truth: Option<f64>,
    pub(crate) score: Option<f64>,
}

/// A difference of taus, paired inside repeats.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Difference {
    pub(crate) what: &'static str,
    pub(crate) tau: Option<Interval>,
}

/// Everything that is reported.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Results {
    pub(crate) settings: Flags,
    pub(crate) costs: Vec<Cost>,
    pub(crate) conditions: Vec<Row>,
    pub(crate) differences: Vec<Difference>,
    pub(crate) repeats: Vec<Measured>,
}

impl Results {
    /// The figures of what was measured.
    pub(crate) fn of(flags: &Flags, costs: Vec<Cost>, repeats: Vec<Measured>) -> Self {
        let supernets = [Supernet::OneShot, Supernet::Joint];
        let conditions = [Kind::Random, Kind::Related].map(|cells| supernets.map(|s| (s, cells))).concat();
        let conditions =
            conditions.into_iter().map(|(s, cells)| row(&repeats, s, cells, flags.seed)).collect();
        let differences = differences(&repeats, flags.seed);
        Self { settings: flags.clone(), costs, conditions, differences, repeats }
    }
}

fn row(repeats: &[Measured], supernet: Supernet, cells: Kind, seed: u64) -> Row {
    let batches: Vec<&Batch> = repeats.iter().map(|r| r.batch(cells)).collect();
    let pairs: Vec<Pairs> = batches.iter().map(|b| Pairs::of(b.scores(supernet), &b.truth())).collect();
    let pooled = |drawn: &[usize]| drawn.iter().map(|&i| pairs[i]).fold(Pairs::default(), Pairs::and).tau();
    let average =
        |of: &dyn Fn(&Batch) -> Option<f64>| mean(&batches.iter().filter_map(|b| of(b)).collect::<Vec<_>>());
    let over_repeats = |of: &dyn Fn(&Batch) -> Option<f64>| {
        let values: Vec<_> = batches.iter().map(|b| of(b)).collect();
        interval(values.len(), seed, |drawn| mean_of(&values, drawn))
    };
    Row {
        supernet,
        cells,
        tau: over_repeats(&|b| b.tau(supernet)),
        pooled_tau: interval(batches.len(), seed, pooled),
        ceiling: over_repeats(&Batch::ceiling),
        one_run: over_repeats(&Batch::one_run),
        truth_sd: average(&|b| sd(&b.truth())),
        seed_sd: average(&Batch::seed_sd),
        truth: average(&|b| mean(&b.truth())),
        score: average(&|b| mean(b.scores(supernet))),
    }
}

fn differences(repeats: &[Measured], seed: u64) -> Vec<Difference> {
    let difference = |what, of: &dyn Fn(&Measured) -> Option<f64>| {
        let values: Vec<_> = repeats.iter().map(of).collect();
        Difference { what, tau: interval(values.len(), seed, |drawn| mean_of(&values, drawn)) }
    };
    vec![
        difference("joint - one-shot, on random cells", &|r| r.gain(Kind::Random)),
        difference("joint - one-shot, on related cells", &|r| r.gain(Kind::Related)),
        difference("related - random cells, one-shot", &|r| r.ease(Supernet::OneShot)),
        difference("related - random cells, joint", &|r| r.ease(Supernet::Joint)),
        difference("gain of joint training: on related - on random", &|r| {
            Some(r.gain(Kind::Related)? - r.gain(Kind::Random)?)
        }),
    ]
}
