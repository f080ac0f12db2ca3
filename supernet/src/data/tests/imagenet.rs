use std::fs;
use std::path::Path;

use super::{read, refused, write};
use crate::data::{DataReport, FaultKind, LoadOptions, Source};

const SYNSETS: [&str; 3] = ["n01440764", "n02012849", "n03126707"];
const CSV: &str = "ImageId,PredictionString\nILSVRC2012_val_00000002,n03126707 85 1 499 272 \n\
                   ILSVRC2012_val_00000001,n01440764 1 1 2 2 n01440764 3 3 4 4 \n\
                   ILSVRC2012_val_00000003,n02012849 0 0 1 1 \n";
const MAPPING: &str = "n01440764 tench, Tinca tinca\nn02012849 crane\nn03126707 crane\nn09999999 none\n";
/// Numbers in another order than that of synsets.
const NUMBERS: &str = "n03126707 1 crane\nn01440764 2 tench\nn02012849 3 wading_crane\n";

fn grey(path: &Path, value: u8) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    image::GrayImage::from_pixel(4, 4, image::Luma([value]))
        .save_with_format(path, image::ImageFormat::Png)
        .unwrap();
}

fn cls_loc(root: &Path) -> std::path::PathBuf {
    root.join("ILSVRC/Data/CLS-LOC")
}

/// Two training images of three synsets, of value 100 times the label and the number; three validation images 1, 2, 3.
fn made(root: &Path) {
    for (label, synset) in SYNSETS.iter().enumerate() {
        for n in 0..2 {
            grey(&cls_loc(root).join(format!("train/{synset}/{synset}_{n}.JPEG")), (100 * label + n) as u8);
        }
    }
    for n in 1..=3 {
        grey(&cls_loc(root).join(format!("val/ILSVRC2012_val_{n:08}.JPEG")), n);
    }
}

/// Label and first pixel of each test image.
fn tested(root: &Path) -> Vec<(u16, u8)> {
    let data = read("", root).unwrap();
    let train: Vec<_> = (0..6).map(|i| (data.train.labels()[i], data.train.image(i)[0])).collect();
    assert_eq!(train, [(0, 0), (0, 1), (1, 100), (1, 101), (2, 200), (2, 201)]);
    (0..data.test.len()).map(|i| (data.test.labels()[i], data.test.image(i)[0])).collect()
}

fn check(root: &Path) -> DataReport {
    Source::directory(root).check(&LoadOptions::default()).unwrap()
}

#[test]
fn the_layout_of_kaggle_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    made(root);
    write(&root.join("LOC_val_solution.csv"), CSV.as_bytes());
    assert_eq!(tested(root), [(0, 1), (1, 3), (2, 2)]);
    let names = |root: &Path| read("", root).unwrap().train.class_names().to_vec();
    assert_eq!(names(root), SYNSETS);
    write(&root.join("LOC_synset_mapping.txt"), MAPPING.as_bytes());
    assert_eq!(names(root), ["tench", "crane (n02012849)", "crane (n03126707)"]);
    // The folders inside are the same data, whose labels lie above them.
    for inside in ["ILSVRC", "ILSVRC/Data", "ILSVRC/Data/CLS-LOC"] {
        assert_eq!(tested(&root.join(inside)), [(0, 1), (1, 3), (2, 2)], "{inside}");
    }
    let source = Source::directory(root);
    let before = source.fingerprint(&LoadOptions::default()).unwrap();
    write(&root.join("LOC_val_solution.csv"), CSV.replace("0 0 1 1", "0 0 1 2").as_bytes());
    assert_ne!(source.fingerprint(&LoadOptions::default()).unwrap(), before, "labels count");
}

/// `train/..` is below `train` by its letters only, and a link is not where its images are.
#[test]
fn labels_lie_above_where_images_are() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("imagenet");
    made(&root);
    write(&root.join("LOC_val_solution.csv"), CSV.as_bytes());
    assert_eq!(tested(&cls_loc(&root).join("train/n01440764/../..")), [(0, 1), (1, 3), (2, 2)]);
    std::os::unix::fs::symlink(cls_loc(&root), folder.path().join("link")).unwrap();
    assert_eq!(read("imagenet:", &folder.path().join("link")).unwrap().counts(), (6, None, 3));
}

/// The numbers of ILSVRC are not the order of synsets.
#[test]
fn numbers_are_those_of_the_map() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    made(root);
    let truth = root.join("ILSVRC2012_devkit_t12/data/ILSVRC2012_validation_ground_truth.txt");
    write(&truth, b"2\n1\n3\n");
    write(&root.join("LOC_synset_mapping.txt"), MAPPING.as_bytes());
    let file = "ILSVRC2012_validation_ground_truth.txt";
    refused("", root, file, &["not the order of LOC_synset_mapping.txt", "meta.mat or map_clsloc.txt"]);
    write(&root.join("devkit/data/map_clsloc.txt"), NUMBERS.as_bytes());
    assert_eq!(tested(root), [(0, 1), (1, 3), (2, 2)]);
    fs::remove_file(root.join("LOC_synset_mapping.txt")).unwrap();
    assert_eq!(read("", root).unwrap().train.class_names(), ["tench", "wading crane", "crane"]);
    for (text, words) in [
        ("2\n1\n", ["has 2 lines for 3 images", "fetch the file again"]),
        ("2\n1\n3\n1\n", ["has 4 lines for 3 images", "unpack the images again"]),
        ("2\n1\n4\n", ["line 3", "\"4\" is no number of a synset"]),
        ("2\n\n3\n", ["line 2", "\"\" is no number"]),
    ] {
        write(&truth, text.as_bytes());
        refused("", root, file, &words);
    }
}

/// `meta.mat` as MATLAB writes it: `tests/imagenet/make.py`.
#[test]
fn the_official_development_kit_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    made(root);
    let kit = root.join("ILSVRC2012_devkit_t12/data");
    write(&kit.join("ILSVRC2012_validation_ground_truth.txt"), b"2\n1\n3\n");
    for name in ["meta.mat", "meta-plain.mat"] {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/imagenet").join(name);
        write(&kit.join("meta.mat"), &fs::read(file).unwrap());
        assert_eq!(tested(root), [(0, 1), (1, 3), (2, 2)]);
        let names = read("", root).unwrap().train.class_names().to_vec();
        assert_eq!(names, ["tench", "crane (n02012849)", "crane (n03126707)"], "{name}");
    }
    write(&kit.join("meta.mat"), b"no MATLAB");
    refused("", root, "meta.mat", &["is no file of MATLAB 5", "fetch the file again"]);
}

#[test]
fn validation_images_in_folders_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    made(root);
    let val = cls_loc(root).join("val");
    for (n, synset) in [(1, SYNSETS[0]), (2, SYNSETS[2]), (3, SYNSETS[1])] {
        let name = format!("ILSVRC2012_val_{n:08}.JPEG");
        fs::create_dir_all(val.join(synset)).unwrap();
        fs::rename(val.join(&name), val.join(synset).join(&name)).unwrap();
    }
    assert_eq!(tested(root), [(0, 1), (1, 3), (2, 2)]);
    fs::rename(cls_loc(root), root.join("plain")).unwrap();
    let plain = read("imagenet:", &root.join("plain")).unwrap();
    assert_eq!((plain.test.labels(), plain.split.is_none()), (&[0, 1, 2][..], true));
    // Without the names of ILSVRC it is a folder like others, unless it is called imagenet.
    assert_eq!(read("", &root.join("plain")).unwrap().counts(), (3, Some(3), 3));
}

#[test]
fn what_is_missing_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    made(root);
    refused("", root, "val", &["there are no labels", "LOC_val_solution.csv", "sort the images"]);
    let csv = root.join("LOC_val_solution.csv");
    for (text, word) in [
        ("a,b\n", "not ImageId,PredictionString"),
        ("ImageId,PredictionString\n", "has no row"),
        (
            "ImageId,PredictionString\nILSVRC2012_val_00000001,tench\n",
            "line 2: \"tench\" is no list of synsets",
        ),
        ("ImageId,PredictionString\nx,n01440764 1 1 2 2 n02012849 1 1 2 2\n", "x is n01440764 and n02012849"),
        ("ImageId,PredictionString\nx,n01440764 1 1 2 2\nx,n02012849 1 1 2 2\n", "line 3: x is there twice"),
    ] {
        write(&csv, text.as_bytes());
        refused("", root, "LOC_val_solution.csv", &[word]);
    }
    // A row without image, an image without row, and a folder without labels.
    write(&csv, CSV.replace("00000003", "00000004").as_bytes());
    fs::create_dir_all(cls_loc(root).join("test")).unwrap();
    let report = check(root);
    let told = |kind: FaultKind| report.of(kind).map(|fault| fault.detail.clone()).collect::<Vec<_>>();
    assert_eq!(told(FaultKind::Unreadable), ["does not exist; put it back, or remove what names it"]);
    assert_eq!(told(FaultKind::BadRow).len(), 1);
    assert!(told(FaultKind::BadRow)[0].contains("no row for ILSVRC2012_val_00000003.JPEG"));
    assert!(told(FaultKind::OtherFolder)[0].contains("have no labels"));
    assert!(!report.is_usable());
    // A synset that was not unpacked, and one that val lacks.
    write(&csv, CSV.as_bytes());
    fs::rename(cls_loc(root).join("train/n02012849"), cls_loc(root).join("train/n02012850")).unwrap();
    let report = check(root);
    let lacking: Vec<_> = report.of(FaultKind::UnlikeParts).map(|fault| fault.detail.clone()).collect();
    assert_eq!(lacking.len(), 2);
    assert!(lacking[0].contains("does not exist, though val has images of it (1)"), "{lacking:?}");
    assert!(lacking[1].contains("no image of n02012850, which train has"), "{lacking:?}");
    write(&root.join("LOC_synset_mapping.txt"), MAPPING.as_bytes());
    refused("", root, "LOC_synset_mapping.txt", &["names no n02012850"]);
    fs::create_dir_all(cls_loc(root).join("train/cat")).unwrap();
    refused("imagenet:", root, "cat", &["is no synset", "folder:DIRECTORY"]);
}
