//! Contract suites for authors of their own strategies and evaluators, and a space to try them on.
//!
//! Call them from a test; they panic with what is wrong. Spaces and surrogates have theirs in
//! their own crates ([`bonas_spaces::testing`], [`bonas_surrogate`]).

mod chain;
mod evaluator;
mod strategy;

pub use chain::Chain;
pub use evaluator::check_evaluator;
pub use strategy::check_strategy;
