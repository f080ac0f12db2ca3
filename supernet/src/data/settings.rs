//! Settings of the images.

use bonas_study::settings::ensure;

use super::options::{Background, LoadOptions, OnBad};

bonas_study::settings! {
    /// The images, and how the training part is divided.
    pub struct DataSettings {
        /// Where the images are: a kind of dataset and its place, such as cifar10:DIRECTORY (`bonas list datasets` prints all
        /// of them), or a directory that holds one.
        source: String = "digits".to_owned(),
        /// Training images used at most, those of a validation part among them, drawn evenly from the classes; 0: all.
        limit: usize = 0,
        /// Share of the training images held out to score architectures, where the data have no validation part; test images
        /// are never used in a search.
        validation: f64 = 0.3,
        /// Seed of the split into training and validation.
        split_seed: u64 = 0,
        /// Side in pixels that image files are scaled to.
        image_size: usize = 32,
        /// Side in pixels that image files are scaled to where less than all is seen: networks are scored on the middle image_size
        /// pixels of it, and training draws its crops from all of it. ImageNet's usual ones are 256 and 224. image_size if it is
        /// not set.
        resize: Option<usize> = None,
        /// Share of a folder or manifest without a test part that becomes the test part.
        test_fraction: f64 = 0.2,
        /// Both sides of the images are divided by this, each pixel the mean of a square: 2 makes
        /// 16x16 images of CIFAR-10's, which cost a quarter.
        shrink: usize = 1,
        /// Most megabytes (of 2^20 bytes) that a gzip file or a file of NumPy is unpacked to; 2048 if it is not set.
        unpacked_megabytes: Option<u32> = None,
        /// Most megabytes (of 2^20 bytes) of decoded image files that are kept in memory. More are kept in a file of the cache
        /// folder, `~/.cache/bonas/images`, which later searches on the same files read; 2048 if it is not set.
        memory_megabytes: Option<u32> = None,
        /// What becomes of an image file that cannot be read: stop (all of them are counted and listed), or skip
        /// (they are left out, and said at the start). stop if it is not set.
        on_bad: Option<OnBad> = None,
        /// The colour that transparent image files are laid on: white, black or "#rrggbb". white if it is not set.
        background: Option<Background> = None,
    }
    check(s) {
        let share = |x: f64| x > 0.0 && x < 1.0;
        ensure(share(s.validation), "validation", s.validation, "a share between 0 and 1")?;
        ensure(share(s.test_fraction), "test_fraction", s.test_fraction, "a share between 0 and 1")?;
        ensure((4..=1024).contains(&s.image_size), "image_size", s.image_size, "4 to 1024 pixels")?;
        let resize = s.resize.unwrap_or(s.image_size);
        ensure((s.image_size..=2048).contains(&resize), "resize", resize, "data.image_size to 2048 pixels")?;
        let unpacked = s.unpacked_megabytes.unwrap_or(1);
        ensure(unpacked >= 1, "unpacked_megabytes", unpacked, "1 or more")?;
        ensure(s.shrink >= 1, "shrink", s.shrink, "1 or more, a divisor of the images' sides")?;
        let centred = s.options().shrinks_around_the_middle();
        ensure(centred, "resize", resize, "data.image_size and a multiple of twice data.shrink")?;
        ensure(i64::try_from(s.split_seed).is_ok(), "split_seed", s.split_seed, "0 to 9223372036854775807")
    }
}

impl DataSettings {
    /// How the images are read.
    pub fn options(&self) -> LoadOptions {
        let unpacked = self.unpacked_megabytes.map(|megabytes| u64::from(megabytes) << 20);
        let memory = self.memory_megabytes.map(|megabytes| u64::from(megabytes) << 20);
        LoadOptions {
            image_size: self.image_size,
            resize: self.resize,
            test_fraction: self.test_fraction,
            split_seed: self.split_seed,
            shrink: self.shrink,
            unpacked: unpacked.unwrap_or(LoadOptions::default().unpacked),
            memory: memory.unwrap_or(LoadOptions::default().memory),
            on_bad: self.on_bad.unwrap_or_default(),
            background: self.background.unwrap_or(Background::WHITE),
        }
    }
}
