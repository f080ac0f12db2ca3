//! A point of a search space.

use std::sync::{Arc, OnceLock};

use crate::error::SpaceError;
use crate::graph::{Cell, Key, OpGraph, Simplify, Vocabulary, canonical};

/// One or more cells with the key that identifies them; cheap to clone.
///
/// Two architectures compare equal exactly when their keys do. The order of the cells has a
/// meaning (DARTS: normal, then reduction).
#[derive(Clone, Debug)]
pub struct Architecture(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    vocabulary: Arc<Vocabulary>,
    cells: Vec<Cell>,
    key: Key,
    pruned: OnceLock<Vec<OpGraph>>,
    spelling: OnceLock<u64>,
}

impl Architecture {
    /// An architecture whose key says "isomorphic cell by cell, with equal labels".
    pub fn new(vocabulary: Arc<Vocabulary>, cells: Vec<Cell>) -> Self {
        let form = canonical::architecture_form(&cells);
        Self::with_canonical_form(vocabulary, cells, &form)
    }

    /// An architecture of a space that has its own published rule of when two cells are the same:
    /// the key is that of `form`, which must be equal exactly when the space calls them equal.
    pub fn with_canonical_form(vocabulary: Arc<Vocabulary>, cells: Vec<Cell>, form: &[u8]) -> Self {
        let key = Key::of(form);
        Self(Arc::new(Inner { vocabulary, cells, key, pruned: OnceLock::new(), spelling: OnceLock::new() }))
    }

    /// Identity of this architecture.
    pub fn key(&self) -> Key {
        self.0.key
    }

    /// A hash of the cells as they are written, without the vocabulary; the same in every run, computed once.
    /// Architectures that are equal need not be the same graph where a space has its own rule, or have their nodes
    /// in the same order.
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

    /// The operations that the cells' labels index.
    pub fn vocabulary(&self) -> &Arc<Vocabulary> {
        &self.0.vocabulary
    }

    /// Whether the labels are those of `vocabulary`, which every space asks first.
    ///
    /// # Errors
    /// [`SpaceError::Cell`] if they are another vocabulary's.
    pub fn check_vocabulary(&self, vocabulary: &Arc<Vocabulary>) -> Result<(), SpaceError> {
        let own = &self.0.vocabulary;
        if Arc::ptr_eq(own, vocabulary) || own == vocabulary {
            return Ok(());
        }
        Err(SpaceError::cell("the architecture is of another space: its operations differ"))
    }

    /// One pruned op-on-node graph a cell ([`Simplify::Pruned`]), computed once.
    pub fn op_graphs(&self) -> &[OpGraph] {
        self.0.pruned.get_or_init(|| self.op_graphs_with(Simplify::Pruned))
    }

    /// One op-on-node graph a cell, simplified as asked.
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
