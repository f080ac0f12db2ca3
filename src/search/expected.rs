//! What the model of a search expects.

use bonas_spaces::Architecture;
use bonas_study::Journalled;
use bonas_study::rng::{ESTIMATE, stream};

use super::Search;
use crate::{StudyError, build};

impl Search {
    /// What the model of the search's strategy expects the scores of some architectures to be, given all that is measured in
    /// the folder, in their order; none for a strategy without a model, and where nothing has a score.
    ///
    /// # Errors
    /// Those of a journal that cannot be read, and of the strategy.
    pub fn expected(&self, architectures: &[Architecture]) -> Result<Option<Vec<f64>>, StudyError> {
        let space = build::space(&self.config)?;
        let knowledge = build::knowledge(&self.config)?;
        let study = Journalled::read(&self.directory, &space)?;
        let strategy = self.strategy(&self.transfer(), &*space, &knowledge)?;
        let mut rng = stream(self.config.study.seed, &[ESTIMATE, study.history.len() as u64]);
        let model = strategy.score_model(&study.history, self.config.evaluator.fidelity());
        model.map_or(Ok(None), |model| model.medians(architectures, &mut rng))
    }
}
