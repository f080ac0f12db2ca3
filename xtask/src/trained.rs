//! `cargo xtask trained OTHER`: whether this clone trains to the same bytes as another build of `bonas`.
//!
//! The configurations in `tests/recorded/torch/` train networks. What they lead to depends on the kind of processor, so
//! that nothing recorded elsewhere can be compared; two builds on one machine can.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::cargo::{self, run};
use crate::files::{make_folder, remove_folder};
use crate::setup::Workspace;

const CONFIGURATIONS: &str = "tests/recorded/torch";

/// Files without times, which are compared.
const COMPARED: [&str; 3] = ["journal.jsonl", "results.csv", "winner.txt"];

/// The other program, from the command's arguments.
pub(crate) fn parse(arguments: &[OsString]) -> Result<PathBuf> {
    match arguments {
        [other] => Ok(PathBuf::from(other)),
        _ => bail!(
            "`cargo xtask trained` takes one argument: another build of `bonas`, for example an older one"
        ),
    }
}

/// Runs every configuration with both programs and compares what they write.
pub(crate) fn check(workspace: &Workspace, other: &Path) -> Result<()> {
    let other = other.canonicalize().with_context(|| format!("there is no program {}", other.display()))?;
    run(cargo::cargo(workspace).args(["build", "--bin", "bonas"]))?;
    let own = workspace.root.join("target/debug/bonas");
    let folder = workspace.root.join("target/trained");
    remove_folder(&folder)?;
    let mut files = configurations(&workspace.root.join(CONFIGURATIONS))?;
    files.sort();
    let mut differ = Vec::new();
    for file in &files {
        let name = file.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
        let mut written = Vec::new();
        for (program, side) in [(&own, "this"), (&other, "other")] {
            let out = folder.join(side).join(&name);
            make_folder(&out)?;
            search(program, file, &out)?;
            let mut found = BTreeMap::new();
            collect(&out, &out, &mut found)?;
            written.push(found);
        }
        ensure!(!written[0].is_empty(), "{name} wrote none of {}", COMPARED.join(", "));
        let same = written[0] == written[1];
        println!("{} {name}: {} files", if same { "same   " } else { "DIFFERS" }, written[0].len());
        if !same {
            differ.push(name);
        }
    }
    ensure!(differ.is_empty(), "{} differ; see {}", differ.join(", "), folder.display());
    Ok(())
}

fn configurations(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    entries.map(|entry| Ok(entry?.path())).collect()
}

fn search(program: &Path, file: &Path, out: &Path) -> Result<()> {
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let command = if text.contains("[[strategy]]") { "compare" } else { "search" };
    let mut started = Command::new(program);
    run(started.arg(command).arg(file).arg("--out").arg(out).stdout(Stdio::null()).stderr(Stdio::null()))
        .with_context(|| format!("{} {command} {}", program.display(), file.display()))
}

/// The compared files below a folder, by their path in it.
fn collect(root: &Path, folder: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) -> Result<()> {
    for path in configurations(folder)? {
        if path.is_dir() {
            collect(root, &path, found)?;
        } else if COMPARED.iter().any(|name| path.ends_with(name)) {
            let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            found.insert(path.strip_prefix(root)?.to_owned(), bytes);
        }
    }
    Ok(())
}
