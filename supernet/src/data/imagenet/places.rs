//! Where the parts of `ImageNet` lie.

use std::path::{Path, PathBuf};

use super::super::files::{entries, name_of};
use super::is_synset;

pub(super) const LAYOUT: &str = "expected ILSVRC/Data/CLS-LOC/train/n01440764/*.JPEG (a folder for each synset) and val beside \
                                 train, or train and val themselves";

/// Where images begin, below a directory.
const INSIDE: [&str; 4] = ["", "CLS-LOC", "Data/CLS-LOC", "ILSVRC/Data/CLS-LOC"];
/// Where text files lie, below a directory above the images.
const TEXTS: [&str; 5] =
    ["", "devkit/data", "ILSVRC2012_devkit_t12/data", "ILSVRC/devkit/data", "ImageSets/CLS-LOC"];

/// The folders of images, and where text files may be.
#[derive(Debug)]
pub(super) struct Places {
    pub(super) train: PathBuf,
    pub(super) val: PathBuf,
    /// Images without labels.
    pub(super) test: Option<PathBuf>,
    folders: Vec<PathBuf>,
}

impl Places {
    /// Those of a directory; none where it lacks a part.
    pub(super) fn of(root: &Path) -> Option<Self> {
        let base = INSIDE.iter().map(|inside| root.join(inside));
        let base =
            base.into_iter().find(|base| ["train", "val"].iter().all(|part| base.join(part).is_dir()))?;
        let test = Some(base.join("test")).filter(|test| test.is_dir());
        // Kaggle puts them beside ILSVRC, which is three folders above train.
        let whole = std::path::absolute(&base).unwrap_or_else(|_| base.clone());
        // What is above `..`, or where a link leads.
        let real = base.canonicalize().unwrap_or_else(|_| whole.clone());
        let above = whole.ancestors().take(4).chain([root]).chain(real.ancestors().take(4));
        let folders = above.flat_map(|folder| TEXTS.map(|inside| folder.join(inside))).collect();
        Some(Self { train: base.join("train"), val: base.join("val"), test, folders })
    }

    /// Whether no other data look like these: the validation images are named as ILSVRC's, or the folders are.
    pub(super) fn is_official(&self) -> bool {
        let is_named = self.train.parent().is_some_and(|base| name_of(base) == "CLS-LOC");
        let first = |folder: &Path| entries(folder, LAYOUT).ok()?.into_iter().next();
        let has_synset = first(&self.train).is_some_and(|path| is_synset(&name_of(&path)));
        let is_flat = first(&self.val).is_some_and(|path| name_of(&path).starts_with("ILSVRC2012_val_"));
        has_synset && (is_named || is_flat)
    }

    /// The first text file of a name.
    pub(super) fn text(&self, name: &str) -> Option<PathBuf> {
        self.folders.iter().map(|folder| folder.join(name)).find(|path| path.is_file())
    }
}
