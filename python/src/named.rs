//! Spaces by name, as the rest of the package holds them.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};

use bonas::StudyError;
use bonas::build::{self, SPACE_FILE};
use bonas::config::{SearchConfig, SpaceSettings, space_description, space_identity};
use bonas::spaces::SearchSpace;
use bonas::spaces::declared::ChoiceDescription;
use pyo3::Py;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyString};

use crate::errors::Fault;

/// Spaces that are kept to be had again, as by every architecture that is unpickled.
const BUILT: usize = 8;

/// A name in a configuration, the text of a space file, and the operations that are left of the space.
type SpaceKey = (String, Option<String>, Option<Vec<String>>);

/// The spaces that were built last.
fn built() -> MutexGuard<'static, HashMap<SpaceKey, Arc<Named>>> {
    static BUILT: LazyLock<Mutex<HashMap<SpaceKey, Arc<Named>>>> = LazyLock::new(Mutex::default);
    BUILT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Name, packed text and operations of a space.
pub(crate) type Pickled = (Py<PyString>, Option<Py<PyBytes>>, Option<Vec<String>>);

/// A search space, with what a configuration says of it.
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) settings: SpaceSettings,
    pub(crate) space: Arc<dyn SearchSpace>,
    /// Its settings as pickles have them: those of the architectures of one list are the same objects, and stand there once.
    pub(crate) pickled: PyOnceLock<Pickled>,
    /// What the space of a text is known by, once it has been asked for.
    identity: OnceLock<Option<String>>,
}

impl Named {
    /// The space of a name as a configuration has it: one of the catalogue, or `file:PATH`.
    pub(crate) fn of(name: &str) -> Result<Arc<Self>, Fault> {
        Self::of_settings(SpaceSettings { name: name.to_owned(), ..SpaceSettings::default() })
    }

    /// The space of a configuration; the text of a space file is read where it is missing.
    pub(crate) fn of_settings(space: SpaceSettings) -> Result<Arc<Self>, Fault> {
        // A file whose text is not given may have changed.
        let known = space.text.is_some() || !space.name.starts_with(SPACE_FILE);
        let key = (space.name.clone(), space.text.clone(), space.operations.clone());
        if let Some(built) = built().get(&key).filter(|_| known) {
            return Ok(built.clone());
        }
        let made = Self::make(space)?;
        if known {
            let mut built = built();
            if built.len() >= BUILT {
                built.clear();
            }
            built.insert(key, made.clone());
        }
        Ok(made)
    }

    fn make(space: SpaceSettings) -> Result<Arc<Self>, Fault> {
        let relative_to = here()?;
        let config = SearchConfig { space, relative_to, ..SearchConfig::default() };
        let config = build::keep_space(config).map_err(of_this_space)?;
        let space = build::space(&config).map_err(of_this_space)?;
        Ok(Self::found(config.space, space))
    }

    /// The space of a configuration that is opened.
    pub(crate) fn of_config(config: &SearchConfig) -> Result<Arc<Self>, Fault> {
        Ok(Self::found(config.space.clone(), build::space(config).map_err(of_this_space)?))
    }

    /// A space that something else has built.
    pub(crate) fn found(settings: SpaceSettings, space: Arc<dyn SearchSpace>) -> Arc<Self> {
        Arc::new(Self {
            name: space.name().to_owned(),
            settings,
            space,
            pickled: PyOnceLock::new(),
            identity: OnceLock::new(),
        })
    }

    /// Whether it is the same space: the same name, and a text that means the same if it is declared.
    pub(crate) fn is(&self, other: &Self) -> bool {
        let same_text = || self.space.source() == other.space.source();
        self.name == other.name && (same_text() || self.identity() == other.identity())
    }

    fn identity(&self) -> Option<&String> {
        self.identity.get_or_init(|| self.space.source().map(space_identity)).as_ref()
    }

    /// The choices of a space that is declared as a list of them.
    pub(crate) fn declared_choices(&self) -> Vec<ChoiceDescription> {
        let text = self.space.source();
        let described = text.and_then(|text| space_description(text, "a space file", &self.name).ok());
        described.map(|described| described.choices).unwrap_or_default()
    }
}

/// The folder that relative paths start from.
fn here() -> Result<PathBuf, Fault> {
    std::path::absolute(".")
        .map_err(|error| Fault::data(format!("cannot tell in which folder this runs: {error}")))
}

/// An error of a space, without the key of the configuration.
fn of_this_space(error: StudyError) -> Fault {
    match error {
        StudyError::Setting { reason, .. } => Fault::space(reason),
        other => other.into(),
    }
}
