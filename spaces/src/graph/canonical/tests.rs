#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use petgraph::algo::is_isomorphic_matching;
use petgraph::graph::NodeIndex;
use petgraph::visit::EdgeRef;
use proptest::prelude::*;

use crate::graph::{Architecture, Cell, CellGraph, Key, OpId, Role, Vocabulary, canonical};

fn vocabulary() -> Arc<Vocabulary> {
    let ops = ["a", "b", "c"].map(|name| (name, Role::Compute));
    Arc::new(Vocabulary::new(1, ops).unwrap())
}

/// A cell from labels of its interior (node 0 is the input, the last the output) and edges.
fn cell(interior: &[u16], edges: &[(usize, usize, u16)]) -> Cell {
    let mut graph = CellGraph::new();
    graph.add_node(OpId::input(0));
    for &op in interior {
        graph.add_node(OpId::from_index(op));
    }
    graph.add_node(OpId::OUTPUT);
    for &(from, to, op) in edges {
        graph.add_edge(NodeIndex::new(from), NodeIndex::new(to), OpId::from_index(op));
    }
    Cell::new(graph, &vocabulary()).unwrap()
}

/// The same cell with node `v` at `place[v]` and edges inserted in the order of `priority`.
fn relabelled(cell: &Cell, place: &[usize], priority: &[u32]) -> Cell {
    let source = cell.graph();
    let mut at = vec![0; place.len()];
    place.iter().enumerate().for_each(|(v, &p)| at[p] = v);
    let mut graph = CellGraph::new();
    for v in at {
        graph.add_node(source[NodeIndex::new(v)]);
    }
    let mut edges: Vec<_> = source.edge_references().collect();
    edges.sort_by_key(|e| priority[e.id().index() % priority.len()]);
    for e in edges {
        let [from, to] = [e.source(), e.target()].map(|v| NodeIndex::new(place[v.index()]));
        graph.add_edge(from, to, *e.weight());
    }
    Cell::new(graph, &vocabulary()).unwrap()
}

fn key(cell: &Cell) -> Key {
    Architecture::new(vocabulary(), vec![cell.clone()]).key()
}

#[derive(Clone, Debug)]
struct Drawn {
    cell: Cell,
    place: Vec<usize>,
    priority: Vec<u32>,
}

/// A random cell of up to `interior` interior nodes, with a relabelling of it.
fn drawn(interior: usize, parallel: bool) -> impl Strategy<Value = Drawn> {
    (0..=interior).prop_flat_map(move |k| {
        let n = k + 2;
        let labels = prop::collection::vec(prop_oneof![Just(0_u16), Just(3), Just(4)], k);
        let edges = prop::collection::vec((0..n, 0..n, prop_oneof![Just(0_u16), Just(3)]), 0..2 * n);
        let place = Just((0..n).collect::<Vec<_>>()).prop_shuffle();
        let priority = prop::collection::vec(any::<u32>(), 2 * n);
        (labels, edges, place, priority).prop_map(move |(labels, edges, place, priority)| {
            let mut edges: Vec<_> = edges
                .into_iter()
                .filter(|(a, b, _)| a != b)
                .map(|(a, b, op)| (a.min(b), a.max(b), op))
                .collect();
            if !parallel {
                edges.sort_unstable();
                edges.dedup_by_key(|e| (e.0, e.1));
            }
            Drawn { cell: cell(&labels, &edges), place, priority }
        })
    })
}

fn isomorphic(a: &Cell, b: &Cell) -> bool {
    is_isomorphic_matching(a.graph(), b.graph(), |x, y| x == y, |x, y| x == y)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn relabelling_never_changes_the_key(d in drawn(9, true)) {
        prop_assert_eq!(key(&d.cell), key(&relabelled(&d.cell, &d.place, &d.priority)));
    }

    #[test]
    fn equal_forms_mean_isomorphic(a in drawn(3, false), b in drawn(3, false)) {
        prop_assert_eq!(key(&a.cell) == key(&b.cell), isomorphic(&a.cell, &b.cell));
    }

    #[test]
    fn one_edit_changes_the_key_unless_isomorphic(d in drawn(6, false), at in any::<prop::sample::Index>()) {
        let copy = relabelled(&d.cell, &d.place, &d.priority);
        let mut graph = copy.graph().clone();
        if graph.edge_count() > 0 {
            let edge = petgraph::graph::EdgeIndex::new(at.index(graph.edge_count()));
            graph[edge] = OpId::from_index(5);
            let edited = Cell::new(graph, &vocabulary()).unwrap();
            prop_assert_ne!(key(&edited), key(&d.cell));
            prop_assert!(!isomorphic(&edited, &d.cell));
        }
    }

    #[test]
    fn moving_an_edge_agrees_with_isomorphism(d in drawn(5, false), at in any::<prop::sample::Index>()) {
        let mut graph = d.cell.graph().clone();
        let count = graph.edge_count();
        if count > 0 {
            graph.remove_edge(petgraph::graph::EdgeIndex::new(at.index(count)));
            let n = graph.node_count();
            if graph.find_edge(NodeIndex::new(0), NodeIndex::new(n - 1)).is_none() {
                graph.add_edge(NodeIndex::new(0), NodeIndex::new(n - 1), OpId::PLAIN);
            }
            let edited = Cell::new(graph, &vocabulary()).unwrap();
            let edited = relabelled(&edited, &d.place, &d.priority);
            prop_assert_eq!(key(&edited) == key(&d.cell), isomorphic(&edited, &d.cell));
        }
    }
}

/// `width` interchangeable branches of `length` equal nodes each.
fn branches(width: usize, length: usize) -> Cell {
    let output = width * length + 1;
    let mut edges = Vec::new();
    for branch in 0..width {
        let first = 1 + branch * length;
        edges.push((0, first, 0));
        edges.extend((first..first + length - 1).map(|v| (v, v + 1, 0)));
        edges.push((first + length - 1, output, 0));
    }
    cell(&vec![3; width * length], &edges)
}

fn reversed(c: &Cell) -> Cell {
    let n = c.graph().node_count();
    relabelled(c, &(0..n).rev().collect::<Vec<_>>(), &[3, 1, 2])
}

#[test]
fn interchangeable_nodes_and_branches_do_not_blow_up() {
    for (width, length) in [(38, 1), (19, 2), (12, 3), (9, 4)] {
        let one = branches(width, length);
        assert_eq!(key(&one), key(&reversed(&one)), "{width} branches of {length}");
    }
}

/// Directed bipartite rings between inputs-fed and output-feeding nodes, of the given lengths.
fn rings(lengths: &[usize]) -> Cell {
    let total: usize = lengths.iter().sum();
    let (mut edges, mut start) = (Vec::new(), 0);
    for &length in lengths {
        for i in 0..length {
            let (top, bottom) = (1 + start + i, 1 + total + start + i);
            let next = 1 + total + start + (i + 1) % length;
            edges.extend([(0, top, 0), (top, bottom, 0), (top, next, 0), (bottom, 2 * total + 1, 0)]);
        }
        start += length;
    }
    cell(&vec![3; 2 * total], &edges)
}

#[test]
fn refinement_alone_would_not_tell_rings_apart() {
    let lengths: [&[usize]; 5] = [&[16], &[8, 8], &[4, 4, 4, 4], &[4, 12], &[3, 5, 8]];
    for (i, a) in lengths.iter().enumerate() {
        assert_eq!(key(&rings(a)), key(&reversed(&rings(a))), "{a:?}");
        for b in &lengths[i + 1..] {
            assert_ne!(key(&rings(a)), key(&rings(b)), "{a:?} {b:?}");
        }
    }
    assert_eq!(key(&rings(&[5, 3, 8])), key(&rings(&[3, 5, 8])));
}

#[test]
fn cells_are_kept_apart_and_in_order() {
    let (a, b) = (cell(&[3], &[(0, 1, 0), (1, 2, 0)]), cell(&[4], &[(0, 1, 0), (1, 2, 0)]));
    let form = |cells: &[&Cell]| {
        canonical::architecture_form(&cells.iter().map(|c| (*c).clone()).collect::<Vec<_>>())
    };
    assert_ne!(form(&[&a, &b]), form(&[&b, &a]));
    assert_ne!(form(&[&a]), form(&[&a, &a]));
    assert_ne!(form(&[]), form(&[&a]));
}

#[test]
fn parallel_edges_count() {
    let once = cell(&[], &[(0, 1, 3)]);
    let twice = cell(&[], &[(0, 1, 3), (0, 1, 3)]);
    let mixed = cell(&[], &[(0, 1, 4), (0, 1, 3)]);
    assert_ne!(key(&once), key(&twice));
    assert_ne!(key(&twice), key(&mixed));
    assert_eq!(key(&mixed), key(&cell(&[], &[(0, 1, 3), (0, 1, 4)])));
}

/// Stable across releases: a change here invalidates every journal on disk.
#[test]
fn golden_keys() {
    let chain = cell(&[3, 4], &[(0, 1, 0), (1, 2, 5), (2, 3, 0)]);
    assert_eq!(canonical::cell_form(&chain), [4, 3, 1, 2, 3, 4, 1, 2, 0, 2, 3, 5, 3, 0, 0]);
    assert_eq!(key(&chain).to_string(), "e10bc905021eb1450988c3470642a92b");
    assert_eq!(key(&branches(3, 2)).to_string(), "e10bc90514f97fcd46f032d9af97566f");
    assert_eq!(key(&rings(&[3, 5])).to_string(), "e10bc905d427261cae59ecac702d8171");
}
