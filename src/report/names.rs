//! Names of the files that a report writes and reads.

/// The page for people.
pub const REPORT_FILE: &str = "report.html";
/// The figures for programs: [`super::Summary`].
pub const SUMMARY_FILE: &str = "summary.json";
/// How long it took, for programs; beside a summary.
pub const TIMINGS_JSON: &str = "timings.json";
/// The same for people.
pub const TIMINGS_PAGE: &str = "timings.html";
/// The winner in its space's notation, one line.
pub const WINNER_FILE: &str = "winner.txt";
/// The shortlist: a list of [`super::Shortlisted`].
pub const SHORTLIST_FILE: &str = "shortlist.json";

/// Where the strategy's model chooses the best of a search: its choice, in the space's notation.
pub const BY_MODEL_FILE: &str = "by-model.json";
/// Final training: a list of [`super::FinalResult`].
pub const FINAL_FILE: &str = "final.json";
/// Environment: a list of pairs of texts.
pub const ENVIRONMENT_FILE: &str = "environment.json";
/// Embedding: a [`super::Plane`], a point an evaluated architecture, in their order.
pub const EMBEDDING_FILE: &str = "embedding.json";
/// In a model folder, what was measured of it: [`super::Evaluation`].
pub const EVALUATION_FILE: &str = "evaluation.json";
/// In the folder of a training, the search that its architecture is from: [`super::Origin`].
pub const ORIGIN_FILE: &str = "origin.json";
