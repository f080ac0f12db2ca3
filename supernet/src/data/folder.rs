//! A folder of images by class.
//!
//! Either `root/train/<class>/*` and `root/test/<class>/*`, or `root/<class>/*`, which is split.
//! Classes and files are taken in the order of their names; hidden files and files that are not
//! named png, jpg, jpeg or bmp are left aside.

use std::path::{Path, PathBuf};

use bonas_study::{StudyError, rng};

use super::augment::Augment;
use super::dataset::Dataset;
use super::decode::{self, EXTENSIONS, Picture};
use super::entry::DatasetEntry;
use super::files::{entries, name_of, unusable};
use super::folder_check;
use super::images::{ImageShape, Images};
use super::options::{LoadOptions, OnBad};
use super::split::Split;

/// `folder:DIRECTORY`: `train/<class>/*` and `test/<class>/*`, or `<class>/*`, of which [`LoadOptions::test_fraction`]
/// becomes the test part. Files named png, jpg, jpeg or bmp are taken in the order of their names, as a viewer shows them on
/// white: turned as Exif says, transparency laid on white. The middle square is scaled to [`LoadOptions::image_size`]; one
/// channel if all are grey, else three.
pub(super) const ENTRY: DatasetEntry = DatasetEntry {
    name: "folder",
    about: "a folder of images (png, jpeg, bmp) a class",
    places: &["DIRECTORY"],
    format: None,
    is_in: |directory| Ok(is_folder(directory)),
    files: |place| all_files(place.path()),
    read: |place, options| from_directory(place.path(), options),
    check: Some(|place, options| folder_check::check(place.path(), &parts(place.path()), options)),
};

/// The folders of class folders.
fn parts(root: &Path) -> Vec<PathBuf> {
    if is_split(root) { vec![root.join("train"), root.join("test")] } else { vec![root.to_owned()] }
}

/// Most files that an error lists.
const SHOWN: usize = 20;
const LAYOUT: &str = "expected root/train/<class>/*.png and root/test/<class>/*.png, or root/<class>/*.png";

/// Reads a folder of images by class; see [`ENTRY`].
pub(super) fn from_directory(root: &Path, options: &LoadOptions) -> Result<Dataset, StudyError> {
    options.check()?;
    let (train, test) =
        if is_split(root) { split_folders(root, options)? } else { one_folder(root, options)? };
    let name = Some(name_of(root)).filter(|name| !name.is_empty()).unwrap_or_else(|| "folder".to_owned());
    Dataset::checked(&name, train, test, Augment::photos(options.image_size))
        .map_err(|reason| unusable(root, reason))
}

/// The image files of all classes.
fn all_files(root: &Path) -> Result<Vec<PathBuf>, StudyError> {
    let mut files = Vec::new();
    for part in parts(root) {
        files.extend(list(&part)?.files.into_iter().map(|(file, _)| file));
    }
    // A link that leads nowhere has no content; it is told where images are read.
    files.retain(|file| file.exists());
    Ok(files)
}

/// Whether `root` looks like a folder of images by class.
pub(super) fn is_folder(root: &Path) -> bool {
    let root = if is_split(root) { root.join("train") } else { root.to_owned() };
    let folders = entries(&root, LAYOUT).unwrap_or_default();
    folders.iter().any(|path| path.is_dir() && files_of(path).is_ok_and(|files| !files.is_empty()))
}

fn is_split(root: &Path) -> bool {
    ["train", "test"].iter().any(|part| root.join(part).is_dir())
}

fn split_folders(root: &Path, options: &LoadOptions) -> Result<(Images, Images), StudyError> {
    let parts = [root.join("train"), root.join("test")];
    let [mut train, mut test] = [list(&parts[0])?, list(&parts[1])?];
    for (has, lacks, path) in [(&train, &test, &parts[1]), (&test, &train, &parts[0])] {
        if let Some(class) = has.names.iter().find(|name| !lacks.names.contains(name)) {
            let reason = "does not exist, though the other part has this class; add it, or remove the other";
            return Err(unusable(path.join(class), reason));
        }
    }
    let [mut a, mut b] = [decode_all(&mut train, options)?, decode_all(&mut test, options)?];
    let grey = a.grey && b.grey;
    Ok((a.images(&mut train, grey)?, b.images(&mut test, grey)?))
}

fn one_folder(root: &Path, options: &LoadOptions) -> Result<(Images, Images), StudyError> {
    let mut listing = list(root)?;
    listing.expect_two_each()?;
    let mut decoded = decode_all(&mut listing, options)?;
    listing.expect_two_each()?;
    let grey = decoded.grey;
    let all = decoded.images(&mut listing, grey)?;
    let split = Split::stratified(&all, options.test_fraction, &mut rng::stream(options.split_seed, &[]))?;
    Ok((all.select(&split.train)?, all.select(&split.validation)?))
}

/// The classes of a folder and its image files with their labels.
struct Listing {
    root: PathBuf,
    names: Vec<String>,
    files: Vec<(PathBuf, u16)>,
}

impl Listing {
    fn counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.names.len()];
        self.files.iter().for_each(|(_, label)| counts[usize::from(*label)] += 1);
        counts
    }

    /// Refuses a class that cannot be split.
    fn expect_two_each(&self) -> Result<(), StudyError> {
        let Some(class) = self.counts().iter().position(|&count| count < 2) else { return Ok(()) };
        let reason = "has only one image, which cannot be both trained and tested on; add images";
        Err(unusable(self.root.join(&self.names[class]), reason))
    }
}

fn list(root: &Path) -> Result<Listing, StudyError> {
    let folders: Vec<PathBuf> = entries(root, LAYOUT)?.into_iter().filter(|path| path.is_dir()).collect();
    if folders.len() < 2 {
        return Err(unusable(
            root,
            format!("holds {} class folders, not two or more; {LAYOUT}", folders.len()),
        ));
    }
    let mut listing = Listing { root: root.to_owned(), names: Vec::new(), files: Vec::new() };
    for (class, folder) in folders.iter().enumerate() {
        let label =
            u16::try_from(class).map_err(|_| unusable(root, "holds more than 65,536 class folders"))?;
        let files = files_of(folder)?;
        if files.is_empty() {
            return Err(unusable(
                folder,
                "holds no .png, .jpg, .jpeg or .bmp image; add some, or remove the folder",
            ));
        }
        listing.names.push(name_of(folder));
        listing.files.extend(files.into_iter().map(|file| (file, label)));
    }
    Ok(listing)
}

fn files_of(folder: &Path) -> Result<Vec<PathBuf>, StudyError> {
    let named = |path: &PathBuf| {
        let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
        extension.is_some_and(|extension| EXTENSIONS.contains(&extension.as_str()))
    };
    // A link that leads nowhere counts, to be told of.
    let is_other = |path: &PathBuf| std::fs::metadata(path).is_ok_and(|there| !there.is_file());
    Ok(entries(folder, LAYOUT)?.into_iter().filter(|path| named(path) && !is_other(path)).collect())
}

/// Decoded images as RGB, `[n, 3, size, size]`, and whether every file was grey.
struct Decoded {
    pixels: Vec<u8>,
    size: usize,
    grey: bool,
}

impl Decoded {
    /// The images of `listing`, with one channel if `grey`; takes both apart.
    fn images(&mut self, listing: &mut Listing, grey: bool) -> Result<Images, StudyError> {
        let mut pixels = std::mem::take(&mut self.pixels);
        let plane = self.size * self.size;
        if grey {
            // The three planes of a grey image are equal.
            pixels = pixels.chunks_exact(3 * plane).flat_map(|image| &image[..plane]).copied().collect();
        }
        let shape = ImageShape::new(if grey { 1 } else { 3 }, self.size, self.size);
        let labels = listing.files.iter().map(|&(_, label)| label).collect();
        Images::checked(pixels, labels, shape, std::mem::take(&mut listing.names))
            .map_err(|reason| unusable(&listing.root, reason))
    }
}

/// Decodes all files of a listing. Those that cannot be are an error that lists them, or taken out of the listing.
fn decode_all(listing: &mut Listing, options: &LoadOptions) -> Result<Decoded, StudyError> {
    let size = options.image_size;
    let mut decoded =
        Decoded { pixels: Vec::with_capacity(listing.files.len() * 3 * size * size), size, grey: true };
    let (mut read, mut bad) = (Vec::with_capacity(listing.files.len()), Vec::new());
    let all = listing.files.len();
    for (file, label) in std::mem::take(&mut listing.files) {
        let Picture { rgb, grey } = match decode::read(&file, options) {
            Ok(picture) => picture,
            Err(error) => {
                bad.push(error);
                continue;
            }
        };
        decoded.grey &= grey;
        // Plane by plane.
        for channel in 0..3 {
            decoded.pixels.extend(rgb.as_raw().iter().skip(channel).step_by(3));
        }
        read.push((file, label));
    }
    listing.files = read;
    if options.on_bad == OnBad::Stop && !bad.is_empty() {
        return Err(refused(&listing.root, all, bad));
    }
    if let Some(class) = listing.counts().iter().position(|&count| count == 0) {
        let reason = "no image of this class can be read; replace them, or remove the folder";
        return Err(unusable(listing.root.join(&listing.names[class]), reason));
    }
    Ok(decoded)
}

/// The error of files that cannot be read.
fn refused(root: &Path, all: usize, mut bad: Vec<StudyError>) -> StudyError {
    let skip = "data.on_bad = \"skip\" leaves out what cannot be read, `bonas data check` lists it";
    if bad.len() == 1 {
        return match bad.remove(0) {
            StudyError::Data { path, reason } => {
                StudyError::Data { path, reason: format!("{reason}; {skip}") }
            }
            other => other,
        };
    }
    let more = bad.len().saturating_sub(SHOWN);
    let mut shown: Vec<String> = bad.iter().take(SHOWN).map(|error| format!("\n  {error}")).collect();
    if more > 0 {
        shown.push(format!("\n  and {more} more"));
    }
    unusable(root, format!("{} of {all} images cannot be read; {skip}{}", bad.len(), shown.concat()))
}
