//! Long calls that leave Python free, and that Ctrl-C ends.

use std::panic::resume_unwind;
use std::sync::Mutex;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread::Builder;
use std::time::Duration;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

/// How often a waiting thread looks for signals.
const LOOK: Duration = Duration::from_millis(50);
/// Bytes of stack: as many as a main thread has.
const STACK: usize = 8 << 20;

/// Does some work on a thread of its own, while the calling one lets other Python threads run and looks for signals.
///
/// A signal handler that raises, as that of Ctrl-C does, ends the wait at once. The work goes on by itself then; what it has
/// locked stays locked until it is done, and its result is dropped.
///
/// # Errors
/// What the signal handler raised.
pub(crate) fn interruptible<T: Send + 'static>(
    py: Python<'_>,
    work: impl FnOnce() -> T + Send + 'static,
) -> PyResult<T> {
    let (sender, receiver) = channel();
    let thread = Builder::new().name("bonas".into()).stack_size(STACK).spawn(move || {
        // Nobody waits any more after a signal.
        let _ = sender.send(work());
    });
    let thread =
        thread.map_err(|error| PyRuntimeError::new_err(format!("cannot start a thread: {error}")))?;
    let receiver = Mutex::new(receiver);
    loop {
        let waited = py.detach(|| match receiver.lock() {
            Ok(receiver) => receiver.recv_timeout(LOOK),
            Err(_) => Err(RecvTimeoutError::Disconnected),
        });
        match waited {
            Ok(done) => return Ok(done),
            Err(RecvTimeoutError::Timeout) => py.check_signals()?,
            Err(RecvTimeoutError::Disconnected) => {
                return match thread.join() {
                    Err(panic) => resume_unwind(panic),
                    Ok(()) => Err(PyRuntimeError::new_err("a thread ended without a result")),
                };
            }
        }
    }
}
