//! The image files of a listing read into a dataset.

use std::path::Path;

use bonas_study::{StudyError, cores, parallel, rng};

use super::augment::Augment;
use super::begun::sweep;
use super::dataset::Dataset;
use super::decoded::{DecodedFiles, decoded_folder};
use super::fault::{DataFault, FaultKind};
use super::files::unusable;
use super::images::{ImageShape, Images};
use super::listing::{ImageFile, Listing, Part, Use, refuse};
use super::options::{LoadOptions, OnBad};
use super::picture::Picture;
use super::pixels::Pixels;
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
    let decoded = Decoded::of(&listing, options)?;
    if options.on_bad == OnBad::Stop && !decoded.bad.is_empty() {
        return Err(refused(&listing, &decoded.bad));
    }
    refuse(&listing.class_faults(Use::Reading, |i| decoded.is_read[i]))?;
    let bad = decoded.bad.clone();
    let mut is_read = decoded.is_read.iter();
    listing.files.retain(|_| *is_read.next().unwrap_or(&false));
    let mut data = assembled(name, &listing, decoded, options)?;
    data.left_out = bad;
    Ok(data)
}

/// All files of a listing as pixels, `[n, c, h, w]`, of one channel if all are grey.
struct Decoded {
    /// Of all files, in their order; zeros where one cannot be read.
    pixels: Pixels,
    shape: ImageShape,
    /// Whether each file can be read.
    is_read: Vec<bool>,
    /// Those that cannot, in the order of the files.
    bad: Vec<DataFault>,
}

impl Decoded {
    /// Decodes on all cores, into memory or a file, or finds the file that an earlier process wrote.
    ///
    /// # Errors
    /// [`StudyError::Data`] where the file cannot be written or read.
    fn of(listing: &Listing, options: &LoadOptions) -> Result<Self, StudyError> {
        let (files, side) = (&listing.files, options.side());
        let size = 3 * side * side;
        if options.decoded(files.len()) <= options.memory {
            let mut pixels = vec![0; files.len() * size]; // [n, 3, h, w]
            let Found { grey, bad, .. } = decode(files, options, |i, planes| {
                pixels[i * size..][..size].copy_from_slice(planes);
                Ok(())
            })?;
            let channels = if grey { 1 } else { 3 };
            compact(&mut pixels, size, channels * side * side);
            return Ok(Self::new(files, pixels.into(), ImageShape::new(channels, side, side), bad));
        }
        Self::in_file(files, options, &decoded_folder()?)
    }

    /// Finds the file in a folder that an earlier process wrote, or writes it.
    fn in_file(files: &[ImageFile], options: &LoadOptions, folder: &Path) -> Result<Self, StudyError> {
        let side = options.side();
        let size = 3 * side * side;
        let kept = DecodedFiles::of(folder, files, options)?;
        sweep(folder);
        let (pixels, facts) = if let Some(there) = kept.read(files.len(), size)? {
            there
        } else {
            let mut writer = kept.write(files.len(), size)?;
            let Found { grey, bad, unread } = decode(files, options, |i, planes| writer.image(i, planes))?;
            // What does not depend on the files as they were, or was decoded while they changed, is used this once.
            let keep = kept.tell_of(&unread) && kept == DecodedFiles::of(folder, files, options)?;
            writer.finish(if grey { 1 } else { 3 }, bad, keep)?
        };
        Ok(Self::new(files, pixels, ImageShape::new(facts.channels, side, side), facts.bad))
    }

    fn new(files: &[ImageFile], pixels: Pixels, shape: ImageShape, bad: Vec<(usize, String)>) -> Self {
        let mut is_read = vec![true; files.len()];
        for (i, _) in &bad {
            is_read[*i] = false;
        }
        let fault =
            |(i, reason): (usize, String)| DataFault::new(FaultKind::Unreadable, &files[i].path, reason);
        Self { pixels, shape, is_read, bad: bad.into_iter().map(fault).collect() }
    }
}

/// What files turned out to be.
struct Found {
    /// Whether all are grey.
    grey: bool,
    /// Places and reasons of those that are no images, or cannot be read, in the order of the files.
    bad: Vec<(usize, String)>,
    /// Places of those whose bytes cannot be read.
    unread: Vec<usize>,
}

/// Why a file has no pixels.
enum NoPicture {
    /// Its bytes cannot be read.
    Unread(String),
    /// Its bytes are no image.
    Undecodable(String),
}

/// Decodes files on all cores, and hands on the planes `[3, h, w]` of each that can be read.
fn decode(
    files: &[ImageFile],
    options: &LoadOptions,
    mut hand_on: impl FnMut(usize, &[u8]) -> Result<(), StudyError>,
) -> Result<Found, StudyError> {
    let (mut found, mut done) = (Found { grey: true, bad: Vec::new(), unread: Vec::new() }, Ok(()));
    let read = |i: usize| -> Result<_, NoPicture> {
        let bytes = files[i].bytes().map_err(NoPicture::Unread)?;
        let picture = Picture::decode(&bytes, options).map_err(NoPicture::Undecodable)?;
        Ok((planes(&picture), picture.grey))
    };
    parallel(files.len(), cores(), read, |i, picture| {
        match picture {
            Ok((planes, grey)) => {
                found.grey &= grey;
                done = hand_on(i, &planes);
            }
            Err(NoPicture::Undecodable(reason)) => found.bad.push((i, reason)),
            Err(NoPicture::Unread(reason)) => {
                found.bad.push((i, reason));
                found.unread.push(i);
            }
        }
        done.is_ok()
    });
    done?;
    found.bad.sort_unstable();
    Ok(found)
}

/// Red, green and blue one after another, `[3, h, w]`.
fn planes(picture: &Picture) -> Vec<u8> {
    let pixels = picture.rgb.as_raw().as_chunks::<3>().0;
    let mut planes = Vec::with_capacity(3 * pixels.len());
    (0..3).for_each(|channel| planes.extend(pixels.iter().map(|pixel| pixel[channel])));
    planes
}

/// Keeps the first `kept` of each `size` pixels. The planes of a grey image are equal.
fn compact(pixels: &mut Vec<u8>, size: usize, kept: usize) {
    if kept == size {
        return;
    }
    let images = pixels.len() / size;
    for i in 0..images {
        pixels.copy_within(i * size..i * size + kept, i * kept);
    }
    pixels.truncate(images * kept);
}

/// The dataset of the files of a listing that were read, in the parts that it says.
fn assembled(
    name: &str,
    listing: &Listing,
    decoded: Decoded,
    options: &LoadOptions,
) -> Result<Dataset, StudyError> {
    let unusable = |reason: String| unusable(&listing.origin, reason);
    let Decoded { pixels, shape, is_read, bad } = decoded;
    let places = (0..is_read.len()).filter(|&i| is_read[i]).collect();
    let order = (!bad.is_empty()).then_some(places);
    let labels: Vec<u16> = listing.files.iter().map(|file| file.label).collect();
    let all = Images::of_places(pixels, order, labels, shape, listing.classes.clone()).map_err(unusable)?;
    let all = all.with_middle(options.image_size)?;
    let (trained, validated) = (listing.count(Part::Train), listing.count(Part::Validation));
    let augment = Augment::photos(options.image_size);
    let part = |indices: std::ops::Range<usize>| all.select(&indices.collect::<Vec<_>>());
    if listing.has(Part::Test) {
        let (train, test) = (part(0..trained + validated)?, part(trained + validated..all.len())?);
        let data = Dataset::checked(name, train, test, augment).map_err(unusable)?;
        return with_validation(data, trained..trained + validated).map_err(unusable);
    }
    // The test part is drawn from all images that do not validate, which come first.
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

#[cfg(test)]
mod tests {
    use std::fs::{self, File};

    use image::{Rgb, RgbImage};

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let mut names: Vec<_> = names.map(|path| path.extension().unwrap().display().to_string()).collect();
        names.sort();
        names
    }

    /// Undecodable and missing files are kept as such; a file that is there and could not be read may be read next time.
    #[test]
    fn what_could_not_be_read_is_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let cache = at("cache");
        RgbImage::from_pixel(4, 4, Rgb([1, 2, 3])).save(at("good.png")).unwrap();
        fs::write(at("page.png"), "<html>").unwrap();
        // Its bytes cannot be read, whoever reads.
        fs::create_dir(at("folder.png")).unwrap();
        let options = LoadOptions { image_size: 4, ..LoadOptions::default() };
        let file = |name: &str| ImageFile { path: at(name), label: 0, part: Part::All };
        let read = |names: &[&str]| {
            let files: Vec<_> = names.iter().map(|name| file(name)).collect();
            let decoded = Decoded::in_file(&files, &options, &cache).unwrap();
            assert_eq!(decoded.pixels[..48], [[1; 16], [2; 16], [3; 16]].concat());
            decoded.is_read
        };
        assert_eq!(read(&["good.png", "page.png", "folder.png"]), [true, false, false]);
        assert_eq!(names(&cache), [""; 0]);
        // The next to look takes away what was left behind, whether or not it decodes.
        for expected in [["json", "pixels"]; 2] {
            File::create(cache.join("0.begun")).unwrap();
            assert_eq!(read(&["good.png", "page.png", "none.png"]), [true, false, false]);
            assert_eq!(names(&cache), expected);
        }
        // Missing files that are there now are read.
        fs::copy(at("good.png"), at("none.png")).unwrap();
        assert_eq!(read(&["good.png", "page.png", "none.png"]), [true, false, true]);
    }
}
