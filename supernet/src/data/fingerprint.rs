//! Fingerprints of datasets: what their files hold, not where they lie.

use std::fs::File;
use std::path::{Path, PathBuf};

use blake3::{Hash, Hasher};
use bonas_study::{StudyError, cores, parallel};

use super::files::{name_of, unreadable};

/// Hexadecimal digits of a fingerprint.
const DIGITS: usize = 32;

/// Fingerprint of files: BLAKE3 of the name below `root` and the BLAKE3 digest of each, in the order of the names; the first
/// 128 bits in hexadecimal. The files are read once, on all cores.
///
/// # Errors
/// [`StudyError::Data`] naming a file that cannot be read.
pub(super) fn of_files(root: &Path, files: &[PathBuf]) -> Result<String, StudyError> {
    let mut named: Vec<(String, usize, Hash)> = Vec::with_capacity(files.len());
    let mut failed = None;
    parallel(
        files.len(),
        cores(),
        |i| digest(&files[i]),
        |i, digest| match digest {
            Ok(digest) => {
                named.push((name_below(root, &files[i]), i, digest));
                true
            }
            Err(error) => {
                failed = Some(error);
                false
            }
        },
    );
    if let Some(error) = failed {
        return Err(error);
    }
    // Files that are elsewhere may have one name: they stay in their order.
    named.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
    let mut hasher = Hasher::new();
    for (name, _, digest) in &named {
        hasher.update(&(name.len() as u64).to_le_bytes()).update(name.as_bytes()).update(digest.as_bytes());
    }
    Ok(hasher.finalize().to_hex()[..DIGITS].to_owned())
}

fn digest(path: &Path) -> Result<Hash, StudyError> {
    let mut hasher = Hasher::new();
    let read = File::open(path).and_then(|file| hasher.update_reader(file).map(|_| ()));
    read.map_err(|error| unreadable(path, &error, "put the file back"))?;
    Ok(hasher.finalize())
}

/// The path below a folder, with `/` between its parts; the name alone of a file that is elsewhere.
fn name_below(root: &Path, file: &Path) -> String {
    match file.strip_prefix(root) {
        Ok(below) if !below.as_os_str().is_empty() => {
            let parts: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
            parts.join("/")
        }
        _ => name_of(file),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::{LoadOptions, Source};
    use super::*;

    /// Two files of CIFAR-10 records in a folder, with these bytes.
    fn pair(folder: &Path, train: &[u8], test: &[u8]) -> String {
        fs::create_dir_all(folder).unwrap();
        let [a, b] = ["a.bin", "b.bin"].map(|name| folder.join(name));
        fs::write(&a, train).unwrap();
        fs::write(&b, test).unwrap();
        format!("cifar10:{},{}", a.display(), b.display())
    }

    fn fingerprint(source: &str) -> String {
        source.parse::<Source>().unwrap().fingerprint(&LoadOptions::default()).unwrap().unwrap()
    }

    #[test]
    fn content_and_names_count_and_the_place_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let here = fingerprint(&pair(&at("x"), b"one", b"two"));
        assert_eq!(here.len(), DIGITS);
        assert_eq!(here, fingerprint(&pair(&at("y"), b"one", b"two")));
        for other in [(&b"one"[..], &b"twO"[..]), (b"two", b"one"), (b"onet", b"wo"), (b"one", b"")] {
            assert_ne!(here, fingerprint(&pair(&at("z"), other.0, other.1)));
        }
        // By hand: lengths, names and digests, one after another.
        let mut hasher = Hasher::new();
        for (name, bytes) in [("a.bin", b"one"), ("b.bin", b"two")] {
            hasher
                .update(&5_u64.to_le_bytes())
                .update(name.as_bytes())
                .update(blake3::hash(bytes).as_bytes());
        }
        assert_eq!(here, hasher.finalize().to_hex()[..DIGITS]);
    }

    #[test]
    fn only_files_that_are_read_count() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for (class, n) in [("cat", 0), ("cat", 1), ("dog", 0), ("dog", 1)] {
            fs::create_dir_all(at(class)).unwrap();
            fs::write(at(class).join(format!("{n}.png")), format!("{class} {n}")).unwrap();
        }
        let source = format!("folder:{}", folder.path().display());
        let before = fingerprint(&source);
        fs::write(at("cat").join("notes.txt"), "not an image").unwrap();
        fs::write(at("journal.jsonl"), "not in a class").unwrap();
        assert_eq!(fingerprint(&source), before);
        assert_eq!(fingerprint(&folder.path().display().to_string()), before, "its kind is found");
        fs::rename(at("cat"), at("cow")).unwrap();
        assert_ne!(fingerprint(&source), before);
        fs::rename(at("cow"), at("cat")).unwrap();
        fs::write(at("cat").join("2.png"), "one more").unwrap();
        assert_ne!(fingerprint(&source), before);
    }

    #[test]
    fn data_inside_the_program_have_none_and_missing_ones_are_named() {
        assert_eq!("digits".parse::<Source>().unwrap().fingerprint(&LoadOptions::default()).unwrap(), None);
        let missing = "cifar10:none/a.bin,none/a.bin".parse::<Source>().unwrap();
        let error = missing.fingerprint(&LoadOptions::default()).unwrap_err().to_string();
        assert!(error.contains("a.bin: does not exist"), "{error}");
    }
}
