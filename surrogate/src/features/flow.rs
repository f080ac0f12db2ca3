//! A cell as a counted flow graph: which operation reads which results, and how often.

use bonas_spaces::{Cell, Role, Vocabulary};
use petgraph::Direction;
use petgraph::algo::toposort;
use petgraph::visit::EdgeRef;

/// The label of a node; operations are numbered `0..k` in the vocabulary's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Label {
    Input(u16),
    Op(u16),
    Output,
}

impl Label {
    /// A number for hashing, different for each label.
    pub(super) fn code(self) -> u64 {
        match self {
            Self::Output => 0,
            Self::Input(i) => 1 + 2 * u64::from(i),
            Self::Op(i) => 2 + 2 * u64::from(i),
        }
    }
}

/// Nodes whose results a tensor is the sum of, each with the number of times it is added.
type Sum = Vec<(usize, f32)>;

/// The pruned op-on-node graph of a cell with counted edges.
///
/// Unlike in [`OpGraph`](bonas_spaces::OpGraph), a result that reaches a sum over two skips counts twice, as it
/// does in the network.
///
/// Nodes stand in topological order, inputs first, the output last; operations that read nothing
/// or never reach the output are left out.
#[derive(Clone, Debug, Default)]
pub(super) struct Flow {
    pub(super) labels: Vec<Label>,
    /// What each node reads, by rising node.
    pub(super) reads: Vec<Sum>,
}

impl Flow {
    /// Converts a cell; `ops[label]` numbers the computing operations.
    pub(super) fn of(cell: &Cell, vocabulary: &Vocabulary, ops: &[Option<u16>]) -> Self {
        let source = cell.graph();
        let mut flow = Self::default();
        for i in 0..vocabulary.inputs() {
            flow.add(Label::Input(i as u16), Vec::new());
        }
        let mut tensors: Vec<Sum> = vec![Vec::new(); source.node_count()];
        // A cell is acyclic, so the order exists.
        for node in toposort(source, None).unwrap_or_default() {
            let op = source[node];
            if vocabulary.role(op) == Role::Input {
                let input = op.index() - bonas_spaces::OpId::input(0).index();
                tensors[node.index()] = vec![(input, 1.0)];
                continue;
            }
            let mut incoming: Vec<_> = source
                .edges_directed(node, Direction::Incoming)
                .map(|e| (e.source(), e.id(), *e.weight()))
                .collect();
            incoming.sort_unstable();
            let mut sum = Vec::new();
            for (from, _, op) in incoming {
                let read = flow.apply(vocabulary.role(op), ops[op.index()], &tensors[from.index()]);
                add_to(&mut sum, read);
            }
            if node == cell.output() {
                tensors[node.index()] = sum;
            } else {
                tensors[node.index()] = flow.apply(vocabulary.role(op), ops[op.index()], &sum);
            }
        }
        let output = std::mem::take(&mut tensors[cell.output().index()]);
        flow.add(Label::Output, output);
        flow.without_dead()
    }

    /// The result of an operation that reads a sum.
    fn apply(&mut self, role: Role, op: Option<u16>, sum: &Sum) -> Sum {
        match (role, op) {
            (Role::Compute, Some(op)) if !sum.is_empty() => vec![(self.add(Label::Op(op), sum.clone()), 1.0)],
            (Role::Zero | Role::Compute, _) => Vec::new(),
            _ => sum.clone(),
        }
    }

    fn add(&mut self, label: Label, reads: Sum) -> usize {
        self.labels.push(label);
        self.reads.push(reads);
        self.labels.len() - 1
    }

    /// Removes operations whose result never reaches the output.
    fn without_dead(self) -> Self {
        let n = self.labels.len();
        let mut reachable: Vec<bool> = self.labels.iter().map(|l| !matches!(l, Label::Op(_))).collect();
        for node in
            (0..n).rev().filter(|&node| node + 1 == n || !matches!(self.labels[node], Label::Input(_)))
        {
            if reachable[node] {
                self.reads[node].iter().for_each(|&(from, _)| reachable[from] = true);
            }
        }
        let mut place = vec![0; n];
        let mut pruned = Self::default();
        for node in (0..n).filter(|&node| reachable[node]) {
            let reads = self.reads[node].iter().map(|&(from, times)| (place[from], times)).collect();
            place[node] = pruned.add(self.labels[node], reads);
        }
        pruned
    }

    pub(super) fn len(&self) -> usize {
        self.labels.len()
    }

    pub(super) fn is_input(&self, node: usize) -> bool {
        matches!(self.labels[node], Label::Input(_))
    }

    /// All edges as `(from, to, times)`.
    pub(super) fn edges(&self) -> impl Iterator<Item = (usize, usize, f32)> + '_ {
        let edges = |(to, reads): (usize, &'_ Sum)| (to, reads.len());
        let ends = self.reads.iter().enumerate().map(edges);
        ends.flat_map(|(to, n)| (0..n).map(move |i| (to, i))).map(|(to, i)| {
            let (from, times) = self.reads[to][i];
            (from, to, times)
        })
    }
}

/// Adds one sum to another; both are sorted by node.
fn add_to(sum: &mut Sum, more: Sum) {
    for (from, times) in more {
        match sum.binary_search_by_key(&from, |&(f, _)| f) {
            Ok(at) => sum[at].1 += times,
            Err(at) => sum.insert(at, (from, times)),
        }
    }
}
