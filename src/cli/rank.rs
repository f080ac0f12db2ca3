//! `bonas rank`: a list of architectures of any length, ranked with a model.

use std::io::{self, BufWriter, StdoutLock, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Instant;

use anyhow::Context;
use bonas::StudyError;
use bonas::rank::{Best, Candidates, Model, Ranked, rank as predict_all};
use bonas::study::cores;
use bonas::study::journal::WholeFile;
use clap::Args;

use super::interrupt::Interrupt;
use super::{files, out, positive, usage};

/// The first line of the output.
const HEADER: &str = "arch,median,low,high\n";

/// Lists that are no files: standard input, and the whole space.
const STDIN: &str = "-";
const ALL: &str = "all";

/// Arguments of `bonas rank`.
#[derive(Debug, Args)]
pub(super) struct RankArgs {
    /// The model, a file that `bonas fit` made.
    #[arg(long)]
    model: PathBuf,
    /// The list: text, plain or gzipped, with an architecture a line in the notation of the model's space, or
    /// CSV with a column `arch` (or `architecture`); `-` is standard input, `all` every architecture of the space (./all is a file).
    #[arg(long)]
    candidates: PathBuf,
    /// Only the K best, best first, of isomorphic copies one; without it all, in the order of the list.
    #[arg(long, value_name = "K", value_parser = positive, allow_negative_numbers = true)]
    top: Option<NonZeroUsize>,
    /// File for the CSV, in place of standard output; one that is there is replaced.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Threads, at most one a core; without it as many. The output does not depend on it.
    #[arg(long, value_parser = whole, allow_negative_numbers = true, value_parser = positive)]
    threads: Option<NonZeroUsize>,
}

/// Writes a line for each architecture: how the list writes it, the median of its score, and the quantiles at 10 and
/// 90 %.
///
/// # Errors
/// Errors of the model with its file, of the list with file and line.
pub(super) fn rank(args: &RankArgs) -> anyhow::Result<()> {
    files::expect_file(&args.model, "--model")?;
    let place = args.out.as_deref().map(|path| place(path, args)).transpose()?;
    let bytes = std::fs::read(&args.model).with_context(|| args.model.display().to_string())?;
    let model = Model::from_bytes(&bytes).with_context(|| args.model.display().to_string())?;
    let list = open(&args.candidates, &model)?;
    let mut sink = Sink::open(place.as_deref())?;
    let begun = Instant::now();
    let count = write_all(args, &model, list, &mut sink)?;
    sink.finish()?;
    match &args.out {
        Some(path) => out::text(&format!(
            "{count} architectures ranked in {:.1} s\n{}\n",
            begun.elapsed().as_secs_f64(),
            path.display()
        )),
        None => Ok(()),
    }
}

/// Where the output goes: not where something is read.
fn place(path: &Path, args: &RankArgs) -> anyhow::Result<PathBuf> {
    let place = files::expect_place(path, "--out", "leave --out out to print")?;
    files::expect_other(&place, "--out", &args.model, "--model")?;
    if !is_word(&args.candidates) {
        files::expect_other(&place, "--out", &args.candidates, "--candidates")?;
    }
    Ok(place)
}

/// Whether a list is no file.
fn is_word(candidates: &Path) -> bool {
    [STDIN, ALL].iter().any(|word| candidates == Path::new(word))
}

fn open<'a>(path: &Path, model: &'a Model) -> anyhow::Result<Candidates<'a>> {
    if path == Path::new(STDIN) {
        return Ok(Candidates::read("standard input".as_ref(), io::stdin())?);
    }
    if path == Path::new(ALL) {
        let space = &**model.space();
        return Candidates::all(space).ok_or_else(|| {
            let (name, size) = (space.name(), space.size());
            usage(format!("--candidates: {name} has {size}, too many to list; give a file"))
        });
    }
    files::expect_file(path, "--candidates")?;
    Ok(Candidates::open(path)?)
}

/// Ranks the list and writes it; returns its length.
fn write_all(args: &RankArgs, model: &Model, list: Candidates<'_>, sink: &mut Sink) -> anyhow::Result<u64> {
    let interrupt = Interrupt::listen("what is under way", "give the command again".to_owned())?;
    let mut best = args.top.map(|top| Best::new(top.get()));
    let mut written = Ok(());
    let ranked = predict_all(model, list, args.threads.map_or_else(cores, NonZeroUsize::get), |chunk| {
        match &mut best {
            Some(best) => chunk.into_iter().for_each(|ranked| best.push(ranked)),
            None => written = lines(&chunk).and_then(|text| sink.write(&text)),
        }
        written.is_ok() && !interrupt.flag.load(Ordering::SeqCst)
    });
    written?;
    let count = interrupt.explain(ranked, |key| format!("--{key}"))?;
    if interrupt.flag.load(Ordering::SeqCst) {
        return interrupt.explain(Err(StudyError::Interrupted), str::to_owned);
    }
    if let Some(best) = best {
        sink.write(&lines(&best.into_sorted())?)?;
    }
    Ok(count)
}

/// Lines of CSV.
fn lines(ranked: &[Ranked]) -> anyhow::Result<Vec<u8>> {
    let mut csv = csv::Writer::from_writer(Vec::with_capacity(128 * ranked.len()));
    for Ranked { text, median, low, high, .. } in ranked {
        let numbers = [median, low, high].map(f64::to_string);
        csv.write_record([&**text, &numbers[0], &numbers[1], &numbers[2]])?;
    }
    Ok(csv.into_inner().map_err(csv::IntoInnerError::into_error)?)
}

/// Where the lines go, after the header, which is written with the first of them.
struct Sink {
    place: Place,
    begun: bool,
}

enum Place {
    Out(BufWriter<StdoutLock<'static>>),
    File(WholeFile),
}

impl Sink {
    fn open(path: Option<&Path>) -> anyhow::Result<Self> {
        let place = match path {
            Some(path) => Place::File(WholeFile::create(path)?),
            None => Place::Out(BufWriter::with_capacity(1 << 16, io::stdout().lock())),
        };
        Ok(Self { place, begun: false })
    }

    fn write(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        if !std::mem::replace(&mut self.begun, true) {
            self.place.write(HEADER.as_bytes())?;
        }
        self.place.write(bytes)
    }

    fn finish(self) -> anyhow::Result<()> {
        match self.place {
            Place::Out(mut out) => Ok(out.flush()?),
            Place::File(file) => Ok(file.finish()?),
        }
    }
}

impl Place {
    fn write(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        match self {
            Self::Out(out) => Ok(out.write_all(bytes)?),
            Self::File(file) => Ok(file.append(bytes)?),
        }
    }
}
