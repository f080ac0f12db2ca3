//! NAS-Bench-1Shot1 (Zela, Siems and Hutter, ICLR 2020): three parts of NAS-Bench-101.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, OnceLock};

use rand::Rng;

use super::module::Module;
use super::{MAX_VERTICES, NasBench101, OPS};
use crate::error::SpaceError;
use crate::families::draw;
use crate::graph::{Architecture, Key, Vocabulary};
use crate::network::{OpTable, SkeletonEntry, SpaceNetwork, Union};
use crate::notation::Notation;
use crate::space::{Choices, SearchSpace, SpaceEntry, SpaceSize, check_choices};

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
    graphs: Arc<OnceLock<Graphs>>,
}

/// The graphs of a space without operations.
#[derive(Debug)]
struct Graphs {
    /// Pruned graphs, each once, in the order of the choices they first come of.
    modules: Vec<Module>,
    /// For every graph: the first choice that it comes of, and the vertices that are left of that.
    origins: Vec<(Vec<u8>, Vec<usize>)>,
    /// Keys of their isomorphism classes, and which graphs are in them.
    classes: HashMap<Key, Vec<usize>>,
    /// For every graph: where a replaced parent leads.
    moves: Vec<Vec<Move>>,
}

/// A graph that a replaced parent leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Move {
    to: usize,
    /// For every interior vertex of it: the vertex that it was, 0 if it was pruned before.
    was: [u8; MAX_VERTICES - 2],
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
        Self { part, cells: NasBench101::new(), graphs: Arc::default() }
    }

    /// The union of the whole space: every operation on each interior vertex, and every edge from an earlier
    /// vertex to a later one.
    pub fn whole(&self) -> Union {
        self.cells.of_vertices(self.interior())
    }

    fn parents(&self) -> &'static [usize] {
        PARENTS[self.part as usize]
    }

    /// Interior vertices before pruning.
    fn interior(&self) -> usize {
        self.parents().len() - 1
    }

    fn graphs(&self) -> &Graphs {
        self.graphs.get_or_init(|| Graphs::of(self))
    }

    /// The sets of parents that each vertex from 1 on may have, as masks.
    fn masks(&self) -> Vec<Vec<u8>> {
        let of = |(before, &count): (usize, &usize)| {
            (1..1_u8 << (before + 1)).filter(|mask| mask.count_ones() as usize == count).collect()
        };
        self.parents().iter().enumerate().map(of).collect()
    }

    /// Every choice of parents, as one mask a vertex from 1 on.
    fn wirings(&self) -> Vec<Vec<u8>> {
        let mut choices = vec![Vec::new()];
        for masks in self.masks() {
            let with = |choice: &Vec<u8>| {
                let longer = |mask: &u8| [&choice[..], &[*mask]].concat();
                masks.iter().map(longer).collect::<Vec<_>>()
            };
            choices = choices.iter().flat_map(with).collect();
        }
        choices
    }

    /// The pruned module of a choice, and the vertices that are left; operations 0.
    fn pruned(&self, choice: &[u8]) -> Result<(Module, Vec<usize>), SpaceError> {
        let mut module = Module::new(vec![0; self.interior()].into_iter())?;
        for (place, mask) in choice.iter().enumerate() {
            for from in (0..=place).filter(|from| mask >> from & 1 == 1) {
                module.connect(from, place + 1)?;
            }
        }
        let kept = module.live()?;
        Ok((module.pruned()?, kept))
    }

    /// What a module with all operations alike is known by.
    fn class(&self, module: &Module) -> Key {
        self.cells.build(&module.with_ops(&vec![0; module.interior().len()])).key()
    }

    /// The module of a cell of this space.
    fn read(&self, architecture: &Architecture) -> Result<Module, SpaceError> {
        let module = self.cells.read(architecture)?;
        if self.graphs().classes.contains_key(&self.class(&module)) {
            return Ok(module);
        }
        let reason = format!(
            "no choice of {:?} parents for vertices 1, 2, .. and the output gives this graph",
            self.parents()
        );
        Err(SpaceError::cell(reason))
    }

    /// Modules in which one parent is replaced.
    fn rewired(&self, module: &Module) -> Vec<Module> {
        let graphs = self.graphs();
        let mut rewired = BTreeMap::new();
        for &graph in graphs.classes.get(&self.class(module)).into_iter().flatten() {
            for ops in module.placed_on(&graphs.modules[graph]) {
                for step in &graphs.moves[graph] {
                    rewired.extend(step.modules(&graphs.modules[step.to], &ops).map(|m| (m.form(), m)));
                }
            }
        }
        rewired.into_values().collect()
    }
}

impl Graphs {
    fn of(space: &NasBench1Shot1) -> Self {
        let (mut modules, mut origins, mut places) = (Vec::new(), Vec::new(), HashMap::new());
        let mut of_choice: HashMap<Vec<u8>, (usize, Vec<usize>)> = HashMap::new();
        let choices = space.wirings();
        for choice in &choices {
            let Ok((module, kept)) = space.pruned(choice) else { continue };
            let graph = *places.entry(module.form()).or_insert_with(|| {
                modules.push(module);
                origins.push((choice.clone(), kept.clone()));
                modules.len() - 1
            });
            of_choice.insert(choice.clone(), (graph, kept));
        }
        let mut classes: HashMap<Key, Vec<usize>> = HashMap::new();
        for (graph, module) in modules.iter().enumerate() {
            classes.entry(space.class(module)).or_default().push(graph);
        }
        let mut moves = vec![BTreeSet::new(); modules.len()];
        for choice in &choices {
            let Some((graph, kept)) = of_choice.get(choice) else { continue };
            let others = replaced(choice).into_iter().filter_map(|other| of_choice.get(&other));
            moves[*graph].extend(others.map(|(to, left)| Move { to: *to, was: was(kept, left) }));
        }
        let moves = moves.into_iter().map(|moves| moves.into_iter().collect()).collect();
        Self { modules, origins, classes, moves }
    }
}

/// The choices in which one parent of one vertex is another.
fn replaced(choice: &[u8]) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for (place, &mask) in choice.iter().enumerate() {
        for (out, into) in (0..=place).flat_map(|out| (0..=place).map(move |into| (out, into))) {
            if mask >> out & 1 == 1 && mask >> into & 1 == 0 {
                let mut other = choice.to_vec();
                other[place] = mask & !(1 << out) | 1 << into;
                all.push(other);
            }
        }
    }
    all
}

/// For every interior vertex left in the second pruned form its place in the first, or 0.
fn was(kept: &[usize], left: &[usize]) -> [u8; MAX_VERTICES - 2] {
    let mut was = [0; MAX_VERTICES - 2];
    for (slot, vertex) in was.iter_mut().zip(&left[1..left.len() - 1]) {
        *slot = kept.iter().position(|v| v == vertex).unwrap_or(0) as u8;
    }
    was
}

impl Move {
    /// Where this leads from operations `ops`, with any operation on vertices that come alive.
    fn modules<'a>(&'a self, to: &'a Module, ops: &'a [u8]) -> impl Iterator<Item = Module> + 'a {
        let was = &self.was[..to.interior().len()];
        let free: Vec<usize> = (0..was.len()).filter(|&i| was[i] == 0).collect();
        (0..OPS.len().pow(free.len() as u32)).map(move |mut code| {
            let mut fresh = || {
                let op = code % OPS.len();
                code /= OPS.len();
                op as u8
            };
            let op = |was: &u8| if *was == 0 { fresh() } else { ops[usize::from(*was) - 1] };
            to.with_ops(&was.iter().map(op).collect::<Vec<_>>())
        })
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
        let choices = self.wirings();
        loop {
            let drawn = self.pruned(&choices[draw::below(rng, choices.len())]);
            if let Ok((module, _)) = drawn {
                let op = |_| draw::below(rng, OPS.len()) as u8;
                let ops: Vec<u8> = (0..module.interior().len()).map(op).collect();
                return self.cells.build(&module.with_ops(&ops));
            }
        }
    }

    /// Draws the kind of change (operation, parent), then one of that kind.
    fn mutate(&self, architecture: &Architecture, rng: &mut dyn Rng) -> Result<Architecture, SpaceError> {
        let module = self.read(architecture)?;
        let edits = [module.relabelled(), self.rewired(&module)];
        Ok(draw::changed(architecture, edits, rng, |module| self.cells.build(module)))
    }

    fn neighbours(&self, architecture: &Architecture) -> Result<Vec<Architecture>, SpaceError> {
        let module = self.read(architecture)?;
        let edits = [module.relabelled(), self.rewired(&module)];
        Ok(draw::distinct(architecture, edits.iter().flatten().map(|module| self.cells.build(module))))
    }

    fn check(&self, architecture: &Architecture) -> Result<(), SpaceError> {
        self.read(architecture).map(drop)
    }

    fn choices(&self) -> Option<&dyn Choices> {
        Some(self)
    }

    fn size(&self) -> SpaceSize {
        SpaceSize::Unique(SIZES[self.part as usize])
    }

    /// Every pruned graph with every labelling: 3,288, 11,826 and 118,524.
    fn enumerate(&self) -> Option<Box<dyn Iterator<Item = Architecture> + '_>> {
        let labelled = |module: &'_ Module| {
            let module = *module;
            let nothing = Move { to: 0, was: [0; MAX_VERTICES - 2] };
            nothing.modules(&module, &[]).collect::<Vec<_>>()
        };
        Some(Box::new(
            self.graphs().modules.iter().flat_map(labelled).map(|module| self.cells.build(&module)),
        ))
    }

    fn format(&self, architecture: &Architecture) -> Result<String, SpaceError> {
        self.read(architecture)?;
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
        self.read(architecture)?;
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
        let parents = self.masks().into_iter().map(|masks| masks.len());
        parents.chain(std::iter::repeat_n(OPS.len(), self.interior())).collect()
    }

    fn read(&self, architecture: &Architecture) -> Result<Vec<usize>, SpaceError> {
        let (module, graphs) = (NasBench1Shot1::read(self, architecture)?, self.graphs());
        let mut alike = graphs.classes.get(&self.class(&module)).into_iter().flatten();
        let placed =
            |&graph: &usize| Some((graph, module.placed_on(&graphs.modules[graph]).into_iter().next()?));
        let unknown = || SpaceError::cell("no choice of parents gives this graph");
        let (graph, ops) = alike.find_map(placed).ok_or_else(unknown)?;
        let (choice, kept) = &graphs.origins[graph];
        let masks = self.masks();
        let option =
            |(masks, mask): (&Vec<u8>, &u8)| masks.iter().position(|m| m == mask).ok_or_else(unknown);
        let mut options = masks.iter().zip(choice).map(option).collect::<Result<Vec<_>, _>>()?;
        let op =
            |vertex: usize| kept.iter().position(|&v| v == vertex).map_or(0, |at| usize::from(ops[at - 1]));
        options.extend((1..=self.interior()).map(op));
        Ok(options)
    }

    fn build(&self, choices: &[usize]) -> Result<Option<Architecture>, SpaceError> {
        check_choices(choices, &self.counts())?;
        let (parents, ops) = choices.split_at(self.parents().len());
        let wiring: Vec<u8> =
            self.masks().iter().zip(parents).map(|(masks, &option)| masks[option]).collect();
        let (module, kept) = self.pruned(&wiring)?;
        let ops: Vec<u8> = kept[1..kept.len() - 1].iter().map(|&vertex| ops[vertex - 1] as u8).collect();
        Ok(Some(self.cells.build(&module.with_ops(&ops))))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::testing::check_space;

    const PARTS: [Part; 3] = [Part::One, Part::Two, Part::Three];

    /// C(1,1) C(2,2) C(3,2) C(4,2) C(5,2) = 180, 1·2·3·6·10 = 360, 1·2·3·6·10·15 = 5400.
    #[test]
    fn choices_of_parents_by_hand() {
        assert_eq!(PARTS.map(|part| NasBench1Shot1::new(part).wirings().len()), [180, 360, 5400]);
    }

    /// Counted once more by a program that knows isomorphic cells by the official hash.
    #[test]
    fn counts_of_the_spaces() {
        for (part, graphs, labelled) in [(Part::One, 48, 3_288), (Part::Two, 164, 11_826)] {
            let space = NasBench1Shot1::new(part);
            assert_eq!(space.graphs().modules.len(), graphs);
            let keys: Vec<Key> = space.enumerate().unwrap().map(|a| a.key()).collect();
            assert_eq!(keys.len(), labelled);
            assert_eq!(keys.into_iter().collect::<BTreeSet<_>>().len() as u128, SIZES[part as usize]);
        }
        assert_eq!(NasBench1Shot1::new(Part::Three).graphs().modules.len(), 596);
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
