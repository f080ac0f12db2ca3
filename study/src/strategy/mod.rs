//! Search strategies: what to evaluate next.
//!
//! Use one of these with a [`Study`](crate::Study), or implement [`Strategy`] for your own: it is asked for proposals and sees
//! everything measured through the history. [`Bonas`] is Bayesian optimisation with a surrogate; the other strategies are
//! baselines and published methods. Each strategy's settings implement [`BuildStrategy`], which is all that a program needs
//! to offer it by name.
//!
//! ```
//! use bonas_study::strategy::{Batches, Bonas};
//!
//! // Everything that is not set has the default of the `bonas` command.
//! let strategy = Bonas { initial: 5, batches: Batches { count: 1, size: 4 }, ..Bonas::default() };
//! assert_eq!(strategy.surrogate.name(), "ensemble");
//! ```

// First, for its macros.
#[macro_use]
mod build;

mod bonas;
mod costs;
mod evolution;
mod fresh;
mod genetic;
mod knowledge;
mod listed;
mod local_search;
mod names;
mod nsga2;
mod peers;
mod pool;
mod random;
mod targets;

pub use bonas::{Bonas, BonasSettings, Objectives, ObjectivesKind, ParentsKind, PoolKind, score_noise};
pub use bonas_surrogate::selection::Batches;
pub use build::{BuildContext, BuildStrategy, OwnNetwork};
pub use costs::{CostLimit, Costs};
pub use evolution::{EvolutionSettings, RegularizedEvolution};
pub use fresh::WHOLE_SPACE_CAP;
pub use genetic::{BnNasSettings, Genetic};
pub use knowledge::{
    Count, Knowledge, MACS, PARAMS, PriorKind, SOURCE_TASK_FILE, SourceTask, Start, Transfer,
};
pub use listed::Listed;
pub use local_search::{LocalSearch, LocalSearchSettings};
pub use names::{
    AcquisitionName, PartName, SelectionChoice, SelectionName, SurrogateName, either, surrogate,
    surrogates_with_prior,
};
pub use nsga2::{Nsga2, Nsga2Settings};
pub use peers::{BananasSettings, BonasPublishedSettings, NasBowlSettings, NpenasSettings};
pub use pool::{CandidatePool, Evolutionary, Local, Parents, Prefilter, WholeSpace};
pub use random::{RandomSearch, RandomSettings};
pub use targets::{Scored, Targets, TargetsKind};

/// The strategies of this crate, one line each with the name that configurations use; the docstring is the line about it
/// that commands print.
///
/// `strategies! { MACRO: HEAD { MORE } }` is `MACRO! { HEAD { these strategies, MORE } }`: a program adds strategies of
/// its own and declares the type of all.
#[macro_export]
macro_rules! strategies {
    ($($declare:ident)::+: $(#[$meta:meta])* pub enum $enum:ident as $what:literal of $trait:path { $($more:tt)* }) => {
        $($declare)::+! {
            $(#[$meta])*
            pub enum $enum as $what of $trait {
                /// Bayesian optimisation with a surrogate over architectures (Shi et al. 2020).
                Bonas($crate::strategy::BonasSettings) = "bonas",
                /// Uniform draws, none twice.
                Random($crate::strategy::RandomSettings) = "random",
                /// Regularised (aging) evolution (Real et al. 2019).
                Evolution($crate::strategy::EvolutionSettings) = "evolution",
                /// Evolution for two objectives (Deb et al. 2002).
                Nsga2($crate::strategy::Nsga2Settings) = "nsga2",
                /// Hill climbing with restarts (White et al. 2021).
                LocalSearch($crate::strategy::LocalSearchSettings) = "local-search",
                /// Path-encoded perceptrons and Thompson sampling (White et al. 2021).
                Bananas($crate::strategy::BananasSettings) = "bananas",
                /// Evolution guided by a predictor, after NPENAS (Wei et al. 2022).
                Npenas($crate::strategy::NpenasSettings) = "npenas",
                /// Weisfeiler-Lehman process and expected improvement (Ru et al. 2021).
                NasBowl($crate::strategy::NasBowlSettings) = "nas-bowl",
                /// BONAS with the published surrogate, acquisition and selection (Shi et al. 2020); needs
                /// libtorch.
                BonasPublished($crate::strategy::BonasPublishedSettings) = "bonas-published",
                /// Evolution of SPOS and BN-NAS under a limit of multiply-adds (Guo et al. 2020).
                BnNas($crate::strategy::BnNasSettings) = "bn-nas",
                $($more)*
            }
        }
    };
}

pub use crate::ask::{Ask, Candidate, Proposal, ScoreModel, Strategy};
pub use crate::history::{Aims, Bound};

use crate::StudyError;
use crate::settings::{Invalid, ensure};

/// Refuses batches that hold nothing.
fn check_batches(strategy: &str, batches: Batches) -> Result<(), StudyError> {
    check_positive(&format!("{strategy}.batches.count"), batches.count)?;
    check_positive(&format!("{strategy}.batches.size"), batches.size)
}

fn check_positive(name: &str, value: usize) -> Result<(), StudyError> {
    if value > 0 {
        return Ok(());
    }
    Err(StudyError::Setting { name: name.to_owned(), reason: "0, it must be at least 1".into() })
}

/// Checks the settings of batches that most strategies have.
pub(crate) fn check_batch_settings(count: usize, size: usize) -> Result<(), Invalid> {
    ensure(count >= 1, "batches", count, "at least 1")?;
    ensure(size >= 1, "batch", size, "at least 1")
}
