use std::fs;
use std::path::Path;

use image::{GrayImage, Luma};

use super::{gz, read, refused, write};
use crate::data::{FaultKind, LoadOptions, OnBad, Source, load};

/// Grey images `0.png` and so on in `pictures`, each filled with its number.
fn pictures(root: &Path, count: u8) {
    fs::create_dir_all(root.join("pictures")).unwrap();
    for i in 0..count {
        GrayImage::from_pixel(8, 8, Luma([i])).save(root.join(format!("pictures/{i}.png"))).unwrap();
    }
}

/// First pixel and label of each image.
type Values = Vec<(u8, u16)>;

/// The classes, training and test images of a manifest with this text.
fn values(root: &Path, name: &str, text: &[u8]) -> (Vec<String>, Values, Values) {
    write(&root.join(name), text);
    let data = read("manifest:", &root.join(name)).unwrap_or_else(|error| panic!("{error}"));
    let values = |images: &crate::data::Images| {
        (0..images.len()).map(|i| (images.image(i)[0], images.labels()[i])).collect()
    };
    (data.train.class_names().to_vec(), values(&data.train), values(&data.test))
}

/// The faults of a manifest with this text.
fn faults(root: &Path, name: &str, text: &str) -> Vec<(FaultKind, String)> {
    write(&root.join(name), text.as_bytes());
    let source: Source = format!("manifest:{}", root.join(name).display()).parse().unwrap();
    let report = source.check(&LoadOptions::default()).unwrap();
    report.faults.into_iter().map(|fault| (fault.kind, fault.detail)).collect()
}

const PLAIN: &str = "path,label,split\npictures/0.png,dog,train\npictures/1.png,cat,train\npictures/2.png,dog,test\n\
                     pictures/3.png,cat,test\npictures/4.png,cat,train\n";

/// The same rows in every form: with carriage returns, a byte order mark, semicolons, tabs, quotes, other columns, as JSONL.
#[test]
fn one_manifest_in_all_its_forms() {
    let dir = tempfile::tempdir().unwrap();
    pictures(dir.path(), 5);
    let expected =
        (vec!["cat".to_owned(), "dog".to_owned()], vec![(0, 1), (1, 0), (4, 0)], vec![(2, 1), (3, 0)]);
    let quoted = "id,Split, label ,path\n1,TRAIN,\"dog\",\"pictures/0.png\"\n\n2,training,cat,./pictures/1.png\n\
                  3,test,dog, pictures/2.png\n4,Testing,cat,pictures/3.png\n5,train,cat,pictures/4.png";
    let quoted = quoted.replace(", pictures", ",pictures");
    let json = "{\"path\": \"pictures/0.png\", \"label\": \"dog\", \"split\": \"train\"}\r\n\r\n\
                {\"path\": \"pictures/1.png\", \"label\": \"cat\", \"split\": \"train\", \"box\": [1, 2]}\n\
                {\"path\": \"pictures/2.png\", \"label\": \"dog\", \"split\": \"test\"}\n\
                {\"path\": \"pictures/3.png\", \"label\": \"cat\", \"split\": \"test\"}\n\
                {\"path\": \"pictures/4.png\", \"label\": \"cat\", \"split\": \"train\"}";
    let whole = format!("{}/", dir.path().display());
    let absolute = PLAIN.replace("pictures/", &format!("{whole}pictures/"));
    for (name, text) in [
        ("a.csv", PLAIN.as_bytes().to_vec()),
        ("b.CSV", PLAIN.replace('\n', "\r\n").into_bytes()),
        ("c.csv", ["\u{feff}".as_bytes(), PLAIN.as_bytes()].concat()),
        ("d.csv", PLAIN.replace(',', ";").into_bytes()),
        ("e.tsv", PLAIN.replace(',', "\t").into_bytes()),
        ("f.csv", quoted.into_bytes()),
        ("g.jsonl", json.as_bytes().to_vec()),
        ("h.ndjson", ["\u{feff}", json].concat().into_bytes()),
        ("i.csv.gz", gz(PLAIN.as_bytes())),
        ("j.csv", absolute.into_bytes()),
    ] {
        assert_eq!(values(dir.path(), name, &text), expected, "{name}");
    }
}

#[test]
fn labels_are_names_or_numbers() {
    let dir = tempfile::tempdir().unwrap();
    pictures(dir.path(), 6);
    let with = |labels: [&str; 3], quote: &str| -> String {
        let line = |i: usize| {
            let label = labels[i % 3];
            let split = if i < 3 { "train" } else { "test" };
            format!(
                "{{\"path\": \"pictures/{i}.png\", \"label\": {quote}{label}{quote}, \"split\": \"{split}\"}}\n"
            )
        };
        (0..6).map(line).collect()
    };
    for quote in ["", "\""] {
        let (names, train, _) = values(dir.path(), "n.jsonl", with(["10", "9", "2"], quote).as_bytes());
        assert_eq!(names, ["2", "9", "10"], "numbers in their order");
        assert_eq!(train, [(0, 2), (1, 1), (2, 0)]);
    }
    assert_eq!(values(dir.path(), "n.jsonl", with(["10", "9", "b"], "\"").as_bytes()).0, ["10", "9", "b"]);
    let names =
        values(dir.path(), "n.jsonl", with(["\u{6f22}, \u{e9}", "\u{1f431}", "b"], "\"").as_bytes()).0;
    assert_eq!(names, ["b", "\u{6f22}, \u{e9}", "\u{1f431}"]);
}

#[test]
fn splits_are_used_as_they_are_and_drawn_where_there_are_none() {
    let dir = tempfile::tempdir().unwrap();
    pictures(dir.path(), 12);
    let text = |splits: &[&str]| -> String {
        let line = |i: usize| {
            let split =
                splits.get(i / 2 % splits.len().max(1)).map_or(String::new(), |split| format!(",{split}"));
            format!("pictures/{i}.png,{}{split}\n", i % 2)
        };
        let header = if splits.is_empty() { "path,label\n" } else { "path,label,split\n" };
        header.to_owned() + &(0..12).map(line).collect::<String>()
    };
    let load = |text: &str| {
        write(&dir.path().join("m.csv"), text.as_bytes());
        read("manifest:", &dir.path().join("m.csv"))
    };
    let drawn = load(&text(&[])).unwrap();
    assert_eq!((drawn.counts(), drawn.test_is_drawn, &*drawn.name), ((10, None, 2), true, "m"));
    assert_eq!(load(&text(&[""])).unwrap().test.pixels(), drawn.test.pixels(), "an empty column is none");
    let three = load(&text(&["test", "valid", "train"])).unwrap();
    assert_eq!((three.counts(), three.test_is_drawn), ((4, Some(4), 4), false));
    let first = |i: &usize| three.train.image(*i)[0];
    let split = three.split.as_ref().unwrap();
    assert_eq!(split.train.iter().map(first).collect::<Vec<_>>(), [4, 5, 10, 11]);
    assert_eq!(split.validation.iter().map(first).collect::<Vec<_>>(), [2, 3, 8, 9]);
    let two = load(&text(&["train", "train", "val"])).unwrap();
    assert_eq!((two.counts(), two.test_is_drawn), ((6, Some(4), 2), true));
    for (splits, expected) in [
        (&["train"][..], "no row with split test; mark some"),
        (&["test"], "no row with split train"),
        (&["train", "test", "tset"], "line 6: split \"tset\"; expected train, val or test; 3 more faults"),
        (&["train", "test", ""], "line 6: has no split, though others have; give it one"),
    ] {
        let error = load(&text(splits)).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

/// All that is wrong is listed at once, and a search stops at the gravest of it.
#[test]
fn a_check_lists_all_that_is_wrong_with_a_manifest() {
    use FaultKind::{BadRow, Contradiction, RepeatedRow, TooFewImages, UnlikeParts, Unreadable};
    let dir = tempfile::tempdir().unwrap();
    pictures(dir.path(), 5);
    assert_eq!(faults(dir.path(), "m.csv", PLAIN), [(TooFewImages, "class dog, part train: has only one image, and different ones are trained and validated on; add images".to_owned())]);
    let more = "pictures/none.png,dog,train\npictures/1.png,dog,train\npictures/./0.png,dog,train\n,dog,train\n\
                pictures/0.png,,train\npictures/0.png,dog\nhttps://a.b/c.png,dog,train\npictures/2.png,cow,test\n\
                \"pictures/2.png,dog,test\n";
    let found = faults(dir.path(), "m.csv", &(PLAIN.to_owned() + more));
    let kinds: Vec<FaultKind> = found.iter().map(|(kind, _)| *kind).collect();
    let mut expected = vec![Unreadable];
    expected.extend([BadRow; 5]);
    expected.extend([Contradiction; 2]);
    expected.extend([UnlikeParts, TooFewImages, RepeatedRow]);
    assert_eq!(kinds, expected, "{found:?}");
    for (at, detail) in [
        (0, "does not exist; put it back, or remove what names it"),
        (1, "line 10: has no path"),
        (2, "line 11: has no label"),
        (3, "line 12: has 2 fields, and the header 3"),
        (4, "line 13: \"https://a.b/c.png\" is no path of a file; fetch the image, and name its file"),
        (5, "line 15: has a field that goes on in the next line; a quotation mark may be missing"),
        (6, "line 3 says cat, train, and line 8 says dog, train"),
        (7, "line 4 says dog, test, and line 14 says cow, test"),
        (8, "class cow has no row with split train; add some, or leave the class out"),
        (10, "line 9 names it again after line 2; it is read once"),
    ] {
        assert_eq!(found[at].1, detail);
    }
    refused(
        "manifest:",
        &dir.path().join("m.csv"),
        "m.csv",
        &["line 10: has no path; 7 more faults are listed"],
    );
    let rows = "not\n[1]\n{\"path\": 3, \"label\": 1}\n{\"path\": \"a\", \"label\": 1.5}\n{\"path\": \"a\", \"label\": null}\n";
    let found = faults(dir.path(), "m.jsonl", rows);
    for (at, detail) in [
        (0, "line 1: is no JSON (expected ident"),
        (1, "line 2: is no JSON object"),
        (2, "line 3: path is 3, expected a text"),
        (3, "line 4: label is 1.5, expected a text or a whole number"),
        (4, "line 5: has no label"),
        (5, "names no image"),
    ] {
        assert!(found[at].1.starts_with(detail), "{}", found[at].1);
    }
}

#[test]
fn files_that_are_missing_stop_or_are_left_out() {
    let dir = tempfile::tempdir().unwrap();
    pictures(dir.path(), 5);
    let file = dir.path().join("m.csv");
    write(&file, (PLAIN.to_owned() + "pictures/no.png,dog,train\n").as_bytes());
    refused(
        "manifest:",
        &file,
        "pictures/no.png",
        &["does not exist; put it back", "data.on_bad = \"skip\""],
    );
    let skip = LoadOptions { on_bad: OnBad::Skip, ..LoadOptions::default() };
    let data = load(&format!("manifest:{}", file.display()), &skip).unwrap();
    assert_eq!((data.train.len(), data.left_out.len()), (3, 1));
    assert!(data.left_out[0].path.ends_with("pictures/no.png"));
    fs::remove_file(dir.path().join("pictures/2.png")).unwrap();
    let error = load(&format!("manifest:{}", file.display()), &skip).unwrap_err().to_string();
    assert!(error.contains("m.csv: class dog, part test: no image of this class can be read"), "{error}");
}

#[test]
fn what_is_no_manifest_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        write(&dir.path().join(name), bytes);
        dir.path().join(name)
    };
    for (name, bytes, expected) in [
        ("a.txt", &b"path,label\n"[..], "is not named .csv, .tsv, .jsonl or .ndjson"),
        ("a.csv", b"", "it is empty; expected a CSV file"),
        ("a.csv", b"path,label\na.png,1\nb.png,01\n", "labels 01 and 1 are the same number"),
        ("a.csv", b"file,label\na,b\n", "has no column path (its first line: file, label)"),
        ("a.csv", b"path;class\na;b\n", "has no column path (its first line: path;class)"),
        ("a.csv", b"path,label,Path\na,b,c\n", "has two columns path"),
        ("a.csv", b"path,label\n", "names no image"),
        ("a.csv", b"path,label\na.png,b\n", "names 1 class (b), not two or more"),
        ("a.csv", b"\xff\xfep\0a\0", "is UTF-16 text; save it as UTF-8"),
        ("a.csv", b"path,label\na\xe9.png,b\n", "line 2 is not UTF-8 text"),
        ("a.jsonl", b"\n", "names no image"),
        ("a.csv.gz", b"path,label\n", "is not a gzip file"),
    ] {
        let path = file(name, bytes);
        refused("manifest:", &path, name, &[expected]);
    }
    let bare = file("a.csv", b"path,label\n");
    refused("", &bare, "a.csv", &["is a file", &format!("did you mean manifest:{}?", bare.display())]);
    fs::create_dir(dir.path().join("b.csv")).unwrap();
    refused("manifest:", &dir.path().join("b.csv"), "b.csv", &["is a folder; expected a CSV file"]);
}

#[test]
fn a_fingerprint_follows_manifest_and_images_and_not_their_place() {
    let dir = tempfile::tempdir().unwrap();
    let fingerprint = |at: &str| {
        let source = format!("manifest:{}", dir.path().join(at).join("m.csv").display());
        source.parse::<Source>().unwrap().fingerprint(&LoadOptions::default()).unwrap().unwrap()
    };
    for at in ["x", "y"] {
        pictures(&dir.path().join(at), 6);
        write(&dir.path().join(at).join("m.csv"), PLAIN.as_bytes());
    }
    let before = fingerprint("x");
    assert_eq!(before, fingerprint("y"));
    // An image that is not named does not count.
    fs::remove_file(dir.path().join("x/pictures/5.png")).unwrap();
    assert_eq!(before, fingerprint("x"));
    fs::copy(dir.path().join("x/pictures/1.png"), dir.path().join("x/pictures/0.png")).unwrap();
    assert_ne!(before, fingerprint("x"));
    write(&dir.path().join("y/m.csv"), PLAIN.replace("4.png,cat", "4.png,dog").as_bytes());
    assert_ne!(before, fingerprint("y"));
}

/// A packed manifest that is read with a raised limit has a fingerprint with the same limit.
#[test]
fn a_fingerprint_unpacks_as_much_as_a_search_reads() {
    let dir = tempfile::tempdir().unwrap();
    pictures(dir.path(), 5);
    let file = dir.path().join("m.csv.gz");
    write(&file, &gz(PLAIN.as_bytes()));
    let source: Source = format!("manifest:{}", file.display()).parse().unwrap();
    let of = |unpacked| LoadOptions { unpacked, ..LoadOptions::default() };
    let (enough, short) = (of(PLAIN.len() as u64), of(PLAIN.len() as u64 - 1));
    assert_eq!(source.load(&enough).unwrap().train.len(), 3);
    assert_eq!(source.fingerprint(&enough).unwrap(), source.fingerprint(&LoadOptions::default()).unwrap());
    let error = source.fingerprint(&short).unwrap_err().to_string();
    assert_eq!(error, source.load(&short).unwrap_err().to_string());
    assert!(error.contains("raise data.unpacked_megabytes"), "{error}");
}

/// The manifest itself is no image, and one that is missing has its place all the same.
#[test]
fn the_images_of_a_manifest_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    pictures(dir.path(), 5);
    let manifest = dir.path().join("list.csv");
    write(&manifest, format!("{PLAIN}pictures/none.png,cat,train\n").as_bytes());
    let source: Source = format!("manifest:{}", manifest.display()).parse().unwrap();
    let of = |memory: u64| LoadOptions { image_size: 8, memory, ..LoadOptions::default() };
    let six = 6 * 3 * 8 * 8;
    assert_eq!(source.check(&of(0)).unwrap().decoded, Some(six));
    assert!(source.kept_in(&of(six)).unwrap().is_none());
    // Without a cache folder it is an error.
    assert!(source.kept_in(&of(six - 1)).map_or(true, |kept| kept.is_some_and(|(bytes, _)| bytes == six)));
}
