//! Posteriors: what a surrogate predicts about the score of a candidate.
//!
//! [`Posterior`] is the law of one candidate's score; [`Joint`] is that of several candidates together, for joint
//! draws. Both know how to map a Gaussian to the unit of the score. Build them yourself when you write a
//! surrogate or test an acquisition.
//!
//! ```
//! use bonas_surrogate::Posterior;
//!
//! let posterior = Posterior::gaussian(0.9, 0.0004)?;
//! assert!((posterior.sd() - 0.02).abs() < 1e-12);
//! assert!((posterior.survival(0.92) - 0.158_655).abs() < 1e-6);
//! # Ok::<(), bonas_surrogate::SurrogateError>(())
//! ```

use std::sync::Arc;

use rand::Rng;
use rand_distr::{Distribution, StandardNormal};

use crate::error::SurrogateError;

pub(crate) mod curve;
mod joint;
mod noise;
pub(crate) mod normal;
pub mod quadrature;
pub(crate) mod warp;

pub use joint::Joint;
use normal::{ln_pdf, logit, sigmoid};
use quadrature::{Rule, gauss_hermite, gauss_legendre};
pub use warp::Warp;

/// Thresholds on a sigmoid-squashed law are clipped to this score.
const TOP_SCORE: f64 = 1.0 - 1e-12;

/// A threshold so many standard deviations below the mean leaves no tail that matters.
const SURE: f64 = -30.0;

/// How the mean and variance of a [`Law::SigmoidGaussian`] are computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Moments {
    /// By quadrature; see [`quadrature::gauss_hermite`] for the accuracy.
    #[default]
    Quadrature,
    /// By the closed forms of the published code (BONAS, after Wang et al., Natural-Parameter
    /// Networks, 2016): with `a = 4 - 2√2`, `b = -ln(1 + √2)`,
    /// `E = σ(μ / √(1 + π s²/8))`, `Var = σ(a (μ + b) / √(1 + π a² s²/8)) - E²`.
    ///
    /// The variance does not vanish with `s`: at `μ = 2.75`, `s = 0.02` the standard deviation
    /// is 0.126 instead of 0.0011, and an upper confidence bound falls as `s` grows.
    /// Only for comparison with the paper.
    Published,
}

/// The law of a [`Posterior`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Law {
    /// score ~ N(mean, variance).
    Gaussian {
        /// Mean score.
        mean: f64,
        /// Variance of the score.
        variance: f64,
    },
    /// score = sigmoid(z), z ~ N(mu, variance): logit-normal on (0, 1).
    SigmoidGaussian {
        /// Mean of the logit.
        mu: f64,
        /// Variance of the logit.
        variance: f64,
        /// Rule for the moments of the score.
        moments: Moments,
    },
    /// score = g(z), z ~ N(mu, variance), where g is rising and piecewise linear: from Gaussian ranks or normal scores.
    Warped {
        /// Mean of z.
        mu: f64,
        /// Variance of z.
        variance: f64,
        /// The map g to scores.
        warp: Arc<Warp>,
    },
}

/// The predictive law of one candidate's score. Its parameters are finite and its variance is not negative.
///
/// A variance of zero is a point mass. All methods are in the unit of the score.
///
/// ```
/// use bonas_surrogate::posterior::{Moments, Posterior};
/// let posterior = Posterior::sigmoid_gaussian(2.0, 0.25, Moments::Quadrature)?;
/// assert!(posterior.mean() < posterior.quantile(0.5)); // skewed towards low scores
/// assert!((posterior.cdf(posterior.quantile(0.9)) - 0.9).abs() < 1e-10);
/// # Ok::<(), bonas_surrogate::SurrogateError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Posterior {
    law: Law,
    /// Part of the latent variance that is the noise of a measurement.
    noise: f64,
}

/// An expected excess over a threshold; see [`Posterior::ln_expected_excess`].
enum Excess {
    /// Its logarithm.
    Ln(f64),
    /// The excess of a standard normal variable over `at`, times a slope.
    Straight { ln_slope: f64, at: f64 },
}

impl Posterior {
    /// score ~ N(mean, variance).
    ///
    /// # Errors
    /// [`SurrogateError::Numeric`] for parameters that are not finite or a negative variance.
    pub fn gaussian(mean: f64, variance: f64) -> Result<Self, SurrogateError> {
        check("mean", mean, variance)?;
        Ok(Self { law: Law::Gaussian { mean, variance }, noise: 0.0 })
    }

    /// score = sigmoid(z) with z ~ N(mu, variance).
    ///
    /// # Errors
    /// [`SurrogateError::Numeric`] for parameters that are not finite or a negative variance.
    pub fn sigmoid_gaussian(mu: f64, variance: f64, moments: Moments) -> Result<Self, SurrogateError> {
        check("mu", mu, variance)?;
        Ok(Self { law: Law::SigmoidGaussian { mu, variance, moments }, noise: 0.0 })
    }

    /// score = g(z) with z ~ N(mu, variance).
    ///
    /// # Errors
    /// [`SurrogateError::Numeric`] for parameters that are not finite or a negative variance.
    pub fn warped(mu: f64, variance: f64, warp: Arc<Warp>) -> Result<Self, SurrogateError> {
        check("mu", mu, variance)?;
        Ok(Self { law: Law::Warped { mu, variance, warp }, noise: 0.0 })
    }

    /// The law and its parameters.
    pub fn law(&self) -> &Law {
        &self.law
    }

    /// Mean and standard deviation of the Gaussian underneath (that of the score itself, or of its
    /// logit).
    pub fn latent(&self) -> (f64, f64) {
        match &self.law {
            Law::Gaussian { mean: mu, variance }
            | Law::SigmoidGaussian { mu, variance, .. }
            | Law::Warped { mu, variance, .. } => (*mu, variance.sqrt()),
        }
    }

    /// The Gaussian underneath, as a posterior of its own.
    #[must_use]
    pub fn to_latent(&self) -> Self {
        let (mean, sd) = self.latent();
        Self { law: Law::Gaussian { mean, variance: sd * sd }, noise: self.noise }
    }

    /// A posterior with the same map to scores and another Gaussian underneath; noise is at most its variance.
    ///
    /// # Errors
    /// [`SurrogateError::Numeric`] for parameters that are not finite or a negative variance.
    pub fn with_latent(&self, mean: f64, variance: f64) -> Result<Self, SurrogateError> {
        let other = match &self.law {
            Law::Gaussian { .. } => Self::gaussian(mean, variance),
            Law::SigmoidGaussian { moments, .. } => Self::sigmoid_gaussian(mean, variance, *moments),
            Law::Warped { warp, .. } => Self::warped(mean, variance, warp.clone()),
        }?;
        Ok(Self { noise: self.noise.min(variance), ..other })
    }

    /// The position of `score` on the scale of the Gaussian underneath.
    ///
    /// For a squashed law that is its logit, with the score clipped to `[1e-12, 1 - 1e-12]`.
    pub fn latent_of(&self, score: f64) -> f64 {
        match &self.law {
            Law::Gaussian { .. } => score,
            Law::SigmoidGaussian { .. } => logit(score.clamp(1.0 - TOP_SCORE, TOP_SCORE)),
            Law::Warped { warp, .. } => warp.latent(score),
        }
    }

    /// Mean of the score.
    pub fn mean(&self) -> f64 {
        self.moments().0
    }

    /// Variance of the score.
    pub fn variance(&self) -> f64 {
        self.moments().1
    }

    /// Standard deviation of the score.
    pub fn sd(&self) -> f64 {
        self.variance().sqrt()
    }

    /// Mean and variance of the score, computed together.
    pub fn moments(&self) -> (f64, f64) {
        match &self.law {
            Law::Gaussian { mean, variance } => (*mean, *variance),
            Law::SigmoidGaussian { mu, variance, moments } => match moments {
                Moments::Quadrature => quadrature_moments(gauss_hermite(), *mu, variance.sqrt(), sigmoid),
                Moments::Published => published_moments(*mu, *variance),
            },
            Law::Warped { mu, variance, warp } => warp.moments(*mu, variance.sqrt()),
        }
    }

    /// Draws a score.
    pub fn sample(&self, rng: &mut dyn Rng) -> f64 {
        let (mu, sd) = self.latent();
        let z: f64 = StandardNormal.sample(rng);
        self.score_of(mu + sd * z)
    }

    /// Probability of a score at most `score`.
    pub fn cdf(&self, score: f64) -> f64 {
        normal::cdf(self.standardise(score))
    }

    /// Probability of a score above `score`, accurate in the tail.
    pub fn survival(&self, score: f64) -> f64 {
        normal::cdf(-self.standardise(score))
    }

    /// The score that is not exceeded with probability `p` in `(0, 1)`; at 0 and 1 the ends of
    /// the support.
    pub fn quantile(&self, p: f64) -> f64 {
        let (mu, sd) = self.latent();
        let z = normal::quantile(p);
        self.score_of(if sd > 0.0 { mu + sd * z } else { mu })
    }

    /// The score that is exceeded with probability one half: what candidates are ranked by. A rising function of all
    /// scores leaves the order of medians as it is, which it may not do with means.
    pub fn median(&self) -> f64 {
        self.score_of(self.latent().0)
    }

    /// Log density at `score`; minus infinity outside the support, plus infinity at a point mass.
    pub fn ln_pdf(&self, score: f64) -> f64 {
        let z = self.standardise(score);
        let (_, sd) = self.latent();
        let jacobian = match &self.law {
            Law::Gaussian { .. } => 0.0,
            Law::SigmoidGaussian { .. } if score <= 0.0 || score >= 1.0 => return f64::NEG_INFINITY,
            Law::SigmoidGaussian { .. } => score.ln() + (-score).ln_1p(),
            Law::Warped { warp, .. } => warp.slope_at(score).ln(),
        };
        if z.is_infinite() { f64::NEG_INFINITY } else { ln_pdf(z) - sd.ln() - jacobian }
    }

    /// `ln E max(score - threshold, 0)`, accurate far into the tail: about 1e-9 relative, for a warped law below its
    /// best observed score 1e-3.
    ///
    /// A squashed law cannot exceed 1. Thresholds are clipped to 1 - 1e-12, so that
    /// candidates can be ranked even against a perfect score. A point mass below the threshold
    /// gives minus infinity.
    pub fn ln_expected_excess(&self, threshold: f64) -> f64 {
        match self.excess_over(threshold) {
            Excess::Ln(ln) => ln,
            Excess::Straight { ln_slope, at } => ln_slope + normal::ln_excess(at),
        }
    }

    /// [`Self::ln_expected_excess`] of each posterior: the same bits, computed faster together.
    pub fn ln_expected_excesses(posteriors: &[Self], threshold: f64) -> Vec<f64> {
        let excesses: Vec<Excess> = posteriors.iter().map(|p| p.excess_over(threshold)).collect();
        let straight = |excess: &Excess| match excess {
            Excess::Ln(_) => None,
            Excess::Straight { at, .. } => Some(*at),
        };
        let mut straight: Vec<f64> = excesses.iter().filter_map(straight).collect();
        normal::ln_excess_of_each(&mut straight);
        let mut straight = straight.into_iter();
        let value = |excess| match excess {
            Excess::Ln(ln) => Some(ln),
            Excess::Straight { ln_slope, .. } => straight.next().map(|ln| ln_slope + ln),
        };
        excesses.into_iter().filter_map(value).collect()
    }

    /// `ln E max(z - t, 0)` of each posterior, where `z` is the Gaussian underneath and `t` the place of the threshold
    /// there; minus infinity for a point mass below it.
    pub fn ln_latent_excesses(posteriors: &[Self], threshold: f64) -> Vec<f64> {
        let place = |p: &Self| {
            let (mean, sd) = p.latent();
            (p.latent_of(threshold) - mean, sd)
        };
        let places: Vec<(f64, f64)> = posteriors.iter().map(place).collect();
        let mut excesses: Vec<f64> =
            places.iter().map(|(above, sd)| above / sd.max(f64::MIN_POSITIVE)).collect();
        normal::ln_excess_of_each(&mut excesses);
        let value = |((above, sd), excess): (&(f64, f64), f64)| {
            if *sd > 0.0 { sd.ln() + excess } else { (-above).max(0.0).ln() }
        };
        places.iter().zip(excesses).map(value).collect()
    }

    fn excess_over(&self, threshold: f64) -> Excess {
        let (mu, sd) = self.latent();
        let squashed = matches!(self.law, Law::SigmoidGaussian { .. });
        if squashed && threshold <= 0.0 {
            return Excess::Ln((quadrature_moments(gauss_hermite(), mu, sd, sigmoid).0 - threshold).ln());
        }
        let z = self.latent_of(threshold);
        if sd == 0.0 {
            return Excess::Ln(self.gain(mu, z).max(0.0).ln());
        }
        let z0 = (z - mu) / sd;
        // Where the score is a linear function of the Gaussian, there is a closed form.
        let slope = match &self.law {
            Law::Gaussian { .. } => Some(1.0),
            Law::SigmoidGaussian { .. } => None,
            Law::Warped { warp, .. } => warp.slope_beyond(threshold),
        };
        if let Some(slope) = slope {
            return Excess::Straight { ln_slope: (slope * sd).ln(), at: z0 };
        }
        if z0 < SURE {
            // The weight of the tail would overflow; nearly all of the law lies above the threshold.
            return Excess::Ln(self.gain_of_the_bulk(z0, z, sd).ln());
        }
        Excess::Ln(ln_pdf(z0) + tail_integral(z0, |t| self.gain(z + sd * t, z)).ln())
    }

    /// `E max(score - threshold, 0)` over nine standard deviations around a mean far above the threshold.
    fn gain_of_the_bulk(&self, z0: f64, z: f64, sd: f64) -> f64 {
        let weighted = |t: f64| self.gain(z + sd * t, z) * normal::pdf(z0 + t);
        gauss_legendre().integrate(-z0 - 9.0, -z0 + 9.0, 6, weighted)
    }

    /// `link(latent) - link(threshold)` without cancellation, for `latent >= threshold`.
    fn gain(&self, latent: f64, threshold: f64) -> f64 {
        match &self.law {
            Law::Gaussian { .. } => latent - threshold,
            Law::SigmoidGaussian { .. } => {
                -sigmoid(latent) * sigmoid(-threshold) * (threshold - latent).exp_m1()
            }
            Law::Warped { warp, .. } => warp.score(latent) - warp.score(threshold),
        }
    }

    /// The score at a place on the scale of the Gaussian underneath: the inverse of [`latent_of`](Self::latent_of).
    pub fn score_of(&self, latent: f64) -> f64 {
        match &self.law {
            Law::Gaussian { .. } => latent,
            Law::SigmoidGaussian { .. } => sigmoid(latent),
            Law::Warped { warp, .. } => warp.score(latent),
        }
    }

    /// Distance of `score` from the latent mean, in latent standard deviations.
    fn standardise(&self, score: f64) -> f64 {
        let (mu, sd) = self.latent();
        let z = match &self.law {
            Law::Gaussian { .. } => score,
            Law::SigmoidGaussian { .. } => logit(score.clamp(0.0, 1.0)),
            Law::Warped { warp, .. } => warp.latent(score),
        };
        match (z - mu) / sd {
            at_the_mass if at_the_mass.is_nan() => f64::INFINITY,
            standardised => standardised,
        }
    }
}

/// `∫₀^∞ g(t) exp(-z₀ t - t²/2) dt` for a slowly growing `g >= 0`, relative error about 1e-9.
///
/// The integral is cut where the weight has fallen by e⁻⁴⁰. Below `z₀ = -9` the flat part is skipped, whose
/// weight is under 1e-18 of the whole.
fn tail_integral(z0: f64, g: impl Fn(f64) -> f64) -> f64 {
    let from = (-z0 - 9.0).max(0.0);
    let root = (z0 * z0 + 80.0).sqrt();
    let to = if z0 > 0.0 { 80.0 / (z0 + root) } else { root - z0 };
    gauss_legendre().integrate(from, to, 6, |t| g(t) * (-z0 * t - 0.5 * t * t).exp())
}

fn quadrature_moments(rule: &Rule, mu: f64, sd: f64, link: impl Fn(f64) -> f64) -> (f64, f64) {
    let (mut mean, mut square) = (0.0, 0.0);
    let centre = link(mu);
    for (&z, &weight) in rule.nodes().iter().zip(rule.weights()) {
        let away = link(mu + sd * z) - centre;
        mean += weight * away;
        square += weight * away * away;
    }
    (centre + mean, (square - mean * mean).max(0.0))
}

fn published_moments(mu: f64, variance: f64) -> (f64, f64) {
    let a = 4.0 - 2.0 * std::f64::consts::SQRT_2;
    let b = -(1.0 + std::f64::consts::SQRT_2).ln();
    let eighth = std::f64::consts::PI / 8.0;
    let mean = sigmoid(mu / (1.0 + eighth * variance).sqrt());
    let square = sigmoid(a * (mu + b) / (1.0 + eighth * a * a * variance).sqrt());
    (mean, (square - mean * mean).max(0.0))
}

fn check(name: &str, location: f64, variance: f64) -> Result<(), SurrogateError> {
    if location.is_finite() && variance.is_finite() && variance >= 0.0 {
        return Ok(());
    }
    let reason = format!(
        "{name} {location} and variance {variance}; both must be finite, and the variance not negative"
    );
    Err(SurrogateError::Numeric { surrogate: "posterior", reason })
}

#[cfg(test)]
mod tests;
