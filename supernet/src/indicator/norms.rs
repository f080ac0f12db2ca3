//! What scales and shifts say by themselves: BN-NAS' |γ| and the entropy of unit activity.
//!
//! Shapes: C channels.

use std::collections::BTreeMap;

use statrs::function::erf::erfc;
use tch::{Kind, Tensor};

use crate::model::{Operation, Path, Result, Supernet};

/// Scales γ and shifts β of the BatchNorm that each operation of a supernet ends in, read once.
#[derive(Clone, Debug)]
pub struct NormValues {
    operations: Vec<Operation>,
    /// `[C]` each, by operation; none where it has no BatchNorm.
    values: Vec<Option<(Vec<f64>, Vec<f64>)>>,
}

impl NormValues {
    /// Reads a network.
    ///
    /// # Errors
    /// [`crate::model::SupernetError::Torch`] when libtorch fails.
    pub fn of(net: &Supernet) -> Result<Self> {
        let read = |tensor: &Tensor| -> Result<Vec<f64>> {
            Ok(Vec::try_from(tensor.f_detach()?.f_to_kind(Kind::Double)?)?)
        };
        let pair = |op: &Operation| {
            let params = net.params();
            op.norm.map(|n| Ok((read(params.tensor(n.scale))?, read(params.tensor(n.shift))?))).transpose()
        };
        let values = net.operations().iter().map(pair).collect::<Result<_>>()?;
        Ok(Self { operations: net.operations().to_vec(), values })
    }

    /// BN-NAS' score of each operation, `(1/C) Σ_c |γ_c|`; 0 for one without BatchNorm (Chen et al.
    /// 2021; BNNAS, `ea.py`).
    pub fn gamma_table(&self) -> Vec<f64> {
        (0..self.values.len()).map(|operation| self.gamma_of(operation)).collect()
    }

    fn gamma_of(&self, operation: usize) -> f64 {
        self.values[operation]
            .as_ref()
            .map_or(0.0, |(scale, _)| scale.iter().map(|g| g.abs()).sum::<f64>() / scale.len().max(1) as f64)
    }

    /// BN-NAS' score of a path, the sum over its operations of [`NormValues::gamma_table`].
    pub fn gamma(&self, path: &Path) -> f64 {
        path.operations().iter().map(|&operation| self.gamma_of(operation)).sum()
    }

    /// Expressivity of a path in bits (our definition): the sum over nodes of the mean over channels
    /// of [`activity_entropy`].
    ///
    /// What a node sums is `Σ_e γ_e x̂_e + β_e` over what enters it, with `x̂ ~ N(0, 1)`
    /// by construction; its variance is taken as `Σ γ_e²`, its mean is `Σ β_e`. The sum over nodes is
    /// the expected logarithm of the number of activation patterns, were units independent.
    pub fn expressivity(&self, path: &Path) -> f64 {
        let mut nodes: BTreeMap<(usize, usize), Vec<(f64, f64)>> = BTreeMap::new();
        for &op in path.operations() {
            let (operation, Some((scale, shift))) = (&self.operations[op], &self.values[op]) else {
                continue;
            };
            let node = nodes.entry((operation.unit, operation.node)).or_default();
            node.resize(scale.len(), (0.0, 0.0));
            for ((variance, mean), (g, b)) in node.iter_mut().zip(scale.iter().zip(shift)) {
                *variance += g * g;
                *mean += b;
            }
        }
        let of_node = |channels: &Vec<(f64, f64)>| {
            let bits: f64 = channels.iter().map(|&(variance, mean)| activity_entropy(variance, mean)).sum();
            bits / channels.len().max(1) as f64
        };
        nodes.values().map(of_node).sum()
    }
}

/// Entropy in bits of whether `z ~ N(mean, variance)` is above 0, which it is with probability
/// `p = Φ(mean / √variance)`: `-p·log₂ p - (1-p)·log₂(1-p)`. 0 without variance.
pub fn activity_entropy(variance: f64, mean: f64) -> f64 {
    if variance == 0.0 {
        return 0.0;
    }
    let z = mean / variance.sqrt();
    // Both tails by themselves, so that neither cancels.
    let (on, off) = (0.5 * erfc(-z / std::f64::consts::SQRT_2), 0.5 * erfc(z / std::f64::consts::SQRT_2));
    let term = |p: f64| if p > 0.0 { -p * p.log2() } else { 0.0 };
    term(on) + term(off)
}
