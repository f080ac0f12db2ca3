//! Explains what a search found: which operations and features its surrogate holds responsible for good scores.
//!
//! [`Explain::run`] fits the surrogate of the search once more on everything measured and asks it questions:
//!
//! - What does an operation do ([`effects`](Explanation::operations))? Operations of measured architectures are exchanged, one
//!   at a time, as the space allows it, and predictions compared.
//! - What does the surrogate read ([`importance`](Explanation::importance))? Features are permuted among architectures that it was
//!   not fitted to, and its ranking gets worse.
//! - What stands beside the winner ([`winner`](Explanation::winner))? The measured architectures that differ least from it.
//! - Is the first better than the second ([`first`](Explanation::first))? The joint posterior of their true scores says how
//!   probable that is.
//!
//! Invariant: an explanation is a function of the search's folder and [`Explain`]; threads do not change it. It reads only.

mod apart;
mod effects;
mod exchanges;
mod facts;
mod first;
mod folds;
mod halves;
mod page;
mod text;
mod winner;

use std::path::Path;

use bonas_study::Journalled;
use bonas_study::history::Outcome;
use bonas_study::journal::Journal;
use bonas_study::rng::stream;
use bonas_study::strategy::{Knowledge, TargetsKind};
use bonas_study::{cores, parallel};
use bonas_surrogate::{Observation, Predict};

use crate::search::{Modelling, Search};
use crate::{Strategy, StudyError, build};

use exchanges::{Exchanges, Options};
use facts::FORMAT;
pub use facts::{
    Counts, Effect, Explanation, First, Importance, ImportanceKind, Interval, Neighbour, PlaceEffects,
    Replacement, Rival, Winner,
};
use winner::Won;

/// Purpose of a random stream: explaining a search.
const EXPLAIN: u64 = 220;
/// Parts of the stream: which architectures are looked at, the fit to all, halves of the observations, folds, permutations.
const SAMPLE: u64 = 0;
const FIT: u64 = 1;
const HALVES: u64 = 2;
const FOLDS: u64 = 3;
const PERMUTE: u64 = 4;

/// Fewest observations whose halves still say something.
const FEWEST_HALVED: usize = 10;

/// How a search is explained.
#[derive(Clone, Debug)]
pub struct Explain {
    /// Most measured architectures whose operations are exchanged; of more, so many are drawn.
    pub bases: usize,
    /// Fits to half of the observations each, from which intervals of effects come; at least 2.
    pub halves: usize,
    /// Permutations of each feature; at least 2.
    pub repeats: usize,
    /// Measured architectures that are shown beside the winner, and that the first is compared with.
    pub shown: usize,
    /// Threads; nothing but time depends on them.
    pub threads: usize,
}

impl Default for Explain {
    fn default() -> Self {
        Self { bases: 200, halves: 20, repeats: 20, shown: 5, threads: cores() }
    }
}

/// What is asked: a search with what was measured.
struct Asked<'a> {
    explain: &'a Explain,
    search: &'a Search,
    space: std::sync::Arc<dyn bonas_spaces::SearchSpace>,
    knowledge: Knowledge,
    study: Journalled,
    /// What the surrogate is fitted to.
    observations: Vec<Observation>,
    /// Position in the history of each of them.
    positions: Vec<usize>,
    /// What they are, next to the scores as measured.
    targets: TargetsKind,
    seed: u64,
}

impl Explain {
    /// Explains a search, finished or not, from what lies in its folder; the search is neither locked nor changed.
    ///
    /// # Errors
    /// [`StudyError::Data`] for a folder without a study, or with fewer than two scores; what the surrogate's fit fails with.
    pub fn run(&self, search: &Search) -> Result<Explanation, StudyError> {
        let directory = &search.directory;
        let refuse = |reason: &str| StudyError::Data { path: directory.clone(), reason: reason.to_owned() };
        if !Journal::exists(directory) {
            return Err(refuse("the search has not begun, so there is nothing to explain"));
        }
        let search = &search.by_kept_space()?;
        let space = build::space(&search.config)?;
        let study = Journalled::read(directory, &space)?;
        let knowledge = search.knowledge()?;
        let Modelling { strategy, own, known } = search.modelling(&*space, &knowledge)?;
        let fidelity = search.config.evaluator.fidelity();
        let model = strategy.score_model(&study.history, fidelity);
        let model = model.ok_or_else(|| refuse("its strategy has no model of the scores"))?;
        let (observations, positions) = (model.observations, model.positions);
        let surrogate = model.surrogate.name();
        match observations.len() {
            0 => return Err(refuse("no architecture has a score yet; go on with the search")),
            1 => return Err(refuse("one architecture has a score; at least two are needed to compare")),
            _ => {}
        }
        let seed = search.config.study.seed;
        let own_targets = search.config.strategy.surrogate().filter(|_| own);
        let targets = own_targets.map_or(TargetsKind::Raw, |(_, targets)| targets);
        let asked =
            Asked { explain: self, search, space, knowledge, study, observations, positions, targets, seed };
        let mut facts = asked.facts(surrogate, own);
        asked.answer(&mut facts, &known)?;
        Ok(facts)
    }
}

impl Asked<'_> {
    /// What is known before anything is fitted.
    fn facts(&self, surrogate: &str, own: bool) -> Explanation {
        let history = self.study.history.evaluations();
        let failed = history.iter().filter(|e| matches!(e.outcome, Outcome::Failed(_))).count();
        let fidelity = self.search.config.evaluator.fidelity();
        let mut facts = Explanation {
            format: FORMAT,
            space: self.space.name().to_owned(),
            strategy: self.search.config.strategy.name().to_owned(),
            surrogate: surrogate.to_owned(),
            own_surrogate: own,
            fidelity,
            seed: self.seed,
            counts: Counts { evaluated: history.len(), failed, fitted: self.observations.len() },
            ..Explanation::default()
        };
        if !own {
            facts.remarks.push(format!(
                "Strategy {} has no model of the scores; {surrogate}, the default of strategy bonas, was fitted instead.",
                facts.strategy
            ));
        }
        let left_out = history.len() - failed - self.observations.len();
        if left_out > 0 {
            facts.remarks.push(format!(
                "{left_out} of the scores were left out of the fit: they break a limit, count as failures because several share the \
                 lowest score, or are of another kind."
            ));
        }
        facts.remarks.extend(of_targets(self.targets).map(str::to_owned));
        if self.search.config.aims().second.is_some() {
            let remark = "The search has a second objective; all that is said here is by the score alone.";
            facts.remarks.push(remark.to_owned());
        }
        facts
    }

    /// Fits and asks.
    fn answer(&self, facts: &mut Explanation, known: &[String]) -> Result<(), StudyError> {
        let whole: Vec<usize> = (0..self.observations.len()).collect();
        let fitted = self.fit(&whole, &[FIT])?;
        let chosen = self.chosen();
        let exchanges =
            Exchanges::of(&*self.space, chosen.iter().map(|&i| &self.observations[i].architecture))?;
        if exchanges.places().is_empty() {
            facts.remarks.push(
                "No operation of what was measured can be exchanged for another without changing the graph, so there are no \
                 effects of operations."
                    .to_owned(),
            );
        }
        let won = Won::of(self)?;
        let replaced = won.as_ref().map_or_else(Options::default, |won| won.options.clone());
        let (effects, changes) = halves::halves(self, (&chosen, &exchanges), &replaced)?;
        effects::answer(self, facts, (&chosen, &exchanges), (&*fitted, &effects))?;
        folds::answer(self, facts, (&chosen, &exchanges), known)?;
        winner::answer(self, facts, won, (&*fitted, &changes))?;
        first::answer(self, facts, &*fitted)
    }

    /// The observations whose operations are exchanged, in their order.
    fn chosen(&self) -> Vec<usize> {
        let (all, most) = (self.observations.len(), self.explain.bases.max(1));
        if all <= most {
            return (0..all).collect();
        }
        let mut rng = stream(self.seed, &[EXPLAIN, SAMPLE]);
        let mut chosen = rand::seq::index::sample(&mut rng, all, most).into_vec();
        chosen.sort_unstable();
        chosen
    }

    /// The surrogate fitted to some of the observations, with the stream of a purpose.
    fn fit(&self, rows: &[usize], purpose: &[u64]) -> Result<Box<dyn Predict>, StudyError> {
        let Modelling { strategy, .. } = self.search.modelling(&*self.space, &self.knowledge)?;
        let observations: Vec<Observation> = rows.iter().map(|&row| self.observations[row].clone()).collect();
        let mut rng = stream(self.seed, &[&[EXPLAIN], purpose].concat());
        Ok(surrogate_of(&*strategy)?.fit(&observations, &mut rng)?)
    }

    /// Does some work for each of `count` fits, on threads; results in order.
    fn on_threads<T: Send>(
        &self,
        count: usize,
        work: impl Fn(usize) -> Result<T, StudyError> + Sync,
    ) -> Result<Vec<T>, StudyError> {
        let mut done: Vec<Option<Result<T, StudyError>>> = (0..count).map(|_| None).collect();
        parallel(count, self.explain.threads, work, |i, result| {
            let fine = result.is_ok();
            done[i] = Some(result);
            fine
        });
        done.into_iter().flatten().collect()
    }

    /// The folder of the search.
    fn directory(&self) -> &Path {
        &self.search.directory
    }
}

/// What to know where the surrogate is not fitted to scores as they are.
fn of_targets(targets: TargetsKind) -> Option<&'static str> {
    match targets {
        TargetsKind::Raw => None,
        TargetsKind::BatchCentred => Some(
            "With targets = \"batch-centred\" effects, predictions, expected leads and tau are of scores less the mean of their batch, \
             plus that of all; scores and leads are as measured. The two do not compare, so that no share of noise is given.",
        ),
        TargetsKind::BatchIntercept => Some(
            "With targets = \"batch-intercept\" predictions are for an average batch, and scores are as measured, with the intercept \
             of their batch. The tau of what was left out compares the two; no share of noise is given.",
        ),
    }
}

/// The surrogate of a strategy that is known to have one.
fn surrogate_of(strategy: &dyn Strategy) -> Result<&dyn bonas_surrogate::Surrogate, StudyError> {
    let empty = bonas_study::History::default();
    let model = strategy.score_model(&empty, bonas_study::Fidelity::Table);
    model.map(|model| model.surrogate).ok_or_else(|| StudyError::Strategy {
        strategy: strategy.name().to_owned(),
        reason: "it has no model of the scores".to_owned(),
    })
}
