//! Where a dataset comes from.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::dataset::Dataset;
use super::files::unusable;
use super::images::ImageShape;
use super::{cifar, digits, folder, idx};
use bonas_study::StudyError;

/// Where a dataset comes from. Its text form is what a configuration or a flag says.
///
/// # Examples
/// ```
/// use bonas_supernet::data::Source;
/// let source: Source = "cifar10:/data/cifar".parse()?;
/// assert_eq!(source, Source::Cifar10("/data/cifar".into()));
/// assert_eq!(source.to_string(), "cifar10:/data/cifar");
/// # Ok::<(), bonas_study::StudyError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// `digits`: the embedded 8x8 digits, [`digits()`].
    Digits,
    /// `cifar10:DIRECTORY`: the official binary files `data_batch_1.bin` to `data_batch_5.bin` and
    /// `test_batch.bin`, or one `*train*.bin` and one `*test*.bin` of any number of records; in the
    /// directory or its `cifar-10-batches-bin`, each plain or `.gz`.
    Cifar10(PathBuf),
    /// `cifar10:TRAIN,TEST`: two files of CIFAR-10 records, each plain or gzip.
    Cifar10Files {
        /// Training records.
        train: PathBuf,
        /// Test records.
        test: PathBuf,
    },
    /// `mnist:DIRECTORY`: the four idx files of MNIST, Fashion-MNIST and their like
    /// (`train-images-idx3-ubyte`, ...; `.idx3` does too), in the directory or its `raw`, each
    /// plain or `.gz`.
    Mnist(PathBuf),
    /// `folder:DIRECTORY`: `train/<class>/*` and `test/<class>/*`, or `<class>/*`, of which
    /// [`LoadOptions::test_fraction`] becomes the test part. Files named png, jpg, jpeg or bmp, in
    /// the order of their names, are scaled to cover a square of [`LoadOptions::image_size`] and
    /// its middle is cut out; one channel if all are grey, else three; alpha is dropped.
    Folder(PathBuf),
    /// `PATH`: whichever of the above the directory turns out to hold.
    Auto(PathBuf),
}

const SYNTAX: &str =
    "digits, cifar10:DIRECTORY, cifar10:TRAIN,TEST, mnist:DIRECTORY, folder:DIRECTORY or a DIRECTORY";
const KINDS: [&str; 4] = Source::KINDS;

impl FromStr for Source {
    type Err = StudyError;

    /// # Errors
    /// [`StudyError::Setting`] for an empty text, an empty path, or a kind that does not exist,
    /// with the nearest that does.
    fn from_str(text: &str) -> Result<Self, StudyError> {
        if text == "digits" {
            return Ok(Self::Digits);
        }
        match text.split_once(':') {
            Some((kind, path)) if KINDS.contains(&kind) && !path.is_empty() => Ok(Self::of_kind(kind, path)),
            // A path may hold a colon itself.
            _ if !text.is_empty() && Path::new(text).exists() => Ok(Self::Auto(text.into())),
            None if text.contains(['/', '\\', '.']) => Ok(Self::Auto(text.into())),
            _ => Err(unknown(text)),
        }
    }
}

impl Source {
    /// The kinds by name.
    pub const KINDS: [&str; 4] = ["digits", "cifar10", "mnist", "folder"];

    fn of_kind(kind: &str, path: &str) -> Self {
        match (kind, path.split_once(',')) {
            ("cifar10", Some((train, test))) if !Path::new(path).exists() => {
                Self::Cifar10Files { train: train.into(), test: test.into() }
            }
            ("cifar10", _) => Self::Cifar10(path.into()),
            ("mnist", _) => Self::Mnist(path.into()),
            ("folder", _) => Self::Folder(path.into()),
            _ => Self::Digits,
        }
    }

    /// Shape of the images and number of classes, where the format alone says them.
    pub fn format(&self) -> Option<(ImageShape, usize)> {
        let square = |channels, side| ImageShape { channels, height: side, width: side };
        match self {
            Self::Digits => Some((square(1, 8), 10)),
            Self::Cifar10(_) | Self::Cifar10Files { .. } => Some((square(3, 32), 10)),
            Self::Mnist(_) | Self::Folder(_) | Self::Auto(_) => None,
        }
    }

    /// The source with paths that are not absolute taken as paths in a folder.
    #[must_use]
    pub fn within(self, folder: &Path) -> Self {
        let inside = |path: PathBuf| folder.join(path);
        match self {
            Self::Digits => self,
            Self::Cifar10(path) => Self::Cifar10(inside(path)),
            Self::Cifar10Files { train, test } => {
                Self::Cifar10Files { train: inside(train), test: inside(test) }
            }
            Self::Mnist(path) => Self::Mnist(inside(path)),
            Self::Folder(path) => Self::Folder(inside(path)),
            Self::Auto(path) => Self::Auto(inside(path)),
        }
    }

    /// Reads the dataset.
    ///
    /// # Errors
    /// [`StudyError::Data`] for a file or folder that is missing, truncated, of the wrong size or
    /// format, mislabelled, or lacks a class: it names the file and the remedy.
    /// [`StudyError::Setting`] for an option out of its range.
    pub fn load(&self, options: &LoadOptions) -> Result<Dataset, StudyError> {
        let whole = self.whole(options)?;
        if options.shrink == 1 { Ok(whole) } else { whole.shrunk(options.shrink) }
    }

    fn whole(&self, options: &LoadOptions) -> Result<Dataset, StudyError> {
        match self {
            Self::Digits => digits::digits(),
            Self::Cifar10(path) => cifar::from_directory(path),
            Self::Cifar10Files { train, test } => {
                cifar::from_files(std::slice::from_ref(train), std::slice::from_ref(test))
            }
            Self::Mnist(path) => idx::from_directory(path),
            Self::Folder(path) => folder::from_directory(path, options),
            Self::Auto(path) => detect(path)?.whole(options),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Digits => f.write_str("digits"),
            Self::Cifar10(path) => write!(f, "cifar10:{}", path.display()),
            Self::Cifar10Files { train, test } => write!(f, "cifar10:{},{}", train.display(), test.display()),
            Self::Mnist(path) => write!(f, "mnist:{}", path.display()),
            Self::Folder(path) => write!(f, "folder:{}", path.display()),
            Self::Auto(path) => path.display().fmt(f),
        }
    }
}

/// How images are read. All but `shrink` are about folders.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LoadOptions {
    /// Side of the square that images of a folder are scaled to, in pixels; 4 to 1024.
    pub image_size: usize,
    /// Share of `folder/<class>/*` that becomes the test part, class by class; inside `(0, 1)`.
    pub test_fraction: f64,
    /// Seed of that split.
    pub split_seed: u64,
    /// Both sides are divided by this, each pixel the mean of a square; 1: images as they are.
    pub shrink: usize,
}

impl Default for LoadOptions {
    /// 32 pixels; one fifth for testing; seed 0; nothing shrunk.
    fn default() -> Self {
        Self { image_size: 32, test_fraction: 0.2, split_seed: 0, shrink: 1 }
    }
}

impl LoadOptions {
    pub(super) fn check(&self) -> Result<(), StudyError> {
        let (name, value, valid) = if !(4..=1024).contains(&self.image_size) {
            ("image_size", self.image_size.to_string(), "4 to 1024")
        } else if !(self.test_fraction > 0.0 && self.test_fraction < 1.0) {
            ("test_fraction", self.test_fraction.to_string(), "between 0 and 1")
        } else {
            return Ok(());
        };
        Err(StudyError::Setting { name: name.to_owned(), reason: format!("{value}; valid: {valid}") })
    }
}

/// Reads the dataset that `source` names, in the syntax of [`Source`]: `digits`,
/// `cifar10:DIRECTORY`, `cifar10:TRAIN,TEST`, `mnist:DIRECTORY`, `folder:DIRECTORY`, or a path.
///
/// # Errors
/// Those of parsing and [`Source::load`].
///
/// # Examples
/// ```
/// use bonas_supernet::data::{LoadOptions, load};
/// let data = load("digits", &LoadOptions::default())?;
/// assert_eq!((data.train.len(), data.test.len(), data.train.classes()), (1198, 599, 10));
/// # Ok::<(), bonas_study::StudyError>(())
/// ```
pub fn load(source: &str, options: &LoadOptions) -> Result<Dataset, StudyError> {
    source.parse::<Source>()?.load(options)
}

/// Which kind of data a directory holds.
fn detect(path: &Path) -> Result<Source, StudyError> {
    if !path.exists() {
        return Err(unusable(path, format!("does not exist; a source is {SYNTAX}")));
    }
    if !path.is_dir() {
        return Err(unusable(path, format!("is a file; a source is {SYNTAX}")));
    }
    if cifar::find(path)?.is_some() {
        return Ok(Source::Cifar10(path.to_owned()));
    }
    if idx::find(path)?.is_some() {
        return Ok(Source::Mnist(path.to_owned()));
    }
    if folder::is_folder(path) {
        return Ok(Source::Folder(path.to_owned()));
    }
    let wanted = "CIFAR-10 binary files, idx files or class folders of images";
    Err(unusable(path, format!("holds no {wanted}; name the kind to see what is missing: {SYNTAX}")))
}

fn unknown(text: &str) -> StudyError {
    let kind = text.split_once(':').map_or(text, |(kind, _)| kind);
    let hint = bonas_spaces::catalogue::nearest(kind, KINDS).filter(|name| *name != kind);
    let hint = hint.map_or(String::new(), |name| format!("; did you mean {name}?"));
    StudyError::Setting {
        name: "data".to_owned(),
        reason: format!("{text:?} is not a source ({SYNTAX}){hint}"),
    }
}
