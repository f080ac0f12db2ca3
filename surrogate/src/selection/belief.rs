//! What is believed of a shortlist once some of it counts as measured.

use ndarray::Array2;

use crate::{Posterior, SurrogateError};

/// Beliefs about a shortlist: posteriors, which change as candidates count as measured at their predicted means.
///
/// Means stay, and the variance of candidate `i` falls by `cᵢⱼ² / vⱼ` when `j` is believed, where `c` is the covariance
/// of the Gaussians underneath without noise and `vⱼ` the variance of the measurement.
#[derive(Clone, Debug)]
pub(crate) struct Belief {
    /// Posterior of each measurement, `[m]`.
    posteriors: Vec<Posterior>,
    /// Covariance `[m, m]` of the Gaussians underneath, without noise; without it nothing is learnt.
    covariance: Option<Array2<f64>>,
}

impl Belief {
    /// From the posteriors `[m]` and the covariance `[m, m]`, if there is one.
    pub(crate) fn new(posteriors: Vec<Posterior>, covariance: Option<Array2<f64>>) -> Self {
        Self { posteriors, covariance }
    }

    /// Posterior of each measurement as it is believed now, `[m]`.
    pub(crate) fn posteriors(&self) -> &[Posterior] {
        &self.posteriors
    }

    /// Counts a candidate as measured, with its predicted mean as the result.
    pub(crate) fn learn(&mut self, chosen: usize) -> Result<(), SurrogateError> {
        let measured = self.posteriors[chosen].latent().1.powi(2);
        let Some(covariance) = self.covariance.as_mut().filter(|_| measured > 0.0) else { return Ok(()) };
        let with = covariance.column(chosen).to_owned(); // [m]
        for (posterior, c) in self.posteriors.iter_mut().zip(&with) {
            let (mean, sd) = posterior.latent();
            // What a measurement tells leaves at least its own noise.
            let left = (sd * sd - c * c / measured).max(posterior.noise());
            *posterior = posterior.with_latent(mean, left)?;
        }
        for (mut row, c) in covariance.rows_mut().into_iter().zip(&with) {
            row.scaled_add(-c / measured, &with);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    /// Measured with noise 0.25, a standard normal score tells 1/1.25 of itself, and of one that goes
    /// along with correlation 0.5 a quarter of that.
    #[test]
    fn variances_by_hand() {
        let posterior = |mean| Posterior::gaussian(mean, 1.25).unwrap();
        let covariance = array![[1.0, 0.5], [0.5, 1.0]];
        let mut belief = Belief::new(vec![posterior(0.3), posterior(0.1)], Some(covariance));
        belief.learn(0).unwrap();
        let latent = belief.posteriors.iter().map(Posterior::latent);
        for ((mean, sd), expected) in latent.zip([(0.3, 0.45), (0.1, 1.05)]) {
            assert!((mean - expected.0).abs() < 1e-15 && (sd * sd - expected.1).abs() < 1e-12);
        }
        let expected = array![[0.2, 0.1], [0.1, 0.8]];
        assert!((belief.covariance.unwrap() - expected).iter().all(|d| d.abs() < 1e-12));
    }

    /// The noise of a measurement is not learnt: 1.25 of which 0.25 is noise has 0.2 left of the score itself.
    #[test]
    fn noise_stays() {
        let posterior = Posterior::gaussian(0.3, 1.25).and_then(|p| p.with_noise(0.25)).unwrap();
        let mut belief = Belief::new(vec![posterior.clone()], Some(array![[1.0]]));
        belief.learn(0).unwrap();
        let (after, free) = (belief.posteriors()[0].clone(), belief.posteriors()[0].without_noise());
        assert!((after.variance() - 0.45).abs() < 1e-12 && (free.variance() - 0.2).abs() < 1e-12);
        let mut blind = Belief::new(vec![posterior.clone()], None);
        blind.learn(0).unwrap();
        assert_eq!(blind.posteriors(), [posterior]);
    }
}
