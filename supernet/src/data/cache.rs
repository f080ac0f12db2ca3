//! Datasets that several readers share.

use std::sync::{Arc, Mutex, PoisonError};

use bonas_study::StudyError;

use super::dataset::Dataset;
use super::options::LoadOptions;
use super::source::Source;

/// The dataset that was read last, for all readers that ask for the same one. Clones share it.
///
/// Files that change after they were read are not read again. All caches are equal: none is a setting.
///
/// # Examples
/// ```
/// use bonas_supernet::data::{ImageCache, LoadOptions};
/// let (images, options) = (ImageCache::default(), LoadOptions::default());
/// let data = images.load(&"digits".parse()?, &options)?;
/// let again = images.clone().load(&"digits".parse()?, &options)?;
/// assert_eq!(data.train.pixels().as_ptr(), again.train.pixels().as_ptr());
/// # Ok::<(), bonas_study::StudyError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct ImageCache(Arc<Mutex<Option<Read>>>);

#[derive(Debug)]
struct Read {
    source: Source,
    options: LoadOptions,
    data: Dataset,
}

impl PartialEq for ImageCache {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl ImageCache {
    /// The dataset of a source, read if it is not the one that was read last. Others that ask wait until it is read.
    ///
    /// # Errors
    /// As [`Source::load`].
    pub fn load(&self, source: &Source, options: &LoadOptions) -> Result<Dataset, StudyError> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(read) = last.as_ref().filter(|read| read.source == *source && read.options == *options) {
            return Ok(read.data.clone());
        }
        let data = source.load(options)?;
        *last = Some(Read { source: source.clone(), options: *options, data: data.clone() });
        Ok(data)
    }
}
