//! Search spaces and their architectures.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use bonas::build::SPACE_FILE;
use bonas::config::{self, ConfigError, SpaceSettings, space_from_toml};
use bonas::drawing::{architecture_svg, cells_text};
use bonas::spaces::catalogue::SPACES;
use bonas::spaces::{self, SpaceSize};
use bonas::study::evaluator::Described;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString};

use crate::errors::Fault;
use crate::interrupt::{interruptible, released};
use crate::named::{Named, Pickled};
use crate::random::generator;
use crate::settings::{count_of, text};

/// Architectures that are drawn between two looks for signals.
const LOOK: usize = 1024;

/// How a space is pickled: the function that makes it, and its arguments.
type Reduced = (Py<PyAny>, Pickled);

/// A search space: `bonas.spaces.get`.
#[pyclass(frozen, module = "bonas")]
pub(crate) struct Space(pub(crate) Arc<Named>);

#[pymethods]
impl Space {
    /// Its name.
    #[getter]
    fn name(&self) -> &str {
        &self.0.name
    }

    /// The name by which configurations know it.
    #[getter]
    fn setting(&self) -> &str {
        &self.0.settings.name
    }

    /// The text of the space file; None for a built-in space.
    #[getter]
    fn toml(&self) -> Option<&str> {
        self.0.settings.text.as_deref()
    }

    /// Names of the choices of a space that is declared as a list of them; else None.
    #[getter]
    fn choice_names(&self) -> Option<Vec<String>> {
        let declared = self.0.declared_choices();
        (!declared.is_empty()).then(|| declared.into_iter().map(|choice| choice.name).collect())
    }

    /// Number of architectures; if `size_is_exact` is False, at most so many.
    #[getter]
    fn size(&self, py: Python<'_>) -> u128 {
        match released(py, || self.0.space.size()) {
            SpaceSize::Unique(count) | SpaceSize::AtMost(count) => count,
        }
    }

    /// Whether isomorphic architectures are counted once.
    #[getter]
    fn size_is_exact(&self, py: Python<'_>) -> bool {
        matches!(released(py, || self.0.space.size()), SpaceSize::Unique(_))
    }

    /// Names of the operations.
    #[getter]
    fn ops(&self) -> Vec<String> {
        let vocabulary = self.0.space.vocabulary();
        vocabulary.ops().map(|op| vocabulary.name(op).to_owned()).collect()
    }

    /// Names of the cells of an architecture; empty if it is one cell.
    #[getter]
    fn cell_names(&self) -> Vec<String> {
        self.0.space.cell_names().iter().map(|&name| name.to_owned()).collect()
    }

    /// Names of the notations that are read; the first is that of `Architecture.text`.
    #[getter]
    fn notations(&self) -> Vec<String> {
        self.0.space.notations().iter().map(|notation| notation.name.to_string()).collect()
    }

    /// Options at each position; None if the space is not one of independent choices.
    #[getter]
    fn choice_counts(&self) -> Option<Vec<usize>> {
        self.0.space.choices().map(spaces::Choices::counts)
    }

    /// Read an architecture in any of the notations.
    fn parse(&self, text: &str) -> Result<Architecture, Fault> {
        of_space(&self.0, self.0.space.parse(text)?)
    }

    /// Make an architecture of the option at each position.
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

    /// Draw an architecture at random, or a list of `n`.
    ///
    /// >>> import bonas
    /// >>> space = bonas.spaces.get("darts")
    /// >>> space.sample(rng=1) == space.sample(rng=1), len(space.sample(3))
    /// (True, 3)
    #[pyo3(signature = (n=None, rng=None))]
    fn sample(
        &self,
        py: Python<'_>,
        n: Option<&Bound<'_, PyAny>>,
        rng: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        let mut rng = generator(py, rng)?;
        let mut draw = || of_space(&self.0, self.0.space.sample(&mut rng));
        match n {
            None => Ok(released(py, draw)?.into_pyobject(py)?.into_any().unbind()),
            Some(n) => {
                let n = count_of("n", n)?;
                let mut drawn = Vec::new();
                drawn
                    .try_reserve_exact(n)
                    .map_err(|_| Fault::setting(format!("n: {n} architectures do not fit into memory")))?;
                while drawn.len() < n {
                    let some = LOOK.min(n - drawn.len());
                    drawn.extend(released(py, || (0..some).map(|_| draw()).collect::<Result<Vec<_>, _>>())?);
                    py.check_signals()?;
                }
                Ok(drawn.into_pyobject(py)?.unbind())
            }
        }
    }

    /// List every architecture, isomorphic ones included; for spaces that are small enough.
    fn enumerate(&self, py: Python<'_>) -> PyResult<Vec<Architecture>> {
        let home = self.0.clone();
        let list = move || {
            let all = home.space.enumerate().ok_or_else(|| {
                Fault::space(format!("space {} has too many architectures to list", home.name))
            })?;
            all.map(|architecture| of_space(&home, architecture)).collect::<Result<Vec<_>, _>>()
        };
        Ok(interruptible(py, list)??)
    }

    fn __contains__(&self, item: &Bound<'_, PyAny>) -> bool {
        item.cast::<Architecture>().is_ok_and(|item| self.0.space.check(&item.get().value).is_ok())
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Self>().is_ok_and(|other| {
            let other = &other.get().0;
            other.is(&self.0) && other.settings.operations == self.0.settings.operations
        })
    }

    fn __hash__(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.0.name.hash(&mut hasher);
        hasher.finish()
    }

    fn __reduce__(&self, py: Python<'_>) -> PyResult<Reduced> {
        let get = py.import("bonas._bonas")?.getattr("unpickled_space")?.unbind();
        let (name, text, operations) = self.0.pickled.get_or_try_init(py, || {
            let SpaceSettings { name, text, operations } = &self.0.settings;
            let packed = text.as_ref().map(|text| packed(py, text)).transpose()?;
            PyResult::Ok((PyString::new(py, name).unbind(), packed, operations.clone()))
        })?;
        let text = text.as_ref().map(|text| text.clone_ref(py));
        Ok((get, (name.clone_ref(py), text, operations.clone())))
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        let size = released(py, || self.0.space.size());
        format!("bonas.Space({:?}, {size} architectures)", self.0.settings.name)
    }
}

/// An argument that is a space or the name of one.
pub(crate) fn argument(argument: &Bound<'_, PyAny>) -> PyResult<Arc<Named>> {
    if let Ok(space) = argument.cast::<Space>() {
        return Ok(space.get().0.clone());
    }
    if let Ok(name) = argument.extract::<String>() {
        return Ok(Named::of(&name)?);
    }
    let shown = argument.get_type().name()?;
    Err(Fault::type_of(format!("space must be a bonas.Space or the name of one, not {shown}")).into())
}

/// An architecture of a space. Isomorphic ones are equal.
///
/// It is hashable, can be pickled, and draws itself in a notebook.
///
/// >>> import bonas, pickle
/// >>> cell = bonas.Architecture("nasbench201", "|none~0|+|nor_conv_3x3~0|none~1|+|none~0|none~1|skip_connect~2|")
/// >>> pickle.loads(pickle.dumps(cell)) == cell, cell.choices
/// (True, [0, 3, 0, 0, 0, 1])
#[pyclass(frozen, module = "bonas")]
pub(crate) struct Architecture {
    pub(crate) home: Arc<Named>,
    pub(crate) value: spaces::Architecture,
    text: String,
}

/// An architecture that is known to be of a space.
pub(crate) fn of_space(home: &Arc<Named>, architecture: spaces::Architecture) -> Result<Architecture, Fault> {
    let text = home.space.format(&architecture)?;
    Ok(Architecture { home: home.clone(), value: architecture, text })
}

#[pymethods]
impl Architecture {
    #[new]
    fn new(space: &Bound<'_, PyAny>, text: &str) -> PyResult<Self> {
        let home = argument(space)?;
        let architecture = home.space.parse(text).map_err(Fault::from)?;
        Ok(of_space(&home, architecture)?)
    }

    /// Its space.
    #[getter]
    fn space(&self) -> Space {
        Space(self.home.clone())
    }

    /// Its key in hexadecimal, equal for isomorphic architectures.
    #[getter]
    fn key(&self) -> String {
        self.value.key().to_string()
    }

    /// The architecture in the notation of its space.
    #[getter]
    fn text(&self) -> &str {
        &self.text
    }

    /// The option at each position; None if the space is not one of independent choices.
    #[getter]
    fn choices(&self) -> Result<Option<Vec<usize>>, Fault> {
        Ok(self.home.space.choices().map(|choices| choices.read(&self.value)).transpose()?)
    }

    /// Cells with `name`, `nodes` (the operation on each) and `edges` (`from`, `to`, `op`).
    #[getter]
    fn cells<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.described(py)?.get_item("cells")
    }

    /// Print it in another notation of the space.
    fn format(&self, notation: &str) -> Result<String, Fault> {
        Ok(self.home.space.format_as(&self.value, notation)?)
    }

    /// Architectures that differ in one element, each once.
    fn neighbors(&self, py: Python<'_>) -> Result<Vec<Self>, Fault> {
        released(py, || {
            let all = self.home.space.neighbours(&self.value)?;
            all.into_iter().map(|architecture| of_space(&self.home, architecture)).collect()
        })
    }

    /// Change one element at random.
    #[pyo3(signature = (rng=None))]
    fn mutate(&self, py: Python<'_>, rng: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let mut rng = generator(py, rng)?;
        Ok(released(py, || {
            let mutant = self.home.space.mutate(&self.value, &mut rng)?;
            of_space(&self.home, mutant)
        })?)
    }

    /// Draw it as SVG.
    fn svg(&self) -> String {
        architecture_svg(&self.value, self.home.space.cell_names())
    }

    fn _repr_svg_(&self) -> String {
        self.svg()
    }

    /// Return the cells as one `networkx.MultiDiGraph` with the attribute `op` on nodes and edges.
    ///
    /// Nodes are numbers; if there are several cells, pairs of the cell's name and a number.
    fn to_networkx<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        slf.py().import("bonas._graphs")?.call_method1("to_networkx", (slf,))
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Self>().is_ok_and(|other| {
            let other = other.get();
            other.value.key() == self.value.key() && other.home.is(&self.home)
        })
    }

    fn __hash__(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.value.key().to_bytes().hash(&mut hasher);
        hasher.finish()
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> (Bound<'py, PyAny>, (Space, String)) {
        let this = slf.get();
        (slf.get_type().into_any(), (Space(this.home.clone()), this.text.clone()))
    }

    fn __repr__(&self) -> String {
        format!("bonas.Architecture({:?}, {:?})", self.home.settings.name, self.text)
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

/// The text of a space file as pickles have it, which are often many: compressed.
fn packed(py: Python<'_>, text: &str) -> PyResult<Py<PyBytes>> {
    let packed = py.import("zlib")?.call_method1("compress", (PyBytes::new(py, text.as_bytes()), 9))?;
    Ok(packed.cast_into::<PyBytes>()?.unbind())
}

/// The space of a pickle: its name, packed text and operations.
#[pyfunction]
pub(crate) fn unpickled_space(
    py: Python<'_>,
    name: &str,
    text: Option<Bound<'_, PyBytes>>,
    operations: Option<Vec<String>>,
) -> PyResult<Space> {
    let unpacked = |packed| py.import("zlib")?.call_method1("decompress", (packed,))?.call_method0("decode");
    let text = text.map(unpacked).transpose()?.map(|text| text.extract()).transpose()?;
    Ok(space(py, name, text, operations)?)
}

/// The space of a name; with a text the one that it declares.
#[pyfunction]
#[pyo3(signature = (name, text=None, operations=None))]
pub(crate) fn space(
    py: Python<'_>,
    name: &str,
    text: Option<String>,
    operations: Option<Vec<String>>,
) -> Result<Space, Fault> {
    let settings = SpaceSettings { name: name.to_owned(), text, operations };
    released(py, || Named::of_settings(settings)).map(Space)
}

/// A space that is declared by the keys of a space file.
#[pyfunction]
pub(crate) fn declared_space(py: Python<'_>, name: &str, keys: &Bound<'_, PyDict>) -> PyResult<Space> {
    let text = text(keys)?;
    Ok(released(py, || {
        // Checked by itself first, for errors that name no file and no line, of which there is none.
        space_from_toml(&text, "", name).map_err(|ConfigError { key, reason, .. }| {
            Fault::space(if key.is_empty() { reason } else { format!("{key}: {reason}") })
        })?;
        let (name, text) = (format!("{SPACE_FILE}{name}.toml"), Some(text));
        Named::of_settings(SpaceSettings { name, text, ..SpaceSettings::default() }).map(Space)
    })?)
}

/// Whether two texts declare the same space.
#[pyfunction]
pub(crate) fn same_space(one: &str, other: &str) -> bool {
    config::same_space(one, other)
}

/// Names of the built-in spaces.
#[pyfunction]
pub(crate) fn space_names() -> Vec<&'static str> {
    SPACES.names().collect()
}
