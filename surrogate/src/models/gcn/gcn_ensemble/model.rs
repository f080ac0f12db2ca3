//! A cross-fitted ensemble of graph networks that read structural counts too.

use std::f64::consts::PI;
use std::sync::Arc;

use bonas_spaces::Architecture;
use ndarray::{Array2, Axis};
use rand::Rng;
use rand::seq::SliceRandom;
use tch::{Device, Kind, Tensor};

use crate::features::FeatureCache;
use crate::features::{Structures, VaryingColumns};
use crate::guard::{in_one_space, in_saved_space};
use crate::models::gcn::directed::{DirectedGraphs, Nets};
use crate::models::gcn::network::check_place;
use crate::models::gcn::tensors::{pin_threads, to_array};
use crate::models::gcn::train::Adam;
use crate::observation::{finite_scores, replicates};
use crate::posterior::curve::RankCurve;
use crate::posterior::warp::{NormalScores, Warp, normal_scores};
use crate::{Observation, Posterior, Predict, PriorKnowledge, Saved, Surrogate, SurrogateError};

const NAME: &str = super::GCN_ENSEMBLE.name();

/// Architectures per pass when predicting.
const CHUNK: usize = 1024;

/// Share of the steps in which the step size rises.
const WARM_UP: f64 = 0.1;

/// Root mean square length of an architecture's scaled counts.
const COUNTS: f32 = 3.0;

/// Standard deviation, in normal scores, of the error that is assumed before any is made; it counts as one
/// observation.
const PRIOR_ERROR: f64 = 0.5;

/// An ensemble of bidirectional graph networks on pruned graphs and structural counts.
///
/// Targets are normal scores (as of [`crate::models::GraphGp`]); the loss is the mean squared error. The
/// observations are cut into as many folds as there are members, and each member is trained on all folds but its
/// own. A prediction is the mean over members. Its variance is the mean squared error on the folds left out, less
/// the mean variance between members on the observations, plus the variance between members on the candidate.
/// Adam's step size rises for a tenth of the steps and then falls to 0 by half a cosine.
///
/// Posteriors are laws of the measured score, mapped back as those of `GraphGp`. Settings were chosen by
/// Kendall's tau at 156 training cells on CIFAR-100 of NAS-Bench-201 and other seeds of NAS-Bench-101.
#[derive(Debug)]
pub struct GcnEnsemble {
    /// Number of networks, at least 2.
    pub members: usize,
    /// Units per layer.
    pub width: usize,
    /// Graph convolutions.
    pub depth: usize,
    /// Largest step size of Adam.
    pub learning_rate: f64,
    /// Fewest training steps.
    pub steps: usize,
    /// Fewest passes over the observations.
    pub epochs: usize,
    /// Architectures per step.
    pub batch: usize,
    /// Device of the networks.
    pub device: Device,
    features: FeatureCache,
}

impl Default for GcnEnsemble {
    fn default() -> Self {
        Self {
            members: 6,
            width: 32,
            depth: 2,
            learning_rate: 0.02,
            steps: 300,
            epochs: 40,
            batch: 128,
            device: Device::Cpu,
            features: FeatureCache::default(),
        }
    }
}

impl GcnEnsemble {
    fn check(&self) -> Result<(), SurrogateError> {
        check_place(Kind::Float, self.device)?;
        if self.members < 2 {
            return Err(SurrogateError::setting("members", self.members, "an integer from 2 up"));
        }
        let sizes =
            [("width", self.width), ("depth", self.depth), ("steps", self.steps), ("batch", self.batch)];
        if let Some((name, size)) = sizes.into_iter().find(|(_, size)| *size == 0) {
            return Err(SurrogateError::setting(name, size, "an integer from 1 up"));
        }
        if self.learning_rate > 0.0 && self.learning_rate.is_finite() {
            return Ok(());
        }
        Err(SurrogateError::setting("learning_rate", self.learning_rate, "a number above 0"))
    }

    /// Step size at a step out of `steps`.
    fn step_size(&self, step: usize, steps: usize) -> f64 {
        let done = (step as f64 + 0.5) / steps as f64;
        let part = if done < WARM_UP {
            done / WARM_UP
        } else {
            0.5 * (1.0 + (PI * (done - WARM_UP) / (1.0 - WARM_UP)).cos())
        };
        self.learning_rate * part
    }

    /// Trains `nets` to targets `z [n]`; `weights [K, n]` is 1 where a member is trained on an observation.
    fn train(
        &self,
        nets: &Nets,
        graphs: &DirectedGraphs,
        z: &Tensor,
        weights: &Tensor,
        rng: &mut dyn Rng,
    ) -> Result<(), SurrogateError> {
        let n = graphs.len();
        let mut order: Vec<i64> = (0..n as i64).collect();
        let steps = self.steps.max(self.epochs * n.div_ceil(self.batch));
        let mut adam = Adam::new(nets.flat().detach(), self.learning_rate);
        let (mut leaf, mut step) = (nets.flat().shallow_clone(), 0);
        while step < steps {
            order.shuffle(rng);
            for places in order.chunks(self.batch).take(steps - step) {
                let index = Tensor::from_slice(places).to_device(self.device);
                let (_, prediction) = nets.forward(&graphs.select(places));
                let error =
                    (prediction - z.index_select(0, &index)).square() * weights.index_select(1, &index);
                (error.sum(Kind::Float) / places.len() as f64).backward();
                adam.gradient.copy_(&leaf.grad());
                leaf.zero_grad();
                adam.learning_rate = self.step_size(step, steps);
                adam.step();
                step += 1;
            }
        }
        match bool::try_from(nets.flat().isfinite().all()) {
            Ok(true) => Ok(()),
            _ => Err(SurrogateError::numeric(
                NAME,
                format!(
                    "the weights are not finite after {steps} steps; lower learning_rate = {}",
                    self.learning_rate
                ),
            )),
        }
    }

    /// The fold of each observation, that of its group, and the weights `[K, n]`: 1 for all folds but the member's own.
    fn folds(&self, groups: &[usize], rng: &mut dyn Rng) -> (Vec<usize>, Array2<f32>) {
        let (n, count) = (groups.len(), groups.iter().max().map_or(0, |last| last + 1));
        let mut of_group: Vec<usize> = (0..count).map(|i| i % self.members).collect();
        of_group.shuffle(rng);
        let fold: Vec<usize> = groups.iter().map(|&group| of_group[group]).collect();
        let in_training = |(k, i): (usize, usize)| f32::from(u8::from(count == 1 || fold[i] != k));
        let weights = Array2::from_shape_fn((self.members, n), in_training);
        (fold, weights)
    }
}

impl Surrogate for GcnEnsemble {
    fn name(&self) -> &'static str {
        NAME
    }

    fn has_embedding(&self) -> bool {
        true
    }

    fn fit(
        &self,
        observations: &[Observation],
        rng: &mut dyn Rng,
    ) -> Result<Box<dyn Predict>, SurrogateError> {
        in_one_space(NAME, observations, || {
            self.check()?;
            let scores = finite_scores(NAME, observations)?;
            pin_threads(self.device);
            let architectures: Vec<&Architecture> = observations.iter().map(|o| &o.architecture).collect();
            let structures = self.features.features(NAME, architectures.iter().copied())?;
            let columns = VaryingColumns::of(structures.iter());
            let unit = COUNTS / (columns.len().max(1) as f32).sqrt();
            let counts = scaled(&columns, &structures, unit);
            let graphs = DirectedGraphs::encode(&architectures, &counts, self.device)?;
            let NormalScores { z, warp } = normal_scores(&scores, &RankCurve::default());
            let nets = Nets::new(graphs.shape(self.members, self.width, self.depth), self.device, rng);
            let (fold, weights) = self.folds(&replicates(observations), rng);
            let targets = Tensor::from_slice(&z).to_kind(Kind::Float).to_device(self.device);
            let in_training = Tensor::from_slice(weights.as_standard_layout().as_slice().unwrap_or_default())
                .view([self.members as i64, -1])
                .to_device(self.device);
            self.train(&nets, &graphs, &targets, &in_training, rng)?;
            let mut fitted = FittedGcnEnsemble {
                nets,
                columns,
                unit,
                error: 0.0,
                warp: Arc::new(warp),
                device: self.device,
                features: self.features.clone(),
            };
            let (_, predictions) = fitted.outputs(&graphs)?;
            let held_out_error = |(i, z): (usize, &f64)| (z - predictions[[fold[i], i]]).powi(2);
            let squares: f64 = z.iter().enumerate().map(held_out_error).sum();
            let error = (squares + PRIOR_ERROR * PRIOR_ERROR) / (z.len() + 1) as f64;
            // These are errors of single members; their variance is added for each candidate.
            fitted.error =
                (error - predictions.var_axis(Axis(0), 0.0).mean().unwrap_or(0.0)).max(0.1 * error);
            Ok(Box::new(fitted))
        })
    }

    /// Loads to the CPU.
    fn load(&self, saved: &Saved, _: &[PriorKnowledge]) -> Result<Box<dyn Predict>, SurrogateError> {
        in_saved_space(NAME, saved, |content: (_, VaryingColumns, _, _, _)| {
            let (nets, columns, (unit, error), warp, features) = content;
            columns.columns().expect_of(saved)?;
            let (nets, device) = (Nets::restored(&nets)?, Device::Cpu);
            Ok(Box::new(FittedGcnEnsemble { nets, columns, unit, error, warp, device, features }))
        })
    }
}

/// Varying counts `[m, d]` of some architectures, times a unit.
fn scaled(columns: &VaryingColumns, structures: &Structures, unit: f32) -> Array2<f32> {
    let mut counts = Array2::zeros((structures.rows.len(), columns.len()));
    columns.write(structures.iter(), &mut counts);
    counts * unit
}

struct FittedGcnEnsemble {
    nets: Nets,
    columns: VaryingColumns,
    /// Factor of the scaled counts.
    unit: f32,
    /// Mean squared error on the folds left out, less the mean variance between members.
    error: f64,
    warp: Arc<Warp>,
    device: Device,
    features: FeatureCache,
}

impl FittedGcnEnsemble {
    /// Embeddings `[m, K W]` and predictions `[K, m]`.
    fn outputs(&self, graphs: &DirectedGraphs) -> Result<(Array2<f64>, Array2<f64>), SurrogateError> {
        let (embedding, predictions) = tch::no_grad(|| self.nets.forward(graphs));
        let shape = self.nets.shape();
        let side_by_side =
            embedding.transpose(0, 1).reshape([graphs.len() as i64, (shape.members * shape.width) as i64]);
        Ok((to_array(&side_by_side)?, to_array(&predictions)?))
    }

    /// Calls `take` with [`Self::outputs`] of each chunk of candidates.
    fn each_chunk(
        &self,
        candidates: &[Architecture],
        mut take: impl FnMut(Array2<f64>, Array2<f64>),
    ) -> Result<(), SurrogateError> {
        pin_threads(self.device);
        for chunk in candidates.chunks(CHUNK) {
            let architectures: Vec<&Architecture> = chunk.iter().collect();
            let structures = self.features.matching(NAME, self.columns.columns(), chunk)?;
            let counts = scaled(&self.columns, &structures, self.unit);
            let graphs = DirectedGraphs::encode(&architectures, &counts, self.device)?;
            let (embedding, predictions) = self.outputs(&graphs)?;
            take(embedding, predictions);
        }
        Ok(())
    }
}

impl Predict for FittedGcnEnsemble {
    fn predict(&self, candidates: &[Architecture]) -> Result<Vec<Posterior>, SurrogateError> {
        let mut laws: Vec<(f64, f64)> = Vec::with_capacity(candidates.len());
        self.each_chunk(candidates, |_, predictions| {
            let columns = predictions.axis_iter(Axis(1));
            laws.extend(columns.map(|of| (of.mean().unwrap_or_default(), of.var(0.0))));
        })?;
        laws.into_iter().map(|(mean, v)| Posterior::warped(mean, v + self.error, self.warp.clone())).collect()
    }

    fn embed(&self, candidates: &[Architecture]) -> Result<Option<Array2<f64>>, SurrogateError> {
        let shape = self.nets.shape();
        let mut rows = Vec::new();
        self.each_chunk(candidates, |embedding, _| rows.extend(embedding))?;
        Array2::from_shape_vec((candidates.len(), shape.members * shape.width), rows)
            .map(Some)
            .map_err(|e| SurrogateError::numeric(NAME, e.to_string()))
    }

    fn save(&self) -> Result<Saved, SurrogateError> {
        let numbers = (self.unit, self.error);
        Saved::of(NAME, &(self.nets.saved()?, &self.columns, numbers, &self.warp, &self.features))
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array1;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::testing::{check_surrogate, toy_architectures, toy_observations, toy_quality};

    fn brief() -> GcnEnsemble {
        GcnEnsemble { members: 3, width: 8, steps: 10, epochs: 1, ..GcnEnsemble::default() }
    }

    #[test]
    fn contract() {
        check_surrogate(&brief(), &toy_observations(30, 4), &toy_architectures(20, 5), 6);
    }

    #[test]
    fn ranks_unseen_cells_and_knows_how_well() {
        let (tau, covered) =
            toy_quality(&GcnEnsemble { members: 4, steps: 150, ..GcnEnsemble::default() }, 100);
        assert!(tau > 0.85, "tau {tau}");
        assert!((0.65..=0.97).contains(&covered), "{covered}");
    }

    /// Every observation is left out by one member, and folds are as equal as can be.
    #[test]
    fn folds_by_hand() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let (fold, weights) = brief().folds(&[0, 1, 2, 3, 4, 5, 6], &mut rng);
        assert_eq!(weights.sum_axis(Axis(0)), Array1::from_elem(7, 2.0));
        let mut left_out = weights.sum_axis(Axis(1)).mapv(|in_training| 7.0 - in_training).to_vec();
        left_out.sort_by(f32::total_cmp);
        assert_eq!(left_out, [2.0, 2.0, 3.0]);
        assert!((0..7).all(|i| weights[[fold[i], i]] == 0.0));
        assert_eq!(brief().folds(&[0], &mut rng).1.sum(), 3.0);
    }

    #[test]
    fn the_step_size_rises_and_falls() {
        let sizes: Vec<f64> = (0..100).map(|step| brief().step_size(step, 100)).collect();
        let top = sizes.iter().position(|s| *s == sizes.iter().copied().fold(0.0, f64::max)).unwrap();
        assert!((9..=10).contains(&top) && sizes[top] <= brief().learning_rate);
        assert!(sizes[..top].is_sorted() && sizes[top..].iter().rev().is_sorted() && sizes[99] < 1e-5);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let data = toy_observations(10, 2);
        for (bad, name) in [
            (GcnEnsemble { members: 1, ..brief() }, "members"),
            (GcnEnsemble { width: 0, ..brief() }, "width"),
            (GcnEnsemble { learning_rate: f64::NAN, ..brief() }, "learning_rate"),
            (GcnEnsemble { device: Device::Cuda(99), ..brief() }, "cuda:99"),
        ] {
            let error = bad.fit(&data, &mut rng).err().unwrap().to_string();
            assert!(error.contains(name), "{error}");
        }
        let fitted = brief().fit(&data, &mut rng).unwrap();
        let other = bonas_spaces::SearchSpace::sample(&bonas_spaces::families::darts::Darts::new(), &mut rng);
        assert!(fitted.predict(&[other]).unwrap_err().to_string().contains("another space"));
    }
}
