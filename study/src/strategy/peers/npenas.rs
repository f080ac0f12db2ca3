//! Evolution guided by a predictor, after NPENAS: Wei, Niu, Tang, Wang, Hu and Liang, "NPENAS: Neural
//! Predictor Guided Evolution for Neural Architecture Search", IEEE TNNLS 2022. Of the mutants of the
//! best those that are predicted best are evaluated, without any exploration.

use bonas_surrogate::models::CountsBsr;

use super::{guided, mutants};
use crate::StudyError;
use crate::settings::at_least_1;
use crate::strategy::{
    Batches, BuildContext, BuildStrategy, Strategy, SurrogateName, check_batch_settings, names::surrogate_for,
};

crate::settings! {
    /// Settings of evolution guided by a predictor.
    pub struct NpenasSettings {
        /// Random architectures evaluated before the first fit. Published: 10.
        initial: usize = 10,
        /// Batches a round.
        batches: usize = 1,
        /// Architectures a batch: the children predicted best. Published: 10.
        batch: usize = 10,
        /// The predictor. Published: a graph isomorphism network, which this program does not have.
        surrogate: SurrogateName = SurrogateName::of(&CountsBsr::ENTRY),
        /// Children a round. Published: 100.
        pool_size: usize = 100,
        /// Best architectures that children are mutants of. Published: 10.
        population: usize = 10,
    }
    check(s) {
        at_least_1(s.initial, "initial")?;
        at_least_1(s.pool_size, "pool_size")?;
        at_least_1(s.population, "population")?;
        check_batch_settings(s.batches, s.batch)
    }
}

impl BuildStrategy for NpenasSettings {
    fn build(&self, context: &BuildContext<'_>) -> Result<Box<dyn Strategy>, StudyError> {
        let batches = Batches { count: self.batches, size: self.batch };
        let surrogate = surrogate_for(self.surrogate, context.space)?;
        let pool = mutants(self.pool_size, self.population);
        Ok(Box::new(guided("npenas", surrogate, pool, self.initial, batches)))
    }

    batch_and_initial!();

    fn estimates(&self) -> bool {
        true
    }

    fn needs_torch(&self) -> bool {
        self.surrogate.needs_torch()
    }
}
