//! Image files one by one, as a trained network reads them.

use std::fs;
use std::path::Path;

use bonas_study::StudyError;

use super::files::unusable;
use super::images::{ImageShape, Images, numbered, shrunk};
use super::options::{Background, LoadOptions};
use super::picture::{Picture, undecodable};

/// Longest side of an image that is scaled, in pixels.
const LONGEST: usize = 1 << 14;

/// How image files are read one by one for a network: as images of a folder.
#[derive(Clone, Copy, Debug)]
pub struct ImageFiles {
    /// Before they are shrunk.
    whole: ImageShape,
    /// What the shorter side is scaled to before the middle is cut out; none: that of the largest square in the middle.
    resize: Option<usize>,
    shrink: usize,
    background: Background,
}

impl ImageFiles {
    /// Files that become images of a shape. They are scaled to `shrink` times its side before each pixel becomes the mean
    /// of a square, as [`LoadOptions::shrink`] says.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for a shape that is not square, has neither one channel nor three, or is too large, and for
    /// a `shrink` of 0.
    pub fn new(shape: ImageShape, shrink: usize, background: Background) -> Result<Self, StudyError> {
        let setting = |name: &str, reason| Err(StudyError::Setting { name: name.to_owned(), reason });
        let ImageShape { channels, height, width } = shape;
        if height != width || ![1, 3].contains(&channels) {
            let reason = format!("{shape}; image files are read as squares of one channel or three");
            return setting("shape of images", reason);
        }
        match width.checked_mul(shrink) {
            Some(side @ 1..=LONGEST) => {
                Ok(Self { whole: ImageShape::new(channels, side, side), resize: None, shrink, background })
            }
            _ => setting(
                "shrink",
                format!(
                    "{shrink} for {shape}; both must be 1 or more, and the image before at most {LONGEST} pixels a side"
                ),
            ),
        }
    }

    /// The same whose shorter side is scaled to `side`, before the middle is cut out, as [`LoadOptions::resize`] says.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for a side that is smaller than the images before they are shrunk, or too large.
    pub fn resized(self, side: usize) -> Result<Self, StudyError> {
        let least = self.whole.width;
        if !(least..=LONGEST).contains(&side) {
            let reason = format!("{side}; valid: {least}, the images before they are shrunk, to {LONGEST}");
            return Err(StudyError::Setting { name: "resize".to_owned(), reason });
        }
        Ok(Self { resize: Some(side), ..self })
    }

    /// Pixels `[C, H, W]` of an image file: turned as its Exif orientation says, laid on the background, its largest middle
    /// square scaled to the shape, or the middle of what is scaled. A colour becomes grey as L = 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601) where the shape
    /// has one channel.
    ///
    /// # Errors
    /// [`StudyError::Data`] naming a file that is no image, or damaged.
    pub fn read(&self, path: &Path) -> Result<Vec<u8>, StudyError> {
        if path.is_dir() {
            return Err(unusable(path, "is a folder, expected an image"));
        }
        let Self { whole, resize, background, .. } = *self;
        let options = LoadOptions { image_size: whole.width, resize, background, ..LoadOptions::default() };
        let bytes = fs::read(path).map_err(|error| unusable(path, undecodable(error)))?;
        let picture = Picture::decode(&bytes, &options).map_err(|reason| unusable(path, reason))?;
        let side = options.side();
        let stored = Images::new(
            planes(&picture, whole.channels),
            vec![0],
            ImageShape::new(whole.channels, side, side),
            numbered(1),
        )?;
        let pixels = stored.with_middle(whole.width)?.image(0).into_owned();
        Ok(if self.shrink == 1 { pixels } else { shrunk(&pixels, self.whole, self.shrink) })
    }
}

/// The channels of a picture one after another, one or three of them.
fn planes(Picture { rgb, grey }: &Picture, channels: usize) -> Vec<u8> {
    let pixels = rgb.as_raw();
    let plane = |channel: usize| pixels.iter().skip(channel).step_by(3).copied();
    if channels == 3 {
        return (0..3).flat_map(plane).collect();
    }
    if *grey {
        return plane(0).collect();
    }
    // The weights in 16 bits, rounded, as image libraries have them.
    let luma = |pixel: &[u8]| {
        let [red, green, blue] = [pixel[0], pixel[1], pixel[2]].map(u32::from);
        ((19_595 * red + 38_470 * green + 7_471 * blue + 0x8000) >> 16) as u8
    };
    pixels.chunks_exact(3).map(luma).collect()
}

#[cfg(test)]
mod tests {
    use image::{GrayImage, Luma, Rgb, RgbImage};

    use super::*;

    /// Reads a file as it is, on white.
    fn read_image(file: &Path, shape: ImageShape) -> Result<Vec<u8>, StudyError> {
        ImageFiles::new(shape, 1, Background::WHITE)?.read(file)
    }

    #[test]
    fn images_are_read_in_the_shape_of_a_network() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a b.png");
        RgbImage::from_pixel(6, 4, Rgb([255, 0, 10])).save(&file).unwrap();
        let colour = read_image(&file, ImageShape::new(3, 2, 2)).unwrap();
        assert_eq!(colour, [255, 255, 255, 255, 0, 0, 0, 0, 10, 10, 10, 10]);
        // 0.299 * 255 + 0.114 * 10 = 77.4
        assert_eq!(read_image(&file, ImageShape::new(1, 2, 2)).unwrap(), [77; 4]);
        GrayImage::from_pixel(4, 4, Luma([9])).save(&file).unwrap();
        assert_eq!(read_image(&file, ImageShape::new(1, 2, 2)).unwrap(), [9; 4]);
        assert_eq!(read_image(&file, ImageShape::new(3, 1, 1)).unwrap(), [9; 3]);
    }

    /// 4x4 pixels to 2x2, each the mean of a square: (1 + 2 + 3 + 5) / 4 = 2.75, not the pixel that scaling gives.
    #[test]
    fn images_are_shrunk_to_means_of_squares() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.png");
        let values = [[1, 2, 200, 0], [3, 5, 0, 0], [9, 9, 7, 7], [9, 9, 7, 7]];
        GrayImage::from_fn(4, 4, |x, y| Luma([values[y as usize][x as usize]])).save(&file).unwrap();
        let files = ImageFiles::new(ImageShape::new(1, 2, 2), 2, Background::WHITE).unwrap();
        assert_eq!(files.read(&file).unwrap(), [3, 50, 9, 7]);
    }

    /// 6x6 pixels as they are, of which the middle 2x2 are read, or 4x4 that are shrunk.
    #[test]
    fn the_middle_of_scaled_images_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.png");
        GrayImage::from_fn(6, 8, |x, y| Luma([(6 * y + x) as u8])).save(&file).unwrap();
        let files = ImageFiles::new(ImageShape::new(1, 2, 2), 1, Background::WHITE).unwrap();
        assert_eq!(files.resized(6).unwrap().read(&file).unwrap(), [20, 21, 26, 27]);
        let shrunk = ImageFiles::new(ImageShape::new(1, 2, 2), 2, Background::WHITE).unwrap();
        // (13 + 14 + 19 + 20) / 4 = 16.5
        assert_eq!(shrunk.resized(6).unwrap().read(&file).unwrap(), [17, 19, 29, 31]);
        assert!(shrunk.resized(3).unwrap_err().to_string().contains("resize: 3; valid: 4"));
    }

    #[test]
    fn transparent_images_are_laid_on_the_background() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.png");
        image::RgbaImage::from_pixel(2, 2, image::Rgba([9, 9, 9, 0])).save(&file).unwrap();
        let files = ImageFiles::new(ImageShape::new(3, 1, 1), 1, Background([1, 2, 3])).unwrap();
        assert_eq!(files.read(&file).unwrap(), [1, 2, 3]);
    }

    #[test]
    fn sizes_that_cannot_be_are_refused() {
        for (side, shrink) in [(0, 1), (8, 0), (8, usize::MAX), (8, 1 << 12)] {
            let shape = ImageShape::new(3, side, side);
            let error = ImageFiles::new(shape, shrink, Background::WHITE).unwrap_err().to_string();
            assert!(error.contains(&format!("shrink: {shrink} for 3x{side}x{side}")), "{error}");
        }
    }

    #[test]
    fn what_is_no_image_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("notes.png");
        std::fs::write(&file, "text").unwrap();
        let error = |shape| read_image(&file, shape).unwrap_err().to_string();
        assert!(error(ImageShape::new(3, 2, 2)).contains("notes.png: cannot be decoded as an image"));
        assert!(error(ImageShape::new(3, 2, 4)).contains("read as squares of one channel or three"));
        assert!(error(ImageShape::new(2, 2, 2)).contains("2x2x2"));
        let folder = read_image(folder.path(), ImageShape::new(3, 2, 2)).unwrap_err().to_string();
        assert!(folder.contains("is a folder, expected an image"), "{folder}");
    }
}
