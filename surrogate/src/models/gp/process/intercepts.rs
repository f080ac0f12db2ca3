//! Intercepts of groups.

use ndarray::{Array1, Array2};

use super::super::factored::{Covariance, Features, Form, Term};
use super::{Basis, Process};

impl Process {
    /// What the others of its group say of the intercept of each observation `[n]`, whose features are `x [n, d]`; 0 where there
    /// are no groups.
    ///
    /// `bᵢ = a² Σⱼ [gᵢ = gⱼ] (αⱼ - K⁻¹ⱼᵢ αᵢ / K⁻¹ᵢᵢ)`, where the bracket has the weights `α` without observation i: an intercept that
    /// had seen its noise would take some of that noise away. Through inducing points it has seen it, as one of more than
    /// 2,000.
    pub(crate) fn intercepts(&self, x: &Array2<f32>) -> Array1<f64> {
        let covariance = self.basis.covariance();
        let is_intercept = |term: &&Term| term.form == Form::Intercept;
        let terms: Vec<Term> = covariance.terms.iter().filter(is_intercept).cloned().collect();
        if terms.is_empty() {
            return Array1::zeros(x.nrows());
        }
        let pairs = self.basis.features().iter().zip(&covariance.terms);
        let basis: Features =
            pairs.filter(|(_, term)| is_intercept(term)).map(|(own, _)| own.clone()).collect();
        let only = Covariance { terms, ..covariance.clone() };
        let shared = only.between(&only.features(x.view()), &basis).mapv(f64::from); // [n, n]
        let mut intercepts = shared.dot(&self.alpha);
        if let Basis::All(observed) = &self.basis {
            let inverse = observed.factor.inverse(); // [n, n]
            for (i, intercept) in intercepts.iter_mut().enumerate() {
                *intercept -= shared.row(i).dot(&inverse.row(i)) * self.alpha[i] / inverse[[i, i]];
            }
        }
        intercepts
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::super::super::objective::JITTER;
    use super::super::tests::{term, with_terms};
    use super::*;

    /// Three observations far from each other, the first two in one group: their covariance is `[[c, s], [s, c]]` with
    /// `c = 0.5 + s + σ²` for intercepts of variance `s = 2`, and the third's is `c`. The fourth is in no group: `c - s`.
    #[test]
    fn intercepts_of_groups_by_hand() {
        let group = Term { columns: 1..2, scale: array![1.0], variance: 2.0, form: Form::Intercept };
        let x = array![[0.0, 1.0], [50.0, 1.0], [100.0, 2.0], [150.0, 0.0]];
        let process = with_terms(vec![term(0), group], 0.25, &x, array![1.0, 2.0, 3.0, 4.0]);
        let (c, s) = (2.75 + JITTER, 2.0);
        let determinant = c * c - s * s;
        let alpha = [(c - 2.0 * s) / determinant, (2.0 * c - s) / determinant, 3.0 / c, 4.0 / (c - s)];
        let (mean, variance) = process.predict(&array![[0.0, 0.0], [100.0, 0.0], [999.0, 0.0], [150.0, 0.0]]);
        for (mean, expected) in mean.iter().zip([0.5 * alpha[0], 0.5 * alpha[2], 0.0, 0.5 * alpha[3]]) {
            assert!((mean - expected).abs() < 1e-6, "{mean} {expected}");
        }
        assert!(
            (variance[0] - (0.5 - 0.25 * c / determinant)).abs() < 1e-6,
            "no intercept in it: {variance:?}"
        );
        let intercepts = process.intercepts(&x);
        // Of the first by the second alone, and the other way round; the third is alone in its group.
        let of = [s * 2.0 / c, s / c, 0.0, 0.0];
        assert!(intercepts.iter().zip(of).all(|(a, b)| (a - b).abs() < 1e-6), "{intercepts}");
    }
}
