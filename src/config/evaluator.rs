//! Settings of the evaluators.

use super::ensure;

crate::choices! {
    /// An evaluator and its settings.
    pub enum EvaluatorSettings as "evaluator" {
        /// A batch is trained together in the supernet of its own operations (BONAS).
        SharedWeights(SharedSettings) = "shared-weights",
        /// Every architecture is trained by itself.
        FromScratch(ScratchSettings) = "from-scratch",
        /// A formula, without any training: for trying things out.
        Synthetic(SyntheticSettings) = "synthetic",
    }
}

crate::settings! {
    /// Settings of the shared-weights evaluator.
    pub struct SharedSettings {
        /// Width C of the first cells. Published: 36.
        channels: usize = 8,
        /// Cells in the network (NAS-Bench-201: cells a stage). Published: 20.
        layers: usize = 5,
        /// Epochs in which the whole supernet is trained. Published: 10.
        warmup_epochs: usize = 2,
        /// Epochs in which one architecture is trained a step. Published: 90.
        path_epochs: usize = 8,
        /// Images a step in the warm-up. Published: 64.
        warmup_batch: usize = 64,
        /// Images a step after it. Published: 128.
        path_batch: usize = 128,
        /// Training images that BatchNorm is estimated on again for each architecture. Published: 10000.
        norm_images: usize = 512,
    }
    check(s) {
        let at_least_1 = |value: usize, key| ensure(value >= 1, key, value, "at least 1");
        at_least_1(s.channels, "channels")?;
        at_least_1(s.layers, "layers")?;
        at_least_1(s.path_epochs, "path_epochs")?;
        at_least_1(s.warmup_batch, "warmup_batch")?;
        at_least_1(s.path_batch, "path_batch")?;
        at_least_1(s.norm_images, "norm_images")
    }
}

crate::settings! {
    /// Settings of the from-scratch evaluator.
    pub struct ScratchSettings {
        /// Width C of the first cells.
        channels: usize = 8,
        /// Cells in the network (NAS-Bench-201: cells a stage).
        layers: usize = 5,
        /// Epochs.
        epochs: usize = 10,
        /// Images a step.
        batch: usize = 64,
    }
    check(s) {
        let at_least_1 = |value: usize, key| ensure(value >= 1, key, value, "at least 1");
        at_least_1(s.channels, "channels")?;
        at_least_1(s.layers, "layers")?;
        at_least_1(s.epochs, "epochs")?;
        at_least_1(s.batch, "batch")
    }
}

crate::settings! {
    /// Settings of the synthetic evaluator.
    pub struct SyntheticSettings {
        /// Standard deviation of the noise on a score.
        noise: f64 = 0.0,
    }
    check(s) { ensure((0.0..f64::INFINITY).contains(&s.noise), "noise", s.noise, "0 or more") }
}
