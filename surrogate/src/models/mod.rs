//! Surrogate models: each a recipe that is fitted to observations.
//!
//! Every model is a [`Surrogate`](crate::Surrogate) with a catalogue entry; [`bsr`] and [`gp`] are the
//! regressions that several of them are made of.

pub mod bsr;
mod counts_bsr;
mod ensemble;
pub mod gcn;
pub mod gp;
mod graph_gp;
mod mlp;
mod prior_mean;
pub mod trees;
mod wl_gp;

pub use counts_bsr::CountsBsr;
pub use ensemble::Ensemble;
pub use graph_gp::{GraphGp, PriorForm};
pub use mlp::{MlpParams, PathMlp};
pub use prior_mean::PriorMean;
pub use trees::{BoostParams, Trees};
pub use wl_gp::WlGp;

use crate::surrogate::SurrogateEntry;

/// Every surrogate; the default of strategy BONAS first.
pub static SURROGATES: &[SurrogateEntry] = &[
    Ensemble::ENTRY,
    GraphGp::ENTRY,
    WlGp::ENTRY,
    Trees::ENTRY,
    CountsBsr::ENTRY,
    PathMlp::ENTRY,
    gcn::GCN_BSR,
    gcn::GCN_ENSEMBLE,
    gcn::BONAS_PUBLISHED,
];
