//! Images looked through one by one.

use std::collections::HashMap;
use std::path::PathBuf;

use blake3::Hash;
use bonas_study::{cores, parallel};

use super::dataset::Dataset;
use super::fault::{DataFault, DataReport, FaultKind};
use super::images::Images;
use super::listing::{ImageFile, Listing, Part, Use};
use super::options::LoadOptions;
use super::picture::{Picture, other_format, unapplied};

/// What a file turned out to be.
struct Looked {
    faults: Vec<(FaultKind, String)>,
    /// Of its bytes, if it is an image.
    hash: Option<Hash>,
}

/// Looks at every file of a listing.
pub(super) fn check(mut listing: Listing, options: &LoadOptions) -> DataReport {
    let files = &listing.files;
    let decoded = Some(options.decoded(files.len()));
    let mut looked: Vec<Option<Looked>> = files.iter().map(|_| None).collect();
    parallel(
        files.len(),
        cores(),
        |i| look(&files[i], options),
        |i, found| {
            looked[i] = Some(found);
            true
        },
    );
    let looked: Vec<Looked> = looked.into_iter().flatten().collect();
    let is_read = |i: usize| looked[i].hash.is_some();
    let images =
        |part: Part| files.iter().enumerate().filter(|(i, file)| file.part == part && is_read(*i)).count();
    let parts: Vec<_> =
        listing.parts.iter().map(|(part, _)| (part.name().to_owned(), images(*part))).collect();
    let mut faults = std::mem::take(&mut listing.faults);
    faults.extend(duplicates(&listing, &looked));
    faults.extend(listing.class_faults(Use::Searching, is_read));
    for (file, looked) in listing.files.into_iter().zip(looked) {
        let own = looked.faults.into_iter();
        faults.extend(own.map(|(kind, detail)| DataFault::new(kind, &file.path, detail)));
    }
    // A manifest may name a file twice.
    faults.sort_by(|a, b| (a.kind, &a.path).cmp(&(b.kind, &b.path)));
    faults.dedup();
    DataReport { parts, classes: listing.classes.len(), decoded, faults }
}

fn look(file: &ImageFile, options: &LoadOptions) -> Looked {
    let decoded = file.bytes().and_then(|bytes| Picture::decode(&bytes, options).map(|_| bytes));
    let bytes = match decoded {
        Ok(bytes) => bytes,
        Err(reason) => return Looked { faults: vec![(FaultKind::Unreadable, reason)], hash: None },
    };
    let extension = file.path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    let mut faults = Vec::new();
    if let Some(format) = other_format(&bytes, &extension.unwrap_or_default()) {
        faults.push((FaultKind::WrongExtension, format!("it is {format}")));
    }
    if let Some(profile) = unapplied(&bytes) {
        faults.push((FaultKind::Profile, profile));
    }
    Looked { faults, hash: Some(blake3::hash(&bytes)) }
}

/// Equal files in two parts or in two classes; in a part that others are drawn from, any.
fn duplicates(listing: &Listing, looked: &[Looked]) -> Vec<DataFault> {
    let (mut first, mut faults) = (HashMap::<Hash, usize>::new(), Vec::new());
    for (i, file) in listing.files.iter().enumerate() {
        let Some(hash) = looked[i].hash else { continue };
        let earlier = *first.entry(hash).or_insert(i);
        let of = &listing.files[earlier];
        let is_apart =
            of.part != file.part || of.label != file.label || listing.is_split_at_random(file.part);
        if earlier != i && of.path != file.path && is_apart {
            let detail = format!("the same bytes as {}", of.path.display());
            faults.push(DataFault::new(FaultKind::Duplicate, &file.path, detail));
        }
    }
    faults
}

/// The report on a dataset that was read: images that are in both parts.
pub(super) fn of_dataset(data: &Dataset) -> DataReport {
    let hashes = |images: &Images| -> Vec<Hash> {
        (0..images.len()).map(|i| blake3::hash(&images.image(i))).collect()
    };
    let mut train: HashMap<Hash, usize> = HashMap::new();
    hashes(&data.train).into_iter().enumerate().for_each(|(i, hash)| {
        train.entry(hash).or_insert(i);
    });
    let twice = hashes(&data.test).into_iter().enumerate().filter_map(|(i, hash)| {
        let first = train.get(&hash)?;
        let detail = format!("test image {i} is training image {first}, counted from 0");
        Some(DataFault::new(FaultKind::Duplicate, PathBuf::new(), detail))
    });
    let single = data.train.class_counts().into_iter().enumerate().filter(|(_, count)| *count < 2);
    let single = single.map(|(class, _)| {
        let name = &data.train.class_names()[class];
        let detail = format!("class {name} has only one training image, and a search validates on another");
        DataFault::new(FaultKind::TooFewImages, PathBuf::new(), detail)
    });
    DataReport {
        faults: single.chain(twice).collect(),
        parts: vec![("train".to_owned(), data.train.len()), ("test".to_owned(), data.test.len())],
        classes: data.train.classes(),
        decoded: None,
    }
}
