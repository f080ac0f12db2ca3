//! Latency as a limit and as an objective of a search.

#[cfg(feature = "tract")]
mod compared;
#[cfg(feature = "tract")]
mod measured;
#[cfg(unix)]
mod program;

use std::fs;
use std::path::Path;

use crate::cli::{bonas, text};

const SMALL: &str = r#"
[study]
architectures = 7
workers = 2

[space]
name = "nasbench201"

[strategy]
name = "nsga2"

[evaluator]
name = "synthetic"

[latency]
by = "tract"
channels = 2
layers = 1
image = 8
image_channels = 1
classes = 2
warmup = 1
repeats = 3

[final]
seeds = 0
"#;

fn search(at: &Path, out: &str, more: &[&str]) -> std::process::Output {
    fs::write(at.join("a.toml"), SMALL).unwrap();
    bonas(&[&["search", "a.toml", "--out", out], more].concat(), at)
}

#[test]
fn what_does_not_fit_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    for (more, expected) in [
        (&["--set", "latency.by=off", "--set", "latency.limit_ms=1"][..], "latency.by: off"),
        (&["--set", "latency.threads=2"], "latency.threads: 2"),
        (&["--set", "evaluator.name=told"], "nothing is measured here where scores are told"),
        // Without tract that is refused first.
        #[cfg(feature = "tract")]
        (
            &["--set", "strategy.name=random", "--set", "latency.objective=true"],
            "latency.objective: strategy random raises the score alone",
        ),
        #[cfg(feature = "torch")]
        (&["--set", "latency.by=libtorch", "--set", "latency.device=tpu"], "latency.device: "),
        #[cfg(not(feature = "torch"))]
        (&["--set", "latency.by=libtorch"], "latency.by: libtorch needs libtorch"),
        #[cfg(not(feature = "tract"))]
        (&[], "latency.by: tract; this program was built without it"),
        #[cfg(feature = "tract")]
        (&["--set", "latency.channels=99999999"], "latency: cannot plan the network: channels = 99999999"),
    ] {
        let refused = search(at, "s", more);
        let error = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(2), "{more:?}: {error}");
        assert!(error.contains(expected), "{more:?}: {error}");
        assert!(!at.join("s/journal.jsonl").exists(), "{more:?}");
    }
    let printed = text(&bonas(&["search", "--print-config"], at).stdout);
    assert!(printed.contains("\n[latency]\n") && printed.contains("\nlimit_ms = 0.0\n"), "{printed}");
}
