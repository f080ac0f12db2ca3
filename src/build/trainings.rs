//! The trainings that follow a search: shortlist, finalists, and cells for a table.

use std::path::Path;
use std::sync::Arc;

use bonas_spaces::Architecture;
use bonas_spaces::network::{Network, Norm, SkeletonEntry, Union};
use bonas_supernet::evaluator::ScratchPlan;
use bonas_supernet::networks::{Networks, Size};
use bonas_supernet::recipe::ScratchRecipe;
use bonas_supernet::training::{Part, Task};

use super::follow_ups::Paired;
use crate::config::{FinalImages, FinalSettings, SearchConfig, ShortlistSettings};
use crate::{Evaluator, StudyError};

/// Networks of a search and of what follows it.
#[derive(Debug)]
pub struct Trainings<'a> {
    pub(super) config: &'a SearchConfig,
    /// What all of them share.
    pub networks: Networks,
}

impl ShortlistSettings {
    /// Size of the networks of the shortlist.
    pub fn size(&self) -> Size {
        Size { channels: self.channels, layers: self.layers, auxiliary: false }
    }
}

impl FinalSettings {
    /// Size of the networks of the final training.
    pub fn size(&self) -> Size {
        Size { channels: self.channels, layers: self.layers, auxiliary: self.auxiliary_weight > 0.0 }
    }

    /// Refuses a network to start from where several architectures are trained.
    ///
    /// # Errors
    /// [`StudyError::Setting`] named `final.init`.
    pub(crate) fn expect_no_init(&self) -> Result<(), StudyError> {
        let Some(init) = &self.init else { return Ok(()) };
        let reason = format!(
            "{init}; a trained network is of one architecture, and several are trained here; leave it out, and fine-tune with \
             `bonas train --init`"
        );
        Err(StudyError::Setting { name: "final.init".into(), reason })
    }

    /// The part that the final training learns for and is scored on.
    pub fn part(&self) -> Part {
        match self.images {
            FinalImages::All => Part::Test,
            FinalImages::Search => Part::TestOfSearch,
        }
    }
}

impl<'a> Trainings<'a> {
    /// Reads the images and finds the devices.
    ///
    /// # Errors
    /// As [`Networks::new`].
    pub fn new(config: &'a SearchConfig) -> Result<Self, StudyError> {
        Ok(Self { config, networks: Networks::new(&super::setup(config)?)? })
    }

    /// The same, to plan with: images whose format says their shape are read when they are asked for.
    ///
    /// # Errors
    /// As [`Networks::planned`].
    pub fn planned(config: &'a SearchConfig) -> Result<Self, StudyError> {
        Ok(Self { config, networks: Networks::planned(&super::setup(config)?)? })
    }

    /// The evaluators of the shortlist, one a worker: scored on the search's held-out images.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for settings that do not fit the images.
    pub fn shortlist(&self, folder: &Path) -> Result<Vec<Box<dyn Evaluator>>, StudyError> {
        let s = &self.config.shortlist;
        let metric = self.config.evaluator.metric();
        let recipe = ScratchRecipe { metric, ..s.recipe(&self.config.training) };
        let plan = self.plan(s.size(), recipe, Part::Validation, s.seeds, Paired::Shortlist);
        plan.evaluators(&self.networks, &self.networks.task()?, Some(folder))
    }

    /// The evaluators of the final training, one a worker.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for settings that do not fit the images.
    pub fn finalists(&self, folder: &Path) -> Result<Vec<Box<dyn Evaluator>>, StudyError> {
        let s = &self.config.finals;
        let recipe = s.checked_recipe(&self.config.training)?;
        let (skeleton, start) = (s.skeleton.clone(), self.init()?.map(|init| init.start));
        let plan = self.plan(s.size(), recipe, s.part(), s.seeds, Paired::Finals);
        let plan = ScratchPlan { skeleton, start, ..plan };
        plan.evaluators(&self.networks, &self.final_task()?, Some(folder))
    }

    /// Evaluators for a table, one a worker: the final training, `networks` times a seed, scored on `part` and
    /// `also`, of which nothing but the accuracies is kept.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for settings that do not fit the images.
    pub fn tabulating(
        &self,
        part: Part,
        also: Option<Part>,
        networks: usize,
    ) -> Result<Vec<Box<dyn Evaluator>>, StudyError> {
        let s = &self.config.finals;
        s.expect_no_init()?;
        let paired = match part {
            Part::Validation => Paired::Validation,
            Part::Test | Part::TestOfSearch => Paired::Test,
        };
        let recipe = s.checked_recipe(&self.config.training)?;
        let skeleton = s.skeleton.clone();
        let plan =
            ScratchPlan { also, skeleton, ..self.plan(s.size(), recipe, part, s.seeds * networks, paired) };
        plan.evaluators(&self.networks, &self.final_task()?, None)
    }

    /// The final network of an architecture.
    ///
    /// # Errors
    /// [`StudyError::Space`] for cells that the network does not fit.
    pub fn final_network(&self, architecture: &Architecture) -> Result<Network, StudyError> {
        let size = self.config.finals.size();
        let skeleton = self.networks.skeleton_of(self.final_skeleton()?, size, Norm::DISCRETE)?;
        Ok(skeleton.network(&Union::of(std::slice::from_ref(architecture))?, &self.networks.ops())?)
    }

    /// The skeleton of the final networks.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for a name that the space has not.
    pub fn final_skeleton(&self) -> Result<&'static SkeletonEntry, StudyError> {
        self.networks.skeleton_named(self.config.finals.skeleton.as_deref())
    }

    fn plan(
        &self,
        size: Size,
        recipe: ScratchRecipe,
        part: Part,
        seeds: usize,
        paired: Paired,
    ) -> ScratchPlan {
        let paired = Some(paired.seed(self.config));
        ScratchPlan { size, skeleton: None, recipe, start: None, part, also: None, seeds, paired }
    }

    /// The images of the final training.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for a split that does not fit.
    pub fn final_task(&self) -> Result<Arc<Task>, StudyError> {
        let limit = match self.config.finals.limit {
            0 => ("data.limit", self.config.data.limit),
            limit => ("final.limit", limit),
        };
        self.networks.task_of(limit, |usual| self.config.finals.augment(usual))
    }
}
