//! Contract suites for strategies and evaluators, and a small search space to try them on.
//!
//! Call [`check_strategy`] or [`check_evaluator`] from a test of your own strategy or evaluator; they panic with the rule that
//! was broken. Spaces and surrogates have their suites in their own crates ([`bonas_spaces::testing`],
//! [`bonas_surrogate::testing`]).

mod chain;
mod evaluator;
mod strategy;

pub use chain::Chain;
pub use evaluator::check_evaluator;
pub use strategy::check_strategy;
