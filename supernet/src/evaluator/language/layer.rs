//! A layer: one recurrent cell over a sequence.

use bonas_spaces::network::{RecurrentCell, RecurrentNode, RecurrentOp, Source};
use tch::Tensor;

use super::arithmetic::Arithmetic;
use super::dropout::Dropout;
use crate::model::{ParamId, Params, Result};

/// Slope of a leaky ReLU below 0, as in `torch.nn.LeakyReLU`.
const SLOPE: f64 = 0.01;

/// The parameters of a linear node.
#[derive(Clone, Debug)]
pub(super) struct Linear {
    /// A matrix for each input: `[H, E]` for `x`, else `[H, H]`.
    pub(super) matrices: Vec<ParamId>,
    /// `[H]`
    pub(super) bias: ParamId,
}

/// A cell with its parameters in one layer; `linear` has those of each linear node, by node.
pub(super) struct Layer<'a> {
    pub(super) cell: &'a RecurrentCell,
    pub(super) linear: &'a [Option<Linear>],
    pub(super) params: &'a Params,
    pub(super) arithmetic: Arithmetic,
}

/// A linear node of a step.
struct Prepared {
    /// Its bias `[H]`, or with the products of `x` for each word `[B, H]`.
    constant: Constant,
    /// The other inputs, and the transposed matrices for them `[H, H]`.
    matrices: Vec<(Source, Tensor)>,
}

enum Constant {
    Bias(Tensor),
    Words(Vec<Tensor>),
}

impl Layer<'_> {
    /// Results `[T, B, H]` and the states after the last word, of inputs `[T, B, E]` and states `[B, H]`.
    pub(super) fn run(
        &self,
        inputs: &Tensor,
        states: &[Tensor],
        dropout: Option<&mut Dropout<'_>>,
    ) -> Result<(Tensor, Vec<Tensor>)> {
        let prepared = self.prepare(inputs, dropout)?;
        let mut states: Vec<Tensor> = states.iter().map(Tensor::shallow_clone).collect();
        let mut results = Vec::with_capacity(inputs.size()[0] as usize);
        for word in 0..inputs.size()[0] as usize {
            states = self.step(&prepared, word, &states)?;
            results.push(states[0].shallow_clone());
        }
        Ok((Tensor::f_stack(&results, 0)?, states))
    }

    /// What linear nodes compute of `x` for all words at once, and their other matrices after dropout.
    fn prepare(
        &self,
        inputs: &Tensor,
        mut dropout: Option<&mut Dropout<'_>>,
    ) -> Result<Vec<Option<Prepared>>> {
        let mut prepared = Vec::with_capacity(self.cell.nodes().len());
        for (node, linear) in self.cell.nodes().iter().zip(self.linear) {
            prepared.push(match linear {
                Some(linear) => Some(self.prepare_node(node, linear, inputs, dropout.as_deref_mut())?),
                None => None,
            });
        }
        Ok(prepared)
    }

    fn prepare_node(
        &self,
        node: &RecurrentNode,
        linear: &Linear,
        inputs: &Tensor,
        mut dropout: Option<&mut Dropout<'_>>,
    ) -> Result<Prepared> {
        let bias = self.params.tensor(linear.bias);
        let mut constant = Constant::Bias(bias.shallow_clone());
        let mut matrices = Vec::new();
        for (&source, &matrix) in node.inputs.iter().zip(&linear.matrices) {
            let matrix = self.params.tensor(matrix);
            if source == Source::Input {
                let products = self.arithmetic.product(inputs, &matrix.f_transpose(0, 1)?)?.f_add(bias)?; // [T, B, H]
                constant = Constant::Words(products.f_unbind(0)?);
                continue;
            }
            let kept = match dropout.as_deref_mut() {
                Some(dropout) => dropout.weights(matrix)?,
                None => matrix.shallow_clone(),
            };
            matrices.push((source, self.arithmetic.factor(&kept.f_transpose(0, 1)?)?));
        }
        Ok(Prepared { constant, matrices })
    }

    /// The new states `[B, H]`.
    fn step(&self, prepared: &[Option<Prepared>], word: usize, states: &[Tensor]) -> Result<Vec<Tensor>> {
        let mut results: Vec<Tensor> = Vec::with_capacity(prepared.len());
        for (node, prepared) in self.cell.nodes().iter().zip(prepared) {
            let read = |source: Source| match source {
                // Only linear nodes read `x`, which is in their constant.
                Source::Input | Source::State(_) => &states[state_of(source)],
                Source::Node(node) => &results[node],
            };
            let result = match prepared {
                Some(prepared) => self.linear(prepared, word, &read)?,
                None => elementwise(node, &read)?,
            };
            results.push(result);
        }
        Ok(self.cell.outputs().iter().map(|&node| results[node].shallow_clone()).collect())
    }

    /// `b + Σᵢ Wᵢ·aᵢ`, `[B, H]`.
    fn linear<'t>(
        &self,
        prepared: &Prepared,
        word: usize,
        read: &impl Fn(Source) -> &'t Tensor,
    ) -> Result<Tensor> {
        let mut sum = match &prepared.constant {
            Constant::Words(products) => products[word].shallow_clone(), // [B, H]
            Constant::Bias(bias) => bias.shallow_clone(),                // [H]
        };
        for (source, matrix) in &prepared.matrices {
            sum = self.arithmetic.added(&sum, read(*source), matrix)?;
        }
        Ok(sum)
    }
}

fn state_of(source: Source) -> usize {
    if let Source::State(state) = source { state } else { 0 }
}

/// What the other operations compute, `[B, H]`.
fn elementwise<'a>(node: &RecurrentNode, read: &impl Fn(Source) -> &'a Tensor) -> Result<Tensor> {
    let input = |place: usize| read(node.inputs[place]);
    Ok(match node.op {
        // a·b + (1 − a)·c
        RecurrentOp::Blend => input(2).f_lerp_tensor(input(1), input(0))?,
        RecurrentOp::Product => input(0).f_mul(input(1))?,
        RecurrentOp::Sum => input(0).f_add(input(1))?,
        RecurrentOp::Tanh => input(0).f_tanh()?,
        RecurrentOp::Sigmoid => input(0).f_sigmoid()?,
        RecurrentOp::LeakyRelu => {
            let below = input(0).f_mul_scalar(SLOPE)?;
            input(0).f_maximum(&below)?
        }
        RecurrentOp::Linear => input(0).shallow_clone(),
    })
}
