//! An ensemble of multi-layer perceptrons on path encodings: the predictor of BANANAS.
//!
//! White, Neiswanger and Savani, "BANANAS: Bayesian Optimization with Neural Architectures for
//! Neural Architecture Search", AAAI 2021. It needs no libtorch; a fit takes tenths of a second.

mod encoding;
mod net;

use bonas_spaces::Architecture;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::chunks::in_chunks;
use crate::entry::PartEntry;
use crate::guard::{in_one_space, in_saved_space};
use crate::surrogate::SurrogateEntry;
use crate::{Observation, Posterior, Predict, PriorKnowledge, Saved, Surrogate, SurrogateError};
use encoding::Encoder;
use net::Net;

const NAME: &str = "path-mlp";

/// Settings of [`PathMlp`]. The default is the published recipe.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MlpParams {
    /// Networks of the ensemble, with different weights and orders of the data.
    pub ensemble: usize,
    /// Hidden layers.
    pub layers: usize,
    /// Units of a hidden layer.
    pub width: usize,
    /// Passes over the data.
    pub epochs: usize,
    /// Adam's step size.
    pub learning_rate: f64,
    /// Architectures per step.
    pub batch: usize,
}

impl Default for MlpParams {
    fn default() -> Self {
        Self { ensemble: 5, layers: 10, width: 20, epochs: 150, learning_rate: 0.01, batch: 32 }
    }
}

impl MlpParams {
    fn check(&self) -> Result<(), SurrogateError> {
        let sizes = [
            ("ensemble", self.ensemble),
            ("layers", self.layers),
            ("width", self.width),
            ("epochs", self.epochs),
            ("batch", self.batch),
        ];
        if let Some((name, value)) = sizes.into_iter().find(|(_, value)| *value == 0) {
            return Err(SurrogateError::setting(name, value, "at least 1"));
        }
        if self.learning_rate > 0.0 && self.learning_rate.is_finite() {
            return Ok(());
        }
        Err(SurrogateError::setting("learning_rate", self.learning_rate, "a number above 0"))
    }
}

/// An ensemble of perceptrons: `score ~ N(mean, variance)` of the networks' outputs.
///
/// Each network reads the path encoding and minimises the mean absolute error. Targets are standardised, where
/// the published code minimises the error in percent, so that the recipe does not depend on the unit of scores.
#[derive(Clone, Copy, Debug, Default)]
pub struct PathMlp {
    /// Settings of the networks.
    pub params: MlpParams,
}

impl PathMlp {
    /// "path-mlp" in the catalogue.
    pub const ENTRY: SurrogateEntry =
        PartEntry::new(NAME, "Ensemble of perceptrons on path encodings, as in BANANAS", |()| {
            Ok(Box::<Self>::default())
        });
}

impl Surrogate for PathMlp {
    fn name(&self) -> &'static str {
        NAME
    }

    fn fit(
        &self,
        observations: &[Observation],
        rng: &mut dyn Rng,
    ) -> Result<Box<dyn Predict>, SurrogateError> {
        in_one_space(NAME, observations, || {
            self.params.check()?;
            let scale = Scale::of(observations)?;
            let architectures: Vec<&Architecture> = observations.iter().map(|o| &o.architecture).collect();
            let encoder = Encoder::of(&architectures);
            let examples: Vec<Vec<u32>> = architectures.iter().map(|a| encoder.encode(a)).collect();
            let targets: Vec<f32> = observations.iter().map(|o| scale.standardised(o.score)).collect();
            let mut nets = Vec::with_capacity(self.params.ensemble);
            for member in 1..=self.params.ensemble {
                let mut own = ChaCha8Rng::seed_from_u64(rng.random());
                let mut net = Net::new(encoder.len(), &self.params, &mut own);
                net.train(&examples, &targets, &self.params, &mut own);
                if !net.is_finite() {
                    let reason = format!(
                        "the weights of network {member} of {} are not finite; lower learning_rate = {}",
                        self.params.ensemble, self.params.learning_rate
                    );
                    return Err(SurrogateError::numeric(NAME, reason));
                }
                nets.push(net);
            }
            Ok(Box::new(FittedPathMlp { encoder, nets, scale }))
        })
    }

    fn load(&self, saved: &Saved, _: &[PriorKnowledge]) -> Result<Box<dyn Predict>, SurrogateError> {
        in_saved_space(NAME, saved, |fitted: FittedPathMlp| Ok(Box::new(fitted)))
    }
}

/// Mean and standard deviation of the observed scores.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
struct Scale {
    mean: f64,
    sd: f64,
}

impl Scale {
    fn of(observations: &[Observation]) -> Result<Self, SurrogateError> {
        if observations.is_empty() {
            return Err(SurrogateError::data(NAME, "no observations; it needs at least one"));
        }
        if let Some(bad) = observations.iter().position(|o| !o.score.is_finite()) {
            let reason =
                format!("observation {bad} has score {}; it must be finite", observations[bad].score);
            return Err(SurrogateError::data(NAME, reason));
        }
        let n = observations.len() as f64;
        let mean = observations.iter().map(|o| o.score).sum::<f64>() / n;
        let sd = (observations.iter().map(|o| (o.score - mean).powi(2)).sum::<f64>() / n).sqrt();
        // Below this share of their size the scores are equal up to rounding.
        let size = observations.iter().map(|o| o.score.abs()).fold(0.0, f64::max);
        Ok(Self { mean, sd: if sd > 1e-12 * size { sd } else { 1.0 } })
    }

    fn standardised(self, score: f64) -> f32 {
        ((score - self.mean) / self.sd) as f32
    }
}

#[derive(serde::Serialize, serde::Deserialize)]
struct FittedPathMlp {
    encoder: Encoder,
    nets: Vec<Net>,
    scale: Scale,
}

impl Predict for FittedPathMlp {
    fn predict(&self, candidates: &[Architecture]) -> Result<Vec<Posterior>, SurrogateError> {
        in_chunks(
            candidates,
            |_| Ok(()),
            |candidates, (): &mut ()| {
                let examples: Vec<Vec<u32>> = candidates.iter().map(|a| self.encoder.encode(a)).collect();
                let outputs: Vec<Vec<f32>> = self.nets.iter().map(|net| net.outputs(&examples)).collect();
                let of = |i: usize| outputs.iter().map(|of_net| f64::from(of_net[i])).collect::<Vec<_>>();
                (0..candidates.len()).map(|i| self.posterior(&of(i))).collect()
            },
        )
    }

    fn save(&self) -> Result<Saved, SurrogateError> {
        Saved::of(NAME, self)
    }
}

impl FittedPathMlp {
    /// The law of a candidate with these standardised outputs of the networks.
    fn posterior(&self, outputs: &[f64]) -> Result<Posterior, SurrogateError> {
        let n = outputs.len() as f64;
        let mean = outputs.iter().sum::<f64>() / n;
        let square: f64 = outputs.iter().map(|output| (output - mean).powi(2)).sum();
        let variance = if outputs.len() > 1 { square / (n - 1.0) } else { 0.0 };
        Posterior::gaussian(self.scale.mean + self.scale.sd * mean, self.scale.sd.powi(2) * variance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::kendall_tau_b;
    use crate::testing::{check_surrogate, toy_architectures, toy_observations, toy_score};

    #[test]
    fn ranks_unseen_cells() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let params = MlpParams { ensemble: 3, layers: 4, epochs: 60, ..MlpParams::default() };
        let fitted = PathMlp { params }.fit(&toy_observations(100, 2), &mut rng).unwrap();
        let candidates = toy_architectures(200, 3);
        let posteriors = fitted.predict(&candidates).unwrap();
        let means: Vec<f64> = posteriors.iter().map(Posterior::mean).collect();
        let truth: Vec<f64> = candidates.iter().map(toy_score).collect();
        let tau = kendall_tau_b(&means, &truth).unwrap();
        assert!(tau > 0.5, "tau {tau}");
        assert!(posteriors.iter().filter(|p| p.sd() > 0.0).count() > 190, "the networks differ");
    }

    #[test]
    fn contract() {
        let small = PathMlp {
            params: MlpParams { ensemble: 2, layers: 2, width: 8, epochs: 20, ..MlpParams::default() },
        };
        check_surrogate(&small, &toy_observations(30, 4), &toy_architectures(20, 5), 6);
    }

    #[test]
    fn scores_of_any_size_have_a_scale() {
        for size in [1e-12, 1.0, 1e12] {
            let mut data = toy_observations(20, 2);
            for o in &mut data {
                o.score *= size;
            }
            let scale = Scale::of(&data).unwrap();
            assert!((0.05..0.5).contains(&(scale.sd / size)), "{size} {scale:?}");
            for o in &mut data {
                o.score = size;
            }
            assert!((Scale::of(&data).unwrap().sd - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for params in [
            MlpParams { width: 0, ..MlpParams::default() },
            MlpParams { learning_rate: f64::NAN, ..MlpParams::default() },
        ] {
            assert!(PathMlp { params }.fit(&toy_observations(5, 1), &mut rng).is_err());
        }
    }
}
