//! `bonas train --dry-run`.

use std::fmt::Write;

use bonas::config::{SearchConfig, plain};

use super::layers::Planned;
use crate::cli::out;
#[cfg(feature = "torch")]
use crate::cli::placed;
#[cfg(feature = "torch")]
use crate::cli::plan::counted;

/// Prints the configuration, what it takes to train, and what is not as published.
///
/// # Errors
/// Settings that do not fit the images or the network.
pub(super) fn print(planned: &Planned) -> anyhow::Result<()> {
    let SearchConfig { space, data, training, finals, .. } = &planned.config;
    let sections =
        [plain("space", space), plain("data", data), plain("training", training), plain("final", finals)];
    let plan = network(planned)?;
    out::text(&format!("{}\n# Plan\n{plan}{}", sections.join("\n"), published(planned)?))
}

/// A line where the space is another than that of the recipe.
pub(super) fn foreign(planned: &Planned) -> Option<String> {
    let (recipe, here) = (planned.recipe?, &planned.space);
    let text = format!("recipe {} is for space {}, and this is {here}\n", recipe.name, recipe.space);
    (*here != recipe.space).then_some(text)
}

/// What is not as published; empty without a recipe.
fn published(planned: &Planned) -> anyhow::Result<String> {
    let Some(recipe) = planned.recipe else { return Ok(String::new()) };
    let mut text = String::new();
    text.push_str(&foreign(planned).unwrap_or_default());
    let deviations = recipe.deviations(&planned.config.finals)?;
    if deviations.is_empty() {
        let _ = writeln!(text, "recipe {}: all keys are as published", recipe.name);
    } else {
        let _ = writeln!(text, "recipe {}: not as published are", recipe.name);
    }
    for deviation in deviations {
        let here = deviation.here.unwrap_or_else(|| "left out".to_owned());
        let _ = writeln!(text, "  {} = {here} (published: {})", deviation.key, deviation.published);
    }
    for lacking in recipe.lacks {
        let _ = writeln!(text, "  no key for: {lacking}");
    }
    Ok(text)
}

/// Without libtorch there is no network to plan.
#[cfg(not(feature = "torch"))]
#[allow(clippy::unnecessary_wraps, reason = "with libtorch it may fail")]
fn network(_: &Planned) -> anyhow::Result<String> {
    Ok("nothing can be trained: this program was built without libtorch (feature torch)\n".to_owned())
}

#[cfg(feature = "torch")]
fn network(planned: &Planned) -> anyhow::Result<String> {
    measured(planned).map_err(|error| {
        placed(error, |key| super::flag(if key == "batch size" { "final.batch" } else { key }))
    })
}

/// Images, steps, network, memory and learning rates.
#[cfg(feature = "torch")]
fn measured(planned: &Planned) -> Result<String, bonas::StudyError> {
    use bonas::build::Trainings;
    use bonas::supernet::data::BatchOptions;

    let config = &planned.config;
    let trainings = Trainings::new(config)?;
    let (task, finals) = (trainings.final_task()?, &config.finals);
    let recipe = finals.recipe(&config.training);
    let network = trainings.final_network(&planned.architecture)?;
    let trained_on = task.training_indices(finals.part());
    let images = trained_on.len();
    // Refused as in training where there is no whole batch.
    task.training().ordered(trained_on, BatchOptions::new(finals.batch).drop_last())?;
    let steps = images / finals.batch;
    let mut text = format!("devices: {:?}\n", trainings.networks.devices());
    let (shape, classes, scored) = (task.image(), task.classes(), task.scoring(finals.part()).1.len());
    let _ = writeln!(text, "images: {images} of {shape}, {classes} classes; scored on {scored} test images");
    if let Some(init) = trainings.init()? {
        init.expect_of(&planned.architecture)?;
        let _ = writeln!(text, "{}", init.told(classes));
    }
    let (epochs, runs) = (counted(finals.epochs, "epoch"), counted(finals.seeds, "seed"));
    let (each, all) = (counted(steps, "step"), steps * finals.epochs);
    let _ = writeln!(text, "steps: {epochs} of {each}, {all} in all; {runs}");
    let (params, macs) = (network.params(), network.macs() as f64 / 1e6);
    let _ = writeln!(text, "network: {params} parameters, {macs:.1} M multiply-adds");
    let copies = 2 + recipe.optimizer.name.entry().tensors + usize::from(recipe.averaging > 0.0);
    let (weights, maps) =
        ((4 * params * copies) as f64 / 1e6, network.activation_bytes(finals.batch) as f64 / 1e6);
    let _ = writeln!(
        text,
        "memory: about {:.0} MB: {maps:.0} MB of activations a step, {weights:.0} MB of weights, gradients and optimizer",
        weights + maps
    );
    let rate = |epoch: usize, step| recipe.schedule.rate(&recipe.sgd, [epoch, finals.epochs], [step, steps]);
    let (first, middle, last) =
        (rate(0, 0), rate(finals.epochs / 2, 0), rate(finals.epochs - 1, steps.saturating_sub(1)));
    let _ = writeln!(text, "learning rate: {first:.3e} first, {middle:.3e} halfway, {last:.3e} last");
    Ok(text)
}
