//! What a search came to, for a terminal.

use std::fmt::{self, Write};
use std::path::{Path, PathBuf};

use bonas_spaces::SearchSpace;
use bonas_study::journal::read_json;
use bonas_study::statistics::{mean, sd};
use bonas_study::table::ColumnName;
use bonas_supernet::evaluator::{BuildEvaluator, RunFiles};
use bonas_supernet::recipe::Metric;

use super::quoted;
use crate::build::{LATENCY_TABLE_FILE, LatencyTable, SPACE_FILE};
use crate::drawing::cells_text;
use crate::report::{FinalSummary, REPORT_FILE, Shortlisted, Shown, Summary, Trained, WINNER_FILE};
use crate::search::{FINALS_FOLDER, SPACE_COPY_FILE};

/// The winner of a search: its text and drawing, its scores, what final training made of it beside random
/// cells, and where its files are. Printed with `{}`.
pub struct Ending<'a> {
    summary: &'a Summary,
    space: &'a dyn SearchSpace,
    folder: &'a Path,
    data: Option<String>,
    images: bool,
    columns: Vec<ColumnName>,
    evaluator: &'a dyn BuildEvaluator,
}

impl<'a> Ending<'a> {
    /// The ending of the search in a folder; its evaluator says what scores are.
    pub fn new(
        summary: &'a Summary,
        space: &'a dyn SearchSpace,
        folder: &'a Path,
        evaluator: &'a dyn BuildEvaluator,
    ) -> Self {
        Self { summary, space, folder, data: None, images: false, columns: Vec::new(), evaluator }
    }

    /// Names the images that the winner may be trained on next, as `bonas train --data` takes them.
    #[must_use]
    pub fn data(self, source: String) -> Self {
        Self { data: Some(source), ..self }
    }

    /// Says whether the search was on the images that the winner may be trained on, so that `bonas train --from` takes them.
    #[must_use]
    pub fn on_images(self, images: bool) -> Self {
        Self { images, ..self }
    }

    /// Names of the score and of what is measured beside it ([`SearchConfig::columns`](crate::config::SearchConfig::columns)), so
    /// that measures of the winner are told.
    #[must_use]
    pub fn columns(self, columns: Vec<ColumnName>) -> Self {
        Self { columns, ..self }
    }

    /// What else was measured of the winner, by name, without a changed sign and once.
    fn measures(&self, winner: &str) -> Option<String> {
        let best = self.summary.best.as_ref().filter(|best| best.arch == winner)?;
        let named = self.columns.iter().skip(1).zip(&best.measures);
        let mut told: Vec<String> = Vec::new();
        for (name, &value) in named {
            let plain = ColumnName { negated: false, ..name.clone() };
            let text = format!("{plain} {:.4}", if name.negated { -value } else { value });
            if !told.contains(&text) {
                told.push(text);
            }
        }
        (!told.is_empty()).then(|| told.join(", "))
    }

    /// Commands that go on from here.
    fn next(&self) -> Vec<String> {
        let winner = quoted(&self.folder.join(WINNER_FILE));
        let space = if self.space.source().is_some() {
            let copy = self.folder.join(SPACE_COPY_FILE);
            quoted(Path::new(&format!("{SPACE_FILE}{}", copy.display())))
        } else {
            self.summary.space.clone()
        };
        let mut commands = vec![format!("bonas describe --space {space} --arch \"$(cat {winner})\"")];
        if let Some(data) = self.data.as_ref().filter(|_| self.space.network().is_some()) {
            // The folder has the size, limit and split of the images, too.
            let what = if self.images && self.summary.ended.is_some() {
                format!("--from {}", quoted(self.folder))
            } else {
                let data = quoted(Path::new(data));
                format!("--space {space} --genotype \"$(cat {winner})\" --data {data}")
            };
            let out = quoted(&self.folder.join("trained"));
            commands.push(format!("bonas train {what} --epochs 100 --out {out}"));
        }
        commands
    }

    /// Whether nothing is left to do: without a winner nothing follows the search.
    fn finished(&self) -> bool {
        let trained = self.summary.finals.as_ref().is_none_or(|finals| finals.finished);
        self.summary.ended.is_some() && (trained || self.summary.winner.is_none())
    }

    /// One sentence: how far the search has come.
    pub fn state(&self) -> String {
        let queries = self.summary.queries;
        match &self.summary.finals {
            _ if self.finished() => "The search is finished.".to_owned(),
            Some(finals) if self.summary.ended.is_some() => format!(
                "The search has ended; its final training is not finished, {} of {} networks are trained.",
                finals.done, finals.planned
            ),
            _ => format!("The search has not ended; {queries} architectures are evaluated so far."),
        }
    }

    /// The score of the winner in the search.
    fn score(&self, winner: &str) -> Option<f64> {
        let best = self.summary.best.as_ref().filter(|best| best.arch == winner);
        best.map(|best| best.score).or_else(|| self.listed(winner)?.score)
    }

    fn listed(&self, winner: &str) -> Option<&Shortlisted> {
        self.summary.shortlist.iter().find(|one| one.arch == winner)
    }

    fn shown(&self) -> Shown {
        Shown::of(self.evaluator.unit())
    }

    /// The weights of the winner, one file a seed, whether they are there or not.
    fn weights(&self, winner: &str) -> Vec<PathBuf> {
        let seeds = self.summary.finals.as_ref().and_then(|finals| finals.results.first());
        let Ok(architecture) = self.space.parse(winner) else { return Vec::new() };
        if self.shown() == Shown::Score {
            // The program keeps what it likes in its own folders.
            return Vec::new();
        }
        let folder = self.folder.join(FINALS_FOLDER);
        // While others are still trained, what will be a model is a file of weights.
        let file = |seed| {
            let files = RunFiles::new(&folder, architecture.key(), seed);
            if files.weights().is_file() { files.weights() } else { files.model() }
        };
        (0..seeds.map_or(0, |trained| trained.test.len())).map(file).collect()
    }

    /// How well latencies are predicted, where they are.
    fn latency_table(&self) -> Option<String> {
        match read_json::<LatencyTable>(&self.folder.join(LATENCY_TABLE_FILE)) {
            Ok(table) => table.map(|table| {
                let tau = table.tau.map_or_else(String::new, |tau| format!(", tau {tau:.2}"));
                format!(
                    "predicted from {} measured networks; one that is left out is off by {:.1} % in the median{tau}",
                    table.networks,
                    100.0 * table.median_error
                )
            }),
            Err(error) => Some(error.to_string()),
        }
    }

    fn rows(&self, winner: &str) -> Vec<(&'static str, String)> {
        let mut rows = Vec::new();
        if let Some(score) = self.score(winner) {
            let best = self.summary.best.as_ref().filter(|best| best.arch == winner);
            let beside = best.and_then(|best| best.beside).map_or_else(String::new, |beside| {
                format!("; {} {beside:.4}", self.evaluator.metric().other().text())
            });
            let perplexity = match self.shown() {
                Shown::Perplexity => format!("perplexity {:.2}; ", 1.0 / score),
                _ => String::new(),
            };
            rows.push(("score", format!("{score:.4} ({perplexity}{}){beside}", self.evaluator.scores())));
        }
        if let Some(one) = self.listed(winner)
            && let Some(value) = self.shown().mean(&one.validation)
        {
            let (n, seeds) = (self.summary.shortlist.len(), one.validation.len());
            let seeds = count(seeds, "seed");
            rows.push((
                "shortlist",
                match self.shown() {
                    Shown::Accuracy => format!(
                        "{} {}{} on the held-out images, trained from scratch, {seeds}; the best of {n}",
                        percent(value),
                        self.evaluator.metric().text(),
                        beside(one.beside, self.evaluator.metric().other())
                    ),
                    Shown::Perplexity => format!(
                        "perplexity {value:.2} on the held-out text, trained from scratch, {seeds}; the best of {n}"
                    ),
                    Shown::Score | Shown::Truth => format!("{value:.4}, {seeds}; the best of {n}"),
                },
            ));
        }
        rows.extend(self.measures(winner).map(|text| ("measured", text)));
        rows.extend(self.latency_table().map(|text| ("latency", text)));
        let shown = self.shown();
        rows.extend(self.summary.finals.as_ref().map(|finals| final_rows(finals, shown)).unwrap_or_default());
        let weights = self.weights(winner);
        if let Some(first) = weights.first() {
            let more = if weights.len() > 1 {
                format!(", and so on: {}", count(weights.len(), "seed"))
            } else {
                String::new()
            };
            let text = match weights.iter().find(|path| !path.exists()) {
                None => format!("{}{more}", first.display()),
                Some(lost) => format!(
                    "{} is missing, though it was written here; train the winner again with `bonas train`",
                    lost.display()
                ),
            };
            rows.push(("model", text));
        }
        rows.push(("report", self.folder.join(REPORT_FILE).display().to_string()));
        rows
    }
}

impl fmt::Display for Ending<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.state())?;
        let Some(winner) = &self.summary.winner else {
            let report = self.folder.join(REPORT_FILE);
            let why = match (self.summary.ended, self.summary.queries) {
                (Some(_), 1..) => "No architecture has a score and keeps the limits.",
                _ => "No architecture has a score yet.",
            };
            return writeln!(f, "{why} {}", report.display());
        };
        let trained = self.summary.finals.as_ref().is_some_and(|finals| finals.done > 0);
        let name = if self.finished() || trained { "winner" } else { "best so far" };
        writeln!(f, "\n{name}  {winner}\n")?;
        if let Ok(architecture) = self.space.parse(winner) {
            writeln!(f, "{}", cells_text(&architecture, self.space.cell_names()).trim_end())?;
            f.write_char('\n')?;
        }
        for (name, text) in self.rows(winner) {
            writeln!(f, "{name:<9}  {text}")?;
        }
        for (i, command) in self.next().iter().enumerate() {
            writeln!(f, "{:<9}  {command}", if i == 0 { "next" } else { "" })?;
        }
        Ok(())
    }
}

/// What final training made of the winner and of random cells.
fn final_rows(finals: &FinalSummary, shown: Shown) -> Vec<(&'static str, String)> {
    let mut rows = Vec::new();
    let Some((winner, random)) = finals.results.split_first() else {
        rows.push(("final", format!("0 of {} networks are trained", finals.planned)));
        return rows;
    };
    let winners = shown.mean(&winner.test);
    let text = match winners {
        Some(mean) => {
            format!(
                "{}{}{}, {}",
                of_tests(mean, shown),
                spread(shown.sd(&winner.test), shown),
                beside(winner.beside, Metric::BalancedAccuracy),
                count(winner.test.len(), "seed")
            )
        }
        None => "every training of the winner failed".to_owned(),
    };
    let state = if finals.finished {
        String::new()
    } else {
        format!("; not finished, {} of {} networks", finals.done, finals.planned)
    };
    rows.push(("final", text + &state));
    let means: Vec<f64> = random.iter().filter_map(|cell: &Trained| shown.mean(&cell.test)).collect();
    if !means.is_empty() {
        let of = mean(&means);
        let sd = (means.len() > 1).then(|| sd(&means));
        let gain = winners.map_or(String::new(), |best| match shown {
            Shown::Accuracy => format!("; the winner has {:+.2} points", 100.0 * (best - of)),
            Shown::Perplexity => format!("; the winner has {:+.2} (lower is better)", best - of),
            Shown::Score | Shown::Truth => format!("; the winner has {:+.4}", best - of),
        });
        let cells = count(means.len(), "random cell");
        let of = match shown {
            Shown::Accuracy => percent(of),
            Shown::Perplexity => format!("perplexity {of:.2}"),
            Shown::Score | Shown::Truth => format!("{of:.4}"),
        };
        rows.push(("random", format!("{of}{}, {cells}{gain}", spread(sd, shown))));
    }
    rows
}

fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

/// The other metric in brackets, where it is told.
fn beside(value: Option<f64>, metric: Metric) -> String {
    value.map_or_else(String::new, |value| format!(" ({} {})", metric.text(), percent(value)))
}

/// A mean of final training.
fn of_tests(mean: f64, shown: Shown) -> String {
    match shown {
        Shown::Accuracy => format!("{} of the test images", percent(mean)),
        Shown::Perplexity => format!("perplexity {mean:.2} on the test text"),
        Shown::Score | Shown::Truth => format!("{mean:.4} by the program"),
    }
}

fn spread(sd: Option<f64>, shown: Shown) -> String {
    sd.map_or(String::new(), |sd| match shown {
        Shown::Accuracy => format!(" (sd {:.2})", 100.0 * sd),
        Shown::Perplexity => format!(" (sd {sd:.2})"),
        Shown::Score | Shown::Truth => format!(" (sd {sd:.4})"),
    })
}

fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}
