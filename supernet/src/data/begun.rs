//! Files that are being written.
//!
//! Each has a name that no other ever has, whatever processes share the folder, and is locked while it is written: what
//! nobody holds was left behind by a process that was killed.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;

use tempfile::{Builder, NamedTempFile};

const EXTENSION: &str = "begun";

/// Begins a file in a folder. It goes when it is dropped, unless it has been given another name.
///
/// # Errors
/// Those of the system.
pub(super) fn begin(folder: &Path) -> io::Result<NamedTempFile> {
    begin_after(folder, || ())
}

/// Calls `meanwhile` between the making of a file and its lock.
fn begin_after(folder: &Path, mut meanwhile: impl FnMut()) -> io::Result<NamedTempFile> {
    loop {
        let file = made(folder)?;
        meanwhile();
        match file.as_file().lock() {
            Err(error) if error.kind() != io::ErrorKind::Unsupported => return Err(error),
            _ => {}
        }
        // Before it was locked, another may have taken it for one that was left behind.
        if leads_to(file.path(), file.as_file())? {
            return Ok(file);
        }
    }
}

/// A new file with the permissions that others of the user have.
fn made(folder: &Path) -> io::Result<NamedTempFile> {
    let suffix = format!(".{EXTENSION}");
    let mut builder = Builder::new();
    builder.prefix("").rand_bytes(16).suffix(&suffix);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}

/// Whether a name is that of an open file.
///
/// # Errors
/// Those of the system.
pub(super) fn leads_to(path: &Path, file: &File) -> io::Result<bool> {
    let there = match fs::symlink_metadata(path) {
        Ok(there) => there,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    let open = file.metadata()?;
    #[cfg(unix)]
    let same = {
        use std::os::unix::fs::MetadataExt;
        (there.dev(), there.ino()) == (open.dev(), open.ino())
    };
    // No two files have one name, so that one of it is the same.
    #[cfg(not(unix))]
    let same = there.file_type() == open.file_type();
    Ok(same)
}

/// Takes away what processes left behind that were killed while they wrote. What cannot be taken away, as in a folder that
/// is read-only, stays: nothing depends on it.
pub(super) fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let is_begun = path.extension().is_some_and(|extension| extension == EXTENSION);
        if is_begun && entry.file_type().is_ok_and(|kind| kind.is_file()) {
            let _stays = remove_unheld(&path);
        }
    }
}

/// Removes a file that nobody holds, and holds it until it is gone.
fn remove_unheld(path: &Path) -> io::Result<()> {
    let file = File::open(path)?;
    match file.try_lock() {
        Ok(()) => fs::remove_file(path),
        Err(TryLockError::WouldBlock) => Ok(()),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(folder: &Path) -> usize {
        fs::read_dir(folder).unwrap().count()
    }

    #[test]
    fn files_that_others_write_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        // Names that processes of this number would take, as those of another container have.
        let theirs = [0, 1, 2].map(|n| folder.path().join(format!("{}-{n}.begun", std::process::id())));
        let held = theirs.each_ref().map(|path| {
            fs::write(path, "theirs").unwrap();
            let file = File::open(path).unwrap();
            file.lock().unwrap();
            file
        });
        let ours = [begin(folder.path()).unwrap(), begin(folder.path()).unwrap()];
        sweep(folder.path());
        assert!(ours.iter().all(|file| file.path().exists()));
        assert!(theirs.iter().all(|path| fs::read(path).unwrap() == b"theirs"));
        drop((ours, held));
        assert_eq!(count(folder.path()), 3);
        sweep(folder.path());
        assert_eq!(count(folder.path()), 0);
    }

    #[test]
    fn a_file_that_is_swept_before_it_is_locked_is_begun_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut begun = 0;
        let file = begin_after(folder.path(), || {
            begun += 1;
            if begun < 3 {
                sweep(folder.path());
                assert_eq!(count(folder.path()), 0);
            }
        });
        assert_eq!(begun, 3);
        assert!(leads_to(file.unwrap().path(), &File::open(folder.path()).unwrap()).is_ok_and(|same| !same));
    }

    #[test]
    fn two_that_sweep_at_once_do_not_fail() {
        let folder = tempfile::tempdir().unwrap();
        for n in 0..200 {
            fs::write(folder.path().join(format!("{n}.begun")), "half").unwrap();
        }
        fs::create_dir(folder.path().join("folder.begun")).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| sweep(folder.path()));
            }
        });
        assert_eq!(count(folder.path()), 1, "only the folder");
    }
}
