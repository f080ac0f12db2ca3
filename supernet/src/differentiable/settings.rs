//! Settings of differentiable search.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

#[cfg(feature = "torch")]
use bonas_spaces::catalogue::spaces_with;
#[cfg(feature = "torch")]
use bonas_spaces::network::{Norm, SkeletonSize};
use bonas_study::StudyError;
use bonas_study::settings::{at_least_1, ensure};
use bonas_study::strategy::{BuildContext, BuildStrategy, OwnNetwork, Strategy};

#[cfg(feature = "torch")]
use super::Differentiable;
use super::proposes::Proposes;
use crate::networks::Setup;
#[cfg(feature = "torch")]
use crate::networks::{Networks, Size};
#[cfg(feature = "torch")]
use crate::recipe::{Precision, Sgd, TrainingSettings};

bonas_study::settings! {
    /// Settings of differentiable search. The network is that of the space; the defaults are those
    /// of DARTS, first order. A round trains an epoch and proposes the cells found so far.
    pub struct DifferentiableSettings {
        /// Width C of the first cells. Published: 16.
        channels: usize = 16,
        /// Cells in the network (convolution cells of a broad network). Published: 8 (DARTS), 2 (BNAS-v2).
        layers: usize = 8,
        /// Enhancement cells of a broad network. Published: 1.
        enhancement: usize = 1,
        /// K of partial channels: operations work on one channel in K; 1: on all. Published: 4
        /// (PC-DARTS, BNAS-v2-PC).
        partial: usize = 1,
        /// Whether edges are weighted too. PC-DARTS and BNAS-v2-PC: true.
        edge_normalisation: bool = false,
        /// Epochs. Published: 50.
        epochs: usize = 50,
        /// Images a step. Published: 64 (DARTS), 256, 512.
        batch: usize = 64,
        /// Learning rate of the weights at the start; 0: `training.learning_rate`. Published: 0.025
        /// (DARTS), 0.1 (BNAS-v2-CLR, PC-DARTS), 0.2 (BNAS-v2-PC).
        learning_rate: f64 = 0.0,
        /// Learning rate of the architecture parameters. Published: 3e-4, 6e-4 (partial channels).
        alpha_learning_rate: f64 = 3e-4,
        /// L2 penalty on the architecture parameters.
        alpha_weight_decay: f64 = 1e-3,
        /// First epoch, from 0, in which the architecture parameters move. Published: 0; 15 with
        /// partial channels.
        alpha_start: usize = 0,
        /// Power p of the confident learning rate, which multiplies that of the architecture
        /// parameters by ((epoch + 1) / epochs)^p. BNAS-v2-CLR: 2.
        confidence_power: f64 = 0.0,
        /// Whether the gradient by the architecture looks one step of the weights ahead.
        second_order: bool = false,
        /// Stops after so many epochs with the same cells; 0: never. DARTS+: 10.
        stop_stable: usize = 0,
        /// Stops once the first cell has so many skips; 0: never. DARTS+: 2.
        stop_skips: usize = 0,
        /// Which cells are evaluated: every-epoch (if it is not set; those that each epoch decodes to, of which the best score
        /// wins) or last-epoch (those of the last epoch alone, as published).
        proposes: Option<Proposes> = None,
    }
    check(s) {
        at_least_1(s.channels, "channels")?;
        at_least_1(s.layers, "layers")?;
        at_least_1(s.enhancement, "enhancement")?;
        let divides = s.partial >= 1 && s.channels.is_multiple_of(s.partial);
        ensure(divides, "partial", s.partial, &format!("a divisor of channels = {}", s.channels))?;
        at_least_1(s.epochs, "epochs")?;
        ensure(s.batch >= 2, "batch", s.batch, "at least 2")?;
        ensure((0.0..=1e3).contains(&s.learning_rate), "learning_rate", s.learning_rate, "0 to 1000")?;
        let alpha = s.alpha_learning_rate > 0.0 && s.alpha_learning_rate <= 1e3;
        ensure(alpha, "alpha_learning_rate", s.alpha_learning_rate, "above 0, at most 1000")?;
        let decay = s.alpha_weight_decay;
        ensure((0.0..=1.0).contains(&decay), "alpha_weight_decay", decay, "0 to 1")?;
        let last = s.epochs - 1;
        ensure(s.alpha_start <= last, "alpha_start", s.alpha_start, &format!("0 to {last}, the last epoch"))?;
        ensure((0.0..=100.0).contains(&s.confidence_power), "confidence_power", s.confidence_power, "0 to 100")
    }
}

#[cfg(feature = "torch")]
impl DifferentiableSettings {
    /// How it learns.
    pub fn relaxing(&self, training: &TrainingSettings) -> super::Relaxing {
        let sgd = training.sgd();
        let learning_rate = if self.learning_rate > 0.0 { self.learning_rate } else { sgd.learning_rate };
        super::Relaxing {
            epochs: self.epochs,
            batch: self.batch,
            sgd: Sgd { learning_rate, ..sgd },
            alpha_learning_rate: self.alpha_learning_rate,
            alpha_weight_decay: self.alpha_weight_decay,
            alpha_start: self.alpha_start,
            confidence_power: self.confidence_power,
            second_order: self.second_order,
            edge_normalisation: self.edge_normalisation,
            stop_stable: (self.stop_stable > 0).then_some(self.stop_stable),
            stop_skips: (self.stop_skips > 0).then_some(self.stop_skips),
            proposes: self.proposes.unwrap_or_default(),
        }
    }
}

/// What differentiable search needs besides its settings: [`BuildContext::trainer`] of an image search.
#[derive(Clone, Debug)]
pub struct ImageSearch {
    /// Space, images and training.
    pub setup: Setup,
    /// Folder of checkpoints and of the trajectory.
    pub folder: PathBuf,
    /// Becomes true when the user wants to stop.
    pub cancel: Arc<AtomicBool>,
}

#[cfg(feature = "torch")]
impl DifferentiableSettings {
    /// The strategy at its start, on these networks.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for a space without a relaxed network, or settings that do not fit.
    pub fn strategy(&self, networks: &Networks) -> Result<Differentiable, StudyError> {
        let bad = |name: &str, reason| StudyError::Setting { name: name.to_owned(), reason };
        if self.second_order && networks.setup().training.precision == Precision::Mixed {
            let reason = "mixed; the second-order gradient is the difference of two nearly equal ones, which 16 bits do not tell \
                          apart; take float32, or strategy.second_order = false";
            return Err(bad("training.precision", reason.to_owned()));
        }
        if !networks.skeletons().relaxable {
            let relaxable =
                spaces_with(|space| space.network().is_some_and(|network| network.skeleton().relaxable));
            let reason =
                format!("{}; differentiable search knows {}", networks.space().name(), relaxable.join(", "));
            return Err(bad("space.name", reason));
        }
        let size = SkeletonSize {
            enhancement: Some(self.enhancement),
            partial: Some(self.partial),
            ..networks
                .sized(Size { channels: self.channels, layers: self.layers, auxiliary: false }, Norm::SEARCH)
        };
        let skeleton = networks.skeletons().build(&size).map_err(|e| bad("strategy", e.to_string()))?;
        let network = skeleton
            .network(networks.whole(), &networks.ops())
            .map_err(|e| bad("[strategy]", e.to_string()))?;
        let (training, seed) = (&networks.setup().training, networks.setup().seed);
        let relaxing = self.relaxing(training);
        let search = Differentiable::new(network, networks.task()?, relaxing, networks.placement(0), seed)?;
        Ok(search.threads(training.threads))
    }
}

impl BuildStrategy for DifferentiableSettings {
    #[cfg(feature = "torch")]
    fn build(&self, context: &BuildContext<'_>) -> Result<Box<dyn Strategy>, StudyError> {
        let image_search = context.trainer.and_then(|trainer| trainer.downcast_ref::<ImageSearch>());
        let Some(ImageSearch { setup, folder, cancel }) = image_search else { return Err(needs_images()) };
        let strategy = self.strategy(&Networks::new(setup)?)?;
        Ok(Box::new(strategy.folder(folder.clone()).cancel(cancel.clone())))
    }

    #[cfg(not(feature = "torch"))]
    fn build(&self, _: &BuildContext<'_>) -> Result<Box<dyn Strategy>, StudyError> {
        Err(needs_images())
    }

    fn batch(&self) -> usize {
        1
    }

    /// It proposes the cells of its own network, one at a time.
    fn set_batch(&mut self, _: usize) {}

    fn needs_torch(&self) -> bool {
        true
    }

    fn own_network(&self) -> Option<OwnNetwork> {
        let Self { epochs, channels, layers, .. } = *self;
        let last_only = self.proposes == Some(Proposes::LastEpoch);
        Some(OwnNetwork { epochs, warm_up: self.alpha_start, channels, layers, last_only })
    }

    fn set_epochs(&mut self, epochs: usize, warm_up: usize) {
        (self.epochs, self.alpha_start) = (epochs, warm_up);
    }
}

fn needs_images() -> StudyError {
    let reason = "differentiable trains networks on images; run it with bonas search, with libtorch";
    StudyError::Setting { name: "strategy.name".to_owned(), reason: reason.to_owned() }
}
