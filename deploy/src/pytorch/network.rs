//! The network's class.

use std::collections::BTreeSet;

use bonas_spaces::network::Join;

use super::About;
use super::blocks::{Blocks, Use};
use super::cells::{CellUse, Cells, sum};
use super::code::{Code, INDENT, statement};
use super::layers::{Helper, helpers, sequential};
use crate::Deployed;
use crate::error::Result;
use crate::network::names::Names;
use crate::network::{Body, Part};

/// A network with the functions and classes that it uses.
#[derive(Debug)]
pub(super) struct Drawn<'a> {
    parts: &'a [Part],
    uses: Vec<Module>,
    pub(super) blocks: Blocks,
    pub(super) cells: Cells,
    pub(super) helpers: BTreeSet<Helper>,
}

/// What a part is made by.
#[derive(Clone, Copy, Debug)]
enum Module {
    Block(Use),
    Cell(CellUse),
    /// Layers written where they are, or none.
    Plain,
}

impl<'a> Drawn<'a> {
    pub(super) fn new(network: &'a Deployed, about: &About<'_>) -> Result<Self> {
        let parts = network.parts();
        let (mut blocks, mut cells, mut needed) = (Blocks::default(), Cells::default(), BTreeSet::new());
        let mut uses = Vec::with_capacity(parts.len());
        for part in parts {
            uses.push(match &part.body {
                Body::Layers { layers, op, .. } => {
                    helpers(layers, &mut needed);
                    match op {
                        Some(op) => Module::Block(blocks.add(op, layers, parts[part.inputs[0]].shape)?),
                        None => Module::Plain,
                    }
                }
                Body::Cell(cell) => {
                    for input in &cell.inputs {
                        helpers(&input.layers, &mut needed);
                    }
                    cell.ops().for_each(|op| helpers(&op.layers, &mut needed));
                    Module::Cell(cells.add(&label(about.cells, cell.role), cell, &mut blocks)?)
                }
                Body::Image | Body::Join(_) | Body::Zeros => Module::Plain,
            });
        }
        let mut names = Names::default();
        for taken in TAKEN.into_iter().chain(PARAMETERS) {
            names.attribute(taken);
        }
        blocks.finish(&mut names);
        cells.finish(&mut names, &blocks)?;
        Ok(Self { parts, uses, blocks, cells, helpers: needed })
    }

    /// `class Network`.
    pub(super) fn source(&self) -> String {
        let mut modules = String::new();
        for (part, used) in self.parts.iter().zip(&self.uses) {
            if let Some(code) = self.module(part, *used) {
                modules += &statement(2 * INDENT, &format!("self.{} = ", part.name), &code);
            }
        }
        format!(
            "class Network(nn.Module):\n    \"\"\"Images [B, C, H, W] to logits [B, classes].\"\"\"\n\n    def __init__(self) \
             -> None:\n        super().__init__()\n{modules}\n    def forward(self, images: Tensor) -> Tensor:\n{}\n\n",
            self.forward()
        )
    }

    fn module(&self, part: &Part, used: Module) -> Option<Code> {
        match (used, &part.body) {
            (Module::Block(used), _) => {
                let values = self.blocks.arguments(used);
                Some(self.blocks.call(used, values.iter().map(|(_, value)| value.to_string()).collect()))
            }
            (Module::Cell(used), _) => Some(self.cells.call(used)),
            (Module::Plain, Body::Layers { layers, .. }) => {
                Some(sequential(layers, &mut |_, value| value.to_string()))
            }
            (Module::Plain, _) => None,
        }
    }

    /// The lines of `forward`; a chain of parts keeps one variable.
    fn forward(&self) -> String {
        let is_chain = self
            .parts
            .iter()
            .enumerate()
            .skip(1)
            .all(|(i, part)| part.inputs.iter().all(|&input| input + 1 == i));
        let name = |i: usize| match i {
            0 => "images".to_owned(),
            _ if is_chain => "x".to_owned(),
            i => self.parts[i].name.clone(),
        };
        let last = self.parts.len() - 1;
        let mut text = String::new();
        for (i, part) in self.parts.iter().enumerate().skip(1) {
            let inputs: Vec<Code> = part.inputs.iter().map(|&input| Code::Atom(name(input))).collect();
            let code = match &part.body {
                Body::Join(Join::Sum) => sum(inputs),
                Body::Join(Join::Concat) => {
                    Code::call("torch.cat", vec![Code::List(inputs), Code::atom("dim=1")])
                }
                Body::Zeros => {
                    let source = name(part.inputs[0]);
                    let shape = [part.shape.channels, part.shape.height, part.shape.width];
                    let shape = shape.map(|side| Code::Atom(side.to_string()));
                    let batch = [Code::Atom(format!("{source}.size(0)"))];
                    Code::call(format!("{source}.new_zeros"), batch.into_iter().chain(shape).collect())
                }
                _ => Code::call(format!("self.{}", part.name), inputs),
            };
            let before = if i == last { "return ".to_owned() } else { format!("{} = ", name(i)) };
            text += &statement(2 * INDENT, &before, &code);
        }
        text
    }
}

/// Names that functions and classes must not have: those at the top of the source, and of the built-ins that it uses. The
/// parameters of functions and classes, which would hide a function inside, are in `PARAMETERS`.
pub(super) const TAKEN: [&str; 39] = [
    "Network",
    "Sum",
    "Concat",
    "Shift",
    "Truncate",
    "SqueezeExcite",
    "HardSqueezeExcite",
    "CLASSES",
    "WEIGHTS",
    "IMAGE",
    "MEAN",
    "STD",
    "Tensor",
    "Path",
    "argparse",
    "annotations",
    "load",
    "load_file",
    "read_image",
    "main",
    "Image",
    "ImageOps",
    "F",
    "bytearray",
    "enumerate",
    "float",
    "int",
    "isinstance",
    "len",
    "list",
    "max",
    "min",
    "object",
    "print",
    "range",
    "str",
    "sum",
    "super",
    "tuple",
];

/// Names of the parameters of functions and classes.
const PARAMETERS: [&str; 11] = [
    "channels",
    "c_in",
    "c_out",
    "c_prev",
    "c_prev_prev",
    "width",
    "stride",
    "kernel",
    "padding",
    "dilation",
    "side",
];

/// Name of the class of a cell.
fn label(cells: &[&str], role: usize) -> String {
    let title = |word: &str| {
        let mut letters = word.chars();
        letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
    };
    match cells.get(role) {
        Some(name) => name.split(|c: char| !c.is_alphanumeric()).map(title).collect::<String>() + "Cell",
        None => "Cell".to_owned(),
    }
}
