//! Set-up, demo, tests, benches and CI of bonas, one command each: `cargo xtask help`.

mod adding;
mod cargo;
mod chromium;
mod deny;
mod deploy;
mod files;
mod outside;
mod package;
mod page;
mod pretend_gpu;
mod python;
mod setup;
mod trained;

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use bonas_libtorch::Variant;
use lexopt::prelude::*;

const USAGE: &str = "\
Usage: cargo xtask COMMAND

  demo [ARGS]           set up, then search a DARTS cell on real images; ARGS go to `bonas search`
  test                  set up, then run every test, with and without libtorch
  setup [--gpu|--cpu]   fetch libtorch 2.13.0 once into the per-user cache and link it here;
                        without an option, keep what is linked already, else the CPU build
  bench [ARGS]          set up, then run the benches; ARGS go to `cargo bench`
  pages                 set up, then look at the pages of real searches in a headless Chromium, which is
                        installed where it is missing and this runs as root; pictures in target/pages
  lint                  set up, then formatting, clippy and rustdoc, warnings denied
  outside               make the crate of docs/library.md in a temporary folder, run its commands there
  adding                apply docs/adding.md to a copy of this clone, and run its commands there
  package [--verify]    package every crate that is published and look into the packages;
                        with --verify, build them from the packages too
  wheel                 build the wheel of the Python package: target/wheels
  python                build it, and run its tests in a fresh environment
  deploy                write networks of every space, and hold PyTorch against them in an environment of its own
  trained OTHER         train tests/recorded/torch/ with this clone and with OTHER, another build of
                        `bonas`, and compare what they write byte for byte
  gpu-check [--out FILE] [--python PROGRAM] [--pretend]
                        run the same searches on the CPU and on the GPUs and time training steps, beside those
                        of a Python with PyTorch where one is given; with --pretend, on devices that are
                        host memory. Writes JSON (gpu-check.json)
  pretend-gpu           train on CUDA devices that are host memory, and compare with the CPU; needs no GPU
  deny [--advisories]   check licences, duplicate versions and sources of the dependencies (deny.toml);
                        with --advisories, known vulnerabilities too (fetched from the network)
  ci                    test, lint, outside, adding, pages, package, deny, python, deploy,
                        pretend-gpu
  help                  this text

An exported LIBTORCH or LIBTORCH_USE_PYTORCH wins: nothing is fetched then.
";

fn main() -> ExitCode {
    match dispatch() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Without the backtrace that an anyhow `main` adds: the message is the whole answer.
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The arguments without a `--` at their front, which one is used to put before those of an example.
fn examples_own(arguments: &[OsString]) -> &[OsString] {
    match arguments {
        [first, rest @ ..] if first == "--" => rest,
        all => all,
    }
}

fn dispatch() -> Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let command = arguments.next().unwrap_or_else(|| "help".into());
    let rest: Vec<OsString> = arguments.collect();
    match command.to_string_lossy().as_ref() {
        "setup" => setup::run(parse_variant(rest)?).map(drop),
        "demo" => cargo::demo(&setup::run(None)?, examples_own(&rest)),
        "bench" => cargo::bench(&setup::run(None)?, &rest),
        "test" => no_arguments("test", &rest).and_then(|()| cargo::test(&setup::run(None)?)),
        "lint" => no_arguments("lint", &rest).and_then(|()| cargo::lint(&setup::run(None)?)),
        "pages" => no_arguments("pages", &rest).and_then(|()| cargo::pages(&setup::run(None)?)),
        "ci" => no_arguments("ci", &rest).and_then(|()| ci()),
        "package" => package::check(&setup::run(None)?, package::parse(&rest)?),
        "trained" => trained::check(&setup::run(None)?, &trained::parse(&rest)?),
        "deny" => deny::check(&setup::workspace_root()?, deny::parse(&rest)?),
        "outside" => no_arguments("outside", &rest).and_then(|()| outside::check(&setup::workspace_root()?)),
        "wheel" => {
            no_arguments("wheel", &rest).and_then(|()| python::wheel(&setup::workspace_root()?).map(drop))
        }
        "python" => no_arguments("python", &rest).and_then(|()| python::check(&setup::workspace_root()?)),
        "deploy" => no_arguments("deploy", &rest).and_then(|()| deploy::check(&setup::run(None)?)),
        "gpu-check" => pretend_gpu::gpu_check(&setup::run(None)?, &pretend_gpu::parse(rest)?),
        "pretend-gpu" => {
            no_arguments("pretend-gpu", &rest).and_then(|()| pretend_gpu::check(&setup::run(None)?))
        }
        "adding" => no_arguments("adding", &rest).and_then(|()| adding::check(&setup::run(None)?)),
        "help" | "--help" | "-h" => {
            print!("{USAGE}");
            Ok(())
        }
        unknown => bail!("`{unknown}` is not a command of `cargo xtask`\n\n{USAGE}"),
    }
}

/// `cargo xtask ci`: everything a change must pass, as `.ci/run` does.
fn ci() -> Result<()> {
    let workspace = setup::run(None)?;
    cargo::test(&workspace)?;
    cargo::lint(&workspace)?;
    outside::check(&workspace.root)?;
    adding::check(&workspace)?;
    cargo::pages(&workspace)?;
    package::check(&workspace, package::Verify::No)?;
    deny::check(&workspace.root, deny::Checks::Local)?;
    python::check(&workspace.root)?;
    deploy::check(&workspace)?;
    pretend_gpu::check(&workspace)
}

/// The build asked for by the options of `setup`, if any.
fn parse_variant(arguments: Vec<OsString>) -> Result<Option<Variant>> {
    let mut parser = lexopt::Parser::from_args(arguments);
    let mut variant = None;
    while let Some(argument) = parser.next()? {
        variant = match argument {
            Long("gpu") => Some(Variant::Gpu),
            Long("cpu") => Some(Variant::Cpu),
            other => Err(other.unexpected()).context("`setup` takes only --gpu or --cpu")?,
        };
    }
    Ok(variant)
}

fn no_arguments(command: &str, rest: &[OsString]) -> Result<()> {
    match rest.first() {
        None => Ok(()),
        Some(extra) => bail!(
            "`cargo xtask {command}` takes no arguments, got `{}`; use cargo itself for a part of the tests",
            extra.to_string_lossy()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dash_before_arguments_of_the_demo_is_dropped() {
        let [dash, seed]: [OsString; 2] = ["--".into(), "--seed".into()];
        assert_eq!(examples_own(&[dash.clone(), seed.clone(), dash.clone()]), [seed.clone(), dash]);
        assert_eq!(examples_own(std::slice::from_ref(&seed)), std::slice::from_ref(&seed));
    }

    #[test]
    fn setup_options() -> Result<()> {
        assert_eq!(parse_variant(vec![])?, None);
        assert_eq!(parse_variant(vec!["--gpu".into()])?, Some(Variant::Gpu));
        assert_eq!(parse_variant(vec!["--cpu".into()])?, Some(Variant::Cpu));
        let error =
            parse_variant(vec!["--tpu".into()]).map_or_else(|error| format!("{error:#}"), |_| String::new());
        assert!(error.contains("--tpu") && error.contains("--gpu"), "{error}");
        Ok(())
    }

    #[test]
    fn stray_arguments_are_refused() {
        assert!(no_arguments("test", &["--release".into()]).is_err());
    }
}
