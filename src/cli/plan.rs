//! `bonas search --dry-run`.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bonas::build::{self, FollowUps};
use bonas::config::SearchConfig;
use bonas::search::Search;

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
    let evaluation = evaluation(config)?;
    #[cfg(feature = "torch")]
    let networks = networks(config)?;
    #[cfg(not(feature = "torch"))]
    let networks = match (config.trains(), evaluation.is_empty()) {
        (false, false) => "",
        _ => "nothing can be trained: this program was built without libtorch (feature torch)\n",
    };
    out::text(&format!("{}\n# Plan\n{evaluation}{networks}", config.plain()))
}

/// What is evaluated other than by networks; may be empty.
fn evaluation(config: &SearchConfig) -> anyhow::Result<String> {
    let Some(mut text) = config.evaluator.plan(&build::setup(config)?)? else { return Ok(String::new()) };
    let (shortlist, finals) = (&config.shortlist, &config.finals);
    let follow_ups = FollowUps::planned(config)?;
    if shortlist.cells > 0 {
        follow_ups.shortlist(Path::new(""))?;
        let _ = writeln!(text, "shortlist: the best {}, {} more runs each", shortlist.cells, shortlist.seeds);
    }
    if finals.seeds > 0 {
        follow_ups.finalists(Path::new(""))?;
        let (random, seeds) = (finals.random, finals.seeds);
        let _ = writeln!(text, "final: the winner and {random} random architectures, {seeds} runs each");
    }
    Ok(text)
}

#[cfg(feature = "torch")]
fn networks(config: &SearchConfig) -> anyhow::Result<String> {
    use bonas::build::Trainings;
    use bonas::spaces::network::{Norm, Union};

    if !config.trains() {
        return Ok("no network is trained\n".to_owned());
    }
    let space = bonas::build::space(config)?;
    let networks = Trainings::planned(config)?.networks;
    let mut rng = bonas::study::rng::stream(config.study.seed, &[]);
    let mut text = format!("devices: {:?}\n", networks.devices());
    if let Some(shared) = config.evaluator.network().filter(|network| network.shared) {
        let cells = config.strategy.batch();
        let drawn: Vec<_> = (0..cells).map(|_| space.sample(&mut rng)).collect();
        let network =
            networks.skeleton(shared.size, shared.norm)?.network(&Union::of(&drawn)?, &networks.ops())?;
        let _ = writeln!(
            text,
            "supernet of {cells} random cells: {} parameters, at most {:.0} MB of activations a step, each worker",
            network.params(),
            network.activation_bytes(shared.images) as f64 / 1e6
        );
    }
    if config.finals.seeds > 0 {
        let (size, batch) = (config.finals.size(), config.finals.batch);
        let drawn = Union::of(&[space.sample(&mut rng)])?;
        let network = networks.skeleton(size, Norm::DISCRETE)?.network(&drawn, &networks.ops())?;
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
