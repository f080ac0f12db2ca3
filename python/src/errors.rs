//! Errors of the crates as Python exceptions.

use bonas::StudyError;
use bonas::config::ConfigError;
use bonas::spaces::SpaceError;
use bonas::spaces::catalogue::UnknownName;
use bonas::surrogate::SurrogateError;
use pyo3::PyErr;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyType;

/// An error on its way to Python: the name of its class in `bonas._errors`, and what it says.
#[derive(Debug)]
pub(crate) struct Fault {
    class: &'static str,
    text: String,
}

impl Fault {
    /// A setting or argument that cannot be used.
    pub(crate) fn setting(text: impl Into<String>) -> Self {
        Self { class: "SettingError", text: text.into() }
    }

    /// Data that cannot be used.
    pub(crate) fn data(text: impl Into<String>) -> Self {
        Self { class: "DataError", text: text.into() }
    }

    /// A search space or an architecture that cannot be used.
    pub(crate) fn space(text: impl Into<String>) -> Self {
        Self { class: "SpaceError", text: text.into() }
    }

    /// A path at which there is something else.
    pub(crate) fn path(text: impl Into<String>) -> Self {
        Self { class: "PathError", text: text.into() }
    }

    /// An argument of the wrong type.
    pub(crate) fn type_of(text: impl Into<String>) -> Self {
        Self { class: "ArgumentTypeError", text: text.into() }
    }

    /// Something that this surrogate does not do.
    pub(crate) fn unsupported(text: impl Into<String>) -> Self {
        Self { class: "UnsupportedError", text: text.into() }
    }

    /// A folder that is in use.
    pub(crate) fn locked(text: impl Into<String>) -> Self {
        Self { class: "LockedError", text: text.into() }
    }

    /// What it says.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// A study that was closed, or is used in another process than its own.
    pub(crate) fn closed(text: impl Into<String>) -> Self {
        Self { class: "ClosedError", text: text.into() }
    }
}

impl From<Fault> for PyErr {
    fn from(fault: Fault) -> Self {
        Python::attach(|py| {
            let class = py.import("bonas._errors").and_then(|module| module.getattr(fault.class));
            match class.and_then(|class| Ok(class.cast_into::<PyType>()?)) {
                Ok(class) => PyErr::from_type(class, fault.text),
                Err(_) => PyRuntimeError::new_err(fault.text),
            }
        })
    }
}

impl From<SpaceError> for Fault {
    fn from(error: SpaceError) -> Self {
        Self { class: "SpaceError", text: error.to_string() }
    }
}

impl From<UnknownName> for Fault {
    fn from(error: UnknownName) -> Self {
        Self { class: "SpaceError", text: error.to_string() }
    }
}

impl From<ConfigError> for Fault {
    fn from(error: ConfigError) -> Self {
        let ConfigError { key, reason, .. } = error;
        Self::setting(if key.is_empty() { reason } else { format!("{key}: {reason}") })
    }
}

impl From<SurrogateError> for Fault {
    fn from(error: SurrogateError) -> Self {
        let class = match &error {
            SurrogateError::Space { .. } => "SpaceError",
            SurrogateError::Setting { .. } => "SettingError",
            SurrogateError::Numeric { .. } | SurrogateError::Members { .. } => "NumericError",
            SurrogateError::NotSaved { .. } | SurrogateError::NeedsTorch { .. } => "UnsupportedError",
            SurrogateError::Data { .. }
            | SurrogateError::File { .. }
            | SurrogateError::Version { .. }
            | SurrogateError::Knowledge { .. } => "DataError",
        };
        Self { class, text: error.to_string() }
    }
}

impl From<StudyError> for Fault {
    fn from(error: StudyError) -> Self {
        let class = match error {
            StudyError::Space(error) => return error.into(),
            StudyError::Surrogate(error) => return error.into(),
            StudyError::Setting { name, reason } => return Self::setting(format!("{name}: {reason}")),
            StudyError::Io { .. } => "StorageError",
            StudyError::Journal { .. } => "JournalError",
            StudyError::Locked { .. } => "LockedError",
            StudyError::Trial { .. } => "TrialError",
            StudyError::Data { .. } | StudyError::Table { .. } => "DataError",
            StudyError::Evaluator(_) | StudyError::Failed(_) => "EvaluationError",
            StudyError::Strategy { .. } | StudyError::Interrupted | StudyError::Training(_) => "BonasError",
        };
        Self { class, text: error.to_string() }
    }
}
