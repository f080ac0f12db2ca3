//! Published strategies to compare with, out of the library's parts.

use bonas_surrogate::Surrogate;
use bonas_surrogate::acquisition::{ExpectedImprovement, Mean, Thompson, Ucb};
use bonas_surrogate::models::PathMlp;
use bonas_surrogate::models::WlGp;
use bonas_surrogate::models::gcn::BONAS_PUBLISHED;
use bonas_surrogate::selection::{Batches, TopK};

use super::surrogate;
use crate::StudyError;
use crate::config::{
    BananasSettings, BonasPublishedSettings, NasBowlSettings, NpenasSettings, SurrogateName,
};
use crate::strategy::{Aims, Bonas, Evolutionary, Objectives, Parents, Pool, Targets};

/// BANANAS: White, Neiswanger and Savani, AAAI 2021. An ensemble of path-encoded perceptrons,
/// independent Thompson sampling, mutants of the best.
pub(super) fn bananas(s: &BananasSettings) -> Bonas {
    let batches = Batches { count: s.batches, size: s.batch };
    let surrogate = Box::new(PathMlp { params: s.networks() });
    Bonas {
        acquisition: Box::new(Thompson),
        ..guided("bananas", surrogate, mutants(s.pool_size, s.population), s.initial, batches)
    }
}

/// Evolution guided by a predictor, after NPENAS: Wei, Niu, Tang, Wang, Hu and Liang, "NPENAS: Neural
/// Predictor Guided Evolution for Neural Architecture Search", IEEE TNNLS 2022. Of the mutants of the
/// best those that are predicted best are evaluated, without any exploration.
pub(super) fn npenas(s: &NpenasSettings) -> Result<Bonas, StudyError> {
    let batches = Batches { count: s.batches, size: s.batch };
    let pool = mutants(s.pool_size, s.population);
    Ok(guided("npenas", surrogate(s.surrogate)?, pool, s.initial, batches))
}

/// NAS-BOWL: Ru, Wan, Dong and Osborne, "Interpretable Neural Architecture Search via Bayesian
/// Optimisation with Weisfeiler-Lehman Kernels", ICLR 2021. A Gaussian process on the kernel, expected
/// improvement, mutants of the best and random architectures.
pub(super) fn nas_bowl(s: &NasBowlSettings) -> Result<Bonas, StudyError> {
    let batches = Batches { count: s.batches, size: s.batch };
    let pool = Evolutionary { random_share: s.random_share, ..mutants(s.pool_size, s.population) };
    Ok(Bonas {
        acquisition: Box::new(ExpectedImprovement::default()),
        ..guided("nas-bowl", surrogate(SurrogateName::of(&WlGp::ENTRY))?, pool, s.initial, batches)
    })
}

/// BONAS as published: Shi et al., NeurIPS 2020, and its released code. The graph network with its
/// approximations, an upper confidence bound, the best in order, mutants of the last evaluations.
pub(super) fn bonas_published(s: &BonasPublishedSettings) -> Result<Bonas, StudyError> {
    let batches = Batches { count: s.batches, size: s.batch };
    let pool = Evolutionary {
        size: s.pool_size,
        population: s.population,
        tournament: s.tournament,
        ..Evolutionary::default()
    };
    Ok(Bonas {
        acquisition: Box::new(Ucb::new(s.gamma)?),
        ..guided("bonas-published", surrogate(SurrogateName::of(&BONAS_PUBLISHED))?, pool, s.initial, batches)
    })
}

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
        acquisition: Box::new(Mean),
        selection: Box::new(TopK),
        pool: Pool::Evolutionary(pool),
        initial,
        batches,
        targets: Targets::Raw,
        aims: Aims::default(),
        objectives: Objectives::default(),
    }
}
