//! Settings of the language-model evaluator.

use std::path::Path;

#[cfg(feature = "torch")]
use std::sync::Arc;

use bonas_spaces::Architecture;
use bonas_study::evaluator::command::{CommandRuns, Purpose};
use bonas_study::rng::stream;
use bonas_study::settings::{Invalid, at_least_1, ensure};
use bonas_study::{Evaluator, Fidelity, StudyError};

use super::text::{EMBEDDED, text_within};
#[cfg(feature = "torch")]
use super::{JointLanguageEvaluator, LanguageEvaluator, TextPart};
use super::{LanguageOptimizer, LanguageRecipe, Text};
#[cfg(feature = "torch")]
use crate::device;
use crate::evaluator::{BuildEvaluator, SearchImages, Unit, Work};
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

    /// The same in the arithmetic of `[training]`.
    #[cfg(feature = "torch")]
    fn recipe_of(&self, setup: &Setup) -> LanguageRecipe {
        LanguageRecipe { precision: setup.training.precision, ..self.recipe() }
    }

    /// Evaluators that train each cell by itself, one a worker.
    #[cfg(feature = "torch")]
    fn alone(
        &self,
        setup: &Setup,
        runs: CommandRuns,
        folder: &Path,
    ) -> Result<Vec<Box<dyn Evaluator>>, StudyError> {
        let (text, devices) = (Arc::new(self.read(setup)?), devices(setup)?);
        let part = if runs.purpose == Purpose::Final { TextPart::Test } else { TextPart::Valid };
        let make = |worker: usize| LanguageEvaluator {
            space: setup.space.clone(),
            text: text.clone(),
            part,
            recipe: LanguageRecipe { epochs: runs.epochs, ..self.recipe_of(setup) },
            seeds: runs.seeds,
            paired: runs.paired,
            device: devices[worker % devices.len()],
            threads: setup.training.threads,
            folder: Some(folder.to_owned()),
        };
        Ok((0..setup.workers).map(|worker| Box::new(make(worker)) as Box<dyn Evaluator>).collect())
    }

    fn read(&self, setup: &Setup) -> Result<Text, StudyError> {
        setup.space.require_recurrent().map_err(|error| setting("space.name", error.to_string()))?;
        let source = text_within(&self.text, &setup.relative_to);
        let text = Text::load(&source, self.least).map_err(in_section)?;
        let recipe = self.recipe();
        recipe.check().and_then(|()| recipe.fits(&text)).map_err(in_section)?;
        Ok(text)
    }
}

#[cfg(feature = "torch")]
fn devices(setup: &Setup) -> Result<Vec<tch::Device>, StudyError> {
    device::devices(&setup.training.device).map_err(|error| setting("training.device", error.to_string()))
}

fn setting(name: &str, reason: String) -> StudyError {
    StudyError::Setting { name: name.to_owned(), reason }
}

/// An error of a setting under its key, and one of a text under its own.
fn in_section(error: StudyError) -> StudyError {
    match error {
        StudyError::Data { .. } | StudyError::Io { .. } => setting("evaluator.text", error.to_string()),
        StudyError::Setting { name, reason } => setting(&format!("evaluator.{name}"), reason),
        other => other,
    }
}

impl BuildEvaluator for LanguageSettings {
    fn fidelity(&self) -> Fidelity {
        if self.shared { Fidelity::SharedWeights } else { Fidelity::FromScratch }
    }

    #[cfg(feature = "torch")]
    fn build(&self, setup: &Setup, folder: &Path) -> Result<Vec<Box<dyn Evaluator>>, StudyError> {
        if !self.shared {
            let folder = folder.join("checkpoints");
            let alone = CommandRuns { purpose: Purpose::Search, epochs: self.epochs, seeds: 1, paired: None };
            return self.alone(setup, alone, &folder);
        }
        let (text, devices) = (Arc::new(self.read(setup)?), devices(setup)?);
        let make = |worker: usize| JointLanguageEvaluator {
            space: setup.space.clone(),
            text: text.clone(),
            recipe: self.recipe_of(setup),
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

    fn follows_up(&self) -> bool {
        true
    }

    #[cfg(feature = "torch")]
    fn follow_up(
        &self,
        setup: &Setup,
        runs: CommandRuns,
        folder: &Path,
    ) -> Result<Vec<Box<dyn Evaluator>>, StudyError> {
        self.alone(setup, runs, folder)
    }

    #[cfg(not(feature = "torch"))]
    fn follow_up(
        &self,
        _: &Setup,
        runs: CommandRuns,
        _: &Path,
    ) -> Result<Vec<Box<dyn Evaluator>>, StudyError> {
        Err(match runs.purpose {
            Purpose::Final => without_torch("final.seeds", "final training", "set final.seeds = 0"),
            _ => without_torch("shortlist.cells", "a shortlist", "set shortlist.cells = 0"),
        })
    }

    fn unit(&self) -> Unit {
        Unit::InversePerplexity
    }

    fn params(
        &self,
        setup: &Setup,
        architectures: &[Architecture],
    ) -> Result<Vec<Option<usize>>, StudyError> {
        let (space, sizes) =
            (setup.space.require_recurrent()?, self.recipe().sizes(self.read(setup)?.words()));
        let params = |architecture| Ok(Some(sizes.params(&space.cell(architecture)?)? as usize));
        architectures.iter().map(params).collect()
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
        let cell =
            setup.space.require_recurrent()?.cell(&setup.space.sample(&mut stream(setup.seed, &[])))?;
        let (params, words) = (sizes.params(&cell)?, text.train.len());
        // Each weight is used once a word, the tied embedding by the decoder; going back costs twice as much.
        let macs = 3.0 * params as f64 * (words * self.epochs) as f64;
        Ok(Some(format!(
            "language models of {sizes}; {how} {} epochs of {words} words\n\
             with a random cell: {params} parameters; one training takes about {macs:.1e} multiply-adds\n",
            self.epochs
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

    fn data_key(&self) -> &'static str {
        "evaluator.text"
    }

    fn data_fingerprint(&self, setup: &Setup) -> Result<Option<String>, StudyError> {
        // The text inside the program is that of the program.
        if self.text == EMBEDDED { Ok(None) } else { Ok(Some(self.read(setup)?.fingerprint())) }
    }
}
