//! Batches of normalised, augmented images.

use bonas_study::StudyError;
use bonas_study::rng::StudyRng;
use rand::SeedableRng;
use rand::seq::SliceRandom;

use super::augment::{Augment, Change};
use super::images::{ImageShape, Images};
use super::normalise::Normalisation;

/// A batch of images, ready to become a tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// Normalised pixels, `[n, c, h, w]`, contiguous.
    pub pixels: Vec<f32>,
    /// Classes, `[n]`, from 0.
    pub labels: Vec<i64>,
    /// Number of images.
    pub n: usize,
    /// Shape of an image.
    pub shape: ImageShape,
}

/// How indices are cut into batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchOptions {
    /// Images a batch; at least 1.
    pub size: usize,
    /// Whether to leave out a last batch of fewer images.
    pub drop_last: bool,
}

impl BatchOptions {
    /// Batches of `size` images; the last may be smaller.
    pub const fn new(size: usize) -> Self {
        Self { size, drop_last: false }
    }

    /// The same without a smaller last batch.
    #[must_use]
    pub const fn drop_last(self) -> Self {
        Self { drop_last: true, ..self }
    }

    fn check(self, images: usize) -> Result<(), StudyError> {
        let reason = match self.size {
            0 => "0; valid: 1 or more".to_owned(),
            size if self.drop_last && images < size => {
                format!(
                    "{size} is more than the {images} images, and smaller batches are dropped; use a smaller size"
                )
            }
            _ => return Ok(()),
        };
        Err(StudyError::Setting { name: "batch size".to_owned(), reason })
    }
}

/// Turns images into batches, on the CPU; cheap to clone.
///
/// # Examples
/// ```
/// use bonas_study::rng;
/// use bonas_supernet::data::{BatchOptions, Loader, digits};
/// let data = digits()?;
/// let loader = Loader::new(data.train.clone(), &data.normalisation, data.augment)?;
/// let indices: Vec<usize> = (0..data.train.len()).collect();
/// let mut batches = loader.shuffled(&indices, BatchOptions::new(64), &mut rng::stream(0, &[]))?;
/// let mut seen = 0;
/// while let Some(batch) = batches.next_batch() {
///     assert_eq!(batch.pixels.len(), batch.n * 64);
///     seen += batch.n;
/// }
/// assert_eq!(seen, 1198);
/// # Ok::<(), bonas_study::StudyError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Loader {
    images: Images,
    affine: Vec<(f32, f32)>,
    augment: Augment,
}

impl Loader {
    /// A loader of `images`, normalised by `normalisation`; `augment` is for shuffled batches only.
    ///
    /// # Errors
    /// [`StudyError::Setting`] if the normalisation has another number of channels or a deviation
    /// that is not positive, or the augmentation does not fit the images.
    pub fn new(images: Images, normalisation: &Normalisation, augment: Augment) -> Result<Self, StudyError> {
        normalisation.check(images.shape().channels)?;
        augment.check(images.shape())?;
        Ok(Self { affine: normalisation.affine(), images, augment })
    }

    /// The images that it loads.
    pub fn images(&self) -> &Images {
        &self.images
    }

    /// One epoch of training: the images at `indices` in a random order, augmented.
    ///
    /// Takes one seed from `rng`, whatever the number of batches; the batches are a function of
    /// that seed, so that an epoch can be had again from the same state of `rng`.
    ///
    /// # Errors
    /// [`StudyError::Setting`] if an index is not one of an image, or the batch size is 0 or leaves
    /// no batch at all.
    pub fn shuffled(
        &self,
        indices: &[usize],
        options: BatchOptions,
        rng: &mut StudyRng,
    ) -> Result<Batches<'_>, StudyError> {
        let mut own = StudyRng::from_rng(rng);
        let mut batches = self.ordered(indices, options)?;
        batches.order.shuffle(&mut own);
        batches.rng = Some(own);
        Ok(batches)
    }

    /// The images at `indices` in that order, without augmentation: for scoring and for
    /// re-estimating batch statistics.
    ///
    /// # Errors
    /// As [`Loader::shuffled`].
    pub fn ordered(&self, indices: &[usize], options: BatchOptions) -> Result<Batches<'_>, StudyError> {
        self.images.check_indices(indices)?;
        options.check(indices.len())?;
        let batch = Batch { pixels: Vec::new(), labels: Vec::new(), n: 0, shape: self.images.shape() };
        Ok(Batches { loader: self, order: indices.to_vec(), next: 0, options, rng: None, batch })
    }

    /// Fills `batch`, reusing its memory; augments if there is a generator.
    fn fill(&self, indices: &[usize], mut rng: Option<&mut StudyRng>, batch: &mut Batch) {
        let (shape, size) = (self.images.shape(), self.images.shape().pixels());
        batch.n = indices.len();
        batch.labels.clear();
        batch.labels.extend(indices.iter().map(|&index| i64::from(self.images.labels()[index])));
        batch.pixels.resize(indices.len() * size, 0.0);
        for (&index, out) in indices.iter().zip(batch.pixels.chunks_exact_mut(size)) {
            let change = rng.as_deref_mut().map_or_else(Change::default, |rng| self.augment.draw(shape, rng));
            change.apply(self.images.image(index), shape, &self.affine, out);
        }
    }
}

/// The batches of one pass over a set of images; they share one buffer.
#[derive(Debug)]
pub struct Batches<'a> {
    loader: &'a Loader,
    order: Vec<usize>,
    next: usize,
    options: BatchOptions,
    rng: Option<StudyRng>,
    batch: Batch,
}

impl Batches<'_> {
    /// The next batch, or `None` after the last; it is overwritten by the next call.
    pub fn next_batch(&mut self) -> Option<&Batch> {
        let end = (self.next + self.options.size).min(self.order.len());
        let count = end - self.next;
        if count == 0 || (self.options.drop_last && count < self.options.size) {
            return None;
        }
        self.loader.fill(&self.order[self.next..end], self.rng.as_mut(), &mut self.batch);
        self.next = end;
        Some(&self.batch)
    }

    /// Batches still to come.
    pub fn remaining(&self) -> usize {
        let left = self.order.len() - self.next;
        if self.options.drop_last { left / self.options.size } else { left.div_ceil(self.options.size) }
    }
}
