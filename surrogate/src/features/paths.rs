//! Path counts by dynamic programming, without listing paths.

use super::flow::{Flow, Label};

/// Largest number of paths: a dense graph of 1,000 nodes has more, and then this many are counted.
const MOST: f64 = 1e300;

/// Number, longest, shortest and summed length of paths.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Paths {
    pub(super) number: f64,
    pub(super) longest: f32,
    pub(super) shortest: f32,
    pub(super) total: f64,
}

const NO_PATH: Paths = Paths { number: 0.0, longest: f32::NEG_INFINITY, shortest: f32::INFINITY, total: 0.0 };

impl Flow {
    /// Paths from inputs to the output. An operation adds its `length` to a path; no path leads through an operation
    /// whose length is `None`.
    pub(super) fn paths(&self, length: impl Fn(usize) -> Option<f32>) -> Paths {
        let mut to: Vec<Paths> = Vec::with_capacity(self.len());
        for (label, reads) in self.labels.iter().zip(&self.reads) {
            let step = match label {
                Label::Input(_) => {
                    to.push(Paths { number: 1.0, ..Paths::default() });
                    continue;
                }
                Label::Op(op) => length(usize::from(*op)),
                Label::Output => Some(0.0),
            };
            to.push(step.map_or(NO_PATH, |step| reads.iter().fold(NO_PATH, |p, e| p.or(to[e.0], e.1, step))));
        }
        to.last().copied().unwrap_or(NO_PATH)
    }

    /// Longest distance of every node from the inputs, in edges.
    pub(super) fn depths(&self) -> Vec<f32> {
        let mut depth: Vec<f32> = Vec::with_capacity(self.len());
        for reads in &self.reads {
            depth.push(reads.iter().map(|&(from, _)| depth[from] + 1.0).fold(0.0, f32::max));
        }
        depth
    }

    /// Longest distance of every node to the output, in edges.
    pub(super) fn heights(&self) -> Vec<f32> {
        let mut height = vec![0.0f32; self.len()];
        for v in (0..self.len()).rev() {
            for &(from, _) in &self.reads[v] {
                height[from] = height[from].max(height[v] + 1.0);
            }
        }
        height
    }

    /// Number of paths from inputs to every node, and from it to the output.
    pub(super) fn paths_through(&self) -> (Vec<f64>, Vec<f64>) {
        let n = self.len();
        let (mut to, mut from) = (vec![0.0f64; n], vec![0.0f64; n]);
        for v in 0..n {
            let reached: f64 = self.reads[v].iter().map(|&(u, times)| f64::from(times) * to[u]).sum();
            to[v] = if self.is_input(v) { 1.0 } else { reached.min(MOST) };
        }
        from[n - 1] = 1.0;
        for v in (0..n).rev() {
            for &(u, times) in &self.reads[v] {
                from[u] = (from[u] + f64::from(times) * from[v]).min(MOST);
            }
        }
        (to, from)
    }
}

impl Paths {
    /// These paths, and those from `before` that arrive over `times` equal edges and one more `step`.
    fn or(self, before: Self, times: f32, step: f32) -> Self {
        let (more, length) = (f64::from(times), f64::from(step));
        Self {
            number: (self.number + more * before.number).min(MOST),
            longest: self.longest.max(before.longest + step),
            shortest: self.shortest.min(before.shortest + step),
            total: (self.total + more * (before.total + length * before.number)).min(MOST),
        }
    }
}
