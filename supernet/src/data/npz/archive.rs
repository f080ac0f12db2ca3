//! The zip archives that NumPy writes: stored or deflated members, of any size.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Take};
use std::path::Path;

use flate2::Crc;
use flate2::read::DeflateDecoder;

/// A comment of an archive has 16 bits of length, and stands behind the last record.
const END: u64 = 22;
const COMMENT: u64 = 1 << 16;
const END_MAGIC: [u8; 4] = *b"PK\x05\x06";
const LOCATOR_MAGIC: [u8; 4] = *b"PK\x06\x07";
const END64_MAGIC: [u8; 4] = *b"PK\x06\x06";
const ENTRY_MAGIC: [u8; 4] = *b"PK\x01\x02";
const LOCAL_MAGIC: [u8; 4] = *b"PK\x03\x04";

/// A file inside an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) name: String,
    deflated: bool,
    crc: u32,
    packed: u64,
    /// Bytes of it unpacked, as the archive says.
    pub(super) size: u64,
    offset: u64,
}

/// An archive with its list of members.
pub(super) struct Archive {
    file: File,
    pub(super) members: Vec<Member>,
}

fn damaged(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// Little-endian numbers of a record. Reading behind its end is an error.
struct Record<'a>(&'a [u8]);

impl Record<'_> {
    fn bytes<const N: usize>(&self, at: usize) -> io::Result<[u8; N]> {
        let bytes = self.0.get(at..).and_then(|rest| rest.first_chunk::<N>());
        bytes.copied().ok_or_else(|| damaged("a record of the archive is cut off"))
    }

    fn short(&self, at: usize) -> io::Result<u16> {
        self.bytes(at).map(u16::from_le_bytes)
    }

    fn word(&self, at: usize) -> io::Result<u32> {
        self.bytes(at).map(u32::from_le_bytes)
    }

    fn long(&self, at: usize) -> io::Result<u64> {
        self.bytes(at).map(u64::from_le_bytes)
    }
}

impl Archive {
    /// Opens an archive and reads its list.
    ///
    /// # Errors
    /// Those of the system, and [`io::ErrorKind::InvalidData`] for what is no archive, damaged, or of several parts.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        let tail = at(&mut file, length.saturating_sub(END + COMMENT), (END + COMMENT).min(length))?;
        let end = tail
            .windows(4)
            .rposition(|window| window == END_MAGIC)
            .ok_or_else(|| damaged("it is no zip archive, or its end is missing"))?;
        let (mut count, mut size, mut offset) = {
            let record = Record(&tail[end..]);
            let _whole = record.short(20)?;
            (u64::from(record.short(10)?), u64::from(record.word(12)?), u64::from(record.word(16)?))
        };
        // Numbers that do not fit are in a second record, which another one in front of this says the place of.
        if let Some(before) = end.checked_sub(20).map(|start| &tail[start..end])
            && before.starts_with(&LOCATOR_MAGIC)
        {
            let place = Record(before).long(8)?;
            let record = at(&mut file, place, 56)?;
            if !record.starts_with(&END64_MAGIC) {
                return Err(damaged("its end is damaged"));
            }
            let record = Record(&record);
            (count, size, offset) = (record.long(32)?, record.long(40)?, record.long(48)?);
        }
        if offset.checked_add(size).is_none_or(|end| end > length) {
            return Err(damaged("its list of members is cut off"));
        }
        let list = at(&mut file, offset, size)?;
        let members = members(&list, count)?;
        Ok(Self { file, members })
    }

    /// The bytes of a member, of which no more are unpacked than it says.
    ///
    /// # Errors
    /// As [`Archive::open`], at the end also for a member whose checksum is another.
    pub(super) fn read(&mut self, member: &Member) -> io::Result<Vec<u8>> {
        let head = at(&mut self.file, member.offset, 30)?;
        if !head.starts_with(&LOCAL_MAGIC) {
            return Err(damaged("a member is not where the list says"));
        }
        let record = Record(&head);
        let skipped = 30 + u64::from(record.short(26)?) + u64::from(record.short(28)?);
        self.file.seek(SeekFrom::Start(member.offset.saturating_add(skipped)))?;
        let packed: Take<BufReader<&File>> =
            BufReader::with_capacity(1 << 16, &self.file).take(member.packed);
        let mut bytes = Vec::new();
        if member.deflated {
            DeflateDecoder::new(packed).take(member.size.saturating_add(1)).read_to_end(&mut bytes)?;
        } else {
            packed.take(member.size).read_to_end(&mut bytes)?;
        }
        let mut crc = Crc::new();
        crc.update(&bytes);
        if bytes.len() as u64 != member.size || crc.sum() != member.crc {
            return Err(damaged("a member is damaged: it has other bytes than it says"));
        }
        Ok(bytes)
    }
}

/// So many bytes at a place.
fn at(file: &mut File, place: u64, bytes: u64) -> io::Result<Vec<u8>> {
    let mut read = Vec::new();
    file.seek(SeekFrom::Start(place))?;
    (&mut *file).take(bytes).read_to_end(&mut read)?;
    if (read.len() as u64) < bytes {
        return Err(damaged("it is cut off"));
    }
    Ok(read)
}

/// The members of a list.
fn members(mut list: &[u8], count: u64) -> io::Result<Vec<Member>> {
    let mut members = Vec::new();
    for _ in 0..count {
        if !list.starts_with(&ENTRY_MAGIC) {
            return Err(damaged("its list of members is damaged"));
        }
        let record = Record(list);
        let [name, extra, comment] = [28, 30, 32].map(|at| record.short(at).map(usize::from));
        let (name, extra, comment) = (name?, extra?, comment?);
        let end = 46 + name + extra + comment;
        let text = list.get(46..46 + name).ok_or_else(|| damaged("its list of members is cut off"))?;
        let more = list.get(46 + name..46 + name + extra).unwrap_or_default();
        let name = String::from_utf8_lossy(text).into_owned();
        if record.short(8)? & 1 != 0 {
            return Err(damaged("its members are encrypted"));
        }
        let deflated = match record.short(10)? {
            0 => false,
            8 => true,
            other => {
                return Err(damaged(&format!("{name} is packed by method {other}, not stored or deflated")));
            }
        };
        let [packed, size, offset] =
            long_numbers([record.word(20)?, record.word(24)?, record.word(42)?], more)?;
        // The list has the size before the packed size where both are long.
        members.push(Member { name, deflated, crc: record.word(16)?, packed, size, offset });
        list = list.get(end..).ok_or_else(|| damaged("its list of members is cut off"))?;
    }
    Ok(members)
}

/// Packed size, size and place of a member; those that do not fit into 32 bits are in an extra field, the size first.
fn long_numbers([packed, size, offset]: [u32; 3], mut extra: &[u8]) -> io::Result<[u64; 3]> {
    const LONG: u16 = 1;
    let mut longer = Vec::new();
    while extra.len() >= 4 {
        let (kind, length) = (Record(extra).short(0)?, usize::from(Record(extra).short(2)?));
        let field = extra.get(4..4 + length).unwrap_or_default();
        if kind == LONG {
            longer = field.as_chunks::<8>().0.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect();
        }
        extra = extra.get(4 + length..).unwrap_or_default();
    }
    let mut longer = longer.into_iter();
    let mut number = |short: u32| match short {
        u32::MAX => longer.next().ok_or_else(|| damaged("its list of members is damaged")),
        short => Ok(u64::from(short)),
    };
    let (size, packed, offset) = (number(size)?, number(packed)?, number(offset)?);
    Ok([packed, size, offset])
}
