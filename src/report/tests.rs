use bonas_spaces::SearchSpace;
use bonas_spaces::families::nasbench201::NasBench201;
use ndarray::Array2;

use super::testing::{study, trajectory};
use super::*;
use bonas_study::journal::read_json;

fn report() -> Report<'static> {
    let mut report = Report::of(&study(), Vec::new(), &NasBench201::new());
    let n = report.digest.queries.len();
    report.embedding = project(&Array2::from_shape_fn((n, 4), |(i, j)| ((i * 7 + j * 3) % 5) as f64));
    report.seconds =
        Seconds::from_lines(b"{\"round\":1,\"seconds\":0.2}\n{\"round\":1,\"batch\":0,\"seconds\":9}\n");
    report.finals = vec![
        FinalResult {
            label: "winner".into(),
            test: vec![0.91, 0.93],
            params: Some(12_345),
            ..FinalResult::default()
        },
        FinalResult { label: "random <1>".into(), test: vec![0.9], ..FinalResult::default() },
    ];
    report.trajectory = trajectory();
    report.environment = vec![("machine".into(), "two \"cores\" & <more>".into())];
    report
}

#[test]
fn the_page_has_every_figure_and_loads_nothing() {
    let page = page(&report());
    for id in ["score", "cell-0", "alphas-0", "alphas-1", "weight-free", "calibration", "tau", "embedding"] {
        assert!(page.contains(&format!("<figure id=\"{id}\"")), "no figure {id}");
    }
    assert_eq!(page.matches("<svg").count(), 8);
    assert!(!page.contains("Could not be drawn"));
    let outside = page.replace("http://www.w3.org/2000/svg", "");
    for forbidden in ["http://", "https://", "<script", "<link", "<img", "@import", "url("] {
        assert!(!outside.contains(forbidden), "the page contains {forbidden}");
    }
}

#[test]
fn the_page_is_well_formed() {
    let page = page(&report());
    let mut open: Vec<String> = Vec::new();
    for piece in page.split('<').skip(1) {
        let tag = piece.split('>').next().unwrap();
        assert!(piece.contains('>'), "unclosed tag <{tag}");
        let name = tag.split_whitespace().next().unwrap_or_default().trim_end_matches('/');
        if let Some(closed) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(closed));
        } else if !tag.ends_with('/') && !tag.starts_with('!') && !tag.starts_with('?') {
            open.push(name.to_owned());
        }
    }
    assert!(open.is_empty(), "left open: {open:?}");
}

#[test]
fn text_from_outside_is_escaped() {
    let page = page(&report());
    for text in [
        "random &lt;1&gt;",
        "&quot;cores&quot; &amp; &lt;more&gt;",
        "out of &lt;memory&gt; &amp; luck",
        "# &lt;b&gt;",
    ] {
        assert!(page.contains(text), "{text} is missing");
    }
}

#[test]
fn a_study_without_any_score_has_a_page_too() {
    let events = &study()[..2];
    let page = page(&Report::of(events, Vec::new(), &NasBench201::new()));
    assert!(page.contains("not ended") && !page.contains("<svg"));
    assert!(super::page(&Report::default()).contains("</html>"));
}

#[test]
fn files_are_written_whole_and_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let report = report();
    report.write(folder.path()).unwrap();
    let summary: Summary = read_json(&folder.path().join(SUMMARY_FILE)).unwrap().unwrap();
    assert_eq!(summary, Summary::of(&report));
    let best = summary.best.unwrap();
    assert_eq!((best.query, best.round, best.score), (9, 2, 0.81));
    assert_eq!((summary.queries, summary.failed, summary.rounds[1].evaluate_s), (12, 1, Some(9.0)));
    let winner = std::fs::read_to_string(folder.path().join(WINNER_FILE)).unwrap();
    assert!(NasBench201::new().parse(winner.trim()).is_ok());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3);
}

#[test]
fn summary_keys_are_stable() {
    let value = serde_json::to_value(Summary::of(&report())).unwrap();
    let keys =
        |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!(
        keys(&value),
        "best ended environment failed fidelity final format queries rounds seconds seed shortlist space tau_mean \
         trajectory winner"
    );
    assert_eq!(keys(&value["best"]), "arch key query round score");
    assert_eq!(keys(&value["rounds"][0]), "ask_s best evaluate_s failed max mean min queries round tau");
    assert_eq!(keys(&value["trajectory"][0]), "epoch genotype loss skips weight_free");
    assert_eq!(value["trajectory"][2]["weight_free"], serde_json::json!([3, 2]));
    assert_eq!(keys(&value["final"][0]), "arch label macs params test test_mean test_sd");
}

#[test]
fn a_damaged_file_is_an_error_and_a_missing_one_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FINAL_FILE);
    assert!(read_json::<Vec<FinalResult>>(&path).unwrap().is_none());
    std::fs::write(&path, "[{").unwrap();
    let message = read_json::<Vec<FinalResult>>(&path).unwrap_err().to_string();
    assert!(message.contains("final.json") && message.contains("remove it"), "{message}");
}
