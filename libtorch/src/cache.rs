//! The per-user cache of unpacked libtorch builds, shared by all clones and by all crates outside of them.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use crate::{Build, Error, VERSION, Variant, install, prerequisites};

/// The folder that keeps a user's libtorch builds.
#[derive(Clone, Debug)]
pub struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// The user's cache: `$XDG_CACHE_HOME/bonas`, else `~/.cache/bonas`.
    ///
    /// A relative path is ignored, as the XDG rules say.
    ///
    /// # Errors
    /// [`Error::NoCacheFolder`] where neither variable holds an absolute path.
    pub fn of_user(xdg_cache_home: Option<&OsStr>, home: Option<&OsStr>) -> Result<Self, Error> {
        let absolute = |dir: &OsStr| Some(PathBuf::from(dir)).filter(|dir| dir.is_absolute());
        let base =
            xdg_cache_home.and_then(absolute).or_else(|| Some(home.and_then(absolute)?.join(".cache")));
        Ok(Self { folder: base.ok_or(Error::NoCacheFolder)?.join("bonas") })
    }

    /// The cache folder, which may not exist yet.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The place of a build, which may not be there yet.
    pub fn build(&self, variant: Variant) -> Build {
        Build::at(self.folder.join(format!("libtorch-{VERSION}-{}", variant.name())))
    }

    /// A complete build: the one asked for, else the GPU build, else the CPU build.
    ///
    /// # Errors
    /// [`Error::NotInstalled`] where there is none.
    pub fn find(&self, variant: Option<Variant>) -> Result<Build, Error> {
        let wanted = variant.map_or(vec![Variant::Gpu, Variant::Cpu], |variant| vec![variant]);
        let found = wanted.into_iter().map(|variant| self.build(variant)).find(Build::is_complete);
        found.ok_or_else(|| Error::NotInstalled { variant, cache: self.folder.clone() })
    }

    /// Downloads and unpacks a build, unless the cache has it.
    ///
    /// Each file is checked against its SHA-256. Complete files of an interrupted download are kept for the next
    /// call, and nothing incomplete is ever found by [`Cache::find`]. Progress goes to standard error.
    ///
    /// # Errors
    /// Everything in [`Error`] but [`Error::NotInstalled`].
    pub fn install(&self, variant: Variant) -> Result<Build, Error> {
        let build = self.build(variant);
        if build.is_complete() {
            return Ok(build);
        }
        prerequisites::check_platform()?;
        prerequisites::check_pip()?;
        fs::create_dir_all(&self.folder)
            .map_err(Error::io("cannot create the cache folder", &self.folder))?;
        let _lock = install::lock(&self.folder.join("lock"))?;
        if !build.is_complete() {
            install::fetch(variant, &build)?;
        }
        Ok(build)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(xdg: Option<&str>, home: Option<&str>) -> Option<PathBuf> {
        Cache::of_user(xdg.map(OsStr::new), home.map(OsStr::new)).ok().map(|cache| cache.folder)
    }

    #[test]
    fn cache_follows_the_xdg_rules() {
        assert_eq!(cache(Some("/x"), Some("/h")), Some("/x/bonas".into()));
        assert_eq!(cache(None, Some("/h")), Some("/h/.cache/bonas".into()));
        assert_eq!(cache(Some("relative"), Some("/h")), Some("/h/.cache/bonas".into()));
        assert_eq!(cache(Some(""), None), None);
    }

    #[test]
    fn only_complete_builds_are_found() -> Result<(), Box<dyn std::error::Error>> {
        let folder = std::env::temp_dir().join(format!("bonas libtorch find {}", std::process::id()));
        let cache = Cache { folder: folder.clone() };
        for variant in [Variant::Cpu, Variant::Gpu] {
            let error = cache.find(Some(variant)).map_or_else(|error| error.to_string(), |_| String::new());
            assert!(error.contains(&format!("bonas libtorch install --{}", variant.name())), "{error}");
            let build = cache.build(variant);
            let headers = build.torch().join("include/torch/csrc/api/include/torch");
            fs::create_dir_all(&headers)?;
            fs::create_dir_all(build.lib())?;
            fs::write(headers.join("torch.h"), "")?;
            fs::write(build.lib().join("libtorch_cpu.so"), "")?;
            fs::write(build.folder().join("cargo.toml"), "")?;
            fs::write(build.torch().join("build-version"), "2.12.0\n")?;
            assert!(cache.find(Some(variant)).is_err());
            fs::write(build.torch().join("build-version"), format!("{VERSION}\n"))?;
            assert_eq!(cache.find(Some(variant))?, build);
            // The GPU build is the second one, and is preferred.
            assert_eq!(cache.find(None)?, build);
        }
        Ok(fs::remove_dir_all(folder)?)
    }
}
