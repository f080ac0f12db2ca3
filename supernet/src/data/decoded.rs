//! Decoded images in files of the user's cache folder, for data that are larger than memory should be.
//!
//! `KEY.pixels` has the pixels `[n, c, h, w]` of all files of a listing, zeros for those that cannot be read; `KEY.json` has
//! what else is known, and is written last: without it there is nothing.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::UNIX_EPOCH;

use bonas_libtorch::Cache;
use bonas_study::StudyError;
use bonas_study::journal::{read_json, write_json};
use serde::{Deserialize, Serialize};

use super::listing::ImageFile;
use super::options::LoadOptions;
use super::pixels::Pixels;

/// Version of the files: it goes up when images are decoded in another way.
const VERSION: u32 = 1;
/// Bytes that are copied at a time.
const PIECE: usize = 1 << 20;

/// The files of decoded images.
#[derive(Clone, Debug)]
pub(super) struct DecodedFiles {
    pixels: PathBuf,
    facts: PathBuf,
}

/// What is known of decoded images besides their pixels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Facts {
    /// 1 if all images are grey, else 3.
    pub(super) channels: usize,
    /// Places of the files that cannot be read, and why.
    pub(super) bad: Vec<(usize, String)>,
    /// Bytes of the pixels.
    bytes: u64,
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
    /// [`StudyError::Io`] for a folder that cannot be made.
    pub(super) fn of(folder: &Path, files: &[ImageFile], options: &LoadOptions) -> Result<Self, StudyError> {
        fs::create_dir_all(folder).map_err(|source| StudyError::Io { path: folder.to_owned(), source })?;
        let LoadOptions { image_size, background, .. } = options;
        let mut hasher = blake3::Hasher::new();
        hasher.update(format!("{VERSION} {image_size} {background:?} {}", files.len()).as_bytes());
        for file in files {
            let path = std::path::absolute(&file.path).unwrap_or_else(|_| file.path.clone());
            let known = fs::metadata(&path).map(|facts| (facts.len(), facts.modified().ok()));
            let (size, changed) = known.unwrap_or_default();
            let changed = changed.and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
            let path = path.as_os_str().as_encoded_bytes();
            hasher.update(&(path.len() as u64).to_le_bytes()).update(path);
            hasher.update(&size.to_le_bytes()).update(&changed.as_nanos().to_le_bytes());
        }
        let key = &hasher.finalize().to_hex()[..32];
        Ok(Self { pixels: folder.join(format!("{key}.pixels")), facts: folder.join(format!("{key}.json")) })
    }

    /// What is there; none before all of it is.
    ///
    /// # Errors
    /// [`StudyError::Io`] for files that cannot be read, [`StudyError::Journal`] for damaged ones.
    pub(super) fn read(&self) -> Result<Option<(Pixels, Facts)>, StudyError> {
        let Some(facts) = read_json::<Facts>(&self.facts)? else { return Ok(None) };
        let opened = File::open(&self.pixels).and_then(|file| Ok((file.metadata()?.len(), file)));
        match opened {
            Ok((bytes, file)) if bytes == facts.bytes => {
                Ok(Some((Pixels::mapped(&file).map_err(|error| self.io(error))?, facts)))
            }
            // Taken away or cut by hand: it is made again.
            Ok(_) => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.io(error)),
        }
    }

    /// Begins to write images of so many bytes each.
    ///
    /// # Errors
    /// [`StudyError::Io`].
    pub(super) fn write(&self, images: usize, size: usize) -> Result<Writer<'_>, StudyError> {
        let parent = self.pixels.parent().unwrap_or(Path::new(""));
        sweep(parent).map_err(|error| self.io(error))?;
        let number = BEGUN.fetch_add(1, Ordering::Relaxed);
        let begun = parent.join(format!("{}-{number}.begun", std::process::id()));
        let open = || {
            let file = OpenOptions::new().create(true).truncate(true).read(true).write(true).open(&begun)?;
            // Held while it is written: what nobody holds was left behind.
            match file.lock() {
                Err(error) if error.kind() != io::ErrorKind::Unsupported => return Err(error),
                _ => {}
            }
            file.set_len((images * size) as u64)?;
            Ok(file)
        };
        let file = open().map_err(|error| self.io(error))?;
        Ok(Writer { files: self, begun, file, images, size })
    }

    fn io(&self, source: io::Error) -> StudyError {
        StudyError::Io { path: self.pixels.clone(), source }
    }
}

/// Files that this process has begun.
static BEGUN: AtomicU64 = AtomicU64::new(0);

/// Takes away what processes left behind that were killed while they wrote.
fn sweep(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "begun") {
            let left = File::open(&path).is_ok_and(|file| file.try_lock().is_ok());
            if left {
                fs::remove_file(&path)?;
            }
        }
    }
    Ok(())
}

/// Decoded images that are being written, `[n, 3, h, w]`.
pub(super) struct Writer<'a> {
    files: &'a DecodedFiles,
    begun: PathBuf,
    file: File,
    images: usize,
    size: usize,
}

impl Writer<'_> {
    /// Writes an image at its place.
    ///
    /// # Errors
    /// [`StudyError::Io`], as for a full disk.
    pub(super) fn image(&mut self, at: usize, pixels: &[u8]) -> Result<(), StudyError> {
        let place = SeekFrom::Start((at * self.size) as u64);
        let written = self.file.seek(place).and_then(|_| self.file.write_all(pixels));
        written.map_err(|error| self.files.io(error))
    }

    /// Gives the files their names, and maps them. Grey images keep the first of their three equal planes.
    ///
    /// # Errors
    /// [`StudyError::Io`].
    pub(super) fn finish(
        self,
        channels: usize,
        bad: Vec<(usize, String)>,
    ) -> Result<(Pixels, Facts), StudyError> {
        let kept = self.size / 3 * channels;
        let written = (|| {
            if kept < self.size {
                self.compact(kept)?;
            }
            self.file.sync_all()?;
            fs::rename(&self.begun, &self.files.pixels)
        })();
        written.map_err(|error| self.files.io(error))?;
        let facts = Facts { channels, bad, bytes: (self.images * kept) as u64 };
        write_json(&self.files.facts, &facts)?;
        let pixels = Pixels::mapped(&self.file).map_err(|error| self.files.io(error))?;
        Ok((pixels, facts))
    }

    /// Keeps the first bytes of each image.
    fn compact(&self, kept: usize) -> io::Result<()> {
        let (mut from, to) = (&self.file, OpenOptions::new().write(true).open(&self.begun)?);
        let mut to = BufWriter::with_capacity(PIECE, to);
        let mut image = vec![0; kept];
        for at in 0..self.images {
            from.seek(SeekFrom::Start((at * self.size) as u64))?;
            from.read_exact(&mut image)?;
            to.write_all(&image)?;
        }
        to.flush()?;
        self.file.set_len((self.images * kept) as u64)
    }
}

impl Drop for Writer<'_> {
    /// What was not finished, as on a full disk, goes; what has its name is no longer under this one.
    fn drop(&mut self) {
        let _gone = fs::remove_file(&self.begun);
    }
}
