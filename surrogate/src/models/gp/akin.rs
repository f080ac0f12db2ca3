//! Architectures with operations that none of the observations has.

/// The share of its covariance with observations that is left to an architecture with this many operations that none
/// of them has: `e⁻ᵏ`. So its posterior goes back to the prior, where columns of such operations, which are constant
/// among the observations, would say nothing.
pub(crate) fn share(unseen: usize) -> f32 {
    (-(unseen as f32)).exp()
}
