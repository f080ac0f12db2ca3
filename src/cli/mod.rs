//! Arguments, exit codes and the commands.

mod change;
mod compare;
mod data;
mod describe;
mod environment;
mod evaluate;
#[cfg(feature = "torch")]
mod evaluated;
mod explain;
mod export;
mod files;
mod fit;
mod import;
mod infer;
mod interrupt;
#[cfg(feature = "torch")]
mod latency;
mod libtorch;
mod list;
mod model;
mod out;
mod plan;
mod predict;
mod rank;
mod report;
mod resume;
mod runs;
mod search;
mod searched;
mod session;
mod space;
mod tabulate;
mod train;

use std::io;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;

use bonas::StudyError;
use bonas::config::ConfigError;
use clap::{CommandFactory, Parser, Subcommand, ValueEnum};

/// Exit code of wrong arguments or a wrong configuration.
const USAGE: u8 = 2;
/// Exit code of a command that did all but a part, which it named.
const PARTLY: u8 = 3;
/// Exit code of a command stopped by Ctrl-C.
const INTERRUPTED: u8 = 130;

/// Neural architecture search with Bayesian-optimisation surrogates.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Search for an architecture: as a TOML file or a preset says, else the demo; keeps all in a folder.
    Search(search::SearchArgs),
    /// Go on with a search that was stopped, killed, or is to be extended.
    Resume(resume::ResumeArgs),
    /// Take known results as the first observations of a new search.
    Import(import::ImportArgs),
    /// Hand out architectures of a search whose scores are told, to be evaluated elsewhere.
    Ask(session::AskArgs),
    /// Tell the score of an architecture that was handed out, or that it has none.
    Tell(session::TellArgs),
    /// Give an architecture up that was handed out; it does not count.
    Abandon(session::AbandonArgs),
    /// Train one architecture from scratch.
    Train(train::TrainArgs),
    /// Write a trained network, or the network of an architecture, as files for elsewhere.
    Export(export::ExportArgs),
    /// Classify image files with a trained network.
    Infer(infer::InferArgs),
    /// Measure a trained network on images: accuracies by class, confusion, calibration.
    Evaluate(evaluate::EvaluateArgs),
    /// Make the report of a search again, or that of a training, finished or not, or of a trained network.
    Report {
        /// The folder of the search or of the training, or a model folder.
        dir: PathBuf,
    },
    /// Say why a search found what it found: operations, features, neighbours and noise.
    Explain(explain::ExplainArgs),
    /// List the searches below a folder, with state, progress and best score.
    Runs(runs::RunsArgs),
    /// Count and draw an architecture.
    Describe(describe::DescribeArgs),
    /// Images, before they are searched on.
    #[command(subcommand)]
    Data(data::DataCommand),
    /// Search spaces declared in files.
    #[command(subcommand)]
    Space(space::SpaceCommand),
    /// Compare strategies on a table or on images, many seeds each; writes results, statistics and a report.
    Compare(compare::CompareArgs),
    /// Train every cell of a space from scratch and write them as a table.
    Tabulate(tabulate::TabulateArgs),
    /// Measure how well surrogates rank the rest of a table after a few of its rows.
    Predict(predict::PredictArgs),
    /// Fit a surrogate to a table or to the scores of a search, and keep it in a file for `bonas rank`.
    Fit(fit::FitArgs),
    /// Rank a list of architectures of any length with a model that `bonas fit` made; writes CSV.
    Rank(rank::RankArgs),
    /// List what configurations and flags can name, each with a line about it.
    List(list::ListArgs),
    /// Print a script that completes commands, flags and names in a shell
    ///
    /// bash: `bonas completions bash > ~/.local/share/bash-completion/completions/bonas`;
    /// zsh: put the script as `_bonas` into a folder of $fpath;
    /// fish: `bonas completions fish > ~/.config/fish/completions/bonas.fish`.
    #[command(verbatim_doc_comment)]
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Fetch libtorch, and tell cargo or a shell where it lies.
    #[command(subcommand)]
    Libtorch(libtorch::LibtorchCommand),
}

/// A mistake in what the user asked for, as opposed to a failure in doing it.
#[derive(Debug)]
struct Usage(String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// What a command could not do of what it was asked for, once the rest is done.
#[derive(Debug)]
struct Partly(String);

impl std::fmt::Display for Partly {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Partly {}

/// A usage error from anything that prints.
fn usage(reason: impl std::fmt::Display) -> anyhow::Error {
    anyhow::Error::new(Usage(reason.to_string()))
}

/// A count in an argument, at least 1.
fn positive(text: &str) -> Result<NonZeroUsize, String> {
    text.parse().map_err(|_| format!("it must be a whole number from 1 to {}", usize::MAX))
}

/// An error of a study; one about a setting says where that setting stands: `origin` of its key.
fn placed(error: StudyError, origin: impl FnOnce(&str) -> String) -> anyhow::Error {
    match error {
        StudyError::Setting { name, reason } => usage(format!("{}: {reason}", origin(&name))),
        other => other.into(),
    }
}

/// Runs the command line; errors go to standard error, one line each cause.
pub(crate) fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // A reader that went away is no reason to fail.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(USAGE));
        }
    };
    match run(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if out::is_closed(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let code = code(&error);
            out::error(&match code {
                INTERRUPTED => format!("stopped; {error}"),
                _ => format!("error: {}", message(&error)),
            });
            ExitCode::from(code)
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Search(args) => search::search(&args),
        Command::Resume(args) => resume::resume(&args),
        Command::Import(args) => import::import(&args),
        Command::Ask(args) => session::ask(&args),
        Command::Tell(args) => session::tell(&args),
        Command::Abandon(args) => session::abandon(&args),
        Command::Train(args) => train::train(&args),
        Command::Export(args) => export::export(&args),
        Command::Infer(args) => infer::infer(&args),
        Command::Evaluate(args) => evaluate::evaluate(&args),
        Command::Report { dir } => report::again(&dir),
        Command::Explain(args) => explain::explain(&args),
        Command::Runs(args) => runs::runs(&args),
        Command::Describe(args) => describe::describe(&args),
        Command::Data(command) => data::data(&command),
        Command::Space(command) => space::space(&command),
        Command::Compare(args) => compare::compare(&args),
        Command::Tabulate(args) => tabulate::tabulate(&args),
        Command::Predict(args) => predict::predict(&args),
        Command::Fit(args) => fit::fit(&args),
        Command::Rank(args) => rank::rank(&args),
        Command::List(args) => list::list(args),
        Command::Completions { shell } => completions(shell),
        Command::Libtorch(command) => libtorch::libtorch(&command),
    }
}

/// Shells that completions are made for.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Shell {
    /// GNU bash.
    Bash,
    /// The Z shell.
    Zsh,
    /// fish.
    Fish,
}

fn completions(shell: Shell) -> anyhow::Result<()> {
    let generator = match shell {
        Shell::Bash => clap_complete::Shell::Bash,
        Shell::Zsh => clap_complete::Shell::Zsh,
        Shell::Fish => clap_complete::Shell::Fish,
    };
    let mut script = Vec::new();
    clap_complete::generate(generator, &mut Cli::command(), "bonas", &mut script);
    out::text(&String::from_utf8(script)?)
}

/// The error and its causes; one that already says its cause does not say it twice.
fn message(error: &anyhow::Error) -> String {
    error.chain().fold(String::new(), |text, cause| {
        let cause = told(cause);
        match text {
            _ if text.is_empty() => cause,
            _ if text.contains(&cause) => text,
            _ => format!("{text}: {cause}"),
        }
    })
}

/// A cause; what the system says is put so that it says what to do.
fn told(cause: &(dyn std::error::Error + 'static)) -> String {
    match (cause.downcast_ref::<StudyError>(), cause.downcast_ref::<io::Error>()) {
        (Some(StudyError::Io { path, source }), _) => format!("{}: {}", path.display(), system(source)),
        (_, Some(error)) => system(error),
        _ => cause.to_string(),
    }
}

/// What the system says, and what to do.
fn system(error: &io::Error) -> String {
    let known = match error.kind() {
        io::ErrorKind::NotFound => "there is no such file or folder",
        io::ErrorKind::PermissionDenied => "permission denied; change the permissions, or take another place",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "no space is left there; free some, then the same command goes on"
        }
        io::ErrorKind::ReadOnlyFilesystem => "the file system is read-only; take another place",
        io::ErrorKind::NotADirectory => "a part of this path is a file, not a folder",
        io::ErrorKind::IsADirectory => "this is a folder, expected a file",
        io::ErrorKind::InvalidFilename => "the name is too long, or not one that the file system takes",
        _ => {
            let text = error.to_string();
            return text.split(" (os error").next().unwrap_or_default().to_owned();
        }
    };
    known.to_owned()
}

fn code(error: &anyhow::Error) -> u8 {
    let interrupted = |e: &StudyError| matches!(e, StudyError::Interrupted);
    if error.downcast_ref::<StudyError>().is_some_and(interrupted) {
        return INTERRUPTED;
    }
    if error.is::<Partly>() {
        return PARTLY;
    }
    let setting = |e: &StudyError| matches!(e, StudyError::Setting { .. } | StudyError::Trial { .. });
    let wrong = error.is::<Usage>() || error.is::<ConfigError>();
    if wrong || error.downcast_ref::<StudyError>().is_some_and(setting) { USAGE } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_cause_is_said_once() {
        let source = std::io::Error::other("no space");
        let io = StudyError::Io { path: "a".into(), source };
        assert_eq!(message(&anyhow::Error::new(io).context("while writing")), "while writing: a: no space");
    }

    #[test]
    fn the_system_is_put_into_words() {
        let full = StudyError::Io { path: "a".into(), source: io::ErrorKind::StorageFull.into() };
        let error = message(&anyhow::Error::new(full).context("journal"));
        assert_eq!(error, "journal: a: no space is left there; free some, then the same command goes on");
        let other = io::Error::from_raw_os_error(5);
        assert!(!system(&other).contains("os error"), "{other}");
    }

    #[test]
    fn exit_codes() {
        assert_eq!(code(&usage("no")), 2);
        assert_eq!(code(&anyhow::Error::new(StudyError::Interrupted).context("while searching")), 130);
        assert_eq!(code(&anyhow::Error::new(Partly("1 of 2".into()))), 3);
        assert_eq!(code(&anyhow::anyhow!("disk full")), 1);
    }
}
