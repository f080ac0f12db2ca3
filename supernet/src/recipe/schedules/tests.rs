//! Schedules against hand-worked values.

use super::*;

fn sgd(learning_rate: f64, final_learning_rate: f64) -> Sgd {
    Sgd { learning_rate, final_learning_rate, ..Sgd::default() }
}

fn named(name: &str) -> ScheduleRecipe {
    ScheduleRecipe { name: ScheduleName::named(name).unwrap(), ..ScheduleRecipe::default() }
}

/// Rates of the epochs, by epoch.
fn by_epoch(recipe: &ScheduleRecipe, sgd: &Sgd, epochs: usize) -> Vec<f64> {
    (0..epochs).map(|epoch| recipe.rate(sgd, [epoch, epochs], [0, 7])).collect()
}

fn close(found: &[f64], expected: &[f64]) {
    let near = found.len() == expected.len()
        && found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12 * b.abs().max(1e-3));
    assert!(near, "{found:?}, expected {expected:?}");
}

#[test]
fn a_cosine_starts_at_the_base_and_ends_at_the_floor() {
    close(&[0, 25, 50, 80].map(|t| cosine(0.025, 0.001, t, 50)), &[0.025, 0.013, 0.001, 0.001]);
    close(&[cosine(0.025, 0.001, 0, 0)], &[0.025]);
    // (1 + cos 45°)/2 = (2 + √2)/4.
    let quarter = (2.0 + 2.0_f64.sqrt()) / 4.0;
    close(&by_epoch(&named("cosine"), &sgd(1.0, 0.0), 4), &[1.0, quarter, 0.5, 1.0 - quarter]);
}

#[test]
fn lines_and_steps_by_hand() {
    close(&[linear(0.5, 0.0, 25, 100), linear(0.5, 0.1, 100, 100)], &[0.375, 0.1]);
    close(&by_epoch(&named("linear"), &sgd(0.5, 0.0), 4), &[0.5, 0.375, 0.25, 0.125]);
    close(&by_epoch(&named("step"), &sgd(0.1, 0.0), 3), &[0.1, 0.097, 0.094_09]);
    let halves = ScheduleRecipe { step_epochs: 2, step_factor: 0.5, ..named("step") };
    close(&by_epoch(&halves, &sgd(0.8, 0.15), 7), &[0.8, 0.8, 0.4, 0.4, 0.2, 0.2, 0.15]);
    let still = ScheduleRecipe { step_factor: 1.0, ..named("step") };
    close(&by_epoch(&still, &sgd(0.3, 0.0), 3), &[0.3; 3]);
}

#[test]
fn by_step_the_rate_moves_inside_an_epoch() {
    let by_step = |name| ScheduleRecipe { by: RateBy::Step, ..named(name) };
    let rates = |recipe: &ScheduleRecipe| -> Vec<f64> {
        let of = |epoch, step| recipe.rate(&sgd(0.8, 0.0), [epoch, 2], [step, 4]);
        (0..2).flat_map(|epoch| (0..4).map(move |step| of(epoch, step))).collect()
    };
    close(&rates(&by_step("linear")), &[0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1]);
    let halved = ScheduleRecipe { step_factor: 0.5, ..by_step("step") };
    close(&rates(&halved), &[0.8, 0.8, 0.8, 0.8, 0.4, 0.4, 0.4, 0.4]);
}

#[test]
fn a_warm_up_multiplies_the_rate_of_the_schedule() {
    // PC-DARTS on ImageNet: current_lr · (epoch + 1) / 5.
    let warm = ScheduleRecipe { warmup_epochs: 5, ..named("linear") };
    let expected: Vec<f64> = (0..10)
        .map(|epoch| 0.5 * (1.0 - f64::from(epoch) / 10.0) * (f64::from(epoch + 1) / 5.0).min(1.0))
        .collect();
    close(&by_epoch(&warm, &sgd(0.5, 0.0), 10), &expected);
    let by_step = ScheduleRecipe { by: RateBy::Step, warmup_epochs: 1, step_factor: 1.0, ..named("step") };
    let rates: Vec<f64> = (0..5).map(|t| by_step.rate(&sgd(1.0, 0.0), [t / 4, 2], [t % 4, 4])).collect();
    close(&rates, &[0.25, 0.5, 0.75, 1.0, 1.0]);
}

#[test]
fn one_cycle_is_that_of_pytorch() {
    // OneCycleLR(max_lr=1, total_steps=11, pct_start=3/11): up over 0, 1, 2 and down over 2..10; with final_div_factor so
    // large that the last rate is 0. At the middle of a half cosine the rate is the mean of its ends.
    let cycle = ScheduleRecipe { warmup_epochs: 3, ..named("one-cycle") };
    let rates = by_epoch(&cycle, &sgd(1.0, 0.0), 11);
    close(&rates[..3], &[0.04, 0.52, 1.0]);
    close(&[rates[6], rates[10]], &[0.5, 0.0]);
    close(&[rates[4]], &[(2.0 + 2.0_f64.sqrt()) / 4.0]);
    // Without a warm-up the rise is 30 % of training: the peak is at 0.3·20 - 1 = 5.
    let rates = by_epoch(&named("one-cycle"), &sgd(2.0, 0.1), 20);
    close(&[rates[0], rates[5], rates[19]], &[0.08, 2.0, 0.1]);
    assert!(rates[..6].is_sorted() && rates[5..].iter().rev().is_sorted(), "{rates:?}");
    close(&by_epoch(&named("one-cycle"), &sgd(2.0, 0.1), 1), &[2.0]);
}

#[test]
fn every_schedule_is_positive_and_finite_and_reads_back() {
    for entry in SCHEDULES.iter() {
        let recipe = named(entry.name);
        for (epochs, warm_up) in [(1, 0), (2, 1), (9, 4)] {
            let recipe = ScheduleRecipe { warmup_epochs: warm_up, ..recipe.clone() };
            recipe.check(epochs).unwrap();
            let rates = by_epoch(&recipe, &sgd(0.1, 1e-4), epochs);
            assert!(rates.iter().all(|rate| (1e-6..=0.1).contains(rate)), "{}: {rates:?}", entry.name);
        }
        let text = serde_json::to_string(&recipe).unwrap();
        assert_eq!(serde_json::from_str::<ScheduleRecipe>(&text).unwrap(), recipe);
    }
}

#[test]
fn a_warm_up_leaves_some_epochs() {
    let error = ScheduleRecipe { warmup_epochs: 3, ..named("linear") }.check(3).unwrap_err().to_string();
    assert!(error.contains("warmup_epochs") && error.contains("3 of 3 epochs"), "{error}");
    let error = ScheduleName::named("cosin").unwrap_err();
    assert!(error.contains("did you mean `cosine`?") && error.contains("one-cycle"), "{error}");
}
