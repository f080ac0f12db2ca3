//! From logits to scores.
//!
//! Shapes: N images, B of them a batch, K classes.

use bonas_study::StudyError;
use tch::{Kind, Tensor};

use super::tensors::images_and_labels;
use crate::data::{BatchOptions, Loader};
use crate::model::{Pass, Path, Supernet, SupernetError};
use crate::recipe::Metric;

/// Images a batch when only scores are computed.
const SCORING_BATCH: usize = 256;

/// The metric of the network over the images at `indices`. `pass` makes the pass of each batch, and so chooses the
/// BatchNorm statistics.
///
/// # Errors
/// [`StudyError::Failed`] when libtorch fails, [`StudyError::Evaluator`] for logits that are not finite,
/// [`StudyError::Setting`] for a bad index.
pub fn score<'a>(
    net: &Supernet,
    path: &Path,
    loader: &Loader,
    indices: &[usize],
    metric: Metric,
    mut pass: impl FnMut() -> Pass<'a>,
) -> Result<f64, StudyError> {
    let mut tally = Tally { metric, hits: Vec::new(), labels: Vec::new(), sums: Vec::new() };
    let mut batches = loader.ordered(indices, BatchOptions::new(SCORING_BATCH))?;
    while let Some(batch) = batches.next_batch() {
        let (images, labels) = images_and_labels(batch, net.placement())?;
        let logits = net.forward(&images, path, &mut pass())?.logits; // [B, K]
        tally.add(&logits, labels)?;
    }
    let (value, sum) = tally.finish()?;
    if !sum.is_finite() {
        let reason =
            "its logits are not finite: training diverged; lower the learning rate or the gradient clip";
        return Err(StudyError::Evaluator(reason.into()));
    }
    Ok(value)
}

/// What is known of the images so far; it stays on the device.
struct Tally {
    metric: Metric,
    /// For each batch 1 for an image that is classified rightly and 0 for another, `[B]`, in double precision.
    hits: Vec<Tensor>,
    /// Its labels `[B]`.
    labels: Vec<Tensor>,
    /// Sums `[]` of logits: not finite as soon as one logit is not.
    sums: Vec<Tensor>,
}

impl Tally {
    /// Adds a batch, by its logits `[B, K]` and labels `[B]`.
    fn add(&mut self, logits: &Tensor, labels: Tensor) -> Result<(), SupernetError> {
        let hits = logits.f_argmax(-1, false)?.f_eq_tensor(&labels)?; // [B]
        self.hits.push(hits.f_to_kind(Kind::Double)?);
        self.labels.push(labels);
        self.sums.push(logits.f_sum(Kind::Double)?); // []
        Ok(())
    }

    /// The metric, and the sum of all logits; waits for the device once, and twice more to count classes.
    fn finish(self) -> Result<(f64, f64), SupernetError> {
        let hits = Tensor::f_cat(&self.hits, 0)?; // [N]
        let sum = Tensor::f_stack(&self.sums, 0)?.f_sum(Kind::Double)?; // []
        let (part, whole) = match self.metric {
            Metric::Accuracy => (hits.f_sum(Kind::Double)?, hits.f_ones_like()?.f_sum(Kind::Double)?),
            Metric::BalancedAccuracy => {
                let labels = Tensor::f_cat(&self.labels, 0)?; // [N]
                let none: Option<Tensor> = None;
                let counts = labels.f_bincount(none, 0)?.f_to_kind(Kind::Double)?; // [K]
                let recalls = labels.f_bincount(Some(hits), 0)?.f_div(&counts.f_clamp_min(1.0)?)?; // [K]
                (recalls.f_sum(Kind::Double)?, counts.f_gt(0.0)?.f_sum(Kind::Double)?)
            }
        };
        let numbers = Vec::<f64>::try_from(&Tensor::f_stack(&[part, whole, sum], 0)?)?; // [3]
        Ok((numbers[0] / numbers[1], numbers[2]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Labels 1, 1, 1, 0: the second image is taken for class 0, the others for class 1.
    fn of(metric: Metric) -> f64 {
        let mut tally = Tally { metric, hits: Vec::new(), labels: Vec::new(), sums: Vec::new() };
        let three = 3f32.ln();
        for (logits, labels) in
            [([[0.0, three], [three, 0.0]], [1i64, 1]), ([[0.0, three], [0.0, three]], [1, 0])]
        {
            let logits = Tensor::from_slice2(&logits);
            tally.add(&logits, Tensor::from_slice(&labels)).unwrap();
        }
        let (value, sum) = tally.finish().unwrap();
        assert!((sum - 4.0 * 3f64.ln()).abs() < 1e-6);
        value
    }

    #[test]
    fn metrics_by_hand() {
        assert_eq!(of(Metric::Accuracy), 0.5);
        // Recalls of 2/3 and 0.
        assert!((of(Metric::BalancedAccuracy) - 1.0 / 3.0).abs() < 1e-12);
    }

    /// A class without images is none of those that the mean is taken of.
    #[test]
    fn classes_without_images_do_not_count() {
        let mut tally = Tally {
            metric: Metric::BalancedAccuracy,
            hits: Vec::new(),
            labels: Vec::new(),
            sums: Vec::new(),
        };
        tally.add(&Tensor::from_slice2(&[[0.0f32, 0.0, 9.0]]), Tensor::from_slice(&[2i64])).unwrap();
        assert_eq!(tally.finish().unwrap().0, 1.0);
    }
}
