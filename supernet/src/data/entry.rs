//! What the catalogue of datasets says of one kind.

use std::path::{Path, PathBuf};

use bonas_spaces::catalogue::Entry;
use bonas_study::StudyError;

use super::dataset::Dataset;
use super::images::ImageShape;
use super::listing::Listing;
use super::options::LoadOptions;

/// Lists the image files of a place.
type List = fn(&Place<'_>, &LoadOptions) -> Result<Listing, StudyError>;

/// One kind of dataset: how it is named, recognised and read.
///
/// [`DATASETS`](super::DATASETS) lists the entries; each is a const in the file of its format.
#[derive(Debug)]
pub struct DatasetEntry {
    /// The name, which stands before the colon of a source.
    pub name: &'static str,
    /// One line about it.
    pub about: &'static str,
    /// What stands after the colon, one form each ("DIRECTORY"); none for data inside the program.
    pub places: &'static [&'static str],
    /// Shape of the images and number of classes, where the format alone says them.
    pub format: Option<(ImageShape, usize)>,
    /// Whether a directory holds this kind of data.
    pub is_in: fn(&Path) -> Result<bool, StudyError>,
    /// The files that it is read from with the same options; none for data inside the program.
    pub files: fn(&Place<'_>, &LoadOptions) -> Result<Vec<PathBuf>, StudyError>,
    /// Reads the dataset from the place after the colon.
    pub read: fn(&Place<'_>, &LoadOptions) -> Result<Dataset, StudyError>,
    /// Lists its image files, which are decoded one by one; none: its images are stored in another way.
    pub(super) list: Option<List>,
}

/// What stands after the colon of a source.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a>(pub(super) &'a str);

impl<'a> Place<'a> {
    /// The place as one path.
    pub fn path(&self) -> &'a Path {
        Path::new(self.0)
    }

    /// The place as two paths with a comma between, unless a file of the whole name is there.
    pub fn pair(&self) -> Option<[PathBuf; 2]> {
        let (first, second) = self.0.split_once(',')?;
        (!self.path().exists()).then(|| [first.into(), second.into()])
    }
}

impl Entry for DatasetEntry {
    fn name(&self) -> &str {
        self.name
    }

    fn about(&self) -> &str {
        self.about
    }
}

impl DatasetEntry {
    /// The forms of a source of this kind: "cifar10:DIRECTORY".
    pub fn forms(&self) -> Vec<String> {
        match self.places {
            [] => vec![self.name.to_owned()],
            places => places.iter().map(|place| format!("{}:{place}", self.name)).collect(),
        }
    }
}
