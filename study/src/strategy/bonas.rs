//! Bayesian optimisation with a surrogate over architectures.

mod model;
mod objectives;
mod settings;

use bonas_spaces::Architecture;
use bonas_surrogate::acquisition::{ExpectedImprovement, Scale, constrained};
use bonas_surrogate::models::Ensemble;
use bonas_surrogate::selection::KrigingBeliever;
use bonas_surrogate::{Acquisition, Candidates, Posterior, Predict, Selection, Surrogate};
use rand::RngExt;

use super::fresh::fresh_proposal;
use super::{
    Aims, Ask, Batches, Candidate, CandidatePool, Evolutionary, Proposal, Scored, Strategy, Targets,
};
use crate::StudyError;
use crate::ask::ScoreModel;
use crate::history::{Fidelity, History, Prediction};
use crate::rng::StudyRng;
use objectives::weigh;

pub use model::score_noise;
pub use objectives::Objectives;
pub use settings::{BonasSettings, ObjectivesKind, ParentsKind, PoolKind};

/// BONAS: Shi, Pi, Xu, Li, Kwok and Zhang, "Bridging the Gap between Sample-based and One-shot
/// Neural Architecture Search with BONAS", NeurIPS 2020.
///
/// The first [`initial`](Self::initial) architectures are random. Then, each round: fit the
/// surrogate on everything measured, predict a pool of candidates, turn posteriors into
/// utilities, and select batches by them. Any surrogate, acquisition and selection will do, so
/// that other published methods (BANANAS, NAS-BOWL) are this strategy with other parts.
///
/// Measures with a bound ([`Aims::bounds`]) have a surrogate each, and the probability that all bounds
/// are kept weighs on utilities; as long as nothing measured keeps them, it is the utility. A second
/// objective has a surrogate too, see [`Objectives`]. Without bounds to learn, what breaks a limit is a
/// failure like any other.
///
/// What is [pending](Ask::pending) counts as measured at its posterior median in each of these models but that of
/// success ([`bonas_surrogate::believed`]), and is no candidate.
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
    pub pool: CandidatePool,
    /// Random architectures evaluated before the first fit.
    pub initial: usize,
    /// Batches a round, and architectures a batch.
    pub batches: Batches,
    /// How scores compare.
    pub targets: Targets,
    /// What else scores are judged by.
    pub aims: Aims,
    /// How a second objective is weighed.
    pub objectives: Objectives,
    /// Whether the improvement of two objectives is that of the true scores instead of measured ones; the acquisition and
    /// the selection have their own setting.
    pub noise_free: bool,
    /// Whether the lowest score is that of a failure where several evaluations share it to the last bit, as runs that learnt
    /// nothing do: how far below the others it lies says nothing. With one objective.
    pub floor: bool,
}

impl Default for Bonas {
    /// The settings of the `bonas` command, with candidates from evolution whatever the size of the space.
    fn default() -> Self {
        Self {
            name: "bonas".to_owned(),
            surrogate: Box::new(Ensemble::default()),
            acquisition: Box::new(ExpectedImprovement::default()),
            selection: Box::new(KrigingBeliever::default()),
            pool: CandidatePool::Evolutionary(Evolutionary::default()),
            initial: 5,
            batches: Batches { count: 1, size: 10 },
            targets: Targets::Raw,
            aims: Aims::default(),
            objectives: Objectives::Hypervolume,
            noise_free: false,
            floor: true,
        }
    }
}

impl Strategy for Bonas {
    fn name(&self) -> &str {
        &self.name
    }

    fn ask(&mut self, ask: &Ask<'_>, rng: &mut StudyRng) -> Result<Proposal, StudyError> {
        super::check_batches(&self.name, self.batches)?;
        let missing = self.initial.saturating_sub(ask.history.len() + ask.pending.len());
        if missing > 0 {
            return Ok(fresh_proposal(ask, missing, self.batches.size, rng));
        }
        let mut known = self.known(ask.history, ask.fidelity);
        if known.is_empty() {
            return Ok(fresh_proposal(ask, self.batches.total(), self.batches.size, rng));
        }
        let points = self.points(&known)?;
        if let Some(points) = &points {
            weigh(&mut known, points, rng.random());
        }
        let feasible: Vec<Scored<'_>> = known.iter().copied().filter(|s| !s.score.infeasible).collect();
        let parents = if feasible.is_empty() { &known } else { &feasible };
        let pool = self.pool.candidates(ask, parents, rng)?;
        if pool.is_empty() {
            return Ok(Proposal::default());
        }
        match points {
            Some(points) if self.objectives != Objectives::Scalarised && !feasible.is_empty() => {
                self.propose_two(ask, &known, &points, &pool, rng)
            }
            _ => self.propose(ask, &known, &pool, rng),
        }
    }

    /// Medians of the posterior, for one objective.
    fn estimates(&mut self, ask: &Ask<'_>, rng: &mut StudyRng) -> Result<Option<Vec<f64>>, StudyError> {
        let known = self.targets.of(ask.history, ask.fidelity);
        if known.is_empty() || self.aims.second.is_some() {
            return Ok(None);
        }
        self.medians(ask.history.len(), &known, rng).map(Some)
    }

    fn score_model(&self, history: &History, fidelity: Fidelity) -> Option<ScoreModel<'_>> {
        let known = self.known(history, fidelity);
        let (positions, observations) = self.observations(&known).into_iter().unzip();
        Some(ScoreModel { surrogate: &*self.surrogate, observations, positions })
    }
}

impl Bonas {
    /// The evaluations that scores are learnt from: those that break a limit are among them where the limit is learnt, too.
    fn known<'a>(&self, history: &'a History, fidelity: Fidelity) -> Vec<Scored<'a>> {
        if self.aims.bounds.is_empty() {
            self.targets.of(history, fidelity)
        } else {
            self.targets.measured(history, fidelity)
        }
    }

    fn propose(
        &self,
        ask: &Ask<'_>,
        known: &[Scored<'_>],
        pool: &[Architecture],
        rng: &mut StudyRng,
    ) -> Result<Proposal, StudyError> {
        let fitted = self.fit_scores(known, ask.pending, rng)?;
        let posteriors = self.predict(&*fitted, pool)?;
        let feasibility = self.feasibility(ask, known, pool, rng)?;
        let incumbent = self.incumbent(&*fitted, known)?;
        let by_probability = feasibility.is_some() && incumbent.is_none();
        let utilities = match (&feasibility, incumbent) {
            (Some(p), None) => p.clone(),
            (Some(p), _) => {
                let utilities = self.acquisition.utilities(&posteriors, incumbent, rng);
                constrained(self.acquisition.scale(), utilities, p)
            }
            (None, _) => self.acquisition.utilities(&posteriors, incumbent, rng),
        };
        let embeddings = if self.selection.reads_embeddings() { fitted.embed(pool)? } else { None };
        let joint =
            |indices: &[usize]| fitted.joint(&indices.iter().map(|&i| pool[i].clone()).collect::<Vec<_>>());
        let candidates = Candidates {
            // Where nothing that keeps the limits is known, the probability of keeping them is what is gained.
            scale: if by_probability { Scale::Gain } else { self.acquisition.scale() },
            embeddings: embeddings.as_ref(),
            posteriors: Some(&posteriors),
            joint: Some(&joint),
            incumbent,
            feasibility: feasibility.as_deref(),
            ..Candidates::of(&utilities)
        };
        let chosen = self.selection.select(&candidates, self.affordable(ask), rng)?;
        // Of a weighed score there is nothing to compare a measured one with.
        let shown = self.aims.second.is_none().then_some(&posteriors[..]);
        self.proposal(&chosen, pool, shown)
    }

    /// What is to be improved on: the best score that keeps the limits. Where batches have intercepts it is the highest
    /// posterior median of what was measured, since a score has the intercept of its batch in it.
    fn incumbent(&self, fitted: &dyn Predict, known: &[Scored<'_>]) -> Result<Option<f64>, StudyError> {
        let feasible: Vec<_> = known.iter().filter(|s| !s.score.infeasible).collect();
        let values: Vec<f64> = match self.targets {
            Targets::Raw | Targets::BatchCentred => feasible.iter().map(|s| s.value).collect(),
            Targets::BatchIntercept => {
                let measured: Vec<_> = feasible.iter().map(|s| s.evaluation.architecture.clone()).collect();
                self.predict(fitted, &measured)?.iter().map(Posterior::median).collect()
            }
        };
        Ok(values.into_iter().max_by(f64::total_cmp))
    }

    fn proposal(
        &self,
        chosen: &[Vec<usize>],
        pool: &[Architecture],
        posteriors: Option<&[Posterior]>,
    ) -> Result<Proposal, StudyError> {
        let pick = |&i: &usize| match pool.get(i) {
            Some(architecture) => Ok(candidate(architecture, posteriors.map(|all| &all[i]))),
            None => Err(self.broken(format!("candidate {i} was selected, there are {}", pool.len()))),
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

    fn predict(&self, fitted: &dyn Predict, pool: &[Architecture]) -> Result<Vec<Posterior>, StudyError> {
        let posteriors = fitted.predict(pool)?;
        if posteriors.len() == pool.len() {
            return Ok(posteriors);
        }
        Err(self.broken(format!("{} posteriors for {} candidates", posteriors.len(), pool.len())))
    }

    fn broken(&self, reason: String) -> StudyError {
        StudyError::Strategy { strategy: self.name.clone(), reason }
    }
}

fn candidate(architecture: &Architecture, posterior: Option<&Posterior>) -> Candidate {
    let predicted = posterior.map(|p| Prediction { mean: p.mean(), sd: p.sd() });
    Candidate { architecture: architecture.clone(), predicted }
}
