//! Rules for surrogates that know groups.

use bonas_spaces::Architecture;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::{must, predict};
use crate::metrics::kendall_tau_b;
use crate::{Observation, Posterior, Surrogate};

/// Number of groups that the observations are dealt to.
const GROUPS: usize = 6;

/// Checks a surrogate that knows groups ([`Surrogate::knows_groups`]); the observations need scores in `(0, 1)` that
/// architectures can be told apart by, and about sixty of them suffice.
///
/// Rules: where the scores of each group are raised by an amount of its own, up to four standard deviations, candidates are
/// ranked by Kendall's tau with `truth`, their true scores, at most 0.1 worse than without, and better than where the groups are
/// not said. Groups that differ in nothing cost at most 0.05. A number of a group is a name: others change
/// nothing.
///
/// # Panics
/// Naming the rule that is broken.
pub fn check_groups(
    surrogate: &dyn Surrogate,
    observations: &[Observation],
    candidates: &[Architecture],
    truth: &[f64],
    seed: u64,
) {
    let name = surrogate.name();
    assert!(surrogate.knows_groups(), "{name}: it does not know groups");
    let mean = observations.iter().map(|o| o.score).sum::<f64>() / observations.len() as f64;
    let variance =
        observations.iter().map(|o| (o.score - mean).powi(2)).sum::<f64>() / observations.len() as f64;
    let grouped = |raise: f64, number: &dyn Fn(usize) -> Option<usize>| -> Vec<Observation> {
        let of = |(i, o): (usize, &Observation)| {
            // 0, 3, 1, 4, 2, 5: not in the order of the groups.
            let step = (i % GROUPS) * 3 % GROUPS + (i % GROUPS) / 2;
            let score = o.score + raise * variance.sqrt() * step as f64 / GROUPS as f64;
            Observation { score, group: number(i % GROUPS), ..o.clone() }
        };
        observations.iter().enumerate().map(of).collect()
    };
    let medians = |observations: &[Observation]| -> Vec<f64> {
        let fitted = must(surrogate.fit(observations, &mut ChaCha8Rng::seed_from_u64(seed)), "fit");
        predict(&*fitted, candidates).iter().map(Posterior::median).collect()
    };
    let tau = |observations: &[Observation]| kendall_tau_b(&medians(observations), truth).unwrap_or(0.0);
    let plain = tau(&grouped(0.0, &|_| None));
    let (said, unsaid) = (tau(&grouped(4.8, &Some)), tau(&grouped(4.8, &|_| None)));
    assert!(said > plain - 0.1, "{name}: groups that differ take tau from {plain} to {said}");
    assert!(said > unsaid, "{name}: tau is {said} where groups are said, and {unsaid} where they are not");
    let alike = tau(&grouped(0.0, &Some));
    assert!(alike > plain - 0.05, "{name}: groups that do not differ take tau from {plain} to {alike}");
    let renamed = medians(&grouped(4.8, &|group| Some(1000 - 7 * group)));
    assert_eq!(renamed, medians(&grouped(4.8, &Some)), "{name}: the numbers of groups matter");
}

#[cfg(test)]
mod tests {
    use super::super::{toy_architectures, toy_observations, toy_score};
    use super::*;
    use crate::models::{Ensemble, GraphGp};

    #[test]
    fn surrogates_that_know_groups_keep_the_rules() {
        let candidates = toy_architectures(200, 5);
        let truth: Vec<f64> = candidates.iter().map(toy_score).collect();
        let surrogates: [&dyn Surrogate; 2] = [&GraphGp::default(), &Ensemble::default()];
        for surrogate in surrogates {
            check_groups(surrogate, &toy_observations(60, 104), &candidates, &truth, 6);
        }
    }
}
