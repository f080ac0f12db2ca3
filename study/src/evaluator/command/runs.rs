//! What a program is run for, and where.

use std::path::Path;
use std::sync::Arc;

use bonas_spaces::SearchSpace;
use serde::Serialize;

/// What the program is run for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// Scoring a proposal of the search.
    Search,
    /// Scoring one of the best of the search again, to choose the winner.
    Shortlist,
    /// Measuring the winner, or a random architecture beside it, in the end.
    Final,
    /// Timing its network, whose score is something else.
    Latency,
}

/// The runs that each architecture gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommandRuns {
    /// The stage of a search.
    pub purpose: Purpose,
    /// Epochs that the program is asked to train; 0: as many as it likes.
    pub epochs: usize,
    /// Runs of an architecture, each with a seed of its own.
    pub seeds: usize,
    /// What the seeds of the runs come from, the same for every architecture; without it they are drawn anew for each.
    pub paired: Option<u64>,
}

/// Where the program runs.
#[derive(Clone, Debug)]
pub struct CommandContext<'a> {
    /// The search space.
    pub space: Arc<dyn SearchSpace>,
    /// The folder that the program runs in; empty: the current one.
    pub relative_to: &'a Path,
    /// The study's folder, in which every run has a folder of its own.
    pub folder: &'a Path,
    /// Evaluators to build.
    pub workers: usize,
}
