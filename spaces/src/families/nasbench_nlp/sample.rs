//! Cells as the authors' generator draws them.

use rand::Rng;

use crate::families::draw::below;
use crate::network::{RecurrentCell, RecurrentNode, RecurrentOp, Source};

/// Intermediate nodes; with the states, nodes are added until there are so many.
pub(super) const INTERMEDIATE: usize = 7;

/// A cell of one to three states.
///
/// Nodes are drawn one by one: linear with weight 3, blend, product and sum with weight 1 each. A linear node reads two (4 of 5)
/// or three of `x`, the states and the activations before it, and an activation of it follows. The others read states and any
/// nodes before them. New states are nodes at random, and what leads to none is removed. Draws that leave `x` or a state unread,
/// or in which a new state reads an old one directly, are drawn again (nas-bench-nlp-release, `search_space.py`).
pub(super) fn cell(rng: &mut dyn Rng) -> RecurrentCell {
    let states = 1 + below(rng, RecurrentCell::MAX_STATES);
    loop {
        if let Ok(cell) = drawn(states, rng)
            && !cell.has_direct_state()
        {
            return cell;
        }
    }
}

fn drawn(states: usize, rng: &mut dyn Rng) -> Result<RecurrentCell, crate::SpaceError> {
    let old: Vec<Source> = (0..states).map(Source::State).collect();
    let (mut nodes, mut activations) = (Vec::new(), Vec::new());
    while nodes.len() < states + INTERMEDIATE {
        let (op, count) = match below(rng, 6) {
            0..3 => (RecurrentOp::Linear, if below(rng, 5) < 4 { 2 } else { 3 }),
            3 => (RecurrentOp::Blend, 3),
            4 => (RecurrentOp::Product, 2),
            _ => (RecurrentOp::Sum, 2),
        };
        if op == RecurrentOp::Linear {
            let candidates = [&[Source::Input], &old[..], &activations].concat();
            nodes.push(RecurrentNode { op, inputs: some_of(candidates, count, rng) });
            let inputs = vec![Source::Node(nodes.len() - 1)];
            let op = RecurrentOp::ACTIVATIONS[below(rng, RecurrentOp::ACTIVATIONS.len())];
            activations.push(Source::Node(nodes.len()));
            nodes.push(RecurrentNode { op, inputs });
            continue;
        }
        let candidates: Vec<Source> = old.iter().copied().chain((0..nodes.len()).map(Source::Node)).collect();
        if candidates.len() >= count {
            nodes.push(RecurrentNode { op, inputs: some_of(candidates, count, rng) });
        }
    }
    let outputs = some_of((0..nodes.len()).collect(), states, rng);
    RecurrentCell::new(&nodes, &outputs)
}

/// At most `count` different members in random order.
fn some_of<T>(mut from: Vec<T>, count: usize, rng: &mut dyn Rng) -> Vec<T> {
    let count = count.min(from.len());
    for at in 0..count {
        let other = at + below(rng, from.len() - at);
        from.swap(at, other);
    }
    from.truncate(count);
    from
}
