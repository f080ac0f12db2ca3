//! Names of parts that stand in a catalogue of recipes.

use std::fmt;

use bonas_spaces::catalogue::{Catalogue, Entry};
use bonas_study::settings::entry_named;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A kind of part with a catalogue.
pub trait Listed: Entry + Sized + 'static {
    /// All parts of the kind.
    fn catalogue() -> &'static Catalogue<Self>;
}

/// The name of a part in its catalogue.
pub struct EntryName<T: Listed>(&'static T);

impl<T: Listed> EntryName<T> {
    /// The name of an entry.
    pub const fn of(entry: &'static T) -> Self {
        Self(entry)
    }

    /// The part with a name.
    ///
    /// # Errors
    /// A text with all names, and the nearest.
    pub fn named(name: &str) -> Result<Self, String> {
        entry_named(T::catalogue(), name).map(Self)
    }

    /// The name as it stands in configurations.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// The entry.
    pub const fn entry(self) -> &'static T {
        self.0
    }
}

impl<T: Listed> Clone for EntryName<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Listed> Copy for EntryName<T> {}

impl<T: Listed> PartialEq for EntryName<T> {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl<T: Listed> Eq for EntryName<T> {}

impl<T: Listed> fmt::Debug for EntryName<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl<T: Listed> Serialize for EntryName<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de, T: Listed> Deserialize<'de> for EntryName<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::named(&name).map_err(D::Error::custom)
    }
}
