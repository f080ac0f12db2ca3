//! ONNX files run by tract.

use bonas_spaces::network::Shape;
use tract_onnx::prelude::{
    Arc, DatumExt, Framework, InferenceModelExt, IntoRunnable, IntoTValue, Tensor, TractError, TractResult,
    TypedRunnableModel, tvec,
};

use crate::error::{DeployError, Result};

/// An ONNX file ready to run by [tract](https://github.com/sonos/tract), on one thread of the CPU.
///
/// It is another program's reading of the file: what both say of some images shows that the file is right. Shapes:
/// B images, C channels, H×W pixels, K classes.
#[derive(Clone, Debug)]
pub struct Session {
    plan: Arc<TypedRunnableModel>,
    /// `[B, C, H, W]`.
    shape: [usize; 4],
}

impl Session {
    /// Reads a file whose one input is images `[batch, C, H, W]`, of which `batch` come at a time.
    ///
    /// # Errors
    /// [`DeployError::Network`] for what is no such file, and for operators that tract cannot run.
    pub fn new(file: &[u8], image: Shape, batch: usize) -> Result<Self> {
        let shape = [batch, image.channels, image.height, image.width];
        let plan = plan(file, shape).map_err(|error| of_tract(&error))?;
        Ok(Self { plan, shape })
    }

    /// Images at a time.
    pub fn batch(&self) -> usize {
        self.shape[0]
    }

    /// Logits `[B][K]` for normalised pixels `[B, C, H, W]`.
    ///
    /// # Errors
    /// [`DeployError::Network`] for another number of pixels, and for what tract refuses.
    pub fn logits(&self, pixels: &[f32]) -> Result<Vec<Vec<f32>>> {
        let expected: usize = self.shape.iter().product();
        if pixels.len() != expected {
            let [batch, channels, height, width] = self.shape;
            return Err(DeployError::Network(format!(
                "{} pixels, and {batch} images of {channels}x{height}x{width} have {expected}",
                pixels.len()
            )));
        }
        self.run(pixels).map_err(|error| of_tract(&error))
    }

    fn run(&self, pixels: &[f32]) -> TractResult<Vec<Vec<f32>>> {
        let images = Tensor::from_shape(&self.shape, pixels)?;
        let results = self.plan.run(tvec!(images.into_tvalue()))?;
        let logits = results[0].to_plain_array_view::<f32>()?; // [B, K]
        Ok(logits.outer_iter().map(|row| row.iter().copied().collect()).collect())
    }
}

fn plan(mut file: &[u8], shape: [usize; 4]) -> TractResult<Arc<TypedRunnableModel>> {
    let model = tract_onnx::onnx().model_for_read(&mut file)?;
    let model = model.with_input_fact(0, f32::fact(shape).into())?.into_optimized()?;
    model.into_runnable()
}

/// What tract says, with its causes.
fn of_tract(error: &TractError) -> DeployError {
    DeployError::Network(format!("tract says of it: {error:#}"))
}

/// The largest difference of logits from those that are expected, in units of the largest expected one; infinite where
/// numbers are not finite or counts differ.
pub fn difference(found: &[Vec<f32>], expected: &[Vec<f32>]) -> f64 {
    let (found, expected) = (found.concat(), expected.concat());
    let finite = found.iter().chain(&expected).all(|logit| logit.is_finite());
    if !finite || found.len() != expected.len() {
        return f64::INFINITY;
    }
    let largest = expected.iter().fold(0.0_f64, |most, &logit| most.max(f64::from(logit).abs()));
    let apart = found.iter().zip(&expected).map(|(&a, &b)| (f64::from(a) - f64::from(b)).abs());
    let apart = apart.fold(0.0, f64::max);
    if apart == 0.0 { 0.0 } else { apart / largest }
}

#[cfg(test)]
mod tests {
    use bonas_spaces::SearchSpace;
    use bonas_spaces::families::nasbench201::NasBench201;
    use bonas_spaces::network::Shape;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::super::{BatchNorm, model};
    use super::*;
    use crate::folder::{ModelCard, Untrained, Weights};

    /// Any number of images at a time, folded or not.
    #[test]
    fn tract_says_the_same_of_each_image() {
        let (space, image) = (NasBench201::new(), Shape::square(1, 8));
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let (channels, layers, classes) = (Some(2), Some(1), Some(3));
        let around = Untrained { channels, layers, image: Some(image), classes, skeleton: None };
        let card = ModelCard::untrained(&space, &space.sample(&mut rng), &around).unwrap();
        let (_, network) = card.networks(&space).unwrap();
        let weights = Weights::drawn(&network, &card.key, &mut rng).unwrap();
        let pixels: Vec<f32> = (0..2 * image.len()).map(|i| (i as f32).sin()).collect();
        let run = |batch_norm, batch| {
            let file = model(&network, &weights, &card, batch_norm).unwrap();
            let session = Session::new(&file, image, batch).unwrap();
            let batches = pixels.chunks(batch * image.len());
            batches.flat_map(|batch| session.logits(batch).unwrap()).collect::<Vec<_>>()
        };
        let both = run(BatchNorm::Kept, 2);
        assert_eq!((both.len(), both[0].len()), (2, 3));
        for other in [run(BatchNorm::Kept, 1), run(BatchNorm::Folded, 2)] {
            assert!(difference(&other, &both) < 1e-6, "{other:?} {both:?}");
        }
        let file = model(&network, &weights, &card, BatchNorm::Kept).unwrap();
        let error = Session::new(&file, image, 2).unwrap().logits(&pixels[1..]).unwrap_err().to_string();
        assert!(error.contains("127 pixels, and 2 images of 1x8x8 have 128"), "{error}");
    }

    #[test]
    fn what_tract_cannot_run_is_named() {
        let image = Shape::square(1, 2);
        let error = Session::new(b"no protocol buffer", image, 1).unwrap_err().to_string();
        assert!(error.contains("tract says of it:"), "{error}");
    }

    /// 0.5 apart, of at most 2; and what is no number is never alike.
    #[test]
    fn differences_are_relative_to_the_largest() {
        let expected = [vec![-2.0, 1.0]];
        assert_eq!(difference(&[vec![-2.0, 1.5]], &expected), 0.25);
        assert_eq!(difference(&expected, &expected), 0.0);
        assert_eq!(difference(&[vec![0.0]], &[vec![0.0]]), 0.0);
        assert_eq!(difference(&[vec![1.0]], &[vec![0.0]]), f64::INFINITY);
        for other in [[vec![-2.0, f32::NAN]].as_slice(), &[vec![-2.0]]] {
            assert_eq!(difference(other, &expected), f64::INFINITY);
        }
    }
}
