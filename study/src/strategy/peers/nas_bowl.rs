//! NAS-BOWL: Ru, Wan, Dong and Osborne, "Interpretable Neural Architecture Search via Bayesian
//! Optimisation with Weisfeiler-Lehman Kernels", ICLR 2021. A Gaussian process on the kernel, expected
//! improvement, mutants of the best and random architectures.

use bonas_surrogate::acquisition::ExpectedImprovement;
use bonas_surrogate::models::WlGp;

use super::{guided, mutants};
use crate::StudyError;
use crate::settings::{at_least_1, ensure};
use crate::strategy::{
    Batches, Bonas, BuildContext, BuildStrategy, Evolutionary, Strategy, SurrogateName, check_batch_settings,
    surrogate,
};

crate::settings! {
    /// Settings of NAS-BOWL.
    pub struct NasBowlSettings {
        /// Random architectures evaluated before the first fit. Published: 10.
        initial: usize = 10,
        /// Batches a round.
        batches: usize = 1,
        /// Architectures a batch. Published: 5.
        batch: usize = 5,
        /// Candidates that are predicted each round. Published: 200.
        pool_size: usize = 200,
        /// Best architectures that are mutated. Published: 10.
        population: usize = 10,
        /// Share of the candidates drawn at random. Published: 0.5.
        random_share: f64 = 0.5,
    }
    check(s) {
        at_least_1(s.initial, "initial")?;
        at_least_1(s.pool_size, "pool_size")?;
        at_least_1(s.population, "population")?;
        ensure((0.0..=1.0).contains(&s.random_share), "random_share", s.random_share, "a share from 0 to 1")?;
        check_batch_settings(s.batches, s.batch)
    }
}

impl BuildStrategy for NasBowlSettings {
    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn Strategy>, StudyError> {
        let batches = Batches { count: self.batches, size: self.batch };
        let pool =
            Evolutionary { random_share: self.random_share, ..mutants(self.pool_size, self.population) };
        Ok(Box::new(Bonas {
            acquisition: Box::new(ExpectedImprovement::default()),
            ..guided("nas-bowl", surrogate(SurrogateName::of(&WlGp::ENTRY))?, pool, self.initial, batches)
        }))
    }

    batch_and_initial!();

    fn estimates(&self) -> bool {
        true
    }
}
