//! One run of the program for one architecture: its folder, its attempts, its result.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::group::{self, Group, Launch, Stream};
use super::message::{self, Line, Reply, Request};
use super::output::{KEPT, Lines, Log, Tail};
use super::program;
use crate::StudyError;
use crate::evaluate::Monitor;
use crate::evaluator::scoring::{Measures, Scoring};
use crate::journal::write_json;

/// Longest time between asking a program to end and killing it, where it ran out of time.
const GRACE_TIMEOUT: Duration = Duration::from_secs(5);
/// The same, where the user wants to stop.
const GRACE_STOP: Duration = Duration::from_millis(1500);
/// Least time between two reports of progress.
const REPORT: Duration = Duration::from_millis(100);
/// Bytes of intermediate values that are kept.
const VALUES: u64 = 8 << 20;

/// A run in its folder.
pub(super) struct Trial<'a> {
    pub(super) words: &'a [String],
    /// The folder that the program runs in.
    pub(super) works_in: &'a Path,
    pub(super) files: Files,
    pub(super) device: Option<&'a str>,
    pub(super) timeout: Option<Duration>,
    pub(super) retries: usize,
    pub(super) scoring: &'a Scoring,
    /// Steps that the program is expected to report; for progress.
    pub(super) steps: Option<u64>,
}

/// The files of a run.
#[derive(Clone, Debug)]
pub(super) struct Files {
    folder: PathBuf,
}

/// The result of a run that is done, so that no run is done twice.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    /// [`Trial::identity`].
    of: String,
    measures: Measures,
}

/// Why a run has no measures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    /// What is recorded.
    pub(super) reason: String,
    /// The last line that the program wrote to standard error.
    pub(super) last_words: Option<String>,
    /// Whether another attempt may end otherwise.
    again: bool,
}

impl Files {
    /// The files below a folder of this run's own.
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The program's own folder.
    pub(super) fn own(&self) -> PathBuf {
        self.folder.join("files")
    }

    /// What the program wrote to standard error.
    pub(super) fn stderr(&self) -> PathBuf {
        self.folder.join("stderr.txt")
    }

    fn result(&self) -> PathBuf {
        self.folder.join("result.json")
    }

    fn request(&self) -> PathBuf {
        self.folder.join("request.json")
    }

    /// The number of the process group that is at work.
    fn group(&self) -> PathBuf {
        self.folder.join("group")
    }

    fn log(&self, name: &str, kept: u64) -> Result<Log, StudyError> {
        Log::open(&self.folder.join(name), kept)
    }
}

impl Trial<'_> {
    /// Runs the program, and again where that may help.
    ///
    /// # Errors
    /// [`StudyError::Interrupted`] where the user stops it, [`StudyError::Io`] for files that cannot be written.
    pub(super) fn run(
        &self,
        request: &Request<'_>,
        monitor: &dyn Monitor,
    ) -> Result<Result<Measures, Failure>, StudyError> {
        if let Some(measures) = self.kept(request) {
            return Ok(self.checked(measures));
        }
        let own = self.files.own();
        fs::create_dir_all(&own).map_err(|source| StudyError::Io { path: own, source })?;
        group::await_left_behind(&self.files.group());
        write_json(&self.files.request(), request)?;
        let mut left = self.retries;
        loop {
            match self.attempt(monitor)? {
                Err(failure) if failure.again && left > 0 => {
                    left -= 1;
                    let told = format!("{}; tried again", failure.told(&self.files.stderr()));
                    monitor.warning(&told);
                }
                Ok(measures) => return self.keep(request, measures),
                Err(failure) => return Ok(Err(failure)),
            }
        }
    }

    /// What an earlier process measured in this very run.
    fn kept(&self, request: &Request<'_>) -> Option<Measures> {
        let bytes = fs::read(self.files.result()).ok()?;
        let kept: Kept = serde_json::from_slice(&bytes).ok()?;
        (kept.of == self.identity(request)).then_some(kept.measures)
    }

    /// All that the result of a run depends on, besides the architecture and what the program reads by itself.
    fn identity(&self, request: &Request<'_>) -> String {
        let Request { purpose, seed, run, epochs, .. } = request;
        let files = program::fingerprint(self.words, self.works_in);
        format!("{:?} {files} {purpose:?} seed {seed} run {run} epochs {epochs:?}", self.words)
    }

    /// Keeps measures of which none is missing: a program that lacks one may be mended before the next attempt.
    fn keep(
        &self,
        request: &Request<'_>,
        measures: Measures,
    ) -> Result<Result<Measures, Failure>, StudyError> {
        let measures = match self.checked(measures) {
            Ok(measures) => measures,
            Err(failure) => return Ok(Err(failure)),
        };
        let kept = Kept { of: self.identity(request), measures };
        write_json(&self.files.result(), &kept)?;
        Ok(Ok(kept.measures))
    }

    fn checked(&self, measures: Measures) -> Result<Measures, Failure> {
        let lacking = |reason| Failure { reason, last_words: None, again: false };
        self.scoring.check(&measures).map(|()| measures).map_err(lacking)
    }

    fn attempt(&self, monitor: &dyn Monitor) -> Result<Result<Measures, Failure>, StudyError> {
        let request = self.files.request();
        let launch =
            Launch { words: self.words, folder: self.works_in, request: &request, device: self.device };
        let mut reader = Reader::open(&self.files, self.steps, monitor)?;
        let broken = |source| StudyError::Io { path: self.files.folder.clone(), source };
        let mut group = launch.start().map_err(broken)?;
        let number = self.files.group();
        fs::write(&number, group.number().to_string())
            .map_err(|source| StudyError::Io { path: number.clone(), source })?;
        group.release().map_err(broken)?;
        let stopped = self.watch(&mut group, &mut reader, monitor)?;
        let status = group.finish(&mut |stream, bytes| reader.take(stream, bytes))?.map_err(broken)?;
        reader.finish()?;
        // A file that stays says that a group may be there, which the next attempt finds out.
        let _ = fs::remove_file(&number);
        match stopped {
            Some(Stopped::ByUser) => Err(StudyError::Interrupted),
            Some(Stopped::OutOfTime) => {
                let seconds = self.timeout.unwrap_or_default().as_secs_f64();
                Ok(Err(reader.failure(format!("it took longer than {seconds} s"))))
            }
            None if status.success() => Ok(reader.result()),
            None => Ok(Err(reader.failure(ending(status)))),
        }
    }

    /// Reads the program's output until it ends, and ends it where its time is over or the user wants to stop.
    fn watch(
        &self,
        group: &mut Group,
        reader: &mut Reader<'_>,
        monitor: &dyn Monitor,
    ) -> Result<Option<Stopped>, StudyError> {
        let start = Instant::now();
        let mut stopped = None;
        let mut killed_at: Option<Instant> = None;
        loop {
            group.read(&mut |stream, bytes| reader.take(stream, bytes))?;
            let ended = group
                .has_ended()
                .map_err(|source| StudyError::Io { path: self.files.folder.clone(), source })?;
            if ended || killed_at.is_some_and(|at| Instant::now() >= at) {
                return Ok(stopped);
            }
            let now = match stopped {
                Some(Stopped::ByUser) => None,
                _ if monitor.cancelled() => Some((Stopped::ByUser, GRACE_STOP)),
                None if self.timeout.is_some_and(|longest| start.elapsed() >= longest) => {
                    Some((Stopped::OutOfTime, GRACE_TIMEOUT))
                }
                _ => None,
            };
            if let Some((why, grace)) = now {
                stopped = Some(why);
                killed_at = Some(Instant::now() + grace);
                group.terminate();
            }
        }
    }
}

/// Why a program was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stopped {
    OutOfTime,
    ByUser,
}

/// How a program ended that did not succeed. The shell adds 128 to the number of a signal.
fn ending(status: std::process::ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code @ 129..=192), _) => format!("exit code {code} (signal {})", code - 128),
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "it did not end by itself".to_owned(),
    }
}

impl Failure {
    /// The reason, with more about it than is recorded.
    pub(super) fn told(&self, stderr: &Path) -> String {
        match &self.last_words {
            Some(words) => format!("{}: {words} ({})", self.reason, stderr.display()),
            None => format!("{} ({})", self.reason, stderr.display()),
        }
    }
}

/// Reads what a program writes: keeps it, and looks for values and the result in it.
struct Reader<'a> {
    stdout: Log,
    stderr: Log,
    values: Log,
    lines: Lines,
    tail: Tail,
    reply: Option<Reply>,
    /// Why the last line that may be meant for a result is none.
    malformed: Option<String>,
    steps: Option<u64>,
    reported: Option<Instant>,
    monitor: &'a dyn Monitor,
}

impl<'a> Reader<'a> {
    fn open(files: &Files, steps: Option<u64>, monitor: &'a dyn Monitor) -> Result<Self, StudyError> {
        Ok(Self {
            stdout: files.log("stdout.txt", KEPT)?,
            stderr: files.log("stderr.txt", KEPT)?,
            values: files.log("values.jsonl", VALUES)?,
            lines: Lines::default(),
            tail: Tail::default(),
            reply: None,
            malformed: None,
            steps,
            reported: None,
            monitor,
        })
    }

    fn take(&mut self, stream: Stream, bytes: &[u8]) -> Result<(), StudyError> {
        if stream == Stream::Error {
            self.tail.take(bytes);
            return self.stderr.append(bytes);
        }
        self.stdout.append(bytes)?;
        let mut lines = std::mem::take(&mut self.lines);
        let taken = lines.take(bytes, &mut |line| self.line(line));
        self.lines = lines;
        taken
    }

    fn finish(&mut self) -> Result<(), StudyError> {
        let mut lines = std::mem::take(&mut self.lines);
        lines.finish(&mut |line| self.line(line))
    }

    fn line(&mut self, line: &[u8]) -> Result<(), StudyError> {
        match message::read(line) {
            Line::Reply(reply) => self.reply = Some(reply),
            Line::Step(step) => {
                self.values.append(line)?;
                self.values.append(b"\n")?;
                self.report(step);
            }
            Line::Malformed(reason) => self.malformed = Some(reason),
            Line::Other => {}
        }
        Ok(())
    }

    /// Reports progress, but not more often than anybody could read it.
    fn report(&mut self, step: u64) {
        let due = self.reported.is_none_or(|last| last.elapsed() >= REPORT);
        if let Some(steps) = self.steps.filter(|_| due) {
            self.monitor.step(step.min(steps), steps, "training");
            self.reported = Some(Instant::now());
        }
    }

    /// What the program said in the end.
    fn result(self) -> Result<Measures, Failure> {
        match self.reply {
            Some(Reply::Measured(measures)) => Ok(measures),
            Some(Reply::Failed(reason)) => {
                Err(Failure { reason, last_words: self.tail.last_line(), again: false })
            }
            None => {
                let json =
                    |reason| format!("it printed no result: {reason}; print JSON (json.dumps in Python)");
                let reason = self.malformed.as_ref().map_or_else(|| "it printed no result".to_owned(), json);
                Err(self.failure(reason))
            }
        }
    }

    fn failure(&self, reason: String) -> Failure {
        Failure { reason, last_words: self.tail.last_line(), again: true }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    use super::*;

    #[test]
    fn endings_are_told_apart() {
        assert_eq!(ending(ExitStatus::from_raw(3 << 8)), "exit code 3");
        assert_eq!(ending(ExitStatus::from_raw(137 << 8)), "exit code 137 (signal 9)");
        assert_eq!(ending(ExitStatus::from_raw(9)), "signal 9");
    }
}
