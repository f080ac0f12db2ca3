//! `bonas compare` of strategies on images.

use bonas::config::{ContestConfig, Settings};

use super::compare::CompareArgs;
use super::{out, usage};

/// Runs a contest, or goes on with it, and prints its tables.
///
/// # Errors
/// A wrong configuration, flags of tables, or whatever stops a study.
pub(super) fn contest(args: &CompareArgs, text: &str, origin: &str) -> anyhow::Result<()> {
    let mut config = ContestConfig::from_toml(text, origin)?;
    config.contest.seeds = args.seeds.unwrap_or(config.contest.seeds);
    config.contest.check().map_err(|e| usage(format!("--{}: {}", e.key, e.reason)))?;
    if args.table.is_some() {
        return Err(usage(format!("--table: {origin} compares strategies on images; say in [data] which")));
    }
    if args.print_config {
        return out::text(&config.commented());
    }
    run(args, config)
}

#[cfg(feature = "torch")]
fn run(args: &CompareArgs, config: ContestConfig) -> anyhow::Result<()> {
    use bonas::StudyError;
    use bonas::contest::Contest;
    use bonas::report::REPORT_FILE;
    use bonas::study::cores;

    let hint = "the same command goes on where it stopped".to_owned();
    let directory = args.folder()?;
    let contest = Contest {
        config,
        directory,
        threads: args.threads.unwrap_or_else(cores),
        cancel: super::interrupt::flag_with(hint.clone())?,
    };
    match contest.run(&mut |step| out::error(&step.to_string())) {
        Err(StudyError::Interrupted) => Err(anyhow::Error::new(StudyError::Interrupted).context(hint)),
        done => {
            let page = contest.directory.join(REPORT_FILE);
            out::text(&format!("{}\n{}\n", done?.markdown(), page.display()))
        }
    }
}

/// Training needs libtorch.
#[cfg(not(feature = "torch"))]
fn run(_: &CompareArgs, _: ContestConfig) -> anyhow::Result<()> {
    Err(usage("a comparison on images needs libtorch, and this program was built without it (feature torch)"))
}
