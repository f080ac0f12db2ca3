//! Metrics of rankings; `None` where a value is undefined.

use bonas::surrogate::metrics;
use numpy::{IntoPyArray, PyArrayMethods, PyReadonlyArray1};
use pyo3::prelude::*;

use crate::random::generator;

/// Adds the functions to the module.
pub(crate) fn add(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(kendall_tau_b, module)?)?;
    module.add_function(wrap_pyfunction!(spearman, module)?)?;
    module.add_function(wrap_pyfunction!(n_at_k, module)?)?;
    module.add_function(wrap_pyfunction!(bootstrap, module)?)?;
    module.add_function(wrap_pyfunction!(precision_at_top, module)?)
}

#[pyfunction]
fn kendall_tau_b(x: PyReadonlyArray1<'_, f64>, y: PyReadonlyArray1<'_, f64>) -> PyResult<Option<f64>> {
    Ok(metrics::kendall_tau_b(&x.to_vec()?, &y.to_vec()?))
}

#[pyfunction]
fn spearman(x: PyReadonlyArray1<'_, f64>, y: PyReadonlyArray1<'_, f64>) -> PyResult<Option<f64>> {
    Ok(metrics::spearman(&x.to_vec()?, &y.to_vec()?))
}

#[pyfunction]
fn n_at_k(
    predicted: PyReadonlyArray1<'_, f64>,
    truth: PyReadonlyArray1<'_, f64>,
    k: usize,
) -> PyResult<Option<usize>> {
    Ok(metrics::n_at_k(&predicted.to_vec()?, &truth.to_vec()?, k))
}

#[pyfunction]
fn precision_at_top(
    predicted: PyReadonlyArray1<'_, f64>,
    truth: PyReadonlyArray1<'_, f64>,
    fraction: f64,
) -> PyResult<Option<f64>> {
    Ok(metrics::precision_at_top(&predicted.to_vec()?, &truth.to_vec()?, fraction))
}

/// Estimate, lower and upper end of an interval. `statistic` is called with the indices of the drawn items.
#[pyfunction]
#[pyo3(signature = (statistic, n, resamples, level, rng))]
fn bootstrap(
    py: Python<'_>,
    statistic: &Bound<'_, PyAny>,
    n: usize,
    resamples: usize,
    level: f64,
    rng: Option<&Bound<'_, PyAny>>,
) -> PyResult<Option<(f64, f64, f64)>> {
    let mut rng = generator(py, rng)?;
    let mut raised = None;
    let value = |drawn: &[usize]| {
        if raised.is_some() {
            return None;
        }
        let drawn: Vec<i64> = drawn.iter().map(|&i| i as i64).collect();
        let value = statistic.call1((drawn.into_pyarray(py),)).and_then(|value| value.extract::<f64>());
        value.map_err(|error| raised = Some(error)).ok().filter(|value| !value.is_nan())
    };
    let found = metrics::bootstrap(n, value, metrics::Bootstrap { resamples, level }, &mut rng);
    match raised {
        Some(error) => Err(error),
        None => Ok(found.map(|found| (found.estimate, found.low, found.high))),
    }
}
