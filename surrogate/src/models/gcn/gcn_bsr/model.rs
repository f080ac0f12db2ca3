//! The surrogate of BONAS: Bayesian sigmoid regression on the embedding of a graph network.

use bonas_spaces::{Architecture, Simplify};
use linfa::Dataset;
use linfa::ParamGuard;
use linfa::traits::Fit;
use ndarray::{Array1, Array2};
use rand::Rng;
use tch::{Device, Kind};

use crate::guard::{in_one_space, in_saved_space};
use crate::models::bsr::{Bsr, BsrParams};
use crate::models::gcn::graphs::{Graphs, Padding};
use crate::models::gcn::network::{Gcn, GcnShape, SavedGcn, check_place};
use crate::models::gcn::tensors::{pin_threads, to_array};
use crate::models::gcn::train::Training;
use crate::{Observation, Posterior, Predict, PriorKnowledge, Saved, Surrogate, SurrogateError};

/// Architectures per pass when predicting.
const CHUNK: usize = 2048;

/// Settings of a [`GcnBsr`].
#[derive(Clone, Copy, Debug)]
pub struct GcnSettings {
    /// Units per layer.
    pub width: usize,
    /// Graph convolutions.
    pub depth: usize,
    /// The graphs that the network reads.
    pub simplify: Simplify,
    /// How small graphs are padded.
    pub padding: Padding,
    /// Training of the network.
    pub training: Training,
    /// The regression on the embedding.
    pub bsr: BsrParams,
    /// Number format, `Float` or `Double`.
    pub kind: Kind,
    /// Device of the network.
    pub device: Device,
}

impl Default for GcnSettings {
    fn default() -> Self {
        Self {
            width: 64,
            depth: 4,
            simplify: Simplify::Pruned,
            padding: Padding::Masked,
            training: Training::default(),
            bsr: Bsr::params(),
            kind: Kind::Float,
            device: Device::Cpu,
        }
    }
}

/// Graph network and Bayesian sigmoid regression (BONAS; Shi et al., `NeurIPS` 2020).
///
/// `fit` trains a [`Gcn`] from fresh weights on all observations, then fits a [`Bsr`] to its
/// embeddings with running statistics. Scores must be in `[0, 1]`. Posteriors are laws of a measured score, noise
/// included.
#[derive(Clone, Copy, Debug)]
pub struct GcnBsr {
    name: &'static str,
    settings: GcnSettings,
}

impl Default for GcnBsr {
    fn default() -> Self {
        Self::new(GcnSettings::default())
    }
}

impl GcnBsr {
    /// "gcn-bsr": the paper's network on pruned graphs without padding, and [`Bsr::params`].
    pub fn new(settings: GcnSettings) -> Self {
        Self { name: super::GCN_BSR.name(), settings }
    }

    /// "bonas-published": raw graphs padded to 7 nodes that are alive, and [`Bsr::published`].
    pub fn published(kind: Kind, device: Device) -> Self {
        let settings = GcnSettings {
            simplify: Simplify::Raw,
            padding: Padding::Isolated(7),
            bsr: Bsr::published(),
            kind,
            device,
            ..GcnSettings::default()
        };
        Self { name: super::BONAS_PUBLISHED.name(), settings }
    }

    /// The settings.
    pub fn settings(&self) -> &GcnSettings {
        &self.settings
    }

    fn graphs(&self, architectures: &[&Architecture]) -> Result<Graphs, SurrogateError> {
        let settings = &self.settings;
        Graphs::encode(architectures, settings.simplify, settings.padding, (settings.kind, settings.device))
    }

    fn check(&self, observations: &[Observation]) -> Result<(), SurrogateError> {
        check_place(self.settings.kind, self.settings.device)?;
        self.settings.training.check()?;
        self.settings.bsr.check_ref()?;
        if observations.is_empty() {
            return Err(SurrogateError::data(self.name, "no observations; it needs at least one"));
        }
        match observations.iter().enumerate().find(|(_, o)| !(0.0..=1.0).contains(&o.score)) {
            Some((i, o)) => {
                let reason = format!(
                    "score {} of observation {i} is not in [0, 1]; give accuracies as fractions",
                    o.score
                );
                Err(SurrogateError::data(self.name, reason))
            }
            None => Ok(()),
        }
    }
}

impl Surrogate for GcnBsr {
    fn name(&self) -> &'static str {
        self.name
    }

    fn has_embedding(&self) -> bool {
        true
    }

    fn knows_noise(&self) -> bool {
        true
    }

    fn needs_fractions(&self) -> bool {
        true
    }

    fn fit(
        &self,
        observations: &[Observation],
        rng: &mut dyn Rng,
    ) -> Result<Box<dyn Predict>, SurrogateError> {
        in_one_space(self.name, observations, || {
            self.check(observations)?;
            pin_threads(self.settings.device);
            let architectures: Vec<&Architecture> = observations.iter().map(|o| &o.architecture).collect();
            let scores: Vec<f64> = observations.iter().map(|o| o.score).collect();
            let graphs = self.graphs(&architectures)?;
            let GcnSettings { width, depth, kind, device, training, bsr, .. } = self.settings;
            let shape = GcnShape { classes: graphs.classes, cells: graphs.cells, width, depth };
            let gcn = Gcn::new(shape, (kind, device), rng)?;
            training.run(&gcn, &graphs, &scores, rng)?;
            let embedding = to_array(&gcn.infer(&graphs)?.0)?;
            let model = bsr.fit(&Dataset::new(embedding, Array1::from(scores)))?;
            Ok(Box::new(FittedGcnBsr { recipe: *self, gcn, model }))
        })
    }

    /// Loads to the CPU.
    fn load(&self, saved: &Saved, _: &[PriorKnowledge]) -> Result<Box<dyn Predict>, SurrogateError> {
        in_saved_space(self.name, saved, |content: (bool, Padding, SavedGcn, Bsr)| {
            let (pruned, padding, network, model) = content;
            let gcn = network.network()?;
            let simplify = if pruned { Simplify::Pruned } else { Simplify::Raw };
            let (kind, device) = gcn.place();
            let settings = GcnSettings { simplify, padding, kind, device, ..self.settings };
            Ok(Box::new(FittedGcnBsr { recipe: Self { settings, ..*self }, gcn, model }))
        })
    }
}

struct FittedGcnBsr {
    recipe: GcnBsr,
    gcn: Gcn,
    model: Bsr,
}

impl FittedGcnBsr {
    /// Embeddings, `[n, C D]`.
    fn embedding(&self, candidates: &[Architecture]) -> Result<Array2<f64>, SurrogateError> {
        pin_threads(self.recipe.settings.device);
        let shape = self.gcn.shape();
        let mut all = Vec::with_capacity(candidates.len() * shape.cells * shape.width);
        for chunk in candidates.chunks(CHUNK) {
            let graphs = self.recipe.graphs(&chunk.iter().collect::<Vec<_>>())?;
            all.extend(to_array(&self.gcn.infer(&graphs)?.0)?);
        }
        Array2::from_shape_vec((candidates.len(), shape.cells * shape.width), all)
            .map_err(|e| SurrogateError::numeric(self.recipe.name, e.to_string()))
    }
}

impl Predict for FittedGcnBsr {
    fn predict(&self, candidates: &[Architecture]) -> Result<Vec<Posterior>, SurrogateError> {
        self.model.posteriors(&self.embedding(candidates)?)
    }

    fn embed(&self, candidates: &[Architecture]) -> Result<Option<Array2<f64>>, SurrogateError> {
        self.embedding(candidates).map(Some)
    }

    fn save(&self) -> Result<Saved, SurrogateError> {
        let GcnSettings { simplify, padding, .. } = self.recipe.settings;
        let pruned = matches!(simplify, Simplify::Pruned);
        Saved::of(self.recipe.name, &(pruned, padding, SavedGcn::of(&self.gcn)?, &self.model))
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::metrics::kendall_tau_b;
    use crate::testing::{check_surrogate, toy_architectures, toy_observations, toy_score};

    fn brief() -> GcnSettings {
        GcnSettings { training: Training { epochs: 5, ..Training::default() }, ..GcnSettings::default() }
    }

    #[test]
    fn contract() {
        tch::set_num_threads(1);
        check_surrogate(&GcnBsr::new(brief()), &toy_observations(30, 4), &toy_architectures(20, 5), 6);
        let mut published = GcnBsr::published(Kind::Float, Device::Cpu);
        published.settings.training.epochs = 5;
        check_surrogate(&published, &toy_observations(30, 4), &toy_architectures(20, 5), 6);
    }

    #[test]
    fn ranks_unseen_cells() {
        tch::set_num_threads(1);
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let fitted = GcnBsr::default().fit(&toy_observations(100, 2), &mut rng).unwrap();
        let candidates = toy_architectures(300, 3);
        let means: Vec<f64> = fitted.predict(&candidates).unwrap().iter().map(Posterior::mean).collect();
        let truth: Vec<f64> = candidates.iter().map(toy_score).collect();
        let tau = kendall_tau_b(&means, &truth).unwrap();
        assert!(tau > 0.6, "tau {tau}");
    }

    #[test]
    fn a_fit_does_not_depend_on_libtorchs_generator() {
        tch::set_num_threads(1);
        let means = |seed: i64| {
            tch::manual_seed(seed);
            let mut rng = ChaCha8Rng::seed_from_u64(1);
            let fitted = GcnBsr::new(brief()).fit(&toy_observations(20, 2), &mut rng).unwrap();
            fitted.predict(&toy_architectures(10, 3)).unwrap()
        };
        assert_eq!(means(1), means(2));
    }

    #[test]
    fn bad_scores_and_settings_are_named() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut observations = toy_observations(3, 1);
        observations[1].score = 93.0;
        let mut message =
            |surrogate: GcnBsr, observations: &[Observation]| match surrogate.fit(observations, &mut rng) {
                Ok(_) => String::new(),
                Err(e) => e.to_string(),
            };
        assert!(message(GcnBsr::default(), &observations).contains("93"));
        observations[1].score = 1.0;
        assert_eq!(message(GcnBsr::new(brief()), &observations), "");
        assert!(
            message(GcnBsr::new(GcnSettings { width: 0, ..brief() }), &observations).contains("GCN shape")
        );
        assert!(
            message(GcnBsr::new(GcnSettings { kind: Kind::Int64, ..brief() }), &observations)
                .contains("Int64")
        );
        let device = Device::Cuda(99);
        assert!(message(GcnBsr::new(GcnSettings { device, ..brief() }), &observations).contains("cuda:99"));
    }
}
