//! Files, plain or gzipped, with errors that name the file and the remedy.

use std::fs;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use bonas_study::StudyError;
use flate2::bufread::MultiGzDecoder;

/// Data that cannot be used: what is wrong with `path` and what to do.
pub(super) fn unusable(path: impl AsRef<Path>, reason: impl Into<String>) -> StudyError {
    StudyError::Data { path: path.as_ref().to_owned(), reason: reason.into() }
}

/// The whole content of a file, unpacked if its content is gzip, to `most` bytes at most.
pub(super) fn read(path: &Path, remedy: &str, most: u64) -> Result<Vec<u8>, StudyError> {
    let bytes = fs::read(path).map_err(|error| unreadable(path, &error, remedy))?;
    if bytes.starts_with(&[0x1f, 0x8b]) {
        return unzip(path, &bytes, remedy, most);
    }
    if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz")) {
        return Err(unusable(
            path,
            format!("is named .gz but is not a gzip file ({} bytes); {remedy}", bytes.len()),
        ));
    }
    Ok(bytes)
}

fn unzip(path: &Path, packed: &[u8], remedy: &str, most: u64) -> Result<Vec<u8>, StudyError> {
    let mut bytes = Vec::new();
    match MultiGzDecoder::new(packed).take(most.saturating_add(1)).read_to_end(&mut bytes) {
        Ok(_) if bytes.len() as u64 > most => Err(unusable(
            path,
            format!(
                "its {} bytes of gzip unpack to more than {most}; {remedy}, or raise data.unpacked_megabytes",
                packed.len()
            ),
        )),
        Ok(_) => Ok(bytes),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
            Err(unusable(path, format!("the gzip file is truncated after {} bytes; {remedy}", packed.len())))
        }
        Err(error) => Err(unusable(path, format!("the gzip file is damaged ({error}); {remedy}"))),
    }
}

/// An error of the system, in the user's words.
pub(super) fn unreadable(path: &Path, error: &std::io::Error, remedy: &str) -> StudyError {
    match error.kind() {
        ErrorKind::NotFound => unusable(path, format!("does not exist; {remedy}")),
        ErrorKind::PermissionDenied => unusable(path, "may not be read; change its permissions".to_owned()),
        _ => unusable(path, format!("cannot be read ({error}); {remedy}")),
    }
}

/// `name` in `directory`, or `name.gz` where only that exists.
pub(super) fn plain_or_gz(directory: &Path, name: &str) -> Option<PathBuf> {
    [name.to_owned(), format!("{name}.gz")]
        .iter()
        .map(|name| directory.join(name))
        .find(|path| path.is_file())
}

/// The entries of a directory, sorted by name, without hidden ones.
pub(super) fn entries(directory: &Path, remedy: &str) -> Result<Vec<PathBuf>, StudyError> {
    let failed = |error: std::io::Error| unreadable(directory, &error, remedy);
    let mut paths = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if !name_of(&path).starts_with('.') {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// The last part of a path as text.
pub(super) fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
