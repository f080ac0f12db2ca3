use super::images;
use crate::data::{Augment, Dataset, ImageShape, Images, LoadOptions, Source, load};

#[test]
fn each_pixel_is_the_rounded_mean_of_its_square() {
    // Two channels of 4 rows and 2 columns: squares of 2x2, plane by plane.
    let pixels = vec![0, 1, 2, 4, 10, 10, 10, 11, 255, 255, 255, 255, 0, 0, 0, 2];
    let whole = Images::new(pixels, vec![0], ImageShape::new(2, 4, 2), vec!["a".into()]).unwrap();
    let small = whole.shrunk(2).unwrap();
    assert_eq!((small.shape(), &*small.pixels()), (ImageShape::new(2, 2, 1), &[2, 10, 255, 1][..]));
    assert_eq!(whole.shrunk(1).unwrap().pixels(), whole.pixels());
}

#[test]
fn a_dataset_shrinks_whole_with_its_padding() {
    let augment = Augment { crop_padding: 1, ..Augment::none() };
    let data = Dataset::new("squares", images(&[0, 1, 1], 2), images(&[0, 1], 2), augment).unwrap();
    // One pixel is left, and a padding of one is no longer below its side.
    let error = data.shrunk(2).unwrap_err().to_string();
    assert!(error.contains("shrink: 2 leaves 1x1x1 of images of 1x2x2"), "{error}");
    let data = Dataset::new("squares", images(&[0, 1, 1], 2), images(&[0, 1], 2), Augment::none()).unwrap();
    let small = data.shrunk(2).unwrap();
    assert_eq!((&*small.train.pixels(), &*small.test.pixels()), (&[0, 1, 2][..], &[0, 1][..]));
    assert_eq!(small.train.labels(), data.train.labels());
}

#[test]
fn only_divisors_of_the_sides_shrink() {
    let digits = load("digits", &LoadOptions { shrink: 2, ..LoadOptions::default() }).unwrap();
    assert_eq!(digits.test.shape(), ImageShape::new(1, 4, 4));
    assert_eq!(digits.augment.crop_padding, 1);
    let error = "digits"
        .parse::<Source>()
        .unwrap()
        .load(&LoadOptions { shrink: 8, ..LoadOptions::default() })
        .unwrap_err();
    assert!(error.to_string().contains("shrink: 8 leaves 1x1x1 of images of 1x8x8"), "{error}");
    for shrink in [0, 3, 16] {
        let error = "digits"
            .parse::<Source>()
            .unwrap()
            .load(&LoadOptions { shrink, ..LoadOptions::default() })
            .unwrap_err();
        let error = error.to_string();
        let expected = format!("shrink: {shrink} for images of 1x8x8; it must divide both sides: 1, 2, 4, 8");
        assert!(error.ends_with(&expected), "{error}");
    }
}
