//! The bytes of a saved model: what it is, the version of its form, a checksum, and the model.

use super::{Saved, unwritten};
use crate::error::SurrogateError;

/// How the bytes begin.
const MAGIC: &[u8; 16] = b"bonas surrogate\n";

/// Version of what follows. Raise it with every change of the bytes or of what they mean: of a fitted model's fields,
/// and of the features that its columns name.
const VERSION: u32 = 4;

/// Length of the checksum, which is BLAKE3 of the rest.
const CHECKSUM: usize = blake3::OUT_LEN;

impl Saved {
    /// The contents of a file: 16 bytes that say what it is, the version of its form, a checksum, and the model.
    ///
    /// # Errors
    /// [`SurrogateError::File`] for a model that has no bytes.
    pub fn to_bytes(&self) -> Result<Vec<u8>, SurrogateError> {
        let body = postcard::to_stdvec(self).map_err(|error| unwritten(&self.surrogate, &error))?;
        let checksum = blake3::hash(&body);
        Ok([MAGIC, &VERSION.to_le_bytes()[..], checksum.as_bytes(), &body].concat())
    }

    /// Reads [`to_bytes`](Self::to_bytes).
    ///
    /// # Errors
    /// [`SurrogateError::Version`] for bytes of another version; [`SurrogateError::File`] for others that are no saved
    /// model, are cut short or were changed.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SurrogateError> {
        let none = || {
            SurrogateError::file(
                "it is no saved surrogate; make one with `bonas fit` (in a program: Predict::save)",
            )
        };
        let rest = bytes.strip_prefix(MAGIC).ok_or_else(none)?;
        let (version, rest) = rest.split_first_chunk().ok_or_else(|| damaged("it is cut short"))?;
        let found = u32::from_le_bytes(*version);
        if found != VERSION {
            return Err(SurrogateError::Version { found, expected: VERSION });
        }
        let (checksum, body) =
            rest.split_first_chunk::<CHECKSUM>().ok_or_else(|| damaged("it is cut short"))?;
        if blake3::hash(body) != *checksum {
            return Err(damaged("its checksum is wrong, so that it is cut short or was changed"));
        }
        postcard::from_bytes(body).map_err(|error| damaged(&format!("it cannot be read ({error})")))
    }
}

fn damaged(what: &str) -> SurrogateError {
    SurrogateError::file(format!("{what}; copy it again, or fit and save the model again"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_say_what_is_wrong_with_them() {
        let saved = Saved::of("mine", &(1u32, 0.5f64)).unwrap().of_space("toy").with_note("rows", "20");
        let bytes = saved.to_bytes().unwrap();
        assert_eq!(Saved::from_bytes(&bytes).unwrap(), saved);
        assert_eq!(saved.content::<(u32, f64)>("mine").unwrap(), (1, 0.5));
        let refused = |bytes: &[u8]| Saved::from_bytes(bytes).unwrap_err().to_string();
        for end in 0..bytes.len() {
            let error = refused(&bytes[..end]);
            assert!(error.contains("no saved surrogate") || error.contains("cut short"), "{end}: {error}");
        }
        let mut other = bytes.clone();
        other[MAGIC.len()] = 9;
        assert!(refused(&other).contains("version 9"), "{}", refused(&other));
        assert!(refused(&[&bytes[..], b"x"].concat()).contains("checksum"));
    }

    #[test]
    fn content_of_another_surrogate_or_form_is_refused() {
        let saved = Saved::of("mine", &(1u32, 0.5f64)).unwrap();
        let error = saved.content::<(u32, f64)>("other").unwrap_err().to_string();
        assert!(error.contains("a model of mine, not of other"), "{error}");
        assert!(saved.content::<(u32, f64, f64)>("mine").unwrap_err().to_string().contains("cannot be read"));
        assert!(
            saved.content::<u32>("mine").unwrap_err().to_string().contains("8 bytes of mine are left over")
        );
        let error = saved.expect_space("darts").unwrap_err().to_string();
        assert!(error.contains("one without a name") && error.contains("darts"), "{error}");
    }
}
