//! One study of a contest, and the training of what it found.

use std::path::{Path, PathBuf};

use bonas_spaces::{Architecture, SearchSpace};
use bonas_study::journal::{Seconds, read_json};
use bonas_study::rng::{FINAL, stream};
use bonas_study::statistics::mean;
use bonas_study::strategy::{Aims, Knowledge};
use bonas_supernet::differentiable::{Epoch, TRAJECTORY_FILE, read_trajectory};

use super::plan::{Budget, Plan, set};
use super::{Contest, Unit};
use crate::build::Trainings;
use crate::config::{Arm, ContestConfig, SearchConfig, StrategySettings, Transfer};
use crate::report::{FinalResult, SUMMARY_FILE, Summary};
use crate::search::{DIFFERENTIABLE_FOLDER, Search};
use crate::{StudyError, build};

/// Folders of a contest: studies by arm, random cells by the arm that they stand beside, and in a
/// study's the training of its winner.
const ARMS_FOLDER: &str = "arms";
const RANDOM_FOLDER: &str = "random";
const TRAINED_FOLDER: &str = "trained";

/// A piece of a contest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// The study of an arm, and the training of its winner.
    Search {
        /// Number of the arm.
        arm: usize,
        /// Seed.
        seed: u64,
    },
    /// Random cells of the arm's space, trained as its winners are.
    Random {
        /// Number of the arm.
        arm: usize,
        /// Seed.
        seed: u64,
    },
}

/// What came of a piece.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The piece.
    pub piece: Piece,
    /// What it is called in tables: the arm, or "random cells" and what tells them apart.
    pub row: String,
    /// What was trained from scratch: the winner, or random cells.
    pub trained: Vec<FinalResult>,
    /// Seconds of the search.
    pub seconds: f64,
    /// Epochs of a differentiable search.
    pub trajectory: Vec<Epoch>,
}

impl Outcome {
    /// Seed of the piece.
    pub fn seed(&self) -> u64 {
        match self.piece {
            Piece::Search { seed, .. } | Piece::Random { seed, .. } => seed,
        }
    }

    /// Mean test accuracy of what was trained, a fraction in `[0, 1]`.
    pub fn test(&self) -> f64 {
        mean(&self.trained.iter().filter_map(FinalResult::mean).collect::<Vec<_>>())
    }
}

/// All pieces, seed after seed.
pub(super) fn pieces(config: &ContestConfig) -> Vec<Piece> {
    let contest = &config.contest;
    let beside: Vec<usize> = if contest.random > 0 { tasks(config) } else { Vec::new() };
    let of_seed = |seed: u64| {
        let searches = (0..config.arms.len()).map(move |arm| Piece::Search { arm, seed });
        let random: Vec<Piece> = beside.iter().map(|&arm| Piece::Random { arm, seed }).collect();
        searches.chain(random)
    };
    (contest.first_seed..).take(contest.seeds).flat_map(of_seed).collect()
}

/// The first arm of each space and final training: random cells stand beside it and its likes.
fn tasks(config: &ContestConfig) -> Vec<usize> {
    let task = |arm: &Arm| (arm.config.space.clone(), arm.config.finals.clone());
    let is_first = |&i: &usize| config.arms[..i].iter().all(|earlier| task(earlier) != task(&config.arms[i]));
    (0..config.arms.len()).filter(is_first).collect()
}

/// Refuses an arm that could not be searched or trained.
pub(super) fn check(arm: &Arm, directory: &Path) -> Result<(), StudyError> {
    let transfer = arm.config.strategy.transfer();
    if *transfer != Transfer::None {
        let reason = format!("{transfer}, but arms are given nothing beforehand; take none");
        return Err(StudyError::Setting { name: format!("strategy.transfer of arm {}", arm.name), reason });
    }
    let space = build::space(&arm.config)?;
    let trainings = Trainings::planned(&arm.config)?;
    match &arm.config.strategy {
        StrategySettings::Differentiable(settings) => drop(settings.strategy(&trainings.networks)?),
        other => drop(build::strategy(
            other,
            &*space,
            arm.config.evaluator.fidelity(),
            &Aims::default(),
            &Knowledge::default(),
        )?),
    }
    trainings.finalists(directory).map(drop)
}

/// The search of an arm with a seed: nothing follows it, and it has one worker.
pub(super) fn searching(config: &SearchConfig, seed: u64) -> SearchConfig {
    let mut config = config.clone();
    (config.study.seed, config.study.workers, config.finals.seeds) = (seed, 1, 0);
    config
}

/// Does a piece, or what is left of it.
pub(super) fn run(contest: &Contest, plan: &Plan, piece: &Piece) -> Result<Outcome, StudyError> {
    match *piece {
        Piece::Search { arm, seed } => search(contest, plan.budget(arm), arm, seed),
        Piece::Random { arm, seed } => random(contest, arm, seed),
    }
}

fn search(contest: &Contest, budget: &Budget, arm: usize, seed: u64) -> Result<Outcome, StudyError> {
    let Arm { name, config } = &contest.config.arms[arm];
    let directory = contest.directory.join(ARMS_FOLDER).join(name).join(format!("seed-{seed}"));
    let mut searching = searching(config, seed);
    match budget.unit {
        Unit::Epochs => set(&mut searching, budget.count, budget.alpha_start, 0),
        Unit::Architectures => set(&mut searching, 0, 0, budget.count),
    }
    let space = build::space(config)?;
    let search = Search { config: searching, directory: directory.clone(), cancel: contest.cancel.clone() };
    search.run(&mut |_, _| Vec::new())?;
    let trajectory = match budget.unit {
        Unit::Epochs => read_trajectory(&directory.join(DIFFERENTIABLE_FOLDER).join(TRAJECTORY_FILE))?,
        Unit::Architectures => Vec::new(),
    };
    let found = match trajectory.last() {
        Some(last) => Some(last.genotype.clone()),
        None => read_json::<Summary>(&directory.join(SUMMARY_FILE))?.and_then(|summary| summary.winner),
    };
    let found = found.ok_or_else(|| {
        StudyError::Evaluator(format!("arm {name}, seed {seed}: no architecture was scored, so none wins"))
    })?;
    let trained = train(contest, config, seed, &space.parse(&found)?, directory.join(TRAINED_FOLDER))?;
    let seconds = Seconds::read(&directory).total();
    let piece = Piece::Search { arm, seed };
    Ok(Outcome { piece, row: name.clone(), trained: vec![trained], seconds, trajectory })
}

fn random(contest: &Contest, arm: usize, seed: u64) -> Result<Outcome, StudyError> {
    let config = &contest.config.arms[arm].config;
    let space = build::space(config)?;
    let name = random_name(&contest.config, arm);
    let directory = contest.directory.join(RANDOM_FOLDER).join(&contest.config.arms[arm].name);
    let cells = drawn(&*space, contest.config.contest.random, seed);
    let train = |(i, cell): (usize, &Architecture)| {
        train(contest, config, seed, cell, directory.join(format!("seed-{seed}-cell-{i}")))
    };
    let trained = cells.iter().enumerate().map(train).collect::<Result<_, _>>()?;
    Ok(Outcome {
        piece: Piece::Random { arm, seed },
        row: name,
        trained,
        seconds: 0.0,
        trajectory: Vec::new(),
    })
}

/// What random cells beside an arm are called.
fn random_name(config: &ContestConfig, arm: usize) -> String {
    let space = &config.arms[arm].config.space.name;
    let alone = tasks(config).iter().filter(|&&i| config.arms[i].config.space.name == *space).count() == 1;
    if alone {
        format!("random cells, {space}")
    } else {
        format!("random cells, as {}", config.arms[arm].name)
    }
}

/// Random architectures of a seed, all different unless the space is tiny.
fn drawn(space: &dyn SearchSpace, count: usize, seed: u64) -> Vec<Architecture> {
    let mut rng = stream(seed, &[FINAL]);
    let mut cells: Vec<Architecture> = Vec::with_capacity(count);
    for _ in 0..1000 * count {
        if cells.len() == count {
            break;
        }
        let cell = space.sample(&mut rng);
        if !cells.contains(&cell) {
            cells.push(cell);
        }
    }
    cells
}

/// Trains an architecture from scratch as `[final]` says.
fn train(
    contest: &Contest,
    config: &SearchConfig,
    seed: u64,
    architecture: &Architecture,
    directory: PathBuf,
) -> Result<FinalResult, StudyError> {
    let mut config = config.clone();
    (config.study.seed, config.study.workers) = (seed, 1);
    let search = Search { config, directory, cancel: contest.cancel.clone() };
    let trained = search.train_one(architecture, &mut |_, _| Vec::new())?;
    if trained.test.is_empty() {
        let reason = format!("training {} from scratch failed; lower training.learning_rate", trained.arch);
        return Err(StudyError::Evaluator(reason));
    }
    Ok(trained)
}
