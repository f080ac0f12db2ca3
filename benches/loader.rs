//! Photographs on their way to a network: our loader, and PyTorch's beside it.
//!
//! 500 x 375 JPEGs become batches of random crops of 224 pixels, flipped and normalised, on all cores. `BONAS_BENCH_PYTHON` names
//! a Python with torch and torchvision (default `python3`); without them only our side is measured. `BONAS_BENCH_IMAGES` is the
//! number of images (default 1000), `BONAS_BENCH_FOLDER` a folder of images by class that is read in place of those.

// A bench reports to the terminal.
#![allow(clippy::print_stdout)]

#[allow(dead_code, reason = "the clock is that of one thread")]
mod support;

use std::path::{Path, PathBuf};
use std::time::Instant;
use std::{env, fs};

use bonas::study::cores;
use bonas::study::rng::stream;
use bonas::supernet::data::{
    Augment, BatchOptions, Dataset, Jitter, LoadOptions, Loader, RandomCrop, Source,
};
use image::codecs::jpeg::JpegEncoder;
use image::{Rgb, RgbImage};
use support::python;

const BATCH: usize = 64;
const EPOCHS: usize = 3;

/// Writes photograph-like JPEGs in two classes: smooth shapes with some noise.
fn write(folder: &Path, images: usize) -> anyhow::Result<()> {
    let mut state = 1_u32;
    let mut noise = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 28) as f32
    };
    for class in ["a", "b"] {
        fs::create_dir_all(folder.join(class))?;
    }
    for i in 0..images {
        let angle = i as f32;
        let picture = RgbImage::from_fn(500, 375, |x, y| {
            let (x, y) = (x as f32 / 40.0, y as f32 / 30.0);
            Rgb([0.0, 2.1, 4.2].map(|hue| {
                let wave = (x + angle + hue).sin() * (y - angle).cos() + (x * y / 5.0 + hue).sin();
                (120.0 + 55.0 * wave + noise()) as u8
            }))
        });
        let class = if i % 2 == 0 { "a" } else { "b" };
        let file = fs::File::create(folder.join(class).join(format!("{i:06}.jpg")))?;
        JpegEncoder::new_with_quality(file, 90).encode_image(&picture)?;
    }
    Ok(())
}

/// Images a second of batches of the images, all of them several times.
fn batches(data: &Dataset, augment: Augment, threads: usize) -> anyhow::Result<f64> {
    let loader = Loader::new(data.train.clone(), &data.normalisation, augment)?.with_threads(threads);
    let indices: Vec<usize> = (0..data.train.len()).collect();
    let (begun, mut made) = (Instant::now(), 0);
    for epoch in 0..EPOCHS as u64 {
        let rng = &mut stream(0, &[epoch]);
        let mut batches = loader.shuffled(&indices, BatchOptions::new(BATCH), rng)?.ahead();
        while let Some(batch) = batches.next_batch() {
            made += batch.n;
        }
    }
    Ok(made as f64 / begun.elapsed().as_secs_f64())
}

/// Prints our side.
fn ours(folder: &Path) -> anyhow::Result<()> {
    let options = LoadOptions { image_size: 224, resize: Some(256), ..LoadOptions::default() };
    let begun = Instant::now();
    let data = Source::directory(folder).load(&options)?;
    let read = (data.train.len() + data.test.len()) as f64 / begun.elapsed().as_secs_f64();
    println!("bonas    decoded and scaled, once a search                 {read:8.0}");
    let crop = Some(RandomCrop { scale: 0.08, ratio: 4.0 / 3.0 });
    let crops = Augment { crop, flip: true, ..Augment::none() };
    let jitter = Some(Jitter { brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.2 });
    let made = [batches(&data, crops, cores())?, batches(&data, crops, 1)?];
    println!("bonas    batches of crops, every epoch                     {:8.0}", made[0]);
    println!("bonas    the same on one thread                            {:8.0}", made[1]);
    let coloured = batches(&data, Augment { jitter, ..crops }, cores())?;
    println!("bonas    batches of crops with colour jitter, every epoch  {coloured:8.0}");
    Ok(())
}

fn main() -> anyhow::Result<()> {
    let written = tempfile::tempdir()?;
    let folder = if let Some(folder) = env::var_os("BONAS_BENCH_FOLDER") {
        println!("images of {}, {} cores; images a second", folder.display(), cores());
        PathBuf::from(folder)
    } else {
        let images = env::var("BONAS_BENCH_IMAGES").map_or(Ok(1000), |text| text.parse())?;
        write(written.path(), images)?;
        println!("{images} JPEGs of 500 x 375 pixels, {} cores; images a second", cores());
        written.path().to_owned()
    };
    ours(&folder)?;
    let arguments = [folder.display().to_string(), BATCH.to_string(), cores().to_string()];
    match python("loader.py", &arguments) {
        Some(text) => print!("{text}"),
        None => println!("PyTorch  not measured: BONAS_BENCH_PYTHON has no torch and torchvision"),
    }
    Ok(())
}
