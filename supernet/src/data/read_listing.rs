//! The image files of a listing read into a dataset.

use bonas_study::{StudyError, cores, parallel, rng};

use super::augment::Augment;
use super::dataset::Dataset;
use super::fault::{DataFault, FaultKind};
use super::files::unusable;
use super::images::{ImageShape, Images};
use super::listing::{Listing, Part, Use, refuse};
use super::options::{LoadOptions, OnBad};
use super::picture::Picture;
use super::split::Split;

/// Most files that an error lists.
const SHOWN: usize = 20;

/// Reads the files of a listing. Those that cannot be read are an error that lists them, or are left out.
///
/// # Errors
/// [`StudyError::Data`] for the gravest fault of the listing, for files that cannot be read, and for classes that too
/// many of them are missing from; [`StudyError::Setting`] for an option out of its range.
pub(super) fn read(name: &str, mut listing: Listing, options: &LoadOptions) -> Result<Dataset, StudyError> {
    options.check()?;
    listing.expect_usable()?;
    refuse(&listing.class_faults(Use::Reading, |_| true))?;
    let decoded = Decoded::of(&listing, options);
    if options.on_bad == OnBad::Stop && !decoded.bad.is_empty() {
        return Err(refused(&listing, &decoded.bad));
    }
    refuse(&listing.class_faults(Use::Reading, |i| decoded.is_read[i]))?;
    let Decoded { pixels, shape, is_read, bad } = decoded;
    let mut is_read = is_read.into_iter();
    listing.files.retain(|_| is_read.next().unwrap_or(false));
    let mut data = assembled(name, &listing, pixels, shape, options)?;
    data.left_out = bad;
    Ok(data)
}

/// All files of a listing as pixels, `[n, c, h, w]`, of one channel if all are grey.
struct Decoded {
    /// Of those that can be read.
    pixels: Vec<u8>,
    shape: ImageShape,
    /// Whether each file can be read.
    is_read: Vec<bool>,
    /// Those that cannot, in the order of the files.
    bad: Vec<DataFault>,
}

impl Decoded {
    /// Decodes on all cores.
    fn of(listing: &Listing, options: &LoadOptions) -> Self {
        let (files, side) = (&listing.files, options.image_size);
        let plane = side * side;
        let mut pixels = vec![0; files.len() * 3 * plane]; // [n, 3, h, w]
        let mut is_read = vec![false; files.len()];
        let (mut bad, mut grey) = (Vec::new(), true);
        let read = |i: usize| -> Result<_, String> {
            let picture = Picture::decode(&files[i].bytes()?, options)?;
            Ok((planes(&picture), picture.grey))
        };
        parallel(files.len(), cores(), read, |i, found| {
            match found {
                Ok((planes, is_grey)) => {
                    pixels[i * 3 * plane..][..3 * plane].copy_from_slice(&planes);
                    grey &= is_grey;
                    is_read[i] = true;
                }
                Err(reason) => bad.push((i, reason)),
            }
            true
        });
        bad.sort_unstable();
        let bad = bad.into_iter();
        let bad =
            bad.map(|(i, reason)| DataFault::new(FaultKind::Unreadable, &files[i].path, reason)).collect();
        let channels = if grey { 1 } else { 3 };
        compact(&mut pixels, &is_read, 3 * plane, channels * plane);
        Self { pixels, shape: ImageShape::new(channels, side, side), is_read, bad }
    }
}

/// Red, green and blue one after another, `[3, h, w]`.
fn planes(picture: &Picture) -> Vec<u8> {
    let pixels = picture.rgb.as_raw();
    (0..3).flat_map(|channel| pixels.iter().skip(channel).step_by(3).copied()).collect()
}

/// Keeps the first `kept` of each `size` pixels, of the images that are read. The planes of a grey image are equal.
fn compact(pixels: &mut Vec<u8>, is_read: &[bool], size: usize, kept: usize) {
    let mut end = 0;
    for (i, _) in is_read.iter().enumerate().filter(|(_, is_read)| **is_read) {
        pixels.copy_within(i * size..i * size + kept, end);
        end += kept;
    }
    pixels.truncate(end);
}

/// The dataset of files that were read, in the parts that the listing says.
fn assembled(
    name: &str,
    listing: &Listing,
    mut pixels: Vec<u8>,
    shape: ImageShape,
    options: &LoadOptions,
) -> Result<Dataset, StudyError> {
    let unusable = |reason: String| unusable(&listing.origin, reason);
    let mut labels: Vec<u16> = listing.files.iter().map(|file| file.label).collect();
    let images =
        |pixels, labels| Images::checked(pixels, labels, shape, listing.classes.clone()).map_err(unusable);
    let (trained, validated) = (listing.count(Part::Train), listing.count(Part::Validation));
    let augment = Augment::photos(options.image_size);
    if listing.has(Part::Test) {
        let test_labels = labels.split_off(trained + validated);
        let test_pixels = pixels.split_off((trained + validated) * shape.pixels());
        let (train, test) = (images(pixels, labels)?, images(test_pixels, test_labels)?);
        let data = Dataset::checked(name, train, test, augment).map_err(unusable)?;
        return with_validation(data, trained..trained + validated).map_err(unusable);
    }
    // The test part is drawn from all images that do not validate, which come first.
    let all = images(pixels, labels)?;
    let drawn = all.len() - validated;
    let rng = &mut rng::stream(options.split_seed, &[]);
    let split = Split::of_first(&all, drawn, options.test_fraction, rng)?;
    let (kept, validation) = (split.train.len(), drawn..all.len());
    let train = all.select(&split.train.into_iter().chain(validation).collect::<Vec<_>>())?;
    let test = all.select(&split.validation)?;
    let data = Dataset::checked(name, train, test, augment).map_err(unusable)?;
    with_validation(data.with_drawn_test(), kept..kept + validated).map_err(unusable)
}

/// The dataset whose training images end with those of a validation part, if there is one.
fn with_validation(data: Dataset, validation: std::ops::Range<usize>) -> Result<Dataset, String> {
    if validation.is_empty() {
        return Ok(data);
    }
    let train = (0..validation.start).collect();
    data.with_split(Split { train, validation: validation.collect() })
}

/// The error of files that cannot be read.
fn refused(listing: &Listing, bad: &[DataFault]) -> StudyError {
    let skip = "data.on_bad = \"skip\" leaves out what cannot be read, `bonas data check` lists it";
    if let [one] = bad {
        return unusable(&one.path, format!("{}; {skip}", one.detail));
    }
    let shown = bad.iter().take(SHOWN).map(|fault| format!("\n  {}: {}", fault.path.display(), fault.detail));
    let mut shown: Vec<String> = shown.collect();
    if let more @ 1.. = bad.len().saturating_sub(SHOWN) {
        shown.push(format!("\n  and {more} more"));
    }
    let all = listing.files.len();
    unusable(
        &listing.origin,
        format!("{} of {all} images cannot be read; {skip}{}", bad.len(), shown.concat()),
    )
}
