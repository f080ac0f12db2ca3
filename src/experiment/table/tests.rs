#![allow(clippy::float_cmp)]

use std::fmt::Write;
use std::sync::atomic::Ordering;

use bonas_spaces::SearchSpace;
use bonas_spaces::families::nasbench_macro::NasBenchMacro;

use super::*;
use crate::config::ExperimentConfig;
use crate::experiment::{self, Progress, Step};

mod goals;

/// Every `step`th network; `val` is a sum over its layers, `test` nearly the same in another order.
fn csv(step: usize) -> String {
    let space = NasBenchMacro::new();
    let mut csv = String::from("arch,val,test,seeds\n");
    for (i, network) in space.enumerate().unwrap().step_by(step).enumerate() {
        let text = space.format(&network).unwrap();
        let sum: f64 =
            text.bytes().zip(1..).map(|(digit, layer)| f64::from(digit - b'0') * f64::from(layer)).sum();
        let test = 20.0 + sum + (i * 7919 % 13) as f64 / 10.0;
        writeln!(csv, "{text},{},{test},{};{}", 10.0 + sum, sum, sum + 3.0).unwrap();
    }
    csv
}

const STRATEGIES: &str = "[[strategy]]\nname = \"evolution\"\npopulation = 10\n[[strategy]]\nname = \"random\"\n\
                          [[strategy]]\nname = \"local-search\"\n";

fn config(top: &str, table: &str) -> ExperimentConfig {
    let text =
        format!("{top}[table]\nspace = \"macro\"\nsearch = \"val\"\nreport = \"test\"\n{table}{STRATEGIES}");
    ExperimentConfig::from_toml(&text, "c.toml").unwrap()
}

fn small() -> ExperimentConfig {
    config("seeds = 8\nbudget = 40\nbatch = 5\n", "")
}

/// Writes the toy table and says where it lies.
fn table(folder: &Path) -> Source {
    let path = folder.join("t.csv");
    std::fs::write(&path, csv(5)).unwrap();
    Source::File(path)
}

/// An experiment on a table.
struct OnTable(Experiment);

impl OnTable {
    fn run(&self, progress: &mut Progress<'_>) -> Result<Results, StudyError> {
        match self.0.run(progress)? {
            experiment::Results::Table(results) => Ok(*results),
            experiment::Results::Images(_) => panic!("it is on a table"),
        }
    }
}

/// The experiment of a configuration on the toy table.
fn compare(config: ExperimentConfig, folder: &Path, threads: usize) -> OnTable {
    table(folder);
    let (table, out) = (Some(folder.join("t.csv")), folder.join("out"));
    OnTable(Experiment { table, threads, folder: folder.to_owned(), ..Experiment::new(config, out) })
}

/// The bench of a configuration.
fn open(config: &ExperimentConfig, source: &Source) -> Result<Bench, StudyError> {
    Bench::open(&config.settings, config.table().unwrap(), &[], source, std::path::Path::new(""))
}

/// Runs done and runs in all.
fn counts(step: &Step<'_>) -> Option<(usize, usize)> {
    match step {
        Step::Begun { done, total } | Step::Done { done, total, .. } => Some((*done, *total)),
        Step::Planned(_) => None,
    }
}

/// What runs are compared by: `results.csv`, `summary.json` and the page.
fn results(folder: &Path) -> [String; 3] {
    [RESULTS_FILE, "summary.json", "report.html"]
        .map(|file| std::fs::read_to_string(folder.join("out").join(file)).unwrap())
}

fn undisturbed() -> [String; 3] {
    let folder = tempfile::tempdir().unwrap();
    compare(small(), folder.path(), 1).run(&mut |_| {}).unwrap();
    results(folder.path())
}

#[test]
fn results_are_the_same_on_any_number_of_threads() {
    let one = undisturbed();
    for threads in [4, 16] {
        let folder = tempfile::tempdir().unwrap();
        compare(small(), folder.path(), threads).run(&mut |_| {}).unwrap();
        assert_eq!(results(folder.path()), one, "{threads} threads");
    }
}

#[test]
fn a_comparison_cut_anywhere_goes_on_to_the_same_results() {
    let one = undisturbed();
    let folder = tempfile::tempdir().unwrap();
    let runs = folder.path().join("out").join(RUNS_FILE);
    compare(small(), folder.path(), 2).run(&mut |_| {}).unwrap();
    let whole = std::fs::read(&runs).unwrap();
    for cut in [0, 1, whole.len() / 3, whole.len() - 1, whole.len()] {
        std::fs::write(&runs, &whole[..cut]).unwrap();
        let mut begun = None;
        compare(small(), folder.path(), 4).run(&mut |step| begun = begun.or(counts(&step))).unwrap();
        assert_eq!(results(folder.path()), one, "cut at {cut}");
        assert_eq!(
            begun.map(|(done, _)| done),
            Some(whole[..cut].split(|&b| b == b'\n').count() - 1),
            "what is done is not done again"
        );
    }
}

#[test]
fn stopped_comparisons_and_more_seeds_or_strategies_keep_what_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let interrupted = compare(small(), folder.path(), 1);
    let stop = |step: Step<'_>| {
        interrupted.0.cancel.store(counts(&step).is_some_and(|(done, _)| done >= 5), Ordering::Relaxed);
    };
    let error = interrupted.run(&mut { stop }).map(drop).unwrap_err();
    assert!(matches!(error, StudyError::Interrupted), "{error}");
    let begun = |config: ExperimentConfig| {
        let mut begun = None;
        compare(config, folder.path(), 1).run(&mut |step| begun = begun.or(counts(&step))).unwrap();
        begun.unwrap()
    };
    let (done, total) = begun(small());
    assert!((5..24).contains(&done) && total == 24, "{done} of {total}");
    assert_eq!(results(folder.path()), undisturbed());
    assert_eq!(begun(config("seeds = 10\nbudget = 40\nbatch = 5\n", "")), (24, 30));
    assert_eq!(
        begun(config("seeds = 8\nbudget = 30\nbatch = 5\n", "")),
        (0, 24),
        "another budget is another study"
    );
}

#[test]
fn a_damaged_run_is_refused_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    compare(small(), folder.path(), 2).run(&mut |_| {}).unwrap();
    let runs = folder.path().join("out").join(RUNS_FILE);
    let text = std::fs::read_to_string(&runs).unwrap();
    std::fs::write(&runs, text.replacen("\"seed\":1,", "\"seed\":9,", 1)).unwrap();
    let error = compare(small(), folder.path(), 2).run(&mut |_| {}).map(drop).unwrap_err().to_string();
    assert!(error.contains("runs.jsonl line") && error.contains("remove the file"), "{error}");
}

/// A file of another program is left as it is; a run that was cut short is taken away.
#[test]
fn a_foreign_file_of_runs_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let runs = folder.path().join("out").join(RUNS_FILE);
    compare(small(), folder.path(), 2).run(&mut |_| {}).unwrap();
    let whole = std::fs::read_to_string(&runs).unwrap();
    for foreign in ["{\"run\": 1}".to_owned(), format!("{whole}[1, 2"), "a\nb".to_owned()] {
        std::fs::write(&runs, &foreign).unwrap();
        let error = compare(small(), folder.path(), 2).run(&mut |_| {}).map(drop).unwrap_err().to_string();
        assert!(error.contains("runs.jsonl line") && error.contains("left as it is"), "{error}");
        assert_eq!(std::fs::read_to_string(&runs).unwrap(), foreign);
    }
    std::fs::write(&runs, &whole[..whole.len() - 9]).unwrap();
    compare(small(), folder.path(), 2).run(&mut |_| {}).unwrap();
    assert_eq!(std::fs::read_to_string(&runs).unwrap().lines().count(), whole.lines().count());
}

/// Every curve from the rows of `results.csv`, by the protocol's own words.
#[test]
fn curves_follow_the_protocol() {
    let folder = tempfile::tempdir().unwrap();
    let results = compare(small(), folder.path(), 2).run(&mut |_| {}).unwrap();
    let best = results.summary.optimum.report;
    for (strategy, traces) in results.summary.strategies.iter().zip(results.traces.chunks(8)) {
        let mut queries = Vec::new();
        let mut last = Vec::new();
        for trace in traces {
            assert_eq!((trace.steps.len(), trace.label.as_str()), (40, strategy.label.as_str()));
            let archs: std::collections::HashSet<_> = trace.steps.iter().map(|query| &query.arch).collect();
            assert_eq!(archs.len(), 40, "queries are unique");
            for n in 1..=40 {
                let seen = &trace.steps[..n];
                let top = seen.iter().map(|query| query.search.unwrap()).fold(f64::MIN, f64::max);
                let first = seen.iter().find(|query| query.search.unwrap() == top).unwrap();
                assert_eq!(seen[n - 1].found, first.report);
                assert_eq!(
                    seen[n - 1].oracle,
                    seen.iter().map(|query| query.report).fold(f64::MIN, f64::max)
                );
            }
            let found = trace.steps.iter().position(|query| query.report == best);
            queries.push(found.map_or(40.0, |place| (place + 1) as f64));
            last.push(trace.steps[39].found);
        }
        let mean = |values: &[f64]| values.iter().sum::<f64>() / 8.0;
        assert!((strategy.to_optimum.mean - mean(&queries)).abs() < 1e-9);
        assert!((strategy.curve[39].report_mean - mean(&last)).abs() < 1e-9);
        assert_eq!((strategy.curve.len(), strategy.to_optimum.cap, strategy.seeds), (40, 40, 8));
        assert!(
            strategy.last.report_low <= strategy.last.report_mean
                && strategy.last.report_mean <= strategy.last.report_high
        );
    }
    // The first ten cells are the same draws for every strategy of a seed.
    let first = |strategy: usize| {
        results.traces[8 * strategy + 3].steps[..5].iter().map(|q| q.arch.clone()).collect::<Vec<_>>()
    };
    assert_eq!(first(0), first(1));
}

#[test]
fn tests_tell_local_search_from_random() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("whole.csv");
    std::fs::write(&path, csv(1)).unwrap();
    let config = config("seeds = 30\nbudget = 60\nbatch = 5\n", "");
    let mut compare = compare(config, folder.path(), 2);
    compare.0.table = Some(path);
    let results = compare.run(&mut |_| {}).unwrap();
    let test = &results.summary.tests[0];
    assert_eq!((test.measure, test.pairs.len()), (Measure::Report, 3));
    let pair = test.pairs.iter().find(|pair| pair.a == "random" && pair.b == "local-search").unwrap();
    assert!(pair.p_holm < 0.01 && pair.difference < 0.0 && pair.losses > pair.wins, "{pair:?}");
    assert!(pair.p_holm >= pair.p);
    assert!(test.mean_ranks[2] < test.mean_ranks[1], "{:?}", test.mean_ranks);
    assert!((test.mean_ranks.iter().sum::<f64>() - 6.0).abs() < 1e-9);
}

#[test]
fn seeds_are_drawn_from_the_studys_own_stream_and_reported_as_means() {
    let folder = tempfile::tempdir().unwrap();
    let top = "seeds = 4\nbudget = 20\n";
    let table = "[table]\nspace = \"macro\"\nsearch = \"seeds\"\nreport = \"test\"\nseeds = \"draw\"\n";
    let config = ExperimentConfig::from_toml(&format!("{top}{table}{STRATEGIES}"), "c.toml").unwrap();
    let one = compare(config.clone(), folder.path(), 1).run(&mut |_| {}).unwrap();
    let again = tempfile::tempdir().unwrap();
    assert_eq!(compare(config, again.path(), 4).run(&mut |_| {}).unwrap().traces, one.traces);
    let low = one
        .traces
        .iter()
        .flat_map(|trace| &trace.steps)
        .filter(|query| query.search.unwrap() + 20.0 <= query.report);
    let share = low.count() as f64 / 240.0;
    assert!((0.3..0.7).contains(&share), "{share}");
}

#[test]
fn a_study_stops_at_the_optimum_on_demand() {
    let folder = tempfile::tempdir().unwrap();
    let top = "seeds = 5\nbudget = 1313\nbatch = 5\nstop_at_optimum = true\n";
    let results = compare(config(top, ""), folder.path(), 2).run(&mut |_| {}).unwrap();
    for (strategy, traces) in results.summary.strategies.iter().zip(results.traces.chunks(5)) {
        assert_eq!(strategy.to_optimum.found, 1.0, "{}", strategy.label);
        for trace in traces {
            let optimum = trace.optimum.unwrap();
            assert!(trace.steps.len() >= optimum && trace.steps.len() < optimum + 10, "ends with the round");
        }
        assert_eq!(strategy.curve.len(), 1313);
        assert_eq!(strategy.curve[1312].oracle_mean, results.summary.optimum.report);
    }
}

/// 0.1 + 0.2 + 0.3 and 0.3 + 0.2 + 0.1 differ in the last bit.
#[test]
fn equal_means_of_seeds_are_both_the_best() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    let space = NasBenchMacro::new();
    let mut text = String::from("arch,val,test\n");
    for (i, network) in space.enumerate().unwrap().step_by(300).enumerate() {
        let test = ["0.1;0.2;0.3", "0.3;0.2;0.1", "0.1"][i.min(2)];
        writeln!(text, "{},{i},{test}", space.format(&network).unwrap()).unwrap();
    }
    std::fs::write(&path, text).unwrap();
    let bench = open(&small(), &Source::File(path)).unwrap();
    assert_ne!(bench.report()[0], bench.report()[1]);
    let best: Vec<usize> = (0..bench.report().len()).filter(|&arm| bench.is_best(arm)).collect();
    assert_eq!(best, [0, 1]);
}

#[test]
fn what_cannot_search_a_table_is_refused_before_any_study() {
    let every = ExperimentConfig::from_toml("", "c.toml").unwrap().strategies;
    assert!(every.len() > 5 && every.iter().all(|e| e.label != "bn-nas" && e.label != "differentiable"));
    let text = "[table]\nspace = \"macro\"\nsearch = \"val\"\n[[strategy]]\nname = \"bn-nas\"\n";
    let folder = tempfile::tempdir().unwrap();
    let config = ExperimentConfig::from_toml(text, "c.toml").unwrap();
    let error = compare(config, folder.path(), 1).run(&mut |_| {}).unwrap_err().to_string();
    assert!(error.contains("a space of choices"), "{error}");
    assert!(!folder.path().join("out").exists());
}

#[test]
fn what_is_missing_is_named() {
    let of = |config: &ExperimentConfig, given: Option<&Path>| {
        source(config.table().unwrap(), given, Path::new("runs"))
    };
    let none = ExperimentConfig::from_toml("", "c.toml").unwrap();
    assert_eq!(of(&none, None).unwrap(), Source::Embedded);
    assert!(
        of(&none, Some(Path::new("t.csv"))).unwrap_err().to_string().contains("no [table] says its space")
    );
    assert!(of(&small(), None).unwrap_err().to_string().contains("--table PATH"));
    let raw = "[table]\nspace = \"darts\"\npath = \"t.csv\"\nsearch = \"a\"\nmerge = \"raw\"\n";
    let raw = ExperimentConfig::from_toml(raw, "c.toml").unwrap();
    assert_eq!(of(&raw, None).unwrap(), Source::File("runs/t.csv".into()));
    assert_eq!(of(&raw, Some(Path::new("digits"))).unwrap(), Source::Embedded);
    let error = open(&raw, &Source::Embedded).unwrap_err().to_string();
    assert!(error.contains("table.merge") && error.contains("use isomorphic"), "{error}");
}

#[test]
fn the_page_is_whole_escaped_and_loads_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = small();
    config.strategies[1].label = "<b>random</b>".into();
    compare(config, folder.path(), 2).run(&mut |_| {}).unwrap();
    let page = std::fs::read_to_string(folder.path().join("out/report.html")).unwrap();
    for id in ["id=\"found\"", "id=\"oracle\"", "id=\"ranks-report\"", "critical difference"] {
        assert!(page.contains(id), "no {id}");
    }
    assert!(page.contains("&lt;b&gt;random") && !page.contains("<b>random"));
    for outside in ["<link", "src=", "href=", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert!(!page.split("<script>").next().unwrap().contains("NaN"));
}

#[test]
fn times_have_files_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let results = compare(small(), folder.path(), 2).run(&mut |_| {}).unwrap();
    let out = folder.path().join("out");
    let timings: Timings<StrategyTimings> =
        bonas_study::journal::read_json(&out.join("timings.json")).unwrap().unwrap();
    assert_eq!(timings, results.timings);
    let names: Vec<&str> = timings.strategies.iter().map(|strategy| &*strategy.label).collect();
    assert_eq!(names, ["evolution", "random", "local-search"]);
    assert!(timings.strategies.iter().all(|strategy| strategy.wall_s > 0.0 && strategy.ask_ms.mean > 0.0));
    let page = std::fs::read_to_string(out.join("timings.html")).unwrap();
    assert!(page.contains("local-search") && page.contains(&format!("{:.4}", timings.strategies[0].wall_s)));
}

/// Results are known by the scores that a strategy starts from, not by the name of their file; those of the column
/// that is searched or reported are refused.
#[test]
fn scores_on_another_task_are_part_of_what_studies_are_known_by() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("t.csv"), csv(60)).unwrap();
    let source = Source::File(folder.path().join("t.csv"));
    let opened = |transfer: &str| {
        let text = format!(
            "seeds = 2\nbudget = 15\n[table]\nspace = \"macro\"\nsearch = \"val\"\nreport = \"test\"\n\
             [[strategy]]\nname = \"bonas\"\ntransfer = \"{transfer}\"\n"
        );
        let mut config = ExperimentConfig::from_toml(&text, "c.toml").unwrap();
        let bench = open(&config, &source).unwrap().paths_from(folder.path());
        (bench, config.strategies.remove(0))
    };
    let identity = |transfer: &str| {
        let (bench, strategy) = opened(transfer);
        bench.identity(&strategy)
    };
    let other = |step: usize| {
        std::fs::write(folder.path().join("o.csv"), csv(step).replace("arch,val", "arch,old")).unwrap();
    };
    other(50);
    let same = std::fs::read(folder.path().join("o.csv")).unwrap();
    std::fs::create_dir(folder.path().join("sub")).unwrap();
    std::fs::write(folder.path().join("sub/p.csv"), same).unwrap();
    let old = identity("table:o.csv:old").unwrap();
    assert_ne!(old, identity("none").unwrap());
    assert_eq!(old, identity("table:sub/p.csv:old").unwrap());
    other(55);
    assert_ne!(old, identity("table:o.csv:old").unwrap());
    let (bench, strategy) = opened("table:t.csv:seeds");
    bench.strategy(&strategy).unwrap();
    let hidden = "[[constraint]]\nlimit = \"seeds <= 40\"\nknown = false\n";
    for more in [hidden, "[objective]\nsearch = \"-seeds\"\n"] {
        let text = format!(
            "[table]\nspace = \"macro\"\nsearch = \"val\"\n{more}[[strategy]]\nname = \"bonas\"\n\
             transfer = \"table:t.csv:seeds\"\n"
        );
        let config = ExperimentConfig::from_toml(&text, "c.toml").unwrap();
        let bench = open(&config, &source).unwrap().paths_from(folder.path());
        let error = bench.strategy(&config.strategies[0]).err().unwrap().to_string();
        assert!(error.contains("seeds of the same table"), "{error}");
    }
    for column in ["val", "-test", "seeds,test"] {
        let (bench, strategy) = opened(&format!("table:t.csv:{column}"));
        let error = bench.strategy(&strategy).err().unwrap().to_string();
        assert!(
            error.contains("transfer of strategy `bonas, from table:") && error.contains("same table"),
            "{error}"
        );
    }
}

/// Seventy scores on nearly the same task lead to the best sooner; the same is found on any number of threads.
#[test]
fn a_search_starts_from_another_task() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("o.csv"), csv(30).replace("arch,val,test", "arch,old,unused")).unwrap();
    let text = "seeds = 4\nbudget = 20\nbatch = 1\n[table]\nspace = \"macro\"\nsearch = \"test\"\n\
                [[strategy]]\nname = \"bonas\"\nprior = \"none\"\nlabel = \"alone\"\n\
                [[strategy]]\nname = \"bonas\"\nprior = \"none\"\ntransfer = \"table:o.csv:old\"\n";
    let ran = |threads: usize| {
        let config = ExperimentConfig::from_toml(text, "c.toml").unwrap();
        let run = compare(config, folder.path(), threads).run(&mut |_| {}).unwrap();
        std::fs::remove_dir_all(folder.path().join("out")).unwrap();
        run.summary
    };
    let (one, two) = (ran(1), ran(2));
    let found =
        |summary: &Summary| -> Vec<f64> { summary.strategies.iter().map(|s| s.to_optimum.mean).collect() };
    assert_eq!(found(&one), found(&two));
    assert!(found(&one)[1] < found(&one)[0], "{:?}", found(&one));
}
