//! Polynomials with whole coefficients, without a constant term.

use std::collections::BTreeMap;

/// Most terms of a product, and the most that a product is tried for.
const MOST_TERMS: usize = 256;

/// Largest power of a variable.
const MOST_POWER: u16 = 1 << 12;

/// Variables with their powers, ascending.
pub(super) type Monomial = Vec<(u16, u16)>;

/// Terms with their coefficients, none of which is 0.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Polynomial(BTreeMap<Monomial, i64>);

impl Polynomial {
    pub(super) fn variable(variable: u16) -> Self {
        Self(BTreeMap::from([(vec![(variable, 1)], 1)]))
    }

    /// The variable that this polynomial is.
    pub(super) fn as_variable(&self) -> Option<u16> {
        match self.0.first_key_value() {
            Some((monomial, 1)) if self.0.len() == 1 => match monomial[..] {
                [(variable, 1)] => Some(variable),
                _ => None,
            },
            _ => None,
        }
    }

    pub(super) fn terms(&self) -> impl Iterator<Item = (&Monomial, i64)> {
        self.0.iter().map(|(monomial, coefficient)| (monomial, *coefficient))
    }

    /// This polynomial plus `sign` times another; none where a coefficient is too large.
    pub(super) fn plus(&self, other: &Self, sign: i64) -> Option<Self> {
        let mut sum = self.0.clone();
        for (monomial, coefficient) in &other.0 {
            add(&mut sum, monomial.clone(), sign.checked_mul(*coefficient)?)?;
        }
        Some(Self(sum))
    }

    /// The product; none where it has too many terms or too large numbers.
    pub(super) fn times(&self, other: &Self) -> Option<Self> {
        if self.0.len() * other.0.len() > MOST_TERMS {
            return None;
        }
        let mut product = BTreeMap::new();
        for (a, x) in &self.0 {
            for (b, y) in &other.0 {
                add(&mut product, joined(a, b)?, x.checked_mul(*y)?)?;
            }
        }
        Some(Self(product))
    }
}

fn add(sum: &mut BTreeMap<Monomial, i64>, monomial: Monomial, coefficient: i64) -> Option<()> {
    let old = sum.remove(&monomial).unwrap_or(0);
    let new = old.checked_add(coefficient)?;
    if new != 0 {
        sum.insert(monomial, new);
    }
    Some(())
}

/// The product of two monomials.
fn joined(a: &Monomial, b: &Monomial) -> Option<Monomial> {
    let mut powers: BTreeMap<u16, u16> = a.iter().copied().collect();
    for &(variable, power) in b {
        let sum = powers.entry(variable).or_insert(0);
        *sum += power;
        if *sum > MOST_POWER {
            return None;
        }
    }
    Some(powers.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blends_of_equal_values_cancel_their_gate() {
        let [a, b] = [0, 1].map(Polynomial::variable);
        let product = a.times(&b).unwrap();
        // a·b + b − a·b
        let blend = product.plus(&b, 1).unwrap().plus(&product, -1).unwrap();
        assert_eq!((blend.as_variable(), blend), (Some(1), b.clone()));
        let square = a.plus(&b, 1).unwrap().times(&a.plus(&b, 1).unwrap()).unwrap();
        let terms: Vec<(Monomial, i64)> = square.terms().map(|(m, c)| (m.clone(), c)).collect();
        assert_eq!(terms, [(vec![(0, 1), (1, 1)], 2), (vec![(0, 2)], 1), (vec![(1, 2)], 1)]);
    }

    #[test]
    fn what_grows_too_large_is_no_polynomial() {
        let mut power = Polynomial::variable(0);
        while let Some(square) = power.times(&power) {
            power = square;
        }
        assert_eq!(power.terms().next().unwrap().0, &vec![(0, MOST_POWER)]);
        let mut double = Polynomial::variable(0);
        while let Some(sum) = double.plus(&double, 1) {
            double = sum;
        }
        assert_eq!(double.terms().next().unwrap().1, 1 << 62);
    }
}
