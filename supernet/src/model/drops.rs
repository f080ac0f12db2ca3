//! What drop-path drops in one pass.
//!
//! Shapes: B images, D operations that may be dropped.

use tch::{Device, Kind, Tensor};

use super::error::{Result, SupernetError};
use super::params::unit;
use super::pass::DropPath;
use crate::device;

/// The masks of all operations of a pass, drawn and sent to the device together.
#[derive(Debug)]
pub(super) struct Drops {
    /// One `[B, 1, 1, 1]` an operation, in the order of the operations: 0 where an image is dropped, else 1/(1 - p).
    masks: std::vec::IntoIter<Tensor>,
}

impl Drops {
    /// Draws the masks of `operations` operations for `images` images, in a kind.
    pub(super) fn draw(
        drop: &mut DropPath<'_>,
        [operations, images]: [usize; 2],
        (kind, device): (Kind, Device),
    ) -> Result<Self> {
        let keep = 1.0 - drop.probability;
        let mut draw = || if unit(drop.rng) < keep { 1.0 / keep } else { 0.0 };
        let numbers: Vec<f64> = (0..operations * images).map(|_| draw()).collect();
        let shape = [operations as i64, images as i64, 1, 1, 1];
        let masks = Tensor::f_from_slice(&numbers)?.f_view(shape)?; // [D, B, 1, 1, 1]
        let masks = device::sent(&masks, device)?.f_to_kind(kind)?;
        Ok(Self { masks: masks.f_unbind(0)?.into_iter() })
    }

    /// Whether every operation had its mask.
    pub(super) fn is_used_up(&self) -> bool {
        self.masks.len() == 0
    }

    /// The mask `[B, 1, 1, 1]` of the next operation.
    pub(super) fn next(&mut self) -> Result<Tensor> {
        let few = || SupernetError::mismatch("path", "it has more operations to drop than it counted");
        self.masks.next().ok_or_else(few)
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn whole_images_are_dropped_and_the_mean_is_kept() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut drop = DropPath { probability: 0.2, rng: &mut rng };
        let mut drops = Drops::draw(&mut drop, [2, 4000], (Kind::Double, Device::Cpu)).unwrap();
        let [one, other] = [0, 1].map(|_| drops.next().unwrap());
        assert!(one.size() == [4000, 1, 1, 1] && !one.equal(&other), "each operation has its own");
        let values: Vec<f64> = Vec::try_from(one.flatten(0, -1)).unwrap();
        assert!(values.iter().all(|v| v.abs() < 1e-12 || (v - 1.25).abs() < 1e-12));
        assert!((values.iter().sum::<f64>() / 4000.0 - 1.0).abs() < 0.03);
        assert!(drops.is_used_up() && drops.next().is_err());
    }
}
