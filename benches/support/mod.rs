//! What benches beside Python's torch share.

use std::process::Command;
use std::time::Instant;
use std::{env, fs};

/// Processor time of this thread where the system tells it (Linux), else time on the wall.
pub(crate) struct Clock {
    wall: Instant,
    processor_ns: Option<f64>,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { wall: Instant::now(), processor_ns: Self::processor_ns() }
    }

    fn processor_ns() -> Option<f64> {
        let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
        text.split(' ').next()?.parse().ok()
    }

    pub(crate) fn elapsed_ms(&self) -> f64 {
        match (self.processor_ns, Self::processor_ns()) {
            (Some(start), Some(end)) => 1e-6 * (end - start),
            _ => 1e3 * self.wall.elapsed().as_secs_f64(),
        }
    }
}

/// What a script in `benches/python` prints, run on one thread by `BONAS_BENCH_PYTHON` (default
/// `python3`); `None` where its torch is not to be had.
pub(crate) fn python(script: &str, arguments: &[String]) -> Option<String> {
    let python = env::var("BONAS_BENCH_PYTHON").unwrap_or_else(|_| "python3".into());
    let mut command = Command::new(python);
    command.arg(format!("{}/benches/python/{script}", env!("CARGO_MANIFEST_DIR"))).args(arguments);
    command.env("OMP_NUM_THREADS", "1");
    // Our libtorch may be a CPU build, which Python's must not pick up.
    command.env_remove("LD_LIBRARY_PATH");
    let output = command.output().ok().filter(|o| o.status.success())?;
    String::from_utf8(output.stdout).ok()
}
