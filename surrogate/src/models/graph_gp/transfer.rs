//! Prior knowledge from scores on another task.

use bonas_spaces::Architecture;

use super::GraphGp;
use crate::{Observation, PriorKnowledge, SurrogateError};

/// Most observations of another task that are learnt from; the time is cubic in their number.
const MAX_LEARNT: usize = 2000;

impl GraphGp {
    /// Prior knowledge from scores on another task of the same space.
    ///
    /// The knowledge about an architecture `a` is the mean `E[z(a) | scores]`, in normal scores `z`, of a [`GraphGp`]
    /// that is fitted to these scores, as a Gaussian rank among `sample`. Of more than 2,000 observations, 2,000
    /// are taken, spread evenly.
    ///
    /// Whether the tasks agree need not be known, since
    /// [`with_prior_knowledge`](GraphGp::with_prior_knowledge) learns the slope. Golovin et al. (Google Vizier, KDD
    /// 2017, section 3.3) use another task's process as the mean with a slope of 1.
    ///
    /// # Errors
    /// As [`PriorKnowledge::computed`], and [`SurrogateError::Data`] for observations that cannot be fitted.
    pub fn prior_from(
        observations: &[Observation],
        sample: &[Architecture],
    ) -> Result<PriorKnowledge, SurrogateError> {
        let taken: Vec<Observation> = spread(observations, MAX_LEARNT).cloned().collect();
        let fitted = GraphGp::default().fit_process(&taken)?;
        let value = move |architectures: &[Architecture]| {
            fitted.expected(architectures).map_err(|error| error.to_string())
        };
        PriorKnowledge::computed(value, sample)
    }
}

/// At most `most` elements of a list, spread evenly.
fn spread<T>(list: &[T], most: usize) -> impl Iterator<Item = &T> {
    let count = list.len().min(most);
    (0..count).map(move |i| &list[i * list.len() / count])
}

#[cfg(test)]
mod tests {
    use super::super::PriorForm;
    use super::*;
    use crate::Surrogate;
    use crate::metrics::kendall_tau_b;
    use crate::testing::{toy_architectures, toy_observations, toy_score};

    /// Eight scores on a task tell little. With what 300 on another one say they rank nearly all cells, whichever
    /// way round that one is.
    #[test]
    fn another_task_is_learnt_from() {
        let candidates = toy_architectures(300, 5);
        let truth: Vec<f64> = candidates.iter().map(toy_score).collect();
        let former = |sign: f64| {
            let mut former = toy_observations(300, 8);
            for o in &mut former {
                o.score = sign * o.score.powi(3);
            }
            GraphGp::prior_from(&former, &toy_architectures(100, 9)).unwrap()
        };
        let tau = |gp: GraphGp| {
            let mut rng = <rand_chacha::ChaCha8Rng as rand::SeedableRng>::seed_from_u64(1);
            let fitted = gp.fit(&toy_observations(8, 4), &mut rng).unwrap().predict(&candidates).unwrap();
            let means: Vec<f64> = fitted.iter().map(crate::Posterior::mean).collect();
            kendall_tau_b(&means, &truth).unwrap()
        };
        let alone = tau(GraphGp::default());
        let [likewise, reversed] = [1.0, -1.0]
            .map(|sign| tau(GraphGp::default().with_prior_knowledge(vec![former(sign)], &[PriorForm::Mean])));
        assert!(likewise > 0.9 && reversed > 0.9 && alone < 0.8, "{likewise} {reversed} {alone}");
    }

    /// To the bit the same, whoever is asked of beside it and in what order.
    #[test]
    fn what_is_learnt_of_one_does_not_depend_on_the_others() {
        let (sample, asked) = (toy_architectures(60, 9), toy_architectures(300, 5));
        let known = || GraphGp::prior_from(&toy_observations(60, 8), &sample).unwrap();
        let together = known().ranks(&asked).unwrap();
        let one_by_one = known();
        for (i, rank) in together.iter().enumerate().rev() {
            assert_eq!(one_by_one.ranks([&asked[i]]).unwrap(), [*rank], "{i}");
        }
    }

    #[test]
    fn of_many_a_spread_is_learnt_from() {
        assert_eq!(spread(&[1, 2, 3, 4], 4).collect::<Vec<_>>(), [&1, &2, &3, &4]);
        assert_eq!(spread(&[1, 2, 3, 4, 5], 4).collect::<Vec<_>>(), [&1, &2, &3, &4]);
        assert_eq!(spread(&[1, 2, 3, 4, 5, 6, 7], 3).collect::<Vec<_>>(), [&1, &3, &5]);
        assert_eq!(spread::<u8>(&[], 4).count(), 0);
    }
}
