//! The keys at the top of an experiment's file.

use crate::config::print::commented_without;
use crate::config::{ConfigError, Document, ensure};

/// Sections and tables that may stand beside these keys.
pub(super) const SECTIONS: [&str; 11] = [
    "table",
    "constraint",
    "objective",
    "data",
    "training",
    "space",
    "evaluator",
    "latency",
    "final",
    "truth",
    "strategy",
];

/// Keys that say nothing about a table, and what to do instead.
const NOT_ON_TABLES: [(&str, &str); 2] = [
    (
        "seconds",
        "it is for images, a run on a table has a `budget`; leave it out, or say with [data] which images",
    ),
    ("random", "it is for images, where cells are trained; on a table add [[strategy]] name = \"random\""),
];
/// Keys that say nothing about images, and why.
const NOT_ON_IMAGES: [(&str, &str); 1] =
    [("stop_at_optimum", "it is for a table, whose best architecture is known; leave it out")];

bonas_study::settings! {
    /// How strategies are compared: the keys at the top of an experiment's file.
    pub struct ExperimentSettings {
        /// Runs of each strategy, with seeds `first_seed`, `first_seed` + 1 and so on: the same for all
        /// strategies.
        seeds: usize = 100,
        /// The first seed; 0 to 9223372036854775807.
        first_seed: u64 = 1,
        /// Unique architectures of a run, the first random ones included. On images a differentiable strategy
        /// has a number of epochs in its place.
        budget: usize = 150,
        /// Images only: seconds of search of a run, in place of `budget`. A short pilot of each strategy
        /// measures once how many epochs or architectures fit into them; from then on that number is the
        /// budget. 0: `budget`, or the strategy's own epochs.
        seconds: f64 = 0.0,
        /// Images only: random cells that are trained beside the winners, a seed; 0: none.
        random: usize = 0,
        /// Architectures a batch, for strategies that do not say it themselves; 0: each strategy's default.
        batch: usize = 10,
        /// Random architectures before a surrogate's first fit, for strategies that do not say it
        /// themselves; 0: each strategy's default.
        initial: usize = 5,
        /// Tables only: whether a run ends once it has queried an architecture whose report value is the
        /// best of the table, for counting queries to the optimum, with the budget as the cap.
        stop_at_optimum: bool = false,
        /// Level of the tests, and 1 less the probability of the intervals.
        alpha: f64 = 0.05,
        /// Resamples of a bootstrap interval.
        resamples: usize = 2000,
    }
    check(s) {
        ensure((1..=100_000).contains(&s.seeds), "seeds", s.seeds, "1 to 100000")?;
        let last = i64::try_from(s.first_seed).ok().and_then(|first| first.checked_add(s.seeds as i64));
        ensure(last.is_some(), "first_seed", s.first_seed, "0 to 9223372036854775807, with all seeds after it")?;
        ensure((1..=1_000_000).contains(&s.budget), "budget", s.budget, "1 to 1000000")?;
        ensure(s.seconds >= 0.0 && s.seconds.is_finite(), "seconds", s.seconds, "0 (none) or more")?;
        ensure(s.random <= 1000, "random", s.random, "0 to 1000")?;
        ensure(s.alpha > 0.0 && s.alpha < 1.0, "alpha", s.alpha, "between 0 and 1")?;
        ensure((1..=1_000_000).contains(&s.resamples), "resamples", s.resamples, "1 to 1000000")
    }
}

impl ExperimentSettings {
    /// The defaults of an experiment on images: fewer seeds, for every run trains networks, and batches as
    /// each strategy says.
    pub fn on_images() -> Self {
        Self { seeds: 3, budget: 60, batch: 0, initial: 0, resamples: 10_000, ..Self::default() }
    }

    /// The seeds of every strategy, in order.
    pub fn each_seed(&self) -> impl Iterator<Item = u64> + use<> {
        (self.first_seed..).take(self.seeds)
    }

    /// Reads the keys at the top; those left out have the defaults of a table or of images.
    pub(super) fn read(document: &Document<'_>, images: bool) -> Result<Self, ConfigError> {
        let read: Self = document.section("", &SECTIONS)?;
        let unfit = if images { &NOT_ON_IMAGES[..] } else { &NOT_ON_TABLES[..] };
        if let Some((key, reason)) = unfit.iter().find(|(key, _)| document.has(key)) {
            return Err(document.refuse(key, *reason));
        }
        if !images {
            return Ok(read);
        }
        let of = Self::on_images();
        let given = |key: &str, read: usize, default: usize| if document.has(key) { read } else { default };
        Ok(Self {
            seeds: given("seeds", read.seeds, of.seeds),
            budget: given("budget", read.budget, of.budget),
            batch: given("batch", read.batch, of.batch),
            initial: given("initial", read.initial, of.initial),
            resamples: given("resamples", read.resamples, of.resamples),
            ..read
        })
    }

    /// The keys that fit a table, or images, each below a comment that says what it means.
    pub(super) fn commented(&self, images: bool) -> String {
        let unfit = if images { &NOT_ON_IMAGES[..] } else { &NOT_ON_TABLES[..] };
        let unfit: Vec<&str> = unfit.iter().map(|(key, _)| *key).collect();
        commented_without(&unfit, "", self)
    }
}
