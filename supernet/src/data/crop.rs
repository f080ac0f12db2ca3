//! Crops of random size and shape.

use bonas_study::rng::StudyRng;
use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::images::ImageShape;
use super::resample::Rectangle;

/// Draws of a crop before the middle of the image is taken.
const TRIES: usize = 10;

/// Training images as crops of random size and shape, scaled to the size of the image: `RandomResizedCrop` of torchvision (Szegedy et
/// al., "Going Deeper with Convolutions", 2015).
///
/// The area is uniform in `[scale, 1]` of the image's, the ratio of width and height log-uniform in `[1 / ratio, ratio]`. A crop that
/// does not fit is drawn again, ten times; then it is the largest in the middle whose ratio is in range. Crops are scaled as Pillow's
/// bilinear resampling does.
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
    pub(super) fn draw(&self, shape: ImageShape, rng: &mut StudyRng) -> Rectangle {
        let (width, height) = (shape.width as f64, shape.height as f64);
        let range = self.ratio.ln();
        for _ in 0..TRIES {
            let area = width * height * rng.random_range(self.scale..=1.0);
            let ratio = rng.random_range(-range..=range).exp();
            let (w, h) = ((area * ratio).sqrt().round() as usize, (area / ratio).sqrt().round() as usize);
            if (1..=shape.width).contains(&w) && (1..=shape.height).contains(&h) {
                let top = rng.random_range(0..=shape.height - h);
                let left = rng.random_range(0..=shape.width - w);
                return Rectangle { top, left, height: h, width: w };
            }
        }
        self.middle(shape)
    }

    /// The largest crop in the middle.
    fn middle(&self, shape: ImageShape) -> Rectangle {
        let (width, height) = (shape.width as f64, shape.height as f64);
        let (w, h) = match width / height {
            wide if wide > self.ratio => ((height * self.ratio).round() as usize, shape.height),
            tall if tall < 1.0 / self.ratio => (shape.width, (width * self.ratio).round() as usize),
            _ => (shape.width, shape.height),
        };
        Rectangle { top: (shape.height - h) / 2, left: (shape.width - w) / 2, height: h, width: w }
    }
}

#[cfg(test)]
mod tests {
    use bonas_study::rng::stream;

    use super::*;

    #[test]
    fn crops_have_their_areas_and_ratios() {
        let crop = RandomCrop { scale: 0.25, ratio: 2.0 };
        let (shape, mut rng) = (ImageShape::new(3, 96, 128), stream(1, &[]));
        for _ in 0..300 {
            let Rectangle { top, left, height, width } = crop.draw(shape, &mut rng);
            assert!(top + height <= 96 && left + width <= 128);
            let (area, ratio) = ((height * width) as f64 / (96.0 * 128.0), width as f64 / height as f64);
            assert!((0.24..=1.0).contains(&area) && (0.48..=2.1).contains(&ratio), "{height} x {width}");
        }
        // Too wide for any crop of the whole area.
        let wide = RandomCrop { scale: 1.0, ratio: 1.0 }.draw(ImageShape::new(1, 10, 30), &mut rng);
        assert_eq!(wide, Rectangle { top: 0, left: 10, height: 10, width: 10 });
        let tall = RandomCrop { scale: 1.0, ratio: 1.0 }.draw(ImageShape::new(1, 30, 10), &mut rng);
        assert_eq!(tall, Rectangle { top: 10, left: 0, height: 10, width: 10 });
        assert_eq!(RandomCrop { scale: 0.0, ratio: 1.0 }.fault().unwrap().0, "crop_scale");
        assert_eq!(RandomCrop { scale: 1.0, ratio: f64::NAN }.fault().unwrap().0, "crop_ratio");
    }
}
