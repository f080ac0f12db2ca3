//! Masks that drop numbers for a whole step.

use bonas_study::rng::StudyRng;
use rand::Rng;
use tch::{Device, Kind, Tensor};

use super::LanguageRecipe;
use crate::model::Result;

/// What is dropped in a step, drawn from a generator: a mask is 0 with probability p, else 1/(1 − p).
#[derive(Debug)]
pub struct Dropout<'a> {
    recipe: &'a LanguageRecipe,
    rng: &'a mut StudyRng,
    kind: Kind,
    device: Device,
}

impl<'a> Dropout<'a> {
    /// Draws masks of a kind for a device.
    pub fn new(recipe: &'a LanguageRecipe, rng: &'a mut StudyRng, kind: Kind, device: Device) -> Self {
        Self { recipe, rng, kind, device }
    }

    /// The rows of an embedding `[V, E]`, whole words dropped.
    pub(super) fn embedding(&mut self, matrix: &Tensor) -> Result<Tensor> {
        let words = matrix.size()[0];
        self.apply(matrix, self.recipe.drop_embedding, &[words, 1])
    }

    /// Inputs of the first layer `[T, B, E]`.
    pub(super) fn input(&mut self, sequence: &Tensor) -> Result<Tensor> {
        self.locked(sequence, self.recipe.drop_input)
    }

    /// What a layer hands on to the next, `[T, B, H]`.
    pub(super) fn hidden(&mut self, sequence: &Tensor) -> Result<Tensor> {
        self.locked(sequence, self.recipe.drop_hidden)
    }

    /// Results of the last layer `[T, B, H]`.
    pub(super) fn output(&mut self, sequence: &Tensor) -> Result<Tensor> {
        self.locked(sequence, self.recipe.drop_output)
    }

    /// A matrix `[H, H]`, each weight by itself.
    pub(super) fn weights(&mut self, matrix: &Tensor) -> Result<Tensor> {
        self.apply(matrix, self.recipe.drop_weights, &matrix.size())
    }

    /// The same of all words: variational dropout (Gal and Ghahramani, NIPS 2016).
    fn locked(&mut self, sequence: &Tensor, p: f64) -> Result<Tensor> {
        let size = sequence.size();
        self.apply(sequence, p, &[1, size[1], size[2]])
    }

    fn apply(&mut self, tensor: &Tensor, p: f64, shape: &[i64]) -> Result<Tensor> {
        if p == 0.0 {
            return Ok(tensor.shallow_clone());
        }
        let count = shape.iter().product::<i64>() as usize;
        let below = (p * f64::from(u32::MAX)) as u32;
        let kept = (1.0 / (1.0 - p)) as f32;
        let mask: Vec<f32> =
            (0..count).map(|_| if self.rng.next_u32() < below { 0.0 } else { kept }).collect();
        let mask =
            Tensor::f_from_slice(&mask)?.f_view(shape)?.f_to_kind(self.kind)?.f_to_device(self.device)?;
        Ok(tensor.f_mul(&mask)?)
    }
}
