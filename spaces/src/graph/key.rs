//! The key of an architecture.

use std::fmt;
use std::str::FromStr;

use crate::error::SpaceError;

/// A 128-bit identifier: two architectures are the same if and only if their keys are equal.
///
/// It is BLAKE3 of a canonical form (see [`crate::graph::canonical`]), cut to 128 bits: stable across
/// processes, platforms and releases. Two different architectures share a key with probability
/// 2⁻¹²⁸ a pair.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key([u8; 16]);

impl Key {
    /// The key of a canonical form.
    pub fn of(canonical_form: &[u8]) -> Self {
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&blake3::hash(canonical_form).as_bytes()[..16]);
        Self(bytes)
    }

    /// The key with these bytes, those of [`to_bytes`](Self::to_bytes).
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes.
    pub fn to_bytes(self) -> [u8; 16] {
        self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({self})")
    }
}

impl FromStr for Key {
    type Err = SpaceError;

    fn from_str(text: &str) -> Result<Self, SpaceError> {
        let bad = || SpaceError::Notation {
            text: text.to_owned(),
            notation: "an architecture key",
            reason: format!("{} characters given, expected 32 hexadecimal digits", text.chars().count()),
        };
        if text.len() != 32 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(bad());
        }
        let value = u128::from_str_radix(text, 16).map_err(|_| bad())?;
        Ok(Self(value.to_be_bytes()))
    }
}
