//! Differentiable searches that cannot be.

use std::sync::Arc;

use bonas::config::SearchConfig;
use bonas::search::Search;

#[test]
fn what_differentiable_search_cannot_do_is_refused_before_it_begins() {
    let refused = |study: &str, space: &str, settings: &str| {
        let text = format!(
            "[study]\n{study}\n[space]\nname = \"{space}\"\n[strategy]\nname = \"differentiable\"\n{settings}\n\
             [evaluator]\nname = \"synthetic\"\n[final]\nseeds = 0\n[data]\nlimit = 160\n"
        );
        let config = match SearchConfig::from_toml(&text, "test") {
            Ok(config) => config,
            Err(error) => return error.to_string(),
        };
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().join("run");
        let search = Search { config, directory: directory.clone(), cancel: Arc::default() };
        let error = search.run(&mut |_, _| Vec::new()).unwrap_err().to_string();
        assert!(!directory.exists());
        error
    };
    for (space, settings, parts) in [
        ("bcnn", "channels = 8\nlayers = 2\npartial = 3", ["partial: 3", "a divisor of channels = 8"]),
        ("darts", "epochs = 4\nalpha_start = 4", ["alpha_start: 4", "0 to 3, the last epoch"]),
        ("bcnn", "layers = 3", ["layers = 3", "multiple of the 2 convolution blocks"]),
        ("nasbench201", "", ["nasbench201", "knows darts, bcnn"]),
        (
            "darts",
            "second_order = true\n[training]\nprecision = \"mixed\"",
            ["training.precision: mixed", "take float32, or strategy.second_order = false"],
        ),
        (
            "darts",
            "epochs = 4\nproposes = \"last-epoch\"",
            ["study.rounds: 2, and nothing is proposed", "last of 4 epochs"],
        ),
        ("darts", "batch = 2000", ["batch: 2000", "half of the training images are 56"]),
    ] {
        let error = refused("rounds = 2", space, settings);
        assert!(parts.iter().all(|part| error.contains(part)), "{error}");
    }
    let error = refused("seconds = 5.0", "darts", "proposes = \"last-epoch\"");
    assert!(error.contains("study.seconds: nothing is proposed before the last epoch"), "{error}");
}
