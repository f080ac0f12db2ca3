//! Adam on architecture parameters.

use tch::{Tensor, no_grad};

use crate::model::SupernetError;

type Result<T> = std::result::Result<T, SupernetError>;

/// Decay of the first and the second moment, as in DARTS.
const BETAS: (f64, f64) = (0.5, 0.999);
const EPSILON: f64 = 1e-8;

/// Adam (Kingma & Ba 2015) with weight decay λ in the gradient, as `torch.optim.Adam`:
/// `g ← g + λ·x`, `m ← β₁·m + (1-β₁)·g`, `v ← β₂·v + (1-β₂)·g²`,
/// `x ← x - η·m̂ / (√v̂ + ε)`, moments corrected by `1 - βᵗ`.
#[derive(Debug)]
pub(super) struct Adam {
    weight_decay: f64,
    moments: Vec<(Tensor, Tensor)>,
    /// Steps taken, `[]`, so that it is saved with the moments.
    steps: Tensor,
}

impl Adam {
    pub(super) fn new(weight_decay: f64, leaves: &[(&'static str, &Tensor)]) -> Result<Self> {
        let zeros = |leaf: &Tensor| -> Result<Tensor> { Ok(leaf.detach().f_zeros_like()?) };
        let moments = leaves.iter().map(|(_, leaf)| Ok((zeros(leaf)?, zeros(leaf)?)));
        let steps = Tensor::f_from_slice(&[0_i64])?;
        Ok(Self { weight_decay, moments: moments.collect::<Result<_>>()?, steps })
    }

    /// The state by name; the tensors share its memory.
    pub(super) fn state(&self, leaves: &[(&'static str, &Tensor)]) -> Vec<(String, Tensor)> {
        let mut state = vec![("adam.steps".to_owned(), self.steps.shallow_clone())];
        for ((name, _), (m, v)) in leaves.iter().zip(&self.moments) {
            state.push((format!("adam.m.{name}"), m.shallow_clone()));
            state.push((format!("adam.v.{name}"), v.shallow_clone()));
        }
        state
    }

    /// Moves the leaves along their gradients.
    pub(super) fn step(
        &mut self,
        leaves: &[(&'static str, &Tensor)],
        gradients: &[Tensor],
        rate: f64,
    ) -> Result<()> {
        no_grad(|| {
            let _ = self.steps.f_add_scalar_(1)?;
            let steps = self.steps.int64_value(&[0]) as i32;
            let corrections = (1.0 - BETAS.0.powi(steps), 1.0 - BETAS.1.powi(steps));
            for (((_, leaf), (m, v)), gradient) in leaves.iter().zip(&mut self.moments).zip(gradients) {
                let gradient = gradient.f_add(&leaf.f_mul_scalar(self.weight_decay)?)?;
                let _ = m.f_mul_scalar_(BETAS.0)?.f_add_(&gradient.f_mul_scalar(1.0 - BETAS.0)?)?;
                let square = gradient.f_square()?.f_mul_scalar(1.0 - BETAS.1)?;
                let _ = v.f_mul_scalar_(BETAS.1)?.f_add_(&square)?;
                let root = v.f_div_scalar(corrections.1)?.f_sqrt()?.f_add_scalar(EPSILON)?;
                let step = m.f_div_scalar(corrections.0)?.f_div(&root)?.f_mul_scalar(rate)?;
                let _ = leaf.shallow_clone().f_sub_(&step)?;
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use tch::Kind;

    use super::*;

    #[test]
    fn two_steps_by_hand() {
        let leaf = Tensor::from_slice(&[2.0_f64]).set_requires_grad(true);
        let leaves = [("x", &leaf)];
        let mut adam = Adam::new(0.1, &leaves).unwrap();
        let gradient = [Tensor::from_slice(&[1.0_f64])];
        adam.step(&leaves, &gradient, 0.01).unwrap();
        // The first corrected step is the sign of g + λx.
        assert!((leaf.double_value(&[0]) - 1.99).abs() < 1e-9);
        adam.step(&leaves, &gradient, 0.01).unwrap();
        // m = .5·.6 + .5·1.199, v = .999·.001·1.44 + .001·1.199², corrected by 1-.25 and 1-.998001.
        let (m, v) = (0.3 + 0.5 * 1.199, 0.999 * 0.001 * 1.44 + 0.001 * 1.199_f64.powi(2));
        let expected = 1.99 - 0.01 * (m / 0.75) / ((v / 0.001_999_f64).sqrt() + 1e-8);
        assert!((leaf.double_value(&[0]) - expected).abs() < 1e-9);
        assert_eq!(leaf.kind(), Kind::Double);
    }
}
