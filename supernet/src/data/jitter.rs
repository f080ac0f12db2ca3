//! Colour jitter.

use bonas_study::rng::StudyRng;
use rand::RngExt;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

/// How much the colours of training images vary: brightness, contrast, saturation and hue, each by a factor of its own, in a random
/// order, as `ColorJitter` of torchvision does it with images of Pillow (`ImageEnhance`). 0 leaves a property as it is.
///
/// Factors of the first three are uniform in `[max(0, 1 - x), 1 + x]`, the shift of the hue in `[-x, x]` of its circle. Grey images
/// have brightness and contrast only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Jitter {
    /// Of the brightness, 0 or more.
    pub brightness: f64,
    /// Of the contrast, 0 or more.
    pub contrast: f64,
    /// Of the saturation, 0 or more.
    pub saturation: f64,
    /// Of the hue, 0 to 0.5.
    pub hue: f64,
}

impl Jitter {
    /// What is wrong with the numbers, with the name of the one at fault.
    pub(super) fn fault(&self) -> Option<(&'static str, f64, &'static str)> {
        let named =
            [("brightness", self.brightness), ("contrast", self.contrast), ("saturation", self.saturation)];
        let bad = named.into_iter().find(|(_, x)| !(0.0..f64::INFINITY).contains(x));
        let bad = bad.map(|(name, x)| (name, x, "0 or more"));
        bad.or_else(|| (!(0.0..=0.5).contains(&self.hue)).then_some(("hue", self.hue, "0 to 0.5")))
    }

    /// Draws the order, then the factors of those that vary.
    pub(super) fn draw(&self, rng: &mut StudyRng) -> Recolour {
        let mut order = [Step::Brightness, Step::Contrast, Step::Saturation, Step::Hue];
        order.shuffle(rng);
        let mut around = |x: f64| (x > 0.0).then(|| rng.random_range((1.0 - x).max(0.0)..=1.0 + x) as f32);
        let [brightness, contrast, saturation] =
            [self.brightness, self.contrast, self.saturation].map(&mut around);
        let hue = (self.hue > 0.0).then(|| rng.random_range(-self.hue..=self.hue));
        Recolour { order, brightness, contrast, saturation, hue }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    Brightness,
    Contrast,
    Saturation,
    Hue,
}

/// What becomes of the colours of one image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Recolour {
    order: [Step; 4],
    brightness: Option<f32>,
    contrast: Option<f32>,
    saturation: Option<f32>,
    hue: Option<f64>,
}

impl Recolour {
    /// Changes an image `[c, h, w]` of 1 or 3 channels.
    pub(super) fn apply(&self, pixels: &mut [u8], channels: usize) {
        for step in self.order {
            match step {
                Step::Brightness => self.brightness.into_iter().for_each(|factor| brightness(pixels, factor)),
                Step::Contrast => {
                    self.contrast.into_iter().for_each(|factor| contrast(pixels, channels, factor));
                }
                Step::Saturation if channels == 3 => {
                    self.saturation.into_iter().for_each(|factor| saturation(pixels, factor));
                }
                Step::Hue if channels == 3 => self.hue.into_iter().for_each(|shift| hue(pixels, shift)),
                Step::Saturation | Step::Hue => {}
            }
        }
    }
}

/// A mixture of a colour and what it is without a property (Pillow, `Blend.c`): `grey + factor (value - grey)`, rounded down.
pub(super) fn blend(grey: u8, value: u8, factor: f32) -> u8 {
    let (grey, value) = (f32::from(grey), f32::from(value));
    (grey + factor * (value - grey)).clamp(0.0, 255.0) as u8
}

/// Luma of a colour (Pillow, `Convert.c`; ITU-R 601-2).
fn luma(red: u8, green: u8, blue: u8) -> u8 {
    let sum = u32::from(red) * 19595 + u32::from(green) * 38470 + u32::from(blue) * 7471 + 0x8000;
    (sum >> 16) as u8
}

fn brightness(pixels: &mut [u8], factor: f32) {
    map(pixels, |value| blend(0, value, factor));
}

/// Changes all values in one way, of which there are fewer than pixels.
fn map(pixels: &mut [u8], change: impl Fn(u8) -> u8) {
    let changed: [u8; 256] = std::array::from_fn(|value| change(value as u8));
    for value in pixels {
        *value = changed[usize::from(*value)];
    }
}

pub(super) fn contrast(pixels: &mut [u8], channels: usize, factor: f32) {
    let plane = pixels.len() / channels;
    let sum: u64 = match planes(pixels, plane) {
        Some([red, green, blue]) => (0..plane).map(|i| u64::from(luma(red[i], green[i], blue[i]))).sum(),
        None => pixels.iter().map(|&value| u64::from(value)).sum(),
    };
    let mean = (sum as f64 / plane as f64 + 0.5) as u8;
    map(pixels, |value| blend(mean, value, factor));
}

pub(super) fn saturation(pixels: &mut [u8], factor: f32) {
    let plane = pixels.len() / 3;
    let (red, others) = pixels.split_at_mut(plane);
    let (green, blue) = others.split_at_mut(plane);
    for ((red, green), blue) in red.iter_mut().zip(green).zip(blue) {
        let grey = luma(*red, *green, *blue);
        [*red, *green, *blue] = [*red, *green, *blue].map(|value| blend(grey, value, factor));
    }
}

/// Turns the hue by a share of its circle, on the scale of 256 steps that Pillow has.
fn hue(pixels: &mut [u8], shift: f64) {
    let (plane, shift) = (pixels.len() / 3, (shift * 255.0) as i64 as u8);
    let (red, others) = pixels.split_at_mut(plane);
    let (green, blue) = others.split_at_mut(plane);
    for ((red, green), blue) in red.iter_mut().zip(green).zip(blue) {
        let (h, s, v) = to_hsv(*red, *green, *blue);
        [*red, *green, *blue] = from_hsv(h.wrapping_add(shift), s, v);
    }
}

/// Hue, saturation and value (Pillow, `Convert.c`, `rgb2hsv_row`).
fn to_hsv(red: u8, green: u8, blue: u8) -> (u8, u8, u8) {
    let (most, least) = (red.max(green).max(blue), red.min(green).min(blue));
    if most == least {
        return (0, 0, most);
    }
    let range = f32::from(most - least);
    let [r, g, b] = [red, green, blue].map(|value| f32::from(most - value) / range);
    // In single precision where Pillow has it, which decides where a hue lies on the edge of a step.
    let h = match most {
        most if most == red => b - g,
        most if most == green => (2.0 + f64::from(r) - f64::from(b)) as f32,
        _ => (4.0 + f64::from(g) - f64::from(r)) as f32,
    };
    // Between 5/6 and 11/6, of which Pillow takes the remainder: by subtraction, which is as exact and quicker.
    let turned = f64::from(h) / 6.0 + 1.0;
    let h = (if turned >= 1.0 { turned - 1.0 } else { turned }) as f32;
    let s = range / f32::from(most);
    ((f64::from(h) * 255.0) as u8, (f64::from(s) * 255.0) as u8, most)
}

/// Red, green and blue (Pillow, `Convert.c`, `hsv2rgb`).
fn from_hsv(h: u8, s: u8, v: u8) -> [u8; 3] {
    if s == 0 {
        return [v; 3];
    }
    let sixth = f64::from(h) * 6.0 / 255.0;
    let whole = sixth as u8;
    let (share, part) = ((f64::from(s) / 255.0) as f32, (sixth - f64::from(whole)) as f32);
    // Rounded, halves up: none is below 0, and a call of the system's function for each takes most of the time.
    let value = |x: f64| {
        let product = f64::from(v) * x;
        let below = product as u8;
        below + u8::from(product - f64::from(below) >= 0.5)
    };
    let p = value(1.0 - f64::from(share));
    let q = value(1.0 - f64::from(share * part));
    let t = value(1.0 - f64::from(share) * (1.0 - f64::from(part)));
    match whole % 6 {
        0 => [v, t, p],
        1 => [q, v, p],
        2 => [p, v, t],
        3 => [p, q, v],
        4 => [t, p, v],
        _ => [v, p, q],
    }
}

/// The three channels of a coloured image.
fn planes(pixels: &[u8], plane: usize) -> Option<[&[u8]; 3]> {
    let mut channels = pixels.chunks_exact(plane);
    let three = [channels.next()?, channels.next()?, channels.next()?];
    channels.next().is_none().then_some(three)
}

#[cfg(test)]
mod tests {
    use bonas_study::rng::stream;

    use super::*;

    /// Three by two pixels of a coloured image.
    const IMAGE: [u8; 18] = [200, 12, 128, 255, 33, 0, 30, 250, 128, 0, 66, 0, 90, 7, 128, 64, 99, 0];

    fn changed(change: impl FnOnce(&mut [u8])) -> Vec<u8> {
        let mut image = IMAGE.to_vec();
        change(&mut image);
        image
    }

    /// Pillow 13.0: `ImageEnhance.{Brightness, Contrast, Color}(image).enhance(factor)`, and the hue of `convert("HSV")` with
    /// `int(255 * shift)` added, which is what `torchvision.transforms.functional` does to images of Pillow.
    #[test]
    fn properties_are_those_of_pillow() {
        assert_eq!(
            changed(|image| brightness(image, 0.7)),
            [140, 8, 89, 178, 23, 0, 21, 175, 89, 0, 46, 0, 63, 4, 89, 44, 69, 0]
        );
        assert_eq!(
            changed(|image| brightness(image, 1.3)),
            [255, 15, 166, 255, 42, 0, 39, 255, 166, 0, 85, 0, 116, 9, 166, 83, 128, 0]
        );
        assert_eq!(
            changed(|image| contrast(image, 3, 0.6)),
            [154, 41, 110, 187, 53, 33, 52, 184, 110, 33, 73, 33, 88, 38, 110, 72, 93, 33]
        );
        assert_eq!(
            changed(|image| contrast(image, 3, 1.4)),
            [246, 0, 145, 255, 12, 0, 8, 255, 145, 0, 58, 0, 92, 0, 145, 55, 104, 0]
        );
        assert_eq!(
            changed(|image| saturation(image, 0.6)),
            [155, 67, 128, 186, 43, 0, 53, 210, 128, 33, 63, 0, 89, 64, 128, 72, 83, 0]
        );
        assert_eq!(
            changed(|image| saturation(image, 1.4)),
            [244, 0, 128, 255, 22, 0, 6, 255, 128, 0, 68, 0, 90, 0, 128, 56, 114, 0]
        );
        assert_eq!(
            changed(|image| hue(image, 0.1)),
            [200, 8, 128, 255, 38, 0, 66, 250, 128, 78, 33, 0, 31, 145, 128, 0, 99, 0]
        );
        assert_eq!(
            changed(|image| hue(image, -0.2)),
            [106, 250, 128, 138, 33, 0, 31, 196, 128, 0, 99, 0, 200, 8, 128, 255, 52, 0]
        );
    }

    /// Sum, and sum by place, of 4,096 colours whose hue Pillow 13.0 has turned by `int(255 * 0.3)`.
    #[test]
    fn hues_of_all_colours_are_those_of_pillow() {
        let levels = || (0..16).map(|i| 17 * i as u8);
        let colours: Vec<[u8; 3]> =
            levels().flat_map(|r| levels().flat_map(move |g| levels().map(move |b| [r, g, b]))).collect();
        let mut image: Vec<u8> = (0..3).flat_map(|channel| colours.iter().map(move |c| c[channel])).collect();
        hue(&mut image, 0.3);
        let by_place: u64 = image.iter().zip(1..).map(|(&value, place)| place * u64::from(value)).sum();
        assert_eq!(
            (image.iter().map(|&value| u64::from(value)).sum::<u64>(), by_place),
            (1_567_299, 10_018_063_767)
        );
    }

    /// Contrast 1.4, hue .1, brightness .7, saturation .6, one after another, as Pillow has it.
    #[test]
    fn properties_are_changed_in_the_order_that_was_drawn() {
        let order = [Step::Contrast, Step::Hue, Step::Brightness, Step::Saturation];
        let recolour = Recolour {
            order,
            brightness: Some(0.7),
            contrast: Some(1.4),
            saturation: Some(0.6),
            hue: Some(0.1),
        };
        assert_eq!(
            changed(|image| recolour.apply(image, 3)),
            [133, 46, 101, 141, 14, 0, 55, 153, 101, 69, 11, 0, 34, 109, 101, 34, 50, 0]
        );
        let mut grey = [10, 20, 60];
        Recolour { contrast: Some(2.0), brightness: None, ..recolour }.apply(&mut grey, 1);
        assert_eq!(grey, [0, 10, 90], "the mean of a grey image is 30; it has neither saturation nor hue");
    }

    /// The formulas of Pillow as they stand, with the system's remainder and rounding.
    #[test]
    fn hues_are_those_of_the_formulas() {
        let from = |h: u8, s: u8, v: u8| {
            let sixth = f64::from(h) * 6.0 / 255.0;
            let (share, part) = ((f64::from(s) / 255.0) as f32, sixth.fract() as f32);
            let value = |x: f64| (f64::from(v) * x).round().clamp(0.0, 255.0) as u8;
            let p = value(1.0 - f64::from(share));
            let q = value(1.0 - f64::from(share * part));
            let t = value(1.0 - f64::from(share) * (1.0 - f64::from(part)));
            let colours = [[v, t, p], [q, v, p], [p, v, t], [p, q, v], [t, p, v], [v, p, q]];
            if s == 0 { [v; 3] } else { colours[sixth.floor() as usize % 6] }
        };
        for h in 0..=255 {
            for (s, v) in (0..=255).step_by(3).flat_map(|s| (0..=255).step_by(5).map(move |v| (s, v))) {
                assert_eq!(from_hsv(h, s, v), from(h, s, v), "{h} {s} {v}");
            }
        }
        for (red, green) in (0..=255).step_by(3).flat_map(|r| (0..=255).step_by(5).map(move |g| (r, g))) {
            for blue in 0..=255_u8 {
                let (most, least) = (red.max(green).max(blue), red.min(green).min(blue));
                if most == least {
                    continue;
                }
                let [r, g, b] =
                    [red, green, blue].map(|value| f32::from(most - value) / f32::from(most - least));
                let h = if most == red {
                    b - g
                } else if most == green {
                    (2.0 + f64::from(r) - f64::from(b)) as f32
                } else {
                    (4.0 + f64::from(g) - f64::from(r)) as f32
                };
                let h = ((f64::from(h) / 6.0 + 1.0) % 1.0) as f32;
                assert_eq!(to_hsv(red, green, blue).0, (f64::from(h) * 255.0) as u8, "{red} {green} {blue}");
            }
        }
    }

    #[test]
    fn factors_are_drawn_in_their_ranges_and_orders_all_occur() {
        let jitter = Jitter { brightness: 1.5, contrast: 0.4, saturation: 0.0, hue: 0.2 };
        let mut rng = stream(1, &[]);
        let drawn: Vec<Recolour> = (0..500).map(|_| jitter.draw(&mut rng)).collect();
        let range = |of: &dyn Fn(&Recolour) -> f64| {
            let values: Vec<f64> = drawn.iter().map(of).collect();
            (values.iter().copied().fold(f64::MAX, f64::min), values.iter().copied().fold(f64::MIN, f64::max))
        };
        let (low, high) = range(&|one| f64::from(one.brightness.unwrap()));
        assert!((0.0..0.05).contains(&low) && (2.4..=2.5).contains(&high), "{low} to {high}");
        let (low, high) = range(&|one| f64::from(one.contrast.unwrap()));
        assert!((0.59..0.62).contains(&low) && (1.38..1.401).contains(&high), "{low} to {high}");
        let (low, high) = range(&|one| one.hue.unwrap());
        assert!((-0.2..-0.19).contains(&low) && (0.19..=0.2).contains(&high), "{low} to {high}");
        assert!(drawn.iter().all(|one| one.saturation.is_none()));
        let mut orders: Vec<[Step; 4]> = Vec::new();
        for one in &drawn {
            if !orders.contains(&one.order) {
                orders.push(one.order);
            }
        }
        assert_eq!(orders.len(), 24);
        assert_eq!(Jitter { hue: 0.6, ..jitter }.fault().unwrap().0, "hue");
        assert_eq!(Jitter { contrast: f64::NAN, ..jitter }.fault().unwrap().0, "contrast");
    }
}
