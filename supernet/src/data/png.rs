//! Images of a set as files.

use std::io::Cursor;

use bonas_study::StudyError;
use image::imageops::FilterType;
use image::{DynamicImage, GrayImage, ImageFormat, RgbImage};

use super::Images;

impl Images {
    /// One image as a PNG file, scaled down where a side is longer than `most` pixels. Of images that are neither grey nor of
    /// three channels it is the first channel.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for an image that cannot be written, as one of a side of 0.
    ///
    /// # Panics
    /// If `index` is not below [`len`](Self::len).
    pub fn png(&self, index: usize, most: u32) -> Result<Vec<u8>, StudyError> {
        let bad = |reason: String| StudyError::Setting { name: "images".to_owned(), reason };
        let shape = self.shape();
        let (width, height) = (shape.width as u32, shape.height as u32);
        let (pixels, size) = (self.image(index), shape.height * shape.width);
        let drawn = if shape.channels == 3 {
            let pixel = |x: u32, y: u32| {
                let at = y as usize * shape.width + x as usize;
                image::Rgb([pixels[at], pixels[at + size], pixels[at + 2 * size]])
            };
            DynamicImage::ImageRgb8(RgbImage::from_fn(width, height, pixel))
        } else {
            let pixel = |x: u32, y: u32| image::Luma([pixels[y as usize * shape.width + x as usize]]);
            DynamicImage::ImageLuma8(GrayImage::from_fn(width, height, pixel))
        };
        let drawn = if width > most || height > most {
            drawn.resize(most, most, FilterType::Triangle)
        } else {
            drawn
        };
        let mut file = Cursor::new(Vec::new());
        drawn
            .write_to(&mut file, ImageFormat::Png)
            .map_err(|error| bad(format!("image {index}: {error}")))?;
        Ok(file.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::ImageShape;

    fn read(png: &[u8]) -> DynamicImage {
        image::load_from_memory_with_format(png, ImageFormat::Png).unwrap()
    }

    #[test]
    fn pixels_are_kept_and_large_images_shrunk() {
        let names = vec!["a".to_owned()];
        let pixels: Vec<u8> = (0..12).map(|i| i * 20).collect();
        let colour = Images::new(pixels.clone(), vec![0], ImageShape::new(3, 2, 2), names.clone()).unwrap();
        let found = read(&colour.png(0, 96).unwrap()).into_rgb8();
        assert_eq!(found.get_pixel(1, 0).0, [20, 100, 180]);
        let grey = Images::new(pixels, vec![0, 0], ImageShape::new(1, 2, 3), names.clone()).unwrap();
        assert_eq!(read(&grey.png(1, 96).unwrap()).into_luma8().into_raw(), [120, 140, 160, 180, 200, 220]);
        let wide = Images::new(vec![7; 400 * 100], vec![0], ImageShape::new(1, 100, 400), names).unwrap();
        let found = read(&wide.png(0, 96).unwrap());
        assert_eq!((found.width(), found.height()), (96, 24));
    }
}
