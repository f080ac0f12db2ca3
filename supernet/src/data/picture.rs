//! One picture as a viewer shows it, from the bytes of an image file.

use std::fmt::Display;
use std::io::Cursor;

use image::imageops::FilterType;
use image::{ColorType, DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, RgbImage};

use super::images::half;
use super::options::{Background, LoadOptions};
use super::resample::{Axis, scale};

/// Most bytes of the decoded pixels of a file.
const LARGEST: u64 = 512 << 20;

/// An image of a stated size.
pub(super) struct Picture {
    pub(super) rgb: RgbImage,
    /// Whether the file is grey: then the three channels are equal.
    pub(super) grey: bool,
}

impl Picture {
    /// Decodes an image file, turns it as its Exif orientation says, lays it on the background where it is transparent, and
    /// cuts out its largest middle square, which is scaled to [`LoadOptions::resize`] or [`LoadOptions::image_size`]. Colour profiles and gamma are not
    /// applied.
    ///
    /// # Errors
    /// What is wrong: it is no image, damaged, cut off, or of more than [`LARGEST`] bytes of pixels.
    pub(super) fn decode(bytes: &[u8], options: &LoadOptions) -> Result<Self, String> {
        if let Some(what) = no_image(bytes) {
            return Err(undecodable(what));
        }
        let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(undecodable)?;
        if reader.format() == Some(ImageFormat::Jpeg) && is_cut_off(bytes) {
            return Err(undecodable("its end is missing"));
        }
        let mut decoder = reader.into_decoder().map_err(undecodable)?;
        let (width, height) = decoder.dimensions();
        if decoder.total_bytes() > LARGEST {
            return Err(format!(
                "{width} x {height} pixels are more than {LARGEST} bytes; scale the image down"
            ));
        }
        // What a file claims besides its pixels, such as profiles, is bounded too.
        let mut limits = Limits::no_limits();
        limits.max_alloc = Some(LARGEST);
        decoder.set_limits(limits).map_err(undecodable)?;
        let orientation = decoder.orientation().map_err(undecodable)?;
        let mut image = DynamicImage::from_decoder(decoder).map_err(undecodable)?;
        image.apply_orientation(orientation);
        let grey = matches!(image.color(), ColorType::L8 | ColorType::La8 | ColorType::L16 | ColorType::La16)
            && (options.background.is_grey() || !image.color().has_alpha());
        if options.resize.is_some() {
            return Ok(Self { rgb: resized(image, options), grey });
        }
        // Before anything is scaled, which would take memory for what is cut off.
        let image = on_background(middle(&image), options.background);
        let side = options.image_size as u32;
        let image =
            if image.width() == side { image } else { image.resize_exact(side, side, FilterType::Triangle) };
        Ok(Self { rgb: image.into_rgb8(), grey })
    }
}

/// Why a file is no picture, with the remedy.
pub(super) fn undecodable(reason: impl Display) -> String {
    format!("cannot be decoded as an image ({reason}); replace or remove it")
}

/// The largest square in the middle.
fn middle(image: &DynamicImage) -> DynamicImage {
    let (width, height) = (image.width(), image.height());
    let side = width.min(height);
    image.crop_imm((width - side) / 2, (height - side) / 2, side, side)
}

/// The middle of an image whose shorter side is scaled to [`LoadOptions::resize`]: the pixels that are seen are those of
/// torchvision's `Resize` and `CenterCrop`.
fn resized(image: DynamicImage, options: &LoadOptions) -> RgbImage {
    let (side, seen) = (options.side(), options.image_size);
    let (width, height) = (image.width() as usize, image.height() as usize);
    let axis = |length: usize| {
        let all = side * length / width.min(height);
        let first = half(all - seen) - half(side - seen);
        Axis::new(length, all, first..first + side)
    };
    let axes = (axis(height), axis(width));
    let (rows, columns) = (axes.0.inputs(), axes.1.inputs());
    let axes = (axes.0.cut(), axes.1.cut());
    // Others are cut out before anything is made of them, which would take memory for what is cut off.
    let (image, rows, columns) = match image {
        DynamicImage::ImageRgb8(image) => (image, rows, columns),
        image => {
            let part = [columns.start, rows.start, columns.len(), rows.len()].map(|n| n as u32);
            let part = image.crop_imm(part[0], part[1], part[2], part[3]);
            (on_background(part, options.background).into_rgb8(), 0..rows.len(), 0..columns.len())
        }
    };
    let width = image.width() as usize;
    let pixels = image.as_raw().as_chunks::<3>().0;
    let [red, green, blue] = [0, 1, 2].map(|channel| {
        let inside = pixels.chunks_exact(width).skip(rows.start).take(rows.len());
        let mut plane = Vec::with_capacity(side * side);
        scale(inside.map(|row| &row[columns.clone()]), channel, &axes, &mut plane);
        plane
    });
    let pixels = red.into_iter().zip(green).zip(blue).flat_map(|((red, green), blue)| [red, green, blue]);
    match RgbImage::from_raw(side as u32, side as u32, pixels.collect()) {
        Some(image) => image,
        None => unreachable!("planes have as many pixels as their sides say"),
    }
}

/// What bytes are that are plainly no image.
fn no_image(bytes: &[u8]) -> Option<&'static str> {
    if bytes.is_empty() {
        return Some("it is empty");
    }
    let text = bytes.trim_ascii_start();
    let begins = |word: &[u8]| text.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word));
    (begins(b"<!doctype html") || begins(b"<html"))
        .then_some("it is an HTML page, as of a download that failed")
}

/// An image without transparency: `a c + (1 - a) b` for a colour `c` with opacity `a` on `b`.
fn on_background(image: DynamicImage, background: Background) -> DynamicImage {
    if !image.color().has_alpha() {
        return image;
    }
    let rgba = image.into_rgba16();
    let laid = |colour: u16, behind: u8, opacity: u16| {
        let (colour, opacity, full) = (u64::from(colour), u64::from(opacity), u64::from(u16::MAX));
        // Rounded, from 16 bits to 8.
        let sum = colour * opacity + 257 * u64::from(behind) * (full - opacity);
        ((sum * 255 + full * full / 2) / (full * full)) as u8
    };
    let pixel = |x, y| {
        let [red, green, blue, opacity] = rgba.get_pixel(x, y).0;
        let Background([r, g, b]) = background;
        image::Rgb([laid(red, r, opacity), laid(green, g, opacity), laid(blue, b, opacity)])
    };
    RgbImage::from_fn(rgba.width(), rgba.height(), pixel).into()
}

/// Extensions of the image files that are read, in lower case.
pub const EXTENSIONS: [&str; 4] = ["png", "jpg", "jpeg", "bmp"];

/// The format of an image that is named as another one.
pub(super) fn other_format(bytes: &[u8], extension: &str) -> Option<String> {
    let format = image::guess_format(bytes).ok()?;
    let is_named = format.extensions_str().contains(&extension);
    (!is_named).then(|| format!("{format:?}").to_uppercase())
}

/// What an image file says about its colours that is not applied: a profile other than sRGB, or a gamma.
pub(super) fn unapplied(bytes: &[u8]) -> Option<String> {
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().ok()?;
    let profile = reader.into_decoder().ok()?.icc_profile().ok()?;
    let has = |profile: &[u8], name: &[u8]| profile.windows(name.len()).any(|window| window == name);
    match profile {
        Some(profile) if has(&profile, b"sRGB") || has(&profile, b"\0s\0R\0G\0B") => None,
        Some(_) => Some("its colour profile is not sRGB, and is not applied".to_owned()),
        None => gamma(bytes).map(|gamma| format!("its gamma of {gamma} is not applied")),
    }
}

/// The gamma of a PNG that is not that of sRGB (`gAMA` of 45455, and no chunk `sRGB`).
fn gamma(bytes: &[u8]) -> Option<f64> {
    const SIGNATURE: usize = 8;
    const SRGB: u32 = 45_455;
    let mut rest = bytes.strip_prefix(b"\x89PNG\r\n\x1a\n").map(|_| &bytes[SIGNATURE..])?;
    let mut found = None;
    // Length, kind, data and checksum of a chunk.
    while let Some((head, data)) = rest.split_at_checked(8) {
        let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
        match &head[4..] {
            b"IDAT" => break,
            b"sRGB" => return None,
            b"gAMA" => found = data.first_chunk::<4>().map(|gamma| u32::from_be_bytes(*gamma)),
            _ => {}
        }
        rest = data.get(length.checked_add(4)?..)?;
    }
    found.filter(|&gamma| gamma.abs_diff(SRGB) > 500 && gamma > 0).map(|gamma| f64::from(gamma) / 1e5)
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
