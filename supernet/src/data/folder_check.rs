//! A folder of images by class, looked through file by file.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use blake3::Hash;
use bonas_study::{StudyError, cores, parallel};

use super::check::{DataFault, DataReport, FaultKind};
use super::decode::{self, EXTENSIONS};
use super::files::{entries, name_of};
use super::options::LoadOptions;

const REMEDY: &str = "name a folder of class folders";

/// A file of a class.
struct Entry {
    path: PathBuf,
    part: usize,
    class: String,
}

/// What a file turned out to be.
struct Looked {
    faults: Vec<(FaultKind, String)>,
    /// Of its bytes, if it is an image.
    hash: Option<Hash>,
}

/// Looks at every file of the parts: `train` and `test`, or the folder itself.
///
/// # Errors
/// [`StudyError::Data`] for a folder that cannot be listed.
pub(super) fn check(root: &Path, parts: &[PathBuf], options: &LoadOptions) -> Result<DataReport, StudyError> {
    let mut report = DataReport::default();
    let (mut files, mut classes) = (Vec::new(), Vec::new());
    for (part, folder) in parts.iter().enumerate() {
        classes.push(list(folder, part, &mut files, &mut report)?);
    }
    if parts.len() > 1 {
        unlike(parts, &classes, &mut report);
        let others = entries(root, REMEDY)?.into_iter().filter(|path| path.is_dir() && !parts.contains(path));
        report
            .faults
            .extend(others.map(|path| fault(FaultKind::OtherFolder, path, "only train and test are read")));
    }
    report.classes = classes.iter().flatten().collect::<std::collections::BTreeSet<_>>().len();
    let mut looked: Vec<Option<Looked>> = files.iter().map(|_| None).collect();
    parallel(
        files.len(),
        cores(),
        |i| look(&files[i].path, options),
        |i, found| {
            looked[i] = Some(found);
            true
        },
    );
    for (part, folder) in parts.iter().enumerate() {
        let is_read = |(file, looked): &(&Entry, &Option<Looked>)| {
            file.part == part && looked.as_ref().is_some_and(|looked| looked.hash.is_some())
        };
        let name = if parts.len() > 1 { name_of(folder) } else { "all".to_owned() };
        report.parts.push((name, files.iter().zip(&looked).filter(is_read).count()));
    }
    duplicates(&files, &looked, parts.len() > 1, &mut report);
    counted(&files, &looked, parts, &classes, &mut report);
    for (file, looked) in files.iter().zip(looked) {
        let faults = looked.into_iter().flat_map(|looked| looked.faults);
        report.faults.extend(faults.map(|(kind, detail)| fault(kind, file.path.clone(), &detail)));
    }
    report.faults.sort_by(|a, b| (a.kind, &a.path).cmp(&(b.kind, &b.path)));
    Ok(report)
}

fn fault(kind: FaultKind, path: PathBuf, detail: &str) -> DataFault {
    DataFault { kind, path, detail: detail.to_owned() }
}

/// The classes of a part; its image files and faults of the others are added.
fn list(
    folder: &Path,
    part: usize,
    files: &mut Vec<Entry>,
    report: &mut DataReport,
) -> Result<Vec<String>, StudyError> {
    let mut classes = Vec::new();
    for class in entries(folder, REMEDY)? {
        if !class.is_dir() {
            report.faults.push(fault(FaultKind::OtherType, class, "it is in no class folder"));
            continue;
        }
        for path in entries(&class, REMEDY)? {
            if path.is_dir() {
                report.faults.push(fault(FaultKind::OtherFolder, path, "classes have no folders inside"));
            } else if is_named_as_image(&path) {
                files.push(Entry { path, part, class: name_of(&class) });
            } else {
                let detail =
                    format!("{} are read", EXTENSIONS.map(|extension| format!(".{extension}")).join(", "));
                report.faults.push(fault(FaultKind::OtherType, path, &detail));
            }
        }
        classes.push(name_of(&class));
    }
    Ok(classes)
}

fn is_named_as_image(path: &Path) -> bool {
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    extension.is_some_and(|extension| EXTENSIONS.contains(&extension.as_str()))
}

/// Classes that only one of two parts has.
fn unlike(parts: &[PathBuf], classes: &[Vec<String>], report: &mut DataReport) {
    for (part, folder) in parts.iter().enumerate() {
        let other = 1 - part;
        let lacking = classes[part].iter().filter(|class| !classes[other].contains(class));
        let detail = format!("{} lacks it", name_of(&parts[other]));
        let faults = lacking.map(|class| fault(FaultKind::UnlikeParts, folder.join(class), &detail));
        report.faults.extend(faults);
    }
}

fn look(path: &Path, options: &LoadOptions) -> Looked {
    let unreadable = |detail: String| Looked { faults: vec![(FaultKind::Unreadable, detail)], hash: None };
    if path.is_symlink() && !path.exists() {
        return unreadable("a link to a file that does not exist".to_owned());
    }
    if !path.is_file() {
        return unreadable("it is no regular file".to_owned());
    }
    if let Err(error) = decode::read(path, options) {
        return unreadable(match error {
            StudyError::Data { reason, .. } => reason,
            other => other.to_string(),
        });
    }
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => return unreadable(error.to_string()),
    };
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    let mut faults = Vec::new();
    if let Some(format) = decode::other_format(&bytes, &extension.unwrap_or_default()) {
        faults.push((FaultKind::WrongExtension, format!("it is {format}")));
    }
    if let Some(profile) = decode::unapplied(&bytes) {
        faults.push((FaultKind::Profile, profile));
    }
    Looked { faults, hash: Some(blake3::hash(&bytes)) }
}

/// Equal files in both parts or in two classes; in a folder that is split at random, any.
fn duplicates(files: &[Entry], looked: &[Option<Looked>], is_split: bool, report: &mut DataReport) {
    let mut first: HashMap<Hash, usize> = HashMap::new();
    for (i, file) in files.iter().enumerate() {
        let Some(hash) = looked[i].as_ref().and_then(|looked| looked.hash) else { continue };
        let earlier = *first.entry(hash).or_insert(i);
        let of = &files[earlier];
        if earlier != i && (!is_split || of.part != file.part || of.class != file.class) {
            let detail = format!("the same bytes as {}", of.path.display());
            report.faults.push(fault(FaultKind::Duplicate, file.path.clone(), &detail));
        }
    }
}

/// Classes without images, and those with one in a folder that is to be split.
fn counted(
    files: &[Entry],
    looked: &[Option<Looked>],
    parts: &[PathBuf],
    classes: &[Vec<String>],
    report: &mut DataReport,
) {
    let mut counts: HashMap<(usize, &str), usize> = HashMap::new();
    for (file, looked) in files.iter().zip(looked) {
        if looked.as_ref().is_some_and(|looked| looked.hash.is_some()) {
            *counts.entry((file.part, &file.class)).or_default() += 1;
        }
    }
    for (part, folder) in parts.iter().enumerate() {
        for class in &classes[part] {
            let (kind, detail) = match counts.get(&(part, class.as_str())).copied().unwrap_or(0) {
                0 => (FaultKind::EmptyClass, "no image of it can be read"),
                1 if parts.len() == 1 => (FaultKind::SingleImage, "it cannot be both trained and tested on"),
                _ => continue,
            };
            report.faults.push(fault(kind, folder.join(class), detail));
        }
    }
}
