//! Mixup and `CutMix`: batches whose images are mixed with each other.
//!
//! Shapes: B images, C channels, H×W pixels.

use bonas_study::StudyError;
use bonas_study::rng::StudyRng;
use rand::RngExt;
use rand::seq::SliceRandom;
use rand_distr::{Beta, Distribution};
use tch::Tensor;

use crate::model::{Loss, Output, Result, SupernetError, accuracy};
use crate::recipe::ScratchRecipe;

/// How batches are mixed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mixing {
    mixup: f64,
    cutmix: f64,
}

/// What is learnt from a batch: labels `[B]`, and those of the images that it was mixed with.
#[derive(Debug)]
pub(super) struct Targets {
    labels: Tensor,
    /// Labels `[B]` of the other images, and their share in the batch.
    others: Option<(Tensor, f64)>,
}

impl Targets {
    /// Labels of images that are not mixed.
    pub(super) fn plain(labels: Tensor) -> Self {
        Self { labels, others: None }
    }

    /// Loss `[]`: that of both labels, by their shares.
    pub(super) fn loss(&self, loss: &Loss, output: &Output) -> Result<Tensor> {
        let own = loss.of(output, &self.labels)?; // []
        let Some((others, share)) = &self.others else { return Ok(own) };
        let other = loss.of(output, others)?.f_mul_scalar(*share)?; // []
        Ok(own.f_mul_scalar(1.0 - share)?.f_add(&other)?)
    }

    /// Images `[]` whose largest logit is that of their label, of mixed ones by the shares of both labels.
    pub(super) fn hits(&self, output: &Output) -> Result<Tensor> {
        let logits = output.logits.detach(); // [B, K]
        let own = accuracy(&logits, &self.labels)?.f_to_kind(tch::Kind::Double)?; // []
        let Some((others, share)) = &self.others else { return Ok(own) };
        let other = accuracy(&logits, others)?.f_to_kind(tch::Kind::Double)?.f_mul_scalar(*share)?; // []
        Ok(own.f_mul_scalar(1.0 - share)?.f_add(&other)?)
    }
}

impl Mixing {
    /// The mixing of a recipe; none if it has none.
    pub(super) fn of(recipe: &ScratchRecipe) -> Option<Self> {
        let &ScratchRecipe { mixup, cutmix, .. } = recipe;
        (mixup > 0.0 || cutmix > 0.0).then_some(Self { mixup, cutmix })
    }

    /// Draws how a batch of so many images is mixed: each with another of the batch, all by the same share.
    ///
    /// Mixup: `λ·x + (1 - λ)·x'` with `λ` of Beta(α, α). `CutMix`: a rectangle of `x'` with the area `1 - λ`, around a
    /// uniform centre and clipped at the edges, is pasted over `x`; the share is that of its pixels.
    pub(super) fn draw(self, images: usize, rng: &mut StudyRng) -> Result<Draw, StudyError> {
        let pastes = match (self.mixup > 0.0, self.cutmix > 0.0) {
            (true, true) => rng.random_bool(0.5),
            (_, cutmix) => cutmix,
        };
        let alpha = if pastes { self.cutmix } else { self.mixup };
        let beta = Beta::new(alpha, alpha).map_err(|error| StudyError::Setting {
            name: if pastes { "cutmix" } else { "mixup" }.to_owned(),
            reason: format!("{alpha}: {error}"),
        })?;
        let kept: f64 = beta.sample(rng);
        let mut order: Vec<i64> = (0..images as i64).collect();
        order.shuffle(rng);
        Ok(Draw { order, pastes, kept })
    }
}

/// How one batch is mixed.
#[derive(Clone, Debug)]
pub(super) struct Draw {
    /// The image that each is mixed with, `[B]`.
    pub(super) order: Vec<i64>,
    pastes: bool,
    /// λ.
    kept: f64,
}

impl Draw {
    /// Images `[B, C, H, W]` with labels `[B]`, mixed with themselves in an order `[B]` on their device; the place of a
    /// rectangle comes from the generator.
    pub(super) fn mixed(
        &self,
        images: &Tensor,
        labels: Tensor,
        order: &Tensor,
        rng: &mut StudyRng,
    ) -> Result<(Tensor, Targets)> {
        let others = images.f_index_select(0, order)?; // [B, C, H, W]
        let other_labels = labels.f_index_select(0, order)?; // [B]
        let (images, share) = if self.pastes {
            pasted(images, &others, self.kept, rng)?
        } else {
            (images.f_lerp(&others, 1.0 - self.kept)?, 1.0 - self.kept)
        };
        Ok((images, Targets { labels, others: Some((other_labels, share)) }))
    }
}

/// A rectangle of `others` with about the area `1 - kept` over `images`, and its share of the pixels.
fn pasted(images: &Tensor, others: &Tensor, kept: f64, rng: &mut StudyRng) -> Result<(Tensor, f64)> {
    let [_, _, height, width] = images.size()[..] else {
        return Err(SupernetError::mismatch("image batch", format!("its shape is {:?}", images.size())));
    };
    let side = (1.0 - kept).sqrt();
    let (top, tall) = span(rng.random_range(0..height), (height as f64 * side) as i64, height);
    let (left, wide) = span(rng.random_range(0..width), (width as f64 * side) as i64, width);
    let images = images.copy(); // [B, C, H, W]
    let part = |of: &Tensor| -> Result<Tensor> { Ok(of.f_narrow(2, top, tall)?.f_narrow(3, left, wide)?) };
    part(&images)?.f_copy_(&part(others)?)?;
    Ok((images, (tall * wide) as f64 / (height * width) as f64))
}

/// Start and length of `centre - length/2 .. centre + length/2`, clipped to `0..size`.
fn span(centre: i64, length: i64, size: i64) -> (i64, i64) {
    let (start, end) = ((centre - length / 2).max(0), (centre + length / 2).min(size));
    (start, end - start)
}

#[cfg(test)]
mod tests {
    use bonas_study::rng::stream;
    use tch::Kind;

    use super::*;

    /// Four images of 1x8x8; image i is i everywhere.
    fn images() -> (Tensor, Tensor) {
        let labels = Tensor::from_slice(&[0_i64, 1, 2, 3]);
        (labels.to_kind(Kind::Double).view([4, 1, 1, 1]).expand([4, 1, 8, 8], false).copy(), labels)
    }

    fn mixed(
        (x, y): (Tensor, Tensor),
        order: &[i64],
        pastes: bool,
        kept: f64,
        seed: u64,
    ) -> (Tensor, Targets) {
        let draw = Draw { order: order.to_vec(), pastes, kept };
        draw.mixed(&x, y, &Tensor::from_slice(order), &mut stream(seed, &[])).unwrap()
    }

    fn share(targets: &Targets) -> (Vec<i64>, f64) {
        let (others, share) = targets.others.as_ref().unwrap();
        (Vec::try_from(others).unwrap(), *share)
    }

    #[test]
    fn mixup_is_the_mean_of_both_images_by_hand() {
        let (x, y) = images();
        let (mixed, targets) = mixed((x, y), &[3, 0, 1, 2], false, 0.75, 0);
        assert_eq!(share(&targets), (vec![3, 0, 1, 2], 0.25));
        let pixels: Vec<f64> = Vec::try_from(mixed.select(3, 0).select(2, 0).reshape(-1)).unwrap();
        assert_eq!(pixels, [0.75, 0.75, 1.75, 2.75]);
    }

    #[test]
    fn cutmix_pastes_a_rectangle_whose_share_is_that_of_the_label() {
        let (x, y) = images();
        for seed in 0..20 {
            let batch = (x.shallow_clone(), y.shallow_clone());
            let (mixed, targets) = mixed(batch, &[1, 2, 3, 0], true, 0.75, seed);
            let (_, share) = share(&targets);
            // Half of either side at most, less at the edges.
            assert!((0.0..=0.25).contains(&share), "{share}");
            let pasted = mixed.select(0, 0).eq(1.0).sum(Kind::Int64).int64_value(&[]);
            assert_eq!(pasted as f64 / 64.0, share);
            assert_eq!(mixed.select(0, 3).eq(0.0).sum(Kind::Int64).int64_value(&[]), pasted);
        }
        let (x, y) = images();
        let (same, targets) = mixed((x.shallow_clone(), y), &[1, 2, 3, 0], true, 1.0, 0);
        assert!(same.equal(&x) && share(&targets).1 == 0.0, "nothing is pasted");
    }

    #[test]
    fn losses_and_hits_are_shared_by_the_labels() {
        let logits = Tensor::from_slice(&[0.0_f64, 0.0, 3.0_f64.ln(), 0.0]).view([2, 2]);
        let output = Output { logits, auxiliary: None };
        let targets = Targets {
            labels: Tensor::from_slice(&[0_i64, 0]),
            others: Some((Tensor::from_slice(&[1_i64, 1]), 0.25)),
        };
        // Losses by hand: of label 0 (ln 2 + ln 4/3)/2, of label 1 (ln 2 + ln 4)/2.
        let [zero, one] =
            [f64::midpoint(2.0_f64.ln(), (4.0 / 3.0_f64).ln()), f64::midpoint(2.0_f64.ln(), 4.0_f64.ln())];
        let loss = targets.loss(&Loss::default(), &output).unwrap().double_value(&[]);
        assert!((loss - (0.75 * zero + 0.25 * one)).abs() < 1e-12, "{loss}");
        // The second image is 0 for sure; the first is a tie, of which the first class is taken.
        assert!((targets.hits(&output).unwrap().double_value(&[]) - 1.5).abs() < 1e-12);
    }

    #[test]
    fn batches_are_a_function_of_the_seed() {
        let recipe = ScratchRecipe { mixup: 0.2, cutmix: 1.0, ..ScratchRecipe::default() };
        let mixing = Mixing::of(&recipe).unwrap();
        let mix = |seed| {
            let (batch, rng) = (images(), &mut stream(seed, &[]));
            let Draw { order, pastes, kept } = mixing.draw(4, rng).unwrap();
            mixed(batch, &order, pastes, kept, seed).0
        };
        assert!(mix(1).equal(&mix(1)) && (2..9).any(|seed| !mix(1).equal(&mix(seed))));
        assert!(Mixing::of(&ScratchRecipe::default()).is_none());
    }
}
