//! The fitted Gaussian process.

use std::sync::Arc;

use bonas_spaces::Architecture;
use ndarray::{Array1, Array2, ArrayView2, s};

use super::NAME;
use super::columns::KernelColumns;
use crate::chunks::in_chunks;
use crate::fantasy::{More, below};
use crate::features::{FeatureCache, exchange};
use crate::models::gp::{self, Later, Process, Scratch};
use crate::posterior::{Joint, Posterior, Warp};
use crate::prior::restore;
use crate::{FeatureGroup, Observation, Predict, PriorKnowledge, Saved, SurrogateError};

/// A fitted [`GraphGp`].
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct FittedGraphGp {
    pub(super) process: Process,
    pub(super) columns: Arc<KernelColumns>,
    /// Scaled features `[n, d]` of the observations.
    pub(super) observed: Array2<f32>,
    /// Prior knowledge, empty where its form is `Nothing`.
    pub(super) knowledge: Vec<PriorKnowledge>,
    pub(super) warp: Arc<Warp>,
    pub(super) features: FeatureCache,
}

/// Features `[m, d]` of candidates that have exchanged some, and the share of each one's covariance with the observations.
pub(crate) struct Exchanged {
    pub(crate) features: Array2<f32>,
    pub(crate) shares: Vec<f32>,
}

impl FittedGraphGp {
    /// Scaled features `[m, d]`.
    pub(crate) fn matrix<'a>(
        &self,
        candidates: impl IntoIterator<Item = &'a Architecture, IntoIter: Clone>,
    ) -> Result<Array2<f32>, SurrogateError> {
        let mut x = Array2::zeros((0, 0));
        self.matrix_into(candidates, &mut x)?;
        Ok(x)
    }

    /// Writes [`matrix`](Self::matrix) to `x` and resizes it. Returns the share of each candidate's covariance with the
    /// observations, less than 1 for one with operations that none of them has.
    pub(crate) fn matrix_into<'a>(
        &self,
        candidates: impl IntoIterator<Item = &'a Architecture, IntoIter: Clone>,
        x: &mut Array2<f32>,
    ) -> Result<Vec<f32>, SurrogateError> {
        let candidates = candidates.into_iter();
        let ranks: Vec<Vec<f64>> = self
            .knowledge
            .iter()
            .map(|knowledge| knowledge.ranks(candidates.clone()))
            .collect::<Result<_, _>>()?;
        let structures = self.features.matching(NAME, self.columns.varying.columns(), candidates)?;
        self.columns.matrix_into(structures.iter(), &ranks, x);
        Ok(structures.iter().map(|row| gp::share(self.columns.varying.unseen(row))).collect())
    }

    /// As [`matrix_into`](Self::matrix_into), but each candidate has the features of a group of another one; `None` for a group
    /// without a column.
    pub(crate) fn exchanged(
        &self,
        candidates: &[Architecture],
        group: FeatureGroup,
        from: &[usize],
    ) -> Result<Option<Exchanged>, SurrogateError> {
        let columns = self.columns.of_group(group);
        if columns.is_empty() {
            return Ok(None);
        }
        let mut x = Array2::zeros((0, 0));
        let shares = self.matrix_into(candidates, &mut x)?;
        exchange(&mut x, &columns, from);
        Ok(Some(Exchanged { features: x, shares }))
    }

    /// The groups of features that have a column.
    pub(crate) fn groups(&self) -> Vec<FeatureGroup> {
        self.columns.groups()
    }

    /// Posteriors of latent means and variances without noise.
    fn posteriors(&self, latent: (Vec<f64>, Vec<f64>)) -> Result<Vec<Posterior>, SurrogateError> {
        let noise = self.process.noise();
        let posterior = |(mean, variance): (f64, f64)| {
            Posterior::warped(mean, variance + noise, self.warp.clone())?.with_noise(noise)
        };
        latent.0.into_iter().zip(latent.1).map(posterior).collect()
    }

    /// Finds the features of some candidates, so that several threads can read them at once.
    pub(crate) fn cache_features(&self, candidates: &[Architecture]) -> Result<(), SurrogateError> {
        self.features.matching(NAME, self.columns.varying.columns(), candidates).map(drop)
    }

    /// Expected normal scores `[m]`.
    pub(crate) fn expected(&self, candidates: &[Architecture]) -> Result<Vec<f64>, SurrogateError> {
        let mut expected = Vec::with_capacity(candidates.len());
        for candidates in candidates.chunks(crate::chunks::CHUNK) {
            let mut x = Array2::zeros((0, 0));
            let shares = self.matrix_into(candidates, &mut x)?;
            expected.extend(self.process.predict_akin(&x, &shares, &mut Scratch::default()).0);
        }
        Ok(expected)
    }

    /// Scaled features `[n, d]` of the observations' architectures.
    pub(crate) fn observed(&self) -> ArrayView2<'_, f32> {
        self.described(&self.observed)
    }

    /// The columns of [`matrix`](Self::matrix) that describe architectures.
    pub(crate) fn described<'a>(&self, x: &'a Array2<f32>) -> ArrayView2<'a, f32> {
        x.slice(s![.., ..self.columns.described()])
    }

    /// What the others of its group say of the intercept of each observation, `[n]`: 0 without groups.
    pub(crate) fn intercepts(&self) -> Array1<f64> {
        self.process.intercepts(&self.observed)
    }

    pub(crate) fn process(&self) -> &Process {
        &self.process
    }

    pub(crate) fn warp(&self) -> &Arc<Warp> {
        &self.warp
    }

    /// Completes a loaded process with the prior knowledge that cannot be saved.
    ///
    /// # Errors
    /// [`SurrogateError::Knowledge`], and [`SurrogateError::File`] for columns of another program.
    pub(crate) fn restored(
        mut self,
        saved: &Saved,
        known: &[PriorKnowledge],
    ) -> Result<Self, SurrogateError> {
        self.columns.varying.columns().expect_of(saved)?;
        restore(&mut self.knowledge, known)?;
        Ok(self)
    }
}

impl FittedGraphGp {
    /// This process conditioned on more observations with these normal scores, `[k]`. Hyper-parameters, columns and the map
    /// to scores stay.
    pub(crate) fn conditioned(&self, more: &More, targets: &[f64]) -> Result<Self, SurrogateError> {
        let mut x = Array2::zeros((0, 0));
        let shares = self.matrix_into(&more.architectures, &mut x)?;
        let observed = below(&self.observed, &x)?;
        Ok(Self {
            process: self.process.conditioned(
                &observed,
                Later { targets, noise: &more.latent_noise(&self.warp), shares: &shares },
            )?,
            columns: self.columns.clone(),
            observed,
            knowledge: self.knowledge.clone(),
            warp: self.warp.clone(),
            features: self.features.clone(),
        })
    }
}

impl Predict for FittedGraphGp {
    fn predict(&self, candidates: &[Architecture]) -> Result<Vec<Posterior>, SurrogateError> {
        let prepare = |candidates: &[Architecture]| self.cache_features(candidates);
        // Chunk by chunk, so that the features stay in the processor's cache.
        in_chunks(candidates, prepare, |candidates, (x, scratch): &mut (Array2<f32>, Scratch)| {
            let shares = self.matrix_into(candidates, x)?;
            self.posteriors(self.process.predict_akin(x, &shares, scratch))
        })
    }

    fn feature_groups(&self) -> Vec<FeatureGroup> {
        self.groups()
    }

    fn predict_exchanged(
        &self,
        candidates: &[Architecture],
        group: FeatureGroup,
        from: &[usize],
    ) -> Result<Option<Vec<Posterior>>, SurrogateError> {
        let Some(Exchanged { features, shares }) = self.exchanged(candidates, group, from)? else {
            return Ok(None);
        };
        self.posteriors(self.process.predict_akin(&features, &shares, &mut Scratch::default())).map(Some)
    }

    fn joint(&self, candidates: &[Architecture]) -> Result<Option<Joint>, SurrogateError> {
        if candidates.is_empty() {
            return Ok(None);
        }
        let mut x = Array2::zeros((0, 0));
        let shares = self.matrix_into(candidates, &mut x)?;
        let (mean, covariance, prior) = self.process.joint_akin(&x, &shares);
        Joint::new(mean.into(), covariance, prior, self.warp.clone()).map(Some)
    }

    fn condition_on(&self, observations: &[Observation]) -> Result<Option<Box<dyn Predict>>, SurrogateError> {
        let more = More::of(NAME, observations)?;
        if more.architectures.is_empty() {
            return Ok(Some(Box::new(self.clone())));
        }
        Ok(Some(Box::new(self.conditioned(&more, &more.latent(&self.warp))?)))
    }

    fn embed(&self, candidates: &[Architecture]) -> Result<Option<Array2<f64>>, SurrogateError> {
        if candidates.is_empty() {
            return Ok(Some(Array2::zeros((0, self.columns.described()))));
        }
        Ok(Some(self.described(&self.matrix(candidates)?).mapv(f64::from)))
    }

    fn save(&self) -> Result<Saved, SurrogateError> {
        Saved::of(NAME, self)
    }
}
