//! The native half of the Python package `bonas`: thin classes around the crates of this workspace.
//!
//! Python code lives in `bonas/`; `cargo xtask python` builds a wheel of both and tests it. Everything that takes time runs
//! on another thread while the calling one waits for signals ([`interrupt`]), so that other Python threads go on and Ctrl-C
//! works. Errors become exceptions of the tree in `bonas/_errors.py` ([`errors`]).
//!
//! Invariant: nothing here decides anything about a search. Values are checked by the crates, with their messages.

mod architecture;
mod errors;
mod interrupt;
mod random;
mod session;
mod settings;
mod space;

use pyo3::prelude::*;

#[pymodule]
fn _bonas(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<architecture::Architecture>()?;
    module.add_class::<space::Space>()?;
    module.add_class::<session::Session>()?;
    module.add_function(wrap_pyfunction!(space::space, module)?)?;
    module.add_function(wrap_pyfunction!(space::space_names, module)?)?;
    Ok(())
}
