//! `bonas explain`.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::Context;
use bonas::Explain;
use bonas::observer::quoted;
use bonas::search::Search;
use bonas::study::cores;
use bonas::study::journal::{JOURNAL_FILE, write_whole};
use clap::Args;

use super::{files, out, positive, searched, usage};

/// The page in the folder of a search.
const PAGE: &str = "explain.html";

/// Arguments of `bonas explain`.
#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// The folder of the search.
    dir: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// File for the page; without it explain.html in the folder of the search.
    #[arg(long)]
    page: Option<PathBuf>,
    /// Most measured architectures whose operations are exchanged.
    #[arg(long, default_value = "200", value_parser = positive)]
    architectures: NonZeroUsize,
    /// Fits to half of the scores each, from which intervals of effects come.
    #[arg(long, default_value = "20", value_parser = several)]
    halves: NonZeroUsize,
    /// Permutations of each feature.
    #[arg(long, default_value = "20", value_parser = several)]
    repeats: NonZeroUsize,
    /// Neighbours of the winner, and scores after the first, that are shown.
    #[arg(long, default_value = "5", value_parser = positive)]
    top: NonZeroUsize,
    /// Threads; without it one a core. The output does not depend on it.
    #[arg(long, value_parser = positive, allow_negative_numbers = true)]
    threads: Option<NonZeroUsize>,
}

/// A number of draws that have a spread.
fn several(text: &str) -> Result<NonZeroUsize, String> {
    positive(text)
        .ok()
        .filter(|count| count.get() > 1)
        .ok_or_else(|| "it must be a whole number from 2 up".to_owned())
}

/// Refuses to write the page over a file in the folder of the search, but for an earlier page.
fn expect_no_file_of(dir: &Path, page: &Path) -> anyhow::Result<()> {
    let dir = dir.canonicalize().with_context(|| dir.display().to_string())?;
    // What is not there yet has no canonical path, and is nothing to lose.
    let Ok(page) = page.canonicalize() else { return Ok(()) };
    if !page.starts_with(&dir) || page == dir.join(PAGE) {
        return Ok(());
    }
    Err(usage(format!(
        "--page: {} is a file in the folder of the search, which only {PAGE} may be replaced in; give another, or leave --page out",
        page.display()
    )))
}

/// Prints why a search found what it found, and writes the page.
///
/// # Errors
/// Usage errors for a folder that holds no search; [`bonas::StudyError`] for one with too few scores.
pub(super) fn explain(args: &ExplainArgs) -> anyhow::Result<()> {
    let config = searched::read_config(&args.dir)?;
    let page = match &args.page {
        Some(page) => {
            let page = files::expect_place(page, "--page", "leave it out: the page goes into the folder")?;
            files::expect_other(&page, "--page", &args.dir.join(JOURNAL_FILE), "the journal")?;
            expect_no_file_of(&args.dir, &page)?;
            page
        }
        None => args.dir.join(PAGE),
    };
    let search = Search { config, directory: args.dir.clone(), cancel: std::sync::Arc::default() };
    let explain = Explain {
        bases: args.architectures.get(),
        halves: args.halves.get(),
        repeats: args.repeats.get(),
        shown: args.top.get(),
        threads: args.threads.map_or_else(cores, NonZeroUsize::get),
    };
    let explanation = explain.run(&search)?;
    write_whole(&page, explanation.page().as_bytes())?;
    if args.json {
        return out::text(&format!("{:#}\n", serde_json::to_value(&explanation)?));
    }
    out::text(&format!("{}\npage {}\n", explanation.text(), quoted(&page)))
}
