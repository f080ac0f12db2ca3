use std::time::Instant;

use bonas_study::rng::stream;

use super::images;
use crate::data::augment::{Change, Hole};
use crate::data::rand_augment::Operation;
use crate::data::{
    Augment, Batch, BatchOptions, Batches, ImageShape, Images, Jitter, Loader, Normalisation, RandAugment,
    RandomCrop, digits,
};

const IDENTITY: [(f32, f32); 1] = [(1.0, 0.0)];
/// 1 2 3 / 4 5 6
const TINY: [u8; 6] = [1, 2, 3, 4, 5, 6];

fn apply(change: &Change, affine: (f32, f32)) -> [f32; 6] {
    let mut out = [f32::NAN; 6];
    change.apply(&TINY, ImageShape::new(1, 2, 3), ImageShape::new(1, 2, 3), &[affine], &mut out);
    out
}

#[test]
fn changes_by_hand() {
    let change = Change::default();
    let golden = |change: Change, wanted: [u8; 6]| {
        assert_eq!(apply(&change, IDENTITY[0]), wanted.map(f32::from), "{change:?}");
    };
    golden(change.clone(), TINY);
    golden(Change { mirror: true, ..change.clone() }, [3, 2, 1, 6, 5, 4]);
    golden(Change { down: 1, ..change.clone() }, [4, 5, 6, 0, 0, 0]);
    golden(Change { down: -1, ..change.clone() }, [0, 0, 0, 1, 2, 3]);
    golden(Change { right: 1, ..change.clone() }, [2, 3, 0, 5, 6, 0]);
    golden(Change { right: -2, ..change.clone() }, [0, 0, 1, 0, 0, 4]);
    golden(Change { right: -2, mirror: true, ..change.clone() }, [1, 0, 0, 4, 0, 0]);
    golden(Change { down: -1, right: 1, mirror: true, ..Change::default() }, [0, 0, 0, 0, 3, 2]);
    golden(Change { right: 3, ..change.clone() }, [0; 6]);
    golden(Change { right: -9, ..change.clone() }, [0; 6]);
    golden(
        Change { hole: Some(Hole { rows: (1, 2), columns: (0, 2) }), ..change.clone() },
        [1, 2, 3, 0, 0, 6],
    );
}

#[test]
fn padding_is_black_before_normalisation_and_a_hole_is_zero_after_it() {
    let hole = Some(Hole { rows: (0, 1), columns: (0, 1) });
    let change = Change { right: 1, hole, ..Change::default() };
    // v * 2 - 1: black is -1, the hole 0.
    assert_eq!(apply(&change, (2.0, -1.0)), [0.0, 5.0, -1.0, 9.0, 11.0, -1.0]);
}

#[test]
fn draws_stay_in_range_and_reach_every_offset() {
    let (shape, rng) = (ImageShape::new(3, 32, 32), &mut stream(1, &[]));
    let augment = Augment::cifar().with_cutout(16);
    let draws: Vec<Change> = (0..4000).map(|_| augment.draw(shape, shape, rng)).collect();
    for offset in -4..=4 {
        let share = draws.iter().filter(|change| change.down == offset).count() as f64 / 4000.0;
        assert!((share - 1.0 / 9.0).abs() < 0.02, "{offset}: {share}");
        assert!(draws.iter().any(|change| change.right == offset));
    }
    assert!(draws.iter().all(|change| change.down.abs() <= 4 && change.right.abs() <= 4));
    let mirrored = draws.iter().filter(|change| change.mirror).count();
    assert!((1850..2150).contains(&mirrored), "{mirrored}");
}

#[test]
fn cutout_has_the_published_area() {
    let (shape, rng) = (ImageShape::new(3, 32, 32), &mut stream(2, &[]));
    let augment = Augment::none().with_cutout(16);
    let areas: Vec<usize> = (0..20_000)
        .filter_map(|_| augment.draw(shape, shape, rng).hole)
        .map(|hole| (hole.rows.1 - hole.rows.0) * (hole.columns.1 - hole.columns.0))
        .collect();
    // Rows: a centre y covers y-8..y+8 within 0..32: 8 at the edge, 16 inside; the mean over the
    // 32 centres is 14.  Columns alike and independent.
    let mean = areas.iter().sum::<usize>() as f64 / areas.len() as f64;
    assert_eq!((areas.len(), areas.iter().min(), areas.iter().max()), (20_000, Some(&64), Some(&256)));
    assert!((mean - 196.0).abs() < 1.5, "{mean}");
}

#[test]
fn an_augmentation_that_does_not_fit_is_refused() {
    let shape = ImageShape::new(1, 8, 8);
    for (augment, name) in [
        (Augment { crop_padding: 8, ..Augment::none() }, "crop_padding"),
        (Augment::none().with_cutout(9), "cutout"),
        (Augment::none().with_cutout(1), "cutout"),
    ] {
        let error = augment.check(shape).unwrap_err().to_string();
        assert!(error.contains(name) && error.contains("1x8x8"), "{error}");
    }
    assert!(Augment::digits().with_cutout(8).check(shape).is_ok());
}

/// The crop comes before the operations, as it does in torchvision: what it pads is inverted, too.
#[test]
fn operations_are_done_on_the_padded_image() {
    let inverted = Change { right: 1, operations: vec![Operation::Solarise(0.0)], ..Change::default() };
    assert_eq!(apply(&inverted, (1.0, 0.0)), [253.0, 252.0, 255.0, 250.0, 249.0, 255.0]);
}

/// Crops of random size and jitter are of the shuffled batches alone, the same for the same generator, and change no draw of an
/// augmentation without them.
#[test]
fn photographs_are_varied_by_the_same_stream() {
    let data = digits().unwrap();
    let jitter = Jitter { brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.2 };
    let crop = RandomCrop { scale: 0.08, ratio: 4.0 / 3.0 };
    let rand_augment = Some(RandAugment { operations: 2, magnitude: 9 });
    let augment =
        Augment { crop: Some(crop), rand_augment, jitter: Some(jitter), flip: true, ..Augment::none() };
    let loader = Loader::new(data.train.clone(), &data.normalisation, augment).unwrap();
    let indices: Vec<usize> = (0..64).collect();
    let epoch = |seed| {
        let mut batches = loader.shuffled(&indices, BatchOptions::new(64), &mut stream(seed, &[])).unwrap();
        batches.next_batch().unwrap().clone()
    };
    assert_eq!(epoch(1), epoch(1));
    assert_ne!(epoch(1).pixels, epoch(2).pixels);
    let plain = Loader::new(data.train.clone(), &data.normalisation, Augment::none()).unwrap();
    let ordered = |loader: &Loader| {
        let mut batches = loader.ordered(&indices, BatchOptions::new(64)).unwrap();
        batches.next_batch().unwrap().clone()
    };
    assert_eq!(ordered(&loader), ordered(&plain));
    for (augment, name) in [
        (Augment { crop: Some(RandomCrop { scale: 2.0, ..crop }), ..augment }, "crop_scale"),
        (Augment { jitter: Some(Jitter { hue: -0.1, ..jitter }), ..augment }, "hue"),
    ] {
        assert!(augment.check(ImageShape::new(1, 8, 8)).unwrap_err().to_string().contains(name));
    }
}

#[test]
fn normalised_training_images_have_mean_0_and_deviation_1() {
    let data = digits().unwrap();
    let loader = Loader::new(data.train.clone(), &data.normalisation, Augment::none()).unwrap();
    let indices: Vec<usize> = (0..data.train.len()).collect();
    let mut batches = loader.ordered(&indices, BatchOptions::new(indices.len())).unwrap();
    let batch = batches.next_batch().unwrap();
    let count = batch.pixels.len() as f64;
    let mean = batch.pixels.iter().map(|&v| f64::from(v)).sum::<f64>() / count;
    let variance = batch.pixels.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / count;
    assert!(mean.abs() < 1e-6 && (variance - 1.0).abs() < 1e-6, "{mean} {variance}");
}

#[test]
fn the_same_generator_gives_the_same_batches() {
    let data = digits().unwrap();
    let loader =
        Loader::new(data.train.clone(), &data.normalisation, Augment::digits().with_cutout(4)).unwrap();
    let indices: Vec<usize> = (0..200).collect();
    let epoch = |seed| {
        let mut batches = loader.shuffled(&indices, BatchOptions::new(64), &mut stream(seed, &[])).unwrap();
        std::iter::from_fn(|| batches.next_batch().cloned()).collect::<Vec<_>>()
    };
    assert_eq!(epoch(5), epoch(5));
    assert_ne!(epoch(5), epoch(6));
    // An epoch advances the caller's generator, so that the next one differs.
    let mut rng = stream(5, &[]);
    let mut first =
        || loader.shuffled(&indices, BatchOptions::new(64), &mut rng).unwrap().next_batch().cloned();
    assert_ne!(first(), first());
}

/// Batches with every kind of change, of 40 images at a time: here, ahead, reversed, and with any number of threads.
#[test]
fn batches_do_not_depend_on_who_makes_them() {
    let shape = ImageShape::new(3, 40, 40);
    let pixels = (0..100 * shape.pixels()).map(|i| (i * i / 7) as u8).collect();
    let set = Images::new(pixels, vec![0; 100], shape, vec!["a".to_owned()]).unwrap();
    let augment = Augment {
        crop: Some(RandomCrop { scale: 0.08, ratio: 4.0 / 3.0 }),
        rand_augment: Some(RandAugment { operations: 2, magnitude: 9 }),
        jitter: Some(Jitter { brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.2 }),
        ..Augment::cifar().with_cutout(8)
    };
    let whole = Loader::new(set, &Normalisation::cifar10(), augment).unwrap();
    let indices: Vec<usize> = (0..100).rev().collect();
    let all = |threads, drop_last, changed: fn(Batches) -> Batches| {
        let options = BatchOptions { size: 40, drop_last };
        let loader = whole.clone().with_threads(threads);
        let mut batches = changed(loader.shuffled(&indices, options, &mut stream(3, &[])).unwrap());
        let count = batches.remaining();
        let made: Vec<Batch> = std::iter::from_fn(|| batches.next_batch().cloned()).collect();
        assert_eq!((made.len(), batches.remaining()), (count, 0));
        assert!(batches.next_batch().is_none());
        made
    };
    for drop_last in [false, true] {
        let expected = all(1, drop_last, |batches| batches);
        assert_eq!(expected.len(), if drop_last { 2 } else { 3 });
        for threads in [1, 2, 7] {
            assert!(all(threads, drop_last, |batches| batches) == expected, "{threads} threads");
            assert!(all(threads, drop_last, Batches::ahead) == expected, "{threads} threads ahead");
        }
        let mut backwards = all(2, drop_last, |batches| batches.reversed().ahead());
        backwards.reverse();
        assert!(backwards == expected, "reversed");
    }
}

#[test]
fn who_stops_in_an_epoch_leaves_no_thread_behind() {
    let data = digits().unwrap();
    let loader = Loader::new(data.train.clone(), &data.normalisation, Augment::digits()).unwrap();
    let indices: Vec<usize> = (0..1198).collect();
    let mut batches = loader.shuffled(&indices, BatchOptions::new(8), &mut stream(0, &[])).unwrap().ahead();
    assert!(batches.next_batch().is_some());
    drop(batches);
    // One batch alone is made when it is asked for; what is not asked for is not made.
    let mut one = loader.ordered(&indices, BatchOptions::new(2000)).unwrap().ahead();
    assert_eq!((one.remaining(), one.next_batch().unwrap().n, one.remaining()), (1, 1198, 0));
    drop(loader.ordered(&indices, BatchOptions::new(64)).unwrap().ahead());
}

#[test]
fn batches_cover_the_indices_once() {
    let set = images(&[0, 1, 0, 1, 0], 2);
    let loader = Loader::new(set, &Normalisation::identity(1), Augment::none()).unwrap();
    let mut batches = loader.shuffled(&[4, 1, 2, 3], BatchOptions::new(3), &mut stream(0, &[])).unwrap();
    let mut seen = Vec::new();
    let mut sizes = Vec::new();
    while let Some(batch) = batches.next_batch() {
        sizes.push((batch.n, batch.pixels.len()));
        seen.extend(
            batch.pixels.iter().step_by(4).map(|v| (v * 255.0).round() as i64).zip(batch.labels.clone()),
        );
    }
    seen.sort_unstable();
    assert_eq!((sizes, seen), (vec![(3, 12), (1, 4)], vec![(1, 1), (2, 0), (3, 1), (4, 0)]));
}

#[test]
fn drop_last_and_bad_options() {
    let loader = Loader::new(images(&[0; 5], 1), &Normalisation::identity(1), Augment::none()).unwrap();
    let mut batches = loader.ordered(&[0, 1, 2, 3, 4], BatchOptions::new(2).drop_last()).unwrap();
    assert_eq!(batches.remaining(), 2);
    assert!(
        batches.next_batch().is_some() && batches.next_batch().is_some() && batches.next_batch().is_none()
    );
    assert_eq!(loader.ordered(&[0, 1, 2], BatchOptions::new(2)).unwrap().remaining(), 2);
    let refused = |indices: &[usize], options| loader.ordered(indices, options).unwrap_err().to_string();
    assert!(refused(&[0], BatchOptions::new(2).drop_last()).contains("more than the 1 images"));
    assert!(refused(&[0], BatchOptions::new(0)).contains("batch size"));
    assert!(refused(&[5], BatchOptions::new(1)).contains('5'));
    assert!(Loader::new(images(&[0], 1), &Normalisation::cifar10(), Augment::none()).is_err());
    let flat = Normalisation { mean: vec![0.0], sd: vec![0.0] };
    assert!(Loader::new(images(&[0], 1), &flat, Augment::none()).is_err());
}

/// `cargo test --release --lib -- --ignored --nocapture a_cifar_batch` prints the milliseconds.
#[test]
#[ignore = "a measurement, for release builds on a quiet machine"]
fn a_cifar_batch_of_96_takes_less_than_half_a_millisecond() {
    let shape = ImageShape::new(3, 32, 32);
    let set =
        Images::new(vec![7; 9600 * shape.pixels()], vec![0; 9600], shape, vec!["a".to_owned()]).unwrap();
    let indices: Vec<usize> = (0..9600).collect();
    for augment in [Augment::none(), Augment::cifar(), Augment::cifar().with_cutout(16)] {
        let loader = Loader::new(set.clone(), &Normalisation::cifar10(), augment).unwrap();
        let (mut best, mut total) = (f64::INFINITY, 0.0);
        let mut batches = loader.shuffled(&indices, BatchOptions::new(96), &mut stream(0, &[])).unwrap();
        for _ in 0..100 {
            let start = Instant::now();
            batches.next_batch();
            let ms = start.elapsed().as_secs_f64() * 1e3;
            (best, total) = (best.min(ms), total + ms);
        }
        eprintln!("{augment:?}: best {best:.3} ms, mean {:.3} ms", total / 100.0);
        assert!(best < 0.5, "{augment:?}: {best:.3} ms");
    }
}
