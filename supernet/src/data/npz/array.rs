//! Arrays in the form of NumPy (`numpy.lib.format`): a header that is a Python literal, then the numbers.

/// An array of numbers, in the order of C.
#[derive(Debug)]
pub(super) struct Array {
    pub(super) shape: Vec<usize>,
    kind: Kind,
    big: bool,
    bytes: Vec<u8>,
    /// Where the numbers begin.
    begin: usize,
}

/// What the elements are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Bool,
    Unsigned(usize),
    Signed(usize),
    Float(usize),
}

impl Kind {
    /// Of a text such as `<f4`: byte order, kind, bytes of an element.
    ///
    /// # Errors
    /// What to do about elements that are no numbers.
    fn of(text: &str) -> Result<(Self, bool), String> {
        let (order, rest) = text.split_at_checked(1).unwrap_or(("", text));
        let (letter, size) = rest.split_at_checked(1).unwrap_or(("", rest));
        let kind = match (letter, size.parse()) {
            ("b", Ok(1)) => Self::Bool,
            ("u", Ok(size @ (1 | 2 | 4 | 8))) => Self::Unsigned(size),
            ("i", Ok(size @ (1 | 2 | 4 | 8))) => Self::Signed(size),
            ("f", Ok(size @ (4 | 8))) => Self::Float(size),
            ("O", _) => {
                return Err("holds pickled Python objects, which are not read: any code may be in them; save it as an array of \
                            numbers (numpy.stack, uint8)"
                    .to_owned());
            }
            ("U" | "S", _) => {
                return Err(
                    "holds texts, not numbers; save the class of each image as a number from 0".to_owned()
                );
            }
            _ => return Err(format!("has elements {text:?}, which are not read; save it as uint8")),
        };
        Ok((kind, order == ">"))
    }

    fn size(self) -> usize {
        match self {
            Self::Bool => 1,
            Self::Unsigned(size) | Self::Signed(size) | Self::Float(size) => size,
        }
    }
}

impl Array {
    /// Reads a file of NumPy.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn parse(bytes: Vec<u8>) -> Result<Self, String> {
        let (header, begin) = header(&bytes)?;
        let literal =
            |key: &str| after(&header, key).ok_or_else(|| format!("has no {key} in its header: damaged"));
        let descr = literal("descr")?;
        let quoted = descr.strip_prefix(['\'', '"']).and_then(|text| text.split(['\'', '"']).next());
        let descr = quoted.ok_or("has several fields in an element; save one array for each")?;
        let (kind, big) = Kind::of(descr)?;
        if literal("fortran_order")?.starts_with("True") {
            return Err("is in the order of Fortran; save numpy.ascontiguousarray of it".to_owned());
        }
        let shape = literal("shape")?.strip_prefix('(').and_then(|text| text.split(')').next());
        let numbers = shape.map(|shape| shape.split(',').map(side).filter(|n| !n.is_empty()).map(str::parse));
        let shape: Option<Vec<usize>> = numbers.and_then(|numbers| numbers.collect::<Result<_, _>>().ok());
        let shape = shape.ok_or("has no shape in its header: damaged")?;
        let count = shape.iter().try_fold(1_usize, |count, &n| count.checked_mul(n));
        let wanted = count.and_then(|count| count.checked_mul(kind.size()));
        if wanted != Some(bytes.len() - begin) {
            let there = bytes.len() - begin;
            return Err(format!(
                "says that its shape is {shape:?}, and {there} bytes follow: cut off or damaged"
            ));
        }
        Ok(Self { shape, kind, big, bytes, begin })
    }

    /// Number of elements.
    pub(super) fn count(&self) -> usize {
        self.shape.iter().product()
    }

    /// The bytes, if each is a number from 0.
    pub(super) fn bytes(&self) -> Option<&[u8]> {
        (self.kind == Kind::Unsigned(1)).then(|| &self.bytes[self.begin..])
    }

    /// Whether elements have a point.
    pub(super) fn is_float(&self) -> bool {
        matches!(self.kind, Kind::Float(_))
    }

    /// The numbers. Integers of more than 53 bits are rounded, which are neither pixels nor classes.
    pub(super) fn numbers(&self) -> impl Iterator<Item = f64> {
        self.bytes[self.begin..].chunks_exact(self.kind.size()).map(|bytes| self.number(bytes))
    }

    fn number(&self, bytes: &[u8]) -> f64 {
        // Little-endian, with what is missing in front.
        let mut word = [0; 8];
        for (to, from) in word.iter_mut().zip(0..bytes.len()) {
            *to = bytes[if self.big { bytes.len() - 1 - from } else { from }];
        }
        let (unused, word) = (64 - 8 * bytes.len() as u32, u64::from_le_bytes(word));
        match self.kind {
            Kind::Bool | Kind::Unsigned(_) => word as f64,
            Kind::Signed(_) => ((word << unused) as i64 >> unused) as f64,
            Kind::Float(4) => f64::from(f32::from_bits(word as u32)),
            Kind::Float(_) => f64::from_bits(word),
        }
    }
}

/// The header as text, and where it ends.
fn header(bytes: &[u8]) -> Result<(String, usize), String> {
    let (version, rest) = bytes
        .strip_prefix(b"\x93NUMPY")
        .and_then(|rest| rest.split_first_chunk::<2>())
        .ok_or("is no array of NumPy (.npy)")?;
    let short = |rest: &[u8]| rest.first_chunk().map(|length| (usize::from(u16::from_le_bytes(*length)), 2));
    let long = |rest: &[u8]| rest.first_chunk().map(|length| (u32::from_le_bytes(*length) as usize, 4));
    let length = match version[0] {
        1 => short(rest),
        2 | 3 => long(rest),
        other => return Err(format!("is of version {other} of the format, and versions 1 to 3 are read")),
    };
    let cut = "is cut off in its header";
    let (length, width) = length.ok_or(cut)?;
    let text = rest.get(width..width + length).ok_or(cut)?;
    Ok((String::from_utf8_lossy(text).into_owned(), 8 + width + length))
}

/// A side of a shape, which Python 2 may have written as `28L`.
fn side(text: &str) -> &str {
    text.trim().trim_end_matches('L')
}

/// What follows a key of a Python dictionary.
fn after<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    let (_, rest) =
        header.split_once(&format!("'{key}'")).or_else(|| header.split_once(&format!("\"{key}\"")))?;
    Some(rest.trim_start().strip_prefix(':')?.trim_start())
}
