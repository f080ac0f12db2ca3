//! Fitted surrogates as bytes.

pub(crate) mod by_name;
mod file;
pub(crate) mod matrix;

use std::collections::BTreeMap;

use bonas_spaces::{Architecture, Role, Vocabulary};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::SurrogateError;

/// A fitted surrogate in a form that can be written to a file and loaded again: what fitting found, the name of the
/// surrogate, and what tells its search space from others.
///
/// [`Predict::save`](crate::Predict::save) makes one, [`Self::to_bytes`] are the contents of a file, and
/// [`load_saved`](crate::catalogue::load_saved) makes a predictor of it that gives the same bits on the same machine.
///
/// ```
/// use bonas_surrogate::catalogue::load_saved;
/// use bonas_surrogate::models::Trees;
/// use bonas_surrogate::testing::{toy_architectures, toy_observations};
/// use bonas_surrogate::{Predict, Saved, Surrogate};
/// use rand::SeedableRng;
///
/// let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
/// let fitted = Trees::default().fit(&toy_observations(20, 1), &mut rng)?;
/// let bytes = fitted.save()?.of_space("toy").to_bytes()?; // what std::fs::write takes
/// let saved = Saved::from_bytes(&bytes)?;
/// saved.expect_space("toy")?;
/// let loaded = load_saved(&saved, &[])?;
/// let candidates = toy_architectures(5, 2);
/// assert_eq!(loaded.predict(&candidates)?, fitted.predict(&candidates)?);
/// # Ok::<(), bonas_surrogate::SurrogateError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Saved {
    surrogate: String,
    space: String,
    notes: BTreeMap<String, String>,
    home: Option<SavedHome>,
    content: Vec<u8>,
}

/// Cells and operations of a space: what architectures of one space have in common.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SavedHome {
    pub(crate) cells: usize,
    inputs: usize,
    /// Searchable operations, with the places of their roles in [`ROLES`].
    ops: Vec<(String, u8)>,
}

/// Roles of searchable operations.
const ROLES: [Role; 3] = [Role::Compute, Role::Identity, Role::Zero];

impl SavedHome {
    pub(crate) fn of(vocabulary: &Vocabulary, cells: usize) -> Self {
        let place = |role| ROLES.iter().position(|known| *known == role).unwrap_or(ROLES.len()) as u8;
        let op = |op| (vocabulary.name(op).to_owned(), place(vocabulary.role(op)));
        Self { cells, inputs: vocabulary.inputs(), ops: vocabulary.ops().map(op).collect() }
    }

    /// The operations.
    ///
    /// # Errors
    /// [`SurrogateError::File`] if they are no operations of a space.
    pub(crate) fn vocabulary(&self) -> Result<Vocabulary, SurrogateError> {
        let role = |place: u8| ROLES.get(usize::from(place)).copied().unwrap_or(Role::Plain);
        let ops = self.ops.iter().map(|(name, place)| (name.clone(), role(*place)));
        Vocabulary::new(self.inputs, ops).map_err(|error| SurrogateError::file(error.to_string()))
    }
}

impl Saved {
    /// A predictor of this surrogate with what fitting found; use it in [`Predict::save`](crate::Predict::save).
    ///
    /// # Errors
    /// [`SurrogateError::File`] for content that has no bytes.
    pub fn of(surrogate: &str, content: &impl Serialize) -> Result<Self, SurrogateError> {
        let content = postcard::to_stdvec(content).map_err(|error| unwritten(surrogate, &error))?;
        let (space, notes) = (String::new(), BTreeMap::new());
        Ok(Self { surrogate: surrogate.to_owned(), space, notes, home: None, content })
    }

    /// The name of the surrogate.
    pub fn surrogate(&self) -> &str {
        &self.surrogate
    }

    /// The name of the search space; empty if none was given.
    pub fn space(&self) -> &str {
        &self.space
    }

    /// This with the name of the search space.
    #[must_use]
    pub fn of_space(self, space: impl Into<String>) -> Self {
        Self { space: space.into(), ..self }
    }

    /// Notes of the program that saved it, such as what it was fitted to.
    pub fn notes(&self) -> &BTreeMap<String, String> {
        &self.notes
    }

    /// This with a note.
    #[must_use]
    pub fn with_note(mut self, key: impl Into<String>, text: impl Into<String>) -> Self {
        self.notes.insert(key.into(), text.into());
        self
    }

    /// Refuses a model of another search space by the space's name.
    ///
    /// # Errors
    /// [`SurrogateError::Space`] with both names.
    pub fn expect_space(&self, name: &str) -> Result<(), SurrogateError> {
        if self.space == name {
            return Ok(());
        }
        Err(SurrogateError::Space {
            surrogate: "the saved model",
            expected: if self.space.is_empty() { "one without a name".into() } else { self.space.clone() },
            found: name.to_owned(),
        })
    }

    /// Refuses a model that was fitted to architectures unlike this one, by cells and operations.
    ///
    /// # Errors
    /// [`SurrogateError::Space`] naming the operations.
    pub fn expect_like(&self, architecture: &Architecture) -> Result<(), SurrogateError> {
        let found = SavedHome::of(architecture.vocabulary(), architecture.cells().len());
        match &self.home {
            Some(home) if *home != found => Err(SurrogateError::Space {
                surrogate: "the saved model",
                expected: home.described(),
                found: found.described(),
            }),
            _ => Ok(()),
        }
    }

    /// What fitting found.
    ///
    /// # Errors
    /// [`SurrogateError::File`] for a model of another surrogate, or content that is not what is expected.
    pub fn content<T: DeserializeOwned>(&self, surrogate: &str) -> Result<T, SurrogateError> {
        if self.surrogate != surrogate {
            let reason = format!("it is a model of {}, not of {surrogate}; load it as that", self.surrogate);
            return Err(SurrogateError::file(reason));
        }
        let unread = |error| {
            let reason = format!("the content of {surrogate} cannot be read ({error}); save the model again");
            SurrogateError::file(reason)
        };
        match postcard::take_from_bytes(&self.content).map_err(unread)? {
            (content, []) => Ok(content),
            (_, rest) => {
                let reason =
                    format!("{} bytes of {surrogate} are left over; save the model again", rest.len());
                Err(SurrogateError::file(reason))
            }
        }
    }

    pub(crate) fn in_home(self, home: SavedHome) -> Self {
        Self { home: Some(home), ..self }
    }

    /// Cells and operations of the space, if the surrogate checks them.
    pub(crate) fn home(&self) -> Option<&SavedHome> {
        self.home.as_ref()
    }
}

impl SavedHome {
    fn described(&self) -> String {
        let names: Vec<&str> = self.ops.iter().map(|(name, _)| name.as_str()).collect();
        described(self.cells, &names)
    }
}

/// Cells and operations as an error names them.
pub(crate) fn described(cells: usize, names: &[&str]) -> String {
    /// Most operations that are named.
    const NAMED: usize = 12;
    let more = if names.len() > NAMED { format!(" and {} more", names.len() - NAMED) } else { String::new() };
    let cells = if cells == 1 { "1 cell".to_owned() } else { format!("{cells} cells") };
    format!("{cells} of {}{more}", names[..names.len().min(NAMED)].join(", "))
}

fn unwritten(surrogate: &str, error: &postcard::Error) -> SurrogateError {
    SurrogateError::file(format!("the content of {surrogate} cannot be written: {error}"))
}
