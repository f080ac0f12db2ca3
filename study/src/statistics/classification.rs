//! Figures of a classifier over labelled examples.

/// Bins of the calibration error.
const BINS: usize = 15;

/// What a classifier made of some examples of K classes.
#[derive(Clone, Debug, PartialEq)]
pub struct Classification {
    /// `confusion[label][answer]`: examples of a class that were taken for another, `[K][K]`.
    pub confusion: Vec<Vec<usize>>,
    /// Share of right answers, in `[0, 1]`.
    pub accuracy: f64,
    /// Share of examples whose class is among the five most probable; none of five classes or fewer.
    pub top5: Option<f64>,
    /// Mean of the recalls of the classes that have an example.
    pub balanced_accuracy: f64,
    /// Expected calibration error: mean distance of confidence and accuracy over 15 equal bins of confidence, weighted by
    /// their examples (Guo et al. 2017, "On Calibration of Modern Neural Networks").
    pub calibration_error: f64,
}

impl Classification {
    /// Figures of probabilities `[n][K]` for labels `[n]`; none without examples, where lengths or labels do not fit, and for
    /// probabilities that are not finite.
    pub fn of(probabilities: &[Vec<f32>], labels: &[usize]) -> Option<Self> {
        let classes = probabilities.first()?.len();
        let fits =
            probabilities.iter().all(|row| row.len() == classes && row.iter().all(|value| value.is_finite()));
        if !fits || probabilities.len() != labels.len() || labels.iter().any(|&label| label >= classes) {
            return None;
        }
        let n = labels.len() as f64;
        let mut confusion = vec![vec![0; classes]; classes];
        let (mut right, mut among, mut bins) = (0_usize, 0_usize, [Bin::default(); BINS]);
        for (row, &label) in probabilities.iter().zip(labels) {
            let answer = most_probable(row);
            confusion[label][answer] += 1;
            right += usize::from(answer == label);
            among += usize::from(rank(row, label) < 5);
            let confidence = f64::from(row[answer]);
            // The last bin has its upper bound, too.
            let bin = ((confidence * BINS as f64) as usize).min(BINS - 1);
            bins[bin].add(confidence, answer == label);
        }
        let recalls: Vec<f64> = (0..classes).filter_map(|class| recall(&confusion, class)).collect();
        Some(Self {
            accuracy: right as f64 / n,
            top5: (classes > 5).then_some(among as f64 / n),
            balanced_accuracy: super::mean(&recalls),
            calibration_error: bins.iter().map(|bin| (bin.right - bin.confidence).abs()).sum::<f64>() / n,
            confusion,
        })
    }

    /// Examples of a class that were taken for it, of all that were taken for it; none where nothing was.
    pub fn precision(&self, class: usize) -> Option<f64> {
        let taken: usize = self.confusion.iter().map(|row| row[class]).sum();
        (taken > 0).then(|| self.confusion[class][class] as f64 / taken as f64)
    }

    /// Examples of a class that were taken for it, of all of that class; none where there is none.
    pub fn recall(&self, class: usize) -> Option<f64> {
        recall(&self.confusion, class)
    }

    /// Examples of a class.
    pub fn examples(&self, class: usize) -> usize {
        self.confusion[class].iter().sum()
    }
}

/// Sums over the examples of a bin.
#[derive(Clone, Copy, Debug, Default)]
struct Bin {
    confidence: f64,
    right: f64,
}

impl Bin {
    fn add(&mut self, confidence: f64, right: bool) {
        self.confidence += confidence;
        self.right += f64::from(u8::from(right));
    }
}

fn recall(confusion: &[Vec<usize>], class: usize) -> Option<f64> {
    let all: usize = confusion[class].iter().sum();
    (all > 0).then(|| confusion[class][class] as f64 / all as f64)
}

/// The class with the highest probability, the first of equals.
fn most_probable(row: &[f32]) -> usize {
    let better = |best: usize, next: usize| if row[next] > row[best] { next } else { best };
    (0..row.len()).reduce(better).unwrap_or(0)
}

/// Classes before one, the most probable first, the first of equals before others.
fn rank(row: &[f32], class: usize) -> usize {
    let before = |other: usize| row[other] > row[class] || (other < class && row[other] >= row[class]);
    (0..row.len()).filter(|&other| before(other)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two examples of class 0, both right, one of class 1, wrong, none of class 2.
    fn three() -> Classification {
        let rows = [vec![0.9, 0.05, 0.05], vec![0.6, 0.2, 0.2], vec![0.7, 0.2, 0.1]];
        Classification::of(&rows, &[0, 0, 1]).unwrap()
    }

    #[test]
    fn figures_worked_by_hand() {
        let own = three();
        assert_eq!(own.confusion, [[2, 0, 0], [1, 0, 0], [0, 0, 0]]);
        assert!((own.accuracy - 2.0 / 3.0).abs() < 1e-12);
        assert_eq!(own.top5, None);
        assert_eq!(own.balanced_accuracy, 0.5);
        assert_eq!((own.precision(0), own.precision(1)), (Some(2.0 / 3.0), None));
        assert_eq!((own.recall(0), own.recall(1), own.recall(2)), (Some(1.0), Some(0.0), None));
        assert_eq!(own.examples(0), 2);
        // Bins of their own: |1 - .9|, |1 - .6|, |0 - .7|, each a third.
        assert!((own.calibration_error - (0.1 + 0.4 + 0.7) / 3.0).abs() < 1e-6);
    }

    #[test]
    fn five_most_probable() {
        let row: Vec<f32> = (0..6).map(|i| 0.1 + 0.01 * i as f32).collect();
        let of = |label| Classification::of(std::slice::from_ref(&row), &[label]).unwrap().top5;
        assert_eq!((of(0), of(1), of(5)), (Some(0.0), Some(1.0), Some(1.0)));
    }

    #[test]
    fn what_does_not_fit_has_no_figures() {
        assert_eq!(Classification::of(&[], &[]), None);
        assert_eq!(Classification::of(&[vec![1.0]], &[1]), None);
        assert_eq!(Classification::of(&[vec![1.0]], &[0, 0]), None);
        for value in [f32::NAN, f32::INFINITY] {
            assert_eq!(Classification::of(&[vec![0.5, 0.5], vec![0.5, value]], &[0, 0]), None);
        }
    }

    #[test]
    fn certain_answers_are_in_the_last_bin() {
        let own = Classification::of(&[vec![0.0, 1.0]], &[1]).unwrap();
        assert_eq!((own.calibration_error, own.accuracy), (0.0, 1.0));
    }
}
