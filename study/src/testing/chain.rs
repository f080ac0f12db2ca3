//! A small space with a known optimum.

use std::collections::HashSet;
use std::sync::Arc;

use bonas_spaces::{
    Architecture, Cell, CellGraph, OpId, Role, SearchSpace, SpaceError, SpaceSize, Vocabulary,
};
use rand::{Rng, RngExt};

/// Chains of operations written as digits, such as `0213`; a chain and its reverse count as one
/// architecture, so that there are copies to be found out.
///
/// Formulas over it should not tell a chain from its reverse.
#[derive(Clone, Debug)]
pub struct Chain {
    length: usize,
    vocabulary: Arc<Vocabulary>,
}

impl Chain {
    /// Chains of `length` of `ops` operations, at most ten.
    ///
    /// # Errors
    /// [`SpaceError::Parameter`] when there is nothing to choose, or there are over ten operations.
    pub fn new(length: usize, ops: usize) -> Result<Self, SpaceError> {
        if length == 0 || !(2..=10).contains(&ops) {
            return Err(SpaceError::Parameter {
                parameter: "length or ops",
                reason: format!("length {length} must be at least 1, ops {ops} in 2..=10"),
            });
        }
        let vocabulary = Vocabulary::new(1, (0..ops).map(|i| (format!("op{i}"), Role::Compute)))?;
        Ok(Self { length, vocabulary: Arc::new(vocabulary) })
    }

    /// The digits of one of its architectures, in one of the two directions.
    pub fn digits(architecture: &Architecture) -> Vec<usize> {
        let first = architecture.vocabulary().ops().next().map_or(0, OpId::index);
        let edges = architecture.cells().iter().flat_map(|cell| cell.graph().raw_edges());
        edges.map(|edge| edge.weight.index().saturating_sub(first)).collect()
    }

    /// A formula with one optimum, 1 at `000...`, and no other local one: the share of zeros.
    ///
    /// # Errors
    /// Never; the form is that of [`crate::evaluator::Synthetic`].
    pub fn share_of_zeros(architecture: &Architecture) -> Result<f64, String> {
        let digits = Self::digits(architecture);
        Ok(digits.iter().filter(|&&digit| digit == 0).count() as f64 / digits.len() as f64)
    }

    fn ops(&self) -> usize {
        self.vocabulary.ops().len()
    }

    fn build(&self, digits: &[usize]) -> Result<Architecture, SpaceError> {
        let labels: Vec<OpId> = self.vocabulary.ops().collect();
        let mut graph = CellGraph::new();
        let mut node = graph.add_node(OpId::input(0));
        for (i, &digit) in digits.iter().enumerate() {
            let last = i + 1 == digits.len();
            let next = graph.add_node(if last { OpId::OUTPUT } else { OpId::PLAIN });
            graph.add_edge(node, next, labels[digit]);
            node = next;
        }
        let reversed: Vec<usize> = digits.iter().rev().copied().collect();
        let form: Vec<u8> = digits.min(&reversed).iter().map(|&d| d as u8).collect();
        let cell = Cell::new(graph, &self.vocabulary)?;
        Ok(Architecture::with_canonical_form(self.vocabulary.clone(), vec![cell], &form))
    }

    fn digits_of_ours(&self, architecture: &Architecture) -> Result<Vec<usize>, SpaceError> {
        let digits = Self::digits(architecture);
        if digits.len() != self.length || digits.iter().any(|&d| d >= self.ops()) {
            return Err(SpaceError::cell(format!("{digits:?} is no chain of {} operations", self.length)));
        }
        Ok(digits)
    }
}

impl SearchSpace for Chain {
    fn name(&self) -> &'static str {
        "chain"
    }

    fn vocabulary(&self) -> &Arc<Vocabulary> {
        &self.vocabulary
    }

    fn sample(&self, rng: &mut dyn Rng) -> Architecture {
        let digits: Vec<usize> = (0..self.length).map(|_| rng.random_range(0..self.ops())).collect();
        #[expect(clippy::expect_used, reason = "digits in range always make a cell")]
        self.build(&digits).expect("a chain is a cell")
    }

    fn mutate(&self, architecture: &Architecture, rng: &mut dyn Rng) -> Result<Architecture, SpaceError> {
        let mut digits = self.digits_of_ours(architecture)?;
        let at = rng.random_range(0..digits.len());
        digits[at] = (digits[at] + rng.random_range(1..self.ops())) % self.ops();
        self.build(&digits)
    }

    fn neighbours(&self, architecture: &Architecture) -> Result<Vec<Architecture>, SpaceError> {
        let digits = self.digits_of_ours(architecture)?;
        let mut seen = HashSet::from([architecture.key()]);
        let mut neighbours = Vec::new();
        for at in 0..digits.len() {
            for step in 1..self.ops() {
                let mut changed = digits.clone();
                changed[at] = (changed[at] + step) % self.ops();
                let neighbour = self.build(&changed)?;
                if seen.insert(neighbour.key()) {
                    neighbours.push(neighbour);
                }
            }
        }
        Ok(neighbours)
    }

    fn check(&self, architecture: &Architecture) -> Result<(), SpaceError> {
        self.digits_of_ours(architecture).map(|_| ())
    }

    /// A chain and its reverse are one: `(k^n + k^⌈n/2⌉) / 2`.
    fn size(&self) -> SpaceSize {
        let power = |n: usize| (self.ops() as u128).saturating_pow(n as u32);
        SpaceSize::Unique((power(self.length).saturating_add(power(self.length.div_ceil(2)))) / 2)
    }

    fn enumerate(&self) -> Option<Box<dyn Iterator<Item = Architecture> + '_>> {
        let all = self.ops().checked_pow(self.length as u32).filter(|&n| n <= 1_000_000)?;
        Some(Box::new((0..all).filter_map(|mut rank| {
            let digits: Vec<usize> = (0..self.length)
                .map(|_| {
                    let digit = rank % self.ops();
                    rank /= self.ops();
                    digit
                })
                .collect();
            self.build(&digits).ok()
        })))
    }

    fn format(&self, architecture: &Architecture) -> Result<String, SpaceError> {
        let digits = self.digits_of_ours(architecture)?;
        Ok(digits.iter().map(ToString::to_string).collect())
    }

    fn parse(&self, text: &str) -> Result<Architecture, SpaceError> {
        let bad = |reason: String| SpaceError::Notation { text: text.into(), notation: "a chain", reason };
        let digit = |c: char| match c.to_digit(10) {
            Some(d) if (d as usize) < self.ops() => Ok(d as usize),
            _ => Err(bad(format!("{c:?} is no digit below {}", self.ops()))),
        };
        let digits: Vec<usize> = text.chars().map(digit).collect::<Result<_, _>>()?;
        if digits.len() != self.length {
            return Err(bad(format!("{} digits, expected {}", digits.len(), self.length)));
        }
        self.build(&digits)
    }
}
