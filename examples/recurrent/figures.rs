//! Perplexities as lines and as a table.

use std::fmt::{self, Write};

/// A cell that was trained by itself.
pub(crate) struct Contender {
    pub(crate) name: String,
    pub(crate) params: u64,
    pub(crate) figures: Figures,
}

/// Perplexities, one a seed.
pub(crate) enum Figures {
    Measured { valid: Vec<f64>, test: Vec<f64> },
    Failed(String),
}

impl fmt::Display for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, params, figures } = self;
        match figures {
            Figures::Measured { valid, test } => {
                let [valid, test] = [valid, test].map(|all| spread(all));
                write!(f, "{name:<10} {params:>9} parameters, perplexity: validation {valid}, test {test}")
            }
            Figures::Failed(reason) => write!(f, "{name:<10} {params:>9} parameters, failed: {reason}"),
        }
    }
}

/// Mean and standard deviation.
fn spread(values: &[f64]) -> String {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
    format!("{mean:.1} ±{:.1}", variance.sqrt())
}

/// A Markdown table, the lowest validation perplexity first.
pub(crate) fn table(contenders: &[Contender]) -> String {
    let mean = |contender: &Contender| match &contender.figures {
        Figures::Measured { valid, .. } => valid.iter().sum::<f64>() / valid.len() as f64,
        Figures::Failed(_) => f64::INFINITY,
    };
    let mut order: Vec<&Contender> = contenders.iter().collect();
    order.sort_by(|a, b| mean(a).total_cmp(&mean(b)));
    let mut text = "| cell | parameters | validation | test |\n| --- | --- | --- | --- |\n".to_owned();
    for Contender { name, params, figures } in order {
        let [valid, test] = match figures {
            Figures::Measured { valid, test } => [valid, test].map(|all| spread(all)),
            Figures::Failed(_) => ["diverged".to_owned(), String::new()],
        };
        let _ = writeln!(text, "| {name} | {params} | {valid} | {test} |");
    }
    text
}
