//! Several indicators as one, by rank.

/// Sum over terms of each item's rank among all, from 0 for the lowest; ties share their mean rank.
///
/// `terms`: one list of `n` values a term, higher is better; the result has `n` sums. TE-NAS combines
/// its two terms so (Chen et al. 2021, `prune_tenas.py`).
///
/// # Panics
/// If the lists differ in length.
pub fn rank_sums(terms: &[Vec<f64>]) -> Vec<f64> {
    let n = terms.first().map_or(0, Vec::len);
    let mut sums = vec![0.0; n];
    for values in terms {
        assert_eq!(values.len(), n, "every term has a value for every item");
        for (sum, rank) in sums.iter_mut().zip(ranks(values)) {
            *sum += rank;
        }
    }
    sums
}

/// Rank of each value from 0; ties share their mean rank.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    for tied in order.chunk_by(|&a, &b| values[a].total_cmp(&values[b]).is_eq()) {
        let first = order.partition_point(|&i| values[i].total_cmp(&values[tied[0]]).is_lt());
        let mean = first as f64 + (tied.len() - 1) as f64 / 2.0;
        for &i in tied {
            ranks[i] = mean;
        }
    }
    ranks
}

/// A fixed sample of values that others are ranked among, so that ranks of architectures scored at
/// different times compare.
///
/// [`Reference::position`] of a value of the sample is its rank, from 0 for the lowest to 1 for the
/// highest; between two values it is interpolated, and beyond the ends it goes on at the mean slope,
/// so that what is better than all of the sample is still told apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Reference {
    /// Distinct values, ascending, each with its mean rank over `n - 1`.
    steps: Vec<(f64, f64)>,
}

impl Reference {
    /// A sample of at least two finite values; `None` for fewer, or others.
    pub fn of(values: &[f64]) -> Option<Self> {
        if values.len() < 2 || !values.iter().all(|v| v.is_finite()) {
            return None;
        }
        let last = (values.len() - 1) as f64;
        let mut steps: Vec<_> = values.iter().copied().zip(ranks(values).iter().map(|r| r / last)).collect();
        steps.sort_by(|a, b| a.0.total_cmp(&b.0));
        steps.dedup();
        Some(Self { steps })
    }

    /// Where a value stands; 0.5 if all of the sample are equal.
    pub fn position(&self, value: f64) -> f64 {
        let (first, last) = (self.steps[0], self.steps[self.steps.len() - 1]);
        if self.steps.len() == 1 {
            return 0.5;
        }
        let slope = (last.1 - first.1) / (last.0 - first.0);
        match self.steps.partition_point(|step| step.0 < value) {
            0 => first.1 + slope * (value - first.0),
            n if n == self.steps.len() => last.1 + slope * (value - last.0),
            n => {
                let ((x0, y0), (x1, y1)) = (self.steps[n - 1], self.steps[n]);
                y0 + (y1 - y0) * (value - x0) / (x1 - x0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_share_their_mean_rank() {
        assert_eq!(ranks(&[3.0, 1.0, 3.0, 2.0]), [2.5, 0.0, 2.5, 1.0]);
        assert_eq!(rank_sums(&[vec![3.0, 1.0, 3.0, 2.0], vec![0.0, 9.0, 1.0, 1.0]]), [2.5, 3.0, 4.0, 2.5]);
        assert_eq!(rank_sums(&[]), [0.0; 0]);
    }

    #[test]
    fn positions_are_ranks_inside_and_lines_outside() {
        let reference = Reference::of(&[1.0, 5.0, 2.0, 2.0, 3.0]).unwrap();
        let positions = [1.0, 2.0, 3.0, 5.0].map(|v| reference.position(v));
        for (found, expected) in positions.into_iter().zip([0.0, 0.375, 0.75, 1.0]) {
            assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        }
        assert!((reference.position(4.0) - 0.875).abs() < 1e-12);
        // The mean slope is 1/4.
        assert!((reference.position(7.0) - 1.5).abs() < 1e-12);
        assert!((reference.position(-1.0) + 0.5).abs() < 1e-12);
        assert!((Reference::of(&[2.0, 2.0]).unwrap().position(9.0) - 0.5).abs() < 1e-12);
    }

    #[test]
    fn what_is_no_sample_is_refused() {
        assert_eq!(Reference::of(&[1.0]), None);
        assert_eq!(Reference::of(&[1.0, f64::NAN]), None);
    }
}
