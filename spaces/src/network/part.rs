//! Choices that share their weights.

use std::collections::BTreeSet;

use super::{Conv, Kernels, Layer};

/// Lets the choices of an edge share the weights of their convolutions and squeeze-and-excitation, layer by layer: each
/// becomes a [`Layer::Part`] of one that is as large as the largest in every respect.
///
/// Choices without layers take no part. Choices of different kinds of layers keep weights of their own, and so does one
/// alone. Each choice has its own batch normalisation, as in slimmable networks (Yu et al. 2019), for the statistics of
/// two widths differ.
pub(crate) fn shared(choices: Vec<Vec<Layer>>, kernels: Kernels) -> Vec<Vec<Layer>> {
    let mut filled = choices.iter().filter(|layers| !layers.is_empty());
    let Some(first) = filled.next() else { return choices };
    let whole = filled.clone().try_fold(first.clone(), |whole, layers| all_larger(&whole, layers));
    match whole {
        Some(whole) if filled.next().is_some() => {
            choices.into_iter().map(|layers| parts_of("", layers, &whole, kernels)).collect()
        }
        _ => choices,
    }
}

/// Layers as large as either, if they are of the same kinds.
fn all_larger(a: &[Layer], b: &[Layer]) -> Option<Vec<Layer>> {
    (a.len() == b.len()).then(|| a.iter().zip(b).map(|(a, b)| larger(a, b)).collect()).flatten()
}

fn larger(a: &Layer, b: &Layer) -> Option<Layer> {
    match (a, b) {
        (Layer::Conv(a), Layer::Conv(b)) => larger_conv(*a, *b).map(Layer::Conv),
        (Layer::BatchNorm { .. }, Layer::BatchNorm { .. }) => Some(a.clone()),
        (
            &Layer::SqueezeExcite { channels: c, squeeze: s, hard },
            &Layer::SqueezeExcite { channels, squeeze, hard: other },
        ) if hard == other => {
            Some(Layer::SqueezeExcite { channels: channels.max(c), squeeze: squeeze.max(s), hard })
        }
        (Layer::Branches { join, arms: a }, Layer::Branches { join: other, arms: b })
            if join == other && a.len() == b.len() =>
        {
            let arms = a.iter().zip(b).map(|(a, b)| all_larger(a, b)).collect::<Option<_>>()?;
            Some(Layer::Branches { join: *join, arms })
        }
        (a, b) => (a == b).then(|| a.clone()),
    }
}

/// Both dense, or both depthwise, at one stride and dilation.
fn larger_conv(a: Conv, b: Conv) -> Option<Conv> {
    let depthwise = |conv: Conv| conv.groups == conv.input && conv.groups == conv.output && conv.groups > 1;
    let alike = (a.stride, a.dilation) == (b.stride, b.dilation)
        && ((a.groups == 1 && b.groups == 1) || (depthwise(a) && depthwise(b)));
    alike.then(|| Conv {
        input: a.input.max(b.input),
        output: a.output.max(b.output),
        groups: a.groups.max(b.groups),
        kernel: a.kernel.max(b.kernel),
        padding: a.padding.max(b.padding),
        ..a
    })
}

/// Layers whose convolutions and squeeze-and-excitations are parts of those of `wholes`, under a key.
pub(crate) fn parts(key: &str, layers: Vec<Layer>, wholes: &[Layer]) -> Vec<Layer> {
    parts_of(key, layers, wholes, Kernels::Cropped)
}

fn parts_of(key: &str, layers: Vec<Layer>, wholes: &[Layer], kernels: Kernels) -> Vec<Layer> {
    layers.into_iter().zip(wholes).map(|(layer, whole)| part_of(key, layer, whole, kernels)).collect()
}

fn part_of(key: &str, layer: Layer, whole: &Layer, kernels: Kernels) -> Layer {
    match (layer, whole) {
        (layer @ (Layer::Conv(_) | Layer::SqueezeExcite { .. }), whole) => Layer::Part {
            key: key.to_owned(),
            whole: Box::new(whole.clone()),
            part: Box::new(layer),
            kernels,
        },
        (Layer::Branches { join, arms }, Layer::Branches { arms: wholes, .. }) => {
            let arms =
                arms.into_iter().zip(wholes).map(|(arm, whole)| parts_of(key, arm, whole, kernels)).collect();
            Layer::Branches { join, arms }
        }
        (layer, _) => layer,
    }
}

/// Parameters that are counted with more than one layer of a cell, whose edges have these choices.
pub(super) fn repeated_params<'a, E: Iterator<Item = &'a [Layer]>>(edges: impl Iterator<Item = E>) -> usize {
    let mut seen = Seen::default();
    let edge = |(edge, choices): (usize, E)| {
        choices.map(|layers| seen.repeated(edge, layers, &mut Vec::new())).sum::<usize>()
    };
    edges.enumerate().map(edge).sum()
}

/// Where weights stand: a key, the edge if that is empty, and the place in the list of layers; of matrices the side of the
/// kernels that they make.
type Place<'a> = (&'a str, Option<usize>, Vec<usize>, Option<usize>);

/// Weights that were met.
#[derive(Default)]
struct Seen<'a>(BTreeSet<Place<'a>>);

impl<'a> Seen<'a> {
    fn repeated(&mut self, edge: usize, layers: &'a [Layer], place: &mut Vec<usize>) -> usize {
        let mut count = 0;
        for (i, layer) in layers.iter().enumerate() {
            place.push(i);
            match layer {
                Layer::Part { key, whole, .. } => {
                    let edge = key.is_empty().then_some(edge);
                    let matrices = layer.made_kernels().into_iter();
                    let all = matrices.map(|side| (Some(side), Kernels::matrix_params(side)));
                    for (side, params) in all.chain([(None, whole.params())]) {
                        let first = self.0.insert((key, edge, place.clone(), side));
                        count += if first { 0 } else { params };
                    }
                }
                Layer::Branches { arms, .. } => {
                    for (arm, layers) in arms.iter().enumerate() {
                        place.push(arm);
                        count += self.repeated(edge, layers, place);
                        place.pop();
                    }
                }
                _ => {}
            }
            place.pop();
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Join, Shape};
    use super::*;

    fn block(width: usize, kernel: usize) -> Vec<Layer> {
        let main = vec![
            Layer::Conv(Conv::pointwise(4, width)),
            Layer::BatchNorm { channels: width, affine: true },
            Layer::Conv(Conv::depthwise(width, kernel, 1, 1)),
            Layer::SqueezeExcite { channels: width, squeeze: width / 2, hard: true },
            Layer::Conv(Conv::pointwise(width, 4)),
        ];
        vec![Layer::Branches { join: Join::Sum, arms: vec![vec![], main] }]
    }

    /// Whole: 4x12 + 12x25 + (2x12x6 + 12 + 6) + 12x4 and two times BatchNorm, of 8 and 12.
    #[test]
    fn parts_of_one_whole_count_it_once() {
        let choices = shared(vec![block(8, 5), vec![], block(12, 3)], Kernels::Cropped);
        let all: usize = choices.iter().flatten().map(Layer::params).sum();
        let of = || choices.iter().map(|layers| &layers[..]);
        let once = all - repeated_params([of()].into_iter());
        // Choices of another edge have weights of their own.
        assert_eq!(repeated_params([of(), of()].into_iter()), 2 * (all - once));
        assert_eq!(once, 48 + 300 + 162 + 48 + 2 * (8 + 12));
        for (choice, alone) in choices.iter().zip([block(8, 5), vec![], block(12, 3)]) {
            for (layer, alone) in choice.iter().zip(&alone) {
                let shape = Shape::square(4, 6);
                assert_eq!(layer.output(shape), alone.output(shape));
                assert_eq!(layer.macs(shape), alone.macs(shape));
            }
        }
    }

    #[test]
    fn what_differs_in_kind_or_is_alone_keeps_its_weights() {
        let strided = vec![Layer::Conv(Conv::same(4, 4, 3, 2))];
        let plain = vec![Layer::Conv(Conv::same(4, 4, 3, 1))];
        for choices in
            [vec![strided, plain.clone()], vec![plain.clone(), vec![]], vec![plain, block(8, 3)], vec![]]
        {
            for kernels in [Kernels::Transformed, Kernels::Cropped] {
                assert_eq!(shared(choices.clone(), kernels), choices);
            }
        }
    }

    /// Of kernels of 7, 5, 3 and 3 again, a matrix of 25 x 25 makes the second and two make each of the others: counted once.
    #[test]
    fn matrices_of_kernels_count_once() {
        let params = |kernels| {
            let choices = shared(vec![block(8, 7), block(8, 5), block(12, 3), block(8, 3)], kernels);
            let all: usize = choices.iter().flatten().map(Layer::params).sum();
            all - repeated_params([choices.iter().map(|layers| &layers[..])].into_iter())
        };
        assert_eq!(params(Kernels::Transformed) - params(Kernels::Cropped), 25 * 25 + 9 * 9);
    }
}
