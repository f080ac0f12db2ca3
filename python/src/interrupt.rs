//! Long calls that leave Python free, and that Ctrl-C ends.
//!
//! Before Python 3.14 a thread that wants the interpreter back while it shuts down is ended inside that call, which unwinds
//! through frames of Rust and crashes the process. So none asks any more once [`leaving`] was called, at exit.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Mutex, OnceLock};
use std::thread::{self, Builder, ThreadId};
use std::time::{Duration, Instant};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

/// How often a waiting thread looks for signals.
const LOOK: Duration = Duration::from_millis(50);
/// Bytes of stack: as many as a main thread has.
const STACK: usize = 8 << 20;

/// How long the exit waits for threads that are about to get the interpreter back.
const GRACE: Duration = Duration::from_secs(1);

/// The thread that ends the interpreter, once it does.
static LEAVING: OnceLock<ThreadId> = OnceLock::new();
/// Threads that have asked for the interpreter, and not got it yet or not left it.
static ASKING: AtomicUsize = AtomicUsize::new(0);

/// Keeps every other thread away from an interpreter that is about to end. `atexit` calls it.
#[pyfunction]
pub(crate) fn leaving(py: Python<'_>) {
    let _ = LEAVING.set(thread::current().id());
    // Those that asked before this get it now.
    py.detach(|| {
        let begun = Instant::now();
        while ASKING.load(Ordering::SeqCst) > 0 && begun.elapsed() < GRACE {
            thread::sleep(Duration::from_millis(1));
        }
    });
}

/// That a thread asks for the interpreter.
struct Asking;

impl Asking {
    /// Never returns where the interpreter is ending.
    fn begin() -> Self {
        ASKING.fetch_add(1, Ordering::SeqCst);
        let asking = Self;
        if LEAVING.get().is_some_and(|&leaves| leaves != thread::current().id()) {
            drop(asking);
            loop {
                thread::park();
            }
        }
        asking
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        ASKING.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Calls Python from a thread of [`interruptible`] work.
pub(crate) fn attached<T>(call: impl FnOnce(Python<'_>) -> T) -> T {
    let _asking = Asking::begin();
    Python::attach(call)
}

/// Does some short work while other Python threads run; signals wait for it.
pub(crate) fn released<T: Send>(py: Python<'_>, work: impl FnOnce() -> T + Send) -> T {
    let (done, asking) = py.detach(|| (work(), Asking::begin()));
    drop(asking);
    done
}

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
        let (waited, asking) = py.detach(|| {
            let waited = match self.result.lock() {
                Ok(result) => result.recv_timeout(LOOK),
                Err(_) => Err(RecvTimeoutError::Disconnected),
            };
            (waited, Asking::begin())
        });
        drop(asking);
        match waited {
            Ok(done) => Ok(Some(done)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => {
                Err(PyRuntimeError::new_err("bonas panicked; please report what it printed"))
            }
        }
    }
}
