//! Activation patterns: NASWOT's score and TE-NAS' count of linear regions.
//!
//! Shapes: B images, U ReLU units.

use tch::Tensor;

use crate::model::{Agreement, Result};

/// NASWOT's score (Mellor et al. 2021): `ln det K`, with `K_ij` `[B, B]` the number of ReLU units that
/// are both active or both not for images i and j. Minus infinity if two images share a pattern;
/// none without a ReLU.
///
/// # Errors
/// [`crate::model::SupernetError::Torch`] when memory runs out.
pub fn naswot(agreement: &Agreement) -> Result<Option<f64>> {
    let log_determinant = |counts: &Tensor| Ok(counts.f_slogdet()?.1.double_value(&[]));
    agreement.counts().map(log_determinant).transpose()
}

/// Distinct activation patterns among the images, `Σ_i 1 / |{j : pattern_j = pattern_i}|`, in 1..B
/// (TE-NAS, Chen et al. 2021, `linear_region_counter.py`, which feeds it 3×3 crops so that patterns
/// meet); none without a ReLU.
///
/// # Errors
/// [`crate::model::SupernetError::Torch`] when memory runs out.
pub fn linear_regions(agreement: &Agreement) -> Result<Option<f64>> {
    let distinct = |counts: &Tensor| {
        // Two patterns are equal where all units agree.
        let alike = counts.f_eq(agreement.units() as f64)?.f_sum_dim_intlist(
            [1].as_slice(),
            false,
            tch::Kind::Double,
        )?;
        Ok(alike.f_reciprocal()?.f_sum(tch::Kind::Double)?.double_value(&[]))
    };
    agreement.counts().map(distinct).transpose()
}
