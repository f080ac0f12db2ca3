//! Image files one by one, as a trained network reads them.

use std::path::Path;

use bonas_study::StudyError;

use super::decode::{self, Picture};
use super::files::unusable;
use super::images::ImageShape;
use super::options::LoadOptions;

/// Pixels `[C, H, W]` of an image file, as images of a folder are read: turned as its Exif orientation says, laid on
/// white, its largest middle square scaled to the shape. A colour becomes grey as L = 0.299 R + 0.587 G + 0.114 B
/// (ITU-R BT.601) where the shape has one channel.
///
/// # Errors
/// [`StudyError::Data`] naming a file that is no image, or damaged; [`StudyError::Setting`] for a shape that is not
/// square, or has neither one channel nor three.
pub fn read_image(path: &Path, shape: ImageShape) -> Result<Vec<u8>, StudyError> {
    let ImageShape { channels, height, width } = shape;
    if height != width || ![1, 3].contains(&channels) {
        let reason = format!("{shape}; image files are read as squares of one channel or three");
        return Err(StudyError::Setting { name: "shape of images".into(), reason });
    }
    if path.is_dir() {
        return Err(unusable(path, "is a folder, expected an image"));
    }
    let options = LoadOptions { image_size: width, ..LoadOptions::default() };
    let Picture { rgb, grey } = decode::read(path, &options)?;
    let pixels = rgb.as_raw();
    let plane = |channel: usize| pixels.iter().skip(channel).step_by(3).copied();
    if channels == 3 {
        return Ok((0..3).flat_map(plane).collect());
    }
    if grey {
        return Ok(plane(0).collect());
    }
    // The weights in 16 bits, rounded, as image libraries have them.
    let luma = |pixel: &[u8]| {
        let [red, green, blue] = [pixel[0], pixel[1], pixel[2]].map(u32::from);
        ((19_595 * red + 38_470 * green + 7_471 * blue + 0x8000) >> 16) as u8
    };
    Ok(pixels.chunks_exact(3).map(luma).collect())
}

#[cfg(test)]
mod tests {
    use image::{GrayImage, Luma, Rgb, RgbImage};

    use super::*;

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
