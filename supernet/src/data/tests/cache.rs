use std::fs;
use std::path::Path;

use image::{GrayImage, Luma};

use crate::data::{ImageCache, LoadOptions, Source};

/// Two classes of two images in a folder.
fn folder(root: &Path) -> Source {
    for (class, value) in [("dark", 10), ("light", 200)] {
        fs::create_dir_all(root.join(class)).unwrap();
        (0..2).for_each(|i| fill(&root.join(format!("{class}/{i}.png")), value + i));
    }
    Source::directory(root)
}

fn fill(file: &Path, value: u8) {
    GrayImage::from_pixel(8, 8, Luma([value])).save(file).unwrap();
}

/// Files that change after the images were read, or their fingerprint was asked for, do not change the fingerprint: it is
/// that of the images that are trained on. Another cache, as a later process has, sees the change.
#[test]
fn a_fingerprint_is_that_of_the_images_that_were_read() {
    let options = LoadOptions { test_fraction: 0.5, ..LoadOptions::default() };
    for loads_first in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        let source = folder(dir.path());
        let images = ImageCache::default();
        let before = source.fingerprint(&options).unwrap();
        assert!(before.is_some());
        if loads_first {
            images.load(&source, &options).unwrap();
        } else {
            assert_eq!(images.fingerprint(&source, &options).unwrap(), before);
        }
        let changed = dir.path().join("dark/0.png");
        fill(&changed, 99);
        assert_eq!(images.clone().fingerprint(&source, &options).unwrap(), before);
        images.load(&source, &options).unwrap();
        fs::remove_file(&changed).unwrap();
        assert_eq!(images.fingerprint(&source, &options).unwrap(), before, "loading keeps it");
        fill(&changed, 99);
        let after = ImageCache::default().fingerprint(&source, &options).unwrap();
        assert_eq!(after, source.fingerprint(&options).unwrap());
        assert_ne!(after, before);
    }
}

#[test]
fn another_source_takes_the_place_of_the_one_before() {
    let options = LoadOptions { test_fraction: 0.5, ..LoadOptions::default() };
    let dir = tempfile::tempdir().unwrap();
    let [first, second] = ["a", "b"].map(|name| folder(&dir.path().join(name)));
    fill(&dir.path().join("b/dark/0.png"), 99);
    let images = ImageCache::default();
    let of_first = images.fingerprint(&first, &options).unwrap();
    let pixels = images.load(&first, &options).unwrap().train.pixels().to_vec();
    assert_eq!(images.fingerprint(&second, &options).unwrap(), second.fingerprint(&options).unwrap());
    assert_ne!(images.fingerprint(&second, &options).unwrap(), of_first);
    assert_eq!(images.load(&first, &options).unwrap().train.pixels(), pixels);
    let digits = "digits".parse().unwrap();
    assert_eq!(images.load(&digits, &options).unwrap().train.classes(), 10);
    assert_eq!(images.fingerprint(&digits, &options).unwrap(), None);
}
