//! What a description of a search space may say.

use serde::{Deserialize, Serialize};

/// A search space in data: operations, the structure that carries them, rules, and a network.
///
/// Exactly one of `cells`, `stages` and `choices` says what an architecture is made of. Field names are those of a
/// space file; [`space`](super::space) says which combinations are valid.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Description {
    /// Name of the space, which studies and tables keep.
    pub name: String,
    /// One line about it.
    pub about: String,
    /// Inputs of each cell.
    pub inputs: usize,
    /// The operations, in the order of the vocabulary.
    pub operations: Vec<OperationDescription>,
    /// Cells: graphs with operations on their edges or nodes.
    pub cells: Vec<CellDescription>,
    /// Stages of a chain, each with a depth and choices.
    pub stages: Vec<StageDescription>,
    /// Named choices, without stages.
    pub choices: Vec<ChoiceDescription>,
    /// When two architectures are the same.
    pub same: Sameness,
    /// How cells are written; by default `edges` or `bits`, after what carries the operations.
    pub text: Option<CellText>,
    /// The sign between the texts of two stages; by default `-` for stages with a `text`, else `;`.
    pub separator: Option<String>,
    /// Seed of the order in which a small space is listed: that of `random.seed(SEED); random.shuffle(list)` in Python.
    pub shuffle: Option<u32>,
    /// Conditions that every architecture keeps.
    pub rules: Vec<String>,
    /// The network around the architecture.
    pub network: Option<NetworkDescription>,
}

impl Default for Description {
    fn default() -> Self {
        Self {
            name: String::new(),
            about: String::new(),
            inputs: 1,
            operations: Vec::new(),
            cells: Vec::new(),
            stages: Vec::new(),
            choices: Vec::new(),
            same: Sameness::default(),
            text: None,
            separator: None,
            shuffle: None,
            rules: Vec::new(),
            network: None,
        }
    }
}

/// An operation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperationDescription {
    /// Its name.
    pub name: String,
    /// What it does to the information flow; by default that of its layers.
    #[serde(default)]
    pub role: Option<OperationRole>,
    /// Parameters that it adds to the `params` of rules.
    #[serde(default)]
    pub params: f64,
    /// Multiply-adds that it adds to the `macs` of rules.
    #[serde(default)]
    pub macs: f64,
    /// Its layers, for a space with a network.
    #[serde(default)]
    pub layer: Option<LayerDescription>,
}

/// The role of an operation: graphs that predictors read leave out identities and zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OperationRole {
    /// Changes its input.
    Compute,
    /// Passes its input on unchanged.
    Identity,
    /// Passes nothing on.
    Zero,
}

/// The layers of an operation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum LayerDescription {
    /// A convolution with BatchNorm and an activation.
    Conv {
        /// Side of the kernel, odd.
        kernel: usize,
        /// Groups.
        #[serde(default = "one")]
        groups: usize,
        /// Whether each channel has a filter of its own (as many groups as channels).
        #[serde(default)]
        depthwise: bool,
        /// Dilation.
        #[serde(default = "one")]
        dilation: usize,
        /// The activation.
        #[serde(default)]
        activation: Activation,
        /// Whether the activation stands before the convolution or after BatchNorm.
        #[serde(default)]
        activate: Place,
    },
    /// Separable convolutions: activation, depthwise and 1×1 convolution, BatchNorm, `repeat` times.
    Separable {
        /// Side of the kernel, odd.
        kernel: usize,
        /// Dilation.
        #[serde(default = "one")]
        dilation: usize,
        /// How often it is applied; only the first has the stride, only the last changes the width.
        #[serde(default = "one")]
        repeat: usize,
        /// The activation.
        #[serde(default)]
        activation: Activation,
    },
    /// Maximum over square windows.
    MaxPool {
        /// Side of the window, odd.
        kernel: usize,
    },
    /// Mean over square windows.
    AvgPool {
        /// Side of the window, odd.
        kernel: usize,
    },
    /// A skip connection; a factorised reduction at stride 2.
    Identity,
    /// Passes nothing on.
    Zero,
    /// A 1×1 convolution with BatchNorm and no activation: a linear map of the channels.
    Linear,
    /// Squeeze-and-excitation.
    SqueezeExcite {
        /// Channels in by channels of the squeeze.
        ratio: usize,
    },
    /// An inverted residual: 1×1 convolution, depthwise convolution, 1×1 convolution.
    ExpansionBlock {
        /// Width inside by width of the input.
        expansion: usize,
        /// Side of the depthwise kernel, odd.
        kernel: usize,
        /// The activation after the first two convolutions.
        #[serde(default)]
        activation: Activation,
    },
}

/// An activation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    /// max(0, x).
    #[default]
    Relu,
    /// min(6, max(0, x)).
    Relu6,
    /// x / (1 + e⁻ˣ).
    Silu,
}

/// Where an activation stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// Before the convolution.
    #[default]
    Before,
    /// After BatchNorm.
    After,
}

/// Cells of one form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CellDescription {
    /// Names: an architecture has one cell of this form for each. Without names there is one.
    #[serde(default)]
    pub names: Vec<String>,
    /// Names of the cells in texts, where they are others.
    #[serde(default)]
    pub fields: Vec<String>,
    /// What carries the operations.
    pub operations_on: Carrier,
    /// Names of the operations that these cells may have; without them all.
    #[serde(default)]
    pub operations: Vec<String>,
    /// Number of nodes between inputs and output.
    pub nodes: usize,
    /// Fixed wiring: the edges `[from, to]`. Without it and `sources`, every node reads all earlier ones.
    #[serde(default)]
    pub edges: Option<Vec<(usize, usize)>>,
    /// Free wiring: how many earlier nodes a node reads, one number for all or one for each.
    #[serde(default)]
    pub sources: Option<Sources>,
    /// What the output is.
    #[serde(default)]
    pub output: Output,
    /// Whether nodes off all paths from input to output are removed (operations on nodes, free wiring).
    #[serde(default)]
    pub prune: bool,
}

impl CellDescription {
    /// One cell without nodes, in which every node reads all earlier ones.
    pub fn on(operations_on: Carrier) -> Self {
        Self {
            names: Vec::new(),
            fields: Vec::new(),
            operations_on,
            operations: Vec::new(),
            nodes: 0,
            edges: None,
            sources: None,
            output: Output::default(),
            prune: false,
        }
    }
}

/// Numbers of nodes read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a number, or a list of numbers")]
pub enum Sources {
    /// The same for every node.
    Each(usize),
    /// One for each node, and last for an output that is a node.
    List(Vec<usize>),
}

/// What carries the operations of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Carrier {
    /// Each edge has an operation; nodes are sums.
    Edges,
    /// Each node has an operation; edges are wires.
    Nodes,
}

/// What the output of a cell is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Output {
    /// A node like the others: it is wired as they are.
    #[default]
    Node,
    /// It reads every node between inputs and output by a wire.
    All,
}

/// When two architectures of cells are the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sameness {
    /// If their graphs are isomorphic.
    #[default]
    Isomorphic,
    /// If the expressions of their outputs are equal strings, where identities are replaced by their input and zeros
    /// by one term (the rule of NAS-Bench-201).
    Expression,
    /// If their texts are equal.
    Text,
}

/// How cells are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CellText {
    /// `|op~0|+|op~0|op~1|`: for each node the operations and sources of its edges.
    Edges,
    /// `Genotype(normal=[('op', 0), ..], normal_concat=range(2, 6), ..)`.
    Genotype,
    /// `bits|op;op`: the upper triangle of the adjacency matrix, then the operations of the nodes.
    Bits,
}

/// Stages of one form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StageDescription {
    /// How many such stages stand one after the other.
    #[serde(default = "one")]
    pub count: usize,
    /// Number of layers: one number, or least and most.
    #[serde(default)]
    pub depth: Depth,
    /// The choices of the stage.
    #[serde(default)]
    pub choices: Vec<ChoiceDescription>,
    /// The operations of one layer; without them each choice is an operation.
    #[serde(default)]
    pub layers: Vec<LayerOperation>,
    /// How the stage is written: `{name}` stands for a choice, `{depth}` for the depth.
    #[serde(default)]
    pub text: Option<String>,
}

impl Default for StageDescription {
    fn default() -> Self {
        Self { count: 1, depth: Depth::default(), choices: Vec::new(), layers: Vec::new(), text: None }
    }
}

/// Number of layers of a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a number, or two numbers [least, most]")]
pub enum Depth {
    /// Always so many.
    Fixed(usize),
    /// From the first number to the second.
    Range((usize, usize)),
}

impl Default for Depth {
    fn default() -> Self {
        Self::Fixed(1)
    }
}

/// An operation of a layer, with the condition under which it is there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerOperation {
    /// The operation.
    pub operation: String,
    /// A condition over the choices, `layer` (from 0) and `depth`; without one it is always there.
    #[serde(default, rename = "if")]
    pub when: Option<String>,
}

/// A named choice.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChoiceDescription {
    /// Its name.
    pub name: String,
    /// The options of a categorical choice, or of an ordinal one in order.
    #[serde(default)]
    pub options: Vec<OptionValue>,
    /// The range of an integer choice, least and most.
    #[serde(default)]
    pub range: Option<(i64, i64)>,
    /// Step of an integer choice.
    #[serde(default)]
    pub step: Option<i64>,
    /// Whether the options are in order, so that a neighbour is the next option up or down.
    #[serde(default)]
    pub ordinal: bool,
    /// Whether each layer of the stage chooses for itself.
    #[serde(default)]
    pub each_layer: bool,
    /// The condition under which the choice exists, over choices before it.
    #[serde(default, rename = "if")]
    pub when: Option<String>,
}

/// The value of an option.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a number, a word in quotes, true or false")]
pub enum OptionValue {
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// A word.
    Text(String),
}

/// The network around the architecture.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkDescription {
    /// Names of skeletons, the default first. `stages` is one for chains whose operations are layers.
    pub skeletons: Vec<String>,
    /// Skeleton `stages`: channels after the stem.
    #[serde(default)]
    pub stem: Option<usize>,
    /// Skeleton `stages`: channels of each stage.
    #[serde(default)]
    pub widths: Vec<usize>,
    /// Skeleton `stages`: stride of the first layer of each stage; without it 1 for the first stage and 2 for others.
    #[serde(default)]
    pub strides: Vec<usize>,
    /// Skeleton `stages`: channels of a 1×1 convolution before the classifier; without it there is none.
    #[serde(default)]
    pub last: Option<usize>,
    /// Skeleton `stages`: side of the images.
    #[serde(default)]
    pub image: Option<usize>,
    /// Skeleton `stages`: number of classes.
    #[serde(default)]
    pub classes: Option<usize>,
}

fn one() -> usize {
    1
}
