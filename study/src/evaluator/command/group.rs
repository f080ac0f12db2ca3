//! A program in a process group of its own, of which nothing survives.

use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, kill_process_group, test_kill_process_group, waitid,
};

use crate::StudyError;

/// Starts the program `$@`, whose standard input is the file `$BONAS_REQUEST`, and ends with its exit code.
///
/// Standard input of the shell is a pipe whose other end the study holds. Nothing runs before a line comes from there: by then
/// the number of the group is in a file, so that a later study can wait until the group is gone. When the study is gone,
/// however it went, the pipe is closed and the watcher kills the group. The shell outlives a SIGTERM to the group, so that
/// the program has time to save its state.
const SCRIPT: &str = r#"exec 3<&0 </dev/null
read -r bonas_line <&3 || exit 1
(trap '' TERM HUP INT; read -r bonas_line <&3; kill -KILL 0) >/dev/null 2>&1 &
bonas_watcher=$!
trap : TERM HUP INT
"$@" 3<&- <"$BONAS_REQUEST"
bonas_code=$?
{ kill -KILL $bonas_watcher; wait $bonas_watcher; } 2>/dev/null
exit $bonas_code"#;

/// The file with the request, for programs that would rather not read standard input.
const REQUEST: &str = "BONAS_REQUEST";
const DEVICES: &str = "CUDA_VISIBLE_DEVICES";
/// Longest time between two looks at the clock and at the monitor.
const LOOK: Duration = Duration::from_millis(20);
/// First sleep where both streams are closed, as they are a moment before the end.
const FIRST_PAUSE: Duration = Duration::from_micros(500);
/// Longest time that output is read for after the end of all processes.
const DRAINING: Duration = Duration::from_secs(1);
/// Longest wait for processes that another study left in a folder to be gone.
const LEFT_BEHIND: Duration = Duration::from_secs(5);

/// Most bytes that are read at a time.
const PIECE: usize = 1 << 16;

/// What is started, and where.
pub(super) struct Launch<'a> {
    pub(super) words: &'a [String],
    pub(super) folder: &'a Path,
    pub(super) request: &'a Path,
    pub(super) device: Option<&'a str>,
}

/// A stream of the program's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stream {
    Output,
    Error,
}

/// Takes a piece of what the program writes.
pub(super) type HandOn<'a> = dyn FnMut(Stream, &[u8]) -> Result<(), StudyError> + 'a;

/// A running program. Dropping it kills the whole group.
pub(super) struct Group {
    child: Child,
    /// The shell's, and the group's.
    id: Pid,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    /// Its other end is read by the watcher.
    lifeline: Option<ChildStdin>,
    buffer: Vec<u8>,
    /// Next sleep where there is nothing to read; it grows.
    pause: Duration,
    ended: bool,
}

impl Launch<'_> {
    /// Makes the group, in which the program waits for [`Group::release`].
    pub(super) fn start(&self) -> io::Result<Group> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", SCRIPT, "sh"]).args(self.words).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if !self.folder.as_os_str().is_empty() {
            command.current_dir(self.folder);
        }
        command.env(REQUEST, self.request);
        if let Some(device) = self.device {
            command.env(DEVICES, device);
        }
        let mut child = command.spawn()?;
        let id = Pid::from_child(&child);
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let group = Group {
            lifeline: child.stdin.take(),
            id,
            stdout,
            stderr,
            child,
            buffer: vec![0; PIECE],
            pause: FIRST_PAUSE,
            ended: false,
        };
        if let (Some(stdout), Some(stderr)) = (&group.stdout, &group.stderr) {
            rustix::io::ioctl_fionbio(stdout, true)?;
            rustix::io::ioctl_fionbio(stderr, true)?;
        }
        Ok(group)
    }
}

impl Group {
    /// The number of the group.
    pub(super) fn number(&self) -> i32 {
        self.id.as_raw_nonzero().get()
    }

    /// Lets the program run.
    pub(super) fn release(&mut self) -> io::Result<()> {
        match self.lifeline.as_mut().map_or(Ok(()), |lifeline| lifeline.write_all(b"\n")) {
            // The shell was killed, which its exit code will say.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => other,
        }
    }

    /// Whether the program has ended; processes that it started may still run.
    pub(super) fn has_ended(&mut self) -> io::Result<bool> {
        // The shell stays a zombie, so that no other process can get its number before the group is killed.
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        Ok(waitid(WaitId::Pid(self.id), options)?.is_some())
    }

    /// Hands on what the program has written, after waiting a moment for it.
    pub(super) fn read(&mut self, hand_on: &mut HandOn<'_>) -> Result<(), StudyError> {
        self.wait(LOOK);
        self.read_available(hand_on).map(drop)
    }

    /// Waits until there is something to read, or for so long.
    fn wait(&mut self, longest: Duration) {
        let streams = [self.stdout.as_ref().map(AsFd::as_fd), self.stderr.as_ref().map(AsFd::as_fd)];
        let mut waiting: Vec<PollFd<'_>> = streams
            .into_iter()
            .flatten()
            .map(|stream| PollFd::from_borrowed_fd(stream, PollFlags::IN))
            .collect();
        if waiting.is_empty() {
            // It closed its streams and goes on, or is about to end.
            thread::sleep(self.pause);
            self.pause = (2 * self.pause).min(longest);
            return;
        }
        let timeout = Timespec { tv_sec: 0, tv_nsec: i64::from(longest.subsec_nanos()) };
        if poll(&mut waiting, Some(&timeout)).is_err() {
            thread::sleep(longest / 10);
        }
    }

    /// Reads a piece of each stream; whether there was any.
    fn read_available(&mut self, hand_on: &mut HandOn<'_>) -> Result<bool, StudyError> {
        let mut any = false;
        let out = piece(&mut self.stdout, &mut self.buffer);
        if out > 0 {
            any = true;
            hand_on(Stream::Output, &self.buffer[..out])?;
        }
        let error = piece(&mut self.stderr, &mut self.buffer);
        if error > 0 {
            any = true;
            hand_on(Stream::Error, &self.buffer[..error])?;
        }
        Ok(any)
    }

    /// Asks all processes of the group to end.
    pub(super) fn terminate(&self) {
        // That there is no such group any more is what was wanted.
        let _ = kill_process_group(self.id, Signal::TERM);
    }

    /// Kills what is left of the group, and hands on the rest of its output.
    pub(super) fn finish(&mut self, hand_on: &mut HandOn<'_>) -> Result<io::Result<ExitStatus>, StudyError> {
        let status = self.kill();
        let start = Instant::now();
        while self.read_available(hand_on)? && start.elapsed() < DRAINING {}
        Ok(status)
    }

    fn kill(&mut self) -> io::Result<ExitStatus> {
        let _ = kill_process_group(self.id, Signal::KILL);
        self.ended = true;
        self.child.wait()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if !self.ended {
            // Nobody asks for the exit code any more.
            let _ = self.kill();
        }
    }
}

/// Reads from a stream what there is, which may be nothing; at its end the stream is closed.
fn piece<R: Read>(stream: &mut Option<R>, buffer: &mut [u8]) -> usize {
    let Some(open) = stream else { return 0 };
    match open.read(buffer) {
        Ok(0) => *stream = None,
        Ok(n) => return n,
        Err(error) if [io::ErrorKind::WouldBlock, io::ErrorKind::Interrupted].contains(&error.kind()) => {}
        Err(_) => *stream = None,
    }
    0
}

/// Waits until the group that a killed study left in a folder is gone, as the file there says; its watcher is about to
/// kill it. The number may be another's by now, so nothing is killed here.
pub(super) fn await_left_behind(file: &Path) {
    let number = std::fs::read_to_string(file).ok().and_then(|text| text.trim().parse().ok());
    let Some(id) = number.and_then(Pid::from_raw) else { return };
    let start = Instant::now();
    while test_kill_process_group(id).is_ok() && start.elapsed() < LEFT_BEHIND {
        thread::sleep(Duration::from_millis(2));
    }
}
