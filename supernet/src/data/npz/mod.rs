//! Images and labels in a file of NumPy (`.npz`), as Keras and `MedMNIST` have them.

mod archive;
mod array;

use std::io;
use std::path::{Path, PathBuf};

use bonas_study::StudyError;

use super::augment::Augment;
use super::dataset::Dataset;
use super::entry::DatasetEntry;
use super::files::{entries, name_of, unreadable, unusable};
use super::images::{ImageShape, Images, numbered};
use super::options::LoadOptions;
use super::split::Split;
use archive::Archive;
use array::Array;
use bonas_study::rng;

/// `npz:FILE`: a file of NumPy with `x_train`, `y_train`, `x_test`, `y_test` (Keras) or `train_images`, `train_labels`,
/// `test_images`, `test_labels` (`MedMNIST`), perhaps `x_val`, `y_val` or `val_images`, `val_labels`; or `images` and `labels`, of
/// which [`LoadOptions::test_fraction`] becomes the test part. Images are whole numbers from 0 to 255, or from 0 to 1 with a
/// point; `[n, h, w]`, `[n, h, w, c]` or `[n, c, h, w]` with 1 or 3 channels. Labels are whole numbers from 0, `[n]` or `[n, 1]`.
pub(super) const ENTRY: DatasetEntry = DatasetEntry {
    name: "npz",
    about: "images and labels in a file of NumPy, as Keras and MedMNIST have them",
    places: &["FILE"],
    format: None,
    is_in: |directory| Ok(only(directory)?.is_some_and(|file| is_dataset(&file))),
    files: |place, _| Ok(vec![file(place.path())?]),
    read: |place, options| read(&file(place.path())?, options),
    list: None,
};

const FETCH: &str = "fetch or save the file again";

/// Names of the images and labels of a part.
type Names = [&'static str; 2];

/// Names of training, validation and test part, one form each.
const FORMS: [[Names; 3]; 3] = [
    [["x_train", "y_train"], ["x_val", "y_val"], ["x_test", "y_test"]],
    [["train_images", "train_labels"], ["val_images", "val_labels"], ["test_images", "test_labels"]],
    [["images", "labels"], ["val_images", "val_labels"], ["test_images", "test_labels"]],
];

/// The one file of NumPy in a directory.
fn only(directory: &Path) -> Result<Option<PathBuf>, StudyError> {
    let is_npz = |path: &PathBuf| path.extension().is_some_and(|e| e.eq_ignore_ascii_case("npz"));
    let mut files = entries(directory, FETCH)?.into_iter().filter(|path| path.is_file() && is_npz(path));
    let first = files.next();
    Ok(first.filter(|_| files.next().is_none()))
}

fn file(place: &Path) -> Result<PathBuf, StudyError> {
    if !place.is_dir() {
        return Ok(place.to_owned());
    }
    only(place)?
        .ok_or_else(|| unusable(place, "is a folder without a .npz file, or with several; name the file"))
}

fn is_dataset(file: &Path) -> bool {
    let has = |archive: &Archive, name: &str| {
        archive.members.iter().any(|member| member.name == format!("{name}.npy"))
    };
    Archive::open(file)
        .is_ok_and(|archive| FORMS.iter().any(|form| form[0].iter().all(|name| has(&archive, name))))
}

/// Reads a file.
///
/// # Errors
/// [`StudyError::Data`].
fn read(path: &Path, options: &LoadOptions) -> Result<Dataset, StudyError> {
    let opened = |error: io::Error| match error.kind() {
        io::ErrorKind::InvalidData => unusable(path, format!("{error}; {FETCH}")),
        _ => unreadable(path, &error, FETCH),
    };
    let mut file = File { archive: Archive::open(path).map_err(opened)?, left: options.unpacked };
    let bad = |reason: String| unusable(path, reason);
    let form = file.form().map_err(bad)?;
    let [train, val, test] = form.map(|names| file.part(names));
    let (train, val, test) = (train.map_err(bad)?, val.map_err(bad)?, test.map_err(bad)?);
    let Some(train) = train else { return Err(bad(format!("has no {}", form[0][0]))) };
    let parts = [Some(&train), val.as_ref(), test.as_ref()];
    let largest = parts.into_iter().flatten().flat_map(|part| &part.labels).max().copied().unwrap_or(0);
    let classes = usize::from(largest) + 1;
    let name = name_of(path);
    let name = name.split('.').next().filter(|name| !name.is_empty()).unwrap_or(ENTRY.name);
    assembled(name, [Some(train), val, test], classes, options).map_err(|error| match error {
        StudyError::Setting { reason, .. } => bad(reason),
        other => other,
    })
}

/// An open file, and how much of it may still be unpacked.
struct File {
    archive: Archive,
    left: u64,
}

/// Images and labels of a part.
struct Part {
    pixels: Vec<u8>,
    shape: ImageShape,
    labels: Vec<u16>,
}

impl File {
    fn names(&self) -> Vec<&str> {
        self.archive.members.iter().map(|member| member.name.trim_end_matches(".npy")).collect()
    }

    /// The names of the parts that are there.
    fn form(&self) -> Result<[Names; 3], String> {
        let names = self.names();
        let form = FORMS.iter().find(|form| form[0].iter().all(|name| names.contains(name)));
        form.copied().ok_or_else(|| {
            let wanted: Vec<String> = FORMS.iter().map(|form| form[0].join(" and ")).collect();
            format!("holds {}; expected {}", names.join(", "), wanted.join(", or "))
        })
    }

    /// A part, if it is there.
    fn part(&mut self, [images, labels]: Names) -> Result<Option<Part>, String> {
        let names = self.names();
        match (names.contains(&images), names.contains(&labels)) {
            (false, false) => return Ok(None),
            (true, true) => {}
            (true, false) => return Err(format!("has {images} and no {labels}")),
            (false, true) => return Err(format!("has {labels} and no {images}")),
        }
        let told = |name: &'static str| move |reason: String| format!("{name}.npy {reason}");
        let shaped = self.array(images)?;
        let (pixels, shape) = pixels(&shaped).map_err(told(images))?;
        let count = shaped.shape[0];
        drop(shaped);
        let given = self.array(labels)?;
        let labelled = classes(&given).map_err(told(labels))?;
        if labelled.len() != count {
            return Err(format!(
                "{labels}.npy has {} labels for the {count} images of {images}.npy",
                labelled.len()
            ));
        }
        Ok(Some(Part { pixels, shape, labels: labelled }))
    }

    fn array(&mut self, name: &str) -> Result<Array, String> {
        let file = format!("{name}.npy");
        let member = self.archive.members.iter().find(|member| member.name == file).cloned();
        let member = member.ok_or_else(|| format!("has no {file}"))?;
        self.left = self.left.checked_sub(member.size).ok_or_else(|| {
            format!(
                "unpacks to more than data.unpacked_megabytes allows ({file}: {} bytes); raise it",
                member.size
            )
        })?;
        let bytes = self.archive.read(&member).map_err(|error| format!("{file}: {error}; {FETCH}"))?;
        Array::parse(bytes).map_err(|reason| format!("{file} {reason}"))
    }
}

/// Pixels `[n, c, h, w]` of images.
fn pixels(array: &Array) -> Result<(Vec<u8>, ImageShape), String> {
    let (shape, last) = match array.shape[..] {
        [_, height, width] => (ImageShape::new(1, height, width), false),
        [_, height, width, channels @ (1 | 3)] => (ImageShape::new(channels, height, width), true),
        [_, channels @ (1 | 3), height, width] => (ImageShape::new(channels, height, width), false),
        [_, _, _, 4] => {
            return Err("has four channels; lay its images on a background, and save three".to_owned());
        }
        ref other => {
            return Err(format!(
                "has shape {other:?}; expected [n, h, w], [n, h, w, c] or [n, c, h, w] with 1 or 3 channels"
            ));
        }
    };
    if array.count() == 0 {
        return Err(format!("has shape {:?}, which holds no pixel", array.shape));
    }
    let values = match array.bytes() {
        Some(bytes) => bytes.to_vec(),
        None => bytes_of(array)?,
    };
    if !last || shape.channels == 1 {
        return Ok((values, shape));
    }
    let planes = |image: &[u8]| -> Vec<u8> {
        (0..shape.channels).flat_map(|c| image.iter().skip(c).step_by(shape.channels).copied()).collect()
    };
    Ok((values.chunks_exact(shape.pixels().max(1)).flat_map(planes).collect(), shape))
}

/// Numbers that are not bytes as bytes: whole ones from 0 to 255 as they are, others from 0 to 1 times 255, rounded.
fn bytes_of(array: &Array) -> Result<Vec<u8>, String> {
    let most = array.numbers().fold(0.0_f64, f64::max);
    let factor = if array.is_float() && most <= 1.0 { 255.0 } else { 1.0 };
    let byte = |(at, value): (usize, f64)| {
        let scaled = value * factor;
        let fits = (0.0..=255.0).contains(&scaled) && (factor > 1.0 || scaled.fract() == 0.0);
        fits.then_some(scaled.round() as u8).ok_or_else(|| {
            // It may be the largest that is wrong.
            let beside = if array.is_float() && value < most { format!(", beside {most}") } else { String::new() };
            format!(
                "has {value} at place {at}{beside}; pixels are whole numbers from 0 to 255, or from 0 to 1 with a point: scale them, and save \
                 them as uint8"
            )
        })
    };
    array.numbers().enumerate().map(byte).collect()
}

/// Labels `[n]`.
fn classes(array: &Array) -> Result<Vec<u16>, String> {
    match array.shape[..] {
        [_] | [_, 1] => {}
        [_, classes] => {
            return Err(format!(
                "has {classes} values for an image, not its one class; of one-hot labels save numpy.argmax(labels, 1)"
            ));
        }
        ref other => return Err(format!("has shape {other:?}; expected [n] or [n, 1]")),
    }
    let label = |(at, value): (usize, f64)| {
        let is_class = (0.0..=f64::from(u16::MAX)).contains(&value) && value.fract() == 0.0;
        is_class.then_some(value as u16).ok_or_else(|| {
            format!("has label {value} at place {at}; classes are whole numbers from 0 to {}", u16::MAX)
        })
    };
    let mut labels = Vec::with_capacity(array.count());
    for found in array.numbers().enumerate().map(label) {
        labels.push(found?);
    }
    Ok(labels)
}

/// The dataset of training, validation and test part.
fn assembled(
    name: &str,
    [train, val, test]: [Option<Part>; 3],
    classes: usize,
    options: &LoadOptions,
) -> Result<Dataset, StudyError> {
    let bad = |reason: String| StudyError::Setting { name: name.to_owned(), reason };
    let images =
        |part: Part| Images::checked(part.pixels, part.labels, part.shape, numbered(classes)).map_err(bad);
    let (mut all, trained) = match train {
        Some(train) => {
            let trained = train.labels.len();
            (train, trained)
        }
        None => return Err(bad("has no training images".to_owned())),
    };
    if let Some(val) = val {
        if val.shape != all.shape {
            return Err(bad(format!(
                "validation images are {}, training images are {}",
                val.shape, all.shape
            )));
        }
        all.pixels.extend(val.pixels);
        all.labels.extend(val.labels);
    }
    let shape = all.shape;
    let all = images(all)?;
    let augment =
        if shape.channels == 1 { Augment::mnist() } else { Augment::photos(shape.height.min(shape.width)) };
    let augment = if augment.check(shape).is_ok() { augment } else { Augment::none() };
    let validation = trained..all.len();
    let data = if let Some(test) = test {
        Dataset::checked(name, all, images(test)?, augment).map_err(bad)?
    } else {
        let rng = &mut rng::stream(options.split_seed, &[]);
        let split = Split::of_first(&all, trained, options.test_fraction, rng)?;
        let kept = all.select(&split.train.iter().copied().chain(validation.clone()).collect::<Vec<_>>())?;
        let drawn = all.select(&split.validation)?;
        Dataset::checked(name, kept, drawn, augment).map_err(bad)?.with_drawn_test()
    };
    if validation.is_empty() {
        return Ok(data);
    }
    let first = data.train.len() - validation.len();
    let split = Split { train: (0..first).collect(), validation: (first..data.train.len()).collect() };
    data.with_split(split).map_err(bad)
}
