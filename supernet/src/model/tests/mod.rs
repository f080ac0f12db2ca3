//! Tests of networks in tensors.

mod contract;
mod counts;
mod golden;
mod kernels;
mod paths;
mod support;
mod trainable;
mod training;
mod vertices;
