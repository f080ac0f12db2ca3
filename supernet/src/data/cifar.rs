//! CIFAR-10 in its official binary form.
//!
//! A file is a sequence of records: one label byte (0..=9), then 3,072 bytes, the 32x32 red plane
//! row by row, then green, then blue (Krizhevsky 2009, <https://www.cs.toronto.edu/~kriz/cifar.html>).

use std::path::{Path, PathBuf};

use bonas_study::StudyError;

use super::augment::Augment;
use super::dataset::Dataset;
use super::entry::DatasetEntry;
use super::files::{entries, name_of, plain_or_gz, read, unusable};
use super::images::{ImageShape, Images};

/// `cifar10:DIRECTORY`: the official binary files `data_batch_1.bin` to `data_batch_5.bin` and `test_batch.bin`, or one
/// `*train*.bin` and one `*test*.bin` of any number of records; in the directory or its `cifar-10-batches-bin`, each
/// plain or `.gz`. `cifar10:TRAIN,TEST`: two files of CIFAR-10 records, each plain or gzip.
pub(super) const ENTRY: DatasetEntry = DatasetEntry {
    name: "cifar10",
    about: "CIFAR-10's binary files, plain or gzip",
    places: &["DIRECTORY", "TRAIN,TEST"],
    format: Some((SHAPE, CLASSES.len())),
    is_in: |directory| Ok(find(directory)?.is_some()),
    files: |place, _| match place.pair() {
        Some(pair) => Ok(pair.into()),
        None => found(place.path()).map(|files| [files.train, files.test].concat()),
    },
    read: |place, options| match place.pair() {
        Some([train, test]) => from_files(&[train], &[test], options.unpacked),
        None => from_directory(place.path(), options.unpacked),
    },
    list: None,
};

const SHAPE: ImageShape = ImageShape::new(3, 32, 32);
const RECORD: usize = 1 + SHAPE.pixels();
const CLASSES: [&str; 10] =
    ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];
const FETCH: &str = "fetch the binary version from https://www.cs.toronto.edu/~kriz/cifar.html again";
const SUBFOLDER: &str = "cifar-10-batches-bin";

/// The files that a dataset is read from.
pub(super) struct Files {
    train: Vec<PathBuf>,
    test: Vec<PathBuf>,
}

/// Reads the CIFAR-10 files in `directory`, or in its `cifar-10-batches-bin`.
pub(super) fn from_directory(directory: &Path, unpacked: u64) -> Result<Dataset, StudyError> {
    let files = found(directory)?;
    from_files(&files.train, &files.test, unpacked)
}

/// The files of a directory that must hold CIFAR-10.
fn found(directory: &Path) -> Result<Files, StudyError> {
    entries(directory, FETCH)?;
    find(directory)?.ok_or_else(|| unusable(directory, nothing_found(directory)))
}

/// Reads explicit files.
pub(super) fn from_files(train: &[PathBuf], test: &[PathBuf], unpacked: u64) -> Result<Dataset, StudyError> {
    let (train_images, test_images) = (images(train, unpacked)?, images(test, unpacked)?);
    let to_blame = if train_images.class_counts().contains(&0) { train } else { test };
    Dataset::checked("cifar10", train_images, test_images, Augment::cifar())
        .map_err(|reason| unusable(&to_blame[0], format!("{reason}; use files that hold all ten classes")))
}

/// The files of a directory that holds CIFAR-10, `None` if there is no sign of it.
pub(super) fn find(directory: &Path) -> Result<Option<Files>, StudyError> {
    for root in [directory.to_owned(), directory.join(SUBFOLDER)] {
        if let Some(files) = official(&root)?.map_or_else(|| named(&root), |files| Ok(Some(files)))? {
            return Ok(Some(files));
        }
    }
    Ok(None)
}

/// `data_batch_1.bin` to `data_batch_5.bin` and `test_batch.bin`: all of them or none.
fn official(root: &Path) -> Result<Option<Files>, StudyError> {
    let names: Vec<String> =
        (1..=5).map(|i| format!("data_batch_{i}.bin")).chain(["test_batch.bin".into()]).collect();
    let found: Vec<Option<PathBuf>> = names.iter().map(|name| plain_or_gz(root, name)).collect();
    if found.iter().all(Option::is_none) {
        return Ok(None);
    }
    if let Some(at) = found.iter().position(Option::is_none) {
        return Err(unusable(
            root.join(&names[at]),
            format!("does not exist, though its siblings do; {FETCH}"),
        ));
    }
    let mut train: Vec<PathBuf> = found.into_iter().flatten().collect();
    let test = train.split_off(5);
    Ok(Some(Files { train, test }))
}

/// One `*train*.bin[.gz]` and one `*test*.bin[.gz]`.
fn named(root: &Path) -> Result<Option<Files>, StudyError> {
    let files = if root.is_dir() { entries(root, FETCH)? } else { Vec::new() };
    let with = |word: &str| -> Vec<PathBuf> {
        let fits =
            |name: &str| name.contains(word) && name.trim_end_matches(".gz").strip_suffix(".bin").is_some();
        files.iter().filter(|path| path.is_file() && fits(&name_of(path).to_lowercase())).cloned().collect()
    };
    let (train, test) = (with("train"), with("test"));
    match (train.len(), test.len()) {
        (1, 1) => Ok(Some(Files { train, test })),
        (0, 0) => Ok(None),
        (a, b) => Err(unusable(
            root,
            format!(
                "holds {a} *train*.bin and {b} *test*.bin files, not one of each; name them: cifar10:TRAIN,TEST"
            ),
        )),
    }
}

/// Says what was looked for, and what is there instead.
fn nothing_found(directory: &Path) -> String {
    let holds = |name: &str| directory.join(name).exists();
    if holds("cifar-10-binary.tar.gz") {
        return "holds cifar-10-binary.tar.gz, still packed; unpack it: tar xzf cifar-10-binary.tar.gz"
            .to_owned();
    }
    if holds("data_batch_1") || holds("cifar-10-batches-py") || holds("cifar-10-python.tar.gz") {
        return format!("holds the Python version of CIFAR-10, which is not read; {FETCH}");
    }
    format!(
        "holds no data_batch_1.bin to data_batch_5.bin and test_batch.bin (nor *train*.bin and *test*.bin; \
         each plain or .gz; here or in {SUBFOLDER}); {FETCH}"
    )
}

fn images(paths: &[PathBuf], unpacked: u64) -> Result<Images, StudyError> {
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for path in paths {
        append(&read(path, FETCH, unpacked)?, path, &mut pixels, &mut labels)?;
    }
    let names = CLASSES.iter().map(ToString::to_string).collect();
    Images::checked(pixels, labels, SHAPE, names)
        .map_err(|reason| unusable(paths.first().map_or(Path::new(""), PathBuf::as_path), reason))
}

fn append(bytes: &[u8], path: &Path, pixels: &mut Vec<u8>, labels: &mut Vec<u16>) -> Result<(), StudyError> {
    if bytes.is_empty() || !bytes.len().is_multiple_of(RECORD) {
        let size = bytes.len();
        let reason =
            format!("{size} bytes are not a whole number of {RECORD}-byte CIFAR-10 records: truncated");
        return Err(unusable(path, format!("{reason}, or another format; {FETCH}")));
    }
    for (at, record) in bytes.chunks_exact(RECORD).enumerate() {
        if usize::from(record[0]) >= CLASSES.len() {
            let label = record[0];
            return Err(unusable(
                path,
                format!("image {at} has label {label}, not 0 to 9: damaged; {FETCH}"),
            ));
        }
        labels.push(u16::from(record[0]));
        pixels.extend_from_slice(&record[1..]);
    }
    Ok(())
}
