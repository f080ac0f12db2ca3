//! Measured scores.

use std::collections::HashMap;

use bonas_spaces::Architecture;

use crate::error::SurrogateError;

/// One measured score of one architecture; higher is better.
#[derive(Clone, Debug)]
pub struct Observation {
    /// The measured architecture.
    pub architecture: Architecture,
    /// The score, in the unit of the study (accuracy: a fraction in `[0, 1]`).
    pub score: f64,
    /// Standard deviation of the score's own error, in the unit of the score, where it is known: that of a mean of
    /// several seeds, for example. Gaussian processes trust a score with more noise less; other surrogates do not
    /// read it. All scores have the noise that surrogates learn, besides.
    pub noise: Option<f64>,
    /// The group that the score was measured in, where scores compare inside one better than between two: a batch that was
    /// trained with shared weights, for example. Surrogates that [know groups](crate::Surrogate::knows_groups) give each
    /// an intercept; others do not read it.
    pub group: Option<usize>,
}

impl Observation {
    /// A score whose error is not known.
    pub fn new(architecture: Architecture, score: f64) -> Self {
        Self { architecture, score, noise: None, group: None }
    }
}

/// The group of each observation: equal for replicates, which have one key (repeated or isomorphic measurements). Groups
/// are numbered from 0 in the order of their first observation.
pub(crate) fn replicates(observations: &[Observation]) -> Vec<usize> {
    let mut numbers = HashMap::new();
    let mut number = |o: &Observation| {
        let next = numbers.len();
        *numbers.entry(o.architecture.key()).or_insert(next)
    };
    observations.iter().map(&mut number).collect()
}

/// The scores of observations.
///
/// # Errors
/// [`SurrogateError::Data`] if there is no observation, or a score is not finite.
pub(crate) fn finite_scores(
    surrogate: &'static str,
    observations: &[Observation],
) -> Result<Vec<f64>, SurrogateError> {
    if observations.is_empty() {
        return Err(SurrogateError::data(surrogate, "no observations; it needs at least one"));
    }
    if let Some(i) = observations.iter().position(|o| !o.score.is_finite()) {
        let reason = format!(
            "the score of observation {i} is {}, not a finite number; leave failed evaluations out",
            observations[i].score
        );
        return Err(SurrogateError::data(surrogate, reason));
    }
    let bad = |noise: f64| !noise.is_finite() || noise < 0.0;
    if let Some((i, noise)) =
        observations.iter().enumerate().find_map(|(i, o)| Some((i, o.noise.filter(|&n| bad(n))?)))
    {
        let reason = format!("the noise of observation {i} is {noise}; it must be a finite number from 0 up");
        return Err(SurrogateError::data(surrogate, reason));
    }
    // Adding zero turns -0 into 0.
    Ok(observations.iter().map(|o| o.score + 0.0).collect())
}
