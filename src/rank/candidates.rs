//! Lists of architectures: files, standard input, whole spaces.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use bonas_spaces::{Architecture, SearchSpace};
use bonas_study::table::{is_missing, missing_text};
use flate2::bufread::MultiGzDecoder;

use crate::StudyError;

/// Columns of a CSV file that hold architectures; the first that is there counts.
const COLUMNS: [&str; 2] = ["arch", "architecture"];

/// How gzip files begin.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Bytes that are read at a time.
const BUFFER: usize = 1 << 18;

/// The mark of the byte order that some programs put before text.
const BYTE_ORDER: char = '\u{feff}';

/// Longest line of a list, in bytes: a file without line ends is no list.
const LONGEST: u64 = 1 << 20;

/// A list of architectures that is read piece by piece.
///
/// It is text, plain or gzipped: an architecture a line in a notation of a space, or CSV with a column `arch` (or
/// `architecture`) named in the first line that is not blank; `arch:NOTATION` says which notation its texts are in. Blank lines are left out; a row of CSV that names no
/// architecture is an error.
pub struct Candidates<'a> {
    path: PathBuf,
    source: Source<'a>,
}

enum Source<'a> {
    Lines(Lines),
    Csv { lines: Lines, column: Column },
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
        let reader: Box<dyn BufRead> = if zipped {
            Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(raw)))
        } else {
            Box::new(raw)
        };
        let source = begin(Lines { path: path.to_owned(), reader, line: 0 })?;
        Ok(Self { path: path.to_owned(), source })
    }
}

/// Tells by the first line that is not blank whether a list is CSV.
fn begin(mut lines: Lines) -> Result<Source<'static>, StudyError> {
    let Some(mut first) = lines.next_filled()? else {
        if lines.line == 1 {
            let reason = "it is empty; give one architecture a line, or CSV with a column `arch`".into();
            return Err(StudyError::Data { path: lines.path, reason });
        }
        return Ok(Source::Lines(lines));
    };
    let line = lines.line;
    lines.complete(&mut first)?;
    if let Some(column) = Column::named(&first) {
        return Ok(Source::Csv { lines, column });
    }
    // They are read again.
    let reader = Box::new(std::io::Cursor::new(first).chain(lines.reader));
    Ok(Source::Lines(Lines { path: lines.path, reader, line: line - 1 }))
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
            chunk.push(next);
        }
        Ok(chunk)
    }

    fn next(&mut self) -> Result<Option<Candidate>, StudyError> {
        match &mut self.source {
            Source::Lines(lines) => {
                let text = lines.next_filled()?;
                let (line, architecture) = (lines.line, None);
                Ok(text.map(|text| Candidate { line, text: trimmed(text), architecture }))
            }
            Source::Csv { lines, column } => column.next(lines),
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

/// The lines of a file.
struct Lines {
    path: PathBuf,
    reader: Box<dyn BufRead>,
    /// The one read last, from 1.
    line: u64,
}

impl Lines {
    /// The next line with its end, without a mark of the byte order; none after the last.
    fn next(&mut self) -> Result<Option<String>, StudyError> {
        self.line += 1;
        let mut bytes = Vec::with_capacity(80);
        let read = self.reader.by_ref().take(LONGEST).read_until(b'\n', &mut bytes);
        read.map_err(|error| self.bad(self.line, unread(&error)))?;
        if bytes.len() as u64 == LONGEST {
            let reason = format!("more than {LONGEST} bytes; give one architecture a line");
            return Err(self.bad(self.line, reason));
        }
        let mut text = String::from_utf8(bytes).map_err(|_| self.bad(self.line, NOT_TEXT.into()))?;
        if self.line == 1 && text.starts_with(BYTE_ORDER) {
            text.drain(..BYTE_ORDER.len_utf8());
            if text.is_empty() {
                return Ok(Some("\n".into()));
            }
        }
        Ok((!text.is_empty()).then_some(text))
    }

    /// The next line that is not blank.
    fn next_filled(&mut self) -> Result<Option<String>, StudyError> {
        loop {
            match self.next()? {
                Some(text) if text.trim().is_empty() => {}
                other => return Ok(other),
            }
        }
    }

    /// Appends lines to a record of CSV until no quote is open; false where that is not so at the end or for too long.
    fn complete(&mut self, record: &mut String) -> Result<bool, StudyError> {
        let mut quotes = Quotes::default();
        quotes.pass(record);
        while quotes.open {
            match self.next()? {
                Some(more) if ((record.len() + more.len()) as u64) < LONGEST => {
                    quotes.pass(&more);
                    record.push_str(&more);
                }
                Some(more) => {
                    record.push_str(&more);
                    return Ok(false);
                }
                None => return Ok(false),
            }
        }
        Ok(true)
    }

    fn bad(&self, line: u64, reason: String) -> StudyError {
        StudyError::Table { path: self.path.clone(), line, reason }
    }
}

/// Whether a quoted field of CSV is open.
#[derive(Default)]
struct Quotes {
    open: bool,
    /// Whether a quote is text here, as it stands neither at the beginning of a field nor after another quote.
    inside: bool,
}

impl Quotes {
    fn pass(&mut self, text: &str) {
        for byte in text.bytes() {
            (self.open, self.inside) = match byte {
                b'"' if self.open => (false, false),
                b'"' if !self.inside => (true, true),
                b',' | b'\n' if !self.open => (false, false),
                _ => (self.open, true),
            };
        }
    }
}

/// The column of a CSV file that holds architectures.
struct Column {
    name: &'static str,
    /// Its position, from 0.
    place: usize,
    /// The notation that the header names, as `arch:digits`.
    notation: Option<String>,
}

impl Column {
    /// The one that a header names, if it names one.
    fn named(header: &str) -> Option<Self> {
        let record = fields(header).ok()?;
        let of = |field: &str, name: &str| match field.trim().strip_prefix(name)? {
            "" => Some(None),
            rest => Some(Some(rest.strip_prefix(':')?.trim().to_owned())),
        };
        COLUMNS.into_iter().find_map(|name| {
            let mut found =
                record.iter().enumerate().filter_map(|(place, field)| Some((place, of(field, name)?)));
            found.next().map(|(place, notation)| Self { name, place, notation })
        })
    }

    /// The architecture of the next row.
    fn next(&self, lines: &mut Lines) -> Result<Option<Candidate>, StudyError> {
        let Some(mut row) = lines.next_filled()? else { return Ok(None) };
        let line = lines.line;
        if row.contains('"') && !lines.complete(&mut row)? {
            return Err(lines.bad(line, "a quote is not closed; correct the row".into()));
        }
        let text = self.of(&row).map_err(|reason| lines.bad(line, reason))?;
        Ok(Some(Candidate { line, text, architecture: None }))
    }

    /// The architecture of a row, or what is wrong with it.
    fn of(&self, row: &str) -> Result<String, String> {
        let Self { name, place, notation } = self;
        let place = *place;
        let (count, field) = if row.contains('"') {
            let record = fields(row).map_err(|error| format!("not CSV ({error}); correct the line"))?;
            (record.len(), record.get(place).map(str::to_owned))
        } else {
            (row.split(',').count(), row.split(',').nth(place).map(str::to_owned))
        };
        match field.map(trimmed) {
            Some(text) if is_missing(&text) => {
                let (what, place) = (missing_text(&text), place + 1);
                Err(format!("field {place} (`{name}`) is {what}; give an architecture, or remove the row"))
            }
            Some(text) => Ok(match notation {
                Some(notation) => format!("{notation}:{text}"),
                None => text,
            }),
            None => Err(format!("{count} fields, and `{name}` is field {}; the row is cut short", place + 1)),
        }
    }
}

/// The fields of a record of CSV.
fn fields(record: &str) -> csv::Result<csv::StringRecord> {
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(record.as_bytes());
    reader.records().next().unwrap_or_else(|| Ok(csv::StringRecord::new()))
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
        let named = expected(&[(2, "digits:1"), (3, "digits:2")]);
        assert_eq!(texts(b"acc, arch:digits\n1,1\n2, 2\n").unwrap(), named);
        let error = texts(&zip[..zip.len() - 9]).unwrap_err().to_string();
        assert!(error.contains("list line") && error.contains("again"), "{error}");
    }

    #[test]
    fn headers_are_read_as_csv() {
        let found = expected(&[(2, "a"), (3, "b")]);
        for header in [
            "arch,x",
            "architecture,x",
            "\"arch\",\"x, y\"",
            " arch , x",
            "\u{feff}arch,x",
            "\u{feff}\"arch\",x\r",
        ] {
            assert_eq!(texts(format!("{header}\na,1\nb,2\n").as_bytes()).unwrap(), found, "{header}");
        }
        assert_eq!(texts(b"architecture,arch\nb,a\n").unwrap(), expected(&[(2, "a")]));
        assert_eq!(texts(b"\"x, y\",arch\n1,a\n").unwrap(), expected(&[(2, "a")]));
        assert_eq!(texts(b"\"x\ny\",arch\n1,a\n").unwrap(), expected(&[(3, "a")]));
        assert_eq!(texts("\u{feff}a\nb".as_bytes()).unwrap(), expected(&[(1, "a"), (2, "b")]));
        // Quotes in a list that is no CSV.
        assert_eq!(texts(b"a\n\"b\nc\n").unwrap(), expected(&[(1, "a"), (2, "\"b"), (3, "c")]));
        assert_eq!(texts(b"\"b\nc\n").unwrap(), expected(&[(1, "\"b"), (2, "c")]));
    }

    #[test]
    fn lines_are_counted_with_blank_ones_and_ends_in_quotes() {
        let csv = b"\n \r\nacc,arch\n\n\r\n1,a\r\n\n\"2\n\"\"2\",b\n5\" ,c\n\n4,d";
        assert_eq!(texts(csv).unwrap(), expected(&[(6, "a"), (8, "b"), (10, "c"), (12, "d")]));
        assert_eq!(texts("\u{feff}\n\na".as_bytes()).unwrap(), expected(&[(3, "a")]));
    }

    #[test]
    fn rows_without_an_architecture_are_errors() {
        for (csv, reason) in [
            ("acc,arch\n1,a\n2,\n", "list line 3: field 2 (`arch`) is empty"),
            ("acc,arch\n1,a\n\n2,\" \"\n", "list line 4: field 2 (`arch`) is empty"),
            ("architecture,acc\n,\n", "list line 2: field 1 (`architecture`) is empty"),
            ("acc,arch\n1,a\n1,\"b\n2,c\n", "list line 3: a quote is not closed"),
        ] {
            let error = texts(csv.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
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
