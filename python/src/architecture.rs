//! Architectures.

use std::hash::{DefaultHasher, Hash, Hasher};

use bonas::drawing::{architecture_svg, cells_text};
use bonas::spaces;
use bonas::study::evaluator::Described;
use pyo3::prelude::*;

use crate::errors::Fault;
use crate::random::generator;
use crate::space::{Named, Space};

/// An architecture of a space.
#[pyclass(frozen, module = "bonas")]
pub(crate) struct Architecture {
    pub(crate) home: Named,
    pub(crate) value: spaces::Architecture,
    text: String,
}

/// An architecture that is known to be of a space.
pub(crate) fn of_space(home: &Named, architecture: spaces::Architecture) -> Result<Architecture, Fault> {
    let text = home.space.format(&architecture)?;
    Ok(Architecture { home: home.clone(), value: architecture, text })
}

#[pymethods]
impl Architecture {
    #[new]
    fn new(space: &Bound<'_, PyAny>, text: &str) -> PyResult<Self> {
        let home = Named::argument(space)?;
        let architecture = home.space.parse(text).map_err(Fault::from)?;
        Ok(of_space(&home, architecture)?)
    }

    #[getter]
    fn space(&self) -> Space {
        Space(self.home.clone())
    }

    #[getter]
    fn key(&self) -> String {
        self.value.key().to_string()
    }

    #[getter]
    fn text(&self) -> &str {
        &self.text
    }

    #[getter]
    fn choices(&self) -> Result<Option<Vec<usize>>, Fault> {
        Ok(self.home.space.choices().map(|choices| choices.read(&self.value)).transpose()?)
    }

    #[getter]
    fn cells<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.described(py)?.get_item("cells")
    }

    fn format(&self, notation: &str) -> Result<String, Fault> {
        Ok(self.home.space.format_as(&self.value, notation)?)
    }

    fn neighbors(&self) -> Result<Vec<Self>, Fault> {
        let all = self.home.space.neighbours(&self.value)?;
        all.into_iter().map(|architecture| of_space(&self.home, architecture)).collect()
    }

    #[pyo3(signature = (rng=None))]
    fn mutate(&self, py: Python<'_>, rng: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let mut rng = generator(py, rng)?;
        let mutant = self.home.space.mutate(&self.value, &mut rng).map_err(Fault::from)?;
        Ok(of_space(&self.home, mutant)?)
    }

    fn svg(&self) -> String {
        architecture_svg(&self.value, self.home.space.cell_names())
    }

    fn _repr_svg_(&self) -> String {
        self.svg()
    }

    fn to_networkx<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        slf.py().import("bonas._graphs")?.call_method1("to_networkx", (slf,))
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Self>().is_ok_and(|other| {
            let other = other.get();
            other.home.name == self.home.name && other.value.key() == self.value.key()
        })
    }

    fn __hash__(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.value.key().to_bytes().hash(&mut hasher);
        hasher.finish()
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> (Bound<'py, PyAny>, (String, String)) {
        let this = slf.get();
        (slf.get_type().into_any(), (this.home.name.clone(), this.text.clone()))
    }

    fn __repr__(&self) -> String {
        format!("bonas.Architecture({:?}, {:?})", self.home.name, self.text)
    }

    fn __str__(&self) -> String {
        cells_text(&self.value, self.home.space.cell_names())
    }
}

impl Architecture {
    /// Text, key, cells and choices, as the task of a program has them.
    fn described<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let described = Described::of(&*self.home.space, &self.value).map_err(Fault::from)?;
        let text = serde_json::to_string(&described).map_err(|error| Fault::data(error.to_string()))?;
        py.import("json")?.call_method1("loads", (text,))
    }
}
