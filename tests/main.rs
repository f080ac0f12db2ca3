//! All integration tests, in one binary so that they link once.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should panic")]

mod contract;
mod convergence;
mod damage;
mod resume;
mod study;
mod support;
mod tidy;
