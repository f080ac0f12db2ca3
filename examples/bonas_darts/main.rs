//! The main job through the library: search a DARTS cell with BONAS on the embedded digits, and train it from
//! scratch beside random cells.
//!
//! `cargo run --release --example bonas_darts`; `bonas search` does the same, with flags, a line of progress and
//! a Ctrl-C that waits.

#![allow(clippy::print_stdout)]

#[path = "../support/allocator.rs"]
mod allocator;

use std::io::{stderr, stdout};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use bonas::observer::{Console, Ending};
use bonas::search::{DEMO, Search};

fn main() -> Result<()> {
    let (config, directory) = (DEMO.config()?, PathBuf::from("runs/bonas_darts"));
    let space = bonas::build::space(&config)?;
    let search = Search { config, directory, cancel: Arc::default() };
    let summary =
        search.run(&mut |_, _| vec![Box::new(Console::new(Box::new(stdout()), Box::new(stderr())))])?;
    println!("\n{}", Ending::new(&summary, &*space, &search.directory, &*search.config.evaluator));
    Ok(())
}
