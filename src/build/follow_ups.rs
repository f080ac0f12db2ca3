//! What follows a search: networks that are trained from scratch, or runs of an evaluator that follows up itself.

use std::path::Path;

use bonas_spaces::Architecture;
use bonas_study::evaluator::command::{CommandRuns, Purpose};
use bonas_study::rng::{SEEDS, stream};
#[cfg(not(feature = "torch"))]
use bonas_supernet::networks::without_torch;
use rand::Rng;

#[cfg(feature = "torch")]
use super::Trainings;
use crate::config::{FinalSettings, SearchConfig, ShortlistSettings, plain};
use crate::{Evaluator, StudyError};

/// Evaluations whose seeds all architectures share.
#[derive(Clone, Copy)]
#[cfg_attr(not(feature = "torch"), allow(dead_code))]
pub(super) enum Paired {
    Shortlist,
    Finals,
    Validation,
    Test,
}

impl Paired {
    /// What the seeds of these evaluations come from.
    pub(super) fn seed(self, config: &SearchConfig) -> u64 {
        stream(config.study.seed, &[SEEDS, self as u64]).next_u64()
    }
}

/// Trainable parameters and multiply-adds of one image, where they are known.
pub type Counts = (Option<usize>, Option<u64>);

/// The evaluations that follow a search.
#[derive(Debug)]
pub struct FollowUps<'a> {
    config: &'a SearchConfig,
    /// None where the evaluator follows up itself.
    #[cfg(feature = "torch")]
    trainings: Option<Trainings<'a>>,
}

impl<'a> FollowUps<'a> {
    /// Prepares the evaluations of a configuration: reads the images where networks are trained.
    ///
    /// # Errors
    /// [`StudyError::Setting`] where networks are to be trained and this build has no libtorch, [`StudyError::Data`].
    pub fn new(config: &'a SearchConfig) -> Result<Self, StudyError> {
        #[cfg(feature = "torch")]
        return Ok(Self { config, trainings: Self::trainings(config, Trainings::new)? });
        #[cfg(not(feature = "torch"))]
        Self::without_networks(config)
    }

    /// The same, to plan with: images whose format says their shape are read when they are asked for.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn planned(config: &'a SearchConfig) -> Result<Self, StudyError> {
        #[cfg(feature = "torch")]
        return Ok(Self { config, trainings: Self::trainings(config, Trainings::planned)? });
        #[cfg(not(feature = "torch"))]
        Self::without_networks(config)
    }

    #[cfg(feature = "torch")]
    fn trainings(
        config: &'a SearchConfig,
        make: impl FnOnce(&'a SearchConfig) -> Result<Trainings<'a>, StudyError>,
    ) -> Result<Option<Trainings<'a>>, StudyError> {
        (!config.evaluator.follows_up()).then(|| make(config)).transpose()
    }

    #[cfg(not(feature = "torch"))]
    fn without_networks(config: &'a SearchConfig) -> Result<Self, StudyError> {
        if config.evaluator.follows_up() {
            return Ok(Self { config });
        }
        Err(if config.shortlist.cells > 0 {
            without_torch("shortlist.cells", "a shortlist", "set shortlist.cells = 0")
        } else {
            without_torch("final.seeds", "final training", "set final.seeds = 0")
        })
    }

    /// The networks that are trained; none where the evaluator follows up itself.
    #[cfg(feature = "torch")]
    pub fn networks(&self) -> Option<&Trainings<'a>> {
        self.trainings.as_ref()
    }

    /// Whether all is computed on the processors of this process.
    pub fn on_processors(&self) -> bool {
        #[cfg(feature = "torch")]
        if let Some(trainings) = &self.trainings {
            return trainings.networks.on_processors();
        }
        false
    }

    /// The evaluators of the shortlist, one a worker.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for settings that do not fit.
    pub fn shortlist(&self, folder: &Path) -> Result<Vec<Box<dyn Evaluator>>, StudyError> {
        #[cfg(feature = "torch")]
        if let Some(trainings) = &self.trainings {
            return trainings.shortlist(folder);
        }
        let ShortlistSettings { cells, by, seeds, epochs, .. } = self.config.shortlist;
        let own = ShortlistSettings { cells, by, seeds, epochs, ..ShortlistSettings::default() };
        expect_own("shortlist", &plain("", &own), &plain("", &self.config.shortlist))?;
        let paired = Some(Paired::Shortlist.seed(self.config));
        self.follow_up(CommandRuns { purpose: Purpose::Shortlist, epochs, seeds, paired }, folder)
    }

    /// The evaluators of the winner and the random architectures beside it, one a worker.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for settings that do not fit.
    pub fn finalists(&self, folder: &Path) -> Result<Vec<Box<dyn Evaluator>>, StudyError> {
        #[cfg(feature = "torch")]
        if let Some(trainings) = &self.trainings {
            return trainings.finalists(folder);
        }
        let FinalSettings { random, seeds, epochs, .. } = self.config.finals;
        let own = FinalSettings { random, seeds, epochs, ..FinalSettings::default() };
        expect_own("final", &plain("", &own), &plain("", &self.config.finals))?;
        let paired = Some(Paired::Finals.seed(self.config));
        self.follow_up(CommandRuns { purpose: Purpose::Final, epochs, seeds, paired }, folder)
    }

    fn follow_up(&self, runs: CommandRuns, folder: &Path) -> Result<Vec<Box<dyn Evaluator>>, StudyError> {
        self.config.evaluator.follow_up(&super::setup(self.config)?, runs, folder)
    }

    /// Trainable parameters, and multiply-adds of one image, of the final networks of some architectures, in their order; none
    /// where they are not known.
    ///
    /// # Errors
    /// [`StudyError::Setting`] where there is no such network.
    pub fn counts(&self, architectures: &[Architecture]) -> Result<Vec<Counts>, StudyError> {
        #[cfg(feature = "torch")]
        if let Some(trainings) = &self.trainings {
            let counts = |architecture| {
                let network = trainings.final_network(architecture)?;
                Ok((Some(network.params()), Some(network.macs())))
            };
            return architectures.iter().map(counts).collect();
        }
        let params = self.config.evaluator.params(&super::setup(self.config)?, architectures)?;
        Ok(params.into_iter().map(|params| (params, None)).collect())
    }
}

/// Refuses a setting that only networks on images have: `there` differs from `own` in a line.
fn expect_own(section: &str, own: &str, there: &str) -> Result<(), StudyError> {
    // Keys without a value are not printed, so that one side may have more lines.
    let mut usual = own.lines();
    let Some(line) = there.lines().find(|line| usual.next() != Some(line)) else { return Ok(()) };
    let key = line.split(' ').next().unwrap_or(line);
    let reason = "it is for networks on images, and here section [evaluator] says how architectures are measured; leave it out";
    Err(StudyError::Setting { name: format!("{section}.{key}"), reason: reason.into() })
}
