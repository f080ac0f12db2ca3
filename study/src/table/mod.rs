//! Tabular benchmarks: measured architectures in a CSV file, plain or gzipped.
//!
//! The first line names the columns. `arch` is an architecture in any of the space's notations
//! ([`SearchSpace::notations`]), always text (leading zeros count); a header `arch:NOTATION` says which one, where a
//! text has several readings. Every other column is numbers. A cell may hold several
//! measurements, seeds say, joined by `;`. `val[3]` is the third of them, such as that of the third epoch, and `val[last]` the
//! last. [`MISSING`] is what stands for a number that is not there.
//!
//! [`Benchmark::open`] reads the file once, checks every row, and keeps only the columns it was
//! asked for. Rows of one architecture (isomorphic cells have one key) become one [`Arm`].
//!
//! The official files of NAS-Bench-101 and, with feature `parquet`, Parquet files are read as well.
//! The files of NATS-Bench are Python pickles that may hold what there is no reader in Rust for
//! (serde-pickle 1.2 stops at an `OrderedDict`); its own package, `pip install nats_bench numpy`, writes a
//! table of a folder `-simple`, with the seeds of a cell joined by `;`:
//!
//! ```python
//! from nats_bench import create
//!
//! api = create("NATS-tss-v1_0-3ffb9-simple", "tss", fast_mode=True, verbose=False)
//!
//! def seeds(i, data, hp, key):
//!     all = api.query_meta_info_by_index(i, hp).get_dataset_seeds(data)
//!     return ";".join(str(api.get_more_info(i, data, hp=hp, is_random=s)[key]) for s in all)
//!
//! with open("nb201.csv", "w") as table:
//!     print("arch,c10_val_e12,c10_test_e200,mflops,mparams", file=table)
//!     for i, arch in enumerate(api):
//!         val = seeds(i, "cifar10-valid", "12", "valid-accuracy")
//!         test = seeds(i, "cifar10", "200", "test-accuracy")
//!         cost = api.get_cost_info(i, "cifar10", hp="200")
//!         print(arch, val, test, cost["flops"], cost["params"], sep=",", file=table)
//! ```
//!
//! Invariant: nothing here knows a space; the space reads the notation and says what is the same.

mod column;
mod embedded;
mod merge;
mod parquet;
mod part;
mod read;
mod skipped;
mod source;
mod space;
#[cfg(test)]
mod tests;
mod tfrecord;

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bonas_spaces::{Architecture, Key, SearchSpace, SpaceError};
use bonas_surrogate::PriorKnowledge;

use crate::StudyError;

pub use column::{Column, ColumnName, Limit};
pub use embedded::{EMBEDDED, EMBEDDED_NAME, EMBEDDED_SEARCH, EMBEDDED_SPACE};
pub use merge::Merge;
use merge::Merged;
pub use skipped::{MISSING, SkipReason, Skipped, SkippedRows, is_missing, missing_text};
pub use source::Source;
pub use space::TableSpace;

/// What to read from a table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// The columns of numbers that are kept.
    pub columns: Vec<ColumnName>,
    /// How rows of one architecture become one.
    pub merge: Merge,
    /// Whether rows without an architecture or a number in one of the columns ([`MISSING`]) are left out; else they
    /// are an error.
    pub skip_missing: bool,
    /// Whether rows with architectures that a restriction or a rule leaves out of the space ([`SpaceError::Excluded`]) are
    /// left out; else they are an error.
    pub skip_excluded: bool,
    /// Rows beyond one of these are left out, by the mean of the row in the limit's column.
    pub limits: Vec<Limit>,
    /// Most bytes that a gzip file is unpacked to; none: 4 GiB.
    pub unpacked: Option<u64>,
}

/// One architecture that a table has measurements of.
#[derive(Clone, Debug)]
pub struct Arm {
    /// The architecture of its first row.
    pub architecture: Architecture,
    /// How its first row writes it.
    pub text: Arc<str>,
    /// How many rows of the file it stands for, duplicates not counted.
    pub rows: usize,
}

/// Places of keys. A key is a digest already: its first bytes are its hash.
type ByKey = HashMap<Key, u32, BuildHasherDefault<KeyHasher>>;

/// A tabular benchmark in memory, with the columns that were asked for.
///
/// ```
/// use std::sync::Arc;
/// use bonas_spaces::families::nasbench_macro::NasBenchMacro;
/// use bonas_study::table::{Benchmark, Reading};
///
/// let reading = Reading { columns: vec!["acc".parse().unwrap()], ..Reading::default() };
/// let csv = "arch,acc\n02012100,89.5\n11111221,92.25;92.75\n";
/// let table = Benchmark::parse(csv.as_bytes(), "my.csv".as_ref(), Arc::new(NasBenchMacro::new()), &reading)?;
/// assert_eq!(table.columns()[0].mean(1), 92.5);
/// # Ok::<(), bonas_study::StudyError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Benchmark {
    path: PathBuf,
    space: Arc<dyn SearchSpace>,
    fingerprint: String,
    merged: Merged,
}

impl Benchmark {
    /// Reads a CSV file, plain or gzipped, an official file of NAS-Bench-101
    /// (`nasbench_only108.tfrecord`: columns `val_e108`, `test_e108`, `params` and others), or, with
    /// feature `parquet`, a Parquet file; its name does not matter.
    ///
    /// # Errors
    /// [`StudyError::Io`]; [`StudyError::Data`] for a file that is cut short or lacks a column;
    /// [`StudyError::Table`] with the line of a row that cannot be used.
    pub fn open(path: &Path, space: Arc<dyn SearchSpace>, reading: &Reading) -> Result<Self, StudyError> {
        Self::parse(&read::bytes(path)?, path, space, reading)
    }

    /// The same from the contents of a file; `path` names it in errors.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn parse(
        bytes: &[u8],
        path: &Path,
        space: Arc<dyn SearchSpace>,
        reading: &Reading,
    ) -> Result<Self, StudyError> {
        let text = match read::unzipped(bytes, path, reading)? {
            records if tfrecord::is_tfrecord(&records) => tfrecord::csv(&records, path)?,
            records if parquet::is_parquet(&records) => parquet::csv(&records, path)?,
            text => text,
        };
        let rows = read::rows(&text, path, reading, space.as_ref())?;
        let architectures = read::architectures(&rows, path, space.as_ref(), reading)?;
        let merged = merge::merge(&rows, architectures, path, reading)?;
        if merged.arms.is_empty() {
            return Err(read::nothing_left(&merged.skipped, path));
        }
        let fingerprint = blake3::hash(&text).to_hex().to_string();
        Ok(Self { path: path.to_owned(), space, fingerprint, merged })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The space whose notation the table is in.
    pub fn space(&self) -> &Arc<dyn SearchSpace> {
        &self.space
    }

    /// BLAKE3 of the file's text, unzipped, in hexadecimal: what results are tied to.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The architectures, in the order of their first rows.
    pub fn arms(&self) -> &[Arm] {
        &self.merged.arms
    }

    /// The columns, in the order in which they were asked for.
    pub fn columns(&self) -> &[Column] {
        &self.merged.columns
    }

    /// A column as knowledge about the architectures: the mean of the rows of each.
    ///
    /// # Errors
    /// [`StudyError::Surrogate`] for a table with fewer than two rows.
    pub fn knowledge(&self, column: &Column) -> Result<PriorKnowledge, StudyError> {
        let mut sums: BTreeMap<Key, (f64, f64)> = BTreeMap::new();
        for (arm, value) in self.arms().iter().zip(column.means()) {
            let (sum, count) = sums.entry(arm.architecture.key()).or_default();
            (*sum, *count) = (*sum + value, *count + 1.0);
        }
        let means: Vec<(Key, f64)> = sums.into_iter().map(|(key, (sum, count))| (key, sum / count)).collect();
        Ok(PriorKnowledge::new(&means)?)
    }

    /// Rows that were left out, by reason.
    pub fn skipped(&self) -> &Skipped {
        &self.merged.skipped
    }

    /// The arm of an architecture; the first one where rows are not merged.
    pub fn arm(&self, key: Key) -> Option<usize> {
        self.merged.by_key.get(&key).map(|&arm| arm as usize)
    }

    /// The arm of a text: as a row of the file writes it, in any notation of the space, or by a hash that the
    /// space can work out of an architecture.
    ///
    /// # Errors
    /// Those of the space's notations; [`SpaceError::Cell`] for an architecture that is not in the table, and
    /// [`SpaceError::Digest`] for a hash that no architecture of the table has.
    pub fn find(&self, text: &str) -> Result<usize, SpaceError> {
        if let Some(arm) = self.arm_of_text(text) {
            return Ok(arm);
        }
        match self.space.parse(text) {
            Ok(architecture) => self.arm(architecture.key()).ok_or_else(|| {
                SpaceError::cell(format!("{text} is not in the table {}", self.path.display()))
            }),
            Err(SpaceError::Digest { text, notation }) => {
                let has = |arm: &Arm| self.space.format_as(&arm.architecture, notation).as_ref() == Ok(&text);
                let found = self.arms().iter().position(has);
                found.ok_or(SpaceError::Digest { text, notation })
            }
            Err(error) => Err(error),
        }
    }

    /// The arm that a row of the file writes like this.
    pub fn arm_of_text(&self, text: &str) -> Option<usize> {
        self.merged.by_text.get(text).map(|&arm| arm as usize)
    }
}

/// Takes the first eight bytes of a key for its hash.
#[derive(Clone, Copy, Debug, Default)]
pub struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        let mut first = [0; 8];
        let n = bytes.len().min(8);
        first[..n].copy_from_slice(&bytes[..n]);
        self.0 ^= u64::from_le_bytes(first);
    }

    /// The length of the key, which says nothing.
    fn write_usize(&mut self, _: usize) {}
}
