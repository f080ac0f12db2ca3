//! Faults of a dataset, and the report that lists them.

use std::path::PathBuf;

/// What is wrong with a file or folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FaultKind {
    /// A file that is no image, is damaged, is missing, or cannot be read.
    Unreadable,
    /// A row of a manifest without a path, a label or a known part.
    BadRow,
    /// A file that a manifest names with two labels or in two parts.
    Contradiction,
    /// Fewer than two classes.
    TooFewClasses,
    /// A class without images.
    EmptyClass,
    /// A class that one part has and another lacks.
    UnlikeParts,
    /// A class with fewer images than there are parts to draw from it.
    TooFewImages,
    /// The same image in two parts, or in two classes.
    Duplicate,
    /// A file that a manifest names again with the same label and part.
    RepeatedRow,
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
    pub const ALL: [Self; 13] = [
        Self::Unreadable,
        Self::BadRow,
        Self::Contradiction,
        Self::TooFewClasses,
        Self::EmptyClass,
        Self::UnlikeParts,
        Self::TooFewImages,
        Self::Duplicate,
        Self::RepeatedRow,
        Self::OtherType,
        Self::OtherFolder,
        Self::WrongExtension,
        Self::Profile,
    ];

    /// A line about so many faults of this kind, to stand behind their number.
    pub const fn about(self, count: usize) -> &'static str {
        let [one, many] = match self {
            Self::Unreadable => ["file that cannot be read", "files that cannot be read"],
            Self::BadRow => ["row that cannot be used", "rows that cannot be used"],
            Self::Contradiction => {
                ["file with two labels or in two parts", "files with two labels or in two parts"]
            }
            Self::TooFewClasses => {
                ["place with fewer than two classes", "places with fewer than two classes"]
            }
            Self::EmptyClass => ["class without images", "classes without images"],
            Self::UnlikeParts => ["class that a part lacks", "classes that a part lacks"],
            Self::TooFewImages => ["class with too few images", "classes with too few images"],
            Self::Duplicate => ["image that is there twice", "images that are there twice"],
            Self::RepeatedRow => ["row that names a file again", "rows that name a file again"],
            Self::OtherType => {
                ["file of another type or place, not read", "files of other types or places, not read"]
            }
            Self::OtherFolder => ["folder that is not read", "folders that are not read"],
            Self::WrongExtension => [
                "image named as another format, read as what it is",
                "images named as another format, read as what they are",
            ],
            Self::Profile => [
                "image whose colour profile or gamma is not applied",
                "images whose colour profile or gamma is not applied",
            ],
        };
        if count == 1 { one } else { many }
    }

    /// The name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::BadRow => "bad-row",
            Self::Contradiction => "contradiction",
            Self::TooFewClasses => "too-few-classes",
            Self::EmptyClass => "empty-class",
            Self::UnlikeParts => "unlike-parts",
            Self::TooFewImages => "too-few-images",
            Self::Duplicate => "duplicate",
            Self::RepeatedRow => "repeated-row",
            Self::OtherType => "other-type",
            Self::OtherFolder => "other-folder",
            Self::WrongExtension => "wrong-extension",
            Self::Profile => "profile",
        }
    }

    /// Whether a search stops at it.
    pub const fn stops(self) -> bool {
        matches!(
            self,
            Self::Unreadable
                | Self::BadRow
                | Self::Contradiction
                | Self::TooFewClasses
                | Self::EmptyClass
                | Self::UnlikeParts
                | Self::TooFewImages
        )
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

impl DataFault {
    pub(super) fn new(kind: FaultKind, path: impl Into<PathBuf>, detail: impl Into<String>) -> Self {
        Self { kind, path: path.into(), detail: detail.into() }
    }
}

/// What a dataset holds and what is wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DataReport {
    /// Parts with their number of images that can be read.
    pub parts: Vec<(String, usize)>,
    /// Number of classes.
    pub classes: usize,
    /// Bytes of the decoded images at most, of data that are image files.
    pub decoded: Option<u64>,
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
