//! The page of a single training: its result, its learning curves, its configuration.

use super::markup::{configuration, figure, foot, head, note, pair, section, table, tiles};
use super::plots::{self, Curves, Line};
use super::{FinalResult, ModelReport, Shown};
use crate::drawing::escape;

/// The learning curves of one run; the vectors have an entry for each epoch that is done.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunCurves {
    /// Learning rate of the first step.
    pub learning_rates: Vec<f64>,
    /// Mean training loss.
    pub losses: Vec<f64>,
    /// Share of the training images that were classified rightly; NaN where it was not measured.
    pub accuracies: Vec<f64>,
}

/// What the weights were before a training.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// Random: it was trained from scratch.
    #[default]
    Random,
    /// Those of a trained network (`bonas train --init`).
    Trained,
    /// No training is known: the weights are random, or from elsewhere.
    Untrained,
}

impl Start {
    fn lead(self) -> &'static str {
        match self {
            Self::Random => "Trained from scratch; accuracies are on test images, read once in the end.",
            Self::Trained => {
                "Trained from the weights of a trained network; accuracies are on test images, read once in the end."
            }
            Self::Untrained => "No training is known; the weights are random, or from elsewhere.",
        }
    }
}

/// What the page of a training shows.
#[derive(Clone, Debug, Default)]
pub struct TrainingReport {
    /// The result; none while the training is not over.
    pub result: Option<FinalResult>,
    /// The runs that have begun, in order.
    pub runs: Vec<RunCurves>,
    /// The configuration as text; empty for a model folder by itself.
    pub config: String,
    /// The network of the first run; none while there is none.
    pub model: Option<ModelReport>,
    /// What its weights were before.
    pub start: Start,
}

impl TrainingReport {
    /// The page. It loads nothing, and every text from outside is escaped.
    pub fn page(&self) -> String {
        let title = if self.config.is_empty() { "Model" } else { "Training" };
        let mut page = head(title, &self.lead());
        if let Some(result) = &self.result {
            page.push_str(&of_result(result));
        }
        if let Some(model) = &self.model {
            page.push_str(&model.sections());
        }
        page.push_str(&self.curves());
        if !self.config.is_empty() {
            page.push_str(&configuration(&self.config));
        }
        page + &foot()
    }

    fn lead(&self) -> String {
        match &self.result {
            Some(FinalResult { failed: Some(reason), .. }) => {
                format!("The training failed: {}.", escape(reason))
            }
            Some(_) => self.start.lead().to_owned(),
            None => "The training has not ended; the same `bonas train` command goes on with it.".to_owned(),
        }
    }

    fn curves(&self) -> String {
        let curve = |id: &str, title: &str, caption: &str, values: fn(&RunCurves) -> &Vec<f64>| {
            let line = |(run, curves): (usize, &RunCurves)| {
                let name = if self.runs.len() > 1 { format!("run {run}") } else { String::new() };
                Line { name, values: values(curves).clone() }
            };
            let all: Vec<Line> = self.runs.iter().enumerate().map(line).collect();
            figure(id, plots::lines(&all, Curves::by_epoch(title)), caption)
        };
        let learnt = curve("loss", "training loss", "Mean training loss of each epoch.", |run| &run.losses)
            + &curve(
                "accuracy",
                "training accuracy",
                "Share of the training images that were classified rightly, as the training saw them.",
                |run| &run.accuracies,
            );
        let rate = curve("rate", "learning rate", "Learning rate at the first step of each epoch.", |run| {
            &run.learning_rates
        });
        if learnt.is_empty() { String::new() } else { section("Learning curves", &(pair(&learnt) + &rate)) }
    }
}

/// Large figures, and the accuracy of each run where there are several.
fn of_result(result: &FinalResult) -> String {
    let percent = |value: Option<f64>| Shown::Accuracy.value(value);
    let sd = result.sd().map_or_else(String::new, |sd| format!(" ± {}", percent(Some(sd))));
    let accuracy = result.mean().map(|mean| (percent(Some(mean)), format!("test accuracy{sd}")));
    let mut figures: Vec<_> = accuracy.into_iter().collect();
    let balanced = result.beside.map(|value| (percent(Some(value)), "balanced accuracy".to_owned()));
    figures.extend(balanced);
    figures.extend(result.params.map(|params| (params.to_string(), "parameters".to_owned())));
    figures.extend(result.macs.map(|macs| (macs.to_string(), "multiply-adds of an image".to_owned())));
    let rows =
        result.test.iter().enumerate().map(|(run, &value)| vec![run.to_string(), percent(Some(value))]);
    if result.test.len() < 2 {
        return tiles(&figures);
    }
    let body = table("runs", "Test accuracy of each run", &["run", "test accuracy"], rows)
        + &note("Runs differ in their seed. What follows is of the first.");
    tiles(&figures) + &section("Runs", &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> TrainingReport {
        let result = FinalResult {
            arch: "a<b".into(),
            test: vec![0.5, 0.75],
            params: Some(12),
            ..FinalResult::default()
        };
        let run = |loss| RunCurves {
            learning_rates: vec![0.5, 0.25],
            losses: vec![loss, 1.0],
            accuracies: vec![f64::NAN, 0.5],
        };
        let model = ModelReport { arch: "a<b".into(), ..ModelReport::default() };
        let runs = vec![run(2.0), run(3.0)];
        TrainingReport {
            result: Some(result),
            runs,
            config: "[final]\n".into(),
            model: Some(model),
            start: Start::Random,
        }
    }

    #[test]
    fn the_page_has_result_curves_and_configuration() {
        let page = report().page();
        for text in [
            "62.50 %",
            "a&lt;b",
            "epoch 0\nrun 0: 2.0000\nrun 1: 3.0000",
            "epoch 1\nrun 0: 0.5000\nrun 1: 0.5000",
            "run 0: 0.2500",
            "[final]",
        ] {
            assert!(page.contains(text), "{text} in {page}");
        }
        assert!(
            !page.contains("run 0: NaN") && !page.contains("NaN,"),
            "a value that was not measured is left out"
        );
    }

    #[test]
    fn a_training_that_failed_says_why() {
        let failed = FinalResult { failed: Some("a loss <NaN>".into()), ..FinalResult::default() };
        let page = TrainingReport { result: Some(failed), ..report() }.page();
        assert!(page.contains("The training failed: a loss &lt;NaN&gt;."), "{page}");
        assert!(!page.contains("Test accuracy of each run"), "no table without a row");
    }

    #[test]
    fn the_lead_says_what_the_weights_were() {
        let page = |start| TrainingReport { start, ..report() }.page();
        assert!(page(Start::Random).contains("Trained from scratch"));
        let fine_tuned = page(Start::Trained);
        assert!(fine_tuned.contains("weights of a trained network") && !fine_tuned.contains("from scratch"));
        let result = FinalResult { params: Some(12), ..FinalResult::default() };
        let untrained =
            TrainingReport { result: Some(result), start: Start::Untrained, ..TrainingReport::default() };
        let untrained = untrained.page();
        assert!(untrained.contains("No training is known") && untrained.contains("parameters"));
        assert!(!untrained.contains("accurac"), "{untrained}");
    }

    #[test]
    fn a_training_that_goes_on_has_no_result() {
        let page = TrainingReport { result: None, model: None, ..report() }.page();
        assert!(
            page.contains("has not ended")
                && !page.contains("Architecture")
                && page.contains("run 1: 3.0000")
        );
        let empty = TrainingReport::default().page();
        assert!(!empty.contains("Learning curves"));
    }
}
