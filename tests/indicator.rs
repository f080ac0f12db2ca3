//! Whole searches on indicators of a BatchNorm-only supernet: resumed to the same bytes, under their
//! limit, and refused before anything is written where they could not end.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bonas::build::setup;
use bonas::config::SearchConfig;
use bonas::search::{Search, Stage};
use bonas::spaces::catalogue::SPACES;
use bonas::spaces::families::darts::Darts;
use bonas::spaces::families::nasbench201::NasBench201Skeleton;
use bonas::spaces::network::{OpTable, Union};
use bonas::spaces::space::CostTable;
use bonas::study::Journalled;
use bonas::study::history::{Event, Observer};
use bonas::supernet::networks::{Networks, Setup};
use bonas::{Fidelity, StudyError};

const LIMIT: u64 = 80_000_000;

fn text(evaluator: &str, strategy: &str) -> String {
    format!(
        "[study]\narchitectures = 0\nrounds = 3\n[space]\nname = \"nasbench201\"\n\
         [strategy]\nname = \"bn-nas\"\npopulation = 6\nmutants = 3\ncrosses = 2\nbatch = 2\n{strategy}\n\
         [evaluator]\nname = \"indicator\"\nchannels = 2\nepochs = 2\nbatch = 16\nimages = 8\npasses = 2\n\
         references = 6\n{evaluator}\n[data]\nlimit = 100\n[training]\ndevice = \"cpu\"\n[final]\nseeds = 0\n"
    )
}

fn search(text: &str, folder: &Path, workers: usize) -> Search {
    let mut config = SearchConfig::from_toml(text, "test").unwrap();
    config.study.workers = workers;
    Search { config, directory: folder.to_owned(), cancel: Arc::new(AtomicBool::new(false)) }
}

/// Stops after the first batch.
struct Stop(Arc<AtomicBool>);

impl Observer for Stop {
    fn event(&mut self, event: &Event, _: bool) {
        if matches!(event, Event::Evaluated { .. }) {
            self.0.store(true, Ordering::SeqCst);
        }
    }
}

fn journal(folder: &Path) -> Vec<u8> {
    std::fs::read(folder.join("journal.jsonl")).unwrap()
}

#[test]
fn a_search_on_the_composite_resumes_to_the_same_bytes_and_keeps_its_limit() {
    let (whole, parts) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let text = text("indicator = \"composite\"", &format!("macs_limit = {LIMIT}"));
    search(&text, whole.path(), 1).run(&mut |_, _| Vec::new()).unwrap();
    let stopped = search(&text, parts.path(), 2);
    let cancel = stopped.cancel.clone();
    let outcome = stopped.run(&mut |stage, _| match stage {
        Stage::Search => vec![Box::new(Stop(cancel.clone())) as Box<dyn Observer>],
        _ => Vec::new(),
    });
    assert!(matches!(outcome, Err(StudyError::Interrupted)), "{outcome:?}");
    search(&text, parts.path(), 2).run(&mut |_, _| Vec::new()).unwrap();
    assert_eq!(journal(whole.path()), journal(parts.path()));
    for file in ["report.html", "summary.json", "winner.txt", "supernet/supernet.safetensors"] {
        assert!(parts.path().join(file).is_file(), "no {file}");
    }
    let space = SPACES.get("nasbench201").unwrap().space();
    let history = Journalled::read(whole.path(), &space).unwrap().history;
    assert_eq!(history.len(), 3 * 6);
    let table =
        CostTable::of(&*space, &NasBench201Skeleton::cifar(), &OpTable::nasbench201()).unwrap().unwrap();
    for evaluation in history.evaluations() {
        let choices = space.choices().unwrap().read(&evaluation.architecture).unwrap();
        assert!(table.macs(&choices) <= LIMIT);
    }
}

/// Widths follow from the cell (NAS-Bench-101 and its parts), or a skip costs by where it stands (DARTS): the
/// networks are counted one by one.
#[test]
fn spaces_without_a_table_of_multiply_adds_are_searched_under_a_limit() {
    let spaces =
        [("nasbench101", 2_000_000_000), ("nasbench1shot1-1", 2_000_000_000), ("darts", 300_000_000)];
    for (name, limit) in spaces {
        let folder = tempfile::tempdir().unwrap();
        let text =
            text("indicator = \"bn-gamma\"\nbatch_norm = \"published\"", &format!("macs_limit = {limit}"))
                .replace("nasbench201", name)
                .replace("channels = 2", "channels = 6\nlayers = 1")
                .replace("epochs = 2", "epochs = 1");
        search(&text, folder.path(), 1).run(&mut |_, _| Vec::new()).unwrap();
        let entry = SPACES.get(name).unwrap();
        let history = Journalled::read(folder.path(), &entry.space()).unwrap().history;
        assert_eq!(history.scored(Fidelity::Indicator).count(), 3 * 6, "{name}");
        let space = entry.space();
        let (skeleton, ops) =
            (space.network().unwrap().skeleton().published(), space.network().unwrap().ops());
        for evaluation in history.evaluations() {
            let union = Union::of(std::slice::from_ref(&evaluation.architecture)).unwrap();
            assert!(skeleton.network(&union, &ops).unwrap().macs() <= limit, "{name}");
        }
        let low = text.replace(&format!("macs_limit = {limit}"), "macs_limit = 1000");
        let error = search(&low, &folder.path().join("low"), 1).run(&mut |_, _| Vec::new()).unwrap_err();
        assert!(error.to_string().contains("the smallest found has"), "{name}: {error}");
    }
}

#[test]
fn what_cannot_end_is_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |text: &str| {
        let directory = folder.path().join("run");
        let error = search(text, &directory, 1).run(&mut |_, _| Vec::new()).unwrap_err().to_string();
        (error, directory.exists())
    };
    let (error, written) = refused(&text("", "macs_limit = 1000"));
    assert!(
        error.contains("strategy.macs_limit: 1000") && error.contains("the smallest has 7783040"),
        "{error}"
    );
    assert!(!written);
    let without_choices = text("", "").replace("nasbench201", "mnasnet");
    let (error, written) = refused(&without_choices);
    assert!(
        error.contains("mnasnet has none here (no table has any); take darts, bcnn") && !written,
        "{error}"
    );
    let (error, written) = refused(&text("", "").replace("images = 8", "images = 1000"));
    assert!(error.contains("evaluator.images: 1000; there are 70 training images") && !written, "{error}");
    // A cell of one path fits two channels; all of the space have five vertices that the output reads.
    let whole = text("", "").replace("nasbench201", "nasbench101").replace("bn-nas", "random");
    let whole = whole.replace("population = 6\nmutants = 3\ncrosses = 2\n", "");
    let (error, written) = refused(&whole);
    assert!(
        error.contains("[evaluator]: cannot plan the network: 2 channels for 5 vertices") && !written,
        "{error}"
    );
    let shared = "[study]\nrounds = 1\n[space]\nname = \"nasbench201\"\n[strategy]\nname = \"random\"\n[data]\nlimit = 100\n\
                  [evaluator]\nname = \"shared-weights\"\nbatch = 16\nwarmup_batch = 71\n";
    let (error, written) = refused(shared);
    assert!(
        error.contains("evaluator.warmup_batch: 71; there are 70 training images") && !written,
        "{error}"
    );
    let (error, written) = refused(&text("", "").replace("batch = 16", "batch = 71"));
    assert!(error.contains("evaluator.batch: 71; there are 70 training images") && !written, "{error}");
}

#[test]
fn a_batch_of_one_and_other_bad_settings_are_named() {
    let refused = |evaluator: &str, strategy: &str| {
        SearchConfig::from_toml(&text(evaluator, strategy), "test").unwrap_err().to_string()
    };
    let one = text("", "").replace("batch = 16", "batch = 1");
    let error = SearchConfig::from_toml(&one, "test").unwrap_err().to_string();
    assert!(
        error.contains("evaluator.batch") && error.contains("BatchNorm needs more than one image"),
        "{error}"
    );
    let images = text("", "").replace("images = 8", "images = 1");
    let error = SearchConfig::from_toml(&images, "test").unwrap_err().to_string();
    assert!(error.contains("evaluator.images") && error.contains("at least 2"), "{error}");
    assert!(refused("indicator = \"bn-gama\"", "").contains("did you mean `bn-gamma`?"));
    assert!(
        refused("indicator = \"macs\"\nprefilter = 0.5", "").contains("unless indicator = \"composite\"")
    );
    assert!(refused("", "mutation = 1.5").contains("strategy.mutation"));
}

#[test]
fn other_spaces_have_indicators_too() {
    for (space, batch_norm) in
        [("darts", "unbiased"), ("mobilenet", "unbiased"), ("mobilenet-17", "published")]
    {
        let folder = tempfile::tempdir().unwrap();
        let text = text(&format!("layers = 2\nbatch_norm = \"{batch_norm}\"\nindicator = \"composite\""), "")
            .replace("nasbench201", space)
            .replace("rounds = 3", "rounds = 1")
            .replace("epochs = 2", "epochs = 1");
        let text = match text.split_once("[strategy]\n") {
            Some((before, after)) => {
                let after = after.split_once("[evaluator]").unwrap().1;
                format!("{before}[strategy]\nname = \"random\"\nbatch = 2\n[evaluator]{after}")
            }
            None => panic!("{text}"),
        };
        search(&text, folder.path(), 1).run(&mut |_, _| Vec::new()).unwrap();
        let space = SPACES.get(space).unwrap().space();
        let history = Journalled::read(folder.path(), &space).unwrap().history;
        assert_eq!(history.scored(bonas::Fidelity::Indicator).count(), 2, "{}", space.name());
    }
}

#[test]
fn a_space_without_a_network_is_not_planned() {
    let setup = setup(&SearchConfig::from_toml(&text("", ""), "test").unwrap()).unwrap();
    assert!(Networks::planned(&setup).is_ok());
    let setup = Setup { space: Arc::new(Darts::one_cell()), ..setup };
    let error = Networks::planned(&setup).map(drop).unwrap_err().to_string();
    assert!(error.contains("space.name: darts-one-cell has no network here"), "{error}");
}
