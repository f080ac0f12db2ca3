//! `ImageNet` of ILSVRC 2012 as it is unpacked: classes are folders of synsets of `WordNet`, and validation images may lie in
//! one folder with their labels in a file (Russakovsky et al. 2015).

mod meta;
mod places;
mod truth;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bonas_study::StudyError;

use super::class_folders::{Classes, classes, is_image};
use super::entry::DatasetEntry;
use super::fault::{DataFault, FaultKind};
use super::files::{entries, name_of, unusable};
use super::listing::{ImageFile, Listing, Part};
use super::options::LoadOptions;
use super::read_listing;
use places::{LAYOUT, Places};
use truth::Truth;

/// `imagenet:DIRECTORY`: `ILSVRC/Data/CLS-LOC/train/<synset>/*.JPEG` and `val`, or `train` and `val` themselves. Validation
/// images lie in folders of synsets as well, or in `val` itself with `LOC_val_solution.csv`, or with
/// `ILSVRC2012_validation_ground_truth.txt` and `meta.mat` or `map_clsloc.txt`, which say which synset a number means. They are the
/// test part: published figures are theirs. Classes are in the order of synsets; `LOC_synset_mapping.txt`, `map_clsloc.txt` or
/// `meta.mat` name them. Images are read as those of a folder.
pub(super) const ENTRY: DatasetEntry = DatasetEntry {
    name: "imagenet",
    about: "ImageNet as ILSVRC 2012 is unpacked",
    places: &["DIRECTORY"],
    format: None,
    is_in: |directory| Ok(Places::of(directory).is_some_and(|places| places.is_official())),
    files: |place, options| {
        let (listing, texts) = list(place.path(), options)?;
        Ok([texts, listing.present()?].concat())
    },
    read: |place, options| {
        options.check()?;
        read_listing::read(ENTRY.name, list(place.path(), options)?.0, options)
    },
    list: Some(|place, options| Ok(list(place.path(), options)?.0)),
};

/// Lists the images of a directory, and the text files that labels and names come from.
///
/// # Errors
/// [`StudyError::Data`] for a directory that holds no `ImageNet`, and text files that cannot be used.
fn list(root: &Path, options: &LoadOptions) -> Result<(Listing, Vec<PathBuf>), StudyError> {
    entries(root, LAYOUT)?;
    let places = Places::of(root).ok_or_else(|| unusable(root, format!("holds no ImageNet; {LAYOUT}")))?;
    let mut faults = Vec::new();
    let train = classes(&places.train, &mut faults)?;
    expect_synsets(&places.train, &train)?;
    let synsets: Vec<String> = train.keys().cloned().collect();
    if synsets.len() < 2 {
        let detail = format!("holds {} class folders, not two or more; {LAYOUT}", synsets.len());
        faults.push(DataFault::new(FaultKind::TooFewClasses, &places.train, detail));
    }
    if let Some(test) = &places.test {
        let detail = "its images have no labels; those of val are the test part";
        faults.push(DataFault::new(FaultKind::OtherFolder, test, detail));
    }
    let mut texts = Vec::new();
    let val = validation(&places, &mut texts, &mut faults, options)?;
    compare(&places, &synsets, &val, &mut faults);
    let names = truth::names(&places, &synsets, &mut texts, options.unpacked)?;
    let label = |synset: &String| synsets.binary_search(synset).ok().map(|label| label as u16);
    let files = [(Part::Train, train), (Part::Test, val)].into_iter().flat_map(|(part, classes)| {
        let labelled = classes.into_iter().filter_map(|(synset, files)| Some((label(&synset)?, files)));
        let files = labelled.flat_map(|(label, files)| files.into_iter().map(move |path| (path, label)));
        files.map(move |(path, label)| ImageFile { path, label, part }).collect::<Vec<_>>()
    });
    let files = files.collect();
    let parts = vec![(Part::Train, places.train), (Part::Test, places.val)];
    Ok((Listing { origin: root.to_owned(), parts, has_folders: false, classes: names, files, faults }, texts))
}

/// Whether a name is that of a synset: `n` and eight digits.
fn is_synset(name: &str) -> bool {
    name.strip_prefix('n')
        .is_some_and(|digits| digits.len() == 8 && digits.bytes().all(|d| d.is_ascii_digit()))
}

/// Refuses folders that are no synsets.
fn expect_synsets(folder: &Path, classes: &Classes) -> Result<(), StudyError> {
    let Some(other) = classes.keys().find(|name| !is_synset(name)) else { return Ok(()) };
    let advice = "a folder of images of any classes is folder:DIRECTORY";
    Err(unusable(folder.join(other), format!("is no synset, such as n01440764; {advice}")))
}

/// The validation images of each synset.
fn validation(
    places: &Places,
    texts: &mut Vec<PathBuf>,
    faults: &mut Vec<DataFault>,
    options: &LoadOptions,
) -> Result<Classes, StudyError> {
    let inside = entries(&places.val, LAYOUT)?;
    if !inside.iter().any(|path| is_image(path)) {
        let sorted = classes(&places.val, faults)?;
        expect_synsets(&places.val, &sorted)?;
        return Ok(sorted);
    }
    let (images, others): (Vec<_>, Vec<_>) =
        inside.into_iter().partition(|path| path.is_file() && is_image(path));
    for path in others {
        let kind = if path.is_dir() { FaultKind::OtherFolder } else { FaultKind::OtherType };
        faults.push(DataFault::new(kind, path, "the images of val lie beside it, and are read"));
    }
    let truth = Truth::of(places, images.len(), options.unpacked)?;
    texts.extend(truth.files.iter().cloned());
    let mut labels = truth.synsets;
    let mut found = BTreeMap::<String, Vec<PathBuf>>::new();
    for path in images {
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        if let Some(synset) = labels.remove(&name) {
            found.entry(synset).or_default().push(path);
        } else {
            let detail = format!("has no row for {}; add it, or remove the image", name_of(&path));
            faults.push(DataFault::new(FaultKind::BadRow, &truth.files[0], detail));
        }
    }
    // Rows of images that are not there: they are told of where images are read, as other missing files.
    for (name, synset) in labels {
        found.entry(synset).or_default().push(places.val.join(format!("{name}.JPEG")));
    }
    for files in found.values_mut() {
        files.sort();
    }
    Ok(found)
}

/// Synsets that one of the parts lacks.
fn compare(places: &Places, train: &[String], val: &Classes, faults: &mut Vec<DataFault>) {
    for synset in train.iter().filter(|synset| !val.contains_key(*synset)) {
        let detail = format!("has no image of {synset}, which train has; add some, or remove that folder");
        faults.push(DataFault::new(FaultKind::UnlikeParts, &places.val, detail));
    }
    for (synset, images) in val.iter().filter(|(synset, _)| train.binary_search(synset).is_err()) {
        let detail = format!(
            "does not exist, though val has images of it ({}); unpack it, or remove them with their rows",
            images.len()
        );
        faults.push(DataFault::new(FaultKind::UnlikeParts, places.train.join(synset), detail));
    }
}
