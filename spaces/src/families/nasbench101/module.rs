//! Adjacency matrices of at most seven vertices, as bit masks.

use md5::{Digest, Md5};

use super::{MAX_EDGES, MAX_VERTICES, OPS};
use crate::error::SpaceError;

/// A strictly upper-triangular matrix with an operation on each interior vertex.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Module {
    n: usize,
    /// Bit `w` of `out[v]` says that there is an edge from `v` to `w`.
    out: [u8; MAX_VERTICES],
    /// Operation of vertex `v` at `v - 1`, as a position in [`OPS`]; zero behind the last.
    ops: [u8; MAX_VERTICES - 2],
}

impl Module {
    /// A module without edges.
    pub(super) fn new(interior: impl ExactSizeIterator<Item = u8>) -> Result<Self, SpaceError> {
        let n = interior.len() + 2;
        if n > MAX_VERTICES {
            return Err(SpaceError::cell(format!("{n} vertices are more than {MAX_VERTICES}")));
        }
        let mut module = Self { n, out: [0; MAX_VERTICES], ops: [0; MAX_VERTICES - 2] };
        module.ops.iter_mut().zip(interior).for_each(|(slot, op)| *slot = op);
        Ok(module)
    }

    /// The module whose edge `x → y` is bit `x + y(y−1)/2` (nasbench, `gen_is_edge_fn`).
    ///
    /// `interior` holds at most five operations.
    pub(super) fn from_bits(bits: u32, interior: &[u8]) -> Self {
        let n = interior.len() + 2;
        let mut module = Self { n, out: [0; MAX_VERTICES], ops: [0; MAX_VERTICES - 2] };
        module.ops[..n - 2].copy_from_slice(interior);
        for y in 1..n {
            for x in 0..y {
                module.out[x] |= ((bits >> (x + y * (y - 1) / 2) & 1) as u8) << y;
            }
        }
        module
    }

    pub(super) fn connect(&mut self, from: usize, to: usize) -> Result<(), SpaceError> {
        if from >= to || to >= self.n {
            let last = self.n - 1;
            return Err(SpaceError::cell(format!(
                "edge {from} to {to} does not go upwards among vertices 0 to {last}"
            )));
        }
        self.out[from] |= 1 << to;
        Ok(())
    }

    /// Bytes that are equal exactly for equal modules.
    pub(super) fn form(&self) -> Vec<u8> {
        [&[self.n as u8], &self.out[..], &self.ops[..]].concat()
    }

    pub(super) fn vertices(&self) -> usize {
        self.n
    }

    pub(super) fn interior(&self) -> &[u8] {
        &self.ops[..self.n - 2]
    }

    pub(super) fn has_edge(&self, from: usize, to: usize) -> bool {
        from < self.n && to < self.n && self.out[from] >> to & 1 == 1
    }

    /// Edges by source, then by target.
    pub(super) fn edges(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        let targets = move |v| (0..self.n).filter(move |&w| self.has_edge(v, w));
        (0..self.n).flat_map(move |v| targets(v).map(move |w| (v, w)))
    }

    fn edge_count(&self) -> usize {
        self.out.iter().map(|row| row.count_ones() as usize).sum()
    }

    /// The module without the vertices that no path from input to output visits.
    pub(super) fn pruned(self) -> Result<Self, SpaceError> {
        Ok(self.at(&self.live()?))
    }

    /// The vertices that a path from input to output visits.
    pub(super) fn live(&self) -> Result<Vec<usize>, SpaceError> {
        let output = self.n - 1;
        let (mut from_input, mut to_output) = (1_u8, 1_u8 << output);
        for v in 0..self.n {
            if from_input >> v & 1 == 1 {
                from_input |= self.out[v];
            }
        }
        for v in (0..self.n).rev() {
            if self.out[v] & to_output != 0 {
                to_output |= 1 << v;
            }
        }
        let live = from_input & to_output;
        if live >> output & 1 == 0 {
            return Err(SpaceError::cell("no path leads from input to output"));
        }
        Ok((0..self.n).filter(|v| live >> v & 1 == 1).collect())
    }

    /// The same graph with other operations, one an interior vertex.
    pub(super) fn with_ops(&self, ops: &[u8]) -> Self {
        let mut other = Self { ops: [0; MAX_VERTICES - 2], ..*self };
        other.ops[..ops.len()].copy_from_slice(ops);
        other
    }

    /// The operations in the order of another graph's vertices, for every isomorphism onto it.
    pub(super) fn placed_on(&self, other: &Self) -> Vec<Vec<u8>> {
        let mut found = Vec::new();
        if self.n == other.n {
            self.place(other, &mut vec![0], &mut found);
        }
        found
    }

    /// `places[v]` is the vertex of this module that stands for vertex `v` of the other.
    fn place(&self, other: &Self, places: &mut Vec<usize>, found: &mut Vec<Vec<u8>>) {
        let next = places.len();
        let fits = |places: &[usize], at: usize| {
            let same = |(v, &u): (usize, &usize)| {
                self.has_edge(u, at) == other.has_edge(v, next) && !self.has_edge(at, u)
            };
            places.iter().enumerate().all(same)
        };
        if next == self.n - 1 {
            if fits(places, next) {
                found.push(places[1..].iter().map(|&u| self.ops[u - 1]).collect());
            }
            return;
        }
        for at in 1..self.n - 1 {
            if !places.contains(&at) && fits(places, at) {
                places.push(at);
                self.place(other, places, found);
                places.pop();
            }
        }
    }

    /// The part of the module on these vertices, in this order; first input, last output.
    fn at(&self, kept: &[usize]) -> Self {
        let mut part = Self { n: kept.len(), out: [0; MAX_VERTICES], ops: [0; MAX_VERTICES - 2] };
        for (v, &old) in kept.iter().enumerate() {
            for (w, &old_target) in kept.iter().enumerate() {
                part.out[v] |= (self.out[old] >> old_target & 1) << w;
            }
            if v > 0 && v + 1 < kept.len() {
                part.ops[v - 1] = self.ops[old - 1];
            }
        }
        part
    }

    /// The module itself, if it has no more edges than the space allows.
    pub(super) fn within_limits(self) -> Result<Self, SpaceError> {
        match self.edge_count() {
            count if count > MAX_EDGES => {
                Err(SpaceError::cell(format!("{count} edges are more than {MAX_EDGES}")))
            }
            _ => Ok(self),
        }
    }

    /// Everything one element away, by kind: operations changed; edges put in or taken out;
    /// vertices put in. A function of the isomorphism class, up to order and isomorphism.
    pub(super) fn edits(&self) -> [Vec<Self>; 3] {
        [self.relabelled(OPS.len()), self.toggled(), self.grown()]
    }

    /// Every other one of `kinds` operations on every interior vertex.
    pub(super) fn relabelled(&self, kinds: usize) -> Vec<Self> {
        let change = |v: usize| (1..kinds as u8).map(move |by| (v, by));
        let edit = |(v, by): (usize, u8)| {
            let mut edited = *self;
            edited.ops[v] = ((usize::from(edited.ops[v]) + usize::from(by)) % kinds) as u8;
            edited
        };
        (0..self.n - 2).flat_map(change).map(edit).collect()
    }

    fn toggled(&self) -> Vec<Self> {
        let toggle = |(v, w): (usize, usize)| {
            let mut edited = *self;
            edited.out[v] ^= 1 << w;
            edited.repaired()
        };
        self.pairs().filter_map(toggle).collect()
    }

    fn grown(&self) -> Vec<Self> {
        if self.n == MAX_VERTICES {
            return Vec::new();
        }
        let grow = |(v, w): (usize, usize), op: u8| {
            let mut edited = self.with_room();
            let (new, output) = (self.n - 1, self.n);
            edited.ops[new - 1] = op;
            edited.out[new] = 1 << if w == self.n - 1 { output } else { w };
            edited.out[v] |= 1 << new;
            edited.repaired()
        };
        let ops = 0..OPS.len() as u8;
        self.pairs()
            .flat_map(|pair| ops.clone().map(move |op| (pair, op)))
            .filter_map(|(p, op)| grow(p, op))
            .collect()
    }

    /// The module with one more, unconnected vertex before the output.
    fn with_room(&self) -> Self {
        let output = self.n - 1;
        let mut roomy = Self { n: self.n + 1, ..*self };
        for row in &mut roomy.out {
            let to_output = *row >> output & 1;
            *row = *row & !(1 << output) | to_output << (output + 1);
        }
        roomy
    }

    /// Ordered pairs of vertices that an edge might join.
    fn pairs(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let n = self.n;
        (0..n - 1).flat_map(move |v| (1..n).filter(move |&w| w != v).map(move |w| (v, w)))
    }

    /// The module with its vertices in topological order, pruned; none if that is no valid cell.
    fn repaired(&self) -> Option<Self> {
        self.at(&self.topological()?).pruned().and_then(Self::within_limits).ok()
    }

    /// Vertices so that edges go upwards, the lowest free one first, the output last.
    fn topological(&self) -> Option<Vec<usize>> {
        let output = self.n - 1;
        let mut order = Vec::with_capacity(self.n);
        let mut left: u8 = (1 << output) - 1;
        while left != 0 {
            let has_source = |v: &usize| (0..output).any(|u| left >> u & 1 == 1 && self.out[u] >> v & 1 == 1);
            let free = (0..output).filter(|v| left >> v & 1 == 1).find(|v| !has_source(v))?;
            order.push(free);
            left &= !(1 << free);
        }
        order.push(output);
        Some(order)
    }

    /// The official hash: `str` of Python tuples and lists goes into MD5.
    pub(super) fn hash(&self) -> String {
        let n = self.n;
        let outgoing = self.out;
        let incoming: [u8; MAX_VERTICES] =
            std::array::from_fn(|v| (0..n).map(|u| (outgoing[u] >> v & 1) << u).sum());
        let start = |v: usize| {
            let (out, into) = (outgoing[v].count_ones(), incoming[v].count_ones());
            md5_hex(format!("({out}, {into}, {})", self.official_label(v)).as_bytes())
        };
        let mut hashes: Vec<Hex> = (0..n).map(start).collect();
        let mut text = Vec::with_capacity(2 * MAX_VERTICES * 32);
        for _ in 0..n {
            let next = |v: usize| {
                text.clear();
                append_sorted(&mut text, &hashes, incoming[v]);
                text.push(b'|');
                append_sorted(&mut text, &hashes, outgoing[v]);
                text.push(b'|');
                text.extend(hashes[v]);
                md5_hex(&text)
            };
            hashes = (0..n).map(next).collect();
        }
        hashes.sort_unstable();
        let list: Vec<String> = hashes.iter().map(|hex| format!("'{}'", text_of(hex))).collect();
        text_of(&md5_hex(format!("[{}]", list.join(", ")).as_bytes()))
    }

    /// Input −1, output −2, then the position among conv3x3, conv1x1, maxpool3x3.
    fn official_label(&self, v: usize) -> i8 {
        match v {
            0 => -1,
            _ if v == self.n - 1 => -2,
            _ => [1, 0, 2][usize::from(self.ops[v - 1])],
        }
    }
}

/// An MD5 digest in lower-case hexadecimal.
type Hex = [u8; 32];

fn md5_hex(bytes: &[u8]) -> Hex {
    let mut hex = [0; 32];
    for (pair, byte) in hex.chunks_exact_mut(2).zip(Md5::digest(bytes)) {
        pair[0] = b"0123456789abcdef"[usize::from(byte >> 4)];
        pair[1] = b"0123456789abcdef"[usize::from(byte & 15)];
    }
    hex
}

/// Appends the hashes of the vertices in a mask, sorted.
fn append_sorted(text: &mut Vec<u8>, hashes: &[Hex], mask: u8) {
    let mut chosen = [[0; 32]; MAX_VERTICES];
    let mut count = 0;
    for (_, hash) in hashes.iter().enumerate().filter(|(v, _)| mask >> v & 1 == 1) {
        chosen[count] = *hash;
        count += 1;
    }
    chosen[..count].sort_unstable();
    chosen[..count].iter().for_each(|hash| text.extend(hash));
}

fn text_of(hex: &Hex) -> String {
    hex.iter().map(|&b| char::from(b)).collect()
}
