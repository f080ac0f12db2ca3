//! What bonas and the program say to each other, in JSON.

use std::path::Path;

use bonas_spaces::{Architecture, SearchSpace, SpaceError};
use serde::Serialize;
use serde_json::{Map, Value};

use super::runs::Purpose;
use crate::evaluator::Described;
use crate::evaluator::scoring::{Measures, SCORE};

/// Version of [`Request`]: it goes up when a key changes its meaning or goes.
const VERSION: u32 = 1;

/// The task of one run, as the program reads it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Request<'a> {
    version: u32,
    pub(super) purpose: Purpose,
    space: &'a str,
    architecture: Described<'a>,
    /// Seed of the run, below 2³¹.
    pub(super) seed: u32,
    /// Run of this architecture, from 0.
    pub(super) run: usize,
    /// Epochs to train; null: as many as the program likes.
    pub(super) epochs: Option<usize>,
    /// A folder for the program's own files; it stays over retries and resumes.
    pub(super) folder: &'a Path,
    /// The value of `CUDA_VISIBLE_DEVICES`; null where devices are not assigned.
    pub(super) device: Option<&'a str>,
}

/// What differs from run to run of one architecture.
pub(super) struct Terms<'a> {
    pub(super) purpose: Purpose,
    pub(super) seed: u32,
    pub(super) run: usize,
    pub(super) epochs: usize,
    pub(super) folder: &'a Path,
    pub(super) device: Option<&'a str>,
}

impl<'a> Request<'a> {
    /// The task of evaluating an architecture.
    ///
    /// # Errors
    /// [`SpaceError`] for an architecture that is not of this space.
    pub(super) fn new(
        space: &'a dyn SearchSpace,
        architecture: &'a Architecture,
        terms: &Terms<'a>,
    ) -> Result<Self, SpaceError> {
        let &Terms { purpose, seed, run, epochs, folder, device } = terms;
        let architecture = Described::of(space, architecture)?;
        let epochs = (epochs > 0).then_some(epochs);
        Ok(Self {
            version: VERSION,
            purpose,
            space: space.name(),
            architecture,
            seed,
            run,
            epochs,
            folder,
            device,
        })
    }
}

/// A line of the program's standard output.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Line {
    /// A result.
    Reply(Reply),
    /// An intermediate value: `{"step": 3, "value": 0.61}`.
    Step(u64),
    /// What may be meant for a result and is no JSON, with the reason.
    Malformed(String),
    /// Anything else.
    Other,
}

/// The result of a run.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Reply {
    /// Numbers by name.
    Measured(Measures),
    /// The program says why it has none, or what it printed is no number.
    Failed(String),
}

/// Reads a line of standard output.
pub(super) fn read(line: &[u8]) -> Line {
    let object = match object(line) {
        Some(Ok(object)) => object,
        Some(Err(reason)) => return Line::Malformed(reason),
        None => return Line::Other,
    };
    match object.get("failed") {
        Some(Value::String(reason)) => return Line::Reply(Reply::Failed(one_line(reason))),
        Some(Value::Bool(true)) => return Line::Reply(Reply::Failed("the program says so".to_owned())),
        // null, false and numbers of failures say that there is none.
        _ => {}
    }
    if object.contains_key(SCORE) || object.contains_key("measures") {
        return Line::Reply(measured(&object).map_or_else(Reply::Failed, Reply::Measured));
    }
    match (object.get("step").and_then(Value::as_u64), object.get("value")) {
        (Some(step), Some(_)) => Line::Step(step),
        _ => Line::Other,
    }
}

/// Most letters of a reason that are kept.
const REASON: usize = 500;

/// A reason of the program's, short enough for a table and on one line.
pub(super) fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    match line.char_indices().nth(REASON) {
        Some((at, _)) => format!("{} ...", &line[..at]),
        None => line,
    }
}

fn measured(object: &Map<String, Value>) -> Result<Measures, String> {
    let mut found = Measures::new();
    match object.get("measures") {
        None => {}
        Some(Value::Object(measures)) => {
            for (name, value) in measures {
                found.insert(name.clone(), number(name, value)?);
            }
        }
        Some(other) => {
            return Err(format!("the result's `measures` is {}, no object", one_line(&other.to_string())));
        }
    }
    if let Some(score) = object.get(SCORE) {
        found.insert(SCORE.to_owned(), number(SCORE, score)?);
    }
    Ok(found)
}

fn number(name: &str, value: &Value) -> Result<f64, String> {
    let finite = value.as_f64().filter(|number| number.is_finite());
    finite.ok_or_else(|| format!("the result's `{name}` is {}, no number", one_line(&value.to_string())))
}

/// The JSON object of a line; why it is none, where it looks like a result. Python prints `NaN` and `Infinity`, which are not
/// JSON, and numbers beyond double precision cannot be read: they become texts.
fn object(line: &[u8]) -> Option<Result<Map<String, Value>, String>> {
    let text = std::str::from_utf8(line).ok()?.trim();
    if !(text.starts_with('{') && text.ends_with('}')) {
        return None;
    }
    let error = match serde_json::from_str(text).or_else(|_| serde_json::from_str(&quote_non_numbers(text))) {
        Ok(object) => return Some(Ok(object)),
        Err(error) => error,
    };
    let names = |word: &str| ['"', '\''].iter().any(|quote| text.contains(&format!("{quote}{word}{quote}")));
    [SCORE, "measures", "failed"].into_iter().any(names).then(|| Err(one_line(&error.to_string())))
}

/// Puts `NaN`, `Infinity` and `-Infinity`, and numbers out of range, between quotes where they stand outside of texts.
fn quote_non_numbers(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 16);
    let (mut rest, mut inside) = (text, false);
    while let Some(letter) = rest.chars().next() {
        let word = non_number(rest).filter(|_| !inside);
        let taken = match (word, letter) {
            (Some(word), _) => {
                quoted.extend(["\"", word, "\""]);
                word.len()
            }
            (None, '\\') if inside => {
                let pair: String = rest.chars().take(2).collect();
                quoted.push_str(&pair);
                pair.len()
            }
            _ => {
                inside ^= letter == '"';
                quoted.push(letter);
                letter.len_utf8()
            }
        };
        rest = &rest[taken..];
    }
    quoted
}

/// The word that a text begins with, if JSON has no such number.
fn non_number(text: &str) -> Option<&str> {
    let word = ["NaN", "Infinity", "-Infinity"].into_iter().find(|word| text.starts_with(word));
    let length =
        text.find(|letter| !matches!(letter, '0'..='9' | '+' | '-' | '.' | 'e' | 'E')).unwrap_or(text.len());
    let number = &text[..length];
    word.or_else(|| number.parse().is_ok_and(f64::is_infinite).then_some(number))
}

#[cfg(test)]
mod tests {
    use bonas_spaces::NasBench201;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn reply(line: &str) -> Reply {
        match read(line.as_bytes()) {
            Line::Reply(reply) => reply,
            other => panic!("{line} is {other:?}"),
        }
    }

    fn failed(line: &str) -> String {
        match reply(line) {
            Reply::Failed(reason) => reason,
            Reply::Measured(measures) => panic!("{line} is {measures:?}"),
        }
    }

    #[test]
    fn a_request_says_all_that_a_program_needs() {
        let space = NasBench201::new();
        let text = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|nor_conv_1x1~1|none~2|";
        let cell = space.parse(text).unwrap();
        let (folder, device) = (Path::new("trials/a-0/files"), Some("1"));
        let terms = Terms { purpose: Purpose::Final, seed: 7, run: 0, epochs: 0, folder, device };
        let request = Request::new(&space, &cell, &terms).unwrap();
        let value: Value = serde_json::from_str(&serde_json::to_string(&request).unwrap()).unwrap();
        let keys: Vec<&String> = value.as_object().unwrap().keys().collect();
        let expected =
            ["architecture", "device", "epochs", "folder", "purpose", "run", "seed", "space", "version"];
        assert_eq!(keys, expected);
        assert_eq!((&value["purpose"], &value["epochs"]), (&"final".into(), &Value::Null));
        let architecture = &value["architecture"];
        assert_eq!(
            (&architecture["text"], &architecture["key"]),
            (&text.into(), &cell.key().to_string().into())
        );
        let cell = &architecture["cells"][0];
        assert_eq!(cell["nodes"], serde_json::json!(["input", "plain", "plain", "output"]));
        let edges = cell["edges"].as_array().unwrap();
        assert!(edges.contains(&serde_json::json!({"from": 0, "to": 1, "op": "nor_conv_3x3"})), "{edges:?}");
    }

    #[test]
    fn results_steps_and_logs_are_told_apart() {
        let measures = |of: &[(&str, f64)]| {
            Reply::Measured(of.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect())
        };
        assert_eq!(reply(r#" {"score": 0.5} "#), measures(&[("score", 0.5)]));
        assert_eq!(reply(r#"{"measures": {"a": 1, "b": -2e3}}"#), measures(&[("a", 1.0), ("b", -2e3)]));
        assert_eq!(
            reply(r#"{"score": 1, "measures": {"a": 2}, "epoch": 3}"#),
            measures(&[("a", 2.0), ("score", 1.0)])
        );
        assert_eq!(failed(r#"{"failed": "out of\nmemory"}"#), "out of memory");
        assert_eq!(read(br#"{"step": 3, "value": 0.61}"#), Line::Step(3));
        assert_eq!(read(br#"{"step": 3, "value": NaN}"#), Line::Step(3));
        for log in
            ["", "epoch 1", "0.5", "[0.5]", r#"{"loss": 0.3}"#, r#"{"score": 0.5"#, r#"{"step": 3}"#, "{}"]
        {
            assert_eq!(read(log.as_bytes()), Line::Other, "{log}");
        }
        assert_eq!(read(b"{\"score\": 0.5, \"name\": \"\xff\"}"), Line::Other);
        for (line, reason) in
            [("{'score': 0.5}", "key must be a string"), (r#"{"score": 0,5}"#, "key must be a string")]
        {
            let found = read(line.as_bytes());
            assert!(matches!(&found, Line::Malformed(found) if found.starts_with(reason)), "{found:?}");
        }
        assert_eq!(read(b"{'loss': 0.5}"), Line::Other);
    }

    /// Whatever a program prints, it is a finite result, a reason on one short line, a step, or nothing.
    #[test]
    fn damaged_lines_are_told_apart() {
        const LINES: [&str; 6] = [
            r#"{"score": 0.5, "measures": {"a": 1, "b": -2e3}}"#,
            r#"{"failed": "out of\nmemory é"}"#,
            r#"{"step": 3, "value": NaN, "x": [1, {"y": null}]}"#,
            r#"{"score": -Infinity, "x": "a \" NaN"}"#,
            "{'score': 0.5, 'failed': None}",
            r#"{"score": 1e308, "measures": {"a": 2e-400}}"#,
        ];
        const PIECES: [&str; 14] = [
            "{",
            "}",
            "[",
            "\"",
            "\\",
            "'",
            ",",
            ":",
            "NaN",
            "1e999",
            "-1",
            "9999999999999999999999",
            "é",
            "\u{0}",
        ];
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut below = |n: usize| rng.random_range(0..n as u32) as usize;
        let mut seen = [0; 4];
        for _ in 0..100_000 {
            let mut line = LINES[below(LINES.len())].as_bytes().to_vec();
            for _ in 0..below(4) {
                let at = below(line.len());
                match below(4) {
                    0 => _ = line.remove(at),
                    1 => line[at] = below(256) as u8,
                    2 => line.truncate(at.max(2)),
                    _ => _ = line.splice(at..at, PIECES[below(PIECES.len())].bytes()).count(),
                }
            }
            let kind = match read(&line) {
                Line::Reply(Reply::Measured(measures)) => {
                    assert!(measures.values().all(|value| value.is_finite()), "{measures:?}");
                    0
                }
                Line::Reply(Reply::Failed(reason)) | Line::Malformed(reason) => {
                    assert!(reason.lines().count() <= 1 && reason.chars().count() < 2 * REASON, "{reason}");
                    1
                }
                Line::Step(_) => 2,
                Line::Other => 3,
            };
            seen[kind] += 1;
        }
        assert!(seen.iter().all(|&count| count > 1000), "{seen:?}");
    }

    #[test]
    fn what_is_no_number_is_a_failure_with_its_reason() {
        for (line, expected) in [
            (r#"{"score": NaN}"#, "the result's `score` is \"NaN\", no number"),
            (r#"{"score": -Infinity, "x": "a \" NaN"}"#, "the result's `score` is \"-Infinity\", no number"),
            (r#"{"score": 1e400, "x": "1e400 \\\" 1e400"}"#, "the result's `score` is \"1e400\", no number"),
            (r#"{"score": null}"#, "the result's `score` is null, no number"),
            (r#"{"score": "0.5"}"#, "the result's `score` is \"0.5\", no number"),
            (r#"{"score": 1, "measures": {"a": NaN}}"#, "the result's `a` is \"NaN\", no number"),
            (r#"{"score": 1, "measures": [1]}"#, "the result's `measures` is [1], no object"),
        ] {
            assert_eq!(failed(line), expected);
        }
    }

    #[test]
    fn long_reasons_are_cut() {
        let reason = failed(&format!("{{\"failed\": \"{}\"}}", "é ".repeat(10_000)));
        assert_eq!(reason.chars().count(), REASON + 4);
    }
}
