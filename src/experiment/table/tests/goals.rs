//! Limits and two objectives.

use std::sync::Arc;

use bonas_spaces::families::darts::Darts;
use bonas_spaces::families::nasbench201::NasBench201;
use bonas_study::rng::stream;
use bonas_study::table::{Benchmark, Reading};
use bonas_surrogate::pareto::Front;

use super::super::goals::Goals;
use super::*;

/// A run of a comparison on every fifth network of the toy table, with more in its configuration.
fn ran(more: &str, folder: &Path, threads: usize) -> Results {
    try_run(more, folder, threads).unwrap()
}

fn try_run(more: &str, folder: &Path, threads: usize) -> Result<Results, StudyError> {
    let text = format!(
        "seeds = 3\nbudget = 40\nbatch = 5\n{more}[table]\nspace = \"macro\"\nsearch = \"val\"\nreport = \
         \"test\"\n{STRATEGIES}[[strategy]]\nname = \"nsga2\"\npopulation = 10\n[[strategy]]\nname = \"bonas\"\n\
         surrogate = \"counts-bsr\"\npool = \"random\"\npool_size = 100\n"
    );
    // Tables stand behind keys.
    let (keys, tables) = text.split_at(text.find('[').unwrap());
    let config = ExperimentConfig::from_toml(&format!("{keys}{tables}"), "c.toml").unwrap();
    compare(config, folder, threads).run(&mut |_| {})
}

const VAL_AT_MOST_50: &str = "[[constraint]]\nlimit = \"val <= 50\"\nknown = KNOWN\n";

#[test]
fn a_known_limit_leaves_nothing_beyond_it_to_propose() {
    let folder = tempfile::tempdir().unwrap();
    let results = ran(&VAL_AT_MOST_50.replace("KNOWN", "true"), folder.path(), 2);
    for trace in &results.traces {
        assert!(
            trace.steps.iter().all(|query| query.feasible && query.search.unwrap() <= 50.0),
            "{}",
            trace.label
        );
    }
    let [limit] = &results.summary.constraints[..] else { panic!("one limit") };
    assert_eq!(limit.feasible + limit.infeasible, results.summary.architectures);
    assert!(limit.known && limit.infeasible > 400);
    assert!(results.summary.strategies.iter().all(|s| s.infeasible_mean == Some(0.0)));
}

/// Every curve from the queries, by the protocol's own words; nobody's winner breaks the limit.
#[test]
fn what_breaks_a_limit_that_is_seen_when_queried_is_never_found() {
    let folder = tempfile::tempdir().unwrap();
    let results = ran(&VAL_AT_MOST_50.replace("KNOWN", "false"), folder.path(), 2);
    let best = results.summary.optimum.report;
    for trace in &results.traces {
        let mut found = None::<(f64, f64)>;
        for query in &trace.steps {
            assert_eq!(query.feasible, query.search.unwrap() <= 50.0);
            if query.feasible && found.is_none_or(|(search, _)| query.search.unwrap() > search) {
                found = Some((query.search.unwrap(), query.report));
            }
            let (search, report) = found.unwrap_or((0.0, query.found));
            assert!(search <= 50.0 && query.found == report && query.oracle <= best);
        }
    }
    let of = |name: &str| results.summary.strategies.iter().find(|s| s.label == name).unwrap();
    assert!(of("random").infeasible_mean.unwrap() > 3.0);
    assert!(of("bonas").last.report_mean > of("random").last.report_mean, "it learns where the limit lies");
    assert!(std::fs::read_to_string(folder.path().join("out/results.csv")).unwrap().contains(",feasible\n"));
}

#[test]
fn limits_are_part_of_what_studies_are_known_by() {
    let folder = tempfile::tempdir().unwrap();
    let known = VAL_AT_MOST_50.replace("KNOWN", "true");
    let missing = |more: &str, missing: &str| {
        let table_keys = format!("[table]\nspace = \"macro\"\nsearch = \"val\"\nmissing = \"{missing}\"\n");
        let text = format!("{more}{table_keys}{STRATEGIES}");
        let config = ExperimentConfig::from_toml(&text, "c.toml").unwrap();
        let bench = super::open(&config, &table(folder.path())).unwrap();
        bench.identity(&config.strategies[0]).unwrap()
    };
    let identity = |more: &str| missing(more, "error");
    let objective = "[objective]\nsearch = \"-seeds\"\n";
    let all = [
        "",
        known.as_str(),
        &VAL_AT_MOST_50.replace("KNOWN", "false"),
        objective,
        &format!("{known}{objective}"),
    ]
    .map(identity);
    let different: std::collections::HashSet<_> = all.iter().collect();
    assert_eq!(different.len(), all.len());
    // What strategies measure improvements from is.
    assert_ne!(identity(&format!("{objective}search_reference = [0.0, -9.0]\n")), all[3]);
    // What is only reported is not, unless rows without it are left out.
    let reported = format!("{objective}report = \"test\"\nreference = [0.0, 0.0]\n");
    assert_eq!(identity(&reported), all[3]);
    assert_ne!(missing(&reported, "skip"), missing(objective, "skip"));
}

#[test]
fn a_reference_for_the_search_reaches_strategies() {
    let folder = tempfile::tempdir().unwrap();
    let aims = |more: &str| {
        let table_keys = "[table]\nspace = \"macro\"\nsearch = \"val\"\n";
        let text = format!("[objective]\nsearch = \"-seeds\"\n{more}{table_keys}{STRATEGIES}");
        let config = ExperimentConfig::from_toml(&text, "c.toml").unwrap();
        super::open(&config, &table(folder.path())).unwrap().goals().aims.clone()
    };
    // Percentages, which strategies see as fractions.
    assert_eq!(aims("search_reference = [40.0, -99.0]\n").reference, Some([0.4, -99.0]));
    assert_eq!(aims("reference = [40.0, -9.0]\n").reference, None);
}

#[test]
fn limits_that_cannot_be_kept_or_counted_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = |limit: &str| {
        let more = format!("[[constraint]]\nlimit = \"{limit}\"\n");
        try_run(&more, folder.path(), 1).map(drop).unwrap_err().to_string()
    };
    assert!(error("val <= 0").contains("no architecture of the table keeps all limits up to \"val <= 0\""));
    assert!(error("vla <= 0").contains("unknown column `vla`; did you mean `val`?"));
    assert!(error("network.params <= 1e3").contains("no architecture of the table keeps all limits"));
}

/// The networks of the table are counted where nothing else says what they cost.
#[test]
fn counts_need_a_network() {
    let error = |space: Arc<dyn SearchSpace>| {
        let text = format!(
            "[[constraint]]\nlimit = \"network.params <= 1e6\"\n[table]\nspace = \"darts\"\nsearch = \"val\"\n{STRATEGIES}"
        );
        let config = ExperimentConfig::from_toml(&text, "c.toml").unwrap();
        let cell = space.format(&space.sample(&mut stream(1, &[]))).unwrap();
        let reading = Reading { columns: vec!["val".parse().unwrap()], ..Reading::default() };
        let csv = format!("arch,val\n\"{cell}\",1\n");
        let table = Benchmark::parse(csv.as_bytes(), "t.csv".as_ref(), space, &reading).unwrap();
        Goals::of(config.table().unwrap(), &table, &[1.0]).map(drop).unwrap_err().to_string()
    };
    let without = error(Arc::new(Darts::one_cell()));
    assert!(without.contains("table.space: darts-one-cell has no network here"), "{without}");
    assert!(error(Arc::new(Darts::new())).contains("no architecture of the table keeps all limits"));
}

/// NAS-Bench-201's own network: six convolutions in each of five cells a stage have 9 (16² + 32² + 64²)
/// weights and two BatchNorm numbers a channel.
#[test]
fn counts_of_the_network_are_exact() {
    let space = NasBench201::new();
    let cell = |op: &str| {
        let text = format!("|{op}~0|+|{op}~0|{op}~1|+|{op}~0|{op}~1|{op}~2|");
        space.format(&space.parse(&text).unwrap()).unwrap()
    };
    let csv = format!("arch,acc\n{},1\n{},2\n", cell("skip_connect"), cell("nor_conv_3x3"));
    let open = |limit: &str| {
        let text = format!(
            "[table]\nspace = \"nasbench201\"\nsearch = \"acc\"\n[[constraint]]\nlimit = \"{limit}\"\n{STRATEGIES}"
        );
        let config = ExperimentConfig::from_toml(&text, "c.toml").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.csv");
        std::fs::write(&path, &csv).unwrap();
        super::open(&config, &Source::File(path)).map(|bench| bench.goals().feasible.clone())
    };
    // Stem 3·16·9 + 2·16, residual blocks 14,464 + 57,600, last BatchNorm 128, classifier 650.
    let rest = 432 + 32 + 14_464 + 57_600 + 128 + 650;
    assert_eq!(open(&format!("network.params <= {rest}")).unwrap(), [true, false]);
    let convolutions = 6 * 5 * (9 * (16 * 16 + 32 * 32 + 64 * 64) + 2 * (16 + 32 + 64));
    assert_eq!(open(&format!("network.params >= {}", rest + convolutions)).unwrap(), [false, true]);
    assert!(open(&format!("network.params >= {}", rest + convolutions + 1)).is_err());
    assert!(open("network.macs >= 1e6").unwrap()[1]);
}

const SEEDS_LOW: &str = "[objective]\nsearch = \"-seeds\"\nreport = \"-val\"\nreference = [20.0, -100.0]\n";

#[test]
fn hypervolumes_follow_the_protocol_on_any_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    let results = ran(SEEDS_LOW, folder.path(), 1);
    let more = tempfile::tempdir().unwrap();
    assert_eq!(ran(SEEDS_LOW, more.path(), 4).traces, results.traces);
    let objective = results.summary.objective.as_ref().unwrap();
    assert_eq!((objective.reference, objective.report.as_str()), ([20.0, -100.0], "-val"));
    for trace in &results.traces {
        for n in [1, 7, 40] {
            let seen = &trace.steps[..n];
            let two = |query: &trace::Query| query.two.clone().unwrap();
            let told: Vec<_> = seen.iter().map(|query| [query.search.unwrap(), two(query).search]).collect();
            let kept = bonas_surrogate::pareto::front(&told);
            let reported = |query: &trace::Query| [query.report, two(query).report];
            let found: Vec<_> = kept.iter().map(|&i| reported(&seen[i])).collect();
            let all: Vec<_> = seen.iter().map(reported).collect();
            let volume = |points: &[_]| Front::of(points, objective.reference).hypervolume();
            let last = two(&seen[n - 1]);
            assert!((last.found - volume(&found)).abs() < 1e-9 && (last.oracle - volume(&all)).abs() < 1e-9);
            assert!(last.found <= last.oracle && last.oracle <= objective.hypervolume + 1e-9);
        }
    }
    for strategy in &results.summary.strategies {
        let pareto = strategy.pareto.as_ref().unwrap();
        let last = pareto.last;
        assert_eq!(pareto.curve.len(), 40);
        assert!(
            last.hypervolume_low <= last.hypervolume_mean && last.hypervolume_mean <= last.hypervolume_high
        );
        assert!(!pareto.front.is_empty());
    }
    assert_eq!(results.summary.tests.len(), 3, "hypervolume is tested too");
    let page = std::fs::read_to_string(folder.path().join("out/report.html")).unwrap();
    for id in ["id=\"hypervolume\"", "id=\"fronts\"", "id=\"ranks-hypervolume\""] {
        assert!(page.contains(id) && !page.contains("Could not be drawn"), "no {id}");
    }
    let text = std::fs::read_to_string(folder.path().join("out/summary.json")).unwrap();
    assert_eq!(serde_json::from_str::<Summary>(&text).unwrap().objective, results.summary.objective);
}

/// The reference, if it is not given, is the worst of the table; under a limit of what keeps it.
#[test]
fn the_reference_is_the_worst_of_what_is_feasible() {
    let folder = tempfile::tempdir().unwrap();
    let results =
        ran("[objective]\nsearch = \"-val\"\n[[constraint]]\nlimit = \"val <= 50\"\n", folder.path(), 2);
    let objective = results.summary.objective.unwrap();
    assert_eq!(objective.reference[1], -50.0);
    let lowest = results.traces.iter().flat_map(|t| &t.steps).map(|q| q.report).fold(f64::MAX, f64::min);
    assert!(objective.reference[0] <= lowest);
}
