//! The operations of a description: their vocabulary, their costs and their layers.

use std::collections::HashSet;
use std::sync::Arc;

use super::description::{Activation, LayerDescription, OperationDescription, OperationRole, Place};
use super::{DescriptionError, names};
use crate::catalogue::unknown;
use crate::graph::{OpId, Role, Vocabulary};
use crate::network::{Conv, Layer, OpTable, Port, inverted_residual, pooled, shortcut, skip};

/// Most operations of a space.
pub(super) const MOST: usize = 2000;

/// Largest side of a kernel.
const LARGEST_KERNEL: usize = 31;

/// Largest factor of widths, dilations and repeats.
const LARGEST_FACTOR: usize = 64;

/// The operations of a space.
#[derive(Clone, Debug)]
pub(super) struct Operations {
    pub(super) vocabulary: Arc<Vocabulary>,
    /// Parameters and multiply-adds of each operation, by position in the vocabulary.
    costs: Vec<(f64, f64)>,
    layers: Vec<(String, LayerDescription)>,
}

impl Operations {
    /// Reads the operations.
    ///
    /// # Errors
    /// [`DescriptionError`] at the operation that is wrong.
    pub(super) fn of(inputs: usize, operations: &[OperationDescription]) -> Result<Self, DescriptionError> {
        if !(1..=8).contains(&inputs) {
            return Err(DescriptionError::new("inputs", format!("{inputs}; expected 1 to 8")));
        }
        if operations.is_empty() || operations.len() > MOST {
            let reason = format!("{} operations; expected 1 to {MOST}", operations.len());
            return Err(DescriptionError::new("operations", reason));
        }
        let mut seen = HashSet::new();
        let mut roles: Vec<(&str, Role)> = Vec::with_capacity(operations.len());
        for (i, operation) in operations.iter().enumerate() {
            let at = format!("operations[{i}]");
            let role = checked(&at, operation)?;
            if !seen.insert(&operation.name) {
                let reason = format!("operation {:?} is there twice", operation.name);
                return Err(DescriptionError::new(format!("{at}.name"), reason));
            }
            // Names of structure, such as `input`.
            Vocabulary::new(inputs, [(operation.name.as_str(), role)])
                .map_err(|_| reserved(&format!("{at}.name"), &operation.name))?;
            roles.push((&operation.name, role));
        }
        let vocabulary = Vocabulary::new(inputs, roles.iter().copied())
            .map_err(|error| DescriptionError::new("operations", error))?;
        let mut costs = vec![(0.0, 0.0); vocabulary.len() - operations.len()];
        costs.extend(operations.iter().map(|operation| (operation.params, operation.macs)));
        let layers = operations.iter().filter_map(|o| Some((o.name.clone(), o.layer.clone()?))).collect();
        Ok(Self { vocabulary: Arc::new(vocabulary), costs, layers })
    }

    /// Reads the operations of a chain, and adds one for each label that is not one of them.
    ///
    /// # Errors
    /// [`DescriptionError`] at the operation that is wrong, or if there are too many.
    pub(super) fn with_labels(
        operations: &[OperationDescription],
        labels: &[String],
    ) -> Result<Self, DescriptionError> {
        let mut all = operations.to_vec();
        let mut known: HashSet<String> = all.iter().map(|operation| operation.name.clone()).collect();
        for label in labels {
            if known.insert(label.clone()) {
                all.push(OperationDescription { name: label.clone(), ..OperationDescription::default() });
            }
            if all.len() > MOST {
                let reason = format!("operations and options of choices are more than {MOST}");
                return Err(DescriptionError::new("operations", reason));
            }
        }
        Self::of(1, &all)
    }

    /// Parameters and multiply-adds of an operation; 0 for those of structure.
    pub(super) fn costs(&self, op: OpId) -> (f64, f64) {
        self.costs.get(op.index()).copied().unwrap_or_default()
    }

    /// The operation with a name.
    ///
    /// # Errors
    /// [`DescriptionError`] at `path` with the nearest name.
    pub(super) fn named(&self, path: &str, name: &str) -> Result<OpId, DescriptionError> {
        let known = || self.vocabulary.ops().map(|op| self.vocabulary.name(op));
        let found = self.vocabulary.ops().find(|&op| self.vocabulary.name(op) == name);
        found.ok_or_else(|| DescriptionError::new(path, unknown("operation", name, known())))
    }

    /// The layers of every operation but zeros.
    ///
    /// # Errors
    /// [`DescriptionError`] at an operation without layers.
    pub(super) fn table(&self, operations: &[OperationDescription]) -> Result<OpTable, DescriptionError> {
        for (i, operation) in operations.iter().enumerate() {
            if let Some(sign) = operation.name.chars().find(|sign| matches!(sign, '.' | '/')) {
                let reason = format!(
                    "operation {:?} has {sign:?} in it, which stands between the names of a network's parameters",
                    operation.name
                );
                return Err(DescriptionError::new(format!("operations[{i}].name"), reason));
            }
            if operation.layer.is_none() && operation.role != Some(OperationRole::Zero) {
                let reason = format!(
                    "a space with a network says what {:?} is: add layer = {{ kind = .. }}",
                    operation.name
                );
                return Err(DescriptionError::new(format!("operations[{i}]"), reason));
            }
        }
        let add = |table: OpTable, (name, layer): &(String, LayerDescription)| {
            let layer = layer.clone();
            table.with(name, move |port| layers(&layer, port))
        };
        let zero = |layer: &LayerDescription| matches!(layer, LayerDescription::Zero);
        Ok(self.layers.iter().filter(|(_, layer)| !zero(layer)).fold(OpTable::new(), add))
    }
}

fn reserved(path: &str, name: &str) -> DescriptionError {
    DescriptionError::new(path, format!("operation {name:?} has the name of a node or wire; take another"))
}

/// The role of an operation whose name and numbers are in order.
fn checked(at: &str, operation: &OperationDescription) -> Result<Role, DescriptionError> {
    names::check(&format!("{at}.name"), "operation", &operation.name)?;
    for (key, cost) in [("params", operation.params), ("macs", operation.macs)] {
        if !(0.0..=1e18).contains(&cost) {
            return Err(DescriptionError::new(format!("{at}.{key}"), format!("{cost}; expected 0 to 1e18")));
        }
    }
    let implied = match &operation.layer {
        Some(LayerDescription::Identity) => Some(OperationRole::Identity),
        Some(LayerDescription::Zero) => Some(OperationRole::Zero),
        Some(layer) => {
            check_layer(&format!("{at}.layer"), layer)?;
            None
        }
        None => None,
    };
    if let (Some(layer), Some(role)) = (&operation.layer, operation.role)
        && (*layer == LayerDescription::Zero) != (role == OperationRole::Zero)
    {
        let reason = "an operation is zero in its role and in its layer, or in neither";
        return Err(DescriptionError::new(format!("{at}.role"), reason));
    }
    Ok(match operation.role.or(implied).unwrap_or(OperationRole::Compute) {
        OperationRole::Compute => Role::Compute,
        OperationRole::Identity => Role::Identity,
        OperationRole::Zero => Role::Zero,
    })
}

fn check_layer(at: &str, layer: &LayerDescription) -> Result<(), DescriptionError> {
    let kernel = |kernel: usize| {
        if kernel % 2 == 1 && kernel <= LARGEST_KERNEL {
            return Ok(());
        }
        let reason = format!("kernel = {kernel}; expected an odd number up to {LARGEST_KERNEL}");
        Err(DescriptionError::new(format!("{at}.kernel"), reason))
    };
    let factor = |key: &str, value: usize| {
        if (1..=LARGEST_FACTOR).contains(&value) {
            return Ok(());
        }
        Err(DescriptionError::new(
            format!("{at}.{key}"),
            format!("{key} = {value}; expected 1 to {LARGEST_FACTOR}"),
        ))
    };
    match *layer {
        LayerDescription::Conv { kernel: side, groups, dilation, depthwise, .. } => {
            if depthwise && groups != 1 {
                let reason = "a depthwise convolution has as many groups as channels; leave groups out";
                return Err(DescriptionError::new(format!("{at}.groups"), reason));
            }
            kernel(side)?;
            factor("groups", groups)?;
            factor("dilation", dilation)
        }
        LayerDescription::Separable { kernel: side, dilation, repeat, .. } => {
            kernel(side)?;
            factor("dilation", dilation)?;
            factor("repeat", repeat)
        }
        LayerDescription::MaxPool { kernel: side } | LayerDescription::AvgPool { kernel: side } => {
            kernel(side)
        }
        LayerDescription::SqueezeExcite { ratio } => factor("ratio", ratio),
        LayerDescription::ExpansionBlock { expansion, kernel: side, .. } => {
            kernel(side)?;
            factor("expansion", expansion)
        }
        LayerDescription::Identity | LayerDescription::Zero | LayerDescription::Linear => Ok(()),
    }
}

fn activation(activation: Activation) -> Layer {
    match activation {
        Activation::Relu => Layer::Relu,
        Activation::Relu6 => Layer::Relu6,
        Activation::Silu => Layer::Silu,
    }
}

/// The layers of an operation at a port.
fn layers(layer: &LayerDescription, port: Port) -> Vec<Layer> {
    let bn = |channels| Layer::BatchNorm { channels, affine: port.norm.affine };
    match *layer {
        LayerDescription::Conv { kernel, groups, depthwise, dilation, activation: act, activate } => {
            let conv = if depthwise {
                Conv::depthwise(port.output, kernel, port.stride, dilation)
            } else {
                let padding = dilation * (kernel - 1) / 2;
                Conv { padding, dilation, groups, ..Conv::same(port.input, port.output, kernel, port.stride) }
            };
            let mut layers = vec![Layer::Conv(conv), bn(port.output)];
            let place = if activate == Place::Before { 0 } else { layers.len() };
            layers.insert(place, activation(act));
            layers
        }
        LayerDescription::Separable { kernel, dilation, repeat, activation: act } => {
            separable(port, kernel, dilation, repeat, &activation(act))
        }
        LayerDescription::MaxPool { kernel } => {
            widened(port, Layer::MaxPool { kernel, stride: port.stride, padding: kernel / 2 })
        }
        LayerDescription::AvgPool { kernel } => {
            widened(port, Layer::AvgPool { kernel, stride: port.stride, padding: kernel / 2 })
        }
        // The stages of a chain may change the width at stride 1.
        LayerDescription::Identity if port.stride == 1 && port.input != port.output => shortcut(port),
        LayerDescription::Identity => skip(port),
        LayerDescription::Zero => Vec::new(),
        LayerDescription::Linear => {
            let conv = Conv { stride: port.stride, ..Conv::pointwise(port.input, port.output) };
            vec![Layer::Conv(conv), bn(port.output)]
        }
        LayerDescription::SqueezeExcite { ratio } => {
            let squeeze = (port.input / ratio).max(1);
            vec![Layer::SqueezeExcite { channels: port.output, squeeze, hard: false }]
        }
        LayerDescription::ExpansionBlock { expansion, kernel, activation: act } => {
            inverted_residual(port, expansion, kernel, &activation(act))
        }
    }
}

/// Pooling, with a 1×1 convolution behind it where the width changes.
fn widened(port: Port, pool: Layer) -> Vec<Layer> {
    if port.input == port.output {
        return pooled(port, pool);
    }
    let conv = Layer::Conv(Conv::pointwise(port.input, port.output));
    vec![pool, conv, Layer::BatchNorm { channels: port.output, affine: port.norm.affine }]
}

fn separable(port: Port, kernel: usize, dilation: usize, repeat: usize, activation: &Layer) -> Vec<Layer> {
    let affine = port.norm.affine;
    let part = |i: usize| {
        let (first, last) = (i == 0, i + 1 == repeat);
        let output = if last { port.output } else { port.input };
        let stride = if first { port.stride } else { 1 };
        [
            activation.clone(),
            Layer::Conv(Conv::depthwise(port.input, kernel, stride, dilation)),
            Layer::Conv(Conv::pointwise(port.input, output)),
            Layer::BatchNorm { channels: output, affine },
        ]
    };
    (0..repeat).flat_map(part).collect()
}
