//! Families of features: what is counted in the same way.

/// What a feature counts. Whether a kind of count matters is learnt for the family as a whole, on top
/// of what is learnt for each column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    /// Nodes of an operation.
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

impl Family {
    /// Number of families.
    pub(crate) const COUNT: usize = Self::Places as usize + 1;

    /// Number of a family, below [`Self::COUNT`].
    pub(crate) fn index(self) -> usize {
        self as usize
    }
}
