//! The language model around a recurrent cell.

use std::fmt;

use super::{RecurrentCell, RecurrentOp, Source};
use crate::error::SpaceError;

/// Sizes of a language model: an embedding, layers of one recurrent cell, and a decoder to the words.
///
/// The last layer of a tied model is as wide as the embedding, whose matrix the decoder shares (Merity et al., "Regularizing
/// and Optimizing LSTM Language Models", ICLR 2018).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LanguageModel {
    /// Words of the vocabulary.
    pub words: usize,
    /// Width of the embedding.
    pub embedding: usize,
    /// Width of the hidden layers.
    pub hidden: usize,
    /// Number of layers.
    pub layers: usize,
    /// Whether the decoder shares the matrix of the embedding.
    pub tied: bool,
}

/// A part of a language model with its number of parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelRow {
    /// What it is called.
    pub name: String,
    /// Width of its results.
    pub width: usize,
    /// Its parameters.
    pub params: u64,
}

impl LanguageModel {
    /// The model of NAS-Bench-NLP on WikiText-2: 33,278 words, three layers of 600, embedding of 400, tied.
    pub const fn wikitext2() -> Self {
        Self { words: 33_278, embedding: 400, hidden: 600, layers: 3, tied: true }
    }

    /// Refuses sizes that no model has.
    ///
    /// # Errors
    /// [`SpaceError::Network`] naming the field and its limits.
    pub fn check(&self) -> Result<(), SpaceError> {
        let limits = [
            ("words", self.words, 1 << 20),
            ("embedding", self.embedding, 1 << 14),
            ("hidden", self.hidden, 1 << 14),
            ("layers", self.layers, 64),
        ];
        match limits.into_iter().find(|(_, value, most)| *value == 0 || value > most) {
            None => Ok(()),
            Some((name, value, most)) => {
                Err(SpaceError::network(format!("{name} = {value}; it must be 1 to {most}")))
            }
        }
    }

    /// Widths of the input and of the states of a layer.
    pub fn widths(&self, layer: usize) -> (usize, usize) {
        let input = if layer == 0 { self.embedding } else { self.hidden };
        let is_last = layer + 1 == self.layers;
        (input, if is_last && self.tied { self.embedding } else { self.hidden })
    }

    /// The parts in order: embedding, layers, decoder.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub fn rows(&self, cell: &RecurrentCell) -> Result<Vec<ModelRow>, SpaceError> {
        self.check()?;
        let row = |name: String, width, params: usize| ModelRow { name, width, params: params as u64 };
        let mut rows = vec![row("embedding".to_owned(), self.embedding, self.words * self.embedding)];
        for layer in 0..self.layers {
            let (input, width) = self.widths(layer);
            rows.push(row(format!("layer{layer}"), width, cell_params(cell, input, width)));
        }
        let (_, last) = self.widths(self.layers - 1);
        let matrix = if self.tied { 0 } else { self.words * last };
        rows.push(row("decoder".to_owned(), self.words, matrix + self.words));
        Ok(rows)
    }

    /// Number of parameters with a cell in every layer.
    ///
    /// ```
    /// use bonas_spaces::SearchSpace;
    /// use bonas_spaces::families::nasbench_nlp::NasBenchNlp;
    /// use bonas_spaces::network::{LanguageModel, SpaceRecurrent};
    ///
    /// let space = NasBenchNlp::new();
    /// let lstm = space.cell(&space.parse("lstm")?)?;
    /// assert_eq!(LanguageModel::wikitext2().params(&lstm)?, 20_230_878);
    /// # Ok::<(), bonas_spaces::SpaceError>(())
    /// ```
    ///
    /// # Errors
    /// As [`Self::check`].
    pub fn params(&self, cell: &RecurrentCell) -> Result<u64, SpaceError> {
        Ok(self.rows(cell)?.iter().map(|row| row.params).sum())
    }
}

impl fmt::Display for LanguageModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { words, embedding, hidden, layers, tied } = self;
        let of = if *layers == 1 { "layer" } else { "layers" };
        let decoder = if *tied { "tied decoder" } else { "decoder" };
        write!(f, "{words} words, embedding {embedding}, {layers} {of} of {hidden}, {decoder}")
    }
}

/// Parameters of one layer: a matrix for each input of a linear node, and its bias.
fn cell_params(cell: &RecurrentCell, input: usize, width: usize) -> usize {
    let reads = |source: &Source| if *source == Source::Input { input } else { width };
    let linear = cell.nodes().iter().filter(|node| node.op == RecurrentOp::Linear);
    linear.map(|node| width * (1 + node.inputs.iter().map(reads).sum::<usize>())).sum()
}
