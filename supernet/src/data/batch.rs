//! Batches of normalised, augmented images.

use std::time::{Duration, Instant};

use bonas_study::rng::StudyRng;
use bonas_study::{StudyError, cores};
use rand::SeedableRng;
use rand::seq::SliceRandom;

use super::ahead::{Ahead, Make, in_pieces};
use super::augment::{Augment, Change};
use super::images::{ImageShape, Images};
use super::normalise::Normalisation;

/// A batch that takes longer to make is made on several threads: to start them takes about a tenth of it.
const WORTH_THREADS: Duration = Duration::from_millis(2);

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
    threads: usize,
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
        Ok(Self { affine: normalisation.affine(), images, augment, threads: cores() })
    }

    /// The same on so many threads at most, 1 or more, in place of one for each core. The batches are the same.
    #[must_use]
    pub fn with_threads(self, threads: usize) -> Self {
        Self { threads: threads.max(1), ..self }
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
    ) -> Result<Batches, StudyError> {
        let mut own = StudyRng::from_rng(rng);
        let mut maker = self.maker(indices, options)?;
        maker.order.shuffle(&mut own);
        Ok(self.batches(Maker { rng: Some(own), ..maker }))
    }

    /// The images at `indices` in that order, without augmentation: for scoring and for
    /// re-estimating batch statistics.
    ///
    /// # Errors
    /// As [`Loader::shuffled`].
    pub fn ordered(&self, indices: &[usize], options: BatchOptions) -> Result<Batches, StudyError> {
        self.maker(indices, options).map(|maker| self.batches(maker))
    }

    fn maker(&self, indices: &[usize], options: BatchOptions) -> Result<Maker, StudyError> {
        self.images.check_indices(indices)?;
        options.check(indices.len())?;
        let order = indices.to_vec();
        Ok(Maker {
            loader: self.clone(),
            order,
            options,
            made: 0,
            rng: None,
            reversed: None,
            changes: Vec::new(),
        })
    }

    fn batches(&self, maker: Maker) -> Batches {
        let batch = Batch { pixels: Vec::new(), labels: Vec::new(), n: 0, shape: self.images.shape() };
        Batches { remaining: maker.count(), making: Making::Here(Box::new(maker)), batch }
    }

    /// Fills `batch` with the images at `indices`, reusing its memory; one change for each image.
    ///
    /// The first image is made here. Where the others would take long by its time, they are made on several threads.
    fn fill(&self, indices: &[usize], changes: &[Change], batch: &mut Batch) {
        let size = self.images.shape().pixels();
        batch.n = indices.len();
        batch.labels.clear();
        batch.labels.extend(indices.iter().map(|&index| i64::from(self.images.labels()[index])));
        batch.pixels.resize(indices.len() * size, 0.0);
        let mut places: Vec<(usize, &Change, &mut [f32])> = indices
            .iter()
            .zip(changes)
            .zip(batch.pixels.chunks_exact_mut(size))
            .map(|((&index, change), out)| (index, change, out))
            .collect();
        let work = |(index, change, out): &mut (usize, &Change, &mut [f32])| {
            let (stored, shape) = (self.images.stored_shape(), self.images.shape());
            change.apply(self.images.stored(*index), stored, shape, &self.affine, out);
        };
        let begun = Instant::now();
        let Some((first, others)) = places.split_first_mut() else { return };
        work(first);
        let estimate = begun.elapsed() * others.len() as u32;
        let threads = if estimate < WORTH_THREADS { 1 } else { self.threads };
        in_pieces(others, threads, work);
    }
}

/// Makes the batches of one pass, one after another.
#[derive(Debug)]
struct Maker {
    loader: Loader,
    order: Vec<usize>,
    options: BatchOptions,
    /// Batches that are made.
    made: usize,
    /// Draws the changes of all images, in their order; none: they stay as they are.
    rng: Option<StudyRng>,
    /// The generator as it is before each batch, where the last is made first.
    reversed: Option<Vec<StudyRng>>,
    /// What happens to each image of a batch.
    changes: Vec<Change>,
}

impl Maker {
    /// Number of batches.
    fn count(&self) -> usize {
        let (images, BatchOptions { size, drop_last }) = (self.order.len(), self.options);
        if drop_last { images / size } else { images.div_ceil(size) }
    }

    /// Images of a batch, as places in the order.
    fn range(&self, batch: usize) -> std::ops::Range<usize> {
        let size = self.options.size;
        batch * size..((batch + 1) * size).min(self.order.len())
    }

    /// Draws the changes of a batch.
    fn draw(&mut self, batch: usize) {
        let (range, Loader { images, augment, .. }) = (self.range(batch), &self.loader);
        let (stored, shape) = (images.stored_shape(), images.shape());
        let rng = match &mut self.reversed {
            Some(before) => before.get_mut(batch),
            None => self.rng.as_mut(),
        };
        self.changes.clear();
        match rng {
            Some(rng) => self.changes.extend(range.map(|_| augment.draw(stored, shape, rng))),
            None => self.changes.resize(range.len(), Change::default()),
        }
    }

    /// The same batches from the last to the first.
    fn reversed(mut self) -> Self {
        let mut before = Vec::new();
        for batch in 0..self.count() {
            before.extend(self.rng.clone());
            self.draw(batch);
        }
        Self { reversed: Some(before), ..self }
    }
}

impl Make<Batch> for Maker {
    fn make(&mut self, buffer: &mut Batch) -> bool {
        let count = self.count();
        if self.made == count {
            return false;
        }
        let batch = if self.reversed.is_some() { count - 1 - self.made } else { self.made };
        self.draw(batch);
        self.loader.fill(&self.order[self.range(batch)], &self.changes, buffer);
        self.made += 1;
        true
    }
}

/// The batches of one pass over a set of images; they share one buffer, or two if they are made ahead. They do not depend on
/// the number of threads.
#[derive(Debug)]
pub struct Batches {
    making: Making,
    batch: Batch,
    /// Batches still to come.
    remaining: usize,
}

/// Who makes batches.
#[derive(Debug)]
enum Making {
    /// The caller, when it asks.
    Here(Box<Maker>),
    /// Another thread, ahead of the caller.
    Ahead(Ahead<Batch>),
}

impl Batches {
    /// The same batches, the last of them first. It takes the state of a generator for each batch.
    ///
    /// # Panics
    /// After the first batch was taken, or after [`ahead`](Self::ahead).
    #[must_use]
    pub fn reversed(self) -> Self {
        match self.making {
            Making::Here(maker) if maker.made == 0 => {
                Self { making: Making::Here(Box::new(maker.reversed())), ..self }
            }
            _ => panic!("batches are reversed before one is made"),
        }
    }

    /// The same batches, made on another thread while the caller uses the one before. It holds one batch more.
    ///
    /// It pays where the caller waits for a device, and not where the caller computes on all cores. If the system gives no
    /// thread, batches are made when they are asked for.
    #[must_use]
    pub fn ahead(self) -> Self {
        let making = match self.making {
            // The last batch alone has nothing to be ahead of.
            Making::Here(maker) if self.remaining > 1 => match Ahead::start(*maker, self.batch.clone()) {
                Ok(ahead) => Making::Ahead(ahead),
                Err(maker) => Making::Here(Box::new(maker)),
            },
            making => making,
        };
        Self { making, ..self }
    }

    /// The next batch, or `None` after the last; it is overwritten by the next call.
    ///
    /// # Panics
    /// As the thread that made it, if it panicked.
    pub fn next_batch(&mut self) -> Option<&Batch> {
        let is_made = match &mut self.making {
            Making::Here(maker) => maker.make(&mut self.batch),
            Making::Ahead(ahead) => ahead.take(&mut self.batch),
        };
        if !is_made {
            return None;
        }
        self.remaining -= 1;
        Some(&self.batch)
    }

    /// Batches still to come.
    pub fn remaining(&self) -> usize {
        self.remaining
    }
}
