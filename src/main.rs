//! The `bonas` command: arguments in, files and lines out; no algorithm of its own.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
