//! Training from scratch: the finalists of a search, or one genotype by itself.

use std::sync::Arc;

use bonas_spaces::network::{Norm, Union};
use bonas_spaces::{Architecture, SearchSpace};
use rand::Rng;

use super::networks::{Networks, Size};
use super::{FINALS_FOLDER, Observe, Search, Stage};
use crate::history::{Evaluation, Outcome};
use crate::report::{FINAL_FILE, FinalResult, write_json};
use crate::rng::{FINAL, stream};
use crate::strategy::Listed;
use crate::study::{Budget, Finished, Journalled};
use crate::{Study, StudyError, assemble};

impl Search {
    /// Trains the winner and random architectures from scratch, and writes [`FINAL_FILE`].
    pub(super) fn finals(
        &self,
        space: &Arc<dyn SearchSpace>,
        searched: &Finished,
        observe: &mut Observe<'_>,
    ) -> Result<(), StudyError> {
        let settings = &self.config.finals;
        let Some((winner, _)) = searched.history.best(searched.fidelity).filter(|_| settings.seeds > 0)
        else {
            return Ok(());
        };
        let finalists = self.finalists(&**space, &winner.architecture);
        let labels =
            (0..finalists.len()).map(|i| if i == 0 { "winner".into() } else { format!("random {i}") });
        let results = self.train(space, &finalists, observe)?;
        let results: Vec<_> =
            labels.zip(results).map(|(label, result)| FinalResult { label, ..result }).collect();
        write_json(&self.directory.join(FINAL_FILE), &results)
    }

    /// The winner, then random architectures, all different.
    fn finalists(&self, space: &dyn SearchSpace, winner: &Architecture) -> Vec<Architecture> {
        let mut rng = stream(self.config.study.seed, &[FINAL]);
        let mut finalists = vec![winner.clone()];
        // A tiny space may not have as many as asked for.
        for _ in 0..1000 * self.config.finals.random {
            if finalists.len() > self.config.finals.random {
                break;
            }
            let drawn = space.sample(&mut rng);
            if !finalists.contains(&drawn) {
                finalists.push(drawn);
            }
        }
        finalists
    }

    /// Trains architectures in a study of its own; results in their order.
    fn train(
        &self,
        space: &Arc<dyn SearchSpace>,
        architectures: &[Architecture],
        observe: &mut Observe<'_>,
    ) -> Result<Vec<FinalResult>, StudyError> {
        let folder = self.directory.join(FINALS_FOLDER);
        let networks = Networks::new(&self.config)?;
        let (evaluators, size) = networks.finalists(&folder)?;
        let study =
            Study::new(space.clone(), Box::new(Listed { architectures: architectures.to_vec() }), evaluators)
                .seed(stream(self.config.study.seed, &[FINAL, 1]).next_u64())
                .budget(Budget::architectures(architectures.len()))
                .config(self.config.identity())
                .cancel(self.cancel.clone())
                .directory(&folder);
        let finished = observe(Stage::Finals, &folder).into_iter().fold(study, Study::observer).run()?;
        let seconds = Journalled::read(&folder, space)?.seconds;
        let evaluations = finished.history.evaluations().iter();
        evaluations.map(|e| result(&**space, &networks, size, e, seconds.batch(e.round, e.batch))).collect()
    }
}

fn result(
    space: &dyn SearchSpace,
    networks: &Networks<'_>,
    size: Size,
    evaluation: &Evaluation,
    seconds: Option<f64>,
) -> Result<FinalResult, StudyError> {
    let architecture = &evaluation.architecture;
    let network = networks
        .skeleton(size, Norm::DISCRETE)?
        .network(&Union::of(std::slice::from_ref(architecture))?, &networks.ops())?;
    let test = match &evaluation.outcome {
        Outcome::Scored(score) => score.runs.clone(),
        Outcome::Failed(_) => Vec::new(),
    };
    Ok(FinalResult {
        label: String::new(),
        arch: space.format(architecture)?,
        test,
        params: Some(network.params()),
        macs: Some(network.macs()),
        seconds,
    })
}

impl Search {
    /// Trains one architecture from scratch as the `[final]` section says, and writes
    /// [`FINAL_FILE`]; a training that was stopped goes on.
    ///
    /// # Errors
    /// As [`Search::run`].
    pub fn train_one(
        &self,
        architecture: &Architecture,
        observe: &mut Observe<'_>,
    ) -> Result<FinalResult, StudyError> {
        let (_, space) = assemble::space(&self.config)?;
        self.open_folder()?;
        let trained = self.train(&space, std::slice::from_ref(architecture), observe)?.into_iter().next();
        let trained = trained.ok_or_else(|| StudyError::Evaluator("nothing was trained".into()))?;
        let result = FinalResult { label: "trained".into(), ..trained };
        write_json(&self.directory.join(FINAL_FILE), &[&result])?;
        Ok(result)
    }
}
