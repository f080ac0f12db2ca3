//! Metrics of rankings; `None` where a value is undefined.

use bonas::surrogate::metrics;
use numpy::{PyArrayMethods, PyReadonlyArray1};
use pyo3::prelude::*;

/// Adds the functions to the module.
pub(crate) fn add(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(kendall_tau_b, module)?)?;
    module.add_function(wrap_pyfunction!(spearman, module)?)?;
    module.add_function(wrap_pyfunction!(n_at_k, module)?)?;
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
