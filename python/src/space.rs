//! Search spaces.

use std::sync::Arc;

use bonas::config::SearchConfig;
use bonas::spaces::catalogue::SPACES;
use bonas::spaces::{SearchSpace, SpaceSize};
use bonas::{StudyError, build};
use pyo3::prelude::*;

use crate::architecture::{Architecture, of_space};
use crate::errors::Fault;
use crate::random::generator;

/// A search space under the name by which configurations know it.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) space: Arc<dyn SearchSpace>,
}

impl Named {
    /// The space of a name, as a configuration names it.
    pub(crate) fn of(name: &str) -> Result<Self, Fault> {
        let mut config = SearchConfig::default();
        name.clone_into(&mut config.space.name);
        let space = build::space(&config).map_err(|error| match error {
            StudyError::Setting { reason, .. } => Fault::space(reason),
            other => other.into(),
        })?;
        Ok(Self { name: name.to_owned(), space })
    }

    /// An argument that is a space or the name of one.
    pub(crate) fn argument(argument: &Bound<'_, PyAny>) -> PyResult<Self> {
        if let Ok(space) = argument.cast::<Space>() {
            return Ok(space.get().0.clone());
        }
        if let Ok(name) = argument.extract::<String>() {
            return Ok(Self::of(&name)?);
        }
        let shown = argument.get_type().name()?;
        Err(Fault::type_of(format!("space must be a bonas.Space or the name of one, not {shown}")).into())
    }
}

/// A search space.
#[pyclass(frozen, module = "bonas")]
pub(crate) struct Space(pub(crate) Named);

#[pymethods]
impl Space {
    #[getter]
    fn name(&self) -> &str {
        &self.0.name
    }

    #[getter]
    fn size(&self) -> u128 {
        match self.0.space.size() {
            SpaceSize::Unique(count) | SpaceSize::AtMost(count) => count,
        }
    }

    #[getter]
    fn size_is_exact(&self) -> bool {
        matches!(self.0.space.size(), SpaceSize::Unique(_))
    }

    #[getter]
    fn ops(&self) -> Vec<String> {
        let vocabulary = self.0.space.vocabulary();
        vocabulary.ops().map(|op| vocabulary.name(op).to_owned()).collect()
    }

    #[getter]
    fn cell_names(&self) -> Vec<String> {
        self.0.space.cell_names().iter().map(|&name| name.to_owned()).collect()
    }

    #[getter]
    fn notations(&self) -> Vec<String> {
        self.0.space.notations().iter().map(|notation| notation.name.to_string()).collect()
    }

    #[getter]
    fn choice_counts(&self) -> Option<Vec<usize>> {
        self.0.space.choices().map(bonas::spaces::Choices::counts)
    }

    fn parse(&self, text: &str) -> Result<Architecture, Fault> {
        of_space(&self.0, self.0.space.parse(text)?)
    }

    #[pyo3(name = "from_choices")]
    fn build(&self, choices: Vec<usize>) -> Result<Architecture, Fault> {
        let known = self.0.space.choices().ok_or_else(|| {
            Fault::space(format!("space {} is not one of independent choices", self.0.name))
        })?;
        match known.build(&choices)? {
            Some(architecture) => of_space(&self.0, architecture),
            None => {
                Err(Fault::space(format!("the choices {choices:?} make no architecture of {}", self.0.name)))
            }
        }
    }

    #[pyo3(signature = (n=None, rng=None))]
    fn sample(
        &self,
        py: Python<'_>,
        n: Option<usize>,
        rng: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        let mut rng = generator(py, rng)?;
        let mut draw = || of_space(&self.0, self.0.space.sample(&mut rng));
        match n {
            None => Ok(draw()?.into_pyobject(py)?.into_any().unbind()),
            Some(n) => Ok((0..n).map(|_| draw()).collect::<Result<Vec<_>, _>>()?.into_pyobject(py)?.unbind()),
        }
    }

    fn enumerate(&self) -> Result<Vec<Architecture>, Fault> {
        let all = self.0.space.enumerate().ok_or_else(|| {
            Fault::space(format!("space {} has too many architectures to list", self.0.name))
        })?;
        all.map(|architecture| of_space(&self.0, architecture)).collect()
    }

    fn __contains__(&self, item: &Bound<'_, PyAny>) -> bool {
        item.cast::<Architecture>().is_ok_and(|item| self.0.space.check(&item.get().value).is_ok())
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Self>().is_ok_and(|other| other.get().0.name == self.0.name)
    }

    fn __hash__(&self) -> u64 {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        self.0.name.hash(&mut hasher);
        hasher.finish()
    }

    fn __reduce__(&self, py: Python<'_>) -> PyResult<(Py<PyAny>, (String,))> {
        let get = py.import("bonas._bonas")?.getattr("space")?.unbind();
        Ok((get, (self.0.name.clone(),)))
    }

    fn __repr__(&self) -> String {
        format!("bonas.Space({:?}, {} architectures)", self.0.name, self.0.space.size())
    }
}

/// The space of a name.
#[pyfunction]
pub(crate) fn space(name: &str) -> Result<Space, Fault> {
    Named::of(name).map(Space)
}

/// Names of the built-in spaces.
#[pyfunction]
pub(crate) fn space_names() -> Vec<&'static str> {
    SPACES.names().collect()
}
