//! The embedded data set: 8x8 handwritten digits.

use std::path::Path;

use bonas_study::{StudyError, rng};

use super::augment::Augment;
use super::dataset::Dataset;
use super::entry::DatasetEntry;
use super::files::unusable;
use super::images::{ImageShape, Images, numbered};
use super::split::Split;

/// The embedded 8x8 digits, [`digits()`].
pub(super) const ENTRY: DatasetEntry = DatasetEntry {
    name: "digits",
    about: "8x8 grey digits inside the program, ten classes",
    places: &[],
    format: Some((ImageShape::new(1, 8, 8), 10)),
    is_in: |_| Ok(false),
    files: |_, _| Ok(Vec::new()),
    read: |_, _| digits(),
    list: None,
};

/// 64 grey values in 0..=16 and the label a line, no header. Source and licence:
/// `data/README.md`.
const CSV: &str = include_str!("../../data/digits.csv");
/// The file that is embedded, for errors.
const FILE: &str = "data/digits.csv";
const SHAPE: ImageShape = ImageShape::new(1, 8, 8);
/// Seed of the fixed split. Never change it: published figures depend on it.
const SPLIT_SEED: u64 = 0;
/// Share of the images that are for testing.
const TEST_FRACTION: f64 = 1.0 / 3.0;

/// The 1,797 handwritten digits of 13 writers at 1x8x8 that are embedded in this crate: 1,198 for
/// training and 599 for testing, always the same, every class split in the same proportion.
///
/// Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine
/// Learning Repository (CC BY 4.0), in the selection that scikit-learn ships (UCI's
/// `optdigits.tes`). Grey values 0..=16 are scaled to 0..=255 and rounded. A writer has images in
/// both parts, so the test accuracy is that for known handwriting.
///
/// # Errors
/// [`StudyError::Data`] if the crate was built from a damaged `data/digits.csv`.
pub fn digits() -> Result<Dataset, StudyError> {
    let all = parse(CSV)?;
    let split = Split::stratified(&all, TEST_FRACTION, &mut rng::stream(SPLIT_SEED, &[]))?;
    let (train, test) = (all.select(&split.train)?, all.select(&split.validation)?);
    Dataset::checked("digits", train, test, Augment::digits()).map_err(|reason| unusable(FILE, reason))
}

fn parse(csv: &str) -> Result<Images, StudyError> {
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for (at, line) in csv.lines().enumerate() {
        let row = parse_line(line).ok_or_else(|| {
            unusable(FILE, format!("line {}: not 64 values in 0..=16 and a digit; restore the file", at + 1))
        })?;
        // 0..=16 to 0..=255, rounded half up.
        pixels.extend(row[..64].iter().map(|&v| ((u32::from(v) * 255 + 8) / 16) as u8));
        labels.push(u16::from(row[64]));
    }
    Images::checked(pixels, labels, SHAPE, numbered(10)).map_err(|reason| unusable(Path::new(FILE), reason))
}

fn parse_line(line: &str) -> Option<Vec<u8>> {
    let row: Vec<u8> = line.split(',').map(|value| value.parse().ok()).collect::<Option<_>>()?;
    let valid = row.len() == 65 && row[..64].iter().all(|&v| v <= 16) && row[64] <= 9;
    valid.then_some(row)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn digits_has_the_published_counts() {
        let data = digits().unwrap();
        assert_eq!((data.train.len(), data.test.len()), (1198, 599));
        assert_eq!(data.train.shape(), SHAPE);
        let (train, test) = (data.train.class_counts(), data.test.class_counts());
        let all: Vec<usize> = train.iter().zip(&test).map(|(a, b)| a + b).collect();
        assert_eq!(all, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
        for (part, whole) in test.iter().zip(&all) {
            assert!(part.abs_diff(whole / 3) <= 1);
        }
    }

    #[test]
    fn grey_values_fill_the_byte() {
        let images = parse(CSV).unwrap();
        // First line of the file: 0,0,5,13,9,1,0,0, ... ,0.
        assert_eq!(images.image(0)[..8], [0, 0, 80, 207, 143, 16, 0, 0]);
        assert_eq!((images.labels()[0], images.pixels().iter().max()), (0, Some(&255)));
    }

    #[test]
    fn the_split_is_fixed() {
        let digest = |images: &Images| blake3::hash(&images.pixels()).to_hex()[..16].to_string();
        let data = digits().unwrap();
        assert_eq!([digest(&data.train), digest(&data.test)], ["e6a6cc0c982343bb", "5ffe6e2ead9fdbdf"]);
    }

    #[test]
    fn a_damaged_line_is_named() {
        let text = parse("0,1,17\n").unwrap_err().to_string();
        assert!(text.contains("data/digits.csv") && text.contains("line 1"), "{text}");
    }
}
