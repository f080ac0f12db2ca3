//! Evaluators of one kind of training, one a worker.

use std::path::Path;
use std::sync::Arc;

use bonas_spaces::network::Norm;
use bonas_study::{Evaluator, StudyError};

use super::{ScratchEvaluator, Start};
use crate::networks::{Networks, Size};
use crate::recipe::ScratchRecipe;
use crate::training::{Part, Task};

/// Epochs between two checkpoints of a run from scratch.
const CHECKPOINT_EVERY: usize = 5;

/// How networks are trained from scratch, and what they are scored on.
#[derive(Clone, Debug)]
pub struct ScratchPlan {
    /// Size of the networks.
    pub size: Size,
    /// Name of their skeleton; the space's first without one.
    pub skeleton: Option<String>,
    /// How they are trained.
    pub recipe: ScratchRecipe,
    /// The trained network to start from, if any.
    pub start: Option<Arc<Start>>,
    /// The part they learn for and are scored on.
    pub part: Part,
    /// Another part they are scored on.
    pub also: Option<Part>,
    /// Seeds an architecture is trained with.
    pub seeds: usize,
    /// What the seeds come from if they are the same for every architecture.
    pub paired: Option<u64>,
}

impl ScratchPlan {
    /// The evaluators, one a worker; checkpoints go to `folder`, if there is one.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for a recipe or a size that does not fit.
    pub fn evaluators(
        &self,
        networks: &Networks,
        task: &Arc<Task>,
        folder: Option<&Path>,
    ) -> Result<Vec<Box<dyn Evaluator>>, StudyError> {
        self.recipe.check()?;
        let skeleton = networks.skeleton_named(self.skeleton.as_deref())?;
        let make = |worker| -> Result<Box<dyn Evaluator>, StudyError> {
            Ok(Box::new(ScratchEvaluator {
                task: task.clone(),
                part: self.part,
                also: self.also,
                skeleton: networks.skeleton_of(skeleton, self.size, Norm::DISCRETE)?,
                ops: networks.ops(),
                recipe: self.recipe.clone(),
                start: self.start.clone(),
                seeds: self.seeds,
                paired: self.paired,
                placement: networks.placement(worker),
                threads: networks.setup().training.threads,
                folder: folder.map(Path::to_owned),
                checkpoint_every: CHECKPOINT_EVERY,
            }))
        };
        (0..networks.setup().workers).map(make).collect()
    }
}
