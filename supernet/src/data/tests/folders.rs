use std::fs;
use std::path::Path;

use image::{GrayImage, Luma, Rgb, RgbImage};

use super::{read, refused, write};
use crate::data::{FaultKind, ImageShape, LoadOptions, OnBad, Source, Split, load};

fn colour(path: &Path, side: u32, value: [u8; 3]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    RgbImage::from_pixel(side, side, Rgb(value)).save(path).unwrap();
}

fn grey(path: &Path, width: u32, value: u8) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    GrayImage::from_pixel(width, 8, Luma([value])).save(path).unwrap();
}

/// Two classes, two training images and one test image each.
fn two_parts(root: &Path) {
    for (class, red) in [("apple", 200), ("pear", 50)] {
        colour(&root.join(format!("train/{class}/b.bmp")), 40, [red, 1, 2]);
        colour(&root.join(format!("train/{class}/a.png")), 32, [red, 3, 4]);
        colour(&root.join(format!("test/{class}/x.JPG")), 16, [red, 5, 6]);
    }
    write(&root.join("train/apple/.DS_Store"), b"x");
    write(&root.join("train/apple/notes.txt"), b"x");
}

#[test]
fn a_folder_in_two_parts() {
    let dir = tempfile::tempdir().unwrap();
    two_parts(dir.path());
    for source in ["folder:", ""] {
        let data = read(source, dir.path()).unwrap();
        assert_eq!(data.train.class_names(), ["apple", "pear"]);
        assert_eq!((data.train.labels(), data.test.labels()), (&[0, 0, 1, 1][..], &[0, 1][..]));
        assert_eq!(data.train.shape(), ImageShape::new(3, 32, 32));
        // Sorted: a.png, then b.bmp scaled down from 40 pixels; planes, not interleaved.
        let (a, b) = (data.train.image(0), data.train.image(1));
        assert_eq!((a[0], a[1024], a[2048]), (200, 3, 4));
        assert_eq!((b[0], b[1023], b[1024], b[2048]), (200, 200, 1, 2));
    }
}

#[test]
fn a_folder_in_one_part_is_split() {
    let dir = tempfile::tempdir().unwrap();
    for (class, value) in [("dark", 10), ("light", 240)] {
        (0..10).for_each(|i| grey(&dir.path().join(format!("{class}/{i}.png")), 12, value + i));
    }
    let source = format!("folder:{}", dir.path().display());
    let options = LoadOptions { image_size: 8, test_fraction: 0.3, ..LoadOptions::default() };
    let data = load(&source, &options).unwrap();
    assert_eq!((data.train.class_counts(), data.test.class_counts()), (vec![7, 7], vec![3, 3]));
    // Every file is grey: one channel.  12 columns lose two at each side.
    assert_eq!(data.train.shape(), ImageShape::new(1, 8, 8));
    assert_eq!(data.train.pixels(), load(&source, &options).unwrap().train.pixels());
    let other = load(&source, &LoadOptions { split_seed: 1, ..options }).unwrap();
    assert_ne!(data.test.pixels(), other.test.pixels());
    for bad in [LoadOptions { image_size: 0, ..options }, LoadOptions { test_fraction: 1.0, ..options }] {
        assert!(load(&source, &bad).unwrap_err().to_string().contains("valid:"));
    }
}

#[test]
fn an_unreadable_image_is_named() {
    let dir = tempfile::tempdir().unwrap();
    two_parts(dir.path());
    let file = dir.path().join("train/pear/a.png");
    let whole = fs::read(&file).unwrap();
    for bytes in [&whole[..whole.len() / 2], b"", b"not an image at all"] {
        write(&file, bytes);
        refused("folder:", dir.path(), "train/pear/a.png", &["cannot be decoded", "replace or remove it"]);
    }
}

#[test]
fn empty_and_unlike_classes_are_named() {
    let dir = tempfile::tempdir().unwrap();
    two_parts(dir.path());
    fs::create_dir(dir.path().join("train/fig")).unwrap();
    refused("folder:", dir.path(), "train/fig", &["holds no .png", "remove the folder"]);
    colour(&dir.path().join("train/fig/a.png"), 8, [0; 3]);
    refused("folder:", dir.path(), "test/fig", &["does not exist, though train has this class"]);
    fs::remove_dir_all(dir.path().join("train/fig")).unwrap();
    colour(&dir.path().join("test/kiwi/a.png"), 8, [0; 3]);
    refused("folder:", dir.path(), "train/kiwi", &["does not exist, though test has this class"]);
    fs::remove_dir_all(dir.path().join("test")).unwrap();
    refused("folder:", dir.path(), "test", &["does not exist", "root/test/<class>"]);
}

#[test]
fn folders_without_enough_are_named() {
    let dir = tempfile::tempdir().unwrap();
    refused("folder:", dir.path(), "", &["0 class folders", "root/train/<class>"]);
    colour(&dir.path().join("a/1.png"), 8, [0; 3]);
    refused("folder:", dir.path(), "", &["holds 1 class folder, not two"]);
    colour(&dir.path().join("b/1.png"), 8, [0; 3]);
    colour(&dir.path().join("b/2.png"), 8, [0; 3]);
    refused("folder:", dir.path(), "a", &["only one image", "add images"]);
}

#[cfg(unix)]
/// A folder with one fault of each kind but those of classes that are not split.
fn faulty(root: &Path) {
    two_parts(root);
    let at = |name: &str| root.join(name);
    write(&at("train/apple/empty.png"), b"");
    write(&at("train/apple/page.jpg"), b"<!DOCTYPE html>\n<html>404</html>");
    let whole = fs::read(at("train/pear/a.png")).unwrap();
    write(&at("train/pear/cut.png"), &whole[..whole.len() / 2]);
    write(&at("train/pear/text.bmp"), b"text");
    std::os::unix::fs::symlink("nowhere.png", at("train/pear/link.png")).unwrap();
    fs::copy(at("train/apple/b.bmp"), at("test/apple/again.bmp")).unwrap();
    fs::copy(at("train/pear/a.png"), at("train/pear/named.jpg")).unwrap();
    write(&at("test/pear/photo.webp"), b"RIFF");
    fs::create_dir(at("extra")).unwrap();
}

fn found(root: &Path) -> Vec<(FaultKind, String)> {
    let source = format!("folder:{}", root.display()).parse::<Source>().unwrap();
    let report = source.check(&LoadOptions::default()).unwrap();
    let shown = |path: &Path| path.strip_prefix(root).unwrap().display().to_string();
    report.faults.iter().map(|fault| (fault.kind, shown(&fault.path))).collect()
}

#[test]
#[cfg(unix)]
fn a_check_lists_all_that_is_wrong() {
    use FaultKind::{Duplicate, OtherFolder, OtherType, Unreadable, WrongExtension};
    let dir = tempfile::tempdir().unwrap();
    two_parts(dir.path());
    assert_eq!(found(dir.path()), [(OtherType, "train/apple/notes.txt".to_owned())]);
    faulty(dir.path());
    let expected = [
        (Unreadable, "train/apple/empty.png"),
        (Unreadable, "train/apple/page.jpg"),
        (Unreadable, "train/pear/cut.png"),
        (Unreadable, "train/pear/link.png"),
        (Unreadable, "train/pear/text.bmp"),
        (Duplicate, "test/apple/again.bmp"),
        (OtherType, "test/pear/photo.webp"),
        (OtherType, "train/apple/notes.txt"),
        (OtherFolder, "extra"),
        (WrongExtension, "train/pear/named.jpg"),
    ];
    assert_eq!(found(dir.path()), expected.map(|(kind, path)| (kind, path.to_owned())));
}

#[test]
#[cfg(unix)]
fn what_cannot_be_read_is_listed_at_once_or_left_out() {
    let dir = tempfile::tempdir().unwrap();
    faulty(dir.path());
    let source = format!("folder:{}", dir.path().display());
    let error = load(&source, &LoadOptions::default()).unwrap_err().to_string();
    for expected in ["5 of 13 images cannot be read", "page.jpg", "HTML", "link.png", "data.on_bad"] {
        assert!(error.contains(expected), "{error}");
    }
    let skip = LoadOptions { on_bad: OnBad::Skip, ..LoadOptions::default() };
    let data = load(&source, &skip).unwrap();
    assert_eq!((data.train.class_counts(), data.test.class_counts()), (vec![2, 3], vec![2, 1]));
    let left_out: Vec<String> =
        data.left_out.iter().map(|fault| fault.path.file_name().unwrap().display().to_string()).collect();
    assert_eq!(left_out, ["empty.png", "page.jpg", "cut.png", "link.png", "text.bmp"]);
    let images = |paths: [&str; 2]| paths.map(|path| fs::write(dir.path().join(path), "x").unwrap());
    images(["test/pear/x.JPG", "train/pear/b.bmp"]);
    let error = load(&source, &skip).unwrap_err().to_string();
    assert!(error.contains("test/pear: no image of this class can be read"), "{error}");
}

#[test]
fn classes_that_cannot_be_split_are_listed_and_stop_a_search() {
    let dir = tempfile::tempdir().unwrap();
    (0..3).for_each(|i| grey(&dir.path().join(format!("dark/{i}.png")), 8, i));
    grey(&dir.path().join("one/1.png"), 8, 9);
    fs::create_dir(dir.path().join("none")).unwrap();
    (1..4).for_each(|i| grey(&dir.path().join(format!("twice/{i}.png")), 8, 77 + i / 3));
    (0..2).for_each(|i| grey(&dir.path().join(format!("two/{i}.png")), 8, 20 + i));
    let expected = [
        (FaultKind::EmptyClass, "none"),
        (FaultKind::TooFewImages, "one"),
        (FaultKind::TooFewImages, "two"),
        (FaultKind::Duplicate, "twice/2.png"),
    ];
    assert_eq!(found(dir.path()), expected.map(|(kind, path)| (kind, path.to_owned())));
    refused("folder:", dir.path(), "none", &["holds no .png, .jpg, .jpeg or .bmp image"]);
    fs::remove_dir(dir.path().join("none")).unwrap();
    refused("folder:", dir.path(), "one", &["has only one image", "trained and tested on; add images"]);
    fs::remove_dir_all(dir.path().join("one")).unwrap();
    // Two images are enough for a training and a test part, of which the first cannot be split again.
    let data = read("folder:", dir.path()).unwrap();
    let split = Split::stratified(&data.train, 0.3, &mut bonas_study::rng::stream(0, &[]));
    assert!(split.unwrap_err().to_string().contains("class two has only one image"));
}

/// A search stops where the check says so, and only there.
#[test]
fn fewer_than_two_classes_are_a_fault() {
    let dir = tempfile::tempdir().unwrap();
    let classes =
        |root: &str| (0..3).for_each(|i| grey(&dir.path().join(format!("{root}/one/{i}.png")), 8, i));
    assert_eq!(found(dir.path()), [(FaultKind::TooFewClasses, String::new())]);
    classes(".");
    assert_eq!(found(dir.path()), [(FaultKind::TooFewClasses, String::new())]);
    fs::remove_dir_all(dir.path().join("one")).unwrap();
    classes("train");
    classes("test");
    let both = ["test", "train"].map(|part| (FaultKind::TooFewClasses, part.to_owned()));
    assert_eq!(found(dir.path())[..2], both);
    refused("folder:", dir.path(), "train", &["1 class folder,", "1 more fault is listed"]);
}

/// Two classes: three images each to train, two to validate and one to test.
fn three_parts(root: &Path, [train, val, test]: [&str; 3]) {
    for (class, value) in [("a", 10), ("b", 100)] {
        for (part, first, count) in [(train, 0, 3), (val, 10, 2), (test, 20, 1)] {
            for i in first..first + count {
                grey(&root.join(format!("{part}/{class}/{i}.png")), 8, value + i);
            }
        }
    }
}

#[test]
fn a_validation_part_is_scored_on() {
    let dir = tempfile::tempdir().unwrap();
    for (at, names) in [("x", ["train", "val", "test"]), ("y", ["Training", "VALID", "testing"])] {
        let root = dir.path().join(at);
        three_parts(&root, names);
        assert_eq!(found(&root), []);
        for source in ["folder:", ""] {
            let data = read(source, &root).unwrap();
            let firsts =
                |indices: &[usize]| indices.iter().map(|&i| data.train.image(i)[0]).collect::<Vec<_>>();
            let split = data.split.clone().unwrap();
            assert_eq!(firsts(&split.train), [10, 11, 12, 100, 101, 102]);
            assert_eq!(firsts(&split.validation), [20, 21, 110, 111]);
            assert_eq!((data.test.image(0)[0], data.test.image(1)[0], data.test_is_drawn), (30, 120, false));
            assert_eq!(
                (data.counts(), data.train.labels()[6..].to_vec()),
                ((6, Some(4), 2), vec![0, 0, 1, 1])
            );
        }
    }
}

/// The test part is a share of `train`, and `val` stays whole.
#[test]
fn without_a_test_part_one_is_drawn_from_the_training_images() {
    let dir = tempfile::tempdir().unwrap();
    three_parts(dir.path(), ["train", "validation", "x"]);
    fs::remove_dir_all(dir.path().join("x")).unwrap();
    let source = format!("folder:{}", dir.path().display());
    let options = LoadOptions { test_fraction: 0.34, ..LoadOptions::default() };
    let data = load(&source, &options).unwrap();
    let split = data.split.clone().unwrap();
    assert_eq!((data.counts(), data.test_is_drawn), ((4, Some(4), 2), true));
    assert_eq!(data.test.class_counts(), [1, 1]);
    let value = |i: &usize| data.train.image(*i)[0];
    assert_eq!(split.validation.iter().map(value).collect::<Vec<_>>(), [20, 21, 110, 111]);
    let mut trained: Vec<u8> = split.train.iter().map(value).collect();
    trained.extend([data.test.image(0)[0], data.test.image(1)[0]]);
    trained.sort_unstable();
    assert_eq!(trained, [10, 11, 12, 100, 101, 102]);
    // Two a class would leave nothing to train on.
    (0..2).for_each(|i| fs::remove_file(dir.path().join(format!("train/b/{i}.png"))).unwrap());
    assert_eq!(found(dir.path()), [(FaultKind::TooFewImages, "train/b".to_owned())]);
    refused("folder:", dir.path(), "train/b", &["has only one image"]);
}

#[test]
fn parts_that_are_unlike_twice_or_alone_are_named() {
    let dir = tempfile::tempdir().unwrap();
    three_parts(dir.path(), ["train", "val", "test"]);
    fs::rename(dir.path().join("val/b"), dir.path().join("val/c")).unwrap();
    let unlike = ["test/c", "train/c", "val/b"].map(|path| (FaultKind::UnlikeParts, path.to_owned()));
    assert_eq!(found(dir.path()), unlike);
    refused(
        "folder:",
        dir.path(),
        "train/c",
        &["does not exist, though val has this class", "2 more faults"],
    );
    fs::create_dir(dir.path().join("valid")).unwrap();
    refused("folder:", dir.path(), "", &["holds val and valid, which name one part"]);
    for part in ["val", "valid", "test"] {
        fs::remove_dir_all(dir.path().join(part)).unwrap();
    }
    refused("folder:", dir.path(), "test", &["does not exist", "name the folder of train as the source"]);
    fs::rename(dir.path().join("train"), dir.path().join("test")).unwrap();
    refused("folder:", dir.path(), "train", &["does not exist"]);
}

/// As in `ImageNet`'s validation images, and a class may be called like a part.
#[test]
fn images_without_class_folders_are_told_of() {
    let dir = tempfile::tempdir().unwrap();
    three_parts(dir.path(), ["train", "val", "test"]);
    fs::remove_dir_all(dir.path().join("val")).unwrap();
    (0..3).for_each(|i| grey(&dir.path().join(format!("val/{i}.png")), 8, i));
    refused("folder:", dir.path(), "val", &["0 class folders", "manifest:FILE"]);
    assert_eq!(found(dir.path())[0], (FaultKind::TooFewClasses, "val".to_owned()));
    for part in ["train", "test"] {
        fs::remove_dir_all(dir.path().join(part)).unwrap();
    }
    (0..3).for_each(|i| grey(&dir.path().join(format!("train/{i}.png")), 8, 50 + i));
    assert_eq!(read("", dir.path()).unwrap().train.class_names(), ["train", "val"]);
}
