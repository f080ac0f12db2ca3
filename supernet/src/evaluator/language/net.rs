//! Language models in tensors.

use std::collections::HashMap;

use bonas_spaces::network::{LanguageModel, RecurrentCell};
use bonas_study::rng::StudyRng;
use tch::{Device, Kind, Reduction, Tensor};

use super::arithmetic::Arithmetic;
use super::dropout::Dropout;
use super::layer::{Layer, Linear};
use super::roles;
use crate::model::{Fill, ParamId, Params, ParamsBuilder, Result, SupernetError};
use crate::recipe::Precision;

/// Bound of the uniform draws of the embedding, as in AWD-LSTM.
const EMBEDDING_BOUND: f64 = 0.1;

/// The language model of one or more recurrent cells, which share the weights of equal [places](roles).
///
/// What a weight starts from depends on the generator and on its place alone, so that two models drawn from one seed start
/// alike where their cells are alike.
#[derive(Debug)]
pub struct LanguageNet {
    sizes: LanguageModel,
    params: Params,
    embedding: ParamId,
    decoder: ParamId,
    decoder_bias: ParamId,
    names: HashMap<String, ParamId>,
    kind: Kind,
    device: Device,
    arithmetic: Arithmetic,
}

/// A cell and its parameters in each layer of a [`LanguageNet`].
#[derive(Clone, Debug)]
pub struct CellRoute {
    cell: RecurrentCell,
    layers: Vec<Vec<Option<Linear>>>,
    params: Vec<ParamId>,
}

impl CellRoute {
    /// All parameters that the cell uses, ascending: embedding and decoder, too.
    pub fn params(&self) -> &[ParamId] {
        &self.params
    }

    /// The cell.
    pub fn cell(&self) -> &RecurrentCell {
        &self.cell
    }
}

/// The result of a pass.
#[derive(Debug)]
pub struct Forward {
    /// Results of the last layer, `[T, B, E]`.
    pub raw: Tensor,
    /// The same after dropout.
    pub dropped: Tensor,
    /// The states of each layer after the last word, `[B, H]`.
    pub states: Vec<Vec<Tensor>>,
}

impl LanguageNet {
    /// Draws the model of some cells.
    ///
    /// # Errors
    /// [`SupernetError::Space`] for sizes that no model has, [`SupernetError::Torch`] when memory runs out.
    pub fn build(
        cells: &[RecurrentCell],
        sizes: LanguageModel,
        kind: Kind,
        device: Device,
        rng: &mut StudyRng,
    ) -> Result<Self> {
        sizes.check()?;
        let mut builder = ParamsBuilder::default();
        let small = Fill::Uniform(EMBEDDING_BOUND);
        let embedding = builder.add("embedding".to_owned(), &[sizes.words, sizes.embedding], small);
        let (_, last) = sizes.widths(sizes.layers - 1);
        let decoder = if sizes.tied {
            embedding
        } else {
            builder.add("decoder.weight".to_owned(), &[sizes.words, last], small)
        };
        let decoder_bias = builder.add("decoder.bias".to_owned(), &[sizes.words], Fill::Constant(0.0));
        let mut names = HashMap::new();
        for layer in 0..sizes.layers {
            let (input, width) = sizes.widths(layer);
            for (name, shape) in cells.iter().flat_map(|cell| weights(cell, layer, input, width)) {
                names.entry(name).or_insert_with_key(|name| {
                    // As the cells of the benchmark: uniform in ±1/√H.
                    builder.add(name.clone(), &shape, Fill::kaiming(width))
                });
            }
        }
        let params = builder.finish(rng, kind, device)?;
        let arithmetic = Arithmetic::Full;
        Ok(Self { sizes, params, embedding, decoder, decoder_bias, names, kind, device, arithmetic })
    }

    /// The same with products of matrices in the arithmetic of a precision.
    #[must_use]
    pub fn precision(self, precision: Precision) -> Self {
        let arithmetic = match precision {
            Precision::Float32 => Arithmetic::Full,
            Precision::Mixed => Arithmetic::Mixed,
        };
        Self { arithmetic, ..self }
    }

    /// The parameters.
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// The sizes.
    pub fn sizes(&self) -> &LanguageModel {
        &self.sizes
    }

    /// Kind and device of the parameters.
    pub fn options(&self) -> (Kind, Device) {
        (self.kind, self.device)
    }

    /// Where a cell finds its parameters.
    ///
    /// # Errors
    /// [`SupernetError::Mismatch`] for a cell with a place that the model lacks.
    pub fn route(&self, cell: &RecurrentCell) -> Result<CellRoute> {
        let named = |name: String| {
            let found = self.names.get(&name).copied();
            found.ok_or_else(|| SupernetError::mismatch("cell", format!("the model has no {name}")))
        };
        let mut layers = Vec::with_capacity(self.sizes.layers);
        let mut params = vec![self.embedding, self.decoder, self.decoder_bias];
        for layer in 0..self.sizes.layers {
            let mut linear = vec![None; cell.nodes().len()];
            for role in roles::of_cell(cell) {
                let matrix = |input: &String| named(weight(layer, &role.name, input));
                let matrices = role.inputs.iter().map(matrix).collect::<Result<Vec<_>>>()?;
                let bias = named(weight(layer, &role.name, BIAS))?;
                params.extend(matrices.iter().chain([&bias]));
                linear[role.node] = Some(Linear { matrices, bias });
            }
            layers.push(linear);
        }
        params.sort_unstable();
        params.dedup();
        Ok(CellRoute { cell: cell.clone(), layers, params })
    }

    /// States of zeros for `batch` sequences.
    ///
    /// # Errors
    /// [`SupernetError::Torch`] when memory runs out.
    pub fn start(&self, route: &CellRoute, batch: i64) -> Result<Vec<Vec<Tensor>>> {
        let zeros = |layer: usize| {
            let shape = [batch, self.sizes.widths(layer).1 as i64];
            let state = |_| Ok(Tensor::f_zeros(shape, (self.kind, self.device))?);
            (0..route.cell.states()).map(state).collect::<Result<Vec<_>>>()
        };
        (0..self.sizes.layers).map(zeros).collect()
    }

    /// Results for words `[T, B]` after some states; with dropout in training.
    ///
    /// # Errors
    /// [`SupernetError::Torch`] when memory runs out.
    pub fn forward(
        &self,
        route: &CellRoute,
        words: &Tensor,
        states: &[Vec<Tensor>],
        mut dropout: Option<&mut Dropout<'_>>,
    ) -> Result<Forward> {
        let matrix = self.params.tensor(self.embedding);
        let matrix = match dropout.as_deref_mut() {
            Some(dropout) => dropout.embedding(matrix)?,
            None => matrix.shallow_clone(),
        };
        let mut sequence = Tensor::f_embedding(&matrix, words, -1, false, false)?; // [T, B, E]
        if let Some(dropout) = dropout.as_deref_mut() {
            sequence = dropout.input(&sequence)?;
        }
        let (mut after, mut raw) = (Vec::with_capacity(states.len()), sequence.shallow_clone());
        for (at, (linear, states)) in route.layers.iter().zip(states).enumerate() {
            let layer =
                Layer { cell: &route.cell, linear, params: &self.params, arithmetic: self.arithmetic };
            let (results, last) = layer.run(&sequence, states, dropout.as_deref_mut())?;
            after.push(last);
            let is_last = at + 1 == self.sizes.layers;
            sequence = match dropout.as_deref_mut() {
                Some(dropout) if is_last => dropout.output(&results)?,
                Some(dropout) => dropout.hidden(&results)?,
                None => results.shallow_clone(),
            };
            raw = results;
        }
        Ok(Forward { raw, dropped: sequence, states: after })
    }

    /// Mean loss `[]` in nats a word of results for the words `[T, B]` that follow.
    ///
    /// # Errors
    /// [`SupernetError::Torch`] when memory runs out.
    pub fn loss(&self, results: &Tensor, following: &Tensor) -> Result<Tensor> {
        let (decoder, bias) = (self.params.tensor(self.decoder), self.params.tensor(self.decoder_bias));
        let width = decoder.size()[1];
        let flat = results.f_reshape([-1, width])?; // [T·B, E]
        let logits = self.arithmetic.product(&flat, &decoder.f_transpose(0, 1)?)?.f_add(bias)?; // [T·B, V]
        let logs = logits.f_log_softmax(1, self.kind)?;
        let none: Option<&Tensor> = None;
        // No word is left out: -100 is the default of what is.
        Ok(logs.f_nll_loss(&following.f_reshape([-1])?, none, Reduction::Mean, -100)?)
    }
}

const BIAS: &str = "bias";

fn weight(layer: usize, node: &str, input: &str) -> String {
    format!("layer{layer}.{node}.{input}")
}

/// Names and shapes of a cell's weights in a layer.
fn weights(cell: &RecurrentCell, layer: usize, input: usize, width: usize) -> Vec<(String, Vec<usize>)> {
    let of_role = |role: roles::LinearRole| {
        let name = role.name.clone();
        let matrices = role.inputs.into_iter().map(move |from| {
            let columns = if from == "x" { input } else { width };
            (weight(layer, &name, &from), vec![width, columns])
        });
        matrices.chain([(weight(layer, &role.name, BIAS), vec![width])]).collect::<Vec<_>>()
    };
    roles::of_cell(cell).into_iter().flat_map(of_role).collect()
}
