//! Surrogate models: recipes that are fitted to observations and then predict scores.
//!
//! Use [`Ensemble`] if in doubt: it ranks best on the published tables. [`GraphGp`] alone is faster and has the
//! same joint posterior; [`PathMlp`], [`WlGp`] and `gcn` are the published surrogates of other strategies;
//! [`PriorMean`] gives prior knowledge to any of them. [`bsr`] and [`gp`] are the regressions inside.
//!
//! ```
//! use bonas_surrogate::models::Trees;
//! use bonas_surrogate::testing::{toy_architectures, toy_observations};
//! use bonas_surrogate::{Predict, Surrogate};
//! use rand::SeedableRng;
//!
//! let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
//! let fitted = Trees::default().fit(&toy_observations(50, 1), &mut rng)?;
//! let posterior = &fitted.predict(&toy_architectures(1, 2))?[0];
//! assert!(posterior.quantile(0.1) < posterior.mean());
//! # Ok::<(), bonas_surrogate::SurrogateError>(())
//! ```
//!
//! To add a model, write its file with a catalogue entry, and add its lines here: the module, and the entry in
//! [`SURROGATES`].

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
use crate::{Predict, PriorKnowledge, Saved, SurrogateError};
use bonas_spaces::catalogue::Catalogue;

/// Makes a predictor of a saved one; its surrogate must be in the catalogue, or [`PriorMean`] around one that is.
///
/// `known` is the prior knowledge of the fit that is a function; see [`Surrogate::load`](crate::Surrogate::load), which loads a surrogate of
/// your own.
///
/// ```
/// use bonas_surrogate::models::WlGp;
/// use bonas_surrogate::testing::{toy_architectures, toy_observations};
/// use bonas_surrogate::{Predict, Surrogate, catalogue::load_saved};
/// use rand::SeedableRng;
///
/// let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
/// let fitted = WlGp::default().fit(&toy_observations(20, 1), &mut rng)?;
/// let candidates = toy_architectures(5, 2);
/// assert_eq!(load_saved(&fitted.save()?, &[])?.predict(&candidates)?, fitted.predict(&candidates)?);
/// # Ok::<(), bonas_surrogate::SurrogateError>(())
/// ```
///
/// # Errors
/// [`SurrogateError::File`] for a surrogate of no name in the catalogue, [`SurrogateError::NeedsTorch`] in a build
/// without what it needs, and those of [`Surrogate::load`](crate::Surrogate::load).
pub fn load_saved(saved: &Saved, known: &[PriorKnowledge]) -> Result<Box<dyn Predict>, SurrogateError> {
    if saved.surrogate() == prior_mean::NAME {
        return prior_mean::load(saved, known, |inner| load_saved(inner, known));
    }
    let entry = SURROGATES.get(saved.surrogate()).map_err(|error| {
        SurrogateError::file(format!("{error}; load a surrogate of your own with Surrogate::load"))
    })?;
    entry.build(&())?.load(saved, known)
}

/// Every surrogate; the default of strategy BONAS first.
pub static SURROGATES: Catalogue<SurrogateEntry> = Catalogue::new(
    "surrogate",
    &[
        &Ensemble::ENTRY,
        &GraphGp::ENTRY,
        &WlGp::ENTRY,
        &Trees::ENTRY,
        &CountsBsr::ENTRY,
        &PathMlp::ENTRY,
        &gcn::GCN_BSR,
        &gcn::GCN_ENSEMBLE,
        &gcn::BONAS_PUBLISHED,
    ],
);
