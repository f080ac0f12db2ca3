//! Training from scratch: the finalists of a search, or one genotype by itself.

use std::path::Path;
use std::sync::Arc;

#[cfg(feature = "torch")]
use bonas_spaces::network::{Norm, Union};
use bonas_spaces::{Architecture, SearchSpace};
use bonas_study::history::Evaluation;
use bonas_study::journal::{Journal, write_json};
use bonas_study::rng::{FINAL, stream};
use bonas_study::strategy::Listed;
use bonas_study::{Budget, Finished, Journalled};
#[cfg(feature = "torch")]
use bonas_supernet::evaluator::RunFiles;
#[cfg(feature = "torch")]
use bonas_supernet::networks::Weights;
use rand::Rng;

#[cfg(feature = "torch")]
use super::INIT_FILE;
use super::aside::Part;
use super::{FINALS_FOLDER, Observe, Search, Stage, TRAINING_FILE, in_section};
#[cfg(feature = "torch")]
use crate::build::Trainings;
use crate::build::{self, Counts, FollowUps};
use crate::config::{at_least_1, plain};
use crate::report::{FINAL_FILE, FinalResult};
use crate::{Evaluator, Study, StudyError};

impl Search {
    /// What follows the search: the shortlist chooses the winner, the winner is trained.
    pub(super) fn conclude(
        &self,
        space: &Arc<dyn SearchSpace>,
        searched: &Finished,
        observe: &mut Observe<'_>,
    ) -> Result<(), StudyError> {
        match self.winner(space, searched, observe)? {
            Some(winner) if self.config.finals.seeds > 0 => self.finals(space, &winner, observe),
            _ => Ok(()),
        }
    }

    /// Trains the winner and random architectures from scratch, and writes [`FINAL_FILE`].
    fn finals(
        &self,
        space: &Arc<dyn SearchSpace>,
        winner: &Architecture,
        observe: &mut Observe<'_>,
    ) -> Result<(), StudyError> {
        let finalists = self.finalists(&**space, winner);
        let results = self.train(space, &finalists, observe)?.into_iter().enumerate();
        let results: Vec<_> =
            results.map(|(i, result)| FinalResult { label: FinalResult::label_at(i), ..result }).collect();
        write_json(&self.directory.join(FINAL_FILE), &results)
    }

    /// The winner, then random architectures, all different.
    fn finalists(&self, space: &dyn SearchSpace, winner: &Architecture) -> Vec<Architecture> {
        let winner = vec![winner.clone()];
        let random = build::random_cells(space, self.config.finals.random, self.config.study.seed, &winner);
        [winner, random].concat()
    }

    /// Refuses a search whose winner could not be evaluated in the end.
    pub(super) fn check_follow_ups(&self, space: &dyn SearchSpace) -> Result<(), StudyError> {
        let followed = self.config.finals.seeds > 0 || self.config.shortlist.cells > 0;
        if !followed && self.config.evaluator.network().is_none() {
            return Ok(());
        }
        #[cfg(feature = "torch")]
        self.config.finals.expect_no_init()?;
        let follow_ups = FollowUps::new(&self.config)?;
        #[cfg(feature = "torch")]
        self.check_networks(&follow_ups, space)?;
        #[cfg(not(feature = "torch"))]
        let _ = space;
        if self.config.shortlist.cells > 0 {
            follow_ups.shortlist(&self.directory)?;
        }
        if self.config.finals.seeds > 0 {
            follow_ups.finalists(&self.directory)?;
        }
        Ok(())
    }

    /// Plans a network of each kind.
    #[cfg(feature = "torch")]
    fn check_networks(&self, follow_ups: &FollowUps<'_>, space: &dyn SearchSpace) -> Result<(), StudyError> {
        let Some(trainings) = follow_ups.networks() else { return Ok(()) };
        let networks = &trainings.networks;
        let drawn = [space.sample(&mut stream(self.config.study.seed, &[FINAL]))];
        let one = Union::of(&drawn)?;
        let plan = |section: &str, union: &Union, skeleton, size, norm| {
            let network = networks.skeleton_of(skeleton, size, norm)?.network(union, &networks.ops());
            network.map(drop).map_err(|e| StudyError::Setting { name: section.into(), reason: e.to_string() })
        };
        if let Some(network) = self.config.evaluator.network() {
            // What fits one architecture may not fit all of them: its channels, or images of one resolution.
            let union = if network.weights == Weights::OfTheSpace { networks.whole() } else { &one };
            plan("[evaluator]", union, networks.skeletons(), network.size, network.norm)?;
        }
        if self.config.shortlist.cells > 0 {
            plan("[shortlist]", &one, networks.skeletons(), self.config.shortlist.size(), Norm::DISCRETE)?;
        }
        if self.config.finals.seeds > 0 {
            plan("[final]", &one, trainings.final_skeleton()?, self.config.finals.size(), Norm::DISCRETE)?;
        }
        Ok(())
    }

    /// Trains architectures in a study of its own; results in their order.
    fn train(
        &self,
        space: &Arc<dyn SearchSpace>,
        architectures: &[Architecture],
        observe: &mut Observe<'_>,
    ) -> Result<Vec<FinalResult>, StudyError> {
        let folder = self.directory.join(FINALS_FOLDER);
        let follow_ups = FollowUps::new(&self.config)?;
        let evaluators = follow_ups.finalists(&folder)?;
        let listing = Listing {
            stage: Stage::Finals,
            folder: &folder,
            settings: plain("final", &self.config.finals),
            stream: [FINAL, 1],
            evaluators,
        };
        let finished = self.train_listed(space, architectures, listing, observe)?;
        #[cfg(feature = "torch")]
        self.keep_models(&**space, &follow_ups, finished.history.evaluations())?;
        let seconds = Journalled::read(&folder, space)?.seconds;
        let unit = self.config.evaluator.unit();
        let evaluations = finished.history.evaluations();
        let trained: Vec<_> = evaluations.iter().map(|e| e.architecture.clone()).collect();
        let results = evaluations.iter().zip(follow_ups.counts(&trained)?).map(|(e, counts)| {
            Ok(result(&**space, counts, e, seconds.batch(e.round, e.batch))?.in_unit(unit))
        });
        results.collect()
    }
}

/// Architectures to be trained from scratch, in a study of their own.
pub(super) struct Listing<'a> {
    pub(super) stage: Stage,
    pub(super) folder: &'a Path,
    /// What the results depend on beside the search's identity and the architectures.
    pub(super) settings: String,
    /// The random stream that the study's seed is drawn from.
    pub(super) stream: [u64; 2],
    pub(super) evaluators: Vec<Box<dyn Evaluator>>,
}

impl Search {
    /// Trains each of the architectures, and returns the study's history, in their order.
    pub(super) fn train_listed(
        &self,
        space: &Arc<dyn SearchSpace>,
        architectures: &[Architecture],
        listing: Listing<'_>,
        observe: &mut Observe<'_>,
    ) -> Result<Finished, StudyError> {
        let mut header = self.config.identity() + "\n" + &listing.settings;
        for architecture in architectures {
            header = header + "# " + &space.format(architecture)? + "\n";
        }
        if let Some(part) = Part::of(listing.stage).filter(|_| Journal::exists(&self.directory)) {
            part.fit(&self.directory, &header, &self.config.identity())?;
        }
        let strategy = Listed { architectures: architectures.to_vec() };
        let study = Study::new(space.clone(), Box::new(strategy), listing.evaluators)
            .seed(stream(self.config.study.seed, &listing.stream).next_u64())
            .budget(Budget::architectures(architectures.len()))
            .config(header)
            .cancel(self.cancel.clone())
            .directory(listing.folder);
        let section = match listing.stage {
            Stage::Search => "evaluator",
            Stage::Shortlist => "shortlist",
            Stage::Finals => "final",
        };
        let trained = observe(listing.stage, listing.folder).into_iter().fold(study, Study::observer).run();
        trained.map_err(|error| in_section(section, error))
    }
}

fn result(
    space: &dyn SearchSpace,
    (params, macs): Counts,
    evaluation: &Evaluation,
    seconds: Option<f64>,
) -> Result<FinalResult, StudyError> {
    let arch = space.format(&evaluation.architecture)?;
    Ok(FinalResult { arch, params, macs, seconds, ..FinalResult::of(&evaluation.outcome) })
}

impl Search {
    /// Trains one architecture from scratch as the `[final]` section says, and writes
    /// [`FINAL_FILE`]; a training that was stopped goes on.
    ///
    /// # Errors
    /// As [`Search::run`].
    pub fn train_one(
        &self,
        architecture: &Architecture,
        observe: &mut Observe<'_>,
    ) -> Result<FinalResult, StudyError> {
        self.by_space_in(TRAINING_FILE)?.train_as_begun(architecture, observe)
    }

    fn train_as_begun(
        &self,
        architecture: &Architecture,
        observe: &mut Observe<'_>,
    ) -> Result<FinalResult, StudyError> {
        let space = build::space(&self.config)?;
        // What is wrong with the settings is said before anything is written.
        at_least_1(self.config.finals.seeds, "final.seeds")
            .map_err(|e| StudyError::Setting { name: e.key.into(), reason: e.reason })?;
        let follow_ups = FollowUps::new(&self.config)?;
        follow_ups.counts(std::slice::from_ref(architecture)).map_err(|error| match error {
            StudyError::Space(e) => StudyError::Setting { name: "[final]".into(), reason: e.to_string() },
            other => other,
        })?;
        follow_ups.finalists(&self.directory)?;
        #[cfg(feature = "torch")]
        let init = follow_ups.networks().map(Trainings::init).transpose()?.flatten();
        #[cfg(feature = "torch")]
        init.iter().try_for_each(|init| init.expect_of(architecture))?;
        self.open_folder(TRAINING_FILE)?;
        #[cfg(feature = "torch")]
        if let Some(init) = init {
            let (finals, note) = (self.directory.join(FINALS_FOLDER), self.directory.join(INIT_FILE));
            init.keep(&note, &finals, &|| self.has_trained(architecture))?;
        }
        let trained = self.train(&space, std::slice::from_ref(architecture), observe)?.into_iter().next();
        let trained = trained.ok_or_else(|| StudyError::Evaluator("nothing was trained".into()))?;
        let result = FinalResult { label: "trained".into(), ..trained };
        write_json(&self.directory.join(FINAL_FILE), &[&result])?;
        Ok(result)
    }

    /// Whether a training of an architecture has an epoch behind it, or a result.
    #[cfg(feature = "torch")]
    fn has_trained(&self, architecture: &Architecture) -> bool {
        let finals = self.directory.join(FINALS_FOLDER);
        let left = |run| {
            let files = RunFiles::new(&finals, architecture.key(), run);
            [files.checkpoint(), files.weights(), files.model()].iter().any(|file| file.exists())
        };
        self.directory.join(FINAL_FILE).exists() || (0..self.config.finals.seeds).any(left)
    }
}
