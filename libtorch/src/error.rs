//! What can go wrong, and what to do about it.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::{VERSION, Variant};

/// An error of this crate; its text names the remedy.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// No libtorch build is prepared for this platform.
    Platform {
        /// Processor architecture, as in [`std::env::consts::ARCH`].
        arch: &'static str,
        /// Operating system, as in [`std::env::consts::OS`].
        os: &'static str,
    },
    /// The C++ compiler does not run.
    Compiler {
        /// The command that was tried.
        command: String,
    },
    /// `python3` does not run.
    Python,
    /// `python3 -m pip` does not run.
    Pip,
    /// Neither `XDG_CACHE_HOME` nor `HOME` is an absolute path.
    NoCacheFolder,
    /// A file or folder could not be read, written or moved.
    Io {
        /// What was tried, for example "cannot create".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's own words.
        source: io::Error,
    },
    /// A path that must be written to a text file is not UTF-8.
    NotUtf8 {
        /// The path.
        path: PathBuf,
    },
    /// pip ended with an error; its own message was printed.
    Download {
        /// The wheel, as in `torch==2.13.0`.
        wheel: String,
        /// How pip ended.
        status: String,
        /// The build that was fetched.
        variant: Variant,
    },
    /// The wheels could not be unpacked; Python's own message was printed.
    Unpack {
        /// Where to.
        path: PathBuf,
        /// How Python ended.
        status: String,
        /// The build that was fetched.
        variant: Variant,
    },
    /// The cache holds no complete build.
    NotInstalled {
        /// The build that was asked for; `None` stands for either.
        variant: Option<Variant>,
        /// The cache folder.
        cache: PathBuf,
    },
}

impl Error {
    /// An error of the file system.
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Platform { arch, os } => write!(
                f,
                "no libtorch is prepared for this platform ({arch} {os}): only x86_64 Linux with glibc is supported. \
                 Export LIBTORCH=<folder of a libtorch {VERSION}>, or build without it: `--no-default-features`"
            ),
            Self::Compiler { command } => write!(
                f,
                "no C++ compiler: `{command} --version` does not run, and the libtorch bindings are C++. \
                 Install one: `sudo apt-get install g++`"
            ),
            Self::Python => f.write_str(NO_PYTHON),
            Self::Pip => f.write_str(NO_PIP),
            Self::NoCacheFolder => f.write_str(NO_CACHE_FOLDER),
            Self::Io { action, path, source } => write!(f, "{action} {}: {source}", path.display()),
            Self::NotUtf8 { path } => write!(
                f,
                "the cache path {} is not UTF-8: export XDG_CACHE_HOME=<another folder>",
                path.display()
            ),
            Self::Download { wheel, status, variant } => write!(
                f,
                "pip could not fetch {wheel} ({status}; its own message is above). Check the network and the free \
                 disk space ({}), then run the same command again: it goes on after the last complete file",
                variant.size()
            ),
            Self::Unpack { path, status, variant } => write!(
                f,
                "could not unpack libtorch into {} ({status}; python's own message is above). \
                 Check the free disk space ({}), then run the same command again",
                path.display(),
                variant.size()
            ),
            Self::NotInstalled { variant, cache } => {
                let option = variant.map_or(String::new(), |variant| format!(" --{}", variant.name()));
                let cache = cache.display();
                write!(f, "{cache} holds no libtorch {VERSION}: run `bonas libtorch install{option}`")
            }
        }
    }
}

const NO_PYTHON: &str = "no python3, which fetches libtorch: `python3 --version` does not run. \
    Install it with pip: `sudo apt-get install python3-pip`";
const NO_PIP: &str = "no pip, which fetches libtorch: `python3 -m pip --version` does not run. \
    Install it: `sudo apt-get install python3-pip`";
const NO_CACHE_FOLDER: &str =
    "neither XDG_CACHE_HOME nor HOME is an absolute path: export one, libtorch is kept there";

// No `source`: each text already says its cause.
impl std::error::Error for Error {}
