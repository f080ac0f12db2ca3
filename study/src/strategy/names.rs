//! Names of parts that stand in a catalogue of [`bonas_surrogate::catalogue`].

use std::fmt;

use bonas_spaces::SearchSpace;
use bonas_spaces::catalogue::{Catalogue, unknown};
use bonas_surrogate::acquisition::{AcquisitionSettings, ExpectedImprovement};
use bonas_surrogate::catalogue::{ACQUISITIONS, PartEntry, SELECTIONS, SURROGATES, surrogates_that};
use bonas_surrogate::models::Ensemble;
use bonas_surrogate::selection::SelectionSettings;
use bonas_surrogate::{Acquisition, Selection, Surrogate, SurrogateError};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::StudyError;
use crate::rng::stream;
use crate::settings::entry_named;

/// A kind of part with a catalogue.
pub trait Catalogued: 'static {
    /// What the part's constructor reads.
    type Settings: 'static;

    /// All parts of the kind.
    fn catalogue() -> &'static Catalogue<PartEntry<Self, Self::Settings>>;
}

impl Catalogued for dyn Surrogate {
    type Settings = ();

    fn catalogue() -> &'static Catalogue<PartEntry<Self>> {
        &SURROGATES
    }
}

impl Catalogued for dyn Acquisition {
    type Settings = AcquisitionSettings;

    fn catalogue() -> &'static Catalogue<PartEntry<Self, AcquisitionSettings>> {
        &ACQUISITIONS
    }
}

impl Catalogued for dyn Selection {
    type Settings = SelectionSettings;

    fn catalogue() -> &'static Catalogue<PartEntry<Self, SelectionSettings>> {
        &SELECTIONS
    }
}

/// The name of a part in its catalogue.
pub struct PartName<P: Catalogued + ?Sized>(&'static PartEntry<P, P::Settings>);

/// The name of a surrogate; the default is `ensemble`.
pub type SurrogateName = PartName<dyn Surrogate>;
/// The name of an acquisition; the default is `ei`.
pub type AcquisitionName = PartName<dyn Acquisition>;
/// The name of a selection.
pub type SelectionName = PartName<dyn Selection>;

impl<P: Catalogued + ?Sized> PartName<P> {
    /// The name of an entry.
    pub const fn of(entry: &'static PartEntry<P, P::Settings>) -> Self {
        Self(entry)
    }

    /// The part with a name.
    ///
    /// # Errors
    /// A text with all names, and the nearest.
    pub fn named(name: &str) -> Result<Self, String> {
        entry_named(P::catalogue(), name).map(Self)
    }

    /// The name as it stands in configurations.
    pub const fn name(self) -> &'static str {
        self.0.name()
    }

    /// Whether the part needs libtorch.
    pub const fn needs_torch(self) -> bool {
        self.0.needs_torch()
    }

    /// Builds the part.
    ///
    /// # Errors
    /// As [`PartEntry::build`].
    pub fn build(self, settings: &P::Settings) -> Result<Box<P>, SurrogateError> {
        self.0.build(settings)
    }
}

impl SurrogateName {
    /// Whether the surrogate can start from prior knowledge; false for one that this build lacks.
    pub fn takes_prior(self) -> bool {
        self.build(&()).is_ok_and(|surrogate| surrogate.takes_prior())
    }

    /// Whether the surrogate gives groups of observations intercepts; false for one that this build lacks.
    pub fn knows_groups(self) -> bool {
        self.build(&()).is_ok_and(|surrogate| surrogate.knows_groups())
    }
}

impl Default for SurrogateName {
    fn default() -> Self {
        Self(&Ensemble::ENTRY)
    }
}

impl Default for AcquisitionName {
    fn default() -> Self {
        Self(&ExpectedImprovement::ENTRY)
    }
}

impl<P: Catalogued + ?Sized> Clone for PartName<P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P: Catalogued + ?Sized> Copy for PartName<P> {}

impl<P: Catalogued + ?Sized> PartialEq for PartName<P> {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl<P: Catalogued + ?Sized> Eq for PartName<P> {}

impl<P: Catalogued + ?Sized> fmt::Debug for PartName<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl<P: Catalogued + ?Sized> Serialize for PartName<P> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de, P: Catalogued + ?Sized> Deserialize<'de> for PartName<P> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::named(&name).map_err(D::Error::custom)
    }
}

/// How batches are selected: by a rule of the strategy, or by a named selection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SelectionChoice {
    /// `auto`: by what surrogate, acquisition and evaluator have.
    #[default]
    Auto,
    /// One from the catalogue.
    Named(SelectionName),
}

/// The name of [`SelectionChoice::Auto`].
const AUTO: &str = "auto";

impl SelectionChoice {
    /// The choice with a name.
    ///
    /// # Errors
    /// A text with all names, and the nearest.
    pub fn named(name: &str) -> Result<Self, String> {
        if name == AUTO {
            return Ok(Self::Auto);
        }
        let known = || std::iter::once(AUTO).chain(SELECTIONS.names());
        let found = SELECTIONS.get(name).ok().map(|entry| Self::Named(PartName(entry)));
        found.ok_or_else(|| unknown("selection", name, known()))
    }

    /// The name as it stands in configurations.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => AUTO,
            Self::Named(selection) => selection.name(),
        }
    }
}

impl Serialize for SelectionChoice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for SelectionChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::named(&name).map_err(D::Error::custom)
    }
}

/// The surrogates that can start from prior knowledge, for messages.
pub fn surrogates_with_prior() -> String {
    either(&surrogates_that(|surrogate| surrogate.takes_prior()))
}

/// The surrogates that give groups of observations intercepts, for messages.
pub(super) fn surrogates_with_groups() -> String {
    either(&surrogates_that(|surrogate| surrogate.knows_groups()))
}

/// "a", "a or b", "a, b or c": names in a sentence.
pub fn either(names: &[&str]) -> String {
    match names {
        [] => "none".to_owned(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// The surrogate of a name.
///
/// # Errors
/// [`StudyError::Setting`] for one that this build lacks.
pub fn surrogate(name: SurrogateName) -> Result<Box<dyn Surrogate>, StudyError> {
    name.build(&()).map_err(|error| StudyError::Setting {
        name: "strategy.surrogate".to_owned(),
        reason: error.to_string(),
    })
}

/// The surrogate of a name, for the architectures of a space.
///
/// # Errors
/// As [`surrogate`], and for a space that is too large for it.
pub(super) fn surrogate_for(
    name: SurrogateName,
    space: &dyn SearchSpace,
) -> Result<Box<dyn Surrogate>, StudyError> {
    let surrogate = surrogate(name)?;
    let example = space.sample(&mut stream(0, &[]));
    surrogate.check_like(&example).map_err(|error| StudyError::Setting {
        name: "strategy.surrogate".to_owned(),
        reason: error.to_string(),
    })?;
    Ok(surrogate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_and_written_alike() {
        for entry in SURROGATES.iter() {
            let name = SurrogateName::named(entry.name()).unwrap();
            let text = serde_json::to_string(&name).unwrap();
            assert_eq!(text, format!("\"{}\"", entry.name()));
            assert_eq!(serde_json::from_str::<SurrogateName>(&text).unwrap(), name);
        }
        for name in std::iter::once(AUTO).chain(SELECTIONS.names()) {
            assert_eq!(SelectionChoice::named(name).unwrap().name(), name);
        }
    }

    #[test]
    fn unknown_names_get_all_names_and_the_nearest() {
        let error = SurrogateName::named("graph-pg").unwrap_err();
        assert!(error.starts_with("unknown surrogate `graph-pg`; did you mean `graph-gp`?"), "{error}");
        assert!(SURROGATES.names().all(|name| error.contains(name)), "{error}");
        let error = SelectionChoice::named("autos").unwrap_err();
        assert!(error.contains("did you mean `auto`?") && error.contains("q-ei"), "{error}");
    }

    #[test]
    fn names_in_a_sentence() {
        assert_eq!(either(&[]), "none");
        assert_eq!(either(&["a"]), "a");
        assert_eq!(either(&["a", "b", "c"]), "a, b or c");
    }
}
