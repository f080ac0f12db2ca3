//! Scores by a formula.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use bonas_spaces::Architecture;
use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};

use crate::StudyError;
use crate::evaluate::{Evaluator, Job, Monitor};
use crate::history::{Aims, Fidelity, Outcome, Score};
use crate::rng::StudyRng;
use crate::settings::ensure;

crate::settings! {
    /// Settings of the synthetic evaluator.
    pub struct SyntheticSettings {
        /// Standard deviation of the noise on a score.
        noise: f64 = 0.0,
    }
    check(s) { ensure((0.0..f64::INFINITY).contains(&s.noise), "noise", s.noise, "0 or more") }
}

impl SyntheticSettings {
    /// The evaluator of these settings.
    pub fn build(&self) -> Synthetic {
        Synthetic::new(Fidelity::Table, |architecture| Ok(toy_score(architecture))).noise(self.noise)
    }
}

/// A score in `(0, 1)` for trying things out: deeper cells and later operations of the vocabulary
/// are better, with diminishing returns. It says nothing about accuracy.
pub fn toy_score(architecture: &Architecture) -> f64 {
    let vocabulary = architecture.vocabulary();
    let of_graph = |graph: &bonas_spaces::OpGraph| {
        let mut depth = vec![0.0_f64; graph.len()];
        for (from, to) in graph.edges() {
            depth[to] = depth[to].max(depth[from] + 1.0);
        }
        let labels = graph.labels().map(|op| op.index() as f64 / vocabulary.len() as f64);
        depth.last().copied().unwrap_or(0.0) + labels.sum::<f64>()
    };
    let graphs = architecture.op_graphs();
    let mean = graphs.iter().map(of_graph).sum::<f64>() / graphs.len().max(1) as f64;
    1.0 - (-mean / 8.0).exp()
}

type Function = dyn Fn(&Architecture) -> Result<f64, String> + Send + Sync;
type Measures = dyn Fn(&Architecture) -> Vec<f64> + Send + Sync;

/// Evaluates by a function of the user's: for problems with a known optimum, and for wrapping
/// any measurement that needs no shared state. A clone serves another worker.
#[derive(Clone)]
pub struct Synthetic {
    function: Arc<Function>,
    fidelity: Fidelity,
    noise_sd: f64,
    delay_max: Duration,
    measures: Option<Arc<Measures>>,
    aims: Aims,
}

impl Synthetic {
    /// Scores by `function`; its error is the reason of a failed outcome, and so is a value that
    /// is not finite.
    pub fn new(
        fidelity: Fidelity,
        function: impl Fn(&Architecture) -> Result<f64, String> + Send + Sync + 'static,
    ) -> Self {
        let (noise_sd, delay_max) = (0.0, Duration::ZERO);
        let aims = Aims::default();
        Self { function: Arc::new(function), fidelity, noise_sd, delay_max, measures: None, aims }
    }

    /// Measures more of each architecture, and marks what breaks a bound of `aims` on it.
    #[must_use]
    pub fn measures(
        self,
        measures: impl Fn(&Architecture) -> Vec<f64> + Send + Sync + 'static,
        aims: Aims,
    ) -> Self {
        Self { measures: Some(Arc::new(measures)), aims, ..self }
    }

    /// Adds normal noise of this standard deviation, drawn from the job's own stream.
    #[must_use]
    pub fn noise(self, sd: f64) -> Self {
        Self { noise_sd: sd, ..self }
    }

    /// Waits a random time up to this one in each job, as a training would; scores stay the same.
    #[must_use]
    pub fn delay_up_to(self, max: Duration) -> Self {
        Self { delay_max: max, ..self }
    }

    fn outcome(&self, architecture: &Architecture, rng: &mut StudyRng) -> Outcome {
        let draw: f64 = StandardNormal.sample(rng);
        match (self.function)(architecture) {
            Ok(value) if value.is_finite() => {
                let noise = if self.noise_sd > 0.0 { self.noise_sd * draw } else { 0.0 };
                let score = Score::of(value + noise, self.fidelity);
                Outcome::Scored(match &self.measures {
                    Some(measures) => self.aims.judged(score, measures(architecture)),
                    None => score,
                })
            }
            Ok(value) => Outcome::Failed(format!("the function gave {value}")),
            Err(reason) => Outcome::Failed(reason),
        }
    }

    /// Sleeps in short pieces, so that the user can stop it.
    fn wait(&self, mut rng: StudyRng, monitor: &dyn Monitor) -> Result<(), StudyError> {
        let end = Instant::now() + self.delay_max.mul_f64(rng.random::<f64>());
        loop {
            if monitor.cancelled() {
                return Err(StudyError::Interrupted);
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            thread::sleep(left.min(Duration::from_millis(5)));
        }
    }
}

impl Evaluator for Synthetic {
    fn fidelity(&self) -> Fidelity {
        self.fidelity
    }

    fn evaluate(
        &mut self,
        job: &Job,
        rng: &mut StudyRng,
        monitor: &dyn Monitor,
    ) -> Result<Vec<Outcome>, StudyError> {
        // A copy of the generator, so that waiting does not change the noise.
        self.wait(rng.clone(), monitor)?;
        Ok(job.architectures.iter().map(|architecture| self.outcome(architecture, rng)).collect())
    }
}
