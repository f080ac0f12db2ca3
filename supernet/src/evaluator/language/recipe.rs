//! How a language model is sized and trained.

use bonas_spaces::network::LanguageModel;
use bonas_study::StudyError;
use serde::{Deserialize, Serialize};

use super::Text;
use crate::recipe::Precision;

/// What moves the weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LanguageOptimizer {
    /// Stochastic gradient descent without momentum.
    Sgd,
    /// The same, and averaged weights once the validation loss has not fallen for some epochs (NT-ASGD, Merity et al. 2018).
    NtAsgd,
    /// Adam (Kingma and Ba 2015), weight decay in the gradient.
    #[default]
    Adam,
}

/// Sizes and training of a language model. [`Default`] is small enough for a CPU; [`Self::nas_bench_nlp`] is as published.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LanguageRecipe {
    /// Width of the embedding, and of the last layer.
    pub embedding: usize,
    /// Width of the other layers.
    pub hidden: usize,
    /// Layers of recurrent cells.
    pub layers: usize,
    /// Passes over the training text.
    pub epochs: usize,
    /// Sequences side by side.
    pub batch: usize,
    /// Words through which gradients go back, in the mean: a step has as many, or a few more or less.
    pub bptt: usize,
    /// Optimiser.
    pub optimizer: LanguageOptimizer,
    /// Learning rate of a step of `bptt` words.
    pub learning_rate: f64,
    /// L2 penalty.
    pub weight_decay: f64,
    /// Largest norm of the gradient; 0: no bound.
    pub gradient_clip: f64,
    /// Epochs in which the validation loss may be above an earlier one before `nt-asgd` averages.
    pub patience: usize,
    /// Probability of dropping a word's embedding in a step.
    pub drop_embedding: f64,
    /// Probability of dropping an input of the first layer, the same for all words of a step.
    pub drop_input: f64,
    /// Probability of dropping what a layer hands on to the next, the same for all words of a step.
    pub drop_hidden: f64,
    /// Probability of dropping a result of the last layer, the same for all words of a step.
    pub drop_output: f64,
    /// Probability of dropping a weight of a matrix that reads no `x`, the same for all words of a step.
    pub drop_weights: f64,
    /// Weight α of the mean square of the last layer's results after dropout.
    pub activation_penalty: f64,
    /// Weight β of the mean square of their change from word to word, before dropout.
    pub slowness_penalty: f64,
    /// Arithmetic of the products of matrices; all else is in 32 bits.
    pub precision: Precision,
}

impl Default for LanguageRecipe {
    fn default() -> Self {
        Self {
            embedding: 64,
            hidden: 64,
            layers: 1,
            epochs: 10,
            batch: 16,
            bptt: 20,
            optimizer: LanguageOptimizer::Adam,
            learning_rate: 5e-3,
            weight_decay: 1.2e-6,
            gradient_clip: 0.25,
            patience: 5,
            drop_embedding: 0.1,
            drop_input: 0.3,
            drop_hidden: 0.25,
            drop_output: 0.4,
            drop_weights: 0.3,
            activation_penalty: 0.0,
            slowness_penalty: 0.0,
            precision: Precision::Float32,
        }
    }
}

impl LanguageRecipe {
    /// The training of NAS-Bench-NLP (`main_one_model_train.py`): three layers of 600, 50 epochs of Adam at 0.001.
    pub fn nas_bench_nlp() -> Self {
        Self {
            embedding: 400,
            hidden: 600,
            layers: 3,
            epochs: 50,
            batch: 20,
            bptt: 70,
            learning_rate: 1e-3,
            drop_input: 0.4,
            drop_weights: 0.5,
            activation_penalty: 2.0,
            slowness_penalty: 1.0,
            ..Self::default()
        }
    }

    /// The sizes of the model with a vocabulary of so many words.
    pub fn sizes(&self, words: usize) -> LanguageModel {
        let Self { embedding, hidden, layers, .. } = *self;
        LanguageModel { words, embedding, hidden, layers, tied: true }
    }

    /// Checks that a text has words for so many sequences.
    ///
    /// # Errors
    /// [`StudyError::Setting`] naming the number of sequences.
    pub fn fits(&self, text: &Text) -> Result<(), StudyError> {
        let (words, batch) = (text.train.len(), self.batch);
        if words / batch.max(1) >= 2 {
            return Ok(());
        }
        let reason = format!("{batch} sequences side by side, but the text has {words} words; take fewer");
        Err(setting("batch", reason))
    }

    /// Checks every value.
    ///
    /// # Errors
    /// [`StudyError::Setting`] naming the value and its range.
    pub fn check(&self) -> Result<(), StudyError> {
        let sizes = [
            ("embedding", self.embedding, 1 << 14),
            ("hidden", self.hidden, 1 << 14),
            ("layers", self.layers, 64),
            ("epochs", self.epochs, 1_000_000),
            ("batch", self.batch, 1 << 16),
            ("bptt", self.bptt, 1 << 14),
            ("patience", self.patience, usize::MAX),
        ];
        for (name, value, most) in sizes {
            if value == 0 || value > most {
                return Err(setting(name, format!("{value}; it must be 1 to {most}")));
            }
        }
        let numbers = [
            ("learning_rate", self.learning_rate, f64::MIN_POSITIVE, 1e3),
            ("weight_decay", self.weight_decay, 0.0, 1.0),
            ("gradient_clip", self.gradient_clip, 0.0, f64::MAX),
            ("drop_embedding", self.drop_embedding, 0.0, 0.99),
            ("drop_input", self.drop_input, 0.0, 0.99),
            ("drop_hidden", self.drop_hidden, 0.0, 0.99),
            ("drop_output", self.drop_output, 0.0, 0.99),
            ("drop_weights", self.drop_weights, 0.0, 0.99),
            ("activation_penalty", self.activation_penalty, 0.0, 1e6),
            ("slowness_penalty", self.slowness_penalty, 0.0, 1e6),
        ];
        match numbers.into_iter().find(|(_, value, least, most)| !(*least..=*most).contains(value)) {
            Some((name, value, least, most)) => {
                Err(setting(name, format!("{value}; it must be {least} to {most}")))
            }
            None => Ok(()),
        }
    }
}

fn setting(name: &str, reason: String) -> StudyError {
    StudyError::Setting { name: name.to_owned(), reason }
}
