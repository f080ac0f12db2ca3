//! Where a dataset comes from.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use bonas_spaces::catalogue::nearest;
use bonas_study::StudyError;

use super::DATASETS;
use super::check::{check, of_dataset};
use super::dataset::Dataset;
use super::decoded::decoded_folder;
use super::entry::{DatasetEntry, Place};
use super::fault::DataReport;
use super::files::unusable;
use super::fingerprint::of_files;
use super::images::ImageShape;
use super::manifest::MANIFESTS;
use super::options::LoadOptions;

/// Where a dataset comes from: a kind of [`DATASETS`] and its place (`cifar10:DIRECTORY`), or a directory that holds
/// one. Its text form is what a configuration or a flag says.
///
/// # Examples
/// ```
/// use bonas_supernet::data::Source;
/// let source: Source = "cifar10:/data/cifar".parse()?;
/// assert_eq!(source.kind().map(|kind| kind.name), Some("cifar10"));
/// assert_eq!(source.to_string(), "cifar10:/data/cifar");
/// # Ok::<(), bonas_study::StudyError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Source {
    /// None: whichever the directory turns out to hold.
    kind: Option<&'static DatasetEntry>,
    place: String,
}

impl PartialEq for Source {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

impl FromStr for Source {
    type Err = StudyError;

    /// # Errors
    /// [`StudyError::Setting`] for an empty text, an empty path, or a kind that does not exist,
    /// with the nearest that does.
    fn from_str(text: &str) -> Result<Self, StudyError> {
        Self::from_folder(text, Path::new(""))
    }
}

impl Source {
    /// The source that a text names, with paths that are not absolute taken as paths in a folder.
    ///
    /// # Errors
    /// As [`from_str`](FromStr::from_str).
    pub fn named(text: &str, folder: &Path) -> Result<Self, StudyError> {
        Ok(Self::from_folder(text, folder)?.within(folder))
    }

    /// As it is written; whether a directory is there is seen from a folder.
    fn from_folder(text: &str, folder: &Path) -> Result<Self, StudyError> {
        let directory = || Self { kind: None, place: text.to_owned() };
        let (name, place) = text.split_once(':').map_or((text, None), |(name, place)| (name, Some(place)));
        match (DATASETS.get(name), place) {
            (Ok(kind), None) if kind.places.is_empty() => Ok(Self { kind: Some(kind), place: String::new() }),
            (Ok(kind), Some(place)) if !kind.places.is_empty() && !place.is_empty() => {
                Ok(Self { kind: Some(kind), place: place.to_owned() })
            }
            // A path may hold a colon itself.
            _ if !text.is_empty() && folder.join(text).exists() => Ok(directory()),
            (_, None) if text.contains(['/', '\\', '.']) => Ok(directory()),
            _ => Err(unknown(text)),
        }
    }

    /// A directory, for whichever kind it turns out to hold.
    pub fn directory(path: &Path) -> Self {
        Self { kind: None, place: path.display().to_string() }
    }

    /// The kind of data; none for a directory that has not been looked into.
    pub fn kind(&self) -> Option<&'static DatasetEntry> {
        self.kind
    }

    /// Shape of the images and number of classes, where the format alone says them.
    pub fn format(&self) -> Option<(ImageShape, usize)> {
        self.kind.and_then(|kind| kind.format)
    }

    /// The source with paths that are not absolute taken as paths in a folder.
    fn within(self, folder: &Path) -> Self {
        if self.place.is_empty() {
            return self;
        }
        let inside = |path: &str| folder.join(path).display().to_string();
        let place = match Place(&self.place).pair() {
            Some(pair) if self.takes_pair() => pair.map(|path| inside(&path.display().to_string())).join(","),
            _ => inside(&self.place),
        };
        Self { place, ..self }
    }

    fn takes_pair(&self) -> bool {
        self.kind.is_some_and(|kind| kind.places.iter().any(|place| place.contains(',')))
    }

    /// Reads the dataset.
    ///
    /// # Errors
    /// [`StudyError::Data`] for a file or folder that is missing, truncated, of the wrong size or
    /// format, mislabelled, or lacks a class: it names the file and the remedy.
    /// [`StudyError::Setting`] for an option out of its range.
    pub fn load(&self, options: &LoadOptions) -> Result<Dataset, StudyError> {
        let kind = self.detected()?;
        let whole = (kind.read)(&Place(&self.place), options)?;
        if options.shrink == 1 { Ok(whole) } else { whole.shrunk(options.shrink) }
    }
}

impl Source {
    /// The kind of data, for which a directory is looked into.
    fn detected(&self) -> Result<&'static DatasetEntry, StudyError> {
        self.kind.map_or_else(|| detect(Path::new(&self.place)), Ok)
    }

    /// What is wrong with the dataset, all of it at once.
    ///
    /// # Errors
    /// [`StudyError::Data`] for a folder that cannot be listed, and for data of other kinds than folders that cannot be read.
    /// [`StudyError::Setting`] for an option out of its range.
    pub fn check(&self, options: &LoadOptions) -> Result<DataReport, StudyError> {
        options.check()?;
        let (kind, place) = (self.detected()?, Place(&self.place));
        match kind.list {
            Some(list) => Ok(check(list(&place, options)?, options)),
            None => Ok(of_dataset(&(kind.read)(&place, options)?)),
        }
    }

    /// Bytes of the images once they are decoded and the folder where they are kept, if these are image files and more than
    /// [`LoadOptions::memory`].
    ///
    /// # Errors
    /// [`StudyError::Data`] for a folder that cannot be listed; [`StudyError::Setting`] where there is no cache folder.
    pub fn kept_in(&self, options: &LoadOptions) -> Result<Option<(u64, PathBuf)>, StudyError> {
        let Some(list) = self.detected()?.list else { return Ok(None) };
        let bytes = options.decoded(list(&Place(&self.place), options)?.files.len());
        if bytes <= options.memory { Ok(None) } else { decoded_folder().map(|folder| Some((bytes, folder))) }
    }

    /// Fingerprint of the files that the dataset is read from, 32 hexadecimal digits of BLAKE3: of their names below the
    /// directory and of their bytes, so that it does not depend on where they lie. None for data inside the program. All
    /// files are read once, on all cores. Of the options only [`LoadOptions::unpacked`] matters: a gzip file that names
    /// others is unpacked to no more.
    ///
    /// # Errors
    /// [`StudyError::Data`] for a file or folder that is missing or cannot be read.
    pub fn fingerprint(&self, options: &LoadOptions) -> Result<Option<String>, StudyError> {
        let files = (self.detected()?.files)(&Place(&self.place), options)?;
        if files.is_empty() {
            return Ok(None);
        }
        let place = Path::new(&self.place);
        // A file that names others stands in the folder that their names start from.
        let root = if place.is_file() { place.parent().unwrap_or(place) } else { place };
        of_files(root, &files).map(Some)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Some(kind) if kind.places.is_empty() => f.write_str(kind.name),
            Some(kind) => write!(f, "{}:{}", kind.name, self.place),
            None => f.write_str(&self.place),
        }
    }
}

/// Reads the dataset that `source` names, in the text form of [`Source`].
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

/// The forms that a source may have.
fn syntax() -> String {
    let forms: Vec<String> = DATASETS.iter().flat_map(DatasetEntry::forms).collect();
    format!("{} or a DIRECTORY", forms.join(", "))
}

/// The kind of data that a directory holds.
fn detect(path: &Path) -> Result<&'static DatasetEntry, StudyError> {
    if !path.exists() {
        return Err(unusable(path, format!("does not exist; a source is {}", syntax())));
    }
    if !path.is_dir() {
        let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
        let kind = extension.and_then(|extension| match extension.as_str() {
            "npz" => Some("npz"),
            other => MANIFESTS.contains(&other).then_some("manifest"),
        });
        let hint = kind.map_or(String::new(), |kind| format!("; did you mean {kind}:{}?", path.display()));
        return Err(unusable(path, format!("is a file; a source is {}{hint}", syntax())));
    }
    for kind in DATASETS.iter() {
        if (kind.is_in)(path)? {
            return Ok(kind);
        }
    }
    let kinds = DATASETS.iter().filter(|kind| !kind.places.is_empty()).map(|kind| kind.about);
    let wanted = kinds.collect::<Vec<_>>().join("; ");
    Err(unusable(
        path,
        format!("holds none of: {wanted}; name the kind to see what is missing: {}", syntax()),
    ))
}

fn unknown(text: &str) -> StudyError {
    let kind = text.split_once(':').map_or(text, |(kind, _)| kind);
    let hint = nearest(kind, DATASETS.names()).filter(|name| *name != kind);
    let hint = hint.map_or(String::new(), |name| format!("; did you mean {name}?"));
    // A bare word is a directory only where one is seen from the working directory.
    let is_word = !text.is_empty() && !text.contains(':');
    let directory = if is_word { format!("; a directory of this name is ./{text}") } else { String::new() };
    StudyError::Setting {
        name: "data".to_owned(),
        reason: format!("{text:?} is not a source ({}){directory}{hint}", syntax()),
    }
}
