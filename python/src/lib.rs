//! The native half of the Python package `bonas`: thin classes around the crates of this workspace.
//!
//! Python code lives in `bonas/`; `cargo xtask python` builds a wheel of both and tests it. Everything that takes time runs
//! on another thread while the calling one waits for signals ([`interrupt`]), so that other Python threads go on and Ctrl-C
//! works. Errors become exceptions of the tree in `bonas/_errors.py` ([`errors`]).
//!
//! Invariant: nothing here decides anything about a search. Values are checked by the crates, with their messages.

#![allow(clippy::needless_pass_by_value, reason = "arguments from Python are values")]

mod compare;
mod errors;
mod interrupt;
mod metrics;
mod named;
mod opened;
mod random;
mod session;
mod settings;
mod spaces;
mod surrogate;

use pyo3::prelude::*;

#[pymodule]
fn _bonas(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<spaces::Architecture>()?;
    module.add_class::<spaces::Space>()?;
    module.add_class::<session::Session>()?;
    module.add_class::<surrogate::Fitted>()?;
    module.add_class::<surrogate::Posteriors>()?;
    module.add_function(wrap_pyfunction!(surrogate::acquisition_names, module)?)?;
    module.add_function(wrap_pyfunction!(surrogate::surrogate_names, module)?)?;
    module.add_function(wrap_pyfunction!(compare::compare, module)?)?;
    metrics::add(module)?;
    module
        .py()
        .import("atexit")?
        .call_method1("register", (wrap_pyfunction!(interrupt::leaving, module)?,))?;
    module.add_function(wrap_pyfunction!(spaces::space, module)?)?;
    module.add_function(wrap_pyfunction!(spaces::unpickled_space, module)?)?;
    module.add_function(wrap_pyfunction!(spaces::declared_space, module)?)?;
    module.add_function(wrap_pyfunction!(spaces::same_space, module)?)?;
    module.add_function(wrap_pyfunction!(spaces::space_names, module)?)?;
    Ok(())
}
