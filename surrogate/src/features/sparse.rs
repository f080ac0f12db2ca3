//! Features that most architectures lack, named by hashes.
//!
//! A name is a hash of what the feature means, so it is the same in every run.

use super::flow::{Flow, Label};

/// Features that few architectures have: pairs of a hash that names the feature, and a value.
pub(crate) type Sparse = Vec<(u64, f32)>;

/// Kinds of sparse features; the hash of a name begins with its kind.
#[derive(Clone, Copy)]
enum Kind {
    Edge = 1,
    FromInputs,
    ToOutput,
    Attribute,
    Label,
    Below,
    Above,
}

/// The hash that names of a kind in a cell begin with.
fn name(kind: Kind, cell: usize) -> u64 {
    mix(kind as u64, cell as u64)
}

/// Mixes another number into a hash (the finaliser of splitmix64).
fn mix(hash: u64, number: u64) -> u64 {
    let mut z = hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Edges by the labels of their ends.
pub(super) fn neighbours(flow: &Flow, cell: usize, out: &mut Sparse) {
    for (from, to, times) in flow.edges() {
        let ends = [from, to].map(|v| flow.labels[v].code());
        out.push((mix(mix(name(Kind::Edge, cell), ends[0]), ends[1]), times));
    }
}

/// Operations and their attributes by distance from the inputs, operations by distance to the
/// output.
pub(super) fn places(flow: &Flow, cell: usize, attributes: &[Sparse], out: &mut Sparse) {
    let (depth, height) = (flow.depths(), flow.heights());
    for (v, label) in flow.labels.iter().enumerate() {
        let Label::Op(op) = label else { continue };
        out.push((mix(mix(name(Kind::FromInputs, cell), label.code()), depth[v] as u64), 1.0));
        out.push((mix(mix(name(Kind::ToOutput, cell), label.code()), height[v] as u64), 1.0));
        for &(attribute, value) in &attributes[usize::from(*op)] {
            let attribute = mix(name(Kind::Attribute, cell), attribute);
            out.push((mix(attribute, depth[v] as u64), value));
            out.push((attribute, value));
        }
    }
}

/// Adds the labels of a cell after each round.
pub(super) fn weisfeiler_lehman(flow: &Flow, cell: usize, rounds: &mut [Sparse]) {
    let mut labels: Vec<u64> = flow.labels.iter().map(|l| mix(name(Kind::Label, cell), l.code())).collect();
    for round in rounds {
        round.extend(labels.iter().map(|&label| (label, 1.0)));
        labels = refined(flow, &labels);
    }
}

/// Each label combined with the labels that its node reads, and those that read it.
fn refined(flow: &Flow, labels: &[u64]) -> Vec<u64> {
    let (mut below, mut above) = (vec![0u64; labels.len()], vec![0u64; labels.len()]);
    for (from, to, times) in flow.edges() {
        let times = times as u64;
        below[to] = below[to].wrapping_add(mix(Kind::Below as u64, labels[from]).wrapping_mul(times));
        above[from] = above[from].wrapping_add(mix(Kind::Above as u64, labels[to]).wrapping_mul(times));
    }
    (0..labels.len()).map(|v| mix(mix(labels[v], below[v]), above[v])).collect()
}

/// Sorts features by name and adds up those with the same name.
pub(super) fn merge(features: &mut Sparse) {
    features.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    features.dedup_by(|next, previous| {
        let same = next.0 == previous.0;
        if same {
            previous.1 += next.1;
        }
        same
    });
}
