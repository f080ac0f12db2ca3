//! Rules: conditions that every architecture of a space keeps.

use petgraph::Incoming;
use petgraph::algo::toposort;
use petgraph::visit::EdgeRef;

use super::DescriptionError;
use super::body::Body;
use super::expression::{self, Expression, Names, Type, Value};
use super::operations::Operations;
use crate::graph::{Architecture, Cell, OpId, Role, Vocabulary};

/// Most rules of a space.
const MOST: usize = 100;

/// Numbers of the names that all spaces have; then come the counts of operations, then the choices.
const DEPTH: usize = 0;
const PARAMS: usize = 1;
const MACS: usize = 2;
const COUNTS: usize = 3;

/// The rules of a space.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    rules: Vec<(String, Expression)>,
    /// Number of the first choice.
    choices: usize,
}

/// What rules see of an architecture.
struct Seen<'a> {
    depth: f64,
    costs: (f64, f64),
    counts: Vec<f64>,
    values: Vec<Option<Value<'a>>>,
}

impl Rules {
    /// Reads rules.
    ///
    /// # Errors
    /// [`DescriptionError`] at the rule that cannot be read.
    pub(super) fn of(rules: &[String], body: &dyn Body) -> Result<Self, DescriptionError> {
        if rules.len() > MOST {
            return Err(DescriptionError::new(
                "rules",
                format!("{} rules are more than {MOST}", rules.len()),
            ));
        }
        let names = RuleNames { body };
        let read = |(i, text): (usize, &String)| {
            let rule = expression::read(text, &names);
            rule.map(|rule| (text.clone(), rule))
                .map_err(|reason| DescriptionError::new(format!("rules[{i}]"), reason))
        };
        let rules = rules.iter().enumerate().map(read).collect::<Result<_, _>>()?;
        Ok(Self { rules, choices: COUNTS + body.vocabulary().len() })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The first rule that an architecture of the body breaks.
    pub(super) fn broken(
        &self,
        architecture: &Architecture,
        body: &dyn Body,
        operations: &Operations,
    ) -> Option<&str> {
        if self.rules.is_empty() {
            return None;
        }
        let Some(seen) = Seen::of(architecture, body, operations) else {
            return self.rules.first().map(|(text, _)| text.as_str());
        };
        let value = |name: usize| match name {
            DEPTH => Some(Value::Number(seen.depth)),
            PARAMS => Some(Value::Number(seen.costs.0)),
            MACS => Some(Value::Number(seen.costs.1)),
            _ if name < self.choices => Some(Value::Number(seen.counts[name - COUNTS])),
            _ => seen.values.get(name - self.choices).copied().flatten(),
        };
        self.rules.iter().find(|(_, rule)| !rule.holds(&value)).map(|(text, _)| text.as_str())
    }
}

impl<'a> Seen<'a> {
    fn of(architecture: &Architecture, body: &'a dyn Body, operations: &Operations) -> Option<Self> {
        let mut counts = vec![0.0; body.vocabulary().len()];
        let mut costs = (0.0, 0.0);
        for cell in architecture.cells() {
            let graph = cell.graph();
            for op in graph.node_weights().chain(graph.edge_weights()) {
                counts[op.index()] += 1.0;
                let (params, macs) = operations.costs(*op);
                costs = (costs.0 + params, costs.1 + macs);
            }
        }
        let depth = architecture.cells().iter().map(|cell| depth(cell, body.vocabulary()));
        let depth = depth.max().unwrap_or(0) as f64;
        Some(Self { depth, costs, counts, values: body.values(architecture).ok()? })
    }
}

/// Operations on the longest path from an input to the output, without identities, zeros and what no input reaches: those
/// of the pruned [`OpGraph`](crate::graph::OpGraph), which is many times as large where every node reads all before it.
fn depth(cell: &Cell, vocabulary: &Vocabulary) -> usize {
    let graph = cell.graph();
    // A `Cell` is acyclic, so the order exists.
    let order = toposort(graph, None).unwrap_or_default();
    let mut lengths: Vec<Option<usize>> = vec![None; graph.node_count()];
    let after = |op: OpId, length: Option<usize>| match vocabulary.role(op) {
        Role::Zero => None,
        Role::Compute => length.map(|length| length + 1),
        _ => length,
    };
    for node in order {
        let read = graph.edges_directed(node, Incoming);
        let longest = read.filter_map(|edge| after(*edge.weight(), lengths[edge.source().index()])).max();
        let is_input = vocabulary.role(graph[node]) == Role::Input;
        lengths[node.index()] = if is_input { Some(0) } else { after(graph[node], longest) };
    }
    lengths[cell.output().index()].unwrap_or(0)
}

struct RuleNames<'a> {
    body: &'a dyn Body,
}

impl Names for RuleNames<'_> {
    fn variable(&self, name: &str) -> Result<(usize, Type), String> {
        let number = |place| Ok((place, Type::Number));
        match name {
            // In a chain it is that of a stage.
            "depth" if self.body.has_depth() => number(DEPTH),
            "params" => number(PARAMS),
            "macs" => number(MACS),
            _ => {
                let (place, kind) = self.body.variable(name)?;
                Ok((COUNTS + self.body.vocabulary().len() + place, kind))
            }
        }
    }

    fn function(&self, name: &str, argument: &str) -> Result<(usize, Type), String> {
        if name != "count" {
            return Err(format!("unknown function {name}; there is count(operation)"));
        }
        let vocabulary = self.body.vocabulary();
        let names = || vocabulary.ops().map(|op| vocabulary.name(op));
        let found = vocabulary.ops().find(|&op| vocabulary.name(op) == argument);
        found
            .map(|op| (COUNTS + op.index(), Type::Number))
            .ok_or_else(|| crate::catalogue::unknown("operation", argument, names().take(30)))
    }
}

#[cfg(test)]
mod tests {
    use petgraph::graph::NodeIndex;
    use rand::SeedableRng;

    use super::*;
    use crate::graph::OpGraph;

    /// The same by the graph that surrogates read.
    fn of_op_graph(graph: &OpGraph, vocabulary: &Vocabulary) -> usize {
        let mut lengths: Vec<usize> = Vec::new();
        for (node, op) in graph.labels().enumerate() {
            let before = graph.graph().neighbors_directed(NodeIndex::new(node), Incoming);
            let before = before.map(|from| lengths[from.index()]).max().unwrap_or(0);
            lengths.push(before + usize::from(vocabulary.role(op) == Role::Compute));
        }
        lengths.last().copied().unwrap_or(0)
    }

    #[test]
    fn depth_is_that_of_the_pruned_graph() {
        let mut seen = std::collections::BTreeSet::new();
        for name in ["nasbench201", "nasbench101", "darts", "macro"] {
            let space = crate::catalogue::SPACES.get(name).unwrap().space();
            let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
            for _ in 0..300 {
                let architecture = space.sample(&mut rng);
                for (cell, graph) in architecture.cells().iter().zip(architecture.op_graphs()) {
                    let expected = of_op_graph(graph, space.vocabulary());
                    assert_eq!(
                        depth(cell, space.vocabulary()),
                        expected,
                        "{:?}",
                        space.format(&architecture)
                    );
                    seen.insert((name, expected));
                }
            }
        }
        assert!(seen.len() > 12 && seen.contains(&("nasbench201", 0)), "{seen:?}");
    }
}
