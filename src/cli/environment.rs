//! Facts about machine and program, for reports.

use std::thread::available_parallelism;

use bonas::config::SearchConfig;
use bonas::search::{DEVICES, INSTRUCTIONS, PROGRAM};

/// Name and value of each fact of a search, in the order in which they are shown.
pub(super) fn facts(config: &SearchConfig) -> Vec<(String, String)> {
    let torch = if cfg!(feature = "torch") { "with libtorch" } else { "without libtorch" };
    let command: Vec<String> = std::env::args().collect();
    let facts = [
        (PROGRAM, format!("{}, {torch}", env!("CARGO_PKG_VERSION"))),
        ("system", format!("{} {}", std::env::consts::OS, std::env::consts::ARCH)),
        ("processor", processor().unwrap_or_else(|| "unknown".to_owned())),
        (INSTRUCTIONS, instructions().to_owned()),
        ("cores", available_parallelism().map_or_else(|_| "unknown".to_owned(), |n| n.to_string())),
        ("command", command.join(" ")),
    ];
    let facts = facts.into_iter().chain(devices(config).map(|devices| (DEVICES, devices)));
    facts.map(|(name, value)| (name.to_owned(), value)).collect()
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
    let devices = bonas::supernet::device::devices(&config.training.device).ok()?;
    let gpus = devices.iter().filter(|device| device.is_cuda()).count();
    Some(if gpus == 0 { "CPU".to_owned() } else { "CUDA".to_owned() })
}

#[cfg(not(feature = "torch"))]
fn devices(_: &SearchConfig) -> Option<String> {
    None
}

fn processor() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}
