//! Python values as a configuration.

use std::path::Path;

use bonas::config::SearchConfig;
use pyo3::exceptions::PyOverflowError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyString};
use toml::{Table, Value};

use crate::errors::Fault;

/// A mapping of sections to settings, as [`SearchConfig`] reads them from a file. Relative paths in it start from the
/// folder that the program runs in.
pub(crate) fn search_config(sections: &Bound<'_, PyDict>) -> PyResult<SearchConfig> {
    let config = SearchConfig::from_toml(&text(sections)?, "settings").map_err(Fault::from)?;
    let here = std::path::absolute(Path::new("."))
        .map_err(|error| Fault::data(format!("cannot tell in which folder this runs: {error}")))?;
    Ok(SearchConfig { relative_to: here, ..config })
}

/// A whole number that is no less than 0.
pub(crate) fn count_of(name: &str, number: &Bound<'_, PyAny>) -> PyResult<usize> {
    match number.extract::<usize>() {
        Err(error) if error.is_instance_of::<PyOverflowError>(number.py()) => Err(Fault::setting(format!(
            "{name}: {} is out of range; expected a whole number from 0 to {}",
            number.str()?,
            usize::MAX
        ))
        .into()),
        other => other,
    }
}

/// A mapping as TOML.
pub(crate) fn text(sections: &Bound<'_, PyDict>) -> PyResult<String> {
    let table = table(sections, "")?;
    Ok(toml::to_string(&table).map_err(|error| Fault::setting(error.to_string()))?)
}

fn table(values: &Bound<'_, PyDict>, path: &str) -> PyResult<Table> {
    let mut table = Table::new();
    for (key, item) in values {
        let Ok(key) = key.extract::<String>() else {
            let shown = key.repr()?;
            return Err(
                Fault::setting(format!("{path}: the name of a setting must be a text, not {shown}")).into()
            );
        };
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        // None leaves a setting at its default.
        if !item.is_none() {
            table.insert(key, value(&item, &path)?);
        }
    }
    Ok(table)
}

/// A value of a setting; whole numbers and floats may be those of numpy.
fn value(item: &Bound<'_, PyAny>, path: &str) -> PyResult<Value> {
    if let Ok(values) = item.cast::<PyDict>() {
        return Ok(Value::Table(table(values, path)?));
    }
    if item.is_instance_of::<PyString>() {
        return Ok(Value::String(item.extract()?));
    }
    if item.is_instance_of::<PyBool>() {
        return Ok(Value::Boolean(item.extract()?));
    }
    if item.is_instance_of::<PyInt>() || (!item.is_instance_of::<PyFloat>() && item.hasattr("__index__")?) {
        let number = item.extract::<i64>();
        return number.map(Value::Integer).map_err(|_| {
            Fault::setting(format!(
                "{path}: the number is out of range; expected at most 9223372036854775807 in size"
            ))
            .into()
        });
    }
    if let Ok(number) = item.extract::<f64>() {
        return Ok(Value::Float(number));
    }
    if let Ok(path) = item.call_method0("__fspath__") {
        return Ok(Value::String(path.extract()?));
    }
    if let Ok(items) = item.try_iter() {
        let items = items.map(|item| value(&item?, path)).collect::<PyResult<_>>()?;
        return Ok(Value::Array(items));
    }
    let shown = item.get_type().name()?;
    Err(Fault::setting(format!("{path}: {shown} is no value of a setting")).into())
}
