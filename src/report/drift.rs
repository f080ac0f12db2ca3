//! Drift of a search to architectures that short training favours: many skips, few multiply-adds.
//!
//! What learns fast is not what ends well. A search whose scores come from short training can drift to cells without
//! parameters, whose scores are high early. Here proposals are held against random architectures of the space.

use std::sync::Arc;

use bonas_spaces::network::{OpTable, Skeleton, Union};
use bonas_spaces::{Architecture, Role, SearchSpace};
use bonas_study::statistics::mean;
use bonas_study::strategy::Knowledge;

use super::Digest;

/// Proposals that are looked at together, at least: fewer say little.
pub(crate) const WINDOW: usize = 8;
/// An architecture is at one end of random ones if at most this share of them lies beyond.
const TAIL: f64 = 0.1;

/// Random architectures of a space, sorted by what they have of skips and multiply-adds.
pub struct Usual {
    skips: Vec<f64>,
    macs: Vec<f64>,
    network: Option<(Arc<dyn Skeleton>, OpTable)>,
}

/// Where an architecture stands among random ones: the share of them that has less, half of equals counted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DriftRank {
    /// By the share of skips among its operations.
    pub skips: f64,
    /// By multiply-adds of its published network; none where the space has no network here.
    pub macs: Option<f64>,
}

impl Usual {
    /// Draws architectures of a space, always the same ([`Knowledge::sample`]).
    pub fn of(space: &dyn SearchSpace) -> Self {
        let network = space.network().map(|network| (network.skeleton().published(), network.ops()));
        let sample = Knowledge::sample(space);
        let sorted = |mut values: Vec<f64>| {
            values.sort_by(f64::total_cmp);
            values
        };
        let mut usual = Self { skips: Vec::new(), macs: Vec::new(), network };
        usual.skips = sorted(sample.iter().map(share_of_skips).collect());
        usual.macs = sorted(sample.iter().filter_map(|architecture| usual.macs_of(architecture)).collect());
        usual
    }

    /// Where an architecture stands.
    pub fn standing(&self, architecture: &Architecture) -> DriftRank {
        let macs = self.macs_of(architecture).filter(|_| !self.macs.is_empty());
        DriftRank {
            skips: rank(&self.skips, share_of_skips(architecture)),
            macs: macs.map(|macs| rank(&self.macs, macs)),
        }
    }

    /// Multiply-adds of the published network, where it can be built.
    fn macs_of(&self, architecture: &Architecture) -> Option<f64> {
        let (skeleton, ops) = self.network.as_ref()?;
        let union = Union::of(std::slice::from_ref(architecture)).ok()?;
        Some(skeleton.network(&union, ops).ok()?.macs() as f64)
    }
}

impl std::fmt::Debug for Usual {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Usual").field("skips", &self.skips).field("macs", &self.macs).finish_non_exhaustive()
    }
}

/// Says how the latest proposals have drifted, if they have: more than half of them have more skips, or fewer multiply-adds,
/// than 90 % of random architectures.
pub fn drifted(latest: &[DriftRank]) -> Option<String> {
    if latest.len() < WINDOW {
        return None;
    }
    let more = latest.iter().filter(|one| one.skips >= 1.0 - TAIL).count();
    let fewer = latest.iter().filter(|one| one.macs.is_some_and(|rank| rank <= TAIL)).count();
    let said = [(more, "more skips"), (fewer, "fewer multiply-adds")];
    let said = said.iter().filter(|(count, _)| 2 * count > latest.len());
    let said: Vec<String> = said.map(|(count, what)| format!("{count} have {what}")).collect();
    (!said.is_empty()).then(|| {
        let percent = 100.0 * (1.0 - TAIL);
        format!(
            "of the latest {} proposals {} than {percent} % of random architectures",
            latest.len(),
            said.join(" and ")
        )
    })
}

/// Mean standing of the proposals of each round, and what is said of the latest.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Drift {
    /// By the share of skips, a value a round.
    pub skips: Vec<f64>,
    /// By multiply-adds; not a number where there is no network.
    pub macs: Vec<f64>,
    /// How the latest proposals have drifted, if they have.
    pub said: Option<String>,
}

impl Drift {
    /// Of what was evaluated so far; text that the space cannot read is left out.
    pub fn of(digest: &Digest, space: &dyn SearchSpace) -> Self {
        let usual = Usual::of(space);
        let standing = |arch: &str| space.parse(arch).ok().map(|architecture| usual.standing(&architecture));
        let all: Vec<(usize, DriftRank)> =
            digest.queries.iter().filter_map(|query| Some((query.round, standing(&query.arch)?))).collect();
        let mut drift = Self::default();
        for round in all.chunk_by(|a, b| a.0 == b.0) {
            drift.skips.push(mean(&round.iter().map(|(_, one)| one.skips).collect::<Vec<_>>()));
            drift.macs.push(mean(&round.iter().filter_map(|(_, one)| one.macs).collect::<Vec<_>>()));
        }
        let of_last = all.chunk_by(|a, b| a.0 == b.0).last().map_or(0, <[_]>::len);
        let latest = all.iter().skip(all.len().saturating_sub(of_last.max(WINDOW)));
        drift.said = drifted(&latest.map(|(_, one)| *one).collect::<Vec<_>>());
        drift
    }
}

/// Share of operations that pass their input on unchanged.
pub(crate) fn share_of_skips(architecture: &Architecture) -> f64 {
    let vocabulary = architecture.vocabulary();
    let labels = architecture.cells().iter().flat_map(|cell| {
        let graph = cell.graph();
        graph.node_weights().chain(graph.edge_weights()).copied()
    });
    let roles = labels.map(|label| vocabulary.role(label));
    let operations: Vec<Role> =
        roles.filter(|role| matches!(role, Role::Compute | Role::Identity | Role::Zero)).collect();
    let skips = operations.iter().filter(|role| **role == Role::Identity).count();
    if operations.is_empty() { 0.0 } else { skips as f64 / operations.len() as f64 }
}

/// Share of sorted values below one, half of those equal to it counted.
fn rank(sorted: &[f64], value: f64) -> f64 {
    let below = sorted.partition_point(|&one| one < value);
    let until = sorted.partition_point(|&one| one <= value);
    f64::midpoint(below as f64, until as f64) / sorted.len() as f64
}

#[cfg(test)]
mod tests {
    #![allow(clippy::float_cmp)]

    use bonas_spaces::NasBench201;

    use super::*;

    #[test]
    fn skips_are_counted_among_operations() {
        let space = NasBench201::new();
        let text = "|skip_connect~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|skip_connect~1|avg_pool_3x3~2|";
        assert_eq!(share_of_skips(&space.parse(text).unwrap()), 0.5);
    }

    #[test]
    fn ranks_count_half_of_equals() {
        let sorted = [1.0, 2.0, 2.0, 5.0];
        assert_eq!([0.0, 1.0, 2.0, 3.0, 9.0].map(|value| rank(&sorted, value)), [0.0, 0.125, 0.5, 0.75, 1.0]);
    }

    /// All skips: more than every random cell, and no multiply-adds but the skeleton's.
    #[test]
    fn cells_of_skips_are_a_drift_and_random_ones_are_none() {
        let space = NasBench201::new();
        let usual = Usual::of(&space);
        let skips =
            "|skip_connect~0|+|skip_connect~0|skip_connect~1|+|skip_connect~0|skip_connect~1|skip_connect~2|";
        let standing = usual.standing(&space.parse(skips).unwrap());
        assert!(standing.skips > 0.99 && standing.macs.unwrap() < 0.1, "{standing:?}");
        let said = drifted(&[standing; 8]).unwrap();
        let expected = "of the latest 8 proposals 8 have more skips and 8 have fewer multiply-adds than 90 % of random architectures";
        assert_eq!(said, expected);
        let wide = DriftRank { skips: 0.2, macs: Some(0.9) };
        let half = [[standing; 4], [wide; 4]].concat();
        assert_eq!(drifted(&half), None, "no more than half");
        assert_eq!(drifted(&[standing; 7]), None, "too few");
        let random: Vec<DriftRank> =
            Knowledge::sample(&space).iter().map(|one| usual.standing(one)).collect();
        assert!(random.chunks(8).all(|some| drifted(some).is_none()));
        let mean = mean(&random.iter().map(|one| one.skips).collect::<Vec<_>>());
        assert!((mean - 0.5).abs() < 1e-9, "{mean}");
    }
}
