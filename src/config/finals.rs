//! The section `[final]`: how the winner is trained from scratch.

use bonas_study::StudyError;
use bonas_study::settings::{Invalid, Settings, at_least_1, ensure};
use bonas_supernet::data::{Augment, Jitter, RandAugment, RandomCrop};
use bonas_supernet::recipe::{
    Freeze, OptimizerName, OptimizerRecipe, RateBy, ScheduleName, ScheduleRecipe, ScratchRecipe, Sgd,
    TrainingSettings,
};

/// The images that final training learns from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FinalImages {
    /// All training images.
    #[default]
    All,
    /// Those that the search trained on, without the ones it scored on.
    Search,
}

bonas_study::settings! {
    /// Training the winner, and random cells to set beside it, from scratch.
    pub struct FinalSettings {
        /// Random architectures trained beside the winner with equal budget; 0: none.
        random: usize = 5,
        /// Seeds an architecture is trained with; 0: no final training.
        seeds: usize = 3,
        /// Training images: all, or search (those that the search trained on, without the ones it
        /// scored on: its own task, for which its winner was chosen).
        images: FinalImages = FinalImages::All,
        /// Of all, images used at most, drawn evenly from the classes; 0: as many as `data.limit`
        /// says. Fewer than the search had make a harder task, at which cells differ more.
        limit: usize = 0,
        /// Epochs.
        epochs: usize = 20,
        /// Images a step.
        batch: usize = 96,
        /// Width C of the first cells.
        channels: usize = 8,
        /// Cells in the network (cells a stage, where the skeleton has stages).
        layers: usize = 5,
        /// Weight of the auxiliary head's loss; 0: no auxiliary head. Published: 0.4.
        auxiliary_weight: f64 = 0.0,
        /// Largest probability of dropping a path; it grows from 0 over the epochs. Published: 0.2.
        drop_path: f64 = 0.0,
        /// Side in pixels of the square cut out of training images; 0: none. CIFAR-10: 16.
        cutout: usize = 0,
        /// Label smoothing. Published for large images: 0.1.
        label_smoothing: f64 = 0.0,
        /// Network around the cells, such as darts-imagenet; that of `[training]` if it is not set.
        skeleton: Option<String> = None,
        /// Learning rate at the start; training.learning_rate if it is not set. This and the next four may differ from the
        /// search's.
        learning_rate: Option<f64> = None,
        /// Learning rate at the end; training.final_learning_rate if it is not set.
        final_learning_rate: Option<f64> = None,
        /// Momentum of sgd and rmsprop; training.momentum if it is not set.
        momentum: Option<f64> = None,
        /// Weight decay; training.weight_decay if it is not set.
        weight_decay: Option<f64> = None,
        /// Largest norm of the gradient, 0 for no bound; training.gradient_clip if it is not set.
        gradient_clip: Option<f64> = None,
        /// The optimiser (`bonas list optimizers`); sgd if it is not set.
        optimizer: Option<OptimizerName> = None,
        /// For sgd: whether to look ahead (Nesterov); false if it is not set.
        nesterov: Option<bool> = None,
        /// For adam and adamw: decay of the mean of gradients; 0.9 if it is not set.
        beta1: Option<f64> = None,
        /// For adam and adamw: decay of the mean of their squares; 0.999 if it is not set.
        beta2: Option<f64> = None,
        /// For adam, adamw and rmsprop: what keeps denominators from 0; 1e-8, and 1e-10 for rmsprop-tf, if it is not set.
        epsilon: Option<f64> = None,
        /// For rmsprop: decay of the mean of squares; 0.99, and 0.9 for rmsprop-tf, if it is not set.
        rms_decay: Option<f64> = None,
        /// Whether BatchNorm and biases decay like other weights; true if it is not set.
        decay_vectors: Option<bool> = None,
        /// How the learning rate changes (`bonas list schedules`); cosine if it is not set.
        schedule: Option<ScheduleName> = None,
        /// When it changes: epoch (once an epoch), or step; epoch if it is not set.
        rate_by: Option<RateBy> = None,
        /// Epochs at the start in which the learning rate grows; 0 if it is not set. For one-cycle those to its peak, and 0
        /// stands for 30 % of training.
        warmup_epochs: Option<usize> = None,
        /// For step: epochs between two steps; 1 if it is not set.
        step_epochs: Option<usize> = None,
        /// For step: what the learning rate is multiplied by; 0.97 if it is not set.
        step_factor: Option<f64> = None,
        /// Decay of an exponential moving average of the weights, which the trained network has in the end, such as 0.9999;
        /// 0 (none) if it is not set.
        averaging: Option<f64> = None,
        /// Parameter alpha of mixup; 0 (none) if it is not set.
        mixup: Option<f64> = None,
        /// Parameter alpha of CutMix; 0 (none) if it is not set. With both, each batch takes one of them at random.
        cutmix: Option<f64> = None,
        /// Training images are crops of random size and shape, of this share of the image's area at least; crops of the padded image
        /// if it is not set. Published for large images: 0.08.
        crop_scale: Option<f64> = None,
        /// With crop_scale: largest ratio of the sides of a crop; 4/3 if it is not set.
        crop_ratio: Option<f64> = None,
        /// Operations of RandAugment that each training image goes through, drawn from torchvision's fourteen; 0 (none) if it is not
        /// set. Usual: 2.
        rand_augment: Option<usize> = None,
        /// With rand_augment: magnitude of its operations, 0 to 30; 9 if it is not set.
        rand_augment_magnitude: Option<usize> = None,
        /// How much the brightness of training images varies; 0 (not at all) if it is not set. This and the next three as
        /// torchvision's ColorJitter. Published for large images: 0.4.
        brightness: Option<f64> = None,
        /// How much their contrast varies; 0 if it is not set. Published for large images: 0.4.
        contrast: Option<f64> = None,
        /// How much their saturation varies; 0 if it is not set. Published for large images: 0.4.
        saturation: Option<f64> = None,
        /// How much their hue varies, up to 0.5; 0 if it is not set. Published for large images: 0.2.
        hue: Option<f64> = None,
        /// Model folder to start from (`bonas train --init`): the weights of the same architecture; drawn if it is not set.
        init: Option<String> = None,
        /// Of init, layers that keep its weights: none, stem (those before the first cell), or all (but the classifier); none
        /// if it is not set.
        freeze: Option<Freeze> = None,
        /// What the learning rate is multiplied by for each layer between a weight and the logits, such as 0.75; 1 if it is
        /// not set.
        layer_decay: Option<f64> = None,
    }
    check(s) {
        at_least_1(s.epochs, "epochs")?;
        ensure(s.batch >= 2, "batch", s.batch, "at least 2")?;
        at_least_1(s.channels, "channels")?;
        at_least_1(s.layers, "layers")?;
        let limited = s.limit > 0 && s.images == FinalImages::Search;
        ensure(!limited, "limit", s.limit, "0 with images = \"search\"")?;
        let weight = s.auxiliary_weight;
        ensure((0.0..=10.0).contains(&weight), "auxiliary_weight", weight, "0 (off) to 10")?;
        probability(s.drop_path, "drop_path")?;
        probability(s.label_smoothing, "label_smoothing")?;
        s.check_colours()?;
        s.check_keys()?;
        if s.init.is_none() && s.freeze.is_some_and(|freeze| freeze != Freeze::None) {
            let reason = "it keeps weights of a trained network, and final.init names none".to_owned();
            return Err(Invalid { key: "freeze", reason });
        }
        s.check_recipe()
    }
}

fn probability(value: f64, key: &'static str) -> Result<(), Invalid> {
    ensure((0.0..1.0).contains(&value), key, value, "0 up to, not including, 1")
}

/// Refuses a key that is read with another one only.
fn read_with(given: bool, key: &'static str, other: &str) -> Result<(), Invalid> {
    let reason = format!("it is not read without {other}; leave it out, or set {other}");
    if given { Ok(()) } else { Err(Invalid { key, reason }) }
}

/// Keys that only some optimisers read.
const OF_OPTIMIZERS: &[&str] = &["momentum", "nesterov", "beta1", "beta2", "epsilon", "rms_decay"];
/// Keys that only some schedules read.
const OF_SCHEDULES: &[&str] = &["step_epochs", "step_factor"];

/// Usual magnitude of `RandAugment`, and its largest.
const MAGNITUDE: usize = 9;
const LARGEST_MAGNITUDE: usize = 30;
/// Most operations of `RandAugment` on an image.
const MOST_OPERATIONS: usize = 14;
/// Largest ratio of the sides of a random crop, as published.
const CROP_RATIO: f64 = 4.0 / 3.0;

impl FinalSettings {
    /// How training images are varied, where some way is usual for the dataset.
    pub fn augment(&self, usual: Augment) -> Augment {
        let cutout = (self.cutout > 0).then_some(self.cutout).or(usual.cutout);
        let ratio = self.crop_ratio.unwrap_or(CROP_RATIO);
        let crop = self.crop_scale.map(|scale| RandomCrop { scale, ratio }).or(usual.crop);
        let operations = self.rand_augment.filter(|&operations| operations > 0);
        let magnitude = self.rand_augment_magnitude.unwrap_or(MAGNITUDE);
        let rand_augment =
            operations.map(|operations| RandAugment { operations, magnitude }).or(usual.rand_augment);
        let each = [self.brightness, self.contrast, self.saturation, self.hue];
        let [brightness, contrast, saturation, hue] = each.map(Option::unwrap_or_default);
        let varies = each.into_iter().flatten().any(|x| x > 0.0);
        let jitter = varies.then_some(Jitter { brightness, contrast, saturation, hue }).or(usual.jitter);
        Augment { cutout, crop, rand_augment, jitter, ..usual }
    }

    /// Refuses crops and colours that are out of range.
    fn check_colours(&self) -> Result<(), Invalid> {
        if let Some(scale) = self.crop_scale {
            ensure(scale > 0.0 && scale <= 1.0, "crop_scale", scale, "above 0, up to 1")?;
        }
        if let Some(ratio) = self.crop_ratio {
            read_with(self.crop_scale.is_some(), "crop_ratio", "crop_scale")?;
            ensure((1.0..f64::INFINITY).contains(&ratio), "crop_ratio", ratio, "1 or more")?;
        }
        let operations = self.rand_augment.unwrap_or_default();
        let most = format!("0 (off) to {MOST_OPERATIONS}");
        ensure(operations <= MOST_OPERATIONS, "rand_augment", operations, &most)?;
        if let Some(magnitude) = self.rand_augment_magnitude {
            read_with(operations > 0, "rand_augment_magnitude", "rand_augment")?;
            let most = format!("0 to {LARGEST_MAGNITUDE}");
            ensure(magnitude <= LARGEST_MAGNITUDE, "rand_augment_magnitude", magnitude, &most)?;
        }
        for (key, value) in
            [("brightness", self.brightness), ("contrast", self.contrast), ("saturation", self.saturation)]
        {
            let value = value.unwrap_or_default();
            ensure((0.0..f64::INFINITY).contains(&value), key, value, "0 (off) or more")?;
        }
        let hue = self.hue.unwrap_or_default();
        ensure((0.0..=0.5).contains(&hue), "hue", hue, "0 (off) to 0.5")
    }

    /// The recipe of the final training.
    pub fn recipe(&self, training: &TrainingSettings) -> ScratchRecipe {
        ScratchRecipe {
            label_smoothing: self.label_smoothing,
            drop_path: self.drop_path,
            auxiliary_weight: self.auxiliary_weight,
            sgd: self.sgd(training),
            optimizer: self.optimizer_recipe(),
            schedule: self.schedule_recipe(),
            averaging: self.averaging.unwrap_or(0.0),
            mixup: self.mixup.unwrap_or(0.0),
            cutmix: self.cutmix.unwrap_or(0.0),
            freeze: self.freeze.unwrap_or_default(),
            layer_decay: self.layer_decay.unwrap_or(1.0),
            ..training.plain(self.epochs, self.batch)
        }
    }

    /// The same, of values that are in their ranges.
    ///
    /// # Errors
    /// [`StudyError::Setting`] that names the key with its section.
    pub fn checked_recipe(&self, training: &TrainingSettings) -> Result<ScratchRecipe, StudyError> {
        let recipe = self.recipe(training);
        recipe.check().map_err(|error| match error {
            StudyError::Setting { name, reason } => {
                StudyError::Setting { name: format!("final.{name}"), reason }
            }
            other => other,
        })?;
        Ok(recipe)
    }

    /// Rates and decay: those of `[training]` where these settings have none.
    fn sgd(&self, training: &TrainingSettings) -> Sgd {
        Sgd {
            learning_rate: self.learning_rate.unwrap_or(training.learning_rate),
            final_learning_rate: self.final_learning_rate.unwrap_or(training.final_learning_rate),
            momentum: self.momentum.unwrap_or(training.momentum),
            weight_decay: self.weight_decay.unwrap_or(training.weight_decay),
            gradient_clip: self.gradient_clip.unwrap_or(training.gradient_clip),
        }
    }

    fn optimizer_recipe(&self) -> OptimizerRecipe {
        let usual = OptimizerRecipe::default();
        OptimizerRecipe {
            name: self.optimizer.unwrap_or_default(),
            nesterov: self.nesterov.unwrap_or(usual.nesterov),
            beta1: self.beta1.unwrap_or(usual.beta1),
            beta2: self.beta2.unwrap_or(usual.beta2),
            epsilon: self.epsilon,
            rms_decay: self.rms_decay,
            decay_vectors: self.decay_vectors.unwrap_or(usual.decay_vectors),
        }
    }

    fn schedule_recipe(&self) -> ScheduleRecipe {
        let usual = ScheduleRecipe::default();
        ScheduleRecipe {
            name: self.schedule.unwrap_or_default(),
            by: self.rate_by.unwrap_or(usual.by),
            warmup_epochs: self.warmup_epochs.unwrap_or(usual.warmup_epochs),
            step_epochs: self.step_epochs.unwrap_or(usual.step_epochs),
            step_factor: self.step_factor.unwrap_or(usual.step_factor),
        }
    }

    /// Keys that mean nothing once another optimiser or schedule is named; `key` is the one that names it.
    pub fn keys_of(key: &str) -> &'static [&'static str] {
        match key {
            "optimizer" => OF_OPTIMIZERS,
            "schedule" => OF_SCHEDULES,
            _ => &[],
        }
    }

    /// Refuses a key that the optimiser or the schedule does not read.
    fn check_keys(&self) -> Result<(), Invalid> {
        let (optimizer, schedule) = (self.optimizer.unwrap_or_default(), self.schedule.unwrap_or_default());
        let given = [
            ("momentum", self.momentum.is_some()),
            ("nesterov", self.nesterov.is_some()),
            ("beta1", self.beta1.is_some()),
            ("beta2", self.beta2.is_some()),
            ("epsilon", self.epsilon.is_some()),
            ("rms_decay", self.rms_decay.is_some()),
            ("step_epochs", self.step_epochs.is_some()),
            ("step_factor", self.step_factor.is_some()),
        ];
        for (key, _) in given.into_iter().filter(|(_, given)| *given) {
            let (what, name, reads) = if OF_SCHEDULES.contains(&key) {
                ("schedule", schedule.name(), schedule.entry().reads)
            } else {
                ("optimizer", optimizer.name(), optimizer.entry().reads)
            };
            if !reads.contains(&key) {
                let reason = format!("{what} {name} does not read it; leave it out, or take another {what}");
                return Err(Invalid { key, reason });
            }
        }
        Ok(())
    }

    /// Refuses numbers of the recipe that are out of range, as far as these settings alone say it.
    fn check_recipe(&self) -> Result<(), Invalid> {
        let mut training = TrainingSettings::default();
        if self.learning_rate.is_none() {
            // That of [training] is not known here.
            training.learning_rate = self.final_learning_rate.unwrap_or_default().max(training.learning_rate);
        }
        match self.recipe(&training).check() {
            Err(StudyError::Setting { name, reason }) => {
                match Self::KEYS.iter().map(|known| known.key).find(|key| *key == name) {
                    Some(key) => Err(Invalid { key, reason }),
                    None => Err(Invalid { key: "optimizer", reason: format!("{name}: {reason}") }),
                }
            }
            Err(other) => Err(Invalid { key: "optimizer", reason: other.to_string() }),
            Ok(()) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{SearchConfig, plain};

    fn read(keys: &str) -> Result<FinalSettings, String> {
        let config = SearchConfig::from_toml(&format!("[final]\n{keys}"), "test");
        config.map(|config| config.finals).map_err(|error| error.to_string())
    }

    #[test]
    fn keys_without_a_value_leave_recipe_and_text_as_they_were() {
        let (finals, training) = (FinalSettings::default(), TrainingSettings::default());
        let recipe = finals.recipe(&training);
        let before = ScratchRecipe { label_smoothing: 0.0, ..training.plain(finals.epochs, finals.batch) };
        assert_eq!(recipe, before);
        assert!(plain("final", &finals).ends_with("label_smoothing = 0.0\n"), "{}", plain("final", &finals));
    }

    #[test]
    fn rates_of_final_training_may_differ_from_those_of_the_search() {
        let finals =
            read("learning_rate = 0.5\ngradient_clip = 0.0\noptimizer = \"rmsprop-tf\"\nepsilon = 1.0\n")
                .unwrap();
        let recipe = finals.recipe(&TrainingSettings { momentum: 0.3, ..TrainingSettings::default() });
        assert_eq!((recipe.sgd.learning_rate, recipe.sgd.momentum, recipe.sgd.clip()), (0.5, 0.3, None));
        assert_eq!((recipe.optimizer.name.name(), recipe.optimizer.epsilon), ("rmsprop-tf", Some(1.0)));
    }

    #[test]
    fn what_does_not_fit_the_training_section_is_told_with_the_section() {
        let finals = FinalSettings { learning_rate: Some(0.001), ..FinalSettings::default() };
        let training = TrainingSettings { final_learning_rate: 0.01, ..TrainingSettings::default() };
        let error = finals.checked_recipe(&training).unwrap_err().to_string();
        assert_eq!(error, "bad setting final.final_learning_rate: 0.01; it must be in [0, 0.001]");
        let recipe = finals.checked_recipe(&TrainingSettings::default()).unwrap();
        assert_eq!(recipe, finals.recipe(&TrainingSettings::default()));
    }

    #[test]
    fn crops_and_colours_are_laid_over_what_is_usual() {
        let usual = Augment::photos(64);
        assert_eq!(FinalSettings::default().augment(usual), usual);
        let found = read("crop_scale = 0.25\nhue = 0.1\ncutout = 8\n").unwrap().augment(usual);
        let jitter = Jitter { hue: 0.1, ..Jitter::default() };
        let crop = RandomCrop { scale: 0.25, ratio: 4.0 / 3.0 };
        assert_eq!(found, Augment { crop: Some(crop), jitter: Some(jitter), cutout: Some(8), ..usual });
        assert_eq!(read("brightness = 0.0\nrand_augment = 0").unwrap().augment(usual), usual, "off");
        let operations = read("rand_augment = 2").unwrap().augment(usual).rand_augment;
        assert_eq!(operations, Some(RandAugment { operations: 2, magnitude: 9 }));
    }

    #[test]
    fn what_does_not_fit_is_refused_by_its_key() {
        for (keys, expected) in [
            ("crop_scale = 0.0", "final.crop_scale: 0"),
            ("crop_ratio = 1.5", "final.crop_ratio: it is not read without crop_scale"),
            ("crop_scale = 0.5\ncrop_ratio = 0.5", "final.crop_ratio: 0.5"),
            ("brightness = -0.1", "final.brightness: -0.1"),
            ("saturation = inf", "final.saturation: inf"),
            ("hue = 0.6", "final.hue: 0.6"),
            ("rand_augment = 15", "final.rand_augment: 15"),
            (
                "rand_augment_magnitude = 9",
                "final.rand_augment_magnitude: it is not read without rand_augment",
            ),
            ("rand_augment = 2\nrand_augment_magnitude = 31", "final.rand_augment_magnitude: 31"),
            ("nesterov = true\noptimizer = \"adam\"", "final.nesterov: optimizer adam does not read it"),
            ("beta1 = 0.5", "final.beta1: optimizer sgd does not read it"),
            ("step_factor = 0.5", "final.step_factor: schedule cosine does not read it"),
            ("optimizer = \"adma\"", "final.optimizer: unknown optimizer `adma`; did you mean `adam`?"),
            ("schedule = \"stepp\"", "final.schedule: unknown schedule `stepp`; did you mean `step`?"),
            ("rate_by = \"steps\"", "final.rate_by: unknown variant `steps`"),
            ("learning_rate = nan", "final.learning_rate: NaN"),
            ("learning_rate = 0.1\nfinal_learning_rate = 0.2", "final.final_learning_rate: 0.2"),
            ("warmup_epochs = 20", "final.warmup_epochs: 20 of 20 epochs"),
            ("averaging = 1.0", "final.averaging: 1"),
            ("freeze = \"stem\"", "final.freeze: it keeps weights of a trained network"),
            ("init = \"m\"\nfreeze = \"head\"", "final.freeze: unknown variant `head`"),
            ("layer_decay = 0.0", "final.layer_decay: 0"),
            ("layer_decay = 1.5", "final.layer_decay: 1.5"),
            (
                "init = \"m\"\nfreeze = \"all\"\nauxiliary_weight = 0.4",
                "final.auxiliary_weight: 0.4; it must be 0",
            ),
            ("mixup = -1.0", "final.mixup: -1"),
            ("momentum = 0.0\nnesterov = true", "final.nesterov: true without momentum"),
        ] {
            let error = read(keys).unwrap_err();
            assert!(error.contains(expected), "{keys}: {error}");
        }
        // The rate of [training] may be higher.
        assert!(read("final_learning_rate = 0.2").is_ok());
    }
}
