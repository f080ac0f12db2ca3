//! Pixels in memory or in a file.

use std::fs::File;
use std::io;
use std::ops::Deref;
use std::sync::Arc;

use memmap2::Mmap;

/// Bytes that many share, in memory or mapped from a file; cheap to clone.
#[derive(Clone, Debug)]
pub(super) enum Pixels {
    Memory(Arc<[u8]>),
    Mapped(Arc<Mmap>),
}

impl Pixels {
    /// The bytes of a file, which the system reads as they are asked for, and may forget again.
    ///
    /// # Errors
    /// Those of the system.
    pub(super) fn mapped(file: &File) -> io::Result<Self> {
        // SAFETY: the file is one of bonas' own, which is whole before it is mapped or has its name, and is never written again. Who cuts
        // it by hand while it is in use ends the program.
        let map = unsafe { Mmap::map(file) }?;
        Ok(Self::Mapped(Arc::new(map)))
    }
}

impl From<Vec<u8>> for Pixels {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Memory(bytes.into())
    }
}

impl Deref for Pixels {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Memory(bytes) => bytes,
            Self::Mapped(map) => map,
        }
    }
}
