//! Published strategies to compare with, out of the library's parts: each is BONAS with other ones.

mod bananas;
mod bonas_published;
mod nas_bowl;
mod npenas;

use bonas_surrogate::Surrogate;
use bonas_surrogate::acquisition::Median;
use bonas_surrogate::selection::{Batches, TopK};

pub use bananas::BananasSettings;
pub use bonas_published::BonasPublishedSettings;
pub use nas_bowl::NasBowlSettings;
pub use npenas::NpenasSettings;

use super::{Bonas, CandidatePool, Evolutionary, Parents};

/// Mutants of the best evaluations, each of which is a parent as often.
fn mutants(size: usize, population: usize) -> Evolutionary {
    Evolutionary { size, population, parents: Parents::Best, tournament: 1, ..Evolutionary::default() }
}

/// A strategy that takes the candidates of the highest predicted mean.
fn guided(
    name: &str,
    surrogate: Box<dyn Surrogate>,
    pool: Evolutionary,
    initial: usize,
    batches: Batches,
) -> Bonas {
    Bonas {
        name: name.to_owned(),
        surrogate,
        acquisition: Box::new(Median),
        selection: Box::new(TopK),
        pool: CandidatePool::Evolutionary(pool),
        initial,
        batches,
        floor: false,
        ..Bonas::default()
    }
}
