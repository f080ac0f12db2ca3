//! Crops and scaled images against torchvision on images of Pillow: `tests/crops/make.py`.

use std::io::Cursor;

use bonas_study::rng::stream;
use image::{ImageFormat, RgbImage};
use serde::Deserialize;

use crate::data::picture::Picture;
use crate::data::resample::Rectangle;
use crate::data::{
    Augment, BatchOptions, ImageShape, Images, LoadOptions, Loader, Normalisation, RandomCrop,
};

#[derive(Deserialize)]
struct Expected {
    crops: Vec<Crop>,
    scaled: Vec<Scaled>,
}

#[derive(Deserialize)]
struct Crop {
    image: (usize, usize),
    part: [usize; 4],
    side: usize,
    pixels: Vec<u8>,
}

#[derive(Deserialize)]
struct Scaled {
    image: (usize, usize),
    resize: usize,
    crop: usize,
    pixels: Vec<u8>,
}

fn expected() -> Expected {
    serde_json::from_str(include_str!("../../../tests/crops/expected.json")).unwrap()
}

fn value(x: usize, y: usize, c: usize) -> u8 {
    (37 * x + 53 * y + 101 * c + 7 * x * y) as u8
}

/// Planes of the picture of `make.py`.
fn planes(width: usize, height: usize) -> Vec<u8> {
    let places = (0..3).flat_map(|c| (0..height).flat_map(move |y| (0..width).map(move |x| (x, y, c))));
    places.map(|(x, y, c)| value(x, y, c)).collect()
}

/// The same as a PNG file.
fn png(width: usize, height: usize) -> Vec<u8> {
    let pixel = |x: u32, y: u32| image::Rgb([0, 1, 2].map(|c| value(x as usize, y as usize, c)));
    let mut file = Cursor::new(Vec::new());
    RgbImage::from_fn(width as u32, height as u32, pixel).write_to(&mut file, ImageFormat::Png).unwrap();
    file.into_inner()
}

#[test]
fn crops_are_scaled_as_torchvision_does() {
    for Crop { image: (width, height), part: [top, left, tall, wide], side, pixels } in expected().crops {
        let part = Rectangle { top, left, height: tall, width: wide };
        let mut found = Vec::new();
        part.scaled(&planes(width, height), (height, width), (side, side), &mut found);
        assert!(found == pixels, "{part:?} of {width} x {height} to {side}");
    }
}

/// What is stored is scaled, and its middle is what torchvision's `CenterCrop` leaves.
#[test]
fn files_are_scaled_and_cut_as_torchvision_does() {
    for Scaled { image: (width, height), resize, crop, pixels } in expected().scaled {
        let options = LoadOptions { image_size: crop, resize: Some(resize), ..LoadOptions::default() };
        let rgb = Picture::decode(&png(width, height), &options).unwrap().rgb.into_raw();
        let stored = (0..3).flat_map(|c| rgb.iter().skip(c).step_by(3).copied()).collect();
        let shape = ImageShape::new(3, resize, resize);
        let images = Images::new(stored, vec![0], shape, vec!["a".to_owned()]).unwrap();
        let images = images.with_middle(crop).unwrap();
        assert_eq!((images.shape(), images.stored_shape()), (ImageShape::new(3, crop, crop), shape));
        assert!(*images.image(0) == pixels, "{width} x {height} to {resize}, {crop}");
        assert!(*images.pixels() == pixels && *images.select(&[0]).unwrap().pixels() == pixels);
    }
}

/// One image of 6 x 6 pixels that are 0 to 35, of which the middle 2 x 2 are seen.
fn ramp() -> Images {
    let pixels = (0..36).collect();
    let images = Images::new(pixels, vec![0], ImageShape::new(1, 6, 6), vec!["a".to_owned()]).unwrap();
    images.with_middle(2).unwrap()
}

fn batch(augment: Augment, seed: Option<u64>) -> Vec<i64> {
    let loader = Loader::new(ramp(), &Normalisation::identity(1), augment).unwrap();
    let options = BatchOptions::new(1);
    let mut batches = match seed {
        Some(seed) => loader.shuffled(&[0], options, &mut stream(seed, &[])).unwrap(),
        None => loader.ordered(&[0], options).unwrap(),
    };
    let pixels = &batches.next_batch().unwrap().pixels;
    pixels.iter().map(|value| (value * 255.0).round() as i64).collect()
}

/// Scoring sees the middle; training moves over what is stored before it pads, and draws crops from all of it.
#[test]
fn training_sees_what_is_around_the_middle() {
    assert_eq!(batch(Augment::none(), None), [14, 15, 20, 21]);
    assert_eq!(batch(Augment::none(), Some(0)), [14, 15, 20, 21]);
    let moved = Augment { crop_padding: 1, ..Augment::none() };
    let mut seen: Vec<Vec<i64>> = (0..100).map(|seed| batch(moved, Some(seed))).collect();
    seen.sort();
    seen.dedup();
    let by_hand: Vec<Vec<i64>> =
        [7, 8, 9, 13, 14, 15, 19, 20, 21].map(|first| vec![first, first + 1, first + 6, first + 7]).into();
    assert_eq!(seen, by_hand);
    // All of what is stored, each pixel the mean of nine.
    let crop = Some(RandomCrop { scale: 1.0, ratio: 1.0 });
    let whole = batch(Augment { crop, ..Augment::none() }, Some(0));
    let mut by_hand = Vec::new();
    Rectangle { top: 0, left: 0, height: 6, width: 6 }.scaled(
        &(0..36).collect::<Vec<u8>>(),
        (6, 6),
        (2, 2),
        &mut by_hand,
    );
    assert_eq!(whole, by_hand.iter().map(|&v| i64::from(v)).collect::<Vec<_>>());
    assert!(whole[0] < 14 && whole[3] > 21);
}

#[test]
fn a_middle_that_is_none_is_refused() {
    let error = |side| ramp().with_middle(side).unwrap_err().to_string();
    assert!(error(7).contains("image_size: 7 for images of 1x6x6; valid: 1 to 6"), "{}", error(7));
    assert!(error(0).contains("valid: 1 to 6"));
    let options = LoadOptions { image_size: 32, resize: Some(31), ..LoadOptions::default() };
    assert!(options.check().unwrap_err().to_string().contains("resize: 31; valid: image_size to 2048"));
    for (resize, shrink, fits) in
        [(34, 1, true), (34, 2, false), (36, 2, true), (44, 4, false), (48, 4, true)]
    {
        let options = LoadOptions { resize: Some(resize), shrink, ..LoadOptions::default() };
        let error = options.check().map_or_else(|error| error.to_string(), |()| String::new());
        assert!(error.contains("image_size and a multiple of twice shrink") != fits, "{resize} {shrink}");
    }
    let small = ramp().shrunk(2).unwrap();
    assert_eq!((small.shape(), small.stored_shape()), (ImageShape::new(1, 1, 1), ImageShape::new(1, 3, 3)));
    assert!(ramp().shrunk(4).unwrap_err().to_string().contains("1x6x6"));
}
