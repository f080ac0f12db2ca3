//! What is wrong with a dataset, all of it at once.

use std::collections::HashMap;
use std::path::PathBuf;

use blake3::Hash;

use super::dataset::Dataset;
use super::images::Images;

/// What is wrong with a file or folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FaultKind {
    /// A file that is no image, is damaged, or cannot be read.
    Unreadable,
    /// A class without images.
    EmptyClass,
    /// A class that one part has and the other lacks.
    UnlikeParts,
    /// A class with one image, which cannot be both trained and tested on.
    SingleImage,
    /// The same image in both parts, or in two classes.
    Duplicate,
    /// A file of another type, which is not read.
    OtherType,
    /// A folder that is not read.
    OtherFolder,
    /// An image that is named as another format; it is read as what it is.
    WrongExtension,
    /// Colours whose profile or gamma is not applied.
    Profile,
}

impl FaultKind {
    /// All kinds, the gravest first.
    pub const ALL: [Self; 9] = [
        Self::Unreadable,
        Self::EmptyClass,
        Self::UnlikeParts,
        Self::SingleImage,
        Self::Duplicate,
        Self::OtherType,
        Self::OtherFolder,
        Self::WrongExtension,
        Self::Profile,
    ];

    /// A line about it.
    pub const fn about(self) -> &'static str {
        match self {
            Self::Unreadable => "cannot be read as images",
            Self::EmptyClass => "classes without images",
            Self::UnlikeParts => "classes in one part only",
            Self::SingleImage => "classes with one image",
            Self::Duplicate => "images in both parts or in two classes",
            Self::OtherType => "files of other types, not read",
            Self::OtherFolder => "folders that are not read",
            Self::WrongExtension => "images named as another format, read as what they are",
            Self::Profile => "images whose colour profile or gamma is not applied",
        }
    }

    /// The name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::EmptyClass => "empty-class",
            Self::UnlikeParts => "unlike-parts",
            Self::SingleImage => "single-image",
            Self::Duplicate => "duplicate",
            Self::OtherType => "other-type",
            Self::OtherFolder => "other-folder",
            Self::WrongExtension => "wrong-extension",
            Self::Profile => "profile",
        }
    }

    /// Whether the data cannot be used with it.
    pub const fn stops(self) -> bool {
        matches!(self, Self::Unreadable | Self::EmptyClass | Self::UnlikeParts | Self::SingleImage)
    }
}

/// One file or folder with what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataFault {
    /// What kind of fault it is.
    pub kind: FaultKind,
    /// The file or folder; empty for an image inside a file.
    pub path: PathBuf,
    /// What is wrong.
    pub detail: String,
}

/// What a dataset holds and what is wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DataReport {
    /// Parts with their number of images that can be read.
    pub parts: Vec<(String, usize)>,
    /// Number of classes.
    pub classes: usize,
    /// The faults, by kind and path.
    pub faults: Vec<DataFault>,
}

impl DataReport {
    /// The faults of a kind.
    pub fn of(&self, kind: FaultKind) -> impl Iterator<Item = &DataFault> {
        self.faults.iter().filter(move |fault| fault.kind == kind)
    }

    /// Whether the data can be used as they are.
    pub fn is_usable(&self) -> bool {
        !self.faults.iter().any(|fault| fault.kind.stops())
    }
}

/// The report on a dataset that was read: images that are in both parts.
pub(super) fn of_dataset(data: &Dataset) -> DataReport {
    let hashes =
        |images: &Images| -> Vec<Hash> { (0..images.len()).map(|i| blake3::hash(images.image(i))).collect() };
    let mut train: HashMap<Hash, usize> = HashMap::new();
    hashes(&data.train).into_iter().enumerate().for_each(|(i, hash)| {
        train.entry(hash).or_insert(i);
    });
    let twice = hashes(&data.test).into_iter().enumerate().filter_map(|(i, hash)| {
        let first = train.get(&hash)?;
        let detail = format!("test image {i} is training image {first}, counted from 0");
        Some(DataFault { kind: FaultKind::Duplicate, path: PathBuf::new(), detail })
    });
    DataReport {
        faults: twice.collect(),
        parts: vec![("train".to_owned(), data.train.len()), ("test".to_owned(), data.test.len())],
        classes: data.train.classes(),
    }
}
