//! Which observations stand for many.

use ndarray::Array1;

/// Fewest observations, the last ones, that leave-one-out predictions are made of where there are more.
pub(super) const LAST: usize = 400;

/// Positions of the `limit / 2` highest targets and of `limit / 2` others, spread evenly by target, rising; `None`
/// if there are at most `limit` in all.
pub(super) fn spread(targets: &Array1<f64>, limit: usize) -> Option<Vec<usize>> {
    let n = targets.len();
    if n <= limit {
        return None;
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&a, &b| targets[b].total_cmp(&targets[a]));
    let (top, others) = order.split_at(limit / 2);
    let count = limit - top.len();
    let mut part = top.to_vec();
    part.extend((0..count).map(|i| others[i * others.len() / count]));
    part.sort_unstable();
    Some(part)
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn the_best_and_a_spread_of_the_others_by_hand() {
        let targets = array![0.0, 9.0, 1.0, 2.0, 8.0, 3.0, 4.0];
        assert_eq!(spread(&targets, 7), None);
        // 9 and 8, and of 4, 3, 2, 1, 0 the first and the third.
        assert_eq!(spread(&targets, 4), Some(vec![1, 3, 4, 6]));
    }
}
