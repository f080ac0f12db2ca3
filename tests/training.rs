//! Networks trained on real images: the same history on any number of workers, runs that go on
//! exactly where they stopped, and scores above chance.

use std::collections::HashMap;
use std::num::NonZero;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bonas::config::{FinalImages, SearchConfig};
use bonas::report::{SUMMARY_FILE, Shortlisted, Summary, WINNER_FILE};
use bonas::search::{Search, Stage, TABLE_FILE, Tabulate};
use bonas::spaces::SearchSpace;
use bonas::spaces::families::darts::{DARTS_V1, DARTS_V2, Darts, DartsSkeleton, PC_DARTS_CIFAR};
use bonas::spaces::families::nasbench101::{self, NasBench1Shot1, NasBench101Skeleton};
use bonas::spaces::families::nasbench201::NasBench201;
use bonas::spaces::network::{Norm, OpTable, Shape, Skeleton, Union};
use bonas::study::journal::read_json;
use bonas::study::rng::stream;
use bonas::study::statistics::mean;
use bonas::study::strategy::{Batches, RandomSearch};
use bonas::study::table::{Benchmark, Reading};
use bonas::study::testing::check_evaluator;
use bonas::study::{Budget, Job, Journalled, Monitor};
use bonas::supernet::data::digits;
use bonas::supernet::evaluator::{RunFiles, ScratchEvaluator, SharedEvaluator};
use bonas::supernet::model::{Placement, Supernet};
use bonas::supernet::recipe::{ScratchRecipe, Sgd, SharedRecipe};
use bonas::supernet::training::{Part, ScratchRun, Task, estimate};
use bonas::{Evaluator, Fidelity, Outcome, Study, StudyError};
use tch::Tensor;

/// Goes on for so many steps, then wants to stop.
struct Patience(AtomicUsize);

impl Monitor for Patience {
    fn step(&self, _: u64, _: u64, _: &str) {}

    fn cancelled(&self) -> bool {
        self.0.fetch_sub(1, Ordering::SeqCst) == 1
    }
}

fn patient() -> Patience {
    Patience(AtomicUsize::new(usize::MAX))
}

fn task(images: usize) -> Arc<Task> {
    let data = digits().unwrap();
    Arc::new(Task::new(&data, Some(images), 0.5, None, &mut stream(1, &[])).unwrap())
}

fn skeleton(norm: Norm) -> Arc<DartsSkeleton> {
    let image = Shape::square(1, 8);
    Arc::new(DartsSkeleton { channels: 4, layers: 2, image, norm, ..DartsSkeleton::cifar() })
}

fn shared() -> Box<dyn Evaluator> {
    together(skeleton(Norm::SEARCH), OpTable::darts())
}

fn together(skeleton: Arc<dyn Skeleton>, ops: OpTable) -> Box<dyn Evaluator> {
    let recipe = SharedRecipe {
        epochs: 2,
        warmup_epochs: 1,
        warmup_batch: 16,
        batch: 8,
        statistics_images: 32,
        ..SharedRecipe::default()
    };
    let placement = Placement::on(tch::Device::Cpu);
    Box::new(SharedEvaluator::new(task(80), skeleton, ops, recipe, placement).unwrap())
}

fn scratch(images: usize, epochs: usize, folder: Option<&Path>) -> ScratchEvaluator {
    let sgd = Sgd { learning_rate: 0.05, ..Sgd::default() };
    let recipe = ScratchRecipe {
        epochs,
        batch: 16,
        drop_path: 0.1,
        auxiliary_weight: 0.0,
        sgd,
        ..ScratchRecipe::default()
    };
    ScratchEvaluator {
        task: task(images),
        part: Part::Validation,
        also: None,
        skeleton: skeleton(Norm::DISCRETE),
        ops: OpTable::darts(),
        recipe,
        start: None,
        seeds: 1,
        paired: None,
        placement: Placement::on(tch::Device::Cpu),
        threads: 1,
        folder: folder.map(Path::to_owned),
        checkpoint_every: 1,
    }
}

#[test]
fn shared_weights_keep_the_contract_of_evaluators() {
    check_evaluator(&shared, &Darts::new());
}

#[test]
fn a_trained_study_is_the_same_on_one_and_on_four_workers() {
    let journal = |workers: usize| {
        let folder = tempfile::tempdir().unwrap();
        let strategy = RandomSearch { batches: Batches { count: 4, size: 2 } };
        let evaluators = (0..workers).map(|_| shared()).collect();
        Study::new(Arc::new(Darts::new()), Box::new(strategy), evaluators)
            .seed(7)
            .budget(Budget::architectures(8))
            .directory(folder.path())
            .run()
            .unwrap();
        std::fs::read(folder.path().join("journal.jsonl")).unwrap()
    };
    assert_eq!(journal(1), journal(4));
}

#[test]
fn a_run_from_scratch_goes_on_exactly_where_it_stopped() {
    let space = Darts::new();
    let job = Job { architectures: vec![space.architecture(&DARTS_V1).unwrap()], round: 0, batch: 0 };
    let run = |folder: &Path, patience: &Patience| {
        scratch(80, 3, Some(folder)).evaluate(&job, &mut stream(3, &[]), patience)
    };
    let (whole, stopped) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let expected = run(whole.path(), &patient()).unwrap();
    let error = run(stopped.path(), &Patience(AtomicUsize::new(2))).unwrap_err();
    assert!(matches!(error, StudyError::Interrupted), "{error}");
    assert_eq!(run(stopped.path(), &patient()).unwrap(), expected);
    let files = |folder: &Path| {
        let files = RunFiles::new(folder, job.architectures[0].key(), 0);
        [files.weights(), files.losses()].map(|file| std::fs::read(file).unwrap())
    };
    assert_eq!(files(whole.path()), files(stopped.path()));
    let losses: Vec<f64> = serde_json::from_slice(&files(whole.path())[1]).unwrap();
    assert_eq!(losses.len(), 3, "one an epoch, those before the stop too");
    assert!(losses.iter().all(|&loss| loss > 0.5), "{losses:?}");
}

#[test]
fn training_from_scratch_learns() {
    let space = Darts::new();
    let architectures = vec![space.architecture(&DARTS_V2).unwrap()];
    let job = Job { architectures, round: 0, batch: 0 };
    let outcomes = scratch(600, 8, None).evaluate(&job, &mut stream(5, &[]), &patient()).unwrap();
    let Outcome::Scored(score) = &outcomes[0] else { panic!("{outcomes:?}") };
    assert_eq!((score.fidelity, score.runs.len()), (Fidelity::FromScratch, 1));
    // Chance is 0.1.
    assert!(score.value > 0.5, "{}", score.value);
}

#[test]
fn cells_with_operations_on_vertices_train_from_scratch_and_together() {
    let space = NasBench1Shot1::new(nasbench101::Part::One);
    let skeleton = |channels, norm| {
        let (cifar, image) = (NasBench101Skeleton::cifar(), Shape::square(1, 8));
        Arc::new(NasBench101Skeleton { channels, cells: 1, image, norm, ..cifar })
    };
    let job = Job { architectures: vec![space.parse("111|conv3x3-bn-relu").unwrap()], round: 0, batch: 0 };
    let (plain, ops) = (skeleton(8, Norm::DISCRETE), OpTable::nasbench101());
    let mut alone = ScratchEvaluator { skeleton: plain, ops, ..scratch(600, 5, None) };
    let outcomes = alone.evaluate(&job, &mut stream(5, &[]), &patient()).unwrap();
    let Outcome::Scored(score) = &outcomes[0] else { panic!("{outcomes:?}") };
    // Chance is 0.1.
    assert!(score.value > 0.5, "{}", score.value);
    let shared = || together(skeleton(4, Norm::SEARCH), OpTable::nasbench101());
    check_evaluator(&shared, &space);
}

#[test]
fn a_search_cut_before_an_ask_goes_on_to_the_same_bytes_on_more_threads() {
    let text = "[study]\narchitectures = 24\n[space]\nname = \"nasbench201\"\n[strategy]\nname = \"bonas\"\ninitial = 8\n\
                batch = 8\n[evaluator]\nname = \"synthetic\"\n[final]\nseeds = 0\n";
    let config = SearchConfig::from_toml(text, "test").unwrap();
    let run = |folder: &Path, threads: i32| {
        // What a fresh process, or an evaluator before, may have left set.
        tch::set_num_threads(threads);
        let (directory, cancel) = (folder.to_owned(), Arc::default());
        let search = Search { config: config.clone(), directory, cancel };
        search.run(&mut |_, _| Vec::new()).unwrap();
        std::fs::read(folder.join("journal.jsonl")).unwrap()
    };
    let (whole, cut) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let expected = run(whole.path(), 1);
    let asks = |line: &&[u8]| line.windows(7).any(|w| w == b"\"asked\"");
    let lines: Vec<&[u8]> = expected.split_inclusive(|&b| b == b'\n').collect();
    let last_ask = lines.iter().rposition(asks).unwrap();
    std::fs::write(cut.path().join("journal.jsonl"), lines[..last_ask].concat()).unwrap();
    assert_eq!(run(cut.path(), 2), expected);
}

#[test]
fn every_cell_of_a_small_space_becomes_a_table_that_reads_back() {
    let text = "[study]\nworkers = 2\n[space]\nname = \"nasbench201\"\n[data]\nlimit = 60\n[final]\nseeds = 2\n\
                epochs = 1\nbatch = 16\nchannels = 4\nlayers = 1\n";
    let folder = tempfile::tempdir().unwrap();
    let tabulate = Tabulate {
        config: SearchConfig::from_toml(text, "test").unwrap(),
        ops: vec!["none".into(), "skip_connect".into()],
        sample: None,
        networks: NonZero::new(1).unwrap(),
        directory: folder.path().to_owned(),
        cancel: Arc::default(),
    };
    let done = tabulate.run(&mut |_, _| Vec::new()).unwrap();
    assert_eq!((done.cells, done.failed), (tabulate.cells().unwrap().len(), 0));
    let sampled = Tabulate { sample: Some(3), ..tabulate.clone() }.cells().unwrap();
    assert!(sampled.len() == 3 && sampled.iter().all(|cell| tabulate.cells().unwrap().contains(cell)));
    let path = folder.path().join(TABLE_FILE);
    let columns = ["val", "test", "params"].map(|name| name.parse().unwrap()).to_vec();
    let reading = Reading { columns, ..Reading::default() };
    let space = Arc::new(NasBench201::new()) as Arc<dyn bonas::spaces::SearchSpace>;
    let table = Benchmark::open(&path, space.clone(), &reading).unwrap();
    assert!(table.arms().len() == done.cells && done.cells > 3, "{done:?}");
    assert!((0..done.cells).all(|arm| table.columns()[..2].iter().all(|column| column.runs(arm).len() == 2)));
    let bytes = std::fs::read(&path).unwrap();
    tabulate.run(&mut |_, _| Vec::new()).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), bytes, "what is trained is not trained again");

    let config = SearchConfig::from_toml(&text.replace("seeds = 2", "seeds = 1"), "test").unwrap();
    let directory = folder.path().join("averaged");
    let averaged = Tabulate { config, networks: NonZero::new(2).unwrap(), directory, ..tabulate };
    averaged.run(&mut |_, _| Vec::new()).unwrap();
    let means = Benchmark::open(&averaged.directory.join(TABLE_FILE), space.clone(), &reading).unwrap();
    for (of_two, one) in table.columns().iter().zip(means.columns()) {
        for arm in 0..done.cells {
            assert!((mean(of_two.runs(arm)) - mean(one.runs(arm))).abs() < 0.011);
            assert_eq!(one.runs(arm).len(), 1);
        }
    }

    // Of the images of the search one network gives both columns.
    let mut config = averaged.config.clone();
    config.finals.images = FinalImages::Search;
    let directory = folder.path().join("search");
    let searched = Tabulate { config, directory, ..averaged };
    assert_eq!(searched.run(&mut |_, _| Vec::new()).unwrap().cells, done.cells);
    let table = Benchmark::open(&searched.directory.join(TABLE_FILE), space, &reading).unwrap();
    let columns = |table: &Benchmark, column: usize| {
        (0..done.cells).map(|arm| table.columns()[column].runs(arm).to_vec()).collect::<Vec<_>>()
    };
    assert_eq!(columns(&table, 0), columns(&means, 0), "trained on the same images");
    assert_ne!(columns(&table, 1), columns(&means, 1), "trained on fewer");
    assert!(!searched.directory.join("test").exists());
}

#[test]
fn settings_of_final_training_are_refused_before_the_search() {
    let text = "[evaluator]\nname = \"synthetic\"\n[final]\nchannels = 5\n";
    let config = SearchConfig::from_toml(text, "test").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("run");
    let search = Search { config, directory: directory.clone(), cancel: Arc::default() };
    let error = search.run(&mut |_, _| Vec::new()).unwrap_err().to_string();
    assert!(error.contains("[final]") && error.contains("channels = 5"), "{error}");
    assert!(!directory.exists());
}

#[test]
fn the_best_of_the_shortlist_wins() {
    let text = "[study]\narchitectures = 12\nworkers = 2\n[strategy]\nname = \"random\"\n[evaluator]\nname = \"synthetic\"\n\
                [data]\nlimit = 160\nvalidation = 0.5\n\
                [shortlist]\ncells = 4\nseeds = 2\nepochs = 3\nbatch = 8\nchannels = 4\nlayers = 2\n\
                [final]\nrandom = 1\nseeds = 1\nepochs = 1\nbatch = 16\nchannels = 4\nlayers = 2\n[training]\nlearning_rate = 0.1\n";
    let config = SearchConfig::from_toml(text, "test").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let search = Search { config, directory: folder.path().to_owned(), cancel: Arc::default() };
    let mut stages = Vec::new();
    search
        .run(&mut |stage, _| {
            stages.push(stage);
            Vec::new()
        })
        .unwrap();
    assert_eq!(stages, [Stage::Search, Stage::Shortlist, Stage::Finals]);
    let summary: Summary = read_json(&folder.path().join(SUMMARY_FILE)).unwrap().unwrap();
    assert_eq!(summary.shortlist.len(), 4);
    // The four best scores of the search, and not the fifth.
    let space = Arc::new(Darts::new()) as Arc<dyn bonas::spaces::SearchSpace>;
    let study = Journalled::read(folder.path(), &space).unwrap();
    let mut scores: Vec<f64> =
        study.history.scored(summary.fidelity.unwrap()).map(|(_, score)| score).collect();
    scores.sort_by(|a, b| b.total_cmp(a));
    let listed: Vec<f64> = summary.shortlist.iter().filter_map(|one| one.score).collect();
    assert_eq!(listed, scores[..4]);
    let mean = |one: &Shortlisted| one.validation.iter().sum::<f64>() / 2.0;
    let ahead = |a: &&Shortlisted, b: &&Shortlisted| mean(a).total_cmp(&mean(b));
    let winner = summary.shortlist.iter().rev().max_by(ahead).unwrap();
    assert_eq!(summary.winner.as_ref(), Some(&winner.arch));
    assert_eq!(summary.finals.unwrap().results[0].arch, winner.arch);
    let line = std::fs::read_to_string(folder.path().join(WINNER_FILE)).unwrap();
    assert_eq!(line.trim(), winner.arch);
}

#[test]
fn a_second_part_is_scored_with_the_same_networks() {
    let architecture = Darts::new().architecture(&DARTS_V1).unwrap();
    let scored = |part, also| {
        let evaluator = ScratchEvaluator { part, also, paired: Some(7), seeds: 2, ..scratch(400, 1, None) };
        evaluator.scores(&architecture, &mut stream(1, &[]), &patient())
    };
    let (validation, none) = scored(Part::Validation, None).unwrap();
    let (test, _) = scored(Part::TestOfSearch, None).unwrap();
    assert!(none.is_empty() && validation != test);
    let test = test.into_iter().map(|scored| scored.value).collect();
    assert_eq!(scored(Part::Validation, Some(Part::TestOfSearch)).unwrap(), (validation, test));
    // Networks for the test part may have seen the images held out.
    let error = scored(Part::Test, Some(Part::Validation)).unwrap_err().to_string();
    assert!(error.contains("other images"), "{error}");
}

#[test]
fn paired_runs_start_alike_whatever_was_drawn_before() {
    let accuracies = |paired, rng| {
        let evaluator = ScratchEvaluator { paired, seeds: 2, ..scratch(400, 1, None) };
        let architecture = Darts::new().architecture(&DARTS_V1).unwrap();
        evaluator.scores(&architecture, &mut stream(rng, &[]), &patient()).unwrap().0
    };
    let runs = accuracies(Some(7), 1);
    assert_eq!(runs, accuracies(Some(7), 2));
    assert_ne!(runs[..1], runs[1..]);
    assert_ne!(runs, accuracies(Some(8), 1));
    assert_ne!(accuracies(None, 1), accuracies(None, 2));
}

#[test]
fn statistics_of_a_trained_network_may_be_those_of_its_training_images() {
    let ScratchEvaluator { task, skeleton, ops, recipe, placement, .. } = scratch(80, 1, None);
    let union = Union::of(&[Darts::new().architecture(&DARTS_V2).unwrap()]).unwrap();
    let network = skeleton.network(&union, &ops).unwrap();
    let route = union.full_route();
    let furthest = |statistics_images| {
        let recipe = &ScratchRecipe { statistics_images, ..recipe.clone() };
        let (part, seed, checkpoint) = (Part::Validation, 1, None);
        let run = ScratchRun {
            network: &network,
            route: &route,
            task: &task,
            part,
            also: None,
            recipe,
            init: &[],
            placement,
            seed,
            checkpoint,
            curves: None,
        };
        let net = run.run(&patient()).unwrap().net;
        let indices = task.training_indices(Part::Validation);
        let exact = estimate(&net, &net.path(&route).unwrap(), task.training(), indices).unwrap();
        let apart = |(i, (_, mean, _)): (usize, (_, &Tensor, _))| {
            (mean - exact.get(i).unwrap().0).abs().max().double_value(&[])
        };
        net.running().enumerate().map(apart).fold(0.0, f64::max)
    };
    assert!(furthest(1000) < 1e-5 && furthest(0) > 1e-2, "{} {}", furthest(1000), furthest(0));
}

#[test]
fn networks_of_one_seed_start_from_equal_weights_where_they_are_alike() {
    let ops = OpTable::darts();
    let net = |genotype| {
        let union = Union::of(&[Darts::new().architecture(genotype).unwrap()]).unwrap();
        let network = skeleton(Norm::DISCRETE).network(&union, &ops).unwrap();
        Supernet::build(&network, Placement::on(tch::Device::Cpu), &mut stream(3, &[])).unwrap()
    };
    let (one, other) = (net(&DARTS_V1), net(&PC_DARTS_CIFAR));
    let others: HashMap<&str, &Tensor> = other.params().iter().collect();
    let both = one.params().iter().filter_map(|(name, value)| Some((value, *others.get(name)?)));
    let alike: Vec<_> = both.filter(|(a, b)| a.size() == b.size()).collect();
    assert!(alike.len() > 10, "{}", alike.len());
    assert!(alike.iter().all(|(a, b)| a.equal(b)));
}

#[test]
fn a_batch_larger_than_the_training_images_is_refused() {
    let evaluator = ScratchEvaluator { part: Part::Validation, ..scratch(40, 1, None) };
    let mut evaluator =
        ScratchEvaluator { recipe: ScratchRecipe { batch: 33, ..evaluator.recipe.clone() }, ..evaluator };
    let architectures = vec![Darts::new().architecture(&DARTS_V1).unwrap()];
    let job = Job { architectures, round: 0, batch: 0 };
    let error = evaluator.evaluate(&job, &mut stream(0, &[]), &patient()).unwrap_err().to_string();
    assert!(error.contains("33") && error.contains("20 images"), "{error}");
}

#[test]
fn a_network_that_cannot_be_scored_is_refused_before_the_search() {
    let text = "[space]\nname = \"bcnn\"\n[strategy]\nname = \"random\"\n[evaluator]\nname = \"from-scratch\"\n\
                layers = 5\n[final]\nseeds = 0\n";
    let config = SearchConfig::from_toml(text, "test").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("run");
    let search = Search { config, directory: directory.clone(), cancel: Arc::default() };
    let error = search.run(&mut |_, _| Vec::new()).unwrap_err().to_string();
    assert!(
        error.contains("[evaluator]") && error.contains("multiple of the 2 convolution blocks"),
        "{error}"
    );
    assert!(!directory.exists());
}

#[test]
fn the_final_task_may_be_that_of_the_search() {
    let task = task(40);
    let search = task.training_indices(Part::Validation);
    assert_eq!(task.training_indices(Part::TestOfSearch), search);
    assert!(search.len() < task.training_indices(Part::Test).len());
    assert_eq!(task.scoring(Part::TestOfSearch).1, task.scoring(Part::Test).1);
}
