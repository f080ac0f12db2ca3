//! Journals that are torn, damaged, of another study, in use, or on a full disk.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bonas::study::evaluator::{Job, Monitor, Synthetic};
use bonas::study::journal::{JOURNAL_FILE, Journal, VERSION, read};
use bonas::study::rng::StudyRng;
use bonas::study::strategy::{Batches, RandomSearch};
use bonas::study::testing::Chain;
use bonas::study::{Budget, Journalled, Study};
use bonas::{Evaluator, Fidelity, Outcome, StudyError};

use crate::support::{Recorder, chain, eventful_evaluator, eventful_study, journal_of, undisturbed, zeros};

fn small(folder: &Path) -> Study {
    let strategy = RandomSearch { batches: Batches { count: 2, size: 1 } };
    Study::new(chain(6, 3), Box::new(strategy), vec![Box::new(zeros())])
        .budget(Budget::architectures(6))
        .directory(folder)
}

fn folder_with(journal: &[u8]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(JOURNAL_FILE), journal).unwrap();
    folder
}

fn small_journal() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    small(folder.path()).run().unwrap();
    journal_of(folder.path())
}

/// The error's line and reason, when nothing of the file has changed.
fn refused(journal: &[u8]) -> (usize, String) {
    let folder = folder_with(journal);
    let error = small(folder.path()).run().unwrap_err();
    assert!(journal_of(folder.path()) == journal, "the file was changed");
    match error {
        StudyError::Journal { line, reason, path } => {
            assert!(path.ends_with(JOURNAL_FILE));
            (line, reason)
        }
        other => panic!("{other}"),
    }
}

fn lines(journal: &[u8]) -> Vec<String> {
    String::from_utf8(journal.to_vec()).unwrap().split_inclusive('\n').map(str::to_owned).collect()
}

/// A line changed so that its checksum fits.
fn forged(line: &str, from: &str, to: &str) -> String {
    assert!(line.contains(from), "{from} is not in {line}");
    let body = line[..line.rfind(",\"crc\"").unwrap()].replace(from, to);
    format!("{body},\"crc\":\"{:08x}\"}}\n", crc32fast::hash(body.as_bytes()))
}

#[test]
fn a_torn_last_record_is_done_again() {
    let whole = small_journal();
    let last_records = lines(&whole).iter().rev().take(2).map(String::len).sum::<usize>();
    let cuts =
        (0..whole.len()).filter(|cut| cut % 37 == 0 || cut % 5 == 0 && whole.len() - cut < last_records);
    for cut in cuts.chain([1, whole.len() - 1]) {
        let folder = folder_with(&whole[..cut]);
        let recorder = Recorder::default();
        small(folder.path()).observer(Box::new(recorder.clone())).run().unwrap();
        assert!(journal_of(folder.path()) == whole, "cut at {cut}");
        let torn = cut > 0 && whole[cut - 1] != b'\n';
        let warned = recorder.progress.lock().unwrap().iter().any(|p| p.contains("cut short"));
        assert_eq!(warned, torn, "cut at {cut}");
    }
}

#[test]
fn any_other_damage_is_an_error_with_its_line() {
    let whole = small_journal();
    let mut start = 0;
    for (i, line) in lines(&whole).iter().enumerate() {
        for at in [0, line.len() / 2, line.len() - 2] {
            let mut bad = whole.clone();
            bad[start + at] ^= 0x15;
            assert_eq!(refused(&bad).0, i + 1);
        }
        start += line.len();
    }
}

#[test]
fn records_that_do_not_follow_are_refused() {
    let good = lines(&small_journal());
    let with = |change: &dyn Fn(&mut Vec<String>)| {
        let mut changed = good.clone();
        change(&mut changed);
        refused(changed.concat().as_bytes())
    };
    assert_eq!(with(&|l| drop(l.remove(2))).0, 3);
    assert_eq!(with(&|l| l.swap(2, 3)).0, 3);
    assert_eq!(with(&|l| l.push(l[2].clone())).0, good.len() + 1);
    assert_eq!(with(&|l| l.insert(1, "\n".into())).0, 2);
    let version = format!("\"version\":{VERSION}");
    let (line, reason) = with(&|l| l[0] = forged(&l[0], &version, "\"version\":9"));
    assert!(line == 1 && reason.contains("version 9") && reason.contains("another folder"), "{reason}");
    let (line, reason) = with(&|l| l[2] = forged(&l[2], "evaluated", "pondered"));
    assert!(line == 3 && reason.contains("pondered"), "{reason}");
    let (line, reason) = with(&|l| l[2] = forged(&l[2], "\"batch\":0", "\"batch\":1"));
    assert!(line == 3 && reason.contains("batch 0 is due"), "{reason}");
    let (line, reason) =
        with(&|l| l[2] = forged(&l[2], "\"outcomes\":[", "\"outcomes\":[{\"failed\":\"x\"},"));
    assert!(line == 3 && reason.contains("2 outcomes for 1"), "{reason}");
    let (line, reason) = with(&|l| l[2] = forged(&l[2], "\"table\"", "\"indicator\""));
    assert!(line == 3 && reason.contains("fidelity"), "{reason}");
}

#[test]
fn architectures_are_checked_against_their_keys() {
    let good = lines(&small_journal());
    let asks: Vec<usize> = (0..good.len()).filter(|&i| good[i].contains("\"asked\"")).collect();
    let arch = |line: &str| line.split("\"arch\":\"").nth(1).unwrap()[..6].to_owned();
    let key = |line: &str| line.split("\"key\":\"").nth(1).unwrap()[..32].to_owned();
    let (first, second) = (asks[0], asks[1]);
    let mut changed = good.clone();
    changed[first] = forged(&good[first], &arch(&good[first]), &arch(&good[second]));
    let (line, reason) = refused(changed.concat().as_bytes());
    assert!(line == first + 1 && reason.contains("the record says"), "{reason}");
    let mut changed = good.clone();
    changed[second] = forged(&good[second], &arch(&good[second]), &arch(&good[first]));
    changed[second] = forged(&changed[second], &key(&good[second]), &key(&good[first]));
    let (line, reason) = refused(changed.concat().as_bytes());
    assert!(line == second + 1 && reason.contains("a second time"), "{reason}");
}

#[test]
fn the_journal_of_another_study_is_refused() {
    let whole = small_journal();
    let folder = folder_with(&whole);
    let reason = |study: Study| study.run().unwrap_err().to_string();
    assert!(reason(small(folder.path()).seed(3)).contains("line 1: the journal is of a study with seed 0"));
    assert!(reason(small(folder.path()).config("x = 1")).contains("another configuration"));
    let other = Study::new(chain(7, 3), Box::new(RandomSearch::default()), vec![Box::new(zeros())]);
    let other = other.budget(Budget::rounds(1)).directory(folder.path());
    assert!(reason(other).contains("line 2"), "architectures of another length");
    assert!(journal_of(folder.path()) == whole);
    for text in ["hello", "hello\n", "{\"a\":1}\n"] {
        assert_eq!(refused(text.as_bytes()).0, 1);
    }
}

#[test]
fn a_finished_study_is_only_read() {
    let folder = tempfile::tempdir().unwrap();
    let first = small(folder.path()).run().unwrap();
    let journal = journal_of(folder.path());
    let again = small(folder.path()).run().unwrap();
    assert_eq!(again.history.len(), first.history.len());
    assert_eq!(again.ask_seconds, first.ask_seconds);
    assert!(journal_of(folder.path()) == journal);
    let read = Journalled::read(folder.path(), &chain(6, 3)).unwrap();
    assert_eq!(read.history.len(), 6);
    assert!(read.ended.is_some() && !read.torn && read.seconds.total() > 0.0);
}

#[test]
fn two_at_once_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (held, _) = Journal::open(folder.path()).unwrap();
    let error = small(folder.path()).run().unwrap_err();
    assert!(matches!(error, StudyError::Locked { .. }), "{error}");
    drop(held);
    small(folder.path()).run().unwrap();
}

/// Fails in batch 0 of round 0 when told to, after all other batches of the round are done.
#[derive(Clone)]
struct FailsFirst {
    inner: Synthetic,
    fail: bool,
    others: usize,
    evaluated: Arc<AtomicUsize>,
}

impl Evaluator for FailsFirst {
    fn fidelity(&self) -> Fidelity {
        self.inner.fidelity()
    }

    fn evaluate(
        &mut self,
        job: &Job,
        rng: &mut StudyRng,
        monitor: &dyn Monitor,
    ) -> Result<Vec<Outcome>, StudyError> {
        if self.fail && job.batch == 0 {
            while self.evaluated.load(Ordering::SeqCst) < self.others {
                std::thread::yield_now();
            }
            // The last of the others may still be on its way to the study.
            std::thread::sleep(std::time::Duration::from_millis(50));
            return Err(StudyError::Evaluator("pulled the plug".into()));
        }
        let outcomes = self.inner.evaluate(job, rng, monitor);
        self.evaluated.fetch_add(1, Ordering::SeqCst);
        outcomes
    }
}

#[test]
fn work_done_out_of_order_is_not_lost() {
    let folder = tempfile::tempdir().unwrap();
    let study = |fail: bool, evaluated: &Arc<AtomicUsize>| {
        let strategy = RandomSearch { batches: Batches { count: 5, size: 2 } };
        let inner = Synthetic::new(Fidelity::Table, Chain::share_of_zeros).noise(0.1);
        let one = FailsFirst { inner, fail, others: 4, evaluated: evaluated.clone() };
        let evaluators = (0..3).map(|_| Box::new(one.clone()) as Box<dyn Evaluator>).collect();
        Study::new(chain(10, 3), Box::new(strategy), evaluators).budget(Budget::rounds(1))
    };
    let none = Arc::new(AtomicUsize::new(0));
    assert!(study(true, &none).directory(folder.path()).run().is_err());
    let staged = || fs::read_dir(folder.path().join("staged")).map_or(0, Iterator::count);
    assert_eq!(staged(), 4);
    fs::write(folder.path().join("staged/0-3.json"), "nonsense").unwrap();
    let evaluated = Arc::new(AtomicUsize::new(0));
    study(false, &evaluated).directory(folder.path()).run().unwrap();
    assert_eq!(evaluated.load(Ordering::SeqCst), 2, "batch 0, and batch 3 whose staged file was spoilt");
    assert_eq!(staged(), 0);
    let undisturbed = tempfile::tempdir().unwrap();
    study(false, &evaluated).directory(undisturbed.path()).run().unwrap();
    assert!(journal_of(folder.path()) == journal_of(undisturbed.path()));
}

#[cfg(unix)]
mod full_disk {
    use super::*;
    use crate::resume::child_command;

    /// Checks the journal that a stopped child left, and goes on with it.
    fn check(folder: &Path, expected: &[u8]) {
        let records = read(&folder.join(JOURNAL_FILE)).unwrap();
        assert!(!records.torn && !records.events.is_empty());
        assert!(expected.starts_with(&journal_of(folder)));
        eventful_study(2, &eventful_evaluator()).directory(folder).run().unwrap();
        assert!(journal_of(folder) == expected);
    }

    /// What a child said that was stopped, and its exit code.
    fn stopped(wrapper: &[&str], folder: &Path, saved: &Path) -> (Option<i32>, String) {
        let output = child_command(wrapper, folder, 4, 0).env("SAVED", saved).output().unwrap();
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        assert!(!output.status.success(), "{said:?}");
        (output.status.code(), said.concat())
    }

    /// A limit on the size of files: a write stops in the middle of a record, the next one fails.
    #[test]
    fn a_write_cut_short_leaves_a_journal_that_can_be_read_and_resumed() {
        let expected = undisturbed();
        for blocks in [3, 10, 21] {
            let folder = tempfile::tempdir().unwrap();
            let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
            let (_, said) = stopped(&["sh", "-c", &script], folder.path(), folder.path());
            assert!(said.contains("journal.jsonl: File too large"), "{said}");
            check(folder.path(), &expected);
        }
    }

    /// A file system of a few pages, where the user may mount one.
    #[test]
    fn a_full_disk_leaves_a_journal_that_can_be_read_and_resumed() {
        const NO_MOUNT: i32 = 99;
        let expected = undisturbed();
        for kib in [12, 20, 28] {
            let (folder, saved) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
            let script = format!(
                "mount -t tmpfs -o size={kib}k none \"$BONAS_TEST_FOLDER\" || exit {NO_MOUNT}
                 \"$0\" \"$@\"; code=$?; cp \"$BONAS_TEST_FOLDER/{JOURNAL_FILE}\" \"$SAVED\"; exit $code"
            );
            let wrapper = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", &script];
            if std::process::Command::new("unshare").arg("--version").output().is_err() {
                return println!("skipped: there is no unshare here");
            }
            let (code, said) = stopped(&wrapper, folder.path(), saved.path());
            if code == Some(NO_MOUNT) || said.contains("unshare:") {
                return println!("skipped: no file system can be mounted here");
            }
            assert!(said.contains("No space left on device"), "{said}");
            check(saved.path(), &expected);
        }
    }
}
