//! `bonas space`: search spaces declared in files.

use std::collections::HashSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bonas::build::read_space_file;
use bonas::config::space_from_toml;
use bonas::rand::SeedableRng;
use bonas::spaces::declared::DeclaredSpace;
use bonas::spaces::network::Union;
use bonas::spaces::testing::check_space;
use bonas::spaces::{Architecture, Choices, Role, SearchSpace, SpaceSize};
use clap::{Args, Subcommand};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use super::{out, usage};

/// What can be done with a space file.
#[derive(Debug, Subcommand)]
pub(super) enum SpaceCommand {
    /// Check a space file: say what is wrong with it, or count the space and draw architectures from it.
    Check(CheckArgs),
}

/// Arguments of `bonas space check`.
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// The space file.
    file: PathBuf,
    /// Architectures to draw and print.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    samples: u16,
    /// Seed of the draws.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Runs a command on space files.
///
/// # Errors
/// Usage errors with line and column of what is wrong.
pub(super) fn space(command: &SpaceCommand) -> anyhow::Result<()> {
    match command {
        SpaceCommand::Check(args) => check(args),
    }
}

fn check(args: &CheckArgs) -> anyhow::Result<()> {
    let space = read(&args.file)?;
    let count = usize::from(args.samples);
    let mut rng = ChaCha8Rng::seed_from_u64(args.seed);
    let samples: Vec<Architecture> = (0..count).map(|_| space.sample(&mut rng)).collect();
    // What a space declares keeps the contract by construction; this finds it out for the samples.
    let report = check_space(&*space, args.seed, count.min(checked(&space))).map_err(usage)?;
    let found = Found::of(&space, &samples)?;
    if args.json {
        return out::text(&format!("{:#}\n", found.json()));
    }
    let mut text = found.text();
    let _ = writeln!(
        text,
        "checked      {} architectures, {} neighbours: texts, keys, mutants and networks are in order",
        report.samples + report.enumerated,
        report.neighbours
    );
    out::text(&text)
}

/// Most names of operations that are printed.
const SHOWN: usize = 30;

/// Samples that the contract is checked on, with all their neighbours.
const CHECKED: usize = 20;
/// Neighbours that are checked in all, or those of one sample.
const NEIGHBOURS: usize = 20_000;

/// How many samples the contract is checked on: fewer where each has many neighbours.
fn checked(space: &DeclaredSpace) -> usize {
    let choices = space.choices().map(Choices::counts).unwrap_or_default();
    let neighbours: usize = choices.iter().map(|count| count.saturating_sub(1)).sum();
    (NEIGHBOURS / neighbours.max(1)).clamp(1, CHECKED)
}

/// The space of a file.
fn read(path: &Path) -> anyhow::Result<Arc<DeclaredSpace>> {
    let text = read_space_file(path).map_err(usage)?;
    let name = path.file_stem().map(|stem| stem.to_string_lossy()).unwrap_or_default();
    Ok(space_from_toml(&text, &path.display().to_string(), &name)?)
}

/// What is found out about a space.
struct Found<'a> {
    space: &'a DeclaredSpace,
    size: SpaceSize,
    samples: Vec<String>,
    distinct: usize,
    /// Least and most parameters and multiply-adds of the samples' networks, and the skeleton.
    network: Option<(&'static str, [u64; 2], [u64; 2])>,
}

impl<'a> Found<'a> {
    fn of(space: &'a DeclaredSpace, samples: &[Architecture]) -> anyhow::Result<Self> {
        let texts = samples.iter().map(|sample| space.format(sample)).collect::<Result<_, _>>()?;
        let keys: HashSet<_> = samples.iter().map(Architecture::key).collect();
        let network = match space.network() {
            None => None,
            Some(network) => {
                let (entry, ops) = (network.skeleton(), network.ops());
                let skeleton = entry.published();
                let (mut params, mut macs) = ([u64::MAX, 0], [u64::MAX, 0]);
                for sample in samples {
                    let network = skeleton.network(&Union::of(std::slice::from_ref(sample))?, &ops)?;
                    for (range, value) in
                        [(&mut params, network.params() as u64), (&mut macs, network.macs())]
                    {
                        *range = [range[0].min(value), range[1].max(value)];
                    }
                }
                Some((entry.name, params, macs))
            }
        };
        Ok(Self { space, size: space.size(), samples: texts, distinct: keys.len(), network })
    }

    /// Names of the operations with a role.
    fn operations(&self, role: Role) -> Vec<&str> {
        let vocabulary = self.space.vocabulary();
        let found = vocabulary.ops().filter(|&op| vocabulary.role(op) == role);
        found.map(|op| vocabulary.name(op)).collect()
    }

    fn text(&self) -> String {
        let mut text = format!("space        {}\n", self.space.name());
        let mut line = |name: &str, value: &str| {
            let _ = writeln!(text, "{name:<12} {value}");
        };
        if !self.space.about().is_empty() {
            line("about", self.space.about());
        }
        for (name, role) in
            [("operations", Role::Compute), ("identity", Role::Identity), ("zero", Role::Zero)]
        {
            let names = self.operations(role);
            let more = names.len().saturating_sub(SHOWN);
            let shown = names[..names.len() - more].join(", ");
            match (names.len(), more) {
                (0, _) => {}
                (_, 0) => line(name, &shown),
                _ => line(name, &format!("{shown} and {more} more")),
            }
        }
        line("size", &format!("{}{}", self.size, self.estimate()));
        line(
            "network",
            &match self.network {
                None => "none".to_owned(),
                Some((skeleton, [least, most], [fewest, largest])) => format!(
                    "{skeleton}; the samples have {least} to {most} parameters, {fewest} to {largest} multiply-adds"
                ),
            },
        );
        line("samples", &format!("{}, {} different", self.samples.len(), self.distinct));
        self.samples.iter().for_each(|sample| line("", sample));
        text
    }

    /// The points, and what the rules leave of them.
    fn estimate(&self) -> String {
        let points = self.space.points();
        match (self.space.share_left(), self.size) {
            (None, _) if points == u128::MAX => String::new(),
            (None, _) => format!(" ({points} points)"),
            (Some(_), SpaceSize::Unique(_)) => format!(" ({points} points before the rules)"),
            (Some(share), SpaceSize::AtMost(_)) => format!(
                " ({points} points before the rules, which leave about {:.2}% of them, {:.3e})",
                100.0 * share,
                share * points as f64
            ),
        }
    }

    fn json(&self) -> Value {
        let exact = matches!(self.size, SpaceSize::Unique(_));
        let (SpaceSize::Unique(size) | SpaceSize::AtMost(size)) = self.size;
        let network = self.network.map(
            |(skeleton, params, macs)| json!({"skeleton": skeleton, "parameters": params, "macs": macs}),
        );
        json!({
            "space": self.space.name(),
            "about": self.space.about(),
            "operations": self.operations(Role::Compute),
            "identity": self.operations(Role::Identity),
            "zero": self.operations(Role::Zero),
            // Numbers beyond 64 bits are texts, as JSON readers round them.
            "size": u64::try_from(size).map_or_else(|_| json!(size.to_string()), Value::from),
            "size_is_exact": exact,
            "rules_leave": self.space.share_left(),
            "network": network,
            "samples": self.samples,
        })
    }
}
