//! Facts about machine and program, for reports.

use std::thread::available_parallelism;

use bonas::search::PROGRAM;

/// Name and value of each fact, in the order in which they are shown.
pub(super) fn facts() -> Vec<(String, String)> {
    let torch = if cfg!(feature = "torch") { "with libtorch" } else { "without libtorch" };
    let command: Vec<String> = std::env::args().collect();
    let facts = [
        (PROGRAM, format!("{}, {torch}", env!("CARGO_PKG_VERSION"))),
        ("system", format!("{} {}", std::env::consts::OS, std::env::consts::ARCH)),
        ("processor", processor().unwrap_or_else(|| "unknown".to_owned())),
        ("cores", available_parallelism().map_or_else(|_| "unknown".to_owned(), |n| n.to_string())),
        ("command", command.join(" ")),
    ];
    facts.map(|(name, value)| (name.to_owned(), value)).to_vec()
}

fn processor() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}
