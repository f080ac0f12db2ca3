//! Architectures that diverge in joint training: each fails, and the others are trained again without it until half of
//! the batch has diverged.

use bonas_spaces::SpaceError;
use bonas_study::StudyError;
use bonas_study::history::Outcome;
use tch::{Kind, Tensor};

use crate::model::SupernetError;

/// Why joint training gave no scores.
#[derive(Debug)]
pub(super) enum Stop {
    /// The loss or the gradient of a step was not finite.
    Diverged {
        /// Position of the architecture that took the step; none of the warm-up, in which all take part.
        architecture: Option<usize>,
        /// What happened.
        reason: String,
    },
    /// The evaluation cannot go on.
    Error(StudyError),
}

impl From<StudyError> for Stop {
    fn from(error: StudyError) -> Self {
        Self::Error(error)
    }
}

impl From<SupernetError> for Stop {
    fn from(error: SupernetError) -> Self {
        Self::Error(error.into())
    }
}

impl From<SpaceError> for Stop {
    fn from(error: SpaceError) -> Self {
        Self::Error(error.into())
    }
}

/// The steps of an epoch, whose numbers stay on the device until its end.
#[derive(Debug, Default)]
pub(super) struct Steps {
    architectures: Vec<Option<usize>>,
    /// Losses `[]`, and norms of gradients `[]`.
    losses: Vec<Tensor>,
    norms: Vec<Tensor>,
}

impl Steps {
    /// Adds a step with its loss `[]` and the norm `[]` of its gradient.
    pub(super) fn push(&mut self, architecture: Option<usize>, loss: Tensor, norm: Tensor) {
        self.architectures.push(architecture);
        self.losses.push(loss);
        self.norms.push(norm);
    }

    /// Waits for the device once, and finds the first step whose loss or gradient is not finite.
    ///
    /// # Errors
    /// [`Stop::Diverged`] where there is one.
    pub(super) fn check(&self, epoch: usize) -> Result<(), Stop> {
        let numbers = |values: &[Tensor]| Tensor::f_stack(values, 0)?.f_to_kind(Kind::Double); // [steps]
        let both =
            numbers(&self.losses).and_then(|losses| Tensor::f_stack(&[losses, numbers(&self.norms)?], 1)); // [steps, 2]
        let both = both.and_then(|both| both.f_flatten(0, 1)).map_err(SupernetError::from)?; // [2 steps]
        let both = Vec::<f64>::try_from(&both).map_err(SupernetError::from)?;
        let Some(place) = both.iter().position(|number| !number.is_finite()) else { return Ok(()) };
        let what = if place % 2 == 0 { "the training loss" } else { "the norm of the gradient" };
        Err(Stop::Diverged {
            architecture: self.architectures[place / 2],
            reason: format!(
                "{what} is {} in epoch {epoch}; lower the learning rate or the gradient clip",
                both[place]
            ),
        })
    }
}

/// Trains `count` architectures jointly, and again without each that diverges, so that the others have the scores of
/// a batch in which it never was. Where half have diverged, the recipe is to blame: the rest fails, too, untrained.
/// `train` gets the positions of those that are left and gives their outcomes; `warn` is told what is left out.
///
/// # Errors
/// That of the first [`Stop::Error`].
pub(super) fn without_diverged(
    count: usize,
    mut train: impl FnMut(&[usize]) -> Result<Vec<Outcome>, Stop>,
    warn: impl Fn(&str),
) -> Result<Vec<Outcome>, StudyError> {
    let mut outcomes = vec![Outcome::Failed("it was not trained".into()); count];
    let mut left: Vec<usize> = (0..count).collect();
    while !left.is_empty() {
        match train(&left) {
            Ok(found) => left.drain(..).zip(found).for_each(|(i, outcome)| outcomes[i] = outcome),
            Err(Stop::Error(error)) => return Err(error),
            Err(Stop::Diverged { architecture: Some(place), reason }) => {
                let i = left.remove(place);
                if 2 * (count - left.len()) >= count {
                    let rest = format!("half of its batch diverged: {reason}");
                    left.drain(..).for_each(|i| outcomes[i] = Outcome::Failed(rest.clone()));
                } else {
                    warn(&format!(
                        "architecture {} of the batch diverged; the batch is trained again without it",
                        i + 1
                    ));
                }
                outcomes[i] = Outcome::Failed(reason);
            }
            Err(Stop::Diverged { architecture: None, reason }) => {
                left.drain(..).for_each(|i| outcomes[i] = Outcome::Failed(reason.clone()));
            }
        }
    }
    Ok(outcomes)
}

#[cfg(test)]
mod tests {
    use bonas_study::history::{Fidelity, Score};

    use super::*;

    fn diverged(architecture: Option<usize>, reason: &str) -> Stop {
        Stop::Diverged { architecture, reason: reason.into() }
    }

    fn scored(value: f64) -> Outcome {
        Outcome::Scored(Score::of(value, Fidelity::SharedWeights))
    }

    fn value(outcome: &Outcome) -> Option<f64> {
        outcome.value(Fidelity::SharedWeights)
    }

    /// Of five the third diverges, then the first: the others are trained alone in the end.
    #[test]
    fn others_have_the_scores_of_a_batch_without_it() {
        let (mut trained, warned) = (Vec::new(), std::cell::Cell::new(0));
        let train = |left: &[usize]| {
            trained.push(left.to_vec());
            match left {
                [0, 1, 2, 3, 4] => Err(diverged(Some(2), "third")),
                [0, 1, 3, 4] => Err(diverged(Some(0), "first")),
                _ => Ok(left.iter().map(|&i| scored(i as f64)).collect()),
            }
        };
        let outcomes = without_diverged(5, train, |_| warned.set(warned.get() + 1)).unwrap();
        assert_eq!(trained, [vec![0, 1, 2, 3, 4], vec![0, 1, 3, 4], vec![1, 3, 4]]);
        let values = outcomes.iter().map(value).collect::<Vec<_>>();
        assert_eq!(values, [None, Some(1.0), None, Some(3.0), Some(4.0)]);
        assert_eq!(outcomes[2], Outcome::Failed("third".into()));
        assert_eq!(warned.get(), 2);
    }

    #[test]
    fn a_batch_of_which_half_diverges_is_given_up() {
        let mut trained = 0;
        let train = |_: &[usize]| {
            trained += 1;
            Err(diverged(Some(0), "too high a rate"))
        };
        let outcomes = without_diverged(4, train, |_| ()).unwrap();
        assert_eq!(trained, 2);
        let rest = Outcome::Failed("half of its batch diverged: too high a rate".into());
        assert_eq!(outcomes[1], Outcome::Failed("too high a rate".into()));
        assert_eq!(outcomes[2..], [rest.clone(), rest]);
    }

    #[test]
    fn a_warm_up_that_diverges_fails_all_and_the_last_one_is_not_trained_again() {
        let all = without_diverged(3, |_| Err(diverged(None, "warm-up")), |_| ()).unwrap();
        assert_eq!(all, vec![Outcome::Failed("warm-up".into()); 3]);
        let one =
            without_diverged(1, |_| Err(diverged(Some(0), "alone")), |_| panic!("nothing is left")).unwrap();
        assert_eq!(one, [Outcome::Failed("alone".into())]);
    }

    #[test]
    fn the_first_step_that_is_not_finite_is_found() {
        let mut steps = Steps::default();
        let step = |value: f64| Tensor::from_slice(&[value]).squeeze();
        steps.push(None, step(1.0), step(2.0));
        steps.push(Some(4), step(1.0), step(2.0));
        assert!(steps.check(0).is_ok());
        // The gradient of architecture 7 breaks the weights; the loss of the next step shows it.
        steps.push(Some(7), step(1.0), step(f64::INFINITY));
        steps.push(Some(4), step(f64::NAN), step(f64::NAN));
        match steps.check(3) {
            Err(Stop::Diverged { architecture: Some(7), reason }) => {
                assert!(reason.starts_with("the norm of the gradient is inf in epoch 3"), "{reason}");
            }
            other => panic!("{other:?}"),
        }
    }
}
