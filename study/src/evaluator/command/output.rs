//! Output of any length in bounded memory and on a bounded part of the disk.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::StudyError;

/// Bytes that are kept of each stream of a run, retries included.
pub(super) const KEPT: u64 = 64 << 20;
/// Bytes of the longest line that is read; longer ones are no results.
const LINE: usize = 1 << 20;

/// A file that takes no more than so many bytes, and says where it was cut.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    file: File,
    left: u64,
}

impl Log {
    /// Opens a file to be appended to, which is to have at most `kept` bytes.
    pub(super) fn open(path: &Path, kept: u64) -> Result<Self, StudyError> {
        let open = || {
            let file = OpenOptions::new().create(true).append(true).open(path)?;
            let left = kept.saturating_sub(file.metadata()?.len());
            Ok(Self { path: path.to_owned(), file, left })
        };
        open().map_err(|source| StudyError::Io { path: path.to_owned(), source })
    }

    /// Appends bytes as far as there is room.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<(), StudyError> {
        self.write(bytes).map_err(|source| StudyError::Io { path: self.path.clone(), source })
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.left == 0 || bytes.is_empty() {
            return Ok(());
        }
        let room = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len());
        self.file.write_all(&bytes[..room])?;
        self.left -= room as u64;
        if room < bytes.len() {
            self.left = 0;
        }
        if self.left == 0 { self.file.write_all(b"\n[cut here: what follows is not kept]\n") } else { Ok(()) }
    }
}

/// Cuts a stream into lines, which end with a line feed or a carriage return.
#[derive(Debug, Default)]
pub(super) struct Lines {
    begun: Vec<u8>,
    /// Whether the line at hand is too long.
    skipped: bool,
}

impl Lines {
    /// Takes bytes, and hands on each line that they finish.
    pub(super) fn take(
        &mut self,
        bytes: &[u8],
        hand_on: &mut dyn FnMut(&[u8]) -> Result<(), StudyError>,
    ) -> Result<(), StudyError> {
        let mut pieces = bytes.split(|byte| matches!(byte, b'\n' | b'\r')).peekable();
        while let Some(piece) = pieces.next() {
            self.skipped |= self.begun.len() + piece.len() > LINE;
            if !self.skipped {
                self.begun.extend_from_slice(piece);
            }
            if pieces.peek().is_some() {
                self.finish(hand_on)?;
            }
        }
        Ok(())
    }

    /// Hands on what was begun, as at the end of the stream.
    pub(super) fn finish(
        &mut self,
        hand_on: &mut dyn FnMut(&[u8]) -> Result<(), StudyError>,
    ) -> Result<(), StudyError> {
        let done = if self.skipped || self.begun.is_empty() { Ok(()) } else { hand_on(&self.begun) };
        self.begun.clear();
        self.skipped = false;
        done
    }
}

/// Length of the end of a stream that is remembered.
const TAIL: usize = 4096;

/// The end of a stream, for messages.
#[derive(Debug, Default)]
pub(super) struct Tail(Vec<u8>);

impl Tail {
    /// Takes bytes, and forgets what is no longer at the end.
    pub(super) fn take(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(&bytes[bytes.len().saturating_sub(TAIL)..]);
        let surplus = self.0.len().saturating_sub(TAIL);
        self.0.drain(..surplus);
    }

    /// The last line that is not blank.
    pub(super) fn last_line(&self) -> Option<String> {
        let text = String::from_utf8_lossy(&self.0);
        text.lines().rev().map(str::trim).find(|line| !line.is_empty()).map(super::message::one_line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(pieces: &[&[u8]]) -> Vec<String> {
        let (mut lines, mut found) = (Lines::default(), Vec::new());
        let mut hand_on = |line: &[u8]| {
            found.push(String::from_utf8_lossy(line).into_owned());
            Ok(())
        };
        for piece in pieces {
            lines.take(piece, &mut hand_on).unwrap();
        }
        lines.finish(&mut hand_on).unwrap();
        found
    }

    #[test]
    fn lines_are_put_together_from_pieces() {
        assert_eq!(lines(&[b"ab", b"c\nd\r", b"\n\ne"]), ["abc", "d", "e"]);
        assert_eq!(lines(&[b"10 %\r20 %\r{\"score\": 1}\n"]), ["10 %", "20 %", "{\"score\": 1}"]);
        let long = vec![b'x'; LINE / 2 + 1];
        assert_eq!(lines(&[&long, &long, &long, b"\nend\n"]), ["end"]);
    }

    #[test]
    fn a_log_is_cut_once_and_stays_cut() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stdout.txt");
        for _ in 0..2 {
            let mut log = Log::open(&path, 10).unwrap();
            for _ in 0..3 {
                log.append(b"1234").unwrap();
            }
        }
        let expected = "1234123412\n[cut here: what follows is not kept]\n";
        assert_eq!(std::fs::read_to_string(&path).unwrap(), expected);
    }

    #[test]
    fn the_last_line_is_remembered() {
        let mut tail = Tail::default();
        assert_eq!(tail.last_line(), None);
        tail.take(&vec![b'x'; 3 * TAIL]);
        tail.take(b"\nValueError: no\n\n");
        assert_eq!(tail.last_line().as_deref(), Some("ValueError: no"));
        assert!(tail.0.len() <= TAIL);
    }
}
