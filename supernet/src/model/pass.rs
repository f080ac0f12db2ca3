//! How a batch goes through a network.

use rand::Rng;
use tch::Tensor;

use super::probe::{Agreement, ImageAffine};
use super::statistics::Statistics;

/// Which statistics batch normalisation uses.
#[derive(Debug)]
pub enum Mode<'a> {
    /// Those of the batch; the network's running statistics follow with weight 0.1. The only mode
    /// that records gradients and computes the auxiliary head.
    Train,
    /// The network's running statistics.
    Eval,
    /// Those of the batch, averaged into the given ones; the network stays as it is.
    Estimate(&'a mut Statistics),
    /// The given ones.
    EvalWith(&'a Statistics),
}

/// How the chosen operations of an edge become one tensor.
#[derive(Clone, Copy, Debug, Default)]
pub enum Mixture<'a> {
    /// Their plain sum.
    #[default]
    Sum,
    /// Their weighted sum. One matrix a role of the architecture's cells; the weight of choice `c`
    /// on edge `e` of a cell of role `r` is `[r][e, c]`, positions as in
    /// [`bonas_spaces::network::CellUnion::edges`] and
    /// [`bonas_spaces::network::EdgeUnion::ops`]. Edges without an operation of their own (the
    /// wires into the output) have none. Gradients reach the weights.
    Weighted(&'a [Tensor]),
    /// The same, and the sum of each edge weighted once more (edge normalisation of PC-DARTS): one
    /// vector a role, the weight of edge `e` is `edges[r][e]`. With partial channels it weighs
    /// those that go by, too.
    Normalised {
        /// As in [`Mixture::Weighted`].
        operations: &'a [Tensor],
        /// One weight an edge, `[edges]` a role.
        edges: &'a [Tensor],
    },
}

impl<'a> Mixture<'a> {
    /// Weights of the operations, if they have any.
    pub(super) fn operations(self) -> Option<&'a [Tensor]> {
        match self {
            Self::Sum => None,
            Self::Weighted(operations) | Self::Normalised { operations, .. } => Some(operations),
        }
    }

    /// Weights of the edges, if they have any.
    pub(super) fn edges(self) -> Option<&'a [Tensor]> {
        match self {
            Self::Sum | Self::Weighted(_) => None,
            Self::Normalised { edges, .. } => Some(edges),
        }
    }
}

/// Drops whole operations of single images (Larsson et al. 2017, as in DARTS): each is kept with
/// probability `1 - probability` and then divided by it. Identities are never dropped.
pub struct DropPath<'a> {
    /// Probability of dropping, in `[0, 1)`.
    pub probability: f64,
    /// Where the draws come from.
    pub rng: &'a mut dyn Rng,
}

impl std::fmt::Debug for DropPath<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DropPath").field("probability", &self.probability).finish_non_exhaustive()
    }
}

/// How one batch goes through a network.
#[derive(Debug)]
pub struct Pass<'a> {
    /// Statistics of batch normalisation.
    pub mode: Mode<'a>,
    /// How chosen operations are joined on an edge.
    pub mixture: Mixture<'a>,
    /// Drop-path; only [`Mode::Train`] applies it.
    pub drop_path: Option<DropPath<'a>>,
    /// Whether gradients are recorded in other modes than [`Mode::Train`], too.
    pub gradients: bool,
    /// Which ReLU units are active, if that is to be noted.
    pub agreement: Option<&'a mut Agreement>,
    /// Scales and shifts of each image, where some are to have them.
    pub image_affine: Option<&'a mut ImageAffine>,
}

impl<'a> Pass<'a> {
    /// A pass in the given mode, operations summed, nothing dropped.
    pub fn new(mode: Mode<'a>) -> Self {
        let (mixture, gradients) = (Mixture::Sum, false);
        Self { mode, mixture, drop_path: None, gradients, agreement: None, image_affine: None }
    }

    /// A training pass.
    pub fn train() -> Self {
        Self::new(Mode::Train)
    }

    /// An evaluation with the network's running statistics.
    pub fn eval() -> Self {
        Self::new(Mode::Eval)
    }

    /// Adds drop-path; a probability of 0 draws nothing.
    #[must_use]
    pub fn with_drop_path(mut self, probability: f64, rng: &'a mut dyn Rng) -> Self {
        self.drop_path = Some(DropPath { probability, rng });
        self
    }

    /// Weighs the operations.
    #[must_use]
    pub fn with_mixture(mut self, mixture: Mixture<'a>) -> Self {
        self.mixture = mixture;
        self
    }

    /// Records gradients, whatever the mode.
    #[must_use]
    pub fn with_gradients(mut self) -> Self {
        self.gradients = true;
        self
    }

    /// Notes which ReLU units are active.
    #[must_use]
    pub fn with_agreement(mut self, agreement: &'a mut Agreement) -> Self {
        self.agreement = Some(agreement);
        self
    }

    /// Gives each image scales and shifts of its own, and records gradients.
    #[must_use]
    pub fn with_image_affine(mut self, affine: &'a mut ImageAffine) -> Self {
        self.image_affine = Some(affine);
        self.with_gradients()
    }

    pub(super) fn records(&self) -> bool {
        self.gradients || self.trains()
    }

    pub(super) fn trains(&self) -> bool {
        matches!(self.mode, Mode::Train)
    }
}
