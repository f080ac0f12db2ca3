//! Training on CUDA devices that are host memory (`tests/device/pretend_cuda.cpp`), through the command.
//!
//! Every operator runs its CPU kernel, so what is written must be what the CPU writes, byte for byte. The device refuses
//! operands on different devices and counts copies and waits. `cargo xtask pretend-gpu` builds it and runs these tests.

mod budgets;
mod same;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::cli::{bonas, text};

/// The variable that says where the libraries are.
const VARIABLE: &str = "BONAS_PRETEND_GPU";

/// What a process did on its devices.
#[derive(Debug)]
struct Counts(Value);

impl Counts {
    /// Copies in a direction, such as `host_to_device`.
    fn copies(&self, direction: &str) -> i64 {
        self.0[direction]["copies"].as_i64().unwrap()
    }

    /// How often the host waited for a device.
    fn syncs(&self) -> i64 {
        self.0["syncs"].as_object().unwrap().values().map(|count| count.as_i64().unwrap()).sum()
    }

    /// Numbers of the devices that computed.
    fn devices(&self) -> Vec<&str> {
        self.0["devices"].as_object().unwrap().keys().map(String::as_str).collect()
    }
}

/// Runs the program with so many devices; it must succeed.
fn on_devices(devices: usize, arguments: &[&str], folder: &Path) -> (Output, Counts) {
    let library = std::env::var(VARIABLE).expect("run these tests with `cargo xtask pretend-gpu`");
    let report = folder.join("counts.json");
    let _ = fs::remove_file(&report);
    let output = Command::new(env!("CARGO_BIN_EXE_bonas"))
        .args(arguments)
        .current_dir(folder)
        .env("LD_LIBRARY_PATH", library)
        .env("PRETEND_GPUS", devices.to_string())
        .env("PRETEND_GPU_REPORT", &report)
        .output()
        .unwrap();
    assert!(output.status.success(), "bonas {}: {}", arguments.join(" "), text(&output.stderr));
    let counts = fs::read_to_string(&report).expect("nothing was computed on the device");
    (output, Counts(serde_json::from_str(&counts).unwrap()))
}

/// The same on the CPU.
fn on_cpu(arguments: &[&str], folder: &Path) -> Output {
    let output = bonas(arguments, folder);
    assert!(output.status.success(), "bonas {}: {}", arguments.join(" "), text(&output.stderr));
    output
}

/// A device that is asked for and not there is refused; one that is there is found.
#[test]
#[ignore = "needs the pretend device: cargo xtask pretend-gpu"]
fn devices_are_found_by_number() {
    let folder = tempfile::tempdir().unwrap();
    let library = std::env::var(VARIABLE).expect("run these tests with `cargo xtask pretend-gpu`");
    let output = Command::new(env!("CARGO_BIN_EXE_bonas"))
        .args(["search", "--device", "cuda:0,2", "--out", "out"])
        .current_dir(folder.path())
        .env("LD_LIBRARY_PATH", library)
        .env("PRETEND_GPUS", "2")
        .output()
        .unwrap();
    let error = text(&output.stderr);
    assert!(!output.status.success() && error.contains("no GPU 2, libtorch sees 2 (0 to 1)"), "{error}");
}
