//! Random crops, flips and cutout.

use bonas_study::StudyError;
use bonas_study::rng::StudyRng;
use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::crop::RandomCrop;
use super::images::ImageShape;
use super::jitter::{Jitter, Recolour};
use super::rand_augment::{LARGEST, Operation, RandAugment};
use super::resample::Rectangle;

/// How training images are varied, in the order of the fields; every image is drawn for by itself.
///
/// The published CIFAR recipe (He et al. 2016; with cutout `DeVries` and Taylor 2017; both as
/// in DARTS `cnn/utils.py`): pad with black and crop, flip, normalise, then cut out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Augment {
    /// Crops of random size and shape in place of those of a padded image; `crop_padding` is not read then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crop: Option<RandomCrop>,
    /// Operations of `RandAugment`, after crop and flip.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rand_augment: Option<RandAugment>,
    /// How colours vary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jitter: Option<Jitter>,
    /// Black pixels added on every side before a crop of the old size at a uniform place; 0 for
    /// none.
    pub crop_padding: usize,
    /// Whether to mirror left and right with probability 1/2.
    pub flip: bool,
    /// Side `L` in pixels of a square that is set to 0 after normalisation, in all channels: rows
    /// `y - L/2 .. y + L/2` (rounded down) and columns alike, around a uniform centre in the
    /// image, clipped at its edge.
    pub cutout: Option<usize>,
}

impl Augment {
    /// No augmentation.
    pub const fn none() -> Self {
        Self { crop: None, rand_augment: None, jitter: None, crop_padding: 0, flip: false, cutout: None }
    }

    /// CIFAR's: padding 4 and flips; for DARTS's final training add
    /// [`with_cutout(16)`](Self::with_cutout).
    pub const fn cifar() -> Self {
        Self { crop_padding: 4, flip: true, ..Self::none() }
    }

    /// For the 8x8 digits: padding 1; a mirrored digit is another sign.
    pub const fn digits() -> Self {
        Self { crop_padding: 1, flip: false, ..Self::none() }
    }

    /// For 28x28 idx files, which may be digits: padding 2, no flips.
    pub const fn mnist() -> Self {
        Self { crop_padding: 2, flip: false, ..Self::none() }
    }

    /// For photographs of `size` pixels a side: CIFAR's proportions, padding an eighth of the
    /// side, and flips (NAS-Bench-201 likewise pads 16-pixel images by 2).
    pub const fn photos(size: usize) -> Self {
        Self { crop_padding: size / 8, flip: true, ..Self::none() }
    }

    /// The same with a cutout of `length` pixels a side.
    #[must_use]
    pub const fn with_cutout(self, length: usize) -> Self {
        Self { cutout: Some(length), ..self }
    }

    /// That it fits images of `shape`.
    ///
    /// # Errors
    /// [`StudyError::Setting`] if the padding is not below the image's shorter side, or the cutout
    /// is not 2 to that side.
    pub fn check(&self, shape: ImageShape) -> Result<(), StudyError> {
        let side = shape.height.min(shape.width);
        let bad = |name: &str, value: usize, valid: String| {
            let reason = format!("{value} for images of {shape}; valid: {valid}");
            Err(StudyError::Setting { name: name.to_owned(), reason })
        };
        let drawn = self.crop.and_then(|crop| crop.fault());
        let faulty = drawn.or_else(|| self.jitter.and_then(|jitter| jitter.fault()));
        if let Some((name, value, valid)) = faulty {
            let reason = format!("{value}; valid: {valid}");
            return Err(StudyError::Setting { name: name.to_owned(), reason });
        }
        if let Some(RandAugment { magnitude, .. }) =
            self.rand_augment.filter(|given| given.magnitude > LARGEST)
        {
            return bad("rand_augment_magnitude", magnitude, format!("0 to {LARGEST}"));
        }
        if self.crop_padding >= side {
            return bad("crop_padding", self.crop_padding, format!("0 to {}", side - 1));
        }
        match self.cutout {
            Some(length) if !(2..=side).contains(&length) => {
                bad("cutout", length, format!("2 to {side}, or none"))
            }
            _ => Ok(()),
        }
    }

    /// Draws for one image of `shape`, stored in another: the crop (its row and column, or its size and place), the flip, the operations, the
    /// colours, the cutout's row and column, each only if it is in use.
    pub(super) fn draw(&self, stored: ImageShape, shape: ImageShape, rng: &mut StudyRng) -> Change {
        let mut change = Change::default();
        if let Some(crop) = &self.crop {
            change.crop = Some(crop.draw(stored, rng));
        } else if self.crop_padding > 0 {
            let padding = self.crop_padding as isize;
            change.down = rng.random_range(0..=2 * self.crop_padding) as isize - padding;
            change.right = rng.random_range(0..=2 * self.crop_padding) as isize - padding;
        }
        change.mirror = self.flip && rng.random::<bool>();
        change.operations = self.rand_augment.map_or_else(Vec::new, |augment| augment.draw(shape, rng));
        change.recolour = self.jitter.map(|jitter| jitter.draw(rng));
        change.hole = self.cutout.map(|length| {
            let rows = span(rng.random_range(0..shape.height), length, shape.height);
            let columns = span(rng.random_range(0..shape.width), length, shape.width);
            Hole { rows, columns }
        });
        change
    }
}

/// `centre - length / 2 .. centre + length / 2`, clipped to `0..size`.
fn span(centre: usize, length: usize, size: usize) -> (usize, usize) {
    (centre.saturating_sub(length / 2), (centre + length / 2).min(size))
}

/// What happens to one image.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Change {
    /// The part that is scaled to the size of the image.
    pub(super) crop: Option<Rectangle>,
    /// Operations of `RandAugment`, after crop and mirror.
    pub(super) operations: Vec<Operation>,
    /// What becomes of its colours.
    pub(super) recolour: Option<Recolour>,
    /// Row of the image that comes first; negative: padding comes first.
    pub(super) down: isize,
    /// Column of the image that comes first.
    pub(super) right: isize,
    /// Mirrored after the crop.
    pub(super) mirror: bool,
    /// Set to 0 after everything.
    pub(super) hole: Option<Hole>,
}

/// A rectangle, ends exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hole {
    pub(super) rows: (usize, usize),
    pub(super) columns: (usize, usize),
}

impl Change {
    /// Writes the changed `image` `[c, h', w']`, or its middle, each pixel `v` as `v * scale + shift` of its channel, to `out`
    /// `[c, h, w]`.
    pub(super) fn apply(
        &self,
        image: &[u8],
        stored: ImageShape,
        shape: ImageShape,
        affine: &[(f32, f32)],
        out: &mut [f32],
    ) {
        if self.crop.is_some() || self.recolour.is_some() || !self.operations.is_empty() {
            return self.repaint(image, stored, shape, affine, out);
        }
        let middle = shape.middle_of(stored);
        let planes = image.chunks_exact(stored.height * stored.width);
        let planes = planes.zip(out.chunks_exact_mut(shape.height * shape.width));
        for ((from, to), &affine) in planes.zip(affine) {
            if *self == Self::default() && stored == shape {
                scale(from, to, affine);
            } else {
                self.plane((from, stored.width), (to, shape.width), middle, affine);
            }
        }
    }

    /// As [`apply`](Self::apply), where values change and not only their places: the crop and the mirror, then operations and
    /// colours on whole values, then the rest.
    fn repaint(
        &self,
        image: &[u8],
        stored: ImageShape,
        shape: ImageShape,
        affine: &[(f32, f32)],
        out: &mut [f32],
    ) {
        let cut = self.crop.map(|part| {
            let mut cut = Vec::with_capacity(shape.pixels());
            part.scaled(image, (stored.height, stored.width), (shape.height, shape.width), &mut cut);
            cut
        });
        let placed = Self { down: self.down, right: self.right, mirror: self.mirror, ..Self::default() };
        let (from, whole) = cut.as_deref().map_or((image, stored), |cut| (cut, shape));
        placed.apply(from, whole, shape, &vec![(1.0, 0.0); shape.channels], out);
        let mut image: Vec<u8> = out.iter().map(|&value| value as u8).collect();
        self.operations.iter().for_each(|operation| operation.apply(&mut image, shape));
        self.recolour.iter().for_each(|recolour| recolour.apply(&mut image, shape.channels));
        Self { hole: self.hole, ..Self::default() }.apply(&image, shape, shape, affine, out);
    }

    /// A plane with the length of its rows, where it goes to with that of its rows, and where the middle begins.
    fn plane(
        &self,
        (from, stored): (&[u8], usize),
        (to, width): (&mut [f32], usize),
        (top, left): (usize, usize),
        affine: (f32, f32),
    ) {
        let (down, right) = (self.down + top as isize, self.right + left as isize);
        for (y, row) in to.chunks_exact_mut(width).enumerate() {
            let source = y.checked_add_signed(down).and_then(|y| from.chunks_exact(stored).nth(y));
            match source {
                Some(source) => self.row(source, right, row, affine),
                None => row.fill(affine.1),
            }
        }
        if let Some(hole) = self.hole {
            for row in to.chunks_exact_mut(width).take(hole.rows.1).skip(hole.rows.0) {
                row[hole.columns.0..hole.columns.1].fill(0.0);
            }
        }
    }

    /// The row whose first pixel is one of another row, or padding before it.
    fn row(&self, from: &[u8], first: isize, to: &mut [f32], affine: (f32, f32)) {
        let width = to.len();
        let left = (-first).clamp(0, width as isize) as usize;
        let begin = first.clamp(0, from.len() as isize) as usize;
        let inside = &from[begin..(begin + width - left).min(from.len())];
        let right = width - left - inside.len();
        let (left, right) = if self.mirror { (right, left) } else { (left, right) };
        to[..left].fill(affine.1);
        to[width - right..].fill(affine.1);
        let middle = &mut to[left..width - right];
        scale(inside, middle, affine);
        if self.mirror {
            middle.reverse();
        }
    }
}

/// `to[i] = from[i] * scale + shift`.
fn scale(from: &[u8], to: &mut [f32], (scale, shift): (f32, f32)) {
    for (to, &from) in to.iter_mut().zip(from) {
        *to = f32::from(from) * scale + shift;
    }
}
