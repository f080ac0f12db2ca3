//! What the example prints: the plan before, the results after.

use std::path::Path;

use anyhow::{Context, Result};
use bonas::build::Trainings;
use bonas::config::SearchConfig;
use bonas::report::{FINAL_FILE, FinalResult, REPORT_FILE, WINNER_FILE};
use bonas::spaces::SearchSpace;
use bonas::spaces::families::darts::{DARTS_V2, Darts};
use bonas::spaces::network::{Norm, Union};
use bonas::study::journal::read_json;

/// Prints the configuration, and parameters and memory of the networks it leads to.
pub(crate) fn plan(config: &SearchConfig) -> Result<()> {
    println!("{}", config.plain());
    let space = Darts::new();
    let networks = Trainings::planned(config)?.networks;
    let mut rng = bonas::study::rng::stream(config.study.seed, &[]);
    println!("# Plan");
    println!("devices: {:?}", networks.devices());
    if let Some(shared) = config.evaluator.network().filter(|network| network.shared) {
        let cells = config.strategy.batch();
        let drawn: Vec<_> = (0..cells).map(|_| space.sample(&mut rng)).collect();
        let network =
            networks.skeleton(shared.size, shared.norm)?.network(&Union::of(&drawn)?, &networks.ops())?;
        println!(
            "supernet of {cells} random cells: {} parameters, at most {:.0} MB of activations a step, each worker",
            network.params(),
            network.activation_bytes(shared.images) as f64 / 1e6
        );
    }
    let (size, batch) = (config.finals.size(), config.finals.batch);
    let example = space.architecture(&DARTS_V2)?;
    let network =
        networks.skeleton(size, Norm::DISCRETE)?.network(&Union::of(&[example])?, &networks.ops())?;
    println!(
        "final network, DARTS_V2 for scale: {} parameters, {:.1} M multiply-adds, {:.0} MB of activations a step",
        network.params(),
        network.macs() as f64 / 1e6,
        network.activation_bytes(batch) as f64 / 1e6
    );
    Ok(())
}

/// Prints the final table: test accuracy of the winner and of random cells.
pub(crate) fn results(folder: &Path) -> Result<()> {
    let finals: Vec<FinalResult> = read_json(&folder.join(FINAL_FILE))?.unwrap_or_default();
    if !finals.is_empty() {
        println!(
            "\n{:<10} {:>11} {:>14} {:>14} {:>9}",
            "cell", "parameters", "test accuracy", "sd over seeds", "seconds"
        );
    }
    for result in &finals {
        let percent = |x: Option<f64>| x.map_or("-".into(), |x| format!("{:.2} %", 100.0 * x));
        println!(
            "{:<10} {:>11} {:>14} {:>14} {:>9.1}",
            result.label,
            result.params.unwrap_or(0),
            percent(result.mean()),
            percent(result.sd()),
            result.seconds.unwrap_or(f64::NAN),
        );
    }
    if let Some((winner, random)) = finals.split_first().filter(|(_, random)| !random.is_empty()) {
        let mean = random.iter().filter_map(FinalResult::mean).sum::<f64>() / random.len() as f64;
        let gain = winner.mean().unwrap_or(f64::NAN) - mean;
        println!("winner less mean of {} random cells: {:+.2} points", random.len(), 100.0 * gain);
    }
    let winner = folder.join(WINNER_FILE);
    let text =
        std::fs::read_to_string(&winner).with_context(|| format!("cannot read {}", winner.display()))?;
    println!("\n{}\n{}", text.trim_end(), folder.join(REPORT_FILE).display());
    Ok(())
}
