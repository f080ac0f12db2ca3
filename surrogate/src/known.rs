//! What is known of architectures before any is measured: an indicator, a count, a score on other data.

use std::collections::HashMap;
use std::sync::Arc;

use bonas_spaces::{Architecture, Key};

use crate::SurrogateError;
use crate::ranks::gaussian_ranks;

const NAME: &str = "prior knowledge";

/// A number for every architecture that a surrogate will be asked of, as Gaussian ranks among all of
/// them. Cheap to clone.
///
/// [`crate::prior_mean::PriorMean`] takes it as the mean of any surrogate,
/// [`crate::graph_gp::GraphGp::knowing`] as a mean or a feature whose weight is learned.
#[derive(Clone, Debug)]
pub struct Known(Arc<HashMap<Key, f64>>);

impl Known {
    /// Values of all architectures; whether higher or lower is better need not be known.
    ///
    /// # Errors
    /// [`SurrogateError::Data`] for fewer than two values, or one that is not finite.
    pub fn new(values: &[(Key, f64)]) -> Result<Self, SurrogateError> {
        if values.len() < 2 {
            let reason = format!("{} values of the indicator; at least 2 are needed", values.len());
            return Err(SurrogateError::data(NAME, reason));
        }
        if let Some((key, value)) = values.iter().find(|(_, value)| !value.is_finite()) {
            let reason =
                format!("the indicator of {key} is {value}; leave the architecture out or score it again");
            return Err(SurrogateError::data(NAME, reason));
        }
        let numbers: Vec<f64> = values.iter().map(|(_, value)| *value).collect();
        let (ranks, _) = gaussian_ranks(&numbers);
        Ok(Self(Arc::new(values.iter().map(|(key, _)| *key).zip(ranks).collect())))
    }

    /// Gaussian ranks of some architectures, in order.
    ///
    /// # Errors
    /// [`SurrogateError::Data`] naming an architecture whose value is not known.
    pub fn ranks<'a>(
        &self,
        architectures: impl IntoIterator<Item = &'a Architecture>,
    ) -> Result<Vec<f64>, SurrogateError> {
        let rank = |(i, a): (usize, &Architecture)| {
            self.0.get(&a.key()).copied().ok_or_else(|| {
                let reason =
                    format!("no value of the indicator for architecture {i}, {}; score it first", a.key());
                SurrogateError::data(NAME, reason)
            })
        };
        architectures.into_iter().enumerate().map(rank).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::toy_architectures;

    #[test]
    fn what_is_missing_or_no_number_is_named() {
        let architectures = toy_architectures(3, 1);
        let values: Vec<_> = architectures.iter().enumerate().map(|(i, a)| (a.key(), i as f64)).collect();
        assert!(Known::new(&values[..1]).unwrap_err().to_string().contains("1 values"));
        let nan = [values[0], (values[1].0, f64::NAN)];
        assert!(Known::new(&nan).unwrap_err().to_string().contains("is NaN"));
        let known = Known::new(&values[..2]).unwrap();
        let error = known.ranks(&architectures).unwrap_err().to_string();
        assert!(error.contains("no value of the indicator for architecture 2"), "{error}");
        // Two values: a quarter and three quarters.
        let ranks = known.ranks(&architectures[..2]).unwrap();
        assert!((ranks[1] - crate::normal::quantile(0.75)).abs() < 1e-12 && ranks[0] == -ranks[1]);
    }
}
