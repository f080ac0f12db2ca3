//! The space of DARTS cells.

use std::sync::Arc;

use petgraph::graph::NodeIndex;
use petgraph::visit::EdgeRef;
use rand::Rng;

use super::form::Form;
use super::notations::FORMS;
use super::{BCNN, BcnnSkeleton, CellGenotype, DARTS, DartsSkeleton, Genotype, Primitive, STEPS};
use crate::error::SpaceError;
use crate::families::draw;
use crate::graph::{Architecture, Cell, CellGraph, OpId, Role, Vocabulary};
use crate::network::{CellUnion, EdgeUnion, OpTable, SkeletonEntry, SpaceNetwork, Union};
use crate::notation::{self, Notation};
use crate::space::{Choices, SearchSpace, SpaceSize, check_choices};

/// The space of DARTS cells.
///
/// - [`Darts::new`]: a normal and a reduction cell with seven operations. The two edges of a node come
///   from different predecessors, which makes 1,037,664,180 points for each cell.
/// - [`Darts::broad`]: the same cells for broad networks.
/// - [`Darts::one_cell`]: the space that BONAS searches.
///
/// Samples are uniform over the pairs of (operation, predecessor) that each node can have. Isomorphic cells
/// share a key. A text is the published genotype, or a name from [`PUBLISHED`](super::PUBLISHED).
#[derive(Clone, Debug)]
pub struct Darts {
    vocabulary: Arc<Vocabulary>,
    form: Form,
}

impl Default for Darts {
    fn default() -> Self {
        Self::new()
    }
}

impl Darts {
    /// The published space: an architecture is a normal cell and a reduction cell.
    pub fn new() -> Self {
        Self::with_form(Form::TwoCells)
    }

    /// The space of BNAS-v2 (Ding et al. 2022): the cells of [`Darts::new`]. The first one is for the
    /// convolution cells of a broad network, the second for its enhancement cells.
    pub fn broad() -> Self {
        Self::with_form(Form::Broad)
    }

    /// The space of the BONAS release: one cell in both roles, with four operations (`max_pool_3x3`,
    /// `skip_connect`, `sep_conv_3x3`, `dil_conv_3x3`) and 42,134,400 points. The two edges of a node may
    /// share their predecessor, but not predecessor and operation.
    ///
    /// Architectures have a single cell; genotypes repeat it.
    pub fn one_cell() -> Self {
        Self::with_form(Form::OneCell)
    }

    fn with_form(form: Form) -> Self {
        let role = |p| if p == Primitive::SkipConnect { Role::Identity } else { Role::Compute };
        let ops: Vec<_> = form.ops().iter().map(|&p| (p.name(), role(p))).collect();
        Self { vocabulary: Arc::new(Vocabulary::known(2, &ops)), form }
    }

    /// The union of the whole space, for one-shot and relaxed networks: every operation on every edge. The
    /// edges of a cell are in the order of [`WeightTable`](super::WeightTable).
    pub fn whole(&self) -> Union {
        let ops: Vec<OpId> = self.form.ops().iter().map(|&op| self.form.op_id(op)).collect();
        let output = STEPS + 2;
        let steps = (2..output).flat_map(|to| (0..to).map(move |from| (from, to)));
        let mut edges: Vec<_> = steps.map(|(from, to)| EdgeUnion { from, to, ops: ops.clone() }).collect();
        edges.extend((2..output).map(|from| EdgeUnion { from, to: output, ops: vec![OpId::PLAIN] }));
        let mut nodes = vec![OpId::input(0), OpId::input(1)];
        nodes.extend([OpId::PLAIN; STEPS]);
        nodes.push(OpId::OUTPUT);
        let cell = CellUnion { nodes, edges };
        Union { cells: vec![cell; self.form.cells()], vocabulary: self.vocabulary.clone() }
    }

    /// The architecture of a genotype.
    ///
    /// # Errors
    /// [`SpaceError::Cell`] naming the node whose edges the space does not allow.
    pub fn architecture(&self, genotype: &Genotype) -> Result<Architecture, SpaceError> {
        self.check_genotype(genotype)?;
        Ok(self.build(genotype))
    }

    /// The genotype of an architecture, with its edges in their original order.
    ///
    /// # Errors
    /// [`SpaceError::Cell`] if `architecture` is not of this space.
    pub fn genotype(&self, architecture: &Architecture) -> Result<Genotype, SpaceError> {
        architecture.check_vocabulary(&self.vocabulary)?;
        let genotype = match (self.form, architecture.cells()) {
            (Form::TwoCells | Form::Broad, [normal, reduce]) => {
                Genotype { normal: self.read_cell(normal)?, reduce: self.read_cell(reduce)? }
            }
            (Form::OneCell, [cell]) => {
                let cell = self.read_cell(cell)?;
                Genotype { normal: cell, reduce: cell }
            }
            (form, cells) => {
                let wanted = form.cells();
                return Err(SpaceError::cell(format!("{} cells where the space has {wanted}", cells.len())));
            }
        };
        self.check_genotype(&genotype)?;
        Ok(genotype)
    }

    fn build(&self, genotype: &Genotype) -> Architecture {
        let cells = [&genotype.normal, &genotype.reduce];
        let cells = cells[..self.form.cells()].iter().map(|cell| self.build_cell(cell)).collect();
        Architecture::new(self.vocabulary.clone(), cells)
    }

    fn build_cell(&self, edges: &CellGenotype) -> Cell {
        let mut graph = CellGraph::with_capacity(STEPS + 3, 3 * STEPS);
        graph.add_node(OpId::input(0));
        graph.add_node(OpId::input(1));
        let steps: [_; STEPS] = std::array::from_fn(|_| graph.add_node(OpId::PLAIN));
        let output = graph.add_node(OpId::OUTPUT);
        for (slot, &(op, from)) in edges.iter().enumerate() {
            graph.add_edge(NodeIndex::new(from), steps[slot / 2], self.form.op_id(op));
        }
        for step in steps {
            graph.add_edge(step, output, OpId::PLAIN);
        }
        Cell::built(graph, output)
    }

    fn read_cell(&self, cell: &Cell) -> Result<CellGenotype, SpaceError> {
        let graph = cell.graph();
        let plain = [OpId::PLAIN; STEPS];
        let inputs = [OpId::input(0), OpId::input(1)];
        if !graph.node_weights().eq(inputs.iter().chain(&plain).chain(&[OpId::OUTPUT])) {
            return Err(SpaceError::cell(
                "the nodes of a DARTS cell are input0, input1, 4 plain ones, output",
            ));
        }
        let steps = self.incoming(graph)?;
        match steps.concat().try_into() {
            Ok(edges) if steps.iter().all(|step| step.len() == 2) => Ok(edges),
            _ => Err(SpaceError::cell("each intermediate node sums exactly two operations")),
        }
    }

    /// The operations that enter each intermediate node, in the order of the graph's edges.
    fn incoming(&self, graph: &CellGraph) -> Result<[Vec<(Primitive, usize)>; STEPS], SpaceError> {
        let mut steps: [Vec<_>; STEPS] = Default::default();
        let mut concatenated = [0; STEPS];
        for edge in graph.edge_references() {
            let (from, to) = (edge.source().index(), edge.target().index());
            match to.checked_sub(2) {
                Some(step) if step < STEPS && from < to => {
                    steps[step].push((self.form.primitive(*edge.weight())?, from));
                }
                Some(STEPS) if from >= 2 && *edge.weight() == OpId::PLAIN => concatenated[from - 2] += 1,
                _ => {
                    return Err(SpaceError::cell(format!(
                        "a DARTS cell has no such edge from {from} to {to}"
                    )));
                }
            }
        }
        if concatenated != [1; STEPS] {
            return Err(SpaceError::cell("each intermediate node enters the output exactly once"));
        }
        Ok(steps)
    }

    fn check_genotype(&self, genotype: &Genotype) -> Result<(), SpaceError> {
        if self.form == Form::OneCell && genotype.normal != genotype.reduce {
            return Err(SpaceError::cell("this space has one cell: normal and reduce must be equal"));
        }
        for (name, cell) in [("normal", &genotype.normal), ("reduce", &genotype.reduce)] {
            for step in 0..STEPS {
                let pair = [cell[2 * step], cell[2 * step + 1]];
                self.form.check_pair(step, pair).map_err(|reason| {
                    SpaceError::cell(format!("node {} of the {name} cell: {reason}", step + 2))
                })?;
            }
        }
        Ok(())
    }

    /// Every genotype with one operation changed, and every one with one edge moved.
    fn edits(&self, genotype: &Genotype) -> (Vec<Genotype>, Vec<Genotype>) {
        let (mut ops, mut sources) = (Vec::new(), Vec::new());
        for slot in 0..self.form.cells() * 2 * STEPS {
            let (cell, slot) = (slot / (2 * STEPS), slot % (2 * STEPS));
            let (op, from) = if cell == 0 { genotype.normal[slot] } else { genotype.reduce[slot] };
            let with = |edge| self.form.replace(genotype, cell, slot, edge);
            ops.extend(self.form.ops().iter().filter(|&&o| o != op).map(|&o| with((o, from))));
            sources.extend((0..slot / 2 + 2).filter(|&f| f != from).map(|f| with((op, f))));
        }
        let valid =
            |edits: Vec<Genotype>| edits.into_iter().filter(|g| self.check_genotype(g).is_ok()).collect();
        (valid(ops), valid(sources))
    }
}

impl SearchSpace for Darts {
    fn name(&self) -> &'static str {
        match self.form {
            Form::TwoCells => DARTS.name,
            Form::Broad => BCNN.name,
            Form::OneCell => "darts-one-cell",
        }
    }

    fn vocabulary(&self) -> &Arc<Vocabulary> {
        &self.vocabulary
    }

    fn cell_names(&self) -> &[&str] {
        match self.form {
            Form::TwoCells => &["normal", "reduction"],
            Form::Broad => &["convolution", "enhancement"],
            Form::OneCell => &[],
        }
    }

    /// `None` for [`Darts::one_cell`], since the skeletons need two cells.
    fn network(&self) -> Option<&dyn SpaceNetwork> {
        (self.form != Form::OneCell).then_some(self)
    }

    fn sample(&self, rng: &mut dyn Rng) -> Architecture {
        let normal = self.form.sample_cell(rng);
        let reduce = if self.form == Form::OneCell { normal } else { self.form.sample_cell(rng) };
        self.build(&Genotype { normal, reduce })
    }

    /// Changes, with equal chance, one operation or the source of one edge.
    fn mutate(&self, architecture: &Architecture, rng: &mut dyn Rng) -> Result<Architecture, SpaceError> {
        let (ops, sources) = self.edits(&self.genotype(architecture)?);
        Ok(draw::changed(architecture, [ops, sources], rng, |g| self.build(g)))
    }

    fn neighbours(&self, architecture: &Architecture) -> Result<Vec<Architecture>, SpaceError> {
        let (ops, sources) = self.edits(&self.genotype(architecture)?);
        Ok(draw::distinct(architecture, ops.iter().chain(&sources).map(|g| self.build(g))))
    }

    fn check(&self, architecture: &Architecture) -> Result<(), SpaceError> {
        self.genotype(architecture).map(drop)
    }

    fn size(&self) -> SpaceSize {
        SpaceSize::AtMost(self.form.points())
    }

    fn choices(&self) -> Option<&dyn Choices> {
        Some(self)
    }

    fn format(&self, architecture: &Architecture) -> Result<String, SpaceError> {
        Ok(self.genotype(architecture)?.to_string())
    }

    fn parse(&self, text: &str) -> Result<Architecture, SpaceError> {
        notation::read(self, FORMS, text)
    }

    fn notations(&self) -> Vec<Notation> {
        notation::list(FORMS)
    }

    fn format_as(&self, architecture: &Architecture, notation: &str) -> Result<String, SpaceError> {
        notation::print(self, FORMS, architecture, notation)
    }
}

/// The cells fit both kinds of skeleton; those of the space itself come first.
impl SpaceNetwork for Darts {
    fn ops(&self) -> OpTable {
        OpTable::darts()
    }

    fn whole(&self) -> Union {
        Darts::whole(self)
    }

    fn skeletons(&self) -> &'static [&'static SkeletonEntry] {
        const STACKS: [&SkeletonEntry; 2] = [&DartsSkeleton::CIFAR, &DartsSkeleton::IMAGENET];
        const BROAD: [&SkeletonEntry; 2] = [&BcnnSkeleton::CIFAR, &BcnnSkeleton::IMAGENET];
        match self.form {
            Form::Broad => &[BROAD[0], BROAD[1], STACKS[0], STACKS[1]],
            _ => &[STACKS[0], STACKS[1], BROAD[0], BROAD[1]],
        }
    }
}

/// The choices of each intermediate node: its pair of predecessors, then the operations from the lower and
/// the higher one. Every combination is an architecture, except that the one-cell space refuses the same
/// operation twice from one predecessor.
impl Choices for Darts {
    fn counts(&self) -> Vec<usize> {
        let ops = self.form.ops().len();
        let cell = (0..STEPS).flat_map(|step| [self.form.sources(step).len(), ops, ops]);
        cell.collect::<Vec<_>>().repeat(self.form.cells())
    }

    fn read(&self, architecture: &Architecture) -> Result<Vec<usize>, SpaceError> {
        let genotype = self.genotype(architecture)?;
        let mut choices = Vec::with_capacity(3 * STEPS * self.form.cells());
        for cell in [genotype.normal, genotype.reduce].iter().take(self.form.cells()) {
            for (step, pair) in cell.chunks(2).enumerate() {
                let mut pair = [pair[0], pair[1]];
                pair.sort_by_key(|&(op, from)| (from, self.form.position(op)));
                let [(a, from), (b, also)] = pair;
                let sources = self.form.sources(step).iter().position(|&pair| pair == (from, also));
                let places = [sources, self.form.position(a), self.form.position(b)];
                let unknown = || SpaceError::cell("the space has no such pair of edges");
                for place in places {
                    choices.push(place.ok_or_else(unknown)?);
                }
            }
        }
        Ok(choices)
    }

    fn build(&self, choices: &[usize]) -> Result<Option<Architecture>, SpaceError> {
        check_choices(choices, &self.counts())?;
        let cell = |choices: &[usize]| {
            let mut cell = [(Primitive::None, 0); 2 * STEPS];
            for (step, (edges, choice)) in cell.chunks_mut(2).zip(choices.chunks(3)).enumerate() {
                let (a, b) = self.form.sources(step)[choice[0]];
                edges.copy_from_slice(&[(self.form.ops()[choice[1]], a), (self.form.ops()[choice[2]], b)]);
            }
            cell
        };
        let cells: Vec<CellGenotype> = choices.chunks(3 * STEPS).map(cell).collect();
        let genotype = Genotype { normal: cells[0], reduce: cells[cells.len() - 1] };
        Ok(self.check_genotype(&genotype).is_ok().then(|| Darts::build(self, &genotype)))
    }
}
