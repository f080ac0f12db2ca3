//! One unpacked build of libtorch.

use std::fs;
use std::path::{Path, PathBuf};

use crate::VERSION;

/// An unpacked build of libtorch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Build {
    folder: PathBuf,
}

impl Build {
    /// The build in a folder (which may be a link to it).
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The folder of the build, with the licences of its parts.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The value of `LIBTORCH`.
    pub fn torch(&self) -> PathBuf {
        self.folder.join("torch")
    }

    /// The folder with the shared libraries.
    pub fn lib(&self) -> PathBuf {
        self.torch().join("lib")
    }

    /// Whether the folder holds a whole build of the right version.
    pub fn is_complete(&self) -> bool {
        let torch = self.torch();
        let version = fs::read_to_string(torch.join("build-version")).unwrap_or_default();
        version.trim() == VERSION
            && torch.join("lib/libtorch_cpu.so").is_file()
            && torch.join("include/torch/csrc/api/include/torch/torch.h").is_file()
            && self.folder.join("cargo.toml").is_file()
    }
}
