use super::*;
use crate::config::StrategySettings;

fn read(text: &str) -> ExperimentConfig {
    ExperimentConfig::from_toml(text, "c.toml").unwrap()
}

fn error(text: &str) -> String {
    ExperimentConfig::from_toml(text, "c.toml").unwrap_err().to_string()
}

/// Every text is refused with a message that begins as expected.
fn refused(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        let message = error(text);
        assert!(message.starts_with(expected), "{message}");
    }
}

const TABLE: &str = "[table]\nspace = \"macro\"\npath = \"t.csv\"\nsearch = \"test1\"\n";

const IMAGES: &str = "seeds = 2\nbudget = 8\n[space]\nname = \"bcnn\"\n[evaluator]\nname = \"from-scratch\"\nepochs = 2\n\
                      [[strategy]]\nname = \"random\"\n[[strategy]]\nname = \"differentiable\"\nlabel = \"b\"\n\
                      epochs = 3\n[strategy.space]\nname = \"darts\"\n";

#[test]
fn what_is_printed_reads_back() {
    let text = format!(
        "seeds = 7\n{TABLE}limits = [\"params <= 2\"]\n[[strategy]]\nname = \"random\"\n[[strategy]]\nname = \
         \"random\"\nlabel = \"random \\\"b\\\"\"\nbatch = 3\n"
    );
    for config in [read(&text), read(IMAGES), ExperimentConfig::default()] {
        assert_eq!(read(&config.commented()), config);
    }
    assert_eq!(read(""), ExperimentConfig::default());
    let printed = ExperimentConfig::default().commented();
    assert!(printed.contains("# [table]\n") && printed.contains("# search = \"\"\n"), "{printed}");
    assert!(printed.contains("\nstop_at_optimum = ") && !printed.contains("\nseconds = "), "{printed}");
    let printed = read(IMAGES).commented();
    assert!(printed.contains("\nseconds = ") && !printed.contains("\nstop_at_optimum = "), "{printed}");
}

#[test]
fn a_strategy_has_the_batch_of_all_unless_it_says_another() {
    let config = read(
        "batch = 4\ninitial = 12\n[[strategy]]\nname = \"bonas\"\n[[strategy]]\nname = \"bonas\"\nlabel = \
         \"b\"\nbatch = 1\ninitial = 7\n",
    );
    let of = |i: usize| match &config.strategies[i].settings {
        StrategySettings::Bonas(s) => (s.batch, s.initial),
        _ => panic!("bonas"),
    };
    assert_eq!((of(0), of(1)), ((4, 12), (1, 7)));
}

#[test]
fn on_images_a_strategy_has_its_own_batch_unless_one_is_given_for_all() {
    let batches = |top: &str| {
        let text = format!(
            "{top}[space]\nname = \"bcnn\"\n[[strategy]]\nname = \"nas-bowl\"\n[[strategy]]\nname = \"random\"\n"
        );
        read(&text).strategies.iter().map(|strategy| strategy.settings.batch()).collect::<Vec<_>>()
    };
    assert_eq!(batches(""), [5, 10]);
    assert_eq!(batches("batch = 3\n"), [3, 3]);
}

#[test]
fn errors_name_the_place_in_an_array_of_tables() {
    refused(&[
        (
            "[[strategy]]\nname = \"random\"\n[[strategy]]\nname = \"evolution\"\npopulatoin = 3\n",
            "c.toml line 5: strategy[1].populatoin: unknown key `populatoin`; did you mean `population`?",
        ),
        (
            "[[strategy]]\nname = \"evolution\"\npopulation = 0\n",
            "c.toml line 3: strategy[0].population: 0 is out of range; expected at least 1",
        ),
        (
            "[[strategy]]\nname = \"evolution\"\npopulation = \"x\"\n",
            "c.toml line 3: strategy[0].population: invalid type",
        ),
        (
            "[[strategy]]\nname = \"evolutoin\"\n",
            "c.toml line 2: strategy[0].name: unknown strategy `evolutoin`",
        ),
        ("[[strategy]]\nbatch = 2\n", "c.toml line 1: strategy[0]: there is no `name`; give one of bonas"),
        ("[strategy]\nname = \"random\"\n", "c.toml line 1: strategy: expected tables `[[strategy]]`"),
        (
            "[[strategy]]\nname = \"random\"\n[[strategy]]\nname = \"random\"\n",
            "c.toml line 4: strategy[1].name: two strategies are called `random`; give one of them a `label`",
        ),
        ("seed = 3\n", "c.toml line 1: seed: unknown key `seed`; did you mean `seeds`?"),
        ("alpha = 1.5\n", "c.toml line 1: alpha: 1.5 is out of range"),
    ]);
}

#[test]
fn errors_of_a_table_name_the_place() {
    refused(&[
        ("[table]\nspace = \"macro\"\nsearch = \"\"\n", "c.toml line 3: table.search: \"\" is no column"),
        ("[table]\nsearch = \"a\"\n", "c.toml: table.space: none is out of range"),
        (
            "[table]\nspace = \"macro\"\nsearch = \"a\"\nlimits = [\"a = 3\"]\n",
            "c.toml line 4: table.limits: \"a = 3\"",
        ),
    ]);
}

#[test]
fn errors_of_images_name_the_place() {
    refused(&[
        ("[data]\n", "c.toml: [[strategy]]: there is none; an experiment on images names its strategies"),
        (
            "[data]\n[[strategy]]\nname = \"random\"\nlabel = \"a/b\"\n",
            "c.toml line 4: strategy[0].label: \"a/b\" cannot name a folder",
        ),
        (
            "[data]\n[[strategy]]\nname = \"random\"\nlabel = \"..\"\n",
            "c.toml line 4: strategy[0].label: \"..\" cannot name a folder",
        ),
        (
            "[space]\n[[strategy]]\nname = \"random\"\ndata = {}\n",
            "c.toml line 4: strategy[0].data: images and training are the same for all strategies",
        ),
        ("[shortlist]\ncells = 2\n", "c.toml line 1: shortlist: unknown key `shortlist`"),
        (
            "[data]\n[[strategy]]\nname = \"differentiable\"\nepochs = 3\nalpha_start = 3\n",
            "c.toml line 5: strategy[0].alpha_start: 3 is out of range; expected 0 to 2",
        ),
        (
            "[[strategy]]\nname = \"differentiable\"\nevaluator = {}\n",
            "c.toml line 3: strategy[0].evaluator: a differentiable strategy has no evaluator",
        ),
        (
            "[[strategy]]\nname = \"differentiable\"\nstudy = {}\n",
            "c.toml line 3: strategy[0].study: a differentiable strategy has its `epochs`",
        ),
        (
            "[data]\n[[strategy]]\nname = \"bonas\"\ntransfer = \"study:old\"\n",
            "c.toml line 4: strategy[0].transfer: study:old; on images every strategy starts from nothing",
        ),
        (
            "[[strategy]]\nname = \"random\"\nstudy = { seed = 3 }\n",
            "c.toml line 3: strategy[0].study.seed: unknown key `seed`",
        ),
        (
            "[final]\nseeds = 0\n[[strategy]]\nname = \"random\"\n",
            "c.toml line 2: final.seeds: 0; winners are compared",
        ),
        (
            "[final]\nrandom = 2\n[[strategy]]\nname = \"random\"\n",
            "c.toml line 2: final.random: an experiment has `random` at the top of the file",
        ),
        (
            "[[strategy]]\nname = \"random\"\nfinal = { seeds = 0 }\n",
            "c.toml line 3: strategy[0].final.seeds: 0; winners are compared",
        ),
    ]);
}

#[test]
fn a_key_that_does_not_fit_the_task_says_so() {
    refused(&[
        ("seconds = 3.0\n", "c.toml line 1: seconds: it is for images"),
        (
            "random = 3\n[table]\nspace = \"macro\"\nsearch = \"a\"\n",
            "c.toml line 1: random: it is for images",
        ),
        (
            "stop_at_optimum = true\n[data]\n[[strategy]]\nname = \"random\"\n",
            "c.toml line 1: stop_at_optimum: it is for a table",
        ),
        (
            "[table]\nspace = \"macro\"\nsearch = \"a\"\n[data]\n",
            "c.toml line 4: data: it is for an experiment on images, and `table` for one on a table",
        ),
        (
            "[objective]\nsearch = \"a\"\n[[strategy]]\nname = \"random\"\n[strategy.space]\nname = \"bcnn\"\n",
            "c.toml line 5: strategy[0].space: it is for an experiment on images, and `objective`",
        ),
        (
            "[objective]\nsearch = \"a\"\nsearch_reference = [1.0]\n",
            "c.toml line 3: objective.search_reference: [1.0] is out of range; expected two numbers, or none",
        ),
    ]);
}

#[test]
fn an_old_key_is_refused_with_its_new_name() {
    refused(&[
        (
            "[[arm]]\nname = \"a\"\nstrategy = { name = \"random\" }\n",
            "c.toml line 1: arm[0]: [[arm]] is [[strategy]] now: arm.name is `label`",
        ),
        ("[contest]\nrandom = 2\nseeds = 2\n", "c.toml line 3: contest.seeds: it is `seeds` now, at the top"),
        ("[contest]\nseconds = 2\n", "c.toml line 2: contest.seconds: it is `seconds` now, at the top"),
        ("[contest]\n", "c.toml line 1: contest: its keys stand at the top of the file now"),
        (
            "[study]\narchitectures = 4\n",
            "c.toml line 2: study.architectures: an experiment has `budget` at the top",
        ),
        ("[study]\nseed = 4\n", "c.toml line 2: study.seed: an experiment has `first_seed`"),
        (
            "[[strategy]]\nname = \"a\"\nstrategy = { name = \"random\" }\n",
            "c.toml line 3: strategy[0].strategy: its keys stand in [[strategy]] itself now",
        ),
    ]);
}

#[test]
fn strategies_have_the_sections_of_all_and_their_own() {
    let config = read(IMAGES);
    let images = config.images().unwrap();
    let [a, b] = [0, 1].map(|i| images.search(&config.strategies[i], config.settings.budget));
    assert_eq!((&*a.space.name, &*b.space.name), ("bcnn", "darts"));
    assert_eq!((a.evaluator.name(), b.evaluator.name()), ("from-scratch", "synthetic"));
    assert_eq!(a.study.architectures, 8);
    let own = read(
        &IMAGES
            .replace("[[strategy]]\nname = \"d", "study = { architectures = 5 }\n[[strategy]]\nname = \"d"),
    );
    assert_eq!(own.images().unwrap().search(&own.strategies[0], 8).study.architectures, 5);
}

#[test]
fn more_seeds_are_the_same_experiment_on_images_and_another_budget_is_not() {
    let identity = |text: &str| {
        let config = read(text);
        config.images().unwrap().identity(&config.settings, &config.strategies)
    };
    assert_eq!(
        identity(&IMAGES.replace("seeds = 2", "seeds = 9\nresamples = 9\nalpha = 0.1")),
        identity(IMAGES)
    );
    assert_ne!(identity(&IMAGES.replace("seeds = 2", "seconds = 9.0")), identity(IMAGES));
    assert_ne!(identity(&IMAGES.replace("budget = 8", "budget = 9")), identity(IMAGES));
    assert_ne!(identity(&IMAGES.replace("epochs = 3", "epochs = 4")), identity(IMAGES));
}

#[test]
fn path_and_label_are_no_part_of_identity() {
    let table = |text: &str| read(text).table().unwrap().table.clone().unwrap().identity();
    assert_eq!(table(&TABLE.replace("t.csv", "a.csv")), table(TABLE));
    assert_ne!(table(&TABLE.replace("test1", "test2")), table(TABLE));
    let strategy =
        |more: &str| read(&format!("[[strategy]]\nname = \"random\"\n{more}")).strategies[0].identity();
    assert_eq!(strategy("label = \"b\"\n"), strategy(""));
    assert_ne!(strategy("batch = 3\n"), strategy(""));
}

#[test]
fn truth_is_for_images() {
    let text = format!("{IMAGES}[truth]\ncolumn = \"-loss\"\n");
    let config = read(&text);
    let truth = config.images().unwrap().truth.clone().unwrap();
    assert_eq!((&*truth.path, &*truth.column), ("digits", "-loss"));
    assert_eq!(read(&config.commented()), config);
    // Another path is the same experiment if the table is the same, another column is another one.
    let identity = |text: &str| {
        let config = read(text);
        config.images().unwrap().identity(&config.settings, &config.strategies)
    };
    assert_eq!(identity(&text), identity(&text.replace("[truth]", "[truth]\npath = \"t.csv\"")));
    assert_ne!(identity(&text), identity(&text.replace("-loss", "loss")));
    assert_ne!(identity(&text), identity(IMAGES));
    let by_model = "name = \"random\"\n[strategy.shortlist]\nby = \"model\"\n";
    let relaxed = "label = \"b\"\n[strategy.shortlist]\nby = \"score\"\n";
    refused(&[
        (&format!("{TABLE}[truth]\n"), "c.toml line 5: truth: it is for an experiment on images"),
        (&format!("{IMAGES}[truth]\ncolumn = \"\"\n"), "c.toml line 17: truth.column"),
        (&format!("{IMAGES}[truth]\ncolum = \"a\"\n"), "c.toml line 17: truth.colum"),
        (
            &IMAGES.replace("name = \"random\"\n", by_model),
            "c.toml line 11: strategy[0].shortlist.by: model, but",
        ),
        (&IMAGES.replace("label = \"b\"\n", relaxed), "c.toml line 13: strategy[1].shortlist"),
    ]);
}
