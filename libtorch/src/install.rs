//! Downloading and unpacking a build.
//!
//! A build is downloaded and unpacked beside its final place and renamed into it as the last step, so whatever carries
//! the final name is complete. An interrupted set-up leaves a `.partial` folder: the next one takes the complete files
//! of it, and removes it at the end.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Build, Error, VERSION, Variant, settings};

/// The wheels are pinned for one Python so that their checksums hold whatever Python runs pip:
/// only headers and C++ libraries are taken from them.
const WHEEL_PYTHON: &str = "3.11";
/// pip matches these exactly, newest first; the wheels of `data/*.txt` carry each of them.
const WHEEL_PLATFORMS: [&str; 10] = [
    "manylinux_2_28_x86_64",
    "manylinux_2_27_x86_64",
    "manylinux_2_25_x86_64",
    "manylinux_2_18_x86_64",
    "manylinux_2_17_x86_64",
    "manylinux_2_12_x86_64",
    "manylinux_2_5_x86_64",
    "manylinux2014_x86_64",
    "manylinux2010_x86_64",
    "manylinux1_x86_64",
];
const UNPACK: &str = include_str!("../data/unpack.py");

impl Variant {
    /// Wheels with their SHA-256, one a line in pip's requirements format.
    fn wheels(self) -> impl Iterator<Item = &'static str> {
        let text = match self {
            Self::Cpu => include_str!("../data/cpu.txt"),
            Self::Gpu => include_str!("../data/gpu.txt"),
        };
        text.lines().filter(|line| !line.starts_with('#'))
    }
}

/// Takes the cache's lock, waiting for another set-up if one is running; dropping the file releases it.
pub(crate) fn lock(path: &Path) -> Result<File, Error> {
    let file = File::create(path).map_err(Error::io("cannot create", path))?;
    if file.try_lock().is_err() {
        eprintln!("Waiting for another set-up to finish ({}) ...", path.display());
        file.lock().map_err(Error::io("cannot lock", path))?;
    }
    Ok(file)
}

/// Fetches a build; the caller holds the lock.
pub(crate) fn fetch(variant: Variant, build: &Build) -> Result<(), Error> {
    let folder = build.folder();
    let size = variant.size();
    eprintln!("Fetching libtorch {VERSION} ({}: {size}) into {}", variant.name(), folder.display());
    let partial = folder.with_file_name(format!("{}.partial", variant.name()));
    let (wheels, unpacked) = (partial.join("wheels"), partial.join("unpacked"));
    // What was half unpacked has lost its wheel already.
    remove_folder(&unpacked)?;
    for folder in [&wheels, &unpacked] {
        fs::create_dir_all(folder).map_err(Error::io("cannot create", folder))?;
    }
    download(variant, &partial.join("requirement.txt"), &wheels)?;
    unpack(variant, &wheels, &unpacked)?;
    write_markers(build, &unpacked)?;
    remove_folder(folder)?;
    fs::rename(&unpacked, folder).map_err(Error::io("cannot move the build to", folder))?;
    remove_folder(&partial)
}

fn remove_folder(folder: &Path) -> Result<(), Error> {
    if !folder.exists() {
        return Ok(());
    }
    fs::remove_dir_all(folder).map_err(Error::io("cannot remove (do it by hand)", folder))
}

/// Downloads wheel after wheel, so that a second attempt finds those that are complete.
fn download(variant: Variant, requirement: &Path, wheels: &Path) -> Result<(), Error> {
    let count = variant.wheels().count();
    for (index, wheel) in variant.wheels().enumerate() {
        let name = wheel.split_whitespace().next().unwrap_or(wheel);
        eprintln!("File {} of {count}: {name}", index + 1);
        fs::write(requirement, wheel).map_err(Error::io("cannot write", requirement))?;
        let status = pip(requirement, wheels).status().map_err(Error::io("cannot run", "python3"))?;
        if !status.success() {
            return Err(Error::Download { wheel: name.to_owned(), status: status.to_string(), variant });
        }
    }
    Ok(())
}

/// pip checks each wheel against its pinned SHA-256, also one that lies there already, and refuses anything else.
fn pip(requirement: &Path, wheels: &Path) -> Command {
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "download", "--disable-pip-version-check", "--no-input", "--no-cache-dir"])
        .args(["--no-deps", "--require-hashes", "--only-binary=:all:"])
        .args(["--implementation", "cp", "--python-version", WHEEL_PYTHON])
        .args(WHEEL_PLATFORMS.map(|platform| format!("--platform={platform}")))
        .arg("--dest")
        .arg(wheels)
        .arg("--requirement")
        .arg(requirement)
        // Progress; standard output belongs to the caller.
        .stdout(io::stderr())
        // Known to pip 25.1 and newer, ignored by others: a broken connection goes on where it broke.
        .env("PIP_RESUME_RETRIES", "20");
    pip
}

fn unpack(variant: Variant, wheels: &Path, unpacked: &Path) -> Result<(), Error> {
    eprintln!("Unpacking ...");
    let mut python = Command::new("python3");
    python.args(["-c", UNPACK]).args([wheels, unpacked]).arg(variant.name());
    let status = python.status().map_err(Error::io("cannot run", "python3"))?;
    if status.success() {
        return Ok(());
    }
    Err(Error::Unpack { path: unpacked.to_owned(), status: status.to_string(), variant })
}

/// Writes what torch-sys checks (`build-version`) and what `.cargo/config.toml` of a clone includes (`cargo.toml`).
fn write_markers(build: &Build, unpacked: &Path) -> Result<(), Error> {
    let config = settings::included_config(&build.torch())?;
    for (file, text) in [("torch/build-version", VERSION), ("cargo.toml", &config)] {
        let path: PathBuf = unpacked.join(file);
        fs::write(&path, text).map_err(Error::io("cannot write", &path))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wheel_is_pinned_by_checksum() {
        for variant in [Variant::Cpu, Variant::Gpu] {
            for line in variant.wheels() {
                let (name, hash) = line.split_once(" --hash=sha256:").unwrap_or((line, ""));
                assert!(name.contains("==") && hash.len() == 64, "{line}");
            }
            let torch = format!("torch=={VERSION} ");
            assert!(variant.wheels().any(|line| line.starts_with(&torch)));
        }
    }

    #[test]
    fn the_gpu_build_holds_the_cpu_build() {
        for line in Variant::Cpu.wheels() {
            assert!(Variant::Gpu.wheels().any(|other| other == line), "{line}");
        }
    }
}
