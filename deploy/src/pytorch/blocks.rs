//! Operations as functions that make an `nn.Sequential`.

use bonas_spaces::network::{Layer, Shape};

use super::code::{Code, INDENT, statement};
use super::layers::{numbers, sequential, signature};
use super::symbols::{Kind, Parameter, Parameters};
use crate::error::Result;
use crate::network::names::Names;

/// One use of a block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Use {
    block: usize,
    instance: usize,
}

/// Functions for operations that are alike but for their numbers.
#[derive(Debug, Default)]
pub(super) struct Blocks(Vec<Block>);

#[derive(Debug)]
struct Block {
    label: String,
    name: String,
    signature: String,
    template: Vec<Layer>,
    /// Numbers of each instance.
    instances: Vec<Vec<(Kind, usize)>>,
    /// Width of what each instance reads, and of what it gives.
    widths: Vec<(usize, usize)>,
    parameters: Parameters,
    body: Code,
}

impl Blocks {
    /// Adds an operation that reads maps of a shape.
    pub(super) fn add(&mut self, label: &str, layers: &[Layer], shape: Shape) -> Result<Use> {
        let after = layers.iter().try_fold(shape, |shape, layer| layer.output(shape))?;
        let signature = signature(layers);
        let alike = |own: &Block| own.label == label && own.signature == signature;
        let block = self.0.iter().position(alike).unwrap_or_else(|| {
            self.0.push(Block {
                label: label.to_owned(),
                name: String::new(),
                signature,
                template: layers.to_vec(),
                instances: Vec::new(),
                widths: Vec::new(),
                parameters: Parameters::default(),
                body: Code::atom(""),
            });
            self.0.len() - 1
        });
        let own = &mut self.0[block];
        own.instances.push(numbers(layers));
        own.widths.push((shape.channels, after.channels));
        Ok(Use { block, instance: own.instances.len() - 1 })
    }

    /// Names the functions and their parameters, once all uses are known.
    pub(super) fn finish(&mut self, names: &mut Names) {
        for block in &mut self.0 {
            block.name = names.attribute(&block.label);
            let (c_in, c_out) = block.widths.iter().copied().unzip();
            let offered =
                if c_in == c_out { vec![("channels", c_in)] } else { vec![("c_in", c_in), ("c_out", c_out)] };
            let mut parameters = Parameters::offering(offered);
            let mut place = 0;
            block.body = sequential(&block.template, &mut |kind, _| {
                let values: Vec<usize> = block.instances.iter().map(|numbers| numbers[place].1).collect();
                place += 1;
                parameters.expression(kind, &values)
            });
            block.parameters = parameters.widths_first();
        }
    }

    /// Which function a use calls.
    pub(super) fn function(&self, used: Use) -> &str {
        &self.0[used.block].name
    }

    /// The kinds and values of the arguments of a use.
    pub(super) fn arguments(&self, used: Use) -> Vec<(Kind, usize)> {
        let parameters = self.0[used.block].parameters.list();
        parameters.iter().map(|own| (own.kind, own.values[used.instance])).collect()
    }

    /// A call with arguments that are written as `texts` says.
    pub(super) fn call(&self, used: Use, texts: Vec<String>) -> Code {
        let parameters = self.0[used.block].parameters.list();
        Code::call(self.function(used), parameters.iter().zip(texts).map(argument).collect())
    }

    /// The functions.
    pub(super) fn source(&self) -> String {
        self.0.iter().map(Block::source).collect()
    }
}

/// An argument: widths by position, others by name.
pub(super) fn argument((parameter, text): (&Parameter, String)) -> Code {
    match parameter.kind {
        Kind::Width | Kind::Groups => Code::Atom(text),
        _ => Code::Atom(format!("{}={text}", parameter.name)),
    }
}

/// `a: int, b: int`.
pub(super) fn declared(parameters: &[Parameter]) -> Vec<Code> {
    parameters.iter().map(|own| Code::Atom(format!("{}: int", own.name))).collect()
}

impl Block {
    fn source(&self) -> String {
        let head = Code::call(&self.name, declared(self.parameters.list())).flat();
        let body = statement(INDENT, "return ", &self.body);
        format!("def {head} -> nn.Sequential:\n{body}\n\n")
    }
}
