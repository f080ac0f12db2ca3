//! Bayesian optimisation with a surrogate over architectures.

use bonas_spaces::Architecture;
use bonas_surrogate::{Acquisition, Candidates, Observation, Posterior, Selection, Surrogate};

use super::fresh::fresh_proposal;
use super::{Ask, Batches, Candidate, Pool, Proposal, Scored, Strategy, Targets};
use crate::StudyError;
use crate::history::Prediction;
use crate::rng::StudyRng;

/// BONAS: Shi, Pi, Xu, Li, Kwok and Zhang, "Bridging the Gap between Sample-based and One-shot
/// Neural Architecture Search with BONAS", NeurIPS 2020.
///
/// The first [`initial`](Self::initial) architectures are random. Then, each round: fit the
/// surrogate on everything measured, predict a pool of candidates, turn posteriors into
/// utilities, and select batches by them. Any surrogate, acquisition and selection will do, so
/// that other published methods (BANANAS, NAS-BOWL) are this strategy with other parts.
#[derive(Debug)]
pub struct Bonas {
    /// Name in reports.
    pub name: String,
    /// Model of score by architecture; fitted anew every round.
    pub surrogate: Box<dyn Surrogate>,
    /// How a posterior is worth measuring.
    pub acquisition: Box<dyn Acquisition>,
    /// How batches are made of the most useful candidates.
    pub selection: Box<dyn Selection>,
    /// Where candidates come from.
    pub pool: Pool,
    /// Random architectures evaluated before the first fit.
    pub initial: usize,
    /// Batches a round, and architectures a batch.
    pub batches: Batches,
    /// How scores compare.
    pub targets: Targets,
}

impl Strategy for Bonas {
    fn name(&self) -> &str {
        &self.name
    }

    fn ask(&mut self, ask: &Ask<'_>, rng: &mut StudyRng) -> Result<Proposal, StudyError> {
        super::check_batches(&self.name, self.batches)?;
        let missing = self.initial.saturating_sub(ask.history.len());
        if missing > 0 {
            return Ok(fresh_proposal(ask, missing, self.batches.size, rng));
        }
        let scored = self.targets.of(ask.history, ask.fidelity);
        if scored.is_empty() {
            return Ok(fresh_proposal(ask, self.batches.total(), self.batches.size, rng));
        }
        let pool = self.pool.candidates(ask, &scored, rng)?;
        if pool.is_empty() {
            return Ok(Proposal::default());
        }
        self.propose(ask, &scored, &pool, rng)
    }
}

impl Bonas {
    fn propose(
        &self,
        ask: &Ask<'_>,
        scored: &[Scored<'_>],
        pool: &[Architecture],
        rng: &mut StudyRng,
    ) -> Result<Proposal, StudyError> {
        let observations: Vec<_> = scored
            .iter()
            .map(|s| Observation { architecture: s.evaluation.architecture.clone(), score: s.value })
            .collect();
        let fitted = self.surrogate.fit(&observations, rng)?;
        let posteriors = fitted.predict(pool)?;
        if posteriors.len() != pool.len() {
            return Err(self.broken(format!(
                "{} posteriors for {} candidates",
                posteriors.len(),
                pool.len()
            )));
        }
        let incumbent = scored.iter().map(|s| s.value).max_by(f64::total_cmp);
        let utilities = self.acquisition.utilities(&posteriors, incumbent, rng);
        let embeddings = if self.selection.reads_embeddings() { fitted.embed(pool)? } else { None };
        let joint =
            |indices: &[usize]| fitted.joint(&indices.iter().map(|&i| pool[i].clone()).collect::<Vec<_>>());
        let candidates = Candidates {
            embeddings: embeddings.as_ref(),
            posteriors: Some(&posteriors),
            joint: Some(&joint),
            incumbent,
            ..Candidates::of(&utilities)
        };
        let chosen = self.selection.select(&candidates, self.affordable(ask), rng)?;
        let pick = |&i: &usize| match (pool.get(i), posteriors.get(i)) {
            (Some(architecture), Some(posterior)) => Ok(candidate(architecture, posterior)),
            _ => Err(self.broken(format!("candidate {i} was selected, there are {}", pool.len()))),
        };
        let batches =
            chosen.iter().map(|batch| batch.iter().map(pick).collect()).collect::<Result<_, _>>()?;
        Ok(Proposal { batches })
    }

    /// The batches asked for, or as many as the budget allows.
    fn affordable(&self, ask: &Ask<'_>) -> Batches {
        let Batches { count, size } = self.batches;
        Batches { count: count.min(ask.remaining.div_ceil(size)), size: size.min(ask.remaining) }
    }

    fn broken(&self, reason: String) -> StudyError {
        StudyError::Strategy { strategy: self.name.clone(), reason }
    }
}

fn candidate(architecture: &Architecture, posterior: &Posterior) -> Candidate {
    let predicted = Prediction { mean: posterior.mean(), sd: posterior.sd() };
    Candidate { architecture: architecture.clone(), predicted: Some(predicted) }
}
