//! How the learning rate falls.

use std::f64::consts::PI;

/// The learning rate of each epoch (or step) `t = 0, 1, …, n-1`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Schedule {
    /// Always the same.
    Constant,
    /// Half a cosine from the base rate to `floor`: `floor + (base - floor)·(1 + cos(π·t/n))/2`
    /// (Loshchilov & Hutter 2017; DARTS).
    Cosine {
        /// Rate at `t = n`.
        floor: f64,
    },
    /// A straight line from the base rate to `floor` at `t = n`.
    Linear {
        /// Rate at `t = n`.
        floor: f64,
    },
    /// Multiplied by `factor` at each `t` (DARTS on ImageNet: 0.97).
    Exponential {
        /// The factor.
        factor: f64,
    },
}

impl Schedule {
    /// The rate at `t` of `n`, starting from `base`. Beyond `n` it stays at its last value.
    pub fn rate(self, base: f64, t: usize, n: usize) -> f64 {
        let part = if n == 0 { 0.0 } else { t.min(n) as f64 / n as f64 };
        match self {
            Self::Constant => base,
            Self::Cosine { floor } => floor + (base - floor) * 0.5 * (1.0 + (PI * part).cos()),
            Self::Linear { floor } => floor + (base - floor) * (1.0 - part),
            Self::Exponential { factor } => base * factor.powf(t.min(n) as f64),
        }
    }
}
