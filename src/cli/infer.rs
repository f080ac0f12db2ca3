//! `bonas infer`: image files classified by a trained network.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::positive;

/// Arguments of `bonas infer`.
#[derive(Debug, Args)]
pub(super) struct InferArgs {
    /// Model folder, or the folder of a search or training: that of its winner's first run.
    folder: PathBuf,
    /// Image files (png, jpeg, bmp), folders of them, or - for a list on standard input, one path a line.
    #[arg(required = true)]
    images: Vec<PathBuf>,
    /// Form of the answers.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    /// Classes to name of each image, the most probable first.
    #[arg(long, default_value = "1", value_parser = positive)]
    top: NonZeroUsize,
    /// Images at a time.
    #[arg(long, default_value = "64", value_parser = positive)]
    batch: NonZeroUsize,
    /// Where to compute: auto, cpu, cuda or cuda:0.
    #[arg(long, default_value = "auto")]
    device: String,
}

/// A form of answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Probability, class and file in columns.
    Table,
    /// CSV with columns image, rank, class and probability.
    Csv,
    /// A JSON list of {image, classes[{class, probability}]}.
    Json,
}

#[cfg(not(feature = "torch"))]
pub(super) fn infer(args: &InferArgs) -> anyhow::Result<()> {
    let InferArgs { folder, images, format, top, batch, device } = args;
    let _ = (folder, images, format, top, batch, device);
    Err(super::usage("inference needs libtorch, and this program was built without it (feature torch)"))
}

#[cfg(feature = "torch")]
pub(super) use torch::infer;

#[cfg(feature = "torch")]
mod torch {
    use std::io::BufRead;
    use std::path::{Path, PathBuf};

    use bonas::study::{cores, parallel};
    use bonas::supernet::data::{EXTENSIONS, ImageFiles};
    use serde_json::json;

    use super::super::model::Model;
    use super::super::{Partly, message, out, usage};
    use super::{Format, InferArgs};

    /// Classifies the images, batch by batch, and names those that cannot be read.
    ///
    /// # Errors
    /// Usage errors for what is no model folder, a network that reads no image files, no image at all, or no device; [`Partly`] where images cannot be read.
    pub(in super::super) fn infer(args: &InferArgs) -> anyhow::Result<()> {
        let model = Model::open(&args.folder)?;
        let files = model.image_files()?;
        let classifier = model.classifier(&args.device)?;
        let images = listed(&args.images)?;
        let mut writer = Writer { args, classes: &model.folder.card().classes, written: 0 };
        let (plane, affine) = (model.shape().height * model.shape().width, model.normalisation().affine());
        let mut unread = 0;
        writer.begin()?;
        for batch in images.chunks(args.batch.get()) {
            let (mut read, mut pixels) = (Vec::with_capacity(batch.len()), Vec::new());
            for (path, image) in batch.iter().zip(decoded(batch, &files)) {
                match image {
                    Ok(bytes) => {
                        read.push(path);
                        for (values, &(scale, shift)) in bytes.chunks_exact(plane).zip(&affine) {
                            pixels.extend(values.iter().map(|&value| f32::from(value) * scale + shift));
                        }
                    }
                    Err(error) => {
                        unread += 1;
                        out::error(&message(&error));
                    }
                }
            }
            if !read.is_empty() {
                let probabilities = model.probabilities(&classifier, &pixels)?;
                writer.write(&read, &probabilities)?;
            }
        }
        writer.end()?;
        if unread == 0 {
            return Ok(());
        }
        Err(anyhow::Error::new(Partly(format!("{unread} of {} images cannot be read", images.len()))))
    }

    /// Images decoded on all cores, in their order.
    fn decoded(paths: &[PathBuf], files: &ImageFiles) -> Vec<anyhow::Result<Vec<u8>>> {
        let mut images: Vec<Option<anyhow::Result<Vec<u8>>>> = paths.iter().map(|_| None).collect();
        let read = |i: usize| files.read(&paths[i]).map_err(anyhow::Error::from);
        parallel(paths.len(), cores(), read, |i, image| {
            images[i] = Some(image);
            true
        });
        images.into_iter().flatten().collect()
    }

    /// The images that the arguments name.
    fn listed(arguments: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
        let mut images = Vec::new();
        for path in arguments {
            if path.as_os_str() == "-" {
                for line in std::io::stdin().lock().lines() {
                    let line = line?;
                    images.extend((!line.is_empty()).then(|| PathBuf::from(line)));
                }
            } else if path.is_dir() {
                let before = images.len();
                below(path, &mut images)?;
                if images.len() == before {
                    let ends = EXTENSIONS.join(", ");
                    return Err(usage(format!("{} holds no image ({ends})", path.display())));
                }
            } else {
                images.push(path.clone());
            }
        }
        if images.is_empty() { Err(usage("the list on standard input names no image")) } else { Ok(images) }
    }

    /// Adds the images below a folder, in the order of their names. Links to folders are not followed.
    fn below(folder: &Path, images: &mut Vec<PathBuf>) -> anyhow::Result<()> {
        let unreadable = |error| usage(format!("{}: {}", folder.display(), super::super::system(&error)));
        let mut entries = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(unreadable)? {
            entries.push(entry.map_err(unreadable)?.path());
        }
        entries.sort();
        for path in entries {
            let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
            if path.is_dir() && !path.is_symlink() {
                below(&path, images)?;
            } else if extension.is_some_and(|extension| EXTENSIONS.contains(&extension.as_str())) {
                images.push(path);
            }
        }
        Ok(())
    }

    /// Writes answers in the form that is asked for.
    struct Writer<'a> {
        args: &'a InferArgs,
        classes: &'a [String],
        written: usize,
    }

    impl Writer<'_> {
        fn begin(&self) -> anyhow::Result<()> {
            match self.args.format {
                Format::Table => Ok(()),
                Format::Csv => out::text("image,rank,class,probability\n"),
                Format::Json => out::text("["),
            }
        }

        fn end(&self) -> anyhow::Result<()> {
            if self.args.format == Format::Json { out::text("\n]\n") } else { Ok(()) }
        }

        fn write(&mut self, images: &[&PathBuf], probabilities: &[Vec<f32>]) -> anyhow::Result<()> {
            let mut text = String::new();
            for (image, row) in images.iter().zip(probabilities) {
                let image = image.display().to_string();
                let best = best(row, self.args.top.get());
                text += &match self.args.format {
                    Format::Table => self.table(&image, row, &best),
                    Format::Csv => self.csv(&image, row, &best)?,
                    Format::Json => self.json(&image, row, &best),
                };
                self.written += 1;
            }
            out::text(&text)
        }

        fn table(&self, image: &str, row: &[f32], best: &[usize]) -> String {
            let width = self.classes.iter().map(|class| class.chars().count()).max().unwrap_or(0);
            let line = |&class: &usize| {
                format!("{:6.2} %  {:width$}  {image}\n", 100.0 * row[class], self.classes[class])
            };
            best.iter().map(line).collect()
        }

        fn csv(&self, image: &str, row: &[f32], best: &[usize]) -> anyhow::Result<String> {
            let mut writer = csv::Writer::from_writer(Vec::new());
            for (rank, &class) in best.iter().enumerate() {
                let (rank, probability) = ((rank + 1).to_string(), row[class].to_string());
                writer.write_record([image, &rank, &self.classes[class], &probability])?;
            }
            Ok(String::from_utf8(writer.into_inner()?)?)
        }

        fn json(&self, image: &str, row: &[f32], best: &[usize]) -> String {
            let class = |&class: &usize| json!({"class": self.classes[class], "probability": row[class]});
            let value = json!({"image": image, "classes": best.iter().map(class).collect::<Vec<_>>()});
            format!("{}\n  {value}", if self.written == 0 { "" } else { "," })
        }
    }

    /// The most probable classes, the first of equals first.
    fn best(row: &[f32], top: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..row.len()).collect();
        order.sort_by(|&a, &b| row[b].total_cmp(&row[a]));
        order.truncate(top);
        order
    }
}
