//! Independent pieces of work on several threads.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread;

/// Threads to use where a user gives none: one a core.
pub fn cores() -> usize {
    thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Does `work(i)` for every `i` below `n` on `threads` threads, begun in order, and hands each
/// result to `receive` on the calling thread in the order in which they are done. When `receive`
/// says false no further piece is begun.
pub fn parallel<R: Send>(
    n: usize,
    threads: usize,
    work: impl Fn(usize) -> R + Sync,
    mut receive: impl FnMut(usize, R) -> bool,
) {
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    // Bounded, so that no thread runs far ahead of what is received.
    let (sender, receiver) = sync_channel(threads.max(1));
    thread::scope(|scope| {
        for _ in 0..threads.clamp(1, n.max(1)) {
            let (sender, work, next, stop) = (sender.clone(), &work, &next, &stop);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let piece = next.fetch_add(1, Ordering::Relaxed);
                    if piece >= n || sender.send((piece, work(piece))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        for (piece, result) in receiver {
            if !receive(piece, result) {
                stop.store(true, Ordering::Relaxed);
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_piece_is_done_once_whatever_the_number_of_threads() {
        for threads in [0, 1, 3, 50] {
            let mut done = vec![0; 20];
            parallel(
                20,
                threads,
                |i| i * i,
                |i, square| {
                    assert_eq!(square, i * i);
                    done[i] += 1;
                    true
                },
            );
            assert_eq!(done, vec![1; 20], "{threads} threads");
        }
    }

    #[test]
    fn nothing_is_begun_after_a_stop() {
        let mut done = 0;
        parallel(
            100,
            1,
            |i| i,
            |_, _| {
                done += 1;
                done < 3
            },
        );
        assert!(done < 100, "{done}");
    }
}
