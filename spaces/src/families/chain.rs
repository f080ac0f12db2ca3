//! Cells that are a chain of operations, input → op → .. → op → output. The spaces of whole networks
//! share them.

use std::ops::RangeInclusive;
use std::sync::Arc;

use petgraph::graph::NodeIndex;

use crate::error::SpaceError;
use crate::graph::canonical::put;
use crate::graph::{Architecture, Cell, CellGraph, OpId, Role, Vocabulary};
use crate::network::{CellUnion, EdgeUnion, Places, Union};

/// Builds chains and reads them back. The key is that of the labels in order, which is exact since a
/// chain has only one order.
#[derive(Clone, Debug)]
pub(crate) struct Chains {
    vocabulary: Arc<Vocabulary>,
    /// What an architecture is called in errors, for example "a MnasNet".
    what: &'static str,
}

impl Chains {
    /// Chains of these operations. All of them have role `Compute`, so that none vanishes from a pruned
    /// graph: the position of a block says which stage it is.
    pub(crate) fn of<S: AsRef<str>>(ops: &[S], what: &'static str) -> Self {
        let ops: Vec<_> = ops.iter().map(|op| (op.as_ref(), Role::Compute)).collect();
        Self { vocabulary: Arc::new(Vocabulary::known(1, &ops)), what }
    }

    /// Chains of the operations of a vocabulary of one input.
    pub(crate) fn with(vocabulary: Arc<Vocabulary>, what: &'static str) -> Self {
        debug_assert_eq!(vocabulary.inputs(), 1);
        Self { vocabulary, what }
    }

    pub(crate) fn vocabulary(&self) -> &Arc<Vocabulary> {
        &self.vocabulary
    }

    /// The operation at a position of the vocabulary, from 0.
    pub(crate) fn op(position: usize) -> OpId {
        OpId::from_index(OpId::input(1).index() as u16 + position as u16)
    }

    /// Position in the vocabulary of one of its operations.
    pub(crate) fn position(op: OpId) -> usize {
        op.index() - OpId::input(1).index()
    }

    /// The chain of these operations.
    pub(crate) fn build(&self, ops: &[OpId]) -> Architecture {
        let mut graph = CellGraph::with_capacity(ops.len() + 2, ops.len() + 1);
        let mut form = Vec::with_capacity(ops.len());
        let mut last = graph.add_node(OpId::input(0));
        for &op in ops.iter().chain(&[OpId::OUTPUT]) {
            let node = graph.add_node(op);
            graph.add_edge(last, node, OpId::PLAIN);
            last = node;
            put(&mut form, op.index());
        }
        let cells = vec![Cell::built(graph, last)];
        Architecture::with_canonical_form(self.vocabulary.clone(), cells, &form)
    }

    /// The union of all chains of these lengths, with every operation in every place.
    pub(crate) fn whole(&self, lengths: RangeInclusive<usize>) -> Union {
        let places = Places { inputs: 1, vertices: *lengths.end() };
        let wire = |from, to| EdgeUnion { from, to, ops: vec![OpId::PLAIN] };
        let ops: Vec<OpId> = self.vocabulary.ops().collect();
        let mut edges = Vec::new();
        for place in 0..places.vertices {
            let (enters, leaves) = (places.enters(place), places.leaves(place));
            edges.push(wire(enters - 1, enters));
            edges.push(EdgeUnion { from: enters, to: leaves, ops: ops.clone() });
        }
        edges.extend(lengths.map(|length| wire(places.enters(length) - 1, places.output())));
        let cell = CellUnion { nodes: places.labels(), edges };
        Union { cells: vec![cell], vocabulary: self.vocabulary.clone() }
    }

    /// The operations of a chain, in order.
    ///
    /// # Errors
    /// [`SpaceError::Cell`] for whatever [`Self::build`] would not have made.
    pub(crate) fn read(&self, architecture: &Architecture) -> Result<Vec<OpId>, SpaceError> {
        architecture.check_vocabulary(&self.vocabulary)?;
        let wrong = || SpaceError::cell(format!("{} is one chain of operations", self.what));
        let [cell] = architecture.cells() else { return Err(wrong()) };
        let graph = cell.graph();
        let labels: Vec<OpId> = graph.node_weights().copied().collect();
        let [first, ops @ .., OpId::OUTPUT] = &labels[..] else { return Err(wrong()) };
        let chained = (1..labels.len()).all(|i| {
            let edge = graph.find_edge(NodeIndex::new(i - 1), NodeIndex::new(i));
            edge.is_some_and(|edge| graph[edge] == OpId::PLAIN)
        });
        let inside = ops.iter().all(|op| op.index() >= Self::op(0).index());
        if *first != OpId::input(0) || !chained || !inside || graph.edge_count() + 1 != labels.len() {
            return Err(wrong());
        }
        if self.build(ops).key() != architecture.key() {
            return Err(SpaceError::cell(format!(
                "the key is not that of {}; build it with the space",
                self.what
            )));
        }
        Ok(ops.to_vec())
    }
}
