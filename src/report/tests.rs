use bonas_spaces::SearchSpace;
use bonas_spaces::families::nasbench201::NasBench201;
use bonas_study::history::{Fidelity, Outcome, Score};
use bonas_study::journal::read_json;
use ndarray::Array2;

use super::testing::{asked, study, trajectory};
use super::*;

fn report() -> Report<'static> {
    let mut report = Report::of(&study(), Vec::new(), &NasBench201::new());
    let n = report.digest.queries.len();
    report.embedding = project(&Array2::from_shape_fn((n, 4), |(i, j)| ((i * 7 + j * 3) % 5) as f64));
    report.seconds =
        Seconds::from_lines(b"{\"round\":1,\"seconds\":0.2}\n{\"round\":1,\"batch\":0,\"seconds\":9}\n");
    let winner = FinalResult {
        label: "winner".into(),
        test: vec![0.91, 0.93],
        params: Some(12_345),
        seconds: Some(7.5),
        losses: vec![vec![2.0, 1.0]; 2],
        ..FinalResult::default()
    };
    let random = FinalResult { label: "random <1>".into(), test: vec![0.9], ..FinalResult::default() };
    report.finals = Some(FinalTraining { planned: 2, results: vec![winner, random] });
    report.trajectory = trajectory();
    report.environment = vec![("machine".into(), "two \"cores\" & <more>".into())];
    report
}

const FIGURES: [&str; 11] = [
    "score",
    "cell-0",
    "alphas-0",
    "alphas-1",
    "loss",
    "weight-free",
    "calibration",
    "tau",
    "embedding",
    "final-accuracy",
    "final-loss",
];

#[test]
fn the_page_has_every_figure_and_loads_nothing() {
    let report = report();
    let page = page(&report);
    for id in FIGURES {
        assert!(page.contains(&format!("<figure id=\"{id}\"")), "no figure {id}");
    }
    for page in [page, timings::page(&report)] {
        let outside = page.replace("http://www.w3.org/2000/svg", "");
        for forbidden in
            ["http://", "https://", "src=", "href=", "<link", "<img", "@import", "url(", "fetch(", "import("]
        {
            assert!(!outside.contains(forbidden), "the page contains {forbidden}");
        }
    }
}

#[test]
fn legends_stand_beside_the_drawings() {
    let page = page(&report());
    for (start, _) in page.match_indices("<ul class=\"legend\">") {
        let before = &page[..start];
        assert_eq!(before.matches("<svg").count(), before.matches("</svg>").count(), "inside a drawing");
    }
}

/// Two runs differ in seconds and machine alone: page and summary do not show it.
#[test]
fn page_and_summary_hold_no_times_and_no_machine() {
    let one = report();
    let mut two = report();
    two.seconds = Seconds::from_lines(b"{\"round\":1,\"seconds\":77.25}\n");
    two.environment = vec![("machine".into(), "another".into())];
    two.finals.as_mut().unwrap().results[0].seconds = Some(88.5);
    assert_eq!(page(&one), page(&two));
    let json = |report: &Report<'_>| serde_json::to_string(&Summary::of(report)).unwrap();
    assert_eq!(json(&one), json(&two));
    let times = timings::page(&two);
    for text in ["77.25", "88.5", "another"] {
        assert!(times.contains(text) && !page(&two).contains(text), "{text}");
    }
}

#[test]
fn final_training_under_way_is_not_called_finished() {
    let mut report = report();
    report.finals.as_mut().unwrap().planned = 6;
    let summary = serde_json::to_value(Summary::of(&report)).unwrap();
    assert_eq!(summary["final"]["finished"], false);
    assert_eq!((&summary["final"]["done"], &summary["final"]["planned"]), (&2.into(), &6.into()));
    let page = page(&report);
    assert!(page.contains("Final training is not finished: 2 of 6 networks are trained."));
    assert!(page.contains("<h2>Final training, not finished</h2>"));
    let finished = super::page(&super::tests::report());
    assert!(finished.contains("<h2>Final training</h2>") && !finished.contains("not finished"));
    report.finals = Some(FinalTraining { planned: 3, results: Vec::new() });
    assert!(super::page(&report).contains("0 of 3 networks"));
}

#[test]
fn final_training_is_read_from_the_events_of_its_study() {
    let trained = Outcome::Scored(Score::mean_of(vec![0.5, 0.7], Fidelity::FromScratch));
    let batch = |batch: usize, outcome: &Outcome| Event::Evaluated {
        round: 0,
        batch,
        outcomes: vec![outcome.clone()],
    };
    let mut events = vec![asked(0, &[&[1], &[2], &[3]], None)];
    let of = |events: &[Event]| {
        let finals = FinalTraining::of(&Digest::of(events));
        let results = finals.results.iter().map(|one| (one.label.clone(), one.test.clone()));
        (finals.planned, finals.finished(), results.collect::<Vec<_>>())
    };
    assert_eq!(of(&events), (3, false, Vec::new()));
    events.extend([batch(0, &trained), batch(1, &Outcome::Failed("no number".into()))]);
    let winner = ("winner".to_owned(), vec![0.5, 0.7]);
    assert_eq!(of(&events), (3, false, vec![winner, ("random 1".to_owned(), Vec::new())]));
    events.push(batch(2, &trained));
    assert!(of(&events).1);
}

#[test]
fn the_page_is_well_formed() {
    let report = report();
    for page in [page(&report), timings::page(&report)] {
        well_formed(&page);
    }
}

fn well_formed(page: &str) {
    let (page, script) = page.split_once("<script>").unwrap();
    let page = page.to_owned() + script.split_once("</script>").unwrap().1;
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
    let page = page(&report()) + &timings::page(&report());
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
    assert!(page.contains("has not ended") && !page.contains("<svg"));
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
    assert_eq!((summary.queries, summary.failed), (12, 1));
    let timings: Timings = read_json(&folder.path().join(TIMINGS_JSON)).unwrap().unwrap();
    assert_eq!(timings.rounds[1], RoundTimings { round: 1, ask_s: Some(0.2), evaluate_s: Some(9.0) });
    assert_eq!(timings.finals[0].seconds, Some(7.5));
    let winner = std::fs::read_to_string(folder.path().join(WINNER_FILE)).unwrap();
    assert!(NasBench201::new().parse(winner.trim()).is_ok());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 5);
}

#[test]
fn summary_keys_are_stable() {
    let value = serde_json::to_value(Summary::of(&report())).unwrap();
    let keys =
        |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!(
        keys(&value),
        "best ended failed fidelity final format queries rounds seed shortlist space tau_mean trajectory winner"
    );
    assert_eq!(keys(&value["best"]), "arch key query round score");
    assert_eq!(keys(&value["rounds"][0]), "best failed max mean min queries round tau");
    assert_eq!(keys(&value["trajectory"][0]), "epoch genotype loss skips weight_free");
    assert_eq!(value["trajectory"][2]["weight_free"], serde_json::json!([3, 2]));
    assert_eq!(keys(&value["final"]), "done finished planned results");
    assert_eq!(keys(&value["final"]["results"][0]), "arch label macs params test test_mean test_sd");
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
