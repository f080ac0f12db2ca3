//! `bonas search --dry-run`.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bonas::build::{self, FollowUps};
use bonas::config::SearchConfig;
use bonas::search::{Search, Stage, StagePlan};
use bonas::study::Fidelity;

use super::out;

/// Prints the configuration, and parameters and memory of the networks it leads to.
///
/// # Errors
/// Settings that do not fit each other.
pub(super) fn print(config: &SearchConfig) -> anyhow::Result<()> {
    if !config.strategy.features().is_empty() {
        Search { config: config.clone(), directory: PathBuf::new(), cancel: Arc::default() }
            .check_strategy()?;
    }
    if config.trains() && config.finals.seeds > 0 {
        config.finals.checked_recipe(&config.training)?;
    }
    let evaluation = evaluation(config)?;
    let networks = if evaluation.is_empty() || config.trains() { networks(config)? } else { String::new() };
    // What a run of a program costs is not known.
    let known = config.evaluator.fidelity() != Fidelity::Command;
    let shares = if known { shares(&StagePlan::of(config)) } else { String::new() };
    let queries = queries(config);
    out::text(&format!("{}\n# Plan\n{queries}{evaluation}{networks}{shares}", config.plain()))
}

/// How many architectures are evaluated; empty where a network of the strategy's own is trained instead.
fn queries(config: &SearchConfig) -> String {
    let (all, batch) = (config.study.architectures, config.strategy.batch());
    if all == 0 || config.strategy.own_network().is_some() {
        return String::new();
    }
    format!("search: {}, {batch} a batch\n", counted(all, "architecture"))
}

/// How the work is divided among the stages, in one line; empty where there is only one.
fn shares(stages: &[StagePlan]) -> String {
    if stages.len() < 2 {
        return String::new();
    }
    let all: f64 = stages.iter().map(|stage| stage.cost).sum();
    let share = |plan: &StagePlan| {
        let name = match plan.stage {
            Stage::Search => "search",
            Stage::Shortlist => "shortlist",
            Stage::Finals => "final",
        };
        format!("{name} {:.1} %", 100.0 * plan.cost / all)
    };
    format!("shares of the work: {}\n", stages.iter().map(share).collect::<Vec<_>>().join(", "))
}

/// What is evaluated other than by networks; may be empty.
fn evaluation(config: &SearchConfig) -> anyhow::Result<String> {
    let Some(mut text) = config.evaluator.plan(&build::setup(config)?)? else { return Ok(String::new()) };
    let (shortlist, finals) = (&config.shortlist, &config.finals);
    if shortlist.cells == 0 && finals.seeds == 0 {
        return Ok(text);
    }
    let follow_ups = FollowUps::planned(config)?;
    if shortlist.cells > 0 {
        follow_ups.shortlist(Path::new(""))?;
        let runs = match config.evaluator.fidelity() {
            Fidelity::SharedWeights => counted(shortlist.seeds, "training") + " from scratch",
            _ => counted(shortlist.seeds, "more run"),
        };
        let _ = writeln!(text, "shortlist: the best {}, {runs} each", shortlist.cells);
    }
    if finals.seeds > 0 {
        follow_ups.finalists(Path::new(""))?;
        let (random, runs) = (counted(finals.random, "random architecture"), counted(finals.seeds, "run"));
        let _ = writeln!(text, "final: the winner and {random}, {runs} each");
    }
    Ok(text)
}

/// A number of things, in words.
pub(super) fn counted(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// Without libtorch there are no networks to plan.
#[cfg(not(feature = "torch"))]
#[allow(clippy::unnecessary_wraps, reason = "with libtorch it may fail")]
fn networks(_: &SearchConfig) -> anyhow::Result<String> {
    Ok("nothing can be trained: this program was built without libtorch (feature torch)\n".to_owned())
}

#[cfg(feature = "torch")]
fn networks(config: &SearchConfig) -> anyhow::Result<String> {
    use bonas::build::Trainings;
    use bonas::spaces::network::{Norm, Union};
    use bonas::supernet::networks::Weights;

    if !config.trains() {
        return Ok("no network is trained\n".to_owned());
    }
    let space = bonas::build::space(config)?;
    let trainings = Trainings::planned(config)?;
    let networks = &trainings.networks;
    let mut rng = bonas::study::rng::stream(config.study.seed, &[]);
    let (images, folder) = (&config.images, &config.relative_to);
    let mut text = super::data::described(images, &config.data, folder, &config.finals, anyhow::Error::from)?;
    let _ = writeln!(text, "devices: {:?}", networks.devices());
    let cells = config.strategy.batch();
    let supernet = config.evaluator.network().and_then(|network| match network.weights {
        Weights::OfOne => None,
        Weights::OfTheBatch => Some((network, format!("{cells} random cells"))),
        Weights::OfTheSpace => Some((network, "the whole space".to_owned())),
    });
    if let Some((shared, whose)) = supernet {
        let union = if shared.weights == Weights::OfTheSpace {
            networks.whole().clone()
        } else {
            Union::of(&(0..cells).map(|_| space.sample(&mut rng)).collect::<Vec<_>>())?
        };
        let network = networks.skeleton(shared.size, shared.norm)?.network(&union, &networks.ops())?;
        let _ = writeln!(
            text,
            "supernet of {whose}: {} parameters, at most {:.0} MB of activations a step, each worker",
            network.params(),
            network.activation_bytes(shared.images) as f64 / 1e6
        );
    }
    if config.finals.seeds > 0 {
        let (size, batch) = (config.finals.size(), config.finals.batch);
        let drawn = Union::of(&[space.sample(&mut rng)])?;
        let skeleton = networks.skeleton_of(trainings.final_skeleton()?, size, Norm::DISCRETE)?;
        let network = skeleton.network(&drawn, &networks.ops())?;
        let _ = writeln!(
            text,
            "final network of a random architecture: {} parameters, {:.1} M multiply-adds, {:.0} MB of activations \
             a step",
            network.params(),
            network.macs() as f64 / 1e6,
            network.activation_bytes(batch) as f64 / 1e6
        );
    }
    Ok(text)
}
