//! How smaller kernels are made of larger ones.

/// How a network of several architectures makes the smaller kernels of a convolution of its larger ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kernels {
    /// The middle of a kernel of side k + 2, as a vector, times a learned matrix of k² × k² that all channels of the layer
    /// share: 7 → 5 → 3 (Cai et al. 2020, `KERNEL_TRANSFORM_MODE = 1`). Matrices start as identities.
    #[default]
    Transformed,
    /// The middle of the kernel as it is.
    Cropped,
}

impl Kernels {
    /// Sides of the kernels that matrices make on the way from those of side `whole` to those of side `part`, the largest
    /// first; none where nothing is transformed.
    pub fn made(self, whole: usize, part: usize) -> Vec<usize> {
        match self {
            Self::Transformed => {
                let mut sides: Vec<usize> = (part..whole).step_by(2).collect();
                sides.reverse();
                sides
            }
            Self::Cropped => Vec::new(),
        }
    }

    /// Numbers of the matrix that makes kernels of a side k: k⁴.
    pub fn matrix_params(side: usize) -> usize {
        side.pow(4)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_are_made_one_after_the_other() {
        assert_eq!(Kernels::Transformed.made(7, 3), [5, 3]);
        assert_eq!(Kernels::Transformed.made(5, 3), [3]);
        assert!(Kernels::Transformed.made(7, 7).is_empty() && Kernels::Cropped.made(7, 3).is_empty());
    }
}
