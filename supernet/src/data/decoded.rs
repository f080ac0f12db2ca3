//! Decoded images in files of the user's cache folder, for data that are larger than memory should be.
//!
//! `KEY.pixels` has the pixels `[n, c, h, w]` of all files of a listing, zeros for those that cannot be decoded; `KEY.json` has
//! what else is known, and is written last: without it there is nothing.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use bonas_libtorch::Cache;
use bonas_study::StudyError;
use bonas_study::journal::synced;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::begun::{begin, leads_to};
use super::files::unusable;
use super::listing::ImageFile;
use super::options::LoadOptions;
use super::pixels::Pixels;

/// Version of the files: it goes up when images are decoded in another way.
const VERSION: u32 = 1;
/// Bytes that are copied at a time.
const PIECE: usize = 1 << 20;
/// What helps where the cache folder does not take the images.
const REMEDY: &str = "set XDG_CACHE_HOME to a folder that can be written and has room, or raise data.memory_megabytes, so that \
                      images are kept in memory";

/// The files of decoded images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DecodedFiles {
    pixels: PathBuf,
    facts: PathBuf,
    /// Places of the image files that are not there, in ascending order.
    missing: Vec<usize>,
}

/// What is known of decoded images besides their pixels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Facts {
    /// 1 if all images are grey, else 3.
    pub(super) channels: usize,
    /// Places of the files that cannot be decoded or are missing, and why.
    pub(super) bad: Vec<(usize, String)>,
    /// Bytes of the pixels.
    bytes: u64,
}

impl Facts {
    /// Whether they may be those of so many images of so many bytes with three channels.
    fn are_of(&self, images: usize, size: usize) -> bool {
        [1, 3].contains(&self.channels)
            && self.bytes == (images * (size / 3 * self.channels)) as u64
            && self.bad.iter().all(|(at, _)| *at < images)
    }
}

/// The folder of decoded images: `images` in the user's cache folder of bonas.
///
/// # Errors
/// [`StudyError::Setting`] where the system says no cache folder.
pub(super) fn decoded_folder() -> Result<PathBuf, StudyError> {
    let variable = |name| std::env::var_os(name);
    let cache = Cache::of_user(variable("XDG_CACHE_HOME").as_deref(), variable("HOME").as_deref());
    let bad = |error: bonas_libtorch::Error| StudyError::Setting {
        name: "data.memory_megabytes".into(),
        reason: format!("{error}; or raise it, so that images are kept in memory"),
    };
    Ok(cache.map_err(bad)?.folder().join("images"))
}

impl DecodedFiles {
    /// Those of image files as they are now: a file is known by its path, its size and the time of its last change.
    ///
    /// # Errors
    /// [`StudyError::Data`] for a folder that cannot be made.
    pub(super) fn of(folder: &Path, files: &[ImageFile], options: &LoadOptions) -> Result<Self, StudyError> {
        fs::create_dir_all(folder).map_err(|error| refused(folder, &error))?;
        let LoadOptions { image_size, resize, background, .. } = options;
        // What is cut out of a scaled image depends on both sizes.
        let size = resize.map_or_else(|| image_size.to_string(), |side| format!("{image_size} of {side}"));
        let mut hasher = blake3::Hasher::new();
        hasher.update(format!("{VERSION} {size} {background:?} {}", files.len()).as_bytes());
        let mut missing = Vec::new();
        for (at, file) in files.iter().enumerate() {
            let path = std::path::absolute(&file.path).unwrap_or_else(|_| file.path.clone());
            let known = fs::metadata(&path).map(|facts| (facts.len(), facts.modified().ok()));
            if known.is_err() {
                missing.push(at);
            }
            hasher.update(&[u8::from(known.is_ok())]);
            let (size, changed) = known.unwrap_or_default();
            let changed = changed.and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
            let path = path.as_os_str().as_encoded_bytes();
            hasher.update(&(path.len() as u64).to_le_bytes()).update(path);
            hasher.update(&size.to_le_bytes()).update(&changed.as_nanos().to_le_bytes());
        }
        let key = &hasher.finalize().to_hex()[..32];
        let [pixels, facts] = ["pixels", "json"].map(|extension| folder.join(format!("{key}.{extension}")));
        Ok(Self { pixels, facts, missing })
    }

    /// Whether later processes may be given what was decoded, where the files at these places could not be read: a file that
    /// is there may be read another time without any change of it.
    pub(super) fn tell_of(&self, unread: &[usize]) -> bool {
        unread.iter().all(|at| self.missing.binary_search(at).is_ok())
    }

    /// What is there of so many images of so many bytes with three channels; none before all of it is, and where it is damaged.
    ///
    /// # Errors
    /// [`StudyError::Data`] for files that cannot be read.
    pub(super) fn read(&self, images: usize, size: usize) -> Result<Option<(Pixels, Facts)>, StudyError> {
        let text = match fs::read(&self.facts) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(refused(&self.facts, &error)),
        };
        let facts = serde_json::from_slice::<Facts>(&text).ok().filter(|facts| facts.are_of(images, size));
        let Some(facts) = facts else { return Ok(None) };
        let opened = File::open(&self.pixels).and_then(|file| Ok((file.metadata()?.len(), file)));
        match opened {
            Ok((bytes, file)) if bytes == facts.bytes => {
                Ok(Some((Pixels::mapped(&file).map_err(|error| self.refused(&error))?, facts)))
            }
            // Taken away or cut by hand: it is made again.
            Ok(_) => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.refused(&error)),
        }
    }

    /// Begins to write images of so many bytes each.
    ///
    /// # Errors
    /// [`StudyError::Data`].
    pub(super) fn write(&self, images: usize, size: usize) -> Result<Writer<'_>, StudyError> {
        let begun = || {
            let file = begin(self.folder())?;
            file.as_file().set_len((images * size) as u64)?;
            Ok(file)
        };
        let file = begun().map_err(|error| self.refused(&error))?;
        Ok(Writer { files: self, file, images, size })
    }

    fn folder(&self) -> &Path {
        self.pixels.parent().unwrap_or(Path::new(""))
    }

    fn refused(&self, error: &io::Error) -> StudyError {
        refused(&self.pixels, error)
    }
}

/// What the system says of the cache folder, with what helps.
fn refused(path: &Path, error: &io::Error) -> StudyError {
    let text = error.to_string();
    let said = text.split(" (os error").next().unwrap_or_default();
    unusable(path, format!("{said}; {REMEDY}"))
}

/// Decoded images that are being written, `[n, 3, h, w]`.
pub(super) struct Writer<'a> {
    files: &'a DecodedFiles,
    file: NamedTempFile,
    images: usize,
    size: usize,
}

impl Writer<'_> {
    /// Writes an image at its place.
    ///
    /// # Errors
    /// [`StudyError::Data`], as for a full disk.
    pub(super) fn image(&mut self, at: usize, pixels: &[u8]) -> Result<(), StudyError> {
        let (place, file) = (SeekFrom::Start((at * self.size) as u64), self.file.as_file_mut());
        let written = file.seek(place).and_then(|_| file.write_all(pixels));
        written.map_err(|error| self.files.refused(&error))
    }

    /// Maps the images, and gives the files their names if they are to be kept. Grey images keep the first of their three
    /// equal planes.
    ///
    /// # Errors
    /// [`StudyError::Data`].
    pub(super) fn finish(
        self,
        channels: usize,
        bad: Vec<(usize, String)>,
        keep: bool,
    ) -> Result<(Pixels, Facts), StudyError> {
        let (files, kept) = (self.files, self.size / 3 * channels);
        let facts = Facts { channels, bad, bytes: (self.images * kept) as u64 };
        let written = || {
            if kept < self.size {
                compact(self.file.as_file(), self.images, (self.size, kept))?;
            }
            if !keep {
                return Pixels::mapped(self.file.as_file());
            }
            let file = named(self.file, &files.pixels)?;
            let mut told = begin(files.folder())?;
            told.as_file_mut().write_all(&serde_json::to_vec_pretty(&facts)?)?;
            named(told, &files.facts)?;
            Pixels::mapped(&file)
        };
        let pixels = written().map_err(|error| files.refused(&error))?;
        Ok((pixels, facts))
    }
}

/// Gives a file its name once all of it is on the disk.
fn named(file: NamedTempFile, path: &Path) -> io::Result<File> {
    synced(file.as_file())?;
    if !leads_to(file.path(), file.as_file())? {
        return Err(io::Error::new(io::ErrorKind::NotFound, "it was taken away while it was written"));
    }
    file.persist(path).map_err(|error| error.error)
}

/// Keeps the first of the bytes of each image: so many, of so many.
fn compact(mut file: &File, images: usize, (size, kept): (usize, usize)) -> io::Result<()> {
    let together = (PIECE / kept).max(1);
    let mut piece = vec![0; together.min(images) * kept];
    for first in (0..images).step_by(together) {
        let piece = &mut piece[..together.min(images - first) * kept];
        for (i, image) in piece.chunks_exact_mut(kept).enumerate() {
            file.seek(SeekFrom::Start(((first + i) * size) as u64))?;
            file.read_exact(image)?;
        }
        file.seek(SeekFrom::Start((first * kept) as u64))?;
        file.write_all(piece)?;
    }
    file.set_len((images * kept) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::listing::Part;

    /// Two files, of which the second is not there.
    fn files(folder: &Path) -> Vec<ImageFile> {
        fs::write(folder.join("a.png"), "a").unwrap();
        let file = |name: &str| ImageFile { path: folder.join(name), label: 0, part: Part::All };
        vec![file("a.png"), file("b.png")]
    }

    fn names(folder: &Path) -> usize {
        fs::read_dir(folder).unwrap().count()
    }

    #[test]
    fn grey_images_keep_one_plane_of_three() {
        let folder = tempfile::tempdir().unwrap();
        let (cache, size) = (folder.path().join("cache"), 3 << 12);
        let kept = DecodedFiles::of(&cache, &files(folder.path()), &LoadOptions::default()).unwrap();
        // More than one piece of them.
        let images = 300;
        let mut writer = kept.write(images, size).unwrap();
        for at in (0..images).rev() {
            writer.image(at, &vec![at as u8; size]).unwrap();
        }
        let bad = vec![(7, "none".to_owned())];
        let (pixels, facts) = writer.finish(1, bad, true).unwrap();
        let expected: Vec<u8> = (0..images).flat_map(|at| vec![at as u8; size / 3]).collect();
        assert!(*pixels == expected[..]);
        let (again, same) = kept.read(images, size).unwrap().unwrap();
        assert!(*again == expected[..]);
        assert_eq!((same, names(&cache)), (facts, 2));
        // Those of another number of images, of another size, and damaged ones are none.
        for (images, size) in [(299, size), (images, size * 2), (7, size)] {
            assert!(kept.read(images, size).unwrap().is_none());
        }
        let told = fs::read_to_string(&kept.facts).unwrap();
        for damaged in
            ["", &told[..20], &told.replace("\"channels\": 1", "\"channels\": 2"), &told.replace('7', "300")]
        {
            fs::write(&kept.facts, damaged).unwrap();
            assert!(kept.read(images, size).unwrap().is_none(), "{damaged}");
        }
    }

    #[test]
    fn a_file_that_is_taken_away_while_it_is_written_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path().join("cache");
        let kept = DecodedFiles::of(&cache, &files(folder.path()), &LoadOptions::default()).unwrap();
        let mut writer = kept.write(2, 6).unwrap();
        writer.image(0, &[9; 6]).unwrap();
        let begun = writer.file.path().to_owned();
        fs::remove_file(&begun).unwrap();
        fs::write(&begun, "another's").unwrap();
        let error = writer.finish(1, Vec::new(), true).unwrap_err().to_string();
        assert!(error.contains("it was taken away while it was written; set XDG_CACHE_HOME"), "{error}");
        assert!(kept.read(2, 6).unwrap().is_none());
    }

    #[test]
    fn files_are_known_by_what_they_are_and_whether_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let (files, options) = (files(folder.path()), LoadOptions::default());
        let of = || DecodedFiles::of(&folder.path().join("cache"), &files, &options).unwrap();
        let before = of();
        assert_eq!(before, of());
        assert!(before.tell_of(&[]) && before.tell_of(&[1]) && !before.tell_of(&[0, 1]));
        // Of no bytes, and changed at the beginning of time.
        let made = File::create(folder.path().join("b.png")).unwrap();
        made.set_modified(UNIX_EPOCH).unwrap();
        let after = of();
        assert_ne!(before.pixels, after.pixels);
        assert!(!after.tell_of(&[1]));
    }

    /// All three are stored with 64 pixels a side, and cut out in another way.
    #[test]
    fn files_are_those_of_a_size_and_what_is_seen_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let (files, usual) = (files(folder.path()), LoadOptions::default());
        let of = |image_size, resize| {
            let options = LoadOptions { image_size, resize, ..usual };
            DecodedFiles::of(&folder.path().join("cache"), &files, &options).unwrap().pixels
        };
        let kept = [of(64, None), of(64, Some(64)), of(56, Some(64))];
        assert!(kept[0] != kept[1] && kept[1] != kept[2] && kept[0] != kept[2]);
    }

    #[test]
    fn a_folder_that_cannot_be_made_has_remedies() {
        let folder = tempfile::tempdir().unwrap();
        let files = files(folder.path());
        let error = DecodedFiles::of(&files[0].path.join("cache"), &files, &LoadOptions::default());
        let error = error.unwrap_err().to_string();
        assert!(error.contains("XDG_CACHE_HOME") && error.contains("data.memory_megabytes"), "{error}");
    }
}
