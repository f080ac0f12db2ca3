//! From logits to scores.
//!
//! Shapes: N images, B of them a batch, K classes.

use bonas_study::StudyError;
use tch::{Kind, Tensor};

use super::tensors::{images_and_labels, made_for};
use crate::data::{BatchOptions, Loader};
use crate::model::{Pass, Path, Supernet, SupernetError};
use crate::recipe::Metric;

/// Images a batch when only scores are computed.
const SCORING_BATCH: usize = 256;

/// The largest class has so many times the images of the smallest, from where on classes differ in size.
const DIFFER: f64 = 1.5;

/// What a network is scored by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scored {
    /// The metric, a fraction in `[0, 1]`.
    pub value: f64,
    /// The other of accuracy and balanced accuracy, where the largest class has 1.5 times the images of the smallest, or more.
    pub beside: Option<f64>,
}

/// The metric of the network over the images at `indices`, and the other one where classes differ in size. `pass` makes
/// the pass of each batch, and so chooses the BatchNorm statistics.
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
) -> Result<Scored, StudyError> {
    let mut tally = Tally::default();
    let mut batches = made_for(loader.ordered(indices, BatchOptions::new(SCORING_BATCH))?, net.placement());
    while let Some(batch) = batches.next_batch() {
        let (images, labels) = images_and_labels(batch, net.placement())?;
        let logits = net.forward(&images, path, &mut pass())?.logits; // [B, K]
        tally.add(&logits, labels)?;
    }
    let counted = tally.finish()?;
    if !counted.sum.is_finite() {
        let reason =
            "its logits are not finite: training diverged; lower the learning rate or the gradient clip";
        return Err(StudyError::Evaluator(reason.into()));
    }
    Ok(counted.scored(metric))
}

/// What is known of the images so far; it stays on the device.
#[derive(Default)]
struct Tally {
    /// For each batch 1 for an image that is classified rightly and 0 for another, `[B]`, in double precision.
    hits: Vec<Tensor>,
    /// Its labels `[B]`.
    labels: Vec<Tensor>,
    /// Sums `[]` of logits: not finite as soon as one logit is not.
    sums: Vec<Tensor>,
    classes: i64,
}

/// What is counted over all images.
struct Counted {
    accuracy: f64,
    balanced: f64,
    /// Images of the largest class over those of the smallest that has any.
    ratio: f64,
    /// Sum of all logits.
    sum: f64,
}

impl Counted {
    fn scored(&self, metric: Metric) -> Scored {
        let (value, other) = match metric {
            Metric::Accuracy => (self.accuracy, self.balanced),
            Metric::BalancedAccuracy => (self.balanced, self.accuracy),
        };
        Scored { value, beside: (self.ratio >= DIFFER).then_some(other) }
    }
}

impl Tally {
    /// Adds a batch, by its logits `[B, K]` and labels `[B]`.
    fn add(&mut self, logits: &Tensor, labels: Tensor) -> Result<(), SupernetError> {
        let hits = logits.f_argmax(-1, false)?.f_eq_tensor(&labels)?; // [B]
        self.classes = logits.size()[1];
        self.hits.push(hits.f_to_kind(Kind::Double)?);
        self.labels.push(labels);
        self.sums.push(logits.f_sum(Kind::Double)?); // []
        Ok(())
    }

    /// All counts; waits for the device once.
    fn finish(self) -> Result<Counted, SupernetError> {
        let hits = Tensor::f_cat(&self.hits, 0)?; // [N]
        let labels = Tensor::f_cat(&self.labels, 0)?; // [N]
        let sum = Tensor::f_stack(&self.sums, 0)?.f_sum(Kind::Double)?; // []
        // Sums of ones and zeros are exact in any order.
        let none = Tensor::f_zeros([self.classes], (Kind::Double, hits.device()))?; // [K]
        let ones = hits.f_ones_like()?; // [N]
        let images = none.f_index_add(0, &labels, &ones)?; // [K]
        let rights = none.f_index_add(0, &labels, &hits)?; // [K]
        let recalls = rights.f_div(&images.f_clamp_min(1.0)?)?.f_sum(Kind::Double)?; // []
        let there = images.f_gt(0.0)?; // [K]
        let fewest = images.f_where_self(&there, &images.f_full_like(f64::INFINITY)?)?.f_min()?; // []
        let counts = [
            hits.f_sum(Kind::Double)?,
            ones.f_sum(Kind::Double)?,
            recalls,
            there.f_sum(Kind::Double)?,
            images.f_max()?,
            fewest,
            sum,
        ];
        let numbers = Vec::<f64>::try_from(&Tensor::f_stack(&counts, 0)?)?; // [7]
        Ok(Counted {
            accuracy: numbers[0] / numbers[1],
            balanced: numbers[2] / numbers[3],
            ratio: numbers[4] / numbers[5],
            sum: numbers[6],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Labels 1, 1, 1, 0: the second image is taken for class 0, the others for class 1; recalls are 2/3 and 0.
    #[test]
    fn metrics_by_hand() {
        let mut tally = Tally::default();
        let three = 3f32.ln();
        for (logits, labels) in
            [([[0.0, three], [three, 0.0]], [1i64, 1]), ([[0.0, three], [0.0, three]], [1, 0])]
        {
            tally.add(&Tensor::from_slice2(&logits), Tensor::from_slice(&labels)).unwrap();
        }
        let counted = tally.finish().unwrap();
        assert!((counted.sum - 4.0 * 3f64.ln()).abs() < 1e-6);
        let [plain, balanced] = [Metric::Accuracy, Metric::BalancedAccuracy].map(|m| counted.scored(m));
        assert_eq!(plain, Scored { value: 0.5, beside: Some(balanced.value) });
        assert!((balanced.value - 1.0 / 3.0).abs() < 1e-12 && balanced.beside == Some(0.5));
    }

    /// A class without images is none of those that the mean is taken of, nor is it the smallest.
    #[test]
    fn classes_without_images_do_not_count() {
        let mut tally = Tally::default();
        tally.add(&Tensor::from_slice2(&[[0.0f32, 0.0, 9.0]]), Tensor::from_slice(&[2i64])).unwrap();
        let scored = tally.finish().unwrap().scored(Metric::BalancedAccuracy);
        assert_eq!(scored, Scored { value: 1.0, beside: None });
    }

    /// Two images of one class and three of the other differ by the factor from which the other metric is told.
    #[test]
    fn the_other_metric_is_told_where_classes_differ() {
        let beside = |labels: &[i64]| {
            let mut tally = Tally::default();
            let logits = Tensor::zeros([labels.len() as i64, 2], (Kind::Float, tch::Device::Cpu));
            tally.add(&logits, Tensor::from_slice(labels)).unwrap();
            tally.finish().unwrap().scored(Metric::Accuracy).beside
        };
        assert_eq!((beside(&[0, 1, 1, 0, 1]), beside(&[0, 1, 1, 0, 1, 0, 1])), (Some(0.5), None));
    }
}
