//! Tests of networks in tensors.

mod counts;
mod golden;
mod support;
