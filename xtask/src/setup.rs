//! `cargo xtask setup`: make this clone build against a libtorch.

use std::env;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use bonas_libtorch::{Build, Cache, Variant, prerequisites};

/// A clone that is ready to build.
pub(crate) struct Workspace {
    /// Root of the repository.
    pub(crate) root: PathBuf,
    /// Whether the user's own `LIBTORCH` or `LIBTORCH_USE_PYTORCH` is in force.
    pub(crate) exported: bool,
}

/// Sets this clone up; does nothing, quickly, where that was done before.
///
/// `variant` is the build asked for; `None` keeps the one that is linked, else takes the CPU build.
pub(crate) fn run(variant: Option<Variant>) -> Result<Workspace> {
    let root = workspace_root()?;
    prerequisites::check_compiler(env::var("CXX").ok().as_deref())?;
    if let Some(choice) = exported(&root)? {
        eprintln!("Using your exported {choice}; nothing is fetched.");
        return Ok(Workspace { root, exported: true });
    }
    let link = root.join(".libtorch");
    if variant.is_some() || !Build::at(&link).is_complete() {
        let build = cache()?.install(variant.unwrap_or(Variant::Cpu))?;
        point(&link, build.folder())?;
    }
    let build = fs::read_link(&link).unwrap_or(link);
    eprintln!("libtorch is ready in {}", build.display());
    Ok(Workspace { root, exported: false })
}

/// The user's cache, which all clones share.
pub(crate) fn cache() -> Result<Cache> {
    let variable = |name| env::var_os(name);
    Ok(Cache::of_user(variable("XDG_CACHE_HOME").as_deref(), variable("HOME").as_deref())?)
}

/// The root of the clone this was started from (a shared target folder may hold another clone's xtask).
pub(crate) fn workspace_root() -> Result<PathBuf> {
    let package = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let root = Path::new(&package).parent().map(Path::to_path_buf);
    root.with_context(|| format!("{} has no parent folder: run this as `cargo xtask`", package.display()))
}

/// The user's own choice of libtorch, in words; `None` where the variables are unset or cargo's own.
fn exported(root: &Path) -> Result<Option<String>> {
    if let Some(value) = env::var_os("LIBTORCH_USE_PYTORCH") {
        return Ok(Some(format!("LIBTORCH_USE_PYTORCH={}", value.display())));
    }
    let Some(value) = env::var_os("LIBTORCH").map(PathBuf::from) else {
        return Ok(None);
    };
    if is_from_cargo_config(root, &value) {
        return Ok(None);
    }
    ensure!(
        value.join("lib").is_dir(),
        "the exported LIBTORCH={} has no folder `lib`: point it at a libtorch 2.13.0, or `unset LIBTORCH` and run again",
        value.display()
    );
    Ok(Some(format!("LIBTORCH={}", value.display())))
}

/// Whether `.cargo/config.toml` set this value: cargo hands its `[env]` to what `cargo run` starts.
fn is_from_cargo_config(root: &Path, value: &Path) -> bool {
    let own = [root.join("xtask/libtorch/missing"), root.join(".libtorch/torch")];
    own.iter().any(|dir| same_file(dir, value))
}

fn same_file(a: &Path, b: &Path) -> bool {
    match (a.canonicalize(), b.canonicalize()) {
        (Ok(a), Ok(b)) => a == b,
        _ => a == b,
    }
}

/// Makes `link` a symbolic link to `build`, in one step, so that no build ever finds it missing.
fn point(link: &Path, build: &Path) -> Result<()> {
    if fs::symlink_metadata(link).is_ok_and(|found| !found.is_symlink()) {
        bail!("{} is in the way and is no link of ours: move it away, then run again", link.display());
    }
    let fresh = link.with_file_name(format!(".libtorch.{}", std::process::id()));
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => symlink(build, &fresh).and_then(|()| fs::rename(&fresh, link)),
    }
    .with_context(|| format!("cannot link {} to {}", link.display(), build.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch(name: &str) -> Result<PathBuf> {
        let dir = env::temp_dir().join(format!("bonas xtask {name} {}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(dir.join("build/torch"))?;
        Ok(dir)
    }

    #[test]
    fn links_are_replaced_but_folders_are_not() -> Result<()> {
        let dir = scratch("link")?;
        let link = dir.join(".libtorch");
        for target in [dir.join("gone"), dir.join("build")] {
            point(&link, &target)?;
            assert_eq!(fs::read_link(&link)?, target);
        }
        fs::remove_file(&link)?;
        fs::create_dir(&link)?;
        assert!(point(&link, &dir.join("build")).is_err());
        Ok(fs::remove_dir_all(dir)?)
    }

    #[test]
    fn values_of_the_cargo_config_are_told_from_exported_ones() -> Result<()> {
        let dir = scratch("config")?;
        point(&dir.join(".libtorch"), &dir.join("build"))?;
        assert!(is_from_cargo_config(&dir, &dir.join("build/torch")));
        assert!(is_from_cargo_config(&dir, &dir.join("xtask/libtorch/missing")));
        assert!(!is_from_cargo_config(&dir, Path::new("/opt/libtorch")));
        Ok(fs::remove_dir_all(dir)?)
    }
}
