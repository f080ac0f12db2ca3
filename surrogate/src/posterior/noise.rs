//! The noise of a measurement inside a posterior.

use super::{Law, Posterior};
use crate::SurrogateError;

impl Posterior {
    /// This posterior of a measured score, with what part of its latent variance is the noise of the measurement, so
    /// that [`without_noise`](Self::without_noise) can leave it out. The law itself does not change.
    ///
    /// ```
    /// use bonas_surrogate::Posterior;
    /// // A score known up to a variance of 0.03, measured with noise of variance 0.01.
    /// let measured = Posterior::gaussian(0.9, 0.04)?.with_noise(0.01)?;
    /// assert_eq!(measured.variance(), 0.04);
    /// assert_eq!(measured.without_noise().variance(), 0.03);
    /// # Ok::<(), bonas_surrogate::SurrogateError>(())
    /// ```
    ///
    /// # Errors
    /// [`SurrogateError::Numeric`] unless `noise` is between 0 and the variance of the Gaussian underneath.
    pub fn with_noise(self, noise: f64) -> Result<Self, SurrogateError> {
        let variance = self.latent_variance();
        if (0.0..=variance).contains(&noise) {
            return Ok(Self { noise, ..self });
        }
        let reason = format!("noise {noise}; it must be from 0 to the latent variance, {variance}");
        Err(SurrogateError::numeric("posterior", reason))
    }

    /// Variance of the measurement's noise on the scale of the Gaussian underneath; 0 where it is not known.
    pub fn noise(&self) -> f64 {
        self.noise
    }

    /// The posterior of the true score: this one without the noise of a measurement. Where that is not known it is this
    /// one.
    #[must_use]
    pub fn without_noise(&self) -> Self {
        let left = (self.latent_variance() - self.noise).max(0.0);
        let mut law = self.law.clone();
        match &mut law {
            Law::Gaussian { variance, .. }
            | Law::SigmoidGaussian { variance, .. }
            | Law::Warped { variance, .. } => *variance = left,
        }
        Self { law, noise: 0.0 }
    }

    fn latent_variance(&self) -> f64 {
        match &self.law {
            Law::Gaussian { variance, .. }
            | Law::SigmoidGaussian { variance, .. }
            | Law::Warped { variance, .. } => *variance,
        }
    }
}
