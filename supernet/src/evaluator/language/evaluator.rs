//! Scores of recurrent cells by their language models.

use std::sync::Arc;

use bonas_spaces::network::RecurrentCell;
use bonas_spaces::{Architecture, SearchSpace};
use bonas_study::StudyError;
use bonas_study::evaluator::{Evaluator, Job, Monitor};
use bonas_study::history::{Fidelity, Outcome, Score};
use bonas_study::rng::StudyRng;
use rand::Rng;
use tch::Device;

use super::{LanguageRecipe, Text, Training};

/// Trains the language models of recurrent cells; the score is 1/perplexity on the validation part, `e^(−loss)`: the geometric
/// mean of the probabilities of the words, in `(0, 1]`.
///
/// With [`shared`](Self::shared) the cells of a batch share the weights of equal
/// [places](super::roles) and are trained in turns. A cell that diverges fails, and the others go on without it.
#[derive(Clone, Debug)]
pub struct LanguageEvaluator {
    /// The space, which says what the cells are.
    pub space: Arc<dyn SearchSpace>,
    /// The text.
    pub text: Arc<Text>,
    /// Sizes and hyper-parameters.
    pub recipe: LanguageRecipe,
    /// Whether the cells of a batch share weights.
    pub shared: bool,
    /// Where models are trained.
    pub device: Device,
    /// Threads that libtorch may use on the CPU.
    pub threads: usize,
}

impl LanguageEvaluator {
    fn cell(&self, architecture: &Architecture) -> Result<RecurrentCell, StudyError> {
        Ok(self.space.require_recurrent()?.cell(architecture)?)
    }

    fn train(
        &self,
        cells: &[RecurrentCell],
        seed: u64,
        monitor: &dyn Monitor,
    ) -> Result<Vec<Outcome>, StudyError> {
        let training = Training { text: &self.text, recipe: &self.recipe, device: self.device, seed };
        let outcome = |loss: Result<f64, String>| match loss {
            Ok(loss) if f64::exp(-loss) == 0.0 => {
                Outcome::Failed(format!("its validation loss is {loss:.0} nats a word: training diverged"))
            }
            Ok(loss) => Outcome::Scored(Score::of(f64::exp(-loss), self.fidelity())),
            Err(reason) => Outcome::Failed(reason),
        };
        Ok(training.run(cells, monitor)?.valid.into_iter().map(outcome).collect())
    }
}

impl Evaluator for LanguageEvaluator {
    fn fidelity(&self) -> Fidelity {
        if self.shared { Fidelity::SharedWeights } else { Fidelity::FromScratch }
    }

    fn takes_one_at_a_time(&self) -> bool {
        !self.shared
    }

    fn evaluate(
        &mut self,
        job: &Job,
        rng: &mut StudyRng,
        monitor: &dyn Monitor,
    ) -> Result<Vec<Outcome>, StudyError> {
        tch::set_num_threads(self.threads as i32);
        let cells = job.architectures.iter().map(|a| self.cell(a)).collect::<Result<Vec<_>, _>>()?;
        if self.shared {
            return self.train(&cells, rng.next_u64(), monitor);
        }
        let mut outcomes = Vec::with_capacity(cells.len());
        for cell in cells {
            outcomes.extend(self.train(&[cell], rng.next_u64(), monitor)?);
        }
        Ok(outcomes)
    }
}
