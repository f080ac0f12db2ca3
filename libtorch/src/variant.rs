//! The builds of libtorch that there are.

/// A build of libtorch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// Holds what runs without a GPU: 0.5 GB.
    Cpu,
    /// Holds the CUDA backend too: 3.6 GB.
    Gpu,
}

impl Variant {
    /// Name in folders and command-line options.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Gpu => "gpu",
        }
    }

    /// Size of the download and size on disk, in words.
    pub(crate) fn size(self) -> &'static str {
        match self {
            Self::Cpu => "0.5 GB to download, 0.5 GB on disk",
            Self::Gpu => "2.5 GB to download, 3.6 GB on disk",
        }
    }
}
