//! A labelled set of images.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use bonas_study::StudyError;

use super::pixels::Pixels;

/// Shape of one image, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ImageShape {
    /// Channels: 1 for grey, 3 for red, green, blue.
    pub channels: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl ImageShape {
    /// The shape `channels x height x width`.
    pub const fn new(channels: usize, height: usize, width: usize) -> Self {
        Self { channels, height, width }
    }

    /// Values in one image, `c * h * w`.
    pub const fn pixels(self) -> usize {
        self.channels * self.height * self.width
    }

    /// Row and column of a larger image where the middle of this shape begins.
    pub(super) const fn middle_of(self, larger: Self) -> (usize, usize) {
        (half(larger.height - self.height), half(larger.width - self.width))
    }

    /// The shape with both sides divided by `factor`.
    ///
    /// # Errors
    /// [`StudyError::Setting`] if `factor` does not divide both sides.
    pub fn shrunk(self, factor: usize) -> Result<Self, StudyError> {
        if factor == 0 || !self.height.is_multiple_of(factor) || !self.width.is_multiple_of(factor) {
            return Err(StudyError::Setting {
                name: "shrink".to_owned(),
                reason: format!(
                    "{factor} for images of {self}; it must divide both sides: {}",
                    self.divisors().collect::<Vec<_>>().join(", ")
                ),
            });
        }
        Ok(Self { height: self.height / factor, width: self.width / factor, ..self })
    }

    /// What divides both sides, for messages.
    fn divisors(self) -> impl Iterator<Item = String> {
        let divides = move |n: &usize| self.height.is_multiple_of(*n) && self.width.is_multiple_of(*n);
        (1..=self.height.min(self.width)).filter(divides).map(|n| n.to_string())
    }
}

impl fmt::Display for ImageShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}x{}", self.channels, self.height, self.width)
    }
}

/// A labelled set of 8-bit images of one shape; cheap to clone (the pixels are shared).
#[derive(Clone, Debug)]
pub struct Images {
    pixels: Pixels,
    /// Place of each image among the pixels; none: all of them, as they lie.
    order: Option<Arc<[usize]>>,
    labels: Arc<[u16]>,
    /// Of the pixels; what is seen is the middle of them.
    stored: ImageShape,
    shape: ImageShape,
    class_names: Arc<[String]>,
}

impl Images {
    /// A set from `pixels` `[n, c, h, w]` and `labels` `[n]`; label `i` means `class_names[i]`.
    ///
    /// A class may be empty here; [`Dataset::new`](super::Dataset::new) refuses it.
    ///
    /// # Errors
    /// [`StudyError::Setting`] if the shape has no pixel, the counts disagree, or a label has no
    /// class name.
    ///
    /// # Examples
    /// ```
    /// use bonas_supernet::data::{ImageShape, Images};
    /// let names = vec!["dark".to_owned(), "bright".to_owned()];
    /// let images = Images::new(vec![0, 0, 255, 255], vec![0, 1], ImageShape::new(1, 1, 2), names)?;
    /// assert_eq!((images.len(), images.classes()), (2, 2));
    /// # Ok::<(), bonas_study::StudyError>(())
    /// ```
    pub fn new(
        pixels: Vec<u8>,
        labels: Vec<u16>,
        shape: ImageShape,
        class_names: Vec<String>,
    ) -> Result<Self, StudyError> {
        Self::checked(pixels, labels, shape, class_names)
            .map_err(|reason| StudyError::Setting { name: "images".to_owned(), reason })
    }

    /// As [`Images::new`], with a bare reason for readers that know the file.
    pub(super) fn checked(
        pixels: Vec<u8>,
        labels: Vec<u16>,
        shape: ImageShape,
        class_names: Vec<String>,
    ) -> Result<Self, String> {
        if shape.pixels() == 0 {
            return Err(format!("an image of shape {shape} has no pixel"));
        }
        if labels.len().checked_mul(shape.pixels()) != Some(pixels.len()) {
            let (values, count) = (pixels.len(), labels.len());
            return Err(format!("{values} pixel values are not {count} images of shape {shape}"));
        }
        Self::of_places(pixels.into(), None, labels, shape, class_names)
    }

    /// The images at some places of pixels, in that order; none: all of them.
    ///
    /// # Errors
    /// For a label without class, in words.
    pub(super) fn of_places(
        pixels: Pixels,
        order: Option<Vec<usize>>,
        labels: Vec<u16>,
        shape: ImageShape,
        class_names: Vec<String>,
    ) -> Result<Self, String> {
        if let Some(at) = labels.iter().position(|&label| usize::from(label) >= class_names.len()) {
            let (label, classes) = (labels[at], class_names.len());
            return Err(format!(
                "image {at} has label {label}, but there are only {classes} classes (labels from 0)"
            ));
        }
        let order = order.map(Into::into);
        Ok(Self {
            pixels,
            order,
            labels: labels.into(),
            stored: shape,
            shape,
            class_names: class_names.into(),
        })
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Shape of every image.
    pub fn shape(&self) -> ImageShape {
        self.shape
    }

    /// Shape of the pixels that are kept of every image, from which random crops are drawn: at least [`shape`](Self::shape),
    /// which is the middle of it.
    pub fn stored_shape(&self) -> ImageShape {
        self.stored
    }

    /// The same images, of which squares of `side` pixels in the middle are seen, and the rest by random crops only.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for a side of 0, or larger than one of the images.
    pub fn with_middle(self, side: usize) -> Result<Self, StudyError> {
        let most = self.stored.height.min(self.stored.width);
        if !(1..=most).contains(&side) {
            let reason = format!("{side} for images of {}; valid: 1 to {most}", self.stored);
            return Err(StudyError::Setting { name: "image_size".to_owned(), reason });
        }
        Ok(Self { shape: ImageShape { height: side, width: side, ..self.stored }, ..self })
    }

    /// All pixels that are seen, `[n, c, h, w]`, 0 (black) to 255; a copy where the images are some of others.
    pub fn pixels(&self) -> Cow<'_, [u8]> {
        if self.order.is_none() && self.stored == self.shape {
            return Cow::Borrowed(&self.pixels);
        }
        let mut pixels = Vec::with_capacity(self.len() * self.shape.pixels());
        (0..self.len()).for_each(|index| pixels.extend_from_slice(&self.image(index)));
        Cow::Owned(pixels)
    }

    /// Class of every image, `[n]`, from 0.
    pub fn labels(&self) -> &[u16] {
        &self.labels
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.class_names.len()
    }

    /// Name of every class, in label order; the label itself where the source gives no name.
    pub fn class_names(&self) -> &[String] {
        &self.class_names
    }

    /// Pixels of one image that are seen, `[c, h, w]`; a copy where they are the middle of more.
    ///
    /// # Panics
    /// If `index` is not below [`len`](Self::len).
    pub fn image(&self, index: usize) -> Cow<'_, [u8]> {
        let (stored, shape, pixels) = (self.stored, self.shape, self.stored(index));
        if stored == shape {
            return Cow::Borrowed(pixels);
        }
        let (top, left) = shape.middle_of(stored);
        let planes = pixels.chunks_exact(stored.height * stored.width);
        let rows = planes.flat_map(|plane| plane.chunks_exact(stored.width).skip(top).take(shape.height));
        Cow::Owned(rows.flat_map(|row| &row[left..left + shape.width]).copied().collect())
    }

    /// All pixels that are kept of one image, in the stored shape.
    pub(super) fn stored(&self, index: usize) -> &[u8] {
        let size = self.stored.pixels();
        let index = self.order.as_ref().map_or(index, |order| order[index]);
        &self.pixels[index * size..(index + 1) * size]
    }

    /// Number of images of every class, in label order.
    pub fn class_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.classes()];
        for &label in self.labels.iter() {
            counts[usize::from(label)] += 1;
        }
        counts
    }

    /// The images at `indices`, in that order, with the same classes; the pixels are shared.
    ///
    /// # Errors
    /// [`StudyError::Setting`] if an index is not below [`len`](Self::len).
    pub fn select(&self, indices: &[usize]) -> Result<Self, StudyError> {
        self.check_indices(indices)?;
        let place = |&index: &usize| self.order.as_ref().map_or(index, |order| order[index]);
        Ok(Self {
            pixels: self.pixels.clone(),
            order: Some(indices.iter().map(place).collect()),
            labels: indices.iter().map(|&index| self.labels[index]).collect(),
            stored: self.stored,
            shape: self.shape,
            class_names: Arc::clone(&self.class_names),
        })
    }

    /// The images with both sides divided by `factor`, each pixel the rounded mean of a square (the box
    /// filter of the downsampled `ImageNet`, Chrabaszcz et al. 2017).
    ///
    /// # Errors
    /// [`StudyError::Setting`] if `factor` does not divide both sides.
    pub fn shrunk(&self, factor: usize) -> Result<Self, StudyError> {
        let (stored, shape) = (self.stored.shrunk(factor)?, self.shape.shrunk(factor)?);
        // The middle stays in the middle where the margin is a multiple, too.
        let whole = Self { shape: self.stored, ..self.clone() };
        let pixels = shrunk(&whole.pixels(), self.stored, factor);
        Ok(Self { pixels: pixels.into(), order: None, stored, shape, ..whole })
    }

    /// That every index is one of an image.
    pub(super) fn check_indices(&self, indices: &[usize]) -> Result<(), StudyError> {
        match indices.iter().find(|&&index| index >= self.len()) {
            None => Ok(()),
            Some(index) => Err(StudyError::Setting {
                name: "indices".to_owned(),
                reason: format!("{index} is not the index of one of {} images (from 0)", self.len()),
            }),
        }
    }
}

/// Pixels `[n, c, h, w]` of images of a shape, both sides of which `factor` divides, as [`Images::shrunk`] says.
pub(super) fn shrunk(pixels: &[u8], shape: ImageShape, factor: usize) -> Vec<u8> {
    let (area, width) = (factor * factor, shape.width);
    let mut means = Vec::with_capacity(pixels.len() / area);
    // Images and channels alike are planes, one after another.
    for plane in pixels.chunks_exact(shape.height * width) {
        for rows in plane.chunks_exact(width * factor) {
            for column in (0..width).step_by(factor) {
                let square = rows.chunks_exact(width).map(|row| &row[column..column + factor]);
                let sum: usize = square.flatten().map(|&pixel| usize::from(pixel)).sum();
                means.push(((sum + area / 2) / area) as u8);
            }
        }
    }
    means
}

/// Half of a number of pixels, rounded to the even one where it lies between two, as torchvision's `CenterCrop` does.
pub(super) const fn half(pixels: usize) -> usize {
    let below = pixels / 2;
    below + pixels % 2 * (below % 2)
}

/// Names for classes that have none: their labels.
pub(super) fn numbered(classes: usize) -> Vec<String> {
    (0..classes).map(|class| class.to_string()).collect()
}
