//! Long calls that leave Python free, and that Ctrl-C ends.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
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
    let work = Work::begin(work)?;
    loop {
        if let Some(done) = work.wait(py)? {
            return Ok(done);
        }
        py.check_signals()?;
    }
}

/// As [`interruptible`], for work that stops soon once `cancel` is true: the first signal asks it to, and waits for it. A
/// second one does not wait.
///
/// # Errors
/// What the signal handler raised.
pub(crate) fn interruptible_with<T: Send + 'static>(
    py: Python<'_>,
    cancel: &AtomicBool,
    work: impl FnOnce() -> T + Send + 'static,
) -> PyResult<T> {
    let work = Work::begin(work)?;
    let mut raised = None;
    loop {
        if let Some(done) = work.wait(py)? {
            return raised.map_or(Ok(done), Err);
        }
        match (py.check_signals(), &raised) {
            (Ok(()), _) => {}
            (Err(error), None) => {
                cancel.store(true, Ordering::Relaxed);
                raised = Some(error);
            }
            (Err(error), Some(_)) => return Err(error),
        }
    }
}

/// Work on a thread.
struct Work<T> {
    result: Mutex<Receiver<T>>,
}

impl<T: Send + 'static> Work<T> {
    fn begin(work: impl FnOnce() -> T + Send + 'static) -> PyResult<Self> {
        let (sender, receiver) = channel();
        let thread = Builder::new().name("bonas".into()).stack_size(STACK).spawn(move || {
            // Nobody waits any more after a signal.
            let _ = sender.send(work());
        });
        match thread {
            Ok(_) => Ok(Self { result: Mutex::new(receiver) }),
            Err(error) => Err(PyRuntimeError::new_err(format!("cannot start a thread: {error}"))),
        }
    }

    /// Waits for a moment; none if the work is not done by then.
    fn wait(&self, py: Python<'_>) -> PyResult<Option<T>> {
        let waited = py.detach(|| match self.result.lock() {
            Ok(result) => result.recv_timeout(LOOK),
            Err(_) => Err(RecvTimeoutError::Disconnected),
        });
        match waited {
            Ok(done) => Ok(Some(done)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => {
                Err(PyRuntimeError::new_err("bonas panicked; please report what it printed"))
            }
        }
    }
}
