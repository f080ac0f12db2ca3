//! Three strategies on a few digits.

use std::path::Path;
use std::sync::atomic::Ordering;

use bonas_study::journal::{read_json, write_json};

use super::*;
use crate::config::ExperimentConfig;
use crate::experiment::{self, PLAN_FILE, Progress, Step};
use crate::report::{REPORT_FILE, SUMMARY_FILE};

const SMALL: &str = "seeds = 2\nrandom = 2\nbudget = 2\n[space]\nname = \"bcnn\"\n\
                     [evaluator]\nname = \"from-scratch\"\nchannels = 2\nlayers = 2\nepochs = 1\nbatch = 16\n\
                     [data]\nlimit = 100\nvalidation = 0.5\n\
                     [final]\nseeds = 2\nepochs = 1\nbatch = 16\nchannels = 2\nlayers = 2\n\
                     [[strategy]]\nname = \"random\"\nbatch = 2\n\
                     [[strategy]]\nname = \"differentiable\"\nlabel = \"pc\"\nchannels = 4\nlayers = 2\n\
                     epochs = 3\nalpha_start = 1\nbatch = 8\npartial = 2\nedge_normalisation = true\n\
                     alpha_learning_rate = 0.1\n";

/// An experiment on images.
struct OnImages(Experiment);

impl OnImages {
    fn run(&self, progress: &mut Progress<'_>) -> Result<Results, StudyError> {
        match self.0.run(progress)? {
            experiment::Results::Images(results) => Ok(*results),
            experiment::Results::Table(_) => panic!("it is on images"),
        }
    }
}

fn compare(text: &str, directory: &Path) -> OnImages {
    tch::set_num_threads(1);
    let config = ExperimentConfig::from_toml(text, "test").unwrap();
    OnImages(Experiment { threads: 2, ..Experiment::new(config, directory) })
}

#[test]
fn strategies_meet_on_the_same_seeds_and_a_stopped_experiment_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, broken) = (folder.path().join("whole"), folder.path().join("broken"));
    let mut steps = 0;
    let results = compare(SMALL, &whole).run(&mut |_| steps += 1).unwrap();
    let expected = &results.summary;
    // The plan and the beginning, then two strategies and the random cells at two seeds.
    assert_eq!(steps, 2 + 2 * 3);
    let names: Vec<&str> = expected.strategies.iter().map(|strategy| &*strategy.label).collect();
    assert_eq!(names, ["random", "pc", "random cells, bcnn"]);
    assert!(expected.strategies.iter().all(|one| one.test.len() == 2 && one.params_mean > Some(0.0)));
    assert_eq!(expected.pairs.len(), 3);
    assert_eq!(expected.strategies[1].weight_free.each_ref().map(Vec::len), [3, 3]);
    let page = std::fs::read_to_string(whole.join(REPORT_FILE)).unwrap();
    for id in ["accuracy", "loss", "weight-free-0", "weight-free-1", "alphas-1-0", "alphas-1-1"] {
        assert!(page.contains(&format!("<figure id=\"{id}\"")), "{id}");
    }
    assert!(results.markdown().contains("| random cells, bcnn | bcnn |"));
    let names: Vec<&str> = results.timings.strategies.iter().map(|one| &*one.label).collect();
    assert_eq!(names, ["random", "pc"]);
    assert!(results.timings.strategies.iter().all(|one| one.search_s.len() == 2));

    // Stopped after its first run.
    let stopped = compare(SMALL, &broken);
    let stop = |step: Step<'_>| {
        if matches!(step, Step::Done { .. }) {
            stopped.0.cancel.store(true, Ordering::SeqCst);
        }
    };
    assert!(matches!(stopped.run(&mut { stop }), Err(StudyError::Interrupted)));
    let found = compare(SMALL, &broken).run(&mut |_| {}).unwrap();
    assert_eq!(&found.summary, expected);
    for file in [REPORT_FILE, SUMMARY_FILE] {
        let [one, two] = [&whole, &broken].map(|folder| std::fs::read(folder.join(file)).unwrap());
        assert!(one == two, "{file} of two runs differ");
    }

    // The folder is that of one experiment.
    let other = SMALL.replace("limit = 100", "limit = 120");
    let error = compare(&other, &whole).run(&mut |_| {}).unwrap_err().to_string();
    assert!(error.contains("plan.json") && error.contains("other settings"), "{error}");
}

#[test]
fn the_folder_of_an_experiment_on_a_table_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(RUNS_FILE), "").unwrap();
    let error = compare(SMALL, folder.path()).run(&mut |_| {}).unwrap_err().to_string();
    assert!(error.contains("holds another experiment"), "{error}");
}

#[test]
fn the_winner_of_a_differentiable_strategy_is_what_it_decodes_to_in_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let text = SMALL.replace("seeds = 2\nrandom = 2", "seeds = 1");
    let summary = compare(&text, folder.path()).run(&mut |_| {}).unwrap().summary;
    let trajectory = folder.path().join("strategies/pc/seed-1/differentiable/trajectory.jsonl");
    let last = bonas_supernet::differentiable::read_trajectory(&trajectory).unwrap().pop().unwrap();
    assert_eq!(summary.strategies[1].found, [Some(last.genotype)]);
}

#[test]
fn seconds_become_a_plan_that_stays() {
    let folder = tempfile::tempdir().unwrap();
    let text = SMALL.replace("seeds = 2\nrandom = 2", "seeds = 1\nseconds = 1000.0");
    let mut plans = Vec::new();
    let mut note = |step: Step<'_>| {
        if let Step::Planned(plan) = step {
            plans.push(plan.to_owned());
        }
    };
    let experiment = compare(&text, folder.path()).0;
    let plan = ImagesTask::open(&experiment, experiment.config.images().unwrap()).unwrap().plan;
    assert_eq!(plan.budgets[0].unit, Unit::Architectures);
    assert!(plan.budgets[0].count >= 4 && plan.budgets[0].count.is_multiple_of(2));
    assert_eq!(plan.budgets[0].seconds_each.len(), 1);
    let Budget { count, alpha_start, seconds_each, .. } = &plan.budgets[1];
    assert_eq!(*alpha_start, (*count as f64 / 3.0).round() as usize);
    assert_eq!(seconds_each.len(), 2);
    let small = Plan {
        identity: plan.identity.clone(),
        budgets: plan.budgets.iter().map(|b| Budget { count: 2, alpha_start: 1, ..b.clone() }).collect(),
    };
    write_json(&folder.path().join(PLAN_FILE), &small).unwrap();
    let summary = compare(&text, folder.path()).run(&mut note).unwrap().summary;
    let lines: Vec<String> = small.budgets.iter().map(Budget::to_string).collect();
    assert_eq!(plans, [lines.join("\n")]);
    assert_eq!(read_json::<Plan>(&folder.path().join(PLAN_FILE)).unwrap(), Some(small));
    assert_eq!(summary.strategies[1].weight_free[0].len(), 2);
}

const JUDGED: &str = "seeds = 2\nrandom = 2\nbudget = 6\nbatch = 3\ninitial = 3\n\
                      [space]\nname = \"nasbench201\"\noperations = [\"skip_connect\", \"nor_conv_1x1\", \"nor_conv_3x3\"]\n\
                      [evaluator]\nname = \"shared-weights\"\nchannels = 2\nlayers = 3\nepochs = 1\nwarmup_epochs = 0\nbatch = 16\n\
                      [data]\nlimit = 100\nvalidation = 0.5\n[truth]\n\
                      [[strategy]]\nname = \"bonas\"\n[strategy.shortlist]\nby = \"model\"\n\
                      [[strategy]]\nname = \"random\"\n";

#[test]
fn what_searches_find_is_looked_up_where_truth_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let results = compare(JUDGED, folder.path()).run(&mut |_| {}).unwrap();
    let summary = &results.summary;
    assert_eq!(summary.truth.as_deref(), Some("test of the embedded table"));
    let space: std::sync::Arc<dyn bonas_spaces::SearchSpace> =
        std::sync::Arc::new(bonas_spaces::NasBench201::new());
    let reading =
        bonas_study::table::Reading { columns: vec!["test".parse().unwrap()], ..Default::default() };
    let table = bonas_study::table::Source::Embedded.open(space.clone(), &reading).unwrap();
    for strategy in &summary.strategies[..2] {
        for (found, value) in strategy.found.iter().zip(&strategy.test) {
            let arm = table.arm(space.parse(found.as_ref().unwrap()).unwrap().key()).unwrap();
            assert!((table.columns()[0].mean(arm) - value.unwrap()).abs() < 1e-12);
        }
        let truth = strategy.truth.as_ref().unwrap();
        assert_eq!((truth.tau.len(), truth.found.len(), truth.skips.len()), (2, 2, 2));
        assert!(truth.tau.iter().flatten().all(|tau| tau.abs() <= 1.0));
    }
    // Nothing is trained from scratch, and random cells are looked up, too.
    assert!(!folder.path().join("strategies/random/seed-1/trained").exists());
    assert_eq!(summary.strategies[2].test.len(), 2);
    assert!(summary.strategies[2].truth.is_none() && !folder.path().join("random").exists());
    let page = std::fs::read_to_string(folder.path().join(REPORT_FILE)).unwrap();
    assert!(
        ["<figure id=\"found\"", "<figure id=\"skips\"", "true value"].iter().all(|part| page.contains(part))
    );
    assert!(results.markdown().contains("tau inside batches"));
    // Once more: the same figures out of the folder.
    assert_eq!(&compare(JUDGED, folder.path()).run(&mut |_| {}).unwrap().summary, summary);
}

#[test]
fn what_the_table_lacks_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let pooled = JUDGED.replace("\"skip_connect\", ", "\"avg_pool_3x3\", ");
    let error = compare(&pooled, folder.path()).run(&mut |_| {}).unwrap_err().to_string();
    assert!(error.contains("has no value for |") && error.contains("space.operations"), "{error}");
    let other =
        JUDGED.replace("name = \"random\"\n", "name = \"random\"\n[strategy.space]\nname = \"darts\"\n");
    let error = compare(&other, &folder.path().join("b")).run(&mut |_| {}).unwrap_err().to_string();
    assert!(error.contains("nasbench201 and darts"), "{error}");
}

const ONE_SHOT: &str = "seeds = 2\nbudget = 4\n[space]\nname = \"nasbench201\"\n[data]\nlimit = 100\n\
                        [evaluator]\nname = \"one-shot\"\nchannels = 2\nlayers = 1\nepochs = 1\nbatch = 16\n\
                        [training]\ngradient_clip = 1e9\n\
                        [final]\nseeds = 1\nepochs = 1\nbatch = 16\nchannels = 2\nlayers = 1\n\
                        [[strategy]]\nname = \"random\"\nbatch = 2\n";

/// Rates that no network survives: of the supernet, without which there are no scores, and of final training.
#[test]
fn what_diverges_says_where_and_why() {
    let folder = tempfile::tempdir().unwrap();
    let supernet = ONE_SHOT.replace(
        "epochs = 1\nbatch = 16\n[training]",
        "epochs = 30\nbatch = 4\nlearning_rate = 1000.0\n[training]",
    );
    let error = compare(&supernet, folder.path()).run(&mut |_| {}).unwrap_err().to_string();
    assert!(error.contains("strategy `random`, seed ") && error.contains("the training loss is "), "{error}");

    let folder = tempfile::tempdir().unwrap();
    let finals = ONE_SHOT.replace(
        "[final]\nseeds = 1\nepochs = 1\nbatch = 16",
        "[final]\nseeds = 1\nepochs = 30\nbatch = 4\nlearning_rate = 1000.0",
    );
    let results = compare(&finals, folder.path()).run(&mut |_| {}).unwrap();
    let random = &results.summary.strategies[0];
    assert_eq!((&random.test[..], random.test_mean), (&[None, None][..], None));
    assert!(random.found.iter().all(Option::is_some) && random.missing.len() == 2, "{random:?}");
    for missing in &random.missing {
        assert!(missing.reason.starts_with("its winner failed: "), "{missing:?}");
        assert!(missing.reason.contains("lower the learning rate"), "{missing:?}");
    }
    let page = std::fs::read_to_string(folder.path().join(REPORT_FILE)).unwrap();
    assert!(page.contains(&random.missing[0].reason));
}
