//! Cells in which every vertex has a fixed number of parents, pruned: the spaces of NAS-Bench-1Shot1 and others of
//! their kind.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, OnceLock};

use rand::Rng;

use super::module::Module;
use super::{MAX_VERTICES, cell_of, module_of};
use crate::error::SpaceError;
use crate::families::draw;
use crate::graph::canonical::cell_form;
use crate::graph::{Architecture, Vocabulary};
use crate::network::{CellUnion, Union};
use crate::space::check_choices;

/// Cells of one input, at most seven vertices and an operation on each interior vertex, in which vertices 1, 2, .. and
/// the output have given numbers of parents. Vertices off all paths from input to output are removed.
///
/// Samples are uniform over the choices of parents, then over the operations of the vertices that are left.
/// Neighbours change an operation, or replace one parent of one vertex in any unpruned form of the cell. A
/// vertex that this brings back can have any operation.
#[derive(Clone, Debug)]
pub(crate) struct Wired {
    vocabulary: Arc<Vocabulary>,
    parents: Vec<usize>,
    wirings: Arc<OnceLock<Vec<Vec<u8>>>>,
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
    classes: HashMap<Vec<u8>, Vec<usize>>,
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

impl Wired {
    /// Cells of these operations with these numbers of parents of vertices 1, 2, .., the output last: at most six, each
    /// at least 1 and at most the number of vertices before.
    pub(crate) fn new(vocabulary: Arc<Vocabulary>, parents: Vec<usize>) -> Self {
        debug_assert!(
            parents.len() < MAX_VERTICES && parents.iter().zip(1..).all(|(n, most)| (1..=most).contains(n))
        );
        Self { vocabulary, parents, wirings: Arc::default(), graphs: Arc::default() }
    }

    pub(crate) fn vocabulary(&self) -> &Arc<Vocabulary> {
        &self.vocabulary
    }

    /// Number of operations.
    fn kinds(&self) -> usize {
        self.vocabulary.ops().len()
    }

    /// Interior vertices before pruning.
    fn interior(&self) -> usize {
        self.parents.len() - 1
    }

    /// The union of the whole space: every operation on each interior vertex, and every edge from an earlier
    /// vertex to a later one.
    pub(crate) fn whole(&self) -> Union {
        let cells = vec![CellUnion::of_vertices(self.interior(), &self.vocabulary)];
        Union { cells, vocabulary: self.vocabulary.clone() }
    }

    fn build(&self, module: &Module) -> Architecture {
        Architecture::new(self.vocabulary.clone(), vec![cell_of(module)])
    }

    fn graphs(&self) -> &Graphs {
        self.graphs.get_or_init(|| Graphs::of(self))
    }

    /// The sets of parents that each vertex from 1 on may have, as masks.
    fn masks(&self) -> Vec<Vec<u8>> {
        let of = |(before, &count): (usize, &usize)| {
            (1..1_u8 << (before + 1)).filter(|mask| mask.count_ones() as usize == count).collect()
        };
        self.parents.iter().enumerate().map(of).collect()
    }

    /// Every choice of parents, as one mask a vertex from 1 on.
    fn wirings(&self) -> &[Vec<u8>] {
        self.wirings.get_or_init(|| {
            let mut choices = vec![Vec::new()];
            for masks in self.masks() {
                let with = |choice: &Vec<u8>| {
                    let longer = |mask: &u8| [&choice[..], &[*mask]].concat();
                    masks.iter().map(longer).collect::<Vec<_>>()
                };
                choices = choices.iter().flat_map(with).collect();
            }
            choices
        })
    }

    #[cfg(test)]
    pub(super) fn wiring_count(&self) -> usize {
        self.wirings().len()
    }

    #[cfg(test)]
    pub(super) fn graph_count(&self) -> usize {
        self.graphs().modules.len()
    }

    /// Points of the parametrisation: choices of parents and of operations.
    pub(crate) fn points(&self) -> u128 {
        let wirings: u128 = self.masks().iter().map(|masks| masks.len() as u128).product();
        wirings.saturating_mul((self.kinds() as u128).saturating_pow(self.interior() as u32))
    }

    /// Graphs with all labellings: what [`Self::enumerate`] lists.
    pub(crate) fn labelled(&self) -> u128 {
        let labellings =
            |module: &Module| (self.kinds() as u128).saturating_pow(module.interior().len() as u32);
        self.graphs().modules.iter().map(labellings).fold(0, u128::saturating_add)
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

    /// The module of a cell of this space.
    pub(super) fn read(&self, architecture: &Architecture) -> Result<Module, SpaceError> {
        self.admitted(module_of(architecture, &self.vocabulary)?)
    }

    /// A module, if it is of this space.
    fn admitted(&self, module: Module) -> Result<Module, SpaceError> {
        if self.graphs().classes.contains_key(&class(&module)) {
            return Ok(module);
        }
        let reason = format!(
            "no choice of {:?} parents for vertices 1, 2, .. and the output gives this graph",
            self.parents
        );
        Err(SpaceError::cell(reason))
    }

    /// Modules in which one parent is replaced.
    fn rewired(&self, module: &Module) -> Vec<Module> {
        let graphs = self.graphs();
        let mut rewired = BTreeMap::new();
        for &graph in graphs.classes.get(&class(module)).into_iter().flatten() {
            for ops in module.placed_on(&graphs.modules[graph]) {
                for step in &graphs.moves[graph] {
                    rewired.extend(
                        step.modules(&graphs.modules[step.to], &ops, self.kinds()).map(|m| (m.form(), m)),
                    );
                }
            }
        }
        rewired.into_values().collect()
    }

    pub(crate) fn check(&self, architecture: &Architecture) -> Result<(), SpaceError> {
        self.read(architecture).map(drop)
    }

    pub(crate) fn sample(&self, rng: &mut dyn Rng) -> Architecture {
        let choices = self.wirings();
        loop {
            let drawn = self.pruned(&choices[draw::below(rng, choices.len())]);
            if let Ok((module, _)) = drawn {
                let op = |_| draw::below(rng, self.kinds()) as u8;
                let ops: Vec<u8> = (0..module.interior().len()).map(op).collect();
                return self.build(&module.with_ops(&ops));
            }
        }
    }

    /// What is one element away, by kind: an operation, a parent.
    fn edits(&self, architecture: &Architecture) -> Result<[Vec<Module>; 2], SpaceError> {
        let module = self.read(architecture)?;
        Ok([module.relabelled(self.kinds()), self.rewired(&module)])
    }

    /// Draws the kind of change, then one of that kind, until `accept` takes it.
    pub(crate) fn mutate(
        &self,
        architecture: &Architecture,
        rng: &mut dyn Rng,
        accept: &dyn Fn(&Architecture) -> bool,
    ) -> Result<Architecture, SpaceError> {
        let mut edits = self.edits(architecture)?;
        Ok(draw::changed_to(architecture, &mut edits, rng, |module| self.build(module), accept))
    }

    pub(crate) fn neighbours(&self, architecture: &Architecture) -> Result<Vec<Architecture>, SpaceError> {
        let edits = self.edits(architecture)?;
        Ok(draw::distinct(architecture, edits.iter().flatten().map(|module| self.build(module))))
    }

    /// Every pruned graph with every labelling.
    pub(crate) fn enumerate(&self) -> impl Iterator<Item = Architecture> + '_ {
        let labelled = |module: &Module| {
            let nothing = Move { to: 0, was: [0; MAX_VERTICES - 2] };
            nothing.modules(module, &[], self.kinds()).collect::<Vec<_>>()
        };
        self.graphs().modules.iter().flat_map(labelled).map(|module| self.build(&module))
    }

    /// The cell of an upper triangle of bits and the operations inside, as positions among those of the space; pruned.
    ///
    /// # Errors
    /// [`SpaceError::Cell`] for too many vertices, or a graph that is not of this space.
    pub(crate) fn of_edges(&self, edges: &[(usize, usize)], ops: &[u8]) -> Result<Architecture, SpaceError> {
        let mut module = Module::new(ops.iter().copied())?;
        for &(from, to) in edges {
            module.connect(from, to)?;
        }
        Ok(self.build(&self.admitted(module.pruned()?)?))
    }

    /// The vertices of a cell, its edges, and the operations of its interior vertices.
    pub(crate) fn edges(&self, architecture: &Architecture) -> Result<Edges, SpaceError> {
        let module = self.read(architecture)?;
        Ok((module.vertices(), module.edges().collect(), module.interior().to_vec()))
    }

    /// Options of the parents of vertices 1, 2, .. and of the output, then of the operations of interior vertices.
    pub(crate) fn counts(&self) -> Vec<usize> {
        let parents = self.masks().into_iter().map(|masks| masks.len());
        parents.chain(std::iter::repeat_n(self.kinds(), self.interior())).collect()
    }

    /// The first choice that makes a cell, with the first operation on pruned vertices.
    pub(crate) fn options(&self, architecture: &Architecture) -> Result<Vec<usize>, SpaceError> {
        let (module, graphs) = (self.read(architecture)?, self.graphs());
        let mut alike = graphs.classes.get(&class(&module)).into_iter().flatten();
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

    /// The cell of a choice.
    pub(crate) fn of_options(&self, choices: &[usize]) -> Result<Architecture, SpaceError> {
        check_choices(choices, &self.counts())?;
        let (parents, ops) = choices.split_at(self.parents.len());
        let wiring: Vec<u8> =
            self.masks().iter().zip(parents).map(|(masks, &option)| masks[option]).collect();
        let (module, kept) = self.pruned(&wiring)?;
        let ops: Vec<u8> = kept[1..kept.len() - 1].iter().map(|&vertex| ops[vertex - 1] as u8).collect();
        Ok(self.build(&module.with_ops(&ops)))
    }
}

/// What a module with all operations alike is known by.
fn class(module: &Module) -> Vec<u8> {
    cell_form(&cell_of(&module.with_ops(&vec![0; module.interior().len()])))
}

/// Number of vertices, edges, and operations inside as positions.
pub(crate) type Edges = (usize, Vec<(usize, usize)>, Vec<u8>);

impl Graphs {
    fn of(space: &Wired) -> Self {
        let (mut modules, mut origins, mut places) = (Vec::new(), Vec::new(), HashMap::new());
        let mut of_choice: HashMap<Vec<u8>, (usize, Vec<usize>)> = HashMap::new();
        let choices = space.wirings();
        for choice in choices {
            let Ok((module, kept)) = space.pruned(choice) else { continue };
            let graph = *places.entry(module.form()).or_insert_with(|| {
                modules.push(module);
                origins.push((choice.clone(), kept.clone()));
                modules.len() - 1
            });
            of_choice.insert(choice.clone(), (graph, kept));
        }
        let mut classes: HashMap<Vec<u8>, Vec<usize>> = HashMap::new();
        for (graph, module) in modules.iter().enumerate() {
            classes.entry(class(module)).or_default().push(graph);
        }
        let mut moves = vec![BTreeSet::new(); modules.len()];
        for choice in choices {
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
    fn modules<'a>(
        &'a self,
        to: &'a Module,
        ops: &'a [u8],
        kinds: usize,
    ) -> impl Iterator<Item = Module> + 'a {
        let was = &self.was[..to.interior().len()];
        let free: Vec<usize> = (0..was.len()).filter(|&i| was[i] == 0).collect();
        (0..kinds.pow(free.len() as u32)).map(move |mut code| {
            let mut fresh = || {
                let op = code % kinds;
                code /= kinds;
                op as u8
            };
            let op = |was: &u8| if *was == 0 { fresh() } else { ops[usize::from(*was) - 1] };
            to.with_ops(&was.iter().map(op).collect::<Vec<_>>())
        })
    }
}
