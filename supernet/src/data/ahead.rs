//! Work on other threads: the images of one batch, and a batch ahead of who uses it.

use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::{self, Builder, JoinHandle};

/// Makes things one after another.
pub(super) trait Make<B>: Send + 'static {
    /// Makes the next in the memory of another; whether there is one.
    fn make(&mut self, buffer: &mut B) -> bool;
}

/// A thread that makes the next batch while the one before is used. There are two buffers, which both sides pass on.
#[derive(Debug)]
pub(super) struct Ahead<B> {
    /// None once the thread is to end.
    ends: Option<Ends<B>>,
    thread: Option<JoinHandle<()>>,
}

/// The caller's ends of the channels.
#[derive(Debug)]
struct Ends<B> {
    made: Receiver<B>,
    used: Sender<B>,
}

impl<B: Send + 'static> Ahead<B> {
    /// Begins to make batches, the first in the memory of `buffer`.
    ///
    /// # Errors
    /// The maker, where the system gives no thread.
    pub(super) fn start<M: Make<B>>(maker: M, buffer: B) -> Result<Self, M> {
        let (to_make, used) = (channel(), channel());
        let (give, made) = sync_channel(1);
        // The maker comes through a channel, so that it is not lost where there is no thread.
        let thread = Builder::new().name("batches".to_owned()).spawn(move || {
            if let Ok(maker) = to_make.1.recv() {
                run(maker, &used.1, &give);
            }
        });
        let Ok(thread) = thread else { return Err(maker) };
        let ends = Ends { made, used: used.0 };
        // The thread waits for both.
        let _begun = (to_make.0.send(maker), ends.used.send(buffer));
        Ok(Self { ends: Some(ends), thread: Some(thread) })
    }

    /// Exchanges a batch that was used for the next; whether there is one.
    ///
    /// # Panics
    /// As the thread, if it panicked.
    pub(super) fn take(&mut self, batch: &mut B) -> bool {
        let made = self.ends.as_ref().and_then(|ends| ends.made.recv().ok());
        let Some(made) = made else {
            self.end().unwrap_or_else(|panic| resume_unwind(panic));
            return false;
        };
        let used = std::mem::replace(batch, made);
        // After the last batch nobody waits for it.
        let _passed = self.ends.as_ref().map(|ends| ends.used.send(used));
        true
    }
}

impl<B> Ahead<B> {
    /// Waits for the thread, which makes no further batch.
    fn end(&mut self) -> thread::Result<()> {
        self.ends = None;
        self.thread.take().map_or(Ok(()), JoinHandle::join)
    }
}

impl<B> Drop for Ahead<B> {
    /// Waits for a batch that is being made. A panic in it is of no interest: nobody wants the batch.
    fn drop(&mut self) {
        let _unwanted = self.end();
    }
}

fn run<B>(mut maker: impl Make<B>, used: &Receiver<B>, give: &SyncSender<B>) {
    while let Ok(mut batch) = used.recv() {
        if !maker.make(&mut batch) || give.send(batch).is_err() {
            return;
        }
    }
}

/// Does `work` on each item, on `threads` threads at most, the calling one among them.
///
/// # Panics
/// As `work`.
pub(super) fn in_pieces<T: Send>(items: &mut [T], threads: usize, work: impl Fn(&mut T) + Sync) {
    let piece = items.len().div_ceil(threads.max(1)).max(1);
    let all = |items: &mut [T]| items.iter_mut().for_each(&work);
    let mut pieces = items.chunks_mut(piece);
    let Some(own) = pieces.next() else { return };
    thread::scope(|scope| {
        let mut begun = Vec::with_capacity(threads);
        for piece in pieces {
            // The piece comes through a channel, so that it is not lost where there is no thread.
            let (give, taken) = channel();
            let thread = Builder::new().spawn_scoped(scope, move || taken.recv().map_or((), all));
            match thread {
                Ok(thread) => {
                    let _begun = give.send(piece);
                    begun.push(thread);
                }
                Err(_) => all(piece),
            }
        }
        all(own);
        for thread in begun {
            thread.join().unwrap_or_else(|panic| resume_unwind(panic));
        }
    });
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    /// Counts to 9, and panics at a number.
    struct Count {
        next: usize,
        panics_at: usize,
        made: Arc<AtomicUsize>,
    }

    impl Make<usize> for Count {
        fn make(&mut self, buffer: &mut usize) -> bool {
            assert!(self.next != self.panics_at, "no {}", self.next);
            *buffer = self.next;
            self.next += 1;
            self.made.fetch_add(1, Ordering::SeqCst);
            self.next <= 10
        }
    }

    fn counted(panics_at: usize) -> (Ahead<usize>, Arc<AtomicUsize>) {
        let made = Arc::new(AtomicUsize::new(0));
        let count = Count { next: 0, panics_at, made: Arc::clone(&made) };
        (Ahead::start(count, 0).map_err(|_| "no thread").unwrap(), made)
    }

    #[test]
    fn everything_is_made_once_in_order_and_no_more_than_one_ahead() {
        let (mut ahead, made) = counted(usize::MAX);
        let mut batch = 0;
        for expected in 0..10 {
            assert!(ahead.take(&mut batch));
            assert_eq!(batch, expected);
            thread::sleep(Duration::from_millis(1));
            assert!(made.load(Ordering::SeqCst) <= expected + 2);
        }
        assert!(!ahead.take(&mut batch) && !ahead.take(&mut batch));
    }

    #[test]
    fn a_panic_reaches_who_asks_and_then_there_is_nothing() {
        let (mut ahead, _) = counted(3);
        let mut batch = 0;
        assert!((0..3).all(|_| ahead.take(&mut batch)));
        let panic = catch_unwind(AssertUnwindSafe(|| ahead.take(&mut batch))).unwrap_err();
        assert_eq!(panic.downcast_ref::<String>().unwrap(), "no 3");
        assert!(!ahead.take(&mut batch));
    }

    #[test]
    fn who_stops_asking_does_not_wait_for_what_was_never_begun() {
        let (mut ahead, made) = counted(usize::MAX);
        let mut batch = 0;
        assert!(ahead.take(&mut batch));
        drop(ahead);
        let before = made.load(Ordering::SeqCst);
        assert!(before <= 2);
        thread::sleep(Duration::from_millis(5));
        assert_eq!(made.load(Ordering::SeqCst), before, "the thread is gone");
        // A panic that nobody asked for is no panic of the caller.
        let (ahead, _) = counted(0);
        drop(ahead);
    }

    #[test]
    fn pieces_are_done_once_and_panics_come_through() {
        for threads in [0, 1, 3, 50] {
            let mut items: Vec<usize> = (0..20).collect();
            in_pieces(&mut items, threads, |item| *item *= 2);
            assert_eq!(items, (0..20).map(|i| 2 * i).collect::<Vec<_>>(), "{threads} threads");
        }
        in_pieces(&mut [] as &mut [usize], 4, |_| unreachable!("there is none"));
        for at in [0, 19] {
            let mut items: Vec<usize> = (0..20).collect();
            let panic = catch_unwind(AssertUnwindSafe(|| {
                in_pieces(&mut items, 3, |item| assert!(*item != at, "{at}"));
            }));
            assert_eq!(*panic.unwrap_err().downcast_ref::<String>().unwrap(), at.to_string());
        }
    }
}
