//! `bonas data`: images before they are searched on.

use std::fmt::Write;
use std::path::Path;

use bonas::StudyError;
use bonas::config::DataSettings;
#[cfg(feature = "torch")]
use bonas::config::{FinalImages, FinalSettings};
use bonas::supernet::data::{Background, DataFault, DataReport, FaultKind, LoadOptions, OnBad, Source};
#[cfg(feature = "torch")]
use bonas::supernet::data::{Dataset, ImageCache};
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
    /// Side in pixels that image files are scaled to.
    #[arg(long, value_name = "PIXELS", default_value_t = LoadOptions::default().image_size)]
    image_size: usize,
    /// Side in pixels that image files are scaled to where less than all of it is seen.
    #[arg(long, value_name = "PIXELS")]
    resize: Option<usize>,
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
        resize: args.resize,
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
    let (files, them) = if unreadable == 1 { ("file", "it") } else { ("files", "them") };
    anyhow::bail!(
        "{unreadable} {files} cannot be read; replace or remove {them}, or leave {them} out with data.on_bad = \"skip\""
    )
}

/// Bytes for readers.
fn size(bytes: u64) -> String {
    let mebibytes = bytes as f64 / f64::from(1 << 20);
    if mebibytes < 1024.0 { format!("{mebibytes:.1} MiB") } else { format!("{:.1} GiB", mebibytes / 1024.0) }
}

fn text(report: &DataReport, most: usize) -> String {
    let mut parts: Vec<String> = report.parts.iter().map(|(part, count)| format!("{count} {part}")).collect();
    let has = |wanted: &str| report.parts.iter().any(|(part, _)| part == wanted);
    if has("train") && !has("test") {
        parts.push("test a share of train".to_owned());
    }
    let mut text = format!("images       {}\nclasses      {}\n", parts.join(", "), report.classes);
    if let Some(bytes) = report.decoded {
        let _ = writeln!(text, "decoded      {} at most", size(bytes));
    }
    for kind in FaultKind::ALL {
        let count = report.of(kind).count();
        if count == 0 {
            continue;
        }
        let _ = writeln!(text, "\n{count} {}", kind.about(count));
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
        "decoded_bytes": report.decoded,
        "faults": faults.collect::<Vec<_>>(),
    })
}

/// Most files that a search names.
const SHOWN: usize = 20;

/// Where the parts of images come from that are not as plain as a training and a test part, and which images are left out;
/// empty if there is nothing to say. Relative paths start from `folder`; the images stay in the cache.
///
/// # Errors
/// As [`Source::load`].
#[cfg(feature = "torch")]
pub(super) fn described(
    images: &ImageCache,
    data: &DataSettings,
    folder: &Path,
    finals: &FinalSettings,
    told: impl Fn(StudyError) -> anyhow::Error,
) -> anyhow::Result<String> {
    let source = Source::named(&data.source, folder).map_err(&told)?;
    // A format that says how large its images are has a test part, and no files to leave out.
    if source.format().is_some() {
        return Ok(String::new());
    }
    let options = data.options();
    if let Some((bytes, folder)) = source.kept_in(&options).map_err(&told)? {
        out::text(&format!("images: decoded, {} at most, in {}\n", size(bytes), folder.display()))?;
    }
    let data = images.load(&source, &options).map_err(told)?;
    Ok(left_out(data.left_out.iter()).unwrap_or_default() + &parts(&data, finals))
}

/// How many images there are for what; empty for a training and a test part.
#[cfg(feature = "torch")]
fn parts(data: &Dataset, finals: &FinalSettings) -> String {
    let (train, validation, test) = data.counts();
    let drawn = if data.test_is_drawn { " (a share, data.test_fraction)" } else { "" };
    match validation {
        Some(validation) => {
            let learnt = match finals.images {
                _ if finals.seeds == 0 => "",
                FinalImages::All => ", and final training learns from train and val",
                FinalImages::Search => ", and final training learns from train alone",
            };
            format!(
                "images: {train} train, {validation} val, {test} test{drawn}; a search scores on val{learnt}\n"
            )
        }
        None if data.test_is_drawn => format!("images: {train} train, {test} test{drawn}\n"),
        None => String::new(),
    }
}

/// Says which images are left out, where a program of the user's reads the others. Relative paths start from `folder`.
///
/// # Errors
/// As [`Source::check`].
pub(super) fn show_skipped(
    data: &DataSettings,
    folder: &Path,
    told: impl Fn(StudyError) -> anyhow::Error,
) -> anyhow::Result<()> {
    let options = data.options();
    if options.on_bad != OnBad::Skip {
        return Ok(());
    }
    let source = Source::named(&data.source, folder);
    let report = source.and_then(|source| source.check(&options)).map_err(told)?;
    left_out(report.of(FaultKind::Unreadable)).map_or(Ok(()), |text| out::text(&text))
}

/// What is to be said of images that are left out; none where none is.
pub(super) fn left_out<'a>(faults: impl Iterator<Item = &'a DataFault>) -> Option<String> {
    let lines: Vec<String> =
        faults.map(|fault| format!("  {}: {}\n", fault.path.display(), fault.detail)).collect();
    let (all, shown) = (lines.len(), lines.len().min(SHOWN));
    let count = match all {
        0 => return None,
        1 => "1 image cannot be read and is left out".to_owned(),
        all => format!("{all} images cannot be read and are left out"),
    };
    let more = all - shown;
    let rest = if more > 0 { format!("  and {more} more (`bonas data check`)\n") } else { String::new() };
    Some(format!("data.on_bad: {count}:\n{}{rest}", lines[..shown].concat()))
}
