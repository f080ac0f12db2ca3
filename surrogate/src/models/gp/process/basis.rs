//! The observations that covariances are taken with.

use std::sync::Arc;

use super::super::factored::{Covariance, FactoredObservations, Features};
use super::super::inducing::Inducing;

/// What covariances are taken with.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) enum Basis {
    /// All observations.
    All(Arc<FactoredObservations>),
    /// Some of them, through which all are seen.
    Points(Box<Inducing>),
}

impl Basis {
    pub(super) fn covariance(&self) -> &Covariance {
        match self {
            Self::All(observed) => &observed.covariance,
            Self::Points(inducing) => &inducing.covariance,
        }
    }

    pub(super) fn features(&self) -> &Features {
        match self {
            Self::All(observed) => &observed.features,
            Self::Points(inducing) => &inducing.features,
        }
    }

    /// Variance of the noise that an observation has beyond that of all.
    pub(super) fn extra(&self, i: usize) -> f64 {
        match self {
            Self::All(observed) => observed.extra(i),
            Self::Points(inducing) => inducing.extra.get(i).copied().unwrap_or(0.0),
        }
    }
}
