//! The supernet of the indicator evaluator.

use std::path::Path;

use bonas_spaces::network::Norm;

use super::{Networks, Size};
use crate::config::{BatchNormKind, EvaluatorSettings, IndicatorSettings};
use crate::{Evaluator, StudyError};
use bonas_supernet::evaluator::{IndicatorEvaluator, IndicatorPlan};
use bonas_supernet::indicator::{ProbeSettings, Subject};
use bonas_supernet::model::Trainable;
use bonas_supernet::training::Part;

impl Networks<'_> {
    /// The supernet of the indicator evaluator, if there is one.
    pub fn indicated(&self) -> Option<(Size, Norm)> {
        let EvaluatorSettings::Indicator(s) = &self.config.evaluator else { return None };
        let size = Size { channels: s.channels, layers: s.layers, auxiliary: false };
        Some((size, IndicatorPlan::norm(s.batch_norm == BatchNormKind::Unbiased)))
    }

    pub(super) fn indicators(
        &self,
        s: &IndicatorSettings,
        directory: &Path,
    ) -> Result<Vec<Box<dyn Evaluator>>, StudyError> {
        let (plan, config) = (self.indicator_plan(s, directory)?, self.config);
        let first = IndicatorEvaluator::new(plan, self.placement(0))?.threads(config.training.threads);
        let others: Vec<_> = (1..config.study.workers).map(|i| first.beside(self.placement(i))).collect();
        Ok([first].into_iter().chain(others).map(|one| Box::new(one) as Box<dyn Evaluator>).collect())
    }

    /// What an indicator evaluator measures, and with what; the checkpoint of its supernet goes below
    /// `directory`.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for a space without a supernet, or settings that do not fit the images.
    pub fn indicator_plan(
        &self,
        s: &IndicatorSettings,
        directory: &Path,
    ) -> Result<IndicatorPlan, StudyError> {
        let size = Size { channels: s.channels, layers: s.layers, auxiliary: false };
        let task = self.task()?;
        let images = task.training_indices(Part::Validation).len();
        for (key, wanted) in [("evaluator.images", s.images), ("evaluator.batch", s.batch)] {
            if wanted > images {
                let reason = format!("{wanted}; there are {images} training images");
                return Err(StudyError::Setting { name: key.into(), reason });
            }
        }
        let classifier = s.classifier;
        let trainable = match s.batch_norm {
            BatchNormKind::All => Trainable::Norms { classifier },
            BatchNormKind::Published | BatchNormKind::Unbiased => Trainable::OperationNorms { classifier },
        };
        let norm = IndicatorPlan::norm(s.batch_norm == BatchNormKind::Unbiased);
        let subject = Subject {
            space: self.space.clone(),
            union: self.whole.clone(),
            supernet: self.skeleton(size, norm)?,
            discrete: self.skeleton(size, Norm::DISCRETE)?,
            ops: self.ops(),
        };
        Ok(IndicatorPlan {
            subject,
            task,
            indicator: s.indicator,
            trainable,
            recipe: s.recipe(&self.config.training),
            probe: ProbeSettings { images: s.images, passes: s.passes },
            references: s.references,
            prefilter: s.prefilter,
            seed: self.config.study.seed,
            folder: Some(directory.join("supernet")),
        })
    }
}
