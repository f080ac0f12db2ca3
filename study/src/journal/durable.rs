//! Waiting for the disk, on file systems that may not know how.

use std::fs::File;
use std::io::{self, ErrorKind};

/// `ENOLCK`: no locks are to be had, as on network folders without a lock service.
#[cfg(unix)]
const NO_LOCKS: Option<i32> = Some(if cfg!(target_os = "linux") { 37 } else { 77 });
#[cfg(not(unix))]
const NO_LOCKS: Option<i32> = None;

/// Waits until what was written to a file, or the names in a folder, are on the disk. False if its file system has no way to
/// say so (some network and FUSE file systems): a process that is killed loses nothing there, a machine that loses its power
/// may.
///
/// # Errors
/// What the system says, such as a full disk.
pub fn synced(file: &File) -> io::Result<bool> {
    told(file.sync_all())
}

/// Whether the system says that what was asked for is on the disk.
pub(super) fn told(answer: io::Result<()>) -> io::Result<bool> {
    match answer {
        Ok(()) => Ok(true),
        // EINVAL is what fsync says of what cannot be synchronised.
        Err(error) if matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::InvalidInput) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether a file system has no locks, of what it says to one that is tried.
pub(super) fn has_no_locks(error: &io::Error) -> bool {
    error.kind() == ErrorKind::Unsupported || (NO_LOCKS.is_some() && error.raw_os_error() == NO_LOCKS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_and_a_folder_are_synced() {
        let folder = tempfile::tempdir().unwrap();
        let file = File::create(folder.path().join("a")).unwrap();
        assert!(synced(&file).unwrap());
        #[cfg(unix)]
        assert!(synced(&File::open(folder.path()).unwrap()).unwrap());
    }

    #[test]
    fn want_of_locks_is_told_from_other_errors() {
        assert!(has_no_locks(&ErrorKind::Unsupported.into()));
        assert!(!has_no_locks(&ErrorKind::PermissionDenied.into()) && !has_no_locks(&io::Error::other("x")));
        #[cfg(target_os = "linux")]
        assert!(has_no_locks(&io::Error::from_raw_os_error(37)));
    }
}
