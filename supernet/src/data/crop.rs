//! Crops of random size and shape.

use bonas_study::rng::StudyRng;
use image::imageops::FilterType;
use image::{GrayImage, imageops};
use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::images::ImageShape;

/// Draws of a crop before the middle of the image is taken.
const TRIES: usize = 10;

/// Training images as crops of random size and shape, scaled to the size of the image: `RandomResizedCrop` of torchvision (Szegedy et
/// al., "Going Deeper with Convolutions", 2015).
///
/// The area is uniform in `[scale, 1]` of the image's, the ratio of width and height log-uniform in `[1 / ratio, ratio]`. A crop that
/// does not fit is drawn again, ten times; then it is the largest in the middle whose ratio is in range. Crops are scaled by a
/// triangle filter, which is what Pillow calls bilinear.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomCrop {
    /// Smallest share of the area, in `(0, 1]`. Published: 0.08.
    pub scale: f64,
    /// Largest ratio of the longer to the shorter side, 1 or more. Published: 4/3.
    pub ratio: f64,
}

impl RandomCrop {
    /// What is wrong with the numbers, with the name of the one at fault.
    pub(super) fn fault(&self) -> Option<(&'static str, f64, &'static str)> {
        let scale = self.scale > 0.0 && self.scale <= 1.0;
        let ratio = self.ratio >= 1.0 && self.ratio.is_finite();
        (!scale)
            .then_some(("crop_scale", self.scale, "above 0, up to 1"))
            .or_else(|| (!ratio).then_some(("crop_ratio", self.ratio, "1 or more")))
    }

    /// Draws a crop of an image.
    pub(super) fn draw(&self, shape: ImageShape, rng: &mut StudyRng) -> CropBox {
        let (width, height) = (shape.width as f64, shape.height as f64);
        let range = self.ratio.ln();
        for _ in 0..TRIES {
            let area = width * height * rng.random_range(self.scale..=1.0);
            let ratio = rng.random_range(-range..=range).exp();
            let (w, h) = ((area * ratio).sqrt().round() as usize, (area / ratio).sqrt().round() as usize);
            if (1..=shape.width).contains(&w) && (1..=shape.height).contains(&h) {
                let top = rng.random_range(0..=shape.height - h);
                let left = rng.random_range(0..=shape.width - w);
                return CropBox { top, left, height: h, width: w };
            }
        }
        self.middle(shape)
    }

    /// The largest crop in the middle.
    fn middle(&self, shape: ImageShape) -> CropBox {
        let (width, height) = (shape.width as f64, shape.height as f64);
        let (w, h) = match width / height {
            wide if wide > self.ratio => ((height * self.ratio).round() as usize, shape.height),
            tall if tall < 1.0 / self.ratio => (shape.width, (width * self.ratio).round() as usize),
            _ => (shape.width, shape.height),
        };
        CropBox { top: (shape.height - h) / 2, left: (shape.width - w) / 2, height: h, width: w }
    }
}

/// A rectangle of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CropBox {
    top: usize,
    left: usize,
    height: usize,
    width: usize,
}

impl CropBox {
    /// The rectangle of an image `[c, h, w]`, scaled to the size of that.
    pub(super) fn of(&self, image: &[u8], shape: ImageShape) -> Vec<u8> {
        let (width, height) = (shape.width as u32, shape.height as u32);
        let mut out = Vec::with_capacity(image.len());
        for plane in image.chunks_exact(shape.height * shape.width) {
            let rows = plane.chunks_exact(shape.width).skip(self.top).take(self.height);
            let cut: Vec<u8> =
                rows.flat_map(|row| &row[self.left..self.left + self.width]).copied().collect();
            match GrayImage::from_raw(self.width as u32, self.height as u32, cut) {
                Some(cut) if (cut.width(), cut.height()) != (width, height) => {
                    out.extend(imageops::resize(&cut, width, height, FilterType::Triangle).into_raw());
                }
                Some(cut) => out.extend(cut.into_raw()),
                None => unreachable!("a rectangle has as many pixels as its sides say"),
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use bonas_study::rng::stream;

    use super::*;

    const SHAPE: ImageShape = ImageShape::new(1, 5, 6);

    fn ramp() -> Vec<u8> {
        (0..30).map(|i| ((i % 6) * 37 + (i / 6) * 53) as u8).collect()
    }

    /// Pillow 13.0: `crop((1, 0, 6, 4)).resize((6, 5), BILINEAR)` and `crop((2, 1, 4, 4))` likewise; both filters are triangles, and
    /// round at most one step apart.
    #[test]
    fn crops_are_scaled_as_pillow_does() {
        let near = |cut: CropBox, expected: &[u8]| {
            let found = cut.of(&ramp(), SHAPE);
            let apart = found.iter().zip(expected).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
            assert!(found.len() == 30 && apart <= 1, "{found:?}");
        };
        let up = [
            127, 127, 139, 152, 164, 164, 148, 148, 160, 173, 185, 185, 180, 180, 192, 205, 217, 217, 212,
            212, 173, 134, 95, 95, 233, 233, 160, 87, 14, 14,
        ];
        near(CropBox { top: 1, left: 2, height: 3, width: 2 }, &up);
        assert_eq!(CropBox { top: 0, left: 0, height: 5, width: 6 }.of(&ramp(), SHAPE), ramp());
    }

    #[test]
    fn crops_have_their_areas_and_ratios() {
        let crop = RandomCrop { scale: 0.25, ratio: 2.0 };
        let (shape, mut rng) = (ImageShape::new(3, 96, 128), stream(1, &[]));
        for _ in 0..300 {
            let CropBox { top, left, height, width } = crop.draw(shape, &mut rng);
            assert!(top + height <= 96 && left + width <= 128);
            let (area, ratio) = ((height * width) as f64 / (96.0 * 128.0), width as f64 / height as f64);
            assert!((0.24..=1.0).contains(&area) && (0.48..=2.1).contains(&ratio), "{height} x {width}");
        }
        // Too wide for any crop of the whole area.
        let wide = RandomCrop { scale: 1.0, ratio: 1.0 }.draw(ImageShape::new(1, 10, 30), &mut rng);
        assert_eq!(wide, CropBox { top: 0, left: 10, height: 10, width: 10 });
        let tall = RandomCrop { scale: 1.0, ratio: 1.0 }.draw(ImageShape::new(1, 30, 10), &mut rng);
        assert_eq!(tall, CropBox { top: 10, left: 0, height: 10, width: 10 });
        assert_eq!(RandomCrop { scale: 0.0, ratio: 1.0 }.fault().unwrap().0, "crop_scale");
        assert_eq!(RandomCrop { scale: 1.0, ratio: f64::NAN }.fault().unwrap().0, "crop_ratio");
    }
}
