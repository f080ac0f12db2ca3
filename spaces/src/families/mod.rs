//! The published families of search spaces, one folder or file each: the space, its notation, its
//! published architectures and its skeleton side by side.
//!
//! A family that says what its operations are in layers implements
//! [`SpaceNetwork`](crate::network::SpaceNetwork) and can be trained; the others serve tables.
//! [`crate::catalogue::SPACES`] lists all of them by name.

mod chain;
pub mod darts;
mod draw;
pub mod mnasnet;
pub mod mobilenet;
pub mod nasbench101;
pub mod nasbench201;
pub mod nasbench_macro;
pub mod transnas;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
