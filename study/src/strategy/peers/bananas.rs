//! BANANAS: White, Neiswanger and Savani, AAAI 2021. An ensemble of path-encoded perceptrons,
//! independent Thompson sampling, mutants of the best.

use bonas_surrogate::acquisition::Thompson;
use bonas_surrogate::models::{MlpParams, PathMlp};

use super::{guided, mutants};
use crate::StudyError;
use crate::settings::{at_least_1, ensure};
use crate::strategy::{Batches, Bonas, BuildContext, BuildStrategy, Strategy, check_batch_settings};

crate::settings! {
    /// Settings of BANANAS.
    pub struct BananasSettings {
        /// Random architectures evaluated before the first fit. Published: 10.
        initial: usize = 10,
        /// Batches a round.
        batches: usize = 1,
        /// Architectures a batch. Published: 10.
        batch: usize = 10,
        /// Networks of the ensemble. Published: 5.
        ensemble: usize = 5,
        /// Hidden layers of a network. Published: 10.
        layers: usize = 10,
        /// Units of a hidden layer. Published: 20.
        width: usize = 20,
        /// Passes over the data. Published: 150.
        epochs: usize = 150,
        /// Adam's step size. Published: 0.01.
        learning_rate: f64 = 0.01,
        /// Mutants that are predicted each round. Published: 100.
        pool_size: usize = 100,
        /// Best architectures that are mutated. Published: 10.
        population: usize = 10,
    }
    check(s) {
        at_least_1(s.initial, "initial")?;
        at_least_1(s.ensemble, "ensemble")?;
        at_least_1(s.layers, "layers")?;
        at_least_1(s.width, "width")?;
        at_least_1(s.epochs, "epochs")?;
        at_least_1(s.pool_size, "pool_size")?;
        at_least_1(s.population, "population")?;
        let rate = s.learning_rate > 0.0 && s.learning_rate.is_finite();
        ensure(rate, "learning_rate", s.learning_rate, "a number above 0")?;
        check_batch_settings(s.batches, s.batch)
    }
}

impl BananasSettings {
    /// The networks of these settings.
    pub fn networks(&self) -> MlpParams {
        MlpParams {
            ensemble: self.ensemble,
            layers: self.layers,
            width: self.width,
            epochs: self.epochs,
            learning_rate: self.learning_rate,
            ..MlpParams::default()
        }
    }
}

impl BuildStrategy for BananasSettings {
    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn Strategy>, StudyError> {
        let batches = Batches { count: self.batches, size: self.batch };
        let surrogate = Box::new(PathMlp { params: self.networks() });
        Ok(Box::new(Bonas {
            acquisition: Box::new(Thompson),
            ..guided("bananas", surrogate, mutants(self.pool_size, self.population), self.initial, batches)
        }))
    }

    batch_and_initial!();

    fn estimates(&self) -> bool {
        true
    }
}
