//! From a strategy's settings to the strategy.

use bonas_spaces::SearchSpace;
use bonas_surrogate::Surrogate;
use bonas_surrogate::counts::CountsBsr;
use bonas_surrogate::ensemble::Ensemble;
use bonas_surrogate::graph_gp::GraphGp;
use bonas_surrogate::mlp::PathMlp;
use bonas_surrogate::trees::Trees;
use bonas_surrogate::wl_gp::WlGp;
use serde::{Deserialize, Serialize};

use super::{Aims, Knowledge, Strategy, TargetsKind, Transfer};
use crate::StudyError;
use crate::history::Fidelity;

/// What a strategy is built for.
#[derive(Clone, Copy, Debug)]
pub struct Site<'a> {
    /// The space to search.
    pub space: &'a dyn SearchSpace,
    /// The kind of score that the strategy is told.
    pub fidelity: Fidelity,
    /// Limits and second objective.
    pub aims: &'a Aims,
    /// Prior knowledge about architectures.
    pub knowledge: &'a Knowledge,
}

/// Settings of a strategy, which build it.
///
/// Three methods are required; the others say what the strategy needs and can, and have the usual answers.
pub trait BuildStrategy {
    /// The strategy of these settings.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for a setting that does not fit the space, or a part that this build lacks.
    fn build(&self, site: &Site<'_>) -> Result<Box<dyn Strategy>, StudyError>;

    /// Architectures a batch.
    fn batch(&self) -> usize;

    /// Sets the architectures a batch.
    fn set_batch(&mut self, batch: usize);

    /// Sets the random architectures before the first fit, for strategies with a surrogate.
    fn set_initial(&mut self, _initial: usize) {}

    /// Whether the strategy needs libtorch.
    fn needs_torch(&self) -> bool {
        false
    }

    /// Whether the strategy trains networks itself, and so cannot search a table.
    fn needs_images(&self) -> bool {
        false
    }

    /// Whether the strategy is among those that a comparison on a table runs if none is named.
    fn compares_on_tables(&self, _two_objectives: bool) -> bool {
        !self.needs_images()
    }

    /// The surrogate to draw a map with, and the targets it is fitted to; none for strategies without.
    fn surrogate(&self) -> Option<(SurrogateKind, TargetsKind)> {
        None
    }

    /// The source of scores on another task that the strategy starts from.
    fn transfer(&self) -> &Transfer {
        &Transfer::None
    }

    /// Sets the source of scores on another task, for strategies that can start from some.
    fn set_transfer(&mut self, _transfer: Transfer) {}
}

/// The model of score by architecture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SurrogateKind {
    /// Graph network and Bayesian sigmoid regression: the paper's.
    GcnBsr,
    /// The same exactly as in the published code, its approximations included.
    BonasPublished,
    /// Bidirectional graph networks that read structural counts too, an ensemble; on normal scores.
    GcnEnsemble,
    /// Bayesian sigmoid regression on structural counts; needs no libtorch.
    CountsBsr,
    /// Ensemble of perceptrons on path encodings, as in BANANAS; needs no libtorch.
    PathMlp,
    /// Gaussian process on structural counts and normal scores; needs no libtorch.
    #[default]
    GraphGp,
    /// Gaussian process on Weisfeiler-Lehman labels, after NAS-BOWL; needs no libtorch.
    WlGp,
    /// Boosted trees on structural counts and normal scores; needs no libtorch.
    Trees,
    /// graph-gp and trees, weighted by how well each predicts what it has not seen; no libtorch.
    Ensemble,
}

impl SurrogateKind {
    /// The surrogate with a name.
    ///
    /// # Errors
    /// A text that names all there are, and the nearest.
    pub fn named(name: &str) -> Result<Self, String> {
        crate::settings::variant(name)
    }

    /// Whether it places architectures in a space where near means related, as clusters need.
    pub fn embeds(self) -> bool {
        !matches!(self, Self::Trees | Self::PathMlp)
    }

    /// Whether it has a posterior of several architectures together, as joint criteria need.
    pub fn has_joint(self) -> bool {
        matches!(self, Self::GraphGp | Self::WlGp | Self::Ensemble)
    }

    /// Whether it can start from prior knowledge.
    pub fn takes_prior(self) -> bool {
        matches!(self, Self::GraphGp | Self::Ensemble)
    }

    /// Whether it needs libtorch.
    pub fn needs_torch(self) -> bool {
        matches!(self, Self::GcnBsr | Self::BonasPublished | Self::GcnEnsemble)
    }
}

/// The surrogate of a name.
///
/// # Errors
/// [`StudyError::Setting`] for one that this build lacks.
pub fn surrogate(kind: SurrogateKind) -> Result<Box<dyn Surrogate>, StudyError> {
    match kind {
        SurrogateKind::CountsBsr => Ok(Box::new(CountsBsr::default())),
        SurrogateKind::PathMlp => Ok(Box::new(PathMlp::default())),
        SurrogateKind::GraphGp => Ok(Box::new(GraphGp::default())),
        SurrogateKind::WlGp => Ok(Box::new(WlGp::default())),
        SurrogateKind::Trees => Ok(Box::new(Trees::default())),
        SurrogateKind::Ensemble => Ok(Box::new(Ensemble::default())),
        #[cfg(feature = "torch")]
        SurrogateKind::GcnBsr => Ok(Box::new(bonas_surrogate::embed::GcnBsr::default())),
        #[cfg(feature = "torch")]
        SurrogateKind::BonasPublished => {
            let (kind, device) = (tch::Kind::Float, tch::Device::Cpu);
            Ok(Box::new(bonas_surrogate::embed::GcnBsr::published(kind, device)))
        }
        #[cfg(feature = "torch")]
        SurrogateKind::GcnEnsemble => Ok(Box::new(bonas_surrogate::embed::GcnEnsemble::default())),
        #[cfg(not(feature = "torch"))]
        SurrogateKind::GcnBsr | SurrogateKind::BonasPublished | SurrogateKind::GcnEnsemble => {
            Err(without_torch("strategy.surrogate", "a graph network", "use graph-gp"))
        }
    }
}

#[cfg(not(feature = "torch"))]
pub(crate) fn without_torch(key: &str, what: &str, instead: &str) -> StudyError {
    let reason =
        format!("{what} needs libtorch, and this program was built without it (feature torch); {instead}");
    StudyError::Setting { name: key.to_owned(), reason }
}
