//! Scores of recurrent cells that share the weights of one language model.

use std::sync::Arc;

use bonas_spaces::SearchSpace;
use bonas_study::StudyError;
use bonas_study::evaluator::{Evaluator, Job, Monitor};
use bonas_study::history::{Fidelity, Outcome, Score};
use bonas_study::rng::StudyRng;
use rand::Rng;
use tch::Device;

use super::{LanguageRecipe, Text, Training};

/// Trains the cells of a batch in turns in one language model, in which they share the weights of equal
/// [places](super::roles); the score is 1/perplexity on the validation part. A cell that diverges fails, and the others go on
/// without it.
#[derive(Clone, Debug)]
pub struct JointLanguageEvaluator {
    /// The space, which says what the cells are.
    pub space: Arc<dyn SearchSpace>,
    /// The text.
    pub text: Arc<Text>,
    /// Sizes and hyper-parameters.
    pub recipe: LanguageRecipe,
    /// Where models are trained.
    pub device: Device,
    /// Threads that libtorch may use on the CPU.
    pub threads: usize,
}

impl Evaluator for JointLanguageEvaluator {
    fn fidelity(&self) -> Fidelity {
        Fidelity::SharedWeights
    }

    fn evaluate(
        &mut self,
        job: &Job,
        rng: &mut StudyRng,
        monitor: &dyn Monitor,
    ) -> Result<Vec<Outcome>, StudyError> {
        tch::set_num_threads(self.threads as i32);
        let space = self.space.require_recurrent()?;
        let cells = job.architectures.iter().map(|a| space.cell(a)).collect::<Result<Vec<_>, _>>()?;
        let seed = rng.next_u64();
        let training = Training { text: &self.text, recipe: &self.recipe, device: self.device, seed };
        let outcome = |loss: Result<f64, String>| match loss {
            Ok(loss) => Outcome::Scored(Score::of(f64::exp(-loss), Fidelity::SharedWeights)),
            Err(reason) => Outcome::Failed(reason),
        };
        Ok(training.run(&cells, monitor)?.valid.into_iter().map(outcome).collect())
    }
}
