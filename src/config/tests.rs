use super::*;

fn error(text: &str) -> String {
    SearchConfig::from_toml(text, "my.toml").unwrap_err().to_string()
}

#[test]
fn an_empty_file_gives_the_defaults() {
    assert_eq!(SearchConfig::from_toml("", "empty").unwrap(), SearchConfig::default());
}

#[test]
fn what_is_printed_reads_back() {
    for name in StrategySettings::NAMES {
        for evaluator in EvaluatorSettings::NAMES {
            let config = SearchConfig {
                strategy: StrategySettings::named(name).unwrap(),
                evaluator: EvaluatorSettings::named(evaluator).unwrap(),
                ..SearchConfig::default()
            };
            assert_eq!(SearchConfig::from_toml(&config.commented(), "commented").unwrap(), config);
            assert_eq!(SearchConfig::from_toml(&config.plain(), "plain").unwrap(), config);
        }
    }
}

#[test]
fn every_printed_key_has_a_comment_above_it() {
    let text = SearchConfig::default().commented();
    let mut above = "";
    for line in text.lines() {
        if line.contains(" = ") && !line.starts_with('#') {
            assert!(above.starts_with("# "), "{line} follows {above:?}");
        }
        above = line;
    }
    assert!(text.contains("# Architectures a batch, trained together. Published: 100.\nbatch = 10\n"));
}

#[test]
fn an_unknown_key_names_its_place_and_the_nearest() {
    let message = error("[study]\nseed = 1\narchitecture = 10\n");
    assert!(
        message.starts_with(
            "my.toml line 3: study.architecture: unknown key `architecture`; did you mean `architectures`?"
        ),
        "{message}"
    );
    let message = error("[strategi]\n");
    assert!(
        message.starts_with("my.toml line 1: strategi: unknown key `strategi`; did you mean `strategy`?"),
        "{message}"
    );
}

#[test]
fn a_key_of_another_strategy_is_unknown() {
    let message = error("[strategy]\nname = \"random\"\ngamma = 0.5\n");
    assert!(message.starts_with("my.toml line 3: strategy.gamma: unknown key `gamma`"), "{message}");
}

#[test]
fn an_unknown_strategy_names_the_nearest() {
    let message = error("[strategy]\nname = \"evolutoin\"\n");
    assert!(
        message.starts_with(
            "my.toml line 2: strategy.name: unknown strategy `evolutoin`; did you mean `evolution`?"
        ),
        "{message}"
    );
}

#[test]
fn a_value_of_the_wrong_type_names_the_key() {
    let message = error("[study]\nseed = \"one\"\n");
    assert!(message.starts_with("my.toml line 2: study.seed: invalid type: string \"one\""), "{message}");
    let message = error("[final]\n\nepochs = -3\n");
    assert!(message.starts_with("my.toml line 3: final.epochs: "), "{message}");
    let message = error("study = 3\n");
    assert_eq!(message, "my.toml line 1: study: expected a table `[study]`, found an integer");
    let message = error("[strategy]\nname = 3\n");
    assert_eq!(message, "my.toml line 2: strategy.name: expected a string, found an integer");
}

#[test]
fn a_bad_choice_names_the_nearest() {
    let message = error("[strategy]\nname = \"bonas\"\nacquisition = \"ubc\"\n");
    assert!(
        message.starts_with(
            "my.toml line 3: strategy.acquisition: unknown acquisition `ubc`; did you mean `ucb`? (known:"
        ),
        "{message}"
    );
    assert!(message.contains("did you mean `ucb`?"), "{message}");
}

#[test]
fn a_value_out_of_range_names_key_and_range() {
    let message = error("[data]\nvalidation = 1.5\n");
    assert_eq!(
        message,
        "my.toml line 2: data.validation: 1.5 is out of range; expected a share between 0 and 1"
    );
    let message = error("[study]\narchitectures = 0\n");
    assert!(message.contains("expected a budget"), "{message}");
    let message = error("[training]\nlearning_rate = nan\n");
    assert!(message.contains("training.learning_rate: NaN"), "{message}");
}

#[test]
fn text_that_is_no_toml_names_the_line() {
    let message = error("[study]\nseed = = 1\n");
    assert!(message.starts_with("my.toml line 2: not valid TOML"), "{message}");
}

#[test]
fn the_number_of_workers_is_no_part_of_a_studys_identity() {
    let of = |text| SearchConfig::from_toml(text, "my.toml").unwrap().identity();
    assert_eq!(of("[study]\nworkers = 4\n"), of(""));
    assert_ne!(of("[study]\nseed = 4\n"), of(""));
}

#[test]
fn defaults_make_valid_recipes() {
    let training = TrainingSettings::default();
    SharedSettings::default().recipe(&training).check().unwrap();
    ScratchSettings::default().recipe(&training).check().unwrap();
    FinalSettings::default().recipe(&training).check().unwrap();
}

#[test]
fn a_bad_transfer_source_is_named() {
    let read = |more: &str| {
        let text = format!("[strategy]\nname = \"bonas\"\n{more}");
        SearchConfig::from_toml(&text, "c.toml").unwrap_err().to_string()
    };
    let error = read("transfer = \"tables:a:b\"\n");
    assert!(error.contains("line 3") && error.contains("did you mean `table`"), "{error}");
    let error = read("transfer = \"digits\"\nsurrogate = \"trees\"\n");
    assert!(error.contains("transfer") && error.contains("graph-gp"), "{error}");
}

#[test]
fn names_of_an_earlier_version_give_those_of_today() {
    for (text, expected) in [
        (
            "[strategy]\nname = \"bn-nas\"\nflops_limit = 5\n",
            "strategy.flops_limit: `flops_limit` is called `macs_limit` now",
        ),
        ("[strategy]\nprior = \"flops\"\n", "strategy.prior: `flops` is called `macs` now"),
        (
            "[evaluator]\nname = \"indicator\"\nindicator = \"flops\"\n",
            "evaluator.indicator: `flops` is called `macs` now",
        ),
    ] {
        assert!(error(text).contains(expected), "{}", error(text));
    }
}
