//! Canonical forms: two cells have the same form if and only if they are isomorphic with equal labels.
//!
//! [`Architecture::new`](super::Architecture::new) uses it for keys; call it to compare cells by yourself.
//!
//! ```
//! use bonas_spaces::SearchSpace;
//! use bonas_spaces::families::darts::Darts;
//! use bonas_spaces::graph::canonical::cell_form;
//!
//! let pair = Darts::new().parse("DARTS_V2")?;
//! let [normal, reduction] = pair.cells() else { unreachable!() };
//! assert_ne!(cell_form(normal), cell_form(reduction));
//! # Ok::<(), bonas_spaces::SpaceError>(())
//! ```
//!
//! Colour refinement splits the nodes into classes that no isomorphism can mix. If a class of several
//! nodes remains, each of them is tried as the first of its class, and the least form wins (`McKay` and
//! Piperno, "Practical graph isomorphism, II", J. Symbolic Computation 60, 2014). Branches that a known
//! automorphism maps onto an explored one are skipped, so that interchangeable nodes cost no factorial.
//!
//! Invariant: hashes split classes and never identify nodes, so collisions cannot make a form wrong. A
//! form depends on the graph alone, not on addresses, process-salted hashes or platform-sized integers.
//! A change of the form is a breaking change; tests hold golden values.

use std::collections::BTreeMap;

use petgraph::visit::EdgeRef;

use crate::graph::Cell;

/// Canonical form of a list of cells, which keeps the order of the cells and ignores the order of nodes.
///
/// Layout: the number of cells, then for each cell the length of its form and the form.
pub fn architecture_form(cells: &[Cell]) -> Vec<u8> {
    let mut bytes = Vec::new();
    put(&mut bytes, cells.len());
    for cell in cells {
        let form = cell_form(cell);
        put(&mut bytes, form.len());
        bytes.extend(form);
    }
    bytes
}

/// Canonical form of one cell.
///
/// Layout: the numbers of nodes and edges, the labels by canonical position, and the edges
/// `(from, to, label)` in ascending order; each number as LEB128.
pub fn cell_form(cell: &Cell) -> Vec<u8> {
    let graph = Graph::of(cell);
    let ranks = graph.refine(graph.ranks_by_label());
    if is_discrete(&ranks) { graph.form(&ranks) } else { Search::new(&graph).least_form(ranks) }
}

/// Appends a number as LEB128: seven bits a byte, low bits first.
pub(crate) fn put(bytes: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

/// A cell as flat lists.
struct Graph {
    labels: Vec<u32>,
    /// `(from, to, label)`.
    edges: Vec<(u32, u32, u32)>,
}

impl Graph {
    fn of(cell: &Cell) -> Self {
        let graph = cell.graph();
        let edge = |e: petgraph::graph::EdgeReference<'_, crate::graph::OpId>| {
            (e.source().index() as u32, e.target().index() as u32, e.weight().index() as u32)
        };
        Self {
            labels: graph.node_weights().map(|op| op.index() as u32).collect(),
            edges: graph.edge_references().map(edge).collect(),
        }
    }

    /// The rank of a node is the number of nodes whose label is smaller.
    fn ranks_by_label(&self) -> Vec<u32> {
        let keys: Vec<_> = self.labels.iter().map(|&label| (0, u64::from(label))).collect();
        rank(&keys).0
    }

    /// Splits classes by what their nodes' neighbours are, until nothing splits any more.
    fn refine(&self, mut ranks: Vec<u32>) -> Vec<u32> {
        let mut classes = 0;
        loop {
            let mut keys: Vec<_> = ranks.iter().map(|&r| (r, 0_u64)).collect();
            for &(from, to, label) in &self.edges {
                let (from, to) = (from as usize, to as usize);
                keys[to].1 = keys[to].1.wrapping_add(mix(ranks[from], 2 * label));
                keys[from].1 = keys[from].1.wrapping_add(mix(ranks[to], 2 * label + 1));
            }
            let (finer, count) = rank(&keys);
            ranks = finer;
            if count == classes || count == ranks.len() {
                return ranks;
            }
            classes = count;
        }
    }

    /// The form under an order in which node `v` has position `ranks[v]`.
    fn form(&self, ranks: &[u32]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(2 + self.labels.len() + 3 * self.edges.len());
        put(&mut bytes, self.labels.len());
        put(&mut bytes, self.edges.len());
        let mut labels = vec![0; self.labels.len()];
        for (&label, &position) in self.labels.iter().zip(ranks) {
            labels[position as usize] = label;
        }
        for label in labels {
            put(&mut bytes, label as usize);
        }
        let place = |&(from, to, label): &_| (ranks[from as usize], ranks[to as usize], label);
        let mut edges: Vec<_> = self.edges.iter().map(place).collect();
        edges.sort_unstable();
        for (from, to, label) in edges {
            for number in [from, to, label] {
                put(&mut bytes, number as usize);
            }
        }
        bytes
    }

    /// For each node the first node that has the same label and the same neighbours over the same
    /// edges: swapping the two changes nothing.
    fn twins(&self) -> Vec<usize> {
        let mut around = vec![Vec::new(); self.labels.len()];
        for &(from, to, label) in &self.edges {
            around[to as usize].push((from, 2 * label));
            around[from as usize].push((to, 2 * label + 1));
        }
        let mut first = BTreeMap::new();
        let group = |(v, (mut near, &label)): (usize, (Vec<_>, &u32))| {
            near.sort_unstable();
            *first.entry((label, near)).or_insert(v)
        };
        around.into_iter().zip(&self.labels).enumerate().map(group).collect()
    }
}

/// Ranks of the keys (how many are smaller) and how many different ones there are.
fn rank(keys: &[(u32, u64)]) -> (Vec<u32>, usize) {
    let mut order: Vec<usize> = (0..keys.len()).collect();
    order.sort_unstable_by_key(|&v| keys[v]);
    let (mut ranks, mut classes, mut start) = (vec![0; keys.len()], 0, 0);
    for (position, &v) in order.iter().enumerate() {
        if position == 0 || keys[v] != keys[order[position - 1]] {
            start = position as u32;
            classes += 1;
        }
        ranks[v] = start;
    }
    (ranks, classes)
}

/// The finaliser of `SplitMix64` (Steele et al. 2014) over a rank and an edge label.
fn mix(rank: u32, label: u32) -> u64 {
    let mut z = ((u64::from(rank) << 32) | u64::from(label)).wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn is_discrete(ranks: &[u32]) -> bool {
    smallest_class(ranks).is_none()
}

/// The nodes of the first among the smallest classes that have more than one node.
fn smallest_class(ranks: &[u32]) -> Option<Vec<usize>> {
    let mut sizes = vec![0_usize; ranks.len()];
    for &rank in ranks {
        sizes[rank as usize] += 1;
    }
    let candidates = sizes.iter().enumerate().filter(|(_, size)| **size > 1);
    let (target, _) = candidates.min_by_key(|(start, size)| (**size, *start))?;
    Some((0..ranks.len()).filter(|&v| ranks[v] as usize == target).collect())
}

/// Puts `v` before the rest of its class.
fn individualise(ranks: &[u32], v: usize) -> Vec<u32> {
    let later = |(u, &r): (usize, &u32)| if u != v && r == ranks[v] { r + 1 } else { r };
    ranks.iter().enumerate().map(later).collect()
}

/// A complete order that the search has reached.
struct Leaf {
    /// The nodes individualised on the way.
    path: Vec<usize>,
    ranks: Vec<u32>,
}

/// Depth-first search over the orders that refinement leaves open.
struct Search<'a> {
    graph: &'a Graph,
    twins: Vec<usize>,
    leaves: BTreeMap<Vec<u8>, Leaf>,
    automorphisms: Vec<Vec<usize>>,
}

impl<'a> Search<'a> {
    fn new(graph: &'a Graph) -> Self {
        Self { graph, twins: graph.twins(), leaves: BTreeMap::new(), automorphisms: Vec::new() }
    }

    fn least_form(mut self, ranks: Vec<u32>) -> Vec<u8> {
        self.visit(ranks, &mut Vec::new());
        self.leaves.into_keys().next().unwrap_or_default()
    }

    /// Explores everything below `path`; returns the depth at which the search goes on.
    fn visit(&mut self, ranks: Vec<u32>, path: &mut Vec<usize>) -> usize {
        let Some(class) = smallest_class(&ranks) else { return self.leaf(ranks, path) };
        let depth = path.len();
        let mut tried = Vec::new();
        for v in class {
            if self.is_equivalent(v, &tried, path) {
                continue;
            }
            tried.push(v);
            path.push(v);
            let back = self.visit(self.graph.refine(individualise(&ranks, v)), path);
            path.pop();
            if back < depth {
                return back;
            }
        }
        depth
    }

    /// Notes an order. One that gives a form seen before is an automorphism, which maps the whole
    /// branch, from where the two paths part, onto one already explored.
    fn leaf(&mut self, ranks: Vec<u32>, path: &[usize]) -> usize {
        let form = self.graph.form(&ranks);
        let Some(twin) = self.leaves.get(&form) else {
            self.leaves.insert(form, Leaf { path: path.to_vec(), ranks });
            return path.len();
        };
        let mut at = vec![0; ranks.len()];
        for (v, &position) in ranks.iter().enumerate() {
            at[position as usize] = v;
        }
        self.automorphisms.push(twin.ranks.iter().map(|&position| at[position as usize]).collect());
        twin.path.iter().zip(path).take_while(|(a, b)| a == b).count()
    }

    /// Whether a known automorphism that fixes `path` maps `v` to a node tried before.
    fn is_equivalent(&self, v: usize, tried: &[usize], path: &[usize]) -> bool {
        if tried.is_empty() {
            return false;
        }
        if tried.iter().any(|&u| self.twins[u] == self.twins[v]) {
            return true;
        }
        let fixing = |image: &&Vec<usize>| path.iter().all(|&u| image[u] == u);
        let mut orbit: Vec<usize> = (0..self.twins.len()).collect();
        for image in self.automorphisms.iter().filter(fixing) {
            for (u, &w) in image.iter().enumerate() {
                let (a, b) = (root(&orbit, u), root(&orbit, w));
                orbit[a.max(b)] = a.min(b);
            }
        }
        tried.iter().any(|&u| root(&orbit, u) == root(&orbit, v))
    }
}

/// Representative of a node in a union-find forest.
fn root(parent: &[usize], mut v: usize) -> usize {
    while parent[v] != v {
        v = parent[v];
    }
    v
}

#[cfg(test)]
mod tests;
