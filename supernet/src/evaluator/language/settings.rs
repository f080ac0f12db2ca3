//! Settings of the language-model evaluator.

use std::path::Path;

#[cfg(feature = "torch")]
use std::sync::Arc;

use bonas_study::settings::{Invalid, at_least_1, ensure};
use bonas_study::{Evaluator, Fidelity, StudyError};

#[cfg(feature = "torch")]
use super::LanguageEvaluator;
use super::text::EMBEDDED;
use super::{LanguageOptimizer, LanguageRecipe, Text};
#[cfg(feature = "torch")]
use crate::device;
use crate::evaluator::{BuildEvaluator, SearchImages, Work};
use crate::networks::Setup;
#[cfg(not(feature = "torch"))]
use crate::networks::without_torch;

bonas_study::settings! {
    /// Settings of the language-model evaluator.
    pub struct LanguageSettings {
        /// The text: prose (inside the program), or text:DIRECTORY with files train, valid and test; a relative place starts
        /// from the configuration's folder.
        text: String = "prose".to_owned(),
        /// Occurrences in the training part below which a word is <unk>.
        least: usize = 2,
        /// Whether the cells of a batch share weights and are trained in turns; else each is trained by itself.
        shared: bool = true,
        /// Width of the embedding, and of the last layer. Published: 400.
        embedding: usize = 64,
        /// Width of the other layers. Published: 600.
        hidden: usize = 64,
        /// Layers of recurrent cells. Published: 3.
        layers: usize = 1,
        /// Passes over the training text, of a batch together where weights are shared. Published: 50.
        epochs: usize = 10,
        /// Sequences side by side. Published: 20.
        batch: usize = 16,
        /// Words through which gradients go back, in the mean. Published: 70.
        bptt: usize = 20,
        /// Optimiser: adam, sgd, or, where each cell is trained by itself, nt-asgd. Published: adam.
        optimizer: LanguageOptimizer = LanguageOptimizer::Adam,
        /// Learning rate. Published: 0.001.
        learning_rate: f64 = 5e-3,
        /// Largest norm of the gradient; 0: no bound, which one cell of a batch that shares weights could spoil for all.
        gradient_clip: f64 = 0.25,
        /// Probability of dropping a result of the last layer.
        drop_output: f64 = 0.4,
        /// Probability of dropping a weight of a matrix that does not read the word itself. Published: 0.5.
        drop_weights: f64 = 0.3,
    }
    check(s) {
        at_least_1(s.least, "least")?;
        at_least_1(s.embedding, "embedding")?;
        at_least_1(s.hidden, "hidden")?;
        at_least_1(s.layers, "layers")?;
        at_least_1(s.epochs, "epochs")?;
        at_least_1(s.batch, "batch")?;
        at_least_1(s.bptt, "bptt")?;
        let rate = s.learning_rate > 0.0 && s.learning_rate <= 1e3;
        ensure(rate, "learning_rate", s.learning_rate, "above 0, at most 1000")?;
        let clip = (0.0..f64::INFINITY).contains(&s.gradient_clip);
        ensure(clip, "gradient_clip", s.gradient_clip, "a number from 0 on")?;
        let bounded = s.gradient_clip > 0.0 || !s.shared;
        ensure(bounded, "gradient_clip", s.gradient_clip, "above 0 where cells share weights, or shared = false")?;
        if s.shared && s.optimizer == LanguageOptimizer::NtAsgd {
            let reason = "nt-asgd, which averages when a cell's loss no longer falls; with shared = true take adam or sgd";
            return Err(Invalid { key: "optimizer", reason: reason.to_owned() });
        }
        ensure((0.0..=0.99).contains(&s.drop_output), "drop_output", s.drop_output, "0 to 0.99")?;
        ensure((0.0..=0.99).contains(&s.drop_weights), "drop_weights", s.drop_weights, "0 to 0.99")
    }
}

impl LanguageSettings {
    /// The recipe of these settings; what they do not say is that of [`LanguageRecipe::default`].
    pub fn recipe(&self) -> LanguageRecipe {
        LanguageRecipe {
            embedding: self.embedding,
            hidden: self.hidden,
            layers: self.layers,
            epochs: self.epochs,
            batch: self.batch,
            bptt: self.bptt,
            optimizer: self.optimizer,
            learning_rate: self.learning_rate,
            gradient_clip: self.gradient_clip,
            drop_output: self.drop_output,
            drop_weights: self.drop_weights,
            ..LanguageRecipe::default()
        }
    }

    fn read(&self, setup: &Setup) -> Result<Text, StudyError> {
        setup.space.require_recurrent().map_err(|error| setting("space.name", error.to_string()))?;
        let source = match self.text.strip_prefix("text:") {
            Some(folder) => format!("text:{}", setup.relative_to.join(folder.trim()).display()),
            None => self.text.clone(),
        };
        let text = Text::load(&source, self.least).map_err(in_section)?;
        let recipe = self.recipe();
        recipe.check().and_then(|()| recipe.fits(&text)).map_err(in_section)?;
        Ok(text)
    }
}

fn setting(name: &str, reason: String) -> StudyError {
    StudyError::Setting { name: name.to_owned(), reason }
}

/// An error of a setting under its key.
fn in_section(error: StudyError) -> StudyError {
    match error {
        StudyError::Setting { name, reason } => setting(&format!("evaluator.{name}"), reason),
        other => other,
    }
}

impl BuildEvaluator for LanguageSettings {
    fn fidelity(&self) -> Fidelity {
        if self.shared { Fidelity::SharedWeights } else { Fidelity::FromScratch }
    }

    #[cfg(feature = "torch")]
    fn build(&self, setup: &Setup, _folder: &Path) -> Result<Vec<Box<dyn Evaluator>>, StudyError> {
        let text = Arc::new(self.read(setup)?);
        let devices = device::devices(&setup.training.device);
        let devices = devices.map_err(|error| setting("training.device", error.to_string()))?;
        let make = |worker: usize| LanguageEvaluator {
            space: setup.space.clone(),
            text: text.clone(),
            recipe: self.recipe(),
            shared: self.shared,
            device: devices[worker % devices.len()],
            threads: setup.training.threads,
        };
        Ok((0..setup.workers).map(|worker| Box::new(make(worker)) as Box<dyn Evaluator>).collect())
    }

    #[cfg(not(feature = "torch"))]
    fn build(&self, setup: &Setup, _: &Path) -> Result<Vec<Box<dyn Evaluator>>, StudyError> {
        self.read(setup)?;
        Err(without_torch("evaluator.name", "language-model", "use synthetic"))
    }

    fn needs_torch(&self) -> bool {
        true
    }

    fn plan(&self, setup: &Setup) -> Result<Option<String>, StudyError> {
        let text = self.read(setup)?;
        let (sizes, how) = (
            self.recipe().sizes(text.words()),
            if self.shared { "each batch together" } else { "each cell" },
        );
        Ok(Some(format!(
            "language models of {sizes}; {how} {} epochs of {} words\n",
            self.epochs,
            text.train.len()
        )))
    }

    fn work(&self, images: &SearchImages) -> Work {
        let together = if self.shared { images.batch } else { 1.0 };
        Work { runs: 1, once: 0.0, each: self.epochs as f64 / together }
    }

    fn scores(&self) -> String {
        let how = if self.shared { " with shared weights" } else { ", trained from scratch" };
        format!("1/perplexity on held-out text{how}")
    }

    fn data_fingerprint(&self, setup: &Setup) -> Result<Option<String>, StudyError> {
        // The text inside the program is that of the program.
        if self.text == EMBEDDED { Ok(None) } else { Ok(Some(self.read(setup)?.fingerprint())) }
    }
}
