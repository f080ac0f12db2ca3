//! Settings of training.

use bonas_spaces::network::Kernels;
use bonas_study::settings::ensure;

use super::{ScratchRecipe, Sgd};

/// Arithmetic of training.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// 32 bits.
    #[default]
    Float32,
    /// 16 bits (bfloat16) where it is safe, 32 bits elsewhere.
    Mixed,
}

bonas_study::settings! {
    /// How networks are trained, in the search and at the end alike: stochastic gradient descent
    /// with a cosine schedule.
    pub struct TrainingSettings {
        /// Learning rate at the start.
        learning_rate: f64 = 0.025,
        /// Learning rate at the end of the cosine.
        final_learning_rate: f64 = 0.0,
        /// Momentum.
        momentum: f64 = 0.9,
        /// L2 penalty on every trained parameter.
        weight_decay: f64 = 3e-4,
        /// Largest norm of the gradient over all parameters of a step.
        gradient_clip: f64 = 5.0,
        /// Training images from which BatchNorm statistics are re-estimated once a network is trained
        /// from scratch; 0: the running averages of training, as published. After few steps these
        /// lag behind the weights, and scores of one cell scatter.
        statistics_images: usize = 0,
        /// Network around the cells in a search and its shortlist, such as darts-imagenet, which halves large images three times
        /// before its first cell; the space's first (`bonas describe`) if it is not set.
        skeleton: Option<String> = None,
        /// Where to compute: auto (every GPU, else the CPU), cpu, cuda, or cuda:0,1,...
        device: String = "auto".to_owned(),
        /// Threads of one worker on the CPU. The last digits of sums depend on it, and so may a
        /// history; on the number of workers they do not.
        threads: usize = 1,
        /// Arithmetic: float32 or mixed.
        precision: Precision = Precision::Float32,
        /// How a convolution of several kernels makes the smaller ones of the larger in networks that share weights
        /// (once-for-all-224): transformed (if it is not set; by learned matrices, Cai et al. 2020) or cropped.
        elastic_kernels: Option<Kernels> = None,
        /// Whether tensors lie channels-last in memory; quicker on GPUs with mixed precision.
        channels_last: bool = false,
    }
    check(s) {
        let rate = s.learning_rate > 0.0 && s.learning_rate <= 1e3;
        ensure(rate, "learning_rate", s.learning_rate, "above 0, at most 1000")?;
        let end = (0.0..=s.learning_rate).contains(&s.final_learning_rate);
        ensure(end, "final_learning_rate", s.final_learning_rate, "0 to learning_rate")?;
        ensure((1..=1024).contains(&s.threads), "threads", s.threads, "1 to 1024")?;
        ensure((0.0..1.0).contains(&s.momentum), "momentum", s.momentum, "0 up to, not including, 1")?;
        ensure((0.0..=1.0).contains(&s.weight_decay), "weight_decay", s.weight_decay, "0 to 1")?;
        let clip = s.gradient_clip > 0.0 && s.gradient_clip.is_finite();
        ensure(clip, "gradient_clip", s.gradient_clip, "a number above 0")?;
        ensure(s.statistics_images != 1, "statistics_images", s.statistics_images, "0, or at least 2")
    }
}

impl TrainingSettings {
    /// The optimiser of these settings.
    pub fn sgd(&self) -> Sgd {
        Sgd {
            learning_rate: self.learning_rate,
            final_learning_rate: self.final_learning_rate,
            momentum: self.momentum,
            weight_decay: self.weight_decay,
            gradient_clip: self.gradient_clip,
        }
    }

    /// The recipe of training from scratch without drop-path, label smoothing or auxiliary head.
    pub fn plain(&self, epochs: usize, batch: usize) -> ScratchRecipe {
        let statistics_images = self.statistics_images;
        ScratchRecipe { statistics_images, ..ScratchRecipe::plain(epochs, batch, self.sgd()) }
    }
}
