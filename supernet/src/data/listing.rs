//! Labelled image files, part by part, before any of them is read.

use std::fs;
use std::path::PathBuf;

use bonas_study::StudyError;

use super::fault::{DataFault, FaultKind};
use super::files::unusable;
use super::picture::undecodable;

/// Most classes: labels have 16 bits.
pub(super) const MOST_CLASSES: usize = 1 << 16;

/// A part of a dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Part {
    /// All images, where nothing says which of them test.
    All,
    Train,
    Validation,
    Test,
}

impl Part {
    /// The parts that a user names, with the names of each, in lower case. The first is what bonas calls it.
    pub(super) const NAMED: [(Self, &'static [&'static str]); 3] = [
        (Self::Train, &["train", "training"]),
        (Self::Validation, &["val", "valid", "validation"]),
        (Self::Test, &["test", "testing"]),
    ];

    /// The part of a name, in upper or lower case.
    pub(super) fn named(name: &str) -> Option<Self> {
        let name = name.to_lowercase();
        Self::NAMED.iter().find(|(_, names)| names.contains(&name.as_str())).map(|(part, _)| *part)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Train => "train",
            Self::Validation => "val",
            Self::Test => "test",
        }
    }
}

/// An image file with its class and part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ImageFile {
    pub(super) path: PathBuf,
    /// Position in [`Listing::classes`].
    pub(super) label: u16,
    pub(super) part: Part,
}

impl ImageFile {
    /// The bytes of the file.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub(super) fn bytes(&self) -> Result<Vec<u8>, String> {
        let path = &self.path;
        if !path.exists() {
            let text = path.to_string_lossy();
            return Err(match path {
                link if link.is_symlink() => "a link to a file that does not exist",
                _ if text.contains('\\') => "does not exist; write / between folders, not a backslash",
                _ => "does not exist; put it back, or remove what names it",
            }
            .to_owned());
        }
        if !path.is_file() {
            return Err("it is no regular file".to_owned());
        }
        fs::read(path).map_err(undecodable)
    }
}

/// The image files of a dataset, and what is wrong with them as far as can be said without reading them.
#[derive(Clone, Debug)]
pub(super) struct Listing {
    /// The folder or manifest that says which files there are.
    pub(super) origin: PathBuf,
    /// [`Part::All`] alone, or the parts that are there, each with its folder, or with the manifest.
    pub(super) parts: Vec<(Part, PathBuf)>,
    /// Whether a class is a folder inside that of its part.
    pub(super) has_folders: bool,
    /// Names of the classes, in the order of their labels.
    pub(super) classes: Vec<String>,
    /// Ordered by part.
    pub(super) files: Vec<ImageFile>,
    pub(super) faults: Vec<DataFault>,
}

/// What reads the classes: how many images each needs depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// A training and a test part.
    Reading,
    /// A validation part besides.
    Searching,
}

impl Listing {
    pub(super) fn has(&self, part: Part) -> bool {
        self.parts.iter().any(|(there, _)| *there == part)
    }

    /// Number of files of a part.
    pub(super) fn count(&self, part: Part) -> usize {
        self.files.iter().filter(|file| file.part == part).count()
    }

    /// Whether a test part is drawn from this one.
    pub(super) fn is_split_at_random(&self, part: Part) -> bool {
        matches!(part, Part::All | Part::Train) && !self.has(Part::Test)
    }

    /// The files that are there.
    ///
    /// # Errors
    /// As [`Listing::expect_usable`].
    pub(super) fn present(self) -> Result<Vec<PathBuf>, StudyError> {
        self.expect_usable()?;
        // A link that leads nowhere has no content; it is told where images are read.
        let mut paths: Vec<PathBuf> = self.files.into_iter().map(|file| file.path).collect();
        paths.sort();
        paths.dedup();
        paths.retain(|path| path.is_file());
        Ok(paths)
    }

    /// Refuses files of which it can be told without reading that they cannot be used.
    pub(super) fn expect_usable(&self) -> Result<(), StudyError> {
        refuse(&self.faults)
    }

    /// Classes without enough images. `is_read` says whether a file counts.
    pub(super) fn class_faults(&self, purpose: Use, is_read: impl Fn(usize) -> bool) -> Vec<DataFault> {
        let mut faults = Vec::new();
        for (part, place) in &self.parts {
            let (mut named, mut read) =
                (vec![0_usize; self.classes.len()], vec![0_usize; self.classes.len()]);
            for (i, file) in self.files.iter().enumerate().filter(|(_, file)| file.part == *part) {
                named[usize::from(file.label)] += 1;
                read[usize::from(file.label)] += usize::from(is_read(i));
            }
            for (class, name) in self.classes.iter().enumerate().filter(|(class, _)| named[*class] > 0) {
                let Some((kind, detail)) = self.too_few(*part, read[class], purpose) else { continue };
                faults.push(if self.has_folders {
                    DataFault::new(kind, place.join(name), detail)
                } else {
                    let part =
                        if *part == Part::All { String::new() } else { format!(", part {}", part.name()) };
                    DataFault::new(kind, place, format!("class {name}{part}: {detail}"))
                });
            }
        }
        faults
    }

    /// What is wrong with a class that has so many images in a part.
    fn too_few(&self, part: Part, images: usize, purpose: Use) -> Option<(FaultKind, String)> {
        let (validates, tests) = self.drawn_from(part, purpose);
        if images == 0 {
            let detail = "no image of this class can be read; replace them, or leave the class out";
            return Some((FaultKind::EmptyClass, detail.to_owned()));
        }
        if images > usize::from(validates) + usize::from(tests) {
            return None;
        }
        let has =
            if images == 1 { "has only one image".to_owned() } else { format!("has only {images} images") };
        let uses = match (validates, tests) {
            (true, true) => "trained, validated and tested on",
            (true, false) => "trained and validated on",
            (false, _) => "trained and tested on",
        };
        let detail = format!("{has}, and different ones are {uses}; add images");
        Some((FaultKind::TooFewImages, detail))
    }

    /// Whether a validation and a test part are drawn from a part.
    fn drawn_from(&self, part: Part, purpose: Use) -> (bool, bool) {
        let draws = matches!(part, Part::All | Part::Train);
        let validates = draws && purpose == Use::Searching && !self.has(Part::Validation);
        (validates, draws && !self.has(Part::Test))
    }
}

/// The gravest of some faults as an error, if a search stops at it.
pub(super) fn refuse(faults: &[DataFault]) -> Result<(), StudyError> {
    let stopping = || faults.iter().filter(|fault| fault.kind.stops());
    let Some(first) = stopping().min_by_key(|fault| fault.kind) else { return Ok(()) };
    let more = match stopping().count() - 1 {
        0 => String::new(),
        1 => "; 1 more fault is listed by `bonas data check`".to_owned(),
        n => format!("; {n} more faults are listed by `bonas data check`"),
    };
    Err(unusable(&first.path, format!("{}{more}", first.detail)))
}
