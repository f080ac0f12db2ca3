//! How far apart two architectures are, and in what.

use std::collections::BTreeSet;

use bonas_spaces::{Architecture, Cell, OpId, Role, Vocabulary};

use super::exchanges::node_name;
use crate::drawing::cell_title;

/// Most nodes of a cell without an order of their own that all ways to lay on each other are tried for.
const MOST_TRIED: usize = 6;

/// Number of single changes from one architecture to another of the same space, and what each of them is: an operation is another
/// one, an edge begins elsewhere, a node or an edge is there or not.
///
/// Nodes with operations on them have no names of their own where cells are wired in different ways: they are laid on each other so
/// that the number is smallest.
pub(super) fn apart(one: &Architecture, other: &Architecture, names: &[&str]) -> (usize, Vec<String>) {
    let (mut distance, mut said) = (0, Vec::new());
    let cells = one.cells().len();
    for (i, (own, others)) in one.cells().iter().zip(other.cells()).enumerate() {
        let (own, others) = (View::of(own, one.vocabulary()), View::of(others, one.vocabulary()));
        let changes = own.changes(&others, &own.laid_on(&others));
        distance += changes.count;
        let title = if cells == 1 { String::new() } else { cell_title(names, i, cells) + ", " };
        said.extend(changes.said.into_iter().map(|text| title.clone() + &text));
    }
    (distance, said)
}

/// Changes from one cell to another.
struct Changes {
    count: usize,
    said: Vec<String>,
}

/// A cell with its nodes by number.
struct View<'a> {
    cell: &'a Cell,
    vocabulary: &'a Vocabulary,
    labels: Vec<OpId>,
    /// Source, target, label.
    edges: BTreeSet<(usize, usize, OpId)>,
    /// Nodes that are neither input nor output.
    inner: Vec<usize>,
}

impl<'a> View<'a> {
    fn of(cell: &'a Cell, vocabulary: &'a Vocabulary) -> Self {
        let labels: Vec<OpId> = cell.graph().node_weights().copied().collect();
        let edges = cell.graph().raw_edges().iter();
        let edges = edges.map(|e| (e.source().index(), e.target().index(), e.weight)).collect();
        let inner = |&node: &usize| !matches!(vocabulary.role(labels[node]), Role::Input | Role::Output);
        let inner = (0..labels.len()).filter(inner).collect();
        Self { cell, vocabulary, labels, edges, inner }
    }

    /// For each node of another cell the node of this one that it is laid on; nodes that this one lacks get numbers of their own.
    fn laid_on(&self, other: &View<'_>) -> Vec<usize> {
        let in_order = self.placed(other, &(0..self.inner.len().max(other.inner.len())).collect::<Vec<_>>());
        let wired = |edges: &BTreeSet<(usize, usize, OpId)>| -> BTreeSet<(usize, usize)> {
            edges.iter().map(|&(from, to, _)| (from, to)).collect()
        };
        let named = |view: &View<'_>| view.inner.iter().any(|&node| view.labels[node] == OpId::PLAIN);
        let alike = wired(&self.edges) == wired(&other.edges) && self.labels.len() == other.labels.len();
        let most = self.inner.len().max(other.inner.len());
        if alike || named(self) || named(other) || most > MOST_TRIED {
            return in_order;
        }
        let (mut best, mut fewest) = (in_order.clone(), self.changes(other, &in_order).count);
        for order in permutations(most) {
            let placed = self.placed(other, &order);
            let count = self.changes(other, &placed).count;
            if count < fewest {
                (best, fewest) = (placed, count);
            }
        }
        best
    }

    /// The inner nodes of another cell laid on those of this one in an order; inputs and outputs on their own kind.
    fn placed(&self, other: &View<'_>, order: &[usize]) -> Vec<usize> {
        let beyond = self.labels.len();
        let fixed = |label: OpId| {
            self.labels.iter().position(|own| *own == label).unwrap_or(beyond + other.labels.len())
        };
        let mut placed: Vec<usize> = other.labels.iter().map(|&label| fixed(label)).collect();
        for (i, &node) in other.inner.iter().enumerate() {
            placed[node] = self.inner.get(order[i]).copied().unwrap_or(beyond + node);
        }
        placed
    }

    /// The changes to another cell whose nodes are laid on those of this one.
    fn changes(&self, other: &View<'_>, placed: &[usize]) -> Changes {
        let mut changes = Changes { count: 0, said: Vec::new() };
        self.changed_nodes(other, placed, &mut changes);
        let laid: BTreeSet<(usize, usize, OpId)> =
            other.edges.iter().map(|&(from, to, op)| (placed[from], placed[to], op)).collect();
        let gone: Vec<_> = self.edges.difference(&laid).copied().collect();
        let new: Vec<_> = laid.difference(&self.edges).copied().collect();
        let targets: BTreeSet<usize> = gone.iter().chain(&new).map(|edge| edge.1).collect();
        for target in targets {
            let into = |edges: &[(usize, usize, OpId)]| -> Vec<(usize, usize, OpId)> {
                edges.iter().copied().filter(|edge| edge.1 == target).collect()
            };
            let (gone, new) = (into(&gone), into(&new));
            changes.count += gone.len().max(new.len());
            self.changed_edges(&gone, &new, &mut changes.said);
        }
        changes
    }

    fn changed_nodes(&self, other: &View<'_>, placed: &[usize], changes: &mut Changes) {
        let name = |op: OpId| self.vocabulary.name(op);
        for (node, &place) in placed.iter().enumerate() {
            let (label, own) = (other.labels[node], self.labels.get(place).copied());
            if own == Some(label) {
                continue;
            }
            changes.count += 1;
            changes.said.push(match own {
                Some(own) => format!("node {place}: {} for {}", name(label), name(own)),
                None => format!("with one more node, {}", name(label)),
            });
        }
        for &node in self.inner.iter().filter(|node| !placed.contains(node)) {
            changes.count += 1;
            changes.said.push(format!("without node {node}, {}", name(self.labels[node])));
        }
    }

    /// Says what becomes of edges into one node.
    fn changed_edges(
        &self,
        gone: &[(usize, usize, OpId)],
        new: &[(usize, usize, OpId)],
        said: &mut Vec<String>,
    ) {
        let node = |index: usize| {
            if index < self.labels.len() {
                node_name(self.cell, index, self.vocabulary)
            } else {
                "the new node".to_owned()
            }
        };
        let op = |op: OpId| match op {
            OpId::PLAIN => String::new(),
            op => format!(" {}", self.vocabulary.name(op)),
        };
        let stays = |edge: &&(usize, usize, OpId), others: &[(usize, usize, OpId)]| {
            others.iter().find(|other| other.0 == edge.0).copied()
        };
        for edge in gone {
            let (from, to) = (node(edge.0), node(edge.1));
            said.push(match stays(&edge, new) {
                Some(other) => format!("{from} -> {to}:{} for{}", op(other.2), op(edge.2)),
                None => format!("without {from} -> {to}{}", op(edge.2)),
            });
        }
        for edge in new.iter().filter(|edge| stays(edge, gone).is_none()) {
            said.push(format!("with {} -> {}{}", node(edge.0), node(edge.1), op(edge.2)));
        }
    }
}

/// All orders of the numbers below `n`.
fn permutations(n: usize) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new()];
    for next in 0..n {
        let with = |order: &Vec<usize>| {
            let order = order.clone();
            (0..=order.len()).map(move |at| {
                let mut longer = order.clone();
                longer.insert(at, next);
                longer
            })
        };
        all = all.iter().flat_map(with).collect();
    }
    all
}

#[cfg(test)]
mod tests {
    use bonas_spaces::catalogue::SPACES;
    use bonas_study::rng::stream;

    use super::*;

    fn between(space: &str, one: &str, other: &str) -> (usize, String) {
        let space = SPACES.get(space).unwrap().space();
        let [one, other] = [one, other].map(|text| space.parse(text).unwrap());
        let (distance, said) = apart(&one, &other, space.cell_names());
        (distance, said.join("; "))
    }

    #[test]
    fn operations_on_edges_are_counted_by_hand() {
        let one = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|nor_conv_1x1~2|";
        let other = "|nor_conv_3x3~0|+|none~0|none~1|+|none~0|none~1|nor_conv_3x3~2|";
        let expected = "1 -> 2: none for skip_connect; 2 -> output: nor_conv_3x3 for nor_conv_1x1";
        assert_eq!(between("nasbench201", one, other), (2, expected.to_owned()));
        assert_eq!(between("nasbench201", one, one), (0, String::new()));
    }

    /// The same two branches, written in the other order; then with one node less.
    #[test]
    fn nodes_of_nasbench101_have_no_order() {
        let cell = |ops: [&str; 2]| {
            format!(
                "([[0,1,1,0],[0,0,0,1],[0,0,0,1],[0,0,0,0]], ['input','{}','{}','output'])",
                ops[0], ops[1]
            )
        };
        let [a, b] = ["conv3x3-bn-relu", "maxpool3x3"];
        assert_eq!(between("nasbench101", &cell([a, b]), &cell([b, a])).0, 2, "wired alike: by their places");
        let chain = format!("([[0,1,0],[0,0,1],[0,0,0]], ['input','{b}','output'])");
        let (distance, said) = between("nasbench101", &cell([a, b]), &chain);
        assert!(said.contains("without node 1, conv3x3-bn-relu"), "{said}");
        assert_eq!(distance, 3, "the node and its two edges: {said}");
    }

    #[test]
    fn neighbours_are_nearer_than_random_architectures() {
        for entry in SPACES.iter() {
            let (space, mut rng) = (entry.space(), stream(1, &[]));
            let one = space.sample(&mut rng);
            let near = space.mutate(&one, &mut rng).unwrap();
            let mean = |others: Vec<Architecture>| {
                let sum: usize = others.iter().map(|other| apart(&one, other, &[]).0).sum();
                sum as f64 / others.len() as f64
            };
            let random = mean((0..10).map(|_| space.sample(&mut rng)).collect());
            assert_eq!(apart(&one, &one, &[]).0, 0, "{}", entry.name);
            assert!(mean(vec![near]) < random, "{}", entry.name);
        }
    }
}
