//! Limits and second objectives of the searches of an experiment.

use std::path::Path;
use std::sync::Arc;

use bonas_spaces::SearchSpace;
use bonas_study::Journalled;
use bonas_surrogate::pareto::{Front, Point};

use super::Run;
use crate::StudyError;
use crate::config::SearchConfig;

/// Score and second objective of what a search in a folder scored within its limits; none without a second objective.
///
/// # Errors
/// Those of a journal that cannot be read.
pub(super) fn objectives(
    config: &SearchConfig,
    directory: &Path,
    space: &Arc<dyn SearchSpace>,
) -> Result<Vec<Point>, StudyError> {
    let Some(second) = config.aims().second else { return Ok(Vec::new()) };
    let study = Journalled::read(directory, space)?;
    let fidelity = config.evaluator.fidelity();
    let point = |outcome: &bonas_study::history::Outcome| {
        let score = outcome.score(fidelity)?;
        Some([outcome.value(fidelity)?, *score.measures.get(second)?])
    };
    Ok(study.history.evaluations().iter().filter_map(|one| point(&one.outcome)).collect())
}

/// Hypervolumes of what runs found, as shares of the rectangle between the worst and the best that any run of the experiment
/// scored in each objective; one a run. None without a second objective, and where one of the two has one value alone.
pub(super) fn hypervolumes(runs: &[Run], all: &[Vec<Run>]) -> Vec<f64> {
    let points = || all.iter().flatten().flat_map(|run| &run.objectives);
    let edge = |pick: fn(f64, f64) -> f64, start: f64| -> Point {
        points().fold([start; 2], |edge, point| [pick(edge[0], point[0]), pick(edge[1], point[1])])
    };
    let (worst, best) = (edge(f64::min, f64::INFINITY), edge(f64::max, f64::NEG_INFINITY));
    let area = (best[0] - worst[0]) * (best[1] - worst[1]);
    if !(area.is_finite() && area > 0.0) {
        return Vec::new();
    }
    let scored = runs.iter().filter(|run| !run.objectives.is_empty());
    scored.map(|run| Front::of(&run.objectives, worst).hypervolume() / area).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::float_cmp)]

    use super::*;

    fn run(objectives: &[Point]) -> Run {
        Run { objectives: objectives.to_vec(), ..Run::default() }
    }

    /// The rectangle goes from (1, -4) to (3, 0), 8 in all. The first run covers 2 x 2 and 1 x 1 more of it, the second its
    /// best corner but one.
    #[test]
    fn hypervolumes_by_hand() {
        let all =
            vec![vec![run(&[[3.0, -2.0], [2.0, -1.0], [1.0, -4.0]])], vec![run(&[[2.0, 0.0]]), run(&[])]];
        assert_eq!(hypervolumes(&all[0], &all), [5.0 / 8.0]);
        assert_eq!(hypervolumes(&all[1], &all), [4.0 / 8.0]);
        let flat = vec![vec![run(&[[3.0, -2.0], [3.0, -1.0]])]];
        assert!(hypervolumes(&flat[0], &flat).is_empty());
        assert!(hypervolumes(&[run(&[])], &[vec![run(&[])]]).is_empty());
    }
}
