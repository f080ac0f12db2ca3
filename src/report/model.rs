//! Sections of a page about one trained network.

use std::fmt::Write;

use bonas_spaces::Architecture;

use super::evaluation::{Evaluation, Mistake, Origin};
use super::markup::{dash, figure, folded, note, number, percent, scroll, section, table, tiles, warning};
use super::plots::{DRAWN, confusion};
use crate::drawing::{cell_svg, cell_title, escape};

/// Most pairs of classes in the table of confusions.
const PAIRS: usize = 10;

/// What a page shows of one trained network.
#[derive(Clone, Debug, Default)]
pub struct ModelReport {
    /// Its architecture in the space's notation.
    pub arch: String,
    /// To be drawn; none where the space cannot read it.
    pub architecture: Option<Architecture>,
    /// Names of its cells.
    pub cell_names: Vec<String>,
    /// Names and values: space, skeleton, size, images, parameters.
    pub network: Vec<(String, String)>,
    /// Every hyper-parameter of its training.
    pub recipe: Vec<(String, String)>,
    /// What `bonas evaluate` measured of it.
    pub evaluation: Measured,
    /// The search that found it.
    pub origin: Option<Origin>,
}

/// What is known of a model's evaluation.
#[derive(Clone, Debug, Default)]
pub enum Measured {
    /// It was not evaluated, and no command is known that does it.
    #[default]
    Nothing,
    /// It was not evaluated, and this command does it.
    By(String),
    /// The evaluation is of other weights, or cannot be read; why, and the remedy.
    Outdated(String),
    /// It was evaluated.
    Evaluated(Box<Evaluation>),
}

impl ModelReport {
    /// The sections of the page, in order.
    pub(super) fn sections(&self) -> String {
        self.drawing() + &self.found() + &self.settings() + &self.evaluated()
    }

    fn drawing(&self) -> String {
        let mut body = format!("<p class=\"code\">{}</p>\n", escape(&self.arch));
        if let Some(architecture) = &self.architecture {
            let names: Vec<&str> = self.cell_names.iter().map(String::as_str).collect();
            body.push_str(&cells(architecture, &names));
        }
        body.push_str(&pairs("network", "The network", &self.network));
        section("Architecture", &body)
    }

    fn found(&self) -> String {
        let Some(origin) = &self.origin else { return String::new() };
        let Origin { search, strategy, score, rank, scored } = origin;
        let place = match (score, rank) {
            (Some(score), Some(rank)) => {
                format!("Its score there is {}, the {} of {scored}.", number(*score), ordinal(*rank))
            }
            _ => "It has no score there.".to_owned(),
        };
        let folder = escape(search);
        let link = format!("<a href=\"{}/report.html\">{folder}</a>", href(search));
        let body = format!(
            "<p>Found by the search in {link} (strategy {}). {}</p>\n",
            escape(strategy),
            escape(&place)
        );
        section("How it was found", &body)
    }

    fn settings(&self) -> String {
        if self.recipe.is_empty() {
            return String::new();
        }
        section("Recipe", &folded("Every hyper-parameter", &pairs("recipe", "The recipe", &self.recipe)))
    }

    fn evaluated(&self) -> String {
        match &self.evaluation {
            Measured::Nothing => String::new(),
            Measured::By(command) => section(
                "Evaluation",
                &format!("<p>Not evaluated yet; <code>{}</code> does it.</p>\n", escape(command)),
            ),
            Measured::Outdated(reason) => section("Evaluation", &warning(reason)),
            Measured::Evaluated(evaluation) => of_evaluation(evaluation),
        }
    }
}

/// The cells of an architecture, each as a drawing under its name.
pub(super) fn cells(architecture: &Architecture, names: &[&str]) -> String {
    let (mut body, cells) = (String::new(), architecture.cells());
    for (i, cell) in cells.iter().enumerate() {
        let title = cell_title(names, i, cells.len());
        let svg = scroll(&title, &cell_svg(cell, architecture.vocabulary()));
        let _ = writeln!(
            body,
            "<figure id=\"cell-{i}\" class=\"cell\">\n<h3>{}</h3>\n{svg}</figure>",
            escape(&capitalised(&title))
        );
    }
    body
}

/// With a capital at the front.
pub(super) fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn pairs(class: &str, label: &str, rows: &[(String, String)]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let row = |(name, value): &(String, String)| vec![name.clone(), value.clone()];
    table(class, label, &["name", "value"], rows.iter().map(row))
}

fn of_evaluation(evaluation: &Evaluation) -> String {
    let mut figures = vec![
        (percent(Some(evaluation.accuracy)), format!("accuracy on {} images", evaluation.images)),
        (
            percent(Some(evaluation.balanced_accuracy)),
            "balanced accuracy, the mean of the classes' recalls".into(),
        ),
        (percent(Some(evaluation.calibration_error)), "calibration error".into()),
    ];
    figures.extend(evaluation.top5_accuracy.map(|top5| (percent(Some(top5)), "top-5 accuracy".to_owned())));
    let of = format!("Measured by bonas evaluate on the {} part of {}.", evaluation.part, evaluation.data);
    let measured = section("Evaluation", &(tiles(&figures) + &note(&of) + &latencies(evaluation)));
    let caption =
        "Brighter is a larger share of the class; every tile says its number, and no tile is no image.";
    let drawn = figure("confusion", confusion(&evaluation.classes, &evaluation.confusion), caption);
    let map = match evaluation.classes.len() {
        classes if classes > DRAWN => {
            note(&format!("The confusion matrix of {classes} classes is not drawn; {DRAWN} are at most."))
        }
        _ => drawn,
    };
    let body = map + &confusions(evaluation) + &by_class(evaluation);
    measured + &section("Which classes are taken for which", &body) + &mistakes(evaluation)
}

/// The pairs of classes that are taken for each other most often.
fn confusions(evaluation: &Evaluation) -> String {
    let Evaluation { classes, confusion, .. } = evaluation;
    let all = (0..classes.len()).flat_map(|class| (0..classes.len()).map(move |answer| (class, answer)));
    let mut wrong: Vec<(usize, usize, usize)> = all
        .filter(|(class, answer)| class != answer)
        .map(|(class, answer)| (confusion[class][answer], class, answer))
        .filter(|(count, ..)| *count > 0)
        .collect();
    wrong.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    if wrong.is_empty() {
        return note("No image was classified wrongly.");
    }
    let row = |&(count, class, answer): &(usize, usize, usize)| {
        let of: usize = confusion[class].iter().sum();
        vec![classes[class].clone(), classes[answer].clone(), count.to_string(), of.to_string()]
    };
    let heads = ["class", "taken for", "images", "of"];
    table("confusions", "Commonest confusions", &heads, wrong.iter().take(PAIRS).map(row))
}

fn by_class(evaluation: &Evaluation) -> String {
    let figures = evaluation.figures();
    let row = |(i, class): (usize, &String)| {
        let precision = figures.precision(i).map_or_else(dash, |share| percent(Some(share)));
        let recall = figures.recall(i).map_or_else(dash, |share| percent(Some(share)));
        vec![class.clone(), i.to_string(), figures.examples(i).to_string(), precision, recall]
    };
    let heads = ["class", "place", "images", "precision", "recall"];
    let rows = evaluation.classes.iter().enumerate().map(row);
    folded("Every class", &table("classes", "Precision and recall by class", &heads, rows))
}

/// The pictures that were classified wrongly.
fn mistakes(evaluation: &Evaluation) -> String {
    if evaluation.mistakes.is_empty() {
        return String::new();
    }
    let picture = |mistake: &Mistake| {
        let (class, answer) = (&evaluation.classes[mistake.class], &evaluation.classes[mistake.answer]);
        let said = format!("{class}, taken for {answer} ({:.0} %)", 100.0 * mistake.probability);
        // What is not base64 would leave the attribute.
        let png: String =
            mistake.png.chars().filter(|c| c.is_ascii_alphanumeric() || "+/=".contains(*c)).collect();
        format!(
            "<figure><img src=\"data:image/png;base64,{png}\" alt=\"{0}\"/><figcaption>{0}</figcaption></figure>\n",
            escape(&said)
        )
    };
    let pictures: String = evaluation.mistakes.iter().map(picture).collect();
    let wrong: usize = evaluation.images - right(evaluation);
    let shown = format!(
        "{} of the {wrong} images that were classified wrongly, the surest answers first.",
        evaluation.mistakes.len()
    );
    section("Classified wrongly", &format!("<div class=\"pictures\">\n{pictures}</div>\n{}", note(&shown)))
}

fn right(evaluation: &Evaluation) -> usize {
    evaluation.confusion.iter().enumerate().map(|(i, row)| row[i]).sum()
}

fn latencies(evaluation: &Evaluation) -> String {
    if evaluation.latency.is_empty() {
        return String::new();
    }
    let heads = ["batch", "median (ms)", "95 % below (ms)", "images a second", "runs", "device", "threads"];
    let row = |one: &super::evaluation::Latency| {
        vec![
            one.batch.to_string(),
            format!("{:.3}", one.median_ms),
            format!("{:.3}", one.p95_ms),
            format!("{:.0}", 1e3 * one.batch as f64 / one.median_ms),
            one.runs.to_string(),
            one.device.clone(),
            one.threads.to_string(),
        ]
    };
    "<h3>Latency</h3>\n".to_owned()
        + &table("latency", "Latency by batch", &heads, evaluation.latency.iter().map(row))
}

/// A path as part of a link: what has a meaning in links is written in hexadecimal.
fn href(path: &str) -> String {
    let byte = |byte: u8| match byte {
        b'/' | b'.' | b'-' | b'_' | b'~' => char::from(byte).to_string(),
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    path.bytes().map(byte).collect()
}

/// 1st, 2nd, 3rd, 4th, 11th.
fn ordinal(n: usize) -> String {
    let ending = match (n % 100, n % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    };
    format!("{n}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evaluation() -> Evaluation {
        let mistake = Mistake { image: 4, class: 0, answer: 1, probability: 0.93, png: "aGk=\"><b>".into() };
        Evaluation {
            format: 1,
            program: "bonas".into(),
            weights: "00".into(),
            data: "folder:<here>".into(),
            part: "test".into(),
            images: 6,
            accuracy: 2.0 / 3.0,
            top5_accuracy: None,
            balanced_accuracy: 0.625,
            calibration_error: 0.125,
            classes: vec!["cat".into(), "<dog>".into()],
            confusion: vec![vec![3, 1], vec![1, 1]],
            mistakes: vec![mistake],
            latency: vec![super::super::evaluation::Latency {
                batch: 8,
                median_ms: 4.0,
                p95_ms: 5.0,
                runs: 30,
                device: "cpu".into(),
                threads: 2,
            }],
        }
    }

    #[test]
    fn an_evaluation_is_shown_with_its_pictures() {
        let report =
            ModelReport { evaluation: Measured::Evaluated(Box::new(evaluation())), ..ModelReport::default() };
        let page = report.sections();
        for text in [
            "66.67 %",
            "62.50 %",
            "test part of folder:&lt;here&gt;",
            "cat taken for &lt;dog&gt;: 1 of 4",
            "cat, taken for &lt;dog&gt; (93 %)",
            "1 of the 2 images that were classified wrongly",
            "<td>2000</td>",
            "<td>5.000</td>",
        ] {
            assert!(page.contains(text), "{text} in {page}");
        }
        assert!(page.contains("data:image/png;base64,aGk=b\""), "what is not base64 is left out: {page}");
    }

    #[test]
    fn what_is_missing_is_said() {
        let by = |evaluation| ModelReport { evaluation, ..ModelReport::default() }.sections();
        assert!(
            by(Measured::By("bonas evaluate 'a<b'".into())).contains("<code>bonas evaluate &#39;a&lt;b&#39;")
        );
        assert!(by(Measured::Outdated("of other <weights>".into())).contains("of other &lt;weights&gt;"));
        assert!(!by(Measured::Nothing).contains("Evaluation"));
    }

    #[test]
    fn a_search_is_linked_with_score_and_rank() {
        let origin = Origin {
            search: "../a run/100%".into(),
            strategy: "bonas".into(),
            score: Some(0.5),
            rank: Some(2),
            scored: 40,
        };
        let page = ModelReport { origin: Some(origin), ..ModelReport::default() }.sections();
        assert!(page.contains("<a href=\"../a%20run/100%25/report.html\">../a run/100%</a>"), "{page}");
        assert!(page.contains("Its score there is 0.5000, the 2nd of 40."), "{page}");
        assert_eq!([1, 3, 4, 11, 12, 21, 113].map(ordinal).join(" "), "1st 3rd 4th 11th 12th 21st 113th");
    }

    #[test]
    fn a_confusion_matrix_of_many_classes_is_a_sentence_and_a_table() {
        let k = DRAWN + 1;
        let (classes, mut confusion) = (vec!["c".to_owned(); k], vec![vec![0; k]; k]);
        confusion[0][k - 1] = 6;
        let page = of_evaluation(&Evaluation { classes, confusion, ..evaluation() });
        assert!(page.contains("of 101 classes is not drawn; 100 are at most") && page.contains("Commonest"));
        assert!(!page.contains("id=\"confusion\""));
    }

    #[test]
    fn what_is_no_evaluation_is_an_error_and_a_newer_format_is_named() {
        let read = |text: &str| Evaluation::parse(text.as_bytes());
        let whole = serde_json::to_string(&evaluation()).unwrap();
        assert_eq!(read(&whole), Ok(evaluation()));
        for (text, expected) in [
            ("{\"format\": 1", "EOF"),
            ("{\"format\": 1}", "missing field"),
            ("{\"format\": 2}", "format 2, and this program knows 1"),
            ("[]", "it has no format"),
            (&*whole.replace("\"images\":6", "\"images\":1"), "do not add up"),
        ] {
            let fault = read(text).unwrap_err();
            assert!(fault.contains(expected), "{fault}");
        }
    }

    #[test]
    fn a_file_that_was_changed_is_found_out() {
        assert_eq!(evaluation().fault(), None);
        let newer = Evaluation { format: 2, ..evaluation() }.fault().unwrap();
        assert!(newer.contains("format 2"), "{newer}");
        assert!(Evaluation { confusion: vec![vec![1]], ..evaluation() }.fault().is_some());
        let mut far = evaluation();
        far.mistakes[0].answer = 2;
        assert!(far.fault().unwrap().contains("a class that is not there"));
        for changed in [
            Evaluation { images: 1, ..evaluation() },
            Evaluation { confusion: vec![vec![3, usize::MAX], vec![1, 1]], ..evaluation() },
        ] {
            assert!(changed.fault().unwrap().contains("do not add up to its images"));
        }
    }
}
