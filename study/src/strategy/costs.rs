//! Limits of multiply-adds on architectures made of choices.

use std::sync::Arc;

use bonas_spaces::network::{OpTable, Skeleton, Union};
use bonas_spaces::space::CostTable;
use bonas_spaces::{Choices, SearchSpace, SpaceError};
use rand::Rng;

/// Architectures that the search for a small one begins at.
const STARTS: usize = 16;

/// A limit of multiply-adds, and what says how many an architecture has.
#[derive(Clone, Debug)]
pub struct CostLimit {
    /// Multiply-adds of architectures.
    pub costs: Costs,
    /// The most that are allowed.
    pub most: u64,
}

/// The source of an architecture's multiply-adds: a sum over its choices, or its whole network.
#[derive(Clone, Debug)]
pub enum Costs {
    /// A table of every option, where they are a sum (SPOS, BN-NAS).
    Table(CostTable),
    /// The network of each architecture, counted where they are none.
    Counted {
        /// Around the cells.
        skeleton: Arc<dyn Skeleton>,
        /// What the operations are.
        ops: OpTable,
    },
}

impl Costs {
    /// The table of a space, or its networks counted where multiply-adds are no sum over its choices.
    ///
    /// # Errors
    /// [`SpaceError::Network`] when the space does not fit the skeleton.
    pub fn of(
        space: &dyn SearchSpace,
        skeleton: Arc<dyn Skeleton>,
        ops: OpTable,
    ) -> Result<Self, SpaceError> {
        let table = CostTable::of(space, &*skeleton, &ops)?;
        Ok(table.map_or(Self::Counted { skeleton, ops }, Self::Table))
    }

    /// Multiply-adds of choices; none if these make no architecture.
    pub(super) fn macs(&self, choices: &[usize], space: &dyn Choices) -> Result<Option<u64>, SpaceError> {
        match self {
            Self::Table(table) => Ok(Some(table.macs(choices))),
            Self::Counted { skeleton, ops } => {
                let Some(built) = space.build(choices)? else { return Ok(None) };
                Ok(Some(skeleton.network(&Union::of(&[built])?, ops)?.macs()))
            }
        }
    }

    /// Takes the cheapest option at a position, the first of equals, as the others are.
    pub(super) fn cheapen(
        &self,
        choices: &mut [usize],
        position: usize,
        space: &dyn Choices,
    ) -> Result<(), SpaceError> {
        if let Self::Table(table) = self {
            choices[position] = table.cheapest(position);
            return Ok(());
        }
        let before = choices[position];
        let mut best = (self.macs(choices, space)?.unwrap_or(u64::MAX), before);
        for option in (0..space.counts()[position]).filter(|&option| option != before) {
            choices[position] = option;
            if let Some(macs) = self.macs(choices, space)?.filter(|&macs| macs < best.0) {
                best = (macs, option);
            }
        }
        choices[position] = best.1;
        Ok(())
    }

    /// The fewest multiply-adds that an architecture has, exactly from a table. Counted, the fewest found
    /// by making one position after another of some choices as cheap as it can be, until none is left.
    fn least(&self, choices: &[usize], space: &dyn Choices) -> Result<u64, SpaceError> {
        if let Self::Table(table) = self {
            return Ok(table.least());
        }
        let (mut choices, mut least) = (choices.to_vec(), u64::MAX);
        loop {
            for position in 0..choices.len() {
                self.cheapen(&mut choices, position, space)?;
            }
            match self.macs(&choices, space)? {
                Some(macs) if macs < least => least = macs,
                _ => return Ok(least),
            }
        }
    }
}

impl CostLimit {
    /// Why no architecture can be expected to keep the limit; none where one is known that does. Exact with a
    /// table; counted, random architectures are made as small as can be, and the smallest found is named.
    ///
    /// # Errors
    /// [`SpaceError`] for a space that is none of choices.
    pub fn too_low(&self, space: &dyn SearchSpace, rng: &mut dyn Rng) -> Result<Option<String>, SpaceError> {
        let Some(choices) = space.choices() else {
            return Err(SpaceError::cell(format!("space {} is not one of choices", space.name())));
        };
        let exact = matches!(self.costs, Costs::Table(_));
        let mut least = u64::MAX;
        for _ in 0..if exact { 1 } else { STARTS } {
            least = least.min(self.costs.least(&choices.read(&space.sample(rng))?, choices)?);
            if least <= self.most {
                return Ok(None);
            }
        }
        let (most, name) = (self.most, space.name());
        Ok(Some(if exact {
            format!("{most}, but no architecture of {name} has so few; the smallest has {least}")
        } else {
            format!(
                "{most}, but no architecture of {name} with so few was found; the smallest found has {least}"
            )
        }))
    }
}
