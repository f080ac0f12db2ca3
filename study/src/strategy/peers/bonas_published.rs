//! BONAS as published: Shi et al., NeurIPS 2020, and its released code. The graph network with its
//! approximations, an upper confidence bound, the best in order, mutants of the last evaluations.

use bonas_surrogate::acquisition::Ucb;
use bonas_surrogate::models::gcn::BONAS_PUBLISHED;

use super::guided;
use crate::StudyError;
use crate::settings::{at_least_1, ensure};
use crate::strategy::{
    Batches, Bonas, BuildContext, BuildStrategy, Evolutionary, Strategy, SurrogateName, check_batch_settings,
    surrogate,
};

crate::settings! {
    /// Settings of BONAS as published.
    pub struct BonasPublishedSettings {
        /// Random architectures evaluated before the first fit. Published: 100.
        initial: usize = 100,
        /// Batches a round.
        batches: usize = 1,
        /// Architectures a batch. Published: 100.
        batch: usize = 100,
        /// Weight of the standard deviation in the upper confidence bound. Published: 0.5.
        gamma: f64 = 0.5,
        /// Candidates of the evolutionary pool. Published: 1000.
        pool_size: usize = 1000,
        /// Last evaluations that parents are drawn from. Published: 30.
        population: usize = 30,
        /// Members drawn for a tournament. Published: 10.
        tournament: usize = 10,
    }
    check(s) {
        at_least_1(s.initial, "initial")?;
        at_least_1(s.pool_size, "pool_size")?;
        at_least_1(s.population, "population")?;
        at_least_1(s.tournament, "tournament")?;
        ensure((0.0..f64::INFINITY).contains(&s.gamma), "gamma", s.gamma, "0 or more")?;
        check_batch_settings(s.batches, s.batch)
    }
}

impl BuildStrategy for BonasPublishedSettings {
    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn Strategy>, StudyError> {
        let batches = Batches { count: self.batches, size: self.batch };
        let pool = Evolutionary {
            size: self.pool_size,
            population: self.population,
            tournament: self.tournament,
            ..Evolutionary::default()
        };
        Ok(Box::new(Bonas {
            acquisition: Box::new(Ucb::new(self.gamma)?),
            ..guided(
                "bonas-published",
                surrogate(SurrogateName::of(&BONAS_PUBLISHED))?,
                pool,
                self.initial,
                batches,
            )
        }))
    }

    batch_and_initial!();

    fn estimates(&self) -> bool {
        true
    }

    fn needs_torch(&self) -> bool {
        true
    }
}
