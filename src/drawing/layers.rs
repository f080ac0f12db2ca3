//! Layered placement of a directed acyclic graph (after Sugiyama, Tagawa and Toda 1981): columns
//! by longest path, order in a column by barycentres, heights by least squares.

/// Where everything goes; columns run left to right, heights are around 0, downwards.
#[derive(Clone, Debug, Default)]
pub(super) struct Placement {
    /// Column of each node.
    pub(super) column: Vec<usize>,
    /// Height of each node.
    pub(super) height: Vec<f64>,
    /// For each edge the heights at which it crosses the columns between its ends.
    pub(super) bends: Vec<Vec<f64>>,
    /// Number of columns.
    pub(super) columns: usize,
}

/// Space between the middles of two boxes, a box and a passing edge, two passing edges.
const GAPS: [f64; 3] = [42.0, 31.0, 20.0];
const SWEEPS: usize = 12;

/// Nodes and the points where long edges pass through columns, which are nodes from here on.
struct Grid {
    /// Nodes before this index are real.
    real: usize,
    columns: Vec<Vec<usize>>,
    before: Vec<Vec<usize>>,
    after: Vec<Vec<usize>>,
    chains: Vec<Vec<usize>>,
    height: Vec<f64>,
}

/// Places `n` nodes; `last` nodes (the output) go to the last column. Edges of a cycle, which a
/// cell never has, would be drawn but not ordered.
pub(super) fn place(n: usize, edges: &[(usize, usize)], last: impl Fn(usize) -> bool) -> Placement {
    let column = longest_paths(n, edges, last);
    let mut grid = Grid::new(&column, edges);
    grid.order();
    grid.set_heights();
    let bends = grid.chains.iter().map(|chain| chain.iter().map(|&v| grid.height[v]).collect()).collect();
    Placement { columns: grid.columns.len(), height: grid.height[..n].to_vec(), column, bends }
}

/// Number of edges on the longest path to each node; `last` nodes get the largest.
pub(super) fn longest_paths(n: usize, edges: &[(usize, usize)], last: impl Fn(usize) -> bool) -> Vec<usize> {
    let mut column = vec![0; n];
    // A path has at most n nodes, so that n rounds reach the end of the longest.
    for _ in 0..n {
        for &(from, to) in edges {
            column[to] = column[to].max((column[from] + 1).min(n));
        }
    }
    let end = column.iter().copied().max().unwrap_or(0);
    (0..n).filter(|&v| last(v)).for_each(|v| column[v] = end);
    column
}

impl Grid {
    fn new(column: &[usize], edges: &[(usize, usize)]) -> Self {
        let width = column.iter().copied().max().map_or(0, |last| last + 1);
        let real = column.len();
        let mut grid = Self {
            real,
            columns: vec![Vec::new(); width],
            before: vec![Vec::new(); real],
            after: vec![Vec::new(); real],
            chains: Vec::new(),
            height: Vec::new(),
        };
        for (node, &c) in column.iter().enumerate() {
            grid.columns[c].push(node);
        }
        for &(from, to) in edges {
            let mut chain = Vec::new();
            let mut previous = from;
            for c in column[from] + 1..column[to] {
                let bend = grid.before.len();
                grid.before.push(Vec::new());
                grid.after.push(Vec::new());
                grid.columns[c].push(bend);
                grid.join(previous, bend);
                chain.push(bend);
                previous = bend;
            }
            grid.join(previous, to);
            grid.chains.push(chain);
        }
        grid.height = vec![0.0; grid.before.len()];
        grid
    }

    fn join(&mut self, from: usize, to: usize) {
        self.after[from].push(to);
        self.before[to].push(from);
    }

    /// Sweeps to and fro, each column ordered by the mean position of its neighbours; the order
    /// with fewest crossings wins.
    fn order(&mut self) {
        let mut best = (self.crossings(), self.columns.clone());
        for sweep in 0..SWEEPS {
            let forward = sweep % 2 == 0;
            let width = self.columns.len();
            for step in 1..width {
                let column = if forward { step } else { width - 1 - step };
                let neighbours = if forward { &self.before } else { &self.after };
                let position = self.positions();
                let mut nodes = std::mem::take(&mut self.columns[column]);
                let key =
                    |&v: &usize| mean(neighbours[v].iter().map(|&w| position[w])).unwrap_or(position[v]);
                nodes.sort_by(|a, b| key(a).total_cmp(&key(b)));
                self.columns[column] = nodes;
            }
            let crossings = self.crossings();
            if crossings < best.0 {
                best = (crossings, self.columns.clone());
            }
        }
        self.columns = best.1;
    }

    /// Position in its column of each node.
    fn positions(&self) -> Vec<f64> {
        let mut position = vec![0.0; self.before.len()];
        for column in &self.columns {
            column.iter().enumerate().for_each(|(i, &v)| position[v] = i as f64);
        }
        position
    }

    fn crossings(&self) -> usize {
        let position = self.positions();
        let in_column = |column: &Vec<usize>| {
            let ends: Vec<(f64, f64)> = column
                .iter()
                .flat_map(|&v| self.after[v].iter().map(move |&w| (v, w)))
                .map(|(v, w)| (position[v], position[w]))
                .collect();
            let crossed =
                |i: usize| ends[..i].iter().filter(|e| (e.0 - ends[i].0) * (e.1 - ends[i].1) < 0.0).count();
            (0..ends.len()).map(crossed).sum::<usize>()
        };
        self.columns.iter().map(in_column).sum()
    }

    /// Moves every column as near to the mean height of its neighbours as order and gaps allow.
    fn set_heights(&mut self) {
        for v in 0..self.height.len() {
            self.height[v] = GAPS[0] * self.positions()[v];
        }
        for sweep in 0..4 * SWEEPS {
            for c in 0..self.columns.len() {
                let column = if sweep % 2 == 0 { c } else { self.columns.len() - 1 - c };
                self.settle(column);
            }
        }
        let middle = mean(self.height.iter().copied()).unwrap_or(0.0);
        self.height.iter_mut().for_each(|h| *h -= middle);
    }

    fn settle(&mut self, column: usize) {
        let nodes = &self.columns[column];
        let mut offset = vec![0.0; nodes.len()];
        for i in 1..nodes.len() {
            let bends = usize::from(nodes[i] >= self.real) + usize::from(nodes[i - 1] >= self.real);
            offset[i] = offset[i - 1] + GAPS[bends];
        }
        let wished = nodes.iter().zip(&offset).map(|(&v, offset)| {
            let around = self.before[v].iter().chain(&self.after[v]).map(|&w| self.height[w]);
            mean(around).unwrap_or(self.height[v]) - offset
        });
        let fitted = rising(wished.collect());
        for ((&v, height), offset) in nodes.iter().zip(fitted).zip(offset) {
            self.height[v] = height + offset;
        }
    }
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, n) = values.fold((0.0, 0), |(sum, n), v| (sum + v, n + 1));
    (n > 0).then(|| sum / f64::from(n))
}

/// The nearest non-decreasing sequence by least squares (pool adjacent violators).
fn rising(values: Vec<f64>) -> Vec<f64> {
    let mut blocks: Vec<(f64, usize)> = Vec::new();
    for value in values {
        let mut block = (value, 1);
        while let Some(&(mean, n)) = blocks.last()
            && mean > block.0
        {
            blocks.pop();
            let both = n + block.1;
            block = ((mean * n as f64 + block.0 * block.1 as f64) / both as f64, both);
        }
        blocks.push(block);
    }
    blocks.into_iter().flat_map(|(mean, n)| std::iter::repeat_n(mean, n)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_follow_the_longest_path() {
        let placement = place(4, &[(0, 1), (1, 2), (0, 2), (2, 3), (0, 3)], |v| v == 3);
        assert_eq!(placement.column, [0, 1, 2, 3]);
        assert_eq!(placement.bends.iter().map(Vec::len).collect::<Vec<_>>(), [0, 0, 1, 0, 2]);
    }

    #[test]
    fn crossings_that_can_be_avoided_are() {
        // 0 and 1 feed 3 and 2: in the order given the edges would cross.
        let placement = place(4, &[(0, 3), (1, 2)], |_| false);
        let [a, b, c, d] = placement.height[..] else { panic!("four nodes") };
        assert_eq!(a < b, d < c);
        assert!((a - d).abs() < 1.0 && (b - c).abs() < 1.0, "straight: {:?}", placement.height);
    }

    #[test]
    fn nodes_of_a_column_keep_their_distance() {
        let edges: Vec<_> = (1..6).flat_map(|v| [(0, v), (v, 6)]).collect();
        let placement = place(7, &edges, |v| v == 6);
        let mut heights = placement.height[1..6].to_vec();
        heights.sort_by(f64::total_cmp);
        assert!(heights.windows(2).all(|w| w[1] - w[0] > GAPS[0] - 1e-9), "{heights:?}");
    }

    #[test]
    fn nothing_and_a_lone_node_are_placed() {
        assert_eq!(place(0, &[], |_| false).columns, 0);
        assert_eq!(place(1, &[], |_| true).columns, 1);
    }

    #[test]
    fn a_rising_fit_pools_what_falls() {
        assert_eq!(rising(vec![1.0, 3.0, 2.0, 4.0]), [1.0, 2.5, 2.5, 4.0]);
    }
}
