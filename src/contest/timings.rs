//! `timings.json` and `timings.html`: how long the searches of a contest took.

use bonas_study::statistics::mean;
use serde::{Deserialize, Serialize};

use super::plan::{Budget, Plan};
use super::study::{Outcome, Piece};
use super::summary::{Summary, of_row, rows};
use crate::drawing::escape;
use crate::report::markup::{dash, foot, head, note, section, table};
use crate::report::{REPORT_FILE, TIMINGS_FORMAT};

/// What `timings.json` of a contest holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Timings {
    /// [`TIMINGS_FORMAT`].
    pub format: u32,
    /// One entry an arm, in order.
    pub arms: Vec<ArmTimings>,
}

/// Times of one arm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ArmTimings {
    /// What it is called.
    pub name: String,
    /// Seconds of the whole search by the pilot; null without one.
    pub pilot_s: Option<f64>,
    /// Seconds of search of each study, by seed.
    pub search_s: Vec<f64>,
}

const HEADS: [&str; 4] = ["arm", "expected by the pilot (s)", "search, mean (s)", "search by seed (s)"];
const REMARK: &str = "The pilot counts seconds of processors, or of the device's wall clock. Searches are measured by the wall \
                      clock, whatever else the machine did.";

impl Timings {
    /// The timings of a contest that is done.
    pub(super) fn of(plan: &Plan, outcomes: &[Outcome]) -> Self {
        let arms = rows(outcomes).into_iter().filter_map(|row| arm(plan, &of_row(outcomes, row)));
        Self { format: TIMINGS_FORMAT, arms: arms.collect() }
    }

    fn rows(&self) -> Vec<Vec<String>> {
        let row = |arm: &ArmTimings| {
            let by_seed: Vec<String> = arm.search_s.iter().map(|s| format!("{s:.1}")).collect();
            vec![
                arm.name.clone(),
                arm.pilot_s.map_or_else(dash, |s| format!("{s:.1}")),
                format!("{:.1}", mean(&arm.search_s)),
                by_seed.join(", "),
            ]
        };
        self.arms.iter().map(row).collect()
    }

    /// The page.
    pub(super) fn page(&self, summary: &Summary) -> String {
        let lead = format!(
            "Comparison on {}. All times are of this run; its results are in <code>{REPORT_FILE}</code>.",
            escape(&summary.data)
        );
        let table = table("timings", "Times of arms", &HEADS, self.rows().into_iter());
        head("Timings", &lead) + &section("Searches", &(table + &note(REMARK))) + &foot()
    }

    /// The table as text, in Markdown.
    pub fn markdown(&self) -> String {
        super::page::markdown_table(&HEADS, &self.rows())
    }
}

/// The times of one row of outcomes; none of random cells.
fn arm(plan: &Plan, outcomes: &[&Outcome]) -> Option<ArmTimings> {
    let Piece::Search { arm, .. } = outcomes.first()?.piece else { return None };
    Some(ArmTimings {
        name: outcomes[0].row.clone(),
        pilot_s: Budget::seconds(plan.budget(arm)),
        search_s: outcomes.iter().map(|outcome| outcome.seconds).collect(),
    })
}
