//! The one walk over a folder of images by class.
//!
//! Either `root/train/<class>/*` with `root/val` and `root/test` beside it, or `root/<class>/*`. Classes and files are
//! taken in the order of their names; hidden files are left aside.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use bonas_study::StudyError;

use super::fault::{DataFault, FaultKind};
use super::files::{entries, name_of, unusable};
use super::listing::{ImageFile, Listing, MOST_CLASSES, Part};
use super::picture::EXTENSIONS;

const LAYOUT: &str = "expected root/train/<class>/*.png and root/test/<class>/*.png, with or without \
                      root/val/<class>/*.png, or root/<class>/*.png";

/// The classes of a part: the images of each, by its name.
pub(super) type Classes = BTreeMap<String, Vec<PathBuf>>;

/// Lists the image files of a folder, and what of it is not read.
///
/// # Errors
/// [`StudyError::Data`] for a folder that cannot be listed, that lacks a part, or has one twice.
pub(super) fn list(root: &Path) -> Result<Listing, StudyError> {
    let parts = parts(root)?;
    let mut faults = Vec::new();
    if parts[0].0 != Part::All {
        beside(root, &parts, &mut faults)?;
    }
    let mut listed = Vec::with_capacity(parts.len());
    for (part, folder) in &parts {
        listed.push((*part, folder.as_path(), classes(folder, &mut faults)?));
    }
    let names: BTreeSet<&String> = listed.iter().flat_map(|(_, _, classes)| classes.keys()).collect();
    let names: Vec<String> = names.into_iter().cloned().collect();
    if names.len() > MOST_CLASSES {
        return Err(unusable(
            root,
            format!("holds {} class folders; at most {MOST_CLASSES} are read", names.len()),
        ));
    }
    for (_, folder, classes) in &listed {
        compare(folder, classes, &listed, &names, &mut faults);
    }
    let files = files(listed, &names);
    Ok(Listing { origin: root.to_owned(), parts, has_folders: true, classes: names, files, faults })
}

/// Whether `root` looks like a folder of images by class.
pub(super) fn is_folder(root: &Path) -> bool {
    let Ok(parts) = parts(root) else { return part_folders(root).is_ok_and(|parts| !parts.is_empty()) };
    let folders = entries(&parts[0].1, LAYOUT).unwrap_or_default();
    let has_image =
        |folder: &PathBuf| entries(folder, LAYOUT).is_ok_and(|all| all.iter().any(|path| is_image(path)));
    folders.iter().any(|path| path.is_dir() && has_image(path))
}

/// The folders of class folders: those of the parts, or `root` itself.
fn parts(root: &Path) -> Result<Vec<(Part, PathBuf)>, StudyError> {
    let found = part_folders(root)?;
    let folder = |part: Part| found.iter().find(|(there, _)| *there == part);
    if folder(Part::Train).is_none() && folder(Part::Test).is_none() {
        return Ok(vec![(Part::All, root.to_owned())]);
    }
    if let Some(twice) = found.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        let [a, b] = [&twice[0].1, &twice[1].1].map(|path| name_of(path));
        let reason = format!("holds {a} and {b}, which name one part; rename or remove one of them");
        return Err(unusable(root, reason));
    }
    if folder(Part::Train).is_none() {
        return Err(unusable(root.join("train"), format!("does not exist; {LAYOUT}")));
    }
    if found.len() == 1 {
        let advice = "name the folder of train as the source, and a share of it becomes the test part";
        return Err(unusable(root.join("test"), format!("does not exist; {LAYOUT}; or {advice}")));
    }
    Ok(found)
}

/// The folders that are named as a part, by part. A folder with images and without folders is a class.
fn part_folders(root: &Path) -> Result<Vec<(Part, PathBuf)>, StudyError> {
    let mut found = Vec::new();
    for path in entries(root, LAYOUT)?.into_iter().filter(|path| path.is_dir()) {
        if let Some(part) = Part::named(&name_of(&path)) {
            found.push((part, path));
        }
    }
    found.sort();
    let is_class = |(_, folder): &(Part, PathBuf)| {
        entries(folder, LAYOUT).is_ok_and(|inside| {
            inside.iter().any(|path| is_image(path)) && !inside.iter().any(|path| path.is_dir())
        })
    };
    // Images of a part that are in no class folder are told of, unless all of them are.
    if found.iter().all(is_class) {
        found.clear();
    }
    Ok(found)
}

/// What is beside the folders of the parts.
fn beside(root: &Path, parts: &[(Part, PathBuf)], faults: &mut Vec<DataFault>) -> Result<(), StudyError> {
    for path in entries(root, LAYOUT)?.into_iter().filter(|path| parts.iter().all(|(_, part)| part != path)) {
        faults.push(if path.is_dir() {
            DataFault::new(FaultKind::OtherFolder, path, "only train, val and test are read")
        } else {
            DataFault::new(FaultKind::OtherType, path, "it is in no class folder")
        });
    }
    Ok(())
}

/// The classes of a part. What is no image of a class is added to the faults.
pub(super) fn classes(folder: &Path, faults: &mut Vec<DataFault>) -> Result<Classes, StudyError> {
    let mut classes = Classes::new();
    for path in entries(folder, LAYOUT)? {
        if !path.is_dir() {
            faults.push(DataFault::new(FaultKind::OtherType, path, "it is in no class folder"));
            continue;
        }
        if path.file_name().is_some_and(|name| name.to_str().is_none()) {
            return Err(unusable(path, "names a class in letters that are not UTF-8; rename it"));
        }
        classes.insert(name_of(&path), images(&path, faults)?);
    }
    Ok(classes)
}

/// The images of a class.
fn images(folder: &Path, faults: &mut Vec<DataFault>) -> Result<Vec<PathBuf>, StudyError> {
    let mut images = Vec::new();
    for path in entries(folder, LAYOUT)? {
        if path.is_dir() {
            faults.push(DataFault::new(FaultKind::OtherFolder, path, "classes have no folders inside"));
        } else if is_image(&path) {
            images.push(path);
        } else {
            faults.push(DataFault::new(
                FaultKind::OtherType,
                path,
                format!("{} are read", extensions("and")),
            ));
        }
    }
    if images.is_empty() {
        let detail = format!("holds no {} image; add some, or remove the folder", extensions("or"));
        faults.push(DataFault::new(FaultKind::EmptyClass, folder, detail));
    }
    Ok(images)
}

/// Whether a file is named as an image that is read.
pub(super) fn is_image(path: &Path) -> bool {
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    extension.is_some_and(|extension| EXTENSIONS.contains(&extension.as_str()))
}

/// The extensions with a word before the last of them.
fn extensions(word: &str) -> String {
    let all = EXTENSIONS.map(|extension| format!(".{extension}"));
    let (last, others) = all.split_last().map_or(("", &all[..0]), |(last, others)| (last.as_str(), others));
    format!("{} {word} {last}", others.join(", "))
}

/// Classes of the other parts that a part lacks, and too few of them.
fn compare(
    folder: &Path,
    classes: &Classes,
    listed: &[(Part, &Path, Classes)],
    names: &[String],
    faults: &mut Vec<DataFault>,
) {
    if classes.is_empty() || names.len() < 2 {
        let folders = if classes.len() == 1 {
            "1 class folder".into()
        } else {
            format!("{} class folders", classes.len())
        };
        let loose = faults.iter().any(|fault| fault.path.parent() == Some(folder) && is_image(&fault.path));
        let advice = if loose {
            "; sort its images into a folder a class, or name them with their labels in a manifest (manifest:FILE)"
        } else {
            ""
        };
        let detail = format!("holds {folders}, not two or more; {LAYOUT}{advice}");
        faults.push(DataFault::new(FaultKind::TooFewClasses, folder, detail));
        return;
    }
    for name in names.iter().filter(|name| !classes.contains_key(*name)) {
        let other = listed.iter().find(|(_, _, classes)| classes.contains_key(name));
        let other = other.map_or_else(String::new, |(_, folder, _)| name_of(folder));
        let detail = format!("does not exist, though {other} has this class; add it, or remove the other");
        faults.push(DataFault::new(FaultKind::UnlikeParts, folder.join(name), detail));
    }
}

/// The image files of the parts, with the places of their classes as labels.
fn files(listed: Vec<(Part, &Path, Classes)>, names: &[String]) -> Vec<ImageFile> {
    let mut files = Vec::new();
    for (part, _, classes) in listed {
        for (name, images) in classes {
            // All of them are in the names, and there are at most `MOST_CLASSES`.
            let label = names.binary_search(&name).unwrap_or_default() as u16;
            files.extend(images.into_iter().map(|path| ImageFile { path, label, part }));
        }
    }
    files
}
