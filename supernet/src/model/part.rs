//! Parameters of which a layer uses a part.

use tch::Tensor;

use super::error::Result;
use super::params::{ParamId, Params};

/// A parameter, or its first channels and kernels made of the middle of its own.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub(super) id: ParamId,
    /// What is used of each dimension, if it is not all.
    shape: Option<Vec<i64>>,
    /// Matrices that make kernels of larger ones, the first of the largest.
    matrices: Vec<Matrix>,
}

/// A matrix `[K·K, K·K]` that makes kernels of side K of the middle of larger ones.
#[derive(Clone, Copy, Debug)]
pub(super) struct Matrix {
    pub(super) id: ParamId,
    pub(super) side: i64,
}

impl Piece {
    /// All of a parameter.
    pub(super) fn whole(id: ParamId) -> Self {
        Self { id, shape: None, matrices: Vec::new() }
    }

    /// This much of each dimension: channels come first, and sides of a kernel behind.
    pub(super) fn part(id: ParamId, shape: &[usize]) -> Self {
        let shape = shape.iter().map(|&n| n as i64).collect();
        Self { id, shape: Some(shape), matrices: Vec::new() }
    }

    /// The same with kernels that matrices make, one after the other.
    pub(super) fn transformed(self, matrices: Vec<Matrix>) -> Self {
        Self { matrices, ..self }
    }

    /// The parameters that it is made of.
    pub(super) fn ids(&self) -> impl Iterator<Item = ParamId> + '_ {
        std::iter::once(self.id).chain(self.matrices.iter().map(|matrix| matrix.id))
    }

    /// The tensor: a view, if no matrix makes it.
    pub(super) fn of(&self, params: &Params) -> Result<Tensor> {
        let mut tensor = params.tensor(self.id).shallow_clone();
        for (dim, &wanted) in self.shape.iter().flatten().enumerate() {
            if dim < 2 || self.matrices.is_empty() {
                tensor = middle(&tensor, dim, wanted)?;
            }
        }
        for &Matrix { id, side } in &self.matrices {
            let kernels = middle(&middle(&tensor, 2, side)?, 3, side)?; // [C', C / G, K, K]
            let flat = kernels.f_reshape([-1, side * side])?; // [C'·C / G, K·K]
            let made = flat.f_linear::<&Tensor>(params.tensor(id), None)?; // [C'·C / G, K·K]
            tensor = made.f_view(kernels.size().as_slice())?;
        }
        Ok(tensor)
    }
}

/// The first of a dimension, and of the sides of kernels those in the middle.
fn middle(tensor: &Tensor, dim: usize, wanted: i64) -> Result<Tensor> {
    let all = tensor.size()[dim];
    let start = if dim < 2 { 0 } else { (all - wanted) / 2 };
    Ok(if wanted < all { tensor.f_narrow(dim as i64, start, wanted)? } else { tensor.shallow_clone() })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use rand::SeedableRng;
    use tch::{Device, Kind};

    use super::super::params::{Fill, ParamsBuilder};
    use super::*;

    /// Kernels of 7 in two channels, matrices of 5 and 3, and the kernels of 3 that they make.
    fn transformed() -> (Params, Piece) {
        let mut builder = ParamsBuilder::default();
        let weight = builder.add("weight".into(), &[2, 1, 7, 7], Fill::Uniform(1.0));
        let matrices = [5, 3].map(|side| {
            let shape = [side * side; 2];
            Matrix {
                id: builder.add(format!("matrix{side}"), &shape, Fill::Identity(side * side)),
                side: side as i64,
            }
        });
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
        let params = builder.finish(&mut rng, Kind::Double, Device::Cpu).unwrap();
        (params, Piece::part(weight, &[2, 1, 3, 3]).transformed(matrices.to_vec()))
    }

    #[test]
    fn identities_cut_the_middle_out() {
        let (params, piece) = transformed();
        let cut = Piece::part(piece.id, &[2, 1, 3, 3]).of(&params).unwrap();
        assert!(piece.of(&params).unwrap().equal(&cut));
        assert_eq!(piece.ids().collect::<Vec<_>>(), [0, 1, 2]);
    }

    /// The kernel of the first channel counts from 0, row by row, and that of the second from 49. The first matrix doubles and
    /// the second turns the order of the nine numbers around.
    #[test]
    fn kernels_by_hand() {
        let (params, piece) = transformed();
        params.set(0, &Tensor::arange(98, (Kind::Double, Device::Cpu)).view([2, 1, 7, 7])).unwrap();
        params.set(1, &(Tensor::eye(25, (Kind::Double, Device::Cpu)) * 2.0)).unwrap();
        params.set(2, &Tensor::eye(9, (Kind::Double, Device::Cpu)).flip([0])).unwrap();
        let middle = [32.0, 31.0, 30.0, 25.0, 24.0, 23.0, 18.0, 17.0, 16.0];
        let expected: Vec<f64> = [0.0, 49.0].iter().flat_map(|c| middle.map(|k| 2.0 * (k + c))).collect();
        let found = piece.of(&params).unwrap();
        assert_eq!(found.size(), [2, 1, 3, 3]);
        assert_eq!(Vec::<f64>::try_from(found.view([-1])).unwrap(), expected);
    }

    /// Gradients of a weighted sum of squares of the kernels reach kernels and both matrices, and are the slopes.
    #[test]
    fn gradients_are_slopes() {
        let (params, piece) = transformed();
        let loss = || {
            let kernels = piece.of(&params).unwrap().view([-1]);
            let weights = Tensor::arange(18, (Kind::Double, Device::Cpu)) + 1.0;
            (kernels.square() * weights).sum(Kind::Double)
        };
        loss().backward();
        for (id, place) in [(0, 16), (0, 49 + 32), (1, 6 * 25 + 6), (1, 7 * 25 + 12), (2, 0), (2, 5 * 9 + 3)]
        {
            let number = params.tensor(id).detach().view([-1]).narrow(0, place, 1);
            let at = |by: f64| {
                let _ = number.shallow_clone().g_add_scalar_(by);
                tch::no_grad(loss).double_value(&[])
            };
            let (above, below) = (at(1e-6), at(-2e-6));
            let _ = at(1e-6);
            let found = params.tensor(id).grad().view([-1]).double_value(&[place]);
            assert!(((above - below) / 2e-6 - found).abs() < 1e-6, "{id} {place} {found}");
            assert!(found.abs() > 1e-3, "{id} {place}");
        }
    }
}
