//! The highest score and those after it: how much of the difference is noise.

use bonas_spaces::Architecture;
use bonas_study::strategy::TargetsKind;
use bonas_surrogate::posterior::Joint;
use bonas_surrogate::{Posterior, Predict};

use super::Asked;
use super::facts::{Explanation, First, Rival};
use crate::StudyError;

/// Adds the first and its rivals to an explanation.
pub(super) fn answer(
    asked: &Asked<'_>,
    facts: &mut Explanation,
    fitted: &dyn Predict,
) -> Result<(), StudyError> {
    let evaluations = asked.study.history.evaluations().iter();
    let scored = evaluations.filter_map(|evaluation| {
        let score = evaluation.outcome.score(facts.fidelity).filter(|score| !score.infeasible)?;
        Some((&evaluation.architecture, score.value))
    });
    let mut ranked: Vec<(&Architecture, f64)> = scored.collect();
    // Stable, so that of equals the earlier comes first.
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
    ranked.truncate(asked.explain.shown.saturating_add(1));
    if ranked.len() < 2 {
        // Where none keeps the limits, there is no winner, and that is said there.
        if ranked.len() == 1 {
            facts.remarks.push("One architecture keeps the limits, so that there is no second.".to_owned());
        }
        return Ok(());
    }
    let architectures: Vec<Architecture> = ranked.iter().map(|(one, _)| (*one).clone()).collect();
    let posteriors = fitted.predict(&architectures)?;
    let joint = fitted.joint(&architectures)?;
    if joint.is_none() {
        facts.remarks.push(format!(
            "Surrogate {} has no joint posterior; the first and those after it are taken for independent, {}.",
            facts.surrogate,
            if posteriors[0].noise() > 0.0 { "without noise" } else { "with the noise of a measurement" }
        ));
    }
    let text = |architecture: &Architecture| asked.space.format(architecture);
    let rival = |i: usize| -> Result<Rival, StudyError> {
        let lead = ranked[0].1 - ranked[i].1;
        let expected_lead = posteriors[0].median() - posteriors[i].median();
        Ok(Rival {
            arch: text(ranked[i].0)?,
            rank: i + 1,
            score: ranked[i].1,
            lead,
            expected_lead,
            noise_share: (lead > 0.0 && asked.targets == TargetsKind::Raw)
                .then(|| 1.0 - expected_lead / lead),
            probability: match &joint {
                Some(joint) => better(&of_joint(joint, i)?),
                None => better(&of_independent(&posteriors[0], &posteriors[i])?),
            },
        })
    };
    facts.first = Some(First {
        arch: text(ranked[0].0)?,
        score: ranked[0].1,
        median: posteriors[0].median(),
        noise: noise(&posteriors[0]),
        joint: joint.is_some(),
        rivals: (1..ranked.len()).map(rival).collect::<Result<_, _>>()?,
    });
    Ok(())
}

/// The law of the latent difference between the first and another. Scores are a rising function of what is latent, so that its sign
/// is that of their difference.
fn of_joint(joint: &Joint, other: usize) -> Result<Posterior, StudyError> {
    let (mean, covariance) = (joint.mean(), joint.covariance());
    let variance = covariance[[0, 0]] + covariance[[other, other]] - 2.0 * covariance[[0, other]];
    Ok(Posterior::gaussian(mean[0] - mean[other], variance.max(0.0))?)
}

/// The same where both are independent.
fn of_independent(first: &Posterior, other: &Posterior) -> Result<Posterior, StudyError> {
    let [(mean, variance), (others, of_other)] = [first, other].map(|posterior| {
        let (mean, sd) = posterior.latent();
        (mean, (sd * sd - posterior.noise()).max(0.0))
    });
    Ok(Posterior::gaussian(mean - others, variance + of_other)?)
}

/// Probability that a difference is above 0; one half for one that is surely 0.
fn better(difference: &Posterior) -> f64 {
    let (mean, sd) = difference.latent();
    if mean == 0.0 && sd == 0.0 { 0.5 } else { difference.survival(0.0) }
}

/// Standard deviation of a measurement's noise in the unit of the score, as far as the score is a straight function around the median.
fn noise(posterior: &Posterior) -> Option<f64> {
    let (mean, sd) = (posterior.latent().0, posterior.noise().sqrt());
    (sd > 0.0).then(|| 0.5 * (posterior.score_of(mean + sd) - posterior.score_of(mean - sd)))
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    /// Difference .2 with variance .04 + .04 - 2 · .02 = .04: one standard deviation, so .8413; independent 1/√2 of one.
    #[test]
    fn probabilities_by_hand() {
        let joint = Joint::gaussian(array![0.9, 0.7], array![[0.04, 0.02], [0.02, 0.04]]).unwrap();
        assert!((better(&of_joint(&joint, 1).unwrap()) - 0.841_344_746).abs() < 1e-8);
        let [first, other] = [0.9, 0.7].map(|mean| Posterior::gaussian(mean, 0.04).unwrap());
        assert!((better(&of_independent(&first, &other).unwrap()) - 0.760_249_939).abs() < 1e-8);
        let same = Joint::gaussian(array![0.5, 0.5], array![[0.0, 0.0], [0.0, 0.0]]).unwrap();
        assert!((better(&of_joint(&same, 1).unwrap()) - 0.5).abs() < 1e-12);
        assert_eq!(noise(&first), None);
    }
}
