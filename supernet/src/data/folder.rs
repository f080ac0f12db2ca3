//! A folder of images by class.
//!
//! Either `root/train/<class>/*` and `root/test/<class>/*`, or `root/<class>/*`, which is split.
//! Classes and files are taken in the order of their names; hidden files and files that are not
//! named png, jpg, jpeg or bmp are left aside.

use std::path::{Path, PathBuf};

use bonas_study::{StudyError, rng};

use super::augment::Augment;
use super::dataset::Dataset;
use super::decode::{self, Picture};
use super::entry::DatasetEntry;
use super::files::{entries, name_of, unusable};
use super::images::{ImageShape, Images};
use super::options::LoadOptions;
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
};

const LAYOUT: &str = "expected root/train/<class>/*.png and root/test/<class>/*.png, or root/<class>/*.png";
const EXTENSIONS: [&str; 4] = ["png", "jpg", "jpeg", "bmp"];

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
    let parts =
        if is_split(root) { vec![root.join("train"), root.join("test")] } else { vec![root.to_owned()] };
    let mut files = Vec::new();
    for part in parts {
        files.extend(list(&part)?.files.into_iter().map(|(file, _)| file));
    }
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
    let [mut a, mut b] = [decode_all(&train, options.image_size)?, decode_all(&test, options.image_size)?];
    let grey = a.grey && b.grey;
    Ok((a.images(&mut train, grey)?, b.images(&mut test, grey)?))
}

fn one_folder(root: &Path, options: &LoadOptions) -> Result<(Images, Images), StudyError> {
    let mut listing = list(root)?;
    if let Some(class) = listing.counts().iter().position(|&count| count < 2) {
        let reason = "has only one image, which cannot be both trained and tested on; add images";
        return Err(unusable(root.join(&listing.names[class]), reason));
    }
    let mut decoded = decode_all(&listing, options.image_size)?;
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
    Ok(entries(folder, LAYOUT)?.into_iter().filter(|path| named(path) && path.is_file()).collect())
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

fn decode_all(listing: &Listing, size: usize) -> Result<Decoded, StudyError> {
    let mut decoded =
        Decoded { pixels: Vec::with_capacity(listing.files.len() * 3 * size * size), size, grey: true };
    for (file, _) in &listing.files {
        let Picture { rgb, grey } = decode::read(file, size)?;
        decoded.grey &= grey;
        // Plane by plane.
        for channel in 0..3 {
            decoded.pixels.extend(rgb.as_raw().iter().skip(channel).step_by(3));
        }
    }
    Ok(decoded)
}
