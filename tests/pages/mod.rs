//! Pages of real searches and comparisons, looked at in a headless Chromium on a wide and a narrow
//! screen, in light and dark. `cargo xtask pages` runs these; they are no part of the other tests,
//! which need no browser. The pictures are in `target/pages`.

mod chromium;

use std::path::{Path, PathBuf};
use std::process::Command;

use chromium::{Chromium, Screen};

const LOOK: &str = include_str!("look.js");
const TOUCH: &str = include_str!("touch.js");

const SCREENS: [Screen; 4] = [
    Screen { width: 1280, dark: false },
    Screen { width: 1280, dark: true },
    Screen { width: 400, dark: false },
    Screen { width: 400, dark: true },
];

/// Runs a command of the program, and returns its folder.
fn made(command: &str, config: &str, folder: &Path) -> PathBuf {
    std::fs::write(folder.join("a.toml"), config).unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_bonas"));
    let output = program.args([command, "a.toml", "--out", "out"]).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    folder.join("out")
}

/// Looks at a page on every screen, keeps pictures, and fails with all that is wrong.
fn look_at(page: &Path, name: &str) {
    let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("pages");
    std::fs::create_dir_all(&pictures).unwrap();
    let mut browser = Chromium::start();
    let mut problems = Vec::new();
    for screen in SCREENS {
        let scheme = if screen.dark { "dark" } else { "light" };
        let found = problems_of(&mut browser, page, screen);
        problems.extend(found.iter().map(|problem| format!("{} px, {scheme}: {problem}", screen.width)));
        browser.picture(&pictures.join(format!("{name}-{}-{scheme}.png", screen.width)));
    }
    assert!(problems.is_empty(), "{}:\n{}", page.display(), problems.join("\n"));
}

fn problems_of(browser: &mut Chromium, page: &Path, screen: Screen) -> Vec<String> {
    let mut problems = browser.open(page, screen);
    for checks in [LOOK, TOUCH] {
        let found = browser.evaluate(checks);
        problems.extend(found.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()));
    }
    problems.extend(hover(browser));
    problems.extend(keys(browser));
    browser.evaluate("document.activeElement.blur(); scrollTo(0, 0)");
    browser.point_at(0.0, 0.0);
    problems.extend(browser.complaints());
    problems
}

/// Points at the first and at the last mark of every chart: its value appears, inside the screen.
fn hover(browser: &mut Chromium) -> Vec<String> {
    let charts = browser.evaluate("document.querySelectorAll('svg.chart').length").as_u64().unwrap();
    let mut problems = Vec::new();
    for chart in 0..charts {
        for end in [0, -1] {
            let at = browser.evaluate(&format!(
                "(() => {{ const chart = document.querySelectorAll('svg.chart')[{chart}];
                   chart.scrollIntoView({{ block: 'center' }});
                   const box = [...chart.querySelectorAll('.hit')].at({end}).getBoundingClientRect();
                   return [box.left + box.width / 2, box.top + box.height / 2]; }})()"
            ));
            browser.point_at(at[0].as_f64().unwrap(), at[1].as_f64().unwrap());
            let tip = browser.evaluate(
                "(() => { const tip = document.querySelector('.tip'); const box = tip.getBoundingClientRect();
                   const inside = box.left >= 0 && box.top >= 0 && box.right <= innerWidth && box.bottom <= innerHeight;
                   return !tip.hidden && inside && tip.textContent; })()",
            );
            if tip.as_str().is_none_or(str::is_empty) {
                problems.push(format!("chart {chart}: no value at its mark {end}"));
            }
        }
    }
    problems
}

/// The keyboard alone sorts the first table and steps through the first chart.
fn keys(browser: &mut Chromium) -> Vec<String> {
    let mut problems = Vec::new();
    browser.point_at(0.0, 0.0);
    if browser.evaluate("!!document.querySelector('th button')") == true {
        browser.evaluate("document.querySelector('th button').focus()");
        browser.press("Enter", "\r");
        let state = browser.evaluate("document.activeElement.closest('th')?.getAttribute('aria-sort')");
        if state != "ascending" {
            problems.push(format!("Enter on the head of a column: {state}"));
        }
        browser.evaluate("document.activeElement.click(), document.activeElement.click()");
    }
    if browser.evaluate("!!document.querySelector('svg.chart')") == true {
        browser.evaluate("document.querySelector('svg.chart').focus()");
        browser.press("ArrowRight", "");
        if browser.evaluate("document.querySelector('.tip').hidden") == true {
            problems.push("an arrow key shows no value".to_owned());
        }
    }
    problems
}

#[test]
#[ignore = "needs Chromium: cargo xtask pages"]
fn a_poor_page_is_found_out() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("poor.html");
    let poor = "<!DOCTYPE html><html><body style=\"margin:0\"><main><div style=\"width:2000px\">wide</div>\
        <p style=\"font-size:8px\">small</p><p style=\"color:#999\">pale</p><div class=\"tip\" hidden></div>\
        <figure><svg width=\"300\" height=\"50\"><text x=\"290\" y=\"20\">cut off</text>\
        <text x=\"10\" y=\"20\">one text</text><text x=\"20\" y=\"22\">another</text></svg>\
        <ul class=\"legend\" style=\"position:relative;top:-60px\"><li>legend</li></ul></figure>\
        <table><thead><tr><th>a</th></tr></thead><tbody><tr><td>2</td></tr><tr><td>10</td></tr></tbody></table>\
        <img src=\"missing.png\"></main><script>nothing();</script></body></html>";
    std::fs::write(&page, poor).unwrap();
    let mut browser = Chromium::start();
    let problems = problems_of(&mut browser, &page, SCREENS[2]).join("\n");
    for expected in [
        "the page is 2000 px wide",
        "out of view",
        "text of 8 px",
        "contrast of",
        "text cut off",
        "text over",
        "legend over the data",
        "no button",
        "exception",
        "missing.png",
    ] {
        assert!(problems.contains(expected), "no `{expected}` in:\n{problems}");
    }
}

#[test]
#[ignore = "needs Chromium: cargo xtask pages"]
fn a_search_with_a_surrogate() {
    let folder = tempfile::tempdir().unwrap();
    let config = "[study]\narchitectures = 60\n[space]\nname = \"nasbench101\"\n[strategy]\nname = \"bonas\"\n\
                  initial = 20\nbatches = 2\nbatch = 10\nsurrogate = \"graph-gp\"\n[evaluator]\nname = \"synthetic\"\n\
                  noise = 0.02\n[final]\nseeds = 0\n";
    let out = made("search", config, folder.path());
    look_at(&out.join("report.html"), "search");
    look_at(&out.join("timings.html"), "search-timings");
    let explain = ["explain", "out", "--halves", "2", "--repeats", "2"];
    let explained = Command::new(env!("CARGO_BIN_EXE_bonas")).args(explain).current_dir(&folder).output();
    assert!(explained.unwrap().status.success());
    look_at(&out.join("explain.html"), "explain");
}

#[test]
#[ignore = "needs Chromium: cargo xtask pages"]
fn a_comparison_on_a_table() {
    let folder = tempfile::tempdir().unwrap();
    let config = "seeds = 5\nbudget = 60\nbatch = 10\n[[strategy]]\nname = \"random\"\n[[strategy]]\nname = \"evolution\"\n\
                  [[strategy]]\nname = \"local-search\"\n[[strategy]]\nname = \"bonas\"\nsurrogate = \"trees\"\n\
                  label = \"bonas with trees and a name that is rather long\"\n";
    let out = made("compare", config, folder.path());
    look_at(&out.join("report.html"), "compare");
    look_at(&out.join("timings.html"), "compare-timings");
}

#[test]
#[ignore = "needs Chromium: cargo xtask pages"]
fn a_comparison_with_two_objectives_and_a_limit() {
    let folder = tempfile::tempdir().unwrap();
    let config = "seeds = 4\nbudget = 50\nbatch = 10\n[table]\nspace = \"nasbench201\"\npath = \"digits\"\n\
                  search = \"val\"\nreport = \"test\"\n[objective]\nsearch = \"-macs\"\n[[constraint]]\n\
                  limit = \"params <= 60000\"\nknown = false\n[[strategy]]\nname = \"random\"\n[[strategy]]\nname = \"nsga2\"\n";
    let out = made("compare", config, folder.path());
    look_at(&out.join("report.html"), "objectives");
}

/// What every search that trains has in common here.
#[cfg(feature = "torch")]
const TRAINED: &str = "[data]\nlimit = 120\nvalidation = 0.5\n[training]\ndevice = \"cpu\"\n\
                       [final]\nseeds = 2\nrandom = 2\nepochs = 1\nbatch = 16\nchannels = 4\nlayers = 3\n";

#[test]
#[ignore = "needs Chromium: cargo xtask pages"]
#[cfg(feature = "torch")]
fn a_search_with_shared_weights_a_shortlist_and_final_training() {
    let folder = tempfile::tempdir().unwrap();
    let config = "[study]\narchitectures = 12\n[strategy]\nname = \"bonas\"\ninitial = 4\nbatches = 1\nbatch = 4\n\
                  [evaluator]\nname = \"shared-weights\"\nchannels = 4\nlayers = 3\nepochs = 2\nwarmup_epochs = 1\n\
                  warmup_batch = 16\nbatch = 16\n\
                  [shortlist]\ncells = 3\nseeds = 1\nepochs = 1\nbatch = 16\nchannels = 4\nlayers = 3\n"
        .to_owned()
        + TRAINED;
    let out = made("search", &config, folder.path());
    look_at(&out.join("report.html"), "final");
    look_at(&out.join("timings.html"), "final-timings");
    // As it is when final training was stopped after the first of its three networks.
    std::fs::remove_file(out.join("final.json")).unwrap();
    let journal = out.join("final/journal.jsonl");
    let lines = std::fs::read_to_string(&journal).unwrap();
    let begun: String = lines.split_inclusive('\n').take(3).collect();
    std::fs::write(&journal, begun).unwrap();
    let again =
        Command::new(env!("CARGO_BIN_EXE_bonas")).args(["report", "out"]).current_dir(&folder).output();
    assert!(again.unwrap().status.success());
    let page = std::fs::read_to_string(out.join("report.html")).unwrap();
    assert!(page.contains("Final training is not finished: 1 of 3 networks are trained."));
    let summary = std::fs::read_to_string(out.join("summary.json")).unwrap();
    let summary: serde_json::Value = serde_json::from_str(&summary).unwrap();
    assert_eq!(
        (&summary["final"]["finished"], &summary["final"]["done"], &summary["final"]["planned"]),
        (&false.into(), &1.into(), &3.into())
    );
    look_at(&out.join("report.html"), "unfinished");
}

#[test]
#[ignore = "needs Chromium: cargo xtask pages"]
#[cfg(feature = "torch")]
fn a_differentiable_search() {
    let folder = tempfile::tempdir().unwrap();
    let config = "[study]\narchitectures = 4\nrounds = 4\n[strategy]\nname = \"differentiable\"\nchannels = 4\nlayers = 3\n\
                  epochs = 4\nbatch = 16\nlearning_rate = 0.1\nalpha_learning_rate = 0.1\n\
                  [evaluator]\nname = \"from-scratch\"\nchannels = 4\nlayers = 3\nepochs = 1\nbatch = 16\n"
        .to_owned()
        + TRAINED;
    let out = made("search", &config, folder.path());
    look_at(&out.join("report.html"), "differentiable");
}

#[test]
#[ignore = "needs Chromium: cargo xtask pages"]
#[cfg(feature = "torch")]
fn a_comparison_on_images() {
    let folder = tempfile::tempdir().unwrap();
    let config = "seeds = 2\nrandom = 2\nbudget = 2\n[space]\nname = \"bcnn\"\n\
                  [evaluator]\nname = \"from-scratch\"\nchannels = 2\nlayers = 2\nepochs = 1\nbatch = 16\n\
                  [data]\nlimit = 100\nvalidation = 0.5\n[training]\ndevice = \"cpu\"\n\
                  [final]\nseeds = 1\nepochs = 1\nbatch = 16\nchannels = 2\nlayers = 2\n\
                  [[strategy]]\nname = \"random\"\nlabel = \"random-search\"\nbatch = 2\n\
                  [[strategy]]\nname = \"differentiable\"\nlabel = \"PC-DARTS\"\nchannels = 4\nlayers = 2\n\
                  epochs = 3\nalpha_start = 1\nbatch = 8\npartial = 2\nedge_normalisation = true\n\
                  alpha_learning_rate = 0.1\n";
    let out = made("compare", config, folder.path());
    look_at(&out.join("report.html"), "images");
    look_at(&out.join("timings.html"), "images-timings");
}

#[test]
#[ignore = "needs Chromium: cargo xtask pages"]
#[cfg(feature = "torch")]
fn a_model_with_its_mistakes() {
    let folder = tempfile::tempdir().unwrap();
    let config = "[study]\narchitectures = 2\n[strategy]\nname = \"random\"\nbatch = 2\n[evaluator]\n\
                  name = \"from-scratch\"\nchannels = 4\nlayers = 3\nepochs = 1\nbatch = 16\n"
        .to_owned()
        + TRAINED;
    let run = |arguments: &[&str]| {
        let done = Command::new(env!("CARGO_BIN_EXE_bonas")).args(arguments).current_dir(&folder).output();
        assert!(done.unwrap().status.success(), "{arguments:?}");
    };
    made("search", &config, folder.path());
    run(&["train", "--from", "out", "--out", "t"]);
    run(&["evaluate", "t", "--data", "digits", "--latency", "1,8"]);
    run(&["report", "t"]);
    look_at(&folder.path().join("t/report.html"), "model");
}
