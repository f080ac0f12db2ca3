//! One image file as a viewer shows it.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use bonas_study::StudyError;
use image::imageops::FilterType;
use image::{ColorType, DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, RgbImage};

use super::files::unusable;

/// Most bytes of the decoded pixels of a file.
const LARGEST: u64 = 512 << 20;

/// An image of a stated size.
pub(super) struct Picture {
    pub(super) rgb: RgbImage,
    /// Whether the file is grey: then the three channels are equal.
    pub(super) grey: bool,
}

/// Reads an image file, turns it as its Exif orientation says, lays it on white where it is transparent, and cuts out its
/// largest middle square, which is scaled to `size` x `size`.
///
/// # Errors
/// [`StudyError::Data`] naming a file that is no image, damaged, cut off, or of more than [`LARGEST`] bytes of pixels.
pub(super) fn read(path: &Path, size: usize) -> Result<Picture, StudyError> {
    let damaged = |reason: &dyn std::fmt::Display| {
        unusable(path, format!("cannot be decoded as an image ({reason}); replace or remove it"))
    };
    let bytes = fs::read(path).map_err(|error| damaged(&error))?;
    let reader =
        ImageReader::new(Cursor::new(&bytes)).with_guessed_format().map_err(|error| damaged(&error))?;
    if reader.format() == Some(ImageFormat::Jpeg) && is_cut_off(&bytes) {
        return Err(damaged(&"its end is missing"));
    }
    let mut decoder = reader.into_decoder().map_err(|error| damaged(&error))?;
    let (width, height) = decoder.dimensions();
    if decoder.total_bytes() > LARGEST {
        let reason = format!("{width} x {height} pixels are more than {LARGEST} bytes; scale the image down");
        return Err(unusable(path, reason));
    }
    // What a file claims besides its pixels, such as profiles, is bounded too.
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(LARGEST);
    decoder.set_limits(limits).map_err(|error| damaged(&error))?;
    let orientation = decoder.orientation().map_err(|error| damaged(&error))?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(|error| damaged(&error))?;
    image.apply_orientation(orientation);
    let grey = matches!(image.color(), ColorType::L8 | ColorType::La8 | ColorType::L16 | ColorType::La16);
    // Before anything is scaled, which would take memory for what is cut off.
    let image = on_white(middle(&image));
    let side = size as u32;
    let image =
        if image.width() == side { image } else { image.resize_exact(side, side, FilterType::Triangle) };
    Ok(Picture { rgb: image.into_rgb8(), grey })
}

/// The largest square in the middle.
fn middle(image: &DynamicImage) -> DynamicImage {
    let (width, height) = (image.width(), image.height());
    let side = width.min(height);
    image.crop_imm((width - side) / 2, (height - side) / 2, side, side)
}

/// An image without transparency: `a c + (1 - a) 255` for a colour `c` with opacity `a`.
fn on_white(image: DynamicImage) -> DynamicImage {
    if !image.color().has_alpha() {
        return image;
    }
    let rgba = image.into_rgba16();
    let laid = |colour: u16, opacity: u16| {
        let (colour, opacity, full) = (u64::from(colour), u64::from(opacity), u64::from(u16::MAX));
        // Rounded, from 16 bits to 8.
        let sum = colour * opacity + full * (full - opacity);
        ((sum * 255 + full * full / 2) / (full * full)) as u8
    };
    let pixel = |x, y| {
        let [red, green, blue, opacity] = rgba.get_pixel(x, y).0;
        image::Rgb([red, green, blue].map(|colour| laid(colour, opacity)))
    };
    RgbImage::from_fn(rgba.width(), rgba.height(), pixel).into()
}

/// Whether a JPEG lacks its end, as a download that broke off does: no end marker (FF D9) follows the first scan. In the data
/// of a scan FF is always followed by 00 or a marker.
fn is_cut_off(bytes: &[u8]) -> bool {
    const SCAN: u8 = 0xDA;
    let mut rest = bytes.get(2..).unwrap_or_default();
    loop {
        let Some(start) = rest.iter().position(|&byte| byte == 0xFF) else { return true };
        rest = &rest[start..];
        match rest {
            // Fill bytes, and markers without a segment.
            [0xFF, 0xFF, ..] => rest = &rest[1..],
            [0xFF, 0x01 | 0xD0..=0xD8, ..] => rest = &rest[2..],
            [0xFF, SCAN, data @ ..] => return !data.windows(2).any(|pair| pair == [0xFF, 0xD9]),
            [0xFF, _, high, low, ..] => {
                let length = usize::from(u16::from_be_bytes([*high, *low]));
                rest = rest.get(2 + length..).unwrap_or_default();
            }
            _ => return true,
        }
    }
}
