//! Gradient-boosted regression trees on structural counts.
//!
//! Friedman: Greedy function approximation: a gradient boosting machine, 2001; with the histograms
//! and best-first growth of `LightGBM` (Ke et al., 2017). The trees of linfa sort every feature anew at each node,
//! which is too slow for hundreds of trees a round.

mod boost;
mod tree;

use std::sync::Arc;

use bonas_spaces::Architecture;
use ndarray::{Array1, Array2};
use rand::Rng;
use rand::seq::SliceRandom;

use crate::chunks::in_chunks;
use crate::entry::PartEntry;
use crate::features::{Columns, FeatureCache, Kind, exchange, families};
use crate::guard::{in_one_space, in_saved_space};
use crate::observation::{finite_scores, replicates};
use crate::posterior::curve::RankCurve;
use crate::posterior::warp::{NormalScores, Warp, normal_scores};
use crate::surrogate::SurrogateEntry;
use crate::{
    FeatureGroup, Observation, Posterior, Predict, PriorKnowledge, Saved, Surrogate, SurrogateError,
};

pub use boost::BoostParams;
use boost::{Boosted, TrainingFeatures};

const NAME: &str = "trees";

/// Standard deviation, in normal scores, of the error that is assumed before any is made; it counts as one
/// observation.
const PRIOR_ERROR: f64 = 0.5;

/// Boosted trees on normal scores of the scores, over the counts of [`crate::features`].
///
/// The observations are cut into folds, replicates into the same one, and for each fold trees are fitted to all others. A prediction is
/// the mean over the folds' trees. Its variance is the mean squared error on the folds left out, plus the variance
/// between the trees. Posteriors are laws of the measured score, mapped back as those of
/// [`crate::models::GraphGp`].
#[derive(Debug)]
pub struct Trees {
    /// Settings of boosting.
    pub boost: BoostParams,
    /// Number of folds, at least 2; at most one per observation is used.
    pub folds: usize,
    features: FeatureCache,
}

impl Default for Trees {
    fn default() -> Self {
        Self { boost: BoostParams::default(), folds: 5, features: FeatureCache::default() }
    }
}

/// For each fold, trees that are fitted to all others.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct CrossFit {
    models: Vec<Boosted>,
    /// Predictions `[n]` of each observation by the trees that were not fitted to its target. All trees split halfway
    /// between the features of all observations.
    pub(crate) out_of_fold: Array1<f64>,
}

impl CrossFit {
    /// Refuses settings out of their range.
    pub(crate) fn check(boost: &BoostParams, folds: usize) -> Result<(), SurrogateError> {
        boost.check()?;
        if folds < 2 {
            return Err(SurrogateError::setting("folds", folds, "an integer from 2 up"));
        }
        Ok(())
    }

    /// Fits to features `x [n, d]` and targets `[n]`. Observations of one group are in one fold.
    pub(crate) fn of(
        x: &Array2<f32>,
        targets: &[f64],
        groups: &[usize],
        boost: &BoostParams,
        folds: usize,
        rng: &mut dyn Rng,
    ) -> Result<Self, SurrogateError> {
        Self::check(boost, folds)?;
        let n = targets.len();
        let count = groups.iter().max().map_or(0, |last| last + 1);
        let mut order: Vec<usize> = (0..count).collect();
        order.shuffle(rng);
        let training = TrainingFeatures::of(x);
        let mut fit = Self { models: Vec::new(), out_of_fold: Array1::zeros(n) };
        for fold in 0..folds.min(count) {
            let is_out = |row: u32| order[groups[row as usize]] % folds == fold;
            let (out, mut rest): (Vec<u32>, Vec<u32>) = (0..n as u32).partition(|&row| is_out(row));
            if rest.is_empty() {
                rest.clone_from(&out);
            }
            let (model, left) = boost.fit(&training, targets, rest, rng);
            for row in out.into_iter().map(|row| row as usize) {
                fit.out_of_fold[row] = targets[row] - left[row];
            }
            fit.models.push(model);
        }
        Ok(fit)
    }

    /// Means over the folds' trees and variances between them, `[m]`, for features `x [m, d]`.
    pub(crate) fn predict(&self, x: &Array2<f32>) -> (Array1<f64>, Array1<f64>) {
        let count = self.models.len() as f64;
        let each = Boosted::predict(&self.models, x);
        let mean = each.iter().fold(Array1::zeros(x.nrows()), |sum, p| sum + p) / count;
        let square = |p: &Array1<f64>| (p - &mean).mapv(|d| d * d);
        let variance = each.iter().fold(Array1::zeros(x.nrows()), |sum, p| sum + square(p)) / count;
        (mean, variance)
    }
}

impl Trees {
    /// "trees" in the catalogue.
    pub const ENTRY: SurrogateEntry =
        PartEntry::new(NAME, "Gradient-boosted trees on structural counts and normal scores", |()| {
            Ok(Box::<Self>::default())
        });
}

impl Surrogate for Trees {
    fn name(&self) -> &'static str {
        NAME
    }

    fn fit(
        &self,
        observations: &[Observation],
        rng: &mut dyn Rng,
    ) -> Result<Box<dyn Predict>, SurrogateError> {
        in_one_space(NAME, observations, || {
            let scores = finite_scores(NAME, observations)?;
            let structures = self.features.features(NAME, observations.iter().map(|o| &o.architecture))?;
            let columns = Columns::of(structures.iter());
            let x = columns.matrix(structures.iter());
            let NormalScores { z, warp } = normal_scores(&scores, &RankCurve::default());
            let fit = CrossFit::of(&x, &z, &replicates(observations), &self.boost, self.folds, rng)?;
            let squares: f64 = z.iter().zip(&fit.out_of_fold).map(|(z, p)| (z - p).powi(2)).sum();
            let error = (squares + PRIOR_ERROR * PRIOR_ERROR) / (z.len() + 1) as f64;
            Ok(Box::new(FittedTrees {
                fit,
                error,
                columns,
                warp: Arc::new(warp),
                features: self.features.clone(),
            }))
        })
    }

    fn load(&self, saved: &Saved, _: &[PriorKnowledge]) -> Result<Box<dyn Predict>, SurrogateError> {
        in_saved_space(NAME, saved, |fitted: FittedTrees| {
            fitted.columns.expect_of(saved)?;
            Ok(Box::new(fitted))
        })
    }
}

#[derive(serde::Serialize, serde::Deserialize)]
struct FittedTrees {
    fit: CrossFit,
    /// Mean squared error on the folds left out.
    error: f64,
    columns: Columns,
    warp: Arc<Warp>,
    features: FeatureCache,
}

impl FittedTrees {
    /// What each column counts.
    fn kinds(&self) -> impl Iterator<Item = Kind> + '_ {
        (0..self.columns.len()).map(|column| self.columns.kind(column))
    }

    /// Posteriors of features `x [m, d]`.
    fn posteriors(&self, x: &Array2<f32>) -> Result<Vec<Posterior>, SurrogateError> {
        let (mean, variance) = self.fit.predict(x);
        let posterior = |(m, v): (&f64, &f64)| Posterior::warped(*m, v + self.error, self.warp.clone());
        mean.iter().zip(&variance).map(posterior).collect()
    }
}

impl Predict for FittedTrees {
    fn predict(&self, candidates: &[Architecture]) -> Result<Vec<Posterior>, SurrogateError> {
        let prepare =
            |candidates: &[Architecture]| self.features.matching(NAME, &self.columns, candidates).map(drop);
        in_chunks(candidates, prepare, |candidates, (): &mut ()| {
            self.posteriors(&self.features.matrix(NAME, &self.columns, candidates)?)
        })
    }

    fn feature_groups(&self) -> Vec<FeatureGroup> {
        families(self.kinds()).into_iter().map(FeatureGroup::Counts).collect()
    }

    fn predict_exchanged(
        &self,
        candidates: &[Architecture],
        group: FeatureGroup,
        from: &[usize],
    ) -> Result<Option<Vec<Posterior>>, SurrogateError> {
        let of_group = |kind: Kind| group == FeatureGroup::Counts(kind.family);
        let columns: Vec<usize> =
            self.kinds().enumerate().filter_map(|(column, kind)| of_group(kind).then_some(column)).collect();
        if columns.is_empty() {
            return Ok(None);
        }
        let mut x = self.features.matrix(NAME, &self.columns, candidates)?;
        exchange(&mut x, &columns, from);
        self.posteriors(&x).map(Some)
    }

    fn save(&self) -> Result<Saved, SurrogateError> {
        Saved::of(NAME, self)
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::testing::{check_surrogate, toy_architectures, toy_observations, toy_quality};

    #[test]
    fn contract() {
        check_surrogate(&Trees::default(), &toy_observations(30, 4), &toy_architectures(20, 5), 6);
    }

    #[test]
    fn ranks_unseen_cells_and_knows_how_well() {
        let (tau, covered) = toy_quality(&Trees::default(), 150);
        assert!(tau > 0.75, "tau {tau}");
        assert!((0.65..=0.97).contains(&covered), "{covered}");
    }

    /// Out of fold each is predicted by one fold's trees, which its own target does not reach; and many at a time
    /// are predicted as one by one.
    #[test]
    fn an_observation_does_not_predict_itself() {
        let x = Array2::from_shape_fn((150, 3), |(i, j)| ((i * (7 + 3 * j)) % 31) as f32);
        let targets: Vec<f64> = (0..150).map(|i| f64::from((i * 5 % 13) as u8)).collect();
        let each: Vec<usize> = (0..150).collect();
        let fit = |targets: &[f64]| {
            let mut rng = ChaCha8Rng::seed_from_u64(3);
            CrossFit::of(&x, targets, &each, &BoostParams::default(), 3, &mut rng).unwrap()
        };
        let first = fit(&targets);
        let mut other = targets.clone();
        other[77] += 50.0;
        let second = fit(&other);
        assert!((first.out_of_fold[77] - second.out_of_fold[77]).abs() < 1e-6);
        let apart = |i: &usize| (first.out_of_fold[*i] - second.out_of_fold[*i]).abs() > 1.0;
        assert!((0..150).any(|i| apart(&i)));
        let each = Boosted::predict(&first.models, &x);
        for i in [0, 63, 64, 149] {
            let alone = x.slice(ndarray::s![i..=i, ..]).to_owned();
            for (model, all) in each.iter().enumerate() {
                assert_eq!(Boosted::predict(&first.models[model..=model], &alone)[0][0], all[i]);
            }
            let out = first.out_of_fold[i];
            assert!(each.iter().any(|all| (all[i] - out).abs() < 1e-4), "{i}");
        }
    }

    #[test]
    fn bad_settings_are_named() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let data = toy_observations(10, 2);
        let bad = Trees { folds: 1, ..Trees::default() };
        assert!(bad.fit(&data, &mut rng).err().unwrap().to_string().contains("folds"));
        let bad = Trees { boost: BoostParams { rate: 0.0, ..BoostParams::default() }, ..Trees::default() };
        assert!(bad.fit(&data, &mut rng).err().unwrap().to_string().contains("rate"));
    }
}
