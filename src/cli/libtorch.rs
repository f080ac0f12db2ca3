//! `bonas libtorch`: fetches libtorch and tells cargo or a shell where it lies.

use std::env;

use bonas_libtorch::{Build, Cache, Variant, prerequisites};
use clap::{Args, Subcommand};

use super::out;

/// Commands of `bonas libtorch`.
#[derive(Debug, Subcommand)]
pub(super) enum LibtorchCommand {
    /// Download libtorch into the per-user cache, unless it is there, and print its folder.
    Install(VariantArgs),
    /// Print the folder of the installed libtorch, the value of LIBTORCH.
    Path(VariantArgs),
    /// Print lines for a shell: `eval "$(bonas libtorch env)"`.
    Env(VariantArgs),
    /// Print lines for the `.cargo/config.toml` of a workspace that depends on bonas.
    CargoConfig(VariantArgs),
}

/// Which build.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct VariantArgs {
    /// The build for NVIDIA GPUs (2.5 GB to download); it runs on the CPU too, and is preferred where both are installed.
    #[arg(long, conflicts_with = "cpu")]
    gpu: bool,
    /// The build for the CPU only (0.5 GB to download), which `install` takes by default.
    #[arg(long)]
    cpu: bool,
}

impl VariantArgs {
    fn variant(self) -> Option<Variant> {
        match (self.gpu, self.cpu) {
            (true, _) => Some(Variant::Gpu),
            (_, true) => Some(Variant::Cpu),
            _ => None,
        }
    }
}

/// Installs a build, or prints what to tell cargo or a shell about it.
///
/// # Errors
/// Those of [`bonas_libtorch::Error`].
pub(super) fn libtorch(command: &LibtorchCommand) -> anyhow::Result<()> {
    let variable = |name| env::var_os(name);
    let cache = Cache::of_user(variable("XDG_CACHE_HOME").as_deref(), variable("HOME").as_deref())?;
    let text = match command {
        LibtorchCommand::Install(args) => path(&install(&cache, args.variant())?),
        LibtorchCommand::Path(args) => path(&cache.find(args.variant())?),
        LibtorchCommand::Env(args) => cache.find(args.variant())?.shell_exports()?,
        LibtorchCommand::CargoConfig(args) => cache.find(args.variant())?.cargo_config()?,
    };
    out::text(&text)
}

/// Checks for the compiler first: a download of which nothing can be built helps nobody.
fn install(cache: &Cache, variant: Option<Variant>) -> anyhow::Result<Build> {
    prerequisites::check_compiler(env::var("CXX").ok().as_deref())?;
    Ok(cache.install(variant.unwrap_or(Variant::Cpu))?)
}

fn path(build: &Build) -> String {
    format!("{}\n", build.torch().display())
}
