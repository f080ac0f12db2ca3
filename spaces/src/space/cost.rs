//! Multiply-adds of an architecture as a sum over its choices.

use crate::error::SpaceError;
use crate::network::{OpTable, Skeleton, Union};
use crate::space::SearchSpace;

/// A look-up table of multiply-adds, one number for each option at each position (SPOS, BN-NAS).
///
/// An architecture has `base + Σ_i extra[i][choice_i]` multiply-adds. The sum is exact if the cost of an
/// option does not depend on the other choices, for example because a skeleton fixes all widths. It
/// counts operations that no data reaches (behind `none` in NAS-Bench-201), as the published tables do;
/// [`Network::macs`](crate::network::Network::macs) leaves them out and is therefore at most this sum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CostTable {
    /// Multiply-adds of the architecture that takes the last option everywhere.
    base: i128,
    extra: Vec<Vec<i128>>,
}

impl CostTable {
    /// Builds the table from one network for each option; `None` for a space without
    /// [`Choices`](super::Choices), or a skeleton that is not additive.
    ///
    /// # Errors
    /// [`SpaceError::Network`] when the space does not fit the skeleton.
    pub fn of(
        space: &dyn SearchSpace,
        skeleton: &dyn Skeleton,
        ops: &OpTable,
    ) -> Result<Option<Self>, SpaceError> {
        let Some(choices) = space.choices().filter(|_| skeleton.is_additive()) else { return Ok(None) };
        let counts = choices.counts();
        let macs = |options: &[usize]| -> Result<i128, SpaceError> {
            let built = choices.build(options)?;
            let built = built.ok_or_else(|| SpaceError::network("choices that make no architecture"))?;
            let union = Union::of(&[built])?;
            Ok(i128::from(skeleton.network(&union, ops)?.macs()))
        };
        // Not the first option, which may be `none`: what stands behind one would count nothing.
        let last: Vec<usize> = counts.iter().map(|count| count - 1).collect();
        let base = macs(&last)?;
        let mut extra = Vec::with_capacity(counts.len());
        for (position, &count) in counts.iter().enumerate() {
            let of = |option| {
                let mut options = last.clone();
                options[position] = option;
                Ok(macs(&options)? - base)
            };
            extra.push((0..count).map(of).collect::<Result<_, SpaceError>>()?);
        }
        Ok(Some(Self { base, extra }))
    }

    /// Multiply-adds of the architecture with these options, one for each position.
    pub fn macs(&self, choices: &[usize]) -> u64 {
        let extra: i128 = self.extra.iter().zip(choices).map(|(options, &choice)| options[choice]).sum();
        (self.base + extra).max(0) as u64
    }

    /// The cheapest option at a position; the first one in a tie.
    pub fn cheapest(&self, position: usize) -> usize {
        let options = self.extra[position].iter().enumerate();
        options.min_by_key(|(_, extra)| **extra).map_or(0, |(option, _)| option)
    }

    /// The smallest number of multiply-adds that an architecture can have.
    pub fn least(&self) -> u64 {
        let cheapest: Vec<usize> = (0..self.extra.len()).map(|position| self.cheapest(position)).collect();
        self.macs(&cheapest)
    }
}
