//! The `bonas` command: arguments in, files and lines out; no algorithm of its own.

mod cli;

use std::process::ExitCode;

/// libtorch's tensors come from it too, and small networks allocate many.
#[cfg(feature = "torch")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::main()
}
