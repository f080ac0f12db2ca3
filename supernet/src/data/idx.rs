//! MNIST and Fashion-MNIST in the idx form.
//!
//! Big-endian 32-bit words, then bytes. Images: magic 0x803, count, rows, columns, pixels row by
//! row. Labels: magic 0x801, count, labels (the MNIST database of `LeCun`, Cortes and Burges;
//! Fashion-MNIST of Xiao et al. 2017).

use std::path::{Path, PathBuf};

use bonas_study::StudyError;

use super::augment::Augment;
use super::dataset::Dataset;
use super::entry::DatasetEntry;
use super::files::{entries, plain_or_gz, read, unusable};
use super::images::{ImageShape, Images, numbered};

/// `mnist:DIRECTORY`: the four idx files of MNIST, Fashion-MNIST and their like (`train-images-idx3-ubyte`, ...;
/// `.idx3` does too), in the directory or its `raw`, each plain or `.gz`.
pub(super) const ENTRY: DatasetEntry = DatasetEntry {
    name: "mnist",
    about: "idx files of MNIST, Fashion-MNIST and their like, plain or gzip",
    places: &["DIRECTORY"],
    format: None,
    is_in: |directory| Ok(find(directory)?.is_some()),
    files: |place, _| found(place.path()).map(|files| [files.train, files.test].concat()),
    read: |place, options| from_directory(place.path(), options.unpacked),
    list: None,
};

const IMAGES_MAGIC: u32 = 0x803;
const LABELS_MAGIC: u32 = 0x801;
const FETCH: &str = "fetch the file again (Fashion-MNIST: https://github.com/zalandoresearch/fashion-mnist, or the \
                     Debian package dataset-fashion-mnist)";

/// The four files: images and labels of a part.
pub(super) struct Files {
    train: [PathBuf; 2],
    test: [PathBuf; 2],
}

/// Reads the four idx files in `directory`, or in its `raw`.
pub(super) fn from_directory(directory: &Path, unpacked: u64) -> Result<Dataset, StudyError> {
    let files = found(directory)?;
    let train = images(&files.train, None, unpacked)?;
    let test = images(&files.test, Some(train.classes()), unpacked)?;
    let label_file = if train.class_counts().contains(&0) { &files.train[1] } else { &files.test[1] };
    Dataset::checked("mnist", train, test, Augment::mnist()).map_err(|reason| {
        unusable(label_file, format!("{reason}; labels must be 0, 1, 2, ... in both parts; {FETCH}"))
    })
}

/// The files of a directory that must hold them.
fn found(directory: &Path) -> Result<Files, StudyError> {
    entries(directory, FETCH)?;
    let names = "train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and \
                 t10k-labels-idx1-ubyte";
    find(directory)?.ok_or_else(|| {
        unusable(directory, format!("holds no {names} (plain or .gz, '-' or '.' before idx); {FETCH}"))
    })
}

/// The idx files of a directory: all four or an error; `None` if there is no sign of them.
pub(super) fn find(directory: &Path) -> Result<Option<Files>, StudyError> {
    const STEMS: [(&str, &str); 4] = [
        ("train-images", "idx3-ubyte"),
        ("train-labels", "idx1-ubyte"),
        ("t10k-images", "idx3-ubyte"),
        ("t10k-labels", "idx1-ubyte"),
    ];
    for root in [directory.to_owned(), directory.join("raw")] {
        let found = STEMS.map(|(stem, kind)| {
            ['-', '.'].iter().find_map(|joint| plain_or_gz(&root, &format!("{stem}{joint}{kind}")))
        });
        if let Some(at) = found.iter().position(Option::is_none) {
            if found.iter().any(Option::is_some) {
                let missing = root.join(format!("{}-{}", STEMS[at].0, STEMS[at].1));
                return Err(unusable(missing, format!("does not exist, though its siblings do; {FETCH}")));
            }
        } else if let [Some(a), Some(b), Some(c), Some(d)] = found {
            return Ok(Some(Files { train: [a, b], test: [c, d] }));
        }
    }
    Ok(None)
}

/// Images and labels of one part; the number of classes is the training part's.
fn images(
    [image_file, label_file]: &[PathBuf; 2],
    classes: Option<usize>,
    unpacked: u64,
) -> Result<Images, StudyError> {
    let (dims, pixels) = body::<3>(image_file, IMAGES_MAGIC, unpacked)?;
    let ([count], labels) = body::<1>(label_file, LABELS_MAGIC, unpacked)?;
    if count != dims[0] {
        let reason = format!("has {count} labels for the {} images of {}", dims[0], image_file.display());
        return Err(unusable(label_file, format!("{reason}; {FETCH}")));
    }
    let labels: Vec<u16> = labels.into_iter().map(u16::from).collect();
    let classes = classes.unwrap_or_else(|| labels.iter().max().map_or(0, |&label| usize::from(label) + 1));
    Images::checked(pixels, labels, ImageShape::new(1, dims[1], dims[2]), numbered(classes))
        .map_err(|reason| unusable(label_file, format!("{reason}; {FETCH}")))
}

/// Dimensions and bytes of an idx file of `D` dimensions.
fn body<const D: usize>(path: &Path, magic: u32, unpacked: u64) -> Result<([usize; D], Vec<u8>), StudyError> {
    let mut bytes = read(path, FETCH, unpacked)?;
    let header = 4 * (1 + D);
    if bytes.len() < header {
        let size = bytes.len();
        return Err(unusable(
            path,
            format!("{size} bytes are less than an idx header ({header}): truncated; {FETCH}"),
        ));
    }
    let word = |at: usize| {
        u32::from_be_bytes([bytes[4 * at], bytes[4 * at + 1], bytes[4 * at + 2], bytes[4 * at + 3]])
    };
    if word(0) != magic {
        return Err(unusable(path, wrong_magic(word(0), magic)));
    }
    let dims: [usize; D] = std::array::from_fn(|i| word(1 + i) as usize);
    let wanted = dims.iter().try_fold(1_usize, |size, &dim| size.checked_mul(dim));
    if wanted != Some(bytes.len() - header) || wanted == Some(0) {
        let size = bytes.len() - header;
        let reason = format!("the header says {dims:?}, but {size} bytes follow it: truncated or damaged");
        return Err(unusable(path, format!("{reason}; {FETCH}")));
    }
    bytes.drain(..header);
    Ok((dims, bytes))
}

fn wrong_magic(found: u32, wanted: u32) -> String {
    let kind = |magic| match magic {
        IMAGES_MAGIC => " (an idx image file)",
        LABELS_MAGIC => " (an idx label file)",
        _ => "",
    };
    format!("starts with {found:#x}{}, not {wanted:#x}{}; rename it, or {FETCH}", kind(found), kind(wanted))
}
