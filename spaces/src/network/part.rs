//! Choices that share their weights.

use std::collections::BTreeSet;

use super::{Conv, Layer};

/// Lets the choices of an edge share the weights of their convolutions and squeeze-and-excitation, layer by layer: each
/// becomes a [`Layer::Part`] of one that is as large as the largest in every respect.
///
/// Choices without layers take no part. Choices of different kinds of layers keep weights of their own, and so does one
/// alone. Each choice has its own batch normalisation, as in slimmable networks (Yu et al. 2019), for the statistics of
/// two widths differ.
pub(crate) fn shared(choices: Vec<Vec<Layer>>) -> Vec<Vec<Layer>> {
    let mut filled = choices.iter().filter(|layers| !layers.is_empty());
    let Some(first) = filled.next() else { return choices };
    let whole = filled.clone().try_fold(first.clone(), |whole, layers| all_larger(&whole, layers));
    match whole {
        Some(whole) if filled.next().is_some() => {
            let part =
                |layers: Vec<Layer>| layers.into_iter().zip(&whole).map(|(l, w)| part_of(l, w)).collect();
            choices.into_iter().map(part).collect()
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

fn part_of(layer: Layer, whole: &Layer) -> Layer {
    match (layer, whole) {
        (layer @ (Layer::Conv(_) | Layer::SqueezeExcite { .. }), whole) => {
            Layer::Part { whole: Box::new(whole.clone()), part: Box::new(layer) }
        }
        (Layer::Branches { join, arms }, Layer::Branches { arms: wholes, .. }) => {
            let arm = |(arm, whole): (Vec<Layer>, &Vec<Layer>)| {
                arm.into_iter().zip(whole).map(|(layer, whole)| part_of(layer, whole)).collect()
            };
            Layer::Branches { join, arms: arms.into_iter().zip(wholes).map(arm).collect() }
        }
        (layer, _) => layer,
    }
}

/// Parameters that are counted with more than one choice of an edge.
pub(super) fn repeated_params<'a>(choices: impl Iterator<Item = &'a [Layer]>) -> usize {
    let mut seen = BTreeSet::new();
    choices.map(|layers| repeated(layers, &mut Vec::new(), &mut seen)).sum()
}

/// `place` is where the layers stand, which parts of the same weights have in common.
fn repeated(layers: &[Layer], place: &mut Vec<usize>, seen: &mut BTreeSet<Vec<usize>>) -> usize {
    let mut count = 0;
    for (i, layer) in layers.iter().enumerate() {
        place.push(i);
        match layer {
            Layer::Part { whole, .. } if !seen.insert(place.clone()) => count += whole.params(),
            Layer::Branches { arms, .. } => {
                for (arm, layers) in arms.iter().enumerate() {
                    place.push(arm);
                    count += repeated(layers, place, seen);
                    place.pop();
                }
            }
            _ => {}
        }
        place.pop();
    }
    count
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
        let choices = shared(vec![block(8, 5), vec![], block(12, 3)]);
        let all: usize = choices.iter().flatten().map(Layer::params).sum();
        let once = all - repeated_params(choices.iter().map(|layers| &layers[..]));
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
            assert_eq!(shared(choices.clone()), choices);
        }
    }
}
