//! The text files of `ImageNet`: which synset each validation image is of, and what synsets are called.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use bonas_study::StudyError;

use super::super::files::{name_of, read, unusable};
use super::is_synset;
use super::meta::{Synset, synsets};
use super::places::Places;

const SOLUTION: &str = "LOC_val_solution.csv";
const MAPPING: &str = "LOC_synset_mapping.txt";
const TRUTHS: [&str; 2] =
    ["ILSVRC2012_validation_ground_truth.txt", "ILSVRC2015_clsloc_validation_ground_truth.txt"];
const NUMBERS: &str = "map_clsloc.txt";
const META: &str = "meta.mat";
const FETCH: &str = "fetch the file again";

/// Which synset each validation image is of.
#[derive(Debug)]
pub(super) struct Truth {
    /// By names of files without extension.
    pub(super) synsets: BTreeMap<String, String>,
    /// The files that say so.
    pub(super) files: Vec<PathBuf>,
}

impl Truth {
    /// That of so many validation images.
    ///
    /// # Errors
    /// [`StudyError::Data`] where there is none, and for files that cannot be used.
    pub(super) fn of(places: &Places, images: usize, unpacked: u64) -> Result<Self, StudyError> {
        if let Some(path) = places.text(SOLUTION) {
            let synsets =
                solution(&path, &text(&path, unpacked)?).map_err(|reason| unusable(&path, reason))?;
            return Ok(Self { synsets, files: vec![path] });
        }
        let Some(path) = TRUTHS.iter().find_map(|name| places.text(name)) else {
            let wanted = format!("{SOLUTION}, or {} with {META} or {NUMBERS}", TRUTHS[0]);
            let reason = format!(
                "holds images that are in no folder of a synset, and there are no labels: expected {wanted}, beside ILSVRC or \
                 train, or sort the images into folders of synsets"
            );
            return Err(unusable(&places.val, reason));
        };
        let Some((map, known)) = known(places, unpacked)? else {
            let reason = format!(
                "has numbers of ILSVRC, which are not the order of {MAPPING}: {META} or {NUMBERS} of the development kit says which \
                 synsets they are; put it beside, or use {SOLUTION}"
            );
            return Err(unusable(&path, reason));
        };
        let numbers = by_number(known).map_err(|reason| unusable(&map, reason))?;
        let synsets =
            numbered(&text(&path, unpacked)?, images, &numbers).map_err(|reason| unusable(&path, reason))?;
        Ok(Self { synsets, files: vec![path, map] })
    }
}

/// Kaggle's table: an image, and its objects, each a synset and a box, of one synset.
fn solution(path: &Path, text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut rows = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let header = rows.headers().map_err(|error| format!("{error}; {FETCH}"))?.clone();
    if header.iter().map(str::trim).ne(["ImageId", "PredictionString"]) {
        return Err(format!("begins with {:?}, not ImageId,PredictionString; {FETCH}", header.as_slice()));
    }
    let mut synsets = BTreeMap::new();
    for row in rows.records() {
        let row = row.map_err(|error| format!("{error}; {FETCH}"))?;
        let line = row.position().map_or(0, csv::Position::line);
        let (image, objects) = (row.get(0).unwrap_or_default(), row.get(1).unwrap_or_default());
        let fields: Vec<&str> = objects.split_whitespace().collect();
        let mut found = fields.iter().step_by(5);
        let synset = found.next().filter(|synset| is_synset(synset));
        let (Some(synset), false) = (synset, image.is_empty() || !fields.len().is_multiple_of(5)) else {
            return Err(format!("line {line}: {objects:?} is no list of synsets with boxes; {FETCH}"));
        };
        if let Some(other) = found.find(|other| *other != synset) {
            return Err(format!("line {line}: {image} is {synset} and {other}; {FETCH}"));
        }
        if synsets.insert(image.to_owned(), (*synset).to_owned()).is_some_and(|before| before != *synset) {
            return Err(format!(
                "line {line}: {image} is there twice, of another synset; remove one of them"
            ));
        }
    }
    if synsets.is_empty() {
        return Err(format!("{} has no row; {FETCH}", name_of(path)));
    }
    Ok(synsets)
}

/// The synsets of a development kit, and the file that says so, if there is one.
fn known(places: &Places, unpacked: u64) -> Result<Option<(PathBuf, Vec<Synset>)>, StudyError> {
    let (path, found) = if let Some(path) = places.text(NUMBERS) {
        let text = text(&path, unpacked)?;
        (path, lines(&text))
    } else if let Some(path) = places.text(META) {
        let found = synsets(&read(&path, FETCH, unpacked)?, unpacked);
        (path, found.map_err(|reason| format!("{reason}; {FETCH}")))
    } else {
        return Ok(None);
    };
    let found = found.map_err(|reason| unusable(&path, reason))?;
    Ok(Some((path, found)))
}

/// Those of lines `n02119789 1 kit_fox`.
fn lines(text: &str) -> Result<Vec<Synset>, String> {
    let synset = |(at, line): (usize, &str)| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let number = fields.get(1).and_then(|number| number.parse().ok());
        let (Some(id), Some(number)) = (fields.first().filter(|id| is_synset(id)), number) else {
            return Err(format!("line {}: {line:?} is no synset with its number; {FETCH}", at + 1));
        };
        let words = fields.get(2).map_or_else(String::new, |words| words.replace('_', " "));
        Ok(Synset { number, id: (*id).to_owned(), words })
    };
    text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).map(synset).collect()
}

/// Synsets by their numbers.
fn by_number(known: Vec<Synset>) -> Result<HashMap<u32, String>, String> {
    let mut numbers = HashMap::new();
    for Synset { number, id, .. } in known {
        if numbers.insert(number, id).is_some() {
            return Err(format!("has number {number} twice; {FETCH}"));
        }
    }
    Ok(numbers)
}

/// Synsets of numbered images: line `i`, from 1, is the number of `ILSVRC2012_val_0000000i`.
fn numbered(
    text: &str,
    images: usize,
    numbers: &HashMap<u32, String>,
) -> Result<BTreeMap<String, String>, String> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let count = lines.iter().rposition(|line| !line.is_empty()).map_or(0, |last| last + 1);
    if count != images {
        return Err(format!(
            "has {count} lines for {images} images of val; {FETCH}, or unpack the images again"
        ));
    }
    let synset = |(at, line): (usize, &&str)| {
        let number = line.parse().ok();
        let synset = number.and_then(|number: u32| numbers.get(&number));
        let synset = synset.ok_or_else(|| format!("line {}: {line:?} is no number of a synset", at + 1))?;
        Ok((format!("ILSVRC2012_val_{:08}", at + 1), synset.clone()))
    };
    lines[..count].iter().enumerate().map(synset).collect()
}

/// Names of synsets: the first word for each, with the synset where two have the same; the synset itself where no file
/// names any.
///
/// # Errors
/// [`StudyError::Data`] for a file that names some and not all.
pub(super) fn names(
    places: &Places,
    synsets: &[String],
    texts: &mut Vec<PathBuf>,
    unpacked: u64,
) -> Result<Vec<String>, StudyError> {
    let (path, names) = if let Some(path) = places.text(MAPPING) {
        let text = text(&path, unpacked)?;
        let pairs = text.lines().filter_map(|line| line.trim().split_once(char::is_whitespace));
        let names = pairs.map(|(synset, words)| (synset.to_owned(), first(words))).collect();
        (path, names)
    } else if let Some((path, known)) = known(places, unpacked)? {
        (path, known.into_iter().map(|Synset { id, words, .. }| (id, first(&words))).collect())
    } else {
        return Ok(synsets.to_vec());
    };
    let names: HashMap<String, String> = names;
    let named = synsets.iter().map(|synset| names.get(synset).filter(|name| !name.is_empty()));
    let Some(named) = named.collect::<Option<Vec<_>>>() else {
        let missing = synsets.iter().find(|synset| names.get(*synset).is_none_or(String::is_empty));
        let missing = missing.map_or("", String::as_str);
        return Err(unusable(
            &path,
            format!("names no {missing}, a folder of train; {FETCH}, or remove the file"),
        ));
    };
    let mut counts = HashMap::<&str, usize>::new();
    for name in &named {
        *counts.entry(name).or_default() += 1;
    }
    let unique = |(name, synset): (&&String, &String)| {
        if counts[name.as_str()] == 1 { (*name).clone() } else { format!("{name} ({synset})") }
    };
    let unique = named.iter().zip(synsets).map(unique).collect();
    if !texts.contains(&path) {
        texts.push(path);
    }
    Ok(unique)
}

/// The first word of `tench, Tinca tinca`.
fn first(words: &str) -> String {
    words.split(',').next().unwrap_or_default().trim().to_owned()
}

fn text(path: &Path, unpacked: u64) -> Result<String, StudyError> {
    let bytes = read(path, FETCH, unpacked)?;
    let text = String::from_utf8(bytes).map_err(|_| unusable(path, format!("is not UTF-8 text; {FETCH}")))?;
    Ok(text.trim_start_matches('\u{feff}').to_owned())
}
