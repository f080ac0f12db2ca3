use bonas_study::rng::stream;
use proptest::prelude::*;

use super::images;
use crate::data::{Augment, Dataset, Normalisation, Split, digits};

fn labels() -> impl Strategy<Value = Vec<u16>> {
    prop::collection::vec(0_u16..4, 20..120).prop_map(|mut labels| {
        labels.extend((0..4).chain(0..4));
        labels
    })
}

proptest! {
    #[test]
    fn a_split_is_disjoint_covers_and_keeps_the_shares(labels in labels(), fraction in 0.1..0.9, seed: u64) {
        let images = images(&labels, 4);
        let split = Split::stratified(&images, fraction, &mut stream(seed, &[])).unwrap();
        let mut all = [split.train.clone(), split.validation.clone()].concat();
        all.sort_unstable();
        prop_assert_eq!(all, (0..labels.len()).collect::<Vec<_>>());
        prop_assert!(split.train.is_sorted() && split.validation.is_sorted());
        let total = (labels.len() as f64 * fraction).round().clamp(4.0, labels.len() as f64 - 4.0);
        prop_assert_eq!(split.validation.len() as f64, total);
        let parts = images.select(&split.validation).unwrap().class_counts();
        let counts = images.class_counts();
        prop_assert!(parts.iter().zip(&counts).all(|(part, whole)| *part >= 1 && part < whole));
        let shares: Vec<f64> = counts.iter().map(|&whole| whole as f64 * total / labels.len() as f64).collect();
        let free = shares.iter().zip(&counts).all(|(&share, &whole)| share >= 1.0 && share <= whole as f64 - 1.0);
        for (&part, share) in parts.iter().zip(shares) {
            prop_assert!(!free || (part as f64 - share).abs() < 1.0, "{part} for {share}");
        }
        prop_assert_eq!(&split, &Split::stratified(&images, fraction, &mut stream(seed, &[])).unwrap());
    }
}

#[test]
fn another_seed_is_another_split() {
    let train = digits().unwrap().train;
    let split = |seed| Split::stratified(&train, 0.5, &mut stream(seed, &[])).unwrap();
    assert_ne!(split(0), split(1));
}

#[test]
fn a_split_that_cannot_be_is_refused() {
    let rng = &mut stream(0, &[]);
    for fraction in [0.0, 1.0, -0.1, f64::NAN] {
        assert!(Split::stratified(&images(&[0, 0, 1, 1], 2), fraction, rng).is_err());
    }
    let error = Split::stratified(&images(&[0, 0, 1], 2), 0.5, rng).unwrap_err().to_string();
    assert!(error.contains("class 1 has only one image"), "{error}");
}

#[test]
fn a_subset_keeps_the_classes() {
    let train = digits().unwrap().train;
    let subset = train.subset(100, &mut stream(3, &[])).unwrap();
    assert_eq!((subset.len(), subset.is_sorted()), (100, true));
    assert_eq!(subset, train.subset(100, &mut stream(3, &[])).unwrap());
    assert!(train.select(&subset).unwrap().class_counts().iter().all(|count| (9..=11).contains(count)));
    assert_eq!(train.subset(train.len(), &mut stream(3, &[])).unwrap().len(), train.len());
    assert!(train.subset(9, &mut stream(3, &[])).is_err());
    assert!(train.subset(train.len() + 1, &mut stream(3, &[])).is_err());
}

#[test]
fn moments_by_hand() {
    // Pixels 0 and 1, in equal number: mean 1/2, deviation 1/2, of 255.
    let two = Normalisation::of(&images(&[0, 1], 2));
    let half = 0.5 / 255.0;
    assert!((two.mean[0] - half).abs() < 1e-9 && (two.sd[0] - half).abs() < 1e-9);
    // One value only: deviation 1.
    let one = Normalisation::of_part(&images(&[0, 1], 2), &[1]).unwrap();
    assert_eq!((one.mean, one.sd), (vec![1.0 / 255.0], vec![1.0]));
    assert!(Normalisation::of_part(&images(&[0, 1], 2), &[2]).is_err());
}

#[test]
fn a_dataset_of_unlike_parts_is_refused() {
    let new = |train, test| Dataset::new("own", train, test, Augment::none()).map(|data| data.name);
    assert_eq!(new(images(&[0, 1], 2), images(&[1, 0], 2)).unwrap(), "own");
    assert!(new(images(&[0, 1], 2), images(&[1, 0], 3)).is_err());
    let error = new(images(&[0, 1], 2), images(&[1, 1], 2)).unwrap_err().to_string();
    assert!(error.contains("test part has no image of class 0"), "{error}");
}

#[test]
fn a_dataset_of_one_class_is_refused() {
    let one = Dataset::new("own", images(&[0, 0], 1), images(&[0], 1), Augment::none());
    assert!(one.unwrap_err().to_string().contains("it has one class"));
}

#[test]
fn a_split_of_a_dataset_has_every_class_and_no_image_twice() {
    let data = || Dataset::new("own", images(&[0, 1, 0, 1], 2), images(&[1, 0], 2), Augment::none()).unwrap();
    let with = |train: &[usize], validation: &[usize]| {
        data().with_split(Split { train: train.to_vec(), validation: validation.to_vec() })
    };
    let own = with(&[0, 3], &[1, 2]).unwrap();
    assert_eq!((own.counts(), data().counts()), ((2, Some(2), 2), (4, None, 2)));
    assert_eq!(own.shrunk(2).unwrap().split, own.split);
    for (train, validation, expected) in [
        (&[0, 1][..], &[2, 4][..], "image 4 of 4"),
        (&[0, 1], &[1, 2], "image 1 is there twice"),
        (&[0, 1, 2], &[3], "the validation part has no image of class 0 (0)"),
        (&[1, 3], &[0, 2], "the training part has no image of class 0 (0)"),
    ] {
        assert!(with(train, validation).unwrap_err().contains(expected), "{expected}");
    }
}

/// Of six images to train and three to validate, in proportion: with 6 images 4 and 2.
#[test]
fn a_limit_draws_from_both_parts_of_a_split() {
    let all = images(&[0, 1, 0, 1, 0, 1, 0, 1, 1], 2);
    let own = Split { train: (0..6).collect(), validation: (6..9).collect() };
    let (drawn, split) = own.limited(&all, 6, &mut stream(0, &[])).unwrap();
    assert_eq!((split.train, split.validation), (vec![0, 1, 2, 3], vec![4, 5]));
    let of = |i: usize| drawn.image(i)[0];
    assert!((0..4).all(|i| of(i) < 6) && (4..6).all(|i| of(i) >= 6), "each from its part");
    assert_eq!(drawn.class_counts(), [3, 3]);
    assert_eq!(own.limited(&all, 9, &mut stream(0, &[])).unwrap().0.pixels(), all.pixels());
    assert_eq!(own.limited(&all, 4, &mut stream(0, &[])).unwrap().0.class_counts(), [2, 2]);
    for n in [3, 10] {
        let error = own.limited(&all, n, &mut stream(0, &[])).unwrap_err().to_string();
        assert!(error.contains("valid: 4 (one a class to train and one to validate) to 9"), "{error}");
    }
}
