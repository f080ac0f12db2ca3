//! `bonas runs`: the searches below a folder.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bonas::search::{CONFIG_FILE, Search, Standing};
use bonas::study::journal::Journal;
use bonas::{Fidelity, Folder};
use clap::Args;
use serde::Serialize;

use super::{message, out, searched, system, usage};

/// Arguments of `bonas runs`.
#[derive(Debug, Args)]
pub(super) struct RunsArgs {
    /// Folder in which to look, at any depth. Folders whose name begins with a dot are left out.
    #[arg(value_name = "FOLDER", default_value = "runs")]
    folder: PathBuf,
    /// Print one JSON object in place of a table.
    #[arg(long)]
    json: bool,
}

/// A folder and how far its search is, or why that cannot be said.
struct Run {
    folder: PathBuf,
    standing: anyhow::Result<Standing>,
}

/// What `bonas runs --json` prints of a search; what is not known is null.
#[derive(Serialize)]
struct RunJson<'a> {
    folder: String,
    /// A [`State`](bonas::search::State), or `damaged`.
    state: &'a str,
    space: Option<&'a str>,
    strategy: Option<&'a str>,
    fidelity: Option<Fidelity>,
    evaluated: Option<usize>,
    budget: Option<usize>,
    best: Option<f64>,
    pending: Option<usize>,
    /// When a journal was written last, UTC.
    changed: Option<String>,
    /// Why the search cannot be read.
    reason: Option<String>,
}

/// The state of a search that cannot be read.
const DAMAGED: &str = "damaged";
/// Heads of the columns of the table.
const HEADS: [&str; 9] =
    ["folder", "space", "strategy", "state", "evaluated", "best", "fidelity", "pending", "changed (UTC)"];

/// Lists the searches below a folder; none of them is locked or changed.
///
/// # Errors
/// A path that is no folder.
pub(super) fn runs(args: &RunsArgs) -> anyhow::Result<()> {
    match Folder::at(&args.folder) {
        Folder::Missing => return Err(usage(format!("there is no folder {}", args.folder.display()))),
        Folder::File => {
            return Err(usage(format!("{} is a file, not a folder", args.folder.display())));
        }
        _ => {}
    }
    let mut walk = Walk::default();
    walk.at(&args.folder);
    if args.json {
        let runs: Vec<RunJson<'_>> = walk.runs.iter().map(RunJson::of).collect();
        return out::text(&(serde_json::to_string(&serde_json::json!({ "runs": runs }))? + "\n"));
    }
    if walk.runs.is_empty() {
        out::error(&format!("there is no search below {}", args.folder.display()));
        return Ok(());
    }
    out::text(&table(&walk.runs))
}

/// Searches found so far, and the folders that were looked into.
#[derive(Default)]
struct Walk {
    runs: Vec<Run>,
    seen: BTreeSet<PathBuf>,
}

impl Walk {
    /// Looks at a folder, and into it unless it is a search's or another command's.
    fn at(&mut self, folder: &Path) {
        match Folder::at(folder) {
            Folder::Search => match standing(folder) {
                // Other programs have files of this name, too.
                Err(_) if !Journal::exists(folder) => self.below(folder),
                standing => self.runs.push(Run { folder: folder.to_owned(), standing }),
            },
            Folder::Training => {}
            // A folder of searches may hold one that is called like a part of a comparison.
            Folder::Comparison | Folder::Table if folder.join(CONFIG_FILE).exists() => {}
            _ => self.below(folder),
        }
    }

    fn below(&mut self, folder: &Path) {
        match self.folders(folder) {
            Ok(folders) => folders.iter().for_each(|inside| self.at(inside)),
            Err(error) => {
                let standing = Err(anyhow::anyhow!("{}", system(&error)));
                self.runs.push(Run { folder: folder.to_owned(), standing });
            }
        }
    }

    /// The folders in a folder by name; none in one that was looked into before, as links can lead back.
    fn folders(&mut self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        if !self.seen.insert(folder.canonicalize()?) {
            return Ok(Vec::new());
        }
        let mut folders = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            if entry.path().is_dir() && !entry.file_name().as_encoded_bytes().starts_with(b".") {
                folders.push(entry.path());
            }
        }
        folders.sort();
        Ok(folders)
    }
}

/// How far the search in a folder is.
fn standing(folder: &Path) -> anyhow::Result<Standing> {
    let config = searched::read_config(folder)?;
    let search = Search { config, directory: folder.to_owned(), cancel: Arc::default() };
    Ok(search.standing()?)
}

impl<'a> RunJson<'a> {
    fn of(run: &'a Run) -> Self {
        let known = run.standing.as_ref().ok();
        Self {
            folder: run.folder.display().to_string(),
            state: known.map_or(DAMAGED, |standing| standing.state.name()),
            space: known.map(|standing| &*standing.space),
            strategy: known.map(|standing| &*standing.strategy),
            fidelity: known.map(|standing| standing.fidelity),
            evaluated: known.map(|standing| standing.evaluated),
            budget: known.and_then(|standing| standing.budget),
            best: known.and_then(|standing| standing.best),
            pending: known.map(|standing| standing.pending),
            changed: known.and_then(|standing| standing.changed).map(|at| utc(at, true)),
            reason: run.standing.as_ref().err().map(message),
        }
    }
}

/// The runs as lines, columns below their heads.
fn table(runs: &[Run]) -> String {
    let rows: Vec<_> = runs.iter().map(row).collect();
    let mut widths = HEADS.map(|head| head.chars().count());
    // What is wrong with a damaged search stands behind its columns.
    for (cells, _) in &rows {
        for (width, cell) in widths.iter_mut().zip(cells) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |(cells, reason): &([String; 9], String)| {
        let padded: Vec<String> =
            cells.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        let line = if reason.is_empty() { padded.join("  ") } else { padded[..4].join("  ") + "  " + reason };
        line.trim_end().to_owned() + "\n"
    };
    let head = (HEADS.map(str::to_owned), String::new());
    std::iter::once(&head).chain(&rows).map(line).collect()
}

/// The columns of a run, and what is wrong with it.
fn row(run: &Run) -> ([String; 9], String) {
    let folder = run.folder.display().to_string();
    let dash = || "-".to_owned();
    let standing = match &run.standing {
        Ok(standing) => standing,
        Err(error) => {
            let [a, b, c, d, e] = std::array::from_fn(|_| String::new());
            return (
                [folder, dash(), dash(), DAMAGED.to_owned(), a, b, c, d, e],
                message(error).replace('\n', " "),
            );
        }
    };
    let evaluated = match standing.budget {
        Some(budget) => format!("{} of {budget}", standing.evaluated),
        None => standing.evaluated.to_string(),
    };
    let cells = [
        folder,
        standing.space.clone(),
        standing.strategy.clone(),
        standing.state.name().to_owned(),
        evaluated,
        standing.best.map_or_else(dash, |best| format!("{best:.4}")),
        standing.fidelity.to_string(),
        standing.pending.to_string(),
        standing.changed.map_or_else(dash, |at| utc(at, false)),
    ];
    (cells, String::new())
}

/// A time in UTC to the second; `iso` as ISO 8601 writes it. Times before 1970 are shown as its beginning.
fn utc(at: SystemTime, iso: bool) -> String {
    const DAY_S: u64 = 86_400;
    let seconds = at.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (year, month, day) = date(seconds / DAY_S);
    let of_day = seconds % DAY_S;
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    let (between, end) = if iso { ("T", "Z") } else { (" ", "") };
    format!("{year:04}-{month:02}-{day:02}{between}{hour:02}:{minute:02}:{second:02}{end}")
}

/// Year, month and day of the Gregorian calendar, so many days after 1 January 1970 (Hinnant, "chrono-compatible
/// low-level date algorithms", `civil_from_days`).
fn date(days: u64) -> (u64, u64, u64) {
    // Years begin in March here, so that the leap day is the last; an era is 400 years.
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        let shown = |seconds, iso| utc(UNIX_EPOCH + Duration::from_secs(seconds), iso);
        assert_eq!(shown(0, false), "1970-01-01 00:00:00");
        // 29 February of a leap year, the end of a century that is one, and the day after.
        assert_eq!(shown(951_782_399, true), "2000-02-28T23:59:59Z");
        assert_eq!(shown(951_782_400, true), "2000-02-29T00:00:00Z");
        assert_eq!(shown(951_868_800, true), "2000-03-01T00:00:00Z");
        assert_eq!(shown(1_735_689_599, false), "2024-12-31 23:59:59");
        assert_eq!(utc(UNIX_EPOCH - Duration::from_secs(5), false), "1970-01-01 00:00:00");
    }
}
