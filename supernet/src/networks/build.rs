//! Networks in the size of the images, on the devices there are.

use std::cell::OnceCell;
use std::sync::Arc;

use bonas_spaces::network::{Norm, OpTable, Shape, Skeleton, SkeletonEntry, SkeletonSize, Union};
use bonas_spaces::{SearchSpace, SpaceError};
use bonas_study::StudyError;
use bonas_study::rng::stream;
use tch::{Device, Kind};

use super::{Setup, Size};
use crate::data::{Augment, Dataset, ImageShape, Source};
use crate::device;
use crate::model::Placement;
use crate::recipe::Precision;
use crate::training::Task;

/// Images, devices and operations: what all networks of a study share.
#[derive(Debug)]
pub struct Networks {
    setup: Setup,
    skeleton: &'static SkeletonEntry,
    ops: OpTable,
    whole: Union,
    image: ImageShape,
    classes: usize,
    data: OnceCell<Dataset>,
    devices: Vec<Device>,
}

impl Networks {
    /// Reads the images and finds the devices.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for a space without networks, a bad source or device;
    /// [`StudyError::Data`] for images that cannot be used.
    pub fn new(setup: &Setup) -> Result<Self, StudyError> {
        let data = read(setup)?;
        let (image, classes) = (data.train.shape(), data.train.classes());
        Self::of(setup, image, classes, OnceCell::from(data))
    }

    /// The same, to plan with: images whose format says their shape are read when they are asked for.
    ///
    /// # Errors
    /// As [`Networks::new`].
    pub fn planned(setup: &Setup) -> Result<Self, StudyError> {
        match source(setup)?.format() {
            Some((image, classes)) => {
                let image = image.shrunk(setup.data.shrink).map_err(in_data)?;
                Self::of(setup, image, classes, OnceCell::new())
            }
            None => Self::new(setup),
        }
    }

    fn of(
        setup: &Setup,
        image: ImageShape,
        classes: usize,
        data: OnceCell<Dataset>,
    ) -> Result<Self, StudyError> {
        let bad = |name: &str, reason: String| StudyError::Setting { name: name.to_owned(), reason };
        let none = |error: SpaceError| {
            let reason = format!(
                "{error} on images; with final.seeds = 0 and shortlist.cells = 0 nothing follows a search"
            );
            bad("space.name", reason)
        };
        let network = setup.space.require_network().map_err(none)?;
        let named = |name: &String| {
            let entry = network.skeleton_named(name).map_err(|error| error.to_string())?;
            network.trainable(entry).map_err(|error| error.to_string())
        };
        let skeleton = match &setup.training.skeleton {
            Some(name) => named(name).map_err(|reason| bad("training.skeleton", reason))?,
            None => {
                network.trainable(network.skeleton()).map_err(|error| bad("space.name", error.to_string()))?
            }
        };
        let (ops, whole) = (network.ops(), network.whole());
        let devices =
            device::devices(&setup.training.device).map_err(|e| bad("training.device", e.to_string()))?;
        device::expect_fixed_sizes(&devices);
        Ok(Self { setup: setup.clone(), skeleton, ops, whole, image, classes, data, devices })
    }

    /// The images.
    fn data(&self) -> Result<&Dataset, StudyError> {
        if let Some(data) = self.data.get() {
            return Ok(data);
        }
        let data = read(&self.setup)?;
        Ok(self.data.get_or_init(|| data))
    }

    /// The devices that workers are dealt out to, in turn.
    pub fn devices(&self) -> &[Device] {
        &self.devices
    }

    /// Whether every worker computes on the processor.
    pub fn on_processors(&self) -> bool {
        self.devices.iter().all(|device| *device == Device::Cpu)
    }

    /// The images of the search, split.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for a split that does not fit.
    pub fn task(&self) -> Result<Arc<Task>, StudyError> {
        self.task_of(("data.limit", self.setup.data.limit), |usual| usual)
    }

    /// The images, split: at most `limit` training images (0: all), varied as `augment` makes it of what is usual for them; `key`
    /// is where the limit stands.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for a limit, split or augmentation that does not fit.
    pub fn task_of(
        &self,
        (key, limit): (&str, usize),
        augment: impl FnOnce(Augment) -> Augment,
    ) -> Result<Arc<Task>, StudyError> {
        let settings = &self.setup.data;
        let data = self.data()?;
        let augment = augment(data.augment);
        let limit = (limit > 0).then_some(limit);
        let rng = &mut stream(settings.split_seed, &[]);
        let task = Task::new(data, limit, settings.validation, Some(augment), rng);
        let keys = [
            ("subset", key),
            ("cutout", "final.cutout"),
            ("crop_scale", "final.crop_scale"),
            ("crop_ratio", "final.crop_ratio"),
            ("rand_augment_magnitude", "final.rand_augment_magnitude"),
            ("brightness", "final.brightness"),
            ("contrast", "final.contrast"),
            ("saturation", "final.saturation"),
            ("hue", "final.hue"),
            ("validation fraction", "data.validation"),
            ("images", "data.source"),
        ];
        Ok(Arc::new(task.map_err(|e| renamed(e, &keys))?))
    }

    /// The network around the cells.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for an auxiliary head on a skeleton that has none.
    pub fn skeleton(&self, size: Size, norm: Norm) -> Result<Arc<dyn Skeleton>, StudyError> {
        self.skeleton_of(self.skeleton, size, norm)
    }

    /// The skeleton of the space with a name, which `final.skeleton` gives; that of the search without one.
    ///
    /// # Errors
    /// [`StudyError::Setting`] with the nearest name and all that the space has; for one that cannot be trained.
    pub fn skeleton_named(&self, name: Option<&str>) -> Result<&'static SkeletonEntry, StudyError> {
        let Some(name) = name else { return Ok(self.skeleton) };
        let bad = |reason: String| StudyError::Setting { name: "final.skeleton".to_owned(), reason };
        let network = self.setup.space.require_network().map_err(|error| bad(error.to_string()))?;
        let entry = network.skeleton_named(name).map_err(|error| bad(error.to_string()))?;
        network.trainable(entry).map_err(|error| bad(error.to_string()))
    }

    /// The network around the cells, of a skeleton of the space.
    ///
    /// # Errors
    /// As [`Networks::skeleton`].
    pub fn skeleton_of(
        &self,
        skeleton: &SkeletonEntry,
        size: Size,
        norm: Norm,
    ) -> Result<Arc<dyn Skeleton>, StudyError> {
        let size = self.sized(size, norm);
        skeleton.build(&size).map_err(|error| StudyError::Setting {
            name: "final.auxiliary_weight".to_owned(),
            reason: error.to_string(),
        })
    }

    /// What the operations are.
    pub fn ops(&self) -> OpTable {
        self.ops.clone()
    }

    /// The size of a skeleton around these images.
    pub fn sized(&self, size: Size, norm: Norm) -> SkeletonSize {
        let image = self.image;
        SkeletonSize {
            channels: Some(size.channels),
            layers: Some(size.layers),
            image: Some(Shape { channels: image.channels, height: image.height, width: image.width }),
            classes: Some(self.classes),
            norm: Some(norm),
            kernels: self.setup.training.elastic_kernels,
            auxiliary: size.auxiliary,
            ..SkeletonSize::default()
        }
    }

    /// The space of the networks.
    pub fn space(&self) -> &Arc<dyn SearchSpace> {
        &self.setup.space
    }

    /// The settings that these networks are made of.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// The skeleton of the search.
    pub fn skeletons(&self) -> &'static SkeletonEntry {
        self.skeleton
    }

    /// Every operation wherever it may stand.
    pub fn whole(&self) -> &Union {
        &self.whole
    }

    /// Device and precision of a worker.
    pub fn placement(&self, worker: usize) -> Placement {
        let settings = &self.setup.training;
        Placement {
            device: self.devices.get(worker % self.devices.len().max(1)).copied().unwrap_or(Device::Cpu),
            kind: Kind::Float,
            bf16: settings.precision == Precision::Mixed,
            channels_last: settings.channels_last,
        }
    }
}

/// Where the images are.
fn source(setup: &Setup) -> Result<Source, StudyError> {
    let source = Source::named(&setup.data.source, &setup.relative_to);
    source.map_err(|e| renamed(e, &[("data", "data.source")]))
}

/// The images, read if nothing of the search has read them.
fn read(setup: &Setup) -> Result<Dataset, StudyError> {
    setup.images.load(&source(setup)?, &setup.data.options()).map_err(in_data)
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
