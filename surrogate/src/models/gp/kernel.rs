//! Stationary kernels as functions of a scaled squared distance.

use std::f32::consts::LOG2_E;

use multiversion::multiversion;

/// Shape of a kernel; `a` is the squared distance in units of lengthscales.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Kernel {
    /// Matérn with ν = 3/2: `(1 + r) e⁻ʳ`, `r = √(3a)`.
    #[default]
    Matern32,
    /// Matérn with ν = 5/2: `(1 + r + r²/3) e⁻ʳ`, `r = √(5a)`.
    Matern52,
    /// Squared exponential: `e^(-a/2)`.
    Rbf,
}

impl Kernel {
    /// Value `κ(a)`, and `-2 κ'(a)`; the derivative by the logarithm of the lengthscale is `a` times
    /// the second. Finite for all `a >= 0`.
    #[inline]
    pub(crate) fn value_and_slope(self, a: f64) -> (f64, f64) {
        match self {
            Self::Matern32 => {
                let r = (3.0 * a).sqrt();
                let e = (-r).exp();
                ((1.0 + r) * e, 3.0 * e)
            }
            Self::Matern52 => {
                let r = (5.0 * a).sqrt();
                let e = (-r).exp();
                ((1.0 + r + r * r / 3.0) * e, 5.0 / 3.0 * (1.0 + r) * e)
            }
            Self::Rbf => {
                let e = (-0.5 * a).exp();
                (e, e)
            }
        }
    }

    /// Adds `scale κ(‖x - y‖²)` for several `y` to `sums`, from `‖x‖²`, all `‖y‖²` and all `x·y`. Where rounding
    /// makes a squared distance negative, it is 0.
    ///
    /// Single precision: an error of about 2e-7 besides that of the distance. The loops are written so that the
    /// compiler vectorises them.
    pub(crate) fn accumulate(
        self,
        scale: f32,
        length: f32,
        lengths: &[f32],
        products: &[f32],
        sums: &mut [f32],
    ) {
        accumulate(self, scale, length, lengths, products, sums);
    }
}

/// See [`Kernel::accumulate`]. Wider vectors give the same bits: nothing is fused or reordered.
#[multiversion(targets("x86_64+avx+avx2"))]
fn accumulate(kernel: Kernel, scale: f32, length: f32, lengths: &[f32], products: &[f32], sums: &mut [f32]) {
    let square = |(y, xy): (&f32, &f32)| (length + y - 2.0 * xy).max(0.0);
    let each = lengths.iter().zip(products).map(square).zip(sums);
    match kernel {
        Kernel::Matern32 => each.for_each(|(a, sum)| {
            let r = (3.0 * a).sqrt();
            *sum += scale * (1.0 + r) * exp_minus(r);
        }),
        Kernel::Matern52 => each.for_each(|(a, sum)| {
            let r = (5.0 * a).sqrt();
            *sum += scale * (1.0 + r + a * (5.0 / 3.0)) * exp_minus(r);
        }),
        Kernel::Rbf => each.for_each(|(a, sum)| *sum += scale * exp_minus(0.5 * a)),
    }
}

/// `e⁻ʳ` for `r >= 0`: an integer power of 2 by its bits, times a Taylor polynomial of degree 6 on `[-½, ½]` (error
/// 1e-7). Values below 2⁻¹²⁵ are raised to that.
#[inline]
fn exp_minus(r: f32) -> f32 {
    /// Adding it to a number below 2²² leaves the rounded integer in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    let t = (-r * LOG2_E).max(-125.0);
    let whole = t + ROUND;
    let f = (t - (whole - ROUND)) * std::f32::consts::LN_2;
    let p = 1.0
        + f * (1.0 + f * (0.5 + f * (1.0 / 6.0 + f * (1.0 / 24.0 + f * (1.0 / 120.0 + f * (1.0 / 720.0))))));
    f32::from_bits(p.to_bits().wrapping_add(whole.to_bits() << 23))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_by_hand() {
        // At a = 1/3, r = 1: (1 + 1)/e. At a = 1/5: (1 + 1 + 1/3)/e. At a = 2: 1/e.
        let e = std::f64::consts::E;
        assert!((Kernel::Matern32.value_and_slope(1.0 / 3.0).0 - 2.0 / e).abs() < 1e-15);
        assert!((Kernel::Matern52.value_and_slope(0.2).0 - 7.0 / 3.0 / e).abs() < 1e-15);
        assert!((Kernel::Rbf.value_and_slope(2.0).0 - 1.0 / e).abs() < 1e-15);
    }

    /// Many at a time, in vectors, are to the bit what they are one by one: studies resume on other machines.
    #[test]
    fn vectors_change_nothing() {
        let values = |scale: f32| (0..101).map(|i| scale * (i * 37 % 101) as f32).collect::<Vec<_>>();
        let (lengths, products) = (values(0.3), values(0.11));
        for kernel in [Kernel::Matern32, Kernel::Matern52, Kernel::Rbf] {
            let mut all = vec![0.5; 101];
            kernel.accumulate(0.7, 2.3, &lengths, &products, &mut all);
            for i in 0..101 {
                let mut alone = [0.5];
                kernel.accumulate(0.7, 2.3, &lengths[i..=i], &products[i..=i], &mut alone);
                assert_eq!(alone[0].to_bits(), all[i].to_bits(), "{kernel:?} {i}");
            }
        }
    }

    #[test]
    fn slopes_agree_with_finite_differences_and_single_precision_with_double() {
        for kernel in [Kernel::Matern32, Kernel::Matern52, Kernel::Rbf] {
            for a in [1e-3, 0.1, 1.0, 7.0, 90.0] {
                let h = 1e-6 * a;
                let numeric = (kernel.value_and_slope(a - h).0 - kernel.value_and_slope(a + h).0) / h;
                assert!((numeric - kernel.value_and_slope(a).1).abs() < 1e-6, "{kernel:?} {a}");
            }
            for a in [0.0f32, -1e-6, 1e-4, 0.3, 2.0, 40.0, 1e4] {
                let mut sum = [1.0];
                kernel.accumulate(2.0, a, &[0.0], &[0.0], &mut sum);
                let exact = 1.0 + 2.0 * kernel.value_and_slope(f64::from(a.max(0.0))).0;
                assert!((f64::from(sum[0]) - exact).abs() < 1e-6, "{kernel:?} {a}");
            }
        }
    }
}
