//! Datasets that several readers share.

use std::sync::{Arc, Mutex, PoisonError};

use bonas_study::StudyError;

use super::dataset::Dataset;
use super::options::LoadOptions;
use super::source::Source;

/// The dataset that was asked for last and its fingerprint, for all readers that ask for the same one. Clones share it.
///
/// Files are decoded once and hashed once. What changes later is not seen: the fingerprint stays that of the images that
/// were read. All caches are equal: none is a setting.
///
/// # Examples
/// ```
/// use bonas_supernet::data::{ImageCache, LoadOptions};
/// let (images, options) = (ImageCache::default(), LoadOptions::default());
/// let data = images.load(&"digits".parse()?, &options)?;
/// let again = images.clone().load(&"digits".parse()?, &options)?;
/// assert_eq!(data.train.image(0).as_ptr(), again.train.image(0).as_ptr());
/// # Ok::<(), bonas_study::StudyError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct ImageCache(Arc<Mutex<Option<Read>>>);

#[derive(Debug)]
struct Read {
    source: Source,
    options: LoadOptions,
    fingerprint: Option<String>,
    /// None: only the fingerprint was asked for.
    data: Option<Dataset>,
}

impl PartialEq for ImageCache {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl ImageCache {
    /// The dataset of a source, read if it is not the one that was read last. Others that ask wait until it is read. Its
    /// fingerprint is taken at the same time.
    ///
    /// # Errors
    /// As [`Source::load`] and [`Source::fingerprint`].
    pub fn load(&self, source: &Source, options: &LoadOptions) -> Result<Dataset, StudyError> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = last.as_ref().filter(|read| read.is_of(source, options));
        if let Some(data) = known.and_then(|read| read.data.as_ref()) {
            return Ok(data.clone());
        }
        let fingerprint = known.map(|read| read.fingerprint.clone());
        let data = source.load(options)?;
        // At once, so that it is not asked for when training is over and the files may be others.
        let fingerprint = fingerprint.map_or_else(|| source.fingerprint(options), Ok)?;
        *last = Some(Read::new(source, options, fingerprint, Some(data.clone())));
        Ok(data)
    }

    /// The fingerprint of a source, taken if it is not the one that was asked for last. Others that ask wait.
    ///
    /// # Errors
    /// As [`Source::fingerprint`].
    pub fn fingerprint(&self, source: &Source, options: &LoadOptions) -> Result<Option<String>, StudyError> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(read) = last.as_ref().filter(|read| read.is_of(source, options)) {
            return Ok(read.fingerprint.clone());
        }
        let fingerprint = source.fingerprint(options)?;
        *last = Some(Read::new(source, options, fingerprint.clone(), None));
        Ok(fingerprint)
    }
}

impl Read {
    fn new(
        source: &Source,
        options: &LoadOptions,
        fingerprint: Option<String>,
        data: Option<Dataset>,
    ) -> Self {
        Self { source: source.clone(), options: *options, fingerprint, data }
    }

    fn is_of(&self, source: &Source, options: &LoadOptions) -> bool {
        self.source == *source && self.options == *options
    }
}
