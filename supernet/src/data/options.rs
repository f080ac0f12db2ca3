//! How images are read.

use std::str::FromStr;

use bonas_study::StudyError;
use serde::{Deserialize, Serialize};

/// What becomes of an image file that cannot be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnBad {
    /// It is an error, which counts and lists all of them.
    #[default]
    Stop,
    /// It is left out.
    Skip,
}

/// The colour that transparent images are laid on: red, green, blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Background(pub [u8; 3]);

impl Background {
    /// White, which most viewers show.
    pub const WHITE: Self = Self([255; 3]);

    pub(super) fn is_grey(self) -> bool {
        self.0[0] == self.0[1] && self.0[1] == self.0[2]
    }
}

impl FromStr for Background {
    type Err = String;

    /// # Errors
    /// For a text other than `white`, `black` and `#rrggbb`.
    fn from_str(text: &str) -> Result<Self, String> {
        let hexadecimal = |digits: &str| {
            let is_colour = digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
            let number = u32::from_str_radix(digits, 16).ok().filter(|_| is_colour)?;
            let [_, red, green, blue] = number.to_be_bytes();
            Some(Self([red, green, blue]))
        };
        let found = match text {
            "white" => Some(Self::WHITE),
            "black" => Some(Self([0; 3])),
            _ => text.strip_prefix('#').and_then(hexadecimal),
        };
        found.ok_or_else(|| format!("{text:?} is no colour; expected white, black or #rrggbb"))
    }
}

impl TryFrom<String> for Background {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Background> for String {
    fn from(Background([red, green, blue]): Background) -> Self {
        format!("#{red:02x}{green:02x}{blue:02x}")
    }
}

/// How images are read. All but `shrink` and `unpacked` are about image files.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LoadOptions {
    /// Side of the square that image files are scaled to, in pixels; 4 to 1024.
    pub image_size: usize,
    /// Side of the square that image files are scaled to where it is larger than the one that is seen: the middle of it is seen
    /// in scoring, and random crops in training are drawn from all of it. None: all of the image is seen.
    pub resize: Option<usize>,
    /// Share that becomes the test part where a folder or manifest has none, class by class; inside `(0, 1)`.
    pub test_fraction: f64,
    /// Seed of that split.
    pub split_seed: u64,
    /// Both sides are divided by this, each pixel the mean of a square; 1: images as they are.
    pub shrink: usize,
    /// Most bytes that a gzip file is unpacked to.
    pub unpacked: u64,
    /// Most bytes of decoded image files that are kept in memory; more are kept in a file of the user's cache folder.
    pub memory: u64,
    /// What becomes of a file that cannot be read.
    pub on_bad: OnBad,
    /// What transparent images are laid on.
    pub background: Background,
}

/// Most bytes that a gzip file is unpacked to where nothing else is said: 2 GiB.
const UNPACKED: u64 = 2 << 30;
/// Most bytes of decoded images in memory where nothing else is said: 2 GiB.
const MEMORY: u64 = 2 << 30;

impl Default for LoadOptions {
    /// 32 pixels, all of which are seen; one fifth for testing; seed 0; nothing shrunk; 2 GiB unpacked and in memory; files that
    /// cannot be read are an error; on white.
    fn default() -> Self {
        Self {
            image_size: 32,
            resize: None,
            test_fraction: 0.2,
            split_seed: 0,
            shrink: 1,
            unpacked: UNPACKED,
            memory: MEMORY,
            on_bad: OnBad::Stop,
            background: Background::WHITE,
        }
    }
}

impl LoadOptions {
    /// Side of the square that image files are scaled to.
    pub(super) const fn side(&self) -> usize {
        match self.resize {
            Some(side) => side,
            None => self.image_size,
        }
    }

    /// Bytes of so many decoded image files, at most: three channels each.
    pub(super) fn decoded(&self, images: usize) -> u64 {
        3 * images as u64 * (self.side() as u64).pow(2)
    }

    /// Whether the middle of what is shrunk is the middle, shrunk: else training would see other pixels than are read of a file
    /// for a trained network.
    pub(super) const fn shrinks_around_the_middle(&self) -> bool {
        self.shrink == 1 || (self.side() - self.image_size).is_multiple_of(2 * self.shrink)
    }

    pub(super) fn check(&self) -> Result<(), StudyError> {
        let (name, value, valid) = if !(4..=1024).contains(&self.image_size) {
            ("image_size", self.image_size.to_string(), "4 to 1024")
        } else if !(self.image_size..=2048).contains(&self.side()) {
            ("resize", self.side().to_string(), "image_size to 2048")
        } else if !self.shrinks_around_the_middle() {
            ("resize", self.side().to_string(), "image_size and a multiple of twice shrink")
        } else if !(self.test_fraction > 0.0 && self.test_fraction < 1.0) {
            ("test_fraction", self.test_fraction.to_string(), "between 0 and 1")
        } else {
            return Ok(());
        };
        Err(StudyError::Setting { name: name.to_owned(), reason: format!("{value}; valid: {valid}") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_read_and_printed() {
        for (text, colour, printed) in [
            ("white", [255, 255, 255], "#ffffff"),
            ("black", [0, 0, 0], "#000000"),
            ("#10A0ff", [16, 160, 255], "#10a0ff"),
        ] {
            let background: Background = text.parse().unwrap();
            assert_eq!((background.0, String::from(background).as_str()), (colour, printed));
        }
        for text in ["", "red", "#12345", "#1234567", "#+12345", "#\u{e9}\u{e9}\u{e9}", "ffffff"] {
            assert!(
                text.parse::<Background>().unwrap_err().contains("expected white, black or #rrggbb"),
                "{text}"
            );
        }
    }
}
