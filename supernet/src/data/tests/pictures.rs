use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::data::picture::{Picture, unapplied};
use crate::data::{Background, LoadOptions};

fn read(path: &Path, image_size: usize) -> Result<Picture, String> {
    let options = LoadOptions { image_size, ..LoadOptions::default() };
    Picture::decode(&fs::read(path).unwrap(), &options)
}

#[derive(serde::Deserialize)]
struct Shown {
    grey: bool,
    tolerance: u8,
    pixels: Vec<u8>,
}

fn pictures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pictures")
}

/// Every colour type of PNG and JPEG, by `tests/pictures/make.py`.
#[test]
fn a_picture_is_read_as_a_viewer_shows_it_on_white() {
    let expected = fs::read(pictures().join("expected.json")).unwrap();
    let expected: BTreeMap<String, Shown> = serde_json::from_slice(&expected).unwrap();
    assert!(expected.len() > 40);
    let mut wrong = Vec::new();
    for (name, shown) in expected {
        let picture = read(&pictures().join(&name), 8).unwrap();
        let apart =
            picture.rgb.as_raw().iter().zip(&shown.pixels).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
        if apart > shown.tolerance || picture.grey != shown.grey || picture.rgb.len() != shown.pixels.len() {
            wrong.push(format!("{name}: {apart} levels apart, grey {}", picture.grey));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A JPEG is refused wherever it is cut off, and read with what cameras write behind it.
#[test]
fn a_jpeg_without_its_end_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.jpg");
    for name in ["rgb.jpg", "rgb-progressive.jpg", "turned6.jpg"] {
        let whole = fs::read(pictures().join(name)).unwrap();
        for length in 0..whole.len() {
            fs::write(&file, &whole[..length]).unwrap();
            let error = read(&file, 8).map(drop).unwrap_err();
            assert!(error.contains("cannot be decoded"), "{name} {length}: {error}");
        }
        fs::write(&file, [&whole[..], b"\xff\xe0 behind \xff\xda"].concat()).unwrap();
        read(&file, 8).unwrap();
    }
}

/// A line of pixels is cut to its middle one before it is scaled.
#[test]
fn long_pictures_take_no_more_memory_than_their_pixels() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.png");
    let line =
        image::RgbImage::from_fn(3_000_001, 1, |x, _| image::Rgb([u8::from(x == 1_500_000) * 200, 1, 2]));
    line.save(&file).unwrap();
    let picture = read(&file, 64).unwrap();
    assert!(picture.rgb.dimensions() == (64, 64) && picture.rgb.pixels().all(|pixel| pixel.0 == [200, 1, 2]));
}

/// A few hundred bytes that claim 60,000 x 60,000 pixels are refused before anything is decoded.
#[test]
fn what_a_picture_claims_is_checked_first() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.png");
    image::RgbImage::new(1, 1).save(&file).unwrap();
    let mut bytes = fs::read(&file).unwrap();
    // IHDR: width, height, and its checksum behind five more bytes.
    bytes[16..24].copy_from_slice(&[60_000_u32.to_be_bytes(), 60_000_u32.to_be_bytes()].concat());
    let mut checksum = flate2::Crc::new();
    checksum.update(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&checksum.sum().to_be_bytes());
    fs::write(&file, bytes).unwrap();
    let error = read(&file, 8).map(drop).unwrap_err();
    assert!(error.contains("60000 x 60000 pixels are more than") && error.contains("scale"), "{error}");
}

/// Half of red over a background, by hand: 0.5 * 255 + 0.5 b.
#[test]
fn a_background_can_be_chosen() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.png");
    image::ImageBuffer::from_pixel(4, 4, image::Rgba([0xffff_u16, 0, 0, 0x8000])).save(&file).unwrap();
    for (background, expected) in [
        (Background::WHITE, [255, 127, 127]),
        (Background([0; 3]), [128, 0, 0]),
        (Background([0, 100, 200]), [128, 50, 100]),
    ] {
        let options = LoadOptions { image_size: 4, background, ..LoadOptions::default() };
        let picture = Picture::decode(&fs::read(&file).unwrap(), &options).unwrap();
        assert_eq!((picture.rgb.get_pixel(1, 1).0, picture.grey), (expected, false));
    }
    image::GrayAlphaImage::from_pixel(4, 4, image::LumaA([9, 0])).save(&file).unwrap();
    let options = LoadOptions { image_size: 4, background: Background([1, 2, 3]), ..LoadOptions::default() };
    let picture = Picture::decode(&fs::read(&file).unwrap(), &options).unwrap();
    assert_eq!((picture.rgb.get_pixel(0, 0).0, picture.grey), ([1, 2, 3], false), "no grey any more");
}

/// A gamma chunk in front of the pixels, and one that sRGB overrides.
#[test]
fn colours_that_are_not_applied_are_told() {
    let chunk = |kind: &[u8; 4], data: &[u8]| {
        let mut checksum = flate2::Crc::new();
        checksum.update(kind);
        checksum.update(data);
        [&(data.len() as u32).to_be_bytes()[..], kind, data, &checksum.sum().to_be_bytes()].concat()
    };
    let plain = fs::read(pictures().join("rgb8.png")).unwrap();
    // Behind the signature and IHDR.
    let with = |chunks: &[u8]| unapplied(&[&plain[..33], chunks, &plain[33..]].concat());
    assert_eq!(with(&[]), None);
    assert_eq!(with(&chunk(b"gAMA", &45_455_u32.to_be_bytes())), None);
    let linear = chunk(b"gAMA", &100_000_u32.to_be_bytes());
    assert_eq!(with(&linear).unwrap(), "its gamma of 1 is not applied");
    assert_eq!(with(&[linear, chunk(b"sRGB", &[0])].concat()), None);
    let mut packer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packer, b"a profile of Adobe RGB").unwrap();
    let profile = chunk(b"iCCP", &[b"Adobe\0\0", &packer.finish().unwrap()[..]].concat());
    assert_eq!(with(&profile).unwrap(), "its colour profile is not sRGB, and is not applied");
}
