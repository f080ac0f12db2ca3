//! The plots of an experiment on a table.

mod critical;
mod curves;
mod fronts;

pub(super) use critical::critical_difference;
pub(super) use curves::{found, optimum, oracle};
pub(super) use fronts::{fronts, hypervolume};
