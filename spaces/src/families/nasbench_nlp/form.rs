//! Canonical forms of recurrent cells: equal if their functions are, but for names.
//!
//! Every node is a polynomial of variables: `x`, the states, the results of linear nodes, which have weights of their own, and
//! of activations, which are what they are of. So laws of sums and products cannot tell cells apart. The graph of these
//! variables and polynomials, in which states behind the first and linear nodes are interchangeable, has an exact canonical
//! form.

use std::collections::BTreeMap;

use petgraph::graph::NodeIndex;

use super::polynomial::Polynomial;
use crate::graph::canonical::{cell_form, put};
use crate::graph::{Cell, CellGraph, OpId};
use crate::network::{RecurrentCell, RecurrentNode, RecurrentOp, Source};

/// The bytes that cells share exactly where they are equal.
pub(super) fn form(cell: &RecurrentCell) -> Vec<u8> {
    let (values, of_nodes) = Values::of(cell);
    let mut drawing = Drawing::new(&values, cell.states());
    for (state, &node) in cell.outputs().iter().enumerate() {
        let value = drawing.value(of_nodes[node]);
        drawing.state_after(state, value);
    }
    drawing.bytes()
}

/// What polynomials are made of.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Variable {
    Input,
    State(usize),
    /// A linear node and the values that it reads.
    Linear(usize, Vec<usize>),
    Activation(RecurrentOp, usize),
    /// A product or sum that is too large to be written out.
    Opaque(RecurrentOp, [usize; 2]),
}

/// The different variables of a cell, and the different values of its nodes.
struct Values {
    variables: Vec<Variable>,
    values: Vec<Polynomial>,
}

impl Values {
    /// The values, and which of them each node has.
    fn of(cell: &RecurrentCell) -> (Self, Vec<usize>) {
        let mut own = Self { variables: Vec::new(), values: Vec::new() };
        let mut of_nodes = Vec::with_capacity(cell.nodes().len());
        for (at, node) in cell.nodes().iter().enumerate() {
            let read = |own: &mut Self, source: &Source| match *source {
                Source::Input => own.variable(Variable::Input),
                Source::State(state) => own.variable(Variable::State(state)),
                Source::Node(node) => of_nodes[node],
            };
            let inputs: Vec<usize> = node.inputs.iter().map(|source| read(&mut own, source)).collect();
            of_nodes.push(own.node(at, node, inputs));
        }
        (own, of_nodes)
    }

    fn node(&mut self, at: usize, node: &RecurrentNode, mut inputs: Vec<usize>) -> usize {
        match (node.op, &inputs[..]) {
            (RecurrentOp::Blend, &[gate, first, second]) => {
                let (first, rest) = (self.product(gate, first), self.product(gate, second));
                let sum = self.sum(first, second);
                let polynomial = self.values[sum].plus(&self.values[rest], -1);
                match polynomial {
                    Some(polynomial) => self.value(polynomial),
                    None => self.variable(Variable::Opaque(RecurrentOp::Blend, [sum, rest])),
                }
            }
            (RecurrentOp::Product, &[a, b]) => self.product(a, b),
            (RecurrentOp::Sum, &[a, b]) => self.sum(a, b),
            (RecurrentOp::Linear, _) => {
                inputs.sort_unstable();
                self.variable(Variable::Linear(at, inputs))
            }
            (op, _) => self.variable(Variable::Activation(op, inputs[0])),
        }
    }

    fn product(&mut self, a: usize, b: usize) -> usize {
        let product = self.values[a].times(&self.values[b]);
        self.value_or(product, RecurrentOp::Product, a, b)
    }

    fn sum(&mut self, a: usize, b: usize) -> usize {
        let sum = self.values[a].plus(&self.values[b], 1);
        self.value_or(sum, RecurrentOp::Sum, a, b)
    }

    fn value_or(&mut self, value: Option<Polynomial>, op: RecurrentOp, a: usize, b: usize) -> usize {
        match value {
            Some(value) => self.value(value),
            None => self.variable(Variable::Opaque(op, [a.min(b), a.max(b)])),
        }
    }

    fn variable(&mut self, variable: Variable) -> usize {
        let found = self.variables.iter().position(|own| *own == variable);
        let at = found.unwrap_or_else(|| {
            self.variables.push(variable);
            self.variables.len() - 1
        });
        self.value(Polynomial::variable(at as u16))
    }

    fn value(&mut self, value: Polynomial) -> usize {
        let found = self.values.iter().position(|own| *own == value);
        found.unwrap_or_else(|| {
            self.values.push(value);
            self.values.len() - 1
        })
    }
}

/// Labels of the nodes of a drawing, in place of operations; those from the last on are ranks of coefficients.
#[derive(Clone, Copy)]
enum Label {
    Input = 8,
    FirstState,
    State,
    FirstStateAfter,
    StateAfter,
    Linear,
    Value,
    Opaque,
    Activations = 24,
    Coefficients = 64,
}

fn label(label: Label, more: usize) -> OpId {
    OpId::from_index((label as usize + more) as u16)
}

/// Edges that carry a value; a power above 1 is added to it.
const CARRIES: OpId = OpId::PLAIN;

/// The graph of the variables and values that the new states are made of.
struct Drawing<'a> {
    values: &'a Values,
    graph: CellGraph,
    states: Vec<NodeIndex>,
    variables: BTreeMap<usize, NodeIndex>,
    drawn: BTreeMap<usize, NodeIndex>,
    /// The terms with their coefficients.
    terms: Vec<(NodeIndex, i64)>,
}

impl<'a> Drawing<'a> {
    fn new(values: &'a Values, states: usize) -> Self {
        let mut graph = CellGraph::new();
        let name = |state| if state == 0 { Label::FirstState } else { Label::State };
        let states = (0..states).map(|state| graph.add_node(label(name(state), 0))).collect();
        let (variables, drawn) = (BTreeMap::new(), BTreeMap::new());
        Self { values, graph, states, variables, drawn, terms: Vec::new() }
    }

    fn state_after(&mut self, state: usize, value: NodeIndex) {
        let name = if state == 0 { Label::FirstStateAfter } else { Label::StateAfter };
        let after = self.graph.add_node(label(name, 0));
        self.graph.add_edge(value, after, CARRIES);
        self.graph.add_edge(self.states[state], after, CARRIES);
    }

    fn value(&mut self, at: usize) -> NodeIndex {
        let values = self.values;
        let value = &values.values[at];
        if let Some(variable) = value.as_variable() {
            return self.variable(usize::from(variable));
        }
        if let Some(&drawn) = self.drawn.get(&at) {
            return drawn;
        }
        let node = self.graph.add_node(label(Label::Value, 0));
        for (monomial, coefficient) in value.terms() {
            let term = self.graph.add_node(label(Label::Coefficients, 0));
            self.terms.push((term, coefficient));
            self.graph.add_edge(term, node, CARRIES);
            for &(variable, power) in monomial {
                let factor = self.variable(usize::from(variable));
                self.graph.add_edge(factor, term, OpId::from_index(power - 1));
            }
        }
        self.drawn.insert(at, node);
        node
    }

    fn variable(&mut self, at: usize) -> NodeIndex {
        if let Some(&drawn) = self.variables.get(&at) {
            return drawn;
        }
        let (name, read): (OpId, &[usize]) = match &self.values.variables[at] {
            Variable::Input => (label(Label::Input, 0), &[]),
            Variable::State(state) => return self.states[*state],
            Variable::Linear(_, inputs) => (label(Label::Linear, 0), inputs),
            Variable::Activation(op, input) => {
                (label(Label::Activations, *op as usize), std::slice::from_ref(input))
            }
            Variable::Opaque(op, inputs) => (label(Label::Opaque, *op as usize), inputs),
        };
        let node = self.graph.add_node(name);
        for (place, &value) in read.iter().enumerate() {
            let value = self.value(value);
            // The two parts of a blend have an order, those of sums and products none.
            let is_blend = name == label(Label::Opaque, RecurrentOp::Blend as usize);
            let carries = if is_blend { OpId::from_index(place as u16) } else { CARRIES };
            self.graph.add_edge(value, node, carries);
        }
        self.variables.insert(at, node);
        node
    }

    /// The coefficients and the canonical form of the graph.
    fn bytes(mut self) -> Vec<u8> {
        let mut coefficients: Vec<i64> = self.terms.iter().map(|(_, coefficient)| *coefficient).collect();
        coefficients.sort_unstable();
        coefficients.dedup();
        for &(term, coefficient) in &self.terms {
            let rank = coefficients.binary_search(&coefficient).unwrap_or_default();
            self.graph[term] = label(Label::Coefficients, rank);
        }
        let mut bytes = Vec::new();
        put(&mut bytes, coefficients.len());
        for coefficient in &coefficients {
            bytes.extend(coefficient.to_le_bytes());
        }
        let output = self.graph.add_node(OpId::OUTPUT);
        bytes.extend(cell_form(&Cell::built(self.graph, output)));
        bytes
    }
}
