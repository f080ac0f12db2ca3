//! An exponential moving average of a network in training.
//!
//! Shapes: P numbers of the network, C channels.

use tch::{Tensor, no_grad};

use crate::model::{Result, Supernet};

/// The running mean of weights and of `BatchNorm`'s running statistics:
/// `a ← d·a + (1 - d)·w` after each step, with `d = min(decay, (1 + t) / (10 + t))` at step `t` from 0, as TensorFlow's
/// `ExponentialMovingAverage` with a number of updates. It starts from the first weights.
#[derive(Debug)]
pub(super) struct Average {
    decay: f64,
    weights: Tensor,
    /// Name, mean `[C]` and variance `[C]` of each `BatchNorm`.
    running: Vec<(String, Tensor, Tensor)>,
}

impl Average {
    /// The average of a network before its first step; none for a decay of 0.
    pub(super) fn new(decay: f64, net: &Supernet) -> Result<Option<Self>> {
        if decay == 0.0 {
            return Ok(None);
        }
        let weights = net.params().flat().f_detach_copy()?; // [P]
        let copied = net.running().map(|(norm, mean, variance)| {
            Ok((norm.name.clone(), mean.f_detach_copy()?, variance.f_detach_copy()?))
        });
        Ok(Some(Self { decay, weights, running: copied.collect::<Result<_>>()? }))
    }

    /// Takes the network in after step `step`, counted from 0.
    pub(super) fn update(&mut self, net: &Supernet, step: usize) -> Result<()> {
        let kept = self.decay.min((1 + step) as f64 / (10 + step) as f64);
        let take = |average: &mut Tensor, value: &Tensor| -> Result<()> {
            let _ = average.f_lerp_(value, 1.0 - kept)?;
            Ok(())
        };
        no_grad(|| {
            take(&mut self.weights, net.params().flat())?;
            for ((_, mean, variance), (_, own_mean, own_variance)) in
                self.running.iter_mut().zip(net.running())
            {
                take(mean, own_mean)?;
                take(variance, own_variance)?;
            }
            Ok(())
        })
    }

    /// Puts the average in place of the network's last weights and statistics.
    pub(super) fn adopt(&self, net: &Supernet) -> Result<()> {
        no_grad(|| {
            net.params().flat().shallow_clone().f_copy_(&self.weights)?;
            for ((_, mean, variance), (_, own_mean, own_variance)) in self.running.iter().zip(net.running()) {
                own_mean.shallow_clone().f_copy_(mean)?;
                own_variance.shallow_clone().f_copy_(variance)?;
            }
            Ok(())
        })
    }

    /// Its tensors by name, for a checkpoint; they share its memory.
    pub(super) fn state(&self) -> Vec<(String, Tensor)> {
        let mut state = vec![("average.weights".to_owned(), self.weights.shallow_clone())];
        for (name, mean, variance) in &self.running {
            state.push((format!("average.{name}.running_mean"), mean.shallow_clone()));
            state.push((format!("average.{name}.running_var"), variance.shallow_clone()));
        }
        state
    }
}

#[cfg(test)]
mod tests {
    use bonas_spaces::SearchSpace;
    use bonas_spaces::families::nasbench201::{NasBench201, NasBench201Skeleton};
    use bonas_spaces::network::{OpTable, Shape, Skeleton};
    use bonas_study::rng::stream;

    use super::*;
    use crate::model::Placement;

    fn net() -> Supernet {
        let image = Shape::square(1, 8);
        let skeleton = NasBench201Skeleton { channels: 2, cells: 1, image, ..NasBench201Skeleton::cifar() };
        let whole = NasBench201::new().network().unwrap().whole();
        let network = skeleton.network(&whole, &OpTable::nasbench201()).unwrap();
        Supernet::build(&network, Placement::exact(), &mut stream(3, &[])).unwrap()
    }

    /// Puts one number into all weights and statistics.
    fn fill(net: &Supernet, value: f64) {
        no_grad(|| {
            let _ = net.params().flat().shallow_clone().fill_(value);
            for (_, mean, variance) in net.running() {
                let _ = mean.shallow_clone().fill_(value);
                let _ = variance.shallow_clone().fill_(value);
            }
        });
    }

    #[test]
    fn an_average_by_hand() {
        let net = net();
        fill(&net, 10.0);
        let mut average = Average::new(0.15, &net).unwrap().unwrap();
        // 0.1 of the past after the first step, 0.15 (less than 2/11) after the second: 0.1·10 + 0.9·20, then .15 of it + .85·40.
        for (step, value) in [20.0, 40.0].into_iter().enumerate() {
            fill(&net, value);
            average.update(&net, step).unwrap();
        }
        fill(&net, -1.0);
        average.adopt(&net).unwrap();
        let expected = 0.15 * 19.0 + 0.85 * 40.0;
        let near = |tensor: &Tensor| (tensor - expected).abs().max().double_value(&[]) < 1e-9;
        assert!(near(net.params().flat()));
        assert!(
            net.running().len() > 3 && net.running().all(|(_, mean, variance)| near(mean) && near(variance))
        );
    }

    #[test]
    fn a_decay_of_0_is_no_average() {
        assert!(Average::new(0.0, &net()).unwrap().is_none());
    }
}
