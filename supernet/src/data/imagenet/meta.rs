//! `meta.mat` of the development kit: which synset each number of ILSVRC means, in a file of MATLAB 5.
//!
//! A file is a header of 128 bytes and elements: kind, bytes, content. An array is an element with elements inside: class,
//! shape, name, and what it holds ("MAT-File Format", The `MathWorks`). Only what this file has is read.

use std::io::Read;

use flate2::read::ZlibDecoder;

/// Kinds of elements.
const COMPRESSED: u32 = 15;
/// Classes of arrays.
const STRUCTURES: u8 = 2;
const TEXT: u8 = 4;

const HEADER: usize = 128;
const CUT: &str = "is cut off or damaged";

/// A synset as the development kit numbers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Synset {
    pub(super) number: u32,
    pub(super) id: String,
    /// Words for it, separated by commas.
    pub(super) words: String,
}

/// The synsets of a file, of which at most so many bytes are unpacked.
///
/// # Errors
/// What is wrong with it.
pub(super) fn synsets(bytes: &[u8], most: u64) -> Result<Vec<Synset>, String> {
    let body = bytes.get(HEADER..).filter(|_| bytes[126..HEADER] == *b"IM");
    let body = body.ok_or("is no file of MATLAB 5 (little-endian)")?;
    let (kind, content, _) = element(body)?;
    let mut unpacked = Vec::new();
    let array = match kind {
        COMPRESSED => {
            let read = ZlibDecoder::new(content).take(most.saturating_add(1)).read_to_end(&mut unpacked);
            read.map_err(|_| CUT)?;
            if unpacked.len() as u64 > most {
                return Err(format!("unpacks to more than {most} bytes; raise data.unpacked_megabytes"));
            }
            element(&unpacked)?.1
        }
        _ => content,
    };
    let Array { class: STRUCTURES, count, content, .. } = Array::of(array)? else {
        return Err("holds no synsets".to_owned());
    };
    let (_, width, content) = element(content)?;
    let (_, names, mut content) = element(content)?;
    let width =
        width.first_chunk().map(|width| u32::from_le_bytes(*width) as usize).filter(|&n| n > 0).ok_or(CUT)?;
    let names: Vec<&str> = names.chunks(width).map(text_before_zero).collect();
    let at = |wanted: &str| {
        names
            .iter()
            .position(|name| *name == wanted)
            .ok_or_else(|| format!("has no field {wanted} in its synsets"))
    };
    let (number, id, words) = (at("ILSVRC2012_ID")?, at("WNID")?, at("words")?);
    let mut synsets = Vec::new();
    for _ in 0..count {
        let mut fields = Vec::with_capacity(names.len());
        for _ in &names {
            let (_, field, rest) = element(content)?;
            fields.push(Array::of(field)?);
            content = rest;
        }
        let number = fields[number].number()?;
        synsets.push(Synset { number, id: fields[id].text()?, words: fields[words].text()? });
    }
    Ok(synsets)
}

fn text_before_zero(bytes: &[u8]) -> &str {
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    std::str::from_utf8(&bytes[..end]).unwrap_or_default()
}

/// Kind and content of the first element, and what follows it.
fn element(bytes: &[u8]) -> Result<(u32, &[u8], &[u8]), String> {
    let (tag, rest) = bytes.split_first_chunk::<8>().ok_or(CUT)?;
    let [a, b, c, d, size @ ..] = *tag;
    let (kind, small) = (u32::from_le_bytes([a, b, c, d]), u32::from(u16::from_le_bytes([c, d])));
    if small > 0 {
        let content = bytes.get(4..4 + small as usize).filter(|_| small <= 4).ok_or(CUT)?;
        return Ok((u32::from(u16::from_le_bytes([a, b])), content, rest));
    }
    let size = u32::from_le_bytes(size) as usize;
    let content = rest.get(..size).ok_or(CUT)?;
    // Other elements begin at multiples of eight bytes; the last may end before.
    let end = if kind == COMPRESSED { size } else { size.next_multiple_of(8) };
    Ok((kind, content, rest.get(end..).unwrap_or_default()))
}

/// An array: its class, number of elements, and what stands behind its name.
struct Array<'a> {
    class: u8,
    count: usize,
    content: &'a [u8],
}

impl<'a> Array<'a> {
    fn of(bytes: &'a [u8]) -> Result<Self, String> {
        let (_, flags, rest) = element(bytes)?;
        let (_, shape, rest) = element(rest)?;
        let (_, _name, content) = element(rest)?;
        let sides = shape.as_chunks::<4>().0.iter().map(|side| u32::from_le_bytes(*side) as usize);
        let count = sides.into_iter().try_fold(1_usize, usize::checked_mul).ok_or(CUT)?;
        Ok(Self { class: *flags.first().ok_or(CUT)?, count, content })
    }

    /// The first number.
    fn number(&self) -> Result<u32, String> {
        let (kind, content, _) = element(self.content)?;
        let word = || content.first_chunk().map(|bytes| u32::from_le_bytes(*bytes));
        let number = match kind {
            1 | 2 => content.first().map(|&byte| u32::from(byte)),
            3 | 4 => content.first_chunk().map(|bytes| u32::from(u16::from_le_bytes(*bytes))),
            5 | 6 => word(),
            9 => content.first_chunk().map(|bytes| f64::from_le_bytes(*bytes) as u32),
            _ => None,
        };
        number.ok_or_else(|| "has a number of a synset that is none".to_owned())
    }

    /// The text.
    fn text(&self) -> Result<String, String> {
        if self.class != TEXT {
            return Err("has a text of a synset that is none".to_owned());
        }
        // An empty text may have no content.
        if self.count == 0 {
            return Ok(String::new());
        }
        let (kind, content, _) = element(self.content)?;
        // 16 bits a letter, or UTF-8.
        if [4, 17].contains(&kind) {
            let letters: Vec<u16> =
                content.as_chunks::<2>().0.iter().map(|l| u16::from_le_bytes(*l)).collect();
            return Ok(String::from_utf16_lossy(&letters));
        }
        Ok(String::from_utf8_lossy(content).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACKED: &[u8] = include_bytes!("../../../tests/imagenet/meta.mat");
    const PLAIN: &[u8] = include_bytes!("../../../tests/imagenet/meta-plain.mat");

    #[test]
    fn synsets_of_a_file_of_matlab() {
        let expected = [
            (1, "n03126707", "crane"),
            (2, "n01440764", "tench, Tinca tinca"),
            (3, "n02012849", "crane"),
            (1001, "n00001740", "entity"),
        ];
        for file in [PACKED, PLAIN] {
            let found = synsets(file, 1 << 20).unwrap();
            let found: Vec<_> =
                found.iter().map(|one| (one.number, one.id.as_str(), one.words.as_str())).collect();
            assert_eq!(found, expected);
        }
        assert!(synsets(PACKED, 100).unwrap_err().contains("data.unpacked_megabytes"));
        assert!(synsets(b"", 100).unwrap_err().contains("no file of MATLAB 5"));
    }

    /// Read or refused, and no panic.
    #[test]
    fn damaged_files_are_no_panic() {
        for whole in [PACKED, PLAIN] {
            assert!((0..whole.len()).all(|length| synsets(&whole[..length], 1 << 20).is_err()));
            for at in HEADER..whole.len() {
                for change in [0x01, 0x80, 0xff] {
                    let mut changed = whole.to_vec();
                    changed[at] ^= change;
                    let _either = synsets(&changed, 1 << 20);
                }
            }
        }
    }
}
