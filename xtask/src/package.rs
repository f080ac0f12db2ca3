//! `cargo xtask package`: packages every crate that is published, and looks into the packages.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::cargo::{cargo, run};
use crate::files::{make_folder, remove_folder};
use crate::setup::Workspace;

/// No file of a package may be larger, in bytes.
const MAX_FILE: u64 = 1 << 20;
const LICENCES: [&str; 2] = ["LICENSE-MIT", "LICENSE-APACHE"];
/// What a published manifest must say.
const KEYS: [&str; 9] = [
    "version",
    "rust-version",
    "description",
    "license",
    "keywords",
    "categories",
    "readme",
    "documentation",
    "edition",
];

/// Whether cargo builds every package from its own files, which takes minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verify {
    /// Only package and look.
    No,
    /// Build them too.
    Yes,
}

/// Packages the workspace and checks what is in the packages.
pub(crate) fn check(workspace: &Workspace, verify: Verify) -> Result<()> {
    // The packages are built in the folder of the workspace's own builds, and find their dependencies there.
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace.root.join("target"), PathBuf::from);
    let folder = target.join("package");
    remove_folder(&folder)?;
    let mut command = cargo(workspace);
    command.args([
        "package",
        "--workspace",
        "--exclude",
        "xtask",
        "--exclude",
        "bonas-python",
        "--allow-dirty",
        "--locked",
    ]);
    command.env("CARGO_TARGET_DIR", &target).env("CARGO_PROFILE_DEV_DEBUG", "line-tables-only");
    if verify == Verify::No {
        command.arg("--no-verify");
    }
    run(&mut command)?;
    let packages = packages(&folder)?;
    ensure!(!packages.is_empty(), "cargo left no package in {}", folder.display());
    let mut faults = Vec::new();
    for package in &packages {
        let unpacked = unpack(package)?;
        let found = faults_of(&unpacked, &workspace.root)?;
        let name = unpacked.file_name().unwrap_or_default().display();
        println!("  {name}: {} faults", found.len());
        faults.extend(found.into_iter().map(|fault| format!("{name}: {fault}")));
    }
    ensure!(faults.is_empty(), "packages that must not be published:\n{}", faults.join("\n"));
    Ok(())
}

/// The `.crate` files in a folder, in order.
fn packages(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut packages = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "crate") {
            packages.push(path);
        }
    }
    packages.sort();
    Ok(packages)
}

/// Unpacks a package and returns its folder.
fn unpack(package: &Path) -> Result<PathBuf> {
    let looked_at = package.with_file_name("looked-at");
    make_folder(&looked_at)?;
    run(Command::new("tar").arg("-xzf").arg(package).arg("-C").arg(&looked_at))?;
    Ok(looked_at.join(package.file_stem().unwrap_or_default()))
}

/// What keeps an unpacked package from being published.
fn faults_of(package: &Path, root: &Path) -> Result<Vec<String>> {
    let manifest = fs::read_to_string(package.join("Cargo.toml"))
        .with_context(|| format!("{} has no Cargo.toml", package.display()))?;
    let has = |key: &&str| manifest.lines().any(|line| line.starts_with(&format!("{key} = ")));
    let mut faults: Vec<String> =
        KEYS.iter().filter(|key| !has(key)).map(|key| format!("Cargo.toml has no `{key}`")).collect();
    for licence in LICENCES {
        let ours = fs::read(root.join(licence)).with_context(|| format!("cannot read {licence}"))?;
        if fs::read(package.join(licence)).ok().as_ref() != Some(&ours) {
            faults.push(format!("{licence} is missing or differs from the workspace's"));
        }
    }
    for (path, size) in files(package)? {
        if size > MAX_FILE {
            faults
                .push(format!("{} has {size} bytes", path.strip_prefix(package).unwrap_or(&path).display()));
        }
    }
    Ok(faults)
}

/// Every file under a folder with its size in bytes.
fn files(folder: &Path) -> Result<Vec<(PathBuf, u64)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            let size = fs::metadata(&path).with_context(|| format!("cannot read {}", path.display()))?.len();
            found.push((path, size));
        }
    }
    Ok(found)
}

/// What the options of `cargo xtask package` ask for.
pub(crate) fn parse(arguments: &[OsString]) -> Result<Verify> {
    match arguments {
        [] => Ok(Verify::No),
        [one] if one == "--verify" => Ok(Verify::Yes),
        [first, ..] => bail!("`cargo xtask package` takes only --verify, got `{}`", first.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_found() -> Result<()> {
        let root = std::env::temp_dir().join(format!("bonas xtask package {}", std::process::id()));
        let package = root.join("p");
        fs::create_dir_all(package.join("src"))?;
        for licence in LICENCES {
            fs::write(root.join(licence), licence)?;
            fs::write(package.join(licence), licence)?;
        }
        let keys: Vec<String> = KEYS.iter().map(|key| format!("{key} = 1")).collect();
        fs::write(package.join("Cargo.toml"), keys.join("\n"))?;
        assert_eq!(faults_of(&package, &root)?, [""; 0]);
        fs::write(package.join("Cargo.toml"), keys[1..].join("\n"))?;
        fs::write(package.join("LICENSE-MIT"), "another")?;
        fs::write(package.join("src/big"), vec![0; 1 + (1 << 20)])?;
        let faults = faults_of(&package, &root)?;
        let expected = ["no `version`", "LICENSE-MIT is missing or differs", "src/big has 1048577 bytes"];
        assert_eq!(faults.len(), expected.len(), "{faults:?}");
        assert!(faults.iter().zip(expected).all(|(fault, part)| fault.contains(part)), "{faults:?}");
        Ok(fs::remove_dir_all(root)?)
    }

    #[test]
    fn options() {
        assert_eq!(parse(&[]).ok(), Some(Verify::No));
        assert_eq!(parse(&["--verify".into()]).ok(), Some(Verify::Yes));
        assert!(parse(&["--list".into()]).is_err());
    }
}
