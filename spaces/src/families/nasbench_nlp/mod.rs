//! NAS-Bench-NLP (Klyuchnikov et al., "NAS-Bench-NLP: Neural Architecture Search Benchmark for Natural Language Processing",
//! IEEE Access 2022): recurrent cells for language models.
//!
//! Use [`NasBenchNlp`] for the space. A cell computes one to three hidden states `h_new_i` of the input `x` and the states
//! `h_prev_i` of the step before; `h_new_0` is the output. A text is a recipe: JSON with an operation and its inputs for each
//! node. The [language model](crate::network::LanguageModel) around a cell says how many parameters it has.
//!
//! Inputs of the graph are `x` and three states, of which a cell reads the first ones. An operation stands on each node; the
//! edges into a blend that carry `a` and `b` of `a·b + (1 − a)·c` are labelled, and so are those from the new states to the
//! output. A new state that the output depends on in no step ends in a node of its own, and pruned graphs, which predictors read,
//! leave it out with all that leads nowhere else.
//!
//! ```
//! use bonas_spaces::SearchSpace;
//! use bonas_spaces::families::nasbench_nlp::NasBenchNlp;
//!
//! let recipe = r#"{"f": {"op": "linear", "input": ["x", "h_prev_0"]},
//!                  "h_new_0": {"op": "activation_tanh", "input": ["f"]}}"#;
//! let space = NasBenchNlp::new();
//! assert_eq!(space.parse(recipe)?, space.parse("rnn")?);
//! # Ok::<(), bonas_spaces::SpaceError>(())
//! ```

mod edits;
mod form;
mod graph;
mod notations;
mod polynomial;
mod published;
mod recipe;
mod sample;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use rand::Rng;

use crate::error::SpaceError;
use crate::families::draw;
use crate::graph::{Architecture, Vocabulary};
use crate::network::{RecurrentCell, SpaceRecurrent};
use crate::notation::{self, Notation};
use crate::space::{SearchSpace, SpaceEntry, SpaceSize};
use edits::Edit;
use notations::FORMS;

pub use published::{GRU, LSTM, PUBLISHED, RNN};

/// The catalogue's entry of [`NasBenchNlp`].
pub const ENTRY: SpaceEntry = SpaceEntry {
    name: "nasbench-nlp",
    about: "NAS-Bench-NLP: recurrent cells of one to three hidden states",
    make: || Arc::new(NasBenchNlp::new()),
    make_raw: None,
};

/// The space of NAS-Bench-NLP: the cells that keep the invariants of [`RecurrentCell`].
///
/// Two cells are equal if their functions are equal up to the names of nodes and weights and the order of the states behind
/// the first: nodes are compared by the polynomials that they are of `x`, the states, and the results of linear nodes and
/// activations, so that sums in another order, or a node that is written twice, make no other cell. Equal keys mean equal
/// functions. The reverse holds where a linear node enters one activation at most and other nodes none, as in all cells that
/// the authors' generator draws, and where no product of sums has more than 256 terms; beyond that, functions that are equal
/// by a law of the activations, such as `leaky_relu(sigmoid(a)) = sigmoid(a)`, have different keys.
///
/// Samples are those of the authors' generator with seven intermediate nodes, for one to three states, each as likely. Neighbours
/// change an operation, an input, or the node that is a new state, or insert or remove a node or a state.
#[derive(Clone, Debug)]
pub struct NasBenchNlp {
    vocabulary: Arc<Vocabulary>,
}

impl Default for NasBenchNlp {
    fn default() -> Self {
        Self::new()
    }
}

impl NasBenchNlp {
    /// The space.
    pub fn new() -> Self {
        Self { vocabulary: Arc::new(graph::vocabulary()) }
    }

    /// The architecture of a cell.
    pub fn architecture(&self, cell: &RecurrentCell) -> Architecture {
        let graph = graph::of_cell(cell);
        Architecture::with_canonical_form(self.vocabulary.clone(), vec![graph], &form::form(cell))
    }

    fn read(&self, architecture: &Architecture) -> Result<RecurrentCell, SpaceError> {
        architecture.check_vocabulary(&self.vocabulary)?;
        let [cell] = architecture.cells() else {
            let found = architecture.cells().len();
            return Err(SpaceError::cell(format!("a recurrent architecture is one cell, not {found}")));
        };
        graph::to_cell(cell)
    }
}

impl SearchSpace for NasBenchNlp {
    fn name(&self) -> &'static str {
        ENTRY.name
    }

    fn vocabulary(&self) -> &Arc<Vocabulary> {
        &self.vocabulary
    }

    fn recurrent(&self) -> Option<&dyn SpaceRecurrent> {
        Some(self)
    }

    fn sample(&self, rng: &mut dyn Rng) -> Architecture {
        self.architecture(&sample::cell(rng))
    }

    /// Draws the kind of change, then one of that kind.
    fn mutate(&self, architecture: &Architecture, rng: &mut dyn Rng) -> Result<Architecture, SpaceError> {
        let cell = self.read(architecture)?;
        // What makes no cell changes no key, and another change is drawn.
        let changed = |edit: &Edit| edits::apply(&cell, *edit).map(|child| self.architecture(&child));
        let build = |edit: &Edit| changed(edit).unwrap_or_else(|| architecture.clone());
        Ok(draw::changed(architecture, edits::of(&cell), rng, build))
    }

    fn neighbours(&self, architecture: &Architecture) -> Result<Vec<Architecture>, SpaceError> {
        let cell = self.read(architecture)?;
        let children = edits::of(&cell).into_iter().flatten().filter_map(|edit| edits::apply(&cell, edit));
        Ok(draw::distinct(architecture, children.map(|child| self.architecture(&child))))
    }

    fn check(&self, architecture: &Architecture) -> Result<(), SpaceError> {
        if self.architecture(&self.read(architecture)?).key() == architecture.key() {
            return Ok(());
        }
        Err(SpaceError::cell("the key is not that of the cell; build it with the space"))
    }

    /// More than can be counted: 25 nodes have more than 10³⁸ recipes.
    fn size(&self) -> SpaceSize {
        SpaceSize::AtMost(u128::MAX)
    }

    fn format(&self, architecture: &Architecture) -> Result<String, SpaceError> {
        Ok(recipe::print(&self.read(architecture)?))
    }

    fn parse(&self, text: &str) -> Result<Architecture, SpaceError> {
        notation::read(self, FORMS, text)
    }

    fn notations(&self) -> Vec<Notation> {
        notation::list(FORMS)
    }

    fn format_as(&self, architecture: &Architecture, notation: &str) -> Result<String, SpaceError> {
        notation::print(self, FORMS, architecture, notation)
    }
}

impl SpaceRecurrent for NasBenchNlp {
    fn cell(&self, architecture: &Architecture) -> Result<RecurrentCell, SpaceError> {
        self.read(architecture)
    }
}
