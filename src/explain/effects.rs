//! Effects of operations: by least squares over exchanges.

use std::collections::{BTreeMap, BTreeSet};

use bonas_spaces::{Architecture, OpId};
use bonas_study::statistics::{mean, sd};
use bonas_surrogate::{Posterior, Predict};

use super::exchanges::{Exchanges, Options, Place};
use super::facts::{Effect, Explanation, Interval, PlaceEffects};
use super::{Asked, FEWEST_HALVED};
use crate::StudyError;

/// Values of the operations at one place of one architecture.
pub(super) type Block = Vec<(OpId, f64)>;

/// Predicted medians of all exchanges, in the order of the architectures.
pub(super) type Values = Vec<BTreeMap<Place, Block>>;

/// Added to the diagonal of the normal equations, so that operations that nothing compares with the others have no effect.
const RIDGE: f64 = 1e-9;

/// Adds the effects of operations to an explanation.
pub(super) fn answer(
    asked: &Asked<'_>,
    facts: &mut Explanation,
    (chosen, exchanges): (&[usize], &Exchanges),
    (fitted, halves): (&dyn Predict, &[Effects]),
) -> Result<(), StudyError> {
    if exchanges.places().is_empty() {
        return Ok(());
    }
    let all: Vec<usize> = (0..chosen.len()).collect();
    let values = values(fitted, &exchanges.of)?;
    if halves.is_empty() {
        facts.remarks.push(format!(
            "With fewer than {FEWEST_HALVED} scores there is nothing to halve, so that effects have no intervals."
        ));
    }
    let spread = |of: &dyn Fn(&Effects) -> Option<f64>| {
        let drawn: Vec<f64> = halves.iter().filter_map(of).collect();
        (drawn.len() > 1).then(|| sd(&drawn))
    };
    let whole = Effects::of(&values, &all);
    let vocabulary = asked.space.vocabulary();
    let named = |op: OpId, (value, count): (f64, usize), sd: Option<f64>| Effect {
        operation: vocabulary.name(op).to_owned(),
        effect: Interval::of(value, sd),
        count,
    };
    let each = whole.anywhere.iter().map(|(&op, &effect)| {
        named(op, effect, spread(&|half| half.anywhere.get(&op).map(|effect| effect.0)))
    });
    facts.operations = best_first(each.collect());
    for (place, effects) in &whole.at {
        let each = effects.iter().map(|(&op, &effect)| {
            named(op, effect, spread(&|half| half.at.get(place)?.get(&op).map(|effect| effect.0)))
        });
        let effects = best_first(each.collect());
        let place = exchanges.name(*place, asked, chosen);
        let values: Vec<f64> = effects.iter().map(|effect| effect.effect.value).collect();
        facts.places.push(PlaceEffects { place, spread: sd(&values), effects });
    }
    Ok(())
}

/// Predicted medians of all that operations are exchanged for.
pub(super) fn values(fitted: &dyn Predict, options: &[Options]) -> Result<Values, StudyError> {
    let blocks = options.iter().flat_map(BTreeMap::values).flatten();
    let architectures: Vec<Architecture> = blocks.map(|(_, architecture)| architecture.clone()).collect();
    let mut medians =
        fitted.predict(&architectures)?.into_iter().map(|posterior| Posterior::median(&posterior));
    let mut block = |there: &Vec<(OpId, Architecture)>| -> Block {
        there.iter().map(|(op, _)| *op).zip(medians.by_ref()).collect()
    };
    let of = |options: &Options| options.iter().map(|(&place, there)| (place, block(there))).collect();
    Ok(options.iter().map(of).collect())
}

/// Effects of operations, each with the number of values that it is found by.
#[derive(Debug)]
pub(super) struct Effects {
    pub(super) anywhere: BTreeMap<OpId, (f64, usize)>,
    pub(super) at: BTreeMap<Place, BTreeMap<OpId, (f64, usize)>>,
}

impl Effects {
    /// Of the values of some architectures.
    pub(super) fn of(values: &Values, rows: &[usize]) -> Self {
        let mut at: BTreeMap<Place, Vec<&Block>> = BTreeMap::new();
        for &row in rows {
            values[row].iter().for_each(|(&place, block)| at.entry(place).or_default().push(block));
        }
        let all: Vec<&Block> = at.values().flatten().copied().collect();
        let anywhere = least_squares(&all);
        Self { anywhere, at: at.into_iter().map(|(place, blocks)| (place, least_squares(&blocks))).collect() }
    }
}

/// Effects `e` of operations with the least squares of `value - base of the block - e`, of which the mean is 0 (a two-way analysis
/// of variance). Where every block has every operation, that is its mean less the mean of all.
fn least_squares(blocks: &[&Block]) -> BTreeMap<OpId, (f64, usize)> {
    let ops: BTreeSet<OpId> = blocks.iter().flat_map(|block| block.iter().map(|(op, _)| *op)).collect();
    let ops: Vec<OpId> = ops.into_iter().collect();
    let index: BTreeMap<OpId, usize> = ops.iter().copied().zip(0..).collect();
    let n = ops.len();
    let (mut normal, mut right, mut counts) = (vec![vec![0.0; n]; n], vec![0.0; n], vec![0; n]);
    for block in blocks {
        let centre = mean(&block.iter().map(|(_, value)| *value).collect::<Vec<_>>());
        let share = 1.0 / block.len() as f64;
        for (op, value) in *block {
            let i = index[op];
            counts[i] += 1;
            right[i] += value - centre;
            normal[i][i] += 1.0;
            block.iter().for_each(|(other, _)| normal[i][index[other]] -= share);
        }
    }
    (0..n).for_each(|i| normal[i][i] += RIDGE);
    let solved = solve(normal, right);
    let centre = mean(&solved);
    ops.into_iter().zip(solved.iter().map(|e| e - centre).zip(counts)).collect()
}

/// Solves `a x = b` for a symmetric positive definite matrix, by elimination.
fn solve(mut a: Vec<Vec<f64>>, mut b: Vec<f64>) -> Vec<f64> {
    let n = b.len();
    for i in 0..n {
        let (pivot, of_pivot) = (a[i].clone(), b[i]);
        for j in i + 1..n {
            let factor = a[j][i] / pivot[i];
            a[j].iter_mut().zip(&pivot).for_each(|(value, above)| *value -= factor * above);
            b[j] -= factor * of_pivot;
        }
    }
    let mut x = vec![0.0; n];
    for i in (0..n).rev() {
        let known: f64 = (i + 1..n).map(|j| a[i][j] * x[j]).sum();
        x[i] = (b[i] - known) / a[i][i];
    }
    x
}

/// Effects, the highest first, of equals the first in the vocabulary.
fn best_first(mut effects: Vec<Effect>) -> Vec<Effect> {
    effects.sort_by(|a, b| b.effect.value.total_cmp(&a.effect.value));
    effects
}

impl Exchanges {
    /// What a place is called.
    pub(super) fn name(&self, place: Place, asked: &Asked<'_>, chosen: &[usize]) -> String {
        let like = self.of.iter().position(|options| options.contains_key(&place)).unwrap_or_default();
        place.name(&asked.observations[chosen[like]].architecture, asked.space.cell_names())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn op(index: u16) -> OpId {
        OpId::from_index(index)
    }

    /// Bases 1 and 5; means of the operations 2, 5 and 4 less the mean of all, 11/3.
    #[test]
    fn effects_of_full_blocks_are_differences_of_means() {
        let blocks =
            [vec![(op(3), 0.0), (op(4), 3.0), (op(5), 2.0)], vec![(op(3), 4.0), (op(4), 7.0), (op(5), 6.0)]];
        let effects = least_squares(&blocks.iter().collect::<Vec<_>>());
        for (index, expected) in [(3, -5.0 / 3.0), (4, 4.0 / 3.0), (5, 1.0 / 3.0)] {
            let (found, count) = effects[&op(index)];
            assert!((found - expected).abs() < 1e-6 && count == 2, "{index}: {found}");
        }
    }

    /// Operations 3 and 5 never stand at one base; 4, which both are compared with, tells how far apart they are. 6 and 7 are
    /// compared with each other only.
    #[test]
    fn effects_of_incomplete_blocks_are_chained() {
        let blocks = [vec![(op(3), 10.0), (op(4), 11.0)], vec![(op(4), 0.0), (op(5), 2.0)]];
        let apart = [vec![(op(6), 5.0), (op(7), 9.0)]];
        let effects = least_squares(&blocks.iter().chain(&apart).collect::<Vec<_>>());
        let of = |index: u16| effects[&op(index)].0;
        assert!((of(5) - of(3) - 3.0).abs() < 1e-6 && (of(4) - of(3) - 1.0).abs() < 1e-6);
        assert!((of(7) - of(6) - 4.0).abs() < 1e-6);
        let sum: f64 = effects.values().map(|effect| effect.0).sum();
        assert!(sum.abs() < 1e-9);
    }
}
