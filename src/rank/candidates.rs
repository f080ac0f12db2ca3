//! Lists of architectures: files, standard input, whole spaces.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use bonas_spaces::{Architecture, SearchSpace};
use flate2::bufread::MultiGzDecoder;

use crate::StudyError;

/// The column of a CSV file that holds architectures.
const ARCH: &str = "arch";

/// How gzip files begin.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Bytes that are read at a time.
const BUFFER: usize = 1 << 18;

/// Longest line of a list, in bytes: a file without line ends is no list.
const LONGEST: u64 = 1 << 20;

/// A list of architectures that is read piece by piece.
///
/// It is text, plain or gzipped: an architecture a line in the notation of a space, or CSV with a column `arch` named in
/// the first line. Blank lines are left out.
pub struct Candidates<'a> {
    path: PathBuf,
    source: Source<'a>,
}

enum Source<'a> {
    Lines { reader: Box<dyn BufRead>, line: u64 },
    Csv { reader: Box<csv::Reader<Box<dyn BufRead>>>, arch: usize },
    Space { space: &'a dyn SearchSpace, cells: Box<dyn Iterator<Item = Architecture> + 'a> },
}

/// An architecture of a list, read or not.
pub(super) struct Candidate {
    /// Its line, from 1.
    pub(super) line: u64,
    pub(super) text: String,
    pub(super) architecture: Option<Architecture>,
}

impl Candidates<'static> {
    /// Opens a file.
    ///
    /// # Errors
    /// [`StudyError::Io`]; [`StudyError::Data`] for an empty file.
    pub fn open(path: &Path) -> Result<Self, StudyError> {
        let file = File::open(path).map_err(|source| StudyError::Io { path: path.to_owned(), source })?;
        Self::read(path, file)
    }

    /// The same from anything that is read; `path` names it in errors.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn read(path: &Path, source: impl Read + 'static) -> Result<Self, StudyError> {
        let io = |source| StudyError::Io { path: path.to_owned(), source };
        let mut raw = BufReader::with_capacity(BUFFER, source);
        let zipped = raw.fill_buf().map_err(io)?.starts_with(&GZIP);
        let mut reader: Box<dyn BufRead> = if zipped {
            Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(raw)))
        } else {
            Box::new(raw)
        };
        let first = next_line(&mut reader, path, 1)?.ok_or_else(|| StudyError::Data {
            path: path.to_owned(),
            reason: "it is empty; give one architecture a line, or CSV with a column `arch`".into(),
        })?;
        let names: Vec<&str> = first.trim().split(',').map(|name| name.trim().trim_matches('"')).collect();
        let source = if let Some(arch) = names.iter().position(|name| *name == ARCH) {
            Source::Csv { reader: Box::new(csv_reader(reader)), arch }
        } else {
            let whole: Box<dyn BufRead> = Box::new(std::io::Cursor::new(first).chain(reader));
            Source::Lines { reader: whole, line: 0 }
        };
        Ok(Self { path: path.to_owned(), source })
    }
}

/// A reader of the lines after the first.
fn csv_reader(reader: Box<dyn BufRead>) -> csv::Reader<Box<dyn BufRead>> {
    csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(reader)
}

impl<'a> Candidates<'a> {
    /// Every architecture of a space; none if it cannot be listed.
    pub fn all(space: &'a dyn SearchSpace) -> Option<Self> {
        let cells = space.enumerate()?;
        Some(Self { path: space.name().into(), source: Source::Space { space, cells } })
    }

    /// What it is called in errors.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The next architectures, at most `count`; none at the end.
    ///
    /// # Errors
    /// [`StudyError::Table`] with the line that cannot be read, [`StudyError::Space`].
    pub(super) fn next_chunk(&mut self, count: usize) -> Result<Vec<Candidate>, StudyError> {
        let mut chunk = Vec::with_capacity(count);
        while chunk.len() < count
            && let Some(next) = self.next()?
        {
            if !next.text.is_empty() {
                chunk.push(next);
            }
        }
        Ok(chunk)
    }

    fn next(&mut self) -> Result<Option<Candidate>, StudyError> {
        match &mut self.source {
            Source::Lines { reader, line } => {
                *line += 1;
                let text = next_line(reader, &self.path, *line)?;
                let candidate =
                    |text: String| Candidate { line: *line, text: trimmed(text), architecture: None };
                Ok(text.map(candidate))
            }
            Source::Csv { reader, arch } => next_record(reader, *arch, &self.path),
            Source::Space { space, cells } => {
                let Some(cell) = cells.next() else { return Ok(None) };
                Ok(Some(Candidate { line: 0, text: space.format(&cell)?, architecture: Some(cell) }))
            }
        }
    }
}

/// A text without blanks around it.
fn trimmed(mut text: String) -> String {
    text.truncate(text.trim_end().len());
    if text.starts_with(char::is_whitespace) { text.trim_start().to_owned() } else { text }
}

/// What is said of a line in another encoding.
const NOT_TEXT: &str = "no text (UTF-8); save the list as UTF-8";

/// What is said of a file that cannot be read further.
fn unread(error: &std::io::Error) -> String {
    format!("cannot read on ({error}); fetch or make the file again")
}

/// The next line with its end; none after the last.
fn next_line(reader: &mut Box<dyn BufRead>, path: &Path, line: u64) -> Result<Option<String>, StudyError> {
    let bad = |reason: String| StudyError::Table { path: path.to_owned(), line, reason };
    let mut bytes = Vec::with_capacity(80);
    let read = reader.take(LONGEST).read_until(b'\n', &mut bytes);
    read.map_err(|error| bad(unread(&error)))?;
    if bytes.len() as u64 == LONGEST {
        return Err(bad(format!("more than {LONGEST} bytes; give one architecture a line")));
    }
    let text = String::from_utf8(bytes).map_err(|_| bad(NOT_TEXT.into()))?;
    Ok((!text.is_empty()).then_some(text))
}

fn next_record(
    reader: &mut csv::Reader<Box<dyn BufRead>>,
    arch: usize,
    path: &Path,
) -> Result<Option<Candidate>, StudyError> {
    let mut record = csv::StringRecord::new();
    // The first line, which names the columns, was read before.
    let line = reader.position().line() + 1;
    let bad = |reason: String| StudyError::Table { path: path.to_owned(), line, reason };
    let more = reader.read_record(&mut record);
    let told = |error: csv::Error| match error.kind() {
        csv::ErrorKind::Io(error) => unread(error),
        csv::ErrorKind::Utf8 { .. } => NOT_TEXT.to_owned(),
        _ => format!("not CSV ({error}); correct the line"),
    };
    if !more.map_err(|error| bad(told(error)))? {
        return Ok(None);
    }
    let line = record.position().map_or(line, |position| position.line() + 1);
    let missing = || StudyError::Table {
        path: path.to_owned(),
        line,
        reason: format!("{} fields, and `{ARCH}` is field {}; the row is cut short", record.len(), arch + 1),
    };
    let text = record.get(arch).ok_or_else(missing)?.trim().to_owned();
    Ok(Some(Candidate { line, text, architecture: None }))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn texts(bytes: &[u8]) -> Result<Vec<(u64, String)>, StudyError> {
        let mut list = Candidates::read("list".as_ref(), std::io::Cursor::new(bytes.to_vec()))?;
        let mut all = Vec::new();
        loop {
            let chunk = list.next_chunk(2)?;
            if chunk.is_empty() {
                return Ok(all);
            }
            all.extend(chunk.into_iter().map(|candidate| (candidate.line, candidate.text)));
        }
    }

    fn expected(list: &[(u64, &str)]) -> Vec<(u64, String)> {
        list.iter().map(|(line, text)| (*line, (*text).to_owned())).collect()
    }

    #[test]
    fn lines_columns_and_gzip_are_read() {
        assert_eq!(texts(b"a\n\n b \r\nc").unwrap(), expected(&[(1, "a"), (3, "b"), (4, "c")]));
        let csv = b"acc,arch\n1,a\n2,\"b,c\"\n3,d\n";
        assert_eq!(texts(csv).unwrap(), expected(&[(2, "a"), (3, "b,c"), (4, "d")]));
        let mut zip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        zip.write_all(csv).unwrap();
        let zip = zip.finish().unwrap();
        assert_eq!(texts(&zip).unwrap(), texts(csv).unwrap());
        let error = texts(&zip[..zip.len() - 9]).unwrap_err().to_string();
        assert!(error.contains("list line") && error.contains("again"), "{error}");
    }

    #[test]
    fn what_is_no_list_is_named() {
        assert!(texts(b"").unwrap_err().to_string().contains("list: it is empty"));
        assert!(texts(b"a\n\xff\n").unwrap_err().to_string().contains("list line 2: no text"));
        let long = vec![b'x'; LONGEST as usize + 1];
        assert!(texts(&long).unwrap_err().to_string().contains("list line 1: more than"));
        let short = texts(b"acc,arch\n1\n").unwrap_err().to_string();
        assert!(short.contains("list line 2: 1 fields, and `arch` is field 2"), "{short}");
    }
}
