//! The key of an architecture.

use std::fmt;
use std::str::FromStr;

use crate::error::SpaceError;
use crate::graph::vocabulary::{TAG, Vocabulary};

/// A 128-bit identifier: two architectures are the same if and only if their keys are equal.
///
/// The first 4 bytes are the [tag](Vocabulary::tag) of the operations, the same for all architectures of a space: equal
/// graphs of different operations have different keys. The other 12 are BLAKE3 of a canonical form (see
/// [`crate::graph::canonical`]). Keys are stable across processes, platforms and releases. Two different architectures
/// of a space share a key with probability 2⁻⁹⁶ a pair.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key([u8; 16]);

impl Key {
    /// The key of a canonical form whose labels are operations of `vocabulary`.
    pub fn of(vocabulary: &Vocabulary, canonical_form: &[u8]) -> Self {
        let mut bytes = [0; 16];
        let (tag, form) = bytes.split_at_mut(TAG);
        tag.copy_from_slice(&vocabulary.tag());
        form.copy_from_slice(&blake3::hash(canonical_form).as_bytes()[..16 - TAG]);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Role;

    /// Equal forms of different operations differ in the first four bytes, and in no others.
    #[test]
    fn a_key_begins_with_the_tag_of_its_operations() {
        let [one, other] = ["conv", "pool"].map(|name| Vocabulary::new(1, [(name, Role::Compute)]).unwrap());
        let [a, b, c] =
            [(&one, b"x"), (&other, b"x"), (&one, b"y")].map(|(of, form)| Key::of(of, form).to_bytes());
        assert_eq!((&a[..TAG], &b[..TAG]), (&one.tag()[..], &other.tag()[..]));
        assert_ne!(a[..TAG], b[..TAG]);
        assert_eq!(a[TAG..], b[TAG..]);
        assert_eq!(a[..TAG], c[..TAG]);
        assert_ne!(a[TAG..], c[TAG..]);
    }
}
