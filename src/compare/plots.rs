//! The plots of a comparison.

mod critical;
mod curves;
mod fronts;

pub(super) use critical::critical_difference;
pub(super) use curves::{found, optimum, oracle};
pub(super) use fronts::{fronts, hypervolume};
