//! Entries of catalogues.

use bonas_spaces::catalogue::Entry;

use crate::SurrogateError;

/// One part in a catalogue (a surrogate, an acquisition or a selection): its name, one line about it, and its
/// constructor.
///
/// `P` is the trait object that is built, `S` the settings that the constructor reads.
/// [`crate::catalogue`] lists the entries of this crate.
#[derive(Debug)]
pub struct PartEntry<P: ?Sized, S = ()> {
    name: &'static str,
    about: &'static str,
    needs_torch: bool,
    build: fn(&S) -> Result<Box<P>, SurrogateError>,
}

impl<P: ?Sized, S> PartEntry<P, S> {
    /// An entry with a name in kebab-case and one line about it, without a full stop.
    pub const fn new(
        name: &'static str,
        about: &'static str,
        build: fn(&S) -> Result<Box<P>, SurrogateError>,
    ) -> Self {
        Self { name, about, needs_torch: false, build }
    }

    /// This entry, marked as one that needs libtorch.
    #[must_use]
    pub const fn with_torch(self) -> Self {
        Self { needs_torch: true, ..self }
    }

    /// The name that configurations and reports use.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// One line about the part.
    pub const fn about(&self) -> &'static str {
        self.about
    }

    /// Whether the part needs libtorch. Without feature `torch`, [`build`](Self::build) then fails.
    pub const fn needs_torch(&self) -> bool {
        self.needs_torch
    }

    /// Builds the part.
    ///
    /// # Errors
    /// [`SurrogateError::Setting`] for a setting out of its range, [`SurrogateError::NeedsTorch`] where
    /// libtorch is missing.
    pub fn build(&self, settings: &S) -> Result<Box<P>, SurrogateError> {
        (self.build)(settings)
    }
}

impl<P: ?Sized + 'static, S: 'static> Entry for PartEntry<P, S> {
    fn name(&self) -> &str {
        self.name
    }

    fn about(&self) -> &str {
        self.about
    }
}
