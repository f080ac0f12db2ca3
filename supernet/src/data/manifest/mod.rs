//! A manifest: a CSV or JSONL file that names image files with their labels, and the part of each.

mod rows;

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use bonas_study::StudyError;

use super::entry::DatasetEntry;
use super::fault::{DataFault, FaultKind};
use super::files::{name_of, unusable};
use super::listing::{ImageFile, Listing, MOST_CLASSES, Part};
use super::read_listing;
pub(super) use rows::MANIFESTS;
use rows::{Row, Rows};

/// `manifest:FILE`: a CSV file with columns `path`, `label` and perhaps `split`, or a JSONL file with these keys, plain or
/// gzip. Paths start from the folder of the manifest. A split is `train`, `val` or `test`; without splits
/// [`LoadOptions::test_fraction`](super::LoadOptions::test_fraction) becomes the test part. Labels are names or numbers. Images are read as those of a folder.
pub(super) const ENTRY: DatasetEntry = DatasetEntry {
    name: "manifest",
    about: "a CSV or JSONL file that names image files with their labels",
    places: &["FILE"],
    format: None,
    is_in: |_| Ok(false),
    files: |place, options| {
        let images = list(place.path(), options.unpacked)?.present()?;
        Ok([vec![place.path().to_owned()], images].concat())
    },
    read: |place, options| {
        options.check()?;
        let name = name_of(place.path());
        let name = name.split('.').next().filter(|name| !name.is_empty()).unwrap_or(ENTRY.name);
        read_listing::read(name, list(place.path(), options.unpacked)?, options)
    },
    list: Some(|place, options| list(place.path(), options.unpacked)),
};

/// Lists the image files that a manifest names, and what of it cannot be used.
///
/// # Errors
/// [`StudyError::Data`] for a file that is no manifest, or that lacks a part.
fn list(manifest: &Path, unpacked: u64) -> Result<Listing, StudyError> {
    let Rows { rows, mut faults } = rows::read(manifest, unpacked)?;
    let bad = |row: &Row, detail: String| {
        DataFault::new(FaultKind::BadRow, manifest, format!("line {}: {detail}", row.line))
    };
    let is_split = rows.iter().any(|row| !row.split.is_empty());
    let mut placed = Vec::with_capacity(rows.len());
    for row in rows {
        match (Part::named(&row.split), is_split) {
            (Some(part), _) => placed.push((row, part)),
            (None, false) => placed.push((row, Part::All)),
            (None, true) if row.split.is_empty() => {
                faults.push(bad(&row, "has no split, though others have; give it one".to_owned()));
            }
            (None, true) => {
                let detail = format!("split {:?}; expected train, val or test", row.split);
                faults.push(bad(&row, detail));
            }
        }
    }
    let classes = classes(&placed).map_err(|reason| unusable(manifest, reason))?;
    if classes.len() > MOST_CLASSES {
        return Err(unusable(
            manifest,
            format!("names {} classes; at most {MOST_CLASSES} are read", classes.len()),
        ));
    }
    let parts = parts(manifest, &placed, &faults)?;
    faults.extend(lacking(manifest, &parts, &classes, &placed));
    let files = files(manifest, placed, &classes, &mut faults);
    Ok(Listing { origin: manifest.to_owned(), parts, has_folders: false, classes, files, faults })
}

/// The distinct labels: as numbers in their order if all are, else as names in theirs.
///
/// # Errors
/// Two labels that are the same number.
fn classes(rows: &[(Row, Part)]) -> Result<Vec<String>, String> {
    let names: BTreeSet<&str> = rows.iter().map(|(row, _)| row.label.as_str()).collect();
    let mut names: Vec<String> = names.into_iter().map(str::to_owned).collect();
    let numbers: Option<Vec<u64>> = names.iter().map(|name| name.parse().ok()).collect();
    if numbers.is_some() {
        let number = |name: &String| name.parse().unwrap_or(u64::MAX);
        names.sort_by_key(number);
        if let Some([a, b]) = names.array_windows().find(|[a, b]| number(a) == number(b)) {
            return Err(format!("labels {a} and {b} are the same number; write them alike"));
        }
    }
    Ok(names)
}

/// The parts that rows are in.
///
/// # Errors
/// [`StudyError::Data`] for training or test rows that are missing. Where rows are bad, they are told of instead.
fn parts(
    manifest: &Path,
    rows: &[(Row, Part)],
    faults: &[DataFault],
) -> Result<Vec<(Part, PathBuf)>, StudyError> {
    let parts: BTreeSet<Part> = rows.iter().map(|(_, part)| *part).collect();
    let lacks = |part: Part| !parts.contains(&part) && !parts.contains(&Part::All);
    let advice = if lacks(Part::Train) {
        Some(("train", "mark the images that are trained on"))
    } else if lacks(Part::Test) && lacks(Part::Validation) {
        Some(("test", "mark some, or leave the splits out, and a share becomes the test part"))
    } else {
        None
    };
    match advice {
        Some((part, advice)) if faults.is_empty() && !rows.is_empty() => {
            Err(unusable(manifest, format!("has no row with split {part}; {advice}")))
        }
        _ => Ok(parts.into_iter().map(|part| (part, manifest.to_owned())).collect()),
    }
}

/// Classes that a part lacks, and too few of them.
fn lacking(
    manifest: &Path,
    parts: &[(Part, PathBuf)],
    classes: &[String],
    rows: &[(Row, Part)],
) -> Vec<DataFault> {
    if classes.len() < 2 {
        let detail = match classes {
            [one] => format!("names 1 class ({one}), not two or more"),
            _ => "names no image".to_owned(),
        };
        return vec![DataFault::new(FaultKind::TooFewClasses, manifest, detail)];
    }
    let there: BTreeSet<(Part, &str)> = rows.iter().map(|(row, part)| (*part, row.label.as_str())).collect();
    let pairs = parts.iter().flat_map(|(part, _)| classes.iter().map(|class| (*part, class.as_str())));
    let lacking = pairs.filter(|pair| !there.contains(pair)).map(|(part, class)| {
        let detail =
            format!("class {class} has no row with split {}; add some, or leave the class out", part.name());
        DataFault::new(FaultKind::UnlikeParts, manifest, detail)
    });
    lacking.collect()
}

/// The files, each once, ordered by part. Rows that name a file again are told of.
fn files(
    manifest: &Path,
    rows: Vec<(Row, Part)>,
    classes: &[String],
    faults: &mut Vec<DataFault>,
) -> Vec<ImageFile> {
    let folder = manifest.parent().unwrap_or(Path::new(""));
    let labels: HashMap<&str, usize> =
        classes.iter().enumerate().map(|(label, name)| (name.as_str(), label)).collect();
    let (mut files, mut lines) = (Vec::<ImageFile>::with_capacity(rows.len()), Vec::new());
    let mut first: HashMap<PathBuf, usize> = HashMap::new();
    for (row, part) in rows {
        // Without "./", which would make two names of one.
        let path: PathBuf = folder.join(&row.path).components().collect();
        // There are at most `MOST_CLASSES`, and each label is one.
        let label = labels.get(row.label.as_str()).copied().unwrap_or_default() as u16;
        let file = ImageFile { path, label, part };
        let Some(&earlier) = first.get(&file.path) else {
            first.insert(file.path.clone(), files.len());
            files.push(file);
            lines.push(row.line);
            continue;
        };
        let (of, before) = (&files[earlier], lines[earlier]);
        let said = |file: &ImageFile| match file.part {
            Part::All => classes[usize::from(file.label)].clone(),
            part => format!("{}, {}", classes[usize::from(file.label)], part.name()),
        };
        faults.push(if *of == file {
            let detail = format!("line {} names it again after line {before}; it is read once", row.line);
            DataFault::new(FaultKind::RepeatedRow, file.path, detail)
        } else {
            let detail =
                format!("line {before} says {}, and line {} says {}", said(of), row.line, said(&file));
            DataFault::new(FaultKind::Contradiction, file.path, detail)
        });
    }
    files.sort_by_key(|file| file.part);
    files
}
