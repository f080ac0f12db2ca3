//! `bonas list`: what can be named.

use std::fmt::Write;

use bonas::config::{EvaluatorSettings, StrategySettings};
use bonas::search::{PRESETS, RECIPES};
use bonas::spaces::catalogue::{Entry, SPACES};
use bonas::spaces::{Notation, SpaceEntry};
use bonas::supernet::data::DATASETS;
use bonas::supernet::indicator::INDICATORS;
use bonas::supernet::recipe::{OPTIMIZERS, SCHEDULES};
use bonas::surrogate::catalogue::{ACQUISITIONS, PartEntry, SELECTIONS, SURROGATES};
use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use super::out;

/// Arguments of `bonas list`.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct ListArgs {
    /// The kind; without it all of them.
    kind: Option<Kind>,
    /// Print JSON: an object with a list a kind, or the list of the one kind.
    #[arg(long)]
    json: bool,
}

/// What there are several of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Search spaces: space.name, which may also be `file:PATH` (docs/spaces.md).
    Spaces,
    /// How architectures are written: `describe --arch`, `--as` and tables, as SPACE:NOTATION.
    Notations,
    /// Who proposes: strategy.name.
    Strategies,
    /// Models of scores: strategy.surrogate.
    Surrogates,
    /// What makes a candidate worth evaluating: strategy.acquisition.
    Acquisitions,
    /// How candidates become batches: strategy.selection.
    Selections,
    /// How scores are measured: evaluator.name.
    Evaluators,
    /// Scores without training: evaluator.indicator.
    Indicators,
    /// Images: data.source.
    Datasets,
    /// Ready-made configurations: --preset.
    Presets,
    /// Published trainings: `train --recipe`.
    Recipes,
    /// What moves the weights: final.optimizer.
    Optimizers,
    /// How the learning rate changes: final.schedule.
    Schedules,
}

/// Prints names, each with a line about it.
///
/// # Errors
/// If it cannot be printed.
pub(super) fn list(args: ListArgs) -> anyhow::Result<()> {
    let kinds = args.kind.map_or(Kind::value_variants().to_vec(), |kind| vec![kind]);
    if !args.json {
        let texts: Vec<String> = kinds.into_iter().map(text).collect();
        return out::text(&texts.join("\n"));
    }
    let value = match args.kind {
        Some(kind) => Value::from(items(kind)),
        None => kinds.into_iter().map(|kind| (kind.name(), Value::from(items(kind)))).collect(),
    };
    out::text(&format!("{value:#}\n"))
}

impl Kind {
    fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

/// The kind as lines: name, what is known of each, and what it is.
fn text(kind: Kind) -> String {
    let items = items(kind);
    let width = items.iter().filter_map(|item| item["name"].as_str()).map(str::len).max().unwrap_or(0);
    let mut text = format!("{}\n", kind.name());
    for item in items {
        let word = |key: &str| item[key].as_str().unwrap_or_default();
        let facts: Vec<String> = [
            (!word("size").is_empty()).then(|| word("size").to_owned()),
            (item["network"] == json!(false)).then(|| "no network".to_owned()),
            (item["needs_libtorch"] == json!(true) && !word("about").contains("libtorch"))
                .then(|| "needs libtorch".to_owned()),
        ]
        .into_iter()
        .flatten()
        .collect();
        let facts = if facts.is_empty() { String::new() } else { format!(" ({})", facts.join("; ")) };
        let _ = writeln!(text, "  {:<width$}  {}{facts}", word("name"), word("about"));
    }
    text
}

/// One object a name: `name`, `about`, and what is known of that kind.
fn items(kind: Kind) -> Vec<Value> {
    match kind {
        Kind::Spaces => SPACES
            .iter()
            .map(|entry| {
                let space = entry.space();
                let network = space.network().is_some() || space.recurrent().is_some();
                let size = space.size().to_string();
                item(entry, &[("size", json!(size)), ("network", json!(network))])
            })
            .collect(),
        Kind::Notations => SPACES.iter().flat_map(notations).collect(),
        Kind::Strategies => {
            let torch = |name: &str| StrategySettings::named(name).is_some_and(|s| s.needs_torch());
            let about = |name: &str| StrategySettings::about(name).unwrap_or_default();
            let one = |&name: &&str| object(name, about(name), &[("needs_libtorch", json!(torch(name)))]);
            StrategySettings::NAMES.iter().map(one).collect()
        }
        Kind::Evaluators => {
            let about = |name: &str| EvaluatorSettings::about(name).unwrap_or_default();
            let torch = |name: &str| EvaluatorSettings::named(name).is_some_and(|e| e.needs_torch());
            let one = |&name: &&str| object(name, about(name), &[("needs_libtorch", json!(torch(name)))]);
            EvaluatorSettings::NAMES.iter().map(one).collect()
        }
        Kind::Surrogates => SURROGATES.iter().map(part).collect(),
        Kind::Acquisitions => ACQUISITIONS.iter().map(part).collect(),
        Kind::Selections => SELECTIONS.iter().map(part).collect(),
        Kind::Indicators => INDICATORS.iter().map(|entry| item(entry, &[])).collect(),
        Kind::Datasets => {
            DATASETS.iter().map(|entry| item(entry, &[("forms", json!(entry.forms()))])).collect()
        }
        Kind::Presets => PRESETS.iter().map(|entry| item(entry, &[])).collect(),
        Kind::Recipes => RECIPES.iter().map(|entry| item(entry, &[("lacks", json!(entry.lacks))])).collect(),
        Kind::Optimizers => {
            OPTIMIZERS.iter().map(|entry| item(entry, &[("keys", json!(entry.reads))])).collect()
        }
        Kind::Schedules => {
            SCHEDULES.iter().map(|entry| item(entry, &[("keys", json!(entry.reads))])).collect()
        }
    }
}

/// The notations of a space.
fn notations(entry: &SpaceEntry) -> Vec<Value> {
    let one = |notation: Notation| {
        let facts = [
            ("space", json!(entry.name)),
            ("notation", json!(notation.name)),
            ("example", json!(notation.example)),
        ];
        object(&format!("{}:{}", entry.name, notation.name), notation.about, &facts)
    };
    entry.space().notations().into_iter().map(one).collect()
}

fn item(entry: &impl Entry, facts: &[(&str, Value)]) -> Value {
    object(entry.name(), entry.about(), facts)
}

fn part<P: ?Sized, S>(entry: &PartEntry<P, S>) -> Value {
    object(entry.name(), entry.about(), &[("needs_libtorch", json!(entry.needs_torch()))])
}

fn object(name: &str, about: &str, facts: &[(&str, Value)]) -> Value {
    let about = about.trim_end_matches('.');
    let own = [("name", json!(name)), ("about", json!(about))];
    let all = own.iter().chain(facts).map(|(key, value)| ((*key).to_owned(), value.clone()));
    Value::Object(all.collect::<Map<_, _>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_names_and_says_what_they_are() {
        for kind in Kind::value_variants() {
            let items = items(*kind);
            assert!(items.len() > 1, "{kind:?}");
            for item in &items {
                let about = item["about"].as_str().unwrap();
                assert!(!about.is_empty() && !about.contains('\n'), "{item}");
            }
            let text = text(*kind);
            assert_eq!(text.lines().count(), 1 + items.len(), "{text}");
        }
    }

    #[test]
    fn facts_are_those_of_the_parts() {
        let find = |kind, name: &str| items(kind).into_iter().find(|item| item["name"] == name).unwrap();
        assert_eq!(find(Kind::Spaces, "darts")["network"], true);
        assert_eq!(find(Kind::Spaces, "macro")["network"], true);
        assert_eq!(find(Kind::Strategies, "bonas-published")["needs_libtorch"], true);
        assert_eq!(find(Kind::Surrogates, "trees")["needs_libtorch"], false);
    }
}
