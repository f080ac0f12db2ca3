//! A point of a search space: one or more cells, and their key.

use std::sync::{Arc, OnceLock};

use crate::error::SpaceError;
use crate::graph::{Cell, Key, OpGraph, Simplify, Vocabulary, canonical};

/// One or more cells, with the [`Key`] that identifies them. Cloning is cheap.
///
/// Two architectures are equal if and only if their keys are. The order of the cells matters (DARTS: normal,
/// then reduction).
#[derive(Clone, Debug)]
pub struct Architecture(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    vocabulary: Arc<Vocabulary>,
    cells: Vec<Cell>,
    /// Found when it is first asked for: of many drawn cells only those that a rule keeps need one.
    key: OnceLock<Key>,
    pruned: OnceLock<Vec<OpGraph>>,
    spelling: OnceLock<u64>,
}

impl Architecture {
    /// An architecture that equals every other one with isomorphic cells and equal labels.
    pub fn new(vocabulary: Arc<Vocabulary>, cells: Vec<Cell>) -> Self {
        Self::with_key(vocabulary, cells, OnceLock::new())
    }

    /// An architecture of a space with its own rule of equality. The key is that of `form`, which must be
    /// the same for two architectures if and only if the space calls them equal.
    pub fn with_canonical_form(vocabulary: Arc<Vocabulary>, cells: Vec<Cell>, form: &[u8]) -> Self {
        let key = Key::of(&vocabulary, form).into();
        Self::with_key(vocabulary, cells, key)
    }

    fn with_key(vocabulary: Arc<Vocabulary>, cells: Vec<Cell>, key: OnceLock<Key>) -> Self {
        Self(Arc::new(Inner { vocabulary, cells, key, pruned: OnceLock::new(), spelling: OnceLock::new() }))
    }

    /// The key that identifies this architecture, computed once.
    pub fn key(&self) -> Key {
        *self.0.key.get_or_init(|| Key::of(&self.0.vocabulary, &canonical::architecture_form(&self.0.cells)))
    }

    /// A hash of the graphs as they are stored, without the vocabulary. It is the same in every run and
    /// computed once.
    ///
    /// Equal architectures can have different hashes: their nodes may be in another order, or the space may
    /// have its own rule of equality.
    pub fn spelling(&self) -> u64 {
        *self.0.spelling.get_or_init(|| {
            let mut hash = 0xcbf2_9ce4_8422_2325u64;
            let mut mix =
                |x: usize| hash = (hash.rotate_left(5) ^ x as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            for cell in &self.0.cells {
                mix(cell.graph().node_count());
                cell.graph().raw_nodes().iter().for_each(|node| mix(node.weight.index()));
                for edge in cell.graph().raw_edges() {
                    [edge.source().index(), edge.target().index(), edge.weight.index()]
                        .into_iter()
                        .for_each(&mut mix);
                }
            }
            hash
        })
    }

    /// The cells, in the space's order.
    pub fn cells(&self) -> &[Cell] {
        &self.0.cells
    }

    /// The operations of the cells' labels.
    pub fn vocabulary(&self) -> &Arc<Vocabulary> {
        &self.0.vocabulary
    }

    /// Checks that the labels belong to `vocabulary`.
    ///
    /// # Errors
    /// [`SpaceError::Cell`] if they belong to another one.
    pub fn check_vocabulary(&self, vocabulary: &Arc<Vocabulary>) -> Result<(), SpaceError> {
        let own = &self.0.vocabulary;
        if Arc::ptr_eq(own, vocabulary) || own == vocabulary {
            return Ok(());
        }
        Err(SpaceError::cell("the architecture is of another space: its operations differ"))
    }

    /// The pruned op-on-node graph of each cell ([`Simplify::Pruned`]), computed once.
    pub fn op_graphs(&self) -> &[OpGraph] {
        self.0.pruned.get_or_init(|| self.op_graphs_with(Simplify::Pruned))
    }

    /// The op-on-node graph of each cell, simplified as given.
    pub fn op_graphs_with(&self, simplify: Simplify) -> Vec<OpGraph> {
        self.0.cells.iter().map(|cell| OpGraph::of(cell, &self.0.vocabulary, simplify)).collect()
    }
}

impl PartialEq for Architecture {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Architecture {}

impl std::hash::Hash for Architecture {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::families::nasbench201::NasBench201;
    use crate::graph::{Cell, CellGraph, OpId};
    use crate::space::SearchSpace;

    /// The same cell, its edges written in another order: equal, but spelt otherwise.
    #[test]
    fn a_spelling_is_of_what_is_written() {
        let space = NasBench201::new();
        let vocabulary = space.vocabulary().clone();
        let op = |name| vocabulary.id(name).unwrap();
        let cell = |order: [(usize, usize, OpId); 2]| {
            let mut graph = CellGraph::new();
            let nodes = [OpId::input(0), OpId::PLAIN, OpId::OUTPUT].map(|label| graph.add_node(label));
            for (from, to, op) in order {
                graph.add_edge(nodes[from], nodes[to], op);
            }
            Architecture::new(vocabulary.clone(), vec![Cell::new(graph, &vocabulary).unwrap()])
        };
        let (first, last) = ((0, 1, op("nor_conv_3x3")), (1, 2, op("skip_connect")));
        let [one, same, other] = [[first, last], [first, last], [last, first]].map(cell);
        assert_eq!((one.key(), one.spelling()), (same.key(), same.spelling()));
        assert_eq!(one.key(), other.key());
        assert_ne!(one.spelling(), other.spelling());
        // The same in every run and on every machine.
        assert_eq!(one.spelling(), 3_200_200_571_396_639_016);
    }
}
