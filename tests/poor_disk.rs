//! A file system without `flock` and `fsync`, as some on the network are: a library in front of the system's says so.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use crate::cli::{SMALL, text};
use crate::support::journal_of;

/// A folder with the library.
struct Poor(tempfile::TempDir);

impl Poor {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let source = "#include <errno.h>\n\
                      int flock(int fd, int what) { errno = ENOLCK; return -1; }\n\
                      int fsync(int fd) { errno = EINVAL; return -1; }\n\
                      int fdatasync(int fd) { errno = EINVAL; return -1; }\n";
        fs::write(folder.path().join("poor.c"), source).unwrap();
        let arguments = ["-shared", "-fPIC", "poor.c", "-o", "poor.so"];
        let built = Command::new("cc").args(arguments).current_dir(folder.path()).status();
        assert!(built.unwrap().success(), "cc builds the library");
        Self(folder)
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bonas"));
        command.args(arguments).current_dir(self.0.path()).env("LD_PRELOAD", self.at("poor.so"));
        command
    }

    fn done(&self, arguments: &[&str]) -> Output {
        let output = self.command(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        output
    }
}

#[test]
fn want_of_locks_and_syncs_is_warned_of() {
    let poor = Poor::new();
    fs::write(poor.at("s.toml"), SMALL).unwrap();
    let said = text(&poor.done(&["search", "s.toml", "--out", "poor"]).stderr);
    for expected in [
        "warning: the file system of poor has no locks: see to it that no other process works there",
        "warning: the file system of poor does not say when a file is on the disk: a loss of power may lose the latest results",
    ] {
        assert!(said.contains(expected), "{said}");
    }
    let rich = crate::cli::bonas(&["search", "s.toml", "--out", "rich"], poor.0.path());
    assert!(rich.status.success() && rich.stderr.is_empty());
    assert!(journal_of(&poor.at("poor")) == journal_of(&poor.at("rich")));
    let compared = "seeds = 2\nbudget = 12\n[table]\npath = \"digits\"\nspace = \"nasbench201\"\nsearch = \"val\"\nreport = \"test\"\n\
                    [[strategy]]\nname = \"random\"\n[[strategy]]\nname = \"evolution\"\n";
    fs::write(poor.at("c.toml"), compared).unwrap();
    poor.done(&["compare", "c.toml", "--out", "compared"]);
}

/// What is trained keeps checkpoints and weights there, too.
#[cfg(feature = "torch")]
#[test]
fn networks_are_trained_there() {
    let poor = Poor::new();
    let small = ["--layers", "2", "--channels", "4", "--batch", "64", "--set", "training.device=cpu"];
    poor.done(
        &[
            &["train", "--genotype", "DARTS_V2", "--data", "digits", "--epochs", "1", "--out", "t"][..],
            &small,
        ]
        .concat(),
    );
}

/// Without locks nothing keeps a second process out. The first to find that another has written stops, and the journal is
/// that of the one which goes on.
#[test]
fn a_second_process_is_noticed_by_what_it_writes() {
    let poor = Poor::new();
    let slow =
        SMALL.replace("name = \"synthetic\"\n", "name = \"command\"\ncommand = [\"sh\", \"slow.sh\"]\n");
    fs::write(poor.at("s.toml"), slow.replace("architectures = 30", "architectures = 8")).unwrap();
    fs::write(poor.at("slow.sh"), "sleep 0.2\necho '{\"score\": 1}'\n").unwrap();
    let begin = |arguments: &[&str]| -> Child {
        poor.command(arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let first = begin(&["search", "s.toml", "--out", "two"]);
    while fs::metadata(poor.at("two/journal.jsonl")).map_or(0, |file| file.len()) < 2_000 {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let second = begin(&["resume", "two"]);
    let ended = [first, second].map(|child| child.wait_with_output().unwrap());
    let stopped: Vec<&Output> = ended.iter().filter(|output| !output.status.success()).collect();
    assert_eq!(stopped.len(), 1, "{:?}", ended.each_ref().map(|output| text(&output.stderr)));
    assert!(text(&stopped[0].stderr).contains("two"), "{}", text(&stopped[0].stderr));
    poor.done(&["resume", "two"]);
    poor.done(&["search", "s.toml", "--out", "one"]);
    assert!(journal_of(Path::new(&poor.at("two"))) == journal_of(&poor.at("one")));
}
