//! `RandAugment`.

use bonas_study::rng::StudyRng;
use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::images::ImageShape;
use super::jitter::{blend, contrast, saturation};

/// Largest magnitude; strengths grow on a line from 0 to it.
pub(super) const LARGEST: usize = 30;

/// Some operations in a row, each drawn from fourteen, all of one strength (Cubuk et al., "`RandAugment`", 2019), as torchvision does it
/// with images of Pillow, nearest neighbours, and black where an image is moved away.
///
/// The fourteen are: identity, shears along both axes (up to 0.3), translations along both (up to 150/331 of the side), rotation (up to
/// 30 degrees), brightness, saturation, contrast and sharpness (factors up to 1 ± 0.9), posterisation (down to 4 bits), solarisation,
/// autocontrast, equalisation. The first nine of those that move or mix go either way with probability 1/2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandAugment {
    /// Operations in a row, at least 1. Usual: 2.
    pub operations: usize,
    /// Their magnitude, 0 to 30. Usual: 9.
    pub magnitude: usize,
}

impl RandAugment {
    /// Draws the operations.
    pub(super) fn draw(&self, shape: ImageShape, rng: &mut StudyRng) -> Vec<Operation> {
        (0..self.operations).map(|_| self.one(shape, rng)).collect()
    }

    fn one(&self, shape: ImageShape, rng: &mut StudyRng) -> Operation {
        let which = rng.random_range(0..14);
        let part = self.magnitude as f64 / LARGEST as f64;
        let mut signed = |most: f64| if rng.random::<bool>() { -most * part } else { most * part };
        match which {
            0 => Operation::Identity,
            1 => Operation::ShearX(signed(0.3)),
            2 => Operation::ShearY(signed(0.3)),
            3 => Operation::TranslateX(signed(150.0 / 331.0 * shape.width as f64) as isize),
            4 => Operation::TranslateY(signed(150.0 / 331.0 * shape.height as f64) as isize),
            5 => Operation::Rotate(signed(30.0)),
            6 => Operation::Brightness(1.0 + signed(0.9) as f32),
            7 => Operation::Saturation(1.0 + signed(0.9) as f32),
            8 => Operation::Contrast(1.0 + signed(0.9) as f32),
            9 => Operation::Sharpness(1.0 + signed(0.9) as f32),
            10 => Operation::Posterise(8 - (4.0 * part).round_ties_even() as u32),
            11 => Operation::Solarise(255.0 * (1.0 - part)),
            12 => Operation::Autocontrast,
            _ => Operation::Equalise,
        }
    }
}

/// One operation with its strength.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Operation {
    Identity,
    ShearX(f64),
    ShearY(f64),
    TranslateX(isize),
    TranslateY(isize),
    /// Degrees against the clock.
    Rotate(f64),
    Brightness(f32),
    Saturation(f32),
    Contrast(f32),
    Sharpness(f32),
    /// Bits that are kept.
    Posterise(u32),
    /// Values from which on an image is inverted.
    Solarise(f64),
    Autocontrast,
    Equalise,
}

impl Operation {
    /// Changes an image `[c, h, w]`.
    pub(super) fn apply(self, image: &mut [u8], shape: ImageShape) {
        let ImageShape { channels, height, width } = shape;
        let plane = height * width;
        match self {
            Self::ShearX(by) => moved(image, shape, [1.0, by, 0.0, 0.0, 1.0, 0.0]),
            Self::ShearY(by) => moved(image, shape, [1.0, 0.0, 0.0, by, 1.0, 0.0]),
            Self::TranslateX(by) => moved(image, shape, [1.0, 0.0, -by as f64, 0.0, 1.0, 0.0]),
            Self::TranslateY(by) => moved(image, shape, [1.0, 0.0, 0.0, 0.0, 1.0, -by as f64]),
            Self::Rotate(degrees) => moved(image, shape, rotation(degrees, shape)),
            Self::Brightness(factor) => image.iter_mut().for_each(|value| *value = blend(0, *value, factor)),
            Self::Saturation(factor) if channels == 3 => saturation(image, factor),
            Self::Identity | Self::Saturation(_) => {}
            Self::Contrast(factor) => contrast(image, channels, factor),
            Self::Sharpness(factor) => {
                image.chunks_exact_mut(plane).for_each(|plane| sharpen(plane, width, factor));
            }
            Self::Posterise(bits) => {
                let kept = !0xff_u8.checked_shr(bits).unwrap_or(0);
                for value in image {
                    *value &= kept;
                }
            }
            Self::Solarise(from) => image
                .iter_mut()
                .filter(|value| f64::from(**value) >= from)
                .for_each(|value| *value = 255 - *value),
            Self::Autocontrast => {
                image.chunks_exact_mut(plane).for_each(|plane| looked_up(plane, autocontrast));
            }
            Self::Equalise => image.chunks_exact_mut(plane).for_each(|plane| looked_up(plane, equalised)),
        }
    }
}

/// Where a pixel of a rotated image comes from (Pillow, `Image.rotate`).
fn rotation(degrees: f64, shape: ImageShape) -> [f64; 6] {
    let (sin, cos) = (-degrees.to_radians()).sin_cos();
    let (x, y) = (shape.width as f64 / 2.0, shape.height as f64 / 2.0);
    [cos, sin, x - cos * x - sin * y, -sin, cos, y + sin * x - cos * y]
}

/// Each pixel from its place `(a x + b y + c, d x + e y + f)`, of its centre, in fixed point; black from outside (Pillow,
/// `Geometry.c`, `affine_fixed`).
fn moved(image: &mut [u8], shape: ImageShape, [a, b, c, d, e, f]: [f64; 6]) {
    let (height, width) = (shape.height, shape.width);
    let fixed = |value: f64| (value * 65536.0 + 0.5).floor() as i64;
    let first = (fixed(c + 0.5 * (a + b)), fixed(f + 0.5 * (d + e)));
    let (right, down) = ((fixed(a), fixed(d)), (fixed(b), fixed(e)));
    for plane in image.chunks_exact_mut(height * width) {
        let before = plane.to_vec();
        for (y, row) in (0..).zip(plane.chunks_exact_mut(width)) {
            for (x, value) in (0..).zip(row) {
                let from_x = (first.0 + x * right.0 + y * down.0) >> 16;
                let from_y = (first.1 + x * right.1 + y * down.1) >> 16;
                let (from_x, from_y) = (usize::try_from(from_x), usize::try_from(from_y));
                *value = match (from_x, from_y) {
                    (Ok(x), Ok(y)) if x < width && y < height => before[y * width + x],
                    _ => 0,
                };
            }
        }
    }
}

/// A mixture with a smoothed image, whose edges are as they were (Pillow, `ImageFilter.SMOOTH`).
fn sharpen(plane: &mut [u8], width: usize, factor: f32) {
    let before = plane.to_vec();
    let height = before.len() / width;
    for y in 1..height.saturating_sub(1) {
        for x in 1..width.saturating_sub(1) {
            let around = (y - 1..=y + 1).flat_map(|y| (x - 1..=x + 1).map(move |x| y * width + x));
            let sum: u32 = around.map(|at| u32::from(before[at])).sum();
            let own = before[y * width + x];
            let smooth = (sum + 4 * u32::from(own)) as f32 / 13.0 + 0.5;
            plane[y * width + x] = blend(smooth as u8, own, factor);
        }
    }
}

/// Replaces each value by what a function of the histogram makes of it.
fn looked_up(plane: &mut [u8], table: impl Fn(&[usize; 256]) -> Option<[u8; 256]>) {
    let mut counts = [0; 256];
    for &value in plane.iter() {
        counts[usize::from(value)] += 1;
    }
    if let Some(table) = table(&counts) {
        for value in plane {
            *value = table[usize::from(*value)];
        }
    }
}

/// From the lowest value to the highest on a line from 0 to 255 (Pillow, `ImageOps.autocontrast`).
fn autocontrast(counts: &[usize; 256]) -> Option<[u8; 256]> {
    let low = counts.iter().position(|&count| count > 0)?;
    let high = counts.iter().rposition(|&count| count > 0)?;
    if high <= low {
        return None;
    }
    let scale = 255.0 / (high - low) as f64;
    let offset = -(low as f64) * scale;
    Some(std::array::from_fn(|value| (value as f64 * scale + offset).clamp(0.0, 255.0) as u8))
}

/// Values as evenly used as can be (Pillow, `ImageOps.equalize`).
fn equalised(counts: &[usize; 256]) -> Option<[u8; 256]> {
    let last = counts.iter().rev().find(|count| **count > 0)?;
    let step = (counts.iter().sum::<usize>() - last) / 255;
    if step == 0 {
        return None;
    }
    let mut sum = step / 2;
    Some(std::array::from_fn(|value| {
        let level = (sum / step).min(255) as u8;
        sum += counts[value];
        level
    }))
}

#[cfg(test)]
mod tests {
    use bonas_study::rng::stream;

    use super::*;

    const SHAPE: ImageShape = ImageShape::new(3, 4, 5);

    fn image() -> Vec<u8> {
        let value = |channel: usize, i: usize| {
            let (x, y) = (i % 5, i / 5);
            [x * 61 + y * 17, x * 23 + y * 91 + 40, x * 7 + y * 13 + 100][channel] as u8
        };
        (0..3).flat_map(|channel| (0..20).map(move |i| value(channel, i))).collect()
    }

    fn done(operation: Operation) -> Vec<u8> {
        let mut image = image();
        operation.apply(&mut image, SHAPE);
        image
    }

    /// The first channel as Pillow 13.0 has it: `Image.transform` with torchvision's matrices, `Image.rotate`,
    /// `ImageEnhance.Sharpness`, `ImageOps`.
    #[test]
    fn operations_are_those_of_pillow() {
        use Operation as O;
        for (operation, expected) in [
            (
                O::Identity,
                [0, 61, 122, 183, 244, 17, 78, 139, 200, 5, 34, 95, 156, 217, 22, 51, 112, 173, 234, 39],
            ),
            (
                O::ShearX(0.25),
                [0, 61, 122, 183, 244, 17, 78, 139, 200, 5, 95, 156, 217, 22, 0, 112, 173, 234, 39, 0],
            ),
            (
                O::ShearY(-0.25),
                [0, 61, 0, 0, 0, 17, 78, 122, 183, 244, 34, 95, 139, 200, 5, 51, 112, 156, 217, 22],
            ),
            (
                O::TranslateX(-2),
                [122, 183, 244, 0, 0, 139, 200, 5, 0, 0, 156, 217, 22, 0, 0, 173, 234, 39, 0, 0],
            ),
            (
                O::TranslateY(1),
                [0, 0, 0, 0, 0, 0, 61, 122, 183, 244, 17, 78, 139, 200, 5, 34, 95, 156, 217, 22],
            ),
            (
                O::Rotate(20.0),
                [0, 122, 183, 183, 5, 0, 78, 139, 200, 22, 17, 95, 156, 217, 39, 34, 112, 112, 173, 0],
            ),
            (
                O::Rotate(-20.0),
                [17, 61, 61, 122, 0, 34, 78, 139, 200, 244, 51, 95, 156, 217, 5, 0, 173, 234, 234, 22],
            ),
            (
                O::Sharpness(1.6),
                [0, 61, 122, 183, 244, 17, 78, 139, 223, 5, 34, 95, 156, 252, 22, 51, 112, 173, 234, 39],
            ),
            (
                O::Sharpness(0.4),
                [0, 61, 122, 183, 244, 17, 78, 139, 176, 5, 34, 95, 156, 181, 22, 51, 112, 173, 234, 39],
            ),
            (
                O::Posterise(4),
                [0, 48, 112, 176, 240, 16, 64, 128, 192, 0, 32, 80, 144, 208, 16, 48, 112, 160, 224, 32],
            ),
            (
                O::Solarise(100.0),
                [0, 61, 133, 72, 11, 17, 78, 116, 55, 5, 34, 95, 99, 38, 22, 51, 143, 82, 21, 39],
            ),
            (
                O::Autocontrast,
                [0, 63, 127, 191, 255, 17, 81, 145, 209, 5, 35, 99, 163, 226, 22, 53, 117, 180, 244, 40],
            ),
        ] {
            assert_eq!(done(operation)[..20], expected, "{operation:?}");
        }
        assert_eq!(done(O::Equalise), image(), "too few pixels for a step");
        assert_eq!(done(O::Posterise(8)), image());
    }

    /// Sums of a larger image, and sums by place, of Pillow 13.0.
    #[test]
    fn a_larger_image_is_as_pillow_has_it() {
        let shape = ImageShape::new(1, 32, 32);
        for (operation, expected) in [
            (Operation::Equalise, (162_826, 86_886_555)),
            (Operation::Autocontrast, (121_904, 64_922_132)),
            (Operation::Sharpness(1.9), (108_088, 57_496_997)),
            (Operation::Rotate(13.0), (97_180, 50_105_311)),
        ] {
            let mut image: Vec<u8> =
                (0..1024).map(|i| ((i % 32 * (i % 32) + i / 32 * 3) % 200 + 10) as u8).collect();
            operation.apply(&mut image, shape);
            let sum: u64 = image.iter().map(|&value| u64::from(value)).sum();
            let by_place: u64 = image.iter().zip(1..).map(|(&value, place)| place * u64::from(value)).sum();
            assert_eq!((sum, by_place), expected, "{operation:?}");
        }
    }

    /// At magnitude 9 of 30: shears of .09, 9 degrees, 27 % up or down, 7 bits, 178.5.
    #[test]
    fn strengths_are_those_of_torchvision() {
        let (augment, mut rng) = (RandAugment { operations: 2, magnitude: 9 }, stream(1, &[]));
        let shape = ImageShape::new(3, 64, 331);
        let mut kinds = [0; 14];
        for _ in 0..2000 {
            for operation in augment.draw(shape, &mut rng) {
                let near = |x: f64, size: f64| (x.abs() - size).abs() < 1e-6;
                let (kind, fits) = match operation {
                    Operation::Identity => (0, true),
                    Operation::ShearX(by) => (1, near(by, 0.09)),
                    Operation::ShearY(by) => (2, near(by, 0.09)),
                    Operation::TranslateX(by) => (3, by.abs() == 45),
                    Operation::TranslateY(by) => (4, by.abs() == 8),
                    Operation::Rotate(degrees) => (5, near(degrees, 9.0)),
                    Operation::Brightness(factor) => (6, near(f64::from(factor) - 1.0, 0.27)),
                    Operation::Saturation(factor) => (7, near(f64::from(factor) - 1.0, 0.27)),
                    Operation::Contrast(factor) => (8, near(f64::from(factor) - 1.0, 0.27)),
                    Operation::Sharpness(factor) => (9, near(f64::from(factor) - 1.0, 0.27)),
                    Operation::Posterise(bits) => (10, bits == 7),
                    Operation::Solarise(from) => (11, near(from, 178.5)),
                    Operation::Autocontrast => (12, true),
                    Operation::Equalise => (13, true),
                };
                assert!(fits, "{operation:?}");
                kinds[kind] += 1;
            }
        }
        assert!(kinds.iter().all(|&count| (200..380).contains(&count)), "{kinds:?}");
    }
}
