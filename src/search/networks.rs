//! From settings to images, skeletons and the evaluators that train networks.

mod indicators;

use std::cell::OnceCell;
use std::path::Path;
use std::sync::Arc;

use bonas_spaces::SearchSpace;
use bonas_spaces::catalogue::{SPACES, spaces_with};
use bonas_spaces::network::{Norm, OpTable, Shape, Skeleton, SkeletonEntry, SkeletonSize, Union};
use rand::Rng;
use tch::{Device, Kind};

use crate::config::{
    DifferentiableSettings, EvaluatorSettings, FinalImages, Precision, SearchConfig, SharedSettings,
};
use crate::{Evaluator, StudyError};
use bonas_study::rng::{SEEDS, stream};
use bonas_supernet::data::{Dataset, ImageShape, LoadOptions, Source};
use bonas_supernet::device;
use bonas_supernet::differentiable::Differentiable;
use bonas_supernet::evaluator::{ScratchEvaluator, SharedEvaluator};
use bonas_supernet::model::Placement;
use bonas_supernet::recipe::ScratchRecipe;
use bonas_supernet::training::{Part, Task};

/// Width and depth of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Width C of the first cells.
    pub channels: usize,
    /// Cells (cells a stage, where the skeleton has stages).
    pub layers: usize,
    /// Whether there is an auxiliary head.
    pub auxiliary: bool,
}

/// Images, devices and operations: what all networks of a search share.
#[derive(Debug)]
pub struct Networks<'a> {
    config: &'a SearchConfig,
    space: Arc<dyn SearchSpace>,
    skeleton: &'static SkeletonEntry,
    ops: OpTable,
    whole: Union,
    image: ImageShape,
    classes: usize,
    data: OnceCell<Dataset>,
    devices: Vec<Device>,
}

impl<'a> Networks<'a> {
    /// Reads the images and finds the devices.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for a space without networks, a bad source or device;
    /// [`StudyError::Data`] for images that cannot be used.
    pub fn new(config: &'a SearchConfig) -> Result<Self, StudyError> {
        let data = read(config)?;
        let (image, classes) = (data.train.shape(), data.train.classes());
        Self::of(config, image, classes, OnceCell::from(data))
    }

    /// The same, to plan with: images whose format says their shape are read when they are asked for.
    ///
    /// # Errors
    /// As [`Networks::new`].
    pub fn planned(config: &'a SearchConfig) -> Result<Self, StudyError> {
        match source(config)?.format() {
            Some((image, classes)) => {
                let image = image.shrunk(config.data.shrink).map_err(in_data)?;
                Self::of(config, image, classes, OnceCell::new())
            }
            None => Self::new(config),
        }
    }

    fn of(
        config: &'a SearchConfig,
        image: ImageShape,
        classes: usize,
        data: OnceCell<Dataset>,
    ) -> Result<Self, StudyError> {
        let bad = |name: &str, reason: String| StudyError::Setting { name: name.to_owned(), reason };
        let entry = SPACES.get(&config.space.name).map_err(|e| bad("space.name", e.to_string()))?;
        let space = entry.space();
        let network = space.require_network().map_err(|e| bad("space.name", e.to_string()))?;
        let (skeleton, ops, whole) = (network.skeleton(), network.ops(), network.whole());
        let devices =
            device::devices(&config.training.device).map_err(|e| bad("training.device", e.to_string()))?;
        Ok(Self { config, space, skeleton, ops, whole, image, classes, data, devices })
    }

    /// The images.
    fn data(&self) -> Result<&Dataset, StudyError> {
        if let Some(data) = self.data.get() {
            return Ok(data);
        }
        let data = read(self.config)?;
        Ok(self.data.get_or_init(|| data))
    }

    /// The devices that workers are dealt out to, in turn.
    pub fn devices(&self) -> &[Device] {
        &self.devices
    }

    /// Networks of the shared-weights evaluator, if there is one: size, images a step, and cells
    /// a batch.
    pub fn shared(&self) -> Option<(Size, usize, usize)> {
        let EvaluatorSettings::SharedWeights(s) = &self.config.evaluator else { return None };
        let size = Size { channels: s.channels, layers: s.layers, auxiliary: false };
        Some((size, s.batch.max(s.warmup_batch), self.config.strategy.batch()))
    }

    /// Size of the networks of the shortlist.
    pub fn shortlist_size(&self) -> Size {
        let s = &self.config.shortlist;
        Size { channels: s.channels, layers: s.layers, auxiliary: false }
    }

    /// Size of the networks of the from-scratch evaluator, if there is one.
    pub fn from_scratch(&self) -> Option<Size> {
        let EvaluatorSettings::FromScratch(s) = &self.config.evaluator else { return None };
        Some(Size { channels: s.channels, layers: s.layers, auxiliary: false })
    }

    /// Networks of the final training: size and images a step.
    pub fn finals(&self) -> (Size, usize) {
        let s = &self.config.finals;
        (Size { channels: s.channels, layers: s.layers, auxiliary: s.auxiliary_weight > 0.0 }, s.batch)
    }

    /// The images of the search, split.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for a split that does not fit.
    pub fn task(&self) -> Result<Arc<Task>, StudyError> {
        self.task_of(("data.limit", self.config.data.limit), 0)
    }

    /// Most training images of the final training, and the key that says so.
    fn final_limit(&self) -> (&'static str, usize) {
        match self.config.finals.limit {
            0 => ("data.limit", self.config.data.limit),
            limit => ("final.limit", limit),
        }
    }

    /// At most `limit` training images (0: all), which lose a square of `cutout` pixels (0: none);
    /// `key` is where the limit stands.
    fn task_of(&self, (key, limit): (&str, usize), cutout: usize) -> Result<Arc<Task>, StudyError> {
        let settings = &self.config.data;
        let data = self.data()?;
        let augment = match cutout {
            0 => data.augment,
            length => data.augment.with_cutout(length),
        };
        let limit = (limit > 0).then_some(limit);
        let rng = &mut stream(settings.split_seed, &[]);
        let task = Task::new(data, limit, settings.validation, Some(augment), rng);
        let keys = [("subset", key), ("cutout", "final.cutout"), ("validation fraction", "data.validation")];
        Ok(Arc::new(task.map_err(|e| renamed(e, &keys))?))
    }

    /// The network around the cells.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for an auxiliary head on a skeleton that has none.
    pub fn skeleton(&self, size: Size, norm: Norm) -> Result<Arc<dyn Skeleton>, StudyError> {
        let size = self.sized(size, norm);
        self.skeleton.build(&size).map_err(|error| StudyError::Setting {
            name: "final.auxiliary_weight".to_owned(),
            reason: error.to_string(),
        })
    }

    /// What the operations are.
    pub fn ops(&self) -> OpTable {
        self.ops.clone()
    }

    /// The evaluators of the search, one a worker.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for settings that do not fit the images.
    pub fn evaluators(&self, directory: &Path) -> Result<Vec<Box<dyn Evaluator>>, StudyError> {
        let config = self.config;
        match &config.evaluator {
            EvaluatorSettings::SharedWeights(s) => {
                let boxed = |evaluator| Box::new(evaluator) as Box<dyn Evaluator>;
                Ok(self.shared_weights(s)?.into_iter().map(boxed).collect())
            }
            EvaluatorSettings::FromScratch(s) => {
                let task = self.task()?;
                let size = Size { channels: s.channels, layers: s.layers, auxiliary: false };
                let recipe = s.recipe(&config.training);
                let plan = ScratchPlan {
                    size,
                    recipe,
                    part: Part::Validation,
                    also: None,
                    seeds: s.seeds,
                    paired: None,
                };
                let make = |i| self.scratch(&plan, &task, i, Some(directory.join("checkpoints")));
                (0..config.study.workers).map(make).collect()
            }
            EvaluatorSettings::Indicator(s) => self.indicators(s, directory),
            EvaluatorSettings::Synthetic(_) => Ok(Vec::new()),
        }
    }

    /// Evaluators that train batches jointly, one a worker.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for settings that do not fit the images.
    pub fn shared_weights(&self, settings: &SharedSettings) -> Result<Vec<SharedEvaluator>, StudyError> {
        let (training, task) = (&self.config.training, self.task()?);
        let size = Size { channels: settings.channels, layers: settings.layers, auxiliary: false };
        let skeleton = self.skeleton(size, Norm::SEARCH)?;
        let recipe = settings.recipe(training);
        let make = |i| {
            let (task, skeleton, placement) = (task.clone(), skeleton.clone(), self.placement(i));
            let evaluator = SharedEvaluator::new(task, skeleton, self.ops(), recipe.clone(), placement)?;
            Ok(evaluator.threads(training.threads))
        };
        (0..self.config.study.workers).map(make).collect()
    }

    /// The evaluators of the shortlist, one a worker: scored on the search's held-out images.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for settings that do not fit the images.
    pub fn shortlist(&self, directory: &Path) -> Result<Vec<Box<dyn Evaluator>>, StudyError> {
        let s = &self.config.shortlist;
        let (size, recipe) = (self.shortlist_size(), s.recipe(&self.config.training));
        let paired = Some(self.paired(Trainings::Shortlist));
        let plan = ScratchPlan { size, recipe, part: Part::Validation, also: None, seeds: s.seeds, paired };
        let task = self.task()?;
        let make = |i| self.scratch(&plan, &task, i, Some(directory.to_owned()));
        (0..self.config.study.workers).map(make).collect()
    }

    /// What the final training learns from and is scored on.
    pub fn final_part(&self) -> Part {
        match self.config.finals.images {
            FinalImages::All => Part::Test,
            FinalImages::Search => Part::TestOfSearch,
        }
    }

    /// The evaluators of the final training, one a worker, with the size of its networks.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for settings that do not fit the images.
    pub fn finalists(&self, directory: &Path) -> Result<(Vec<Box<dyn Evaluator>>, Size), StudyError> {
        let s = &self.config.finals;
        let (size, recipe) = (self.finals().0, s.recipe(&self.config.training));
        let paired = Some(self.paired(Trainings::Finals));
        let plan = ScratchPlan { size, recipe, part: self.final_part(), also: None, seeds: s.seeds, paired };
        let task = self.task_of(self.final_limit(), s.cutout)?;
        let make = |i| self.scratch(&plan, &task, i, Some(directory.to_owned()));
        Ok(((0..self.config.study.workers).map(make).collect::<Result<_, _>>()?, plan.size))
    }

    /// Differentiable search, at its start.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for a space without a relaxed network, or settings that do not fit.
    pub fn differentiable(&self, s: &DifferentiableSettings) -> Result<Differentiable, StudyError> {
        let bad = |name: &str, reason| StudyError::Setting { name: name.to_owned(), reason };
        if !self.skeleton.relaxable {
            let relaxable =
                spaces_with(|space| space.network().is_some_and(|network| network.skeleton().relaxable));
            let reason =
                format!("{}; differentiable search knows {}", self.space.name(), relaxable.join(", "));
            return Err(bad("space.name", reason));
        }
        let size = SkeletonSize {
            enhancement: Some(s.enhancement),
            partial: Some(s.partial),
            ..self.sized(Size { channels: s.channels, layers: s.layers, auxiliary: false }, Norm::SEARCH)
        };
        let skeleton = self.skeleton.build(&size).map_err(|e| bad("strategy", e.to_string()))?;
        let network =
            skeleton.network(&self.whole, &self.ops).map_err(|e| bad("[strategy]", e.to_string()))?;
        let (training, seed) = (&self.config.training, self.config.study.seed);
        let relaxing = s.relaxing(training);
        let search = Differentiable::new(network, self.task()?, relaxing, self.placement(0), seed)?;
        Ok(search.threads(training.threads))
    }

    fn sized(&self, size: Size, norm: Norm) -> SkeletonSize {
        let image = self.image;
        SkeletonSize {
            channels: Some(size.channels),
            layers: Some(size.layers),
            image: Some(Shape { channels: image.channels, height: image.height, width: image.width }),
            classes: Some(self.classes),
            norm: Some(norm),
            auxiliary: size.auxiliary,
            ..SkeletonSize::default()
        }
    }

    /// Evaluators for a table, one a worker: the final training, `networks` times a seed, scored on
    /// `part` and `also`, of which nothing but the accuracies is kept.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for settings that do not fit the images.
    pub fn tabulating(
        &self,
        part: Part,
        also: Option<Part>,
        networks: usize,
    ) -> Result<Vec<Box<dyn Evaluator>>, StudyError> {
        let s = &self.config.finals;
        let (size, recipe) = (self.finals().0, s.recipe(&self.config.training));
        let paired = Some(self.paired(match part {
            Part::Validation => Trainings::Validation,
            Part::Test | Part::TestOfSearch => Trainings::Test,
        }));
        let plan = ScratchPlan { size, recipe, part, also, seeds: s.seeds * networks, paired };
        let task = self.task_of(self.final_limit(), s.cutout)?;
        (0..self.config.study.workers).map(|i| self.scratch(&plan, &task, i, None)).collect()
    }

    /// What the seeds come from that all architectures of some trainings share.
    fn paired(&self, trainings: Trainings) -> u64 {
        stream(self.config.study.seed, &[SEEDS, trainings as u64]).next_u64()
    }

    fn scratch(
        &self,
        plan: &ScratchPlan,
        task: &Arc<Task>,
        worker: usize,
        folder: Option<std::path::PathBuf>,
    ) -> Result<Box<dyn Evaluator>, StudyError> {
        plan.recipe.check()?;
        Ok(Box::new(ScratchEvaluator {
            task: task.clone(),
            part: plan.part,
            also: plan.also,
            skeleton: self.skeleton(plan.size, Norm::DISCRETE)?,
            ops: self.ops(),
            recipe: plan.recipe.clone(),
            seeds: plan.seeds,
            paired: plan.paired,
            placement: self.placement(worker),
            threads: self.config.training.threads,
            folder,
            checkpoint_every: CHECKPOINT_EVERY,
        }))
    }

    fn placement(&self, worker: usize) -> Placement {
        let settings = &self.config.training;
        Placement {
            device: self.devices.get(worker % self.devices.len().max(1)).copied().unwrap_or(Device::Cpu),
            kind: Kind::Float,
            bf16: settings.precision == Precision::Mixed,
            channels_last: settings.channels_last,
        }
    }
}

/// Where the images are.
fn source(config: &SearchConfig) -> Result<Source, StudyError> {
    let source = config.data.source.parse::<Source>().map(|source| source.within(&config.relative_to));
    source.map_err(|e| renamed(e, &[("data", "data.source")]))
}

/// Reads the images.
fn read(config: &SearchConfig) -> Result<Dataset, StudyError> {
    let options = LoadOptions {
        image_size: config.data.image_size,
        test_fraction: config.data.test_fraction,
        split_seed: config.data.split_seed,
        shrink: config.data.shrink,
    };
    source(config)?.load(&options).map_err(in_data)
}

/// An error of `shrink` under the name of its key.
fn in_data(error: StudyError) -> StudyError {
    renamed(error, &[("shrink", "data.shrink")])
}

/// A setting's error under the name of its key in the configuration.
fn renamed(error: StudyError, keys: &[(&str, &str)]) -> StudyError {
    let key = |name: &str| keys.iter().find(|(own, _)| *own == name).map(|(_, key)| (*key).to_owned());
    match error {
        StudyError::Setting { name, reason } => {
            StudyError::Setting { name: key(&name).unwrap_or(name), reason }
        }
        other => other,
    }
}

/// Epochs between two checkpoints of a run from scratch.
const CHECKPOINT_EVERY: usize = 5;

/// Trainings from scratch whose seeds all architectures share.
#[derive(Clone, Copy)]
enum Trainings {
    Shortlist,
    Finals,
    Validation,
    Test,
}

/// How networks are trained from scratch.
struct ScratchPlan {
    size: Size,
    recipe: ScratchRecipe,
    part: Part,
    also: Option<Part>,
    seeds: usize,
    /// What the seeds come from if they are the same for every architecture.
    paired: Option<u64>,
}
