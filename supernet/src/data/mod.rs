//! Labelled images: reading, splitting, augmenting and batching. Pure Rust, no tensor library.
//!
//! [`load`] -> [`Dataset`] (train and test [`Images`]) -> [`Split`] of the training part into
//! train and validation -> [`Loader`] -> [`Batches`] -> [`Batch`].
//!
//! Shape letters of this module: `n` images, `c` channels, `h` rows, `w` columns; pixels are
//! `[n, c, h, w]`, contiguous.
//!
//! Invariants: a search scores on the validation part of the training set and never sees the test
//! set. Every draw comes from a [`StudyRng`](bonas_study::rng::StudyRng) that the caller passes: the
//! same generator gives the same split and the same batches, bit for bit, on every platform.
//! Files that cannot be used are a [`StudyError::Data`](bonas_study::StudyError::Data) that names the
//! file and the remedy.

mod ahead;
mod augment;
mod batch;
mod begun;
mod cache;
mod check;
mod cifar;
mod class_folders;
mod crop;
mod dataset;
mod decoded;
mod digits;
mod entry;
mod fault;
mod files;
mod fingerprint;
mod folder;
mod idx;
mod image_files;
mod imagenet;
mod images;
mod jitter;
mod listing;
mod manifest;
mod normalise;
mod npz;
mod options;
mod picture;
mod pixels;
mod png;
mod rand_augment;
mod read_listing;
mod resample;
mod settings;
mod source;
mod split;
#[cfg(test)]
mod tests;

pub use augment::Augment;
pub use batch::{Batch, BatchOptions, Batches, Loader};
pub use cache::ImageCache;
pub use crop::RandomCrop;
pub use dataset::Dataset;
pub use digits::digits;
pub use entry::{DatasetEntry, Place};
pub use fault::{DataFault, DataReport, FaultKind};
pub use image_files::ImageFiles;
pub use images::{ImageShape, Images};
pub use jitter::Jitter;
pub use normalise::Normalisation;
pub use options::{Background, LoadOptions, OnBad};
pub use picture::EXTENSIONS;
pub use rand_augment::RandAugment;
pub use settings::DataSettings;
pub use source::{Source, load};
pub use split::Split;

use bonas_spaces::catalogue::Catalogue;

/// The kinds of datasets, one line each. A directory is taken for the first kind that it holds.
#[rustfmt::skip]
pub static DATASETS: Catalogue<DatasetEntry> = Catalogue::new("dataset", &[
    &digits::ENTRY,
    &cifar::ENTRY,
    &idx::ENTRY,
    &npz::ENTRY,
    &imagenet::ENTRY,
    &manifest::ENTRY,
    &folder::ENTRY,
]);
