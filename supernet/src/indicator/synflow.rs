//! Synaptic flow.

use tch::{Kind, Tensor, no_grad};

use crate::model::{Pass, Path, Result, Supernet};

/// Logarithm of the synaptic flow of a path (Tanaka et al. 2020, as Abdelfattah et al. 2021 score
/// architectures): `ln Σ_θ θ · ∂R/∂θ`, with R the sum of the logits of an image of ones and every
/// parameter replaced by its absolute value.
///
/// BatchNorm is passed over: `net` must be untrained, so that its running statistics are 0 and 1 and
/// its scales 1, and its parameters must be absolute already ([`make_absolute`]). In double precision,
/// for R grows with every layer.
///
/// # Errors
/// [`crate::model::SupernetError`] for a path of another network, or when memory runs out.
pub fn synflow(net: &Supernet, path: &Path) -> Result<f64> {
    let (shape, placement) = (net.image(), net.placement());
    let size = [1, shape.channels as i64, shape.height as i64, shape.width as i64];
    let ones = Tensor::f_ones(size, (placement.kind, placement.device))?; // [1, C, H, W]
    let flow = net.forward(&ones, path, &mut Pass::eval().with_gradients())?.logits.f_sum(placement.kind)?; // []
    let leaves: Vec<&Tensor> = path.params().iter().map(|&id| net.params().tensor(id)).collect();
    let gradients = Tensor::f_run_backward(&[flow], &leaves, false, false)?;
    let mut sum = 0.0;
    for (leaf, gradient) in leaves.iter().zip(gradients).filter(|(_, g)| g.defined()) {
        sum += no_grad(|| gradient.f_mul(leaf)?.f_sum(Kind::Double))?.double_value(&[]);
    }
    Ok(sum.ln())
}

/// Replaces every parameter of a network by its absolute value.
///
/// # Errors
/// [`crate::model::SupernetError::Torch`] when memory runs out.
pub fn make_absolute(net: &Supernet) -> Result<()> {
    let _ = no_grad(|| net.params().flat().shallow_clone().f_abs_())?;
    Ok(())
}
