//! Images whose classes differ in size: balanced accuracy stands beside accuracy.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::cli::{bonas, text};

const SEARCH: &str = r#"
[study]
architectures = 2

[space]
name = "nasbench201"

[strategy]
name = "random"
batch = 2

[evaluator]
name = "shared-weights"
channels = 2
layers = 1
epochs = 1
warmup_epochs = 0
batch = 16

[data]
source = "folder:images"
validation = 0.5

[shortlist]
cells = 2
epochs = 1
batch = 16
channels = 2
layers = 1

[final]
epochs = 1
batch = 16
channels = 2
layers = 1
seeds = 2
random = 1
"#;

/// Two classes of noise, of so many images each.
fn images(at: &Path, counts: [u32; 2]) {
    for (class, count) in ["a", "b"].into_iter().zip(counts) {
        fs::create_dir_all(at.join("images").join(class)).unwrap();
        for i in 0..count {
            let noise = |x, y| image::Luma([(x * 37 + y * 91 + i * 57 + count) as u8]);
            let picture = image::GrayImage::from_fn(8, 8, noise);
            picture.save(at.join("images").join(class).join(format!("{i}.png"))).unwrap();
        }
    }
}

fn run(at: &Path, arguments: &[&str]) -> String {
    let done = bonas(arguments, at);
    assert!(done.status.success(), "{arguments:?}: {}", text(&done.stderr));
    text(&done.stdout)
}

/// The smallest and the largest class: 20 and 60 images.
#[test]
fn balanced_accuracy_stands_beside_accuracy_from_search_to_final() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    images(at, [60, 20]);
    fs::write(at.join("s.toml"), SEARCH).unwrap();
    let printed = run(at, &["search", "s.toml", "--out", "r"]);
    for line in ["score ", "shortlist ", "final "] {
        let line = printed.lines().find(|one| one.starts_with(line)).unwrap();
        assert!(line.contains("balanced accuracy "), "{line}");
    }
    let summary: Value =
        serde_json::from_str(&fs::read_to_string(at.join("r/summary.json")).unwrap()).unwrap();
    // A network of one epoch says one class, or nearly: it is far better by accuracy than by class.
    let best = &summary["best"];
    assert!(
        (0.0..=1.0).contains(&best["beside"].as_f64().unwrap()) && best["beside"] != best["score"],
        "{best}"
    );
    for trained in summary["final"]["results"].as_array().unwrap() {
        assert!((0.0..=1.0).contains(&trained["beside"].as_f64().unwrap()), "{trained}");
    }
    let page = fs::read_to_string(at.join("r/report.html")).unwrap();
    assert!(page.contains(">balanced accuracy</th>") && page.contains(">other metric</th>"));
    assert!(page.contains("the other of accuracy and balanced accuracy, of the best score"));
    // By the other metric, the figures change places.
    let balanced =
        run(at, &["search", "s.toml", "--set", "evaluator.metric=balanced-accuracy", "--out", "b"]);
    let line = balanced.lines().find(|one| one.starts_with("score ")).unwrap();
    assert!(line.contains("(balanced accuracy on held-out images with shared weights); accuracy "), "{line}");
    let trained = run(
        at,
        &[
            "train",
            "--from",
            "r",
            "--epochs",
            "1",
            "--batch",
            "16",
            "--channels",
            "2",
            "--layers",
            "1",
            "--out",
            "t",
        ],
    );
    assert!(
        trained.contains("(balanced accuracy ") && trained.contains("as classes differ in size)"),
        "{trained}"
    );
}

/// Classes of one size have one figure, and journals what they always had.
#[test]
fn classes_of_one_size_have_one_figure() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    images(at, [32, 32]);
    fs::write(at.join("s.toml"), SEARCH).unwrap();
    let printed = run(at, &["search", "s.toml", "--out", "r"]);
    assert!(!printed.contains("balanced accuracy"), "{printed}");
    for file in ["journal.jsonl", "summary.json", "report.html"] {
        let file = fs::read_to_string(at.join("r").join(file)).unwrap();
        assert!(!file.contains("beside\"") && !file.contains("balanced accuracy</th>"));
    }
}
