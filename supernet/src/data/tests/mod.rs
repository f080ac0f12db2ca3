//! Tests of the module on small files in the official formats and on images made by hand.
// Small whole numbers are exact in floating point.
#![allow(clippy::unwrap_used, clippy::float_cmp)]

mod batches;
mod binaries;
mod cache;
mod crops;
mod folders;
mod imagenet;
mod manifests;
mod npz;
mod pictures;
mod shrink;
mod splits;

use std::fs;
use std::io::Write;
use std::path::Path;

use bonas_study::StudyError;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::{DATASETS, Dataset, ImageShape, Images, LoadOptions, Source, load};

/// Grey images of 2x2 pixels with these labels; image `i` is filled with `i`.
fn images(labels: &[u16], classes: usize) -> Images {
    let pixels = (0..labels.len()).flat_map(|i| [i as u8; 4]).collect();
    let names = super::images::numbered(classes);
    Images::new(pixels, labels.to_vec(), ImageShape::new(1, 2, 2), names).unwrap()
}

fn read(source: &str, path: &Path) -> Result<Dataset, StudyError> {
    load(&format!("{source}{}", path.display()), &LoadOptions::default())
}

/// The error of reading `path` must be about `file` and contain every one of `words`.
#[track_caller]
fn refused(source: &str, path: &Path, file: &str, words: &[&str]) {
    let error = read(source, path).unwrap_err();
    assert!(matches!(&error, StudyError::Data { path, .. } if path.ends_with(file)), "{error}");
    for word in words {
        assert!(error.to_string().contains(word), "{error} lacks {word}");
    }
}

fn write(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn every_dataset_keeps_the_contract() {
    let dir = tempfile::tempdir().unwrap();
    for kind in DATASETS.iter() {
        assert!(!kind.about.is_empty() && !kind.about.ends_with('.'), "{}", kind.name);
        assert!(!(kind.is_in)(dir.path()).unwrap(), "{} sees itself in an empty folder", kind.name);
        for form in kind.forms() {
            let source: Source = form.parse().unwrap();
            assert_eq!((source.kind().map(|kind| kind.name), source.to_string()), (Some(kind.name), form));
        }
        if kind.places.is_empty() {
            let data = load(kind.name, &LoadOptions::default()).unwrap();
            let found = (data.train.shape(), data.train.classes());
            assert!(kind.format.is_none_or(|format| format == found), "{}", kind.name);
        } else {
            refused(&format!("{}:", kind.name), &dir.path().join("nothing"), "nothing", &["does not exist"]);
        }
    }
}
