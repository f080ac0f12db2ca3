//! Final training: what the winner and its rivals reached from scratch.

use serde::{Deserialize, Serialize};

/// One architecture trained from scratch, with one test accuracy a seed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FinalResult {
    /// What it is: "winner", or "random 1" and so on.
    pub label: String,
    /// In the space's notation.
    pub arch: String,
    /// Accuracy on the test images, a fraction in `[0, 1]`, one a seed.
    pub test: Vec<f64>,
    /// Trainable parameters of the trained network.
    pub params: Option<usize>,
    /// Multiply-adds of one image.
    pub macs: Option<u64>,
    /// Seconds of training, all seeds together.
    pub seconds: Option<f64>,
}

impl FinalResult {
    /// Mean test accuracy; none without a seed.
    pub fn mean(&self) -> Option<f64> {
        (!self.test.is_empty()).then(|| self.test.iter().sum::<f64>() / self.test.len() as f64)
    }

    /// Standard deviation between seeds (divisor n - 1); none with fewer than two.
    pub fn sd(&self) -> Option<f64> {
        let mean = self.mean()?;
        let squares = self.test.iter().map(|x| (x - mean).powi(2)).sum::<f64>();
        (self.test.len() > 1).then(|| (squares / (self.test.len() - 1) as f64).sqrt())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mean_and_sd_by_hand() {
        let of = |test: &[f64]| FinalResult { test: test.to_vec(), ..FinalResult::default() };
        assert_eq!((of(&[]).mean(), of(&[]).sd()), (None, None));
        assert_eq!((of(&[0.5]).mean(), of(&[0.5]).sd()), (Some(0.5), None));
        let three = of(&[0.5, 0.6, 0.7]);
        assert!((three.mean().unwrap() - 0.6).abs() < 1e-12 && (three.sd().unwrap() - 0.1).abs() < 1e-12);
    }
}
