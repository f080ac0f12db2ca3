//! The machine and the program that a search runs on, as far as its scores depend on them.

use std::fmt;
use std::path::Path;

use bonas_study::journal::{read_json, write_json};

use crate::StudyError;
use crate::config::SearchConfig;
use crate::report::ENVIRONMENT_FILE;

/// The name of the fact which program runs: its version, and after a comma what else is to be said.
pub const PROGRAM: &str = "bonas";
const INSTRUCTIONS: &str = "instructions";
const DEVICES: &str = "devices";

/// A fact on which scores depend in their last digits, which was another when a search began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Its name: `bonas` (the version), `instructions` (of the processor) or `devices`.
    pub name: &'static str,
    /// What it was.
    pub before: String,
    /// What it is.
    pub now: String,
}

/// What that means, as a warning.
impl fmt::Display for Moved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, before, now } = self;
        write!(
            f,
            "{name}: the search began on {before} and goes on on {now}. What is in the journal stays; scores from here on may \
             differ in their last digits from those that it would have measured there, and so may what it proposes"
        )
    }
}

/// Notes facts about machine and program, by name, for the report: `facts`, then the instructions of the processor and where
/// networks are trained. A search that goes on leaves those of the start, and returns what scores depend on that is
/// another now.
///
/// # Errors
/// [`StudyError::Io`]; [`StudyError::Data`] for a file that is damaged.
pub fn note_environment(
    directory: &Path,
    config: &SearchConfig,
    facts: &[(String, String)],
) -> Result<Vec<Moved>, StudyError> {
    let own =
        [Some((INSTRUCTIONS, instructions().to_owned())), devices(config).map(|devices| (DEVICES, devices))];
    let own = own.into_iter().flatten().map(|(name, value)| (name.to_owned(), value));
    let facts: Vec<(String, String)> = facts.iter().cloned().chain(own).collect();
    let path = directory.join(ENVIRONMENT_FILE);
    let Some(start) = read_json::<Vec<(String, String)>>(&path)? else {
        return write_json(&path, &facts).map(|()| Vec::new());
    };
    Ok([PROGRAM, INSTRUCTIONS, DEVICES].into_iter().filter_map(|name| moved(name, &start, &facts)).collect())
}

fn moved(name: &'static str, start: &[(String, String)], facts: &[(String, String)]) -> Option<Moved> {
    // Command and Python package, with and without libtorch, are one program.
    let of = |facts: &[(String, String)]| {
        let (_, value) = facts.iter().find(|(own, _)| own == name)?;
        value.split(',').next().map(str::to_owned)
    };
    let (before, now) = (of(start)?, of(facts)?);
    (before != now).then_some(Moved { name, before, now })
}

/// The widest instructions of the processor, on which the order of sums depends.
#[cfg(target_arch = "x86_64")]
fn instructions() -> &'static str {
    if is_x86_feature_detected!("avx512f") {
        "AVX-512"
    } else if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        "AVX2"
    } else {
        "SSE"
    }
}

/// The widest instructions of the processor, on which the order of sums depends.
#[cfg(not(target_arch = "x86_64"))]
fn instructions() -> &'static str {
    std::env::consts::ARCH
}

/// Where networks are trained; none where none are, or where that cannot be said, which the search will.
#[cfg(feature = "torch")]
fn devices(config: &SearchConfig) -> Option<String> {
    if !config.trains() {
        return None;
    }
    let devices = bonas_supernet::device::devices(&config.training.device).ok()?;
    let gpus = devices.iter().filter(|device| device.is_cuda()).count();
    Some(if gpus == 0 { "CPU".to_owned() } else { "CUDA".to_owned() })
}

#[cfg(not(feature = "torch"))]
fn devices(_: &SearchConfig) -> Option<String> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fact(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn what_scores_depend_on_is_told_when_it_changes_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let config = SearchConfig::from_toml("", "test").unwrap();
        let note = |facts: &[(String, String)]| note_environment(folder.path(), &config, facts).unwrap();
        assert!(note(&[fact(PROGRAM, "0.1.0, with libtorch"), fact("cores", "2")]).is_empty());
        // Another form of the program, and another number of cores.
        assert!(note(&[fact(PROGRAM, "0.1.0, Python package"), fact("cores", "8")]).is_empty());
        let expected = Moved { name: PROGRAM, before: "0.1.0".into(), now: "0.2.0".into() };
        assert_eq!(note(&[fact(PROGRAM, "0.2.0, with libtorch")]), [expected]);
        // Nothing is known of a search that began before this was noted.
        std::fs::write(folder.path().join(ENVIRONMENT_FILE), "[]").unwrap();
        assert!(note(&[fact(PROGRAM, "0.2.0")]).is_empty());
    }
}
