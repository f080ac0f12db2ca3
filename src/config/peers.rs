//! Settings of published strategies to compare with, their published values as defaults.

use bonas_surrogate::models::CountsBsr;
use bonas_surrogate::models::MlpParams;

use super::names::SurrogateName;
use super::strategy::batches;
use super::{at_least_1, ensure};

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
        batches(s.batches, s.batch)
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
        batches(s.batches, s.batch)
    }
}

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
        batches(s.batches, s.batch)
    }
}

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
        batches(s.batches, s.batch)
    }
}

crate::settings! {
    /// Settings of NSGA-II.
    pub struct Nsga2Settings {
        /// Members of the population: the best evaluations by front and crowding. Published: 100.
        population: usize = 20,
        /// Batches a round.
        batches: usize = 1,
        /// Children a batch.
        batch: usize = 10,
    }
    check(s) {
        at_least_1(s.population, "population")?;
        batches(s.batches, s.batch)
    }
}
