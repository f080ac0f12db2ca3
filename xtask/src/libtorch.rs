//! The per-user cache of unpacked libtorch builds, shared by all clones.
//!
//! A build is downloaded and unpacked beside its final place and renamed into it as the last step, so
//! whatever carries the final name is complete. An interrupted set-up leaves only a `.partial` folder,
//! which the next one removes.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::prerequisites;

/// The one libtorch that tch 0.26 fits.
const VERSION: &str = "2.13.0";
/// The wheels are pinned for one Python so that their checksums hold whatever Python runs pip:
/// only headers and C++ libraries are taken from them.
const WHEEL_PYTHON: &str = "3.11";
/// pip matches these exactly, newest first; the wheels of `libtorch/*.txt` carry each of them.
const WHEEL_PLATFORMS: [&str; 7] = ["2_28", "2_27", "2_25", "2_18", "2_17", "2_12", "2_5"];
const UNPACK: &str = include_str!("../libtorch/unpack.py");

/// Which build of libtorch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Variant {
    /// Pruned to what runs without a GPU: 0.5 GB.
    Cpu,
    /// With the CUDA backend: 3.6 GB.
    Gpu,
}

impl Variant {
    /// Wheels with their SHA-256, in pip's requirements format.
    fn requirements(self) -> &'static str {
        match self {
            Self::Cpu => include_str!("../libtorch/cpu.txt"),
            Self::Gpu => include_str!("../libtorch/gpu.txt"),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Gpu => "gpu",
        }
    }

    fn size(self) -> &'static str {
        match self {
            Self::Cpu => "0.5 GB to download, 0.5 GB on disk",
            Self::Gpu => "2.5 GB to download, 3.6 GB on disk",
        }
    }
}

/// Returns the folder of the unpacked build, fetching it if the cache has none.
pub(crate) fn ensure_cached(variant: Variant) -> Result<PathBuf> {
    let cache =
        cache_dir(std::env::var_os("XDG_CACHE_HOME").as_deref(), std::env::var_os("HOME").as_deref())?;
    let build = cache.join(format!("libtorch-{VERSION}-{}", variant.name()));
    if is_complete(&build) {
        return Ok(build);
    }
    prerequisites::check_platform()?;
    prerequisites::check_pip()?;
    fs::create_dir_all(&cache)
        .with_context(|| format!("cannot create the cache folder {}", cache.display()))?;
    let _lock = lock(&cache.join("lock"))?;
    if !is_complete(&build) {
        fetch(variant, &build)?;
    }
    Ok(build)
}

/// Whether the folder holds a whole build of the right version.
pub(crate) fn is_complete(build: &Path) -> bool {
    let version = fs::read_to_string(build.join("torch/build-version")).unwrap_or_default();
    version.trim() == VERSION
        && build.join("torch/lib/libtorch_cpu.so").is_file()
        && build.join("torch/include/torch/csrc/api/include/torch/torch.h").is_file()
        && build.join("cargo.toml").is_file()
}

/// `$XDG_CACHE_HOME/bonas`, else `~/.cache/bonas`; as the XDG rules say, a relative path is ignored.
fn cache_dir(xdg_cache_home: Option<&OsStr>, home: Option<&OsStr>) -> Result<PathBuf> {
    let absolute = |dir: &OsStr| Some(PathBuf::from(dir)).filter(|dir| dir.is_absolute());
    let base = xdg_cache_home.and_then(absolute).or_else(|| Some(home.and_then(absolute)?.join(".cache")));
    let base = base
        .context("neither XDG_CACHE_HOME nor HOME is an absolute path: export one, libtorch is kept there")?;
    Ok(base.join("bonas"))
}

/// Takes the cache's lock, waiting for another set-up if one is running; dropping the file releases it.
fn lock(path: &Path) -> Result<File> {
    let file = File::create(path).with_context(|| format!("cannot create {}", path.display()))?;
    if file.try_lock().is_err() {
        eprintln!("Waiting for another set-up to finish ({}) ...", path.display());
        file.lock().with_context(|| format!("cannot lock {}", path.display()))?;
    }
    Ok(file)
}

fn fetch(variant: Variant, build: &Path) -> Result<()> {
    eprintln!(
        "Fetching libtorch {VERSION} ({}: {}) into {}",
        variant.name(),
        variant.size(),
        build.display()
    );
    let partial = build.with_file_name(format!("{}.partial", variant.name()));
    remove_dir_if_there(&partial)?;
    let fetched = fetch_beside(variant, build, &partial);
    remove_dir_if_there(&partial)?;
    fetched
}

fn fetch_beside(variant: Variant, build: &Path, partial: &Path) -> Result<()> {
    let (wheels, unpacked) = (partial.join("wheels"), partial.join("unpacked"));
    for dir in [&wheels, &unpacked] {
        fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
    }
    download(variant, partial, &wheels)?;
    unpack(variant, &wheels, &unpacked)?;
    write_markers(build, &unpacked)?;
    remove_dir_if_there(build)?;
    fs::rename(&unpacked, build).with_context(|| format!("cannot move the build to {}", build.display()))
}

fn remove_dir_if_there(dir: &Path) -> Result<()> {
    if !dir.exists() {
        return Ok(());
    }
    fs::remove_dir_all(dir).with_context(|| format!("cannot remove {}: remove it by hand", dir.display()))
}

/// pip checks each wheel against its pinned SHA-256 and refuses anything else.
fn download(variant: Variant, partial: &Path, wheels: &Path) -> Result<()> {
    let requirements = partial.join("requirements.txt");
    fs::write(&requirements, variant.requirements())
        .with_context(|| format!("cannot write {}", requirements.display()))?;
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "download", "--disable-pip-version-check", "--no-input", "--no-cache-dir"])
        .args(["--no-deps", "--require-hashes", "--only-binary=:all:"])
        .args(["--implementation", "cp", "--python-version", WHEEL_PYTHON])
        .args(WHEEL_PLATFORMS.map(|glibc| format!("--platform=manylinux_{glibc}_x86_64")))
        .args([
            "--platform=manylinux2014_x86_64",
            "--platform=manylinux2010_x86_64",
            "--platform=manylinux1_x86_64",
        ])
        .arg("--dest")
        .arg(wheels)
        .arg("--requirement")
        .arg(&requirements);
    let status = pip.status().context("cannot run python3 -m pip")?;
    ensure!(
        status.success(),
        "pip could not fetch libtorch ({status}; its own message is above). Check the network and the free disk \
         space ({}), then run the same command again; nothing incomplete is ever used",
        variant.size()
    );
    Ok(())
}

fn unpack(variant: Variant, wheels: &Path, unpacked: &Path) -> Result<()> {
    eprintln!("Unpacking ...");
    let mut python = Command::new("python3");
    python.args(["-c", UNPACK]).args([wheels, unpacked]).arg(variant.name());
    let status = python.status().context("cannot run python3")?;
    if !status.success() {
        bail!(
            "could not unpack libtorch into {} ({status}; python's own message is above). \
             Check the free disk space ({}), then run the same command again",
            unpacked.display(),
            variant.size()
        );
    }
    Ok(())
}

/// Writes what torch-sys checks (`build-version`) and what `.cargo/config.toml` includes (`cargo.toml`).
fn write_markers(build: &Path, unpacked: &Path) -> Result<()> {
    let torch = build.join("torch");
    let torch = torch.to_str().with_context(|| {
        format!("the cache path {} is not UTF-8: export XDG_CACHE_HOME=<another folder>", torch.display())
    })?;
    let config = format!(
        "# Included by bonas' .cargo/config.toml.\n[env]\nLIBTORCH = {{ value = {torch:?}, relative = false }}\n"
    );
    for (file, text) in [("torch/build-version", VERSION), ("cargo.toml", &config)] {
        let path = unpacked.join(file);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(xdg: Option<&str>, home: Option<&str>) -> Option<PathBuf> {
        cache_dir(xdg.map(OsStr::new), home.map(OsStr::new)).ok()
    }

    #[test]
    fn cache_follows_the_xdg_rules() {
        assert_eq!(cache(Some("/x"), Some("/h")), Some("/x/bonas".into()));
        assert_eq!(cache(None, Some("/h")), Some("/h/.cache/bonas".into()));
        assert_eq!(cache(Some("relative"), Some("/h")), Some("/h/.cache/bonas".into()));
        assert_eq!(cache(Some(""), None), None);
    }

    #[test]
    fn every_wheel_is_pinned_by_checksum() {
        for variant in [Variant::Cpu, Variant::Gpu] {
            let lines = variant.requirements().lines().filter(|line| !line.starts_with('#'));
            for line in lines {
                let (name, hash) = line.split_once(" --hash=sha256:").unwrap_or((line, ""));
                assert!(name.contains("==") && hash.len() == 64, "{line}");
            }
        }
        let torch = format!("torch=={VERSION} ");
        assert!(Variant::Cpu.requirements().contains(&torch) && Variant::Gpu.requirements().contains(&torch));
    }

    #[test]
    fn the_gpu_build_holds_the_cpu_build() {
        for line in Variant::Cpu.requirements().lines().filter(|line| !line.starts_with('#')) {
            assert!(Variant::Gpu.requirements().contains(line), "{line}");
        }
    }

    #[test]
    fn an_empty_folder_is_not_a_build() {
        assert!(!is_complete(Path::new("/nonexistent")));
    }
}
