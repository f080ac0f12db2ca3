//! Figures made of the values: Kendall's tau, by bucket of multiply-adds, and what the best have in
//! common.

use std::collections::BTreeMap;

use bonas::spaces::OpId;
use bonas::supernet::indicator::{Indicator, rank_sums};
use bonas::surrogate::metrics::kendall_tau_b;
use serde::Serialize;

use crate::flags::{Flags, Net, VARIANTS};
use crate::measure::{Cell, Values};

/// Buckets of multiply-adds, of equal size.
const BUCKETS: usize = 5;

/// Figures of one indicator on supernets of one variant, one a seed.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Figure {
    pub(crate) variant: &'static str,
    pub(crate) indicator: &'static str,
    /// Cells it was computed for.
    pub(crate) cells: usize,
    /// Kendall's tau-b with the target.
    pub(crate) tau: Vec<f64>,
    /// Tau with multiply-adds.
    pub(crate) tau_macs: Vec<f64>,
    /// Tau with the target in each bucket of multiply-adds, the smallest first.
    pub(crate) buckets: Vec<Vec<f64>>,
    /// Share of convolutions among the operations of the best hundredth.
    pub(crate) convolutions: Vec<f64>,
}

/// What one supernet says of the cells, and their multiply-adds.
struct Scored {
    scores: Vec<f64>,
    macs: Vec<f64>,
}

/// Mean and standard deviation (n - 1) of what is a number.
pub(crate) fn mean_sd(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let sum: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    (mean, (sum / (n - 1.0)).sqrt())
}

/// Share of convolutions among the operations of each cell, on edges or on nodes, `none` and skips counted; 0
/// for a cell without any.
pub(crate) fn convolutions(cells: &[Cell]) -> Vec<f64> {
    let share = |cell: &Cell| {
        let vocabulary = cell.architecture.vocabulary();
        let graphs = cell.architecture.cells().iter().map(bonas::spaces::Cell::graph);
        let labels = graphs.flat_map(|graph| graph.node_weights().chain(graph.edge_weights()));
        let ops: Vec<OpId> =
            labels.copied().filter(|&label| vocabulary.ops().any(|op| op == label)).collect();
        let convolves = ops.iter().filter(|&&op| vocabulary.name(op).contains("conv")).count();
        convolves as f64 / ops.len().max(1) as f64
    };
    cells.iter().map(share).collect()
}

/// The figures of every variant and indicator; `target` is what is ranked against.
pub(crate) fn figures(
    flags: &Flags,
    nets: &[Net],
    values: &[Values],
    cells: &[Cell],
    target: &[f64],
) -> Vec<Figure> {
    let mut figures = Vec::new();
    for (variant, name) in VARIANTS {
        let mut of: BTreeMap<Indicator, Vec<Scored>> = BTreeMap::new();
        for (_, values) in nets.iter().zip(values).filter(|(net, _)| net.variant == variant) {
            let macs = &values[&Indicator::MACS];
            for (indicator, scores) in with_composite(values, flags.costly.min(cells.len())) {
                of.entry(indicator).or_default().push(Scored { scores, macs: macs.clone() });
            }
        }
        figures
            .extend(of.into_iter().map(|(indicator, seeds)| figure(name, indicator, &seeds, cells, target)));
    }
    figures
}

/// The values with the rank sum of the three terms, of the cells that have all of them.
fn with_composite(values: &Values, costly: usize) -> Values {
    let terms: Vec<Vec<f64>> = Indicator::TERMS.iter().map(|term| values[term][..costly].to_vec()).collect();
    let mut all = values.clone();
    all.insert(Indicator::COMPOSITE, rank_sums(&terms));
    all
}

fn figure(
    variant: &'static str,
    indicator: Indicator,
    seeds: &[Scored],
    cells: &[Cell],
    target: &[f64],
) -> Figure {
    let count = seeds.first().map_or(0, |seed| seed.scores.len());
    let tau = |x: &[f64], y: &[f64]| kendall_tau_b(x, y).unwrap_or(f64::NAN);
    let shares = convolutions(cells);
    let mut figure = Figure {
        variant,
        indicator: indicator.name(),
        cells: count,
        tau: Vec::new(),
        tau_macs: Vec::new(),
        buckets: vec![Vec::new(); BUCKETS],
        convolutions: Vec::new(),
    };
    for Scored { scores, macs } in seeds {
        figure.tau.push(tau(scores, &target[..count]));
        figure.tau_macs.push(tau(scores, &macs[..count]));
        let order = sorted(&macs[..count]);
        for (bucket, taus) in figure.buckets.iter_mut().enumerate() {
            let part = &order[bucket * count / BUCKETS..(bucket + 1) * count / BUCKETS];
            let pick = |from: &[f64]| part.iter().map(|&i| from[i]).collect::<Vec<_>>();
            taus.push(tau(&pick(scores), &pick(target)));
        }
        let best: Vec<usize> = sorted(scores).into_iter().rev().take((count / 100).max(1)).collect();
        figure.convolutions.push(best.iter().map(|&i| shares[i]).sum::<f64>() / best.len() as f64);
    }
    figure
}

/// Positions in ascending order of value, the earlier of equals first.
fn sorted(values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    order
}
