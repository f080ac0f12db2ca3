//! Whether there is a program to run.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::StudyError;

/// Interpreters whose first argument that is no option is a file, with the letters of their options that stand by
/// themselves: behind any other the file is not looked for.
const INTERPRETERS: [(&str, &str); 10] = [
    ("python", "bBdEiIOPqRsSuvx"),
    ("pypy", "bBdEiIOPqRsSuvx"),
    ("sh", "aefuvx"),
    ("dash", "aefuvx"),
    ("bash", "aefuvx"),
    ("Rscript", ""),
    ("julia", "q"),
    ("perl", "TWtw"),
    ("ruby", "wW"),
    ("node", ""),
];

/// Refuses a program that the shell does not find in `folder` or on the path, and a script that is not there.
///
/// # Errors
/// [`StudyError::Setting`] with what is missing and where it was looked for.
pub(super) fn check(words: &[String], folder: &Path) -> Result<(), StudyError> {
    let bad = |reason: String| Err(StudyError::Setting { name: "evaluator.command".into(), reason });
    let Some((program, arguments)) = words.split_first() else {
        return bad(r#"none; give a program and its arguments, such as ["python3", "train.py"]"#.into());
    };
    if !folder.as_os_str().is_empty() && !folder.is_dir() {
        return bad(format!("the folder to run {program} in, {}, is not there", folder.display()));
    }
    let path = folder.join(program);
    if program.contains('/') {
        match std::fs::metadata(&path) {
            Ok(file) if file.is_file() && file.permissions().mode() & 0o111 != 0 => {}
            Ok(file) if file.is_file() => {
                return bad(format!("{} is not executable; make it so: chmod +x", path.display()));
            }
            _ => return bad(format!("there is no file {}", path.display())),
        }
    } else if !is_on_path(program)? {
        let instead = if path.is_file() {
            format!("for {} write ./{program}", path.display())
        } else {
            "install it, or give its path".to_owned()
        };
        return bad(format!("no program {program} is on the path; {instead}"));
    }
    match script(program, arguments) {
        Some(script) if !folder.join(script).is_file() => {
            bad(format!("there is no file {}, which {program} is to run", folder.join(script).display()))
        }
        _ => Ok(()),
    }
}

/// Bytes of a file up to which it may be a script; of a longer one, such as a data set, only the length counts.
const SCRIPT: u64 = 1 << 20;

/// A fingerprint of the files that the words name: another script is another program, whatever it is called. A file that
/// cannot be read counts as none: the program finds that out itself.
pub(super) fn fingerprint(words: &[String], folder: &Path) -> String {
    let mut hasher = blake3::Hasher::new();
    for word in words {
        let path = folder.join(word);
        let Ok(file) = std::fs::metadata(&path) else { continue };
        if !file.is_file() {
            continue;
        }
        hasher.update(word.as_bytes()).update(&file.len().to_le_bytes());
        if file.len() <= SCRIPT
            && let Ok(bytes) = std::fs::read(&path)
        {
            hasher.update(&bytes);
        }
    }
    hasher.finalize().to_hex()[..16].to_owned()
}

/// Asks the shell, which will start the program.
fn is_on_path(program: &str) -> Result<bool, StudyError> {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "command -v \"$1\"", "sh", program]);
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    Ok(status.map_err(|source| StudyError::Io { path: "/bin/sh".into(), source })?.success())
}

/// The file that an interpreter is to run.
fn script<'a>(program: &str, arguments: &'a [String]) -> Option<&'a str> {
    let name = Path::new(program).file_name()?.to_str()?;
    let name = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    let (_, alone) = INTERPRETERS.iter().find(|(known, _)| *known == name)?;
    let is_option = |word: &&String| {
        let letters = word.strip_prefix('-').unwrap_or_default();
        !letters.is_empty() && letters.chars().all(|letter| alone.contains(letter))
    };
    let first = arguments.iter().find(|word| !is_option(word))?;
    (!first.starts_with('-')).then_some(first.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(words: &[&str], folder: &Path) -> Option<String> {
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        check(&words, folder).err().map(|error| error.to_string())
    }

    #[test]
    fn programs_and_scripts_are_looked_for_where_they_will_run() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("train.sh"), "echo").unwrap();
        let refused = |words: &[&str]| refused(words, folder.path());
        for good in [
            &["sh", "train.sh"][..],
            &["sh", "-e", "train.sh"],
            &["sh", "-c", "exit 1"],
            &["sh", "-ec", "exit 1"],
            &["sh", "-o", "pipefail"],
            &["/bin/sh"],
            &["env", "no", "file"],
        ] {
            assert_eq!(refused(good), None, "{good:?}");
        }
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
        for (arguments, found) in [
            (&["-u", "train.py"][..], Some("train.py")),
            (&["-uB", "-O", "train.py", "-x"], Some("train.py")),
            (&["-m", "train"], None),
            (&["-W", "ignore", "train.py"], None),
            (&["-u", "-c", "print()"], None),
            (&["-"], None),
            (&[], None),
        ] {
            assert_eq!(script("/usr/bin/python3.12", &words(arguments)), found, "{arguments:?}");
        }
        for (bad, words) in [
            (&["no-such-program"][..], "no program no-such-program is on the path"),
            (&["./train.sh"], "train.sh is not executable"),
            (&["./none.sh"], "there is no file"),
            (&["train.sh"], "write ./train.sh"),
            (&["sh", "none.sh"], "none.sh, which sh is to run"),
            (&["sh", "-eu", "-x", "none.sh"], "none.sh, which sh is to run"),
        ] {
            let error = refused(bad).unwrap();
            assert!(error.contains(words) && error.contains("evaluator.command"), "{error}");
        }
    }
}
