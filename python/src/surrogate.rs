//! Surrogates: fitted, kept in files, and asked.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bonas::build::SPACE_FILE;
use bonas::config::{PriorKind, SpaceSettings, SurrogateName};
use bonas::rank::{Features, Model, Recipe, Training};
use bonas::surrogate::acquisition::{ACQUISITIONS, AcquisitionSettings};
use bonas::surrogate::catalogue::{SURROGATES, surrogates_that};
use bonas::surrogate::metrics::{coverage, negative_log_likelihood};
use bonas::surrogate::posterior::Posterior;
use bonas::surrogate::{Observation, Predict};
use numpy::ndarray::Array2;
use numpy::{IntoPyArray, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;

use crate::errors::Fault;
use crate::interrupt::interruptible;
use crate::named::Named;
use crate::random::generator;
use crate::settings::count_of;
use crate::spaces::{Architecture, Space};

/// A list of architectures, as Python gives it.
type Given<'py> = Vec<Bound<'py, Architecture>>;
/// An array that Python gets.
type Array<'py> = Bound<'py, PyArray1<f64>>;

/// A predictor and the model that it is of.
struct Inner {
    model: Model,
    predictor: Mutex<Box<dyn Predict>>,
}

impl Inner {
    fn of(model: Model) -> Result<Self, Fault> {
        let predictor = Mutex::new(model.predictor()?);
        Ok(Self { model, predictor })
    }

    fn predictor(&self) -> MutexGuard<'_, Box<dyn Predict>> {
        self.predictor.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A fitted surrogate. `bonas.Surrogate` is made of it.
#[pyclass(frozen, module = "bonas")]
pub(crate) struct Fitted {
    inner: Arc<Inner>,
    home: Arc<Named>,
}

#[pymethods]
impl Fitted {
    #[staticmethod]
    #[pyo3(signature = (surrogate, prior, seed, x, y, noise, features))]
    #[expect(clippy::too_many_arguments, reason = "Python's keyword arguments")]
    fn fit(
        py: Python<'_>,
        surrogate: &str,
        prior: &str,
        seed: u64,
        x: Given<'_>,
        y: PyReadonlyArray1<'_, f64>,
        noise: Option<PyReadonlyArray1<'_, f64>>,
        features: Option<PyReadonlyArray2<'_, f64>>,
    ) -> PyResult<Self> {
        let recipe = Recipe {
            surrogate: SurrogateName::named(surrogate)
                .map_err(|text| Fault::setting(format!("surrogate: {text}")))?,
            prior: PriorKind::named(prior).map_err(|text| Fault::setting(format!("prior: {text}")))?,
            seed,
        };
        let Some(first) = x.first() else {
            return Err(Fault::data("X is empty; a surrogate needs at least one architecture").into());
        };
        let home = first.get().home.clone();
        let architectures = of_one_space(&home, &x)?;
        let (scores, noise) = (y.to_vec()?, noise.map(|noise| noise.to_vec()).transpose()?);
        expect_length("y", scores.len(), x.len())?;
        if let Some(noise) = &noise {
            expect_length("noise", noise.len(), x.len())?;
        }
        let observation =
            |(i, (architecture, score)): (usize, (&bonas::spaces::Architecture, f64))| Observation {
                noise: noise.as_ref().map(|noise| noise[i]),
                ..Observation::new(architecture.clone(), score)
            };
        let observations = architectures.iter().zip(scores).enumerate().map(observation).collect();
        let rows = features.map(|features| rows(&features));
        let space = home.space.clone();
        let inner = interruptible(py, move || -> Result<Inner, Fault> {
            let features = rows.map(|rows| Features::new(&architectures, &rows)).transpose()?;
            let training = Training::of(observations, "a program");
            Inner::of(Model::fit_with(space, &training, &recipe, features)?)
        })??;
        Ok(Self { inner: Arc::new(inner), home })
    }

    #[staticmethod]
    fn load(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        let inner = interruptible(py, move || -> Result<Inner, Fault> { Inner::of(Model::read(&path)?) })??;
        let home = home_of(&inner.model);
        Ok(Self { inner: Arc::new(inner), home })
    }

    #[staticmethod]
    fn from_bytes(py: Python<'_>, bytes: Vec<u8>) -> PyResult<Self> {
        let inner =
            interruptible(py, move || -> Result<Inner, Fault> { Inner::of(Model::from_bytes(&bytes)?) })??;
        let home = home_of(&inner.model);
        Ok(Self { inner: Arc::new(inner), home })
    }

    fn save(&self, path: PathBuf) -> Result<(), Fault> {
        Ok(self.inner.model.write(&path)?)
    }

    fn to_bytes(&self) -> Result<Vec<u8>, Fault> {
        Ok(self.inner.model.to_bytes()?)
    }

    #[getter]
    fn name(&self) -> &str {
        self.inner.model.saved().surrogate()
    }

    #[getter]
    fn space(&self) -> Space {
        Space(self.home.clone())
    }

    /// Number of features of an architecture beside its graph.
    #[getter]
    fn features(&self) -> usize {
        self.inner.model.features().map_or(0, Features::width)
    }

    #[pyo3(signature = (x, features))]
    fn predict(
        &self,
        py: Python<'_>,
        x: Given<'_>,
        features: Option<PyReadonlyArray2<'_, f64>>,
    ) -> PyResult<Posteriors> {
        let architectures = of_one_space(&self.home, &x)?;
        let rows = features.map(|features| rows(&features));
        let inner = self.inner.clone();
        let posteriors = interruptible(py, move || -> Result<_, Fault> {
            let inner = match rows {
                Some(rows) => Arc::new(Inner::of(inner.model.with_features(&architectures, &rows)?)?),
                // Those of architectures that it was fitted to are known.
                None => inner,
            };
            let laws = if architectures.is_empty() {
                Vec::new()
            } else {
                inner.predictor().predict(&architectures)?
            };
            Ok(Posteriors { inner, architectures, laws: Arc::new(laws) })
        })??;
        Ok(posteriors)
    }
}

/// What a surrogate predicts of some architectures. `bonas.Posterior` is made of it.
#[pyclass(frozen, module = "bonas")]
pub(crate) struct Posteriors {
    inner: Arc<Inner>,
    architectures: Vec<bonas::spaces::Architecture>,
    laws: Arc<Vec<Posterior>>,
}

#[pymethods]
impl Posteriors {
    fn __len__(&self) -> usize {
        self.laws.len()
    }

    /// Means and standard deviations.
    fn moments<'py>(&self, py: Python<'py>) -> PyResult<(Array<'py>, Array<'py>)> {
        let posteriors = self.laws.clone();
        let (means, sds): (Vec<f64>, Vec<f64>) = interruptible(py, move || {
            posteriors.iter().map(|posterior| (posterior.mean(), posterior.sd())).unzip()
        })?;
        Ok((means.into_pyarray(py), sds.into_pyarray(py)))
    }

    /// Quantiles, `[n, levels]`.
    fn quantiles<'py>(&self, py: Python<'py>, levels: Vec<f64>) -> PyResult<Bound<'py, PyArray2<f64>>> {
        if let Some(level) = levels.iter().find(|level| !(**level > 0.0 && **level < 1.0)) {
            return Err(Fault::setting(format!(
                "levels: {level} is out of range; expected numbers between 0 and 1"
            ))
            .into());
        }
        let posteriors = self.laws.clone();
        let rows = interruptible(py, move || -> Vec<Vec<f64>> {
            posteriors
                .iter()
                .map(|posterior| levels.iter().map(|&level| posterior.quantile(level)).collect())
                .collect()
        })?;
        Ok(PyArray2::from_vec2(py, &rows)?)
    }

    /// Draws, `[count, n]`; joint ones hold together across architectures.
    #[pyo3(signature = (count, rng, joint))]
    fn samples<'py>(
        &self,
        py: Python<'py>,
        count: &Bound<'py, PyAny>,
        rng: Option<&Bound<'py, PyAny>>,
        joint: bool,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let count = count_of("count", count)?;
        let n = self.laws.len();
        let mut rng = generator(py, rng)?;
        if joint && n > 0 {
            let (inner, architectures) = (self.inner.clone(), self.architectures.clone());
            let draws = interruptible(py, move || -> Result<_, Fault> {
                let joint = inner.predictor().joint(&architectures)?.ok_or_else(|| {
                    Fault::unsupported(format!(
                        "{} has no joint posterior; take joint=False, or one of {}",
                        inner.model.saved().surrogate(),
                        surrogates_that(|surrogate| surrogate.has_joint_posterior()).join(", ")
                    ))
                })?;
                // Base samples, draws, and draws in their own unit.
                numbers(count, 3 * n).map(drop).map_err(|_| too_many(count, n))?;
                Ok(joint.draws(count, &mut rng))
            })??;
            return Ok(draws.into_pyarray(py));
        }
        let posteriors = self.laws.clone();
        let draws = interruptible(py, move || -> Result<_, Fault> {
            let mut draws = numbers(count, n)?;
            for _ in 0..if n > 0 { count } else { 0 } {
                draws.extend(posteriors.iter().map(|posterior| posterior.sample(&mut rng)));
            }
            Array2::from_shape_vec((count, n), draws).map_err(|_| too_many(count, n))
        })??;
        Ok(draws.into_pyarray(py))
    }

    /// The utility of each by an acquisition; `incumbent` is the best score so far.
    fn utilities<'py>(
        &self,
        py: Python<'py>,
        acquisition: &str,
        incumbent: Option<f64>,
        gamma: f64,
        noise_free: bool,
        rng: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Array<'py>> {
        let entry = ACQUISITIONS.get(acquisition).map_err(|error| Fault::setting(error.to_string()))?;
        let built = entry
            .build(&AcquisitionSettings { gamma, noise_free })
            .map_err(|error| Fault::setting(error.to_string()))?;
        let (posteriors, mut rng) = (self.laws.clone(), generator(py, rng)?);
        let utilities = interruptible(py, move || built.utilities(&posteriors, incumbent, &mut rng))?;
        Ok(utilities.into_pyarray(py))
    }

    /// Share of the scores inside their central interval.
    fn coverage(&self, scores: PyReadonlyArray1<'_, f64>, level: f64) -> PyResult<Option<f64>> {
        Ok(coverage(&self.laws, &scores.to_vec()?, level))
    }

    /// Mean negative log likelihood of the scores, in nats.
    fn negative_log_likelihood(&self, scores: PyReadonlyArray1<'_, f64>) -> PyResult<Option<f64>> {
        Ok(negative_log_likelihood(&self.laws, &scores.to_vec()?))
    }
}

/// Room for `count` draws of `n` architectures.
fn numbers(count: usize, n: usize) -> Result<Vec<f64>, Fault> {
    let mut numbers = Vec::new();
    let length = count.checked_mul(n).ok_or_else(|| too_many(count, n))?;
    numbers.try_reserve_exact(length).map_err(|_| too_many(count, n))?;
    Ok(numbers)
}

fn too_many(count: usize, n: usize) -> Fault {
    Fault::setting(format!("count: {count} draws of {n} architectures do not fit into memory"))
}

/// Names and descriptions of the acquisitions.
#[pyfunction]
pub(crate) fn acquisition_names() -> Vec<(&'static str, &'static str)> {
    ACQUISITIONS.iter().map(|entry| (entry.name(), entry.about())).collect()
}

/// Names and descriptions of the surrogates of this build.
#[pyfunction]
pub(crate) fn surrogate_names() -> Vec<(&'static str, &'static str)> {
    let here = SURROGATES.iter().filter(|entry| !entry.needs_torch());
    here.map(|entry| (entry.name(), entry.about())).collect()
}

/// The space of a model, which keeps the text of a space file.
fn home_of(model: &Model) -> Arc<Named> {
    let space = model.space().clone();
    let settings = match space.source() {
        None => SpaceSettings { name: space.name().to_owned(), ..SpaceSettings::default() },
        Some(text) => SpaceSettings {
            name: format!("{SPACE_FILE}{}.toml", space.name()),
            text: Some(text.to_owned()),
            ..SpaceSettings::default()
        },
    };
    Named::found(settings, space)
}

/// The architectures, all of a space.
fn of_one_space(home: &Named, x: &Given<'_>) -> Result<Vec<bonas::spaces::Architecture>, Fault> {
    let of = |(i, given): (usize, &Bound<'_, Architecture>)| {
        let given = given.get();
        if !given.home.is(home) {
            let reason =
                format!("architecture {i} of X is of space {}, expected {}", given.home.name, home.name);
            return Err(Fault::space(reason));
        }
        Ok(given.value.clone())
    };
    x.iter().enumerate().map(of).collect()
}

fn expect_length(name: &str, length: usize, expected: usize) -> Result<(), Fault> {
    if length == expected {
        return Ok(());
    }
    Err(Fault::data(format!("{name} has {length} numbers for {expected} architectures")))
}

fn rows(features: &PyReadonlyArray2<'_, f64>) -> Vec<Vec<f64>> {
    features.as_array().rows().into_iter().map(|row| row.to_vec()).collect()
}
