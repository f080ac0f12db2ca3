//! NAS-Bench-1Shot1 (Zela, Siems and Hutter, ICLR 2020): three parts of NAS-Bench-101.

use std::sync::Arc;

use rand::Rng;

use super::NasBench101;
use super::wired::Wired;
use crate::error::SpaceError;
use crate::graph::{Architecture, Vocabulary};
use crate::network::{OpTable, SkeletonEntry, SpaceNetwork, Union};
use crate::notation::Notation;
use crate::space::{Choices, SearchSpace, SpaceEntry, SpaceSize};

/// Parents of vertices 1, 2, .. of each space, the output last.
const PARENTS: [&[usize]; 3] = [&[1, 2, 2, 2, 2], &[1, 1, 2, 2, 3], &[1, 1, 1, 2, 2, 2]];
/// Cells up to isomorphism, counted by going through all of them.
const SIZES: [u128; 3] = [2_685, 7_773, 55_854];

/// The catalogue's entry of [`Part::One`].
pub const PART_1: SpaceEntry = SpaceEntry {
    name: "nasbench1shot1-1",
    about: "search space 1 of NAS-Bench-1Shot1, a part of NAS-Bench-101: four interior nodes",
    make: || Arc::new(NasBench1Shot1::new(Part::One)),
    make_raw: None,
};

/// The catalogue's entry of [`Part::Two`].
pub const PART_2: SpaceEntry = SpaceEntry {
    name: "nasbench1shot1-2",
    about: "search space 2 of NAS-Bench-1Shot1, a part of NAS-Bench-101: four interior nodes",
    make: || Arc::new(NasBench1Shot1::new(Part::Two)),
    make_raw: None,
};

/// The catalogue's entry of [`Part::Three`].
pub const PART_3: SpaceEntry = SpaceEntry {
    name: "nasbench1shot1-3",
    about: "search space 3 of NAS-Bench-1Shot1, a part of NAS-Bench-101: five interior nodes",
    make: || Arc::new(NasBench1Shot1::new(Part::Three)),
    make_raw: None,
};

/// A search space of NAS-Bench-1Shot1: cells of NAS-Bench-101 in which every vertex has a fixed number
/// of parents.
///
/// | space | interior vertices | parents of vertices 1, 2, .. and the output | cells up to isomorphism |
/// |---|---|---|---|
/// | 1 | 4 | 1, 2, 2, 2, 2 | 2,685 |
/// | 2 | 4 | 1, 1, 2, 2, 3 | 7,773 |
/// | 3 | 5 | 1, 1, 1, 2, 2, 2 | 55,854 |
///
/// Vertices that nothing reads are pruned, as in NAS-Bench-101, so a cell can have fewer vertices. Notation
/// and keys are those of [`NasBench101`]. Samples are uniform over the choices of parents (180, 360 and
/// 5,400) and of operations, then pruned.
///
/// Neighbours change an operation, or replace one parent of one vertex in any unpruned form of the cell. A
/// vertex that this brings back can have any operation.
#[derive(Clone, Debug)]
pub struct NasBench1Shot1 {
    part: Part,
    cells: NasBench101,
    wired: Wired,
}

/// One of the three search spaces of NAS-Bench-1Shot1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Search space 1.
    One,
    /// Search space 2.
    Two,
    /// Search space 3.
    Three,
}

impl NasBench1Shot1 {
    /// Builds one of the three search spaces.
    pub fn new(part: Part) -> Self {
        let cells = NasBench101::new();
        let wired = Wired::new(cells.vocabulary().clone(), PARENTS[part as usize].to_vec());
        Self { part, cells, wired }
    }

    /// The union of the whole space: every operation on each interior vertex, and every edge from an earlier
    /// vertex to a later one.
    pub fn whole(&self) -> Union {
        self.wired.whole()
    }
}

impl SearchSpace for NasBench1Shot1 {
    fn name(&self) -> &'static str {
        [PART_1.name, PART_2.name, PART_3.name][self.part as usize]
    }

    fn network(&self) -> Option<&dyn SpaceNetwork> {
        Some(self)
    }

    fn vocabulary(&self) -> &Arc<Vocabulary> {
        self.cells.vocabulary()
    }

    fn sample(&self, rng: &mut dyn Rng) -> Architecture {
        self.wired.sample(rng)
    }

    /// Draws the kind of change (operation, parent), then one of that kind.
    fn mutate(&self, architecture: &Architecture, rng: &mut dyn Rng) -> Result<Architecture, SpaceError> {
        self.wired.mutate(architecture, rng, &|_| true)
    }

    fn neighbours(&self, architecture: &Architecture) -> Result<Vec<Architecture>, SpaceError> {
        self.wired.neighbours(architecture)
    }

    fn check(&self, architecture: &Architecture) -> Result<(), SpaceError> {
        self.wired.check(architecture)
    }

    fn choices(&self) -> Option<&dyn Choices> {
        Some(self)
    }

    fn size(&self) -> SpaceSize {
        SpaceSize::Unique(SIZES[self.part as usize])
    }

    /// Every pruned graph with every labelling: 3,288, 11,826 and 118,524.
    fn enumerate(&self) -> Option<Box<dyn Iterator<Item = Architecture> + '_>> {
        Some(Box::new(self.wired.enumerate()))
    }

    fn format(&self, architecture: &Architecture) -> Result<String, SpaceError> {
        self.check(architecture)?;
        self.cells.format(architecture)
    }

    fn parse(&self, text: &str) -> Result<Architecture, SpaceError> {
        let architecture = self.cells.parse(text)?;
        self.check(&architecture).map_err(|error| SpaceError::Notation {
            text: text.to_owned(),
            notation: "a NAS-Bench-1Shot1 cell bits|op;op",
            reason: error.to_string(),
        })?;
        Ok(architecture)
    }

    /// Those of NAS-Bench-101, of which the examples are cells too.
    fn notations(&self) -> Vec<Notation> {
        self.cells.notations()
    }

    fn format_as(&self, architecture: &Architecture, notation: &str) -> Result<String, SpaceError> {
        self.check(architecture)?;
        self.cells.format_as(architecture, notation)
    }
}

/// The networks are those of NAS-Bench-101; the union has this space's vertices.
impl SpaceNetwork for NasBench1Shot1 {
    fn ops(&self) -> OpTable {
        SpaceNetwork::ops(&self.cells)
    }

    fn whole(&self) -> Union {
        NasBench1Shot1::whole(self)
    }

    fn skeletons(&self) -> &'static [&'static SkeletonEntry] {
        SpaceNetwork::skeletons(&self.cells)
    }
}

/// The choices are the parents of vertices 1, 2, .. and of the output, then the operations of the interior
/// vertices. Several choices can make one cell; reading returns the first, with the first operation on
/// pruned vertices.
impl Choices for NasBench1Shot1 {
    fn counts(&self) -> Vec<usize> {
        self.wired.counts()
    }

    fn read(&self, architecture: &Architecture) -> Result<Vec<usize>, SpaceError> {
        self.wired.options(architecture)
    }

    fn build(&self, choices: &[usize]) -> Result<Option<Architecture>, SpaceError> {
        self.wired.of_options(choices).map(Some)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeSet;

    use super::*;
    use crate::graph::Key;
    use crate::testing::check_space;

    const PARTS: [Part; 3] = [Part::One, Part::Two, Part::Three];

    /// C(1,1) C(2,2) C(3,2) C(4,2) C(5,2) = 180, 1·2·3·6·10 = 360, 1·2·3·6·10·15 = 5400.
    #[test]
    fn choices_of_parents_by_hand() {
        assert_eq!(PARTS.map(|part| NasBench1Shot1::new(part).wired.wiring_count()), [180, 360, 5400]);
    }

    /// Counted once more by a program that knows isomorphic cells by the official hash.
    #[test]
    fn counts_of_the_spaces() {
        for (part, graphs, labelled) in [(Part::One, 48, 3_288), (Part::Two, 164, 11_826)] {
            let space = NasBench1Shot1::new(part);
            assert_eq!(space.wired.graph_count(), graphs);
            let keys: Vec<Key> = space.enumerate().unwrap().map(|a| a.key()).collect();
            assert_eq!(keys.len(), labelled);
            assert_eq!(keys.into_iter().collect::<BTreeSet<_>>().len() as u128, SIZES[part as usize]);
        }
        assert_eq!(NasBench1Shot1::new(Part::Three).wired.graph_count(), 596);
    }

    /// Run in release: `cargo test --release -p bonas-spaces -- --ignored`.
    #[test]
    #[ignore = "goes through 118,524 cells; run it in release"]
    fn counts_of_the_largest_space() {
        let space = NasBench1Shot1::new(Part::Three);
        let keys: Vec<Key> = space.enumerate().unwrap().map(|a| a.key()).collect();
        assert_eq!(keys.len(), 118_524);
        assert_eq!(keys.into_iter().collect::<BTreeSet<_>>().len() as u128, SIZES[2]);
    }

    #[test]
    fn contract() {
        for (part, samples) in PARTS.into_iter().zip([20, 6, 2]) {
            check_space(&NasBench1Shot1::new(part), 1, samples).unwrap();
        }
    }

    #[test]
    fn choices_make_every_cell() {
        let space = NasBench1Shot1::new(Part::One);
        assert_eq!(space.counts(), [1, 1, 3, 6, 10, 3, 3, 3, 3]);
        // The last set of two parents is the two vertices before.
        let cell = space.build(&[0, 0, 2, 5, 9, 2, 0, 1, 2]).unwrap().unwrap();
        let text = "110001100110111|maxpool3x3;conv1x1-bn-relu;conv3x3-bn-relu;maxpool3x3";
        assert_eq!(space.format(&cell).unwrap(), text);
        let mut options = vec![0; 9];
        let mut keys = BTreeSet::new();
        for code in 0..space.counts().iter().product::<usize>() {
            let mut rest = code;
            for (option, count) in options.iter_mut().zip(space.counts()) {
                *option = rest % count;
                rest /= count;
            }
            keys.insert(space.build(&options).unwrap().unwrap().key());
        }
        assert_eq!(keys.len() as u128, SIZES[0]);
        let error = space.build(&[0; 8]).unwrap_err().to_string();
        assert!(error.contains("8 choices given, expected 9"), "{error}");
        let error = space.build(&[0, 1, 0, 0, 0, 0, 0, 0, 0]).unwrap_err().to_string();
        assert!(error.contains("choice 1 at position 1, expected 0 to 0"), "{error}");
    }

    /// Rows of the published table of space 1 (Zela et al.), and cells that are not of it.
    #[test]
    fn cells_of_the_table_are_in_the_space() {
        let space = NasBench1Shot1::new(Part::One);
        for text in [
            "111|conv1x1-bn-relu",
            "111101|maxpool3x3;conv1x1-bn-relu",
            "111011010100101|maxpool3x3;conv3x3-bn-relu;maxpool3x3;maxpool3x3",
            "110001111100101|maxpool3x3;conv1x1-bn-relu;maxpool3x3;conv3x3-bn-relu",
        ] {
            let cell = space.parse(text).unwrap();
            assert_eq!(space.format(&cell).unwrap(), text);
        }
        for text in ["1|", "101|maxpool3x3", "110011|maxpool3x3;maxpool3x3"] {
            let error = space.parse(text).unwrap_err().to_string();
            assert!(error.contains("no choice of [1, 2, 2, 2, 2] parents"), "{error}");
        }
    }

    /// What is one element away from a cell has it one element away.
    #[test]
    fn neighbours_are_mutual() {
        let space = NasBench1Shot1::new(Part::One);
        let cell = space.parse("111101|maxpool3x3;conv1x1-bn-relu").unwrap();
        for near in space.neighbours(&cell).unwrap() {
            assert!(space.neighbours(&near).unwrap().contains(&cell), "{}", space.format(&near).unwrap());
        }
    }
}
