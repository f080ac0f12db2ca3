//! A contest of three arms on a few digits.

use std::path::Path;
use std::sync::Arc;

use super::*;

const SMALL: &str = "[contest]\nseeds = 2\nrandom = 2\n[study]\narchitectures = 2\n[space]\nname = \"bcnn\"\n\
                     [evaluator]\nname = \"from-scratch\"\nchannels = 2\nlayers = 2\nepochs = 1\nbatch = 16\n\
                     [data]\nlimit = 100\nvalidation = 0.5\n\
                     [final]\nseeds = 2\nepochs = 1\nbatch = 16\nchannels = 2\nlayers = 2\n\
                     [[arm]]\nname = \"random\"\n[arm.strategy]\nname = \"random\"\nbatch = 2\n\
                     [[arm]]\nname = \"pc\"\n[arm.strategy]\nname = \"differentiable\"\nchannels = 4\nlayers = 2\n\
                     epochs = 3\nalpha_start = 1\nbatch = 8\npartial = 2\nedge_normalisation = true\n\
                     alpha_learning_rate = 0.1\n";

fn contest(text: &str, directory: &Path) -> Contest {
    tch::set_num_threads(1);
    let config = ContestConfig::from_toml(text, "test").unwrap();
    Contest { config, directory: directory.to_owned(), threads: 2, cancel: Arc::default() }
}

#[test]
fn arms_meet_on_the_same_seeds_and_a_stopped_contest_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, broken) = (folder.path().join("whole"), folder.path().join("broken"));
    let mut steps = 0;
    let results = contest(SMALL, &whole).run(&mut |_| steps += 1).unwrap();
    let expected = &results.summary;
    // The plan, then two arms and the random cells at two seeds.
    assert_eq!(steps, 1 + 2 * 3);
    let names: Vec<&str> = expected.arms.iter().map(|arm| &*arm.name).collect();
    assert_eq!(names, ["random", "pc", "random cells, bcnn"]);
    assert!(expected.arms.iter().all(|arm| arm.test.len() == 2 && arm.params_mean > 0.0));
    assert_eq!(expected.pairs.len(), 3);
    assert_eq!(expected.arms[1].weight_free.each_ref().map(Vec::len), [3, 3]);
    let page = std::fs::read_to_string(whole.join(REPORT_FILE)).unwrap();
    for id in ["accuracy", "loss", "weight-free-0", "weight-free-1", "alphas-1-0", "alphas-1-1"] {
        assert!(page.contains(&format!("<figure id=\"{id}\"")), "{id}");
    }
    assert!(results.markdown().contains("| random cells, bcnn | bcnn |"));
    let names: Vec<&str> = results.timings.arms.iter().map(|arm| &*arm.name).collect();
    assert_eq!(names, ["random", "pc"]);
    assert!(results.timings.arms.iter().all(|arm| arm.search_s.len() == 2));

    // Stopped after its first piece.
    let stopped = contest(SMALL, &broken);
    let stop = |step: Step<'_>| {
        if matches!(step, Step::Done { .. }) {
            stopped.cancel.store(true, Ordering::SeqCst);
        }
    };
    assert!(matches!(stopped.run(&mut { stop }), Err(StudyError::Interrupted)));
    let found = contest(SMALL, &broken).run(&mut |_| {}).unwrap();
    assert_eq!(&found.summary, expected);
    for file in [REPORT_FILE, SUMMARY_FILE] {
        let [one, two] = [&whole, &broken].map(|folder| std::fs::read(folder.join(file)).unwrap());
        assert!(one == two, "{file} of two runs differ");
    }

    // The folder is that of one contest.
    let other = SMALL.replace("limit = 100", "limit = 120");
    let error = contest(&other, &whole).run(&mut |_| {}).unwrap_err().to_string();
    assert!(error.contains("plan.json") && error.contains("other settings"), "{error}");
}

#[test]
fn arms_start_from_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let bonas = "name = \"bonas\"\ntransfer = \"study:old\"\nbatch = 2\n";
    let text = SMALL.replace("name = \"random\"\nbatch = 2\n", bonas);
    let error = contest(&text, folder.path()).run(&mut |_| {}).unwrap_err().to_string();
    assert!(error.contains("strategy.transfer of arm random: study:old"), "{error}");
}

#[test]
fn the_winner_of_a_differentiable_arm_is_what_it_decodes_to_in_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let text = SMALL.replace("seeds = 2\nrandom = 2", "seeds = 1");
    let summary = contest(&text, folder.path()).run(&mut |_| {}).unwrap().summary;
    let trajectory = folder.path().join("arms/pc/seed-1/differentiable/trajectory.jsonl");
    let last = bonas_supernet::differentiable::read_trajectory(&trajectory).unwrap().pop().unwrap();
    assert_eq!(summary.arms[1].found, [last.genotype]);
}

#[test]
fn seconds_become_a_plan_that_stays() {
    let folder = tempfile::tempdir().unwrap();
    let text = SMALL.replace("seeds = 2\nrandom = 2", "seeds = 1\nseconds = 1000.0");
    let mut plans = Vec::new();
    let mut note = |step: Step<'_>| {
        if let Step::Planned(plan) = step {
            plans.push(plan.clone());
        }
    };
    let plan = Plan::made(&contest(&text, folder.path())).unwrap();
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
    let summary = contest(&text, folder.path()).run(&mut note).unwrap().summary;
    assert_eq!(plans, [small]);
    assert_eq!(summary.arms[1].weight_free[0].len(), 2);
}
