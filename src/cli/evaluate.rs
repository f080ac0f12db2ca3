//! `bonas evaluate`: what a trained network is worth on labelled images.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::positive;

/// Arguments of `bonas evaluate`.
#[derive(Debug, Args)]
pub(super) struct EvaluateArgs {
    /// Model folder, or the folder of a search or training: that of its winner's first run.
    folder: PathBuf,
    /// Images: digits, cifar10:DIRECTORY, mnist:DIRECTORY, npz:FILE, folder:DIRECTORY, imagenet:DIRECTORY, manifest:FILE, or a
    /// directory.
    #[arg(long)]
    data: String,
    /// Part of them.
    #[arg(long, value_enum, default_value = "test")]
    part: Images,
    /// Share that is the test part of a folder or manifest that has none; without it as in training, as the model says.
    #[arg(long)]
    test_fraction: Option<f64>,
    /// Seed of that split; without it as in training.
    #[arg(long)]
    split_seed: Option<u64>,
    /// What becomes of image files that cannot be read; without it as in training.
    #[arg(long, value_enum)]
    on_bad: Option<Unreadable>,
    /// Both sides of the images are divided by this; without it as in training, as the model says.
    #[arg(long, value_parser = positive)]
    shrink: Option<NonZeroUsize>,
    /// Images at a time.
    #[arg(long, default_value = "256", value_parser = positive)]
    batch: NonZeroUsize,
    /// Where to compute: auto, cpu, cuda or cuda:0.
    #[arg(long, default_value = "auto")]
    device: String,
    /// Also measure how long the network takes for batches of these sizes (up to 65536), with commas between.
    #[arg(long, value_delimiter = ',', value_parser = timed_batch, value_name = "BATCHES")]
    latency: Vec<NonZeroUsize>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Largest batch that is timed.
const LARGEST: usize = 1 << 16;

fn timed_batch(text: &str) -> Result<NonZeroUsize, String> {
    let batch = text.parse().ok().filter(|batch: &NonZeroUsize| batch.get() <= LARGEST);
    batch.ok_or_else(|| format!("it must be a whole number from 1 to {LARGEST}"))
}

/// A part of a dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Images {
    /// The test images.
    Test,
    /// The training images, those that a search holds out or validates on among them.
    Train,
    /// The images of a validation part.
    Val,
}

#[cfg(feature = "torch")]
impl Images {
    fn name(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Train => "train",
            Self::Val => "val",
        }
    }
}

/// What becomes of image files that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Unreadable {
    /// It is an error, which lists them.
    Stop,
    /// They are left out.
    Skip,
}

#[cfg(not(feature = "torch"))]
pub(super) fn evaluate(args: &EvaluateArgs) -> anyhow::Result<()> {
    let EvaluateArgs { folder, data, part, test_fraction, split_seed, on_bad, .. } = args;
    let EvaluateArgs { shrink, batch, device, latency, json, .. } = args;
    let _ = (folder, data, part, test_fraction, split_seed, on_bad, shrink, batch, device, latency, json);
    Err(super::usage("evaluation needs libtorch, and this program was built without it (feature torch)"))
}

#[cfg(feature = "torch")]
pub(super) use torch::evaluate;

#[cfg(feature = "torch")]
mod torch {
    use std::fmt::Write;
    use std::num::NonZeroUsize;

    use bonas::StudyError;
    use bonas::config::DataSettings;
    use bonas::report::{Evaluation, Latency};
    use bonas::study::statistics::Classification;
    use bonas::supernet::data::{
        Augment, Background, BatchOptions, Dataset, Images as Set, Loader, OnBad, load,
    };
    use serde_json::{Value, json};

    use super::super::data::left_out;
    use super::super::evaluated::{Measured, evaluation, keep};
    use super::super::latency;
    use super::super::model::Model;
    use super::super::{change, out, placed, usage};
    use super::{EvaluateArgs, Images, Unreadable};

    /// Prints the figures.
    ///
    /// # Errors
    /// Usage errors for what is no model folder, images of another shape or other classes, or no device.
    pub(in super::super) fn evaluate(args: &EvaluateArgs) -> anyhow::Result<()> {
        let model = Model::open(&args.folder)?;
        let images = images(args, &model)?;
        let classifier = model.classifier(&args.device)?;
        let loader = Loader::new(images.clone(), &model.normalisation(), Augment::none())?;
        let all: Vec<usize> = (0..images.len()).collect();
        let mut batches = loader.ordered(&all, BatchOptions::new(args.batch.get()))?;
        let (mut probabilities, mut labels) = (Vec::with_capacity(all.len()), Vec::with_capacity(all.len()));
        while let Some(batch) = batches.next_batch() {
            probabilities.extend(model.probabilities(&classifier, &batch.pixels)?);
            labels.extend(batch.labels.iter().map(|&label| label as usize));
        }
        let figures = Classification::of(&probabilities, &labels)
            .ok_or_else(|| usage(format!("--data: {} has no images", args.data)))?;
        let measured = Measured { probabilities: &probabilities, labels: &labels, images: &images };
        // The source means the same in any folder, so that the page can name a command.
        let of = (change::source(&args.data, "--data")?, args.part.name());
        let evaluated = evaluation(&model, of, &figures, &measured, &[])?;
        // Kept and printed before anything is timed, which may take long or need more memory than there is.
        keep(&model, &evaluated);
        let classes = &model.folder.card().classes;
        if !args.json {
            out::text(&text_of(&figures, classes, &model))?;
        }
        let latency = latency::measure(&model, &classifier, &args.latency);
        if !latency.is_empty() {
            keep(&model, &Evaluation { latency: latency.clone(), ..evaluated });
        }
        if args.json {
            return out::text(&format!("{:#}\n", json_of(&figures, classes, &model, &latency)));
        }
        out::text(&latency::text(&latency))
    }

    /// The images, which must be those of the network's classes.
    fn images(args: &EvaluateArgs, model: &Model) -> anyhow::Result<Set> {
        let settings = settings(args, model)?;
        let flag = |key: &str| match key {
            "data" => "--data".to_owned(),
            "image_size" | "resize" => "--shrink: size of the images before".to_owned(),
            key => format!("--{}", key.replace('_', "-")),
        };
        let data =
            load(&settings.source, &settings.options()).map_err(|error: StudyError| placed(error, flag))?;
        if let Some(left_out) = left_out(data.left_out.iter()) {
            out::error(left_out.trim_end());
        }
        expect_drawn(args, &data)?;
        let (card, shape) = (model.folder.card(), model.shape());
        let images = part(args, data)?;
        if images.shape() != shape {
            let there = images.shape();
            return Err(usage(format!("--data: images of {there}, and the network reads {shape}")));
        }
        if images.class_names() != card.classes {
            let list = |names: &[String]| {
                let more = if names.len() > 6 { ", .." } else { "" };
                format!("{} ({}{more})", names.len(), names[..names.len().min(6)].join(", "))
            };
            let (there, own) = (list(images.class_names()), list(&card.classes));
            return Err(usage(format!("--data: classes {there}, and those of the network are {own}")));
        }
        Ok(images)
    }

    /// Refuses settings of a draw where the test part is not drawn.
    fn expect_drawn(args: &EvaluateArgs, data: &Dataset) -> anyhow::Result<()> {
        let flag = match (args.test_fraction, args.split_seed) {
            (Some(fraction), _) => format!("--test-fraction: {fraction}"),
            (None, Some(seed)) => format!("--split-seed: {seed}"),
            (None, None) => return Ok(()),
        };
        if data.test_is_drawn {
            return Ok(());
        }
        Err(usage(format!("{flag}, but {} has a test part of its own; leave it out", args.data)))
    }

    /// The images of the part that is asked for.
    fn part(args: &EvaluateArgs, data: Dataset) -> anyhow::Result<Set> {
        match (args.part, &data.split) {
            (Images::Test, _) => Ok(data.test),
            (Images::Train, _) => Ok(data.train),
            (Images::Val, Some(split)) => Ok(data.train.select(&split.validation)?),
            (Images::Val, None) => {
                Err(usage(format!("--part val: {} has no validation part of its own", args.data)))
            }
        }
    }

    /// Where the images are, and how they are read: as in training, but for what flags change.
    fn settings(args: &EvaluateArgs, model: &Model) -> anyhow::Result<DataSettings> {
        let (card, shape, usual) = (model.folder.card(), model.shape(), DataSettings::default());
        let trained = card.training.as_ref().map(|training| &training.data);
        let shrink = args.shrink.map_or(card.input.reading.shrink, NonZeroUsize::get);
        // Images are scaled first, and shrunk to what the network reads.
        let Some(image_size) = shape.height.checked_mul(shrink) else {
            return Err(usage(format!("--shrink: {shrink} is too large for images of {shape}")));
        };
        let on_bad = args.on_bad.or_else(|| trained.map(|data| data.on_bad.into()));
        Ok(DataSettings {
            source: change::source(&args.data, "--data")?,
            image_size,
            resize: card.input.reading.resize,
            shrink,
            test_fraction: args
                .test_fraction
                .unwrap_or(trained.map_or(usual.test_fraction, |data| data.test_fraction)),
            split_seed: args.split_seed.unwrap_or(trained.map_or(usual.split_seed, |data| data.split_seed)),
            on_bad: on_bad.map(|on_bad| match on_bad {
                Unreadable::Stop => OnBad::Stop,
                Unreadable::Skip => OnBad::Skip,
            }),
            background: Some(Background(card.input.reading.background)),
            ..usual
        })
    }

    impl From<bonas::deploy::folder::OnBad> for Unreadable {
        fn from(on_bad: bonas::deploy::folder::OnBad) -> Self {
            match on_bad {
                bonas::deploy::folder::OnBad::Stop => Self::Stop,
                bonas::deploy::folder::OnBad::Skip => Self::Skip,
            }
        }
    }

    fn percent(share: Option<f64>) -> String {
        share.map_or("-".to_owned(), |share| format!("{:.2} %", 100.0 * share))
    }

    fn text_of(figures: &Classification, classes: &[String], model: &Model) -> String {
        let mut text = String::new();
        let images: usize = (0..classes.len()).map(|class| figures.examples(class)).sum();
        let size = std::fs::metadata(model.folder.weights_file()).map_or(0, |file| file.len());
        let rows = [
            ("images", images.to_string()),
            ("accuracy", percent(Some(figures.accuracy))),
            ("top-5 accuracy", percent(figures.top5)),
            ("balanced accuracy", percent(Some(figures.balanced_accuracy))),
            ("calibration error", percent(Some(figures.calibration_error))),
            ("parameters", model.network.params().to_string()),
            ("bytes of weights", size.to_string()),
        ];
        for (name, value) in rows.iter().filter(|(_, value)| value != "-") {
            let _ = writeln!(text, "{name:<18} {value}");
        }
        let width = classes.iter().map(|class| class.chars().count()).max().unwrap_or(0).max(5);
        let _ = writeln!(text, "\n{:width$} {:>8} {:>10} {:>10}", "class", "images", "precision", "recall");
        for (i, class) in classes.iter().enumerate() {
            let (precision, recall) = (percent(figures.precision(i)), percent(figures.recall(i)));
            let _ = writeln!(text, "{class:width$} {:>8} {precision:>10} {recall:>10}", figures.examples(i));
        }
        text + "\n" + &confusion(figures, classes, width)
    }

    /// The confusion matrix: a row for each class, a column for each answer by its place in the list of classes.
    fn confusion(figures: &Classification, classes: &[String], width: usize) -> String {
        let most = figures.confusion.iter().flatten().max().copied().unwrap_or(0);
        let column = most.max(classes.len()).to_string().len() + 1;
        let mut text = format!("{:width$}   ", "answer");
        for answer in 0..classes.len() {
            let _ = write!(text, "{answer:>column$}");
        }
        text.push('\n');
        for (i, (class, row)) in classes.iter().zip(&figures.confusion).enumerate() {
            let _ = write!(text, "{class:width$} {i:<2}");
            for count in row {
                let _ = write!(text, "{count:>column$}");
            }
            text.push('\n');
        }
        text
    }

    /// Keys: `images`, `accuracy`, `top5_accuracy`, `balanced_accuracy`, `calibration_error` (shares), `parameters`,
    /// `macs`, `classes[] {class, images, precision, recall}`, `confusion[][]` (rows are classes, columns answers) and
    /// `latency[] {batch, median_ms, p95_ms, runs, device, threads}`.
    fn json_of(figures: &Classification, classes: &[String], model: &Model, latency: &[Latency]) -> Value {
        let class = |(i, name): (usize, &String)| {
            json!({
                "class": name, "images": figures.examples(i),
                "precision": figures.precision(i), "recall": figures.recall(i),
            })
        };
        json!({
            "images": figures.confusion.iter().flatten().sum::<usize>(),
            "accuracy": figures.accuracy,
            "top5_accuracy": figures.top5,
            "balanced_accuracy": figures.balanced_accuracy,
            "calibration_error": figures.calibration_error,
            "parameters": model.network.params(),
            "macs": model.folder.card().macs,
            "classes": classes.iter().enumerate().map(class).collect::<Vec<_>>(),
            "confusion": figures.confusion,
            "latency": latency,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_to_time_has_a_bound() {
        assert_eq!(timed_batch("65536").unwrap().get(), 65536);
        for text in ["0", "65537", "9999999999", "99999999999999999999999", "x"] {
            assert!(timed_batch(text).unwrap_err().contains("from 1 to 65536"), "{text}");
        }
    }
}
