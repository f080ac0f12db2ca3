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
    let mut tally = Tally { metric, values: Vec::new(), labels: Vec::new(), sums: Vec::new() };
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
    /// A value `[B]` for each image of a batch, in double precision.
    values: Vec<Tensor>,
    /// Its label `[B]`.
    labels: Vec<Tensor>,
    /// Sums `[]` of logits: not finite as soon as one logit is not.
    sums: Vec<Tensor>,
}

impl Tally {
    /// Adds a batch, by its logits `[B, K]` and labels `[B]`.
    fn add(&mut self, logits: &Tensor, labels: Tensor) -> Result<(), SupernetError> {
        let value = match self.metric {
            Metric::Accuracy | Metric::BalancedAccuracy => {
                logits.f_argmax(-1, false)?.f_eq_tensor(&labels)?
            } // [B]
            Metric::Probability => right(logits, &labels)?.f_exp()?,
            Metric::LogLikelihood => right(logits, &labels)?,
        };
        self.values.push(value.f_to_kind(Kind::Double)?);
        self.labels.push(labels);
        self.sums.push(logits.f_sum(Kind::Double)?); // []
        Ok(())
    }

    /// The metric, and the sum of all logits; waits for the device once.
    fn finish(self) -> Result<(f64, f64), SupernetError> {
        let values = Tensor::f_cat(&self.values, 0)?; // [N]
        let sum = Tensor::f_stack(&self.sums, 0)?.f_sum(Kind::Double)?; // []
        let images = values.size()[0] as f64;
        let [part, whole] = match self.metric {
            Metric::BalancedAccuracy => {
                let labels = Tensor::f_cat(&self.labels, 0)?; // [N]
                let none: Option<Tensor> = None;
                let counts = labels.f_bincount(none, 0)?.f_to_kind(Kind::Double)?; // [K]
                let recalls = labels.f_bincount(Some(values), 0)?.f_div(&counts.f_clamp_min(1.0)?)?; // [K]
                [recalls.f_sum(Kind::Double)?, counts.f_gt(0.0)?.f_sum(Kind::Double)?]
            }
            _ => [
                values.f_sum(Kind::Double)?,
                Tensor::f_from_slice(&[images])?.f_sum(Kind::Double)?.f_to(values.device())?,
            ],
        };
        let numbers = Vec::<f64>::try_from(&Tensor::f_stack(&[part, whole, sum], 0)?)?; // [3]
        Ok((numbers[0] / numbers[1], numbers[2]))
    }
}

/// Logarithm of the probability of the right class, `[B]`, in double precision.
fn right(logits: &Tensor, labels: &Tensor) -> Result<Tensor, SupernetError> {
    let all = logits.f_log_softmax(-1, Kind::Double)?; // [B, K]
    Ok(all.f_gather(-1, &labels.f_unsqueeze(-1)?, false)?.f_squeeze_dim(-1)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Probabilities of class 1 of `ln 3` against 0 are 3/4. Labels 1, 1, 1, 0: the second image is taken for class 0, the
    /// others for class 1.
    fn of(metric: Metric) -> f64 {
        let mut tally = Tally { metric, values: Vec::new(), labels: Vec::new(), sums: Vec::new() };
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
        assert!((of(Metric::Probability) - 0.5).abs() < 1e-7);
        let expected = (2.0 * 0.75f64.ln() + 2.0 * 0.25f64.ln()) / 4.0;
        assert!((of(Metric::LogLikelihood) - expected).abs() < 1e-7);
    }

    /// A class without images is none of those that the mean is taken of.
    #[test]
    fn classes_without_images_do_not_count() {
        let mut tally = Tally {
            metric: Metric::BalancedAccuracy,
            values: Vec::new(),
            labels: Vec::new(),
            sums: Vec::new(),
        };
        tally.add(&Tensor::from_slice2(&[[0.0f32, 0.0, 9.0]]), Tensor::from_slice(&[2i64])).unwrap();
        assert_eq!(tally.finish().unwrap().0, 1.0);
    }
}
