//! Files that NumPy wrote: `tests/npz/make.py`.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::{read, refused};
use crate::data::{Augment, Dataset, ImageShape, LoadOptions, load};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/npz/{name}.npz"))
}

fn data(name: &str) -> Dataset {
    read("npz:", &file(name)).unwrap()
}

/// Image `i` of `make.py`.
fn grey(i: u8) -> Vec<u8> {
    (0..20).map(|at| 10 * i + at).collect()
}

fn colour(i: u8) -> Vec<u8> {
    (0..3).flat_map(|c| (0..20).map(move |at| 10 * i + at + 70 * c)).collect()
}

#[test]
fn files_of_keras_are_read_whatever_their_numbers() {
    for name in ["keras", "one", "wide", "unit", "unit32", "whole"] {
        let data = data(name);
        assert_eq!((data.name.as_str(), data.train.shape()), (name, ImageShape::new(1, 5, 4)), "{name}");
        assert_eq!(
            (data.train.labels(), data.test.labels()),
            (&[0, 1, 2, 0, 1, 2][..], &[0, 1, 2][..]),
            "{name}"
        );
        for i in 0..6 {
            assert_eq!(*data.train.image(usize::from(i)), grey(i), "{name}");
        }
        assert_eq!((*data.test.image(2)).to_vec(), grey(2));
        assert_eq!((data.augment, data.split.is_none(), data.test_is_drawn), (Augment::mnist(), true, false));
    }
    let python2 = data("python2");
    assert_eq!((python2.train.image(5).to_vec(), python2.test.labels()[5]), (grey(5), 2));
    for name in ["colour", "first"] {
        let data = data(name);
        assert_eq!(
            (data.train.shape(), data.train.labels()),
            (ImageShape::new(3, 5, 4), &[0, 1, 2, 0, 1, 2][..])
        );
        assert_eq!(*data.train.image(5), colour(5), "{name}");
    }
    let flags = data("flags");
    assert_eq!(flags.train.image(0).iter().map(|&v| u32::from(v)).sum::<u32>(), 7, "of 0 to 19, 13 to 19");
}

#[test]
fn validation_parts_are_kept_and_test_parts_drawn() {
    let own = data("medmnist");
    assert_eq!((own.counts(), own.train.labels()), ((6, Some(3), 3), &[0, 1, 2, 0, 1, 2, 0, 1, 2][..]));
    assert_eq!(own.split.unwrap().validation, [6, 7, 8]);
    assert_eq!((own.train.image(7).to_vec(), own.test.image(0).to_vec()), (grey(7), grey(9)));
    let drawn = data("images");
    assert_eq!((drawn.counts(), drawn.test_is_drawn), ((9, None, 3), true));
    let folder = tempfile::tempdir().unwrap();
    fs::copy(file("medmnist"), folder.path().join("a.npz")).unwrap();
    assert_eq!(read("", folder.path()).unwrap().counts(), (6, Some(3), 3));
    assert_eq!(read("npz:", folder.path()).unwrap().counts(), (6, Some(3), 3));
    fs::copy(file("medmnist"), folder.path().join("b.npz")).unwrap();
    assert!(read("npz:", folder.path()).unwrap_err().to_string().contains("or with several; name the file"));
    let bare = load(&folder.path().join("b.npz").display().to_string(), &LoadOptions::default()).unwrap_err();
    assert!(bare.to_string().contains("did you mean npz:"), "{bare}");
}

#[test]
fn what_is_no_dataset_is_told_with_the_remedy() {
    for (name, words) in [
        ("objects", &["x_train.npy holds pickled Python objects, which are not read", "uint8"][..]),
        ("deep", &["x_train.npy has 257 at place 1", "save them as uint8"]),
        ("normal", &["has -1 at place 0", "scale them"]),
        ("fortran", &["numpy.ascontiguousarray"]),
        ("flat", &["has shape [6, 20]; expected [n, h, w]"]),
        ("rgba", &["four channels"]),
        ("hot", &["y_train.npy has 3 values for an image", "numpy.argmax(labels, 1)"]),
        ("names", &["y_train.npy holds texts"]),
        ("negative", &["has label -1 at place 0"]),
        ("gap", &["the training part has no image of class 1 (1)"]),
        ("fields", &["several fields"]),
        ("largest", &["the training part has no image of class 3 (3)"]),
        ("above", &["has 0.02 at place 1, beside 1.38; pixels"]),
        ("empty", &["x_test.npy has shape [0, 5, 4], which holds no pixel"]),
        ("endless", &["x_train.npy has shape [0, 18446744073709551615, ", "which holds no pixel"]),
        ("complex", &["has elements \"<c8\""]),
        ("few", &["y_train.npy has 5 labels for the 6 images of x_train.npy"]),
        ("half", &["has x_test and no y_test"]),
        ("sizes", &["training images are 1x5x4, test images are 1x4x4"]),
        ("others", &["holds features, targets; expected x_train and y_train", "or images and labels"]),
    ] {
        refused("npz:", &file(name), &format!("{name}.npz"), words);
    }
    let limit = LoadOptions { unpacked: 1 << 20, ..LoadOptions::default() };
    let error = load(&format!("npz:{}", file("bomb").display()), &limit).unwrap_err().to_string();
    assert!(error.contains("data.unpacked_megabytes"), "{error}");
}

/// Cut off anywhere, or with any byte changed, a file is read as it was or refused.
#[test]
fn damaged_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npz");
    for name in ["keras", "medmnist"] {
        let whole = fs::read(file(name)).unwrap();
        for length in (0..whole.len()).step_by(7) {
            fs::write(&path, &whole[..length]).unwrap();
            assert!(read("npz:", &path).is_err(), "{name} {length}");
        }
    }
    fs::write(&path, "<html>not found</html>").unwrap();
    refused("npz:", &path, "a.npz", &["no zip archive", "fetch or save the file again"]);
    let expected = data("keras").train.pixels().to_vec();
    let whole = fs::read(file("keras")).unwrap();
    proptest!(ProptestConfig::with_cases(300), |(at in 0..whole.len(), byte: u8)| {
        let mut changed = whole.clone();
        changed[at] = byte;
        fs::write(&path, changed).unwrap();
        if let Ok(data) = read("npz:", &path) {
            prop_assert_eq!(&*data.train.pixels(), &expected[..], "{}", at);
        }
    });
}
