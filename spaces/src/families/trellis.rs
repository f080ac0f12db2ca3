//! Networks of chains whose maps depend on the operations before: a cell with a node for each state in which a chain can be
//! before a link.

use std::collections::BTreeMap;

use crate::error::SpaceError;
use crate::graph::OpId;
use crate::network::{CellNet, Choice, EdgeNet, Join, Layer, NodeNet, Places, Shape, Union};

/// A part of a network between two states: pairs of nodes, of which 0 is the state before and the highest the one after,
/// with the layers between them.
pub(crate) type Step = Vec<(usize, usize, Vec<Layer>)>;

/// A cell under construction: the states that chains of the union can be in, and the edges between them. Of the edges that
/// leave a state, a route takes those of its operation, so that one state after another is entered.
#[derive(Debug)]
pub(crate) struct Trellis<'a, S> {
    union: &'a Union,
    places: Places,
    nodes: Vec<NodeNet>,
    states: BTreeMap<S, (usize, Shape)>,
    ends: Vec<EdgeNet>,
}

impl<'a, S: Ord + Copy> Trellis<'a, S> {
    /// Starts with one state, in which maps have this shape.
    ///
    /// # Errors
    /// [`SpaceError::Network`] for what is not a union of chains; `what` says what the skeleton wants.
    pub(crate) fn new(union: &'a Union, start: (S, Shape), what: &str) -> Result<Self, SpaceError> {
        let wrong = || SpaceError::network(format!("this skeleton wants {what}"));
        let [cell] = &union.cells[..] else { return Err(wrong()) };
        let places = Places { inputs: 1, vertices: cell.nodes.len().saturating_sub(2) / 2 };
        if union.vocabulary.inputs() != 1 || cell.nodes != places.labels() {
            return Err(wrong());
        }
        let nodes = vec![NodeNet { join: Join::Sum, incoming: Vec::new() }];
        let states = BTreeMap::from([(start.0, (0, start.1))]);
        let trellis = Self { union, places, nodes, states, ends: Vec::new() };
        // Each link is one operation behind the one before it.
        let chained = (0..places.vertices).all(|link| {
            let (enters, leaves) = (places.enters(link), places.leaves(link));
            trellis.edge(enters - 1, enters).is_some() && trellis.edge(enters, leaves).is_some()
        });
        if chained { Ok(trellis) } else { Err(wrong()) }
    }

    /// Number of links of the longest chain.
    pub(crate) fn len(&self) -> usize {
        self.places.vertices
    }

    /// Shapes of the states.
    pub(crate) fn shapes(&self) -> impl Iterator<Item = Shape> {
        self.states.values().map(|(_, shape)| *shape)
    }

    /// The operations of a link.
    pub(crate) fn ops(&self, link: usize) -> &'a [OpId] {
        let found = self.edge(self.places.enters(link), self.places.leaves(link));
        found.map_or(&[], |edge| &self.union.cells[0].edges[edge].ops)
    }

    fn edge(&self, from: usize, to: usize) -> Option<usize> {
        self.union.cells[0].edges.iter().position(|edge| (edge.from, edge.to) == (from, to))
    }

    fn node(&mut self) -> usize {
        self.nodes.push(NodeNet { join: Join::Sum, incoming: Vec::new() });
        self.nodes.len() - 1
    }

    /// An edge of a wire of the union.
    fn wire(&self, from: usize, edge: usize, layers: Vec<Layer>) -> EdgeNet {
        let name = self.union.vocabulary.name(OpId::PLAIN).to_owned();
        EdgeNet { from, edge, choices: vec![Choice { op: OpId::PLAIN, name, layers }], partial: None }
    }

    /// An edge that is there with one operation of a link only.
    fn only(&self, from: usize, (edge, link): (usize, usize), op: OpId, layers: &[Layer]) -> EdgeNet {
        let choice = |&own: &OpId| {
            let layers = if own == op { layers.to_vec() } else { vec![Layer::Absent] };
            Choice { op: own, name: self.union.vocabulary.name(own).to_owned(), layers }
        };
        EdgeNet { from, edge, choices: self.ops(link).iter().map(choice).collect(), partial: None }
    }

    /// Goes from every state by every operation of a link: `step` gives the state after it and what leads there, or
    /// nothing for an operation that cannot follow.
    ///
    /// # Errors
    /// Those of `step`; [`SpaceError::Network`] for layers that do not fit.
    pub(crate) fn advance(
        &mut self,
        link: usize,
        step: impl Fn(S, Shape, OpId) -> Result<Option<(S, Step)>, SpaceError>,
    ) -> Result<(), SpaceError> {
        let (enters, leaves) = (self.places.enters(link), self.places.leaves(link));
        let missing = || SpaceError::network(format!("no operation at place {link}"));
        let wire = self.edge(enters - 1, enters).ok_or_else(missing)?;
        let edge = self.edge(enters, leaves).ok_or_else(missing)?;
        let before = std::mem::take(&mut self.states);
        let mut entered = Vec::with_capacity(before.len());
        for (state, (node, shape)) in before {
            let inner = self.node();
            let incoming = self.wire(node, wire, Vec::new());
            self.nodes[inner].incoming.push(incoming);
            entered.push((state, inner, shape));
        }
        let mut arrivals: Vec<(S, Shape, EdgeNet)> = Vec::new();
        for (state, first, shape) in entered {
            for &op in self.ops(link) {
                let Some((next, parts)) = step(state, shape, op)? else { continue };
                let last = parts.iter().map(|&(_, to, _)| to).max().unwrap_or(0);
                let mut nodes = vec![(first, Some(shape)); last + 1];
                for node in nodes.iter_mut().take(last).skip(1) {
                    *node = (self.node(), None);
                }
                for (from, to, layers) in &parts {
                    let from = nodes[*from];
                    let start = from.1.ok_or_else(missing)?;
                    let shape = layers.iter().try_fold(start, |shape, layer| layer.output(shape))?;
                    let own = self.only(from.0, (edge, link), op, layers);
                    if *to == last {
                        arrivals.push((next, shape, own));
                    } else {
                        nodes[*to].1 = Some(shape);
                        self.nodes[nodes[*to].0].incoming.push(own);
                    }
                }
            }
        }
        for (state, shape, edge) in arrivals {
            let node = match self.states.get(&state) {
                Some(&(node, _)) => node,
                None => self.node(),
            };
            self.states.insert(state, (node, shape));
            self.nodes[node].incoming.push(edge);
        }
        Ok(())
    }

    /// Lets chains end behind a link, if some of the union do, with the layers that `ending` gives for a state.
    pub(crate) fn end(&mut self, link: usize, ending: impl Fn(S, Shape) -> Vec<Layer>) {
        let Some(edge) = self.edge(self.places.leaves(link), self.places.output()) else { return };
        let states: Vec<(S, (usize, Shape))> = self.states.iter().map(|(&s, &at)| (s, at)).collect();
        for (state, (node, shape)) in states {
            let end = self.wire(node, edge, ending(state, shape));
            self.ends.push(end);
        }
    }

    /// The cell.
    pub(crate) fn cell(mut self) -> CellNet {
        let output = self.node();
        self.nodes[output].incoming = self.ends;
        let nodes = self.nodes;
        let order = (0..nodes.len()).collect();
        CellNet { preprocess: vec![vec![]], nodes, order, inputs: vec![0], output, zeros: None }
    }
}
