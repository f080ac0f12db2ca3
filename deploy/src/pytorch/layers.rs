//! Layers as PyTorch modules.

use std::collections::BTreeSet;

use bonas_spaces::network::{Conv, Join, Layer};

use super::code::Code;
use super::symbols::Kind;
use crate::network::{Step, steps};

/// Writes a number of a layer.
pub(super) type Number<'a> = dyn FnMut(Kind, usize) -> String + 'a;

/// A module of our own that a source needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Helper {
    Sum,
    Concat,
    Shift,
    Truncate,
    SqueezeExcite,
    HardSqueezeExcite,
}

/// `nn.Sequential` of some layers.
pub(super) fn sequential(layers: &[Layer], number: &mut Number<'_>) -> Code {
    let step = |step: Step<'_>| match step {
        Step::Flatten => Code::atom("nn.Flatten()"),
        Step::Layer { layer, flat, .. } => module(layer, flat, number),
    };
    Code::call("nn.Sequential", steps(layers).into_iter().map(step).collect())
}

/// A layer; `flat` is as in [`Step::Layer`].
fn module(layer: &Layer, flat: bool, number: &mut Number<'_>) -> Code {
    let mut width = |value: &usize| Code::Atom(number(Kind::Width, *value));
    match layer {
        Layer::Relu => Code::atom("nn.ReLU()"),
        Layer::Relu6 => Code::atom("nn.ReLU6()"),
        Layer::Silu => Code::atom("nn.SiLU()"),
        Layer::HardSwish => Code::atom("nn.Hardswish()"),
        Layer::Resize { height, width } => Code::call(
            "nn.Upsample",
            vec![Code::Atom(format!("({height}, {width})")), Code::atom("mode=\"bilinear\"")],
        ),
        Layer::SqueezeExcite { channels, squeeze, hard } => {
            let name = if *hard { "HardSqueezeExcite" } else { "SqueezeExcite" };
            Code::call(name, vec![width(channels), width(squeeze)])
        }
        Layer::Conv(conv) => convolution(conv, number),
        Layer::BatchNorm { channels, affine } => {
            let mut arguments = vec![width(channels)];
            if !affine {
                arguments.push(Code::atom("affine=False"));
            }
            Code::call(if flat { "nn.BatchNorm1d" } else { "nn.BatchNorm2d" }, arguments)
        }
        Layer::MaxPool { kernel, stride, padding } => {
            Code::call("nn.MaxPool2d", window(*kernel, *stride, *padding, number))
        }
        Layer::AvgPool { kernel, stride, padding } => {
            let mut arguments = window(*kernel, *stride, *padding, number);
            arguments.push(Code::atom("count_include_pad=False"));
            Code::call("nn.AvgPool2d", arguments)
        }
        Layer::Shift => Code::atom("Shift()"),
        Layer::Truncate { channels } => Code::call("Truncate", vec![width(channels)]),
        Layer::Branches { join, arms } => {
            let arm = |arm: &Vec<Layer>| match arm.as_slice() {
                [] => Code::atom("nn.Identity()"),
                layers => sequential(layers, number),
            };
            Code::call(joined(*join), arms.iter().map(arm).collect())
        }
        Layer::GlobalAvgPool => Code::atom("nn.AdaptiveAvgPool2d(1)"),
        Layer::Pad { .. } | Layer::Absent | Layer::Part { .. } => unreachable!("`Deployed::new` refuses it"),
        Layer::Linear { input, output } => Code::call("nn.Linear", vec![width(input), width(output)]),
    }
}

fn joined(join: Join) -> &'static str {
    match join {
        Join::Sum => "Sum",
        Join::Concat => "Concat",
    }
}

/// An argument, left out where it is the default.
fn keyword(name: &str, value: &str, default: &str) -> Option<Code> {
    (value != default).then(|| Code::Atom(format!("{name}={value}")))
}

fn convolution(conv: &Conv, number: &mut Number<'_>) -> Code {
    let mut say = |kind, value| number(kind, value);
    let mut arguments = vec![
        Code::Atom(say(Kind::Width, conv.input)),
        Code::Atom(say(Kind::Width, conv.output)),
        Code::Atom(say(Kind::Kernel, conv.kernel)),
    ];
    arguments.extend(keyword("stride", &say(Kind::Stride, conv.stride), "1"));
    arguments.extend(keyword("padding", &say(Kind::Padding, conv.padding), "0"));
    arguments.extend(keyword("dilation", &say(Kind::Dilation, conv.dilation), "1"));
    arguments.extend(keyword("groups", &say(Kind::Groups, conv.groups), "1"));
    arguments.push(Code::atom("bias=False"));
    Code::call("nn.Conv2d", arguments)
}

fn window(kernel: usize, stride: usize, padding: usize, number: &mut Number<'_>) -> Vec<Code> {
    let mut arguments = vec![
        Code::Atom(number(Kind::Kernel, kernel)),
        // The default is the side of the window.
        Code::Atom(format!("stride={}", number(Kind::Stride, stride))),
    ];
    arguments.extend(keyword("padding", &number(Kind::Padding, padding), "0"));
    arguments
}

/// The text of some layers without their numbers, by which those are told that are alike.
pub(super) fn signature(layers: &[Layer]) -> String {
    sequential(layers, &mut |_, _| "#".to_owned()).flat()
}

/// The numbers of some layers, in the order in which [`sequential`] writes them.
pub(super) fn numbers(layers: &[Layer]) -> Vec<(Kind, usize)> {
    let mut numbers = Vec::new();
    sequential(layers, &mut |kind, value| {
        numbers.push((kind, value));
        String::new()
    });
    numbers
}

/// Adds the modules of our own that some layers need.
pub(super) fn helpers(layers: &[Layer], needed: &mut BTreeSet<Helper>) {
    for layer in layers {
        match layer {
            Layer::SqueezeExcite { hard, .. } => {
                needed.insert(if *hard { Helper::HardSqueezeExcite } else { Helper::SqueezeExcite });
            }
            Layer::Shift => drop(needed.insert(Helper::Shift)),
            Layer::Truncate { .. } => drop(needed.insert(Helper::Truncate)),
            Layer::Branches { join, arms } => {
                needed.insert(if *join == Join::Sum { Helper::Sum } else { Helper::Concat });
                for arm in arms {
                    helpers(arm, needed);
                }
            }
            _ => {}
        }
    }
}
