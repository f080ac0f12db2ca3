//! Families of features: how something is counted, and of which operations.

/// How a feature is counted. A model learns the relevance of a family as a whole, on top of that of each column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Family {
    /// Nodes of an operation, or of a group of them.
    Nodes,
    /// Whether an operation occurs.
    Presence,
    /// Nodes and edges of the graph.
    Sizes,
    /// Numbers of paths.
    PathNumbers,
    /// Longest paths.
    LongestPaths,
    /// Shortest paths.
    ShortestPaths,
    /// Largest number of some operations on a path.
    MostAlong,
    /// Smallest number of some operations on a path.
    FewestAlong,
    /// Mean number of some operations on a path.
    MeanAlong,
    /// First and last operations of paths.
    PathEnds,
    /// Degrees and depth.
    Degrees,
    /// Edges by the labels of their ends.
    Neighbours,
    /// Operations by their distance from the inputs and to the output.
    Places,
}

/// What a column counts: its family, and the operations that it distinguishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Kind {
    pub(crate) family: Family,
    /// Number, from 1, of the cut of the operations into two sides that the column distinguishes; 0 for a column that
    /// treats all operations alike.
    pub(crate) cut: usize,
}

/// Cuts of the operations into two sides, numbered from 1 in order of appearance.
#[derive(Clone, Debug, Default)]
pub(super) struct Cuts(Vec<Vec<bool>>);

impl Cuts {
    /// Number of the cut between a set and its complement; 0 if one of them is empty.
    pub(super) fn number(&mut self, set: &[bool]) -> usize {
        // The side without the first operation represents both.
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
    /// What the family counts, in a few words.
    pub fn about(self) -> &'static str {
        match self {
            Self::Nodes => "number of each operation",
            Self::Presence => "presence of each operation",
            Self::Sizes => "nodes and edges",
            Self::PathNumbers => "number of paths",
            Self::LongestPaths => "longest paths",
            Self::ShortestPaths => "shortest paths",
            Self::MostAlong => "most operations on a path",
            Self::FewestAlong => "fewest operations on a path",
            Self::MeanAlong => "mean operations on a path",
            Self::PathEnds => "first and last operations of paths",
            Self::Degrees => "degrees and depth",
            Self::Neighbours => "neighbouring operations",
            Self::Places => "places of operations",
        }
    }

    /// A kind that treats all operations alike.
    pub(crate) fn of_all(self) -> Kind {
        Kind { family: self, cut: 0 }
    }

    /// Every family, in the order of their indices.
    pub(crate) const ALL: [Self; Self::COUNT] = [
        Self::Nodes,
        Self::Presence,
        Self::Sizes,
        Self::PathNumbers,
        Self::LongestPaths,
        Self::ShortestPaths,
        Self::MostAlong,
        Self::FewestAlong,
        Self::MeanAlong,
        Self::PathEnds,
        Self::Degrees,
        Self::Neighbours,
        Self::Places,
    ];

    /// Number of families.
    pub(crate) const COUNT: usize = Self::Places as usize + 1;

    /// Index of a family, below [`Self::COUNT`].
    pub(crate) fn index(self) -> usize {
        self as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_listed_by_their_indices() {
        assert!(Family::ALL.iter().enumerate().all(|(i, family)| family.index() == i));
    }

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
