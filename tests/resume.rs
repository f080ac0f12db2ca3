//! Studies in child processes that are killed at random instants.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use bonas::StudyError;
use rand::RngExt;

use crate::support::{eventful_evaluator, eventful_study, journal_of, undisturbed};

const FOLDER: &str = "BONAS_TEST_FOLDER";
const WORKERS: &str = "BONAS_TEST_WORKERS";
const DELAY_MS: &str = "BONAS_TEST_DELAY_MS";

/// Kills of each kind of child.
const KILLS: usize = 16;

/// The child process: not a test of its own.
#[test]
#[ignore = "run by other tests as a child process"]
fn child() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let number = |name| std::env::var(name).unwrap().parse::<u64>().unwrap();
    let evaluator = eventful_evaluator().delay_up_to(Duration::from_millis(number(DELAY_MS)));
    let study = eventful_study(number(WORKERS) as usize, &evaluator).directory(folder);
    if let Err(error) = study.run() {
        panic!("{error}");
    }
}

/// This test binary as a child that runs the study in a folder; `wrapper` is put in front.
pub(crate) fn child_command(wrapper: &[&str], folder: &Path, workers: usize, delay_ms: u64) -> Command {
    let this = std::env::current_exe().unwrap();
    let mut words: Vec<&std::ffi::OsStr> = wrapper.iter().map(std::ffi::OsStr::new).collect();
    words.push(this.as_os_str());
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).args(["--exact", "resume::child", "--ignored", "--nocapture"]);
    command.env(FOLDER, folder).env(WORKERS, workers.to_string()).env(DELAY_MS, delay_ms.to_string());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What became of a child.
enum Fate {
    Killed { staged: usize },
    Finished,
}

/// When a child is killed.
enum Kill {
    After(Duration),
    /// As soon as finished work waits for its turn.
    OnceStaged,
}

fn staged(folder: &Path) -> usize {
    std::fs::read_dir(folder.join("staged")).map_or(0, Iterator::count)
}

fn run_and_kill(folder: &Path, workers: usize, delay_ms: u64, kill: &Kill) -> Fate {
    let mut child = child_command(&[], folder, workers, delay_ms).spawn().unwrap();
    let start = Instant::now();
    let due = || match kill {
        Kill::After(life) => start.elapsed() >= *life,
        Kill::OnceStaged => staged(folder) > 0,
    };
    while !due() {
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success(), "the child failed: {:?}", child.wait_with_output().unwrap());
            return Fate::Finished;
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    Fate::Killed { staged: staged(folder) }
}

/// Kills children of one study after another until there were enough kills, and says how often
/// a kill left finished work waiting.
fn kill_often(workers: &[usize], delay_ms: u64, expected: &[u8]) -> usize {
    // Not the same instants each time: what is killed when, is the machine's chance anyway.
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos();
    let mut rng = bonas::study::rng::stream(now as u64, &[]);
    let (mut kills, mut studies, mut with_staged) = (0, 0, 0);
    let mut longest = 30;
    while kills < KILLS {
        let folder = tempfile::tempdir().unwrap();
        for life in 0.. {
            let millis = rng.random_range(2.0..f64::from(longest));
            let workers = workers[life % workers.len()];
            // Chance alone may leave no finished work waiting.
            let kill = if workers > 1 && life % 4 == 1 {
                Kill::OnceStaged
            } else {
                Kill::After(Duration::from_secs_f64(millis / 1e3))
            };
            match run_and_kill(folder.path(), workers, delay_ms, &kill) {
                Fate::Finished => break,
                Fate::Killed { staged } => {
                    kills += 1;
                    with_staged += usize::from(staged > 0);
                }
            }
            // A busy machine may not get anywhere in the time that a quick one needs.
            longest = if life > 12 { 500 } else { 150 };
            assert!(
                expected.starts_with(&whole_records(&folder)),
                "not a beginning of the undisturbed journal"
            );
        }
        assert!(journal_of(folder.path()) == expected, "not the undisturbed journal");
        studies += 1;
    }
    println!("{kills} kills over {studies} studies, {with_staged} with staged work, workers {workers:?}");
    with_staged
}

/// The journal up to its last newline.
fn whole_records(folder: &tempfile::TempDir) -> Vec<u8> {
    let bytes = std::fs::read(folder.path().join(bonas::study::journal::JOURNAL_FILE)).unwrap_or_default();
    let whole = bytes.iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
    bytes[..whole].to_vec()
}

#[test]
fn killed_and_resumed_with_four_workers() {
    let staged = kill_often(&[4], 12, &undisturbed());
    assert!(staged > 0, "no kill left work that was finished out of order");
}

#[test]
fn killed_and_resumed_with_one_worker() {
    kill_often(&[1], 2, &undisturbed());
}

#[test]
fn killed_and_resumed_with_changing_workers() {
    kill_often(&[4, 1, 2], 6, &undisturbed());
}

#[test]
fn a_second_process_is_refused_until_the_first_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = child_command(&[], folder.path(), 4, 1000).spawn().unwrap();
    let journal = folder.path().join(bonas::study::journal::JOURNAL_FILE);
    while std::fs::read(&journal).unwrap_or_default().is_empty() {
        assert!(child.try_wait().unwrap().is_none(), "the child ended early");
        std::thread::sleep(Duration::from_millis(1));
    }
    let run = || eventful_study(4, &eventful_evaluator()).directory(folder.path()).run();
    let error = run().unwrap_err();
    assert!(matches!(error, StudyError::Locked { .. }), "{error}");
    child.kill().unwrap();
    child.wait().unwrap();
    run().unwrap();
    assert!(journal_of(folder.path()) == undisturbed());
}
