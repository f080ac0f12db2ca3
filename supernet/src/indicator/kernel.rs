//! Neural tangent kernels and their condition numbers.
//!
//! Shapes: B images, P parameters, K classes.

use tch::{Kind, Tensor};

use crate::model::{ImageAffine, Mode, Pass, Path, Result, Statistics, Supernet, SupernetError};

/// Share of the mean eigenvalue that regularises a condition number.
const REGULARISER: f64 = 1e-6;

/// The tangent kernel `Θ = J Jᵀ` `[B, B]` of a path, `J = ∂(Σ_k logit_k(x_i)) / ∂(γ, β)` `[B, P]` over the
/// last BatchNorm of each of its operations, in double precision; none if there is no such BatchNorm.
///
/// Images are normalised by the statistics of `images` `[B, C, H, W]`, held fixed: without that an
/// image's gradient would depend on the others. One backward pass gives all rows.
///
/// # Errors
/// [`SupernetError::Setting`] for fewer than two images, [`SupernetError::Torch`].
pub fn bn_kernel(net: &Supernet, path: &Path, images: &Tensor) -> Result<Option<Tensor>> {
    check_batch(images)?;
    let operations = path.operations().iter().map(|&op| &net.operations()[op]);
    let norms: Vec<usize> = operations.filter_map(|op| op.norm.map(|n| n.norm)).collect();
    if norms.is_empty() {
        return Ok(None);
    }
    let mut statistics = Statistics::new();
    net.forward(images, path, &mut Pass::new(Mode::Estimate(&mut statistics)))?;
    let mut affine = ImageAffine::of(norms);
    let mut pass = Pass::new(Mode::EvalWith(&statistics)).with_image_affine(&mut affine);
    let sum = net.forward(images, path, &mut pass)?.logits.f_sum(net.placement().kind)?; // []
    Ok(Some(gram(&affine.gradients(&sum)?)?))
}

/// The tangent kernel `[B, B]` of a path over all of its weights but shifts, normalised by the batch
/// itself: the reference form of TE-NAS (Chen et al. 2021, `ntk.py`). One backward pass an image.
///
/// # Errors
/// As [`bn_kernel`].
pub fn weight_kernel(net: &Supernet, path: &Path, images: &Tensor) -> Result<Tensor> {
    check_batch(images)?;
    let is_weight = |id: &usize| net.params().spec(*id).name.ends_with("weight");
    let ids: Vec<usize> = path.params().iter().copied().filter(is_weight).collect();
    let leaves: Vec<&Tensor> = ids.iter().map(|&id| net.params().tensor(id)).collect();
    let mut statistics = Statistics::new();
    let mut pass = Pass::new(Mode::Estimate(&mut statistics)).with_gradients();
    let sums = net.forward(images, path, &mut pass)?.logits.f_sum_dim_intlist([1].as_slice(), false, None)?; // [B]
    let count = images.size()[0];
    let mut rows = Vec::with_capacity(count as usize);
    for i in 0..count {
        let found = Tensor::f_run_backward(&[sums.f_select(0, i)?], &leaves, i + 1 < count, false)?;
        let parts = found.iter().filter(|g| g.defined()).map(|g| g.f_reshape([-1]));
        rows.push(Tensor::f_cat(&parts.collect::<Result<Vec<_>, _>>()?, 0)?); // [P]
    }
    gram(&Tensor::f_stack(&rows, 0)?)
}

/// `J Jᵀ` of `[B, P]` in double precision.
fn gram(jacobian: &Tensor) -> Result<Tensor> {
    let j = jacobian.f_to_kind(Kind::Double)?;
    Ok(j.f_matmul(&j.f_transpose(0, 1)?)?) // [B, B]
}

fn check_batch(images: &Tensor) -> Result<()> {
    match images.size()[0] {
        n if n >= 2 => Ok(()),
        n => Err(SupernetError::Setting {
            name: "images",
            reason: format!("a batch of {n}; a condition number needs at least 2 images"),
        }),
    }
}

/// Largest over smallest eigenvalue of a symmetric kernel `[B, B]`; infinite for a singular one.
///
/// # Errors
/// [`SupernetError::Torch`] for a kernel with numbers that are not finite.
pub fn condition_number(kernel: &Tensor) -> Result<f64> {
    let (smallest, largest, _) = spectrum(kernel)?;
    Ok(if smallest > 0.0 { largest / smallest } else { f64::INFINITY })
}

/// Regularised condition number of a positive semi-definite kernel `[B, B]`:
/// `κ_ε = (λ_max + ε) / (λ_min + ε)` with `ε = 1e-6 · tr Θ / B`; none if the kernel is zero.
///
/// # Errors
/// [`SupernetError::Torch`] for a kernel with numbers that are not finite.
pub fn regularised_condition(kernel: &Tensor) -> Result<Option<f64>> {
    let (smallest, largest, trace) = spectrum(kernel)?;
    if trace <= 0.0 {
        return Ok(None);
    }
    let epsilon = REGULARISER * trace / kernel.size()[0] as f64;
    // Rounding may leave a zero eigenvalue slightly below zero.
    Ok(Some((largest + epsilon) / (smallest.max(0.0) + epsilon)))
}

/// Trainability of a kernel (our definition): `T = -ln κ_ε`; the worst there can be for none.
///
/// # Errors
/// [`SupernetError::Torch`] for a kernel with numbers that are not finite.
pub fn log_condition(kernel: Option<&Tensor>, images: usize) -> Result<f64> {
    let condition = kernel.map(regularised_condition).transpose()?.flatten();
    Ok(condition.map_or_else(|| worst_log_condition(images), |kappa| -kappa.ln()))
}

/// The lowest that [`log_condition`] can be of so many images: that of a kernel of rank one,
/// `-ln(1 + 1e6·B)`. An architecture that has nothing to train has this one.
pub fn worst_log_condition(images: usize) -> f64 {
    -(1.0 + images as f64 / REGULARISER).ln()
}

/// Smallest and largest eigenvalue, and the trace.
fn spectrum(kernel: &Tensor) -> Result<(f64, f64, f64)> {
    let eigenvalues: Vec<f64> = Vec::try_from(kernel.f_linalg_eigvalsh("L")?)?; // ascending
    let trace = kernel.f_trace()?.double_value(&[]);
    match (eigenvalues.first(), eigenvalues.last()) {
        (Some(&smallest), Some(&largest)) => Ok((smallest, largest, trace)),
        _ => Err(SupernetError::Setting { name: "images", reason: "0; a kernel needs some".into() }),
    }
}
