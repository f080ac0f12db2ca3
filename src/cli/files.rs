//! What is at a path: files to read, and folders that commands keep their work in.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context;
use bonas::Folder;
use bonas::observer::quoted;
use bonas::report::ENVIRONMENT_FILE;
use bonas::search::{CONFIG_FILE, INIT_FILE, SPACE_COPY_FILE, TRAINING_FILE};
use bonas::study::journal::discard_unused;
use bonas::study::strategy::SOURCE_TASK_FILE;

use super::{system, usage};

/// Refuses a folder that is not a search's.
///
/// # Errors
/// A usage error that says what it is, and how a search is made.
pub(super) fn expect_search(path: &Path) -> anyhow::Result<()> {
    match Folder::at(path) {
        Folder::Search => Ok(()),
        other @ (Folder::Missing | Folder::Other) => Err(usage(format!(
            "{}; `bonas search FILE --out {}` begins a search there",
            other.described(path),
            quoted(path)
        ))),
        other => Err(usage(format!("{}; expected a search's folder", other.described(path)))),
    }
}

/// Refuses a folder that another command works in, or a file.
///
/// # Errors
/// A usage error that says what it is.
pub(super) fn expect_own(path: &Path, own: Folder) -> anyhow::Result<()> {
    match Folder::at(path) {
        Folder::Missing | Folder::Other => Ok(()),
        folder if folder == own => Ok(()),
        folder => Err(usage(format!("--out: {}; give another folder", folder.described(path)))),
    }
}

/// Takes the journal of a study away that has evaluated nothing, as one that was refused for a setting, and the
/// configuration it was begun with, with the note of what it started from; false where there is something to lose.
///
/// # Errors
/// If a file cannot be read or taken away, or another process works there.
pub(super) fn begin_anew(folder: &Path, config: &Path) -> anyhow::Result<bool> {
    let begun = discard_unused(
        folder,
        &[CONFIG_FILE, TRAINING_FILE, ENVIRONMENT_FILE, SOURCE_TASK_FILE, SPACE_COPY_FILE],
    )?;
    if begun {
        let note = config.with_file_name(INIT_FILE);
        for file in [Some(config), note.is_file().then_some(&*note)].into_iter().flatten() {
            std::fs::remove_file(file).with_context(|| file.display().to_string())?;
        }
    }
    Ok(begun)
}

/// The text of a file that the user named.
///
/// # Errors
/// A usage error that names the file and says what is wrong with it.
pub(super) fn read(path: &Path) -> anyhow::Result<String> {
    if path.is_dir() {
        let config = path.join(CONFIG_FILE);
        let hint =
            if config.is_file() { format!("; did you mean {}?", config.display()) } else { String::new() };
        return Err(usage(format!("{} is a folder, expected a configuration file{hint}", path.display())));
    }
    std::fs::read_to_string(path).map_err(|error| {
        let reason = match error.kind() {
            io::ErrorKind::InvalidData => "it is no text (UTF-8)".to_owned(),
            _ => system(&error),
        };
        usage(format!("cannot read {}: {reason}", path.display()))
    })
}

/// Refuses a path of a flag that is not one of a file.
///
/// # Errors
/// A usage error.
pub(super) fn expect_file(path: &Path, flag: &str) -> anyhow::Result<()> {
    match std::fs::metadata(path) {
        Ok(there) if there.is_dir() => {
            Err(usage(format!("{flag}: {} is a folder, expected a file", path.display())))
        }
        Ok(_) => Ok(()),
        Err(error) => Err(unusable(path, flag, &error)),
    }
}

/// Where a file of a flag is to be written: the path, or what a link there points to. `otherwise` says what to do
/// where that is nothing a file can replace.
///
/// # Errors
/// A usage error where the folder is missing, or something is there that is no file.
pub(super) fn expect_place(path: &Path, flag: &str, otherwise: &str) -> anyhow::Result<PathBuf> {
    let shown = path.display();
    let refused = |what: &str| Err(usage(format!("{flag}: {shown} is {what}; {otherwise}")));
    if is_stream(path) {
        return refused("no file but a stream");
    }
    match std::fs::metadata(path) {
        Ok(there) if there.is_dir() => refused("a folder, expected a file"),
        Ok(there) if !there.is_file() => refused("no regular file, and would be replaced by one"),
        Ok(_) => std::fs::canonicalize(path).map_err(|error| unusable(path, flag, &error)),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(unusable(path, flag, &error)),
        Err(_) if path.is_symlink() => refused("a link to nothing; remove it, or make what it points to"),
        Err(_) => expect_folder_of(path, flag).map(|()| path.to_owned()),
    }
}

/// Links that are followed, as systems do.
const LINKS: usize = 40;

/// Whether a path, or a link there, names what a process has open. That may be a file, for which a new one is no
/// substitute.
fn is_stream(path: &Path) -> bool {
    let streams = ["/dev/stdin", "/dev/stdout", "/dev/stderr", "/dev/fd", "/proc"];
    let next = |at: &PathBuf| Some(at.parent()?.join(std::fs::read_link(at).ok()?));
    let links = std::iter::successors(Some(path.to_owned()), next);
    links.take(LINKS).any(|at| streams.iter().any(|stream| at.starts_with(stream)))
}

fn expect_folder_of(path: &Path, flag: &str) -> anyhow::Result<()> {
    match path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(folder) if !folder.is_dir() => Err(usage(format!(
            "{flag} {}: there is no folder {}; make it first",
            path.display(),
            folder.display()
        ))),
        _ => Ok(()),
    }
}

fn unusable(path: &Path, flag: &str, error: &io::Error) -> anyhow::Error {
    usage(format!("{flag}: {}: {}", path.display(), system(error)))
}

/// Refuses to write a file in the place of one that the command reads, which another flag names.
///
/// # Errors
/// A usage error that names both flags.
pub(super) fn expect_other(place: &Path, flag: &str, read: &Path, read_flag: &str) -> anyhow::Result<()> {
    let (Ok(place), Ok(there)) = (place.canonicalize(), read.canonicalize()) else { return Ok(()) };
    if place != there {
        return Ok(());
    }
    Err(usage(format!("{flag}: {} is the file that {read_flag} reads; give another", place.display())))
}

#[cfg(test)]
mod tests {
    use bonas::experiment::table::RUNS_FILE;
    use bonas::study::journal::JOURNAL_FILE;

    use super::*;

    #[test]
    fn folders_are_told_apart() {
        let root = tempfile::tempdir().unwrap();
        let make = |name: &str, files: &[&str]| {
            let folder = root.path().join(name);
            std::fs::create_dir(&folder).unwrap();
            for file in files {
                std::fs::write(folder.join(file), "").unwrap();
            }
            folder
        };
        let search = make("search", &[CONFIG_FILE, JOURNAL_FILE]);
        let comparison = make("comparison", &[CONFIG_FILE, RUNS_FILE]);
        let training = make("training", &[TRAINING_FILE]);
        let table = make("table", &[CONFIG_FILE, "table.json"]);
        let other = make("other", &["notes.txt"]);
        let file = other.join("notes.txt");
        let missing = root.path().join("missing");
        for (path, folder, words) in [
            (&comparison, Folder::Comparison, "`bonas compare FILE --out "),
            (&training, Folder::Training, "`bonas train` command"),
            (&table, Folder::Table, "`bonas tabulate` command"),
            (&file, Folder::File, "is a file, not a folder; expected a search's folder"),
            (&other, Folder::Other, "there is no config.toml in it; `bonas search FILE --out "),
            (&missing, Folder::Missing, "there is no folder "),
        ] {
            assert_eq!(Folder::at(path), folder);
            let error = expect_search(path).unwrap_err().to_string();
            assert!(error.contains(words) && error.contains(&path.display().to_string()), "{error}");
        }
        expect_search(&search).unwrap();
        expect_own(&search, Folder::Search).unwrap();
        expect_own(&missing, Folder::Comparison).unwrap();
        let error = expect_own(&search, Folder::Comparison).unwrap_err().to_string();
        assert!(error.contains("is the folder of a search, which `bonas resume "), "{error}");
    }

    /// Nothing is written here: these are names of devices.
    #[test]
    #[cfg(unix)]
    fn devices_streams_and_folders_are_no_places() {
        for (path, what) in [
            ("/dev/null", "no regular file"),
            ("/dev/stdout", "a stream"),
            ("/dev/fd/1", "a stream"),
            ("/proc/self/fd/1", "a stream"),
            ("/", "a folder"),
        ] {
            let error = expect_place(path.as_ref(), "--out", "print").unwrap_err();
            assert!(error.is::<super::super::Usage>());
            let error = error.to_string();
            let begins = format!("--out: {path} is ");
            assert!(
                error.starts_with(&begins) && error.contains(what) && error.ends_with("; print"),
                "{error}"
            );
        }
    }

    #[test]
    #[cfg(unix)]
    fn links_lead_to_their_target() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("file"), "").unwrap();
        let target = at("file").canonicalize().unwrap();
        for (link, to) in [
            ("a", "file"),
            ("b", "a"),
            ("none", "nothing"),
            ("loop", "loop"),
            ("null", "/dev/null"),
            ("out", "/dev/stdout"),
        ] {
            std::os::unix::fs::symlink(to, at(link)).unwrap();
        }
        let place = |name: &str| expect_place(&at(name), "--out", "print");
        assert_eq!(place("a").unwrap(), target);
        assert_eq!(place("b").unwrap(), target);
        assert_eq!(place("new").unwrap(), at("new"));
        for (name, what) in [
            ("none", "a link to nothing"),
            ("loop", "loop"),
            ("null", "no regular file"),
            ("out", "a stream"),
            ("x/new", "there is no folder"),
        ] {
            let error = place(name).unwrap_err().to_string();
            assert!(error.contains(what), "{error}");
        }
        let error = expect_other(&at("b"), "--out", &at("file"), "--table").unwrap_err().to_string();
        assert!(error.contains("is the file that --table reads"), "{error}");
        expect_other(&at("new"), "--out", &at("file"), "--table").unwrap();
    }
}
