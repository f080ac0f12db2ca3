//! The best by utility.

use rand::Rng;

use super::pick::{best_first, check, cut};
use super::{Batches, Candidates, Selection, SelectionEntry};
use crate::SurrogateError;
use crate::entry::PartEntry;

/// The `count * size` best candidates, cut into batches from the best down; the lowest index wins a tie.
///
/// This is the published selection of BONAS (Shi et al., 2020).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TopK;

impl TopK {
    /// "top-k" in the catalogue.
    pub const ENTRY: SelectionEntry =
        PartEntry::new("top-k", "The best by utility, in order", |_| Ok(Box::new(Self)));
}

impl Selection for TopK {
    fn select(
        &self,
        candidates: &Candidates<'_>,
        batches: Batches,
        _: &mut dyn Rng,
    ) -> Result<Vec<Vec<usize>>, SurrogateError> {
        check(candidates, batches)?;
        Ok(cut(&best_first(candidates.utilities, batches.total()), batches))
    }

    fn reads_embeddings(&self) -> bool {
        false
    }
}
