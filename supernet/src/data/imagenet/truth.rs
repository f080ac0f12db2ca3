//! The text files of `ImageNet`: which synset each validation image is of, and what synsets are called.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use bonas_study::StudyError;

use super::super::files::{name_of, read, unusable};
use super::is_synset;
use super::places::Places;

const SOLUTION: &str = "LOC_val_solution.csv";
const MAPPING: &str = "LOC_synset_mapping.txt";
const TRUTHS: [&str; 2] =
    ["ILSVRC2012_validation_ground_truth.txt", "ILSVRC2015_clsloc_validation_ground_truth.txt"];
const NUMBERS: &str = "map_clsloc.txt";
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
            let synsets = solution(&path, &text(&path, unpacked)?).map_err(|reason| unusable(&path, reason))?;
            return Ok(Self { synsets, files: vec![path] });
        }
        let Some(path) = TRUTHS.iter().find_map(|name| places.text(name)) else {
            let wanted = format!("{SOLUTION}, or {} with {NUMBERS}", TRUTHS[0]);
            let reason = format!(
                "holds images that are in no folder of a synset, and there are no labels: expected {wanted}, beside ILSVRC or \
                 train, or sort the images into folders of synsets"
            );
            return Err(unusable(&places.val, reason));
        };
        let Some(map) = places.text(NUMBERS) else {
            let reason = format!(
                "has numbers of ILSVRC, which are not the order of {MAPPING}: {NUMBERS} of the development kit of 2014 or later \
                 says which synsets they are; put it beside, or use {SOLUTION}"
            );
            return Err(unusable(&path, reason));
        };
        let numbers = numbers(&text(&map, unpacked)?).map_err(|reason| unusable(&map, reason))?;
        let synsets = numbered(&text(&path, unpacked)?, images, &numbers).map_err(|reason| unusable(&path, reason))?;
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
            return Err(format!("line {line}: {image} is there twice, of another synset; remove one of them"));
        }
    }
    if synsets.is_empty() {
        return Err(format!("{} has no row; {FETCH}", name_of(path)));
    }
    Ok(synsets)
}

/// Synsets of the numbers of ILSVRC: lines `n02119789 1 kit_fox`.
fn numbers(text: &str) -> Result<HashMap<u32, String>, String> {
    let mut numbers = HashMap::new();
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let mut fields = line.split_whitespace();
        let synset = fields.next().filter(|synset| is_synset(synset));
        let number = fields.next().and_then(|number| number.parse().ok());
        let (Some(synset), Some(number)) = (synset, number) else {
            return Err(format!("line {}: {line:?} is no synset with its number; {FETCH}", at + 1));
        };
        if numbers.insert(number, synset.to_owned()).is_some() {
            return Err(format!("line {}: {number} is there twice; {FETCH}", at + 1));
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
        return Err(format!("has {count} lines for {images} images of val; {FETCH}, or unpack the images again"));
    }
    let synset = |(at, line): (usize, &&str)| {
        let number = line.parse().ok();
        let synset = number.and_then(|number: u32| numbers.get(&number));
        let synset = synset.ok_or_else(|| format!("line {}: {line:?} is no number of {NUMBERS}", at + 1))?;
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
    let Some((path, name)) = places
        .text(MAPPING)
        .map(|path| (path, first_synonym as fn(&str) -> String))
        .or_else(|| places.text(NUMBERS).map(|path| (path, after_number as fn(&str) -> String)))
    else {
        return Ok(synsets.to_vec());
    };
    let text = text(&path, unpacked)?;
    let pairs = text.lines().filter_map(|line| line.trim().split_once(char::is_whitespace));
    let names: HashMap<&str, String> = pairs.map(|(synset, rest)| (synset, name(rest))).collect();
    let named = synsets.iter().map(|synset| names.get(synset.as_str()).filter(|name| !name.is_empty()));
    let Some(named) = named.collect::<Option<Vec<_>>>() else {
        let missing = synsets.iter().find(|synset| names.get(synset.as_str()).is_none_or(String::is_empty));
        let missing = missing.map_or("", String::as_str);
        return Err(unusable(&path, format!("names no {missing}, a folder of train; {FETCH}, or remove the file")));
    };
    let mut counts = HashMap::<&str, usize>::new();
    named.iter().for_each(|name| *counts.entry(name).or_default() += 1);
    let unique = |(name, synset): (&&String, &String)| {
        if counts[name.as_str()] == 1 { (*name).clone() } else { format!("{name} ({synset})") }
    };
    let unique = named.iter().zip(synsets).map(unique).collect();
    if !texts.contains(&path) {
        texts.push(path);
    }
    Ok(unique)
}

/// Of `tench, Tinca tinca`.
fn first_synonym(text: &str) -> String {
    text.split(',').next().unwrap_or_default().trim().to_owned()
}

/// Of `1 kit_fox`.
fn after_number(text: &str) -> String {
    text.split_whitespace().nth(1).unwrap_or_default().replace('_', " ")
}

fn text(path: &Path, unpacked: u64) -> Result<String, StudyError> {
    let bytes = read(path, FETCH, unpacked)?;
    let text = String::from_utf8(bytes).map_err(|_| unusable(path, format!("is not UTF-8 text; {FETCH}")))?;
    Ok(text.trim_start_matches('\u{feff}').to_owned())
}
