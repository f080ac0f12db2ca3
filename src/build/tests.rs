use bonas_spaces::families::darts::Darts;
use bonas_study::{Finished, Study};
use bonas_surrogate::catalogue::{SELECTIONS, SURROGATES};

use std::sync::Arc;

use bonas_spaces::catalogue::SPACES;

use super::*;
use crate::config::EvaluatorSettings;
use bonas_study::strategy::{Aims, BuildContext, Knowledge, Start, Strategy, surrogates_with_prior};
use bonas_study::testing::{check_evaluator, check_strategy};

/// The strategy of a configuration.
fn built(config: &SearchConfig, space: &dyn SearchSpace) -> Result<Box<dyn Strategy>, StudyError> {
    built_with(config, space, &Knowledge::default())
}

/// The strategy of a configuration, with what it can start from.
fn built_with(
    config: &SearchConfig,
    space: &dyn SearchSpace,
    knowledge: &Knowledge,
) -> Result<Box<dyn Strategy>, StudyError> {
    let aims = Aims::default();
    config.strategy.build(&BuildContext {
        space,
        fidelity: Fidelity::Table,
        aims: &aims,
        knowledge,
        trainer: None,
    })
}

/// A configuration and the study it makes, run to its end.
fn ran(text: &str) -> (SearchConfig, Finished) {
    let config = SearchConfig::from_toml(text, "test").unwrap();
    let space = space(&config).unwrap();
    let strategy = built(&config, &*space).unwrap();
    let study = Study::new(space, strategy, evaluators(&config, Path::new("unused")).unwrap());
    let finished = study.seed(1).budget(budget(&config.study)).run().unwrap();
    (config, finished)
}

#[test]
fn every_strategy_runs_a_small_study() {
    for name in StrategySettings::NAMES {
        let settings = StrategySettings::named(name).unwrap();
        if settings.needs_images() || (settings.needs_torch() && !cfg!(feature = "torch")) {
            continue;
        }
        let text = format!(
            "[study]\narchitectures = 40\n[space]\nname = \"nasbench201\"\n[evaluator]\nname = \"synthetic\"\n{}",
            quick(name)
        );
        let (config, finished) = ran(&text);
        assert_eq!(finished.history.len(), 40, "{name}");
        let map = embedding(&config.strategy, &finished.history, finished.fidelity, 1).unwrap();
        assert!(map.is_none_or(|map| map.nrows() == 40));
    }
}

/// Settings with which a strategy is quick enough for a test; those of the table `[strategy]`.
fn quick(strategy: &str) -> String {
    let more = match strategy {
        "bananas" => "ensemble = 2\nepochs = 5\n",
        "bonas-published" => "batch = 10\ninitial = 20\n",
        _ => "",
    };
    format!("[strategy]\nname = \"{strategy}\"\n{more}")
}

#[test]
fn every_strategy_keeps_the_contract() {
    let nasbench201 = SPACES.get("nasbench201").unwrap().space();
    for name in StrategySettings::NAMES {
        // Every ask is answered twice, so the ensemble would take most of the time.
        let cheaper = if *name == "bonas" { "surrogate = \"counts-bsr\"\n" } else { "" };
        let settings = SearchConfig::from_toml(&(quick(name) + cheaper), "test").unwrap().strategy;
        if settings.needs_images() || (settings.needs_torch() && !cfg!(feature = "torch")) {
            continue;
        }
        let make = || {
            let (aims, knowledge) = (Aims::default(), Knowledge::default());
            let (space, fidelity) = (&*nasbench201, Fidelity::SharedWeights);
            let context = BuildContext { space, fidelity, aims: &aims, knowledge: &knowledge, trainer: None };
            settings.build(&context).unwrap()
        };
        assert_eq!(make().name(), *name);
        check_strategy(&make, nasbench201.clone());
    }
}

/// Settings with which an evaluator is quick enough for a test.
fn quick_evaluator(evaluator: &str) -> &'static str {
    match evaluator {
        "shared-weights" => "channels = 4\nlayers = 1\nepochs = 2\nwarmup_epochs = 1\n",
        "one-shot" => "channels = 4\nlayers = 1\nepochs = 1\nbatch = 16\n",
        "from-scratch" => "channels = 4\nlayers = 1\nepochs = 1\n",
        "command" => {
            "command = [\"sh\", \"-c\", \"grep -c 3x3 $BONAS_REQUEST | sed 's/.*/{\\\"score\\\": &}/'\"]\n"
        }
        "language-model" => "hidden = 8\nembedding = 8\nepochs = 1\nbptt = 40\n",
        "indicator" => "channels = 4\nepochs = 1\nimages = 8\npasses = 2\nreferences = 4\n",
        _ => "",
    }
}

#[test]
fn every_evaluator_keeps_the_contract() {
    for name in EvaluatorSettings::NAMES {
        let settings = EvaluatorSettings::named(name).unwrap();
        // One that is told evaluates nothing.
        if (settings.needs_torch() && !cfg!(feature = "torch")) || settings.told().is_some() {
            continue;
        }
        let text = format!(
            "[space]\nname = \"{}\"\n[data]\nlimit = 150\n[training]\ndevice = \"cpu\"\n\
             [evaluator]\nname = \"{name}\"\n{}",
            if *name == "language-model" { "nasbench-nlp" } else { "nasbench201" },
            quick_evaluator(name)
        );
        let config = SearchConfig::from_toml(&text, "test").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let make = || evaluators(&config, folder.path()).unwrap().remove(0);
        assert_eq!(make().fidelity(), config.evaluator.fidelity(), "{name}");
        check_evaluator(&make, &*space(&config).unwrap());
    }
}

/// Architectures that BONAS evaluates on a space, with these settings, of a budget of 40.
fn evaluated(space: &str, settings: &str) -> usize {
    let text = format!(
        "[study]\narchitectures = 40\n[space]\nname = \"{space}\"\n[evaluator]\nname = \"synthetic\"\n\
         [strategy]\nname = \"bonas\"\n{settings}"
    );
    ran(&text).1.history.len()
}

#[test]
fn every_surrogate_without_libtorch_runs_a_study() {
    for entry in SURROGATES.iter().filter(|entry| !entry.needs_torch()) {
        let name = entry.name();
        let settings = format!("surrogate = \"{name}\"\nacquisition = \"log-ei\"\npool_size = 50\n");
        assert_eq!(evaluated("darts", &settings), 40, "{name}");
    }
}

#[test]
fn what_is_known_beforehand_runs_a_study_where_there_is_a_network() {
    for (space, settings) in [
        ("darts", "prior = \"macs\"\nsurrogate = \"graph-gp\"\npool_size = 50\n"),
        ("nasbench101", "prior = \"params\"\nselection = \"clusters\"\npool_size = 50\n"),
        ("nasbench201", "prior = \"macs\"\n"),
    ] {
        assert_eq!(evaluated(space, settings), 40, "{space}");
    }
    let settings =
        |text: &str| SearchConfig::from_toml(&format!("[strategy]\nname = \"bonas\"\n{text}"), "test");
    let config = settings("prior = \"macs\"").unwrap();
    let made = built(&config, &Darts::one_cell());
    let error = made.err().unwrap().to_string();
    assert!(error.contains("strategy.prior: darts-one-cell has no network here"), "{error}");
    let error = settings("prior = \"params\"\nsurrogate = \"wl-gp\"").unwrap_err().to_string();
    assert!(
        error.contains("strategy.prior") && error.contains("params") && error.contains("graph-gp"),
        "{error}"
    );
}

#[test]
fn every_pool_runs_a_study() {
    for pool in ["auto", "whole", "evolutionary", "local", "random"] {
        let settings = format!("pool = \"{pool}\"\nsurrogate = \"counts-bsr\"\npool_size = 50\n");
        assert_eq!(evaluated("nasbench201", &settings), 40, "{pool}");
    }
}

#[test]
fn every_selection_runs_a_study() {
    for selection in SELECTIONS.names() {
        let settings = format!("selection = \"{selection}\"\ninitial = 34\nbatch = 3\npool_size = 20\n");
        assert_eq!(evaluated("darts", &settings), 40, "{selection}");
    }
}

#[test]
fn what_a_space_or_build_lacks_is_named() {
    let read = |text| SearchConfig::from_toml(text, "test").unwrap();
    let config = read("[space]\nname = \"drats\"\n");
    assert!(space(&config).unwrap_err().to_string().contains("did you mean `darts`?"));
    let clustered = "[strategy]\nname = \"bonas\"\nsurrogate = \"trees\"\nselection = \"clusters\"\n";
    let (config, darts) = (read(clustered), space(&read("")).unwrap());
    let error = built(&config, &*darts).err().unwrap().to_string();
    assert!(
        error.contains("strategy.selection")
            && error.contains("clusters needs a surrogate with an embedding; take "),
        "{error}"
    );
    let without_joint = clustered.replace("clusters", "q-ei");
    let joint = read(&without_joint);
    let error = built(&joint, &*darts).err().unwrap().to_string();
    assert!(
        error.contains("strategy.selection")
            && error.contains("q-ei needs a surrogate with a joint posterior; take "),
        "{error}"
    );
    for (settings, reason) in [
        (
            "surrogate = \"trees\"",
            "trees does not know the noise of a measurement; take ensemble, graph-gp, ",
        ),
        ("acquisition = \"ucb\"", "ucb is no expected improvement; take ei or log-ei, or false"),
    ] {
        let text = format!("[strategy]\nname = \"bonas\"\nnoise_free = true\n{settings}\n");
        let config = SearchConfig::from_toml(&text, "test").unwrap();
        let error = built(&config, &*darts).err().unwrap().to_string();
        assert!(error.contains("strategy.noise_free") && error.contains(reason), "{error}");
    }
    let config = read("[strategy]\nname = \"bonas\"\nsurrogate = \"counts-bsr\"\npool = \"whole\"\n");
    let space = space(&config).unwrap();
    let error = built(&config, &*space).err().unwrap().to_string();
    assert!(error.contains("strategy.pool") && error.contains("use auto"), "{error}");
}

/// auto: multiply-adds where there is a network and the surrogate takes a prior; then as with macs.
#[test]
fn priors_are_taken_where_they_can_be() {
    use crate::config::{PriorKind, SurrogateName};
    let named = |name| SPACES.get(name).unwrap().space();
    let spaces =
        [(named("nasbench201"), true), (named("macro"), true), (Arc::new(Darts::one_cell()) as _, false)];
    for (space, has_network) in &spaces {
        let fitted = |kind, prior| {
            let mut rng = stream(4, &[]);
            let cells: Vec<_> = (0..12).map(|_| space.sample(&mut rng)).collect();
            let score = |(i, cell): (usize, &Architecture)| {
                Observation::new(cell.clone(), 0.5 + 0.01 * ((7 * i) % 12) as f64)
            };
            let observations: Vec<_> = cells.iter().enumerate().map(score).collect();
            let surrogate =
                Knowledge::default().surrogate(kind, Start { prior, ..Start::NOTHING }, &**space)?;
            let fitted = surrogate.fit(&observations, &mut stream(5, &[])).unwrap();
            Ok::<_, StudyError>(fitted.predict(&cells).unwrap())
        };
        for kind in ["graph-gp", "ensemble"].map(|name| SurrogateName::named(name).unwrap()) {
            let (auto, none) =
                (fitted(kind, PriorKind::Auto).unwrap(), fitted(kind, PriorKind::None).unwrap());
            assert_eq!(auto != none, *has_network, "{}", space.name());
            match fitted(kind, PriorKind::Macs) {
                Ok(macs) => assert_eq!(auto, macs),
                Err(error) => assert!(!has_network && error.to_string().contains("has no network here")),
            }
        }
        let trees = |prior| fitted(SurrogateName::named("trees").unwrap(), prior);
        assert_eq!(trees(PriorKind::Auto).unwrap(), trees(PriorKind::None).unwrap());
        let expected = format!("take {}", surrogates_with_prior());
        assert!(trees(PriorKind::Params).unwrap_err().to_string().contains(&expected));
    }
}

/// Indicators at initialisation are features of a search; those that read a trained supernet, and unknown names, are not.
#[cfg(feature = "torch")]
#[test]
fn indicators_are_features() {
    let config = |feature: &str| {
        let text = format!(
            "[space]\nname = \"nasbench201\"\n[data]\nsource = \"digits\"\nlimit = 200\n[strategy]\nname = \"bonas\"\n\
             surrogate = \"graph-gp\"\nfeatures = [\"{feature}\", \"network.params\"]\n"
        );
        SearchConfig::from_toml(&text, "c.toml").unwrap()
    };
    let features = |feature: &str| {
        let config = config(feature);
        let (space, knowledge) = (space(&config)?, knowledge(&config)?);
        built_with(&config, &*space, &knowledge).map(drop)
    };
    features("synflow").unwrap();
    let error = |feature: &str| features(feature).err().unwrap().to_string();
    assert!(
        error("bn-gamma").contains("bn-gamma, which reads a trained supernet; take macs, params, synflow")
    );
    let near = error("synflw");
    assert!(near.contains("strategy.features: unknown feature `synflw`; did you mean `synflow`?"), "{near}");
    assert!(near.contains("naswot") && near.contains("network.macs") && !near.contains("bn-gamma"), "{near}");
    // Networks of different widths share no weights, so there is none to measure all of them in.
    let text = config("synflow").plain().replace("\"nasbench201\"", "\"mnasnet\"");
    let mnasnet = SearchConfig::from_toml(&text, "c.toml").unwrap();
    let error = knowledge(&mnasnet).unwrap_err().to_string();
    assert!(error.contains("strategy.features: synflow: ") && error.contains("same length"), "{error}");
}

/// The files of images are hashed once for a configuration and its clones; one that is read again sees that they changed.
#[test]
fn a_configuration_keeps_the_fingerprint_of_its_images() {
    let folder = tempfile::tempdir().unwrap();
    let write = |bytes: &[u8]| std::fs::write(folder.path().join("a.bin"), bytes).unwrap();
    let read = || {
        let text = "[data]\nsource = \"cifar10:a.bin,a.bin\"\n[evaluator]\nname = \"from-scratch\"\n";
        let config = SearchConfig::from_toml(text, "test").unwrap();
        SearchConfig { relative_to: folder.path().to_owned(), ..config }
    };
    write(b"before");
    let config = read();
    let before = data_fingerprint(&config).unwrap();
    assert!(before.is_some());
    write(b"after");
    assert_eq!(data_fingerprint(&config.clone()).unwrap(), before);
    assert_ne!(data_fingerprint(&read()).unwrap(), before);
}
