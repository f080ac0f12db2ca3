//! `bonas data`: images before they are searched on.

use std::fmt::Write;
use std::path::Path;

use bonas::StudyError;
use bonas::config::DataSettings;
use bonas::supernet::data::{Background, DataReport, FaultKind, LoadOptions, OnBad, Source};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{out, placed};

/// What can be done with images.
#[derive(Debug, Subcommand)]
pub(super) enum DataCommand {
    /// Check images: count and list the files that cannot be read, duplicates, and classes without enough images.
    Check(CheckArgs),
}

/// Arguments of `bonas data check`.
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// The images, as `data.source` names them: a directory, or a kind of dataset and its place.
    source: String,
    /// Files listed of each kind of fault; 0: all.
    #[arg(long, default_value_t = 20)]
    list: usize,
    /// Side in pixels that images of a folder are scaled to.
    #[arg(long, value_name = "PIXELS", default_value_t = LoadOptions::default().image_size)]
    image_size: usize,
    /// Colour that transparent images are laid on: white, black or #rrggbb.
    #[arg(long, default_value = "white")]
    background: Background,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Runs a command on images.
///
/// # Errors
/// Images that cannot be used as they are, once all that is wrong with them is printed.
pub(super) fn data(command: &DataCommand) -> anyhow::Result<()> {
    match command {
        DataCommand::Check(args) => check(args),
    }
}

fn check(args: &CheckArgs) -> anyhow::Result<()> {
    let settings = DataSettings {
        image_size: args.image_size,
        background: Some(args.background),
        ..DataSettings::default()
    };
    let flag =
        |key: &str| if key == "data" { "SOURCE".to_owned() } else { format!("--{}", key.replace('_', "-")) };
    let source: Source = args.source.parse().map_err(|error| placed(error, flag))?;
    let report = source.check(&settings.options()).map_err(|error| placed(error, flag))?;
    if args.json {
        out::text(&format!("{:#}\n", as_json(&report)))?;
    } else {
        out::text(&text(&report, args.list))?;
    }
    if report.is_usable() {
        return Ok(());
    }
    let unreadable = report.of(FaultKind::Unreadable).count();
    let others = report.faults.iter().any(|fault| fault.kind.stops() && fault.kind != FaultKind::Unreadable);
    if unreadable == 0 || others {
        anyhow::bail!("the images cannot be used as they are");
    }
    anyhow::bail!(
        "{unreadable} files cannot be read; replace or remove them, or leave them out with data.on_bad = \"skip\""
    )
}

fn text(report: &DataReport, most: usize) -> String {
    let parts: Vec<String> = report.parts.iter().map(|(part, count)| format!("{count} {part}")).collect();
    let mut text = format!("images       {}\nclasses      {}\n", parts.join(", "), report.classes);
    for kind in FaultKind::ALL {
        let count = report.of(kind).count();
        if count == 0 {
            continue;
        }
        let _ = writeln!(text, "\n{count} {}", kind.about());
        let shown = if most == 0 { count } else { most };
        for fault in report.of(kind).take(shown) {
            let path = fault.path.display().to_string();
            let joint = if path.is_empty() { "" } else { ": " };
            let _ = writeln!(text, "  {path}{joint}{}", fault.detail);
        }
        if count > shown {
            let _ = writeln!(text, "  and {} more (--list 0 lists all)", count - shown);
        }
    }
    if report.faults.is_empty() {
        text.push_str("nothing is wrong with them\n");
    }
    text
}

fn as_json(report: &DataReport) -> Value {
    let parts = report.parts.iter().map(|(part, count)| (part.clone(), json!(count)));
    let faults = report.faults.iter().map(|fault| {
        json!({"kind": fault.kind.name(), "path": fault.path.display().to_string(), "detail": fault.detail})
    });
    json!({
        "usable": report.is_usable(),
        "images": parts.collect::<serde_json::Map<_, _>>(),
        "classes": report.classes,
        "faults": faults.collect::<Vec<_>>(),
    })
}

/// Most files that a search names.
const SHOWN: usize = 20;

/// Says which images are left out, where what cannot be read is to be. Relative paths start from `folder`.
///
/// # Errors
/// As [`Source::check`].
pub(super) fn show_skipped(
    data: &DataSettings,
    folder: &Path,
    told: impl Fn(StudyError) -> anyhow::Error,
) -> anyhow::Result<()> {
    skipped(data, folder, told)?.map_or(Ok(()), |text| out::text(&text))
}

/// What is to be said of the images that are left out; none where none is.
///
/// # Errors
/// As [`Source::check`].
pub(super) fn skipped(
    data: &DataSettings,
    folder: &Path,
    told: impl Fn(StudyError) -> anyhow::Error,
) -> anyhow::Result<Option<String>> {
    let options = data.options();
    if options.on_bad != OnBad::Skip {
        return Ok(None);
    }
    let source = data.source.parse::<Source>().map(|source| source.within(folder));
    let report = source.and_then(|source| source.check(&options)).map_err(told)?;
    let lines: Vec<String> = report
        .of(FaultKind::Unreadable)
        .map(|fault| format!("  {}: {}\n", fault.path.display(), fault.detail))
        .collect();
    if lines.is_empty() {
        return Ok(None);
    }
    let more = lines.len().saturating_sub(SHOWN);
    let rest = if more > 0 { format!("  and {more} more (`bonas data check`)\n") } else { String::new() };
    Ok(Some(format!(
        "data.on_bad: {} images cannot be read and are left out:\n{}{rest}",
        lines.len(),
        lines[..lines.len() - more].concat()
    )))
}
