//! What the model of a search expects.

use bonas_spaces::Architecture;
use bonas_study::rng::{ESTIMATE, stream};
use bonas_study::{Ask, Journalled};

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
        let mut strategy = self.strategy(&self.transfer(), &*space, &knowledge)?;
        let ask = Ask {
            space: &space,
            history: &study.history,
            fidelity: self.config.evaluator.fidelity(),
            round: 0,
            remaining: 1,
            pending: &[],
        };
        let mut rng = stream(self.config.study.seed, &[ESTIMATE, study.history.len() as u64]);
        strategy.expects(&ask, architectures, &mut rng)
    }
}
