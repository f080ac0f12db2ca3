//! The plots of a comparison.

mod critical;
mod curves;

pub(super) use critical::critical_difference;
pub(super) use curves::{found, optimum, oracle};
