use std::fs;
use std::path::Path;

use super::{gz, read, refused, write};
use crate::data::{ImageShape, LoadOptions, Source, load};

const RECORD: usize = 3073;

/// CIFAR-10 records; image `i` has red `i`, green 100, blue 200.
fn cifar(labels: impl IntoIterator<Item = u8>) -> Vec<u8> {
    let record = |(i, label): (usize, u8)| {
        [vec![label], vec![i as u8; 1024], vec![100; 1024], vec![200; 1024]].concat()
    };
    labels.into_iter().enumerate().flat_map(record).collect()
}

/// A directory in the official layout, two images of every class a batch.
fn official(root: &Path) {
    for batch in 1..=5 {
        write(&root.join(format!("data_batch_{batch}.bin")), &cifar((0..10).chain(0..10)));
    }
    write(&root.join("test_batch.bin"), &cifar(0..10));
}

#[test]
fn cifar_in_the_official_layout() {
    let dir = tempfile::tempdir().unwrap();
    official(&dir.path().join("cifar-10-batches-bin"));
    for source in ["cifar10:", ""] {
        let data = read(source, dir.path()).unwrap();
        assert_eq!((data.train.len(), data.test.len(), data.train.classes()), (100, 10, 10));
        assert_eq!(
            (data.train.shape(), data.train.class_names()[3].as_str()),
            (ImageShape::new(3, 32, 32), "cat")
        );
        let image = data.train.image(21);
        assert_eq!(
            (data.train.labels()[21], image[0], image[1023], image[1024], image[2048]),
            (1, 1, 1, 100, 200)
        );
        assert_eq!(data.augment, crate::data::Augment::cifar());
    }
}

#[test]
fn cifar_gzipped_under_other_names() {
    let dir = tempfile::tempdir().unwrap();
    let (train, test) = (dir.path().join("my_train_20.bin.gz"), dir.path().join("my_test_10.bin"));
    write(&train, &gz(&cifar((0..10).chain(0..10))));
    write(&test, &cifar(0..10));
    assert_eq!(read("", dir.path()).unwrap().train.len(), 20);
    let pair = format!("cifar10:{},{}", train.display(), test.display());
    let data = read(&pair, Path::new("")).unwrap();
    assert_eq!(data.test.len(), 10);
    let source: Source = pair.parse().unwrap();
    assert_eq!(source.to_string(), pair);
    // What the format says is what is read.
    assert_eq!(source.format(), Some((data.train.shape(), data.train.classes())));
    let digits = crate::data::digits().unwrap();
    assert_eq!(
        "digits".parse::<Source>().unwrap().format(),
        Some((digits.train.shape(), digits.train.classes()))
    );
    write(&dir.path().join("more_train.bin"), &cifar(0..10));
    refused("cifar10:", dir.path(), "", &["2 *train*.bin", "cifar10:TRAIN,TEST"]);
}

#[test]
fn a_missing_cifar_file_is_named() {
    let dir = tempfile::tempdir().unwrap();
    refused("cifar10:", dir.path(), "", &["holds no data_batch_1.bin", "https://www.cs.toronto.edu"]);
    refused("cifar10:", &dir.path().join("no"), "no", &["does not exist", "https://"]);
    official(dir.path());
    fs::remove_file(dir.path().join("data_batch_4.bin")).unwrap();
    refused("cifar10:", dir.path(), "data_batch_4.bin", &["does not exist", "https://"]);
    refused("", dir.path(), "data_batch_4.bin", &["does not exist"]);
    let other = tempfile::tempdir().unwrap();
    write(&other.path().join("cifar-10-binary.tar.gz"), &gz(b"tar"));
    refused("cifar10:", other.path(), "", &["tar xzf"]);
    fs::remove_file(other.path().join("cifar-10-binary.tar.gz")).unwrap();
    write(&other.path().join("data_batch_1"), b"pickle");
    refused("cifar10:", other.path(), "", &["Python version", "binary version"]);
}

#[test]
fn a_damaged_cifar_file_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("data_batch_2.bin");
    let check = |bytes: &[u8], words: &[&str]| {
        official(dir.path());
        write(&file, bytes);
        refused("cifar10:", dir.path(), "data_batch_2.bin", words);
    };
    check(&cifar(0..10)[..9 * RECORD + 5], &["27662 bytes", "3073", "truncated", "https://"]);
    check(&[], &["0 bytes", "truncated"]);
    check(&cifar([0, 1, 10]), &["image 2 has label 10", "0 to 9"]);
    official(dir.path());
    let packed = gz(&cifar(0..10));
    let bad_gz = |bytes: &[u8], words: &[&str]| {
        fs::remove_file(&file).ok();
        write(&dir.path().join("data_batch_2.bin.gz"), bytes);
        refused("cifar10:", dir.path(), "data_batch_2.bin.gz", words);
    };
    bad_gz(&packed[..packed.len() - 9], &["truncated", "https://"]);
    bad_gz(&packed[..12], &["truncated"]);
    bad_gz(b"", &["not a gzip file (0 bytes)"]);
    let mut flipped = packed.clone();
    let at = flipped.len() - 6;
    flipped[at] ^= 0xff;
    bad_gz(&flipped, &["damaged", "https://"]);
}

#[test]
fn a_cifar_part_without_a_class_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("train.bin"), &cifar(0..10));
    write(&dir.path().join("test.bin"), &cifar(0..9));
    refused("", dir.path(), "test.bin", &["no image of class 9 (truck)", "all ten classes"]);
    write(&dir.path().join("train.bin"), &cifar(1..10));
    refused("", dir.path(), "train.bin", &["no image of class 0 (airplane)"]);
}

fn idx(magic: u32, dims: &[u32], bytes: &[u8]) -> Vec<u8> {
    let words: Vec<u8> = [magic].iter().chain(dims).flat_map(|word| word.to_be_bytes()).collect();
    [words, bytes.to_vec()].concat()
}

/// Four idx files of 2x3 images of three classes; pixel values count up.
fn mnist(root: &Path, joint: char, pack: bool) {
    let put = |name: &str, bytes: Vec<u8>| {
        let name = name.replacen("-idx", &format!("{joint}idx"), 1);
        if pack { write(&root.join(name + ".gz"), &gz(&bytes)) } else { write(&root.join(name), &bytes) }
    };
    put("train-images-idx3-ubyte", idx(0x803, &[6, 2, 3], &(0..36).collect::<Vec<u8>>()));
    put("train-labels-idx1-ubyte", idx(0x801, &[6], &[0, 1, 2, 2, 1, 0]));
    put("t10k-images-idx3-ubyte", idx(0x803, &[3, 2, 3], &(0..18).collect::<Vec<u8>>()));
    put("t10k-labels-idx1-ubyte", idx(0x801, &[3], &[2, 1, 0]));
}

#[test]
fn idx_files_in_every_form() {
    for (joint, pack, source) in
        [('-', false, "mnist:"), ('.', true, "mnist:"), ('-', true, ""), ('.', false, "")]
    {
        let dir = tempfile::tempdir().unwrap();
        mnist(&dir.path().join(if pack { "raw" } else { "" }), joint, pack);
        let data = read(source, dir.path()).unwrap();
        assert_eq!((data.train.len(), data.test.len(), data.train.classes()), (6, 3, 3));
        assert_eq!(data.train.shape(), ImageShape::new(1, 2, 3));
        assert_eq!((&*data.train.image(1), data.test.labels()), (&[6, 7, 8, 9, 10, 11][..], &[2, 1, 0][..]));
    }
}

#[test]
fn damaged_idx_files_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let check = |file: &str, bytes: &[u8], words: &[&str]| {
        mnist(dir.path(), '-', false);
        write(&dir.path().join(file), bytes);
        refused("mnist:", dir.path(), file, words);
    };
    let images = "train-images-idx3-ubyte";
    check(images, &idx(0x803, &[6, 2, 3], &[0; 35]), &["[6, 2, 3]", "35 bytes", "truncated", "https://"]);
    check(images, &idx(0x803, &[6, 2, 3], &[0; 37]), &["37 bytes"]);
    check(images, &idx(0x803, &[u32::MAX; 3], &[]), &["truncated"]);
    check(images, &idx(0x803, &[0, 2, 3], &[]), &["[0, 2, 3]"]);
    check(images, &[0, 0, 8], &["3 bytes are less than an idx header (16)"]);
    check(
        images,
        &idx(0x801, &[8, 0, 0], &[]),
        &["0x801 (an idx label file), not 0x803 (an idx image file)", "rename"],
    );
    check(
        "t10k-labels-idx1-ubyte",
        &idx(0x801, &[2], &[2, 1]),
        &["2 labels for the 3 images", "t10k-images"],
    );
    check("t10k-labels-idx1-ubyte", &idx(0x801, &[3], &[2, 1, 3]), &["image 2 has label 3", "3 classes"]);
    check("t10k-labels-idx1-ubyte", &idx(0x801, &[3], &[2, 1, 1]), &["test part has no image of class 0"]);
    check(
        "train-labels-idx1-ubyte",
        &idx(0x801, &[6], &[0, 2, 2, 2, 0, 0]),
        &["training part has no image of class 1"],
    );
}

#[test]
fn missing_and_unlike_idx_files_are_named() {
    let dir = tempfile::tempdir().unwrap();
    refused("mnist:", dir.path(), "", &["holds no train-images-idx3-ubyte", "https://"]);
    mnist(dir.path(), '-', false);
    write(&dir.path().join("t10k-images-idx3-ubyte"), &idx(0x803, &[3, 3, 2], &[0; 18]));
    refused("mnist:", dir.path(), "t10k-labels-idx1-ubyte", &["1x2x3", "1x3x2"]);
    fs::remove_file(dir.path().join("t10k-labels-idx1-ubyte")).unwrap();
    refused("mnist:", dir.path(), "t10k-labels-idx1-ubyte", &["does not exist", "siblings"]);
}

#[test]
fn sources_that_are_none() {
    for (text, words) in [
        ("cifra10:/x", ["cifra10", "did you mean cifar10?"]),
        ("digit", ["digit", "did you mean digits?"]),
        ("", ["not a source", "folder:DIRECTORY"]),
        ("mnist:", ["not a source", "mnist:DIRECTORY"]),
    ] {
        let error = text.parse::<Source>().unwrap_err().to_string();
        assert!(words.iter().all(|word| error.contains(word)), "{error}");
    }
    refused("", Path::new("/no/such/folder"), "folder", &["does not exist", "cifar10:DIRECTORY"]);
    let dir = tempfile::tempdir().unwrap();
    refused("", dir.path(), "", &["holds none of: CIFAR-10"]);
    write(&dir.path().join("x.bin"), &[]);
    refused("", &dir.path().join("x.bin"), "x.bin", &["is a file"]);
}

/// The class-balanced subset of CIFAR-10 that lies beside the project, where there is one.
#[test]
#[ignore = "reads 35 MB from outside the repository; set BONAS_CIFAR10 to its directory"]
fn the_real_cifar_subset() {
    let directory = std::env::var("BONAS_CIFAR10").unwrap();
    let data = read("", Path::new(&directory)).unwrap();
    assert!(data.train.class_counts().windows(2).all(|pair| pair[0] == pair[1]));
    for (found, published) in data.normalisation.mean.iter().zip(crate::data::Normalisation::cifar10().mean) {
        assert!((found - published).abs() < 0.01, "{:?}", data.normalisation);
    }
}

#[test]
fn gzip_unpacks_to_so_many_bytes_at_most() {
    let dir = tempfile::tempdir().unwrap();
    let (train, test) = (dir.path().join("train.bin.gz"), dir.path().join("test.bin"));
    write(&train, &gz(&cifar((0..10).chain(0..10))));
    write(&test, &cifar(0..10));
    let source = format!("cifar10:{},{}", train.display(), test.display());
    let read = |unpacked: usize| {
        let options = LoadOptions { unpacked: unpacked as u64, ..LoadOptions::default() };
        load(&source, &options).map_err(|error| error.to_string())
    };
    assert_eq!(read(20 * RECORD).unwrap().train.len(), 20);
    let error = read(20 * RECORD - 1).unwrap_err();
    assert!(error.contains("train.bin.gz: its") && error.contains("data.unpacked_megabytes"), "{error}");
}
