//! What one worker makes for all workers of a study.

use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::thread;
use std::time::Duration;

use bonas_study::StudyError;
use bonas_study::evaluator::Monitor;

/// How often a worker that waits for another asks whether the user wants to stop.
const WAIT: Duration = Duration::from_millis(20);

/// A value that the first worker makes while the others wait; its clones are the same value.
#[derive(Debug)]
pub(super) struct Once<T>(Arc<Mutex<Option<T>>>);

impl<T> Default for Once<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> Clone for Once<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Once<T> {
    /// What a worker has of the value: what `read` takes from it where it is made, and else what `make` returns beside it.
    ///
    /// # Errors
    /// [`StudyError::Interrupted`] if the user wants to stop; errors of `read` and `make`, which leave no value.
    pub(super) fn read_or_make<U>(
        &self,
        monitor: &dyn Monitor,
        read: impl FnOnce(&T) -> Result<U, StudyError>,
        make: impl FnOnce() -> Result<(T, U), StudyError>,
    ) -> Result<U, StudyError> {
        let mut value = self.wait(monitor)?;
        if let Some(value) = &*value {
            return read(value);
        }
        let (made, own) = make()?;
        *value = Some(made);
        Ok(own)
    }

    /// The value, if it is made, once no other worker is making it.
    fn wait(&self, monitor: &dyn Monitor) -> Result<MutexGuard<'_, Option<T>>, StudyError> {
        loop {
            if monitor.cancelled() {
                return Err(StudyError::Interrupted);
            }
            match self.0.try_lock() {
                Ok(guard) => return Ok(guard),
                // What a worker that panicked left behind is either whole or not there.
                Err(TryLockError::Poisoned(left)) => return Ok(left.into_inner()),
                Err(TryLockError::WouldBlock) => thread::sleep(WAIT),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    use super::*;

    /// Cancels once it was told to, and says how often it was asked.
    #[derive(Default)]
    struct Stop {
        now: AtomicBool,
        asked: AtomicUsize,
    }

    impl Monitor for Stop {
        fn step(&self, _: u64, _: u64, _: &str) {}

        fn cancelled(&self) -> bool {
            self.asked.fetch_add(1, Ordering::SeqCst);
            self.now.load(Ordering::SeqCst)
        }
    }

    /// The value is never finished here: a worker that makes it holds the lock all the time.
    #[test]
    fn a_worker_that_waits_can_be_stopped() {
        let first = Once::<u8>::default();
        let second = first.clone();
        let stop = Stop::default();
        let held = first.wait(&stop).unwrap();
        let error = thread::scope(|scope| {
            let waiting = scope.spawn(|| second.wait(&stop).map(drop).unwrap_err());
            while stop.asked.load(Ordering::SeqCst) < 3 {
                thread::sleep(WAIT);
            }
            stop.now.store(true, Ordering::SeqCst);
            waiting.join().unwrap()
        });
        assert!(matches!(error, StudyError::Interrupted), "{error}");
        drop(held);
        assert!(second.wait(&stop).is_err(), "who comes after the stop does not begin");
    }

    #[test]
    fn what_one_makes_all_have() {
        let (first, stop) = (Once::default(), Stop::default());
        let failed = first.read_or_make(&stop, |_| Ok(0), || Err(StudyError::Interrupted));
        assert!(failed.is_err(), "and leaves no value");
        assert_eq!(first.read_or_make(&stop, |_| Ok(0), || Ok((7, 1))).unwrap(), 1);
        let read = || first.clone().read_or_make(&stop, |value| Ok(*value), || Ok((8, 2))).unwrap();
        assert_eq!(read(), 7);
        let poisoned = first.clone();
        let _ = thread::spawn(move || {
            let stop = Stop::default();
            let _held = poisoned.wait(&stop).unwrap();
            panic!("while it holds the lock");
        })
        .join();
        assert_eq!(read(), 7);
    }
}
