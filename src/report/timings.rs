//! `timings.json` and `timings.html`: how long a search took, and where.
//!
//! What depends on the machine stands here and nowhere else, so that `summary.json` and `report.html`
//! of two runs with the same configuration, seed and data are the same bytes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Report;
use super::markup::{dash, facts, foot, head, known, section, table, tiles};
use crate::drawing::escape;

/// Version of the keys of [`Timings`].
pub const TIMINGS_FORMAT: u32 = 1;

/// What `timings.json` of a search holds; what is not known is null.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Timings {
    /// [`TIMINGS_FORMAT`].
    pub format: u32,
    /// Seconds of asking and evaluating, summed over workers.
    pub seconds: f64,
    /// One entry a round.
    pub rounds: Vec<RoundTimings>,
    /// One entry an architecture of the final training that is trained.
    #[serde(rename = "final")]
    pub finals: Vec<TrainedTimings>,
    /// Facts about machine and program, by name.
    pub environment: BTreeMap<String, String>,
}

/// Seconds of one round.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoundTimings {
    /// Round, from 0.
    pub round: usize,
    /// Seconds of asking.
    pub ask_s: Option<f64>,
    /// Seconds of evaluating, summed over batches.
    pub evaluate_s: Option<f64>,
}

/// Seconds of the final training of one architecture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainedTimings {
    /// What it is: "winner", or "random 1" and so on.
    pub label: String,
    /// Seconds, all seeds together.
    pub seconds: Option<f64>,
}

impl Timings {
    /// The timings of a search.
    pub fn of(report: &Report<'_>) -> Self {
        let round = |row: super::RoundRow| {
            let seconds = report.seconds.round(row.round);
            RoundTimings { round: row.round, ask_s: seconds.ask, evaluate_s: seconds.evaluate }
        };
        let trained = report.finals.iter().flat_map(|finals| &finals.results);
        Self {
            format: TIMINGS_FORMAT,
            seconds: report.seconds.total(),
            rounds: report.digest.rows().into_iter().map(round).collect(),
            finals: trained
                .map(|one| TrainedTimings { label: one.label.clone(), seconds: one.seconds })
                .collect(),
            environment: report.environment.iter().cloned().collect(),
        }
    }
}

/// The page of a search's timings.
pub(super) fn page(report: &Report<'_>) -> String {
    let timings = Timings::of(report);
    let lead = format!(
        "Search in {}, seed {}. All times are wall-clock times of this run; its results are in <code>{}</code>.",
        escape(&report.digest.space),
        report.digest.seed,
        super::REPORT_FILE
    );
    let mut page = head("Timings", &lead);
    page.push_str(&tiles(&[(
        duration(timings.seconds),
        "asking and evaluating, summed over workers".into(),
    )]));
    let heads = ["round", "asking (s)", "evaluating (s)"];
    let row = |r: &RoundTimings| vec![r.round.to_string(), known(r.ask_s), known(r.evaluate_s)];
    if !timings.rounds.is_empty() {
        page.push_str(&section(
            "Rounds",
            &table("rounds", "Seconds by round", &heads, timings.rounds.iter().map(row)),
        ));
    }
    let heads = ["network", "training (s)"];
    let row =
        |one: &TrainedTimings| vec![one.label.clone(), one.seconds.map_or_else(dash, |s| format!("{s:.1}"))];
    if !timings.finals.is_empty() {
        let table = table("final", "Seconds of final training", &heads, timings.finals.iter().map(row));
        page.push_str(&section("Final training", &table));
    }
    let machine = facts(report.environment.iter().map(|(name, value)| (&**name, &**value)));
    if !machine.is_empty() {
        page.push_str(&section("Machine and program", &machine));
    }
    page + &foot()
}

/// Seconds for people: `0.42 s`, `73 s`, `12 min`, `3.4 h`.
pub(crate) fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 10.0 => format!("{s:.2} s"),
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7200.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_for_people() {
        assert_eq!(duration(0.421), "0.42 s");
        assert_eq!(duration(725.0), "12 min");
        assert_eq!(duration(12_240.0), "3.4 h");
    }
}
