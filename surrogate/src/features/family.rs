//! Kinds of features: what is counted in the same way, and of the same operations.

/// What a feature counts. Whether a kind of count matters is learnt for the family as a whole, on top
/// of what is learnt for each column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    /// Nodes of an operation, or of a group of them.
    Nodes,
    /// Whether there are any.
    Presence,
    /// Nodes and edges of the graph.
    Sizes,
    /// Numbers of paths.
    PathNumbers,
    /// Longest paths.
    LongestPaths,
    /// Shortest paths.
    ShortestPaths,
    /// Most operations of some kinds on a path.
    MostAlong,
    /// Fewest of them.
    FewestAlong,
    /// Their mean number.
    MeanAlong,
    /// First and last operations of paths.
    PathEnds,
    /// Degrees and depth.
    Degrees,
    /// Edges by the labels of their ends.
    Neighbours,
    /// Operations by where they are.
    Places,
}

/// What a column counts, and of which operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    pub(crate) family: Family,
    /// Number of the cut of the operations into two sides that it tells apart, from 1 up; 0 if it looks at all alike.
    pub(crate) cut: usize,
}

/// Cuts of the operations into two sides, numbered from 1 up as they come.
#[derive(Clone, Debug, Default)]
pub(super) struct Cuts(Vec<Vec<bool>>);

impl Cuts {
    /// Number of the cut between the members of a set and all others; 0 if one of the sides is empty.
    pub(super) fn number(&mut self, set: &[bool]) -> usize {
        // Of the two sides that without the first operation stands for both.
        let first = set.first().copied().unwrap_or(false);
        let side: Vec<bool> = set.iter().map(|member| member ^ first).collect();
        if !side.contains(&true) {
            return 0;
        }
        let known = self.0.iter().position(|known| *known == side);
        1 + known.unwrap_or_else(|| {
            self.0.push(side);
            self.0.len() - 1
        })
    }
}

impl Family {
    /// A kind that looks at all operations alike.
    pub(crate) fn of_all(self) -> Kind {
        Kind { family: self, cut: 0 }
    }

    /// Number of families.
    pub(crate) const COUNT: usize = Self::Places as usize + 1;

    /// Number of a family, below [`Self::COUNT`].
    pub(crate) fn index(self) -> usize {
        self as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_and_all_others_are_one_cut() {
        let mut cuts = Cuts::default();
        let numbers = [
            [false, false, true],
            [true, true, false],
            [false, true, false],
            [true, true, true],
            [false, false, false],
            [true, false, true],
        ]
        .map(|set| cuts.number(&set));
        assert_eq!(numbers, [1, 1, 2, 0, 0, 2]);
    }
}
