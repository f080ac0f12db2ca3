//! Cells as classes.

use std::collections::BTreeMap;
use std::fmt::Write;

use bonas_spaces::network::{Join, Layer};

use super::blocks::{Blocks, Use, argument, declared};
use super::code::{Code, INDENT, statement};
use super::symbols::{Kind, Parameters};
use crate::error::{DeployError, Result};
use crate::network::names::Names;
use crate::network::{Edge, LiveCell, Node};

/// One use of a class.
#[derive(Clone, Copy, Debug)]
pub(super) struct CellUse {
    class: usize,
    instance: usize,
}

/// Classes for cells that are alike but for their numbers.
#[derive(Debug, Default)]
pub(super) struct Cells(Vec<Class>);

#[derive(Debug)]
struct Class {
    label: String,
    name: String,
    signature: String,
    template: Drawn,
    instances: Vec<Drawn>,
    parameters: Parameters,
    modules: String,
    body: String,
}

/// A cell with the uses of its blocks.
#[derive(Clone, Debug)]
struct Drawn {
    cell: LiveCell,
    /// The block of each input that has layers.
    inputs: Vec<Option<Use>>,
    /// The block of each operation that has layers, in the order of [`LiveCell::ops`].
    ops: Vec<Option<Use>>,
}

impl Cells {
    /// Adds a cell, and its operations to the blocks.
    pub(super) fn add(&mut self, label: &str, cell: &LiveCell, blocks: &mut Blocks) -> Result<CellUse> {
        let mut used = |label: &str, layers: &[Layer], shape| match layers {
            [] => Ok(None),
            layers => blocks.add(label, layers, shape).map(Some),
        };
        let inputs = cell.inputs.iter().map(|input| used(what(&input.layers), &input.layers, input.shape));
        let inputs = inputs.collect::<Result<_>>()?;
        let ops = cell.ops().map(|op| used(&op.op, &op.layers, op.shape)).collect::<Result<_>>()?;
        let drawn = Drawn { cell: cell.clone(), inputs, ops };
        let signature = drawn.signature();
        let alike = |own: &Class| own.label == label && own.signature == signature;
        let class = self.0.iter().position(alike).unwrap_or_else(|| {
            self.0.push(Class {
                label: label.to_owned(),
                name: String::new(),
                signature,
                template: drawn.clone(),
                instances: Vec::new(),
                parameters: Parameters::default(),
                modules: String::new(),
                body: String::new(),
            });
            self.0.len() - 1
        });
        self.0[class].instances.push(drawn);
        Ok(CellUse { class, instance: self.0[class].instances.len() - 1 })
    }

    /// Names the classes and their parameters, once all uses and all blocks are known.
    ///
    /// # Errors
    /// [`DeployError::Network`] for a cell whose nodes are not in the order of computation.
    pub(super) fn finish(&mut self, names: &mut Names, blocks: &Blocks) -> Result<()> {
        for class in &mut self.0 {
            class.name = names.class(&class.label);
            let mut writer = Writer {
                parameters: Parameters::offering(offered(&class.instances)),
                numbers: class.instances.iter().map(|drawn| drawn.numbers(blocks)).collect(),
                place: 0,
                blocks,
            };
            class.modules = writer.modules(&class.template);
            class.body = writer.body(&class.template.cell)?;
            class.parameters = writer.parameters.widths_first();
        }
        Ok(())
    }

    /// `Class(arguments)`.
    pub(super) fn call(&self, used: CellUse) -> Code {
        let class = &self.0[used.class];
        let parameters = class.parameters.list().iter();
        let arguments = parameters.map(|own| argument((own, own.values[used.instance].to_string())));
        Code::call(&class.name, arguments.collect())
    }

    /// The classes.
    pub(super) fn source(&self) -> String {
        self.0.iter().map(Class::source).collect()
    }
}

impl Class {
    fn source(&self) -> String {
        let mut parameters = vec![Code::atom("self")];
        parameters.extend(declared(self.parameters.list()));
        let init = Code::call("def __init__", parameters).flat();
        let mut inputs = vec![Code::atom("self")];
        inputs.extend(
            self.template.cell.inputs.iter().map(|input| Code::Atom(format!("s{}: Tensor", input.node))),
        );
        let forward = Code::call("def forward", inputs).flat();
        format!(
            "class {}(nn.Module):\n    {init} -> None:\n        super().__init__()\n{}\n    {forward} -> Tensor:\n{}\n\n",
            self.name, self.modules, self.body
        )
    }
}

impl Drawn {
    /// What tells cells apart that cannot be one class.
    fn signature(&self) -> String {
        let mut text = String::new();
        let layers = self.cell.inputs.iter().map(|input| &input.layers);
        for layers in layers.chain(self.cell.ops().map(|op| &op.layers)) {
            let _ = writeln!(text, "{}", super::layers::signature(layers));
        }
        for input in &self.cell.inputs {
            let _ = writeln!(text, "{} {}", input.node, input.name);
        }
        for node in &self.cell.nodes {
            let _ = writeln!(text, "{} {:?}", node.node, node.join);
            for edge in &node.incoming {
                let _ = match edge {
                    Edge::Zeros(_) => writeln!(text, "zeros"),
                    Edge::From { node, ops } => {
                        let names: Vec<&str> = ops.iter().map(|op| op.name.as_str()).collect();
                        writeln!(text, "{node} {names:?}")
                    }
                };
            }
        }
        text
    }

    /// The blocks in the order in which they are made.
    fn uses(&self) -> impl Iterator<Item = Use> {
        self.inputs.iter().chain(&self.ops).filter_map(|used| *used)
    }

    /// Every number that the class writes: arguments of its blocks, then shapes of zeros.
    fn numbers(&self, blocks: &Blocks) -> Vec<(Kind, usize)> {
        let mut numbers: Vec<_> = self.uses().flat_map(|used| blocks.arguments(used)).collect();
        for edge in self.cell.nodes.iter().flat_map(|node| &node.incoming) {
            if let Edge::Zeros(shape) = edge {
                numbers.extend([
                    (Kind::Width, shape.channels),
                    (Kind::Side, shape.height),
                    (Kind::Side, shape.width),
                ]);
            }
        }
        numbers
    }
}

/// Widths of the inputs and inside, one an instance.
fn offered(instances: &[Drawn]) -> Vec<(&'static str, Vec<usize>)> {
    let of =
        |width: &dyn Fn(&Drawn) -> Option<usize>| instances.iter().map(width).collect::<Option<Vec<_>>>();
    let input = |i: usize| of(&|drawn| drawn.cell.inputs.get(i).map(|input| input.shape.channels));
    let inside = of(&|drawn| drawn.cell.ops().next().map(|op| op.shape.channels));
    let named = match (input(0), input(1)) {
        (Some(older), Some(newer)) => vec![("c_prev_prev", Some(older)), ("c_prev", Some(newer))],
        (only, _) => vec![("c_in", only)],
    };
    let alone = named.len() == 1;
    let all = if alone { vec![("channels", inside)] } else { [named, vec![("channels", inside)]].concat() };
    all.into_iter().filter_map(|(name, values)| Some((name, values?))).collect()
}

/// A name for layers that no space named.
fn what(layers: &[Layer]) -> &'static str {
    match layers {
        [Layer::Relu, Layer::Conv(_), Layer::BatchNorm { .. }] => "relu_conv_bn",
        [Layer::Conv(_), Layer::BatchNorm { .. }, Layer::Relu] => "conv_bn_relu",
        [Layer::Relu, Layer::Branches { join: Join::Concat, .. }, Layer::BatchNorm { .. }] => {
            "factorized_reduce"
        }
        _ => "preprocess",
    }
}

/// Writes the class of some cells.
struct Writer<'a> {
    parameters: Parameters,
    /// Numbers of each instance.
    numbers: Vec<Vec<(Kind, usize)>>,
    /// Position of the next number.
    place: usize,
    blocks: &'a Blocks,
}

impl Writer<'_> {
    fn next(&mut self) -> String {
        let values: Vec<usize> = self.numbers.iter().map(|numbers| numbers[self.place].1).collect();
        let kind = self.numbers[0][self.place].0;
        self.place += 1;
        self.parameters.expression(kind, &values)
    }

    /// `self.name = block(arguments)` lines.
    fn modules(&mut self, drawn: &Drawn) -> String {
        let inputs = drawn.cell.inputs.iter().map(|input| &input.name).zip(&drawn.inputs);
        let ops = drawn.cell.ops().map(|op| &op.name).zip(&drawn.ops);
        let mut text = String::new();
        for (name, used) in inputs.chain(ops) {
            if let Some(used) = *used {
                let texts = self.blocks.arguments(used).iter().map(|_| self.next()).collect();
                text += &statement(2 * INDENT, &format!("self.{name} = "), &self.blocks.call(used, texts));
            }
        }
        text
    }

    /// The lines of `forward`.
    fn body(&mut self, cell: &LiveCell) -> Result<String> {
        let mut values: BTreeMap<usize, String> = BTreeMap::new();
        let mut text = String::new();
        for input in &cell.inputs {
            let name = format!("s{}", input.node);
            if !input.layers.is_empty() {
                let code = Code::call(format!("self.{}", input.name), vec![Code::atom(&name)]);
                text += &statement(2 * INDENT, &format!("{name} = "), &code);
            }
            values.insert(input.node, name);
        }
        let first = format!("s{}", cell.inputs.first().map_or(0, |input| input.node));
        for node in &cell.nodes {
            let code = self.node(node, &values, &first)?;
            match code {
                _ if node.node == cell.output => text += &statement(2 * INDENT, "return ", &code),
                // A wire.
                Code::Atom(name) => drop(values.insert(node.node, name)),
                code => {
                    let name = format!("s{}", node.node);
                    text += &statement(2 * INDENT, &format!("{name} = "), &code);
                    values.insert(node.node, name);
                }
            }
        }
        Ok(text)
    }

    fn node(&mut self, node: &Node, values: &BTreeMap<usize, String>, first: &str) -> Result<Code> {
        let parts = node.incoming.iter().map(|edge| match edge {
            Edge::Zeros(_) => {
                let shape = [self.next(), self.next(), self.next()].map(Code::Atom);
                let batch = [Code::Atom(format!("{first}.size(0)"))];
                Ok(Code::call(format!("{first}.new_zeros"), batch.into_iter().chain(shape).collect()))
            }
            Edge::From { node, ops } => {
                let none = || DeployError::Network(format!("a cell reads node {node} before it is computed"));
                let source = values.get(node).ok_or_else(none)?;
                let term = |op: &crate::network::Op| match op.layers.as_slice() {
                    [] => Code::atom(source),
                    _ => Code::call(format!("self.{}", op.name), vec![Code::atom(source)]),
                };
                Ok(sum(ops.iter().map(term).collect()))
            }
        });
        let mut parts: Vec<Code> = parts.collect::<Result<_>>()?;
        Ok(match node.join {
            _ if parts.len() == 1 => parts.remove(0),
            Join::Sum => sum(parts),
            Join::Concat => Code::call("torch.cat", vec![Code::List(parts), Code::atom("dim=1")]),
        })
    }
}

/// A sum; one term is itself.
pub(super) fn sum(terms: Vec<Code>) -> Code {
    let terms: Vec<Code> = terms
        .into_iter()
        .flat_map(|term| match term {
            Code::Sum(terms) => terms,
            term => vec![term],
        })
        .collect();
    match &terms[..] {
        [only] => only.clone(),
        _ => Code::Sum(terms),
    }
}
